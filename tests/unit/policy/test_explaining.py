"""Explanations: the rule that decided, those beside it, those that nearly did, and what would change it."""

from __future__ import annotations

import pytest

from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json, canonical
from mpp.model.scope import Scope
from mpp.stages.policy import Explanation, Reason, Risk, compile_policies, explain, limit_lines, preset
from mpp.stages.policy.limits import ALSO_MAX, CHANGES_MAX, NEAR_MAX
from mpp.stages.policy.types import Limits
from tests.policies import call, layered, network, opening, policy, risk

BOT = AgentIdentity(name="bot", level="launched")


def test_a_refusal_by_a_rule_says_why_and_until_when() -> None:
    found = explain(
        call(agent=BOT),
        layered(machine=policy({"id": "signed-only", "effect": "deny", "why": "agents must sign", "agent_below": "signed"}, {"id": "rest", "effect": "allow"})),
    )
    assert found.sentence == "The machine policy test, rule signed-only, refuses this: agents must sign."
    (layer,) = found.layers
    assert (layer.because, layer.also, layer.near) == (("the agent is launched",), ("rest (allow)",), ())
    assert found.changes == ("The machine rule signed-only refuses it as long as the agent is launched.",)


def test_a_refusal_because_nothing_allows_names_the_nearest_rules() -> None:
    rules: list[dict[str, Json]] = [
        {"id": "far", "effect": "allow", "agent_at_least": "signed", "versions": [">=2.0.0"]},
        {"id": "near", "effect": "allow", "agent_at_least": "signed"},
        {"id": "strict", "effect": "deny", "risk": {"least": 50}},
    ]
    found = explain(call(agent=BOT), layered(user=policy(*rules)))
    (layer,) = found.layers
    assert layer.decided.rule == "default"
    assert [(one.rule, one.effect, one.failed) for one in layer.near] == [
        ("near", "allow", ("the agent is launched, the rule wants signed",)),
        ("far", "allow", ("the version is 1.4.0, the rule wants >=2.0.0", "the agent is launched, the rule wants signed")),
        ("strict", "deny", ("the risk is 3, the rule wants 50 or more",)),
    ]
    assert found.changes == (
        "The user rule near would allow it if the agent were signed (it is launched).",
        "The user rule far would match if the version were >=2.0.0 (it is 1.4.0) and the agent were signed (it is launched); other rules still count.",
        "A rule of the user policy test that allows it, or asks, would have to be added or widened.",
    )


def test_what_is_allowed_tells_what_would_be_asked() -> None:
    found = explain(call(), compile_policies({"user": preset("developer")}))
    assert found.verdict.effect == "allow"
    assert "The user rule ask-above-low-risk would ask a person if the risk were 25 or more (it is 3)." in found.changes
    assert {near.rule for near in found.layers[0].near} == {"ask-above-low-risk", "ask-first-use", "ask-sensitive-tools"}


def test_doubt_is_named() -> None:
    rules: list[dict[str, Json]] = [{"effect": "deny", "arguments": [{"pointer": "/n", "op": "at_least", "value": 5}]}, {"id": "rest", "effect": "allow"}]
    found = explain(call(), layered(user=policy(*rules)))
    assert found.layers[0].because == ("in doubt: the argument /n is missing",)
    assert found.changes == ("The user rule r0 refuses it as long as in doubt: the argument /n is missing.",)


def test_a_question_in_doubt_that_is_none() -> None:
    """Nothing allows it, so there is nothing to ask about."""
    found = explain(call(), layered(user=policy({"id": "maybe", "effect": "ask", "arguments": [{"pointer": "/n", "op": "at_least", "value": 5}]})))
    why = "only in doubt: the argument /n is missing; so it does not count, as no rule allows what would be asked about"
    assert (found.verdict.effect, found.layers[0].also, found.layers[0].near) == ("deny", (f"maybe (ask, {why})",), ())
    assert found.changes[0] == "The user rule maybe would ask a person if the argument /n were at least 5 (it is missing)."


def test_a_rule_without_conditions_is_changed_by_another_policy_alone() -> None:
    found = explain(call(), layered(user=policy({"id": "never", "effect": "deny"}, {"id": "too", "effect": "deny", "tools": ["send"]})))
    assert found.changes == (
        "The user rule never refuses it in any case: only another policy changes that.",
        "The user rule too refuses it as long as the tool is send.",
    )


