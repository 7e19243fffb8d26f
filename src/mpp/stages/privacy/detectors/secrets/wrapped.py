"""A token that is broken over the ends of lines, as a terminal, a mail or a program's text breaks it: put together again, with the way back.

Spec: 6-privacy F-15.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from mpp.stages.privacy.later import on_use

PIECES_MAX = 64
"""Lines over which a token may lie. Reason: one of four thousand characters in lines of 64."""

LINE_CHARS_MAX = 1_024
"""Characters before a token in which its line begins. Reason: lines that are broken to fit a width have two hundred at most."""

HEAD_CHARS_MIN = 8
"""Characters of a token before its first break. Reason: fewer are hardly a mark of anybody."""

_LETTERS = on_use(r"[\w.~+/=%-]{0,1024}?(?==?[ \t]{0,4}\\?\r?\n|[^\w.~+/=%-]|\Z)")
_BREAK = on_use(r"""(?:=|[ \t]{0,4}\\|["'][ \t]{0,4}[+.,\\]?[ \t]{0,4})?\r?\n[ \t>#|*]{0,40}(?:[+.][ \t]{0,4})?["']?(?=[\w+/-])""")
CONTINUED = on_use(r"(?:\\|=)\r?\n(?=[\w.~+/=%])")
"""A line that says of itself that it goes on."""


class Unbroken(NamedTuple):
    """``text`` is what the pieces spell; the piece that begins at ``cuts[n]`` of it stands at ``raws[n]`` of the message."""

    text: str
    cuts: list[int]
    raws: list[int]

    def end(self, at: int) -> int:
        """Where in the message the characters before ``at`` end."""
        piece = bisect_right(self.cuts, at - 1) - 1
        return self.raws[piece] + at - self.cuts[piece]

    def is_broken(self, start: int, end: int) -> bool:
        """Does [start, end) take more than one piece?"""
        return len(self.cuts) > 1 and start < self.cuts[1] < end


def unbroken(text: str, at: int, high: int) -> Unbroken | None:
    """The token that begins at ``at``; None where no line ends in it."""
    pieces: list[str] = []
    cuts: list[int] = []
    raws: list[int] = []
    length, before, is_told = 0, 0, False
    for _ in range(PIECES_MAX):
        piece = _LETTERS.match(text, at, high)
        if piece is None:
            break
        pieces.append(piece[0])
        cuts.append(length)
        raws.append(at)
        length += len(piece[0])
        width = piece.end() - text.rfind("\n", max(0, at - LINE_CHARS_MAX), piece.end())
        gap = _BREAK.match(text, piece.end(), high)
        # A line that is not as wide as the one before is the last of what was broken to fit a width.
        if gap is None or (before and width != before and not is_told):
            break
        before, is_told, at = width, "\\" in gap[0] or "=" in gap[0], gap.end()
    return Unbroken("".join(pieces), cuts, raws) if len(pieces) > 1 and len(pieces[0]) >= HEAD_CHARS_MIN else None
