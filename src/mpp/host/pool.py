"""Workers that wait for calls: bounded in number, handed out in the order of asking, replaced when they are worn.

A worker is kept for exactly one key. Attack: a call of one tenant or agent in a process that has served another.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from mpp.errors import HostFailed
from mpp.model.agents import AgentIdentity
from mpp.ports import Steps, Wait
from mpp.stages.sandbox import Worker
from mpp.stages.sandbox.limits import WORKER_CALLS_MAX

WORKERS_MAX = 64
"""Workers of one host. Reason: each costs some megabytes; calls beyond wait their turn."""

WORKERS_PER_KEY_MAX = 16
"""Workers of one package and its rights. Reason: one busy tool must leave room for others."""

WAITING_MAX = 4096
"""Calls that wait for a worker. Reason: each holds a descriptor and its arguments; beyond, a clear refusal is better than a late answer."""

WORKERS_PER_PACKAGE_MAX = 32
"""Workers of one package of one tenant, over all agents. Reason: a package that many agents call must not take every room."""

IDLE_SECONDS = 300.0
"""Seconds that an unused worker is kept. Reason: an agent's session uses a tool every few minutes."""

RETIRED_LATE = 16
"""Looks for unused workers in that time. Reason: to look through all of them is work of each call; one sixteenth later is soon enough."""


class WorkerKey(NamedTuple):
    """What must be equal for two calls to meet in one process."""

    content_hash: str
    layer: str
    rights: str
    tenant: str
    agent: AgentIdentity
    """Who calls, how sure that is, and for whom: somebody who only says a name does not meet what the real one left."""


class _Idle(NamedTuple):
    worker: Worker
    since: float


Make = Callable[[], Steps[Worker]]


def _same_package(one: WorkerKey, other: WorkerKey) -> bool:
    return (one.tenant, one.content_hash) == (other.tenant, other.content_hash)


