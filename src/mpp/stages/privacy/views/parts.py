"""Objects whose keys say that their values are parts of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, Spots
from mpp.stages.privacy.later import on_use

_STEMS = ("part", "piece", "chunk", "segment", "seg", "p", "block", "group", "frag", "fragment", "token", "digits", "text", "value", "number", "num", "")
_FIRSTS = frozenset(f"{stem}{mark}{number}" for stem in _STEMS for mark in ("", "_", "-") for number in ("0", "1", "01")) | frozenset(
    f"{stem.capitalize()}{mark}{number}" for stem in _STEMS for mark in ("", "_") for number in ("0", "1")
)
_NUMBERED = on_use(r"(.*?)[0-9]{1,2}")
_AREA = frozenset(("area", "area_code", "areaCode", "npa", "areacode"))
_AFTER_AREA = on_use(r"(?i)prefix|exchange|central_?office|nxx|line(?:_?number)?|subscriber|suffix|number|local|station|last_?four")
_LOCAL = frozenset(("local_part", "localPart", "local", "mailbox"))
_DOMAIN = on_use(r"(?i)(?:domain|host)(?:_?(?:part|name))?")
_TAILS = tuple(dict.fromkeys(form for number in range(100) for form in (f"{number}", f"{number:02}")))
"""How a part is numbered."""
_MOST = 16
"""Parts of one value. Reason: a card number has four; a thing in more parts is a table."""


class Parts(NamedTuple):
    """Values of one object that are parts of one value: their keys in order, what is put between, and what kind of thing it is."""

    holder: dict[str, Json]
    keys: list[str]
    between: str
    name: str


PART_KEYS = _FIRSTS | _AREA | _LOCAL
"""Keys of a first part. They are never dull, so the walk tells of each."""


def parts(arena: Arena) -> Iterator[Parts]:
    """Attack: {"part1": "john@", "part2": "example.com"}."""
    if PART_KEYS.isdisjoint(arena.keys) or not isinstance(arena.spots, Spots):
        return
    for holder in arena.spots.objects():
        for key in holder:
            found = _parts_of(holder, key) if key in PART_KEYS else None
            if found is not None and 1 < len(found.keys) <= _MOST:
                yield found


def _parts_of(holder: dict[str, Json], key: str) -> Parts | None:
    if key in _AREA:
        return Parts(holder, [key, *(other for other in holder if _AFTER_AREA.fullmatch(other) and _is_text(holder[other]))], "-", "phone")
    if key in _LOCAL:
        return Parts(holder, [key, *(other for other in holder if _DOMAIN.fullmatch(other) and _is_text(holder[other]))][:2], "@", "email")
    # Attack: an object of ten thousand parts, read anew for each beginning. Only names that can be are asked for.
    stem = key.rstrip("0123456789")
    return Parts(holder, [other for tail in _TAILS if (other := stem + tail) in holder and _is_text(holder[other])], "", key)


def _is_text(item: Json) -> bool:
    return isinstance(item, str) or type(item) is int
