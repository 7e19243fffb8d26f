"""The front over HTTP as an ASGI application: who may come in, to which session a message belongs, and how its answer goes out.

Spec: spec/mcp-front.md, J-60 to J-99. It runs in one event loop; calls run in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import orjson

from mpp.limits import MIB
from mpp.ports import Random
from mpp.protocol.mcp import Answered, Connection, Ended, Event, Job, Listening, Reply, Server, error_reply
from mpp.protocol.mcp.versions import MODERN
from mpp.serve.http_auth import Admission, Door, metadata_url
from mpp.serve.http_exchange import Exchange, GoneError, HeaderList
from mpp.serve.http_headers import BadRequestError, Head, Places, judge_form, preflight, read_head
from mpp.serve.http_limits import HTTP_BODY_BYTES_MAX, HTTP_KEEPALIVE_SECONDS, HTTP_STREAMS_EACH_MAX, HTTP_STREAMS_MAX
from mpp.serve.http_outbox import NO_OUTBOX, Outbox
from mpp.serve.http_quick import SMALL_BODY_BYTES, Known, QuickWire
from mpp.serve.http_rates import Crowd, Rates, Turn
from mpp.serve.http_running import Pool, Run, Threads
from mpp.serve.http_sessions import Session, Sessions
from mpp.serve.http_short import Short, Silences
from mpp.serve.http_work import is_streamed, Work

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

ENDPOINT = "/mcp"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
SESSION, VERSION = b"mcp-session-id", b"mcp-protocol-version"

BODIES_BYTES_MAX = 256 * MIB
"""Bytes of bodies that are being received, of all clients. Reason: what is not complete yet cannot be judged, and lies in memory."""

_MODERN = MODERN.encode("ascii")


class Front:
    """The application. One for each server."""

    keepalive: float = HTTP_KEEPALIVE_SECONDS
    endpoint = ENDPOINT.encode("ascii")

    def __init__(self, server: Server, door: Door, places: Places, pool: Pool, random: Random, *, rate: int, tenant_rate: int) -> None:
        self._server, self._door, self._places, self._pool = server, door, places, pool
        self._rate, self._tenant_rate = rate, tenant_rate
        self._rates, self._calls, self._streams = Rates(), Crowd(), Crowd(HTTP_STREAMS_MAX, HTTP_STREAMS_EACH_MAX)
        self._sessions = Sessions(random)
        self._listeners: dict[Outbox, Connection] = {}
        self._silences = Silences(pool.loop)
        self._bodies = 0
        self._is_stopping = False

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        await self._told(exchange, self._serve(exchange, scope))

    async def _told(self, exchange: Exchange, work: Awaitable[None]) -> None:
        """Answer, if only with a refusal."""
        try:
            await work
        except BadRequestError as bad:
            body = error_reply(None, bad.code, bad.words).data
            await exchange.refuse(bad.status, body, list(bad.headers))
        except GoneError:
            return

    async def _serve(self, exchange: Exchange, scope: HTTPScope) -> None:
        # Attack: /%6dcp, which a proxy in front takes for another place than the one that it guards. The path counts as it was written.
        head = exchange.head = read_head(scope["method"], scope["raw_path"].decode("latin-1"), scope["headers"])
        self._places.judge(head)
        if b"origin" in head.found:
            exchange.cors = self._places.cors(head)
            if exchange.cors and head.method == "OPTIONS":
                await exchange.reply(200, headers=preflight(head))
                return
        if head.path != ENDPOINT:
            await self._metadata(exchange)
            return
        admission = await self._admit(head)
        self._judge_rate(admission)
        if head.method == "POST":
            await self._post(exchange, admission)
        elif head.method == "GET":
            await self._get(exchange, admission)
        elif head.method == "DELETE" and SESSION in head.found:
            self._sessions.end(self._session(head, admission))
            await exchange.reply(200)
        else:
            raise BadRequestError(405, "messages are sent with POST", headers=((b"allow", b"POST, GET, DELETE"),))

    async def _admit(self, head: Head) -> Admission:
        try:
            return self._door.admit(head)
        except BadRequestError as refusal:
            may_help = refusal.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}
            keys = self._door.wanting(head) if may_help else None
            if keys is None:
                raise
        # Spec: mcp-front J-89. The issuer may have new keys. Only this request waits.
        await asyncio.to_thread(keys.renew)
        return self._door.admit(head)

    async def _metadata(self, exchange: Exchange) -> None:
        """RFC 9728. It says where tokens come from, to everybody."""
        server = self._door.resource
        if server is None or exchange.head.method != "GET" or exchange.head.path not in {WELL_KNOWN, "/" + metadata_url(server.resource).split("/", 3)[3]}:
            raise BadRequestError(404, f"messages are sent to {ENDPOINT}")
        await exchange.reply(200, orjson.dumps(server.metadata))

    def _judge_rate(self, admission: Admission) -> None:
        if not (admission.rate or self._rate or self._tenant_rate):
            return
        tenant = (f"tenant {admission.who.tenant}", self._tenant_rate)
        wait = self._rates.wait(((admission.key, admission.rate or self._rate), tenant), self._pool.loop.time())
        if wait:
            raise BadRequestError(429, "too many requests: ask again later", code=-32603, headers=((b"retry-after", b"%d" % wait),))

    def _place(self, crowd: Crowd, admission: Admission) -> Turn:
        """A place in the crowd, which whoever took it leaves."""
        found = 503 if self._is_stopping else crowd.enter(admission.key)
        if isinstance(found, Turn):
            return found
        raise BadRequestError(found, "the host is busy: nothing was run, try again", code=-32603, headers=((b"retry-after", b"1"),))

    def _session(self, head: Head, admission: Admission) -> Session:
        return self._sessions.find(head.found[SESSION].decode("latin-1"), admission, self._pool.loop.time())

    async def _body(self, exchange: Exchange) -> bytes:
        told = exchange.head.found.get(b"content-length", b"")
        size = int(told) if told.isdigit() and len(told) < 10 else HTTP_BODY_BYTES_MAX
        if size <= SMALL_BODY_BYTES:
            return await exchange.body()
        # Attack: many bodies that never become complete.
        if self._bodies + size > BODIES_BYTES_MAX:
            raise BadRequestError(503, "too many large messages at once", code=-32603, headers=((b"retry-after", b"1"),))
        self._bodies += size
        try:
            return await exchange.body()
        finally:
            self._bodies -= size

    async def _post(self, exchange: Exchange, admission: Admission) -> None:
        judge_form(exchange.head)
        body = await self._body(exchange)
        await self._go_on(exchange, admission, self._receive(exchange.head, admission, body))

    def _receive(self, head: Head, admission: Admission, body: bytes) -> _Begun:
        """What a message leads to, in its session or in one that it begins."""
        is_modern = head.found.get(VERSION) == _MODERN
        session = self._session(head, admission) if SESSION in head.found and not is_modern else None
        connection = session.connection if session is not None else Connection(self._server, admission.who)
        events = connection.receive(body, head.texts)
        headers: HeaderList = []
        if session is None and connection.version:
            session = self._sessions.add(connection, admission, self._pool.loop.time())
            headers.append((SESSION, session.name.encode("ascii")))
        if session is not None:
            _inward(events, session)
        return _Begun(connection, session, events, headers)

    async def _go_on(self, exchange: Exchange, admission: Admission, begun: _Begun) -> None:
        connection, session, events, headers = begun
        jobs = [event for event in events if isinstance(event, Job)]
        if any(isinstance(event, Listening) for event in events):
            await self._listen(exchange, admission, connection, events)
        elif jobs:
            turn = self._place(self._calls, admission)
            try:
                is_stream = is_streamed(exchange.head.takes, wants=any(job.wants_stream for job in jobs))
                outbox = Outbox(asyncio.get_running_loop()) if is_stream else None
                work = Work(exchange, connection, session, self.keepalive, outbox)
                say = NO_OUTBOX.put if outbox is None else outbox.put
                await work.answer([Run(connection, job, Threads(self._pool, turn), say) for job in jobs])
            finally:
                self._calls.leave(admission.key)
        else:
            status, data = _at_once(events)
            await exchange.reply(status, data, headers)

    # -- a whole message that came at once; nothing here waits

    def take(self, wire: QuickWire, body: bytes) -> None:
        """Spec: mcp-front J-60 to J-99, as for all others, in the same order. What needs more than one answer, or somebody else's, goes on as a task."""
        try:
            known = self._known(wire)
            admission = None if known is None else self._door.admit(known.head)
        except BadRequestError:
            # It is turned down as any request, or its issuer is asked for new keys.
            known = admission = None
        if known is None or admission is None:
            wire.slowly(self, body)
            return
        try:
            self._judge_rate(admission)
            if not known.is_sound:
                judge_form(known.head)
            self._answer(wire, known, admission, self._receive(known.head, admission, body))
        except BadRequestError as bad:
            wire.answer(bad.status, error_reply(None, bad.code, bad.words).data, bad.headers)

    def _known(self, wire: QuickWire) -> Known | None:
        """None: of a page, which is told more."""
        known = wire.known
        if known is None or known.headers != wire.headers:
            head = read_head("POST", ENDPOINT, wire.headers)
            self._places.judge(head)
            known = wire.known = Known(wire.headers, head, _is_sound(head), head.takes)
        return None if b"origin" in known.head.found else known

    def _answer(self, wire: QuickWire, known: Known, admission: Admission, begun: _Begun) -> None:
        events = begun.events
        first = events[0] if events else None
        if len(events) == 1 and isinstance(first, Job):
            turn = self._place(self._calls, admission)
            if turn.take_now():
                left = partial(self._calls.leave, admission.key)
                threads = Threads(self._pool, turn)
                Short(wire, known, begun.connection, begun.session, first, threads, self._silences, self.keepalive, left).begin()
                return
            self._calls.leave(admission.key)
        elif not any(isinstance(event, (Job, Listening)) for event in events):
            status, data = _at_once(events)
            wire.answer(status, data, begun.headers)
            return
        wire.slowly(self._rest(known.head, admission, begun), b"")

    def _rest(self, head: Head, admission: Admission, begun: _Begun) -> ASGI3Application:
        """The rest of a request whose message was received already."""

        async def go_on(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            if scope["type"] == "http":
                exchange = Exchange(scope, receive, send, head=head)
                await self._told(exchange, self._go_on(exchange, admission, begun))

        return go_on

    async def _listen(self, exchange: Exchange, admission: Admission, connection: Connection, events: list[Event]) -> None:
        """A subscription of the new era: its stream stays open."""
        if not exchange.head.takes_stream:
            raise BadRequestError(406, "a subscription is answered with text/event-stream")
        self._place(self._streams, admission)
        outbox = Outbox(asyncio.get_running_loop())
        for event in events:
            if isinstance(event, Reply):
                outbox.must(event.data)
        self._listeners[outbox] = connection
        try:
            await self._keep_telling(exchange, admission, outbox, exchange.event)
        finally:
            del self._listeners[outbox]
            self._streams.leave(admission.key)

    async def _get(self, exchange: Exchange, admission: Admission) -> None:
        """The stream of a session of the old era, on which its client hears of changes."""
        head = exchange.head
        if SESSION not in head.found or head.found.get(VERSION) == _MODERN:
            raise BadRequestError(405, "messages are sent with POST", headers=((b"allow", b"POST, GET, DELETE"),))
        if not head.takes_stream:
            raise BadRequestError(406, "this is answered with text/event-stream")
        session = self._session(head, admission)
        self._place(self._streams, admission)
        outbox = Outbox(asyncio.get_running_loop())
        session.open(outbox, head.found.get(b"last-event-id", b"").strip(b" \t"))
        try:
            await self._keep_telling(exchange, admission, outbox, exchange.written)
        finally:
            session.closed(outbox)
            self._streams.leave(admission.key)

    async def _keep_telling(self, exchange: Exchange, admission: Admission, outbox: Outbox, send: Callable[[bytes], Awaitable[None]]) -> None:
        exchange.on_lost(outbox.over)
        await exchange.begin()
        while (found := await outbox.take(self.keepalive)) is not None:
            # Spec: mcp-front J-73. A token that was revoked hears nothing more.
            if not self._still(exchange.head, admission):
                break
            for data in found:
                await send(data)
            if not found:
                await exchange.alive()
        await exchange.end()

    def _still(self, head: Head, admission: Admission) -> bool:
        try:
            return self._door.admit(head).who == admission.who
        except BadRequestError:
            return False

    def changed(self, what: str) -> None:
        """A list changed: tell all who listen. In the event loop."""
        for session in self._sessions.all():
            for data in session.connection.changed(what):
                session.tell(data)
        for outbox, connection in self._listeners.items():
            for data in connection.changed(what):
                outbox.put(data)

    def stop(self) -> None:
        """Take no more work; end what only waits. Calls that run may end."""
        self._is_stopping = True
        for outbox, connection in self._listeners.items():
            for data in connection.close():
                outbox.must(data)
            outbox.over()
        for session in self._sessions.all():
            if session.stream is not None:
                session.stream.over()


class _Begun(NamedTuple):
    """A message that was received, and what it leads to."""

    connection: Connection
    session: Session | None
    events: list[Event]
    headers: HeaderList


def _is_sound(head: Head) -> bool:
    try:
        judge_form(head)
    except BadRequestError:
        return False
    return True


def _at_once(events: list[Event]) -> tuple[int, bytes]:
    """The answer to a message that needs no work."""
    reply = next((event for event in events if isinstance(event, Reply)), None)
    return (202, b"") if reply is None else (reply.status, reply.data)


def _inward(events: list[Event], session: Session) -> None:
    """What a message says about work that runs already."""
    for event in events:
        if isinstance(event, Ended):
            session.ended(event.job)
        elif isinstance(event, Answered):
            session.answered(event.ask, event.result)
