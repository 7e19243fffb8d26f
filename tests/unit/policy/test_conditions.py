"""Every condition: which calls it fits, in doubt or without, and how it is said."""

from __future__ import annotations

import pytest

from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy import Asked
from mpp.stages.policy.conditions import conditions_of, listed
from mpp.stages.policy.patterns import NO, UNCLEAR, YES
from mpp.testing.packages import NOW
from tests.policies import PUBLISHER, call, opening, policy, risk

HOUR, DAY = 3600, 86_400
BOT = AgentIdentity(name="bot-1", level="launched")
SIGNED = AgentIdentity(name="planner", level="signed")


def said(asked: Asked, condition: dict[str, Json], effect: str = "ask") -> int:
    (found,) = conditions_of(policy({"effect": effect, **condition}).rules[0])
    return found.judge(asked)


# Condition, call, verdict. 2026-01-01 was a Thursday.
CASES: list[tuple[dict[str, Json], Asked, int]] = [
    ({"packages": ["com.example.*"]}, call(), YES),
    ({"packages": ["com.example.*"]}, call(bound=False), UNCLEAR),
    ({"packages": ["org.example.*"]}, call(), NO),
    ({"packages": ["org.example.*"]}, call(bound=False), NO),
    ({"packages": []}, call(), NO),
    ({"publishers": [PUBLISHER]}, call(), YES),
    ({"publishers": ["00" * 32]}, call(), NO),
    ({"publishers": []}, call(), NO),
    ({"versions": ["<1.0.0", ">=1.2.0 <2.0.0"]}, call(), YES),
    ({"versions": [">=1.2.0 <2.0.0"]}, call(version="1.5.0-rc.1"), UNCLEAR),
    ({"versions": ["<1.0.0"]}, call(), NO),
    ({"versions": []}, call(), NO),
    ({"versions": ["<1.0.0"]}, call(version="one"), UNCLEAR),
    ({"tools": ["se*"]}, call(), YES),
    ({"tools": ["list"]}, call(), NO),
    ({"agents": ["bot-*"]}, call(agent=BOT), YES),
    ({"agents": ["bot-*"]}, call(), NO),
    ({"agents": ["*"]}, call(), YES),
    ({"agent_at_least": "launched"}, call(agent=BOT), YES),
    ({"agent_at_least": "token"}, call(agent=BOT), NO),
    ({"agent_at_least": "anonymous"}, call(), YES),
    ({"agent_below": "token"}, call(agent=BOT), YES),
    ({"agent_below": "launched"}, call(agent=BOT), NO),
    ({"users": ["*@example.com"]}, call(user="ada@example.com"), YES),
    ({"users": ["*@example.com"]}, call(user="ada@badexample.com"), NO),
    ({"users": ["ada"]}, call(), NO),
    ({"users": ["ada"]}, call(user="pseudonym", unknown=("user",)), UNCLEAR),
    ({"origins": ["human"]}, call(), YES),
    ({"origins": ["model"]}, call(), NO),
    ({"security_levels": ["low", "high"]}, call(), YES),
    ({"security_levels": ["critical"]}, call(), NO),
    ({"risk": {"least": 3, "most": 3}}, call(), YES),
    ({"risk": {"least": 4}}, call(), NO),
    ({"risk": {"most": 2}}, call(), NO),
    ({"risk": {"most": 100}}, call(risk=risk(100)), YES),
    ({"consented": False}, call(), YES),
    ({"consented": True}, call(), NO),
    ({"consented": True}, call(consented=True), YES),
    ({"asks": False}, call(), YES),
    ({"asks": True}, call(), NO),
    ({"asks": True}, opening(), YES),
    ({"asks": True}, call(unknown=("scope",)), UNCLEAR),
    ({"bound": True}, call(), YES),
    ({"bound": False}, call(), NO),
    ({"internal": True}, call(internal_hosts=("crm.example.com",)), YES),
    ({"internal": True}, call(), NO),
    ({"internal": False}, call(), YES),
    ({"when": {"days": ["thu"]}}, call(), YES),
    ({"when": {"days": ["fri", "wed"]}}, call(), NO),
    ({"when": {"days": []}}, call(), NO),
    ({"when": {"from": "08:00", "until": "18:00"}}, call(now=NOW + 8 * HOUR), YES),
    ({"when": {"from": "08:00", "until": "18:00"}}, call(now=NOW + 8 * HOUR - 1), NO),
    ({"when": {"from": "08:00", "until": "18:00"}}, call(now=NOW + 18 * HOUR - 1), YES),
    ({"when": {"from": "08:00", "until": "18:00"}}, call(now=NOW + 18 * HOUR), NO),
    ({"when": {"from": "22:00", "until": "06:00"}}, call(now=NOW + 23 * HOUR), YES),
    ({"when": {"from": "22:00", "until": "06:00"}}, call(now=NOW + 5 * HOUR), YES),
    ({"when": {"from": "22:00", "until": "06:00"}}, call(now=NOW + 6 * HOUR), NO),
    # Past midnight it is still the window of the day before.
    ({"when": {"days": ["wed"], "from": "22:00", "until": "06:00"}}, call(now=NOW + 5 * HOUR), YES),
    ({"when": {"days": ["thu"], "from": "22:00", "until": "06:00"}}, call(now=NOW + 5 * HOUR), NO),
    ({"when": {"days": ["thu"], "from": "22:00", "until": "06:00"}}, call(now=NOW + 23 * HOUR), YES),
    ({"when": {"not_before": "2026-01-01"}}, call(), YES),
    ({"when": {"not_before": "2026-01-02"}}, call(), NO),
    ({"when": {"not_after": "2026-01-01"}}, call(now=NOW + DAY - 1), YES),
    ({"when": {"not_after": "2026-01-01"}}, call(now=NOW + DAY), NO),
    ({"when": {"not_before": "2025-12-31", "not_after": "2026-02-01"}}, call(), YES),
    ({"capabilities": {"hosts": ["api.example.com"]}}, opening(), YES),
    ({"capabilities": {"hosts": ["other.example.com"]}}, opening(), NO),
    ({"capabilities": {"hosts": ["api.example.com"]}}, opening(unknown=("scope",)), UNCLEAR),
    ({"capabilities": {"kv": True}}, opening(), YES),
    ({"arguments": [{"pointer": "/a", "op": "equals", "value": 1}]}, call(arguments={"a": 1}), YES),
    ({"arguments": [{"pointer": "/a", "op": "equals", "value": 1}]}, call(), UNCLEAR),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "asked", "verdict"), CASES, ids=[f"{i}-{next(iter(condition))}" for i, (condition, _, _) in enumerate(CASES)])
