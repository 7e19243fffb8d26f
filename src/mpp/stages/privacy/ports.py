"""What this stage needs of an engine and of its host, as protocols."""

from __future__ import annotations

from typing import Protocol

from mpp.errors import Refused

ONCE = "(?#once)"
"""Begins an expression of which only is asked whether it occurs: it is told once in a scan, at ONCE_AT. So a publisher's pattern cannot flood a scan."""

ONCE_AT = 3
"""Where such an expression is told to be: at the first leaf, behind the mark before it."""


class Scanner(Protocol):
    """Finds all places of all expressions in one go. Both engines give the same places."""

    @property
    def name(self) -> str:
        """``hyperscan`` or ``re2``."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the expressions, in hex."""
        ...

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        """Byte offsets where matches begin, each with the number of its expression: sorted, none twice.

        Of two matches of one expression that end together, the one that begins first is told. Raises Refused ``privacy.limit`` beyond ``most``.
        """
        ...


class Kept(Protocol):
    """Bytes that are kept between two runs of the program. What it gives is what was stored, or nothing."""

    def load(self, name: str) -> bytes | None:
        """None: there is nothing, or it is not sure to be what was stored."""
        ...

    def store(self, name: str, data: bytes) -> None:
        """``name``: letters, digits, ``-`` and ``.``."""
        ...


def too_many(most: int) -> Refused:
    """Attack: a text made of nothing but beginnings, so that judging them takes seconds."""
    return Refused("privacy.limit", f"more than {most} places of the message need a closer look", where="message", hint="answer with less at a time")
