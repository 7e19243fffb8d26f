"""Events ready to be written, and what their entries are called afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from mpp.model.events import EntryRef, SALT_BYTES

ENDING = frozenset(("result", "receipt", "token-used", "interrupted", "torn", "epoch"))
"""Kinds that end what has begun: for them the reserve is kept. Where a segment is due, they need the next one."""


class Encoded(NamedTuple):
    """In columns: they come in hundreds, and an object for each costs what its hash costs."""

    kinds: Sequence[str]
    data: Sequence[bytes]
    salts: bytes
    """Of each, or zeros where it commits to nothing. Empty where none of them does."""

    def part(self, begin: int, end: int) -> Encoded:
        return Encoded(self.kinds[begin:end], self.data[begin:end], self.salts[begin * SALT_BYTES : end * SALT_BYTES])

    @property
    def is_ending(self) -> bool:
        """Do all of them end what has begun?"""
        return ENDING.issuperset(self.kinds)


to_ref = partial(tuple.__new__, EntryRef)
"""Of a pair of number and leaf hash. It goes past the constructor of a named tuple, which is written in Python."""
