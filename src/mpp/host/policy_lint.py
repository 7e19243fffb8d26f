"""What in a sound policy is probably not what its author means. Nothing here decides; it warns."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from mpp.host.policy_lint_privacy import built_in, privacy_warnings
from mpp.model.jsontext import Json
from mpp.stages.policy import EFFECTS, Policy, Rule, policy_json

WARNINGS_MAX = 100
"""Warnings about one policy. Reason: a person mends the first ones and looks again."""

RULES_COMPARED_MAX = 2000
"""Rules of one policy that are compared with each other. Reason: comparing grows with the square; made lists of rules are not mistyped."""

_NO_CONDITION = ("id", "effect", "why", "limits")
_LISTS = ("packages", "publishers", "versions", "tools", "agents", "users", "origins", "security_levels")


def warnings(policy: Policy, now: int, known: Collection[str] | None = None) -> list[str]:
    """In whole sentences, the weightiest first. ``known``: the types and groups of the privacy filter; None: those that are built in."""
    privacy = privacy_warnings(policy.privacy, built_in() if known is None else known) if policy.privacy is not None else ()
    found = [*_whole(policy), *privacy, *(f"rule {rule.id} {words}" for rule in policy.rules for words in _alone(rule, now)), *_shadowed(policy)]
    return found[:WARNINGS_MAX]


def _whole(policy: Policy) -> Iterator[str]:
    if not policy.rules:
        yield "the policy has no rule, so it denies everything"
    elif all(rule.effect == "deny" for rule in policy.rules):
        yield "no rule allows or asks, so the policy denies everything"
    for rule in policy.rules:
        if rule.effect == "allow" and not _conditions(rule) and rule.limits is None and not _others_judge(policy):
            yield f"rule {rule.id} allows everything, and no other rule asks or denies"


def _others_judge(policy: Policy) -> bool:
    return any(rule.effect != "allow" for rule in policy.rules)


def _alone(rule: Rule, now: int) -> Iterator[str]:
    """Why a rule can never match."""
    for key in _LISTS:
        if getattr(rule, key) == ():
            yield f"can never match: its list of {key} is empty"
    for test in rule.arguments:
        if test.op == "in" and test.value == ():
            yield f"can never match: no value fits an empty list at {test.pointer or 'the whole of the arguments'}"
    if rule.effect == "allow" and rule.bound is False and rule.packages is not None:
        yield "can never match: packages that are named must be bound to their publisher before anything is allowed by their name"
    if rule.effect != "allow" and rule.capabilities is not None and not rule.kv and not any(_reach(rule)):
        yield "can never match: each of its lists of capabilities is empty"
    yield from _window(rule, now)


def _window(rule: Rule, now: int) -> Iterator[str]:
    when = rule.when
    if when is None:
        return
    if when.days == ():
        yield "can never match: it holds on no day"
    if when.not_after and when.not_after < _day(now):
        yield f"does not match any more: its last day was {when.not_after}"


def _reach(rule: Rule) -> tuple[tuple[str, ...], ...]:
    one = rule.capabilities
    return () if one is None else tuple(found for found in (one.hosts, one.read, one.write, one.env, one.secrets, one.devices) if found is not None)


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d")


def _conditions(rule: Rule) -> dict[str, Json]:
    document = policy_json(Policy(name="one", rules=(rule,), mappings={}))["rules"]
    row = document[0] if isinstance(document, list) else {}
    return {key: item for key, item in row.items() if key not in _NO_CONDITION} if isinstance(row, dict) else {}


def _shadowed(policy: Policy) -> Iterator[str]:
    """Rules that change nothing, because a stricter one matches whenever they do."""
    if len(policy.rules) > RULES_COMPARED_MAX:
        return
    rows = [(rule, _conditions(rule)) for rule in policy.rules]
    for rule, own in rows:
        above = next((other for other, theirs in rows if _stricter(other, rule) and _implied(theirs, own)), None)
        twin = next((other for other, theirs in rows if other.id < rule.id and (other.effect, other.limits, theirs) == (rule.effect, rule.limits, own)), None)
        if above is not None:
            yield f"rule {rule.id} changes nothing: rule {above.id} {_DOES[above.effect]} whenever it matches"
        elif twin is not None:
            yield f"rules {twin.id} and {rule.id} say the same"


_DOES = {"deny": "denies", "ask": "asks"}


def _implied(theirs: dict[str, Json], own: dict[str, Json]) -> bool:
    """Does the other rule match whenever this one does? Of capabilities a rule that allows wants all, and one that denies any."""
    return "capabilities" not in theirs and all(key in own and own[key] == item for key, item in theirs.items())


def _stricter(other: Rule, rule: Rule) -> bool:
    """A rule that asks takes nothing from one that allows with limits: those hold all the same."""
    if rule.limits is not None and other.effect != "deny":
        return False
    return EFFECTS.index(other.effect) > EFFECTS.index(rule.effect)
