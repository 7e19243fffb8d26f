"""Many short measurements that take turns in blocks, and what is said of them: the median and the 99th of a hundred."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

from measure import Work, timed

WARM_UP = 30


class Spread(NamedTuple):
    """Measurements of one thing, in seconds."""

    p50: float
    p99: float
    count: int
    rounds: tuple[float, ...]
    """The median of each round."""
    least: float = 0.0

    @classmethod
    def of(cls, rounds: list[list[float]]) -> Spread:
        whole = sorted(one for row in rounds for one in row)
        return cls(median(whole), whole[min(int(0.99 * len(whole)), len(whole) - 1)], len(whole), tuple(median(row) for row in rounds), whole[0])

    def by(self, number: float, less: float = 0.0) -> Spread:
        """The same for one of ``number`` repetitions, after ``less`` seconds were taken off."""
        rounds = tuple((one - less) / number for one in self.rounds)
        return Spread((self.p50 - less) / number, (self.p99 - less) / number, self.count, rounds, (self.least - less) / number)


class Figure(NamedTuple):
    """One line of the sandbox's table."""

    what: str
    ours: Spread
    baseline: str = ""
    base: Spread | None = None
    ratio_most: float | None = None
    """What ours may take of the baseline; None when that is only told."""
    seconds_most: float | None = None
    at_p99: bool = False
    """The promise in seconds holds for the 99th of a hundred."""
    note: str = ""
    at_least: bool = False
    """The promise in seconds is of a processor that does nothing else: it holds for the least of many short turns, which a busy machine comes near."""

    @property
    def ratio(self) -> float | None:
        if self.at_least:
            return self.ours.least / self.base.least if self.base else None
        return self.ours.p50 / self.base.p50 if self.base else None

    @property
    def judged(self) -> str:
        return "least" if self.at_least else "p99" if self.at_p99 else "p50"

    @property
    def ratio_p99(self) -> float | None:
        return self.ours.p99 / self.base.p99 if self.base else None

    @property
    def ratio_range(self) -> tuple[float, float] | None:
        """The smallest and the largest ratio of medians in one round: how steady the machine was."""
        if not self.base:
            return None
        found = [one / two for one, two in zip(self.ours.rounds, self.base.rounds, strict=True)]
        return min(found), max(found)

    @property
    def kept(self) -> bool | None:
        """None: nothing was promised."""
        if self.seconds_most is not None:
            return bool(getattr(self.ours, self.judged) <= self.seconds_most)
        if self.ratio_most is None or self.ratio is None:
            return None
        return self.ratio <= self.ratio_most

    def plain(self) -> dict[str, object]:
        """For the results file."""
        return {
            "what": self.what,
            "p50_us": round(self.ours.p50 * 1e6, 2),
            "p99_us": round(self.ours.p99 * 1e6, 2),
            "least_us": round(self.ours.least * 1e6, 2),
            "count": self.ours.count,
            "baseline": self.baseline,
            "baseline_p50_us": round(self.base.p50 * 1e6, 2) if self.base else None,
            "baseline_p99_us": round(self.base.p99 * 1e6, 2) if self.base else None,
            "baseline_least_us": round(self.base.least * 1e6, 2) if self.base else None,
            "ratio": round(self.ratio, 3) if self.ratio is not None else None,
            "ratio_p99": round(self.ratio_p99, 3) if self.ratio_p99 is not None else None,
            "ratio_range": [round(one, 3) for one in self.ratio_range] if self.ratio_range else None,
            "ratio_most": self.ratio_most,
            "seconds_most": self.seconds_most,
            "judged": self.judged,
            "kept": self.kept,
            "note": self.note,
        }

    def line(self) -> str:
        base = f"{1e6 * self.base.p50:9.1f} {1e6 * self.base.p99:9.1f}" if self.base else f"{'':>9} {'':>9}"
        ratio = f"{self.ratio:6.2f} {self.ratio_p99:6.2f}" if self.base else f"{'':>6} {'':>6}"
        promised = f"{self.ratio_most:g}x" if self.ratio_most is not None else ""
        if self.seconds_most is not None:
            promised = f"{1e6 * self.seconds_most:g} us{'' if self.judged == 'p50' else ' ' + self.judged}"
        kept = {None: "", True: "yes", False: "NO"}[self.kept]
        least = f"the least is {1e6 * self.ours.least:.1f}" if self.at_least else ""
        after = "; ".join(text for text in (self.baseline, self.note, least) if text)
        return f"{self.what:<46} {1e6 * self.ours.p50:9.1f} {1e6 * self.ours.p99:9.1f} {base} {ratio} {promised:>12}  {kept:<4} {after}"


HEAD = f"{'what (microseconds)':<46} {'p50':>9} {'p99':>9} {'base p50':>9} {'base p99':>9} {'ratio':>6} {'at p99':>6} {'promised':>12}  kept baseline, note"


def in_turns(works: Mapping[str, Work], rounds: int, each: int, warm_up: int = WARM_UP, clock: Callable[[], float] = time.perf_counter) -> dict[str, Spread]:
    """Blocks of ``each`` runs in turns, another one first in each round. ``clock``: time, or what the processor did for this process."""
    for work in works.values():
        for _ in range(min(warm_up, each)):
            work()
    gc.collect()
    names = list(works)
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            work = works[name]
            found[name].append([timed(work, clock) for _ in range(each)])
    return {name: Spread.of(rows) for name, rows in found.items()}
