"""A request's work, in a thread of the pool: the event loop waits for it, and ends it at once when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

from mpp.model.jsontext import Json
from mpp.protocol.mcp import Ask, Connection, Job, Reply, Voice
from mpp.serve.http_outbox import Gone

Answer: TypeAlias = "dict[str, Json] | None"
Outcome: TypeAlias = "Reply | Ask"

NOBODY_WAITS = Reply(b"")
"""What a call comes to that was not begun, because its client is gone. It is sent to nobody."""


async def nobody_to_ask(_: Ask) -> Answer:
    """An answer that is not a stream has no room for questions."""
    return None


class Threads(NamedTuple):
    """Where one token's calls run."""

    pool: ThreadPoolExecutor
    turn: asyncio.Semaphore
    """Attack: one token whose calls take all threads. It has so many at most, and the rest of its calls wait."""


class Run:
    """One job on its way. All but ``_work`` runs in the event loop."""

    def __init__(self, connection: Connection, job: Job, threads: Threads, say: Callable[[bytes], None]) -> None:
        self.job = job
        self._threads = threads
        self._gone = Gone()
        self._voice = Voice(job, say, self._gone.fd)
        self._steps = connection.run(job, self._voice)
        self._is_working = False

    def end(self) -> None:
        """Nobody waits any more: the call is ended at once, wherever it is."""
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
            self._gone.set()
            if not self._is_working:
                self._close()

    async def _step(self, answer: Answer) -> Outcome:
        async with self._threads.turn:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[Outcome] = loop.create_future()
            self._is_working = True

            def told(done: Future[Outcome]) -> None:
                # The loop is closed when the server stops before a call does.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._stepped, waiter, done)

            self._threads.pool.submit(self._work, answer).add_done_callback(told)
            return await waiter

    def _stepped(self, waiter: asyncio.Future[Outcome], done: Future[Outcome]) -> None:
        self._is_working = False
        if waiter.cancelled():
            self._close()
            return
        fault = done.exception()
        if fault is not None:
            waiter.set_exception(fault)
        else:
            waiter.set_result(done.result())

    def _close(self) -> None:
        self._steps.close()
        self._gone.close()

    def _work(self, answer: Answer) -> Outcome:
        if self._gone.is_set:
            return NOBODY_WAITS
        try:
            return self._steps.send(answer)
        except StopIteration as end:
            reply: Reply = end.value
            return reply
