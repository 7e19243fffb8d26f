from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.stages.approval import (
    Answer,
    Approvers,
    NOBODY,
    Question,
    State,
    judge_answer,
    make_question,
    read_answer,
    refusal,
    settle,
    sign_answer,
    strength_of,
    vouch,
)
from mpp.stages.approval.answer import WORDS
from mpp.stages.approval.limits import ANSWER_BYTES_MAX, QUESTION_SECONDS_MAX, SKEW_SECONDS_MAX
from mpp.stages.approval.signed import ANSWER_TYPE, PROOF_TYPE, seal
from mpp.stages.policy.types import Limits
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import approver, approver_key, approvers, asked, given, need

ADA, BOB = approver("ada"), approver("bob", "second")
KNOWN = approvers(ADA, BOB, approver("carol", "admin"), approver("dan", amr="tty"), approver("gone", until=NOW - 1), approver("zoe"))


def question(level: str = "low", limits: Limits | None = None, *, number: int = 0) -> Question:
    return make_question(asked(), need(level, limits=limits), given({"n": number}), TestRandom())


LOW, HIGH, TWO = question(), question("high"), question("critical", Limits(approvers=2))


def signed(one: Question, who: str = "ada", *, yes: bool = True, amr: str = "passphrase", at: int = NOW + 10, scope: str = "once") -> Answer:
    return sign_answer(one, approver_key(who), yes=yes, approver=who, amr=amr, now=at, scope=scope)


def seen(one: Question, *, yes: bool = True, amr: str = "tty", at: int = NOW + 10, scope: str = "once") -> Answer:
    return vouch(one, yes=yes, user="ada", amr=amr, now=at, scope=scope)


# --- made and read


def test_the_host_vouches_for_what_it_saw_and_for_no_more() -> None:
    assert seen(LOW).approver == "user:ada"
    assert seen(LOW).envelope == b""
    for amr in ("passphrase", "webauthn", "other-uid", "god"):
        with pytest.raises(Refused) as caught:
            seen(LOW, amr=amr)
        assert caught.value.code == "approval.unsigned"


def test_a_user_of_any_name_is_no_approver() -> None:
    for user in ("ada", "a\nb", "", "x" * 500):
        one = vouch(LOW, yes=True, user=user, amr="tty", now=NOW)
        assert one.approver.startswith("user:")
        assert one.approver.isprintable()
        assert len(one.approver) < 140


def test_a_signed_answer_is_read_as_it_was_signed() -> None:
    one = signed(HIGH, scope="always")
    assert read_answer(one.envelope, KNOWN, where="here") == one
    no = signed(HIGH, yes=False)
    assert read_answer(no.envelope, KNOWN, where="here") == no
    assert no.yes is False


def test_the_document_of_an_answer() -> None:
    one = signed(HIGH)
    payload = b64decode(json.loads(one.envelope)["payload"])
    assert payload.decode() == (
        f'{{"amr":"passphrase","answer":"yes","approver":"ada","at":{NOW + 10},"binding":"{HIGH.binding}","jti":"{HIGH.jti}","mpp_answer":1,'
        f'"question":"{HIGH.id}","scope":"once","text_sha256":"{HIGH.text_sha256}"}}'
    )
    assert len(one.envelope) < ANSWER_BYTES_MAX // 4


def code_of_reading(data: bytes, known: Approvers = KNOWN) -> str:
    with pytest.raises(Refused) as caught:
        read_answer(data, known, where="here")
    return caught.value.code


def resealed(**changes: object) -> bytes:
    document: dict[str, Any] = {**signed(HIGH).document(), **changes}
    return seal(ANSWER_TYPE, {key: item for key, item in document.items() if item is not None}, approver_key("ada"))


