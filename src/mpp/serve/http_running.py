"""A request's work, in a thread of the pool: the event loop waits for it, and ends it at once when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias

from mpp.model.jsontext import Json
from mpp.protocol.mcp import Ask, Connection, Job, Reply, Voice, error_reply
from mpp.protocol.mcp.versions import INTERNAL
from mpp.serve.http_outbox import Gone
from mpp.serve.http_rates import Turn

Answer: TypeAlias = "dict[str, Json] | None"
Outcome: TypeAlias = "Reply | Ask"

NOBODY_WAITS = Reply(b"")
"""What a call comes to that was not begun, because its client is gone. It is sent to nobody."""


async def nobody_to_ask(_: Ask) -> Answer:
    """An answer that is not a stream has no room for questions."""
    return None


class Pool:
    """Threads that carry calls: made when they are needed, bounded, and ended with the pool. Used from the event loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._loop, self._most = loop, most
        self._work: SimpleQueue[Run | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = self._alive = 0
        self._spare: list[Gone] = []

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
        """Take one step of ``run`` in a thread; ``run.stepped`` is called in the loop afterwards."""
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
                    self._loop.call_soon_threadsafe(self._done, run)

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

    def __init__(self, connection: Connection, job: Job, threads: Threads, say: Callable[[bytes], None]) -> None:
        self.job = job
        self._threads = threads
        self._gone = threads.pool.gone()
        self._is_over = False
        self._voice = Voice(job, say, self._gone.fd)
        self._steps = connection.run(job, self._voice)
        self._is_working = False
        self._answer: Answer = None
        self._outcome: Outcome | None = None
        self._waiter: asyncio.Future[Outcome]

    def end(self) -> None:
        """Nobody waits any more: the call is ended at once, wherever it is."""
        if not self._is_over:
            self._gone.set()

    async def finish(self, ask: Callable[[Ask], Awaitable[Answer]]) -> Reply:
        """The answer. While the client is asked something, no thread is held."""
        try:
            outcome = await self._step(None)
            while isinstance(outcome, Ask):
                outcome = await self._step(await ask(outcome))
            return outcome
        finally:
            self._voice.end()
            if self._is_working:
                # The request was ended from outside: so is its call, wherever it is.
                self._gone.set()
            else:
                self._close()

    async def _step(self, answer: Answer) -> Outcome:
        turn = self._threads.turn
        await turn.take()
        try:
            self._waiter = asyncio.get_running_loop().create_future()
            self._answer, self._is_working = answer, True
            self._threads.pool.put(self)
            return await self._waiter
        finally:
            turn.give()

    def work(self) -> None:
        """One step, in a thread."""
        self._outcome = None
        try:
            self._outcome = NOBODY_WAITS if self._gone.is_set else self._steps.send(self._answer)
        except StopIteration as end:
            self._outcome = end.value

    def stepped(self) -> bool:
        """In the loop, after ``work``. False: it went wrong in a way that it must not."""
        self._is_working = False
        if self._waiter.cancelled():
            self._close()
        else:
            broken = error_reply(self.job.id, INTERNAL, "the host cannot answer this", data={"code": "host.answer"})
            self._waiter.set_result(broken if self._outcome is None else self._outcome)
        return self._outcome is not None

    def _close(self) -> None:
        self._steps.close()
        self._is_over = True
        self._threads.pool.give_back(self._gone)
