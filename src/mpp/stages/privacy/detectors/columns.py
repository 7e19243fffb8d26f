"""The cells below a heading, where a text is a table with separators: CSV, TSV, Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from mpp.stages.privacy.later import on_use

HEADING_CHARS_MAX = 1024
"""Characters of a first line that are read as headings. Reason: some hundred columns."""

COLUMNS_MAX = 100
"""Columns in which a word is looked for. Reason: more do not fit in a first line of that length."""

CELLS_MAX = 200_000
"""Cells of one message that are read below headings. Reason: half a second; a message of more is withheld."""

CELL_CHARS_MAX = 256
"""Characters of a cell. Reason: an address fits; a row with a longer cell is passed over."""


@lru_cache(4 * (COLUMNS_MAX + 1))
def _form(mark: str, column: int) -> re.Pattern[str]:
    """A row up to the cell of a column. What has been read as one cell is not read again as another, so a row is read once."""
    one = re.escape(mark)
    before = rf'(?>[ ]{{0,8}}(?:"[^"\n]{{0,{CELL_CHARS_MAX}}}"|[^{one}\n]{{0,{CELL_CHARS_MAX}}})[ ]{{0,8}}{one})'
    quoted, plain = rf'"(?P<quoted>[^"\n]{{0,{CELL_CHARS_MAX}}})"', rf"(?P<plain>[^{one}\n]{{0,{CELL_CHARS_MAX}}})"
    return on_use(rf"{before}{{{column}}}[ ]{{0,8}}(?:{quoted}|{plain})[ ]{{0,8}}(?:{one}|\Z)")


def cells(text: str, low: int, high: int, at: int) -> Iterator[tuple[int, int]]:
    """Where the cells below the heading at ``at`` stand, one for each row; an empty one for a row that has none.

    A heading begins its cell in the first line; nothing is given where there is no heading.
    """
    end = text.find("\n", low, min(high, low + HEADING_CHARS_MAX))
    if at > end:
        return
    mark = next((one for one in "\t|;," if one in text[low:end]), "")
    if not mark:
        return
    before = text[low:at].rstrip(" \"'")
    column = before.count(mark)
    if column > COLUMNS_MAX or (before and not before.endswith(mark)):
        return
    line, form = end + 1, _form(mark, column)
    while line < high:
        after = text.find("\n", line, high)
        after = high if after < 0 else after
        yield _cell(form, text, line, after) or (line, line)
        line = after + 1


def _cell(form: re.Pattern[str], text: str, at: int, end: int) -> tuple[int, int] | None:
    found = form.match(text, at, end)
    return None if found is None else found.span("plain" if found["quoted"] is None else "quoted")
