"""One request and its answer, over ASGI: the body read within its bounds, an answer whole or as a stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from mpp.limits import KIB
from mpp.serve.http_headers import BadRequestError, Head
from mpp.serve.http_limits import HTTP_BODY_BYTES_MAX, HTTP_BODY_SECONDS_MAX
from mpp.serve.http_wire import CONNECTION, Wire

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope

DRAIN_BYTES_MAX = 64 * KIB
"""Bytes of a body that are read although the request is refused. Reason: who still sends when the connection ends may not see the answer."""

DRAIN_SECONDS_MAX = 1
"""Seconds for which such a body is waited for. Reason: it is most often there already."""

JSON_TYPE = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
CLOSE = (b"connection", b"close")
STREAM = [(b"content-type", b"text/event-stream"), NO_STORE, (b"x-accel-buffering", b"no"), (b"x-content-type-options", b"nosniff")]

HeaderList = list[tuple[bytes, bytes]]


class GoneError(Exception):
    """Nobody waits for the answer any more."""


class Exchange:
    """A request as it came in; each is answered once."""

    body_seconds: float = HTTP_BODY_SECONDS_MAX
    body_max: int = HTTP_BODY_BYTES_MAX

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, *, head: Head | None = None) -> None:
        """``head``: of a request whose body was read already."""
        self.head = head or Head(method=scope["method"], path=scope["path"], found={}, texts={})
        self.cors: HeaderList = []
        """What goes into each answer, so that a page may read it."""
        self._receive, self._send = receive, send
        self._wire = cast("Wire", cast("dict[str, object]", scope)[CONNECTION])
        self._is_read = head is not None or self.head.method != "POST"
        self._is_tried = False

    def on_lost(self, lost: Callable[[], None] | None) -> None:
        """Call ``lost`` at once when the client is gone, also if it is already."""
        self._wire.on_lost(lost)
        if lost is not None and self._wire.is_lost:
            lost()

    @property
    def is_lost(self) -> bool:
        return self._wire.is_lost

    async def body(self) -> bytes:
        """The whole body. Attacks: one without end, one that comes a byte at a time."""
        told = self.head.found.get(b"content-length", b"")
        if told.isdigit() and int(told[:20]) > self.body_max:
            raise BadRequestError(413, f"a message has at most {self.body_max} bytes")
        self._is_tried = True
        if self._wire.is_whole(self._receive):
            # Nearly always it came with the head.
            return await self._whole(self.body_max)
        try:
            async with asyncio.timeout(self.body_seconds):
                return await self._whole(self.body_max)
        except TimeoutError:
            raise BadRequestError(408, "the message does not come to an end") from None

    async def _whole(self, most: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            event = await self._receive()
            if event["type"] != "http.request":
                raise GoneError
            size += len(event["body"])
            if size > most:
                raise BadRequestError(413, f"a message has at most {most} bytes")
            pieces.append(event["body"])
            if not event["more_body"]:
                self._is_read = True
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def refuse(self, status: int, body: bytes, headers: HeaderList) -> None:
        """An answer to a request whose body may not have been read."""
        if not (self._is_read or self._is_tried):
            await self._drain()
        await self.reply(status, body, headers if self._is_read else [*headers, CLOSE])

    async def _drain(self) -> None:
        told = self.head.found.get(b"content-length", b"")
        if not told.isdigit() or len(told) > 9 or int(told) > DRAIN_BYTES_MAX:
            return
        try:
            async with asyncio.timeout(DRAIN_SECONDS_MAX):
                await self._whole(DRAIN_BYTES_MAX)
        except (TimeoutError, BadRequestError, GoneError):
            return

    async def reply(self, status: int, body: bytes = b"", headers: HeaderList | None = None) -> None:
        """The whole answer."""
        whole = [(b"content-length", b"%d" % len(body)), *(headers or ()), *self.cors]
        if body:
            whole += (JSON_TYPE, NO_STORE)
        await self._send({"type": "http.response.start", "status": status, "headers": whole})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def begin(self, headers: HeaderList | None = None) -> None:
        """An answer that is a stream of events."""
        await self._send({"type": "http.response.start", "status": 200, "headers": [*STREAM, *(headers or ()), *self.cors]})

    async def event(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": b"event: message\ndata: " + data + b"\n\n", "more_body": True})

    async def written(self, event: bytes) -> None:
        """An event that stands as it goes out."""
        await self._send({"type": "http.response.body", "body": event, "more_body": True})

    async def alive(self) -> None:
        """A line that says nothing: proxies keep the stream, and a client that is gone is noticed."""
        await self._send({"type": "http.response.body", "body": b": alive\n\n", "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