def test_layers_that_are_milder_change_nothing() -> None:
    found = explain(call(), layered(user=policy({"id": "a", "effect": "ask"}), fleet=policy({"id": "b", "effect": "deny"})))
    assert found.changes == ("The fleet rule b refuses it in any case: only another policy changes that.",)
    assert [layer.decided.effect for layer in found.layers] == ["deny", "ask"]


def test_an_allowed_call_says_as_long_as_what() -> None:
    found = explain(call(), layered(user=policy({"id": "ours", "effect": "allow", "origins": ["human"]}, {"id": "too", "effect": "allow"})))
    assert found.changes == ("The user rule ours allows it as long as the origin of the call is human.",)


def test_no_layer_promises_what_another_one_refuses() -> None:
    """Attack: the explanation of one layer says "would allow it", an administrator acts on it, and another layer still refuses."""
    ours = policy({"id": "ours", "effect": "allow", "agent_at_least": "signed"})
    for other, changes in (
        (
            policy(name="empty"),
            (
                "The machine rule ours would match if the agent were signed (it is launched); it would still be refused, because no rule of the user policy allows it.",
                "A rule of the machine policy test that allows it, or asks, would have to be added or widened.",
                "A rule of the user policy empty that allows it, or asks, would have to be added or widened.",
            ),
        ),
        (
            policy({"id": "all", "effect": "ask"}),
            (
                "The machine rule ours would match if the agent were signed (it is launched); a person would be asked, because of the user rule all.",
                "A rule of the machine policy test that allows it, or asks, would have to be added or widened.",
            ),
        ),
    ):
        assert explain(call(agent=BOT), layered(machine=ours, user=other)).changes == changes


def test_what_a_change_also_makes_stricter_is_not_claimed_to_allow() -> None:
    rules: list[dict[str, Json]] = [{"id": "yes", "effect": "allow", "origins": ["model"]}, {"id": "no", "effect": "deny", "origins": ["model"]}]
    first, *_ = explain(call(), layered(user=policy(*rules))).changes
    assert first == "The user rule yes would match if the origin of the call were model (it is human); it would still be refused, because of the user rule no."


IMPOSSIBLE: list[dict[str, Json]] = [
    {"capabilities": {"hosts": []}}, {"capabilities": {"kv": False}}, {"tools": []}, {"when": {"days": []}}, {"arguments": [{"pointer": "/a", "op": "in", "value": []}]},
]  # fmt: skip


@pytest.mark.parametrize("condition", IMPOSSIBLE)
def test_what_no_call_can_meet_is_left_out(condition: dict[str, Json]) -> None:
    found = explain(call(), layered(user=policy({"id": "all", "effect": "allow"}, {"id": "never", "effect": "ask", **condition})))
    assert found.changes == ("The user rule all allows it in any case: only another policy changes that.",)


