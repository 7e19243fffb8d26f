"""One call of an older server, from arguments to what an agent is told. The order is that of a package's call. Spec: legacy, section 6."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed, ToolFailed
from mpp.host.filtering import Whose
from mpp.host.finishing import finish, refused
from mpp.host.judging import Judged, privacy_of, Services, Setting
from mpp.host.leaving import Callee, send_to, Sent
from mpp.host.legacy.judging import FILTERS, judge_legacy, Labelled, LegacyRequest
from mpp.host.legacy.keeping import Keeper, Ready
from mpp.host.legacy.limits import CALL_MS_MAX
from mpp.host.legacy.pins import CHANGED, GONE, NEW
from mpp.host.legacy.types import Barriers, Entry, LegacyTool, NO_PUBLISHER, tool_of, UnverifiedServer, VERSION
from mpp.host.legacy.waiting import Asks, Order
from mpp.host.oncall import new_invocation, OK, Reply
from mpp.host.toolcall import error_result, FAILED, failure, ORIGIN, outcome, pending
from mpp.model.calls import CallContext
from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.protocol.mcp_client.session import Done, Elicits
from mpp.stages.approval import Question, required, warrant
from mpp.stages.privacy import clean_run, FilteredLive, together
from mpp.stages.sandbox import InputRequired, read_arguments, read_result, Run, ToolReply, Used

KEY_CHARS = 16
"""Hex digits of the key of a server's question. Reason: it is the same when the call is made again, and says nothing."""

ERROR_SHOWN_MAX = 1000
"""Characters of a server's error that are shown. Reason: a model needs the words, not a document."""

_ITEM = ("type", "text", "data", "mimeType", "uri", "name", "title", "description", "size", "annotations", "resource")
_RESOURCE = ("uri", "mimeType", "text", "blob")
_ANNOTATIONS = ("audience", "priority", "lastModified")


@value
class LegacyRoom:
    """All that calls of older servers share."""

    on: Services
    setting: Callable[[], Setting]


@value
class _Leave:
    """A call that may run."""

    judged: Judged
    at: Setting
    sent: Sent
    inputs: Mapping[str, Json]


def call_legacy(keeper: Keeper, entry: Entry, name: str, who: Caller, call: ToolCall, live: Live, room: LegacyRoom) -> Outcome:
    """Never raises for what a server, a policy or a person says; the outcome says so. ``entry``: as the list that the agent read had it."""
    invocation, on, package_id = new_invocation(room.on.random), room.on, entry.server.package_id
    labels = labels_of(UnverifiedServer(entry=entry, barriers=Barriers()))
    try:
        try:
            on.stops.current().judge(package_id, NO_PUBLISHER)
            ready = _ready(keeper, package_id)
            subject = UnverifiedServer(entry=ready.entry, barriers=ready.connection.barriers)
            on, labels = replace(on, events=Labelled(on.events, subject)), labels_of(subject)
            found = _judged(subject, ready, name, who, call, invocation, room, on)
            if isinstance(found, Question):
                refused(required(found), on, tenant=who.tenant, invocation=invocation, package_id=package_id, tool=name, agent=who.agent, user=who.user)
                return pending(found, labels)
            return _ran(subject, ready, found, call, live, on, labels)
        except MppError as fault:
            refused(fault, on, tenant=who.tenant, invocation=invocation, package_id=package_id, tool=name, agent=who.agent, user=who.user)
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
    subject: UnverifiedServer, ready: Ready, name: str, who: Caller, call: ToolCall, invocation: str, room: LegacyRoom, on: Services
) -> _Leave | Question:  # fmt: skip
    tool, at = _tool(ready, name), room.setting()
    callee, whose = Callee(publisher_id=NO_PUBLISHER, package_id=subject.package_id, bound=False, tool=name), Whose(tenant=who.tenant, agent=who.agent.name)
    sent = send_to(read_arguments(call.arguments), callee, FILTERS, at.privacy, whose, on.filters)
    inputs: Json = {}
    if call.inputs:
        # Attack: a server that asks a person for a secret in a form. What goes there is searched as arguments are.
        written = json.dumps(dict(call.inputs), ensure_ascii=False).encode("utf-8")
        inputs = send_to(read_arguments(written), callee, FILTERS, at.privacy, whose, on.filters).given.found
    request = LegacyRequest(
        invocation=invocation, subject=subject, tool=tool, arguments=sent.given, agent=who.agent, user=who.user, origin=ORIGIN, tenant=who.tenant,
        shown=sent.shown if sent.differs else None,
    )  # fmt: skip
    found = judge_legacy(request, at, on)
    return found if isinstance(found, Question) else _Leave(judged=found, at=at, sent=sent, inputs=inputs if isinstance(inputs, dict) else {})


def _tool(ready: Ready, name: str) -> LegacyTool:
    """Spec: legacy V-34. Attack: a tool that changed since a person agreed to it, or since the agent read its list."""
    if name not in ready.judged.callable:
        why = next((one.why for one in ready.entry.held if one.name == name), "the server has no such tool")
        # Attack: what the guard found, told to the model all the same. The excerpt is for a person, who finds it with `mpp legacy show`.
        why = why if why in {CHANGED, GONE, NEW} else "it is not listed as it can be called"
        raise Refused("policy.held", f"the tool is kept back: {why}", where=f"{ready.entry.server.package_id}: {name}", hint="see `mpp legacy show`")
    pin = next(one for one in ready.entry.pins or () if one.name == name)
    return tool_of(json.loads(pin.document))


