"""A request's work: short calls in the thread that runs the event loop, one behind the other, all others in threads of a pool. It is ended at once when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias

from mpp.host.drive import waited
from mpp.model.jsontext import Json
from mpp.protocol.mcp import Ask, Connection, Job, Reply, Voice, error_reply
from mpp.protocol.mcp.versions import INTERNAL
from mpp.serve.http_loop import Loop
from mpp.serve.http_outbox import Gone
from mpp.serve.http_rates import Turn
from mpp.serve.pace import Pace
from mpp.serve.running import guarded

Answer: TypeAlias = "dict[str, Json] | None"
Outcome: TypeAlias = "Reply | Ask"

NOBODY_WAITS = Reply(b"")
"""What a call comes to that was not begun, because its client is gone. It is sent to nobody."""


async def nobody_to_ask(_: Ask) -> Answer:
    """An answer that is not a stream has no room for questions."""
    return None


WORTH_SECONDS = 0.002
"""Seconds of waiting from which on a call is worth a thread. Reason: ten times what the way there and back costs; on a busy machine each call waits for a part of it."""

LONG_SECONDS = 0.005
"""Seconds from which on others should not wait for a call, even where it is alone. Reason: what several calls of most tools take, and many times what a thread costs."""


class _Queue:
    """Runs that wait, one of each token after the other. Attack: one token with many calls: those of others come after one of them."""

    def __init__(self) -> None:
        self._of: dict[Turn, deque[Run]] = {}

    def __bool__(self) -> bool:
        return bool(self._of)

    def put(self, run: Run) -> None:
        found = self._of.get(run.turn)
        if found is None:
            self._of[run.turn] = deque((run,))
        else:
            found.append(run)

    def take(self) -> Run:
        turn = next(iter(self._of))
        found = self._of.pop(turn)
        run = found.popleft()
        if found:
            self._of[turn] = found
        return run


class Pool:
    """Who does calls: the thread that runs the loop, and threads that are made when they are needed, bounded, and ended with the pool. Used in the event loop only."""

    def __init__(self, loop: Loop, most: int) -> None:
        self.loop, self._most = loop, most
        self._work: SimpleQueue[Run | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = self._alive = 0
        self._spare: list[Gone] = []
        self._pace = Pace(least=WORTH_SECONDS, long=LONG_SECONDS)
        self._next = _Queue()
        """Calls that the thread that runs the loop is going to do."""
        self._is_due = False
        """It is going to look at them."""

    def gone(self) -> Gone:
        """One that nobody has set. To make one takes system calls; most calls never need it."""
        return self._spare.pop() if self._spare else Gone()

    def give_back(self, gone: Gone) -> None:
        """After the call's thread is done with it."""
        if gone.is_set or len(self._spare) >= self._most:
            gone.close()
        else:
            self._spare.append(gone)

    def put(self, run: Run) -> None:
        """Take one step of ``run``; ``run.stepped`` is called in the loop afterwards."""
        if self._goes_beside(run.name):
            self._give(run)
            return
        self._next.put(run)
        self._look_soon()

    def _goes_beside(self, name: str) -> bool:
        """Would others wait for this call? Then a thread of the pool does it."""
        # While another thread is in a long call, whoever leads is relieved by nobody.
        if self.loop.is_lent:
            return True
        return self._pace.is_beside(name) if self._busy or self._next else self._pace.is_long(name)

    def _look_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self.loop.call_soon(self._do_next)

    def _do_next(self) -> None:
        """Do one call that waits for this thread. Between two of them the loop looks at its connections, so that a client that leaves is seen."""
        self._is_due = False
        if self.loop.is_lent:
            # Who led until now is in a long call: nobody waits for its end.
            while self._next:
                self._give(self._next.take())
        if not self._next:
            return
        run = self._next.take()
        if self._next:
            self._look_soon()
        # Where others compute beside it, a call waits for those, which says nothing of its tool.
        self.loop.lend(partial(self._timed, run), partial(self._done_here, run, is_alone=not self._busy))

    def _timed(self, run: Run) -> None:
        begun = self._pace.begin()
        guarded(run.work, -1)
        run.spent = self._pace.since(begun)

    def _done_here(self, run: Run, *, is_alone: bool) -> None:
        if is_alone:
            self._pace.judge(run.name, run.spent)
        run.stepped()

    def _give(self, run: Run) -> None:
        self._busy += 1
        self._work.put(run)
        self._grow()

    def _grow(self) -> None:
        if self._busy > self._alive < self._most:
            self._alive += 1
            thread = threading.Thread(target=self._serve, name=f"mpp-http-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        while (run := self._work.get()) is not None:
            try:
                run.work()
            finally:
                # A defect in a call ends its thread, with a word on standard error; who waits is told all the same.
                # The loop is closed when the server stops before a call does.
                with contextlib.suppress(RuntimeError):
                    self.loop.call_soon_threadsafe(self._done, run)

    def _done(self, run: Run) -> None:
        self._busy -= 1
        if not run.stepped():
            self._alive -= 1
            self._grow()

    def close(self, seconds: float) -> None:
        """Let the threads end. One whose call does not end is left to itself: the process does not wait for it."""
        for _ in self._threads:
            self._work.put(None)
        while self._spare:
            self._spare.pop().close()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))


