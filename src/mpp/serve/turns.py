"""Two threads take turns at reading: one reads and does short work itself, the other takes over when that work turns out to be long.

Measured: to hand a call to another thread costs several times the call's own work in a front. So the reader does short calls itself.
It cannot read meanwhile, and a client that cancels must be heard: the other thread looks now and then, and only while there is something to look at.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from typing import TypeVarTuple

Given = TypeVarTuple("Given")

TICK_SECONDS = 0.02
"""Seconds after which work counts as long, and between two looks. Reason: a cancellation is heard forty milliseconds late at worst, and the looks cost next to nothing; most calls are over before the first."""

CALM_TICKS = 12
"""Looks without work after which the second thread sleeps until it is rung for. Reason: an idle server uses no processor time."""


class Turns:
    """Who leads. The leader calls ``busy``, the other thread ``stand_by``; they may swap at the end of each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = 0.0
        """When the leader began its work; 0: it reads."""
        self._began = 0.0
        """When that work began, also once somebody else leads."""
        self._done = 0
        """How often it did."""
        self._taken = False
        """The other thread leads, and the one that worked does not know yet."""
        self._calm = False
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def close(self) -> None:
        os.close(self._bell)

    @property
    def is_taken(self) -> bool:
        """Does the other thread lead, while the one that worked still works? Whoever leads then is not relieved by anybody."""
        return self._taken

    def worked_for(self) -> float:
        """Seconds since the work began that the other thread took over from; of use while it is taken."""
        return time.monotonic() - self._began

    def ring(self) -> None:
        """Wake whoever stands by."""
        os.eventfd_write(self._bell, 1)

    def busy(self, work: Callable[[*Given], None], *given: *Given) -> bool:
        """Do work as the leader. False: the other thread leads now."""
        now = time.monotonic()
        with self._lock:
            self._since = self._began = now
            self._done += 1
            calm, self._calm = self._calm, False
        if calm:
            self.ring()
        work(*given)
        with self._lock:
            if self._taken:
                self._taken = False
                return False
            self._since = 0.0
        return True

    def stand_by(self, over: Callable[[], bool]) -> bool:
        """Wait until the lead must be taken. False: all is over."""
        seen, quiet = -1, 0
        while not over():
            time.sleep(TICK_SECONDS)
            with self._lock:
                if self._since and time.monotonic() - self._since >= TICK_SECONDS:
                    self._since, self._taken = 0.0, True
                    return True
                seen, quiet = self._done, 0 if self._since or self._done != seen else quiet + 1
                self._calm = quiet >= CALM_TICKS
            if quiet >= CALM_TICKS:
                self._sleep()
                quiet = 0
        return False

    def _sleep(self) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        poll.poll()
        os.eventfd_read(self._bell)
