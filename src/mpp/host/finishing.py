"""What is told after a run: what it came to, what it used, and a signed receipt where a person approved it."""

from __future__ import annotations

import hashlib
import json

from mpp.errors import MppError
from mpp.host.judging import Judged, Services
from mpp.host.oncall import Reply, result_event
from mpp.model.events import Event
from mpp.model.jsontext import Json, shown
from mpp.stages.approval import Receipt, receipt_event, write_receipt
from mpp.stages.policy import token_event

OK = "ok"


def finish(judged: Judged, reply: Reply, on: Services) -> bytes:
    """The signed receipt; empty where nobody was asked. What the tool answered is in it by its digest alone."""
    now, grant = on.clock.now(), judged.grant
    fault = reply.fault
    outcome = OK if fault is None else fault.code
    on.events.record(token_event("token-used", grant.token, grant.invocation, now))
    on.events.record(result_event(judged.asked.tenant, grant.invocation, outcome, reply.run.used, now))
    if not grant.jti:
        return b""
    receipt = Receipt(
        invocation=grant.invocation, jti=grant.jti, binding=judged.binding, outcome=outcome, at=now, result_sha256=_result_digest(reply)
    )  # fmt: skip
    data = write_receipt(receipt, on.host.signer)
    on.events.record(receipt_event(receipt, data, judged.asked.tenant))
    return data


def _result_digest(reply: Reply) -> str:
    if reply.reply is None:
        return ""
    shown = json.dumps(reply.reply.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(shown.encode("utf-8")).hexdigest()


def refused(fault: MppError, on: Services, *, tenant: str, invocation: str, package_id: str, tool: str) -> None:
    """A call that ended before it ran. The record has the code and what was called, not the words, which may quote what was sent."""
    body: dict[str, Json] = {"code": fault.code, "stage": fault.stage, "package": package_id, "tool": shown(tool)}
    on.events.record(Event(kind="refused", at=on.clock.now(), tenant=tenant, invocation=invocation, body=body))
