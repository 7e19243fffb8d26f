"""One call on its way: what the server said about it, for the thread that waits. Spec: legacy V-8."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import field
from contextlib import suppress
from typing import Protocol, TypeAlias

from mpp.errors import MppError, ToolFailed
from mpp.host.legacy.limits import DECLINED_MAX, LOG_LINES_MAX, NEWS_MAX
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp_client.events import Asked, Done, Log, Progress, Wish
from mpp.protocol.mcp_client.session import CALL, ELICIT, ROOTS, SAMPLE
from mpp.stages.sandbox import Live

News: TypeAlias = Done | Progress | Log | Asked | MppError


@value
class Asks:
    """The server asked something that nobody has answered yet: the call ends for the agent, and goes on with the answer."""

    requests: Mapping[str, Json]
    """What is asked, by the names of the questions, judged and in our words."""
    state: str = ""
    """What leads back to the call that waits at the server; or what the server gave for that. It goes to no agent as it is."""


@value
class Order:
    """One request of an agent as it goes to the server."""

    name: str
    arguments: bytes
    seconds: float
    inputs: Mapping[str, Json]
    """Answers to the server's questions, by their names."""
    state: str = ""
    """What came with those questions."""
    level: str = ""
    """The least level of log lines that the client wants."""
    method: str = CALL
    params: Mapping[str, Json] = field(default_factory=dict)
    """Of what is no call of a tool."""
    whose: str = ""
    """For whom it is done. Attack: the answer of another client to a question that waits."""

    def wish(self) -> Wish:
        more: dict[str, Json] = {"name": self.name} if self.method == CALL else dict(self.params)
        return Wish(
            method=self.method, params=more, arguments=self.arguments if self.method == CALL else None, inputs=self.inputs, state=self.state, level=self.level,
        )  # fmt: skip


class Waiting:
    """Filled by the thread that reads, emptied by the thread of the call."""

    def __init__(self, *, is_heard: bool = True) -> None:
        """``is_heard``: may log lines and questions that name no request belong to it? To a list they never do."""
        self.is_heard = is_heard
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

    def put_back(self, news: tuple[News, ...]) -> None:
        """What was said behind a question waits until the question is answered."""
        with self._lock:
            if news and not self._closed:
                self._news.extendleft(reversed(news))
                os.eventfd_write(self.fd, 1)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._news.clear()
            os.close(self.fd)


class Told(Protocol):
    """Where the answer to a question of the server goes."""

    def answer(self, question: Asked, result: Mapping[str, Json]) -> None: ...

    def decline(self, question: Asked, action: str = "decline") -> None: ...


@value
class Paused:
    """The server waits for the answer to this question, and its request stays open."""

    question: Asked
    name: str
    requests: Mapping[str, Json]
    used: frozenset[str] = frozenset()
    """The answers that were given before. Attack: a server that asks the same again, and takes an old yes for a new one."""


Name = Callable[[Asked], "tuple[str, Mapping[str, Json]] | None"]
"""Under which name a question goes out, and in which words; None where it cannot be answered."""


def follow(waiting: Waiting, order: Order, live: Live, told: Told, *, gone_fd: int, ask: Name, used: frozenset[str] = frozenset()) -> Done | Paused:
    """What a request comes to, or the question at which it waits. Each answer is given once; ``used`` were given before."""
    until, lines, declined = time.monotonic() + order.seconds, 0, 0
    while True:
        for number, news in enumerate(found := waiting.wait(until, gone_fd)):
            if isinstance(news, MppError):
                raise type(news)(news.code, news.message, faults=news.faults)
            if isinstance(news, Done):
                return news
            if isinstance(news, Asked):
                asked = ask(news)
                if asked is None:
                    told.decline(news)
                    declined += 1
                    if declined > DECLINED_MAX:
                        raise ToolFailed("tool.protocol", "the server asks again and again what cannot be asked here", hint="look at the server")
                elif asked[0] in order.inputs and asked[0] not in used:
                    used |= {asked[0]}
                    give(news, order.inputs[asked[0]], told)
                else:
                    waiting.put_back(found[number + 1 :])
                    return Paused(question=news, name=asked[0], requests=asked[1], used=used)
                continue
            lines += 1
            if lines <= LOG_LINES_MAX:
                _tell(news, live)


def _tell(news: Progress | Log, live: Live) -> None:
    if isinstance(news, Log):
        live.log(news.level, news.message)
    else:
        live.progress(news.progress, news.total, news.message)


def give(question: Asked, found: Json, told: Told) -> None:
    """Pass an answer on as servers of the older era take it. What is none is a no."""
    result = answer_of(question.method, found)
    if result is None:
        told.decline(question, "cancel" if isinstance(found, dict) and found.get("action") == "cancel" else "decline")
    else:
        told.answer(question, result)


def answer_of(method: str, found: Json) -> dict[str, Json] | None:
    """The parts of an answer that have a meaning to a server; None where there is no answer."""
    if not isinstance(found, dict):
        return None
    if method == ELICIT:
        content = found.get("content")
        return {"action": "accept", "content": content} if found.get("action") == "accept" and isinstance(content, dict) else None
    if method == SAMPLE and isinstance(found.get("content"), dict):
        return {key: found[key] for key in ("role", "content", "model", "stopReason") if key in found}
    roots = found.get("roots")
    if method == ROOTS and isinstance(roots, list):
        return {"roots": [{key: one[key] for key in ("uri", "name") if key in one} for one in roots if isinstance(one, dict)]}
    return None
