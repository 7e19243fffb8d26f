"""Charts as drawings that are part of the page: made here, of numbers and words of ours; no script, no library, nothing from elsewhere. Pure.

Each is a figure with a title, a description, and all its numbers as a table behind it. Kinds are told apart by pattern as well as by
colour; colours are classes of the style sheet, so that dark and light are its business. Words of strangers are escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from markupsafe import escape, Markup

from mpp.console.charts_scale import duration, on_log, quantile, short, ticks_for
from mpp.pages.texts import seen
from mpp.model.value import value

WIDTH, HALF, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 440, 230, 46, 8, 10, 26
"""Units of a drawing with axes, over the whole page or in half of it, and the room around its bars. About one unit is one dot, so that words keep their size."""

COLUMNS_MAX = 120
"""Bars of one chart. Reason: narrower ones are not seen; neighbours are put together."""

COLUMN_WIDTH_MAX = 48
"""Units of a bar. Reason: a single one is a bar and not a wall."""

LABELS_MAX = 12
"""Words under the level axis. Reason: more than these nobody reads."""

LABEL_WIDTH = 72
"""Units that a word under the axis needs. Reason: a month with its year has eight letters."""

SEEN_LEAST = 2
"""Units of the smallest part that is not nothing. Reason: one denial is seen beside a million calls."""

PATTERNS = {"ok": "plain", "failed": "slant", "asked": "dots", "denied": "cross", "refused": "level", "interrupted": "back"}
"""How a kind of part is filled, on every chart alike."""


@value
class Series:
    """One kind of part of each bar."""

    name: str
    tone: str
    """Its class in the style sheet."""


@value
class Column:
    """One bar: parts in the order of the series."""

    words: str
    """What it stands for, in full."""
    label: str
    """The same under the axis; short."""
    counts: tuple[int, ...]
    href: str = ""
    """Where a click leads; an address of ours."""

    @property
    def total(self) -> int:
        return sum(self.counts)


@value
class Legend:
    name: str
    swatch: Markup
    total: int


@value
class Chart:
    id: str
    title: str
    words: str
    """What it says, in a sentence: for whoever does not see it, and under the title."""
    drawing: Markup
    """Empty where there is nothing to draw."""
    legend: tuple[Legend, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str], tuple[str, ...]], ...]
    """The numbers: a word and its address, and a number of each kind."""


def columns(name: str, title: str, words: str, series: Sequence[Series], bars: Sequence[Column], first: str = "Time", width: int = WIDTH) -> Chart:
    """Upright bars over a level axis, each of several parts. ``name`` is ours, and only one chart of a page has it."""
    bars = merged(bars, COLUMNS_MAX)
    totals = [sum(bar.counts[place] for bar in bars) for place in range(len(series))]
    drawing = Markup("") if not any(totals) else _drawing(name, (title, words), series, bars, width)
    return Chart(
        id=name, title=title, words=words, drawing=drawing,
        legend=tuple(Legend(name=one.name, swatch=_swatch(name, place, one), total=totals[place]) for place, one in enumerate(series)) if len(series) > 1 else (),
        head=(first, *(one.name for one in series)),
        rows=tuple(((bar.words, bar.href), tuple(f"{many:,}" for many in bar.counts)) for bar in bars),
    )  # fmt: skip


def merged(bars: Sequence[Column], most: int) -> tuple[Column, ...]:
    """At most ``most`` bars: neighbours are added up where there are more."""
    each = max(ceil(len(bars) / most), 1)
    if each == 1:
        return tuple(bars)
    groups = [bars[at : at + each] for at in range(0, len(bars), each)]
    return tuple(
        Column(
            words=group[0].words if len(group) == 1 else f"{group[0].words} to {group[-1].words}",
            label=group[0].label,
            counts=tuple(map(sum, zip(*(bar.counts for bar in group), strict=True))),
            href=group[0].href if len(group) == 1 else "",
        )
        for group in groups
    )


def _drawing(name: str, said: tuple[str, str], series: Sequence[Series], bars: Sequence[Column], width: int) -> Markup:
    title, words = said
    ticks = ticks_for(max(bar.total for bar in bars))
    inner = "".join((
        f'<svg class="columns{" half" if width < WIDTH else ""}" viewBox="0 0 {width} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{_safe(title)}</title><desc id="{name}-d">{_safe(words)}</desc>',
        _patterns(name, series), _axis(ticks, width), *_bars(name, series, bars, ticks[-1], width), _labels(bars, width), "</svg>",
    ))  # fmt: skip
    return Markup(inner)  # noqa: S704 - what is a word in it was escaped


def _safe(text: str) -> str:
    return str(escape(seen(text)))


def _patterns(name: str, series: Sequence[Series]) -> str:
    made = (
        f'<pattern id="{name}-p{place}" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="c-{one.tone}" width="6" height="6"/>{_LINES[PATTERNS[one.tone]]}</pattern>'
        for place, one in enumerate(series)
    )
    return f"<defs>{''.join(made)}</defs>"


_LINES = {
    "plain": "",
    "slant": '<path class="hatch" d="M-1 7 7 -1M-1 1 1 -1M5 7 7 5"/>',
    "dots": '<circle class="hatch-dot" cx="2" cy="2" r="1.1"/><circle class="hatch-dot" cx="5" cy="5" r="1.1"/>',
    "cross": '<path class="hatch" d="M0 3h6M3 0v6"/>',
    "level": '<path class="hatch" d="M0 1.5h6M0 4.5h6"/>',
    "back": '<path class="hatch" d="M-1 -1 7 7M-1 5 1 7M5 -1 7 1"/>',
}


def _swatch(name: str, place: int, one: Series) -> Markup:
    """Beside the word in the legend; with a pattern of its own, because the chart may be missing."""
    return Markup(  # noqa: S704 - names and classes of ours
        f'<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true" focusable="false"><defs><pattern id="{name}-s{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect class="c-{one.tone}" width="6" height="6"/>{_LINES[PATTERNS[one.tone]]}</pattern></defs><rect width="12" height="12" fill="url(#{name}-s{place})"/></svg>'
    )


def _height(many: int, top: int) -> float:
    return many * (HEIGHT - TOP - BOTTOM) / max(top, 1)


def _axis(ticks: Sequence[int], width: int) -> str:
    base, found = HEIGHT - BOTTOM, list[str]()
    for tick in ticks:
        y = round(base - _height(tick, ticks[-1]), 1)
        found.append(f'<path class="{"grid-line" if tick else "base-line"}" d="M{LEFT} {y}H{width - RIGHT}"/>')
        found.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{short(tick)}</text>')
    return "".join(found)


def _places(count: int, width: int) -> tuple[float, float]:
    """How far apart bars stand, and how wide each is."""
    pitch = (width - LEFT - RIGHT) / max(count, 1)
    return pitch, round(min(max(pitch * 0.82, 1.0), COLUMN_WIDTH_MAX), 2)


def _bars(name: str, series: Sequence[Series], bars: Sequence[Column], top: int, whole: int) -> Iterable[str]:
    pitch, width = _places(len(bars), whole)
    for place, bar in enumerate(bars):
        if bar.total:
            x = round(LEFT + pitch * place + (pitch - width) / 2, 2)
            parts = f"<g><title>{_safe(_told(series, bar))}</title>{''.join(_parts(name, bar, x, width, top))}</g>"
            # The table has the same addresses; a hundred more stops on the way of the tabulator help nobody.
            yield f'<a href="{_safe(bar.href)}" tabindex="-1">{parts}</a>' if bar.href else parts


def _told(series: Sequence[Series], bar: Column) -> str:
    return f"{bar.words}: " + ", ".join(f"{many:,} {one.name.lower()}" for one, many in zip(series, bar.counts, strict=True) if many)


def _parts(name: str, bar: Column, x: float, width: float, top: int) -> Iterable[str]:
    y = float(HEIGHT - BOTTOM)
    for place, many in enumerate(bar.counts):
        if many:
            tall = max(_height(many, top), SEEN_LEAST)
            y = max(y - tall, 0.0)
            yield f'<rect x="{x}" y="{round(y, 1)}" width="{width}" height="{round(tall, 1)}" fill="url(#{name}-p{place})"/>'


def _labels(bars: Sequence[Column], width: int) -> str:
    pitch, _ = _places(len(bars), width)
    every = max(ceil(len(bars) / min(LABELS_MAX, width // LABEL_WIDTH)), 1)
    shown = ((LEFT + pitch * (place + 0.5), bar.label) for place, bar in enumerate(bars) if place % every == 0)
    return "".join(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{_safe(label)}</text>' for x, label in shown)


# -- bars that lie in the cells of a table: the table is the chart, and says everything in words


BAR_WIDTH = 1000
"""Units of a bar that lies in a cell; it is stretched to the width of the cell."""


@value
class Bar:
    """One row."""

    words: str
    href: str
    number: str
    drawing: Markup
    about: str = ""
    """What stands under its words; small."""


def _lying(parts: Iterable[tuple[int, int, str]]) -> Markup:
    """Rectangles from the first to the second place, each with a class of ours."""
    drawn = "".join(f'<rect class="c-{tone}" x="{begin}" width="{max(end - begin, 4)}" height="10"/>' for begin, end, tone in parts)
    # Numbers and classes of ours.
    return Markup(f'<svg class="lying" viewBox="0 0 {BAR_WIDTH} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">{drawn}</svg>')  # noqa: S704


def bars(rows: Sequence[tuple[str, str, int]], tone: str = "ok") -> tuple[Bar, ...]:
    """Rows of a word, an address and a count: how they stand to each other."""
    most = max((many for _, _, many in rows), default=0)
    return tuple(Bar(words=words, href=href, number=f"{many:,}", drawing=_lying([(0, many * BAR_WIDTH // max(most, 1), tone)])) for words, href, many in rows)


@value
class Spread:
    """How long a stage takes: half of all calls at most the one, all but a twentieth at most the other."""

    name: str
    middle: str
    slow: str
    most: str
    calls: int
    drawing: Markup


def spreads(stages: Sequence[tuple[str, Sequence[int]]]) -> tuple[Spread, ...]:
    """Stages with their microseconds in rising order. All on one axis, on which each power of ten takes as much room as the next."""
    known = [times for _, times in stages if times]
    least, most = min((times[0] for times in known), default=1), max((times[-1] for times in known), default=1)
    found = []
    for name, times in stages:
        middle, slow, last = quantile(times, 50), quantile(times, 95), times[-1] if times else 0
        ends = [on_log(one, least // 2, most, BAR_WIDTH) for one in (middle, slow, last)]
        parts = [(0, ends[0], "middle"), (ends[0], ends[1], "slow"), (max(ends[2] - 6, 0), ends[2], "last")] if times else []
        words = [duration(one) if times else "not measured" for one in (middle, slow, last)]
        found.append(Spread(name=name, middle=words[0], slow=words[1], most=words[2], calls=len(times), drawing=_lying(parts)))
    return tuple(found)


@value
class Fall:
    """One step of a call that follows on the one before."""

    name: str
    took: str
    """Empty where nobody measured it."""
    drawing: Markup


def waterfall(steps: Sequence[tuple[str, int | None]], tones: Sequence[str]) -> tuple[Fall, ...]:
    """Steps with their microseconds, in the order in which they happened: each begins where the one before ends."""
    whole, at, found = max(sum(took or 0 for _, took in steps), 1), 0, list[Fall]()
    for (name, took), tone in zip(steps, tones, strict=True):
        begin, end = at * BAR_WIDTH // whole, (at + (took or 0)) * BAR_WIDTH // whole
        # The last bar is not pushed out of the drawing by the width that each has at least.
        begin = min(begin, BAR_WIDTH - 4)
        found.append(Fall(name=name, took="" if took is None else duration(took), drawing=_lying([] if took is None else [(begin, end, tone)])))
        at += took or 0
    return tuple(found)
