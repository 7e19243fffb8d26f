"""One call on its way: what the server said about it, for the thread that waits. Spec: legacy V-8."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol, TypeAlias

from mpp.errors import MppError, ToolFailed
from mpp.host.legacy.limits import LOG_LINES_MAX, NEWS_MAX
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp_client.session import Done, Elicits, Log, Progress
from mpp.stages.sandbox import Live

News: TypeAlias = Done | Progress | Log | Elicits | MppError


@value
class Asks:
    """The server asked something that nobody has answered yet: the call ends, and may be made again with the answer."""

    key: str
    message: str
    form: bytes


@value
class Order:
    """One call as it goes to the server."""

    name: str
    arguments: bytes
    seconds: float
    inputs: Mapping[str, Json]
    """Answers to the server's questions, by their keys."""


class Waiting:
    """Filled by the thread that reads, emptied by the thread of the call."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._news: deque[News] = deque()
        self._closed = False
        self.dropped = 0
        """Log lines and progress that found no room."""

    def put(self, news: News) -> None:
        with self._lock:
            if self._closed:
                return
            # Attack: a flood of notifications. What ends the call always has room.
            if len(self._news) >= NEWS_MAX and isinstance(news, Progress | Log):
                self.dropped += 1
                return
            self._news.append(news)
            os.eventfd_write(self.fd, 1)

    def wait(self, until: float, gone_fd: int) -> tuple[News, ...]:
        """What was said meanwhile. Raises ToolFailed when the time is over, or nobody waits for the answer."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        if gone_fd >= 0:
            poll.register(gone_fd, select.POLLIN)
        ready = dict(poll.poll(max(0.0, until - time.monotonic()) * 1000))
        if gone_fd in ready:
            raise ToolFailed("tool.cancelled", "nobody waits for the answer any more", hint="call again if it is still wanted")
        if not ready:
            raise ToolFailed("tool.deadline", "the server gave no answer in time", hint="ask for less at once, or look at the server")
        with self._lock:
            with suppress(BlockingIOError):
                os.eventfd_read(self.fd)
            found = tuple(self._news)
            self._news.clear()
        return found

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._news.clear()
            os.close(self.fd)


class Told(Protocol):
    """Where the answer to a question of the server goes."""

    def answer(self, question: Elicits, result: Mapping[str, Json]) -> None: ...


def follow(waiting: Waiting, order: Order, live: Live, told: Told, *, gone_fd: int, ask: Callable[[Elicits], Asks | None]) -> Done | Asks:
    """What a call comes to. ``ask`` says under which key a question could be answered; None: not at all."""
    until, lines = time.monotonic() + order.seconds, 0
    while True:
        for news in waiting.wait(until, gone_fd):
            if isinstance(news, MppError):
                raise type(news)(news.code, news.message, faults=news.faults)
            if isinstance(news, Done):
                return news
            if isinstance(news, Elicits):
                asked = ask(news)
                if asked is not None and asked.key not in order.inputs:
                    # Spec: legacy V-33. A call is never resumed. The server is told that nobody decided, and the call is made again with the answer.
                    told.answer(news, {"action": "cancel"})
                    return asked
                told.answer(news, {"action": "decline"} if asked is None else answer_of(order.inputs[asked.key]))
                continue
            lines += 1
            if lines <= LOG_LINES_MAX:
                _tell(news, live)


def _tell(news: Progress | Log, live: Live) -> None:
    if isinstance(news, Log):
        live.log(news.level, news.message)
    else:
        live.progress(news.progress, news.total, news.message)


def answer_of(found: Json) -> dict[str, Json]:
    """An answer as servers of the older era take it."""
    action = found.get("action") if isinstance(found, dict) else None
    content = found.get("content") if isinstance(found, dict) else None
    if action == "accept" and isinstance(content, dict):
        return {"action": "accept", "content": content}
    return {"action": "cancel" if action == "cancel" else "decline"}
