"""Disks that fail, are full, or write half. Tests: test_t63_log_crashes.py."""

from __future__ import annotations

import errno
import os

from mpp.errors import MppError
from mpp.host.audit.disk import Disk
from mpp.host.audit.log import AuditLog
from tests.attack.dying import event


class SickDisk(Disk):
    """Fails with ``error`` at call ``at`` and after it, as long as ``error`` is set; with ``part`` after half of the bytes."""

    def __init__(self, at: int = -1, error: int = 0, *, part: bool = False, only: frozenset[str] = frozenset()) -> None:
        self.at, self.error, self.part, self.only = at, error, part, only
        self.calls = 0
        self.syncs = 0

    def _step(self, name: str) -> bool:
        if self.only and name not in self.only:
            return False
        self.calls += 1
        return bool(self.error) and 0 <= self.at < self.calls

    def _fail(self) -> OSError:
        return OSError(self.error, os.strerror(self.error))

    def append(self, fd: int, data: bytes, at: int) -> None:
        if self._step("append"):
            if self.part:
                super().append(fd, data[: len(data) // 2], at)
            raise self._fail()
        super().append(fd, data, at)

    def put(self, fd: int, data: bytes, at: int) -> None:
        if self._step("put"):
            if self.part:
                super().put(fd, data[: len(data) // 2], at)
            raise self._fail()
        super().put(fd, data, at)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        if self._step("sync"):
            raise self._fail()
        super().sync(fd)

    def cut(self, fd: int, size: int) -> None:
        if self.error != errno.ENOSPC and self._step("cut"):
            raise self._fail()
        super().cut(fd, size)

    def reserve(self, fd: int, size: int) -> None:
        if self._step("reserve"):
            raise self._fail()
        super().reserve(fd, size)


class FullDisk(SickDisk):
    """Has no room until something gives some back: a cut of the reserve gives room for ``free`` more calls."""

    def __init__(self, at: int = -1, *, free: int = 1000, part: bool = False) -> None:
        super().__init__(at, errno.ENOSPC, part=part, only=frozenset(("append", "put", "reserve")))
        self.free, self.was_full = free, False

    def _fail(self) -> OSError:
        self.was_full = True
        return super()._fail()

    def reserve(self, fd: int, size: int) -> None:
        # What a cut gave back is not enough to be put aside again.
        if self.error and self.was_full:
            raise self._fail()
        super().reserve(fd, size)

    def cut(self, fd: int, size: int) -> None:
        if size == 0 and os.readlink(f"/proc/self/fd/{fd}").endswith("reserve") and os.fstat(fd).st_size:
            self.calls -= self.free
        super().cut(fd, size)


class NarrowDisk(Disk):
    """Counts bytes: files grow by no more than ``left``, and what is cut off is there again."""

    def __init__(self) -> None:
        self.left = 1 << 40

    def _grow(self, fd: int, end: int) -> None:
        more = max(0, end - os.fstat(fd).st_size)
        if more > self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= more

    def append(self, fd: int, data: bytes, at: int) -> None:
        self._grow(fd, at + len(data))
        super().append(fd, data, at)

    def put(self, fd: int, data: bytes, at: int) -> None:
        self._grow(fd, at + len(data))
        super().put(fd, data, at)

    def reserve(self, fd: int, size: int) -> None:
        self._grow(fd, size)
        super().reserve(fd, size)

    def cut(self, fd: int, size: int) -> None:
        self.left += max(0, os.fstat(fd).st_size - size)
        super().cut(fd, size)


def outcome(log: AuditLog, kind: str, number: int) -> str:
    try:
        log.record(event(kind, number), durable=kind == "intent")
    except MppError as fault:
        return fault.code
    return "ok"
