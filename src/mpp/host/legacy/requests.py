"""What is asked of a server, whatever carries it: its lists, and the requests of agents with the questions in between. Spec: legacy V-5, V-8, V-66."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mpp.errors import MppError, ToolFailed
from mpp.host.legacy.offers import ListOf, Lists, TO_ASK
from mpp.host.legacy.parking import Parked, Parking
from mpp.host.legacy.types import Barriers
from mpp.host.legacy.waiting import Asks, follow, give, Name, Order, Paused, Waiting
from mpp.host.system import SystemRandom
from mpp.model.jsontext import Json
from mpp.protocol.mcp_client.events import Asked, Done, Greeted
from mpp.protocol.mcp_client.lists import Listed, TOOLS
from mpp.protocol.mcp_client.session import Session
from mpp.stages.sandbox import Live

NO_METHOD = -32601

Heard = Callable[[str, str], None]
"""Told of ``changed`` and which list, or of ``updated`` and which resource; from any thread, and quick."""


class Begun(NamedTuple):
    """One request under way."""

    identity: int
    waiting: Waiting
    extra: object = None
    """What the connection holds for it."""


class Requests(ABC):
    """A server that can be called. Safe to use from many threads."""

    barriers = Barriers()
    greeted = Greeted(version="", name="", server_version="")
    changes = 0
    """How often the server said that its lists are others."""

    def __init__(self, client_version: str) -> None:
        self._session = Session(client_version)
        self._parking = Parking(SystemRandom(), self._give_up_parked)
        self.heard: Heard = lambda _what, _which: None

    # -- what carries it

    @property
    @abstractmethod
    def is_alive(self) -> bool: ...

    @abstractmethod
    def hosts(self) -> tuple[str, ...]:
        """Hosts that were reached since the last look."""

    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """What was ignored and dropped, by kind."""

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def watch(self, uri: str) -> None:
        """Be told when a resource is another one, as long as this connection lives. It waits for nothing."""

    @abstractmethod
    def _begin(self, make: Callable[[], tuple[int, bytes]], *, is_heard: bool = True) -> Begun: ...

    @abstractmethod
    def _finish(self, begun: Begun) -> None:
        """Nobody waits for it any more."""

    @abstractmethod
    def _give_up(self, identity: int, why: str) -> None:
        """Tell the server that nobody waits."""

    @abstractmethod
    def _tell(self, data: bytes) -> None:
        """Say something that has no answer."""

    def _failed(self, fault: ToolFailed, since: int) -> None:  # noqa: B027 - over HTTP there is nothing to do
        """A request failed that was begun when so many bytes had been heard."""

    def _so_far(self) -> int:
        return 0

    # -- lists

    def lists(self, seconds: float) -> Lists:
        """All that it offers. A list beside that of the tools that cannot be had is empty: what was in it is kept back then."""
        until = time.monotonic() + seconds
        found: dict[str, tuple[Json, ...]] = {}
        for one in TO_ASK:
            if one.ability and one.ability not in self.greeted.abilities:
                found[one.method] = ()
                continue
            try:
                found[one.method] = self._list(one, until)
            except ToolFailed:
                # Attack: a flood of prompts. It takes away the prompts, and no tool.
                if one.method == TOOLS or not self.is_alive:
                    raise
                found[one.method] = ()
        tools, prompts, resources, templates = (found[one.method] for one in TO_ASK)
        return Lists(tools=tools, prompts=prompts, resources=resources, templates=templates)

    def _list(self, one: ListOf, until: float) -> tuple[Json, ...]:
        listed, cursor = Listed(one.most, one.method), ""
        while True:
            params: dict[str, Json] = {"cursor": cursor} if cursor else {}
            done = self._ask(lambda now=params: self._session.request(one.method, now), until)  # type: ignore[misc]
            cursor = listed.take(done)
            if not cursor:
                return tuple(listed.items)

    def _ask(self, make: Callable[[], tuple[int, bytes]], until: float) -> Done:
        begun = self._begin(make, is_heard=False)
        try:
            while True:
                for news in begun.waiting.wait(until, -1):
                    if isinstance(news, MppError):
                        raise again(news)
                    if isinstance(news, Done):
                        return news
                    if isinstance(news, Asked):
                        self.decline(news)
        finally:
            self._finish(begun)

    # -- requests of agents

    def call(self, order: Order, live: Live, *, gone_fd: int, ask: Name) -> Done | Asks:
        since = self._so_far()
        state = "" if self._session.is_modern else order.state or self._parking.find(order.whose, order.inputs)
        if state:
            parked = self._parking.take(state, order.whose)
            begun, paused = Begun(parked.identity, parked.waiting, parked.extra), parked.paused
            used = paused.used | {paused.name}
            if paused.name not in order.inputs:
                return self._park(begun, paused, order.whose)
            give(paused.question, order.inputs[paused.name], self)
        else:
            begun, used = self._begin(lambda: self._sent(order)), frozenset()
        try:
            found = follow(begun.waiting, order, live, self, gone_fd=gone_fd, ask=ask, used=used)
        except MppError as fault:
            if isinstance(fault, ToolFailed):
                self._give_up(begun.identity, fault.message)
                self._failed(fault, since)
            self._finish(begun)
            raise
        if isinstance(found, Paused):
            return self._park(begun, found, order.whose)
        self._finish(begun)
        return found

    def _sent(self, order: Order) -> tuple[int, bytes]:
        first = self._session.level(order.level) if "logging" in self.greeted.abilities else b""
        identity, data = self._session.send(order.wish())
        return identity, first + data

    def _park(self, begun: Begun, paused: Paused, whose: str) -> Asks:
        parked = Parked(begun.identity, begun.waiting, paused, whose, begun.extra)
        return Asks(requests=paused.requests, state=self._parking.put(parked))

    def _give_up_parked(self, parked: Parked) -> None:
        self.decline(parked.paused.question, "cancel")
        self._give_up(parked.identity, "nobody answered its question")
        self._finish(Begun(parked.identity, parked.waiting, parked.extra))

    def answer(self, question: Asked, result: Mapping[str, Json]) -> None:
        self._tell(self._session.answer(question, result))

    def decline(self, question: Asked, action: str = "decline") -> None:
        self._tell(self._session.decline(question, action))


def again(fault: MppError) -> MppError:
    """The same, to be raised by another thread: each has a trace of its own."""
    return type(fault)(fault.code, fault.message, faults=fault.faults)
