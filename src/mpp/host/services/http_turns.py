"""Who is next: a bounded number of requests at once, fewer for each package, the packages taking turns."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Safe to use from many threads."""

    def __init__(self, at_once: int, at_once_each: int, waiting: int) -> None:
        self._at_once, self._each, self._waiting = at_once, at_once_each, waiting
        self._lock = threading.Lock()
        self._queues: dict[str, deque[T]] = {}
        self._running: Counter[str] = Counter()

    def offer(self, key: str, job: T) -> bool:
        """Take ``job`` into the queue of ``key``; False if there is no room."""
        with self._lock:
            if sum(map(len, self._queues.values())) >= self._waiting:
                return False
            self._queues.setdefault(key, deque()).append(job)
            return True

    def start(self) -> tuple[str, T] | None:
        """The next job that may run, if any; ``finish`` must follow."""
        with self._lock:
            if self._running.total() >= self._at_once:
                return None
            key = next((one for one in self._queues if self._running[one] < self._each), None)
            if key is None:
                return None
            queue = self._queues.pop(key)
            job = queue.popleft()
            if queue:
                self._queues[key] = queue  # at the end: the others come first
            self._running[key] += 1
            return key, job

    def finish(self, key: str) -> None:
        with self._lock:
            self._running[key] -= 1
            if self._running[key] <= 0:
                del self._running[key]

    def drain(self) -> list[T]:
        """All that wait, no longer waiting."""
        with self._lock:
            queues, self._queues = self._queues, {}
            return [job for queue in queues.values() for job in queue]
