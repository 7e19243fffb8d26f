"""Which calls are better done beside each other, and which one behind the other: a call that computes more than it waits gains nothing from a thread of its own.

Python computes one at a time anyway. Calls that each have a thread pass its lock among them at each system call, and find the caches full of each other.
"""

from __future__ import annotations

from typing import NamedTuple

IN_A_ROW = 3
"""Calls of a tool that waited longer than they computed, until its calls run beside others. Reason: a busy machine delays a call now and then."""

BESIDE_SECONDS = 1.0
"""Seconds for which they do, until it is tried again. Reason: a tool that is asked again may have its answers at hand by then; a try costs a few calls a moment each second."""

NAMES_MAX = 256
"""Names that are remembered. Attack: a client that invents them. All are forgotten then, and each is tried again."""


class _Known(NamedTuple):
    waited: int
    """How many calls in a row."""
    until: float
    """Until when its calls run beside others."""


class Pace:
    """Used by whoever leads, one at a time."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def is_beside(self, name: str, now: float) -> bool:
        """Should a call of ``name`` run beside others?"""
        known = self._known.get(name)
        return known is not None and now < known.until

    def note(self, name: str, took: float, computed: float, now: float) -> None:
        """A call took so many seconds, and its thread computed for so many of them."""
        if took - computed <= computed:
            self._known.pop(name, None)
            return
        known = self._known.get(name)
        waited = 1 if known is None else known.waited + 1
        self._keep(name, _Known(waited, now + BESIDE_SECONDS if waited >= IN_A_ROW else 0.0))

    def note_long(self, name: str, now: float) -> None:
        """A call goes on for so long that somebody else leads by now."""
        self._keep(name, _Known(IN_A_ROW, now + BESIDE_SECONDS))

    def _keep(self, name: str, known: _Known) -> None:
        if name not in self._known and len(self._known) >= NAMES_MAX:
            self._known.clear()
        self._known[name] = known
