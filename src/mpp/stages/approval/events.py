"""The events of approval: digests, names and counts; never an argument, a text or a secret. Spec: spec/events.md, attestation N-40."""

from __future__ import annotations

import hashlib

from mpp.errors import Refused
from mpp.model.events import EVENT_BYTES_MAX, SALT_BYTES, Event, write_event
from mpp.model.jsontext import Json
from mpp.stages.approval.types import Answer, Consent, Question, Receipt, Standing


def writable(event: Event) -> Event:
    """The event, if the record can take it. Attack: a question or an answer that is kept, and of which nobody is ever told."""
    try:
        size = len(write_event(event, bytes(SALT_BYTES)))
    except UnicodeEncodeError:
        raise Refused("approval.name", "a name holds half of a character", where=event.kind, hint="give names in UTF-8") from None
    if size > EVENT_BYTES_MAX:
        message = f"the record of it would have more than {EVENT_BYTES_MAX} bytes"
        raise Refused("approval.size", message, where=event.kind, hint="give shorter names, or let fewer stand behind the agent")
    return event


def question_event(question: Question) -> Event:
    body: dict[str, Json] = {
        "ref": question.ref,
        "question": question.id,
        "jti": question.jti,
        "publisher": question.action.publisher_id,
        "package": question.action.package_id,
        "content": question.action.content_hash,
        "tool": question.action.tool,
        "agent": question.action.agent.shown(),
        "level": question.security_level,
        "score": question.risk.score,
        "band": question.risk.band,
        "strength": question.strength,
        "approvers": question.approvers,
        "consent": question.includes_consent,
        "rule": question.rule,
        "expires": question.expires,
    }
    commit = {"binding": question.binding, "text": question.text_sha256}
    return Event(kind="question", at=question.created, tenant=question.tenant, invocation="", body=body, commit=commit)


def answer_event(question: Question, answer: Answer, now: int, *, channel: str = "", why: str = "") -> Event:
    body: dict[str, Json] = {
        "question": question.id,
        "jti": question.jti,
        "answer": "yes" if answer.yes else "no",
        "scope": answer.scope,
        "approver": answer.approver,
        "amr": answer.amr,
        "answered": answer.at,
        "signed": bool(answer.envelope),
        "sha256": answer.sha256,
        **({"channel": channel} if channel else {}),
        **({"why": why} if why else {}),
    }
    return Event(kind="answer", at=now, tenant=question.tenant, invocation="", body=body)


def refused_event(code: str, tenant: str, now: int, *, question: str = "", invocation: str = "") -> Event:
    """An answer or an approval that did not hold."""
    return Event(kind="approval-refused", at=now, tenant=tenant, invocation=invocation, body={"code": code, "question": question})


def consent_event(consent: Consent, *, invocation: str = "", taken_back: int = 0, channel: str = "") -> Event:
    """``taken_back``: the moment at which it was, if it was."""
    body: dict[str, Json] = {
        "given": not taken_back,
        "publisher": consent.publisher_id,
        "package": consent.package_id,
        "version": consent.version,
        "definitions": consent.definitions,
        "capabilities": consent.capabilities,
        "layer": consent.layer,
        "by": consent.by,
        "amr": consent.amr,
        **({"channel": channel} if channel else {}),
    }
    return Event(kind="consent", at=taken_back or consent.at, tenant=consent.tenant, invocation=invocation, body=body)


def standing_event(standing: Standing, change: str, now: int, *, channel: str = "") -> Event:
    """``change``: ``given``, ``revoked``, or ``ended`` and why."""
    body: dict[str, Json] = {
        "id": standing.id,
        "change": change,
        "publisher": standing.publisher_id,
        "package": standing.package_id,
        "tool": standing.tool,
        "agent": standing.agent.shown(),
        "calls": standing.calls,
        "until": standing.until,
        "score": standing.score,
        "exact": bool(standing.argument_sha256),
        "approver": standing.approver,
        "amr": standing.amr,
        "question": standing.question,
        **({"channel": channel} if channel else {}),
    }
    return Event(kind="standing", at=now, tenant=standing.tenant, invocation="", body=body)


def standing_used_event(standing_id: str, tenant: str, invocation: str, left: int, now: int) -> Event:
    return Event(kind="standing-used", at=now, tenant=tenant, invocation=invocation, body={"id": standing_id, "left": left})


def receipt_event(receipt: Receipt, data: bytes, tenant: str) -> Event:
    """``data``: the signed receipt, which is named by its digest."""
    body: dict[str, Json] = {"jti": receipt.jti, "outcome": receipt.outcome, "sha256": hashlib.sha256(data).hexdigest()}
    return Event(kind="receipt", at=receipt.at, tenant=tenant, invocation=receipt.invocation, body=body)
