from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.model.agents import AgentIdentity
from mpp.stages.approval import (
    Action,
    Proof,
    Question,
    Settled,
    State,
    action_of,
    grant_from,
    make_question,
    mint_proof,
    settle,
    sign_answer,
    verify_proof,
    vouch,
)
from mpp.stages.approval.limits import ANSWER_BYTES_MAX, PROOF_SECONDS_MAX, SKEW_SECONDS_MAX
from mpp.stages.approval.signed import ANSWER_TYPE, PROOF_TYPE, seal
from mpp.stages.policy.types import Limits
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import HOST, INVOCATION, OTHER_HOST, approver, approver_key, approvers, asked, given, need, token_for

KNOWN = approvers(approver("ada"), approver("bob", "second", amr="tty"))
ACTION = action_of(asked(), need().verdict, given())
USED = NOW + 60


def question(what: object = None) -> Question:
    return make_question(asked(), what or need(), given(), TestRandom())  # type: ignore[arg-type]


def settled(one: Question, now: int = USED) -> Settled:
    return settle(one, (vouch(one, yes=True, user="ada", amr="tty", now=NOW + 10),), KNOWN, now)


def minted(now: int = USED) -> bytes:
    one = question()
    return mint_proof(one, settled(one, now), KNOWN, INVOCATION, HOST, now)


def verified(data: bytes, action: Action = ACTION, now: int = USED, *, host: Any = HOST, invocation: str = INVOCATION) -> Proof:
    return verify_proof(data, action, host.public_key, now, invocation=invocation)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        work()
    return caught.value.code


def test_a_proof_says_what_was_approved_by_whom_for_whom_and_until_when() -> None:
    proof = verified(minted())
    one = question()
    answer = vouch(one, yes=True, user="ada", amr="tty", now=NOW + 10)
    assert (proof.action, proof.jti, proof.text_sha256, proof.invocation) == (ACTION, one.jti, one.text_sha256, INVOCATION)
    assert (proof.iat, proof.exp, proof.aud) == (USED, USED + PROOF_SECONDS_MAX, key_id(HOST.public_key))
    assert [(by.approver, by.amr, by.sha256) for by in proof.answers] == [("user:ada", "tty", answer.sha256)]
    assert len(minted()) < ANSWER_BYTES_MAX // 2


def test_two_approvers_stand_in_it_with_what_their_keys_count_for() -> None:
    one = question(need("medium", limits=Limits(approvers=2)))
    answers = tuple(sign_answer(one, approver_key(who), yes=True, approver=who, amr="passphrase", now=NOW + 10) for who in ("ada", "bob"))
    data = mint_proof(one, settle(one, answers, KNOWN, USED), KNOWN, INVOCATION, HOST, USED)
    proof = verified(data)
    assert [(by.approver, by.amr) for by in proof.answers] == [("ada", "passphrase"), ("bob", "tty")]
    grant = grant_from(proof, token_for(asked()), "user/a/b")
    assert (grant.approvers, grant.amr) == (("ada", "bob"), "tty"), "no stronger than the weaker of both"


def test_a_proof_never_outlives_its_answers() -> None:
    late = NOW + 10 + 900 - 30
    proof = verified(minted(late), now=late)
    assert proof.exp == NOW + 10 + 900
    last = NOW + 10 + 900
    assert verified(minted(last), now=last).exp == last


NOT_YES = [Settled(state=State.WAITING), Settled(state=State.NO, until=USED + 100), Settled(state=State.YES, until=USED - 1)]


@pytest.mark.parametrize("found", NOT_YES, ids=["waiting", "no", "too old"])
def test_without_a_yes_there_is_no_proof(found: Settled) -> None:
    assert code_of(lambda: mint_proof(question(), found, KNOWN, INVOCATION, HOST, USED)) == "approval.expired"


TIMES = [
    ("at once", USED, ""),
    ("at the end", USED + PROOF_SECONDS_MAX, ""),
    ("a second later", USED + PROOF_SECONDS_MAX + 1, "approval.expired"),
    ("a clock just behind", USED - SKEW_SECONDS_MAX, ""),
    ("a clock behind", USED - SKEW_SECONDS_MAX - 1, "approval.clock"),
    ("long ago", 0, "approval.clock"),
]