class WorkerPool:
    """Safe to use from several threads; nothing waits while it holds the lock."""

    def __init__(
        self, *, most: int = WORKERS_MAX, per_key: int = WORKERS_PER_KEY_MAX, per_package: int = WORKERS_PER_PACKAGE_MAX, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._most, self._per_key, self._per_package, self._idle_seconds = most, per_key, per_package, idle_seconds
        self._lock = threading.Lock()
        self._idle: dict[WorkerKey, list[_Idle]] = {}
        self._count: Counter[WorkerKey] = Counter()
        self._of_package: Counter[tuple[str, str]] = Counter()
        self._total = 0
        self._retire_at = 0.0
        self._waiting: deque[tuple[int, WorkerKey]] = deque()
        self._called: dict[int, WorkerKey] = {}
        """Whose turn it is, and who has not looked yet."""
        self._closed = False
        self._owner = os.getpid()

    def take(self, key: WorkerKey, make: Make, until: float) -> Steps[Worker]:
        """A worker for ``key``: one that waits, a new one, or the next that is given back."""
        ticket = -1
        while True:
            ready, may_make, ticket = self._try(key, ticket)
            if ready is not None:
                return ready
            if may_make:
                return (yield from self._made(key, make))
            try:
                if time.monotonic() >= until:
                    raise HostFailed("host.busy", "all sandbox processes are busy", hint="call again later, or raise the number of workers")
                yield Wait(ticket, until)
            except BaseException:
                self._give_up(ticket)
                raise

    def _try(self, key: WorkerKey, held: int) -> tuple[Worker | None, bool, int]:
        """A waiting worker; else leave to make one; else a ticket to wait with. ``held`` is the ticket of the wait before, or -1."""
        with self._lock:
            is_called = self._take_back(held)
            try:
                return self._look(key, is_called=is_called)
            finally:
                if is_called:
                    # What is left, or what this one cannot use, is for the next.
                    self._wake()

    def _look(self, key: WorkerKey, *, is_called: bool) -> tuple[Worker | None, bool, int]:
        if self._closed:
            raise HostFailed("host.closed", "the host is closing", hint="start it again")
        if self._owner != os.getpid():
            # Attack: a host that was forked, so that two processes read the answers of one worker.
            raise HostFailed("host.closed", "this process is a copy of the host, which speaks for itself", hint="start a host of its own in each process")
        now = time.monotonic()
        if now >= self._retire_at:
            self._retire(now)
        # Attack: a caller that comes again at once takes each worker that it gives back, and those who were called before find nothing.
        if is_called or not any(map(self._could, self._called.values())):
            shelf = self._idle.get(key)
            while shelf:
                worker = shelf.pop().worker
                if worker.is_idle():
                    return worker, False, -1
                self._forget(key, worker)
            if self._has_room(key):
                self._make_room(key)
                self._add(key)
                return None, True, -1
        return None, False, self._queue(key, first=is_called)

    def _queue(self, key: WorkerKey, *, first: bool) -> int:
        """A ticket, at the end of the queue; at its head for one whose turn it was."""
        if len(self._waiting) >= WAITING_MAX:
            raise HostFailed("host.busy", "too many calls are waiting", hint="call again later, or raise the number of workers")
        try:
            ticket = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as fault:
            raise HostFailed("host.busy", f"no more calls can wait: {fault.strerror}", hint="call again later, or raise the limit of open files") from None
        (self._waiting.appendleft if first else self._waiting.append)((ticket, key))
        return ticket

    def _made(self, key: WorkerKey, make: Make) -> Steps[Worker]:
        try:
            return (yield from make())
        except BaseException:
            with self._lock:
                self._uncount(key)
                self._wake()
            raise

    def give(self, key: WorkerKey, worker: Worker, *, reusable: bool) -> None:
        """Take a worker back after its call; one that is not as good as before is ended."""
        with self._lock:
            if reusable and not self._closed and worker.calls < WORKER_CALLS_MAX and worker.is_idle():
                self._idle.setdefault(key, []).append(_Idle(worker, time.monotonic()))
            else:
                self._forget(key, worker)
            self._wake()

    def add(self, key: WorkerKey, make: Make) -> Steps[None]:
        """Have one more worker waiting for ``key``, if there is room."""
        with self._lock:
            if self._closed or self._total >= self._most or self._is_full(key) or self._count[key] >= self._per_key:
                return
            self._add(key)
        worker = yield from self._made(key, make)
        self.give(key, worker, reusable=True)

    def drop(self, matches: Callable[[WorkerKey], bool]) -> int:
        """End the waiting workers whose key matches: a package was removed, or rights were withdrawn."""
        with self._lock:
            gone = [(key, one.worker) for key, shelf in self._idle.items() if matches(key) for one in shelf]
            for key, worker in gone:
                self._idle[key] = []
                self._forget(key, worker)
            self._wake()
        return len(gone)

    def close(self) -> None:
        if self._owner != os.getpid():
            return
        with self._lock:
            self._closed = True
            for key, shelf in self._idle.items():
                for one in shelf:
                    self._forget(key, one.worker)
            self._idle.clear()
            for ticket, _ in self._waiting:
                os.eventfd_write(ticket, 1)

    @property
    def size(self) -> int:
        """Workers that exist, waiting or busy."""
        return self._total

    def _retire(self, now: float) -> None:
        self._retire_at = now + self._idle_seconds / RETIRED_LATE
        for key, shelf in list(self._idle.items()):
            while shelf and now - shelf[0].since > self._idle_seconds:
                self._forget(key, shelf.pop(0).worker)
            if not shelf:
                del self._idle[key]

    def _forget(self, key: WorkerKey, worker: Worker) -> None:
        worker.kill()
        self._uncount(key)

    def _is_full(self, key: WorkerKey) -> bool:
        return self._of_package[key.tenant, key.content_hash] >= self._per_package

    def _has_room(self, key: WorkerKey) -> bool:
        """Is there a place for one more, free or held by a worker that only waits?"""
        if self._count[key] >= self._per_key:
            return False
        if self._is_full(key):
            return any(shelf and _same_package(one, key) for one, shelf in self._idle.items())
        return self._total < self._most or any(self._idle.values())

    def _make_room(self, key: WorkerKey) -> None:
        """End the worker that waited longest, where its place is needed: one of the same package if that is full, else whosever it is."""
        is_full = self._is_full(key)
        if is_full or self._total >= self._most:
            waiting = ((shelf[0].since, one) for one, shelf in self._idle.items() if shelf and (not is_full or _same_package(one, key)))
            oldest = min(waiting)[1]
            self._forget(oldest, self._idle[oldest].pop(0).worker)

    def _add(self, key: WorkerKey) -> None:
        self._total += 1
        self._count[key] += 1
        self._of_package[key.tenant, key.content_hash] += 1

    def _uncount(self, key: WorkerKey) -> None:
        self._total -= 1
        package = (key.tenant, key.content_hash)
        self._count[key] -= 1
        self._of_package[package] -= 1
        # What is at zero is forgotten: keys come and go as long as a host lives.
        if not self._count[key]:
            del self._count[key]
        if not self._of_package[package]:
            del self._of_package[package]

    def _could(self, key: WorkerKey) -> bool:
        """Would a caller with this key find a worker, or room for one?"""
        return bool(self._idle.get(key)) or self._has_room(key)

    def _wake(self) -> None:
        """Let the first who can go on look again."""
        for entry in self._waiting:
            if self._could(entry[1]):
                self._waiting.remove(entry)
                self._called[entry[0]] = entry[1]
                os.eventfd_write(entry[0], 1)
                return

    def _take_back(self, ticket: int) -> bool:
        """End a wait. Was it this one's turn?"""
        if ticket < 0:
            return False
        is_called = self._called.pop(ticket, None) is not None
        if not is_called:
            self._waiting = deque(entry for entry in self._waiting if entry[0] != ticket)
        os.close(ticket)
        return is_called

    def _give_up(self, ticket: int) -> None:
        with self._lock:
            if self._take_back(ticket):
                # Its turn goes to the next, or a worker would stand idle while others wait.
                self._wake()
