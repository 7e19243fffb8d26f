"""How much work a schema makes, known before a value is judged.

Spec: manifest M-96. For each depth of a value the table says how often, at most, parts of the schema look at one value there.
Attack: parts that double at each level of a value, ``unevaluatedProperties`` inside itself, patterns over long texts and lists
of a thousand decimals each hold a validator for minutes; none can be interrupted.
"""

from __future__ import annotations

from collections import Counter

from mpp.errors import Refused
from mpp.limits import JSON_DEPTH_MAX
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.sandbox.contract.limits import CHAIN_MAX, PATTERN_POSITIONS_MAX, REACH_MAX
from mpp.stages.sandbox.contract.measure import Measure, number_steps, text_steps
from mpp.stages.sandbox.contract.patterns import translate
from mpp.stages.sandbox.contract.vocabulary import IN_PLACE, INNER_LISTED, INNER_NAMED, INNER_ONE, OF_NUMBERS, UNEVALUATED, inner_schemas

_AGAIN = 4
"""How often a validator may repeat what stands beside ``unevaluated...``: below three times, measured, for each such schema around it."""

_TOP = 2**80
"""Counts stop here: beyond any limit, and small enough to add quickly."""

Reach = Counter[str]
_CHAINED = f"more than {CHAIN_MAX} of its schemas lead to each other"


@value
class Own:
    """What one schema does by itself with one value."""

    steps: int = 0
    text: int = 0
    """Steps for each eighth of a text."""
    key_text: int = 0
    """The same for the keys of an object."""
    numbers: int = 0
    """Comparisons of a number, in units of the plainest."""
    unique: int = 0


_NOTHING = Own()


@value
class Depth:
    """All that judges one value at one depth."""

    steps: int
    text: int
    numbers: int
    unique: int


