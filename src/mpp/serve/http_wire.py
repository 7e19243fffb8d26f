"""One connection: uvicorn's HTTP protocol over httptools, with an end to how much, and how slowly, a client may send or read.

Spec: spec/mcp-front.md, J-90 to J-93.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mpp.serve.http_limits import (
    HTTP_CONNECTIONS_MAX,
    HTTP_HEAD_BYTES_MAX,
    HTTP_HEAD_SECONDS_MAX,
    HTTP_HEADERS_MAX,
    HTTP_WRITE_SECONDS_MAX,
)

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable
    from uvicorn.config import Config
    from uvicorn.server import ServerState

CONNECTION = "mpp.connection"
"""Under which name a request's scope holds its connection."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_AMBIGUOUS = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Wire(HttpToolsProtocol):
    """A connection whose heads are bounded in size and time, and which says when it is gone."""

    head_seconds: float = HTTP_HEAD_SECONDS_MAX
    write_seconds: float = HTTP_WRITE_SECONDS_MAX
    connections_max: int = HTTP_CONNECTIONS_MAX

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object], _loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_bytes = 0
        self._in_head = True
        self._is_refused = False
        self._is_chunked = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            self._refuse(_TOO_MANY)
        else:
            self._head_timer = self.loop.call_later(self.head_seconds, self._slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        super().connection_lost(exc)
        lost, self._lost = self._lost, None
        if lost is not None:
            lost()

    def on_lost(self, lost: Callable[[], None] | None) -> None:
        """Call ``lost`` at once when nobody is at the other end any more; None: no more."""
        self._lost = lost

    def is_whole(self, receive: ASGIReceiveCallable) -> bool:
        """Has the body of the request with this ``receive`` come whole?"""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and receive == cycle.receive

    @property
    def is_lost(self) -> bool:
        return self.parser is None or self.transport.is_closing()

    def _was_refused(self) -> bool:
        """Asked after something that may have refused it."""
        return self._is_refused

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        super().data_received(data)
        if self._was_refused():
            return
        if not self._in_head:
            self._watch_silence()
            return
        # The parser holds back a header that has not ended: only the bytes that came say how long it is by now.
        self._head_bytes += len(data)
        if self._head_bytes > HTTP_HEAD_BYTES_MAX:
            self._refuse(_TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._slow)

    def _watch_silence(self) -> None:
        # Attack: empty lines between requests, which end the wait for the next one and begin none.
        is_idle = self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None
        if is_idle and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._slow)

    def on_message_begin(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # Attack: a second request behind one that runs. Nothing is read then, so nobody would see that the client is gone. No client does it.
            self._refuse(b"")
        super().on_message_begin()
        self._in_head, self._head_bytes, self._is_chunked = True, 0, False
        self.scope["mpp.connection"] = self  # type: ignore[typeddict-unknown-key]

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        # Attack: more headers than anybody reads. Beyond the limit they are not even kept.
        if len(self.headers) <= HTTP_HEADERS_MAX and self._head_bytes <= HTTP_HEAD_BYTES_MAX:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            elif name == b"transfer-encoding":
                self._is_chunked = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._judge_head():
            super().on_headers_complete()

    def _judge_head(self) -> bool:
        """The head is whole. May it go on?"""
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if self._head_bytes + len(self.url) > HTTP_HEAD_BYTES_MAX or len(self.headers) > HTTP_HEADERS_MAX:
            self._refuse(_TOO_LARGE)
        elif self._is_ambiguous():
            self._refuse(_AMBIGUOUS)
        return not self._is_refused

    def _is_ambiguous(self) -> bool:
        """Attacks: a whole address in the place of the path, by which a proxy in front goes while we go by ``Host``; and a body of HTTP/1.0 in chunks, which for
        a proxy that speaks it ends elsewhere.
        """
        return not self.url.startswith(b"/") or (self._is_chunked and self.parser.get_http_version() != "1.1")

    def on_body(self, body: bytes) -> None:
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_refused:
            super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.write_seconds, self._cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _cut(self) -> None:
        """Attack: a client that asks for much and reads nothing. Closing would wait for it, here or in the kernel."""
        self._write_timer = None
        found: socket.socket | None = self.transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _slow(self) -> None:
        self._head_timer = None
        self._refuse(_TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        self._is_refused = True
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._write_timer = None
