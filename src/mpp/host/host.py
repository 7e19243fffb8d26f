"""A host in one object: the installed tools, called as an agent calls them. It opens no socket and reads no terminal.

    with Host.open() as host:
        print([tool["name"] for tool in host.tools().items])
        outcome = host.call("hello__greet", {"name": "Ada"})

Spec: spec/call-contract.md for the order of a call, spec/store.md for what is installed.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from types import TracebackType
from typing import Self, TYPE_CHECKING

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.agent_signing import AgentSigning
from mpp.host.audit.log import AuditLog
from mpp.host.audit.vault import CallVault, vault_for
from mpp.host.drive import drive
from mpp.host.finishing import refused
from mpp.host.fleet import fleet_settings
from mpp.host.granting import Places
from mpp.host.home import Home, find_home
from mpp.host.lane import Lane
from mpp.host.legacy.opening import open_legacy
from mpp.host.metrics import Counting, Metrics
from mpp.host.oncall import new_invocation
from mpp.host.opening import open_services, setting_of
from mpp.host.policy_store import open_policies
from mpp.host.ready import ReadyPackages
from mpp.host.sandbox import sandbox_of
from mpp.host.secret_store import open_secrets
from mpp.host.services.standard import standard_calls
from mpp.host.services.transcript import Recorder
from mpp.host.signed_context import SignedContexts
from mpp.host.sources.installed import InstalledSource
from mpp.host.sources.ports import Offered, ToolSource
from mpp.host.store import PackageStore
from mpp.host.system import SystemClock, SystemRandom
from mpp.host.table import Tables
from mpp.host.toolcall import failure, META, Room
from mpp.host.trust_store import TrustStore
from mpp.host.watched import watched_trust
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Clock, Events, Random, Steps
from mpp.protocol.mcp.ports import Caller, Listing, Live, Outcome, ToolCall
from mpp.stages.approval import accept, vouch
from mpp.stages.sandbox import read_arguments

THREADS_MAX = 64
"""Threads of calls that an event loop waits for. Reason: as many as there are sandbox processes; more would wait for those."""

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from mpp.stages.sandbox import Zygote

_OK = "ok"


class NobodyListens:
    """Of a call whose log lines and progress nobody wants, and that nobody ends early."""

    gone_fd = -1

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


NOBODY_LISTENS = NobodyListens()


@value
class HostOptions:
    """What the owner of a host chooses."""

    workspace: str = ""
    """The folder that ``${workspace}`` in a manifest stands for."""
    plain_names: bool = False
    """Offer a tool under its own name where no other has it."""
    signing: AgentSigning | None = None
    """The agent for whom all calls are signed; None: nobody's are."""
    zygote: Zygote | None = field(default=None, compare=False, repr=False)
    """One that starts already, for whoever has something else to load meanwhile; the host closes it."""


