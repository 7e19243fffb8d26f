"""Requests of which the server waits for an answer, kept open until it comes. Spec: legacy V-66.

A server of the older era expects the answer within the same request. To make the request again would do twice what the server did before it asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mpp.errors import ToolFailed
from mpp.host.legacy.limits import PARKED_MAX, PARKED_SECONDS_MAX
from mpp.host.legacy.waiting import Paused, Waiting
from mpp.model.jsontext import Json
from mpp.ports import Random

_STATE_BYTES = 16


class Parked(NamedTuple):
    """One request that waits at a question."""

    identity: int
    waiting: Waiting
    paused: Paused
    whose: str
    extra: object = None
    """What the connection holds for it."""


class Parking:
    """Safe to use from many threads. Each place is taken out once: by who brings the answer, or by the end of its time."""

    def __init__(self, random: Random, give_up: Callable[[Parked], None], seconds: float = PARKED_SECONDS_MAX) -> None:
        """``give_up`` ends a request whose answer did not come."""
        self._random, self._give_up, self._seconds = random, give_up, seconds
        self._lock = threading.Lock()
        self._places: dict[str, tuple[Parked, threading.Timer]] = {}

    def put(self, parked: Parked) -> str:
        """What leads back to it."""
        state = self._random.bytes(_STATE_BYTES).hex()
        timer = threading.Timer(self._seconds, self._late, (state,))
        timer.daemon = True
        with self._lock:
            # Attack: a server that asks without end, while nobody answers. The oldest question makes room.
            oldest = next(iter(self._places), "") if len(self._places) >= PARKED_MAX else ""
            self._places[state] = (parked, timer)
        timer.start()
        self._late(oldest)
        return state

    def take(self, state: str, whose: str) -> Parked:
        """The request that waits. Raises ToolFailed ``tool.deadline`` in clear words where it does not wait any more."""
        with self._lock:
            found = self._places.get(state)
            # Attack: an answer of another client. A place is told to nobody but who asked, and is no other's.
            if found is None or found[0].whose != whose:
                raise ToolFailed(
                    "tool.deadline", "the server does not wait for this answer any more: it came too late, or the server was started anew",
                    where="answer", hint="call again; the server asks again then",
                )  # fmt: skip
            del self._places[state]
        found[1].cancel()
        return found[0]

    def find(self, whose: str, inputs: Mapping[str, Json]) -> str:
        """The way back to a request of the same caller and the same call that waits for one of these answers; empty where there is none."""
        with self._lock:
            return next((state for state, (one, _) in self._places.items() if one.whose == whose and one.paused.name in inputs), "")

    def is_parked(self, waiting: Waiting) -> bool:
        with self._lock:
            return any(parked.waiting is waiting for parked, _ in self._places.values())

    def close(self) -> None:
        """Give all of them up."""
        with self._lock:
            states = [*self._places]
        for state in states:
            self._late(state)

    def _late(self, state: str) -> None:
        with self._lock:
            found = self._places.pop(state, None)
        if found is not None:
            found[1].cancel()
            self._give_up(found[0])