class Threads(NamedTuple):
    """Where one token's calls run."""

    pool: Pool
    turn: Turn
    """Attack: one token whose calls take all threads. It has so many at most, and the rest of its calls wait."""


class Run:
    """One job on its way. All but ``work`` runs in the event loop."""

    def __init__(self, connection: Connection, job: Job, threads: Threads, say: Callable[[bytes], None], *, may_ask: bool = True) -> None:
        self.job = job
        self.name = job.name or job.method
        """What it is about: whether that takes long is remembered by this name."""
        self.turn = threads.turn
        self.spent = (0.0, 0.0)
        self._pool = threads.pool
        self._may_ask = may_ask
        self._gone = threads.pool.gone()
        self._is_over = False
        self._voice = Voice(job, say, self._gone.fd)
        self._steps = connection.run(job, self._voice)
        self._is_working = False
        self._answer: Answer = None
        self._outcome: Outcome | None = None
        self._first: Callable[[Outcome], None] | None = None
        self._waiter: asyncio.Future[Outcome] | None = None

    def end(self) -> None:
        """Nobody waits any more: the call is ended at once, wherever it is."""
        if not self._is_over:
            self._gone.set()

    def begin(self, first: Callable[[Outcome], None]) -> None:
        """Take the first step, for which its token has a turn already. ``first`` is told what comes of it, unless a task joins before: most calls need none."""
        self._first, self._is_working = first, True
        self._pool.put(self)

    def join(self) -> None:
        """From here on a task finishes it."""
        if self._is_working:
            self._first, self._waiter = None, asyncio.get_running_loop().create_future()

    async def finish(self, ask: Callable[[Ask], Awaitable[Answer]]) -> Reply:
        """The answer. While the client is asked something, no thread is held."""
        try:
            outcome = await self._begun()
            while isinstance(outcome, Ask):
                outcome = await self._step(await ask(outcome))
            return outcome
        finally:
            if self._is_working:
                self._voice.end()
                # The request was ended from outside: so is its call, wherever it is.
                self._gone.set()
            else:
                self.close()

    async def _begun(self) -> Outcome:
        if self._waiter is not None:
            return await self._waited(self._waiter)
        return await self._step(None) if self._outcome is None else self._outcome

    async def _step(self, answer: Answer) -> Outcome:
        await self.turn.take()
        self._waiter = asyncio.get_running_loop().create_future()
        self._answer, self._is_working = answer, True
        self._pool.put(self)
        return await self._waited(self._waiter)

    async def _waited(self, waiter: asyncio.Future[Outcome]) -> Outcome:
        try:
            return await waiter
        finally:
            self.turn.give()

    def work(self, _: int = -1) -> None:
        """One step, in a thread; all of them where nobody can be asked anything."""
        self._outcome = None
        try:
            outcome = NOBODY_WAITS if self._gone.is_set else waited(self._steps, self._steps.send(self._answer), self._gone.fd)
            while isinstance(outcome, Ask) and not self._may_ask:
                outcome = waited(self._steps, self._steps.send(None), self._gone.fd)
            self._outcome = outcome
        except StopIteration as end:
            self._outcome = end.value

    def stepped(self) -> bool:
        """In the loop, after ``work``. False: it went wrong in a way that it must not."""
        self._is_working = False
        is_sound = self._outcome is not None
        found = self._outcome = self._outcome or error_reply(self.job.id, INTERNAL, "the host cannot answer this", data={"code": "host.answer"})
        first, self._first = self._first, None
        if first is not None:
            self.turn.give()
            first(found)
        elif self._waiter is None or self._waiter.cancelled():
            self.close()
        else:
            self._waiter.set_result(found)
        return is_sound

    def close(self) -> None:
        """Nothing more is said: the answer follows."""
        self._voice.end()
        self._steps.close()
        self._is_over = True
        self._pool.give_back(self._gone)
