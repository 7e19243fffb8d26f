"""MCP over standard input and output: one client, one line per message. Spec: mcp-front J-56 to J-59.

Two threads take turns at reading, and whoever reads does calls itself, as far as they need not wait; what several of them have for the record is written at once.
Calls that wait without saying so are done beside each other by a crew.
Whoever writes holds the one lock. It also guards the connection, so that what is sent is sent in the order in which the protocol decided it.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from math import ceil, inf
from types import FrameType

from mpp.model.jsontext import Json
from mpp.ports import Clock, Random, Wait
from mpp.protocol.mcp import Answered, Ask, Connection, Ended, Event, Job, Lines, Reply, Run, Server, Voice, busy_reply, error_reply
from mpp.protocol.mcp.limits import MESSAGE_BYTES_MAX
from mpp.protocol.mcp.ports import Backend, Caller
from mpp.protocol.mcp.versions import INTERNAL, PARSE_ERROR
from mpp.serve.outbox import Outbox
from mpp.serve.pace import Pace
from mpp.serve.pipes import dies_with_its_client, is_broken, own_pipes
from mpp.serve.running import again, Crew, end
from mpp.serve.settling import settling
from mpp.serve.turns import Turns
from mpp.serve.underway import Asked, Call, on_here, on_there, UNDER_WAY_MAX, UnderWay, write

READ_BYTES = 64 * 1024
"""Bytes of one read. Reason: what a pipe holds."""

LAST_WORDS_SECONDS = 660.0
"""Seconds after the end of input in which no call ended, until those that run are given up. Reason: each call has its own deadline, of ten minutes at most; this is for one that misses it."""

UNREAD_SECONDS = 30.0
"""Seconds after the end of input for which the client may leave answers unread. Reason: as over HTTP; a reader that works through them takes some each second."""

STUCK_SECONDS = 0.06
"""Seconds after which a call is so long that others wait for it no more. Reason: several times what a short call takes on a busy machine, and little beside a long one."""

HAND_OVER_SECONDS = 0.02
"""Seconds that whoever reads waits for the lock to hand calls over, until it looks at its pipes again. Reason: a lock is held for microseconds, or by one that waits for the client."""

LOOK_SECONDS = 0.02
"""Seconds between two looks in that time at whether the reader is still there. Reason: its calls end within a tenth of a second."""

LEAVE_SECONDS = 3.0
"""Seconds from the end until this process is gone, whatever still runs. Reason: clients kill what does not leave by itself, after five or more."""


class StdioFront:
    """One client on two descriptors."""

    def __init__(self, server: Server, who: Caller, read_fd: int, write_fd: int, crew: Crew, *, leaving: Callable[[], None] = lambda: None) -> None:
        self._connection = Connection(server, who)
        self._read_fd = read_fd
        self._outbox = Outbox(write_fd)
        self._crew = crew
        self._leaving = leaving
        self._lock = threading.Lock()
        self._calls: dict[int | str, Call] = {}
        self._waiting: dict[str, Asked] = {}
        self._due: float | None = None
        """When the first of them is given up."""
        self._idle = threading.Condition(self._lock)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lines = Lines()
        self._turns = Turns()
        self._pace = Pace()
        self._next: deque[Call] = deque()
        """Calls that whoever reads is going to begin. It is filled under the lock."""
        self._under_way = UnderWay()
        self._wants_room = False
        """Whoever reads looks for room to write."""
        # What is registered first is looked at first. Besides room to write, its errors count: whoever read our answers is gone, and no more is read.
        for fd, wanted in ((self._outbox.fd, 0), (self._wake, select.POLLIN), (read_fd, select.POLLIN)):
            self._under_way.poll.register(fd, wanted)
        self._leading: Call | None = None
        """The call that whoever reads does now."""
        self._is_stuck = False
        """It takes so long that what waited behind it went to the crew, and what comes goes there too."""
        self._ended = False
        self._stopped = False
        self._client_gone = False
        self._finishing = False
        self._parent = os.getppid() if dies_with_its_client(read_fd, write_fd) else 0

    # -- reading

    def serve(self) -> None:
        """Until the input ends, the client is gone or somebody stops it; then end what runs."""
        second = threading.Thread(target=self._take_turns, args=(False,), name="mpp-read", daemon=True)
        second.start()
        self._take_turns(True)
        second.join()

    def close(self) -> None:
        """Give back what it holds, once ``serve`` is over and neither a signal nor a thread of the crew can come any more."""
        self._turns.close()
        self._outbox.close()
        os.close(self._wake)

    def _take_turns(self, leads: bool) -> None:
        gone = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            while not self._over:
                leads = self._lead(gone) if leads else self._turns.stand_by(lambda: self._over)
            # The other thread may be in a call, which ends when this one says so; or it sleeps.
            self._turns.ring()
            self._finish()
        finally:
            os.close(gone)

    def _lead(self, gone: int) -> bool:
        """Read until the end, or until the other thread has taken over. Calls are done here: to wake a thread costs more than most of them."""
        poll, write_fd = self._under_way.poll, self._outbox.fd
        while not self._over:
            if self._outbox.is_waiting != self._wants_room:
                self._wants_room = not self._wants_room
                poll.modify(write_fd, select.POLLOUT if self._wants_room else 0)
            ready = poll.poll(self._patience())
            if self._due is not None:
                self._give_up_late()
            if not all(self._look(fd, what) for fd, what in ready):
                return False
            if len(self._under_way):
                self._under_way.find_late()
            if not self._go_on(gone):
                return False
        return False

    def _look(self, fd: int, what: int) -> bool:
        """Something happened there. False: whoever read our answers is gone."""
        if fd == self._read_fd:
            self._read()
        elif fd == self._wake:
            os.eventfd_read(fd)
        elif fd != self._outbox.fd:
            self._under_way.found(fd)
        elif what & ~select.POLLOUT:
            self._client_gone = True
        else:
            self._flush()
        return not self._client_gone

    def _go_on(self, gone: int) -> bool:
        """Go on with each call that can, once; with none of them, write what those have for the record that wait for it. False: the other thread leads now."""
        if self._turns.is_taken:
            # The other is in a long call, so nobody would take over from this thread.
            if (self._next or self._under_way.can_go_on) and self._turns.worked_for() >= STUCK_SECONDS:
                self._hand_over()
            return True
        ready = self._under_way.ready
        old, new = len(ready), min(len(self._next), UNDER_WAY_MAX - len(self._under_way))
        if not old and new <= 0:
            held = self._under_way.take_held()
            return not held or self._turns.busy(self._write_held, held, gone) or self._leave()
        return all(self._do(ready.popleft(), gone) for _ in range(old)) and all(self._do(self._next.popleft(), gone) for _ in range(new))

    def _do(self, call: Call, gone: int) -> bool:
        self._leading, self._is_stuck = call, False
        return self._turns.busy(self._timed, call, gone) or self._leave()

    def _leave(self) -> bool:
        """Whoever leads now left to this thread what waits, in case that it comes back soon."""
        os.eventfd_write(self._wake, 1)
        return False

    def _timed(self, call: Call, gone: int) -> None:
        # Where others compute beside it, a call waits for those, which says nothing of its tool. Neither does one that says where it waits.
        is_told = call.run is None and len(self._calls) == len(self._next) + len(self._under_way) + 1
        begun = self._pace.begin()
        self._crew.guard(partial(self._work, call, None, leads=True), gone)
        if not self._turns.is_taken:
            self._leading = None
            if is_told and call.wait is None and not call.has_waited:
                self._pace.note(call.job.name, begun)

    def _write_held(self, held: list[Call], gone: int) -> None:
        self._crew.guard(lambda _: write(held), gone)
        with self._lock:
            for call in held:
                if self._finishing:
                    self._give(call, None)
                else:
                    self._under_way.ready.append(call)

    def _hand_over(self) -> None:
        """What waits for the thread that reads goes to the crew."""
        # Attack: a client that reads no answers; whoever writes one then holds the lock. It is tried again.
        if not self._lock.acquire(timeout=HAND_OVER_SECONDS):
            return
        try:
            leading, self._leading, self._is_stuck = self._leading, None, True
            if leading is not None:
                self._pace.note_long(leading.job.name)
            for call in [*self._next, *self._under_way.take_all(parked=False)]:
                self._give(call, None)
            self._next.clear()
        finally:
            self._lock.release()

    def _read(self) -> None:
        """Take what has come."""
        data = os.read(self._read_fd, READ_BYTES)
        if not data:
            self._ended = True
        for line in self._lines.feed(data):
            self._take(line)

    @property
    def _over(self) -> bool:
        return self._ended or self._stopped or self._client_gone

    def stop(self) -> None:
        """End it, from a signal handler or another thread."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)
        self._turns.ring()

    def _patience(self) -> int | None:
        """Milliseconds until there is something to do: the next call, or to give up a question to the client."""
        # Read without the lock. Attack: a client that reads no answers; whoever writes one then holds the lock, and the end of input must be seen.
        under_way = self._under_way
        if under_way.can_go_on or (self._next and len(under_way) < UNDER_WAY_MAX):
            # Never below zero, which is for ever: a processor that was taken away may make it late.
            return max(ceil((STUCK_SECONDS - self._turns.worked_for()) * 1000), 0) if self._turns.is_taken and not self._is_stuck else 0
        due = min(under_way.soonest, inf if self._due is None else self._due)
        return None if due == inf else max(int((due - time.monotonic()) * 1000) + 1, 0)

    def _note_due(self) -> None:
        self._due = min((one.until for one in self._waiting.values()), default=None)

    def _take(self, line: bytes | None) -> None:
        with self._lock:
            if line is None:
                self._write(error_reply(None, PARSE_ERROR, f"a message has at most {MESSAGE_BYTES_MAX} bytes").data)
                return
            for event in self._connection.receive(line):
                self._event(event)

    def _event(self, event: Event) -> None:
        if isinstance(event, Reply):
            self._write(event.data)
        elif isinstance(event, Job):
            self._begin(event)
        elif isinstance(event, Ended):
            self._end(self._calls.get(event.job.id))
        elif isinstance(event, Answered):
            waiting = self._waiting.pop(event.ask, None)
            self._note_due()
            if waiting is not None:
                self._give(waiting.call, event.result)

    # -- calls; all of these are called under the lock

    def _begin(self, job: Job) -> None:
        is_alone = not self._calls
        call = self._calls[job.id] = Call(job)
        if (self._is_stuck and self._turns.is_taken) or (not is_alone and self._pace.is_beside(job.name)):
            self._give(call, None)
        else:
            self._next.append(call)

    def _give(self, call: Call, answer: dict[str, Json] | None) -> None:
        if not self._crew.put(lambda gone: self._work(call, answer, gone), begun=call.wait is not None):
            self._done(call, busy_reply(call.job.id))

    def _end(self, call: Call | None) -> None:
        """Nobody waits for this call. If a thread works on it, that is told; else it is over."""
        if call is None or call.ended:
            return
        call.ended = True
        if call.gone >= 0:
            end(call.gone)
        self._under_way.wake(call)
        for name, waiting in list(self._waiting.items()):
            if waiting.call is call:
                del self._waiting[name]
                self._write(waiting.ask.withdraw)
                self._done(call, None)
        self._note_due()

    def _done(self, call: Call, reply: Reply | None) -> None:
        found = self._connection.done(call.job, reply or error_reply(call.job.id, INTERNAL, "nobody waits for this"))
        if found is not None and not call.ended:
            self._write(found.data)
        self._calls.pop(call.job.id, None)
        if self._finishing and not self._calls:
            self._idle.notify_all()

    def _give_up_late(self) -> None:
        now = time.monotonic()
        if self._due is None or self._due > now:
            return
        with self._lock:
            for name, waiting in list(self._waiting.items()):
                if waiting.until <= now:
                    del self._waiting[name]
                    self._write(waiting.ask.withdraw)
                    self._give(waiting.call, None)
            self._note_due()

    # -- in a thread of the crew, or in the one that reads

    def _work(self, call: Call, answer: dict[str, Json] | None, gone: int, *, leads: bool = False) -> None:
        """One stretch of a call: until it is done, or until the client must answer something. ``leads``: in the thread that reads, also until it waits."""
        with self._lock:
            run = self._begun(call, gone, leads=leads)
        if run is None:
            return
        reply: Reply | None = None
        step: Ask | Wait | None = None
        try:
            step = on_here(call, run, answer, lambda: len(self._calls) == 1, self._read_fd) if leads else on_there(call, run, answer, gone)
        except StopIteration as over:
            reply = over.value
        except BaseException:
            run.close()
            with self._lock:
                self._let_go(call, gone)
                self._done(call, error_reply(call.job.id, INTERNAL, "the host cannot answer this"))
            raise
        with self._lock:
            self._let_go(call, gone)
            if isinstance(step, Wait):
                call.wait = step
                if self._finishing or not self._under_way.park(call, step):
                    self._give(call, None)
            elif step is None or call.ended:
                run.close()
                self._done(call, reply)
            else:
                self._ask(call, step)

    def _begun(self, call: Call, gone: int, *, leads: bool) -> Run | None:
        """Under the lock. None: nobody waits for it, and there is nothing to tell of it."""
        if call.ended and call.wait is None:
            self._done(call, None)
            return None
        call.gone = gone
        if call.ended and not leads:
            end(gone)
        if call.run is None or call.voice is None:
            call.voice = Voice(call.job, lambda data: self._tell(call, data))
            call.run = self._connection.run(call.job, call.voice)
        call.voice.gone_fd = gone
        return call.run

    def _ask(self, call: Call, ask: Ask) -> None:
        if self._over:
            # Who wrote its last word answers no question any more.
            self._give(call, None)
            return
        self._waiting[ask.id] = Asked(call, ask, time.monotonic() + ask.seconds)
        self._note_due()
        self._write(ask.data)
        os.eventfd_write(self._wake, 1)

    def _let_go(self, call: Call, gone: int) -> None:
        """From here on the descriptor is for the next call of this thread."""
        call.gone = -1
        if call.ended:
            again(gone)

    def _tell(self, call: Call, data: bytes) -> None:
        with self._lock:
            if not call.ended:
                self._write(data)

    # -- writing

    def changed(self, what: str) -> None:
        """A list of the host changed, from any thread."""
        with self._lock:
            for data in self._connection.changed(what):
                self._write(data)

    def _write(self, data: bytes) -> None:
        if self._client_gone:
            return
        try:
            self._outbox.put(data + b"\n")
        except OSError:
            # Whoever read is gone: then nobody waits for anything.
            self._client_gone = True
        if self._outbox.is_waiting or self._client_gone:
            os.eventfd_write(self._wake, 1)

    def _flush(self) -> None:
        with self._lock:
            self._write_kept()

    # -- the end

    def _wait_for_last_words(self) -> None:
        """Until all is answered and read, or whoever would read it is gone: a client that dies closes both pipes, and which of them shows first is chance.

        The end of input alone says only that no more is asked: ``mpp serve < file`` reads its answers, however long its calls run.
        """
        left, until = len(self._calls), time.monotonic() + LAST_WORDS_SECONDS
        while (self._calls or self._outbox.is_waiting) and not self._nobody_reads():
            self._idle.wait(LOOK_SECONDS)
            self._write_kept()
            if len(self._calls) != left or not self._calls:
                left, until = len(self._calls), time.monotonic() + LAST_WORDS_SECONDS
            elif time.monotonic() >= until:
                return

    def _nobody_reads(self) -> bool:
        """Attack: a client that is killed while a process that it started holds its end of our pipe: its input ends, and nothing else shows it."""
        orphaned = self._parent != 0 and os.getppid() != self._parent
        self._client_gone = self._client_gone or orphaned or is_broken(self._outbox.fd)
        return self._stopped or self._client_gone

    def _write_kept(self) -> None:
        try:
            self._outbox.flush()
        except OSError:
            self._client_gone = True

    def _finish(self) -> None:
        """Done by the thread that comes first."""
        # Attack: a client that asks for much, ends its input and reads nothing. Whoever writes to it holds the lock.
        self._outbox.be_patient(UNREAD_SECONDS if self._ended and not self._stopped else LEAVE_SECONDS)
        if self._stopped or self._client_gone:
            self._leaving()
        with self._lock:
            if self._finishing:
                return
            self._finishing = True
            for call in [*self._next, *self._under_way.take_all(parked=True)]:
                self._give(call, None)
            self._next.clear()
            if not self._stopped and not self._client_gone:
                for waiting in list(self._waiting.values()):
                    self._give(waiting.call, None)
                self._waiting.clear()
                self._note_due()
                self._wait_for_last_words()
            self._leaving()
            for call in list(self._calls.values()):
                self._end(call)
            for data in self._connection.close():
                self._write(data)
            if not self._client_gone:
                with suppress(OSError):
                    self._outbox.finish(LEAVE_SECONDS / 2)


