"""One call by ``mpp run``: the package verified, the call judged, the tool run, and what came of it shown."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from mpp.author.development import TENANT as DEVELOPMENT_TENANT
from mpp.cli.calling import Ask, by_flag, obtain, origin_of, person_here, recorded, user_name
from mpp.cli.options import find_package, home
from mpp.cli.packages import Taken, take_package
from mpp.cli.run_options import AgentOptions, identify_agent, read_given, read_mappings, read_workspace
from mpp.cli.run_report import Report, show, Shown
from mpp.cli.screen import note, safe
from mpp.cli.store.progress import Working
from mpp.errors import Refused
from mpp.host.agent_identity import user_behind
from mpp.host.audit.vault import CallVault, vault_for
from mpp.host.drive import drive
from mpp.host.finishing import finish
from mpp.host.gathering import alone
from mpp.host.granting import Places
from mpp.host.filtering import Whose, patterns_of
from mpp.host.leaving import reveal_event, send, Sent
from mpp.host.judging import Judged, privacy_of, Request, Services, Setting
from mpp.host.oncall import call_tool, find_tool, judge_arguments, new_invocation, Reply, Surroundings
from mpp.host.opening import open_services, setting_of
from mpp.host.policy_store import open_policies
from mpp.host.sandbox import entrypoint, native_cache, Ready, Sandbox, sandbox_of
from mpp.host.secret_store import open_secrets, SecretStore
from mpp.host.services.secrets import judge_stored
from mpp.host.services.standard import standard_calls
from mpp.host.services.transcript import Recorder
from mpp.host.signed_context import SignedContexts
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.agents import AgentIdentity
from mpp.model.value import value
from mpp.stages.approval import warranting
from mpp.stages.policy import agent_event
from mpp.stages.privacy import Filter, has_placeholder
from mpp.stages.sandbox import Arguments, HostCalls, read_arguments, Zygote

LARGE_CODE_BYTES = 2_000_000
"""Bytes of code from which a person is told that it takes a moment. Reason: it compiles in about a second."""

LOCAL_TENANT = "local"
"""The tenant of what a person runs at the command line."""


class TerminalLive:
    """Log lines and progress of a tool, on standard error while it runs."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def log(self, level: str, message: str) -> None:
        if not self._quiet and level != "debug":
            note(f"tool {level}: {safe(message)}")

    def progress(self, progress: float, total: float | None, message: str) -> None:
        if not self._quiet:
            share = f"{progress:g}" if total is None else f"{progress:g}/{total:g}"
            note(f"tool progress: {share} {safe(message)}".rstrip())


@value
class Given:
    """The options of the command, as they were written."""

    file: str | None
    tool: str
    arguments: str
    maps: tuple[str, ...]
    workspace: str
    agent: AgentOptions
    yes: bool
    timeout_ms: int
    as_json: bool
    explain: bool


@value
class Wish:
    """What the command was asked to do."""

    file: str | None
    tool: str
    arguments: Arguments
    places: Places
    agent: AgentOptions
    yes: bool
    timeout_ms: int
    as_json: bool


def call_package(given: Given, zygote: Zygote) -> int:
    """The exit code. ``zygote`` starts meanwhile."""
    wish = Wish(
        file=given.file, tool=given.tool, arguments=read_arguments(read_given(given.arguments)),
        places=Places(home=home().path, workspace=read_workspace(given.workspace), mappings=read_mappings(given.maps)),
        agent=given.agent, yes=given.yes, timeout_ms=given.timeout_ms, as_json=given.as_json,
    )  # fmt: skip
    secrets, clock, random = open_secrets(home()), SystemClock(), SystemRandom()
    with open_services(home(), clock, random) as on:
        contexts = SignedContexts(on.host.signer, clock, random)
        with standard_calls(home(), secrets, contexts=contexts) as calls, _sandbox(recorder := Recorder(calls), zygote) as sandbox:
            return _call(wish, on, sandbox, secrets, recorder, explain=given.explain)


def _call(wish: Wish, on: Services, sandbox: Sandbox, secrets: SecretStore, recorder: Recorder, *, explain: bool) -> int:
    report = Report()
    with report.stage("verify"):
        taken = take_package(find_package(wish.file), ask=not wish.as_json, development=True)
    sandbox.ahead(taken.package)
    invocation, tenant = new_invocation(on.random), tenant_of(taken)
    with recorded(on, tenant=tenant, invocation=invocation, package_id=taken.package.package_id, tool=wish.tool):
        with report.stage("judge arguments"):
            tool = find_tool(taken.package.manifest, wish.tool)
            if not has_placeholder(wish.arguments.data.decode()):
                judge_arguments(tool, wish.arguments)
        with report.stage("policy and approval"):
            # Nobody is asked about a call of which nothing could be kept.
            vault = vault_for(home().log, on.random, recorder, on.events, invocation)
            judged, at, sent = _judged(wish, taken, invocation, on)
            # Attack: a host that cannot filter. It says so before anything runs.
            through = _filter(judged, taken, at, on)
            judge_stored(judged.rights.env, judged.rights.secrets, judged.rights.package_id, secrets)
        with report.stage("compile"):
            _announce(taken, as_json=wish.as_json)
            with Working("compiling", quiet=wish.as_json):
                ready = sandbox.prepare(taken.package, judged.grant.token, judged.rights)
        with report.stage("start"):
            drive(sandbox.warm(ready, judged.grant.agent))
        with report.stage("run"):
            reply = _run(wish, taken, judged, sandbox, ready, on, secrets, vault, through, sent)
    finished = finish(judged, reply, on)
    if "." in reply.vault:
        note(f"warning: the vault could not keep this call; the record says so [{reply.vault}]")
    sandbox.release(ready)
    shown = Shown(
        package=taken.package.package_id, version=taken.package.version, development=taken.development, judged=judged, receipt=finished.receipt, entry=finished.entry,
        because=taken.package.trusted_because, fresh=ready.compiled.fresh,
    )  # fmt: skip
    return show(report, shown, ready, reply, as_json=wish.as_json, explain=explain)


