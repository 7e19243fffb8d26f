"""The integration API: verify a file, ask a policy, run it in the sandbox. Four names are enough for a host.

    found = Gatekeeper.verify_file("tool.mpp")
    match PermissionPolicy().auto_approve_low(True).evaluate(found.manifest):
        case Granted(token=token):
            with WasmSandbox() as sandbox:
                output = sandbox.execute(found.wasm_binary, SandboxConfig(stdin_data=request, capability_token=token))

It is thin: each step is the one that ``mpp run`` takes, and none can be left out. Spec: spec/3-policy.md section 5.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Final, Self

from mpp.errors import HostFailed, MppError
from mpp.files import take
from mpp.host.described import to_look_at
from mpp.host.drive import drive
from mpp.host.granting import Places, rights_for
from mpp.host.home import Home, find_home
from mpp.host.integration_approval import approve, grant_of, granted_by, judge_tool
from mpp.host.integration_privacy import PrivacyFilterEngine
from mpp.host.integration_types import Output, SandboxConfig, limit_of, read_request
from mpp.host.audit.log import AuditLog
from mpp.host.audit.vault import vault_for
from mpp.host.filtering import Whose
from mpp.host.finishing import refused_event
from mpp.host.leaving import Sent, callee_of, reveal_event, send
from mpp.host.oncall import OK, border_of, context_of, keep_call, new_invocation, result_event, shown_digest, told
from mpp.host.once import SpentHere
from mpp.host.ready import ReadyPackages
from mpp.host.sandbox import NANOSECONDS, CallInput, Ready, sandbox_of
from mpp.host.secret_entry import check_value
from mpp.host.secret_store import SecretStore, open_secrets
from mpp.host.services.border import Border
from mpp.host.services.secrets import judge_stored, resolve_env
from mpp.host.services.standard import standard_calls
from mpp.host.services.transcript import Recorder
from mpp.host.opening import open_filters
from mpp.host.system import SystemClock, SystemRandom
from mpp.host.stops import StopStore
from mpp.host.trust_store import TrustStore, remember_root
from mpp.model.agents import ANONYMOUS, AgentIdentity
from mpp.model.manifest import ToolDefinition
from mpp.model.rights import Rights
from mpp.model.scope import scope_of
from mpp.ports import Events, Once
from mpp.stages.approval import Grant, warrant
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import TrustState, Verified, VerifiedCode, VerifiedPackage, package_of, verified, verify
from mpp.stages.policy import NO_PRIVACY, CapabilityToken, PrivacyRules, privacy_for, token_event
from mpp.stages.privacy import FilteredLive, Report, clean_run
from mpp.stages.sandbox import Arguments, Live, Run, ToolReply, read_reply, request_line

READY_MAX = 32
"""Packages that one ``WasmSandbox`` keeps ready. Reason: each holds descriptors and native code; a host uses tens at a time."""

LOCAL = "local"
"""The tenant of a host that serves one."""

__all__ = ("Gatekeeper", "Output", "PrivacyFilterEngine", "SandboxConfig", "WasmSandbox", "approve", "extract_approved_dirs", "extract_approved_env_vars")


class Gatekeeper:
    """The seven checks, for a file."""

    @staticmethod
    def verify_file(path: str | os.PathLike[str], trust: TrustState | None = None, now: int | None = None) -> Verified:
        """Read once, verify, and give the views that policy and sandbox take. ``trust``: the trust store of ``$MPP_HOME`` if left out."""
        data = take(os.fspath(path), TOTAL_BYTES_MAX)
        moment = int(time.time()) if now is None else now
        if trust is not None:
            return _judged_texts(verify(data, trust, moment))
        store = TrustStore(find_home(os.environ).trust)
        package = verify(data, store.load(), moment)
        # A home that cannot be written does not change the verdict of today.
        with suppress(HostFailed):
            remember_root(store, package.chain)
        return _judged_texts(package)


def _judged_texts(package: VerifiedPackage) -> Verified:
    """The views of a package. Attack: a host that shows a model what hides something, before any policy is asked. Spec: F-64."""
    to_look_at(package.manifest)
    return verified(package)


def extract_approved_env_vars(token: CapabilityToken, secrets: SecretStore | None = None) -> dict[str, str]:
    """The variables that the token opens, with the values that their owner stored; never those of this process."""
    store = secrets or open_secrets(find_home(os.environ))
    return dict(resolve_env(token.scope.env, token.package_id, store, os.environ))


def extract_approved_dirs(token: CapabilityToken) -> dict[str, str]:
    """The paths that the token opens, each at its own place. Change a value to place it elsewhere, take out what need not be opened."""
    return {path: path for path in (*token.scope.read, *token.scope.write)}


class _Quiet:
    """Nobody listens to what a tool says while it runs."""

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


_SPENT: Final = SpentHere()
"""Approvals of this process, whichever sandbox spends them. Attack: one yes and a new sandbox for each run."""


class WasmSandbox:
    """Runs verified code with what a token opens. Safe to use from several threads; closed by ``with``, ``close`` or the end of the process."""

    def __init__(
        self, *, home: Home | None = None, workspace: str = "", private_hosts: tuple[str, ...] = (), tenant: str = LOCAL, agent: AgentIdentity = ANONYMOUS,
        user: str = "", events: Events | None = None, once: Once | None = None, live: Live | None = None,
        privacy: PrivacyRules = NO_PRIVACY,
    ) -> None:  # fmt: skip
        """``events``: the record of the home if left out. ``private_hosts``: ``host:port`` that may lead into the own network.

        ``privacy``: what this host wants of the privacy filter; without it everything is filtered, and nothing is exempt.
        """
        self._home = home or find_home(os.environ)
        self._workspace, self._private_hosts, self._tenant = workspace, private_hosts, tenant
        self._agent, self._user, self._privacy = agent, user, privacy
        log = AuditLog(self._home)
        self._events: Events = events or log
        self._once: Once = once or _SPENT
        self._live: Live = live or _Quiet()
        self._secrets = open_secrets(self._home)
        self._stops = StopStore(self._home.stops)
        stack = ExitStack()
        stack.callback(log.close)
        self._filters = open_filters(self._home, SystemClock(), SystemRandom())
        self._recorder = Recorder(stack.enter_context(standard_calls(self._home, self._secrets)))
        self._sandbox = sandbox_of(self._home, self._recorder)
        stack.callback(self._sandbox.close)
        self._ready = ReadyPackages(self._sandbox, most=READY_MAX)
        stack.callback(self._ready.close)
        self._closing = weakref.finalize(self, stack.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all its processes. To close it again does nothing."""
        self._closing()

    def execute(self, wasm_binary: VerifiedCode, config: SandboxConfig) -> Output:
        """One run. What the token does not open is refused before anything runs; a tool that fails is raised. Spec: 3-policy R-30 to R-37."""
        package = package_of(wasm_binary)
        self._stops.current().judge(package.package_id, package.publisher_id, package.content_hash)
        wide, approved = granted_by(config.capability_token, package, self._tenant)
        tool, arguments = read_request(config.stdin_data, package.manifest)
        judge_tool(wide, approved, tool.name, arguments)
        invocation = new_invocation(SystemRandom())
        sent = self._sent(arguments, tool, package, invocation)
        seconds, memory = config.seconds(package.manifest.runtime.timeout_ms / 1000), config.memory(package.manifest.runtime.memory_limit_mb << 20)
        for name, text in config.env_vars.items():
            check_value(text, name, for_header=False)
        limit = limit_of(config, wide.scope, scope_of(package.manifest), tool.name)
        token = wide.attenuate(limit, timeout_ms=max(1, round(seconds * 1000)))
        grant = grant_of(token, approved, tool.name, sent.given, self._agent, invocation)
        vault = vault_for(self._home.log, SystemRandom(), self._recorder, self._events, grant.invocation)
        by = self._filters.bind(privacy_for(self._privacy, callee_of(package, tool.name)), package.manifest.privacy_filters, self._whose)
        through, border = sent.through(by), border_of(by, sent, config.env_vars.items())
        live = FilteredLive(self._live, through)
        with self._ready.use(package, token, self._rights(package, token, config)) as ready:
            self._events.record(token_event("token-narrowed", token, grant.invocation, int(time.time())))
            given = self._given(ready, live, grant, tool, sent.given, config.env_vars, seconds, memory, border)
            self._tell_revealed(sent, grant)
            issued = warrant(grant, self._once, vault or self._events, given.now_ns // NANOSECONDS)
            run = drive(self._sandbox.call(ready, issued, given))
        reply, fault = _judged(run, tool)
        clean = clean_run(reply, fault, run.stderr, through)
        kept = keep_call(vault, ready, given, sent.given, run, clean.reply) if vault is not None else ""
        privacy = told((clean.report, *live.reports), border)
        self._tell(run, grant, OK if fault is None else fault.code, shown_digest(clean.reply), privacy, kept)
        if clean.fault is not None:
            raise clean.fault
        if clean.reply is None:
            raise HostFailed("host.answer", "a run without a fault had no answer", where=tool.name, hint="report this as a defect")
        return Output(result=clean.reply, stderr=clean.stderr, privacy=privacy, used=run.used, seconds=run.seconds, invocation=grant.invocation)

    def _given(
        self, ready: Ready, live: Live, grant: Grant, tool: ToolDefinition, arguments: Arguments, env: Mapping[str, str], seconds: float, memory: int, border: Border
    ) -> CallInput:  # fmt: skip
        return CallInput(
            context=(context := context_of(ready, tool.name, grant, self._user)),
            line=request_line(tool.name, arguments, context),
            argument_sha256=arguments.sha256,
            seconds=seconds,
            env=tuple(env.items()),
            now_ns=time.time_ns(),
            live=live,
            border=border,
            memory_bytes=memory,
        )

    def _sent(self, arguments: Arguments, tool: ToolDefinition, package: VerifiedPackage, invocation: str) -> Sent:
        """What the tool is given. Spec: 6-privacy F-35, F-40. That something was kept back is told to the record."""
        try:
            return send(arguments, tool, package, self._privacy, self._whose, self._filters)
        except MppError as fault:
            if fault.stage == "privacy":
                event = refused_event(fault, at=int(time.time()), tenant=self._tenant, invocation=invocation, package_id=package.package_id, tool=tool.name)
                self._events.record(event)
            raise

    @property
    def _whose(self) -> Whose:
        return Whose(tenant=self._tenant, agent=self._agent.name)

    def _tell_revealed(self, sent: Sent, grant: Grant) -> None:
        if sent.differs:
            package_id = grant.token.package_id
            self._events.record(
                reveal_event(sent, tenant=self._tenant, invocation=grant.invocation, package_id=package_id, tool=grant.tool, at=int(time.time()))
            )

    def _rights(self, package: VerifiedPackage, token: CapabilityToken, config: SandboxConfig) -> Rights:
        rights = rights_for(
            package.manifest,
            tenant=self._tenant,
            publisher_id=package.publisher_id,
            content_hash=package.content_hash,
            places=Places(home=self._home.path, workspace=os.path.realpath(self._workspace) if self._workspace else "", mappings=config.dir_mappings),
            scope=token.scope,
            private_hosts=self._private_hosts,
        )
        judge_stored((), rights.secrets, rights.package_id, self._secrets)
        return rights

    def _tell(self, run: Run, grant: Grant, outcome: str, shown: str, privacy: Report, vault: str) -> None:
        now = int(time.time())
        self._events.record(token_event("token-used", grant.token, grant.invocation, now))
        self._events.record(result_event(self._tenant, grant.invocation, outcome, run, shown, privacy, now, vault))


def _judged(run: Run, tool: ToolDefinition) -> tuple[ToolReply | None, MppError | None]:
    """The judged answer, or why there is none."""
    if run.fault is not None:
        return None, run.fault
    try:
        return read_reply(run.stdout, run.exit_code, tool), None
    except MppError as fault:
        return None, fault