def serve_stdio(backend: Backend, who: Caller, clock: Clock, random: Random, *, version: str) -> None:
    """Serve the client that started this process, until it leaves."""
    with settling(), own_pipes() as (read_fd, write_fd):
        crew = Crew()
        front = StdioFront(Server(backend, clock, random, version=version), who, read_fd, write_fd, crew, leaving=leave_soon)
        unwatch = backend.watch(front.changed)
        with _signals(front.stop):
            try:
                front.serve()
            finally:
                unwatch()
                is_quiet = crew.close(LEAVE_SECONDS)
                if is_quiet:
                    signal.setitimer(signal.ITIMER_REAL, 0)
        if is_quiet:
            front.close()


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Both ways in which a process is asked to end are an orderly end; and an end that takes too long is ended."""

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        leave_soon()
        stop()

    def gone(number: int, frame: FrameType | None) -> None:
        del number, frame
        # Attack: a client that reads no more, and a call that does not end. What runs in the sandbox ends with this process.
        os._exit(0)

    before = {number: signal.signal(number, handler) for number, handler in ((signal.SIGTERM, handle), (signal.SIGINT, handle), (signal.SIGALRM, gone))}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_soon() -> None:
    """Whatever still runs or waits, this process is gone in a moment."""
    signal.setitimer(signal.ITIMER_REAL, LEAVE_SECONDS)
