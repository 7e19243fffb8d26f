"""Undo codes that say where they begin and end: ascii85 between ``<~`` and ``~>``, and the lines of uuencode. Without such a frame they are signs like any others."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
import re

from mpp.stages.privacy.later import on_use
from mpp.stages.privacy.views.astext import as_text
from mpp.stages.privacy.views.packed import is_packed, unpacked
from mpp.stages.privacy.views.limits import TOKEN_CHARS_MAX
from mpp.stages.privacy.views.rewriting import rewritten, Said
from mpp.stages.privacy.views.view import too_much, View

FRAMED_PROBES: tuple[str, ...] = (r"<~[!-uz]{10}", r"&lt;~[!-uz]{10}", r"begin [0-7][0-7][0-7] ")

_FRAMES = (
    ("<~", on_use(r"<~(?P<ascii85>[!-uz\s]{10,}+)(?:~>|\Z)")),
    ("begin ", on_use(r"begin [0-7]{3} [^\n]{1,255}\n(?P<lines>(?:[!-M][ -`]{4,84}\r?\n)+)")),
)


def framed(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with such codes as the text that they hold; None where none stands."""
    if text.find("<~", low, high) < 0 and text.find("begin ", low, high) < 0:
        return None
    return rewritten(text, low, high, _tokens(text, low, high), _said, below)


def _tokens(text: str, low: int, high: int) -> Iterator[re.Match[str]]:
    """The tokens that begin in the range; each may reach over its end. What is read for one is not read for another."""
    end, at = min(len(text), high + TOKEN_CHARS_MAX), low
    while True:
        begins = [(first, form) for mark, form in _FRAMES if (first := text.find(mark, at, high)) >= 0]
        if not begins:
            return
        first, form = min(begins, key=lambda one: one[0])
        found = form.match(text, first, end)
        at = first + 2 if found is None else found.end()
        if found is not None:
            yield found


def _said(token: re.Match[str]) -> Said | None:
    written = token[0]
    if len(written) > TOKEN_CHARS_MAX:
        raise too_much("a token of encoded text is too long")
    try:
        raw = (
            base64.a85decode(token["ascii85"].encode("ascii")) if token.lastgroup == "ascii85" else b"".join(map(binascii.a2b_uu, token["lines"].splitlines()))
        )
    except ValueError:
        return None
    plain = unpacked(raw) if is_packed(raw) else None
    plain = as_text(raw) if plain is None else plain
    return None if plain is None else (plain, 0)
