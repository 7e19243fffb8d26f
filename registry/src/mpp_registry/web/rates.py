"""How often an address may do what costs something: wrong tokens, reports. In memory of this process."""

from __future__ import annotations

from threading import Lock

from mpp_registry.web.limits import RATED_ADDRESSES_MAX


class Rates:
    """Counts in windows of a fixed length. Each replica counts for itself."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def count(self, what: str, address: str, now: int, window: int) -> int:
        """How many there were in this window, with this one."""
        with self._lock:
            begin, had = self._counts.pop((what, address), (now - now % window, 0))
            if begin != now - now % window:
                begin, had = now - now % window, 0
            self._counts[what, address] = (begin, had + 1)
            while len(self._counts) > RATED_ADDRESSES_MAX:
                # The oldest is the first: whatever is counted moves to the end.
                self._counts.pop(next(iter(self._counts)))
            return had + 1

    def so_far(self, what: str, address: str, now: int, window: int) -> int:
        """How many there were in this window."""
        with self._lock:
            begin, had = self._counts.get((what, address), (0, 0))
            return had if begin == now - now % window else 0
