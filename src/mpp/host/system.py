"""The real clock and the real randomness."""

from __future__ import annotations

import os
import time


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
