"""The calls by which the log reaches the disk, as one object: tests put one in its place that fails, tears and dies."""

from __future__ import annotations

import os


class Disk:
    """The real one."""

    def append(self, fd: int, data: bytes, at: int) -> None:
        """All of ``data`` behind what is there, or an OSError; then part of it may be written."""
        put_all(fd, data, at)

    def put(self, fd: int, data: bytes, at: int) -> None:
        """Salts, and room for the next entries."""
        put_all(fd, data, at)

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)

    def cut(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def reserve(self, fd: int, size: int) -> None:
        os.posix_fallocate(fd, 0, size)


def put_all(fd: int, data: bytes, at: int) -> None:
    while (count := os.pwrite(fd, data, at)) < len(data):
        data, at = data[count:], at + count
