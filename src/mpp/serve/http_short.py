"""A call that is answered in one piece and needs no task for that, until there is something to say before its answer. Most are. Used in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mpp.protocol.mcp import Ask, Connection, Job, Reply
from mpp.protocol.mcp.reading import Id
from mpp.serve.http_exchange import Exchange
from mpp.serve.http_outbox import Outbox
from mpp.serve.http_quick import Known, QuickWire
from mpp.serve.http_running import Outcome, Run, Threads
from mpp.serve.http_sessions import Session
from mpp.serve.http_work import Work, is_streamed

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope


class Silences:
    """Calls whose clients hear nothing yet, the oldest first: one timer for all of them. Spec: mcp-front J-68."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._since: dict[Short, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, short: Short, seconds: float) -> None:
        self._since[short] = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._look)

    def drop(self, short: Short) -> None:
        self._since.pop(short, None)

    def _look(self) -> None:
        self._timer, now = None, self._loop.time()
        while self._since and (until := next(iter(self._since.values()))) <= now:
            next(iter(self._since)).go_slowly()
        if self._since:
            self._timer = self._loop.call_at(until, self._look)


class Short:
    """One such call."""

    def __init__(
        self, wire: QuickWire, known: Known, connection: Connection, session: Session | None, job: Job, threads: Threads, silences: Silences, keepalive: float,
        left: Callable[[], None],
    ) -> None:  # fmt: skip
        """``left`` is called when it is over."""
        self._wire, self._head, self._connection, self._session, self._job = wire, known.head, connection, session, job
        self._silences, self._keepalive, self._left = silences, keepalive, left
        self._loop = threads.pool.loop
        self._known: dict[Id, Run] = session.runs if session is not None else {}
        self._is_streamed = is_streamed(known.takes, wants=job.wants_stream)
        self._is_slow = False
        self._said: dict[str, Outbox] = {}
        """What was said before the answer, once something was."""
        self._run = Run(connection, job, threads, self._say if self._is_streamed else _unheard, may_ask=self._is_streamed)

    def begin(self) -> None:
        self._known[self._job.id] = self._run
        self._wire.on_lost(self._run.end)
        if self._is_streamed:
            self._silences.add(self, self._keepalive)
        self._run.begin(self._stepped)

    def _say(self, data: bytes) -> None:
        # In the thread of the call.
        self._outbox().put(data)

    def _outbox(self) -> Outbox:
        # The thread of the call and the loop may come here at once: one of the two is kept, for both.
        return self._said.get("outbox") or self._said.setdefault("outbox", Outbox(self._loop, begun=self.go_slowly))

    def _stepped(self, outcome: Outcome) -> None:
        if isinstance(outcome, Reply) and (not self._said or self._wire.is_lost):
            self._finish(outcome)
        elif self._wire.is_lost:
            self._finish(None)
        else:
            self.go_slowly(speaks=not isinstance(outcome, Ask))

    def _finish(self, reply: Reply | None) -> None:
        self._silences.drop(self)
        self._wire.on_lost(None)
        self._known.pop(self._job.id, None)
        self._run.close()
        self._left()
        found = self._connection.done(self._job, reply or Reply(b""))
        if found is None:
            self._wire.answer(202, b"")
        else:
            self._wire.answer(found.status, found.data)

    def go_slowly(self, *, speaks: bool = True) -> None:
        """From here on the answer is a stream, and a task sends it."""
        self._silences.drop(self)
        if self._is_slow or self._wire.is_lost:
            return
        self._is_slow = True
        self._run.join()
        outbox = self._outbox()

        async def go_on(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            if scope["type"] == "http":
                exchange = Exchange(scope, receive, send, head=self._head)
                try:
                    await Work(exchange, self._connection, self._session, self._keepalive, outbox).answer([self._run], speaks=speaks)
                finally:
                    self._left()

        self._wire.slowly(go_on, b"")


def _unheard(_: bytes) -> None:
    """What is said along the way, where the answer is not a stream."""
