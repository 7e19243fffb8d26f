"""What has been spent, in the memory of one process: enough for approvals that do not leave it."""

from __future__ import annotations

import threading


class SpentHere:
    """Safe to use from several threads. What has expired is forgotten: it can be used no more in any case."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: dict[tuple[str, str], int] = {}

    def spend(self, kind: str, name: str, until: int, now: int) -> bool:
        with self._lock:
            self._spent = {one: end for one, end in self._spent.items() if end >= now}
            is_first = (kind, name) not in self._spent
            self._spent[kind, name] = max(until, self._spent.get((kind, name), until))
        return is_first
