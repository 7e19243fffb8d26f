"""Words of texts, one rule for both databases: their own would split and fold each in its way."""

from __future__ import annotations

import re
import unicodedata

from mpp_registry.catalog.limits import PREFIX_CHARS_MIN, QUERY_CHARS_MAX, QUERY_WORDS_MAX, WORD_CHARS_MAX, WORDS_CHARS_MAX

_ASCII_WORD = re.compile("[a-z0-9]+")
_NO_ASCII_WORD = re.compile("[^a-z0-9]+")


def words_of(text: str) -> list[str]:
    """Letters and digits in a row, without case and accents, in their order."""
    if text.isascii():
        # The same, ten times as fast.
        return [word[:WORD_CHARS_MAX] for word in _ASCII_WORD.findall(text[:WORDS_CHARS_MAX].lower())]
    folded = unicodedata.normalize("NFKD", text[:WORDS_CHARS_MAX]).casefold()
    # Accents stand behind their letter now and are dropped; what is no letter or digit ends a word.
    kept = "".join(char if char.isalnum() else "" if unicodedata.combining(char) else " " for char in folded)
    return [word[:WORD_CHARS_MAX] for word in kept.split()]


def words_text(*texts: str) -> str:
    """Each word of the texts once, one space between: what is kept in the index."""
    return " ".join(dict.fromkeys(word for text in texts for word in words_of(text)))


def query_words(text: str) -> tuple[str, ...]:
    """The words that a search asks for."""
    return tuple(dict.fromkeys(words_of(text[:QUERY_CHARS_MAX])))[:QUERY_WORDS_MAX]


def is_prefix(word: str) -> bool:
    """Does it find longer words that begin with it?"""
    return len(word) >= PREFIX_CHARS_MIN


def sqlite_query(words: tuple[str, ...]) -> str:
    """Attack: words of the query language of FTS5. Ours hold letters and digits alone, and stand between quotation marks."""
    return " AND ".join(f'"{word}"{" *" if is_prefix(word) else ""}' for word in words)


def postgres_query(words: tuple[str, ...]) -> str:
    """As above, for PostgreSQL."""
    return " & ".join(f"'{word}'{':*' if is_prefix(word) else ''}" for word in words)


def folded(text: str) -> str:
    """The words of a text, each between two spaces: what ``matches`` looks in."""
    if text.isascii():
        return f" {_NO_ASCII_WORD.sub(' ', text[:WORDS_CHARS_MAX].lower())} "
    return f" {' '.join(words_of(text))} "


def matches(word: str, text: str) -> bool:
    """Does a word of a search find one in a folded text, by the rule of the index?"""
    return f" {word}" in text if is_prefix(word) else f" {word} " in text
