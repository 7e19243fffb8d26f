"""A home with a log, and a target that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.files import make_private_folder
from mpp.host.audit.forwarding.answers import Answer, Piece, YES
from mpp.host.audit.forwarding.forwarder import Forwarder, Manner
from mpp.host.audit.forwarding.places import forward_places, ForwardPlaces
from mpp.host.audit.forwarding.source import LogSource
from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.host.system import FixedClock
from mpp.model.events import Event
from mpp.stages.audit.forward import to_jsonl

AT = 1_790_000_000


class Halves:
    """Randomness without surprise."""

    def bytes(self, count: int) -> bytes:
        return b"\xff" * count


class Scripted:
    """Answers each batch by the next of ``script``, and then with yes."""

    def __init__(self, script: Sequence[Answer] = ()) -> None:
        self.script = list(script)
        self.batches: list[list[int]] = []
        self.judge: Callable[[list[int]], Answer] | None = None

    def send(self, pieces: Sequence[Piece]) -> Answer:
        seqs = [piece.record.seq for piece in pieces]
        self.batches.append(seqs)
        if self.script:
            return self.script.pop(0)
        return self.judge(seqs) if self.judge is not None else YES

    @property
    def sent(self) -> list[int]:
        return [seq for batch in self.batches for seq in batch]


class World:
    """Everything that a forwarder needs, and what it said."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path=str(path))
        self.log = AuditLog(self.home)
        self.source = LogSource(self.log)
        self.places: ForwardPlaces = forward_places(self.home.log)
        make_private_folder(self.places.folder)
        self.said: list[str] = []
        self.waited: list[float] = []
        self.pauses = 10**9
        self.on_pause: Callable[[], None] = lambda: None

    def pause(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.on_pause()
        return len(self.waited) >= self.pauses

    def put(self, count: int, kind: str = "stop", invocation: str = "", **body: str) -> None:
        self.log.record_all([Event(kind=kind, at=AT + i, tenant="local", invocation=invocation, body={"n": i, **body}) for i in range(count)], durable=True)

    def forwarder(self, transport: Scripted, **changes: object) -> Forwarder:
        manner = Manner(encode=to_jsonl, batch_bytes=10**6, clock=FixedClock(AT), random=Halves(), pause=self.pause, tell=self.said.append)
        return Forwarder("siem", self.places, self.source, transport, replace(manner, **changes))  # type: ignore[arg-type]


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    found = World(home)
    yield found
    found.log.close()
