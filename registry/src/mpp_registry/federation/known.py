"""Answers that are kept for a moment: who has a package, and that nobody has it. Bounded by number, bytes and time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from mpp.model.value import value

from mpp_registry.federation.limits import KNOWN_BYTES_MAX, KNOWN_MAX, KNOWN_SECONDS, UNKNOWN_SECONDS

T = TypeVar("T")


@value
class Bounds:
    """How much is kept, and for how long. Tests keep less."""

    entries: int = KNOWN_MAX
    size: int = KNOWN_BYTES_MAX
    seconds: float = KNOWN_SECONDS
    absent_seconds: float = UNKNOWN_SECONDS


class Known(Generic[T]):
    """Safe to use from several threads. The oldest goes first."""

    def __init__(self, moment: Callable[[], float], size_of: Callable[[T], int], bounds: Bounds | None = None) -> None:
        self._moment, self._size_of, self._bounds = moment, size_of, bounds or Bounds()
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, tuple[float, int, T | None]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows)

    def find(self, name: str) -> tuple[bool, T | None]:
        """Is something known of it, and what? None: that nobody has it."""
        with self._lock:
            found = self._rows.get(name)
            if found is None:
                return False, None
            if found[0] <= self._moment():
                self._drop(name)
                return False, None
            return True, found[2]

    def keep(self, name: str, found: T | None) -> None:
        # An absent one counts as well: names that nobody has cost nothing to make up.
        size = len(name) + 64 + (self._size_of(found) if found is not None else 0)
        seconds = self._bounds.seconds if found is not None else self._bounds.absent_seconds
        with self._lock:
            self._drop(name)
            self._rows[name] = (self._moment() + seconds, size, found)
            self._size += size
            while len(self._rows) > self._bounds.entries or self._size > self._bounds.size:
                self._drop(next(iter(self._rows)))

    def forget(self) -> None:
        with self._lock:
            self._rows.clear()
            self._size = 0

    def _drop(self, name: str) -> None:
        gone = self._rows.pop(name, None)
        if gone is not None:
            self._size -= gone[1]
