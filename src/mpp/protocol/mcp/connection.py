"""One connection: messages in, events out. Nothing here waits, reads a clock or starts a thread. Spec: mcp-front J-1 to J-29.

``receive``, ``done``, ``changed`` and ``close`` of one connection are not called at the same time (the transport holds a lock); they are quick.
``run`` is work: it is called outside of the lock, from any thread.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import NamedTuple, TypeAlias

from mpp.errors import MppError
from mpp.model.jsontext import Json
from mpp.ports import Clock, Random, Wait
from mpp.protocol.mcp import methods
from mpp.protocol.mcp.calling import Answers, Ask, Asker
from mpp.protocol.mcp.limits import PAGE_ITEMS_MAX, RUNNING_MAX
from mpp.protocol.mcp.lists import Pages
from mpp.protocol.mcp.opening import Opened, Openings
from mpp.protocol.mcp.ports import Backend, Caller, Live, UPDATED
from mpp.protocol.mcp.reading import Broken, Id, Message, Note, Request, Response, is_id, read_message
from mpp.protocol.mcp.sealing import Seals
from mpp.protocol.mcp.telling import Job
from mpp.protocol.mcp.versions import INVALID_REQUEST, V2025_03
from mpp.protocol.mcp.watching import Watching
from mpp.protocol.mcp.writing import BAD_REQUEST, FaultError, Reply, busy_reply, error_reply, fault_reply, host_fault, no_method, result_reply


class Ended(NamedTuple):
    """The client does not wait for this any more. Nothing is sent for it."""

    job: Job


class Answered(NamedTuple):
    """The client answered a question of ours."""

    ask: str
    result: dict[str, Json] | None
    """None: it answered with an error."""


class Listening(NamedTuple):
    """A subscription began: the stream of this request stays open."""

    id: Id


Run: TypeAlias = "Generator[Wait | Ask, dict[str, Json] | None, Reply]"
"""A request that is being worked on: it waits, or has the client asked something."""

Event: TypeAlias = "Reply | Job | Ended | Answered | Listening"


class Server:
    """What all connections of one process share."""

    def __init__(self, backend: Backend, clock: Clock, random: Random, *, version: str = "0", page: int = PAGE_ITEMS_MAX) -> None:
        self.backend = backend
        self.info: dict[str, Json] = {"name": "mpp", "title": "Model Package Protocol host", "version": version}
        self.seals = Seals(clock, random)
        self.pages = Pages(page)


class _Batch:
    """The answers to one batch, sent together when the last is there."""

    def __init__(self) -> None:
        self.left = 0
        self.parts: list[bytes] = []

    def add(self, reply: Reply | None) -> None:
        if reply is not None:
            self.parts.append(reply.data)

    def whole(self) -> Reply | None:
        return Reply(b"[" + b",".join(self.parts) + b"]") if not self.left and self.parts else None


class Connection:
    """A pipe, a session of the old era, or one request of the new one."""

    def __init__(self, server: Server, who: Caller) -> None:
        self._server = server
        self._who = who
        self._running: dict[Id, Job] = {}
        self._batches: dict[Id, _Batch] = {}
        self._cancelled: set[Id] = set()
        self._asked: set[str] = set()
        self._ids = count(1)
        self._watching = Watching()
        self._opening = Openings(server.backend, server.info, self._watching, who)

    @property
    def version(self) -> str:
        """What ``initialize`` settled; empty before."""
        return self._opening.version

    @property
    def running(self) -> tuple[Job, ...]:
        return tuple(self._running.values())

    def receive(self, data: bytes, headers: dict[str, str] | None = None) -> list[Event]:
        """What one message leads to. ``headers``: those of HTTP, names in lower case; None on a transport without. It never raises."""
        found = read_message(data)
        if isinstance(found, Request):
            return self._request(found, headers)
        if not isinstance(found, list):
            return self._one(found, headers)
        if self.version != V2025_03:
            return [error_reply(None, INVALID_REQUEST, "only version 2025-03-26 has batches", status=BAD_REQUEST)]
        return self._batch(found, headers)

    def _one(self, found: Message, headers: dict[str, str] | None) -> list[Event]:
        if isinstance(found, Request):
            return self._request(found, headers)
        if isinstance(found, Note):
            return self._note(found)
        if isinstance(found, Response):
            return self._response(found)
        if isinstance(found, Broken):
            return [error_reply(found.id, found.code, found.message, status=BAD_REQUEST)]
        return []

    def _request(self, request: Request, headers: dict[str, str] | None) -> list[Event]:
        if request.id in self._running or self._watching.has(request.id):
            return [error_reply(request.id, INVALID_REQUEST, "a request with this id is still running", status=BAD_REQUEST)]
        try:
            opened = self._opening.judge(request, headers)
            if isinstance(opened, Opened):
                return self._at_once(request, opened)
            if request.method not in methods.LISTS and request.method not in methods.OTHERS:
                raise no_method(request.method, modern=opened.modern)
        except FaultError as fault:
            return [fault_reply(request.id, fault)]
        if len(self._running) >= RUNNING_MAX:
            return [busy_reply(request.id)]
        self._running[request.id] = opened
        return [opened]

    def _at_once(self, request: Request, opened: Opened) -> list[Event]:
        if opened.listening is None:
            return [result_reply(request.id, opened.result)]
        return [Reply(opened.listening), Listening(request.id)]

    def _note(self, note: Note) -> list[Event]:
        if note.method == "notifications/initialized":
            self._opening.ready()
        given = note.params.get("requestId")
        if note.method != "notifications/cancelled" or not is_id(given) or not isinstance(given, (int, str)):
            return []
        self._watching.drop(given)
        job = self._running.get(given)
        if job is None or given in self._cancelled:
            return []
        self._cancelled.add(given)
        return [Ended(job)]

    def _response(self, response: Response) -> list[Event]:
        # Attack: an answer to what was never asked, or a second one.
        if not isinstance(response.id, str) or response.id not in self._asked:
            return []
        self._asked.discard(response.id)
        return [Answered(response.id, response.result)]

    def _batch(self, found: list[Message], headers: dict[str, str] | None) -> list[Event]:
        batch = _Batch()
        events: list[Event] = []
        for one in found:
            if isinstance(one, Request) and one.method == "initialize":
                batch.add(error_reply(one.id, INVALID_REQUEST, "initialize stands alone"))
                continue
            for event in self._one(one, headers):
                if isinstance(event, Reply):
                    batch.add(event)
                else:
                    events.append(event)
                if isinstance(event, Job):
                    batch.left += 1
                    self._batches[event.id] = batch
        whole = batch.whole()
        return events if whole is None else [whole, *events]

    def run(self, job: Job, live: Live) -> Run:
        """Do the work of a request. Yields what it waits for and what the client must be asked; returns the answer. It raises nothing but what the host should not raise."""
        at = Asker(backend=self._server.backend, seals=self._server.seals, who=self._who, job=job, live=live, ids=self._ids)
        try:
            if job.method in methods.LISTS:
                return methods.listed(at, self._server.pages, self._server.info)
            if job.method not in methods.ASKING:
                return methods.plain(at, self._server.info)
            steps = methods.asking(at, self._server.info)
            return result_reply(job.id, (yield from self._noting(steps)))
        except FaultError as fault:
            return fault_reply(job.id, fault)
        except MppError as fault:
            return fault_reply(job.id, host_fault(fault))

    def _noting(self, steps: Answers) -> Answers:
        """The same steps. What the client is asked is known as long as its answer is waited for."""
        try:
            step = next(steps)
            while True:
                if isinstance(step, Wait):
                    try:
                        yield step
                    except MppError as fault:
                        step = steps.throw(fault)
                    else:
                        step = next(steps)
                    continue
                self._asked.add(step.id)
                try:
                    answer = yield step
                finally:
                    self._asked.discard(step.id)
                step = steps.send(answer)
        except StopIteration as end:
            result: dict[str, Json] = end.value
            return result

    def done(self, job: Job, reply: Reply) -> Reply | None:
        """A job is over: what is sent now. None: nothing, because it was cancelled or others of its batch still run."""
        self._running.pop(job.id, None)
        cancelled = job.id in self._cancelled
        self._cancelled.discard(job.id)
        batch = self._batches.pop(job.id, None)
        if batch is None:
            return None if cancelled else reply
        batch.left -= 1
        batch.add(None if cancelled else reply)
        return batch.whole()

    def changed(self, what: str) -> list[bytes]:
        """What to send because the list of ``tools``, ``resources`` or ``prompts`` changed, or one resource that is followed."""
        if what.startswith(UPDATED):
            tenant, _, uri = what.removeprefix(UPDATED).partition(" ")
            return self._watching.updated(uri) if tenant == self._who.tenant else []
        return self._watching.changed(what)

    def close(self) -> list[bytes]:
        """The answers that end the subscriptions."""
        return self._watching.close()