class Host:
    """Safe to use from many threads. Close it, or its processes live as long as this one."""

    def __init__(
        self, home: Home, options: HostOptions, sources: Callable[[Room], Sequence[ToolSource]] = lambda _: (), *,
        environment: Mapping[str, str], clock: Clock | None = None, random: Random | None = None,
        told: Callable[[str, MppError], None] = lambda _name, _fault: None,
    ) -> None:  # fmt: skip
        """``sources``: what else gives tools, beside the installed packages; the host closes them. ``told`` hears of what is not served, and why."""
        self._stack, self._counting = ExitStack(), Counting()
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._signing = options.signing
        self._proven: AgentIdentity | None = None
        with ExitStack() as undo:
            log = AuditLog(home, clock=(clock := clock or SystemClock()), random=(random := random or SystemRandom()))
            undo.callback(log.close)
            self.checkpoint = log.checkpoint
            """Sign the record as far as it goes, so that what was done up to now can be proved."""
            trust = TrustStore(home.trust, known_only=fleet_settings().is_fleet)
            self.room = _open_room(home, options, undo, environment, clock, random, log, trust)
            self.store = PackageStore(home, trust, clock)
            self.installed = InstalledSource(self.store, home.trust, self.room, told=told)
            self.legacy = legacy = open_legacy(
                home, self.room.on, self.room.secrets, self.room.setting, others=self.installed.names, environment=environment, vault=self._vault
            )  # fmt: skip
            # Packages come first: no older server takes the name of a tool that is verified.
            self.tables = Tables((self.installed, legacy, *sources(self.room)), plain_names=options.plain_names, told=told)
            undo.callback(self.tables.close)
            self._stack = undo.pop_all()

    @classmethod
    def open(cls, home: str = "", *, workspace: str = "", plain_names: bool = False) -> Self:
        """The host of a home folder; that of ``$MPP_HOME`` if left out."""
        place = Home(path=os.path.abspath(home)) if home else find_home(os.environ)
        return cls(place, HostOptions(workspace=os.path.realpath(workspace) if workspace else "", plain_names=plain_names), environment=os.environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all its processes, and sign the record. To close it again does nothing."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    # -- tools

    def tools(self, who: Caller | None = None) -> Listing:
        """Definitions as MCP has them, sorted by name."""
        return self.tables.of((who or Caller()).tenant).listing

    def call(
        self, name: str, arguments: Mapping[str, Json] | bytes, *, who: Caller | None = None, live: Live = NOBODY_LISTENS, timeout_ms: int = 0
    ) -> Outcome:  # fmt: skip
        """Call a tool and wait. Raises Refused ``call.tool`` for a name that nobody knows; all else is in the outcome."""
        data = arguments if isinstance(arguments, bytes) else json.dumps(arguments, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self.run(who or Caller(), ToolCall(name=name, arguments=data, timeout_ms=timeout_ms), live)

    async def acall(
        self, name: str, arguments: Mapping[str, Json] | bytes, *, who: Caller | None = None, live: Live = NOBODY_LISTENS, timeout_ms: int = 0
    ) -> Outcome:  # fmt: skip
        """The same from an event loop. A task that is cancelled ends its call at once; ``live.gone_fd`` is not looked at."""
        left = _Leaving(live)
        with ExitStack() as undo:
            undo.callback(left.close)
            running = self._pool().submit(lambda: self.call(name, arguments, who=who, live=left, timeout_ms=timeout_ms))
            undo.pop_all()
        # Attack: a task that is cancelled twice, so that the call looks at a descriptor that is somebody else's by then. It closes with the call.
        running.add_done_callback(lambda _: left.close())
        import asyncio  # noqa: PLC0415 - whoever awaits this has it; a host on pipes does without

        work = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            left.leave()
            await asyncio.wait([work])
            raise

    def run(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        """One call as a front took it."""
        return drive(self.steps(who, call, live), live.gone_fd)

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        """The same for whoever has several calls under way in one thread. A call of an older server, and one that is signed here, blocks."""
        offered = self._found(who, call.name)
        begun, kind = time.monotonic(), ""
        self._counting.begun()
        try:
            if self._signing is not None:
                outcome = self._run_signed(self._signing, offered, who, call, live)
            elif offered.steps is None:
                outcome = offered.run(who, call, live)
            else:
                outcome = yield from offered.steps(who, call, live)
            kind = _kind(outcome)
        finally:
            self._counting.ended(kind, time.monotonic() - begun)
        return outcome

    def _run_signed(self, signing: AgentSigning, offered: Offered, who: Caller, call: ToolCall, live: Live) -> Outcome:
        """Attack: a process whose agent is known no more, or whose key was changed. It is refused at the next call, and the record has it."""
        on, package = self.room.on, offered.package
        if package is None or who.agent.name != signing.name:
            return offered.run(who, call, live)
        try:
            proven = signing.proven(who, package, offered.tool, read_arguments(call.arguments).sha256, on)
        except MppError as fault:
            invocation = new_invocation(on.random)
            refused(fault, on, tenant=who.tenant, invocation=invocation, package_id=package.package_id, tool=offered.tool, agent=who.agent, user=who.user)
            return failure(fault, {"invocation": invocation})
        self._proven = proven.agent
        return offered.run(proven, call, live)

    def _found(self, who: Caller, name: str) -> Offered:
        """Attack: an agent that tries names out. The record has each, and who tried."""
        try:
            return self.tables.of(who.tenant).find(name)
        except Refused as fault:
            on = self.room.on
            refused(fault, on, tenant=who.tenant, invocation=new_invocation(on.random), package_id="", tool=name, agent=who.agent, user=who.user)
            raise

    # -- approvals

    def answer(self, ref: str, *, yes: bool, who: Caller | None = None, by: str = "", amr: str = "elicitation") -> str:
        """A person's answer that the embedding program saw being given. Empty: it was taken; else the code of why it does not count. The call is made again then."""
        who, on = who or Caller(), self.room.on
        if self._signing is not None and self._proven is not None and who.agent.name == self._signing.name:
            # Who asked was proven by the call; who answers speaks to the same process.
            who = replace(who, agent=self._proven)
        now, at = on.clock.now(), self.room.setting()
        try:
            question = on.approvals.question(who.tenant, ref, now)
            # Attack: an agent that answers what another one asked, or the same one for somebody else's call.
            if question is None or (question.action.agent, question.action.user) != (who.agent, who.user):
                raise Refused("approval.unknown", "there is no such question", where="ref", hint="it may be answered or too old; call again")
            accept(question, vouch(question, yes=yes, user=by or who.user or "client", amr=amr, now=now), on.desk(fleet=at.fleet, least=at.strength), now)
        except MppError as fault:
            return fault.code
        return ""

    def _vault(self, events: Events, invocation: str) -> CallVault | None:
        """What keeps the payloads of a call of an older server, where the vault is on."""
        room = self.room
        return vault_for(room.home.log, room.on.random, room.recorder, events, invocation)

    def metrics(self) -> Metrics:
        return self._counting.now()

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                # Imported here: only calls that are awaited need threads of their own.
                from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

                self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="mpp-call")
            return self._threads


class _Leaving:
    """A listener that can go away."""

    def __init__(self, live: Live) -> None:
        self.log, self.progress = live.log, live.progress
        self._lock, self._is_open = threading.Lock(), True
        try:
            self.gone_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as fault:
            raise HostFailed("host.busy", f"no more calls can wait: {fault.strerror}", hint="call again later, or raise the limit of open files") from None

    def leave(self) -> None:
        with self._lock:
            if self._is_open:
                os.eventfd_write(self.gone_fd, 1)

    def close(self) -> None:
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.close(self.gone_fd)


def _kind(outcome: Outcome) -> str:
    if not outcome.result.get("isError"):
        return _OK
    meta = outcome.result.get("_meta")
    code = meta.get(META + "code") if isinstance(meta, dict) else None
    return code if isinstance(code, str) else "tool.said_no"


def _open_room(
    home: Home, options: HostOptions, undo: ExitStack, environment: Mapping[str, str], clock: Clock, random: Random, log: AuditLog, trusted: TrustStore
) -> Room:  # fmt: skip
    """Everything that calls share, closed in the opposite order."""
    on = undo.enter_context(open_services(home, clock, random, events=log))
    secrets = open_secrets(home)
    recorder = Recorder(undo.enter_context(standard_calls(home, secrets, contexts=SignedContexts(on.host.signer, clock, random))))
    sandbox = sandbox_of(home, recorder, options.zygote)
    undo.callback(sandbox.close)
    # Its process starts while packages are read.
    sandbox.start()
    ready = ReadyPackages(sandbox)
    undo.callback(ready.close)
    policies, trust = open_policies(home, clock, events=on.events), watched_trust(trusted)
    places = Places(home=home.path, workspace=options.workspace, mappings={})
    return Room(
        home=home, on=on, log=log, sandbox=sandbox, ready=ready, secrets=secrets, recorder=recorder, environment=environment, clock_ns=time.time_ns,
        setting=lambda: setting_of(policies, places, trust.current()), lane=Lane(),
    )  # fmt: skip
