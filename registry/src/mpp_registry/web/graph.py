"""Downloads of a package as bars in a drawing that is part of the page: no script, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mpp.model.value import value
from mpp.pages.texts import SECONDS_OF_A_DAY, day, many

BAR, GAP, HEIGHT = 6, 1, 64
"""Units of the drawing; it is stretched to the width of its place."""

WEEK = 7


@value
class Bar:
    x: int
    y: int
    height: int
    words: str


@value
class Graph:
    width: int
    height: int
    bars: tuple[Bar, ...]
    total: int
    week: int
    words: str
    first: str
    last: str

    @property
    def drawing(self) -> Markup:
        """The bars as markup, which hold numbers and dates of ours alone. To escape five expressions for each day took a third of the page."""
        return Markup("\n".join(map(_drawn, self.bars)))  # noqa: S704 - no text of a stranger is in it


def graph_of(counts: Sequence[int], today: int) -> Graph:
    """``counts`` are days, ``today`` the last of them."""
    top = max([1, *counts])
    bars = tuple(_bar(number, count, top, today - len(counts) + 1 + number) for number, count in enumerate(counts))
    total, peak = sum(counts), max(counts, default=0)
    return Graph(
        width=len(counts) * (BAR + GAP) - GAP,
        height=HEIGHT,
        bars=bars,
        total=total,
        week=sum(counts[-WEEK:]),
        words=f"{many(total, 'download')} in {len(counts)} days, at most {peak:,} in a day",
        first=day((today - len(counts) + 1) * SECONDS_OF_A_DAY),
        last=day(today * SECONDS_OF_A_DAY),
    )


def _drawn(bar: Bar) -> str:
    look = ' class="none"' if bar.height == 1 else ""
    return f'<rect x="{bar.x}" y="{bar.y}" width="{BAR}" height="{bar.height}"{look}><title>{bar.words}</title></rect>'


def _bar(number: int, count: int, top: int, date: int) -> Bar:
    # A day with one download is seen beside a day with a million.
    height = max(2, round(count * HEIGHT / top)) if count else 1
    return Bar(x=number * (BAR + GAP), y=HEIGHT - height, height=height, words=f"{day(date * SECONDS_OF_A_DAY)}: {many(count, 'download')}")
