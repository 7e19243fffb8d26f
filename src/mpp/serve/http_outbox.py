"""From the threads of calls to the event loop: messages of one stream, bounded; and the word that nobody waits any more, the other way."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from threading import Lock

from mpp.serve.http_limits import HTTP_OUTBOX_MAX


class Outbox:
    """Messages of one stream in order. ``put`` from any thread, ``take`` in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int = HTTP_OUTBOX_MAX, *, begun: Callable[[], None] | None = None) -> None:
        self._loop, self._most = loop, most
        self.begun = begun
        """Called in the event loop when something waits: a reader that was not needed until now. May be called again."""
        self._lock = Lock()
        self._waiting: deque[bytes] = deque()
        self._is_woken = False
        self._is_over = False
        self._awake = asyncio.Event()
        self.left_out = 0
        """Messages that nobody will see, because the client reads slower than they come."""

    def put(self, data: bytes) -> None:
        """Something said along the way. Attack: a tool floods its client: beyond the bound what it says is left out."""
        with self._lock:
            if self._is_over or len(self._waiting) >= self._most:
                self.left_out += 1
                return
            self._waiting.append(data)
            is_first, self._is_woken = not self._is_woken, True
        if is_first:
            self._wake()

    def must(self, data: bytes) -> None:
        """An answer or a question: never left out. In the event loop only."""
        with self._lock:
            if not self._is_over:
                self._waiting.append(data)
        self._rouse()

    def over(self) -> None:
        """Nothing comes after what is there. In the event loop only."""
        with self._lock:
            self._is_over = True
        self._awake.set()

    @property
    def has_more(self) -> bool:
        """Does something wait to be sent?"""
        return bool(self._waiting)

    async def take(self, seconds: float) -> list[bytes] | None:
        """What waits; empty when nothing came in that time; None when it is over."""
        if not self._waiting and not self._is_over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._awake.wait()
        self._awake.clear()
        with self._lock:
            found, self._is_woken = list(self._waiting), False
            self._waiting.clear()
            return None if not found and self._is_over else found

    def _wake(self) -> None:
        # The loop is closed when the server stops before a call does: nobody reads any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._rouse)

    def _rouse(self) -> None:
        self._awake.set()
        if self.begun is not None:
            self.begun()


class _Nowhere(Outbox):
    """What is said along the way, where the answer is not a stream."""

    def __init__(self) -> None:  # Without a loop: nothing is ever taken out.
        self.left_out = 0

    def put(self, data: bytes) -> None:
        """To nobody."""


NO_OUTBOX: Outbox = _Nowhere()


class Gone:
    """A descriptor that becomes readable when nobody waits for a call any more."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read, self._write = _pair()
        self.is_set = False

    @property
    def fd(self) -> int:
        return self._read

    def set(self) -> None:
        with self._lock:
            if self._write >= 0 and not self.is_set:
                os.write(self._write, b"\1\0\0\0\0\0\0\0")
            self.is_set = True

    def close(self) -> None:
        """Attack on oneself: a number that was closed may be another file's. Only after the call's thread is done with it."""
        with self._lock:
            for fd in {self._read, self._write} - {-1}:
                os.close(fd)
            self._read = self._write = -1


def _pair() -> tuple[int, int]:
    if hasattr(os, "eventfd"):
        fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        return fd, fd
    return os.pipe()
