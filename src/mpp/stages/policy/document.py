"""A policy document as a value. ``reading.py`` makes it from bytes; nothing else does. Spec: spec/3-policy.md section 1.

A condition that is None is absent and says nothing; one that is empty fits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.policy.privacy_rules import PrivacyRules, rules_json

Texts: TypeAlias = "tuple[str, ...] | None"
Scalar: TypeAlias = "None | bool | int | str"


@value
class When:
    """A time window, in UTC."""

    days: Texts = None
    """``mon`` to ``sun``: of the beginning of the window, where it goes past midnight."""
    since: str = ""
    """``HH:MM``; empty together with ``until``: the whole day."""
    until: str = ""
    """``HH:MM``, no longer in it. Before ``since``: on the next day."""
    not_before: str = ""
    """``YYYY-MM-DD``, the first day."""
    not_after: str = ""
    """``YYYY-MM-DD``, the last day."""


@value
class Reach:
    """Patterns for what a package declares: in a condition what it asks for, in limits what is left of it."""

    hosts: Texts = None
    read: Texts = None
    write: Texts = None
    env: Texts = None
    secrets: Texts = None
    devices: Texts = None


@value
class ArgumentTest:
    """One condition on one value in the arguments."""

    pointer: str
    op: str
    value: Scalar | tuple[Scalar, ...] = None
    ignore_case: bool = False
    optional: bool = False
    """The condition is not met where the value is missing, instead of unclear."""


@value
class RuleLimits:
    """What a rule adds to its yes or its question. None and 0 add nothing."""

    reach: Reach | None = None
    kv_max_bytes: int | None = None
    timeout_ms: int = 0
    calls_per_minute: int = 0
    privacy_patterns: tuple[str, ...] = ()
    strength: str = ""
    approvers: int = 1
    answer_seconds: int = 0


@value
class Rule:
    """When all conditions fit, the effect holds."""

    id: str
    effect: str
    why: str = ""
    """For the person who is asked or refused."""
    packages: Texts = None
    publishers: Texts = None
    versions: Texts = None
    tools: Texts = None
    agents: Texts = None
    agent_at_least: str = ""
    agent_below: str = ""
    users: Texts = None
    origins: Texts = None
    security_levels: Texts = None
    risk_least: int | None = None
    risk_most: int | None = None
    consented: bool | None = None
    asks: bool | None = None
    bound: bool | None = None
    internal: bool | None = None
    when: When | None = None
    capabilities: Reach | None = None
    kv: bool | None = None
    """Part of the capabilities: True fits any stored state, False none."""
    arguments: tuple[ArgumentTest, ...] = ()
    limits: RuleLimits | None = None


@value
class Policy:
    """One document."""

    name: str
    description: str = ""
    rules: tuple[Rule, ...] = ()
    private_hosts: Texts = None
    """``host`` or ``host:port`` that may resolve to an address that is not public; None: the document does not speak of them."""
    mappings: Mapping[str, str]
    """Declared path to the path that is given in its place."""
    privacy: PrivacyRules | None = None
    """What it says of the privacy filter; None: the document does not speak of it."""


def policy_json(policy: Policy) -> dict[str, Json]:
    """The document again, in its canonical form: reading it gives the same policy."""
    found: dict[str, Json] = {"mpp_policy": 1, "name": policy.name}
    if policy.description:
        found["description"] = policy.description
    found["rules"] = [_rule_json(rule) for rule in policy.rules]
    if policy.private_hosts is not None:
        found["private_hosts"] = [*policy.private_hosts]
    if policy.mappings:
        found["mappings"] = dict(policy.mappings)
    if policy.privacy is not None:
        # A table without anything in it is kept: where it stands, no other layer grants anything.
        found["privacy"] = rules_json(policy.privacy)
    return found


_LISTS = ("packages", "publishers", "versions", "tools", "agents", "users", "origins", "security_levels")


def _rule_json(rule: Rule) -> Json:
    found: dict[str, Json] = {"id": rule.id, "effect": rule.effect}
    texts = {"why": rule.why, "agent_at_least": rule.agent_at_least, "agent_below": rule.agent_below}
    found.update({key: text for key, text in texts.items() if text})
    for key in _LISTS:
        _put(found, key, getattr(rule, key))
    flags: dict[str, bool | None] = {"consented": rule.consented, "asks": rule.asks, "bound": rule.bound, "internal": rule.internal}
    found.update({key: flag for key, flag in flags.items() if flag is not None})
    risk: dict[str, Json] = {key: end for key, end in (("least", rule.risk_least), ("most", rule.risk_most)) if end is not None}
    kinds: dict[str, Json] = _reach_json(rule.capabilities) if rule.capabilities is not None else {}
    blocks: dict[str, Json] = {
        "risk": risk,
        "when": _when_json(rule.when) if rule.when is not None else {},
        "capabilities": kinds if rule.kv is None else {**kinds, "kv": rule.kv},
        "arguments": [_argument_json(one) for one in rule.arguments],
        "limits": _limits_json(rule.limits) if rule.limits is not None else {},
    }
    # No block of a sound document is empty.
    return {**found, **{key: block for key, block in blocks.items() if block}}


def _put(found: dict[str, Json], key: str, texts: Texts) -> None:
    if texts is not None:
        found[key] = [*texts]


def _when_json(when: When) -> Json:
    found: dict[str, Json] = {}
    _put(found, "days", when.days)
    texts = {"from": when.since, "until": when.until, "not_before": when.not_before, "not_after": when.not_after}
    return {**found, **{key: text for key, text in texts.items() if text}}


def _reach_json(reach: Reach) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key in ("hosts", "read", "write", "env", "secrets", "devices"):
        _put(found, key, getattr(reach, key))
    return found


def _argument_json(one: ArgumentTest) -> Json:
    found: dict[str, Json] = {"pointer": one.pointer, "op": one.op}
    if one.op not in {"exists", "absent"}:
        found["value"] = [*one.value] if isinstance(one.value, tuple) else one.value
    if one.ignore_case:
        found["ignore_case"] = True
    if one.optional:
        found["optional"] = True
    return found


def _limits_json(limits: RuleLimits) -> Json:
    found: dict[str, Json] = _reach_json(limits.reach) if limits.reach is not None else {}
    if limits.kv_max_bytes is not None:
        found["kv_max_bytes"] = limits.kv_max_bytes
    numbers = {"timeout_ms": limits.timeout_ms, "calls_per_minute": limits.calls_per_minute, "answer_seconds": limits.answer_seconds}
    found.update({key: number for key, number in numbers.items() if number})
    if limits.privacy_patterns:
        found["privacy_patterns"] = [*limits.privacy_patterns]
    if limits.strength:
        found["strength"] = limits.strength
    if limits.approvers > 1:
        found["approvers"] = limits.approvers
    return found
