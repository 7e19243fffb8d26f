"""Downloads are counted in memory and written together: a row for each would make every reader a writer."""

from __future__ import annotations

import threading

from mpp_registry.catalog.limits import COUNTED_MAX
from mpp_registry.catalog.writing import count_downloads
from mpp_registry.store.ports import Database

SECONDS_OF_A_DAY = 86_400


class Downloads:
    """What was downloaded since the last time it was written. A crash loses these counts, and nothing else."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._guard = threading.Lock()

    def add(self, package_id: str) -> None:
        with self._guard:
            # Attack: somebody who downloads everything fills the memory. Then the rest is not counted until the next write.
            if package_id in self._counts or len(self._counts) < COUNTED_MAX:
                self._counts[package_id] = self._counts.get(package_id, 0) + 1

    def flush(self, database: Database, now: int) -> int:
        """Write what is there; how many downloads it was. What cannot be written is counted again the next time."""
        with self._guard:
            counts, self._counts = self._counts, {}
        if not counts:
            return 0
        is_written = False
        try:
            with database.write() as rows:
                count_downloads(rows, counts, now // SECONDS_OF_A_DAY)
            is_written = True
        finally:
            if not is_written:
                self._give_back(counts)
        return sum(counts.values())

    def _give_back(self, counts: dict[str, int]) -> None:
        with self._guard:
            for package_id, count in counts.items():
                self._counts[package_id] = self._counts.get(package_id, 0) + count
