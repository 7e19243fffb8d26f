"""One call computes at a time, and steps aside while it waits. A courtesy between threads, never a lock that anything depends on.

Python lets one thread compute anyway. Without this, sixteen calls pass its lock among them at each system call, and all of them take half as long again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 0.05
"""Seconds that a call waits for its turn before it goes on without one. Reason: a few dozen calls' worth; whoever holds it longer waits for something else."""

_here = threading.local()


class Lane:
    """One for a host."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """The work of one call, in its thread."""
        self._take()
        try:
            yield
        finally:
            self._leave()

    def _take(self) -> None:
        _here.lane = self if self._turn.acquire(timeout=PATIENCE_SECONDS) else None

    def _leave(self) -> None:
        if getattr(_here, "lane", None) is self:
            _here.lane = None
            self._turn.release()


@contextmanager
def waiting() -> Iterator[None]:
    """Whatever waits for a process, a disk or the network: others compute meanwhile. Outside of a lane it does nothing."""
    lane: Lane | None = getattr(_here, "lane", None)
    if lane is None:
        yield
        return
    lane._leave()  # noqa: SLF001 - one thing with two halves
    try:
        yield
    finally:
        lane._take()  # noqa: SLF001 - as above
