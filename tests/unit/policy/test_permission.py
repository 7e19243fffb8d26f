"""The policy of a host in its own code: four rules, the strictest holds, and only what was verified is judged."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.model.scope import scope_of
from mpp.stages.gatekeeper import Verified, verified, verify
from mpp.stages.policy.permission import PermissionPolicy
from mpp.stages.policy.token import held_by
from mpp.stages.policy.types import Denied, Granted, PolicyDecision, RequiresConfirmation
from mpp.testing import packages
from mpp.testing.keys import publisher

WHO = publisher()
ID = "com.example.hello"
RISKY: dict[str, Json] = {"capabilities/network": ["api.example.com"], "capabilities/env_vars": ["API_KEY"]}


def found(changes: dict[str, Json] | None = None, because: str = "") -> Verified:
    package = verify(packages.signed(WHO, changes), packages.trusting(WHO), packages.NOW)
    return verified(replace(package, trusted_because=because) if because else package)


LOW, HIGH, STRANGE = found(), found(RISKY), found(because="hearsay")


def kind(decision: PolicyDecision) -> str:
    return {Granted: "allow", RequiresConfirmation: "ask", Denied: "deny"}[type(decision)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        # For a package of low risk, one of high risk, and a low one whose id is not bound to its publisher.
        (PermissionPolicy(), ("ask", "ask", "ask")),
        (PermissionPolicy().trust_package(ID), ("allow", "allow", "ask")),
        (PermissionPolicy().trust_package("com.example.other"), ("ask", "ask", "ask")),
        (PermissionPolicy().auto_approve_low(True), ("allow", "ask", "allow")),
        (PermissionPolicy().auto_approve_low().auto_approve_low(False), ("ask", "ask", "ask")),
        (PermissionPolicy().trust_package(ID).auto_approve_low(True), ("allow", "allow", "ask")),
        (PermissionPolicy().deny_package(ID), ("deny", "deny", "deny")),
        (PermissionPolicy().deny_package("com.example.other"), ("ask", "ask", "ask")),
        (PermissionPolicy().deny_by_default(), ("deny", "deny", "deny")),
        (PermissionPolicy().deny_by_default().deny_by_default(False), ("ask", "ask", "ask")),
        (PermissionPolicy().deny_by_default().trust_package(ID), ("allow", "allow", "deny")),
        (PermissionPolicy().deny_by_default().auto_approve_low(), ("allow", "deny", "allow")),
        (PermissionPolicy().deny_by_default().auto_approve_low().trust_package(ID), ("allow", "allow", "deny")),
    ],
)  # fmt: skip
def test_each_policy_decides_each_package(policy: PermissionPolicy, expected: tuple[str, str, str]) -> None:
    decisions = [policy.evaluate(one.manifest) for one in (LOW, HIGH, STRANGE)]
    assert tuple(map(kind, decisions)) == expected
    for decision in decisions:
        assert decision.verdict.effect == kind(decision)
        assert decision.verdict.policy_digest == policy.digest
        assert [one.effect for one in decision.verdict.decided] == [kind(decision)]
        assert decision.verdict.decisive.why


def test_no_order_of_calls_changes_the_outcome() -> None:
    steps = (lambda p: p.trust_package(ID), lambda p: p.deny_package(ID), lambda p: p.auto_approve_low(), lambda p: p.deny_by_default())
    outcomes = set()
    for order in itertools.permutations(steps):
        policy = PermissionPolicy()
        for step in order:
            policy = step(policy)
        outcomes.add((policy, kind(policy.evaluate(LOW.manifest))))
    assert len(outcomes) == 1
    assert outcomes.pop()[1] == "deny"


def test_each_call_gives_a_new_policy() -> None:
    first = PermissionPolicy()
    second = first.trust_package(ID)
    assert (kind(first.evaluate(LOW.manifest)), kind(second.evaluate(LOW.manifest))) == ("ask", "allow")
    assert first.digest != second.digest == PermissionPolicy().trust_package(ID).trust_package(ID).digest
    for change in (
        first.deny_package(ID), first.auto_approve_low(), first.deny_by_default(), first.for_tenant("t"), first.knowing(first_seen_days=3),
        first.knowing(internal_hosts=("db.example.com",)),
    ):  # fmt: skip
        assert change != first
    assert (
        len({first.digest, first.deny_package(ID).digest, first.auto_approve_low().digest, first.deny_by_default().digest, first.for_tenant("t").digest}) == 5
    )


def test_a_grant_opens_what_is_declared_for_this_content_alone() -> None:
    decision = PermissionPolicy().trust_package(ID).for_tenant("blue").evaluate(HIGH.manifest)
    assert isinstance(decision, Granted)
    held = held_by(decision.token)
    assert (held.tenant, held.publisher_id, held.package_id, held.content_hash) == ("blue", WHO.id, ID, HIGH.package.content_hash)
    assert (held.scope, held.narrowed, held.timeout_ms) == (scope_of(HIGH.package.manifest), 0, 0)


def test_a_question_says_what_would_be_agreed_to() -> None:
    decision = PermissionPolicy().evaluate(HIGH.manifest)
    assert isinstance(decision, RequiresConfirmation)
    assert decision.capabilities == (
        "May send requests to api.example.com over HTTPS.", "Is given the setting API_KEY and can read it.",
    )  # fmt: skip
    assert (decision.security_level, decision.verdict.risk.band) == ("low", "high")


def test_a_denial_says_why() -> None:
    decision = PermissionPolicy().deny_by_default().evaluate(HIGH.manifest)
    assert isinstance(decision, Denied)
    assert "nobody is asked" in decision.reason
    decision = PermissionPolicy().deny_package(ID).evaluate(LOW.manifest)
    assert isinstance(decision, Denied)
    assert decision.reason == f"the host denies {ID}"


def test_what_the_host_knows_changes_the_risk() -> None:
    inside = found({"capabilities/network": [{"host": "db.example.com", "methods": ["GET"]}], "capabilities/env_vars": ["REGION"]})
    policy = PermissionPolicy().auto_approve_low()
    scores = [
        policy.knowing(first_seen_days=days, internal_hosts=hosts).evaluate(inside.manifest).verdict.risk.score
        for days, hosts in ((None, ()), (3, ()), (30, ()), (30, ("db.example.com",)))
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


TWO: dict[str, Json] = {
    "tool_definitions": [
        {"name": "look", "description": "Looks.", "parameters": {"type": "object"}, "security_level": "low"},
        {"name": "wipe", "description": "Wipes.", "parameters": {"type": "object"}, "security_level": "critical"},
    ]
}


def test_one_tool_is_judged_by_itself_and_its_token_opens_no_other() -> None:
    two, policy = found(TWO), PermissionPolicy().auto_approve_low()
    decision = policy.evaluate(two.manifest, "look")
    assert isinstance(decision, Granted)
    assert decision.token.scope.tools == ("look",)
    for tool in ("wipe", ""):
        asked = policy.evaluate(two.manifest, tool)
        assert isinstance(asked, RequiresConfirmation)
        assert asked.security_level == "critical"
    with pytest.raises(Refused) as fault:
        policy.evaluate(two.manifest, "nothing")
    assert fault.value.code == "policy.tool"


@pytest.mark.parametrize(
    "given",
    [
        b"{}",
        packages.manifest(),
        parse_manifest(json.dumps(packages.manifest()).encode()),
        LOW.package,
        LOW,
        None,
        object.__new__(type(LOW.manifest)),
    ],
    ids=["bytes", "dict", "manifest", "package", "both views", "nothing", "by hand"],
)
def test_what_was_not_verified_is_refused(given: object) -> None:
    with pytest.raises(Refused) as fault:
        PermissionPolicy().trust_package(ID).evaluate(given)  # type: ignore[arg-type]
    assert fault.value.code == "policy.unverified"
    assert fault.value.hint


@pytest.mark.parametrize("name", ["*", "com.example.*", "com.example", "Com.Example.Hello", " com.example.hello", "com.example.hello\n", "", "x" * 200])
@pytest.mark.parametrize("step", ["trust_package", "deny_package"])
def test_only_an_exact_id_is_taken(step: str, name: str) -> None:
    if name == "com.example":
        assert getattr(PermissionPolicy(), step)(name)
        assert kind(PermissionPolicy().trust_package(name).evaluate(LOW.manifest)) == "ask"
        return
    with pytest.raises(Refused) as fault:
        getattr(PermissionPolicy(), step)(name)
    assert fault.value.code == "policy.package"
