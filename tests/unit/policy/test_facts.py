"""What the record keeps of a decision: enough to judge the call again, and nothing of arguments or user."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.events import EVENT_BYTES_MAX, read_event, write_event
from mpp.model.jsontext import Json, canonical
from mpp.model.scope import Scope
from mpp.stages.policy import Asked, Reason, Risk, decide, decision_event, facts_json, read_facts, token_event, token_for
from mpp.stages.policy.limits import FACT_TEXT_MAX
from tests.policies import call, layered, network, opening, policy
from tests.records import NO_SALT, as_written

FULL = opening(
    tenant="acme",
    arguments={"to": "ada@example.com"},
    agent=AgentIdentity(name="planner", level="signed", key="ef" * 32, issuer="acme.example", behind=(Delegation(kind="user", name="ada", level="token"),)),
    user="ada",
    origin="model",
    consented=True,
    internal_hosts=("api.example.com",),
    risk=Risk(score=40, band="medium", reasons=(Reason(points=40, words="much"),)),
)


def again(asked: Asked, user: str = "") -> Asked:
    return read_facts(json.loads(canonical(facts_json(asked, user))), "record")


def test_a_call_is_read_from_its_record() -> None:
    found = again(FULL, "pseudonym")
    assert found == replace(FULL, arguments=None, user="pseudonym", agent=replace(FULL.agent, behind=()), unknown=("arguments", "user"))


def test_the_record_holds_no_argument_and_no_person() -> None:
    written = canonical(facts_json(FULL)).decode()
    assert "ada" not in written
    assert facts_json(FULL)["user"] == ""


def test_a_huge_scope_is_left_out_and_marked() -> None:
    asked = call(scope=Scope(read=tuple(f"/{i}/{'x' * 500}" for i in range(64)), tools=("send",)))
    found = again(asked)
    assert facts_json(asked)["scope"] is None
    assert (found.unknown, found.scope) == (("arguments", "user", "scope"), Scope(tools=("send",)))
    assert len(write_event(decision_event(asked, layered(user=policy()).evaluate(asked), "ab" * 16), NO_SALT)) < EVENT_BYTES_MAX


def test_long_words_of_a_risk_are_cut() -> None:
    found = again(call(risk=Risk(score=1, band="low", reasons=(Reason(points=1, words="x" * 999),) * 99)))
    assert found.risk.reasons == (Reason(points=1, words="x" * FACT_TEXT_MAX),) * 64


def test_every_kind_of_scope_is_read_again() -> None:
    scope = Scope(
        network=(network("*.example.com", methods=("GET",), paths=("/v1",), ports=(443, 8443), schemes=("https", "http")),), tools=("send",), until=99
    )
    assert again(call(scope=scope)).scope == scope


WRONG: list[tuple[str, Json, str]] = [
    ("publisher_id", "AB" * 32, "form"), ("content_hash", 5, "type"), ("bound", "yes", "type"), ("tool", None, "type"), ("security_level", "odd", "choice"), ("agent", None, "type"),
    ("agent", "gone", "missing"), ("agent/level", "sure", "choice"), ("agent/extra", 1, "unknown_key"), ("origin", "robot", "choice"), ("now", -1, "range"), ("risk", [], "type"),
    ("risk", "gone", "missing"), ("risk/score", 101, "range"), ("risk/reasons", [5], "missing"), ("risk/reasons", [[1, 2, 3]], "missing"), ("risk/reasons", [["1", "x"]], "type"),
    ("consented", None, "type"), ("scope", [], "type"), ("scope", "gone", "missing"), ("scope/network", [{}], "missing"), ("scope/network/0/ports", [True], "range"),
    ("scope/network/0/ports", [0], "range"), ("scope/read", ["x" * 513], "length"), ("scope/secrets", [1], "type"), ("scope/devices", [{"device": "d"}], "missing"),
    ("scope/kv_max_bytes", -1, "range"), ("scope/until", -1, "range"), ("scope/odd", 1, "unknown_key"), ("internal_hosts", None, "type"), ("odd", 1, "unknown_key"),
    ("package_id", "x" * 301, "length"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "item", "name"), WRONG, ids=[f"{path}-{name}" for path, _, name in WRONG])
def test_a_record_made_up_elsewhere_is_read_strictly(path: str, item: Json, name: str) -> None:
    found = copy.deepcopy(facts_json(FULL))
    *steps, last = path.split("/")
    place: Json = found
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step] if isinstance(place, dict) else None
    assert isinstance(place, dict)
    place[last] = item
    if item == "gone":
        del place[last]
    with pytest.raises(Refused) as caught:
        read_facts(found, "record")
    assert f"policy.{name}" in [fault.code for fault in caught.value.faults]


def test_no_object_is_no_call() -> None:
    with pytest.raises(Refused):
        read_facts([], "record")


def test_the_event_of_a_decision() -> None:
    policies = layered(
        user=policy({"effect": "ask", "why": "private words"}),
        fleet=policy({"effect": "allow", "limits": {"timeout_ms": 5, "approvers": 2, "env": [], "strength": "tty", "privacy_patterns": ["email"], "calls_per_minute": 3, "answer_seconds": 9}}),
    )  # fmt: skip
    event = decision_event(FULL, policies.evaluate(FULL), "ab" * 16, "cd" * 32, "pseudonym")
    assert (event.kind, event.at, event.tenant, event.invocation) == ("decision", FULL.now, "acme", "ab" * 16)
    assert event.body == {
        "facts": facts_json(FULL, "pseudonym"),
        "effect": "ask",
        "rules": [
            {"layer": "fleet", "policy": "test", "rule": "r0", "effect": "allow"},
            {"layer": "user", "policy": "test", "rule": "r0", "effect": "ask"},
        ],
        "limits": {"calls_per_minute": 3, "timeout_ms": 5, "privacy_patterns": ["email"], "strength": "tty", "approvers": 2, "answer_seconds": 9, "narrowed": True},
        "risk": 40,
        "policy": policies.digest,
    }  # fmt: skip
    assert read_event(write_event(event, NO_SALT), where="line") == as_written(event)


def test_a_past_call_is_judged_again_by_another_policy() -> None:
    old, new = layered(user=policy({"effect": "allow"})), layered(user=policy({"effect": "allow"}, {"effect": "deny", "origins": ["model"]}))
    event = read_event(write_event(decision_event(FULL, old.evaluate(FULL), "ab" * 16), NO_SALT), where="line")
    assert new.evaluate(read_facts(event.body["facts"], "facts")).effect == "deny"


def test_the_event_of_a_token() -> None:
    asked = opening(tenant="acme")
    token = token_for(asked, layered(user=policy({"effect": "ask", "limits": {"timeout_ms": 5}})).evaluate(asked))
    event = token_event("token-granted", token, "ab" * 16, 7)
    assert (event.kind, event.at, event.tenant, event.invocation) == ("token-granted", 7, "acme", "ab" * 16)
    assert event.body == {
        "token": token.digest, "publisher": asked.publisher_id, "package": asked.package_id, "content": asked.content_hash, "tools": ["send"], "narrowed": 0, "timeout_ms": 5,
        "opens": {"network": 2, "read": 1, "write": 1, "env": 1, "secrets": 1, "devices": 1, "kv_max_bytes": 1000},
    }  # fmt: skip
    narrowed = token_event("token-narrowed", token.attenuate(replace(asked.scope, until=5)), "", 8)
    assert (narrowed.body["narrowed"], narrowed.body["token"] != token.digest) == (1, True)
    assert read_event(write_event(narrowed, NO_SALT), where="line") == as_written(narrowed)


def test_what_opens_nothing_counts_nothing() -> None:
    found = decide(call(), layered(user=policy({"effect": "allow"})))
    assert token_event("token-used", found.token, "ab" * 16, 7).body["opens"] == {}  # type: ignore[union-attr]
