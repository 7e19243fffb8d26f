"""OpenTelemetry: each entry as a log record, each call as a span, in the JSON form of OTLP. Pure. Spec: audit L-81, L-83.

The ids of trace and span follow from the invocation, so that what is sent twice has one id.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256

from mpp.model.jsontext import canonical, Json
from mpp.stages.audit.forward.record import FAILURE, fields_of, ForwardRecord, SEVERITIES, summary

SCOPE = "mpp.audit"
OPEN_CALLS_MAX = 10_000
"""Calls whose intent is kept until their end is seen. Reason: a host runs fewer at once; of one that is forgotten the span has no length."""

_NUMBERS = dict(zip(SEVERITIES, ((9, "INFO"), (11, "INFO3"), (13, "WARN"), (17, "ERROR")), strict=True))
_TRACE = re.compile("[0-9a-f]{32}")
_NANO = 10**9
_INTERNAL, _ERROR, _OK = 1, 2, 1
_ENDS = frozenset(("result", "interrupted"))


class Calls:
    """The intents that wait for their end. What sends spans keeps one; it is bounded."""

    def __init__(self, most: int = OPEN_CALLS_MAX) -> None:
        self._open: OrderedDict[str, ForwardRecord] = OrderedDict()
        self._most = most

    def saw(self, record: ForwardRecord) -> ForwardRecord | None:
        """The intent, where this record ends its call; it is kept, because what is sent may be sent again."""
        if record.kind == "intent":
            self._open[record.invocation] = record
            self._open.move_to_end(record.invocation)
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return self._open.get(record.invocation) if record.kind in _ENDS else None

    def forget(self, records: Sequence[ForwardRecord]) -> None:
        """These were taken."""
        for record in records:
            if record.kind in _ENDS:
                self._open.pop(record.invocation, None)


def trace_id(invocation: str) -> str:
    """The invocation itself where it has the form; all zeros are no id."""
    if _TRACE.fullmatch(invocation) and invocation.strip("0"):
        return invocation
    return sha256(b"mpp trace\0" + invocation.encode("utf-8")).hexdigest()[:32]


def span_id(invocation: str) -> str:
    return sha256(b"mpp span\0" + invocation.encode("utf-8")).hexdigest()[:16]


def otlp_logs(records: Sequence[ForwardRecord]) -> bytes:
    """The body of a request to ``/v1/logs``."""
    return canonical(
        {"resourceLogs": [{"resource": _resource(records), "scopeLogs": [{"scope": {"name": SCOPE}, "logRecords": [_log(one) for one in records]}]}]}
    )


def otlp_spans(records: Sequence[ForwardRecord], calls: Calls) -> bytes:
    """The body of a request to ``/v1/traces``: a span for each call that ends here. Empty where none does."""
    spans: list[Json] = []
    for record in records:
        intent = calls.saw(record)
        if record.kind in _ENDS and record.invocation:
            spans.append(_span(intent, record))
    if not spans:
        return b""
    return canonical({"resourceSpans": [{"resource": _resource(records), "scopeSpans": [{"scope": {"name": SCOPE}, "spans": spans}]}]})


def _resource(records: Sequence[ForwardRecord]) -> Json:
    return {"attributes": _attributes({"service.name": "mpp", "mpp.log.origin": records[0].origin})}


def _log(record: ForwardRecord) -> Json:
    number, words = _NUMBERS[record.severity]
    at = str(record.at * _NANO)
    found: dict[str, Json] = {
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": number,
        "severityText": words,
        "eventName": f"mpp.{record.kind}",
        "body": {"stringValue": summary(record)},
        "attributes": _attributes({**_ours(record), "log.record.uid": record.leaf, "log.record.original": record.line.decode("utf-8")}),
    }
    if record.invocation:
        found |= {"traceId": trace_id(record.invocation), "spanId": span_id(record.invocation)}
    return found


def _span(intent: ForwardRecord | None, end: ForwardRecord) -> Json:
    """A clock that jumped back makes no span that ends before it began."""
    known = intent or end
    start = min(known.at, end.at)
    name = known.tool or "unknown"
    said: dict[str, Json] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": end.invocation,
        "mcp.method.name": "tools/call",
        **({"gen_ai.agent.name": known.agent} if known.agent else {}),
        **({"error.type": end.code or end.kind} if end.outcome == FAILURE else {}),
        **({"mpp.intent.seq": known.seq, "mpp.intent.leaf": known.leaf} if intent else {"mpp.intent": "not seen"}),
        **(_ours(intent) if intent else {}),
        **_ours(end),
    }
    return {
        "traceId": trace_id(end.invocation),
        "spanId": span_id(end.invocation),
        "name": f"execute_tool {name}",
        "kind": _INTERNAL,
        "startTimeUnixNano": str(start * _NANO),
        "endTimeUnixNano": str(end.at * _NANO),
        "attributes": _attributes(said),
        "status": {"code": _ERROR, "message": end.code or end.kind} if end.outcome == FAILURE else {"code": _OK},
    }


def _ours(record: ForwardRecord) -> dict[str, Json]:
    return {f"mpp.{key}": item for key, item in fields_of(record).items()}


def _attributes(said: dict[str, Json]) -> list[Json]:
    return [{"key": key, "value": _value(item)} for key, item in said.items()]


def _value(item: Json) -> Json:
    """Integers go as texts: so the mapping of protobuf to JSON has it."""
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, list):
        return {"arrayValue": {"values": [_value(inner) for inner in item]}}
    if isinstance(item, dict):
        return {"kvlistValue": {"values": _attributes(item)}}
    return {"stringValue": str(item)}
