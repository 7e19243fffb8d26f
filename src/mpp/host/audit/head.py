"""What all writers of a log share: a page of memory that is also a file. It helps to write and proves nothing.

Everything in it can be made anew from the segments. ``dirty`` is set while it is changed: whoever finds it set, with the lock in
hand, knows that a writer died in between, and reads the segment again. It is never replaced, so that all processes map one file.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import NamedTuple

from mpp.errors import HostFailed
from mpp.files import PRIVATE
from mpp.ledger.tiles import LEVELS, TILE_BITS, TILE_BYTES, TILE_HASHES, Tile
from mpp.ledger.tree import HASH_BYTES, node_hash, root_of

_HASHES_AT = 4096
HEAD_BYTES = _HASHES_AT + LEVELS * TILE_BYTES

_MAGIC = b"mpphead2"
_IN_ORDER = bytes(16)
"""Neither dirty nor poisoned."""

_MAGIC_AT, _BOOT_AT, _DURABLE_AT, _FULL_AT, _LEAF_AT = 0, 8, 40, 48, 96
_DIRTY, _POISON, _DURABLE, _FULL, _SIGNED, _SIZE, _EPOCH, _FIRST, _FILLED = 3, 4, 5, 6, 7, 8, 9, 10, 11
_BEGAN, _ROOM = 17, 18
"""Places of the words, counted in words."""


class State(NamedTuple):
    """Where the log ends."""

    size: int
    epoch: int
    """The number of the open segment."""
    first: int
    """Its first entry."""
    filled: int
    """Its bytes."""
    leaf: bytes
    """The hash of the last entry."""


class Head:
    """The page, mapped. Without the lock only ``durable``, ``size`` and the flags may be read."""

    def __init__(self, path: str) -> None:
        self._map = _mapped(path)
        # Each word is read and written in one piece. Attack: half of a number of another process, read as the count of what is on the disk.
        self._words = memoryview(self._map)[:_HASHES_AT].cast("Q")

    def close(self) -> None:
        self._words.release()
        self._map.close()

    def _put(self, place: int, number: int) -> None:
        self._words[place] = number

    def is_of(self, boot: bytes) -> bool:
        """Was it made since this machine started? What an earlier start left says nothing about what is on the disk."""
        return self._map[_MAGIC_AT : _MAGIC_AT + 8] == _MAGIC and self._map[_BOOT_AT : _BOOT_AT + 16] == boot

    def begin(self, boot: bytes) -> None:
        """Empty again; the poison stays until a person takes it away, and what is known to be durable as long as the machine runs.

        Attack: a log that is refused once because its end is gone, and healed at the second try, which no longer knows what was there.
        """
        poisoned, durable = self.poisoned, self.durable if self.is_of(boot) else 0
        self._put(_DIRTY, 1)
        # One word each: who dies here leaves a head that is dirty, poisoned and durable as before.
        self._put(_DURABLE, durable)
        self._put(_POISON, poisoned)
        self._map[_FULL_AT:_HASHES_AT] = bytes(_HASHES_AT - _FULL_AT)
        self._map[_BOOT_AT : _BOOT_AT + 16] = boot
        self._map[_MAGIC_AT : _MAGIC_AT + 8] = _MAGIC

    @property
    def dirty(self) -> bool:
        return self._words[_DIRTY] != 0

    @dirty.setter
    def dirty(self, is_set: bool) -> None:
        self._put(_DIRTY, int(is_set))

    @property
    def poisoned(self) -> int:
        return self._words[_POISON] if self._map[_MAGIC_AT : _MAGIC_AT + 8] == _MAGIC else 0

    @poisoned.setter
    def poisoned(self, error: int) -> None:
        self._put(_POISON, error)

    @property
    def durable(self) -> int:
        """Entries that are on the disk."""
        return self._words[_DURABLE]

    @durable.setter
    def durable(self, size: int) -> None:
        self._put(_DURABLE, size)

    @property
    def full(self) -> bool:
        """Has the reserve been used?"""
        return self._words[_FULL] != 0

    @full.setter
    def full(self, is_set: bool) -> None:
        self._put(_FULL, int(is_set))

    def covered(self, size: int) -> int:
        """How many entries a sync that begins now puts on the disk, for who wrote up to ``size``.

        A segment is synced whole when it is sealed: of entries in later ones this sync says nothing, and does not count them.
        The segment before and after: it may end, or be read again by who mends a crash, while we look.
        """
        words = self._words
        first, written = words[_FIRST], words[_SIZE]
        return written if first == words[_FIRST] < size else size

    @property
    def signed_at(self) -> int:
        """Second of the newest checkpoint."""
        return self._words[_SIGNED]

    @signed_at.setter
    def signed_at(self, now: int) -> None:
        self._put(_SIGNED, now)

    @property
    def size(self) -> int:
        return self._words[_SIZE]

    @property
    def epoch(self) -> int:
        return self._words[_EPOCH]

    @property
    def first(self) -> int:
        """The first entry of the open segment."""
        return self._words[_FIRST]

    @property
    def filled(self) -> int:
        """Bytes of the open segment."""
        return self._words[_FILLED]

    @property
    def began(self) -> int:
        """Second of the first entry of the open segment."""
        return self._words[_BEGAN]

    @began.setter
    def began(self, now: int) -> None:
        self._put(_BEGAN, now)

    @property
    def room(self) -> int:
        """Bytes that the file of the open segment has, with the zeros at its end."""
        return self._words[_ROOM]

    @room.setter
    def room(self, count: int) -> None:
        self._put(_ROOM, count)

    def state(self) -> State:
        words = self._words
        # Past the constructor of a named tuple, which is written in Python.
        return tuple.__new__(State, (words[_SIZE], words[_EPOCH], words[_FIRST], words[_FILLED], self._map[_LEAF_AT : _LEAF_AT + HASH_BYTES]))

    def is_ready(self, boot: bytes) -> bool:
        """In order, of this start of the machine, and not poisoned? One look, because each entry needs it."""
        return self._map[:_DURABLE_AT] == _MAGIC + boot + _IN_ORDER

    def set_state(self, size: int, epoch: int, first: int, count: int, leaf: bytes) -> None:
        """The size last: who reads without the lock finds the segment of an entry no later than the entry."""
        words = self._words
        self._map[_LEAF_AT : _LEAF_AT + HASH_BYTES] = leaf
        words[_EPOCH], words[_FIRST], words[_FILLED] = epoch, first, count
        words[_SIZE] = size

    def add_leaves(self, seq: int, leaves: bytes) -> list[tuple[Tile, bytes]]:
        """Put the hashes of the entries from ``seq`` on into the pending tiles; gives those that became full."""
        full: list[tuple[Tile, bytes]] = []
        done = 0
        while done < len(leaves):
            at = (seq & (TILE_HASHES - 1)) * HASH_BYTES
            taken = leaves[done : done + TILE_BYTES - at]
            self._map[_HASHES_AT + at : _HASHES_AT + at + len(taken)] = taken
            done += len(taken)
            seq += len(taken) // HASH_BYTES
            if not seq & (TILE_HASHES - 1):
                full += self._fill_up(seq)
        return full

    def _fill_up(self, size: int) -> Iterator[tuple[Tile, bytes]]:
        """A tile of the lowest level is full: it becomes one hash of the level above, and so on."""
        for level in range(LEVELS):
            number = (size >> (TILE_BITS * (level + 1))) - 1
            start = _HASHES_AT + level * TILE_BYTES
            data = self._map[start : start + TILE_BYTES]
            yield Tile(level, number, TILE_HASHES), data
            at = start + TILE_BYTES + (number & (TILE_HASHES - 1)) * HASH_BYTES
            self._map[at : at + HASH_BYTES] = root_of(_split(data))
            if (number + 1) & (TILE_HASHES - 1):
                return

    def put_pending(self, level: int, data: bytes) -> None:
        start = _HASHES_AT + level * TILE_BYTES
        self._map[start : start + len(data)] = data

    def pending(self, level: int, size: int) -> bytes:
        """The hashes of the partial tile of this level in a tree of ``size``, which is the present one."""
        start, width = _HASHES_AT + level * TILE_BYTES, (size >> (TILE_BITS * level)) & (TILE_HASHES - 1)
        return self._map[start : start + width * HASH_BYTES]

    def root(self) -> bytes:
        """The root of the present tree."""
        return self.root_at(self.size)

    def root_at(self, size: int) -> bytes:
        """The root of a tree of ``size``, whose pending hashes are here."""
        root = b""
        for level in range(LEVELS):
            for part in _smallest_first(_split(self.pending(level, size))):
                # From the lowest level up, and from the right to the left.
                root = node_hash(part, root) if root else part
        return root or root_of(())


def _split(data: bytes) -> list[bytes]:
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def _smallest_first(hashes: list[bytes]) -> list[bytes]:
    """The roots of the full subtrees of a partial tile, from the right, where the smallest is, to the left."""
    out: list[bytes] = []
    while hashes:
        width = len(hashes) & -len(hashes)
        out.append(root_of(hashes[-width:]))
        hashes = hashes[:-width]
    return out


def _mapped(path: str) -> mmap.mmap:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    try:
        # Room for all of it first: a hole that the full disk cannot fill would kill the process that writes there.
        os.posix_fallocate(fd, 0, HEAD_BYTES)
        return mmap.mmap(fd, HEAD_BYTES)
    except OSError as fault:
        raise HostFailed("audit.write", f"cannot prepare the log: {fault.strerror}", where=path, hint="see that the disk has room") from None
    finally:
        os.close(fd)
