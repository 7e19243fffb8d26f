"""Placeholders in arguments turned back into the values they stand for, where host policy grants it to this tool.

Spec: 6-privacy F-35. The agent never sees what goes in: questions, the record and what the agent is told show the placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy.arena import gather, Spot
from mpp.stages.privacy.catalog import group_of
from mpp.stages.privacy.filter import Filter, rename
from mpp.stages.privacy.limits import REVEALS_MAX
from mpp.stages.privacy.placeholders import PLACEHOLDER, type_in
from mpp.stages.privacy.pointers import Pointers, written
from mpp.stages.privacy.types import Filtered


class Revealed(NamedTuple):
    """What was turned back: for the record, without the value."""

    type: str
    where: str
    digest: str


@value
class Plain:
    """Arguments for the tool alone, and what was turned back in them."""

    message: Json = field(repr=False)
    revealed: tuple[Revealed, ...]
    values: Mapping[str, str] = field(repr=False)
    """Each value that stands there now, with its placeholder. The host gave it to the tool, so the tool may use it."""


def has_placeholder(text: str) -> bool:
    return "[" in text and PLACEHOLDER.search(text) is not None


def reveal_arguments(arguments: Json, by: Filter) -> Plain:
    """The arguments for the tool, changed in place: the caller owns them. Raises Refused where a placeholder is meant for a tool that may not have it.

    A placeholder that nobody knows any more is refused too: a tool would take it for the value.
    """
    root: list[Json] = [arguments]
    arena = gather(arguments, root)
    pointers = Pointers(root)
    done: list[Revealed] = []
    values: dict[str, str] = {}
    for leaf, text in enumerate(arena.texts):
        if "[" not in text:
            continue
        pieces: list[str] = []
        at = 0
        for found in PLACEHOLDER.finditer(text):
            one = _behind(found[0], arena.spots[leaf], pointers, by)
            if one is not None:
                plain, told = one
                pieces += (text[at : found.start()], plain)
                at = found.end()
                done.append(told)
                values[plain] = found[0]
        if len(values) > REVEALS_MAX:
            raise Refused("privacy.limit", f"the arguments hold more than {REVEALS_MAX} placeholders", where="arguments", hint="send less at once")
        if pieces:
            arena.spots[leaf].put("".join((*pieces, text[at:])))
    return Plain(message=root[0], revealed=tuple(done), values=values)


def _behind(placeholder: str, spot: Spot, pointers: Pointers, by: Filter) -> tuple[str, Revealed] | None:
    """What stands behind one; None for one that never stood for a single value, and for what only looks like one."""
    known = by.names.value(placeholder)
    if known is None:
        if "-" in placeholder and type_in(placeholder) in by.rules.types:
            message = "the argument holds a placeholder whose value is not known any more"
            hint = "have the value looked up again, or give it in plain; a placeholder lives as long as the host process that made it, and at most an hour"
            raise Refused("privacy.forgotten", message, where=_place(spot, pointers), hint=hint)
        return None
    kind, plain = known
    where = _place(spot, pointers)
    if spot.is_key or not by.said.reveals(pointers.of(spot), kind, group_of(kind)):
        message = f"policy does not let this tool have the {kind} behind a placeholder"
        raise Refused("privacy.reveal", message, where=where, hint="the owner of this host can grant it: [[privacy.reveal]] in a policy")
    return plain, Revealed(kind, where, by.names.digest(kind, plain))


def _place(spot: Spot, pointers: Pointers) -> str:
    return f"arguments{written(pointers.of(spot))}"


class Hiding:
    """The filter of a call in which something was turned back. Attack: a tool that repeats a value which nobody recognises by its form alone."""

    def __init__(self, by: Filter, values: Mapping[str, str]) -> None:
        # The longest first: one may be part of another.
        self._by, self._values = by, sorted(values.items(), key=lambda one: (-len(one[0]), one[0]))

    def __call__(self, message: Json) -> Filtered:
        root: list[Json] = [message]
        try:
            arena = gather(message, root)
        except Refused:
            # Too large, and so withheld by the filter, which says why.
            return self._by(message)
        there = [(plain, placeholder) for plain, placeholder in self._values if plain in arena.text]
        keys: list[tuple[Spot, str]] = []
        for leaf, text in enumerate(arena.texts if there else ()):
            hidden = _hidden(text, there)
            if hidden == text:
                continue
            if (spot := arena.spots[leaf]).is_key:
                keys.append((spot, hidden))
            else:
                spot.put(hidden)
        rename(keys)
        return self._by(root[0])


def _hidden(text: str, values: list[tuple[str, str]]) -> str:
    for plain, placeholder in values:
        text = text.replace(plain, placeholder)
    return text
