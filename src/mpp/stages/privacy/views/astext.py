"""Bytes as text, where they are text for the most part or to begin with."""

from __future__ import annotations

from mpp.stages.privacy.later import on_use
from mpp.stages.privacy.views.limits import DECODED_CHARS_MIN

BETWEEN_RUNS = "\n\x00\n"
"""Between two texts of one file: no expression matches across."""
_BAD = on_use("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_BAD_SHARE = 10
"""One character in so many may be unprintable. Reason: a mark or two in a text hide nothing of it, and random bytes have half of them."""
HEAD_CHARS = 12
"""Printable characters with which a token must begin if the rest of it is no text. Reason: random bytes do so once in a billion."""


def as_text(raw: bytes) -> str | None:
    """The text; None where it is none."""
    is_wide = len(raw) >= 2 * DECODED_CHARS_MIN and not any(raw[1 : 2 * DECODED_CHARS_MIN : 2])
    is_marked = raw[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = raw.decode("utf-16" if is_marked else "utf-16-le" if is_wide else "utf-8", "replace")
    if len(text) < DECODED_CHARS_MIN:
        return None
    first = _BAD.search(text)
    if first is None or len(_BAD.findall(text)) * _BAD_SHARE <= len(text):
        return text
    return text[: first.start()] if first.start() >= HEAD_CHARS else None
