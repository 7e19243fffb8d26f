"""Decisions: a token for what is left, a question in words, a refusal in one sentence; and the presets."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.model.scope import Scope
from mpp.model.words import NOTHING
from mpp.stages.policy import (
    PRESETS,
    Asked,
    Decided,
    Denied,
    Granted,
    RequiresConfirmation,
    compile_policies,
    decide,
    held_by,
    preset,
    reason_of,
    scope_words,
    token_for,
)
from tests.policies import CONTENT, PUBLISHER, call, layered, opening, policy, risk

ALLOW = layered(user=policy({"effect": "allow", "limits": {"hosts": ["api.example.com"], "timeout_ms": 500}}))
ASK = layered(user=policy({"effect": "ask", "limits": {"hosts": ["api.example.com"], "read": [], "env": [], "devices": [], "secrets": [], "kv_max_bytes": 0}}))
DENY = layered(machine=policy({"id": "no-mail", "effect": "deny", "why": "mail is not sent from here."}))


def test_what_is_allowed_gets_a_token_for_what_is_left() -> None:
    found = decide(opening(tenant="acme"), ALLOW)
    assert isinstance(found, Granted)
    held = held_by(found.token)
    assert (held.tenant, held.publisher_id, held.package_id, held.content_hash) == ("acme", PUBLISHER, "com.example.mail", CONTENT)
    assert (held.timeout_ms, held.narrowed, held.scope.tools, [rule.host for rule in held.scope.network]) == (500, 0, ("send",), ["api.example.com"])
    assert found.verdict.effect == "allow"


def test_before_a_call_the_token_is_for_all_declared_tools() -> None:
    found = decide(call(tool=""), ALLOW)
    assert isinstance(found, Granted)
    assert found.token.scope.tools == ("send", "list")


def test_a_tool_that_is_not_declared_is_not_granted() -> None:
    found = decide(call(tool="other"), ALLOW)
    assert isinstance(found, Granted)
    assert found.token.scope.tools == ()


def test_a_question_says_what_a_yes_would_open() -> None:
    found = decide(opening(security_level="high"), ASK)
    assert isinstance(found, RequiresConfirmation)
    assert (found.security_level, found.verdict.effect) == ("high", "ask")
    assert found.capabilities == ("May send requests to api.example.com over HTTPS.",)
    token = token_for(opening(), found.verdict)
    assert token.scope.env == ()
    assert scope_words(token.scope) == found.capabilities


def test_a_refusal_names_the_rule_and_says_why() -> None:
    found = decide(call(), DENY)
    assert isinstance(found, Denied)
    assert found.reason == "The machine policy test, rule no-mail, refuses this: mail is not sent from here."
    with pytest.raises(Refused) as caught:
        token_for(call(), found.verdict)
    assert (caught.value.code, caught.value.message) == ("policy.denied", found.reason)


REASONS = [
    (Decided(layer="user", policy="p", rule="default", effect="deny", why="nothing allows it"), "The user policy p refuses this: nothing allows it."),
    (Decided(layer="fleet", policy="p", rule="a", effect="ask", why=""), "The fleet policy p, rule a, wants a person to decide."),
    (Decided(layer="user", policy="p", rule="a", effect="allow", why="it is ours"), "The user policy p, rule a, allows this: it is ours."),
]


@pytest.mark.parametrize(("decided", "sentence"), REASONS)
def test_reasons_are_one_sentence(decided: Decided, sentence: str) -> None:
    assert reason_of(decided) == sentence


def test_nothing_in_words() -> None:
    assert scope_words(Scope()) == (NOTHING,)


# Preset, call, what comes of it, and by which rule.
CASES: list[tuple[str, Asked, type, str]] = [
    ("developer", call(), Granted, "allow-the-rest"),
    ("developer", call(tool=""), Granted, "allow-the-rest"),
    ("developer", call(risk=risk(24), consented=True), Granted, "allow-the-rest"),
    ("developer", call(risk=risk(25), consented=True), RequiresConfirmation, "ask-above-low-risk"),
    ("developer", opening(), RequiresConfirmation, "ask-first-use"),
    ("developer", opening(consented=True), Granted, "allow-the-rest"),
    ("developer", call(security_level="medium", consented=True), RequiresConfirmation, "ask-sensitive-tools"),
    ("ci", call(origin="automation"), Granted, "allow-listed"),
    ("ci", call(tool=""), Granted, "allow-listed"),
    ("ci", call(origin="human"), Denied, "deny-others"),
    ("ci", call(origin="model"), Denied, "deny-others"),
    ("ci", call(origin="automation", bound=False), Denied, "default"),
    ("ci", call(origin="automation", security_level="high"), Denied, "default"),
    ("ci", opening(origin="automation", risk=risk(49)), Granted, "allow-listed"),
    ("ci", call(origin="automation", risk=risk(50)), Denied, "default"),
    ("fleet", call(), Granted, "allow-bound"),
    ("fleet", call(bound=False), Denied, "deny-unbound"),
    ("fleet", opening(consented=True), RequiresConfirmation, "ask-for-anything"),
    ("fleet", call(security_level="medium"), RequiresConfirmation, "ask-sensitive-tools"),
    ("fleet", call(risk=risk(25)), RequiresConfirmation, "ask-above-low-risk"),
    ("fleet", call(security_level="critical"), RequiresConfirmation, "ask-sensitive-tools"),
]


@pytest.mark.parametrize(("name", "asked", "kind", "rule"), CASES)
def test_what_a_preset_decides(name: str, asked: Asked, kind: type, rule: str) -> None:
    found = decide(asked, compile_policies({"user": preset(name)}))
    assert (type(found), found.verdict.decisive.rule) == (kind, rule)


@pytest.mark.parametrize("asked", [call(security_level="critical"), call(risk=risk(75))])
def test_in_a_fleet_two_people_decide_what_is_critical(asked: Asked) -> None:
    limits = compile_policies({"fleet": preset("fleet")}).evaluate(asked).limits
    assert (limits.strength, limits.approvers) == ("passphrase", 2)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_sound_and_explains_itself(name: str) -> None:
    one = preset(name)
    assert one.name == name
    assert one.description
    assert all(rule.why for rule in one.rules)
    assert preset(name) is one


def test_a_pipeline_is_never_asked() -> None:
    assert {rule.effect for rule in preset("ci").rules} == {"allow", "deny"}


def test_a_preset_that_there_is_not() -> None:
    with pytest.raises(Refused) as caught:
        preset("develper")
    assert (caught.value.code, caught.value.hint) == ("policy.preset", "did you mean 'developer'?")
    with pytest.raises(Refused) as caught:
        preset("x")
    assert caught.value.hint == "take one of developer, ci, fleet"
