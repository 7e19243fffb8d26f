"""Words as probes for the automaton and as readers for the look.

A phrase such as ``date of birth`` is found as ``date_of_birth``, ``dateOfBirth``, ``Date-of-birth`` too; an apostrophe may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mpp.stages.privacy.later import Readers
from mpp.stages.privacy.later import on_use

LONG_WORD = 7
"""Letters from which on a word is found inside of others. Reason: shorter ones such as ``sin`` stand in the middle of many words."""

HEAD_LETTERS = 10
"""Letters from which on the first words of a phrase are its probe. Reason: enough to be rare; a long expression costs more to compile than it saves."""

_PARTS = on_use(r"[\s_.'\u2019/\-]")
_SUFFIXES = "(?:number|numero|nummer|num|value|code)"
_WAYS = {" ": ("", "[ _./-]"), "'": ("", "'", r"\xe2\x80\x99")}


def word_of(phrase: str) -> str:
    """The phrase without what parts its words: the same for all ways to write it."""
    return _PARTS.sub("", phrase).lower()


def _is_long(phrase: str) -> bool:
    """Writing systems without capitals need no edges: their words are not parts of Latin ones."""
    return len(word_of(phrase)) >= LONG_WORD or not phrase.isascii()


def probes_of(phrases: Iterable[str]) -> tuple[str, ...]:
    """Long words anywhere; short ones between characters that are no letters, and in camelCase at the end of a key or before a suffix.

    Each word is an expression of its own: an engine compiles a thousand small ones in the time of one large one.
    The probe of a short word begins one character before it.
    """
    every = sorted(phrases)
    short = [phrase for phrase in every if not _is_long(phrase)]
    out = [f"(?i){head}" for head in sorted({form for phrase in every if _is_long(phrase) for form in _forms(_head(phrase))})]
    out += [f"(?i)[^a-z]{form}[^a-z]" for phrase in short for form in _forms(phrase)]
    if short:
        out.append(f"(?i)(?:{'|'.join(map(word_of, short))}){_SUFFIXES}")
    humps = ["".join(map(str.title, phrase.split())) for phrase in short]
    out += [rf"[a-z]{form}\n\x00" for form in sorted({*humps, *map(str.upper, humps)})]
    return tuple(out)


def _head(phrase: str) -> str:
    """The first words of a phrase, which many phrases share. The look reads the rest."""
    words = phrase.split(" ")
    for count in range(1, len(words)):
        head = " ".join(words[:count])
        if len(head) >= HEAD_LETTERS:
            return head
    return phrase


def _forms(phrase: str) -> list[str]:
    """All ways to write a phrase, each with a length of its own: an engine finds those without keeping track of where they begin."""
    forms = [""]
    for letter in phrase:
        ways = _WAYS.get(letter) or (_letter(letter),)
        forms = [form + way for form in forms for way in ways]
    return forms


def _letter(letter: str) -> str:
    """A letter outside of ASCII as its UTF-8 bytes, small and capital: an engine folds the case of ASCII only."""
    if letter.isascii():
        return re.escape(letter)
    forms = {"".join(f"\\x{byte:02x}" for byte in form.encode()) for form in (letter, letter.upper())}
    return f"(?:{'|'.join(sorted(forms))})"


def readers_of(phrases: Iterable[str]) -> Readers:
    """By first letter, an expression that reads the longest phrase there."""
    groups: dict[str, list[str]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        pattern = re.escape(phrase).replace(r"\ ", r"[\s_./\-]{0,2}").replace("'", "['\u2019]?")
        groups.setdefault(phrase[0].lower(), []).append(pattern)
    return Readers({letter: "|".join(patterns) for letter, patterns in groups.items()}, re.IGNORECASE)
