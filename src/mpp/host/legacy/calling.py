"""One call of an older server, from arguments to what an agent is told. The order is that of a package's call. Spec: legacy, section 6."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed, ToolFailed
from mpp.host.audit.vault import CallVault, Made
from mpp.host.filtering import Whose
from mpp.host.finishing import finish, refused
from mpp.host.judging import Judged, privacy_of, Services, Setting
from mpp.host.leaving import Callee, reveal_event, send_to, Sent
from mpp.host.legacy.asking import asks_of, named
from mpp.host.legacy.deeds import Deed, reply_of
from mpp.host.legacy.judging import FILTERS, judge_legacy, Labelled, LegacyRequest
from mpp.host.legacy.keeping import Keeper, Ready
from mpp.host.legacy.limits import CALL_MS_MAX
from mpp.host.legacy.offers import kind_of
from mpp.host.legacy.pins import CHANGED, GONE, NEW
from mpp.host.legacy.schemas import judge_against
from mpp.host.legacy.types import Barriers, beside, Entry, LegacyTool, NO_PUBLISHER, tool_of, UnverifiedServer, VERSION
from mpp.host.legacy.waiting import Asks, Order
from mpp.host.oncall import new_invocation, OK, Reply, shown_bytes
from mpp.host.toolcall import error_result, FAILED, failure, ORIGIN, outcome, pending
from mpp.model.calls import CallContext
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Events
from mpp.protocol.mcp.ports import Caller, CARRIED, carried, Live, Outcome, ToolCall
from mpp.protocol.mcp_client.events import Done
from mpp.stages.approval import Question, required, warrant
from mpp.stages.privacy import clean_run, FilteredLive, together
from mpp.stages.sandbox import read_arguments, read_result, Run, ToolReply, Used


@value
class LegacyRoom:
    """All that calls of older servers share."""

    on: Services
    setting: Callable[[], Setting]
    vault: Callable[[Events, str], CallVault | None] = lambda _events, _invocation: None
    """What keeps the payloads of one call, where the vault is on."""


@value
class _Leave:
    """A call that may run."""

    judged: Judged
    at: Setting
    sent: Sent
    inputs: Mapping[str, Json]
    state: str
    """What leads back to a question that was asked before."""
    whose: str


def call_legacy(keeper: Keeper, entry: Entry, deed: Deed, who: Caller, call: ToolCall, live: Live, room: LegacyRoom) -> Outcome:
    """Never raises for what a server, a policy or a person says; the outcome says so. ``entry``: as the list that the agent read had it."""
    invocation, on, package_id = new_invocation(room.on.random), room.on, entry.server.package_id
    labels = labels_of(UnverifiedServer(entry=entry, barriers=Barriers()))
    try:
        try:
            on.stops.current().judge(package_id, NO_PUBLISHER)
            ready = _ready(keeper, package_id)
            subject = UnverifiedServer(entry=ready.entry, barriers=ready.connection.barriers)
            on, labels = replace(on, events=Labelled(on.events, subject)), labels_of(subject)
            found = _judged(subject, ready, deed, who, call, invocation, room, on)
            if isinstance(found, Question):
                refused(required(found), on, tenant=who.tenant, invocation=invocation, package_id=package_id, tool=deed.name, agent=who.agent, user=who.user)
                return pending(found, labels)
            return _ran(_Run(subject=subject, ready=ready, deed=deed, leave=found, on=on, vault=room.vault), call, live, labels)
        except MppError as fault:
            refused(fault, on, tenant=who.tenant, invocation=invocation, package_id=package_id, tool=deed.name, agent=who.agent, user=who.user)
            return failure(fault, {**labels, "invocation": invocation})
    except MppError:
        return Outcome(result=error_result(FAILED, "audit.failed", labels))


def labels_of(subject: UnverifiedServer) -> dict[str, Json]:
    """What a client is told of whose answer it is."""
    missing: list[Json] = [*sorted(subject.barriers.missing)]
    return {"package": subject.package_id, "version": VERSION, "contentHash": subject.entry.content_hash, "verified": False, "missingBarriers": missing}


def _ready(keeper: Keeper, package_id: str) -> Ready:
    """Attack: a server that fails to start with words for the agent on its standard error. Nothing has been filtered yet, so an agent learns the code alone; its owner sees the rest."""
    try:
        return keeper.ready()
    except (ToolFailed, HostFailed, RemoteFailed) as fault:
        raise type(fault)(
            fault.code, "the server cannot be started, reached or listed", where=package_id, hint="its owner sees why with `mpp legacy test`"
        ) from None


def _judged(
    subject: UnverifiedServer, ready: Ready, deed: Deed, who: Caller, call: ToolCall, invocation: str, room: LegacyRoom, on: Services
) -> _Leave | Question:  # fmt: skip
    tool, at = _tool(ready, deed), room.setting()
    callee, whose = (
        Callee(publisher_id=NO_PUBLISHER, package_id=subject.package_id, bound=False, tool=deed.name),
        Whose(tenant=who.tenant, agent=who.agent.name),
    )
    sent = send_to(read_arguments(call.arguments), callee, FILTERS, at.privacy, whose, on.filters)
    if deed.is_tool:
        _fits(tool, sent)
    inputs: Json = {}
    given = {name: answer for name, answer in call.inputs.items() if name != CARRIED}
    if given:
        # Attack: a server that asks a person for a secret in a form. What goes there is searched as arguments are.
        written = json.dumps(given, ensure_ascii=False).encode("utf-8")
        inputs = send_to(read_arguments(written), callee, FILTERS, at.privacy, whose, on.filters).given.found
    request = LegacyRequest(
        invocation=invocation, subject=subject, tool=tool, arguments=sent.given, agent=who.agent, user=who.user, origin=ORIGIN, tenant=who.tenant,
        shown=sent.shown if sent.differs else None,
    )  # fmt: skip
    found = judge_legacy(request, at, on)
    if isinstance(found, Question):
        return found
    return _Leave(judged=found, at=at, sent=sent, inputs=inputs if isinstance(inputs, dict) else {}, state=carried(call.inputs), whose=_whose(who, deed, sent))


def _fits(tool: LegacyTool, sent: Sent) -> None:
    """Spec: legacy V-64. Attack: a refusal that quotes what stands behind a placeholder."""
    try:
        judge_against(tool.input_schema, sent.given)
    except Refused as fault:
        if not sent.differs:
            raise
        message = "the arguments do not fit the tool's schema once their placeholders are turned back"
        raise Refused(fault.code, message, where="arguments", hint="see the schema of the tool") from None


def _whose(who: Caller, deed: Deed, sent: Sent) -> str:
    """Names caller and call, so that what waits for one is no other's."""
    agent = who.agent
    named: list[Json] = [who.tenant, who.user, agent.name, agent.level, agent.key, agent.issuer, deed.name, deed.pin, sent.given.sha256]
    return hashlib.sha256(json.dumps(named).encode("ascii")).hexdigest()


