"""A stream of a session that broke off is taken up again: what was said meanwhile comes, once, to whoever says where it left off."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.serve import http_server
from mpp.serve.http_app import Front
from mpp.serve.http_limits import HTTP_REPLAY_MAX
from mpp.serve.http_sessions import Session
from mpp.testing.backend import MemoryBackend, said
from tests.unit.serve.http_world import bearer, request, Served, serving, token

CHANGED = b"notifications/tools/list_changed"
FRONTS: list[Front] = []


def telling(who: Caller, call: ToolCall, live: Live) -> Outcome:
    return said("told")


class Watched(Front):
    """Its sessions can be looked at."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        FRONTS.append(self)


def sessions() -> list[Session]:
    return FRONTS[-1]._sessions.all()


def settled(is_so: Callable[[], bool]) -> None:
    for _ in range(4000):
        if is_so():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not come to that")


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def served(tmp_path: Path, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(http_server, "Front", Watched)
    with serving(tmp_path, backend) as found:
        yield found
    FRONTS.clear()


class Stream:
    """What came on it so far, all of it."""

    def __init__(self, client: socket.socket) -> None:
        self._client, self.came = client, b""

    def until(self, end: bytes) -> bytes:
        while end not in self.came:
            piece = self._client.recv(65536)
            assert piece, self.came
            self.came += piece
        return self.came


@contextlib.contextmanager
def opened(served: Served, session: dict[str, str], **more: str) -> Iterator[Stream]:
    """The stream of a session, as far as its head."""
    named = {name.replace("_", "-"): text for name, text in {**session, **more}.items()}
    with served.connect() as client:
        client.sendall(request(b"", named, method="GET"))
        found = Stream(client)
        found.until(b"\r\n\r\n")
        yield found


def test_a_stream_that_was_lost_is_taken_up_where_it_broke_off(served: Served, backend: MemoryBackend) -> None:
    session = served.begin()
    with opened(served, session) as first:
        # An empty event with a number, so that this very moment can be named.
        assert first.until(b"id: 1\ndata:\n\n")
        backend.put("demo__more", telling)
        assert CHANGED in first.until(b"id: 2\nevent: message\ndata: {") + first.until(b"list_changed")
    settled(lambda: all(one.stream is None for one in sessions()))
    for _ in range(2):
        backend.put("demo__more", telling)
    settled(lambda: sessions()[0]._count == 4)
    with opened(served, session, last_event_id="2") as again:
        found = again.until(b"id: 4\n")
        assert (b"id: 2\n" in found, b"id: 3\n" in found) == (False, True)
    with opened(served, session, last_event_id="3") as again:
        assert b"id: 3\n" not in again.until(b"id: 4\n")
    # Who does not say where it left off hears what comes.
    with opened(served, session) as again:
        backend.put("demo__more", telling)
        found = again.until(b"id: 5\n")
        assert b"id: 4\n" not in found


@pytest.mark.parametrize("last", ["x", "-1", "1 ", "99999999999999999999999", "100", "\u0661", "1;2", ""])
def test_a_number_that_is_none_brings_nothing_back(served: Served, backend: MemoryBackend, last: str) -> None:
    session = served.begin()
    with opened(served, session) as first:
        first.until(b"id: 1\ndata:\n\n")
    settled(lambda: all(one.stream is None for one in sessions()))
    backend.put("demo__more", telling)
    settled(lambda: sessions()[0]._count == 2)
    with opened(served, session, last_event_id=last.encode().decode("latin-1")) as again:
        backend.put("demo__more", telling)
        found = again.until(b"id: 3\n")
        assert (b"id: 2\n" in found) is (last == "1 ")


def test_of_what_was_missed_the_last_is_kept(served: Served, backend: MemoryBackend) -> None:
    session = served.begin()
    with opened(served, session) as first:
        first.until(b"id: 1\ndata:\n\n")
    settled(lambda: all(one.stream is None for one in sessions()))
    for _ in range(3 * HTTP_REPLAY_MAX):
        backend.put("demo__more", telling)
    settled(lambda: sessions()[0]._count == 1 + 3 * HTTP_REPLAY_MAX)
    with opened(served, session, last_event_id="1") as again:
        found = again.until(b"id: %d\n" % (1 + 3 * HTTP_REPLAY_MAX))
        assert found.count(b"\nid: ") == HTTP_REPLAY_MAX


def test_an_older_client_gets_no_empty_event(served: Served, backend: MemoryBackend) -> None:
    session = served.begin(version="2025-06-18")
    with opened(served, session) as client:
        backend.put("demo__more", telling)
        assert b"data:\n" not in client.until(b"id: 1\nevent: message\n")


def test_a_stream_is_taken_up_by_its_owner_alone(served: Served, backend: MemoryBackend, tmp_path: Path) -> None:
    """Attack: another token with the name of the session and the number of an event."""
    mine, others = bearer(token(tmp_path)), bearer(token(tmp_path, "other", tenant="other"))
    session = served.begin(Authorization=mine["Authorization"])
    with opened(served, session) as first:
        first.until(b"id: 1\ndata:\n\n")
    settled(lambda: all(one.stream is None for one in sessions()))
    backend.put("demo__more", telling)
    stolen = {**{name.replace("_", "-"): text for name, text in session.items()}, **others, "Last-Event-ID": "1"}
    answer = served.ask("GET", headers=stolen)
    assert (answer.status, CHANGED in answer.body) == (404, False)
    twice = json.dumps({}).encode()
    assert b"400 " in served.raw(request(twice, {**session, "Last-Event-ID": "1", "last-event-id": "0", "Connection": "close"}, port=served.port))[:30]
