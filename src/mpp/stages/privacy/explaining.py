"""What would be found in a message, where, in which reading and by what: for whoever tries the filter out. The message stays as it is.

What comes back holds the values, so it goes to the person who has the message anyway, and never to a record.
"""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.catalog import group_of
from mpp.stages.privacy.filter import Filter, outside_placeholders, Work
from mpp.stages.privacy.pointers import Pointers, returned, written
from mpp.stages.privacy.search import search, Span
from mpp.stages.privacy.types import Found

LET_THROUGH, OFF, ALLOWED = "let through: exempt", "let through: off", "let through: allowed"


def explain_message(message: Json, by: Filter) -> tuple[Found, ...]:
    """Everything that the detectors see, also what policy lets through. Raises Refused where the filter would withhold the message."""
    work = Work(by)
    root: list[Json] = [message]
    arena, pointers = gather(message, root), Pointers(root)
    found: dict[tuple[str, int, int, str], Found] = {}
    for span in search(arena, by.rules, work.watch):
        # A short number in a list is no leaf.
        spot = span.item or arena.spots[span.leaf]
        steps = pointers.of(spot)
        if span.item is not None or any(outside_placeholders(span.start, span.end, arena.texts[span.leaf], by.rules.types)):
            where = written(steps) + (" (key)" if spot.is_key else "")
            # The first reading in which it is found is the plainest.
            place = (where, span.start, span.end, span.type)
            found.setdefault(
                place,
                Found(
                    type=span.type,
                    where=where,
                    text=span.text,
                    sure=span.sure,
                    view=span.view,
                    detector=span.detector,
                    action=_action(span, steps, work, is_key=spot.is_key),
                ),
            )
    return tuple(sorted(found.values(), key=lambda one: (one.where, one.type)))


def _action(span: Span, steps: tuple[str, ...], work: Work, *, is_key: bool) -> str:
    group = group_of(span.type)
    if work.by.is_off(span.type):
        return OFF
    if work.said.is_allowed(span.type, span.text):
        return ALLOWED
    if not is_key and work.said.is_exempt(returned(steps), span.type, group):
        return LET_THROUGH
    return work.said.action_for(span.type, group).action
