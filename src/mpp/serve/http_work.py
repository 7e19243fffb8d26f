"""The work of one request, and its answer: whole, or as a stream of events where something is said before it."""

from __future__ import annotations

import asyncio

from mpp.protocol.mcp import Ask, Connection, Reply
from mpp.protocol.mcp.reading import Id
from mpp.serve.http_exchange import Exchange
from mpp.serve.http_headers import Takes
from mpp.serve.http_outbox import NO_OUTBOX, Outbox
from mpp.serve.http_running import Answer, Run, nobody_to_ask
from mpp.serve.http_sessions import Session


def is_streamed(takes: Takes, *, wants: bool) -> bool:
    """May something be said before the answer? ``wants``: a job may say something."""
    return takes.stream and (wants or not takes.json)


class Work:
    """The jobs of one request, and its answer: whole, or as a stream once there is something to say before it."""

    def __init__(self, exchange: Exchange, connection: Connection, session: Session | None, keepalive: float, outbox: Outbox | None) -> None:
        """``outbox``: what is said before the answer; None where that is no stream."""
        self._exchange, self._connection, self._session, self._keepalive = exchange, connection, session, keepalive
        self._loop = asyncio.get_running_loop()
        self._is_stream = outbox is not None
        self._outbox = NO_OUTBOX if outbox is None else outbox
        self._outbox.begun = self._speak
        self._speaker: asyncio.Task[None] | None = None
        """Sends what is said before the answer. Most calls say nothing, and need none."""
        self._runs: list[Run] = []
        self._known: dict[Id, Run] = session.runs if session is not None else {}
        self._asked: set[str] = set()
        self._reply: Reply | None = None

    async def answer(self, runs: list[Run], *, speaks: bool = False) -> None:
        """``speaks``: it is a stream from the beginning."""
        self._runs = runs
        for run in self._runs:
            self._known[run.job.id] = run
        try:
            self._exchange.on_lost(self._lost)
            if self._is_stream:
                await self._stream(speaks=speaks)
            else:
                await self._finish_all(can_ask=False)
                await self._whole()
        finally:
            self._exchange.on_lost(None)
            for run in self._runs:
                self._known.pop(run.job.id, None)

    def _lost(self) -> None:
        """Spec: mcp-front J-64. Who is gone waits for nothing: its calls end at once."""
        for run in self._runs:
            run.end()
        if self._session is not None:
            for name in self._asked:
                self._session.answered(name, None)

    async def _finish_all(self, *, can_ask: bool) -> None:
        if len(self._runs) == 1:
            await self._finish(self._runs[0], can_ask=can_ask)
        else:
            await asyncio.gather(*(self._finish(run, can_ask=can_ask) for run in self._runs))

    async def _finish(self, run: Run, *, can_ask: bool) -> None:
        reply = await run.finish(self._ask if can_ask and self._session is not None else nobody_to_ask)
        found = self._connection.done(run.job, reply)
        if found is not None:
            self._reply = found

    async def _whole(self) -> None:
        reply = self._reply
        await (self._exchange.reply(202) if reply is None else self._exchange.reply(reply.status, reply.data))

    async def _stream(self, *, speaks: bool) -> None:
        if speaks:
            self._speak()
        # Spec: mcp-front J-68. Who hears nothing for so long is told that the call goes on.
        silence = self._loop.call_later(self._keepalive, self._speak)
        try:
            await self._finish_all(can_ask=True)
            if self._speaker is None:
                await self._whole()
            elif self._reply is not None:
                self._outbox.must(self._reply.data)
        finally:
            silence.cancel()
            if self._speaker is not None:
                # Also after a defect: what was said before it is sent, then the stream ends.
                self._outbox.over()
                await self._speaker

    def _speak(self) -> None:
        """From here on the answer is a stream of events."""
        if self._speaker is None:
            self._speaker = self._loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        await self._exchange.begin()
        if not self._outbox.has_more:
            await self._exchange.alive()
        while (found := await self._outbox.take(self._keepalive)) is not None:
            for data in found:
                await self._exchange.event(data)
            if not found:
                await self._exchange.alive()
        await self._exchange.end()

    async def _ask(self, ask: Ask) -> Answer:
        session = self._session
        if session is None or self._exchange.is_lost:
            return None
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        session.asks[ask.id] = waiter
        self._asked.add(ask.id)
        self._outbox.must(ask.data)
        try:
            async with asyncio.timeout(ask.seconds):
                return await waiter
        except TimeoutError:
            self._outbox.must(ask.withdraw)
            return None
        finally:
            self._asked.discard(ask.id)
            session.asks.pop(ask.id, None)
