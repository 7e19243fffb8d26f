"""Which part of a text is read anew around a place."""

from __future__ import annotations

from mpp.stages.privacy.views.limits import BLOCK_CHARS, EDGE_CHARS, KEY_CHARS_MAX, ROOM_CHARS

_WHOLE = BLOCK_CHARS + 2 * EDGE_CHARS


def block_end(text: str, at: int) -> int:
    """Where the block of ``at`` ends: all places before it have the same views."""
    return len(text) if len(text) <= _WHOLE else (at // BLOCK_CHARS + 1) * BLOCK_CHARS


def region(text: str, at: int) -> tuple[int, int]:
    """The whole of a short text; of a longer one the block of ``at`` and an edge on either side, so that regions overlap."""
    if len(text) <= _WHOLE:
        return 0, len(text)
    first = at // BLOCK_CHARS * BLOCK_CHARS
    low, high = max(0, first - EDGE_CHARS), min(len(text), first + BLOCK_CHARS + EDGE_CHARS)
    low = max(text.rfind(" ", max(0, low - ROOM_CHARS), low) + 1, 0) or low
    space = text.find(" ", high, high + ROOM_CHARS)
    high = high if space < 0 else space
    # A private key may be longer than an edge: the region reaches to its end.
    if text.find("-----BEGIN", low, high) >= 0:
        end = text.find("-----END", high, high + KEY_CHARS_MAX)
        high = high if end < 0 else min(len(text), end + ROOM_CHARS)
    return low, high
