"""One call computes at a time, and steps aside while it waits. A courtesy between threads, never a lock that anything depends on.

Python lets one thread compute anyway. Without this, sixteen calls pass its lock among them at each system call, and all of them take half as long again.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TypeVar

from mpp.errors import MppError
from mpp.ports import Steps

T = TypeVar("T")

PATIENCE_SECONDS = 0.05
"""Seconds that a call waits for its turn before it goes on without one. Reason: a few dozen calls' worth; whoever holds it longer waits for something else."""


class _Here(threading.local):
    """What a thread has. Named here: to miss an attribute costs as much as a system call."""

    lane: Lane | None = None


_here = _Here()


class Lane:
    """One for a host. ``with lane`` is the work of one call, in its thread."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def __enter__(self) -> None:
        self.take()

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.leave()

    def take(self) -> None:
        """Wait for the turn, within reason."""
        _here.lane = self if self._turn.acquire(timeout=PATIENCE_SECONDS) else None

    def leave(self) -> None:
        """Give it back, if it was got."""
        if _here.lane is self:
            _here.lane = None
            self._turn.release()


def in_turn(lane: Lane, steps: Steps[T]) -> Steps[T]:
    """The same steps, each with its turn. Between two of them others have it, whoever drives them, and in whatever thread the next one is."""
    fault: MppError | None = None
    try:
        while True:
            with lane:
                wait = next(steps) if fault is None else steps.throw(fault)
            try:
                yield wait
            except MppError as thrown:
                fault = thrown
            else:
                fault = None
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()


class waiting:  # noqa: N801 - it is used as a function is, and a generator costs three times as much in each call
    """``with waiting()``: whatever waits for a process, a disk or the network; others compute meanwhile. Outside of a lane it does nothing."""

    __slots__ = ("_lane",)

    def __enter__(self) -> None:
        self._lane = lane = _here.lane
        if lane is not None:
            lane.leave()

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._lane is not None:
            self._lane.take()
