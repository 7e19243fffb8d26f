"""Axes and numbers of charts: round steps, short words, few bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log10

TICKS_MAX = 5
"""Marks of the upright axis above zero. Reason: more stand into each other."""

_STEPS = (1, 2, 5, 10)
_SHORT = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_TIMES = ((1_000_000, "s"), (1_000, "ms"))


def step_for(most: int) -> int:
    """The distance between two marks, such that few reach up to ``most``: 1, 2 or 5 with zeros. Whole: there is no half call."""
    rough = max(ceil(most / TICKS_MAX), 1)
    unit = int(10 ** (len(str(rough)) - 1))
    return next(unit * step for step in _STEPS if unit * step >= rough)


def ticks_for(most: int) -> tuple[int, ...]:
    """From zero to the first mark that is not below ``most``."""
    step = step_for(most)
    return tuple(range(0, max(ceil(most / step), 1) * step + 1, step))


def short(number: int) -> str:
    """``950``, ``1.2k``, ``34M``."""
    for unit, letter in _SHORT:
        # What rounds up to the next letter has it: 999,999 is 1M, not 1000k.
        if number >= unit - unit // 2000:
            scaled = number / unit
            words = f"{scaled:.1f}" if scaled < 9.95 else f"{scaled:.0f}"
            return words.removesuffix(".0") + letter
    return str(number)


def duration(microseconds: int) -> str:
    """``340 µs``, ``1.2 ms``, ``34 s``."""
    for unit, word in _TIMES:
        if microseconds >= unit - unit // 2000:
            scaled = microseconds / unit
            words = f"{scaled:.1f}" if scaled < 9.95 else f"{scaled:,.0f}"
            return f"{words.removesuffix('.0')} {word}"
    return f"{microseconds} µs"


def quantile(rising: Sequence[int], percent: int) -> int:
    """The value that ``percent`` of all do not exceed: one of them, never something in between. Zero of none."""
    return rising[max(ceil(len(rising) * percent / 100), 1) - 1] if rising else 0


def on_log(number: int, least: int, most: int, width: int) -> int:
    """Where ``number`` stands on an axis of ``width`` on which each power of ten takes as much room as the next."""
    low, high = log10(max(least, 1)), log10(max(most, 10))
    if high <= low:
        return width
    place = (log10(max(number, 1)) - low) / (high - low)
    return round(width * min(max(place, 0.0), 1.0))
