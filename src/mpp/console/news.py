"""News for a page that waits: an event whenever what it shows has changed. It says that there is something new, and never what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from mpp.console.desk import work
from mpp.console.limits import STREAM_LOOK_SECONDS, STREAM_SECONDS_MAX, STREAMS_MAX

QUIET_LOOKS = 15
"""Looks without news after which a stream says that it lives. Reason: so a browser that is gone is noticed."""

Sleep = Callable[[float], Awaitable[None]]


async def told(look: Callable[[], str], may: Callable[[], bool], sleep: Sleep = asyncio.sleep) -> AsyncIterator[bytes]:
    """``look`` gives a text that changes with what is shown; ``may`` says whether whoever waits may still know."""
    before = await work(look)
    yield b"retry: 2000\n\n"
    quiet = 0
    for _ in range(int(STREAM_SECONDS_MAX / STREAM_LOOK_SECONDS)):
        await sleep(STREAM_LOOK_SECONDS)
        if not may():
            return
        now = await work(look)
        quiet = 0 if now != before else quiet + 1
        if now != before:
            yield b"event: changed\ndata: \n\n"
        elif quiet % QUIET_LOOKS == 0:
            yield b":\n\n"
        before = now


class News:
    """The streams of one console."""

    def __init__(self) -> None:
        self._open = 0

    def stream(self, _request: Request, look: Callable[[], str], may: Callable[[], bool], done: Callable[[], None] = lambda: None) -> Response:
        """``done`` is called when nobody waits any more."""
        if self._open >= STREAMS_MAX:
            # A browser does not ask again after this: its page is then renewed by its person.
            done()
            return PlainTextResponse("503\n", status_code=503)
        self._open += 1

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for piece in told(look, may):
                    yield piece
            finally:
                self._open -= 1
                done()

        return StreamingResponse(counted(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