class CostTable:
    """Costs of one schema by the depth of the value, filled as far as values were deep."""

    def __init__(self, schema: Json) -> None:
        self._own: dict[str, Own] = {}
        self._in_place: dict[str, list[str]] = {}
        self._inner: dict[str, list[tuple[str, str]]] = {}
        self._factor: dict[str, int] = {}
        self._collect(schema, "#")
        self._closed: dict[str, tuple[Reach, int]] = {}
        self._reach = 0
        self._onward: dict[str, Reach] = {}
        if sum(own.text + own.key_text for own in self._own.values()) > PATTERN_POSITIONS_MAX:
            raise _too_much(f"its patterns have more than {PATTERN_POSITIONS_MAX} positions")
        self._state = self._close("#", 0)
        self._key_text = 0
        self._depths: list[Depth] = []
        for one in self._in_place:
            self._close(one, 0)

    def work(self, size: Measure) -> int:
        """Steps of a validation of a value of this size, at most."""
        while len(self._depths) < min(len(size.levels), JSON_DEPTH_MAX + 1):
            self._deeper()
        below = sum(level.values + level.text for level in size.levels)
        total = 0
        for level, depth in zip(size.levels, self._depths, strict=False):
            below -= level.values + level.text
            total += level.values * depth.steps + level.text * depth.text + level.numbers * depth.numbers
            # Attack: long integers share one hash, so that each is compared with each.
            total += depth.unique * below * (1 + size.wide // 4)
        return total

    def _deeper(self) -> None:
        parts = [(self._own[at], times) for at, times in self._state.items()]
        self._depths.append(
            Depth(
                steps=sum(own.steps * times for own, times in parts),
                text=self._key_text + sum(own.text * times for own, times in parts),
                numbers=sum(own.numbers * times for own, times in parts),
                unique=sum(own.unique * times for own, times in parts),
            )
        )
        self._key_text = sum(own.key_text * times for own, times in parts)
        following: Reach = Counter()
        for at, times in self._state.items():
            for target, count in self._from(at).items():
                following[target] = min(_TOP, following[target] + times * count)
        self._state = following

    def _collect(self, schema: Json, at: str) -> None:
        self._in_place[at], self._inner[at], self._factor[at], self._own[at] = [], [], 1, _NOTHING
        if not isinstance(schema, dict):
            self._own[at] = Own(steps=1)
            return
        self._own[at] = _own(schema)
        self._factor[at] = _AGAIN if UNEVALUATED & schema.keys() else 1
        reference = schema.get("$ref")
        if isinstance(reference, str):
            self._in_place[at].append(reference)
        for keyword, item in schema.items():
            for place, one in inner_schemas(keyword, item):
                inner = f"{at}/{place}"
                self._collect(one, inner)
                if keyword in IN_PLACE:
                    self._in_place[at].append(inner)
                elif keyword in INNER_ONE | INNER_LISTED | INNER_NAMED:
                    self._inner[at].append((keyword, inner))

    def _close(self, at: str, chain: int) -> Reach:
        """How often each schema looks at a value that meets the schema at ``at``, itself among them."""
        return self._closing(at, chain)[0]

    def _closing(self, at: str, chain: int) -> tuple[Reach, int]:
        known = self._closed.get(at)
        if known is None:
            reach: Reach = Counter({at: 1})
            longest = 0
            if chain >= CHAIN_MAX:
                raise _too_much(_CHAINED)
            for one in self._in_place[at]:
                inner, length = self._closing(one, chain + 1)
                longest = max(longest, length + 1)
                _add(reach, inner, self._factor[at])
            if longest >= CHAIN_MAX:
                raise _too_much(_CHAINED)
            self._count(reach)
            known = self._closed[at] = (reach, longest)
        return known

    def _from(self, at: str) -> Reach:
        """How often each schema looks at one value inside of a value that meets the schema at ``at``."""
        known = self._onward.get(at)
        if known is None:
            known = Counter()
            by_name: Reach = Counter()
            for keyword, inner in self._inner[at]:
                closed = self._close(inner, 0)
                if keyword in {"properties", "prefixItems", "additionalProperties", "items"}:
                    # One inner value meets one of these; which, depends on its name or place.
                    for target, count in closed.items():
                        by_name[target] = max(by_name[target], count)
                else:
                    _add(known, closed, 1)
            _add(known, by_name, 1)
            if self._factor[at] > 1:
                known = Counter({target: min(_TOP, count * self._factor[at]) for target, count in known.items()})
            self._count(known)
            self._onward[at] = known
        return known

    def _count(self, reach: Reach) -> None:
        self._reach += len(reach)
        if self._reach > REACH_MAX:
            raise _too_much("its schemas refer to each other too often")


def _add(to: Reach, more: Reach, factor: int) -> None:
    for target, count in more.items():
        to[target] = min(_TOP, to[target] + count * factor)


def _too_much(what: str) -> Refused:
    return Refused("call.schema", f"the schema is more than this host checks: {what}", hint="ask the publisher of the tool for a simpler schema")


def _own(schema: dict[str, Json]) -> Own:
    steps, text, key_text, numbers = 1 + len(schema), 0, 0, 0
    for keyword, item in schema.items():
        if keyword == "pattern":
            text += translate(str(item)).size
        elif keyword == "patternProperties" and isinstance(item, dict):
            key_text += sum(translate(one).size for one in item)
        elif keyword in {"minLength", "maxLength"}:
            text += 1
        elif keyword in {"enum", "const"}:
            one, other = _compared(item, is_enum=keyword == "enum")
            steps, numbers = steps + one, numbers + other
        elif keyword in OF_NUMBERS and isinstance(item, (int, float)):
            numbers += 3 * _times(item)
        elif isinstance(item, (dict, list)):
            steps += _size(item) if keyword == "dependentRequired" else len(item)
    return Own(steps=steps, text=text, key_text=key_text, numbers=numbers, unique=schema.get("uniqueItems") is True)


def _compared(item: Json, *, is_enum: bool) -> tuple[int, int]:
    """Steps to compare a value with all options, and comparisons of a number with those that are numbers."""
    options = item if is_enum and isinstance(item, list) else [item]
    steps, numbers = 1 + len(options) // 8, 0
    for option in options:
        if isinstance(option, (int, float)) and not isinstance(option, bool):
            numbers += _times(option)
        elif isinstance(option, (dict, list)):
            steps += _size(option)
        elif isinstance(option, str):
            steps += len(option) // 64
    return steps, numbers


def _size(item: Json) -> int:
    if isinstance(item, (int, float)):
        return number_steps(item)
    if isinstance(item, str):
        return text_steps(item)
    inner = [*item.values()] if isinstance(item, dict) else item or []
    return 1 + len(inner) + sum(map(_size, inner))


def _times(number: float) -> int:
    return max(1, number_steps(number) // 20)
