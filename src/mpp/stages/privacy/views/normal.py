"""Make plain what Unicode writes in many ways: wide digits, letters of other scripts, hidden characters, odd spaces and dashes.

Attack: a value that a person or a model reads as it is meant, and that no expression over plain characters matches.
"""

from __future__ import annotations

from collections.abc import Callable
import re
import unicodedata

from mpp.stages.privacy.views import tables
from mpp.stages.privacy.views.region import region
from mpp.stages.privacy.views.view import Maker, unwatched, View
from mpp.stages.privacy.later import on_use

_ALIKE = "".join(tables.ALIKE)
_W = "0-9A-Za-z@"

# Ordinary Russian, Greek or French prose has no places: a foreign letter counts next to a Latin one, a space or dash
# between digits, an accent near an at sign. Each expression begins with one class, which is searched fast.
_BETWEEN = f"{tables.SPACES}{tables.HYPHENS}{tables.DASHES}{tables.DOTS}{tables.JOINED_MARKS}"
_ODD = f"{tables.DIGITS}{tables.LETTERS}{tables.ATS}{tables.SMALL}{_BETWEEN}{tables.HIDDEN}{tables.MARKS}"
_PLACES: tuple[re.Pattern[str], ...] = tuple(
    on_use(text)
    for text in (
        (
            rf"[{_ODD}](?:"
            rf"(?<=[{tables.DIGITS}{tables.LETTERS}{tables.ATS}])"
            rf"|(?<=[{tables.SPACES}])(?:(?<=[0-9)@].)|(?<=[0-9)@][ ].))(?=[ {tables.SPACES}]?[0-9(@])"
            rf"|(?<=[{tables.HYPHENS}{tables.DOTS}{tables.JOINED_MARKS}])(?<=[{_W}_+.-].)(?=[{_W}])"
            rf"|(?<=[{tables.DASHES}])(?<=[0-9)].)(?=[0-9(])"
            rf"|(?<=[{tables.HIDDEN}{tables.MARKS}])(?:(?<=[{_W}.+_-].)|(?=[{_W}.+_-]))"
            rf"|(?<=[{tables.SMALL}])(?:(?<=[{_W}].)|(?=[{_W}{tables.SMALL}]))"
            rf")"
        ),
        rf"[{_W}][{_ALIKE}]",
        rf"[{_ALIKE}](?:[{_W}]|(?<=[A-Za-z0-9]\.[{_ALIKE}]))",
        rf"[{tables.ACCENTED}](?=[\w.+-]{{0,24}}@)",
        rf"@[\w.-]{{0,24}}[{tables.ACCENTED}]",
    )
)
_HIGH = on_use(rf"[{tables.HIGH}]|[{tables.HIGH_HIDDEN}](?:(?<=[{_W}.+_-].)|(?=[{_W}.+_-]))")
# These become nothing, or more than one character.
_CHANGING = on_use(rf"[{tables.HIDDEN}{tables.MARKS}{tables.HIGH_HIDDEN}{tables.SMALL}]")
_PART_CHARS = 4096
"""Characters that are judged at once. Reason: parts in plain characters, which is most of most texts, are passed over at the speed of memory."""
_AHEAD_CHARS = 32
"""Characters read beyond a part. Reason: what an expression looks at around its first character."""


def normal_places(text: str, watch: Callable[[], None] = unwatched) -> list[int]:
    """Where characters stand that are another way to write plain ones, in a place where a value may be; in order."""
    out: list[int] = []
    for low in range(0, len(text), _PART_CHARS):
        # The last character of the part before is read again: a pair may lie across.
        part = text[max(low - 1, 0) : low + _PART_CHARS]
        if not part.isascii():
            watch()
            out += _places_in(text, max(low - 1, 0), low + _PART_CHARS, is_high=max(part) > "\uffff")
    return out


def _places_in(text: str, low: int, high: int, *, is_high: bool) -> list[int]:
    expressions = (*_PLACES, _HIGH) if is_high else _PLACES
    found = {one.start() for expression in expressions for one in expression.finditer(text, low, high + _AHEAD_CHARS)}
    return sorted(at for at in found if at < high)


def normalise(text: str, at: int) -> View:
    """The region around ``at`` in plain characters."""
    low, high = region(text, at)
    return normal_view(text, low, high)


def normal_view(text: str, low: int, high: int, below: View | None = None) -> View:
    """The range in plain characters. What is hidden goes; what is one character may become more."""
    maker, last = Maker(), low
    for found in _CHANGING.finditer(text, low, high):
        at = found.start()
        maker.put(text[last:at].translate(_PLAIN), last, at, 1)
        maker.put(_changed(found[0]), at, at + 1)
        last = at + 1
    maker.put(text[last:high].translate(_PLAIN), last, high, 1)
    return View(maker, below)


def _changed(one: str) -> str:
    return "" if unicodedata.category(one)[0] in "MCZ" else _decomposed(one)


class _Plain(dict[int, str]):
    """What a character stands for, as one character; worked out when it is met first."""

    def __missing__(self, code: int) -> str:
        one = chr(code)
        plain = one if code < 0x80 else _decomposed(one)
        # An attacker may send all of Unicode, which is bounded.
        self[code] = plain = plain if len(plain) == 1 else one
        return plain


def _decomposed(one: str) -> str:
    digit = unicodedata.decimal(one, None)
    if digit is not None:
        return str(digit)
    bare = "".join(part for part in unicodedata.normalize("NFKD", one) if not unicodedata.combining(part))
    bare = "".join(tables.ALIKE.get(part, part) for part in bare)
    return bare if bare and bare.isascii() else one


_PLAIN = _Plain(
    {
        **{ord(one): plain for one, plain in tables.ALIKE.items()},
        **dict.fromkeys(tables.SPACE_CODES, " "),
        **dict.fromkeys(tables.HYPHEN_CODES, "-"),
        **dict.fromkeys(tables.DOT_CODES, "."),
    }
)
