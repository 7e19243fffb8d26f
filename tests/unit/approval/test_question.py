from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.jsontext import canonical
from mpp.stages.approval import (
    Offer,
    Question,
    make_question,
    mint_proof,
    moment,
    offer_words,
    read_question,
    required,
    settle,
    sign_answer,
    verify_proof,
    write_question,
)
from mpp.stages.approval.limits import ACTION_BYTES_MAX, QUESTION_BYTES_MAX, QUESTION_SECONDS_MAX, STANDING_SECONDS
from mpp.stages.policy.types import Limits, Risk
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import HOST, INVOCATION, approver, approver_key, approvers, asked, given, need

BEHIND = (Delegation(kind="agent", name="planner", level="token"), Delegation(kind="user", name="ada", level="signed"))
FULL = AgentIdentity(name="worker", level="signed", key="ab" * 32, issuer="https://id.example", behind=BEHIND)


def question(one: object = None, what: object = None, more: object = None) -> Question:
    return make_question(one or asked(), what or need(), more or given(), TestRandom())  # type: ignore[arg-type]


def test_what_a_question_holds() -> None:
    found = question()
    assert (found.id, found.jti, found.ref) == ("00000001" * 4, "00000002" * 4, "0000")
    assert (found.created, found.expires) == (NOW, NOW + QUESTION_SECONDS_MAX)
    assert (found.tenant, found.rule) == ("local", "user/developer/default")
    assert (found.strength, found.approvers, found.answer_seconds) == ("flag", 1, 900)
    assert found.text_sha256 == sha256(found.text.encode()).hexdigest()
    assert found.offer == Offer(calls=100, until=NOW + STANDING_SECONDS)


NO_OFFER = [
    ("a critical tool", asked(), need("critical")),
    ("a critical risk", asked(), need(risk=Risk(score=90, band="critical", reasons=()))),
    ("a critical level of the package", asked(security_level="critical"), need()),
    ("two approvers", asked(), need(limits=Limits(approvers=2))),
    ("no consent yet", asked(consented=False), need()),
]


@pytest.mark.parametrize(("one", "what"), [row[1:] for row in NO_OFFER], ids=[row[0] for row in NO_OFFER])
def test_always_is_not_offered_for(one: object, what: object) -> None:
    assert question(one, what).offer is None


def test_the_agent_learns_a_reference_and_nothing_else() -> None:
    found = question(what=need("high"))
    refusal = required(found)
    assert (refusal.code, refusal.message, refusal.where) == ("approval.required", "approval required, ref 0000", "0000")
    assert refusal.exit_code == 24
    for word in ("mpp", "passphrase", "policy", "--yes", found.id, found.jti):
        assert word not in refusal.hint


def test_times_and_offers_in_words() -> None:
    assert moment(NOW) == "2026-01-01 00:00:00 UTC"
    assert offer_words(Offer(calls=7, until=NOW)).startswith("up to 7 calls of this tool by this agent, with any arguments, until 2026-01-01 00:00:00 UTC")


KEPT = [
    ("plain", question()),
    ("full", question(asked(agent=FULL), need("high", limits=Limits(approvers=2, strength="passphrase", answer_seconds=60)), given({"a": "x" * 999}, includes_consent=True, growth=("May more.",)))),
    ("nobody", question(asked(agent=AgentIdentity(), user="", consented=False))),
]  # fmt: skip


@pytest.mark.parametrize("one", [one for _, one in KEPT], ids=[name for name, _ in KEPT])
def test_a_question_is_read_as_it_was_written(one: Question) -> None:
    assert read_question(write_question(one), where="here") == one


def test_a_question_that_is_too_large_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.approval.question_json.QUESTION_BYTES_MAX", 100)
    with pytest.raises(Refused, match="more than 100 bytes") as caught:
        write_question(question())
    assert caught.value.code == "approval.size"


def test_names_that_no_proof_could_hold_are_not_written() -> None:
    crowd = tuple(Delegation(kind="agent", name=f"{i:0100}", level="launched") for i in range(40))
    with pytest.raises(Refused, match="the names of the call") as caught:
        write_question(question(asked(agent=replace(FULL, behind=crowd))))
    assert caught.value.code == "approval.size"