def test_what_a_condition_says(condition: dict[str, Json], asked: Asked, verdict: int) -> None:
    assert said(asked, condition) == verdict


def test_an_allowing_rule_needs_all_that_is_declared() -> None:
    assert said(opening(), {"capabilities": {"hosts": ["api.example.com"]}}, "allow") == NO
    assert said(opening(), {"capabilities": {"hosts": ["*"]}}, "allow") == YES


# Condition, call, what is so, what the rule wants.
WORDS: list[tuple[dict[str, Json], Asked, str, str]] = [
    ({"packages": ["com.example.*", "org.x.y"]}, call(), "the package is com.example.mail", "com.example.* or org.x.y, bound to its publisher"),
    ({"packages": ["com.example.*"]}, call(bound=False), "the package is com.example.mail, which is not bound to its publisher here", "com.example.*, bound to its publisher"),
    ({"publishers": ["00" * 32]}, call(), "the publisher is abababababababab (Example)", "0000000000000000"),
    ({"publishers": []}, call(publisher_name=""), "the publisher is abababababababab", "nothing"),
    ({"versions": ["<1.0.0"]}, call(), "the version is 1.4.0", "<1.0.0"),
    ({"tools": ["a", "b", "c", "d", "e"]}, call(), "the tool is send", "a, b, c or 2 more"),
    ({"agents": ["bot"]}, call(), "the agent is without a name", "bot"),
    ({"agents": ["bot"]}, call(agent=SIGNED), "the agent is planner", "bot"),
    ({"agent_at_least": "signed"}, call(agent=BOT), "the agent is launched", "signed"),
    ({"agent_at_least": "token"}, call(agent=BOT), "the agent is launched", "token or surer"),
    ({"agent_below": "launched"}, call(agent=BOT), "the agent is launched", "less sure than launched"),
    ({"users": ["ada"]}, call(), "the user is nobody in particular", "ada"),
    ({"users": ["ada"]}, call(user="b\x1bob"), "the user is b\\x1bob", "ada"),
    ({"users": ["ada"]}, call(unknown=("user",)), "the user is not on record", "ada"),
    ({"origins": ["model"]}, call(), "the origin of the call is human", "model"),
    ({"security_levels": ["low", "medium", "high", "critical"]}, call(), "the security level is low", "low, medium, high or critical"),
    ({"risk": {"least": 25}}, call(), "the risk is 3", "25 or more"),
    ({"risk": {"most": 2}}, call(), "the risk is 3", "0 to 2"),
    ({"consented": True}, call(), "the package is agreed to by nobody yet", "agreed to by somebody, as it is now"),
    ({"asks": True}, call(), "what the package asks for is nothing outside its own computation", "something outside its own computation"),
    ({"asks": True}, call(unknown=("scope",)), "what the package asks for is not on record", "something outside its own computation"),
    ({"bound": False}, call(), "the package id is bound to its publisher here", "not bound to its publisher here"),
    ({"internal": True}, call(), "the network that it asks for is public", "partly internal"),
    ({"when": {"days": ["mon", "fri"], "from": "08:00", "until": "18:00"}}, call(), "the time is thu 2026-01-01 00:00 UTC", "mon, fri, from 08:00 until 18:00 UTC"),
    ({"when": {"days": [], "not_before": "2026-01-02", "not_after": "2026-01-03"}}, call(), "the time is thu 2026-01-01 00:00 UTC", "on no day, not before 2026-01-02, not after 2026-01-03"),
    ({"capabilities": {"hosts": ["other.example.com"], "kv": False}}, opening(), "what it declares of the lists of the rule is nothing", "anything"),
    ({"capabilities": {"hosts": ["*"]}}, opening(), "what it declares of the lists of the rule is api.example.com and *.cdn.example.org", "anything"),
    ({"capabilities": {"kv": True}}, opening(unknown=("scope",)), "what it declares of the lists of the rule is not on record", "anything"),
    ({"arguments": [{"pointer": "/a", "op": "at_most", "value": 5}]}, call(arguments={"a": 7}), "the argument /a is 7", "at most 5"),
    ({"arguments": [{"pointer": "/a", "op": "in", "value": ["x", 1]}]}, call(), "the argument /a is missing", "one of x or 1"),
    ({"arguments": [{"pointer": "", "op": "longer_than", "value": 5}]}, call(), "the argument object is an object", "longer than 5"),
    ({"arguments": [{"pointer": "/a", "op": "exists"}]}, call(), "the argument /a is missing", "there"),
    ({"arguments": [{"pointer": "/a", "op": "absent"}]}, call(arguments={"a": "secret"}), "the argument /a is there", "missing"),
    ({"arguments": [{"pointer": "/a", "op": "contains", "value": "X", "ignore_case": True}]}, call(unknown=("arguments",)), "the argument /a is not on record", 'a text that contains "X", whatever the case'),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "asked", "so", "wants"), WORDS, ids=[f"{i}-{next(iter(row[0]))}" for i, row in enumerate(WORDS)])
