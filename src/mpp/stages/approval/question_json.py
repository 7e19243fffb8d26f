"""Questions as documents: as the store keeps them and as files and web hooks carry them. Spec: spec/attestation.md section 1."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation, LEVELS
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.stages.approval.forms import ID, ID_FORM, REF, REF_FORM
from mpp.stages.approval.limits import ACTION_BYTES_MAX, DETAILS_BYTES_MAX, QUESTION_BYTES_MAX, QUESTION_TEXTS_MAX, STANDING_CALLS_MAX, TEXT_BYTES_MAX, TIME_MAX
from mpp.stages.approval.question import text_sha256
from mpp.stages.approval.types import Action, Offer, Question
from mpp.stages.policy.types import Reason, Risk, STRENGTHS

_KINDS = ("user", "agent")
_LINES_MAX = 4096


def write_question(question: Question) -> bytes:
    """The document of a question. One that could not be read again is refused."""
    action = question.action
    offer: Json = None if question.offer is None else {"calls": question.offer.calls, "until": question.offer.until}
    reasons: list[Json] = [[one.points, one.words] for one in question.risk.reasons]
    document: dict[str, Json] = {
        "mpp_question": 1,
        "ref": question.ref,
        "id": question.id,
        "jti": question.jti,
        "action": action.shown(),
        "binding": action.binding,
        "publisher_name": question.publisher_name,
        "version": question.version,
        "security_level": question.security_level,
        "risk": {"score": question.risk.score, "band": question.risk.band, "reasons": reasons},
        "origin": question.origin,
        "rule": question.rule,
        "strength": question.strength,
        "approvers": question.approvers,
        "answer_seconds": question.answer_seconds,
        "capabilities": question.capabilities,
        "definitions": question.definitions,
        "uses": question.uses,
        "includes_consent": question.includes_consent,
        "growth": [*question.growth],
        "offer": offer,
        "arguments_shown": [*question.arguments_shown],
        "text": question.text,
        "text_sha256": question.text_sha256,
        "details": question.details,
        "must_open_details": question.must_open_details,
        "created": question.created,
        "expires": question.expires,
    }
    try:
        data = canonical(document)
        # Attack: names so long that a person is asked, says yes, and the proof of it can never be made.
        if len(canonical(action.shown())) > ACTION_BYTES_MAX:
            hint = "give shorter names, or let fewer stand behind the agent"
            raise Refused("approval.size", f"the names of the call would have more than {ACTION_BYTES_MAX} bytes", where=question.ref, hint=hint)
    except UnicodeEncodeError:
        raise Refused("approval.name", "a name holds half of a character", where=question.ref, hint="give names in UTF-8") from None
    if len(data) > QUESTION_BYTES_MAX:
        raise Refused("approval.size", f"the question would have more than {QUESTION_BYTES_MAX} bytes", where=question.ref, hint="call with less at once")
    # Attack: a name that can be written and not read again, so that nobody can look at any pending question.
    read_question(data, where=question.ref)
    return data


def read_question(data: bytes, *, where: str) -> Question:
    """Read a question that was kept or sent. Its text and its binding must be those of its digests."""
    if len(data) > QUESTION_BYTES_MAX:
        raise Refused("approval.size", f"a question has more than {QUESTION_BYTES_MAX} bytes", where=where, hint="give a question that MPP wrote")
    faults = Faults("approval")
    fields = Fields(read_canonical(data, family="approval", where=where), where, faults)
    fields.number("mpp_question", least=1, most=1)
    found = _read(fields)
    binding, digest = _hex(fields, "binding"), _hex(fields, "text_sha256")
    fields.end()
    faults.stop()
    # Attack: a question changed on its way, so that somebody says yes to one text and means another.
    if binding != found.binding or digest != found.text_sha256:
        raise Refused("approval.mismatch", "the question is not what its digests say", where=where, hint="have the question asked again")
    return found


def _read(fields: Fields) -> Question:
    text = fields.text("text", most=TEXT_BYTES_MAX)
    return Question(
        ref=fields.text("ref", most=32, pattern=REF, form=REF_FORM),
        id=fields.text("id", most=32, pattern=ID, form=ID_FORM),
        jti=fields.text("jti", most=32, pattern=ID, form=ID_FORM),
        action=read_action(fields.object("action"), fields),
        publisher_name=_text(fields, "publisher_name"),
        version=_text(fields, "version"),
        security_level=_text(fields, "security_level"),
        risk=_read_risk(fields.object("risk"), fields),
        origin=_text(fields, "origin"),
        rule=_text(fields, "rule"),
        strength=fields.one_of("strength", STRENGTHS),
        approvers=fields.number("approvers", least=1, most=2),
        answer_seconds=fields.number("answer_seconds", least=0, most=TIME_MAX),
        capabilities=_hex(fields, "capabilities"),
        definitions=_text(fields, "definitions"),
        uses=_hex(fields, "uses"),
        includes_consent=fields.flag("includes_consent"),
        growth=_lines(fields, "growth"),
        offer=_read_offer(fields),
        arguments_shown=_lines(fields, "arguments_shown"),
        text=text,
        text_sha256=text_sha256(text),
        details=fields.text("details", most=DETAILS_BYTES_MAX),
        must_open_details=fields.flag("must_open_details"),
        created=fields.number("created", least=0, most=TIME_MAX),
        expires=fields.number("expires", least=0, most=TIME_MAX),
    )


def read_action(fields: Fields | None, around: Fields) -> Action:
    """The action under a binding or a proof, as ``Action.shown`` writes it."""
    fields = fields if fields is not None else Fields({}, around.where, around.faults)
    found = Action(
        tenant=_text(fields, "tenant"),
        publisher_id=_text(fields, "publisher"),
        package_id=_text(fields, "package"),
        content_hash=_hex(fields, "content"),
        tool=_text(fields, "tool"),
        argument_sha256=_hex(fields, "argument_sha256"),
        rights_digest=_hex(fields, "rights"),
        agent=read_agent(fields.object("agent"), fields),
        user=_text(fields, "user"),
        policy_digest=_text(fields, "policy"),
    )
    fields.end()
    return found


def read_agent(fields: Fields | None, around: Fields) -> AgentIdentity:
    """An agent as ``AgentIdentity.shown`` writes it."""
    fields = fields if fields is not None else Fields({}, around.where, around.faults)
    found = AgentIdentity(
        name=_text(fields, "name"),
        level=fields.one_of("proof", LEVELS),
        key=fields.text("key", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM) if fields.has("key") else "",
        issuer=fields.text("issuer", most=QUESTION_TEXTS_MAX) if fields.has("issuer") else "",
        behind=fields.each("behalf", lambda item, where: _read_behind(Fields(item, where, fields.faults)), most=_LINES_MAX),
    )
    fields.end()
    return found


def _read_behind(fields: Fields) -> Delegation:
    found = Delegation(kind=fields.one_of("kind", _KINDS), name=_text(fields, "name"), level=fields.one_of("proof", LEVELS))
    fields.end()
    return found


def _read_risk(fields: Fields | None, around: Fields) -> Risk:
    fields = fields if fields is not None else Fields({}, around.where, around.faults)
    reasons = fields.each("reasons", lambda item, where: _read_reason(item, where, fields), most=_LINES_MAX)
    found = Risk(score=fields.number("score", least=0, most=100), band=_text(fields, "band"), reasons=reasons)
    fields.end()
    return found


def _read_reason(item: Json, where: str, around: Fields) -> Reason:
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], int) and isinstance(item[1], str):
        return Reason(points=item[0], words=item[1])
    around.faults.add("type", where, "is not points and words", "give a question that MPP wrote")
    return Reason(points=0, words="")


def _read_offer(fields: Fields) -> Offer | None:
    item = fields.raw("offer")
    if item is None:
        return None
    offer = Fields(item, fields.path("offer"), fields.faults)
    found = Offer(calls=offer.number("calls", least=1, most=STANDING_CALLS_MAX), until=offer.number("until", least=0, most=TIME_MAX))
    offer.end()
    return found


def _lines(fields: Fields, key: str) -> tuple[str, ...]:
    def line(item: Json, where: str) -> str:
        if isinstance(item, str):
            return item
        fields.faults.add("type", where, "is not a string", "give a question that MPP wrote")
        return ""

    return fields.each(key, line, most=_LINES_MAX, required=True)


def _text(fields: Fields, key: str) -> str:
    return fields.text(key, most=QUESTION_TEXTS_MAX, least=0)


def _hex(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)
