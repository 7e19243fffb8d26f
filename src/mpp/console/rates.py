"""How often something happened in the last minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60.0
"""Seconds over which is counted. Reason: all rates of the console are given a minute."""


class Rate:
    """So many in a minute, and no more."""

    def __init__(self, most: int, moments: Callable[[], float] = time.monotonic) -> None:
        self._most, self._moments = most, moments
        self._taken: deque[float] = deque(maxlen=most)
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Count one; False, and nothing counted, if there were too many."""
        with self._lock:
            if not self._has_room():
                return False
            self._taken.append(self._moments())
            return True

    def is_full(self) -> bool:
        """Would ``take`` say no?"""
        with self._lock:
            return not self._has_room()

    def _has_room(self) -> bool:
        return len(self._taken) < self._most or self._moments() - self._taken[0] >= WINDOW_SECONDS