def test_the_longest_names_that_are_written_have_a_proof() -> None:
    two = approvers(*(approver("a" * 63 + str(i)) for i in range(2)))
    what = need("critical", limits=Limits(approvers=2))
    least = len(canonical(question(asked(user=""), what).action.shown()))
    one = question(asked(user="\u65e5" * ((ACTION_BYTES_MAX - least) // 3)), what)
    write_question(one)
    assert ACTION_BYTES_MAX - len(canonical(one.action.shown())) < 3
    answers = tuple(sign_answer(one, approver_key(who), yes=True, approver=who, amr="passphrase", now=NOW) for who in two.known)
    data = mint_proof(one, settle(one, answers, two, NOW), two, INVOCATION, HOST, NOW)
    assert verify_proof(data, one.action, HOST.public_key, NOW, invocation=INVOCATION).jti == one.jti


def test_who_only_says_a_name_is_counted_with_all_who_do() -> None:
    levels = ("anonymous", "launched", "token", "signed")
    assert [question(asked(agent=AgentIdentity(name="bot", level=level))).counted_as for level in levels] == ["", "", "bot", "bot"]


def test_a_document_that_is_too_large_is_not_read() -> None:
    with pytest.raises(Refused) as caught:
        read_question(b" " * (QUESTION_BYTES_MAX + 1), where="here")
    assert caught.value.code == "approval.size"


Spoil = Callable[[dict[str, Any]], object]
SPOILT: list[tuple[str, Spoil, str]] = [
    ("another version", lambda d: d.update(mpp_question=2), "approval.range"),
    ("a key more", lambda d: d.update(more=1), "approval.unknown_key"),
    ("another text", lambda d: d.update(text=d["text"].replace("low", "lov")), "approval.mismatch"),
    ("another tool", lambda d: d["action"].update(tool="other"), "approval.mismatch"),
    ("a key more in the action", lambda d: d["action"].update(more=1), "approval.unknown_key"),
    ("no action", lambda d: d.pop("action"), "approval.missing"),
    ("no agent", lambda d: d["action"].pop("agent"), "approval.missing"),
    ("no risk", lambda d: d.pop("risk"), "approval.missing"),
    ("another level of the agent", lambda d: d["action"]["agent"].update(proof="god"), "approval.choice"),
    ("a key more in the agent", lambda d: d["action"]["agent"].update(more=1), "approval.unknown_key"),
    ("something behind", lambda d: d["action"]["agent"].update(behalf=[{"kind": "god", "name": "", "proof": "token"}]), "approval.choice"),
    ("more of what is behind", lambda d: d["action"]["agent"].update(behalf=[{"kind": "user", "name": "", "proof": "token", "x": 1}]), "approval.unknown_key"),
    ("no reasons", lambda d: d["risk"].update(reasons=[["x", 1]]), "approval.type"),
    ("a reason of three", lambda d: d["risk"].update(reasons=[[1, "x", 1]]), "approval.type"),
    ("a reason that is a text", lambda d: d["risk"].update(reasons=["x"]), "approval.type"),
    ("a reason without words", lambda d: d["risk"].update(reasons=[[1, 1]]), "approval.type"),
    ("a key more in the risk", lambda d: d["risk"].update(more=1), "approval.unknown_key"),
    ("a line that is none", lambda d: d.update(growth=[1]), "approval.type"),
    ("no lines", lambda d: d.pop("arguments_shown"), "approval.missing"),
    ("an offer of nothing", lambda d: d.update(offer={"calls": 0, "until": 1}), "approval.range"),
    ("an offer that is none", lambda d: d.update(offer=[]), "approval.type"),
    ("no offer", lambda d: d.pop("offer"), "approval.missing"),
    ("three approvers", lambda d: d.update(approvers=3), "approval.range"),
    ("an unknown strength", lambda d: d.update(strength="god"), "approval.choice"),
    ("a ref that is a path", lambda d: d.update(ref="../x"), "approval.form"),
    ("an id that is none", lambda d: d.update(id="x" * 32), "approval.form"),
]


@pytest.mark.parametrize(("spoil", "code"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_a_changed_document_is_refused(spoil: Spoil, code: str) -> None:
    document = json.loads(write_question(question()))
    spoil(document)
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(Refused) as caught:
        read_question(data, where="here")
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{} ", b64encode(b"x")])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=r"^approval\."):
        read_question(data, where="here")


def test_what_could_not_be_read_again_is_not_written() -> None:
    bad = replace(question(), rule="a\x00b")
    with pytest.raises(Refused) as caught:
        write_question(bad)
    assert caught.value.code == "approval.form"


def test_half_of_a_character_is_not_written() -> None:
    with pytest.raises(Refused) as caught:
        write_question(replace(question(), publisher_name="\ud800"))
    assert caught.value.code == "approval.name"
