"""Hashes in tiles of 256, as C2SP tlog-tiles lays them out: a proof needs a few tiles and never the log. Pure.

Spec: audit L-10, L-11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mpp.ledger.tree import HASH_BYTES, root_of

TILE_BITS = 8
TILE_HASHES = 1 << TILE_BITS
TILE_BYTES = TILE_HASHES * HASH_BYTES

LEVELS = 8
"""Levels of tiles. Reason: they hold 2^64 entries."""


class Tile(NamedTuple):
    """One tile; ``width`` is less than 256 for a partial one."""

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """Its place below ``tile/``."""
        digits = f"{self.number:03d}"
        digits = digits.zfill((len(digits) + 2) // 3 * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        name = "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
        return f"{self.level}/{name}" + ("" if self.width == TILE_HASHES else f".p/{self.width}")


def partial_tiles(size: int) -> Iterator[Tile]:
    """The partial tiles of a tree of ``size``, which are not kept while it grows."""
    for level in range(LEVELS):
        whole = size >> (TILE_BITS * level)
        if whole & (TILE_HASHES - 1):
            yield Tile(level, whole >> TILE_BITS, whole & (TILE_HASHES - 1))


def full_tiles(old: int, size: int) -> Iterator[Tile]:
    """The tiles that become full while the tree grows from ``old`` to ``size``."""
    for level in range(LEVELS):
        bits = TILE_BITS * (level + 1)
        yield from (Tile(level, index, TILE_HASHES) for index in range(old >> bits, size >> bits))


ReadTile = Callable[[Tile], bytes]
"""Gives the hashes of a tile, one after the other."""


class TileHashes:
    """The subtrees of a tree of ``size``, read from tiles. It keeps the tiles of one proof, and no more than a proof needs."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self._size, self._read = size, read
        self._kept: dict[tuple[int, int], bytes] = {}

    def subtree(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_BITS)
        begin = index << height
        number, at = begin >> TILE_BITS, begin & (TILE_HASHES - 1)
        data = self._tile(tile_level, number)
        count = 1 << height
        return root_of([data[i * HASH_BYTES : (i + 1) * HASH_BYTES] for i in range(at, at + count)])

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._kept:
            width = min(TILE_HASHES, (self._size >> (TILE_BITS * level)) - (number << TILE_BITS))
            self._kept[level, number] = self._read(Tile(level, number, width))
        return self._kept[level, number]
