"""The size of a value, level by level: what a validation of it can cost, and the numbers that no reader keeps."""

from __future__ import annotations

from operator import attrgetter

from mpp.model.jsontext import Json
from mpp.model.value import value

INT_LEAST, INT_MOST = -(2**63), 2**64 - 1
"""The integers of a call. Attack: longer ones lose digits in most readers, and make some validators quadratic."""

EXACT = 2**53
"""From here on two integers can share one double, and with it one hash."""

_PLAIN, _DECIMAL, _EXTREME = 20, 60, 800
"""Steps to compare an integer, a decimal number, and one with a large exponent or more than 63 bits. Measured."""


@value
class Level:
    """All values at one depth."""

    values: int
    text: int
    """Eighths of the bytes of texts, and of the keys of the objects above."""
    numbers: int
    """Steps to compare all numbers once."""


_VALUES = attrgetter("values")


@value
class Measure:
    levels: tuple[Level, ...]
    values: int
    wide: int
    """Integers of 2^53 and beyond."""
    decimals: bool
    """Is there a decimal number?"""
    is_exact: bool
    """No integer leaves the range of a call."""

    depth: int
    """Lists and objects inside each other; a plain value has none."""


def measure(found: Json) -> Measure:
    """Look at every value once. The depth of ``found`` is bounded by the reader."""
    levels: list[Level] = []
    level: list[Json] = [found]
    wide, decimals, is_exact, key_text, depth = 0, False, True, 0, 0
    while level:
        inner: list[Json] = []
        text, numbers, next_text, holds = key_text, 0, 0, False
        for item in level:
            # The kinds are those of JSON alone, so they are compared and not asked for; a boolean is no integer here.
            kind = type(item)
            if kind is str:
                text += text_steps(item)  # type: ignore[arg-type]
            elif kind is int:
                numbers += number_steps(item)  # type: ignore[arg-type]
                if not -EXACT < item < EXACT:  # type: ignore[operator]
                    wide += 1
                    is_exact = is_exact and INT_LEAST <= item <= INT_MOST  # type: ignore[operator]
            elif kind is dict:
                holds = True
                inner += item.values()  # type: ignore[union-attr]
                next_text += sum(map(text_steps, item))  # type: ignore[arg-type]
            elif kind is list:
                holds = True
                inner += item  # type: ignore[arg-type]
            elif kind is float:
                decimals = True
                numbers += number_steps(item)  # type: ignore[arg-type]
        levels.append(Level(values=len(level), text=text, numbers=numbers))
        depth += holds
        level, key_text = inner, next_text
    return Measure(levels=tuple(levels), values=sum(map(_VALUES, levels)), wide=wide, decimals=decimals, is_exact=is_exact, depth=depth)


def text_steps(text: str) -> int:
    return 1 + (len(text) if text.isascii() else 4 * len(text)) // 8


def number_steps(number: float) -> int:
    if isinstance(number, int):
        return _PLAIN if -(2**63) <= number < 2**63 else _EXTREME
    return _DECIMAL if number == 0 or 1e-20 < abs(number) < 1e20 else _EXTREME
