"""``mpp run``."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click

from mpp.author.development import TENANT as DEVELOPMENT_TENANT
from mpp.cli.approve_terminal import ask_terminal
from mpp.cli.calling import Ask, by_flag, obtain, origin_of, person_here, recorded, user_name
from mpp.cli.options import find_package, home, json_option, passphrase_option
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
from mpp.stages.approval import warrant
from mpp.stages.policy import agent_event
from mpp.stages.privacy import Filter, has_placeholder
from mpp.stages.sandbox import HostCalls
from mpp.stages.sandbox import Arguments, read_arguments

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


@click.command(name="run")
@click.argument("file", required=False)
@click.option("--tool", "tool_name", default="", metavar="NAME", help="The tool to call; may be left out when the package has one.")
@click.option("--args", "arguments", default="{}", metavar="JSON|@FILE|-", help="The arguments: a JSON object, @FILE, or - for standard input.")
@click.option("--yes", is_flag=True, help="You are the person who approves this call; recorded as such. Counts up to security level medium.")
@click.option("--map", "maps", multiple=True, metavar="GUEST=HOST", help="Give the folder or file HOST in place of a declared path. May be repeated.")
@click.option("--workspace", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The folder that ${workspace} in a manifest stands for.")
@click.option("--timeout", "timeout_ms", type=click.IntRange(1, 600_000), default=None, metavar="MS", help="A shorter time limit than the manifest's.")
@click.option("--agent", default="", metavar="NAME", help="The agent on whose behalf you call.")
@click.option("--agent-key", default="", metavar="FILE", help="With --agent: the agent's key, which signs a proof for this very call.")
@click.option("--agent-token-file", default="", metavar="FILE", help="A file with the agent's token, in place of a key.")
@click.option("--agent-statement", default="", metavar="FILE", help="With --agent-key: the statement by which an organisation vouches for the key.")
@click.option("--agent-id-token", default="", metavar="FILE", help="With --agent-key: the ID token of an OIDC issuer, bound to the key.")
@click.option("--delegation", "delegations", multiple=True, metavar="FILE", help="With --agent-key: by which the agent acts for somebody; the first one first.")
@click.option("--on-behalf-of", "behalf", multiple=True, metavar="user:NAME|agent:NAME", help="For whom the agent acts, the nearest first.")
@passphrase_option
@click.option("--explain", is_flag=True, help="Show each stage with its time, who decided, and what the tool used.")
@json_option
def command(
    file: str | None, tool_name: str, arguments: str, yes: bool, maps: tuple[str, ...], workspace: str, timeout_ms: int | None, agent: str, agent_key: str,
    agent_token_file: str, agent_statement: str, agent_id_token: str, delegations: tuple[str, ...], behalf: tuple[str, ...], passphrase_file: str | None, explain: bool, as_json: bool,
) -> int:  # fmt: skip
    """Verify FILE (default: the package of the project you are in) and call one of its tools in the sandbox.

    The tool gets what its manifest declares, as far as policy allows it and you agree, and nothing else. Policy decides
    whether you are asked; without one, what is low in risk runs by itself once you have agreed to what the package declares.
    In a project, a build that is not signed yet runs in development mode: without secrets, with a storage of its own. What
    the tool says is shown without personal data and secrets; `mpp privacy patterns` lists what is searched for.

    \b
    Examples:
      mpp run hello-0.1.0.mpp --args '{"name": "Ada"}'
      mpp run notes.mpp --tool search --args @request.json --workspace ~/notes --explain
      mpp run crm.mpp --tool lookup --agent assistant --agent-key assistant.key
      echo '{"name": "Ada"}' | mpp run --args - --json

    \b
    Exit code:
      0        the tool answered
      11 … 20  the package was refused, as by `mpp verify`
      21, 22   the call was refused, or a yes did not count here
      23       policy denies the call
      24       a person must approve the call, or said no
      25       the agent is not who it says
      30       the tool failed, or says that it could not do it
    """
    wish = Wish(
        file=file, tool=tool_name, arguments=read_arguments(read_given(arguments)),
        places=Places(home=home().path, workspace=read_workspace(workspace), mappings=read_mappings(maps)),
        agent=AgentOptions(
            name=agent, key_file=agent_key, passphrase_file=passphrase_file, token_file=agent_token_file, statement_file=agent_statement,
            id_token_file=agent_id_token, delegations=delegations, behalf=behalf,
        ),
        yes=yes, timeout_ms=timeout_ms or 0, as_json=as_json,
    )  # fmt: skip
    secrets, clock, random = open_secrets(home()), SystemClock(), SystemRandom()
    with open_services(home(), clock, random) as on:
        contexts = SignedContexts(on.host.signer, clock, random)
        with standard_calls(home(), secrets, contexts=contexts) as calls, _sandbox(recorder := Recorder(calls)) as sandbox:
            return _call(wish, on, sandbox, secrets, recorder, explain=explain)


def _call(wish: Wish, on: Services, sandbox: Sandbox, secrets: SecretStore, recorder: Recorder, *, explain: bool) -> int:
    report = Report()
    with report.stage("verify"):
        taken = take_package(find_package(wish.file), ask=not wish.as_json, development=True)
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
    return lambda question: ask_terminal(question, person_here(on), on.clock)


def _run(
    wish: Wish, taken: Taken, judged: Judged, sandbox: Sandbox, ready: Ready, on: Services, secrets: SecretStore, vault: CallVault | None, through: Filter, sent: Sent
) -> Reply:  # fmt: skip
    tool = find_tool(taken.package.manifest, judged.grant.tool)
    about = Surroundings(
        environment=os.environ, clock_ns=time.time_ns, live=TerminalLive(quiet=wish.as_json), through=through,
        issue=lambda grant: warrant(grant, on.approvals, vault or on.events, on.clock.now(), on.approvals.use_standing), vault=vault,
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
def _sandbox(calls: HostCalls) -> Iterator[Sandbox]:
    sandbox = sandbox_of(home(), calls)
    # The processes start while the package is judged and compiled.
    sandbox.start()
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