@pytest.mark.parametrize(("now", "code"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_a_proof_is_of_now(now: int, code: str) -> None:
    if code:
        assert code_of(lambda: verified(minted(), now=now)) == code
    else:
        assert verified(minted(), now=now).exp == USED + PROOF_SECONDS_MAX


def test_a_proof_of_another_host_is_refused() -> None:
    assert code_of(lambda: verified(minted(), host=OTHER_HOST)) == "approval.audience"


OTHER_ACTIONS: list[tuple[str, object]] = [
    ("tenant", "other"),
    ("publisher_id", "ab" * 32),
    ("package_id", "com.example.other"),
    ("content_hash", "ab" * 32),
    ("tool", "other"),
    ("argument_sha256", "ab" * 32),
    ("rights_digest", "ab" * 32),
    ("agent", AgentIdentity(name="other", level="launched")),
    ("user", "bob"),
    ("policy_digest", "ab" * 32),
]


@pytest.mark.parametrize(("name", "item"), OTHER_ACTIONS, ids=[name for name, _ in OTHER_ACTIONS])
def test_a_proof_of_another_action_is_refused(name: str, item: object) -> None:
    assert code_of(lambda: verified(minted(), replace(ACTION, **{name: item}))) == "approval.mismatch"  # type: ignore[arg-type]


def test_a_proof_of_another_invocation_is_refused() -> None:
    assert code_of(lambda: verified(minted(), invocation="ab" * 16)) == "approval.mismatch"
    assert verified(minted(), invocation="").invocation == INVOCATION


def document() -> dict[str, Any]:
    found = json.loads(b64decode(json.loads(minted())["payload"]))
    assert isinstance(found, dict)
    return found


Spoil = Callable[[dict[str, Any]], object]
SPOILT: list[tuple[str, Spoil, str]] = [
    ("another version", lambda d: d.update(mpp_approval=2), "approval.range"),
    ("a key more", lambda d: d.update(more=1), "approval.unknown_key"),
    ("no answers", lambda d: d.update(answers=[]), "approval.length"),
    ("three answers", lambda d: d.update(answers=d["answers"] * 3), "approval.length"),
    ("a key more in an answer", lambda d: d["answers"][0].update(more=1), "approval.unknown_key"),
    ("an unknown strength", lambda d: d["answers"][0].update(amr="god"), "approval.choice"),
    ("another audience", lambda d: d.update(aud="ab" * 32), "approval.audience"),
    ("another binding", lambda d: d.update(binding="ab" * 32), "approval.mismatch"),
    ("longer than any", lambda d: d.update(exp=d["iat"] + PROOF_SECONDS_MAX + 1), "approval.clock"),
    ("an end before its beginning", lambda d: d.update(exp=d["iat"] - 1), "approval.clock"),
    ("no action", lambda d: d.pop("action"), "approval.missing"),
]


@pytest.mark.parametrize(("spoil", "code"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_even_what_the_host_signed_is_judged(spoil: Spoil, code: str) -> None:
    spoilt = document()
    spoil(spoilt)
    assert code_of(lambda: verified(seal(PROOF_TYPE, spoilt, HOST))) == code


def test_a_changed_proof_is_refused() -> None:
    envelope = json.loads(minted())
    envelope["payload"] = b64encode(b64decode(envelope["payload"]).replace(b'"tool":"greet"', b'"tool":"other"')).decode()
    data = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
    assert code_of(lambda: verified(data, replace(ACTION, tool="other"))) == "approval.signature"


def test_an_answer_is_no_proof() -> None:
    assert code_of(lambda: verified(seal(ANSWER_TYPE, document(), HOST))) == "approval.envelope"


def test_the_grant_is_that_of_the_proof() -> None:
    grant = grant_from(verified(minted()), token_for(asked()), "user/a/b")
    assert (grant.invocation, grant.tool, grant.argument_sha256, grant.agent) == (INVOCATION, "greet", ACTION.argument_sha256, ACTION.agent)
    assert (grant.because, grant.approvers, grant.amr, grant.rule) == ("approval", ("user:ada",), "tty", "user/a/b")
    assert (grant.jti, grant.until) == (question().jti, USED + PROOF_SECONDS_MAX)


@pytest.mark.parametrize("changes", [{"tenant": "other"}, {"publisher_id": "ab" * 32}, {"package_id": "com.example.other"}, {"content_hash": "ab" * 32}])
def test_a_token_of_another_package_is_refused(changes: dict[str, object]) -> None:
    assert code_of(lambda: grant_from(verified(minted()), token_for(asked(**changes)), "")) == "approval.mismatch"
