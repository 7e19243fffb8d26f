"""The readings of one text near a place that asks for one. Encodings within one another are undone one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mpp.stages.privacy.views.codes import CODE_PROBES, coded, CONFIRMED, numbered, paired
from mpp.stages.privacy.views.escapes import ESCAPE_PROBES, escaped, quoted, QUOTED_PROBES
from mpp.stages.privacy.views.framed import framed, FRAMED_PROBES
from mpp.stages.privacy.views.layout import closed_up, laid_out, LAYOUT_PROBES
from mpp.stages.privacy.views.limits import DEPTH_MAX, REGION_VIEWS_MAX
from mpp.stages.privacy.views.normal import normal_view
from mpp.stages.privacy.views.region import block_end, region
from mpp.stages.privacy.views.view import Spent, too_much, View

PROBES: tuple[str, ...] = ESCAPE_PROBES + QUOTED_PROBES + CODE_PROBES + FRAMED_PROBES + LAYOUT_PROBES
"""Where one of these begins a text may hide something; they join the one scan of a message."""

CONFIRMING: dict[int, re.Pattern[str]] = {PROBES.index(probe): whole for probe, whole in CONFIRMED.items()}
"""By the number of a probe: what must stand where it begins, or the place does not count."""


def _plain(text: str, low: int, high: int, below: View | None) -> View | None:
    return None if text[low:high].isascii() else normal_view(text, low, high, below)


_READINGS: tuple[Callable[[str, int, int, View | None], View | None], ...] = (
    escaped, coded, framed, paired, numbered, quoted, laid_out, closed_up, _plain,
)  # fmt: skip


def derive(text: str, at: int, spent: Spent | None = None, below: View | None = None) -> list[View]:
    """The readings of the region around ``at``. Those of one block are all the same; ``readings`` asks once for each. ``below``: the view whose text this is."""
    low, high = region(text, at)
    spent = Spent() if spent is None else spent
    made: list[View] = []
    seen = {text[low:high]}
    level: list[tuple[str, int, int, View | None]] = [(text, low, high, below)]
    for _ in range(DEPTH_MAX):
        reached: list[View] = []
        for source, first, last, under in level:
            spent.watch()
            for reading in _READINGS:
                view = reading(source, first, last, under)
                if view is not None and view.text not in seen:
                    seen.add(view.text)
                    spent.add(view.text)
                    reached.append(view)
        made += reached
        # Attack: a text in which each encoding shows another one.
        if len(made) > REGION_VIEWS_MAX:
            raise too_much("a text has too many readings")
        level = [(view.text, 0, len(view.text), view) for view in reached]
    return made


def readings(text: str, places: Iterable[int], spent: Spent) -> list[View]:
    """The readings of a text around all ``places``, which come in order. Work is linear: each block is read once, and a long token too."""
    out: list[View] = []
    reached = -1
    for at in places:
        if at >= reached:
            made = derive(text, at, spent)
            _, high = region(text, at)
            ends = [view.ends[-1] for view in made if view.text]
            reached = max([block_end(text, at), *(end for end in ends if end > high)])
            out += made
    return out


def further(view: View, places: Iterable[int], spent: Spent) -> list[View]:
    """The readings of a view around ``places``, which come in order. A view is hardly longer than a block."""
    out: list[View] = []
    reached = -1
    for at in places:
        if at >= reached:
            out += derive(view.text, at, spent, view)
            reached = block_end(view.text, at)
    return out
