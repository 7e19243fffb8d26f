"""Undo what lays a value out: a line break within it, blanks between its characters."""

from __future__ import annotations

import re

from mpp.stages.privacy.views.rewriting import rewritten, Said
from mpp.stages.privacy.views.view import View
from mpp.stages.privacy.later import on_use

_BREAK = r"(?:(?<=\n)|[ \t]{0,8}\r?\n)[ \t>#|*]{0,8}"
LAYOUT_PROBES: tuple[str, ...] = (
    r"[0-9]{3,6}[ -][0-9]{2,6} ?\r?\n[ >#|*]{0,8}[0-9]{3,6}",
    r"@ ?\r?\n[ >#|*]{0,8}[A-Za-z0-9-]",
    r"[A-Za-z0-9] ?\r?\n[ >#|*]{0,8}@[A-Za-z0-9-]{1,60}\.(?:com|org|net|edu|gov|info)[^a-z]",
    r"@[A-Za-z0-9-]{1,40}\.?\r?\n[A-Za-z0-9-]{0,40}[.A-Za-z]",
    r"(?:[0-9A-Za-z@.+][ -]){8}",
    r"[A-Za-z0-9] @ [A-Za-z0-9-]{1,40} \. ?[A-Za-z]",
)
# A line that begins with an at sign is a decorator in a program, unless what follows ends as an address does.
# A column of numbers is no value: after the second line comes no further one of digits.
_TOKENS = on_use(
    r"[ \r\n@](?:"
    rf"(?P<number>(?<=[0-9][ \r\n]){_BREAK}(?=[0-9]{{3,6}}(?![0-9.,])(?![ -]?[0-9 -]{{0,24}}\s*\n[ \t]*[0-9])))"
    rf"|(?P<joint>(?<=@[ \r\n]){_BREAK}(?=[A-Za-z0-9-])|(?<=[A-Za-z0-9][ \r\n]){_BREAK}(?=@[A-Za-z0-9-]{{1,60}}\.(?:com|org|net|edu|gov|info)\b))"
    r"|(?P<name>(?<=@)[A-Za-z0-9-]{1,40}\.?[ \t]{0,8}\r?\n[ \t>#|*]{0,8}(?=[A-Za-z0-9-]{0,40}\.?[A-Za-z]))"
    r"|(?P<around>(?<= )(?:@ (?=[A-Za-z0-9-]{1,40} \.)|(?<=[A-Za-z0-9] )\. ?(?=[A-Za-z]{2})))"
    r")"
)
_APART = on_use(r"[0-9A-Za-z@.+_](?<![^\s\"'(=:,].)[ -](?:[0-9A-Za-z@.+_][ -]){6,}[0-9A-Za-z@.+_](?![0-9A-Za-z@])")
_COLUMN = on_use(r"[0-9][ \t]*\r?\n[ \t]*[0-9 -]{1,24}\Z")
_BACK_CHARS = 64
"""Characters before a break that are read. Reason: a line of a number is shorter."""


def laid_out(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range without breaks and blanks within values; None where there are none."""
    return rewritten(text, low, high, _TOKENS.finditer(text, low, high), _said, below)


def _said(token: re.Match[str]) -> Said | None:
    kind, written = token.lastgroup, token[0]
    if kind == "number":
        # The lines of a table hold one number after the other; a value that is broken has something else before it.
        before = token.string[max(0, token.start() - _BACK_CHARS) : token.start()]
        return None if _COLUMN.search(before) else (" ", 0)
    if kind == "name":
        return written.rstrip(" \t\r\n>#|*"), 0
    return {"joint": "", "around": written.strip()}[kind or ""], 0


def closed_up(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range without the blanks between single characters; None where there are none."""
    return rewritten(text, low, high, _APART.finditer(text, low, high), lambda token: (token[0][::2], 2), below)
