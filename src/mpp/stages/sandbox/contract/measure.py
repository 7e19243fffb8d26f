"""The size of a value, level by level: what a validation of it can cost, and the numbers that no reader keeps."""

from __future__ import annotations

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


@value
class Measure:
    levels: tuple[Level, ...]
    values: int
    wide: int
    """Integers of 2^53 and beyond."""
    is_exact: bool
    """No integer leaves the range of a call."""

    depth: int
    """Lists and objects inside each other; a plain value has none."""


def measure(found: Json) -> Measure:
    """Look at every value once. The depth of ``found`` is bounded by the reader."""
    levels: list[Level] = []
    level: list[Json] = [found]
    wide, is_exact, key_text, depth = 0, True, 0, 0
    while level:
        inner: list[Json] = []
        text, numbers, next_text = key_text, 0, 0
        for item in level:
            if isinstance(item, str):
                text += text_steps(item)
            elif isinstance(item, dict):
                inner += item.values()
                next_text += sum(map(text_steps, item))
            elif isinstance(item, list):
                inner += item
            elif isinstance(item, (int, float)) and not isinstance(item, bool):
                numbers += number_steps(item)
                wide += isinstance(item, int) and abs(item) >= EXACT
                is_exact = is_exact and (isinstance(item, float) or INT_LEAST <= item <= INT_MOST)
        levels.append(Level(values=len(level), text=text, numbers=numbers))
        depth += any(isinstance(item, (dict, list)) for item in level)
        level, key_text = inner, next_text
    return Measure(levels=tuple(levels), values=sum(one.values for one in levels), wide=wide, is_exact=is_exact, depth=depth)


def text_steps(text: str) -> int:
    return 1 + (len(text) if text.isascii() else 4 * len(text)) // 8


def number_steps(number: float) -> int:
    if isinstance(number, int):
        return _PLAIN if -(2**63) <= number < 2**63 else _EXTREME
    return _DECIMAL if number == 0 or 1e-20 < abs(number) < 1e20 else _EXTREME
