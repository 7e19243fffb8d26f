"""Measuring side by side: ours and a named baseline take turns, so that a busy machine slows both alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

Work = Callable[[], object]


class Row(NamedTuple):
    """One line of the table. Times are in seconds; ``promised`` is None for what is only told."""

    what: str
    ours: float
    baseline: str
    base: float
    promised: float | None
    note: str = ""
    plus: float = 0.0
    """Seconds that the promise allows on top of ``promised`` times the baseline."""

    @property
    def ratio(self) -> float:
        return self.ours / self.base

    @property
    def kept(self) -> bool | None:
        return None if self.promised is None else self.ours <= self.promised * self.base + self.plus


def timed(work: Work, clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


def compare(ours: Work, base: Work, rounds: int) -> tuple[float, float]:
    """The medians of both, run in turns: A B A B; one unmeasured turn first."""
    ours()
    base()
    gc.collect()
    pairs = [(timed(ours), timed(base)) for _ in range(rounds)]
    return median(one for one, _ in pairs), median(two for _, two in pairs)


def fastest(work: Work, rounds: int) -> float:
    """The median time of something that has no baseline."""
    work()
    return median(timed(work) for _ in range(rounds))
