"""A crew of threads that do calls: as many as are needed, bounded, each with a descriptor by which its call is ended."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable

THREADS_MAX = 32
"""Calls of one client that run at a time. Reason: each may hold a sandbox process; more wait their turn."""

QUEUED_MAX = 992
"""Calls that wait for a thread. Reason: with those that run they are 1,024; beyond, a clear word is better than a late answer."""

Work = Callable[[int], None]
"""What a thread does. It is given the descriptor that becomes readable when nobody waits for it any more."""


class Crew:
    """``put`` is called from one thread. The work is done in the order in which it came, by up to ``most`` threads at a time."""

    def __init__(self, *, most: int = THREADS_MAX, queued: int = QUEUED_MAX, say: Callable[[str], None] | None = None) -> None:
        self._most, self._queued = most, queued
        self._say = say or _on_stderr
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0
        """Threads that wait, less the work that waits for them."""
        self._threads: list[threading.Thread] = []

    def put(self, work: Work, *, begun: bool = False) -> bool:
        """Do ``work`` soon. False: too much waits already, and it is not done. What has ``begun`` is never turned away: the record waits for its end."""
        with self._lock:
            if self._free <= -self._queued and not begun:
                return False
            self._free -= 1
            more = self._free < 0 and len(self._threads) < self._most
        if more:
            self._start()
        self._work.put(work)
        return True

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"mpp-call-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        with self._lock:
            self._free += 1
        thread.start()

    def _serve(self) -> None:
        gone = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            while (work := self._work.get()) is not None:
                guarded(work, gone, self._say)
                with self._lock:
                    self._free += 1
        finally:
            os.close(gone)

    def guard(self, work: Work, gone: int) -> None:
        """Do it in this thread, as one of the crew would."""
        guarded(work, gone, self._say)

    def close(self, seconds: float) -> bool:
        """Let the threads end, and wait for them so long at most. True if they have."""
        until = time.monotonic() + seconds
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)


def guarded(work: Work, gone: int, say: Callable[[str], None] | None = None) -> None:
    """Do it, whatever it raises."""
    try:
        work(gone)
    except Exception as fault:  # noqa: BLE001 - a defect in one call must not end the thread that serves the others
        # The words of it may hold what a tool said: only its kind and place are told.
        at = fault.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}" if at is not None else "an unknown place"
        (say or _on_stderr)(f"error: a call ended with a defect of this program: {type(fault).__name__} at {place}")


def end(gone: int) -> None:
    """Tell a call that nobody waits for it."""
    os.eventfd_write(gone, 1)


def again(gone: int) -> None:
    """Make the descriptor of a call that was ended as new, for the next that its thread does."""
    try:
        os.eventfd_read(gone)
    except BlockingIOError:
        return


def _on_stderr(words: str) -> None:
    sys.stderr.write(words + "\n")
