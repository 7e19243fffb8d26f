"""The cells below a heading, where a message has a table as lists: ``{"columns": ["name", "password"], "rows": [["ada", "..."]]}``, or the headings as the first row.

Spec: 6-privacy F-15.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, Holder, Spots

COLUMNS_MAX = 1_000
"""Columns of a table. Reason: no database gives more; each heading is looked for among them."""

ABOVE_MAX = 2
"""Objects above the headings in which the rows are looked for. Reason: a description of the columns is often an object of its own, beside the rows."""

_HEADING_KEYS = frozenset(("name", "title", "label", "field", "header", "heading", "key", "id", "column", "columnname", "column_name", "accessor", "text"))


class Heading(NamedTuple):
    """Where a heading stands: its list and its number there."""

    holder: list[Json]
    column: int


def below(arena: Arena, leaf: int) -> Iterator[tuple[int, bool]]:
    """The leaves below the heading ``leaf``, each with whether the rows have a list of their own; that a first row is one of headings is a guess."""
    spots = arena.spots
    if not isinstance(spots, Spots):
        return
    heading = _heading(spots, leaf)
    if heading is None or not 1 < len(heading.holder) <= COLUMNS_MAX:
        return
    for rows, is_apart in _rows(spots, heading):
        for row in rows:
            if isinstance(row, list) and len(row) == len(heading.holder) and (cell := spots.leaf_of(row, heading.column)) >= 0:
                yield cell, is_apart


def _heading(spots: Spots, leaf: int) -> Heading | None:
    """A text of a list, or the name in an object of a list."""
    holder, step, _ = spots[leaf]
    if isinstance(holder, list):
        return Heading(holder, step) if isinstance(step, int) and all(isinstance(item, str) for item in holder) else None
    above = spots.parent(holder) if isinstance(step, str) and step.lower() in _HEADING_KEYS else None
    if not isinstance(above, list) or not 1 < len(above) <= COLUMNS_MAX:
        return None
    return next((Heading(above, place) for place, item in enumerate(above) if item is holder), None)


def _rows(spots: Spots, heading: Heading) -> Iterator[tuple[list[Json], bool]]:
    """Lists of lists of the same length, in the object that holds the headings or in the one around it; or the other items of a list that begins with them."""
    above: Holder | None = spots.parent(heading.holder)
    if isinstance(above, list):
        if above[0] is heading.holder:
            yield above[1:], False
        return
    for _ in range(ABOVE_MAX):
        if not isinstance(above, dict):
            return
        for item in above.values():
            if isinstance(item, list) and item and isinstance(item[0], list) and len(item[0]) == len(heading.holder):
                yield item, True
        above = spots.parent(above)
