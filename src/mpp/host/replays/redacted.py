"""Does a text differ from another only by placeholders of the privacy filter? The forms are those of 6-privacy, section on actions."""

from __future__ import annotations

import re
from collections.abc import Callable

from mpp.model.jsontext import Json
from mpp.stages.privacy import GROUPS, PLACEHOLDER, known_types

WITHHELD = "withheld"
_NAMED = re.compile(r"\[([A-Z][A-Z0-9_]*)")
_BARE = re.compile(r"\[[A-Z][A-Z0-9_]*\]")

Known = Callable[[str], bool]


def known_or(more: tuple[str, ...]) -> Known:
    """Is a bare ``[TYPE]`` ours? The built-in types, and those that the caller names because a package or a policy brings them."""
    names = known_types() | frozenset(GROUPS) | frozenset(name.lower() for name in more) | {WITHHELD}
    return names.__contains__


def is_redaction(old: Json, new: Json, known: Known) -> bool:
    """Does the new side show placeholders where the old one had values, and else the same?"""
    if not isinstance(new, str):
        return False
    if not isinstance(old, str):
        # A number that was one of a card, say: all of it is replaced.
        return isinstance(old, int | float) and not isinstance(old, bool) and _pieces(new, known) == ["", ""]
    pieces = _pieces(new, known)
    return len(pieces) > 1 and _fits(old, pieces)


def _pieces(text: str, known: Known) -> list[str]:
    """The text between placeholders; one piece where there is none."""
    pieces, end = [], 0
    for found in PLACEHOLDER.finditer(text):
        name = _NAMED.match(found[0])
        # Attack: an answer that says [OK] where the old one said [FAILED]. A bare word counts only if it is a type of the filter.
        if _BARE.fullmatch(found[0]) and name is not None and not known(name[1].lower()):
            continue
        pieces.append(text[end : found.start()])
        end = found.end()
    return [*pieces, text[end:]]


def _fits(old: str, pieces: list[str]) -> bool:
    """Does ``old`` hold the pieces in their order, with something between any two? From left to right, each at its first place: no search ever turns back."""
    first, *middle, last = pieces
    if not old.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = old.find(piece, at + 1)
        if found < 0:
            return False
        at = found + len(piece)
    return len(old) - len(last) > at and old.endswith(last)
