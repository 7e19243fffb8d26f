"""A portable regular expression as a tree, written anew for each engine, and texts that begin to match it.

The grammar is that of spec/manifest.md section 7, and only what ``regex_fault`` found sound is read here. Nothing is taken over as it
is written: each class becomes its characters, so both engines and every version of them see the same.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import NamedTuple, TypeAlias

LAST = 0x10FFFF
ENDLESS = -1

Range: TypeAlias = tuple[int, int]


class Chars(NamedTuple):
    """One character out of sorted ranges that do not touch."""

    ranges: tuple[Range, ...]

    def holds(self, code: int) -> bool:
        return any(first <= code <= last for first, last in self.ranges)


class Anchor(NamedTuple):
    sign: str
    """``^``, ``$``, ``\\b`` or ``\\B``."""


class Sequence(NamedTuple):
    items: tuple[Node, ...]


class Either(NamedTuple):
    options: tuple[Node, ...]


class Repeat(NamedTuple):
    item: Node
    least: int
    most: int
    lazy: bool


Node: TypeAlias = "Chars | Anchor | Sequence | Either | Repeat"


def _joined(ranges: list[Range]) -> tuple[Range, ...]:
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


def _others(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    out: list[Range] = []
    at = 0
    for first, last in ranges:
        if at < first:
            out.append((at, first - 1))
        at = last + 1
    return tuple(out) if at > LAST else (*out, (at, LAST))


def without(chars: Chars, code: int) -> Chars:
    """The class without one character; it may then be empty, and match nothing."""
    pieces = [piece for first, last in chars.ranges for piece in ((first, min(last, code - 1)), (max(first, code + 1), last)) if piece[0] <= piece[1]]
    return Chars(tuple(pieces))


_DIGITS: tuple[Range, ...] = ((0x30, 0x39),)
_WORDS: tuple[Range, ...] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACES: tuple[Range, ...] = ((0x09, 0x0D), (0x20, 0x20))
_CLASSES = {"d": _DIGITS, "w": _WORDS, "s": _SPACES, "D": _others(_DIGITS), "W": _others(_WORDS), "S": _others(_SPACES)}
_CONTROLS = {"t": 0x09, "n": 0x0A, "r": 0x0D, "f": 0x0C}
_DOT = Chars(_others(((0x0A, 0x0A),)))


def parse(text: str) -> Node:
    """The tree of a sound expression."""
    return _Reader(text).either()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def either(self) -> Node:
        options = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in {"", "|", ")"}:
            items.append(self._repeated(self._atom()))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _repeated(self, item: Node) -> Node:
        sign = self._peek()
        if not sign or sign not in "*+?{":
            return item
        self._at += 1
        least, most = {"*": (0, ENDLESS), "+": (1, ENDLESS), "?": (0, 1)}.get(sign) or self._count()
        lazy = self._peek() == "?"
        self._at += lazy
        return Repeat(item, least, most, lazy)

    def _count(self) -> tuple[int, int]:
        end = self._text.index("}", self._at)
        least, comma, most = self._text[self._at : end].partition(",")
        self._at = end + 1
        return int(least), int(most) if most else ENDLESS if comma else int(least)

    def _atom(self) -> Node:
        sign = self._next()
        if sign == "(":
            self._at += 2 if self._text.startswith("?:", self._at) else 0
            inner = self.either()
            self._at += 1
            return inner
        if sign == "[":
            return self._class()
        if sign in {"^", "$"}:
            return Anchor(sign)
        if sign == ".":
            return _DOT
        if sign == "\\":
            if self._peek() in {"b", "B"}:
                return Anchor("\\" + self._next())
            return Chars(self._escape())
        return Chars(((ord(sign), ord(sign)),))

    def _escape(self) -> tuple[Range, ...]:
        sign = self._next()
        if sign in _CLASSES:
            return _CLASSES[sign]
        code = int(self._next() + self._next(), 16) if sign == "x" else _CONTROLS.get(sign, ord(sign))
        return ((code, code),)

    def _class(self) -> Chars:
        other = self._peek() == "^"
        self._at += other
        ranges: list[Range] = []
        while self._peek() != "]":
            found = self._item()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                found = ((found[0][0], self._item()[0][0]),)
            ranges.extend(found)
        self._at += 1
        made = _joined(ranges)
        return Chars(_others(made) if other else made)

    def _item(self) -> tuple[Range, ...]:
        sign = self._next()
        return self._escape() if sign == "\\" else ((ord(sign), ord(sign)),)


class Style(NamedTuple):
    """How one engine is told."""

    anchors: dict[str, str]
    of_bytes: bool
    """Characters are written as UTF-8. A class that reaches beyond ASCII then also holds all other characters beyond it: more is found, and the look decides."""
    no_zero: bool = False
    """No class holds the character zero, of which the mark between leaves is made."""


EXACT = Style({"^": r"\A", "$": r"\z", "\\b": r"\b", "\\B": r"\B"}, of_bytes=False)
"""For RE2 over the UTF-8 of one leaf."""

ACROSS = Style(EXACT.anchors, of_bytes=False, no_zero=True)
"""For RE2 over many leaves that hold no zero: never across a mark. Good where there is no ``^`` and no ``$``."""

LINES = Style({**EXACT.anchors, "^": "(?m:^)", "$": "(?m:$)"}, of_bytes=False, no_zero=True)
"""The same with ``^`` and ``$`` at lines: it tells the leaves in which there may be a match."""

PROBE = Style({"^": "", "$": "", "\\b": r"\b", "\\B": r"\B"}, of_bytes=True)
"""For either engine over bytes: it finds more than the expression and never less."""


def write(node: Node, style: Style) -> str:
    """The expression for one engine."""
    if isinstance(node, Chars):
        return _bytes_class(node) if style.of_bytes else _class(without(node, 0) if style.no_zero else node)
    if isinstance(node, Anchor):
        return style.anchors[node.sign]
    if isinstance(node, Sequence):
        return "".join(f"(?:{write(item, style)})" if isinstance(item, Either) else write(item, style) for item in node.items)
    if isinstance(node, Either):
        return "|".join(write(option, style) or "(?:)" for option in node.options)
    return _repeat(node, style)


def _repeat(node: Repeat, style: Style) -> str:
    most = "," if node.most == ENDLESS else "" if node.most == node.least else f",{node.most}"
    sign = {(0, ENDLESS): "*", (1, ENDLESS): "+", (0, 1): "?"}.get((node.least, node.most)) or f"{{{node.least}{most}}}"
    return f"(?:{write(node.item, style)}){sign}" + ("?" if node.lazy and not style.of_bytes else "")


def _class(chars: Chars) -> str:
    if not chars.ranges:
        return r"[^\x00-\x{10FFFF}]"
    if len(chars.ranges) == 1 and chars.ranges[0][0] == chars.ranges[0][1]:
        return _code(chars.ranges[0][0])
    return "[" + "".join(_code(first) if first == last else f"{_code(first)}-{_code(last)}" for first, last in chars.ranges) + "]"


def _code(code: int) -> str:
    return chr(code) if code < 0x80 and chr(code).isalnum() else f"\\x{{{code:X}}}"


_BEYOND = r"[\xc2-\xf4][\x80-\xbf]{1,3}"


def _bytes_class(chars: Chars) -> str:
    if len(chars.ranges) == 1 and chars.ranges[0][0] == chars.ranges[0][1]:
        written = "".join(map(_byte, chr(chars.ranges[0][0]).encode("utf-8", "surrogatepass")))
        return written if chars.ranges[0][0] < 0x80 else f"(?:{written})"
    if not chars.ranges:
        return r"[^\x00-\xff]"
    ascii_part = [(first, min(last, 0x7F)) for first, last in chars.ranges if first < 0x80]
    written = "".join(_byte(first) if first == last else f"{_byte(first)}-{_byte(last)}" for first, last in ascii_part)
    if chars.ranges[-1][1] < 0x80:
        return f"[{written}]"
    return f"(?:[{written}]|{_BEYOND})" if written else f"(?:{_BEYOND})"


def _byte(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 0x80 else f"\\x{code:02x}"


def anchored(node: Node) -> bool:
    """Does the expression ask where its text begins or ends?"""
    if isinstance(node, Anchor):
        return node.sign in {"^", "$"}
    if isinstance(node, Repeat):
        return anchored(node.item)
    return any(map(anchored, node.items if isinstance(node, Sequence) else node.options)) if not isinstance(node, Chars) else False


SAMPLE_CHARS_MAX = 400
"""Characters of one sample. Reason: it is repeated until a text is full; a longer one shows nothing more."""

_REPEATS = (0, 1, 3, 24)
_TASTE = tuple(map(ord, "a0 Zx-9@._é€中\n"))


def sample(node: Node, seed: int) -> str:
    """A text that the expression mostly matches; anchors are left out, and long repeats cut."""
    out: list[str] = []
    _sample(node, random.Random(seed), out)  # noqa: S311 - the same each time
    return "".join(out)[:SAMPLE_CHARS_MAX]


def _sample(node: Node, chance: random.Random, out: list[str]) -> None:
    if len(out) > SAMPLE_CHARS_MAX or isinstance(node, Anchor):
        return
    if isinstance(node, Chars):
        out.append(chance.choice(members(node)))
    elif isinstance(node, Sequence):
        for item in node.items:
            _sample(item, chance, out)
    elif isinstance(node, Either):
        _sample(chance.choice(node.options), chance, out)
    else:
        count = node.least + chance.choice(_REPEATS)
        for _ in range(min(count if node.most == ENDLESS else min(count, node.most), SAMPLE_CHARS_MAX)):
            _sample(node.item, chance, out)


@lru_cache(maxsize=1024)
def members(chars: Chars) -> tuple[str, ...]:
    """A few characters of a class, printable ones first."""
    found = [chr(code) for code in _TASTE if chars.holds(code)]
    edges = [chr(code) for pair in chars.ranges[:2] for code in pair if not 0xD800 <= code <= 0xDFFF]
    return tuple(dict.fromkeys(found + edges))[:6] or ("\ufffd",)


def classes(node: Node) -> list[Chars]:
    """All classes and characters, none twice, in order."""
    out: dict[Chars, None] = {}
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, Chars):
            out[one] = None
        elif isinstance(one, Repeat):
            stack.append(one.item)
        elif not isinstance(one, Anchor):
            stack.extend(reversed(one.items if isinstance(one, Sequence) else one.options))
    return list(out)
