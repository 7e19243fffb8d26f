"""An index over rules: a tree of tables. At each node the rules stand under the keys that tell them apart best.

Many rules for one package, or one tool with a thousand values of one argument: the tables below each other use whatever differs.
The index only leaves out rules of which a condition says NO (to a rule that allows: not YES). Spec: spec/3-policy.md section 4.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import isqrt
from typing import NamedTuple

from mpp.stages.policy.compiled import AT_LEAST, THRESHOLDS, CompiledRule, Dimension
from mpp.stages.policy.limits import INDEX_COPIES_MAX, INDEX_LEAF_MAX
from mpp.stages.policy.probes import Probe, probe_of
from mpp.stages.policy.types import Asked

WORTH = 8
"""A table is made only if it takes an eighth of the rules away: so the chain of tables is short."""


class Group(NamedTuple):
    """Rules of one layer, those that decide first first."""

    layer: int
    in_doubt: bool
    """They were found because a condition of each is unclear: none of them matches without doubt."""
    plain: tuple[CompiledRule, ...]
    limiting: tuple[CompiledRule, ...]
    """Those with limits: they count even where another one decides."""


class Node:
    """Rules to be tried, then a table, then the node with the rules that have no key for the table."""

    __slots__ = ("doubtful", "groups", "probe", "rest", "table")

    def __init__(self) -> None:
        self.groups: tuple[Group, ...] = ()
        self.probe: Probe | None = None
        self.table: dict[Hashable, Node] = {}
        self.doubtful: tuple[Group, ...] = ()
        """The rules of the table that matter in doubt."""
        self.rest: Node | None = None


def find(top: Node, asked: Asked, out: list[Group]) -> None:
    """Add to ``out`` the rules that can match."""
    node: Node | None = top
    while node is not None:
        if node.groups:
            out.extend(node.groups)
        if node.probe is not None:
            keys = node.probe(asked)
            if keys is None:
                out.extend(node.doubtful)
            else:
                table = node.table
                for key in keys:
                    below = table.get(key)
                    if below is not None:
                        find(below, asked, out)
        node = node.rest


class _Entry:
    """A rule on its way into the index."""

    __slots__ = ("copies", "keys", "rule")

    def __init__(self, rule: CompiledRule, keys: dict[Dimension, tuple[Hashable, ...]], copies: int) -> None:
        self.rule, self.keys, self.copies = rule, keys, copies

    def usable(self, where: Dimension) -> tuple[Hashable, ...] | None:
        """Attack: two long lists in one rule would multiply."""
        keys = self.keys.get(where)
        return keys if keys is not None and len(keys) * self.copies <= INDEX_COPIES_MAX else None

    def under(self, where: Dimension, copies: int) -> _Entry:
        return _Entry(self.rule, {one: keys for one, keys in self.keys.items() if one != where}, self.copies * copies)


def build(rules: Iterable[CompiledRule]) -> Node:
    """The index of all rules, those of all layers together."""
    return _build([_Entry(rule, rule.keys, 1) for rule in rules])


def _build(entries: list[_Entry]) -> Node:
    top = Node()
    node = top
    while (where := _best(entries)) is not None:
        inside, entries = _split(entries, where)
        node.table = {key: _build(below) for key, below in inside.items()}
        node.probe = probe_of(where, node.table)
        node.doubtful = _doubtful(where, inside)
        node.rest = Node()
        node = node.rest
    node.groups = _grouped((entry.rule for entry in entries), in_doubt=False)
    return top


def _grouped(rules: Iterable[CompiledRule], *, in_doubt: bool) -> tuple[Group, ...]:
    by_layer: dict[int, list[CompiledRule]] = {}
    for rule in sorted(rules, key=lambda rule: (rule.layer, rule.rank)):
        by_layer.setdefault(rule.layer, []).append(rule)
    return tuple(
        Group(layer, in_doubt, tuple(rule for rule in found if rule.limits is None), tuple(rule for rule in found if rule.limits is not None))
        for layer, found in by_layer.items()
    )


def _split(entries: list[_Entry], where: Dimension) -> tuple[dict[Hashable, list[_Entry]], list[_Entry]]:
    inside: dict[Hashable, list[_Entry]] = {}
    rest: list[_Entry] = []
    blocks = _blocks(entries, where) if where.kind in THRESHOLDS else {}
    for entry in entries:
        keys = entry.usable(where)
        if keys is None:
            rest.append(entry)
            continue
        below = entry.under(where, len(keys))
        for key in keys:
            inside.setdefault(blocks.get(key, key), []).append(below)
    return inside, rest


def _blocks(entries: list[_Entry], where: Dimension) -> dict[Hashable, int]:
    """Thresholds in blocks, as many as each has; a block stands under the threshold that is reached first."""
    found = sorted({key for entry in entries for key in entry.usable(where) or () if isinstance(key, int)}, reverse=where.kind != AT_LEAST)
    size = max(INDEX_LEAF_MAX, isqrt(len(found)))
    return {key: found[i - i % size] for i, key in enumerate(found)}


def _best(entries: list[_Entry]) -> Dimension | None:
    """The dimension after which the fewest rules are left to try, if that is worth a table."""
    if len(entries) <= INDEX_LEAF_MAX:
        return None
    counts: dict[Dimension, dict[Hashable, int]] = {}
    taken: dict[Dimension, int] = {}
    for entry in entries:
        for where in entry.keys:
            keys = entry.usable(where)
            if keys is not None:
                taken[where] = taken.get(where, 0) + 1
                buckets = counts.setdefault(where, {})
                for key in keys:
                    buckets[key] = buckets.get(key, 0) + 1
    # Of thresholds, a value passes half.
    left = {where: len(entries) - taken[where] + (taken[where] / 2 if where.kind in THRESHOLDS else _expected(buckets)) for where, buckets in counts.items()}
    best = min(left, key=lambda where: (left[where], where), default=None)
    return best if best is not None and left[best] * WORTH <= len(entries) * (WORTH - 1) else None


def _expected(buckets: dict[Hashable, int]) -> float:
    """How many rules a key finds, if calls ask for what the rules name, as often as they name it."""
    return sum(count * count for count in buckets.values()) / sum(buckets.values())


def _doubtful(where: Dimension, inside: dict[Hashable, list[_Entry]]) -> tuple[Group, ...]:
    rules = {id(entry.rule): entry.rule for below in inside.values() for entry in below}
    # A rule that allows does not match in doubt; but a package without hosts has all its hosts in any list.
    is_vacuous = where.kind == "all hosts"
    return _grouped((rule for rule in rules.values() if rule.rule.effect != "allow" or is_vacuous), in_doubt=not is_vacuous)
