"""Proofs: a yes made usable once, now, here. Minted when it is used, verified before it is spent. Spec: spec/attestation.md section 3."""

from __future__ import annotations


from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read_canonical
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.ports import Signer
from mpp.stages.approval.answer import strength_of
from mpp.stages.approval.approvers import Approvers
from mpp.stages.approval.limits import IDENTITY_CHARS_MAX, PROOF_SECONDS_MAX, SKEW_SECONDS_MAX, TIME_MAX
from mpp.stages.approval.forms import ID, ID_FORM
from mpp.stages.approval.question_json import read_action
from mpp.stages.approval.signed import judge_signature, open_envelope, PROOF_TYPE, seal
from mpp.stages.approval.types import Action, AMR, AnsweredBy, Proof, Question, Settled, State
from mpp.stages.approval.warrants import Grant
from mpp.stages.policy import CapabilityToken, held_by

WHERE = "proof"


def mint_proof(question: Question, settled: Settled, approvers: Approvers, invocation: str, host: Signer, now: int) -> bytes:
    """The signed proof that this one action was approved, for this one invocation. Spec: attestation N-20 to N-23."""
    if settled.state is not State.YES or now > settled.until:
        raise Refused("approval.expired", "there is no answer that allows this now", where=question.ref, hint="call again and have it approved")
    # Spec: attestation N-22. Never longer than the answers behind it.
    until = min(now + PROOF_SECONDS_MAX, settled.until)
    answers: list[Json] = [{"approver": one.approver, "amr": strength_of(one, approvers), "sha256": one.sha256} for one in settled.answers]
    document: dict[str, Json] = {
        "mpp_approval": 1,
        "action": question.action.shown(),
        "binding": question.binding,
        "jti": question.jti,
        "text_sha256": question.text_sha256,
        "invocation": invocation,
        "iat": now,
        "exp": until,
        "aud": key_id(host.public_key),
        "answers": answers,
    }
    return seal(PROOF_TYPE, document, host)


def verify_proof(data: bytes, action: Action, host_public: bytes, now: int, *, invocation: str = "") -> Proof:
    """The proof, if it is of this host, of this action, and of now. Spec: attestation N-24 to N-28."""
    envelope = open_envelope(data, PROOF_TYPE, where=WHERE)
    aud = key_id(host_public)
    if envelope.signatures[0].key != aud:
        raise _refused("approval.audience", "the proof was made by another host")
    judge_signature(envelope, host_public, where=WHERE)
    proof, binding = _read(envelope.payload)
    if proof.aud != aud:
        raise _refused("approval.audience", "the proof is for another host")
    # Attack: one approval used for another call: other arguments, another tool, another agent, other rights, another policy.
    if proof.action != action or binding != action.binding:
        raise _refused("approval.mismatch", "the proof is of another action")
    if invocation and proof.invocation != invocation:
        raise _refused("approval.mismatch", "the proof is of another invocation")
    # Attack: a clock put back, or a proof made with a clock put forward, so that it never ends.
    if proof.iat > now + SKEW_SECONDS_MAX or not proof.iat <= proof.exp <= proof.iat + PROOF_SECONDS_MAX:
        raise _refused("approval.clock", "the proof comes from the future, or lives longer than any may")
    if now > proof.exp:
        raise _refused("approval.expired", "the proof is too old")
    return proof


def grant_from(proof: Proof, token: CapabilityToken, rule: str) -> Grant:
    """Rights for the one call that was approved. The token must be of the same package and must hold the tool."""
    held, action = held_by(token), proof.action
    of_token = (held.tenant, held.publisher_id, held.package_id, held.content_hash)
    if of_token != (action.tenant, action.publisher_id, action.package_id, action.content_hash):
        raise _refused("approval.mismatch", "the token is of another package than the approval")
    return Grant(
        token=token,
        invocation=proof.invocation,
        tool=action.tool,
        argument_sha256=action.argument_sha256,
        agent=action.agent,
        because="approval",
        approvers=tuple(one.approver for one in proof.answers),
        amr=min((one.amr for one in proof.answers), key=AMR.index),
        jti=proof.jti,
        until=proof.exp,
        rule=rule,
    )


def _read(payload: bytes) -> tuple[Proof, str]:
    faults = Faults("approval")
    fields = Fields(read_canonical(payload, family="approval", where=WHERE), WHERE, faults)
    fields.number("mpp_approval", least=1, most=1)
    proof = Proof(
        action=read_action(fields.object("action"), fields),
        jti=fields.text("jti", most=32, pattern=ID, form=ID_FORM),
        text_sha256=_hex(fields, "text_sha256"),
        invocation=fields.text("invocation", most=32, pattern=ID, form=ID_FORM),
        iat=fields.number("iat", least=0, most=TIME_MAX),
        exp=fields.number("exp", least=0, most=TIME_MAX),
        aud=_hex(fields, "aud"),
        answers=fields.each("answers", lambda item, at: _read_answered(Fields(item, at, faults)), most=2, least=1, required=True),
    )
    binding = _hex(fields, "binding")
    fields.end()
    faults.stop()
    return proof, binding


def _read_answered(fields: Fields) -> AnsweredBy:
    found = AnsweredBy(approver=fields.text("approver", most=IDENTITY_CHARS_MAX), amr=fields.one_of("amr", AMR), sha256=_hex(fields, "sha256"))
    fields.end()
    return found


def _hex(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)


def _refused(code: str, message: str) -> Refused:
    return Refused(code, message, where=WHERE, hint="call again and have it approved")
