"""Approvals that last, consents, and answers as a store keeps them. Spec: spec/attestation.md section 5."""

from __future__ import annotations

from mpp.crypto import base64text
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.stages.approval.limits import ANSWER_BYTES_MAX, CONSENT_BYTES_MAX, QUESTION_TEXTS_MAX, STANDING_CALLS_MAX, TIME_MAX
from mpp.stages.approval.forms import ID, ID_FORM
from mpp.stages.approval.question_json import read_agent
from mpp.stages.approval.types import AMR, Answer, Consent, SCOPES, Standing


def write_kept_answer(answer: Answer) -> bytes:
    return canonical({**answer.document(), "envelope": base64text.encode(answer.envelope)})


def read_kept_answer(data: bytes, *, where: str) -> Answer:
    """As it was kept. What it is worth is judged each time it is used."""
    fields = _open(data, where)
    fields.number("mpp_answer", least=1, most=1)
    found = Answer(
        question=_id(fields, "question"),
        jti=_id(fields, "jti"),
        binding=_hex(fields, "binding"),
        text_sha256=_hex(fields, "text_sha256"),
        yes=fields.one_of("answer", ("yes", "no")) == "yes",
        approver=_text(fields, "approver"),
        amr=fields.one_of("amr", AMR),
        at=_time(fields, "at"),
        scope=fields.one_of("scope", SCOPES),
        envelope=_envelope(fields),
    )
    _end(fields)
    return found


def write_standing(standing: Standing) -> bytes:
    document: dict[str, Json] = {
        "mpp_standing": 1,
        "id": standing.id,
        "tenant": standing.tenant,
        "publisher": standing.publisher_id,
        "package": standing.package_id,
        "tool": standing.tool,
        "agent": standing.agent.shown(),
        "user": standing.user,
        "origin": standing.origin,
        "capabilities": standing.capabilities,
        "definitions": standing.definitions,
        "uses": standing.uses,
        "score": standing.score,
        "argument_sha256": standing.argument_sha256,
        "calls": standing.calls,
        "until": standing.until,
        "approver": standing.approver,
        "amr": standing.amr,
        "created": standing.created,
        "question": standing.question,
        "envelope": base64text.encode(standing.envelope),
    }
    return canonical(document)


def read_standing(data: bytes, *, where: str) -> Standing:
    fields = _open(data, where)
    fields.number("mpp_standing", least=1, most=1)
    found = Standing(
        id=_id(fields, "id"),
        tenant=_text(fields, "tenant"),
        publisher_id=_text(fields, "publisher"),
        package_id=_text(fields, "package"),
        tool=_text(fields, "tool"),
        agent=read_agent(fields.object("agent"), fields),
        user=_text(fields, "user"),
        origin=_text(fields, "origin"),
        capabilities=_hex(fields, "capabilities"),
        definitions=_text(fields, "definitions"),
        uses=_hex(fields, "uses"),
        score=fields.number("score", least=0, most=100),
        argument_sha256=_hex_or_none(fields, "argument_sha256"),
        calls=fields.number("calls", least=0, most=STANDING_CALLS_MAX),
        until=_time(fields, "until"),
        approver=_text(fields, "approver"),
        amr=fields.one_of("amr", AMR),
        created=_time(fields, "created"),
        question=_id(fields, "question"),
        envelope=_envelope(fields),
    )
    _end(fields)
    return found


def write_consent(consent: Consent) -> bytes:
    document: dict[str, Json] = {
        "mpp_consent": 1,
        "tenant": consent.tenant,
        "publisher": consent.publisher_id,
        "package": consent.package_id,
        "version": consent.version,
        "definitions": consent.definitions,
        "capabilities": consent.capabilities,
        "layer": consent.layer,
        "manifest": base64text.encode(consent.manifest),
        "by": consent.by,
        "amr": consent.amr,
        "at": consent.at,
    }
    return canonical(document)


def read_consent(data: bytes, *, where: str) -> Consent:
    fields = _open(data, where)
    fields.number("mpp_consent", least=1, most=1)
    found = Consent(
        tenant=_text(fields, "tenant"),
        publisher_id=_text(fields, "publisher"),
        package_id=_text(fields, "package"),
        version=_text(fields, "version"),
        definitions=_hex(fields, "definitions"),
        capabilities=_hex(fields, "capabilities"),
        layer=_hex_or_none(fields, "layer"),
        manifest=base64text.read_field(fields, "manifest", 1, CONSENT_BYTES_MAX),
        by=_text(fields, "by"),
        amr=fields.one_of("amr", ("", *AMR)),
        at=_time(fields, "at"),
    )
    _end(fields)
    return found


def _open(data: bytes, where: str) -> Fields:
    return Fields(read_canonical(data, family="approval", where=where), where, Faults("approval"))


def _end(fields: Fields) -> None:
    fields.end()
    fields.faults.stop()


def _envelope(fields: Fields) -> bytes:
    return base64text.read_field(fields, "envelope", 0, ANSWER_BYTES_MAX)


def _text(fields: Fields, key: str) -> str:
    return fields.text(key, most=QUESTION_TEXTS_MAX, least=0)


def _time(fields: Fields, key: str) -> int:
    return fields.number(key, least=0, most=TIME_MAX)


def _id(fields: Fields, key: str) -> str:
    return fields.text(key, most=32, pattern=ID, form=ID_FORM)


def _hex(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)


def _hex_or_none(fields: Fields, key: str) -> str:
    return "" if fields.raw(key) == "" else _hex(fields, key)
