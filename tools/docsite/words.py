"""The search of the site: an index made when the site is made, which a page loads when somebody begins to search. It needs no server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from tools.docsite.text import LEVEL_OF_ENTRIES, WORDS_SHOWN, Heading

_TOKEN = re.compile(r"[^\W_]+(?:[._-][^\W_]+)*", re.UNICODE)
TOKEN_CHARS_MAX = 40
"""Characters. Reason: hashes and encoded bytes are longer, and nobody searches for them here."""


def tokens(text: str) -> set[str]:
    """The words of a text, whole and in their parts: ``archive.order`` is found as that, as "archive" and as "order"."""
    found: set[str] = set()
    for word in _TOKEN.findall(text.lower()):
        found |= {word, *re.split(r"[._-]", word)}
    return {word for word in found if 2 <= len(word) <= TOKEN_CHARS_MAX}


def index(pages: Iterable[tuple[str, str, str, tuple[Heading, ...]]]) -> str:
    """A script that sets the index. Each page: address, title, section, headings."""
    entries: list[list[str]] = []
    places: dict[str, list[int]] = {}
    for address, title, section, headings in pages:
        for heading in _joined(headings):
            number = len(entries)
            anchor = "" if heading.level == 1 else f"#{heading.anchor}"
            entries.append([address + anchor, title, "" if heading.level == 1 else heading.title, section, _cut(heading.words)])
            for word in sorted(tokens(f"{title} {heading.title} {heading.words}")):
                places.setdefault(word, []).append(number)
    words = sorted(places)
    document = {"entries": entries, "words": words, "places": [places[word] for word in words]}
    return f"window.mppIndex = {json.dumps(document, ensure_ascii=False, separators=(',', ':'))};\n"


def _joined(headings: tuple[Heading, ...]) -> list[Heading]:
    """Headings below the level of entries belong to the one above."""
    found: list[Heading] = []
    for heading in headings:
        if heading.level <= LEVEL_OF_ENTRIES or not found:
            found.append(heading)
        else:
            found[-1] = found[-1]._replace(words=f"{found[-1].words} {heading.title} {heading.words}")
    return found


def _cut(words: str) -> str:
    return words if len(words) <= WORDS_SHOWN else words[:WORDS_SHOWN].rsplit(" ", 1)[0] + " …"
