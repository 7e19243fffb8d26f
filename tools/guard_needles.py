"""``python -m tools.guard_needles``: writes what a text must hold for each wording of the description guard to be looked for at all.

Almost every description of a tool has none of these words, and to compile the expressions takes longer than to judge a package. The table follows from the
expressions alone; a test makes it once more and compares.
"""

from __future__ import annotations

import re._constants as kinds  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mpp.stages.privacy.guard.words import PATTERNS, spaced

FILE = Path(__file__).resolve().parent.parent / "src/mpp/stages/privacy/guard/needles.py"
SETS_MAX = 3
"""Sets of words for one wording. Reason: three together are rare enough; more are only looked through."""

WORDS_MAX = 40
LETTERS_LEAST = 2
"""Letters of a word that counts. Reason: a single letter stands in every text."""

_AS_ASCII = str.maketrans({"\u0131": "i", "\u017f": "s", "\u0130": "i", "\u212a": "k"})
"""Letters beyond ASCII that match one of ASCII where case does not count."""

_PARTS = frozenset(" |\t\n\r\x0b\x0c")
"""Characters that part the words of the table."""

Words = frozenset[str]


def needles(pattern: str) -> tuple[Words, ...]:
    """Sets of which each has a word in every match of the pattern, in small letters."""
    found = sorted(_of_items(parser.parse(spaced(pattern))), key=lambda one: (-min(map(len, one)), len(one), sorted(one)))
    return tuple(found[:SETS_MAX])


def _of_items(items: Iterable[tuple[Any, Any]]) -> list[Words]:
    """A sequence holds what each of its items holds."""
    sets: list[Words] = []
    run = ""
    for kind, given in (*items, (None, None)):
        if kind is kinds.LITERAL and chr(given) not in _PARTS:
            run += chr(given)
            continue
        sets += _usable(frozenset((run.lower().translate(_AS_ASCII),)))
        run = ""
        if kind is not None:
            sets += _of_item(kind, given)
    return sets


def _of_item(kind: Any, given: Any) -> list[Words]:
    if kind is kinds.SUBPATTERN:
        return _of_items(given[3])
    if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT}:
        return _of_items(given[2]) if given[0] > 0 else []
    if kind is kinds.ATOMIC_GROUP:
        return _of_items(given)
    return _of_branch([_of_items(one) for one in given[1]]) if kind is kinds.BRANCH else []


def _of_branch(branches: list[list[Words]]) -> list[Words]:
    """One of the branches matches: the best set of each, together."""
    if not all(branches):
        return []
    best = [max(sets, key=lambda one: (min(map(len, one)), -len(one), sorted(one))) for sets in branches]
    return _usable(frozenset().union(*best))


def _usable(words: Words) -> list[Words]:
    shorter = frozenset(one for one in words if not any(other != one and other in one for other in words))
    return [shorter] if shorter and len(shorter) <= WORDS_MAX and min(map(len, shorter)) >= LETTERS_LEAST else []


def written() -> str:
    """The text of the module."""
    lines = [
        '"""Made by tools/guard_needles.py; do not edit. Of each wording: words of which it has one, in sets that it has one of each."""',
        "",
        "NEEDLES = {",
    ]
    for label, patterns in PATTERNS.items():
        lines.append(f'    "{label}": (')
        lines += [f'        "{" ".join("|".join(sorted(one)) for one in needles(pattern))}",' for pattern in patterns]
        lines.append("    ),")
    return "\n".join((*lines, "}  # fmt: skip", ""))


def main() -> int:
    FILE.write_text(written().replace("\\", "\\\\"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
