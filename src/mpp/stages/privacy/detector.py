"""What a detector is: probes that an automaton finds everywhere at once, and a look at each place where one began.

A probe is short and bounded, so that one scan of a whole message stays cheap; the look decides, with checksum, boundary and context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mpp.model.value import value
from mpp.stages.privacy.arena import Arena, Spots
from mpp.stages.privacy.limits import CONTEXT_CHARS

WEAK, LIKELY, SURE = 1, 2, 3
"""How much a hit has for it: a form with a word nearby; a form that hardly stands for anything else; a checksum or a prefix that the issuer owns."""


class Hit(NamedTuple):
    """Something found, as a range of the arena's text. A range never leaves its leaf."""

    type: str
    start: int
    end: int
    sure: int = LIKELY


class Place:
    """Where a probe began. One object is used for all places of a scan, because there may be tens of thousands."""

    __slots__ = ("arena", "at", "high", "leaf", "low", "text", "watch")

    def __init__(self, arena: Arena, watch: Callable[[], None] = lambda: None) -> None:
        self.arena, self.text = arena, arena.text
        self.watch = watch
        """Raises Refused when the time for the message is over. A look that reads more than a bounded piece calls it on the way."""
        self.leaf = self.at = self.low = self.high = 0

    @property
    def key(self) -> str:
        """The key above this leaf as its author wrote it: that of the value, or of the list that holds it; empty where there is none."""
        return self.arena.names[self.leaf]

    @property
    def is_key(self) -> bool:
        """The leaf is itself a key of an object."""
        spots = self.arena.spots
        return spots.is_key(self.leaf) if isinstance(spots, Spots) else spots[self.leaf].is_key

    def before(self, most: int = CONTEXT_CHARS) -> str:
        """What stands before the probe in this leaf, in small letters."""
        return self.text[max(self.low, self.at - most) : self.at].lower()

    def after(self, end: int, most: int = CONTEXT_CHARS) -> str:
        """What stands after ``end`` in this leaf, in small letters."""
        return self.text[end : min(self.high, end + most)].lower()


@value
class Detector:
    """One way to find things."""

    name: str
    types: tuple[str, ...]
    """The pattern ids that it can give. Spec: 6-privacy, table of patterns."""
    probes: tuple[str, ...]
    """Expressions over UTF-8 bytes in the subset that both engines share: no lookaround, back-reference or lazy repeat; ``(?i)`` may begin one.
    Each is bounded. An engine reports where a match begins; it may report more beginnings of one thing than one."""
    look: Callable[[Place], Iterable[Hit]]
    """What is really there. ``place.at`` is where the probe began; the look may search up to a bounded distance around it, within low and high."""