def _tool(ready: Ready, deed: Deed) -> LegacyTool:
    """Spec: legacy V-34. Attack: a tool that changed since a person agreed to it, or since the agent read its list."""
    name = deed.pin
    if name not in ready.judged.callable:
        why = next((one.why for one in ready.entry.held if one.name == name), f"the server has no such {(kind_of(name) or 'tool').removesuffix(': ')}")
        # Attack: what the guard found, told to the model all the same. The excerpt is for a person, who finds it with `mpp legacy show`.
        why = why if why in {CHANGED, GONE, NEW} else "it is not listed as it can be called"
        raise Refused(
            "policy.held",
            f"the {(kind_of(name) or 'tool').removesuffix(': ')} is kept back: {why}",
            where=f"{ready.entry.server.package_id}: {name}",
            hint="see `mpp legacy show`",
        )
    pin = next(one for one in ready.entry.pins or () if one.name == name)
    return tool_of(json.loads(pin.document)) if deed.is_tool else beside(deed.name)


@value
class _Run:
    """A request that is about to be made."""

    subject: UnverifiedServer
    ready: Ready
    deed: Deed
    leave: _Leave
    on: Services
    vault: Callable[[Events, str], CallVault | None]


def _ran(one: _Run, call: ToolCall, live: Live, labels: Mapping[str, Json]) -> Outcome:
    leave, on, judged, grant = one.leave, one.on, one.leave.judged, one.leave.judged.grant
    # Attack: a host that cannot filter, or that cannot keep what it must. It says so before anything is sent.
    through = on.filters.bind(privacy_of(judged, leave.at), FILTERS, Whose(tenant=judged.asked.tenant, agent=grant.agent.name))
    vault = one.vault(on.events, grant.invocation)
    said = FilteredLive(live, leave.sent.through(through))
    if leave.sent.differs:
        on.events.record(reveal_event(
            leave.sent, tenant=judged.asked.tenant, invocation=grant.invocation, package_id=judged.asked.package_id, tool=grant.tool, at=on.clock.now()
        ))  # fmt: skip
    order = _order(one, call)
    warrant(grant, on.approvals, vault or on.events, on.clock.now(), on.approvals.use_standing)
    begun, now_ns = time.monotonic(), on.clock.now() * 1_000_000_000
    found, reply, fault = _answered(one, order, said, live.gone_fd)
    clean = clean_run(reply, fault, b"", leave.sent.through(through))
    raw = b"" if not isinstance(found, Done) else json.dumps(found.result, sort_keys=True).encode("ascii")
    used = Used(hosts=one.ready.connection.hosts())
    run = Run(fault=fault, exit_code=0, stdout=raw, stderr=b"", stderr_cut=0, used=used, seconds=time.monotonic() - begun, reusable=True)
    kept = "" if vault is None else vault.keep(Made(
        tool=grant.tool, line=_line(grant.tool, leave.sent.given.data), arguments=leave.sent.given.data, now_ns=now_ns, memory_bytes=0, variables=0, folders=(), run=run,
        shown=shown_bytes(clean.reply),
    ))  # fmt: skip
    done = Reply(
        context=_context(judged, one.subject), clean=clean, run=run, privacy=together((clean.report, *said.reports)),
        outcome=OK if fault is None else fault.code, argument_hash=leave.sent.shown.sha256, vault=kept, spent=(("sandbox", run.seconds),),
    )  # fmt: skip
    finished = finish(judged, done, on)
    made = outcome(done, {**labels, "entry": finished.entry.seq, "invocation": grant.invocation})
    if isinstance(found, Asks) and made.wants_input:
        return Outcome(result={**made.result, "requestState": found.state})
    return made