def _ran(subject: UnverifiedServer, ready: Ready, leave: _Leave, call: ToolCall, live: Live, on: Services, labels: Mapping[str, Json]) -> Outcome:
    judged, grant = leave.judged, leave.judged.grant
    # Attack: a host that cannot filter. It says so before anything is sent.
    through = on.filters.bind(privacy_of(judged, leave.at), FILTERS, Whose(tenant=judged.asked.tenant, agent=grant.agent.name))
    said = FilteredLive(live, leave.sent.through(through))
    limits = [one for one in (call.timeout_ms, judged.verdict.limits.timeout_ms, CALL_MS_MAX) if one]
    order = Order(name=grant.tool, arguments=leave.sent.given.data, seconds=min(limits) / 1000, inputs=leave.inputs)
    warrant(grant, on.approvals, on.events, on.clock.now(), on.approvals.use_standing)
    begun = time.monotonic()
    fault: MppError | None = None
    found: Done | Asks | None = None
    try:
        found = ready.connection.call(order, said, gone_fd=live.gone_fd, ask=lambda question: _asks(question, subject))
    except MppError as failed:
        fault = failed
    reply: ToolReply | None = None
    if found is not None:
        try:
            reply = reply_of(found, subject)
        except ToolFailed as failed:
            fault = failed
    clean = clean_run(reply, fault, b"", leave.sent.through(through))
    raw = b"" if not isinstance(found, Done) else json.dumps(found.result, sort_keys=True).encode("ascii")
    used = Used(hosts=ready.connection.hosts())
    run = Run(fault=fault, exit_code=0, stdout=raw, stderr=b"", stderr_cut=0, used=used, seconds=time.monotonic() - begun, reusable=True)
    done = Reply(
        context=_context(judged, subject), clean=clean, run=run, privacy=together((clean.report, *said.reports)),
        outcome=OK if fault is None else fault.code, argument_hash=leave.sent.shown.sha256,
    )  # fmt: skip
    finished = finish(judged, done, on)
    return outcome(done, {**labels, "entry": finished.entry.seq, "invocation": grant.invocation})


def _context(judged: Judged, subject: UnverifiedServer) -> CallContext:
    asked, grant = judged.asked, judged.grant
    return CallContext(
        invocation=grant.invocation, tenant=asked.tenant, agent=grant.agent.name, agent_proof=grant.agent.level, user=asked.user, package_id=asked.package_id,
        version=VERSION, content_hash=subject.entry.content_hash, publisher_id=NO_PUBLISHER, tool=grant.tool, agent_key=grant.agent.key,
        agent_issuer=grant.agent.issuer, delegation=grant.agent.behind,
    )  # fmt: skip


# -- what a server says, as the host takes it


def reply_of(found: Done | Asks, subject: UnverifiedServer) -> ToolReply:
    """Raises ToolFailed for an error, and for what is no result."""
    if isinstance(found, Asks):
        return read_result(_question(found, subject))
    if found.result is None:
        raise ToolFailed("tool.error", shown(found.error, ERROR_SHOWN_MAX), where=f"error {found.code}", hint="the tool answered with an error")
    result: dict[str, Json] = {"content": _content(found.result.get("content")), "isError": found.result.get("isError") is True}
    structured = found.result.get("structuredContent")
    if isinstance(structured, dict):
        result["structuredContent"] = structured
    # Attack: labels of ours in the server's own ``_meta``. It is not passed on.
    return read_result(result)


def _content(found: Json) -> list[Json]:
    """The items, with the keys that have a meaning here. What is no item is left for the reader to refuse."""
    return [_item(one) if isinstance(one, dict) else one for one in found] if isinstance(found, list) else []


def _item(found: Mapping[str, Json]) -> Json:
    item = {key: found[key] for key in _ITEM if key in found}
    for key, known in (("annotations", _ANNOTATIONS), ("resource", _RESOURCE)):
        inner = item.get(key)
        if isinstance(inner, dict):
            item[key] = {name: inner[name] for name in known if name in inner}
    return item


def _asks(question: Elicits, subject: UnverifiedServer) -> Asks | None:
    """Under which name a question goes out; None where it cannot be answered through a form."""
    if question.form is None:
        return None
    form = json.dumps(question.form, sort_keys=True).encode("ascii")
    key = hashlib.sha256(question.message.encode("utf-8", "replace") + b"\x00" + form).hexdigest()[:KEY_CHARS]
    asks = Asks(key=key, message=question.message, form=form)
    try:
        is_one = isinstance(read_result(_question(asks, subject)), InputRequired)
    except ToolFailed:
        return None
    return asks if is_one else None


def _question(asks: Asks, subject: UnverifiedServer) -> dict[str, Json]:
    # Attack: a server that passes for this host and asks for a passphrase. Whose question it is stands first.
    message = f"The server {subject.entry.server.name}, which nobody verified, asks: {asks.message}"
    params: dict[str, Json] = {"message": message, "requestedSchema": json.loads(asks.form)}
    return {"resultType": "input_required", "inputRequests": {asks.key: {"method": "elicitation/create", "params": params}}}
