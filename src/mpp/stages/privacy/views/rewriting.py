"""Make a view by putting something else for tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
import re

from mpp.stages.privacy.views.view import Maker, View

Said = tuple[str, int]
"""What a token stands for, and how many raw characters each character of it has; 0 if all of it stands for the whole token."""


def rewritten(text: str, low: int, high: int, tokens: Iterable[re.Match[str]], said: Callable[[re.Match[str]], Said | None], below: View | None) -> View | None:
    """The range with what is said for each token; None where nothing is said. A token may reach over the end of the range."""
    maker, last = Maker(), low
    for token in tokens:
        plain = said(token)
        if plain is not None:
            start, end = token.span()
            maker.put(text[last:start], last, start, 1)
            maker.put(plain[0], start, end, plain[1])
            last = end
    if last == low:
        return None
    maker.put(text[last:high], last, high, 1)
    return View(maker, below)


def of_bytes(raw: bytes, width: int) -> Said:
    """Bytes as text: each character has ``width`` raw ones where all are ASCII."""
    if raw.isascii():
        return raw.decode("ascii"), width
    try:
        return raw.decode("utf-8"), 0
    except UnicodeDecodeError:
        return raw.decode("latin-1"), 0
