"""What is told after a run: what it came to, what it used, and a signed receipt where a person approved it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mpp.errors import MppError
from mpp.host.judging import Judged, Services
from mpp.host.oncall import Reply, result_event, shown_digest
from mpp.model.agents import AgentIdentity
from mpp.model.events import EntryRef, Event
from mpp.model.jsontext import Json
from mpp.model.jsontext import shown as quoted
from mpp.model.value import value
from mpp.ports import Steps
from mpp.stages.approval import Receipt, receipt_event, write_receipt
from mpp.stages.policy import token_event


@value
class Finished:
    """What stands beside the answer."""

    entry: EntryRef
    """Where the result is in the record."""
    receipt: bytes
    """The signed receipt; empty where nobody was asked. What the tool answered is in it by its digest alone."""
    document: dict[str, Json] | None = None
    """What is shown of the answer, as the record commits to it; None where nothing is. Nobody changes it."""


def finish(judged: Judged, reply: Reply, on: Services) -> Finished:
    """Tell the record what it came to. Without that there is no answer."""
    end = _ended(judged, reply, on)
    return _finished(judged, reply, on, end, on.events.record(end.event))


def finishing(judged: Judged, reply: Reply, on: Services, record: Callable[[Event], Steps[EntryRef]]) -> Steps[Finished]:
    """The same, where the results of several calls are recorded together."""
    end = _ended(judged, reply, on)
    return _finished(judged, reply, on, end, (yield from record(end.event)))


class _End(NamedTuple):
    event: Event
    shown: str
    """The digest of what is shown."""
    document: dict[str, Json] | None


def _ended(judged: Judged, reply: Reply, on: Services) -> _End:
    now, grant = on.clock.now(), judged.grant
    document = None if reply.clean.reply is None else reply.clean.reply.to_json()
    shown = shown_digest(reply.clean.reply, document)
    on.events.record(token_event("token-used", grant.token, grant.invocation, now))
    event = result_event(
        judged.asked.tenant, grant.invocation, reply.outcome, reply.run, shown, reply.privacy, now, reply.vault, (*judged.spent, *reply.spent)
    )  # fmt: skip
    return _End(event, shown, document)


def _finished(judged: Judged, reply: Reply, on: Services, end: _End, entry: EntryRef) -> Finished:
    grant = judged.grant
    if not grant.jti:
        return Finished(entry=entry, receipt=b"", document=end.document)
    receipt = Receipt(
        invocation=grant.invocation, jti=grant.jti, binding=judged.binding, outcome=reply.outcome, at=end.event.at, result_sha256=end.shown
    )  # fmt: skip
    data = write_receipt(receipt, on.host.signer)
    on.events.record(receipt_event(receipt, data, judged.asked.tenant))
    return Finished(entry=entry, receipt=data, document=end.document)


def refused(
    fault: MppError, on: Services, *, tenant: str, invocation: str, package_id: str, tool: str, agent: AgentIdentity | None = None, user: str = ""
) -> None:  # fmt: skip
    """A call that ended before it ran."""
    user = on.pseudonym(user)
    on.events.record(
        refused_event(fault, at=on.clock.now(), tenant=tenant, invocation=invocation, package_id=package_id, tool=tool, agent=agent, user=user)
    )  # fmt: skip


def refused_event(
    fault: MppError, *, at: int, tenant: str, invocation: str, package_id: str, tool: str, agent: AgentIdentity | None = None, user: str = ""
) -> Event:  # fmt: skip
    """The record has the code, who called and what, not the words, which may quote what was sent. ``user``: as a pseudonym.

    Attack: an agent whose secrets are stopped on their way out, before policy judges the call. No other entry names it.
    """
    body: dict[str, Json] = {"code": fault.code, "stage": fault.stage, "package": package_id, "tool": quoted(tool)}
    if agent is not None:
        body["agent"] = agent.shown()
    if user:
        body["user"] = user
    return Event(kind="refused", at=at, tenant=tenant, invocation=invocation, body=body)
