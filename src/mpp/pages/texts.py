"""Texts of strangers, so that a person sees what stands in them; and times and sizes as people read them."""

from __future__ import annotations

import re
from functools import lru_cache
from datetime import UTC, datetime
from urllib.parse import quote

from markupsafe import Markup

from mpp.crypto.ed25519 import fingerprint
from mpp.model.hiddentext import HIDDEN_RANGES, MARK_RANGES, MARKS_MAX

TEXT_CHARS_MAX = 70_000
"""Characters of one text on a page. Reason: the details of a question have up to 65,536 bytes; a defect elsewhere must not make a page of megabytes."""

TIME_MAX = 253_402_300_799
"""Seconds since 1970 that have a date. Reason: the end of the year 9999."""

SECONDS_OF_A_DAY = 86_400

DAYS_KEPT = 4096
"""Days whose words are remembered. Reason: a page of a package names a hundred, most of them those of the page before."""

_SYMBOL = "#*0-9\xa9\xae\u2000-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_UNITS = ((SECONDS_OF_A_DAY, "day"), (3600, "hour"), (60, "minute"))


def _class(ranges: tuple[tuple[int, int], ...]) -> str:
    return "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + "]"


_HIDDEN = re.compile(rf"{_class(HIDDEN_RANGES)}|(?<![{_SYMBOL}])[\ufe0e\ufe0f]|[\ud800-\udfff]")
_PILE = re.compile(rf"({_class(MARK_RANGES)}{{{MARKS_MAX}}}){_class(MARK_RANGES)}+")


def seen(text: str) -> str:
    """``text`` with each character that is not seen as itself written out: a direction mark becomes ⟨U+202E⟩.

    Attack: a name that turns the rest of its line around; words to a model in characters that no person sees.
    """
    cut = text if len(text) <= TEXT_CHARS_MAX else text[:TEXT_CHARS_MAX] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    flat = _PILE.sub(r"\1⟨more marks⟩", cut.replace("\r\n", "\n"))
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", flat)


def finalized(item: object) -> object:
    """What each expression of a template passes before it is escaped, so that no template can forget it."""
    return seen(item) if isinstance(item, str) and not isinstance(item, Markup) else item


def clip(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def day(seconds: int) -> str:
    """``3 January 2026``."""
    return _day(min(max(seconds, 0), TIME_MAX) // SECONDS_OF_A_DAY)


@lru_cache(DAYS_KEPT)
def _day(number: int) -> str:
    moment = _moment(number * SECONDS_OF_A_DAY)
    return f"{moment.day} {moment:%B} {moment.year}"


def when(seconds: int) -> str:
    """``2026-01-03 14:05:09 UTC``."""
    return f"{_moment(seconds):%Y-%m-%d %H:%M:%S} UTC"


def machine_time(seconds: int) -> str:
    return f"{_moment(seconds):%Y-%m-%dT%H:%M:%SZ}"


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0), TIME_MAX), UTC)


def span(seconds: int) -> str:
    """A length of time in its largest unit: ``3 minutes``."""
    for unit, name in _UNITS:
        if seconds >= unit:
            return many(seconds // unit, name)
    return many(max(seconds, 0), "second")


def count(number: int) -> str:
    return f"{number:,}"


def many(number: int, one: str, more: str = "") -> str:
    """``1 call``, ``1,234 calls``."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def size(number: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} bytes"


def short_print(digest: str) -> str:
    """The first groups of a fingerprint; for the eye only."""
    return fingerprint(digest[:16]) + " …"


def part(text: str) -> str:
    """One part of an address of ours. Attack: a name with a slash, a quotation mark or a question mark in it."""
    return quote(text, safe="")
