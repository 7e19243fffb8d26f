"""Answers on their way to a pipe, in order. Whoever writes does not wait for whoever reads, until too much is kept.

Attack on oneself: a client that writes a thousand requests before it reads the first answer. If the front waited to write, it would not read, and both would wait for ever.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import time
from collections import deque

from mpp.limits import MIB

KEPT_BYTES_MAX = 16 * MIB
"""Bytes kept for a client that does not read. Reason: the answers to 1,000 calls are less; beyond, calls wait with their answers, and memory stays bounded."""


class Outbox:
    """Used under the lock of its front. Raises OSError where nobody reads any more."""

    def __init__(self, fd: int, most: int = KEPT_BYTES_MAX) -> None:
        self._most = most
        self._kept: deque[memoryview] = deque()
        self._size = 0
        kind = os.fstat(fd).st_mode
        self._socket = socket.socket(fileno=os.dup(fd)) if stat.S_ISSOCK(kind) else None
        self.fd = self._socket.fileno() if self._socket is not None else _opened_anew(fd) if stat.S_ISFIFO(kind) else os.dup(fd)

    @property
    def is_waiting(self) -> bool:
        """Is something kept that is to be written once there is room?"""
        return self._size > 0

    def put(self, data: bytes) -> None:
        """Write, or keep. Waits only while more is kept than may be."""
        self._kept.append(memoryview(data))
        self._size += len(data)
        self.flush()
        while self._size > self._most:
            self._wait(None)
            self.flush()

    def flush(self) -> None:
        """Write what there is room for."""
        while self._kept:
            first = self._kept[0]
            try:
                written = self._write(first)
            except BlockingIOError:
                return
            self._size -= written
            if written < len(first):
                self._kept[0] = first[written:]
            else:
                self._kept.popleft()

    def finish(self, seconds: float) -> None:
        """Write all that is kept, if it is read within so long."""
        until = time.monotonic() + seconds
        while self._size and (left := until - time.monotonic()) > 0:
            self._wait(left)
            self.flush()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(self.fd)

    def _write(self, data: memoryview) -> int:
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        return os.write(self.fd, data)

    def _wait(self, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        poll.poll(None if seconds is None else max(int(seconds * 1000), 1))


def _opened_anew(fd: int) -> int:
    """The same pipe with a mark of its own: not to wait. To mark the one that was given would mark it for all processes that have it."""
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return os.dup(fd)
