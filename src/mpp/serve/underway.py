"""Calls that have begun in the thread that reads, and wait: for a worker, or to be written into the record with others. No thread waits with them."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Iterator
from math import inf

from mpp.host.drive import NOBODY, nobody_waits, waited
from mpp.host.gathering import Entries, write_together
from mpp.model.jsontext import Json
from mpp.ports import NOWHERE, Wait
from mpp.protocol.mcp import Ask, Job, Run, Voice

UNDER_WAY_MAX = 32
"""Calls of one client that are under way so. Reason: as many as a crew has threads; each may hold a sandbox process, and more wait their turn."""


SOON_SECONDS = 0.005
"""Seconds that the thread which reads waits in place with a call that is the only one. Reason: most workers answer within one; to keep a call aside and come back to it costs more than that."""


class Call:
    """A request that is being worked on. Its fields are read and written under the lock of its front; ``wait`` and ``told`` by whoever works on it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ended = False
        self.gone = -1
        """While a thread works on it: how that is told that nobody waits."""
        self.run: Run | None = None
        self.voice: Voice | None = None
        self.wait: Wait | None = None
        """What it waits for while no thread works on it."""
        self.told = False
        """It knows that nobody waits."""
        self.has_waited = False
        """The thread that reads has waited in place with it."""

    def take_wait(self) -> Wait | None:
        """What it waited for, where it goes on now."""
        wait, self.wait = self.wait, None
        return wait


class Asked:
    """A call that waits for an answer of the client. It holds no thread."""

    def __init__(self, call: Call, ask: Ask, until: float) -> None:
        self.call = call
        self.ask = ask
        self.until = until


class UnderWay:
    """Used by whoever leads. What another thread adds is seen at the leader's next look, for which it is woken."""

    def __init__(self) -> None:
        self.poll = select.poll()
        self.ready: deque[Call] = deque()
        """Those that can go on."""
        self._held: list[Call] = []
        """Those that are to be written into the record."""
        self._parked: dict[int, Call] = {}
        """Those that wait for a descriptor, or a moment."""
        self.soonest = inf
        """None of those moments is before this one."""

    def __len__(self) -> int:
        return len(self.ready) + len(self._held) + len(self._parked)

    @property
    def can_go_on(self) -> bool:
        return bool(self.ready or self._held)

    def park(self, call: Call, wait: Wait) -> bool:
        """Keep it, which waits for ``wait``, until it can go on. False: there is no such descriptor, or another one waits for it, and a thread must wait with this one."""
        if wait.fd == NOWHERE:
            self._held.append(call)
        elif call.ended and not call.told:
            self.ready.append(call)
        elif wait.fd < 0 or wait.fd in self._parked:
            return False
        else:
            self._parked[wait.fd] = call
            self.soonest = min(self.soonest, wait.until)
            self.poll.register(wait.fd, select.POLLOUT if wait.writing else select.POLLIN)
        return True

    def found(self, fd: int) -> None:
        """Something happened there."""
        call = self._parked.pop(fd, None)
        if call is not None:
            self.poll.unregister(fd)
            self.ready.append(call)

    def find_late(self) -> None:
        """Those whose moment has come."""
        now = time.monotonic()
        if now >= self.soonest:
            for fd in [fd for fd, call in self._parked.items() if call.wait is not None and call.wait.until <= now]:
                self.found(fd)
            self.soonest = min((call.wait.until for call in self._parked.values() if call.wait is not None), default=inf)

    def wake(self, call: Call) -> None:
        """Nobody waits for it any more, which it learns where it waits."""
        if call.wait is not None and self._parked.get(call.wait.fd) is call:
            self.found(call.wait.fd)

    def take_held(self) -> list[Call]:
        """Those to be written; ``write`` them, and they can go on."""
        held, self._held = self._held, []
        return held

    def take_all(self, *, parked: bool) -> Iterator[Call]:
        """Those that can go on, for threads that go on with them; ``parked``: and all others."""
        if parked:
            for fd in list(self._parked):
                self.found(fd)
        while self.ready:
            yield self.ready.popleft()
        yield from self.take_held()


def write(held: list[Call]) -> None:
    """Write what they want written, all at once."""
    write_together([call.wait.entries for call in held if call.wait is not None and isinstance(call.wait.entries, Entries)])


def on_here(call: Call, run: Run, answer: dict[str, Json] | None, is_only: Callable[[], bool], read_fd: int) -> Ask | Wait:
    """Go on until it waits or says something. The only one of a client waits for no others to be written with, and a moment for its worker.

    ``read_fd``: where the client's next message comes. It ends that moment.
    """
    wait = call.take_wait()
    if wait is None:
        step = run.send(answer)
    elif call.ended and not call.told and wait.fd != NOWHERE:
        call.told = True
        step = run.throw(nobody_waits())
    else:
        step = next(run)
    while isinstance(step, Wait) and is_only() and (step.fd == NOWHERE or _is_soon(call, step, read_fd)):
        step = next(run)
    return step


def _is_soon(call: Call, wait: Wait, read_fd: int) -> bool:
    """Has it come within a moment? A poll of its own, because another thread may lead by the end of it."""
    seconds = min(SOON_SECONDS, wait.until - time.monotonic())
    if wait.fd < 0 or call.ended or seconds <= 0:
        return False
    call.has_waited = True
    poll = select.poll()
    poll.register(wait.fd, select.POLLOUT if wait.writing else select.POLLIN)
    poll.register(read_fd, select.POLLIN)
    return any(fd == wait.fd for fd, _ in poll.poll(seconds * 1000))


def on_there(call: Call, run: Run, answer: dict[str, Json] | None, gone: int) -> Ask:
    """Go on in a thread that waits with it, until it says something."""
    return waited(run, call.take_wait() or run.send(answer), NOBODY if call.told else gone)
