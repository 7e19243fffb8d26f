"""A connection that answers a whole, small POST without a task: most requests of agents. All others go the way of ASGI, by the same connection and within its bounds.

Measured: scope, task, messages and timers of ASGI cost as much as the protocol above them. Spec: spec/mcp-front.md, J-90 to J-93.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mpp.limits import KIB
from mpp.serve.http_headers import Head, Takes
from mpp.serve.http_wire import CONNECTION, Wire

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.server import ServerState

SMALL_BODY_BYTES = 64 * KIB
"""Bytes of a body that is received without asking for room. Reason: nearly all are smaller; the number of connections bounds them."""

_LENGTH, _END = b"content-length: %d\r\n", b"\r\n"
_CLOSE = b"connection: close\r\n"
_JSON = b"content-type: application/json\r\ncache-control: no-store\r\n"


class Taker(Protocol):
    """Who answers such requests: by ``answer`` of the connection, now or later in the loop; or by ``slowly``, at once."""

    endpoint: bytes
    """The one address that they are sent to, as it is written."""

    def take(self, wire: QuickWire, body: bytes) -> None: ...


class Known(NamedTuple):
    """Headers, and what was read from them. A client sends the same again and again."""

    headers: list[tuple[bytes, bytes]]
    head: Head
    is_sound: bool
    """The form of its message, and that its answer can be given."""
    takes: Takes


class _Running:
    """In place of uvicorn's record of a request and its answer."""

    def __init__(self) -> None:
        self.response_complete = True
        self.keep_alive = True
        self.disconnected = False
        self.more_body = False
        self.message_event = asyncio.Event()
        """Nobody waits for it: a body is whole."""


class QuickWire(Wire):
    """What a ``Taker`` takes is never more than one request at a time, as on any connection here."""

    def __init__(self, taker: Taker, config: Config, server_state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, server_state, {}, loop)
        self._taker = taker
        self._running = _Running()
        self._pieces: list[bytes] | None = None
        """Of the body of a request that may be taken; None: there is none."""
        self._is_whole = False
        self._has_begun = False
        """Did a request begin in what came last?"""
        self.known: Known | None = None
        """What the taker made of the head before."""
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    # -- reading

    def data_received(self, data: bytes) -> None:
        self._has_begun = False
        super().data_received(data)
        if self._pieces is None or self._was_refused() or self.transport.is_closing():
            return
        pieces, self._pieces = self._pieces, None
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._is_whole and len(body) <= SMALL_BODY_BYTES and not self.flow.write_paused:
            self._taker.take(self, body)
        else:
            self._go_slowly(self.app, body)

    def _watch_silence(self) -> None:
        is_idle = not self._has_begun and self.cycle is not None and self.cycle.response_complete
        if is_idle and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._slow)

    def on_message_begin(self) -> None:
        self._has_begun = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse(b"")
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._in_head, self._head_bytes, self._is_chunked = True, 0, False

    def on_headers_complete(self) -> None:
        if not self._judge_head():
            return
        parser = self.parser
        if self.url != self._taker.endpoint or self.expect_100_continue or parser.get_method() != b"POST" or parser.should_upgrade():
            self._begin_slowly()
            return
        self._pieces, self._is_whole = [], False
        running = self._running
        running.response_complete, running.keep_alive = False, parser.get_http_version() != "1.0" and parser.should_keep_alive()
        self.cycle = running  # type: ignore[assignment] # it has what is looked at here and above

    def on_body(self, body: bytes) -> None:
        if self._pieces is None:
            super().on_body(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if self._pieces is None:
            super().on_message_complete()
        else:
            self._is_whole = True

    # -- the slow way

    def slowly(self, app: ASGI3Application, body: bytes) -> None:
        """Let ``app`` answer the request that was taken."""
        self._is_whole = True
        self._go_slowly(app, body)

    def _go_slowly(self, app: ASGI3Application, body: bytes) -> None:
        self._running.response_complete = True
        before, self.app = self.app, app
        try:
            self._begin_slowly()
        finally:
            self.app = before
        # Asked of the parser now, what the head said of that would be gone.
        self.cycle.keep_alive = self._running.keep_alive
        if body:
            super().on_body(body)
        if self._is_whole:
            super().on_message_complete()

    def _begin_slowly(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        HttpToolsProtocol.on_message_begin(self)
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        self.scope[CONNECTION] = self  # type: ignore[literal-required] # a name of ours
        HttpToolsProtocol.on_headers_complete(self)

    # -- answering

    def answer(self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """The whole answer to the request that was taken, in one piece."""
        running = self._running
        running.response_complete = True
        if self.parser is None or self.transport.is_closing():
            return
        pieces = [STATUS_LINE[status], _LENGTH % len(body)]
        if headers:
            pieces += [b"%b: %b\r\n" % header for header in headers]
        if not running.keep_alive:
            pieces.append(_CLOSE)
        pieces += (_JSON, _END, body) if body else (_END,)
        self.transport.write(b"".join(pieces))
        if running.keep_alive:
            self.on_response_complete()
        else:
            self.transport.close()

    @property
    def is_running(self) -> bool:
        """Is a request of it worked on?"""
        return self.cycle is not None and not self.cycle.response_complete

    # -- silence: one timer that is looked at when it ends, in place of one for each answer

    def on_response_complete(self) -> None:
        if self.flow.read_paused:
            self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._end_silence)

    def _end_silence(self) -> None:
        self._idle_timer = None
        if self.is_running or self._in_head:
            return  # Its end, or the end of its head, is waited for elsewhere.
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._end_silence)
        else:
            self.timeout_keep_alive_handler()

    def _stop_timers(self) -> None:
        super()._stop_timers()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
