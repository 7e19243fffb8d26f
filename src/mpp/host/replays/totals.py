"""A whole comparison of two recordings, in one pass over both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from mpp.host.replays.calls import lines, read_recorded, Recorded
from mpp.host.replays.comparing import CLASSES, compare, Difference, only_one, Rules
from mpp.host.replays.limits import REPORTED_MAX
from mpp.model.value import value


@value
class Totals:
    calls: int
    equal: int
    counts: dict[str, int]
    """Differences by class, also those that are not listed."""
    calls_with: dict[str, int]
    """Calls that have a difference of the class."""
    listed: tuple[Difference, ...]

    def accepted(self, allowed: Iterable[str]) -> bool:
        """Is there nothing but what the caller allows?"""
        return all(not count or kind in set(allowed) for kind, count in self.counts.items())


def recorded_in(path: str) -> Iterator[Recorded]:
    for where, line in lines(path):
        yield read_recorded(line, where)


def compare_all(old: Iterable[Recorded], new: Iterable[Recorded], rules: Rules) -> Totals:
    """The first answer with the first, the second with the second; only one pair is in memory at a time."""
    calls = equal = 0
    counts, calls_with = dict.fromkeys(CLASSES, 0), dict.fromkeys(CLASSES, 0)
    listed: list[Difference] = []
    for number, (a, b) in enumerate(zip_longest(old, new), 1):
        found = _pair(number, a, b, rules)
        calls += 1
        equal += not found
        for one in found:
            counts[one.kind] += 1
        for kind in {one.kind for one in found}:
            calls_with[kind] += 1
        listed += found[: max(REPORTED_MAX - len(listed), 0)]
    return Totals(calls=calls, equal=equal, counts=counts, calls_with=calls_with, listed=tuple(listed))


def _pair(number: int, old: Recorded | None, new: Recorded | None, rules: Rules) -> list[Difference]:
    if old is not None and new is not None:
        return compare(number, old, new, rules)
    one = old or new
    return [] if one is None else [only_one(number, one, is_old=old is not None)]