SPOILT = [
    ("another version", resealed(mpp_answer=2), "approval.range"),
    ("a key more", resealed(more=1), "approval.unknown_key"),
    ("no question", resealed(question=None), "approval.missing"),
    ("maybe", resealed(answer="maybe"), "approval.choice"),
    ("true", resealed(answer=True), "approval.type"),
    ("a strength that no signature has", resealed(amr="flag"), "approval.choice"),
    ("another's name", resealed(approver="bob"), "approval.approver"),
    ("a user of this host", resealed(approver="user:ada"), "approval.form"),
    ("a scope of its own", resealed(scope="forever"), "approval.choice"),
    ("a time before all time", resealed(at=-1), "approval.range"),
    ("another type", seal(PROOF_TYPE, signed(HIGH).document(), approver_key("ada")), "approval.envelope"),
    ("an unknown key", seal(ANSWER_TYPE, signed(HIGH).document(), approver_key("eve")), "approval.approver"),
    ("no envelope", json.dumps(signed(HIGH).document()).encode(), "approval.envelope"),
    ("nothing", b"", "approval.envelope"),
    ("too much", b" " * (ANSWER_BYTES_MAX + 1), "approval.size"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_a_spoilt_answer_is_refused(data: bytes, code: str) -> None:
    assert code_of_reading(data) == code


def test_a_changed_answer_is_refused() -> None:
    document = json.loads(signed(HIGH, yes=False).envelope)
    document["payload"] = b64encode(b64decode(document["payload"]).replace(b'"no"', b'"yes"')).decode()
    assert code_of_reading(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()) == "approval.signature"


def test_two_signatures_are_not_one() -> None:
    document = json.loads(signed(HIGH).envelope)
    other = json.loads(seal(ANSWER_TYPE, signed(HIGH).document(), approver_key("bob")))
    document["signatures"] = sorted([*document["signatures"], *other["signatures"]], key=lambda one: one["keyid"])
    assert code_of_reading(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()) == "approval.envelope"


def test_the_payload_must_be_canonical() -> None:
    from mpp.crypto.envelope import Envelope, sign, write_envelope

    payload = json.dumps(signed(HIGH).document(), sort_keys=True).encode()
    data = write_envelope(Envelope(payload_type=ANSWER_TYPE, payload=payload, signatures=sign(ANSWER_TYPE, payload, (approver_key("ada"),))))
    assert code_of_reading(data) == "approval.json"


# --- judged

END = NOW + QUESTION_SECONDS_MAX
JUDGED: list[tuple[str, Question, Answer, int, str]] = [
    ("a yes at the terminal to a low one", LOW, seen(LOW), NOW + 10, ""),
    ("an option to a low one", LOW, seen(LOW, amr="flag"), NOW + 10, ""),
    ("a signed yes to a low one", LOW, signed(LOW), NOW + 10, ""),
    ("for always", LOW, seen(LOW, scope="always"), NOW + 10, ""),
    ("a passphrase to a high one", HIGH, signed(HIGH), NOW + 10, ""),
    ("a security key to a high one", HIGH, signed(HIGH, amr="webauthn"), NOW + 10, ""),
    ("another user to a high one", HIGH, signed(HIGH, amr="other-uid"), NOW + 10, ""),
    ("a terminal to a high one", HIGH, seen(HIGH), NOW + 10, "approval.weak"),
    ("an option to a high one", HIGH, seen(HIGH, amr="flag"), NOW + 10, "approval.weak"),
    ("a signature that claims a terminal", HIGH, signed(HIGH, amr="tty"), NOW + 10, "approval.weak"),
    ("a key that counts for a terminal", HIGH, signed(HIGH, "dan"), NOW + 10, "approval.weak"),
    ("the same to a low one", LOW, signed(LOW, "dan"), NOW + 10, ""),
    ("a no at the terminal to a high one", HIGH, seen(HIGH, yes=False), NOW + 10, ""),
    ("a no that lasts", LOW, seen(LOW, yes=False, scope="always"), NOW + 10, "approval.always"),
    ("for always where it is no answer", question("critical"), signed(question("critical"), scope="always"), NOW + 10, "approval.always"),
    ("an administrator", LOW, signed(LOW, "carol"), NOW + 10, "approval.role"),
    ("a second alone", LOW, signed(LOW, "bob"), NOW + 10, "approval.role"),
    ("a second's no", LOW, signed(LOW, "bob", yes=False), NOW + 10, ""),
    ("an approver whose time is over", LOW, signed(LOW, "gone"), NOW + 10, "approval.approver_expired"),
    ("an unknown approver", LOW, signed(LOW, "eve"), NOW + 10, "approval.approver"),
    ("an answer to another question", LOW, seen(question(number=1)), NOW + 10, "approval.mismatch"),
    ("another jti", LOW, replace(seen(LOW), jti="ab" * 16), NOW + 10, "approval.mismatch"),
    ("another text", LOW, replace(seen(LOW), text_sha256="ab" * 32), NOW + 10, "approval.mismatch"),
    ("another binding", LOW, replace(seen(LOW), binding="ab" * 32), NOW + 10, "approval.mismatch"),
    ("another question's id", LOW, replace(seen(LOW), question="ab" * 16), NOW + 10, "approval.mismatch"),
    ("a clock just ahead", LOW, seen(LOW, at=NOW + 10 + SKEW_SECONDS_MAX), NOW + 10, ""),
    ("a clock ahead", LOW, seen(LOW, at=NOW + 11 + SKEW_SECONDS_MAX), NOW + 10, "approval.clock"),
    ("a clock just behind", LOW, seen(LOW, at=NOW - SKEW_SECONDS_MAX), NOW + 10, ""),
    ("before the question", LOW, seen(LOW, at=NOW - 1 - SKEW_SECONDS_MAX), NOW + 10, "approval.clock"),
    ("the last second", LOW, seen(LOW), NOW + 10 + 900, ""),
    ("a second too late", LOW, seen(LOW), NOW + 11 + 900, "approval.expired"),
    ("answered in the last second", LOW, seen(LOW, at=END), END, ""),
    ("answered too late", LOW, seen(LOW, at=END + 1), END + 1, "approval.expired"),
    ("shorter by policy", question(limits=Limits(answer_seconds=30)), seen(question(limits=Limits(answer_seconds=30))), NOW + 41, "approval.expired"),
    ("a row that claims a passphrase", HIGH, replace(seen(HIGH), amr="passphrase"), NOW + 10, "approval.unsigned"),
    ("a row that claims an approver", LOW, replace(seen(LOW), approver="ada"), NOW + 10, "approval.unsigned"),
    ("a row that claims another strength than is signed", HIGH, replace(signed(HIGH, amr="tty"), amr="passphrase"), NOW + 10, "approval.mismatch"),
    ("a row that claims yes where no is signed", HIGH, replace(signed(HIGH, yes=False), yes=True), NOW + 10, "approval.mismatch"),
    ("a row with a broken envelope", HIGH, replace(signed(HIGH), envelope=b"{}"), NOW + 10, "approval.envelope"),
    ("one of two, not signed", question("low", Limits(approvers=2)), seen(question("low", Limits(approvers=2))), NOW + 10, "approval.unsigned"),
    ("one of two who says no, not signed", TWO, seen(TWO, yes=False), NOW + 10, ""),
    ("one of two", TWO, signed(TWO), NOW + 10, ""),
    ("the second of two", TWO, signed(TWO, "bob"), NOW + 10, ""),
]  # fmt: skip


@pytest.mark.parametrize(("one", "answer", "now", "code"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_an_answer_is_judged(one: Question, answer: Answer, now: int, code: str) -> None:
    assert judge_answer(one, answer, KNOWN, now) == code


def test_a_package_out_of_reach() -> None:
    known = approvers(approver("ada", packages=("com.other.*",)))
    assert judge_answer(LOW, signed(LOW), known, NOW + 10) == "approval.role"


def test_every_refusal_has_words() -> None:
    for code, (message, hint) in WORDS.items():
        found = refusal(code, LOW)
        assert (found.code, found.message, found.hint, found.where) == (code, message, hint, LOW.ref)
    assert refusal("approval.json", LOW).message == "the answer does not hold"


def test_how_strong_an_answer_is() -> None:
    assert strength_of(seen(LOW), NOBODY) == "tty"
    assert strength_of(signed(LOW), KNOWN) == "passphrase"
    assert strength_of(signed(LOW, "dan"), KNOWN) == "tty"


# --- settled


def settled(one: Question, *answers: Answer, now: int = NOW + 20, known: Approvers = KNOWN) -> tuple[State, list[str]]:
    found = settle(one, answers, known, now)
    return found.state, [answer.approver for answer in found.answers]


def test_one_yes_is_enough_for_one() -> None:
    assert settled(LOW) == (State.WAITING, [])
    assert settled(LOW, seen(LOW)) == (State.YES, ["user:ada"])
    found = settle(LOW, (seen(LOW),), KNOWN, NOW + 20)
    assert found.until == NOW + 10 + 900


def test_the_newest_yes_counts() -> None:
    assert settled(LOW, seen(LOW), signed(LOW, at=NOW + 15)) == (State.YES, ["ada"])
    assert settled(LOW, seen(LOW, at=NOW + 15), signed(LOW)) == (State.YES, ["user:ada"])


def test_one_no_is_a_no() -> None:
    assert settled(LOW, signed(LOW), seen(LOW, yes=False)) == (State.NO, ["user:ada"])
    assert settle(LOW, (seen(LOW, yes=False), signed(LOW, yes=False, at=NOW + 5)), KNOWN, NOW + 20).until == NOW + 5 + 900


def test_what_does_not_count_is_told_and_left_out() -> None:
    found = settle(HIGH, (seen(HIGH), signed(HIGH, "eve")), KNOWN, NOW + 20)
    assert (found.state, found.refused) == (State.WAITING, ("approval.weak", "approval.approver"))


def test_what_ran_out_does_not_count() -> None:
    assert settled(LOW, seen(LOW), now=NOW + 911) == (State.WAITING, [])


def test_an_answer_for_always_is_no_approval_of_one_call() -> None:
    assert settled(LOW, seen(LOW, scope="always")) == (State.WAITING, [])


TWO_OF = [
    ("one is not two", ["ada"], State.WAITING, ["ada"]),
    ("both who may alone", ["ada", "zoe"], State.YES, ["ada", "zoe"]),
    ("one who may and a second", ["ada", "bob"], State.YES, ["ada", "bob"]),
    ("the second first", ["bob", "ada"], State.YES, ["ada", "bob"]),
    ("twice the same", ["ada", "ada"], State.WAITING, ["ada", "ada"]),
    ("three", ["ada", "bob", "zoe"], State.YES, ["ada", "zoe"]),
    ("one who does not count", ["ada", "carol"], State.WAITING, ["ada"]),
]


@pytest.mark.parametrize(("who", "state", "counted"), [row[1:] for row in TWO_OF], ids=[row[0] for row in TWO_OF])
def test_two_are_two_persons(who: list[str], state: State, counted: list[str]) -> None:
    assert settled(TWO, *(signed(TWO, one) for one in who)) == (state, counted)


def test_two_seconds_are_not_enough() -> None:
    known = approvers(BOB, approver("bill", "second"))
    assert settled(TWO, signed(TWO), signed(TWO, "bill"), known=known)[0] is State.WAITING
    assert settled(TWO, signed(TWO, "bob"), signed(TWO, "bill"), known=known) == (State.WAITING, ["bill", "bob"])


def test_two_last_as_long_as_the_first() -> None:
    found = settle(TWO, (signed(TWO), signed(TWO, "bob", at=NOW + 300)), KNOWN, NOW + 400)
    assert found.until == NOW + 10 + 900


def test_two_names_of_one_key_are_one_person() -> None:
    """A list that was read has each key once; one that was put together by hand may not."""
    known = Approvers(known={"ada": ADA, "zoe": replace(approver("zoe"), key=ADA.key)})
    twin = sign_answer(TWO, approver_key("ada"), yes=True, approver="zoe", amr="passphrase", now=NOW + 10)
    assert settled(TWO, signed(TWO), twin, known=known)[0] is State.WAITING
