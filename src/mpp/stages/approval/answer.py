"""Answers: made, signed, read, judged; and what all answers to one question come to. Spec: spec/4-approval.md section 5; attestation N-10."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import read_canonical
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.ports import Signer
from mpp.stages.approval.approvers import APPROVER_ID, APPROVER_ID_FORM, Approvers, APPROVES, may_answer, SECOND
from mpp.stages.approval.limits import APPROVER_CHARS_MAX, SKEW_SECONDS_MAX, TIME_MAX
from mpp.stages.approval.forms import ID, ID_FORM
from mpp.stages.approval.quoting import name
from mpp.stages.approval.signed import ANSWER_TYPE, judge_signature, open_envelope, seal
from mpp.stages.approval.strength import enough, weaker
from mpp.stages.approval.types import ALWAYS, Answer, Approver, ONCE, Question, SCOPES, Settled, SIGNED, State, VOUCHED

WORDS: Final = {
    "approval.mismatch": ("the answer is to another question, or to another text of it", "open the question and answer it anew"),
    "approval.clock": ("the answer was given before its question or after now", "set the clock of the machine that answered"),
    "approval.expired": ("the question or the answer is too old", "call again and answer the new question"),
    "approval.unsigned": ("the answer must be signed by the key of an approver", "answer with `mpp approve` as an approver of this host"),
    "approval.weak": ("the answer does not show well enough that a person gave it", "answer with `mpp approve` and the passphrase of an approver's key"),
    "approval.always": ("this question cannot be answered for always", "answer it once"),
    "approval.approver": ("nobody on this host has the key that signed the answer", "add the approver with `mpp approve enroll`"),
    "approval.approver_expired": ("the approver's time is over", "let an administrator renew it"),
    "approval.role": ("the approver may not answer for this package", "ask another approver"),
    "approval.same_approver": ("this approver has said yes already; another person must", "ask a second approver"),
    "approval.signature": ("the signature does not verify", "have it signed again"),
}
"""What is said of an answer that does not count, and what to do."""


def vouch(question: Question, *, yes: bool, user: str, amr: str, now: int, scope: str = ONCE) -> Answer:
    """An answer that this process saw a person give. Attack: it is never read from a file, a tool or a message."""
    if amr not in VOUCHED:
        raise refusal("approval.unsigned", question)
    # An approver's id has no colon, so no user is taken for one.
    return _answer(question, yes=yes, approver=f"user:{name(user)}", amr=amr, now=now, scope=scope)


def sign_answer(question: Question, signer: Signer, *, yes: bool, approver: str, amr: str, now: int, scope: str = ONCE) -> Answer:
    """An answer under the key of an approver, as it goes into a file or to a web hook."""
    answer = _answer(question, yes=yes, approver=approver, amr=amr, now=now, scope=scope)
    return replace(answer, envelope=seal(ANSWER_TYPE, answer.document(), signer))


def read_answer(data: bytes, approvers: Approvers, *, where: str) -> Answer:
    """A signed answer from outside. Whose key it is, is looked up here; nothing in it says so. Spec: attestation N-11 to N-14."""
    envelope = open_envelope(data, ANSWER_TYPE, where=where)
    # Attack: an answer that a tool, a client or anybody with access to the folder wrote.
    who = approvers.of_key(envelope.signatures[0].key)
    if who is None:
        message, hint = WORDS["approval.approver"]
        raise Refused("approval.approver", message, where=where, hint=hint)
    judge_signature(envelope, who.key, where=where)
    faults = Faults("approval")
    fields = Fields(read_canonical(envelope.payload, family="approval", where=where), where, faults)
    fields.number("mpp_answer", least=1, most=1)
    found = Answer(
        question=fields.text("question", most=32, pattern=ID, form=ID_FORM),
        jti=fields.text("jti", most=32, pattern=ID, form=ID_FORM),
        binding=_hex(fields, "binding"),
        text_sha256=_hex(fields, "text_sha256"),
        yes=fields.one_of("answer", ("yes", "no")) == "yes",
        approver=fields.text("approver", most=APPROVER_CHARS_MAX, pattern=APPROVER_ID, form=APPROVER_ID_FORM),
        amr=fields.one_of("amr", SIGNED),
        at=fields.number("at", least=0, most=TIME_MAX),
        scope=fields.one_of("scope", SCOPES),
        envelope=data,
    )
    fields.end()
    faults.stop()
    if found.approver != who.id:
        raise Refused("approval.approver", "the answer is signed by another approver than it names", where=where, hint="have it signed again")
    return found


def judge_answer(question: Question, answer: Answer, approvers: Approvers, now: int) -> str:
    """Why an answer does not count now: the code. Empty if it does. The first that holds decides. Spec: approval H-40 to H-49."""
    if (answer.question, answer.jti, answer.binding, answer.text_sha256) != (question.id, question.jti, question.binding, question.text_sha256):
        return "approval.mismatch"
    if not question.created - SKEW_SECONDS_MAX <= answer.at <= now + SKEW_SECONDS_MAX:
        return "approval.clock"
    if answer.at > question.expires or now > answer.at + question.answer_seconds:
        return "approval.expired"
    amr, code = _strength(question, answer, approvers, now)
    if code:
        return code
    if answer.yes and not enough(amr, question.strength):
        return "approval.weak"
    if answer.scope == ALWAYS and (question.offer is None or not answer.yes):
        return "approval.always"
    return ""


def _strength(question: Question, answer: Answer, approvers: Approvers, now: int) -> tuple[str, str]:
    """How strong an answer is, or the code of what is wrong with whoever gave it."""
    if not answer.envelope:
        # Attack: a row in the store that claims a passphrase; two answers of one person at one terminal.
        is_seen = answer.amr in VOUCHED and answer.approver.startswith("user:") and not (answer.yes and question.approvers > 1)
        return answer.amr, "" if is_seen else "approval.unsigned"
    try:
        # Judged again at each use: an approver who was removed meanwhile no longer counts.
        found = read_answer(answer.envelope, approvers, where=question.ref)
    except Refused as fault:
        return "", fault.code
    if found != answer:
        return "", "approval.mismatch"
    who = approvers.known[found.approver]
    roles = (APPROVES, SECOND) if question.approvers > 1 or not answer.yes else (APPROVES,)
    return weaker(found.amr, who.amr), may_answer(who, question.action.package_id, now, roles)


def settle(question: Question, answers: tuple[Answer, ...], approvers: Approvers, now: int) -> Settled:
    """Whether the question is answered, by what counts now. One no is a no."""
    judged = [(one, judge_answer(question, one, approvers, now)) for one in answers]
    refused = tuple(code for _, code in judged if code)
    counts = [one for one, code in judged if not code]
    no = [one for one in counts if not one.yes]
    if no:
        return Settled(state=State.NO, answers=tuple(no), until=min(one.at for one in no) + question.answer_seconds, refused=refused)
    # An answer for always is no approval of one call: what it became is looked up first, and may have been taken back.
    yes = sorted((one for one in counts if one.scope == ONCE), key=lambda one: (-one.at, one.approver))
    chosen = yes[:1] if question.approvers == 1 else _two(yes, approvers)
    if not chosen:
        return Settled(state=State.WAITING, answers=tuple(yes), refused=refused)
    return Settled(state=State.YES, answers=tuple(chosen), until=min(one.at for one in chosen) + question.answer_seconds, refused=refused)


def _two(yes: list[Answer], approvers: Approvers) -> list[Answer]:
    """Two answers of different persons with different keys, at least one of whom may approve alone. Spec: approval H-46."""
    by_key: dict[str, tuple[Answer, Approver]] = {}
    for one in yes:
        who = approvers.known[one.approver]
        by_key.setdefault(key_id(who.key), (one, who))
    people = sorted(by_key.values(), key=lambda pair: APPROVES not in pair[1].roles)[:2]
    return [one for one, _ in people] if len(people) == 2 and APPROVES in people[0][1].roles else []


def strength_of(answer: Answer, approvers: Approvers) -> str:
    """How strong an answer that counts is: what it claims, and never more than its approver's key is good for."""
    return weaker(answer.amr, approvers.known[answer.approver].amr) if answer.envelope else answer.amr


def refusal(code: str, question: Question) -> Refused:
    """The refusal of an answer."""
    message, hint = WORDS.get(code, ("the answer does not hold", "open the question and answer it anew"))
    return Refused(code, message, where=question.ref, hint=hint)


def _answer(question: Question, *, yes: bool, approver: str, amr: str, now: int, scope: str) -> Answer:
    return Answer(
        question=question.id, jti=question.jti, binding=question.binding, text_sha256=question.text_sha256, yes=yes, approver=approver, amr=amr, at=now, scope=scope,
    )  # fmt: skip


def _hex(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)
