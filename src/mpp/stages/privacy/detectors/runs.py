"""A run of digits, cut into groups, with what stands at its borders and what is said of it."""

from __future__ import annotations

from itertools import accumulate

from mpp.stages.privacy.detector import Place
from mpp.stages.privacy.detectors.nearby import is_word, label
from mpp.stages.privacy.later import on_use

DIGITS_MAX = 40
"""Digits that are judged together. Reason: the longest number, a card of 19, fits behind a date and a time."""

YEAR = 4
"""Digits of a year."""

_GROUP = on_use(r"[0-9]+")
_YEAR_FIRST = on_use(r"(?:19|20)[0-9]{2}([-/.])(?:1[0-2]|0?[1-9])\1(?:3[01]|[12][0-9]|0?[1-9])(?![0-9])")
_YEAR_LAST = on_use(r"(?:3[01]|[12][0-9]|0?[1-9])([-/.])(?:3[01]|[12][0-9]|0?[1-9])\1(?:19|20)[0-9]{2}(?![0-9])")
_UNIT = on_use(r" ?(?:%|°|[kmgt]?i?b\b|bytes\b|[mnuµ]?s\b|sec|min\b|hours\b|rows\b|times\b|px\b|usd\b|eur\b|€|tokens\b|items\b|records\b|lines\b)")


def follows_escape(text: str, at: int) -> bool:
    """Text in text writes a line's end as a backslash and a letter, and that letter is no part of the number."""
    return text[at - 1] in "nrt" and text[at - 2 : at - 1] == "\\"


class Run:
    """``groups`` are ranges of the arena's text. ``free`` tells of each whether no kind has taken it and it is no part of a date."""

    __slots__ = ("_label", "_sizes", "_totals", "begin", "end", "free", "groups", "place", "resume", "text")

    def __init__(self, place: Place, begin: int, end: int) -> None:
        self.place, self.text, self.begin, self.end = place, place.text, begin, end
        self.groups = [found.span() for found in _GROUP.finditer(place.text, begin, end)]
        self.free = [True] * len(self.groups)
        self._sizes = [last - first for first, last in self.groups]
        self._totals = [0, *accumulate(self._sizes)]
        self._label: str | None = None
        self.resume = end
        if len(self.groups) > 2:
            self._leave_dates()
            if self._totals[-1] == DIGITS_MAX:
                # The run may go on: its second half is judged again with what follows.
                self.resume = self.groups[len(self.groups) // 2][0] - 1

    def _leave_dates(self) -> None:
        for at in range(len(self.groups) - 2):
            first, last = self.groups[at], self.groups[at + 2]
            form = _YEAR_FIRST if first[1] - first[0] == YEAR else _YEAR_LAST if last[1] - last[0] == YEAR else None
            if form is not None and self.free[at] and form.match(self.text, first[0], self.end):
                self.take(at, at + 3)

    def take(self, first: int, after: int) -> None:
        self.free[first:after] = [False] * (after - first)

    def is_free(self, first: int, after: int) -> bool:
        return False not in self.free[first:after]

    def segments(self) -> list[tuple[int, int]]:
        """Stretches of groups that are still free."""
        out, first = [], 0
        for at, free in enumerate([*self.free, False]):
            if not free:
                if at > first:
                    out.append((first, at))
                first = at + 1
        return out

    @property
    def label(self) -> str:
        """What the nearest word says. It is asked for seldom, so it is read late."""
        if self._label is None:
            self._label = label(self.place, self.begin)
        return self._label

    def count(self, first: int, after: int) -> int:
        return self._totals[after] - self._totals[first]

    def sizes(self, first: int, after: int) -> tuple[int, ...]:
        return tuple(self._sizes[first:after])

    def digits(self, first: int, after: int) -> str:
        return "".join([self.text[start:end] for start, end in self.groups[first:after]])

    def gaps(self, first: int, after: int) -> set[str]:
        """What parts the groups of a window; each way once."""
        groups, text = self.groups, self.text
        return {text[groups[at][1] : groups[at + 1][0]] for at in range(first, after - 1)}

    def head(self, first: int) -> int:
        """Where a window begins, with the plus sign or bracket before its first digit."""
        start = self.groups[first][0]
        floor = self.groups[first - 1][1] if first else self.begin
        while start > floor and self.text[start - 1] in "+(":
            start -= 1
        return start

    def is_abroad(self, first: int) -> bool:
        """A plus sign stands before it."""
        return "+" in self.text[self.head(first) : self.groups[first][0]]

    def joined_before(self, first: int) -> bool:
        """Something stands so close before a window that it may be a part of a longer thing: a name, a path, a fraction."""
        start, low, text = self.head(first), self.place.low, self.text
        if start <= low:
            return False
        mark = text[start - 1]
        if mark in "-./":
            return start - 2 < low or is_word(text[start - 2])
        return (is_word(mark) and not follows_escape(text, start)) or mark in "_$#%@&~€£¥"

    def joined_after(self, after: int) -> bool:
        """The same behind a window."""
        end, text = self.groups[after - 1][1], self.text
        tail = text[end : min(self.place.high, end + 2)]
        if not tail:
            return False
        return is_word(tail[0]) or tail[0] in "_%€" or (tail[0] in "-./:" and tail[1:].isdigit())

    def has_unit(self, after: int) -> bool:
        """It is an amount of something: "1234567 ms"."""
        return _UNIT.match(self.place.after(self.groups[after - 1][1], 8)) is not None