def _line(tool: str, arguments: bytes) -> bytes:
    """The request as the vault keeps it: what was asked for, with the arguments as they went."""
    return b'{"tool":%b,"arguments":%b}' % (json.dumps(tool).encode("ascii"), arguments)


def _order(one: _Run, call: ToolCall) -> Order:
    leave, grant = one.leave, one.leave.judged.grant
    limits = [most for most in (call.timeout_ms, leave.judged.verdict.limits.timeout_ms, CALL_MS_MAX) if most]
    given = leave.sent.given
    params = given.found if isinstance(given.found, dict) and not one.deed.is_tool else {}
    return Order(
        name=grant.tool, arguments=given.data, seconds=min(limits) / 1000, inputs=leave.inputs, state=leave.state, level=call.level,
        method=one.deed.method, params=params, whose=leave.whose,
    )  # fmt: skip


def _answered(one: _Run, order: Order, said: FilteredLive, gone_fd: int) -> tuple[Done | Asks | None, ToolReply | None, MppError | None]:
    """What the server said, what that is as a reply, and what went wrong. Nothing is raised: the intent is in the record, and gets its end."""
    found: Done | Asks | None = None
    try:
        found = one.ready.connection.call(order, said, gone_fd=gone_fd, ask=lambda question: named(question, one.subject))
        if isinstance(found, Done):
            found = asks_of(found, one.subject) or found
        if isinstance(found, Asks):
            return found, read_result({"resultType": "input_required", "inputRequests": dict(found.requests)}), None
        return found, reply_of(one.deed, found), None
    except MppError as fault:
        return found, None, fault


def _context(judged: Judged, subject: UnverifiedServer) -> CallContext:
    asked, grant = judged.asked, judged.grant
    return CallContext(
        invocation=grant.invocation, tenant=asked.tenant, agent=grant.agent.name, agent_proof=grant.agent.level, user=asked.user, package_id=asked.package_id,
        version=VERSION, content_hash=subject.entry.content_hash, publisher_id=NO_PUBLISHER, tool=grant.tool, agent_key=grant.agent.key,
        agent_issuer=grant.agent.issuer, delegation=grant.agent.behind,
    )  # fmt: skip
