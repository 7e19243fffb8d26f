"""Which calls are better done beside each other, and which one behind the other: a call that computes more than it waits gains nothing from a thread of its own.

Python computes one at a time anyway. Calls that each have a thread pass its lock among them at each system call, and find the caches full of each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple

IN_A_ROW = 8
"""Calls of a tool that waited longer than they computed, until its calls run beside others. Reason: on a busy machine every third call is delayed; eight in a row are no chance."""

LONG_COUNTS = 3
"""As how many a long one counts. Reason: three long ones in a row are no chance either, and others waited for each."""

BESIDE_SECONDS = 1.0
"""Seconds for which they do, until it is tried again. Reason: a tool that is asked again may have its answers at hand by then; a try costs a few calls a moment each second."""

NAMES_MAX = 256
"""Names that are remembered. Reason: more tools than one agent uses. Attack: a client that invents names. All are forgotten then, and each is tried again."""


Begun = tuple[float, float]
"""When a call began, and what its thread had computed until then."""


Spent = tuple[float, float]
"""Seconds that a call took, and what its thread computed of them."""


class _Known(NamedTuple):
    waited: int
    """How many calls in a row."""
    until: float
    """Until when its calls run beside others."""
    is_long: bool
    """The last one took so long that nobody should wait for the next."""


class Pace:
    """Used by whoever leads, one at a time."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, computed: Callable[[], float] = time.thread_time, *, least: float = 0.0, long: float = inf
    ) -> None:
        """``least``: seconds of waiting in a call that count for nothing. ``long``: a call that takes so many counts as three, whether it waits or computes."""
        self._clock, self._computed, self._least, self._long = clock, computed, least, long
        self._known: dict[str, _Known] = {}

    def is_beside(self, name: str) -> bool:
        """Should a call of ``name`` run beside others?"""
        known = self._known.get(name)
        return known is not None and self._clock() < known.until

    def is_long(self, name: str) -> bool:
        """Do calls of ``name`` take so long that even one that is alone should have a thread?"""
        known = self._known.get(name)
        return known is not None and known.is_long and self._clock() < known.until

    def begin(self) -> Begun:
        return self._clock(), self._computed()

    def note(self, name: str, begun: Begun) -> None:
        """A call is over, in the thread in which it began."""
        self.judge(name, self.since(begun))

    def since(self, begun: Begun) -> Spent:
        """What a call spent, in the thread in which it began."""
        return self._clock() - begun[0], self._computed() - begun[1]

    def judge(self, name: str, spent: Spent) -> None:
        """A call is over that spent so much."""
        took, computed = spent
        is_long = took >= self._long
        if not is_long and took - computed <= max(computed, self._least):
            self._known.pop(name, None)
        else:
            known = self._known.get(name)
            self._keep(name, min((0 if known is None else known.waited) + (LONG_COUNTS if is_long else 1), IN_A_ROW), is_long=is_long)

    def note_long(self, name: str) -> None:
        """A call goes on for so long that others wait for it no more. The first of a tool often does."""
        self._keep(name, 1, is_long=True, beside=True)

    def _keep(self, name: str, waited: int, *, is_long: bool, beside: bool = False) -> None:
        if name not in self._known and len(self._known) >= NAMES_MAX:
            self._known.clear()
        self._known[name] = _Known(waited, self._clock() + BESIDE_SECONDS if beside or waited >= IN_A_ROW else 0.0, is_long)
