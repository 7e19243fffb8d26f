"""The salts of the entries, beside the log: one file for each segment, 32 bytes for each entry. Spec: audit L-40, L-41.

Zeros stand where an entry commits to nothing, and where a salt was erased.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from mpp.errors import HostFailed, Refused
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.model.events import SALT_BYTES

COPY_BYTES = 1 << 20
"""Bytes of salts that are looked at and overwritten at a time. Reason: a whole segment has two of these."""

NO_SALT = bytes(SALT_BYTES)


def first_of(places: LogPlaces, seq: int) -> int:
    """The first entry of the segment that holds entry ``seq``."""
    firsts = list(segment_files(places.segments))
    at = bisect_right(firsts, seq)
    if not at:
        raise Refused("audit.no_entry", f"the record has no entry {seq}", where=places.folder, hint="see what there is: mpp audit stats")
    return firsts[at - 1]


def read_salt(places: LogPlaces, seq: int) -> bytes:
    """The salt of an entry; ``NO_SALT`` where there is none, or none any more."""
    first = first_of(places, seq)
    with _opened(places.salts(first), os.O_RDONLY) as fd:
        found = b"" if fd < 0 else os.pread(fd, SALT_BYTES, (seq - first) * SALT_BYTES)
    return found if len(found) == SALT_BYTES else NO_SALT


def sync_salt(places: LogPlaces, seq: int) -> None:
    """What hangs on the salt of this entry is about to be written: after a power cut it must not be there alone."""
    with _opened(places.salts(first_of(places, seq)), os.O_RDWR) as fd:
        if fd >= 0:
            os.fdatasync(fd)


def erase_salts(places: LogPlaces, ranges: list[tuple[int, int]]) -> int:
    """Overwrite the salts of all entries in ``ranges`` (both ends count) where they stand; how many there were. To do it again does nothing."""
    firsts = list(segment_files(places.segments))
    erased = 0
    for number, first in enumerate(firsts):
        end = firsts[number + 1] if number + 1 < len(firsts) else None
        inside = [(max(a, first), b if end is None else min(b, end - 1)) for a, b in ranges if b >= first and (end is None or a < end)]
        if inside:
            erased += _erase_in(places.salts(first), first, inside)
    return erased


def _erase_in(path: str, first: int, ranges: list[tuple[int, int]]) -> int:
    erased = 0
    with _opened(path, os.O_RDWR) as fd:
        if fd < 0:
            return 0
        size = os.fstat(fd).st_size
        for begin, end in ranges:
            # Bytes behind the end of the file were never written.
            at, stop = (begin - first) * SALT_BYTES, min((end + 1 - first) * SALT_BYTES, size)
            while at < stop:
                erased += _zero(fd, at, min(COPY_BYTES, stop - at))
                at += COPY_BYTES
        # Also when nothing was left to do: an earlier try may have been cut off before this.
        os.fdatasync(fd)
    return erased


def _zero(fd: int, at: int, count: int) -> int:
    found = os.pread(fd, count, at)
    salts = [found[i : i + SALT_BYTES] for i in range(0, len(found), SALT_BYTES)]
    erased = sum(any(one) for one in salts)
    done = 0
    while erased and done < len(found):
        done += os.pwrite(fd, bytes(len(found) - done), at + done)
    return erased


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    """A descriptor; -1 where there is no file, because no entry of the segment has a salt."""
    try:
        try:
            fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            yield -1
            return
        try:
            yield fd
        finally:
            os.close(fd)
    except OSError as fault:
        raise HostFailed("audit.salts", f"the salts of the log cannot be used: {fault.strerror}", where=path, hint="check that they are yours") from None


class SaltsRead:
    """Whether entries have a salt, asked in the order of the log."""

    def __init__(self, places: LogPlaces) -> None:
        self._places, self._firsts = places, list(segment_files(places.segments))
        self._first = -1
        self._data = b""

    def has(self, seq: int) -> bool:
        at = bisect_right(self._firsts, seq)
        first = self._firsts[at - 1] if at else 0
        if first != self._first:
            self._first, self._data = first, self._load(first)
        begin = (seq - first) * SALT_BYTES
        return any(self._data[begin : begin + SALT_BYTES])

    def _load(self, first: int) -> bytes:
        with _opened(self._places.salts(first), os.O_RDONLY) as fd:
            return b"" if fd < 0 else os.pread(fd, os.fstat(fd).st_size, 0)
