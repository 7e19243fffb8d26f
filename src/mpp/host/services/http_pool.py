"""Connections kept for reuse, each for the one package whose rights it was made under."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from mpp.host.services.http_limits import AGE_SECONDS_MAX, IDLE_EACH_MAX, IDLE_MAX, IDLE_SECONDS_MAX
from mpp.host.services.http_line import Line


class Place(NamedTuple):
    """What two requests must share to share a connection."""

    key: str
    """The digest of the rights. Attack: a connection on which one package was logged in, used by another."""
    scheme: str
    host: str
    port: int


class Pool:
    """Idle lines, the newest last. Safe to use from many threads."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._lock = now, threading.Lock()
        self._idle: list[tuple[Place, Line]] = []

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, place: Place, idle_most: float = IDLE_SECONDS_MAX) -> Line | None:
        """A line to ``place`` that is still good, no longer in the pool."""
        self.purge()
        with self._lock:
            for number in range(len(self._idle) - 1, -1, -1):
                found, line = self._idle[number]
                if found == place and self._now() - line.used <= idle_most:
                    del self._idle[number]
                    if line.is_quiet():
                        return line
                    line.close()
        return None

    def put(self, place: Place, line: Line) -> None:
        line.used = self._now()
        dropped: list[Line] = []
        with self._lock:
            self._idle.append((place, line))
            own = [one for one in self._idle if one[0].key == place.key]
            if len(own) > IDLE_EACH_MAX:
                self._idle.remove(own[0])
                dropped.append(own[0][1])
            if len(self._idle) > IDLE_MAX:
                dropped.append(self._idle.pop(0)[1])
        for one in dropped:
            one.close()

    def purge(self) -> None:
        """Close what is too old."""
        with self._lock:
            old = [one for one in self._idle if self._is_old(one[1])]
            self._idle = [one for one in self._idle if not self._is_old(one[1])]
        for _, line in old:
            line.close()

    def _is_old(self, line: Line) -> bool:
        now = self._now()
        return now - line.used > IDLE_SECONDS_MAX or now - line.made > AGE_SECONDS_MAX

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, line in idle:
            line.close()