def test_how_a_condition_is_said(condition: dict[str, Json], asked: Asked, so: str, wants: str) -> None:
    (found,) = conditions_of(policy({"effect": "ask", **condition}).rules[0])
    assert (found.so(asked), found.wants) == (so, wants)


def test_how_an_allowing_rule_says_what_is_too_much() -> None:
    (found,) = conditions_of(policy({"effect": "allow", "capabilities": {"hosts": ["api.example.com"], "kv": False}}).rules[0])
    assert found.so(opening()) == "what it declares beyond the lists of the rule is *.cdn.example.org and stored state"
    assert found.wants == "nothing"
    assert found.so(call()) == "what it declares beyond the lists of the rule is nothing"


ABOUT_CALLS = {"tools", "agents", "agent_at_least", "agent_below", "users", "origins", "when", "arguments"}


@pytest.mark.parametrize("row", CASES, ids=[next(iter(row[0])) for row in CASES])
def test_which_conditions_are_about_a_call(row: tuple[dict[str, Json], Asked, int]) -> None:
    (found,) = conditions_of(policy({"effect": "ask", **row[0]}).rules[0])
    assert found.about_call is (next(iter(row[0])) in ABOUT_CALLS)


def test_lists_in_words() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed("abcd"), listed("abcde", 4)] == [
        "nothing",
        "a",
        "a or b",
        "a, b, c or 1 more",
        "a, b, c, d or 1 more",
    ]
    assert listed(["a\x1b"], joined=" and ") == "a\\x1b"


def test_a_rule_without_conditions_has_none() -> None:
    assert conditions_of(policy({"effect": "allow"}).rules[0]) == ()
    assert Scope().opens_nothing
