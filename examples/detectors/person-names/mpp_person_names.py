"""A plug-in for the privacy filter: finds the names of a list that the operator gives, and nothing that is not on it.

The environment variable MPP_PERSON_NAMES names a UTF-8 file with one full name a line. README.md says what this does not do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mpp.stages.privacy import Detector, Hit, Place

VARIABLE = "MPP_PERSON_NAMES"
TYPE = "person_name"

FILE_BYTES_MAX = 16 * 1024 * 1024
"""Bytes of the list. Reason: half a million names; a larger file is not one."""

NAME_CHARS_MAX = 80
"""Characters of one name. Reason: bounds what is looked at around one place."""

WORDS_MAX = 6
"""Words of one name. Reason: as many prefixes of a text are compared with the list."""

_WORD = re.compile(r"\w[\w'’-]*")
_GAP = re.compile(r"\s{1,3}")
_LIKELY = 2
"""How sure a hit is: a name on the list may be an ordinary word, so it is not surer than a form."""


def detectors() -> tuple[Detector, ...]:
    """What the entry point calls, once. Raises where the list is missing: then the host runs nothing, which is better than a list that nobody misses."""
    names = read_names(Path(os.environ[VARIABLE]))
    return (Detector(name=TYPE, types=(TYPE,), probes=probes_for(names), look=lambda place: look(place, names)),)


def read_names(path: Path) -> frozenset[tuple[str, ...]]:
    """The names as lists of words in small letters. Single words are refused: "Will" and "May" would blank ordinary sentences."""
    data = path.read_bytes()
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"{path} has more than {FILE_BYTES_MAX} bytes")
    names = frozenset(words_of(line) for line in data.decode("utf-8").splitlines() if line.strip())
    wrong = [name for name in names if not 2 <= len(name) <= WORDS_MAX or len(" ".join(name)) > NAME_CHARS_MAX]
    if wrong or not names:
        raise ValueError(f"{path} needs names of 2 to {WORDS_MAX} words, one a line")
    return names


def words_of(text: str) -> tuple[str, ...]:
    return tuple(one[0].casefold() for one in _WORD.finditer(text))


def probes_for(names: frozenset[tuple[str, ...]]) -> tuple[str, ...]:
    """Where a name may begin: at its first three letters, in any case, behind something that is no letter.

    A probe is short, so that a list of thousands of names has some hundred probes; the look compares the whole name.
    """
    return tuple(sorted({_probe(name[0]) for name in names}))


def _probe(word: str) -> str:
    plain = "".join(one if one.isascii() and one.isalnum() else r"[\x80-\xff]{1,4}" for one in word[:3])
    return rf"(?i)[^0-9A-Za-z]{plain}"


def look(place: Place, names: frozenset[tuple[str, ...]]) -> Iterator[Hit]:
    """The longest name of the list that begins here."""
    first = _WORD.search(place.text, max(place.at, place.low), min(place.high, place.at + 4))
    if first is None or (first.start() > place.low and place.text[first.start() - 1].isalnum()):
        return
    words: list[str] = []
    end, at = 0, first.start()
    while len(words) < WORDS_MAX and (word := _WORD.match(place.text, at, min(place.high, at + NAME_CHARS_MAX))):
        words.append(word[0].casefold())
        if tuple(words) in names:
            end = word.end()
        gap = _GAP.match(place.text, word.end(), place.high)
        if gap is None:
            break
        at = gap.end()
    if end:
        yield Hit(TYPE, first.start(), end, _LIKELY)
