"""Sessions of the old era: each belongs to who began it, ends when it is not used, and makes room for others. Used in the event loop only.

Spec: spec/mcp-front.md, J-65 to J-68.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque

from mpp.crypto.jws import encode_part
from mpp.ports import Random
from mpp.protocol.mcp import Connection, Job
from mpp.protocol.mcp.reading import Id
from mpp.serve.http_auth import Admission
from mpp.serve.http_headers import BadRequestError
from mpp.serve.http_limits import HTTP_REPLAY_MAX, HTTP_SESSION_SECONDS_MAX, HTTP_SESSIONS_EACH_MAX, HTTP_SESSIONS_MAX
from mpp.serve.http_outbox import Outbox
from mpp.serve.http_running import Answer, Run

SESSION_BYTES = 32
"""Random bytes of a session's id. Reason: nobody guesses it, though it opens nothing without the token."""

NUMBER_CHARS_MAX = 18
"""Digits of the number of an event. Reason: no session has more."""

PRIMED_SINCE = "2025-11-25"
"""The version since which the first event of a stream is an empty one that has a number. Clients of earlier ones take it for a message."""


class Session:
    """What is remembered between two requests."""

    def __init__(self, name: str, connection: Connection, admission: Admission, now: float) -> None:
        self.name, self.connection, self.admission = name, connection, admission
        self.used = now
        self.stream: Outbox | None = None
        """The stream on which its client hears of changes, if it has opened one."""
        self._told: deque[tuple[int, bytes]] = deque(maxlen=HTTP_REPLAY_MAX)
        """What was said on its stream last, with numbers, for a client that comes back."""
        self._count = 0
        self.runs: dict[Id, Run] = {}
        self.asks: dict[str, asyncio.Future[Answer]] = {}

    @property
    def is_idle(self) -> bool:
        return not self.runs and self.stream is None

    def ended(self, job: Job) -> None:
        """Its client waits for that call no more."""
        run = self.runs.get(job.id)
        if run is not None:
            run.end()

    def answered(self, ask: str, answer: Answer) -> None:
        waiter = self.asks.pop(ask, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def tell(self, data: bytes) -> None:
        """A message on its stream. Who lost the stream gets it when it opens another one, if it says where it left off."""
        if self.stream is None and not self._count:
            return
        self._count += 1
        event = b"id: %d\nevent: message\ndata: %b\n\n" % (self._count, data)
        self._told.append((self._count, event))
        if self.stream is not None:
            self.stream.put(event)

    def open(self, stream: Outbox, last: bytes = b"") -> None:
        """A client that lost its stream opens another one: the last one counts. ``last``: the number of the event that it saw last, as it says.

        Spec: mcp-front J-68. Attack: a number that is none, or one that is still to come: nothing is said again for it.
        """
        if self.stream is not None:
            self.stream.over()
        self.stream = stream
        seen = int(last) if last.isdigit() and len(last) <= NUMBER_CHARS_MAX else self._count
        for number, event in self._told:
            if number > seen:
                stream.put(event)
        if not self._count and self.connection.version >= PRIMED_SINCE:
            # So that a client that loses the stream before anything is said can come back too.
            self._count = 1
            stream.put(b"id: 1\ndata:\n\n")

    def closed(self, stream: Outbox) -> None:
        if self.stream is stream:
            self.stream = None

    def close(self) -> None:
        for run in self.runs.values():
            run.end()
        if self.stream is not None:
            self.stream.over()


class Sessions:
    """All sessions, the longest unused first."""

    def __init__(self, random: Random, *, most: int = HTTP_SESSIONS_MAX, each: int = HTTP_SESSIONS_EACH_MAX, seconds: float = HTTP_SESSION_SECONDS_MAX) -> None:
        self._random, self._most, self._each, self._seconds = random, most, each, seconds
        self._all: dict[str, Session] = {}
        self._of: Counter[str] = Counter()

    def add(self, connection: Connection, admission: Admission, now: float) -> Session:
        self._tidy(now)
        if self._of[admission.key] >= self._each:
            self._make_room(admission.key)
        if len(self._all) >= self._most:
            raise BadRequestError(503, "this server has no room for another session", code=-32603, headers=((b"retry-after", b"60"),))
        session = Session(encode_part(self._random.bytes(SESSION_BYTES)), connection, admission, now)
        self._all[session.name] = session
        self._of[admission.key] += 1
        return session

    def find(self, name: str, admission: Admission, now: float) -> Session:
        """The session of that name. Attack: somebody else's: to whoever did not begin it, it is not there."""
        self._tidy(now)
        session = self._all.get(name)
        if session is None or not _is_same(session.admission, admission):
            raise BadRequestError(404, "there is no such session: initialize again")
        self._touch(session, now)
        return session

    def end(self, session: Session) -> None:
        if self._all.pop(session.name, None) is not None:
            key = session.admission.key
            self._of[key] -= 1
            if not self._of[key]:
                del self._of[key]
        session.close()

    def all(self) -> list[Session]:
        return list(self._all.values())

    def _tidy(self, now: float) -> None:
        while (oldest := next(iter(self._all.values()), None)) is not None and oldest.used + self._seconds <= now:
            if oldest.is_idle:
                self.end(oldest)
            else:
                self._touch(oldest, now)

    def _touch(self, session: Session, now: float) -> None:
        session.used = now
        # The order of the table is that of use.
        self._all[session.name] = self._all.pop(session.name)

    def _make_room(self, key: str) -> None:
        for session in self._all.values():
            if session.admission.key == key and session.is_idle:
                self.end(session)
                return
        raise BadRequestError(429, "this token has too many sessions in use", headers=((b"retry-after", b"60"),))


def _is_same(one: Admission, other: Admission) -> bool:
    return one is other or (one.key == other.key and one.who == other.who)
