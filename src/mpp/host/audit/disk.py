"""The calls by which the log reaches the disk, as one object: tests put one in its place that fails, tears and dies."""

from __future__ import annotations

import os

EARLY_BYTES = 4095
"""Bytes at the end of what was written that begin their way before the sync. Reason: a few entries, and never a whole page, which the kernel would forget."""


class Disk:
    """The real one."""

    def append(self, fd: int, data: bytes, at: int) -> None:
        """All of ``data`` behind what is there, or an OSError; then part of it may be written."""
        if (count := os.pwrite(fd, data, at)) < len(data):
            put_all(fd, data[count:], at + count)

    def put(self, fd: int, data: bytes, at: int) -> None:
        """Salts, and room for the next entries."""
        if (count := os.pwrite(fd, data, at)) < len(data):
            put_all(fd, data[count:], at + count)

    def begin_sync(self, fd: int, end: int) -> None:
        """Have the last bytes before ``end`` written by a call that does not wait: the disk works while we still compute. It promises nothing, and may fail."""
        try:
            os.posix_fadvise(fd, max(0, end - EARLY_BYTES), EARLY_BYTES, os.POSIX_FADV_DONTNEED)
        except OSError:
            # What cannot be written tells the sync.
            return

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)

    def cut(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def reserve(self, fd: int, size: int) -> None:
        os.posix_fallocate(fd, 0, size)


def put_all(fd: int, data: bytes, at: int) -> None:
    while (count := os.pwrite(fd, data, at)) < len(data):
        data, at = data[count:], at + count
