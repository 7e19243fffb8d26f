"""A proof fits one call, on one host, now. What it says of anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.events import read_event, write_event
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import CallFacts, VerifiedProof, agent_event, claimed_key, read_and_verify
from mpp.stages.policy.identity_limits import PROOF_AGE_SECONDS_MAX, PROOF_AHEAD_SECONDS_MAX, PROOF_BYTES_MAX, PROOF_KEPT_SECONDS
from mpp.testing.agents import FACTS, HOST, JTI, Known, agent, link, proof, resigned
from mpp.testing.packages import NOW
from tests.records import NO_SALT, as_written

PLANNER = agent("planner")
DELEGATED = link("planner", "user", "ada")


def judge(data: bytes, facts: CallFacts = FACTS, *, known: Known | None = None, now: int = NOW) -> VerifiedProof:
    return read_and_verify(data, facts, known or Known(), now)


def refused(data: bytes, facts: CallFacts = FACTS, *, known: Known | None = None, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        judge(data, facts, known=known, now=now)
    assert refusal.value.faults[0].hint
    return refusal.value.code


def test_a_sound_proof_says_who_calls() -> None:
    found = judge(proof(user="ada", links=(DELEGATED,), with_key=True))
    assert (found.agent, found.key, found.user, found.jti, found.issued) == ("planner", key_id(PLANNER.public_key), "ada", JTI, NOW)
    assert found.behind == (Delegation(kind="user", name="ada", level="signed"),)
    assert found.once == key_id(PLANNER.public_key) + JTI
    assert found.kept_until == NOW + PROOF_AGE_SECONDS_MAX + PROOF_KEPT_SECONDS
    assert judge(proof()).behind == ()


def test_a_proof_has_one_byte_form() -> None:
    assert proof() == proof()
    assert canonical(json.loads(proof())) == proof()


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (replace(FACTS, audience="0" * 64), "agent.audience"),
        (replace(FACTS, publisher_id="c" * 64), "agent.package"),
        (replace(FACTS, package_id="com.example.other"), "agent.package"),
        (replace(FACTS, tool="delete"), "agent.tool"),
        (replace(FACTS, argument_sha256="c" * 64), "agent.arguments"),
    ],
)
def test_a_proof_is_for_one_call(facts: CallFacts, code: str) -> None:
    assert refused(proof(), facts) == code
    assert judge(proof(facts=facts), facts).agent == "planner"


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (PROOF_AGE_SECONDS_MAX, ""),
        (PROOF_AGE_SECONDS_MAX + 1, "agent.expired"),
        (86400 * 365, "agent.expired"),
        (-PROOF_AHEAD_SECONDS_MAX, ""),
        (-PROOF_AHEAD_SECONDS_MAX - 1, "agent.early"),
    ],
)
def test_a_proof_is_for_now(age: int, code: str) -> None:
    made = proof(now=NOW - age)
    if code:
        assert refused(made) == code
    else:
        assert judge(made).issued == NOW - age


def test_keys_of_others_do_not_count() -> None:
    assert refused(proof("worker")) == "agent.key"
    assert refused(proof("planner", by="worker")) == "agent.key"
    assert refused(proof(), known=Known(agent_planner=())) == "agent.key"
    assert refused(proof("planner", by="ada")) == "agent.key"
    assert judge(proof("planner", by="next"), known=Known(agent_planner=("planner", "next"))).agent == "planner"


def test_what_is_signed_is_what_stands_there() -> None:
    one, other = json.loads(proof()), json.loads(proof(facts=replace(FACTS, tool="delete")))
    assert refused(canonical({**one, "payload": other["payload"]}), replace(FACTS, tool="delete")) == "agent.signature"
    assert refused(canonical({**one, "signatures": other["signatures"]})) == "agent.signature"


WRONG: list[tuple[dict[str, Json], str]] = [
    ({"mpp_agent_proof": 2}, "agent.range"), ({"agent": "Planner"}, "agent.form"), ({"agent": None}, "agent.missing"), ({"aud": "here"}, "agent.form"),
    ({"tool": "a b"}, "agent.form"), ({"tool": ""}, "agent.length"), ({"package": "com.example.crm"}, "agent.form"), ({"package": f"{'a' * 64}/x/../y"}, "agent.form"),
    ({"argument_sha256": "B" * 64}, "agent.form"), ({"jti": JTI.upper()}, "agent.form"), ({"jti": JTI + "00"}, "agent.length"), ({"iat": str(NOW)}, "agent.type"),
    ({"iat": -1}, "agent.range"), ({"user": ""}, "agent.length"), ({"user": "Ada"}, "agent.form"), ({"delegation": []}, "agent.length"),
    ({"delegation": ["x"]}, "agent.envelope"), ({"delegation": {}}, "agent.type"), ({"level": "signed"}, "agent.unknown_key"),
    ({"key": base64text.encode(bytes(32))}, "agent.base64"), ({"key": base64text.encode(HOST.public_key)}, "agent.form"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=range(len(WRONG)))
def test_another_form_is_refused(changes: dict[str, Json], code: str) -> None:
    assert refused(resigned(proof(), PLANNER, **changes)) == code


def doubled() -> bytes:
    document = json.loads(proof())
    document["signatures"] += json.loads(proof(by="worker"))["signatures"]
    document["signatures"].sort(key=lambda one: one["keyid"])
    return canonical(document)


@pytest.mark.parametrize("data", [b"", b"{}", proof() + b"\n", b"x" * (2 * PROOF_BYTES_MAX + 1), DELEGATED, doubled()], ids=range(6))
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    assert refused(data) == "agent.envelope"


def test_a_payload_has_one_text() -> None:
    document = json.loads(proof())
    document["payload"] = base64text.encode(base64text.decode(document["payload"]) + b" ")  # type: ignore[operator]
    assert refused(canonical(document)) == "agent.json"


def test_of_two_users_none_is_believed() -> None:
    assert refused(proof(user="eve", links=(DELEGATED,))) == "agent.contradiction"
    assert judge(proof(user="eve")).user == "eve"


def test_the_key_of_a_proof_is_only_a_claim() -> None:
    assert claimed_key(proof(with_key=True)) == PLANNER.public_key
    with pytest.raises(Refused) as refusal:
        claimed_key(proof())
    assert refusal.value.code == "agent.confirmation"
    assert refused(proof("worker", with_key=True)) == "agent.key"


def test_the_event_says_who_and_how_sure() -> None:
    identity = AgentIdentity(name="planner", level="signed", key="a" * 64, behind=(Delegation(kind="user", name="ada", level="launched"),))
    event = agent_event(identity, at=NOW, tenant="local", invocation="1" * 32, proof_jti=JTI, roles=("reader",))
    assert read_event(write_event(event, NO_SALT), where="x") == as_written(event)
    assert event.body == {**identity.shown(), "jti": JTI, "roles": ["reader"]}
    assert agent_event(AgentIdentity(), at=NOW, tenant="local").body == {"name": "", "proof": "anonymous"}
