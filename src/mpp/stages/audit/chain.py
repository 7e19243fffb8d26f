"""A stretch of lines: does the chain hold, and what are the hashes? Pure. Spec: audit L-1 to L-3, L-61."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from io import BytesIO
from itertools import chain, count, repeat

from mpp.errors import Fault
from mpp.ledger.tiles import LEVELS, partial_tiles, Tile, TILE_BITS, TILE_HASHES
from mpp.ledger.tree import Hashes, node_hash, root_of
from mpp.limits import KIB
from mpp.model.value import value
from mpp.stages.audit.entry import tail_of
from mpp.stages.audit.limits import LINE_BYTES_MAX

_BEGIN, _END = b'{"event":{', b',"prev":"%b","seq":%d}\n'

_LINE_BYTES_MIN = len(_BEGIN) + len(_END % (b"0" * 64, 0))
"""Bytes of a line with nothing in it, and its line feed."""

_new_leaf = sha256(b"\x00").copy
"""A hash that has its first byte already: without it each line is copied once more."""

_PIECE_BYTES = 128 * KIB
"""Bytes of lines that are followed at a time. Reason: they stay near the processor while they are looked at several times, and a line fits."""

_COPY = "restore the segment from a copy, and find out who changed it"


@value
class Stretch:
    """The lines of one segment, followed."""

    leaves: tuple[bytes, ...]
    prev: str
    """Leaf hash of the last line that holds, in hex."""
    fault: Fault | None
    torn: int
    """Bytes behind the last line feed."""
    last: bytes


Look = Callable[[bytes, int, int], None]
"""Given each line, its number and its offset."""


def follow(data: bytes, first: int, prev: str, where: str, look: Look | None = None) -> Stretch:
    """Follow the chain through ``data``, as far as it holds."""
    end, at, before = data.rfind(b"\n") + 1, 0, prev.encode("ascii")
    leaves, last, fault = list[bytes](), b"", None
    # A reader of lines finds their ends four times as fast as ``split``, and the bytes are not copied for it.
    stream = BytesIO(data)
    while at < end and fault is None:
        lines, seq = stream.readlines(_PIECE_BYTES), first + len(leaves)
        if stream.tell() > end:
            # What stands behind the last line feed is no line.
            lines.pop()
        found = _leaves_if_all_follow(lines, seq, before) if look is None else None
        if found is None:
            found, fault = _one_by_one(lines, seq, before, at, where, look)
        leaves += found
        if found:
            before, last = hexlify(found[-1]), lines[len(found) - 1][:-1]
        at = stream.tell()
    return Stretch(leaves=tuple(leaves), prev=before.decode("ascii"), fault=fault, torn=0 if fault else len(data) - end, last=last)


def _leaves_if_all_follow(lines: Sequence[bytes], seq: int, before: bytes) -> list[bytes] | None:
    """With few steps for each line, which has its line feed. It finds that there is a fault, and not where: then they are followed one by one."""
    # Attack: a segment of empty lines, each with a hash.
    if min(map(len, lines)) < _LINE_BYTES_MIN or max(map(len, lines)) > LINE_BYTES_MAX + 1 or not all(map(bytes.startswith, lines, repeat(_BEGIN))):
        return None
    leaves: list[bytes] = []
    for line in lines:
        leaf = _new_leaf()
        leaf.update(line[:-1])
        leaves.append(leaf.digest())
    # The last leaf has no line behind it, and numbers do not end: the lines say how many there are.
    ends = map(_END.__mod__, zip(chain((before,), map(hexlify, leaves)), count(seq)))
    return leaves if all(map(bytes.endswith, lines, ends)) else None


def _one_by_one(lines: Sequence[bytes], first: int, before: bytes, at: int, where: str, look: Look | None) -> tuple[list[bytes], Fault | None]:
    leaves: list[bytes] = []
    for seq, whole in enumerate(lines, first):
        line = whole[:-1]
        if not whole.endswith(_END % (before, seq)) or not line.startswith(_BEGIN) or len(line) > LINE_BYTES_MAX:
            return leaves, _fault(line, seq, f"{where}: entry {seq}, byte {at}")
        if look is not None:
            look(line, seq, at)
        leaves.append(leaf := sha256(b"\x00" + line).digest())
        before = hexlify(leaf)
        at += len(whole)
    return leaves, None


def _fault(line: bytes, seq: int, where: str) -> Fault:
    found = tail_of(line)
    if found is None or len(line) > LINE_BYTES_MAX:
        return Fault("audit.entry", where, "the line is no entry", _COPY)
    if found[1] != seq:
        return Fault("audit.seq", where, f"entry {seq} should stand here and entry {found[1]} does", _COPY)
    return Fault("audit.chain", where, "the entry does not follow the one before: that one was changed, or this one was put in its place", _COPY)


class Tree:
    """The tree over leaves that come one stretch after the other, as tiles: at most 256 hashes of each level are held."""

    def __init__(self) -> None:
        self.size = 0
        self._rows: list[list[bytes]] = [[] for _ in range(LEVELS)]

    def begin(self, size: int, hashes: Hashes) -> None:
        """Go on from a tree of ``size``, whose hashes somebody keeps. Whoever calls compares the root with one that is proven."""
        self.size = size
        for level in range(LEVELS):
            whole = size >> (TILE_BITS * level)
            self._rows[level] = [hashes.subtree(TILE_BITS * level, index) for index in range(whole - whole % TILE_HASHES, whole)]

    def add(self, leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Gives each tile that becomes full, with what it must hold. Nothing is added before it is asked for."""
        done, row = 0, self._rows[0]
        while done < len(leaves):
            taken = leaves[done : done + TILE_HASHES - len(row)]
            row += taken
            done += len(taken)
            self.size += len(taken)
            if len(row) == TILE_HASHES:
                yield from self._fill_up()

    def _fill_up(self) -> Iterator[tuple[Tile, bytes]]:
        level = 0
        while len(row := self._rows[level]) == TILE_HASHES:
            yield Tile(level, (self.size >> (TILE_BITS * (level + 1))) - 1, TILE_HASHES), b"".join(row)
            level += 1
            self._rows[level].append(root_of(row))
            row.clear()

    def partial(self) -> Iterator[tuple[Tile, bytes]]:
        """The partial tiles of the present size, with what they must hold."""
        for tile in partial_tiles(self.size):
            yield tile, b"".join(self._rows[tile.level])

    def root(self) -> bytes:
        root = b""
        for row in self._rows:
            # From the lowest level up, and from the right to the left.
            rest = row
            while rest:
                width = len(rest) & -len(rest)
                part, rest = root_of(rest[-width:]), rest[:-width]
                root = node_hash(part, root) if root else part
        return root or root_of(())
