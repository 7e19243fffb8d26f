"""The cells below a heading, where a text is a table with separators (CSV, TSV, Markdown, what a database prints) or holds one as lists of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from mpp.stages.privacy.later import on_use

HEADING_CHARS_MAX = 1024
"""Characters of a line that is read as headings. Reason: some hundred columns."""

COLUMNS_MAX = 100
"""Columns in which a word is looked for. Reason: more do not fit in a line of that length."""

CELLS_MAX = 200_000
"""Cells of one message that are read below headings. Reason: half a second; a message of more is withheld."""

CELL_CHARS_MAX = 256
"""Characters of a cell. Reason: an address fits; a row with a longer cell is passed over."""

GAP_CHARS = 240
"""Characters between a list of headings and the first row. Reason: ``"rows": [`` and a few fields beside it fit."""

_CELLS_LEAST = 2
_BORDER = on_use(r"[\s+\-=|:]*")
# Headings with commas or semicolons in the midst of a text: no indented line, no quotes, no mark at the end. All of that is a program.
_LABELS = on_use(r"(?![ \t])[\w .\-/#%]{1,40}(?:[;,][\w .\-/#%]{1,40}){1,100}\r?")
# In the first line of a text more is allowed, but no cell is a sentence.
_FIRST_LABELS = on_use(r"(?:\"[^\"\n]{0,80}\"|[^;,\"\n]{0,64})(?:[ ]?[;,][ ]?(?:\"[^\"\n]{0,80}\"|[^;,\"\n]{0,64})){0,100}(?<![.!?])\r?")
_STRINGS_BEFORE = on_use(r'\[\s{0,40}(?:"[^"\\\n]{0,256}"\s{0,4},\s{0,40})*"')
_STRINGS_AFTER = on_use(r'"(?:\s{0,4},\s{0,40}"[^"\\\n]{0,256}")*\s{0,40}\]')
_GAP = on_use(rf"[^\[\]]{{0,{GAP_CHARS}}}(?:\[\s{{0,40}}(?=\[))?")
_COMMA = on_use(r"\s{0,4},\s{0,40}")
_SCALAR = r'(?:"(?>(?:[^"\\]|\\.){0,1024})"|[\w.+-]{1,64}+)'


@lru_cache(4 * (COLUMNS_MAX + 1))
def _form(mark: str, column: int) -> re.Pattern[str]:
    """A row up to the cell of a column. What has been read as one cell is not read again as another, so a row is read once."""
    one = re.escape(mark)
    before = rf'(?>[ ]{{0,8}}(?:"[^"\n]{{0,{CELL_CHARS_MAX}}}"|[^{one}\n]{{0,{CELL_CHARS_MAX}}})[ ]{{0,8}}{one})'
    quoted, plain = rf'"(?P<quoted>[^"\n]{{0,{CELL_CHARS_MAX}}})"', rf"(?P<plain>[^{one}\n]{{0,{CELL_CHARS_MAX}}})"
    return on_use(rf"{before}{{{column}}}[ ]{{0,8}}(?:{quoted}|{plain})[ ]{{0,8}}(?:{one}|\Z)")


@lru_cache(COLUMNS_MAX)
def _list_form(column: int, width: int) -> re.Pattern[str]:
    """A list of so many values, with the one of a column."""
    before, after = rf"(?:{_SCALAR}\s{{0,4}},\s{{0,40}}){{{column}}}", rf"(?:\s{{0,4}},\s{{0,40}}{_SCALAR}){{{width - column - 1}}}"
    return on_use(rf"\[\s{{0,40}}{before}(?P<cell>{_SCALAR}){after}\s{{0,40}}\]")


def cells(text: str, low: int, high: int, at: int) -> Iterator[tuple[int, int]]:
    """Where the cells below the heading at ``at`` stand, one for each row; an empty one for a row that has none.

    A heading begins its cell in the first line of a table; nothing is given where there is no heading.
    """
    first = text.rfind("\n", max(low, at - HEADING_CHARS_MAX), at) + 1 or low
    end = text.find("\n", at, min(high, first + HEADING_CHARS_MAX))
    if at > end or at - first > HEADING_CHARS_MAX:
        return
    mark = next((one for one in "\t|;," if one in text[first:end]), "")
    if not mark or not (_begins(text, low, first, end, mark) if first > low else mark in "\t|" or _FIRST_LABELS.fullmatch(text, first, end)):
        return
    before = text[first:at].rstrip(" \"'")
    column = before.count(mark)
    if column > COLUMNS_MAX or (before and not before.endswith(mark)):
        return
    line, form = end + 1, _form(mark, column)
    while line < high:
        after = text.find("\n", line, high)
        after = high if after < 0 else after
        # A table in the midst of a text ends where its lines end.
        if first > low and text.find(mark, line, after) < 0 and not _is_border(text, line, after):
            return
        yield _cell(form, text, line, after) or (line, line)
        line = after + 1


def _begins(text: str, low: int, first: int, end: int, mark: str) -> bool:
    """Does a table begin with this line in the midst of a text? Attack: a text in which each line is a heading of all that follow."""
    count, last = text.count(mark, first, end), text.rfind("\n", max(low, first - 1 - HEADING_CHARS_MAX), first - 1) + 1 or low
    if text.count(mark, last, first - 1) == count and not _is_border(text, last, first - 1):
        return False
    # One word and a comma is an item of a list in a program.
    if sum(bool(cell.strip(' "\r')) for cell in text[first:end].split(mark)) < _CELLS_LEAST:
        return False
    line = end + 1
    after = text.find("\n", line, line + HEADING_CHARS_MAX)
    if after > 0 and _is_border(text, line, after):
        line, after = after + 1, text.find("\n", after + 1, after + 1 + HEADING_CHARS_MAX)
    return text.count(mark, line, len(text) if after < 0 else after) == count and (mark in "\t|" or _LABELS.fullmatch(text, first, end) is not None)


def _is_border(text: str, line: int, after: int) -> bool:
    return after > line and text[line] in " +-=|:" and _BORDER.fullmatch(text, line, min(after, line + HEADING_CHARS_MAX)) is not None


def _cell(form: re.Pattern[str], text: str, at: int, end: int) -> tuple[int, int] | None:
    found = form.match(text, at, end)
    return None if found is None else found.span("plain" if found["quoted"] is None else "quoted")


def list_cells(text: str, low: int, high: int, heading: tuple[int, int]) -> Iterator[tuple[int, int, bool]]:
    """The same below a heading in a list of JSON: ``"columns": ["name", "password"], "rows": [["ada", "..."]]``. With each, whether the rows have a list of their own."""
    start, end = heading
    first = text.rfind("[", max(low, start - HEADING_CHARS_MAX), start)
    before = _STRINGS_BEFORE.fullmatch(text, first, start) if first >= 0 else None
    after = _STRINGS_AFTER.match(text, end, min(high, end + HEADING_CHARS_MAX)) if before else None
    if before is None or after is None:
        return
    column, width = before[0].count('"') // 2, (before[0].count('"') + after[0].count('"')) // 2
    gap = _GAP.match(text, after.end(), high)
    if not 1 < width <= COLUMNS_MAX or gap is None:
        return
    form, at = _list_form(column, width), gap.end()
    while (row := form.match(text, at, high)) is not None:
        cell_start, cell_end = row.span("cell")
        is_quoted = text[cell_start] == '"'
        yield cell_start + is_quoted, cell_end - is_quoted, "[" in gap[0]
        comma = _COMMA.match(text, row.end(), high)
        if comma is None:
            return
        at = comma.end()
