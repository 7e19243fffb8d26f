"""The portable regular expressions: those that mean the same in every common engine and that an automaton can match in linear time.

Spec: spec/manifest.md section 7 and M-84. A backtracking engine may take years for one of them, such as ``(a+)+$``. The reader is a small recursive descent over the text; it compiles nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mpp.model.limits import REGEX_CHARS_MAX, REGEX_DEPTH_MAX, REGEX_REPEAT_MAX, REGEX_SIZE_MAX

_ESCAPED = frozenset("^$\\.*+?()[]{}|/-")
_CLASSES = frozenset("dDwWsS")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_COUNT = re.compile(r"\{([0-9]{1,5})(?:(,)([0-9]{1,5})?)?\}")
_HEX = re.compile(r"x([0-7][0-9A-Fa-f])")


class _Piece(NamedTuple):
    """What has been read: its size with repeats written out, and whether it can match nothing at all."""

    size: int
    empty: bool


class _Wrong(ValueError):
    """The expression leaves the portable subset."""


def regex_fault(text: str, *, may_match_nothing: bool = True) -> str:
    """What is wrong with ``text`` as a portable regular expression, or nothing."""
    if not 0 < len(text) <= REGEX_CHARS_MAX:
        return f"must have 1 to {REGEX_CHARS_MAX} characters"
    reader = _Reader(text)
    try:
        whole = reader.alternatives(0)
        if reader.at < len(text):
            raise reader.wrong("')' closes nothing")
    except _Wrong as fault:
        return str(fault)
    # Attack: a filter that matches the empty text matches everywhere and shows nothing.
    return "matches the empty text, so it matches everywhere" if whole.empty and not may_match_nothing else ""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def wrong(self, words: str) -> _Wrong:
        return _Wrong(f"{words} (character {self.at + 1})")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self, depth: int) -> _Piece:
        if depth > REGEX_DEPTH_MAX:
            raise self.wrong(f"more than {REGEX_DEPTH_MAX} groups inside each other")
        size, empty = 0, False
        while True:
            piece = self.sequence(depth)
            size, empty = size + piece.size, empty or piece.empty
            if self.peek() != "|":
                return _Piece(size, empty)
            self.at += 1

    def sequence(self, depth: int) -> _Piece:
        size, empty = 0, True
        while self.peek() not in {"", "|", ")"}:
            piece = self.repeated(depth)
            size, empty = size + piece.size, empty and piece.empty
            if size > REGEX_SIZE_MAX:
                raise self.wrong(f"more than {REGEX_SIZE_MAX} positions once repeats are written out")
        return _Piece(size, empty)

    def repeated(self, depth: int) -> _Piece:
        char = self.peek()
        if char in {"^", "$"} or self.text.startswith(("\\b", "\\B"), self.at):
            self.at += 1 if char in {"^", "$"} else 2
            if self.peek() and self.peek() in "*+?{":
                raise self.wrong("an anchor cannot be repeated")
            return _Piece(1, empty=True)
        piece = self.atom(depth)
        if not self.peek() or self.peek() not in "*+?{":
            return piece
        least, most = self.count()
        if self.peek() == "?":
            self.at += 1
        if self.peek() and self.peek() in "*+?{":
            raise self.wrong("a repeat of a repeat; put the inner one in a group")
        return _Piece(piece.size * max(most, 1), piece.empty or least == 0)

    def count(self) -> tuple[int, int]:
        char = self.peek()
        if char != "{":
            self.at += 1
            return (1, 1) if char == "+" else (0, 1)
        found = _COUNT.match(self.text, self.at)
        if found is None:
            raise self.wrong("'{' begins no {m,n}; write \\{ for the character")
        least = int(found[1])
        most = int(found[3]) if found[3] else least
        if most < least or most > REGEX_REPEAT_MAX:
            raise self.wrong(f"a repeat needs m <= n <= {REGEX_REPEAT_MAX}")
        self.at = found.end()
        return least, most

    def atom(self, depth: int) -> _Piece:
        char = self.peek()
        if char == "(":
            return self.group(depth)
        if char == "[":
            return self.char_class()
        if char in {"*", "+", "?", "{", "}", "]"}:
            raise self.wrong(f"{char!r} stands alone; write \\{char} for the character")
        self.at += 1
        if char == "\\":
            self.escape()
        return _Piece(1, empty=False)

    def group(self, depth: int) -> _Piece:
        self.at += 1
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self.peek() == "?":
            raise self.wrong("only (...) and (?:...) are portable groups, not lookaround, names or flags")
        piece = self.alternatives(depth + 1)
        if self.peek() != ")":
            raise self.wrong("'(' is not closed")
        self.at += 1
        return piece

    def escape(self) -> str:
        """What stands after a backslash: the character it means, or nothing for a class such as \\d."""
        char = self.peek()
        found = _HEX.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            return chr(int(found[1], 16))
        if not char or not (char in _ESCAPED or char in _CLASSES or char in _CONTROLS):
            what = "a backslash at the end" if not char else "a back-reference" if char.isdigit() else f"the escape \\{char}"
            raise self.wrong(f"{what} is not portable")
        self.at += 1
        return "" if char in _CLASSES else _CONTROLS.get(char, char)

    def char_class(self) -> _Piece:
        self.at += 1
        if self.peek() == "^":
            self.at += 1
        if self.peek() == "]":
            raise self.wrong("an empty [...]")
        while self.peek() != "]":
            first = self.class_item()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in {"]", ""}:
                if self.text.startswith("--", self.at):
                    raise self.wrong("write \\- inside [...]")
                self.at += 1
                last = self.class_item()
                if not first or not last or last < first:
                    raise self.wrong("a range in [...] needs a first character not above its last")
        self.at += 1
        return _Piece(1, empty=False)

    def class_item(self) -> str:
        char = self.peek()
        if not char:
            raise self.wrong("'[' is not closed")
        # Some engines read [[:alpha:]], nested sets and the set operators && -- ~~ here.
        if char == "[" or (char in "&~-" and self.text.startswith(char * 2, self.at)):
            raise self.wrong(f"write \\{char} inside [...]" if char in "[-" else f"a doubled {char!r} inside [...] is not portable")
        self.at += 1
        return self.escape() if char == "\\" else char
