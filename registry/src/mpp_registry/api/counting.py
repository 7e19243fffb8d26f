"""Downloads are counted in memory and written together, so that none waits for the database. A crash loses a few counts."""

from __future__ import annotations

from threading import Lock

from mpp.limits import DAY_SECONDS
from mpp.ports import Clock
from mpp_registry.api.limits import COUNTED_MAX
from mpp_registry.store.ports import Database

_PACKAGE = "UPDATE packages SET downloads = downloads + ? WHERE package_id = ?"
_DAY = (
    "INSERT INTO downloads_daily (package_id, day, count) VALUES (?, ?, ?) "
    "ON CONFLICT (package_id, day) DO UPDATE SET count = downloads_daily.count + excluded.count"
)


class Counter:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[tuple[str, int], int] = {}
        self.total = 0

    def count(self, package_id: str) -> None:
        key = package_id, self._clock.now() // DAY_SECONDS
        with self._lock:
            self.total += 1
            # Attack: downloads of ever other packages while the database is away. What does not fit is not counted.
            if key in self._counts or len(self._counts) < COUNTED_MAX:
                self._counts[key] = self._counts.get(key, 0) + 1

    @property
    def is_full(self) -> bool:
        return len(self._counts) >= COUNTED_MAX

    def write(self, database: Database) -> int:
        """How many downloads it wrote. What could not be written is kept for the next time."""
        with self._lock:
            taken, self._counts = self._counts, {}
        if not taken:
            return 0
        left = taken
        try:
            with database.write() as rows:
                rows.many(_PACKAGE, [(count, package_id) for (package_id, _), count in sorted(taken.items())])
                rows.many(_DAY, [(package_id, day, count) for (package_id, day), count in sorted(taken.items())])
            left = {}
        finally:
            with self._lock:
                for key, count in left.items():
                    self._counts[key] = self._counts.get(key, 0) + count
        return sum(taken.values())
