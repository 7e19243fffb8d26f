"""Parts of a text that may be long: as many of their lines as there is room for, and a count of what is left out. Spec: spec/4-approval.md section 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mpp.stages.approval.leaves import Leaf
from mpp.stages.approval.quoting import wrapped

IN_DETAILS = "  ... and {:,} more: open the details"
NOWHERE = "  ... and {:,} more, which are left out here"
"""What the text says of its rest, and what the details do."""


class Section(NamedTuple):
    """Lines that may be many. They are written one by one, as long as there is room; each call of ``items`` begins anew."""

    items: Callable[[], Iterable[Leaf]]
    total: int
    most: int


class Fitted(NamedTuple):
    """What of a section is shown."""

    lines: list[str]
    hidden: int
    """Items that are not there at all."""
    cut: int
    """Items of which only the ends are."""

    @property
    def left_out(self) -> int:
        return self.hidden + self.cut


def size(lines: Sequence[str]) -> int:
    """Bytes of lines with their ends."""
    return sum(len(line.encode("utf-8")) + 1 for line in lines)


def fit(section: Section, room: int, rest: str) -> Fitted:
    """As many items as there is room for, each whole; then, in the words of ``rest``, how many are left out."""
    lines: list[str] = []
    cut = 0
    room -= len(rest) + 10
    for number, item in enumerate(section.items()):
        pieces = wrapped([f"  {item.line}"])
        room -= size(pieces)
        if number == section.most or room < 0:
            return Fitted([*lines, rest.format(section.total - number)], section.total - number, cut)
        lines += pieces
        cut += item.cut
    return Fitted(lines, 0, cut)


def fit_all(sections: Sequence[Section], room: int, rest: str) -> list[Fitted]:
    """All sections together in one room. Attack: rights that are left out beside empty pages; what one does not need, the others have."""
    margin = len(rest) + 10
    wanted = [fit(one, room, rest) for one in sections]
    needs = [size(one.lines) + margin if not one.hidden else room for one in wanted]
    given = shares(needs, room)
    return [whole if has >= needed else fit(one, has, rest) for one, whole, needed, has in zip(sections, wanted, needs, given, strict=True)]


def shares(needs: Sequence[int], room: int) -> list[int]:
    """What each may take: all that it needs where that is no more than an equal share; the others share the rest."""
    given = [0] * len(needs)
    for place, i in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        given[i] = min(needs[i], room // (len(needs) - place))
        room -= given[i]
    return given
