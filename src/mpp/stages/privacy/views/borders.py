"""Where one text ends and the next begins in the midst of a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
import re
from mpp.stages.privacy.later import on_use

ITEM, GAP = "\x01", "\x02"
"""Between two items, and between two rows of items. All rows are searched at once, because most have no such border."""

_ISSUED = "sk[-_]|[rp]k_|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA|AIza|eyJ|hf_|npm_|ya29|SG\\.|shp[a-z]{2}_|dop_v1_|whsec_"
# Each finds the end of the item before a border, or a stretch that holds borders.
_CUTS = on_use(
    r"\x01(?=[ 0-9A-Z@-])(?:(?<=[0-9]\x01)[ -]?[0-9]|(?<=[0-9][ -]\x01)[0-9]|(?<=[A-Z]{2}[0-9]{2}\x01)[A-Z]{4}\b|(?<=[A-Z]{4}\x01)[0-9]{4}\b|(?<=[\w+-]\x01)@[\w\x01-])"
)
_SINGLE = on_use(r"\x01[^\x01\x02]{1,2}(?=\x01[^\x01\x02]{1,2}[\x01\x02])")
_ADDRESS = on_use(r"@[\w-]{0,60}(?:\x01[\w-]{1,60}){0,8}(?:\x01?\.\x01?[\w-]{1,60}){1,3}")
# One expression for each mark: what begins with one character is found five times as fast as what begins with one of two.
# A further piece has letters and digits: names of things are rarely cut in three.
_FURTHER = r"\x01(?=[A-Za-z_-]{0,200}[0-9])(?=[0-9_-]{0,200}[A-Za-z])[\w-]{2,200}(?=\x01)"
_TOKENS = tuple(on_use(rf"{mark}(?:{_ISSUED})[\w.-]{{0,200}}(?:{_FURTHER}){{0,8}}\x01(?=[\w-])") for mark in (ITEM, GAP))
_KEY = on_use(r"-----BEGIN [A-Z ]{0,30}KEY(?: BLOCK)?-----\x01[A-Za-z0-9+/=\x01 :,.-]{1,16384}")
_SPACE = on_use(r"[0-9]([ -])[0-9]{1,6}\Z|[0-9]([ -])\Z")


def borders(rows: list[str]) -> dict[int, dict[int, str]]:
    """For each row that has any: the numbers of the items before a border that may be a cut, each with what is put between."""
    text = GAP.join(("", *rows, ""))
    found = dict(_found(text))
    if not found:
        return {}
    starts, at = [], 1
    for row in rows:
        starts.append(at)
        at += len(row) + 1
    out: dict[int, dict[int, str]] = {}
    row_number, counted, items = -1, 0, 0
    for place in sorted(found):
        number = bisect_right(starts, place) - 1
        if number != row_number:
            row_number, counted, items = number, starts[number], 0
        items += text.count(ITEM, counted, place)
        counted = place
        out.setdefault(number, {})[items] = found[place]
    return out


def _found(text: str) -> Iterator[tuple[int, str]]:
    """Positions of borders, each with what is put between."""
    for one in _CUTS.finditer(text):
        grouped = _SPACE.search(text, max(0, one.start() - 12), one.start())
        yield one.start(), (grouped[1] or "") if grouped else ""
    for one in _SINGLE.finditer(text):
        yield from ((place, "") for place in (one.start(), one.end()))
    if "@" in text:
        yield from _within(_ADDRESS, text, "")
    for expression in _TOKENS:
        yield from _within(expression, text, "")
    yield from _within(_KEY, text, "\n")


def _within(expression: re.Pattern[str], text: str, between: str) -> Iterator[tuple[int, str]]:
    for one in expression.finditer(text):
        place = text.find(ITEM, one.start() + (text[one.start()] in {ITEM, GAP}), one.end())
        while place >= 0:
            yield place, between
            place = text.find(ITEM, place + 1, one.end())