# What a rule that allows wants, what the call has, and whether an outcome can be claimed.
TRIED: list[tuple[dict[str, Json], dict[str, object], bool]] = [
    ({"agents": ["scout"]}, {"agent": BOT}, True),
    ({"agents": ["scout-*"], "agent_at_least": "token"}, {}, True),
    ({"agents": ["scout"]}, {}, True),
    ({"agents": [f"a{i}" for i in range(20)]}, {"agent": BOT}, False),
    ({"agent_below": "launched"}, {"agent": BOT}, True),
    ({"agent_below": "launched", "agents": ["scout"]}, {"agent": BOT}, True),
    ({"agent_at_least": "token"}, {}, True),
    ({"users": ["ada", "*@example.com"]}, {"user": "ben"}, True),
    ({"users": [f"u{i}" for i in range(20)]}, {"user": "ben"}, False),
    ({"origins": ["model", "automation"]}, {}, True),
    ({"when": {"from": "09:00", "until": "10:00"}}, {}, True),
    ({"when": {"not_before": "2090-01-01"}}, {}, False),
    ({"risk": {"least": 30, "most": 40}}, {}, True),
    ({"consented": True}, {}, True),
    ({"consented": True, "risk": {"most": 3}}, {}, False),
    ({"bound": False}, {}, True),
    ({"packages": ["com.example.mail"]}, {"bound": False}, True),
    ({"packages": ["com.example.other"]}, {}, False),
    ({"tools": ["list"]}, {}, False),
    ({"capabilities": {"hosts": []}}, {"scope": Scope(network=(network("a.example.com"),))}, False),
    ({"arguments": [{"pointer": "/a/b", "op": "equals", "value": "x"}]}, {}, True),
    ({"arguments": [{"pointer": "/a/b", "op": "equals", "value": 3}]}, {"arguments": {"a": {"b": 4, "c": 5}}}, True),
    ({"arguments": [{"pointer": "/a/b", "op": "equals", "value": "x"}]}, {"arguments": {"a": []}}, False),
    ({"arguments": [{"pointer": "/a", "op": "in", "value": [1, 2]}]}, {}, True),
    ({"arguments": [{"pointer": "/a", "op": "in", "value": [*range(20)]}]}, {}, False),
    ({"arguments": [{"pointer": "/a", "op": "host_in", "value": ["api.example.com", "*.example.org"]}]}, {}, True),
    ({"arguments": [{"pointer": "/a", "op": "below", "value": "${workspace}/x"}]}, {"arguments": {"a": "/etc"}}, True),
    ({"arguments": [{"pointer": "/a", "op": "contains", "value": "x"}]}, {"arguments": {"a": "y"}}, True),
    ({"arguments": [{"pointer": "/a", "op": "at_least", "value": 5}, {"pointer": "/b", "op": "at_most", "value": 5}]}, {"arguments": {"a": 7}}, True),
    ({"arguments": [{"pointer": "/a", "op": "not_equals", "value": "x"}]}, {}, False),
    ({"arguments": [{"pointer": "/a", "op": "not_equals", "value": 1}]}, {}, False),
    ({"arguments": [{"pointer": "/a", "op": "not_in", "value": [1]}]}, {}, False),
    ({"arguments": [{"pointer": "/a", "op": "exists"}]}, {}, False),
    ({"users": ["a", "b", "c", "d"], "risk": {"least": 0, "most": 100}, "agents": ["a", "b", "c", "d", "e", "f"], "agent_at_least": "launched",
      "when": {"from": "09:00", "until": "12:00"}}, {"user": "ben"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "changes", "is_claimed"), TRIED)
def test_an_outcome_is_claimed_where_it_can_be_tried(conditions: dict[str, Json], changes: dict[str, object], is_claimed: bool) -> None:
    policies = layered(user=policy({"id": "tried", "effect": "allow", **conditions}))
    first, *_ = explain(call(**changes), policies).changes
    assert first.startswith("The user rule tried would allow it if ") is is_claimed
    assert first.endswith("; other rules still count.") is not is_claimed
    assert policies.evaluate(call(**changes)).effect == "deny"


def test_different_outcomes_are_no_claim() -> None:
    """At 5 it would be allowed, at a thousand times that not."""
    some: dict[str, Json] = {"id": "some", "effect": "allow", "arguments": [{"pointer": "/n", "op": "at_least", "value": 5}]}
    many: dict[str, Json] = {"id": "many", "effect": "deny", "arguments": [{"pointer": "/n", "op": "at_least", "value": 1000}]}
    first, *_ = explain(call(arguments={"n": 1}), layered(user=policy(some, many))).changes
    assert first == "The user rule some would match if the argument /n were at least 5 (it is 1); other rules still count."


def test_consent_changes_the_risk_too() -> None:
    """Who agreed to a package has run it: its risk is some points less, so a rule about it may no longer fit."""
    rules: list[dict[str, Json]] = [{"id": "known", "effect": "allow", "consented": True}, {"id": "low", "effect": "deny", "risk": {"most": 20}}]
    first, *_ = explain(call(risk=risk(24)), layered(user=policy(*rules))).changes
    assert first.startswith("The user rule known would match if the package were agreed to by somebody")
    assert first.endswith("other rules still count.")


def test_before_a_call_only_rules_about_packages_are_explained() -> None:
    found = explain(call(tool="", arguments=None), layered(user=policy({"effect": "allow"}, {"effect": "deny", "tools": ["other"]})))
    assert found.layers[0].near == ()


def test_lists_are_bounded() -> None:
    allow: list[dict[str, Json]] = [{"effect": "allow"} for _ in range(ALSO_MAX + 5)]
    deny: list[dict[str, Json]] = [{"id": f"d{i}", "effect": "deny", "risk": {"least": 50 + i}} for i in range(20)]
    found = explain(call(), layered(user=policy(*allow, *deny), machine=policy(*allow, *deny), fleet=policy(*allow, *deny)))
    assert len(found.layers[0].also) == ALSO_MAX + 1
    assert found.layers[0].also[-1] == "and 4 more"
    assert len(found.layers[0].near) == NEAR_MAX
    assert len(found.changes) == CHANGES_MAX


def whole() -> Explanation:
    scored = Risk(score=37, band="medium", reasons=(Reason(points=30, words="one host outside"), Reason(points=7, words="stores data")))
    limits: dict[str, Json] = {
        "hosts": ["api.example.com"],
        "timeout_ms": 5,
        "calls_per_minute": 6,
        "privacy_patterns": ["email"],
        "strength": "tty",
        "approvers": 2,
        "answer_seconds": 60,
    }
    layers = layered(user=preset("developer"), machine=policy({"id": "held", "effect": "allow", "limits": limits}))
    return explain(opening(risk=scored), layers)


LIMITS = (
    "Limits: at most 6 calls a minute; at most 5 ms for a call; only a part of what the package declares is opened; answers are searched for email; "
    "whoever answers must use tty or better; 2 people must agree; an answer must be used within 60 seconds."
)


def test_the_lines() -> None:
    assert whole().lines() == (
        "The user policy developer, rule ask-above-low-risk, wants a person to decide: the risk is more than low.",
        "Risk 37 of 100 (medium); one host outside (+30); stores data (+7).",
        LIMITS,
        "The machine policy test, rule held, allows this.",
        "The user policy developer, rule ask-above-low-risk, wants a person to decide: the risk is more than low.",
        "  Because the risk is 37.",
        "  Also matching: ask-first-use (ask), allow-the-rest (allow).",
        "  Not matching: ask-sensitive-tools (ask): the security level is low, the rule wants medium, high or critical.",
        "What would change it:",
        "  The user rule ask-above-low-risk asks a person as long as the risk is 37.",
        "  The user rule ask-first-use asks a person as long as the package is agreed to by nobody yet and what the package asks for is something outside its own computation.",
    )


def test_one_layer_is_not_named_twice() -> None:
    lines = explain(call(), layered(user=policy({"effect": "allow"}))).lines()
    always = "  The user rule r0 allows it in any case: only another policy changes that."
    assert lines == ("The user policy test, rule r0, allows this.", "Risk 3 of 100 (low).", "What would change it:", always)


def test_as_json() -> None:
    found = whole().to_json()
    assert canonical(found)
    assert (found["effect"], found["policy"]) == ("ask", whole().verdict.policy_digest)
    assert found["risk"] == {"score": 37, "band": "medium", "reasons": [{"points": 30, "words": "one host outside"}, {"points": 7, "words": "stores data"}]}
    assert found["layers"] == [
        {"layer": "machine", "policy": "test", "rule": "held", "effect": "allow", "why": "", "because": [], "also": [], "near": []},
        {
            "layer": "user", "policy": "developer", "rule": "ask-above-low-risk", "effect": "ask", "why": "the risk is more than low", "because": ["the risk is 37"],
            "also": ["ask-first-use (ask)", "allow-the-rest (allow)"],
            "near": [{"rule": "ask-sensitive-tools", "effect": "ask", "failed": ["the security level is low, the rule wants medium, high or critical"]}],
        },
    ]  # fmt: skip
    assert found["limits"] == [*limit_lines(whole().verdict.limits)]
    assert found["changes"] == [*whole().changes]


def test_no_limits_are_no_line() -> None:
    assert limit_lines(Limits()) == ()
    assert explain(call(risk=risk(80)), layered(user=policy({"effect": "allow"}))).lines()[1] == "Risk 80 of 100 (critical)."
