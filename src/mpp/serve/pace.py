"""Which calls are better done beside each other, and which one behind the other: a call that computes more than it waits gains nothing from a thread of its own.

Python computes one at a time anyway. Calls that each have a thread pass its lock among them at each system call, and find the caches full of each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

IN_A_ROW = 8
"""Calls of a tool that waited longer than they computed, until its calls run beside others. Reason: on a busy machine every third call is delayed; eight in a row are no chance."""

BESIDE_SECONDS = 1.0
"""Seconds for which they do, until it is tried again. Reason: a tool that is asked again may have its answers at hand by then; a try costs a few calls a moment each second."""

NAMES_MAX = 256
"""Names that are remembered. Reason: more tools than one agent uses. Attack: a client that invents names. All are forgotten then, and each is tried again."""


Begun = tuple[float, float]
"""When a call began, and what its thread had computed until then."""


class _Known(NamedTuple):
    waited: int
    """How many calls in a row."""
    until: float
    """Until when its calls run beside others."""


class Pace:
    """Used by whoever leads, one at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, computed: Callable[[], float] = time.thread_time, *, least: float = 0.0) -> None:
        """``least``: seconds of waiting in a call that count for nothing."""
        self._clock, self._computed, self._least = clock, computed, least
        self._known: dict[str, _Known] = {}

    def is_beside(self, name: str) -> bool:
        """Should a call of ``name`` run beside others?"""
        known = self._known.get(name)
        return known is not None and self._clock() < known.until

    def is_long(self, name: str) -> bool:
        """Did a call of ``name`` go on for so long lately that others waited for it no more?"""
        known = self._known.get(name)
        return known is not None and known.waited < IN_A_ROW and self._clock() < known.until

    def begin(self) -> Begun:
        return self._clock(), self._computed()

    def note(self, name: str, begun: Begun) -> None:
        """A call is over, in the thread in which it began."""
        computed = self._computed() - begun[1]
        if self._clock() - begun[0] - computed <= max(computed, self._least):
            self._known.pop(name, None)
        else:
            known = self._known.get(name)
            self._keep(name, 1 if known is None else min(known.waited + 1, IN_A_ROW))

    def note_long(self, name: str) -> None:
        """A call goes on for so long that others wait for it no more. The first of a tool often does."""
        self._keep(name, 1, beside=True)

    def _keep(self, name: str, waited: int, *, beside: bool = False) -> None:
        if name not in self._known and len(self._known) >= NAMES_MAX:
            self._known.clear()
        self._known[name] = _Known(waited, self._clock() + BESIDE_SECONDS if beside or waited >= IN_A_ROW else 0.0)