def _judged(wish: Wish, taken: Taken, invocation: str, on: Services) -> tuple[Judged, Setting, Sent]:
    """Who calls, with what, and whether they may."""
    _no_secrets(taken)
    tool, tenant = find_tool(taken.package.manifest, wish.tool), tenant_of(taken)
    found = identify_agent(wish.agent, taken.package, tool.name, wish.arguments.sha256, home().agents, on)
    if wish.agent.is_given:
        on.events.record(agent_event(found.identity, at=on.clock.now(), tenant=tenant, invocation=invocation, proof_jti=found.proof_jti, roles=found.roles))
    at = setting_of(open_policies(home(), on.clock, events=on.events), wish.places, taken.trust)
    # Spec: 6-privacy F-22. Nobody is asked about a package whose answers this host would not filter as it asks.
    on.filters.rules(patterns_of(at.privacy, taken.package.manifest.privacy_filters), require=at.privacy.require)
    # Before any rule and any person sees them: what must not go to a tool goes nowhere.
    sent = send(wish.arguments, tool, taken.package, at.privacy, Whose(tenant=tenant, agent=found.identity.name), on.filters)
    request = Request(
        invocation=invocation, package=taken.package, tool=tool, arguments=sent.given, agent=found.identity, shown=sent.shown if sent.differs else None,
        user=_user(found.identity), origin=origin_of(is_agent=wish.agent.is_given), tenant=tenant, development=taken.development,
    )  # fmt: skip
    return obtain(request, at, on, _way_to_ask(wish, at, on)), at, sent


def _filter(judged: Judged, taken: Taken, at: Setting, on: Services) -> Filter:
    whose = Whose(tenant=judged.asked.tenant, agent=judged.grant.agent.name)
    return on.filters.bind(privacy_of(judged, at), taken.package.manifest.privacy_filters, whose)


def _user(identity: AgentIdentity) -> str:
    """Attack: ``--on-behalf-of user:boss``, by which whoever calls would be whom a policy allows. A user who signed counts, and else who runs this."""
    signed = identity.behind and identity.behind[-1].level == "signed"
    return (user_behind(identity) if signed else "") or user_name()


def _way_to_ask(wish: Wish, at: Setting, on: Services) -> Ask:
    if wish.yes:
        return partial(by_flag, at=at, on=on)
    if wish.as_json:
        return lambda _: None
    from mpp.cli.approve_terminal import ask_terminal  # noqa: PLC0415 - only where somebody can be asked

    return lambda question: ask_terminal(question, person_here(on), on.clock)


def _run(
    wish: Wish, taken: Taken, judged: Judged, sandbox: Sandbox, ready: Ready, on: Services, secrets: SecretStore, vault: CallVault | None, through: Filter, sent: Sent
) -> Reply:  # fmt: skip
    tool = find_tool(taken.package.manifest, judged.grant.tool)
    about = Surroundings(
        environment=os.environ, clock_ns=time.time_ns, live=TerminalLive(quiet=wish.as_json), through=through,
        issue=lambda grant: warranting(grant, on.approvals, on.events, on.clock.now(), on.approvals.use_standing, alone(vault or on.events)), vault=vault,
    )  # fmt: skip
    if sent.differs:
        on.events.record(
            reveal_event(
                sent, tenant=judged.asked.tenant, invocation=judged.grant.invocation, package_id=judged.asked.package_id, tool=tool.name, at=on.clock.now()
            )
        )
    steps = call_tool(
        sandbox, ready, tool, sent, judged.grant, judged.asked.user, about,
        secrets=None if taken.development else secrets, timeout_ms=wish.timeout_ms,
    )  # fmt: skip
    return drive(steps)


def _announce(taken: Taken, *, as_json: bool) -> None:
    """A word before what may take seconds, where it was not done before."""
    code = taken.package.archive.find(taken.package.manifest.runtime.entrypoint)
    if code is None or code.size < LARGE_CODE_BYTES or taken.package.manifest.runtime.layer is not None or as_json:
        return
    digest = hashlib.sha256(entrypoint(taken.package)).hexdigest()
    if not any(one.current and one.wasm_sha256 == digest for one in native_cache(home().cache).entries()):
        note(f"preparing {code.size / 1e6:.1f} MB of code; it is compiled once on this machine")


@contextmanager
def _sandbox(calls: HostCalls, zygote: Zygote) -> Iterator[Sandbox]:
    sandbox = sandbox_of(home(), calls, zygote)
    try:
        yield sandbox
    finally:
        sandbox.close()


def tenant_of(taken: Taken) -> str:
    return DEVELOPMENT_TENANT if taken.development else LOCAL_TENANT


def _no_secrets(taken: Taken) -> None:
    """Spec: 5-sandbox S-70. An unsigned build can be changed by whoever can write to the project."""
    declared = taken.package.manifest.capabilities
    if taken.development and (declared.secrets or declared.env_vars):
        names = ", ".join([*declared.env_vars, *(secret.name for secret in declared.secrets)])
        raise Refused("consent.development", f"an unsigned build gets no secrets, and this one declares {names}", hint="sign it: mpp sign, then mpp run")
