"""The real clock and the real randomness."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

READING_SECONDS = 0.001
"""Age of a reading of processor time up to which it is good. Reason: a message has half a second at least, and takes a tenth of a millisecond."""


class SystemClock:
    """The wall clock of this machine."""

    def now(self) -> int:
        return int(time.time())


class FixedClock:
    """One moment, given by the user (``--now``) or by SOURCE_DATE_EPOCH."""

    def __init__(self, moment: int) -> None:
        self._moment = moment

    def now(self) -> int:
        return self._moment


class SystemRandom:
    """The kernel's random numbers."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


class _Read(threading.local):
    """The last reading of a thread, and until when it is good."""

    seconds = 0.0
    until = float("-inf")


class ThreadSeconds:
    """The processor time of the thread that asks, too little by READING_SECONDS at most.

    No thread computes for longer than time passes, so within that time the kernel need not be asked again. Reason: to ask it is a system call, which
    takes a microsecond on a quiet machine and lets others run on a busy one, and who watches a message asks after each few places of it.
    """

    def __init__(self, passed: Callable[[], float] = time.monotonic, computed: Callable[[], float] = time.thread_time) -> None:
        """``passed``: time as it passes for all; ``computed``: processor time of the thread that asks."""
        self._passed, self._computed = passed, computed
        self._read = _Read()

    def __call__(self) -> float:
        now, read = self._passed(), self._read
        if now >= read.until:
            read.seconds, read.until = self._computed(), now + READING_SECONDS
        return read.seconds
