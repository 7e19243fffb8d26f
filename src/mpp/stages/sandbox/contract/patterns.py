"""Portable regular expressions for an engine with Unicode classes: each class and anchor is written out as ASCII.

Spec: manifest M-100. The engine is linear in the text (M-84), but its ``\\s`` knows the spaces of all scripts and its ``\\b`` all
letters. Expressions come from a verified manifest, so they follow the grammar.
"""

from __future__ import annotations

import re

from mpp.model.limits import REGEX_SIZE_MAX
from mpp.model.value import value

_PIECE = re.compile(r"\(\?:|\\x[0-9A-Fa-f]{2}|\\.|\{[0-9,]+\}|.", re.DOTALL)
_INSIDE: dict[str, str] = {
    r"\d": "0-9",
    r"\D": r"\x00-/:-\x{10FFFF}",
    r"\w": "0-9A-Za-z_",
    r"\W": r"\x00-/:-@\x5b-\x5e\x60\x7b-\x{10FFFF}",
    r"\s": r"\x09-\x0d ",
    r"\S": r"\x00-\x08\x0e-\x1f!-\x{10FFFF}",
}
"""Inside of a class. The backslash forms are what the engine reads literally in every place of a class."""

_OUTSIDE: dict[str, str] = {**{name: f"[{members}]" for name, members in _INSIDE.items()}, r"\b": r"(?-u:\b)", r"\B": r"(?-u:\B)"}


@value
class Pattern:
    text: str
    """For the engine."""
    size: int
    """Positions once repeats are written out: the states that an automaton may be in."""


def translate(pattern: str) -> Pattern:
    """``pattern`` for the engine, with the meaning of the portable grammar."""
    out: list[str] = []
    sizes = [0]
    last = 0
    in_class = False
    for piece in _PIECE.findall(pattern):
        out.append((_INSIDE if in_class else _OUTSIDE).get(piece, piece))
        if in_class:
            in_class = piece != "]"
        elif piece == "[":
            in_class, last = True, 1
            sizes[-1] += 1
        elif piece in {"(", "(?:"}:
            sizes.append(0)
        elif piece == ")":
            last = sizes.pop()
            sizes[-1] += last
        elif piece[0] == "{":
            sizes[-1] += last * (_most(piece) - 1)
        elif piece not in "|*+?":
            last = 1
            sizes[-1] += 1
    return Pattern(text="".join(out), size=min(max(sizes[0], 1), REGEX_SIZE_MAX))


def _most(count: str) -> int:
    least, _, most = count[1:-1].partition(",")
    return max(int(most or least), 1)
