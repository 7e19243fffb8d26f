"""A view: another reading of a text, with the way back from each of its characters to the text that was read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from mpp.errors import Refused
from mpp.stages.privacy.views.limits import VIEW_CHARS_MAX, VIEWS_MAX


class Side:
    """The raw offsets of one side of each character, worked out when they are asked for."""

    __slots__ = ("_of", "_size")

    def __init__(self, of: Callable[[int], int], size: int) -> None:
        self._of, self._size = of, size

    def __getitem__(self, at: int) -> int:
        place = at + self._size if at < 0 else at
        if not 0 <= place < self._size:
            raise IndexError(at)
        return self._of(place)

    def __len__(self) -> int:
        return self._size


class View:
    """What stands in [a, b) here stands in [starts[a], ends[b-1]) of the text that was read.

    It is kept as pieces. A piece with a width has that many raw characters for each of its own;
    one of width 0 is a token whose characters all stand for the whole of it.
    """

    __slots__ = ("_below", "_cuts", "_ends", "_raws", "_widths", "text")

    def __init__(self, maker: Maker, below: View | None = None) -> None:
        self.text = "".join(maker.texts)
        self._cuts, self._raws, self._widths, self._ends = maker.cuts, maker.raws, maker.widths, maker.ends
        self._below = below

    @property
    def starts(self) -> Side:
        return Side(self.start, len(self.text))

    @property
    def ends(self) -> Side:
        return Side(self.end, len(self.text))

    def start(self, at: int) -> int:
        """Where the raw text of character ``at`` begins."""
        piece = bisect_right(self._cuts, at) - 1
        raw = self._raws[piece] + self._widths[piece] * (at - self._cuts[piece])
        return raw if self._below is None else self._below.start(raw)

    def end(self, at: int) -> int:
        """Where the raw text of character ``at`` ends."""
        piece = bisect_right(self._cuts, at) - 1
        width = self._widths[piece]
        raw = self._raws[piece] + width * (at - self._cuts[piece] + 1) if width else self._ends[piece]
        return raw if self._below is None else self._below.end(raw - 1)


class Maker:
    """Puts a view together, piece by piece."""

    __slots__ = ("cuts", "ends", "length", "raws", "texts", "widths")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.cuts: list[int] = []
        self.raws: list[int] = []
        self.widths: list[int] = []
        self.ends: list[int] = []
        self.length = 0

    def put(self, text: str, raw: int, end: int, width: int = 0) -> None:
        """Add what stands for [raw, end)."""
        if text:
            self.texts.append(text)
            self.cuts.append(self.length)
            self.raws.append(raw)
            self.widths.append(width)
            self.ends.append(end)
            self.length += len(text)


def unwatched() -> None:
    """Nobody looks at the clock."""


class Spent:
    """What the views of one message have cost so far."""

    __slots__ = ("chars", "views", "watch")

    def __init__(self, watch: Callable[[], None] = unwatched) -> None:
        self.views = self.chars = 0
        self.watch = watch
        """Raises Refused when the time for the message is over."""

    def add(self, text: str) -> None:
        """Attack: a message made of nothing but codes; it is withheld instead of read for minutes."""
        self.watch()
        self.views += 1
        self.chars += len(text)
        if self.views > VIEWS_MAX or self.chars > VIEW_CHARS_MAX:
            raise too_much("the message holds too much encoded text")


def too_much(what: str) -> Refused:
    return Refused("privacy.limit", what, where="message", hint="answer with less encoded text at a time")
