"""Values that stand a level below the name of a secret: ``{"password": {"value": "..."}}``, a list of such, or an object that only numbers them.

Spec: 6-privacy F-15.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, Spots

LEVELS_MAX = 3
"""Levels below a name that are read. Reason: ``{"password": {"value": {"stringValue": "..."}}}`` has three."""

PLAIN_STEPS = frozenset((
    "value", "val", "v", "current", "plaintext", "plain", "cleartext", "raw", "secretstring", "stringvalue", "string_value", "s", "n", "new", "newvalue", "new_value",
    "#text", "_text", "$t", "$", "_", "$value", "@value", "valuestring", "current_value", "currentvalue",
))  # fmt: skip
"""Keys that say no more than that they hold the value; ``S`` is that of a table service, ``#text`` of XML as JSON."""

LOOSE_STEPS = frozenset(
    (
        "default",
        "defaultvalue",
        "default_value",
        "data",
        "content",
        "text",
        "old",
        "oldvalue",
        "old_value",
        "previous",
        "secret",
        "base64",
        "encoded",
        "example",
    )
)
"""Keys that may hold something about the value instead."""


def within(arena: Arena, inside: Json) -> Iterator[tuple[int, bool]]:
    """The leaves of values below a name, each with whether its key says no more than that. Other readings of single leaves have no walk."""
    spots = arena.spots
    if isinstance(spots, Spots):
        yield from _within(spots, inside, LEVELS_MAX)


def _within(spots: Spots, inside: Json, levels: int) -> Iterator[tuple[int, bool]]:
    if not levels or not isinstance(inside, dict | list):
        return
    for step, is_plain in _steps(inside):
        leaf = spots.leaf_of(inside, step)
        if leaf >= 0:
            yield leaf, is_plain
        else:
            yield from ((found, is_plain and below) for found, below in _within(spots, inside[step], levels - 1))  # type: ignore[index]


def _steps(inside: dict[str, Json] | list[Json]) -> Iterator[tuple[str | int, bool]]:
    if isinstance(inside, list):
        yield from ((step, True) for step in range(len(inside)))
        return
    for step in inside:
        name = step.lower()
        if name in PLAIN_STEPS or step.isdigit():
            yield step, True
        elif name in LOOSE_STEPS:
            yield step, False


def every(arena: Arena, inside: Json) -> Iterator[int]:
    """All leaves below, whatever they are called."""
    spots, rest = arena.spots, [inside]
    while rest and isinstance(spots, Spots):
        holder = rest.pop()
        steps: list[str | int] = [*holder] if isinstance(holder, dict) else [*range(len(holder))] if isinstance(holder, list) else []
        for step in steps:
            leaf = spots.leaf_of(holder, step)  # type: ignore[arg-type]
            if leaf >= 0:
                yield leaf
            else:
                rest.append(holder[step])  # type: ignore[index]
