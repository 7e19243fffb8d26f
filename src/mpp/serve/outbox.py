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

LOOK_SECONDS = 0.5
"""Seconds between two looks at whether a client that reads nothing is still waited for. Reason: the answer may change while one waits."""


class Outbox:
    """Used under the lock of its front. Raises OSError where nobody reads any more."""

    def __init__(self, fd: int, most: int = KEPT_BYTES_MAX) -> None:
        self._most = most
        self._kept: deque[memoryview] = deque()
        self._size = 0
        self._patience: float | None = None
        """Seconds for which what is kept may lie unread; None: as long as the client likes."""
        self._moved = 0.0
        """When something of it was last read, while it has lain."""
        kind = os.fstat(fd).st_mode
        self._socket = socket.socket(fileno=os.dup(fd)) if stat.S_ISSOCK(kind) else None
        self.fd = self._socket.fileno() if self._socket is not None else _opened_anew(fd) if stat.S_ISFIFO(kind) else os.dup(fd)

    @property
    def is_waiting(self) -> bool:
        """Is something kept that is to be written once there is room?"""
        return self._size > 0

    def be_patient(self, seconds: float) -> None:
        """From now on what is kept may lie unread for so long. By any thread, also while another one waits in ``put``."""
        self._moved, self._patience = 0.0, seconds

    def put(self, data: bytes) -> None:
        """Write, or keep. Waits only while more is kept than may be."""
        rest = memoryview(data) if self._kept else self._left_of(data)
        if not rest:
            return
        self._kept.append(rest)
        self._size += len(rest)
        self.flush()
        while self._size > self._most:
            self._wait(LOOK_SECONDS)
            self.flush()

    def _left_of(self, data: bytes) -> memoryview:
        """Write it at once, as it nearly always can be: what could not be written."""
        try:
            written = self._write(data)
        except BlockingIOError:
            written = 0
        self._moved = 0.0
        return memoryview(data)[written:]

    def flush(self) -> None:
        """Write what there is room for. Raises TimeoutError where nothing of it was read for longer than the patience."""
        while self._kept:
            first = self._kept[0]
            try:
                written = self._write(first)
            except BlockingIOError:
                self._judge_patience()
                return
            self._moved = 0.0
            self._size -= written
            if written < len(first):
                self._kept[0] = first[written:]
            else:
                self._kept.popleft()

    def _judge_patience(self) -> None:
        now = time.monotonic()
        self._moved = self._moved or now
        if self._patience is not None and now - self._moved > self._patience:
            raise TimeoutError("nobody reads")

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

    def _write(self, data: bytes | memoryview) -> int:
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        return os.write(self.fd, data)

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        poll.poll(max(int(seconds * 1000), 1))


def _opened_anew(fd: int) -> int:
    """The same pipe with a mark of its own: not to wait. To mark the one that was given would mark it for all processes that have it."""
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return os.dup(fd)
