"""Columns of a table in text whose heading announces a secret: comma, semicolon, tab or bar between the cells."""

from __future__ import annotations

from collections.abc import Iterator

from mpp.stages.privacy.detector import LIKELY, Hit, Place
from mpp.stages.privacy.detectors.secrets.names import Kind
from mpp.stages.privacy.detectors.secrets.values import is_secret

HEADING_CHARS_MAX = 400
"""Characters of a line of headings. Reason: a table with more columns than fit is no table that a person wrote."""

ROWS_MAX = 200
"""Rows that are read for one heading. Reason: bounds the work for one place."""

TABLE_CHARS_MAX = 32_768
"""Characters that are read for one heading. Reason: as above, where rows are long."""

_MARKS = ",;\t|"


def cells(place: Place, kind: Kind, start: int, end: int) -> Iterator[Hit]:
    """The cells below the heading from ``start`` to ``end``; it must stand in the first line of its leaf."""
    text = place.text
    mark = _mark(place, start, end) if start - place.low <= HEADING_CHARS_MAX else ""
    line = text.find("\n", end, min(place.high, place.low + HEADING_CHARS_MAX))
    # Attack: a text of headings only, each of which would read it all; only those of the first line do.
    if not mark or line < 0 or start > line or text.find("\n", place.low, start) >= 0:
        return
    column, count = text.count(mark, place.low, start), text.count(mark, place.low, line)
    stop = min(place.high, line + TABLE_CHARS_MAX)
    for _ in range(ROWS_MAX):
        begin = line + 1
        if begin >= stop:
            return
        line = text.find("\n", begin, stop)
        line = stop if line < 0 else line
        row = text[begin:line].split(mark)
        if len(row) == count + 1:
            yield from _cell(row, column, begin, kind, text[start:end])


def _mark(place: Place, start: int, end: int) -> str:
    """What parts the columns: it stands beside the heading."""
    text = place.text
    after, before = text[end : min(end + 2, place.high)].strip(' "\r')[:1], text[max(place.low, start - 2) : start].strip(' "')[-1:]
    return next((mark for mark in (after, before) if mark and mark in _MARKS), "")


def _cell(row: list[str], column: int, begin: int, kind: Kind, name: str) -> Iterator[Hit]:
    cell = row[column]
    bare = cell.strip(' "\r')
    if bare and is_secret(bare, kind.level, quoted=True, name=name):
        start = begin + sum(map(len, row[:column])) + column + cell.index(bare)
        yield Hit(kind.type, start, start + len(bare), LIKELY)
