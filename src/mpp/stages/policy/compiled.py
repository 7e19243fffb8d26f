"""Rules made ready: judged in one order, each under the keys by which a call finds it. Spec: spec/3-policy.md section 4.

A key is what a call must have for the rule to matter. A call that lacks it would hear NO from the condition behind the key, so
the index may leave the rule out; where a condition could be unclear, the index leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from mpp.model.hostpattern import ANY_HOST
from mpp.stages.policy.arguments import guest_path
from mpp.stages.policy.conditions import Condition, Judge, conditions_of
from mpp.stages.policy.document import ArgumentTest, Policy, Reach, Rule, RuleLimits
from mpp.stages.policy.patterns import NO, UNCLEAR, YES, Packages, fold, nfkc
from mpp.stages.policy.reach import Narrowing, host_patterns
from mpp.stages.policy.reading_tests import TEXT_OPS
from mpp.stages.policy.types import DEFAULT_RULE, EFFECTS, Asked, Decided

RANKS = 1 << 20
"""More than the rules of all layers. A rank divided by it says the effect, 0 for deny."""


class Dimension(NamedTuple):
    """One way to find rules."""

    kind: str
    pointer: str = ""
    """Of conditions on arguments, with the way in which texts are compared."""
    folded: bool = False
    type: str = ""


class CompiledLimits(NamedTuple):
    rule: RuleLimits
    narrowing: Narrowing | None


class CompiledRule:
    """One rule of one layer. The lower its rank, the earlier it decides its layer."""

    __slots__ = ("conditions", "decided", "judges", "keys", "layer", "limits", "need", "rank", "rule")

    def __init__(self, rule: Rule, layer: int, rank: int, decided: Decided) -> None:
        self.rule, self.layer, self.rank, self.decided = rule, layer, rank, decided
        self.conditions: tuple[Condition, ...] = conditions_of(rule)
        self.judges: tuple[Judge, ...] = tuple(one.judge for one in self.conditions)
        self.need = YES if rule.effect == "allow" else UNCLEAR
        self.limits = _limits_of(rule.limits)
        self.keys: dict[Dimension, tuple[Hashable, ...]] = {where: keys for where, keys in _keys_of(rule) if keys}

    def says(self, asked: Asked) -> int:
        """YES if it matches, UNCLEAR if it does so only in doubt, else NO. Spec: 3-policy P-30."""
        least = YES
        for judge in self.judges:
            said = judge(asked)
            if said == YES:
                continue
            if said < self.need:
                return NO
            least = UNCLEAR
        return least

    @property
    def about_call(self) -> bool:
        return any(one.about_call for one in self.conditions)


def compile_layer(policy: Policy, name: str, layer: int) -> list[CompiledRule]:
    """The rules of one document, the strict effects first and then by id, so that the order in the document means nothing (P-51)."""
    strict_first = sorted(policy.rules, key=lambda rule: (-EFFECTS.index(rule.effect), rule.id))
    found = []
    for number, rule in enumerate(strict_first):
        decided = Decided(layer=name, policy=policy.name, rule=rule.id, effect=rule.effect, why=rule.why)
        rank = (len(EFFECTS) - 1 - EFFECTS.index(rule.effect)) * RANKS + number
        found.append(CompiledRule(rule, layer, rank, decided))
    return found


def default_of(policy: Policy, name: str) -> Decided:
    """What a layer says where none of its rules matches."""
    return Decided(layer=name, policy=policy.name, rule=DEFAULT_RULE, effect="deny", why="no rule of this policy allows it")


def _limits_of(limits: RuleLimits | None) -> CompiledLimits | None:
    if limits is None:
        return None
    is_narrowing = limits.reach is not None or limits.kv_max_bytes is not None
    return CompiledLimits(limits, Narrowing(limits.reach or Reach(), limits.kv_max_bytes) if is_narrowing else None)


def _keys_of(rule: Rule) -> Iterable[tuple[Dimension, tuple[Hashable, ...]]]:
    if rule.packages is not None and "*" not in rule.packages:
        yield Dimension("package"), Packages(rule.packages).keys
    for kind, words in (("publisher", rule.publishers), ("origin", rule.origins), ("level", rule.security_levels)):
        if words is not None:
            yield Dimension(kind), words
    for kind, names in (("tool", rule.tools), ("agent", rule.agents), ("user", rule.users)):
        if names is not None and "*" not in names:
            yield Dimension(kind), _distinct(map(_name_key, names))
    yield from _host_keys(rule)
    for test in rule.arguments:
        yield from _argument_keys(test)


AT_LEAST = "at_least"
THRESHOLDS = (AT_LEAST, "at_most")
EXACT, BEGINS, ENDS = "=", "^", "$"
EXACT_BITS = 4
"""Binary digits of the lengths that are told apart: a text up to 16 letters that is contained in an argument is found by all of them, a longer one by most."""


def _name_key(pattern: str) -> str:
    first, star, last = pattern.partition("*")
    return EXACT + pattern if not star else BEGINS + first if first else ENDS + last


def _host_keys(rule: Rule) -> Iterable[tuple[Dimension, tuple[Hashable, ...]]]:
    reach = rule.capabilities
    if reach is None or reach.hosts is None:
        return
    keys = _distinct(key for pattern in host_patterns(reach.hosts) for key in pattern.index_keys())
    if ANY_HOST in keys:
        return
    if rule.effect == "allow":
        yield Dimension("all hosts"), keys
    elif (reach.read, reach.write, reach.env, reach.secrets, reach.devices) == (None,) * 5 and not rule.kv:
        # Another kind in the same condition could fit without any host.
        yield Dimension("any host"), keys


_TYPES: dict[type, str] = {str: "text", bool: "flag", int: "number", type(None): "null"}


def _argument_keys(test: ArgumentTest) -> Iterable[tuple[Dimension, tuple[Hashable, ...]]]:
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    texts = [one for one in values if isinstance(one, str)]
    if test.op in {"equals", "in"} and len({type(one) for one in values}) == 1:
        keys = _distinct(fold(one) if test.ignore_case else nfkc(one) for one in texts) or values
        yield Dimension("value", test.pointer, test.ignore_case, _TYPES[type(values[0])]), keys
    elif test.op in THRESHOLDS:
        yield Dimension(test.op, test.pointer), values
    elif test.op in TEXT_OPS:
        yield Dimension(test.op, test.pointer, test.ignore_case), _part_keys(test.op, texts, ignore_case=test.ignore_case)
    elif test.op == "below":
        folders = [guest_path(one) for one in texts]
        yield Dimension("below", test.pointer), _distinct((*folders, *map(fold, folders)))
    elif test.op == "host_in" and "*" not in texts:
        yield Dimension("host", test.pointer), _distinct(pattern.reaching_key() for pattern in host_patterns(texts))


def _part_keys(op: str, texts: list[str], *, ignore_case: bool) -> tuple[Hashable, ...]:
    parts = [*map(fold, texts)] if ignore_case else [*texts, *map(nfkc, texts)]
    return _distinct(part[: _found_by(len(part))] if op == "contains" else part for part in parts)


def _found_by(length: int) -> int:
    """How many letters of a part it is found by. Attack: a thousand lengths, each tried at each letter of an argument; so there are few."""
    step = 1 << max(0, length.bit_length() - EXACT_BITS)
    return length - length % step


def _distinct(keys: Iterable[Hashable]) -> tuple[Hashable, ...]:
    return tuple(dict.fromkeys(keys))
