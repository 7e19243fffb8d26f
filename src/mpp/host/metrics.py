"""Counts of what a host did, for whoever watches it. Names and numbers only: nothing of what was called with."""

from __future__ import annotations

import threading
from collections import Counter

from mpp.model.value import value

CODES_MAX = 256
"""Kinds of outcome that are counted apart. Reason: there are about two hundred codes."""


@value
class Metrics:
    """At one moment."""

    calls: int
    """Calls that ended."""
    in_flight: int
    outcomes: tuple[tuple[str, int], ...]
    """``ok``, or the code, and how often; sorted."""
    seconds: float
    """Of all calls together, from taking to telling."""


class Counting:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._in_flight, self._seconds = 0, 0.0

    def begun(self) -> None:
        """A call runs."""
        with self._lock:
            self._in_flight += 1

    def ended(self, outcome: str, seconds: float) -> None:
        """It runs no more. ``outcome`` is empty where it came to none: a defect of this program."""
        with self._lock:
            self._in_flight -= 1
            if outcome:
                known = outcome if outcome in self._outcomes or len(self._outcomes) < CODES_MAX else "other"
                self._outcomes[known] += 1
                self._seconds += seconds

    def now(self) -> Metrics:
        with self._lock:
            return Metrics(
                calls=self._outcomes.total(), in_flight=self._in_flight, outcomes=tuple(sorted(self._outcomes.items())), seconds=round(self._seconds, 6)
            )  # fmt: skip
