"""Letters that pass for others, and sentences in the place of names. Spec: F-71, F-76."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpp.stages.privacy.guard.hits import CONFUSABLE, NAME, Finding
from mpp.stages.privacy.guard.limits import NAME_CHARS_MAX, NAME_SENTENCE_WORDS, NAME_SMALL_WORDS_MAX, NAME_WORDS_MAX
from mpp.stages.privacy.views.tables import ALIKE

# Of the letters that the filter reads as Latin ones those that nobody uses in a formula or as the only sign of another alphabet.
_TAKEN = "аеорсухіјѕԁһԛԝӏкмтАВЕКМНОРСТУХІЈЅԌԜονρικυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսհցքɡɑ"
LOOKALIKES: dict[str, str] = {**{one: ALIKE[one] for one in _TAKEN}, "в": "b", "н": "h"}
_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)}
_FOLD = str.maketrans({**LOOKALIKES, "’": "'", "‘": "'", "ʼ": "'"}) | _WIDE

_WORD = re.compile(r"[^\W\d_]{2,}")
_LATIN = re.compile(r"[A-Za-z]")
# Letters dressed up: mathematical alphabets, letters in circles, squares and brackets, small capitals, raised letters, Braille, a mark on each letter.
_SMALL_OR_RAISED = "\u0262\u026a\u0274\u0280\u028f\u0299\u029c\u029f\u02b0-\u02b8\u02e1-\u02e3\u1d00-\u1d6a\u1d9c-\u1dbf\u2071\u207f\ua730\ua731"
_DRESSED = re.compile(
    r"[\U0001d400-\U0001d7ff]{3,}|(?:[\u249c-\u24e9\U0001f110-\U0001f18f]\s?){4,}|(?:[\U0001f1e6-\U0001f1ff]\s?){7,}"
    rf"|(?:[{_SMALL_OR_RAISED}]\s?){{6,}}|(?:[\u2801-\u28ff]\s?){{6,}}|(?:[A-Za-z][\u0300-\u036f]\s?){{6,}}"
)
_DRESSED_NAME = re.compile(r"[\U0001d400-\U0001d7ff\u249c-\u24e9\uff21-\uff3a\uff41-\uff5a]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
MIXED_LETTERS_LEAST = 4
"""Letters of a word in prose from which a mixture of scripts counts. Reason: ``Δx`` and ``kΩ`` are written in formulas."""

_SMALL = frozenset((
    "a", "all", "and", "any", "as", "before", "every", "from", "if", "into", "is", "not", "of", "should", "that", "the", "then", "there", "to", "with", "without",
))  # fmt: skip
"""Words that join others to a sentence. In names they are rare, and never many."""
_SPOKEN = frozenset(("here", "it", "me", "must", "please", "this", "user", "you", "your"))
"""Words that speak to somebody. They count twice."""


def folded(text: str) -> str:
    """The text with look-alikes in place of the letters that they pass for; as long as the text."""
    return text if text.isascii() else text.translate(_FOLD)


def confusable_findings(text: str, *, is_name: bool) -> Iterator[Finding]:
    """The first word whose letters pass for others. Spec: F-71."""
    if text.isascii():
        return
    dressed = (_DRESSED_NAME if is_name else _DRESSED).search(text)
    if dressed is not None:
        yield Finding(CONFUSABLE, dressed.start(), len(dressed[0]), "letters of an alphabet for formulas or ornaments, which pass for ordinary ones")
        return
    for word in _WORD.finditer(text):
        if _passes_for_another(word[0], is_name=is_name):
            yield Finding(CONFUSABLE, word.start(), len(word[0]), f"letters that look like others: it reads as {word[0].translate(_FOLD)!a}")
            return


def _passes_for_another(word: str, *, is_name: bool) -> bool:
    alike = [one for one in word if one in LOOKALIKES]
    # Attack: ``сору`` in Cyrillic letters alone, beside the parameter ``copy``.
    if is_name and len(alike) == len(word):
        return True
    return bool(alike) and _LATIN.search(word) is not None and (is_name or len(word) >= MIXED_LETTERS_LEAST)


def words_of(name: str) -> list[str]:
    """The words that a name is put together of: ``readFileOf_it`` has four."""
    return [part.lower() for part in _PART.findall(name)]


def name_findings(name: str) -> Iterator[Finding]:
    """Attack: an order to the model as the name of a parameter, which no reviewer reads as one. Spec: F-76."""
    words = words_of(name)
    small = sum(2 if word in _SPOKEN else word in _SMALL for word in words)
    if len(name) > NAME_CHARS_MAX or len(words) > NAME_WORDS_MAX:
        yield Finding(NAME, 0, len(name), f"a name of {len(words)} words and {len(name)} characters")
    elif len(words) >= NAME_SENTENCE_WORDS and small > NAME_SMALL_WORDS_MAX:
        yield Finding(NAME, 0, len(name), "a sentence in place of a name")
