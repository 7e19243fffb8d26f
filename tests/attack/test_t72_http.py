"""T72: clients of the front over HTTP that lie, push, stall, guess and vanish."""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from mpp.host.backend import HostBackend, ServeOptions, open_backend
from mpp.host.home import Home
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Backend, Caller, Live, Outcome, ToolCall
from mpp.serve.http_exchange import Exchange
from mpp.serve.http_limits import HTTP_BODY_BYTES_MAX, HTTP_CALLS_MAX
from mpp.serve.http_wire import Wire
from mpp.testing.backend import MemoryBackend, said
from mpp.testing.installing import install_tool
from mpp.testing.wasm import module
from tests import records
from tests.servers import wait_for
from tests.unit.serve.http_world import (
    SECONDS_MAX,
    Served,
    bearer,
    call_bytes,
    modern,
    read_all,
    read_until,
    request,
    revoke_all,
    serving,
    token,
)

PARALLEL = 1000
SLOW_SECONDS = 3.0
"""Seconds that slow clients get beside a good one. Reason: the good one must have said all by then, on a busy machine too."""
TRICKLE_SECONDS_MAX = 60.0
"""Seconds in which a trickle must have been cut. Reason: each piece that bought time would let it go on for minutes."""


class Held:
    """A tool that holds its call until its client is gone or all are let go. It says when it saw which."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.ended = 0
        self.over = threading.Semaphore(0)
        self.free_read, self.free_write = os.pipe()

    def __call__(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        self.started.release()
        poll = select.poll()
        poll.register(live.gone_fd, select.POLLIN)
        poll.register(self.free_read, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(SECONDS_MAX * 1000)}
        if live.gone_fd in ready:
            self.ended += 1
        self.over.release()
        return said("held")

    def free(self) -> None:
        os.write(self.free_write, b"x")

    def close(self) -> None:
        os.close(self.free_read)
        os.close(self.free_write)


@pytest.fixture
def held() -> Iterator[Held]:
    found = Held()
    yield found
    found.close()


@pytest.fixture
def backend(held: Held) -> MemoryBackend:
    found = MemoryBackend()
    found.put("demo__held", held)
    found.put("demo__who", lambda who, call, live: said(f"{who.tenant}/{who.agent.name}"))
    return found


@pytest.fixture
def served(tmp_path: Path, backend: MemoryBackend) -> Iterator[Served]:
    with serving(tmp_path, backend) as found:
        yield found


def works(served: Served, headers: dict[str, str] | None = None) -> bool:
    """The next call of a good client is answered."""
    return served.call("demo__add", a=1, b=2, headers=headers).result["structuredContent"] == {"sum": 3}


REBINDING = [
    {"Host": "evil.example.com"},
    {"Host": "evil.example.com:80", "Origin": "http://evil.example.com"},
    {"Host": "127.0.0.1.evil.example.com"},
    {"Host": "localhost", "Origin": "http://evil.example.com"},
    {"Host": "localhost", "Origin": "http://localhost.evil.example.com"},
    {"Host": "localhost", "Origin": "null"},
    {"Host": "localhost@evil.example.com"},
    {"Host": ""},
]


@pytest.mark.parametrize("headers", REBINDING)
def test_a_page_that_points_its_name_at_this_machine(headers: dict[str, str], served: Served, backend: MemoryBackend) -> None:
    message, named = modern("tools/call", "demo__echo", name="demo__echo", arguments={})
    found = served.raw(request(json.dumps(message).encode(), {**named, **headers, "Connection": "close"}))
    assert found.startswith(b"HTTP/1.1 403 ")
    assert backend.calls == []


def test_a_form_of_a_page_needs_no_leave_and_gets_none(served: Served, backend: MemoryBackend) -> None:
    message, named = modern("tools/call", "demo__echo", name="demo__echo", arguments={})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert served.ask("POST", body=json.dumps(message).encode(), headers={**named, "Content-Type": kind}).status == 415
    assert backend.calls == []
    found = served.ask("OPTIONS", headers={"Origin": "http://localhost:1", "Access-Control-Request-Method": "POST"})
    assert (found.status, [name for name in found.headers if name.startswith("access-control")]) == (405, [])


TWO_READINGS = [
    b"Host: localhost\r\nHost: evil.example.com\r\n",
    b"Host: localhost\r\nMcp-Name: demo__echo\r\nMcp-Name: demo__add\r\n",
    b"Host: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n",
    b"Host: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    b"Host: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
    b"Host: localhost\r\nTransfer-Encoding: chunked, identity\r\n",
    b"Host: localhost\r\nContent-Length: 2\r\nX: a\r\n folded\r\n",
    b"Host: localhost\r\nContent-Length: +2\r\n",
]


@pytest.mark.parametrize("headers", TWO_READINGS)
def test_what_two_readers_read_differently(headers: bytes, served: Served, backend: MemoryBackend) -> None:
    found = served.raw(b"POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n" + headers + b"\r\n{}")
    assert found.split(b" ")[1][:1] == b"4", found
    assert backend.calls == []
    assert works(served)


ELSEWHERE = [
    # A proxy in front goes by the address in the first line, and we would by Host.
    (b"POST http://evil.example.com/mcp HTTP/1.1", b""),
    (b"POST http://ada@evil.example.com/mcp HTTP/1.1", b""),
    (b"POST http://localhost/mcp HTTP/1.1", b""),
    # A proxy that guards /mcp takes these for other places.
    (b"POST /%6dcp HTTP/1.1", b""),
    (b"POST /%6Dc%70 HTTP/1.1", b""),
    (b"POST //mcp HTTP/1.1", b""),
    (b"POST /x/../mcp HTTP/1.1", b""),
    (b"POST /mcp;x HTTP/1.1", b""),
    # A proxy that speaks HTTP/1.0 does not know chunks: to it the body has no length.
    (b"POST /mcp HTTP/1.0", b"Transfer-Encoding: chunked\r\n"),
    (b"CONNECT 127.0.0.1:22 HTTP/1.1", b""),
    (b"POST * HTTP/1.1", b""),
]


@pytest.mark.parametrize(("first", "more"), ELSEWHERE)
def test_a_first_line_that_a_proxy_reads_otherwise(first: bytes, more: bytes, served: Served, backend: MemoryBackend) -> None:
    whole = call_bytes("demo__echo").partition(b"\r\n")[2].replace(b"127.0.0.1:1", b"localhost")
    if more:
        head, _, body = whole.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
        whole = b"\r\n".join(lines) + b"\r\n" + more + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    found = served.raw(first + b"\r\nConnection: close\r\n" + whole)
    assert found.split(b" ")[1][:1] == b"4", found
    assert backend.calls == []
    # The same call at its own place is answered.
    assert b" 200 " in served.raw(
        b"POST /mcp HTTP/1.1\r\nConnection: close\r\n" + call_bytes("demo__echo").partition(b"\r\n")[2].replace(b"127.0.0.1:1", b"localhost")
    )


def test_a_token_opens_its_tenant_and_no_other(served: Served, tmp_path: Path) -> None:
    acme, other = token(tmp_path), token(tmp_path, "scout", tenant="other")
    session = served.begin(**bearer(acme))
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert served.post(listing, **session).status == 200
    for stolen in ({**session, **bearer(other)}, {**session, **bearer(token(tmp_path))}):
        assert served.post(listing, **stolen).status == 404
        headers = {"Mcp-Session-Id": session["mcp_session_id"], "Authorization": stolen["Authorization"]}
        assert served.ask("GET", headers=headers).status == 404
        assert served.ask("DELETE", headers=headers).status == 404
    without = {name: text for name, text in session.items() if name != "Authorization"}
    assert served.post(listing, **without).status == 401
    assert served.post(listing, **session).status == 200
    assert served.call("demo__who", headers=bearer(other)).result["content"][0]["text"] == "other/scout"


def test_no_message_says_who_calls(served: Served, tmp_path: Path) -> None:
    text = token(tmp_path)
    lies = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-User": "root", "X-Mpp-Tenant": "other", "Forwarded": "for=127.0.0.1"}
    meta = {"tenant": "other", "agent": "root", "user": "root"}
    assert served.call("demo__who", headers={**bearer(text), **lies}, meta=meta).result["content"][0]["text"] == "acme/planner"
    assert served.call("demo__who", headers=lies).status == 401


def test_a_revoked_token_ends_at_once_on_open_streams_too(served: Served, tmp_path: Path, backend: MemoryBackend) -> None:
    text = token(tmp_path)
    message, headers = modern("subscriptions/listen", notifications={"toolsListChanged": True})
    with served.connect() as client:
        client.sendall(request(json.dumps(message).encode(), {**headers, **bearer(text)}))
        read_until(client, b"\n\n\r\n")
        revoke_all(tmp_path)
        assert served.call("demo__add", a=1, b=2, headers=bearer(text)).status == 401
        backend.put("demo__secret_plan", lambda who, call, live: said("x"))
        # The stream ends, and what changed is not told.
        assert b"list_changed" not in read_until(client, b"0\r\n\r\n")


def test_guesses_are_answered_alike(served: Served, tmp_path: Path) -> None:
    text = token(tmp_path)
    guesses = [text[:-1] + ("A" if text[-1] != "A" else "B"), "mppt_" + "0" * 16 + "_" + "A" * 43, "x", "a.b.c"]
    answers = {(found.status, found.body) for found in (served.call("demo__add", a=1, b=1, headers=bearer(guess)) for guess in guesses[:2])}
    assert len(answers) == 1
    assert all(served.call("demo__add", a=1, b=1, headers=bearer(guess)).status == 401 for guess in guesses)


def test_a_client_that_vanishes_ends_its_call(served: Served, held: Held) -> None:
    for turn in range(5):
        client = served.connect()
        client.sendall(call_bytes("demo__held"))
        assert held.started.acquire(timeout=SECONDS_MAX)
        client.close()
        assert held.over.acquire(timeout=SECONDS_MAX)
        assert held.ended == turn + 1
    assert works(served)


class Watching:
    """A host behind the front that says when a call begins and when it has ended."""

    def __init__(self, backend: HostBackend) -> None:
        self._backend = backend
        self.begun, self.ended = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        self.begun.set()
        found = yield from self._backend.steps(who, call, live)
        self.ended.set()
        return found


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    """A home with a tool that never ends by itself."""
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    found = Home(path=str(home))
    install_tool(found, module(body=b"\x03\x40\x0c\x00\x0b"), changes={"runtime/timeout_ms": 60_000})
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="tools run on Linux")
def test_a_tool_in_its_sandbox_ends_with_its_client(place: Home, home: Path, tmp_path: Path) -> None:
    with open_backend(place, ServeOptions(), environment={}) as backend:
        watched = Watching(backend)
        with serving(tmp_path, cast("Backend", watched), home=place) as served:
            for turn in range(3):
                watched.begun.clear()
                watched.ended.clear()
                client = served.connect()
                client.sendall(call_bytes("hello__greet"))
                assert watched.begun.wait(SECONDS_MAX)
                # Its intent stands in the record before the tool runs; it would run for a minute.
                wait_for(lambda turn=turn: recorded(home).count("intent") > turn, "the tool to begin")  # type: ignore[misc]
                assert not watched.ended.wait(0.3)
                client.close()
                assert watched.ended.wait(SECONDS_MAX)
    outcomes = [one.body["outcome"] for one in records.events(home) if one.kind == "result"]
    assert outcomes == ["tool.cancelled"] * 3


def recorded(home: Path) -> list[str]:
    return [one.kind for one in records.events(home)]


def test_a_client_that_vanishes_from_a_stream_ends_its_call(served: Served, held: Held) -> None:
    message, headers = modern("tools/call", "demo__held", name="demo__held", arguments={}, meta={"progressToken": 1})
    client = served.connect()
    client.sendall(request(json.dumps(message).encode(), headers))
    assert held.started.acquire(timeout=SECONDS_MAX)
    # Reset, as a process that is killed with unread bytes does.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert held.over.acquire(timeout=SECONDS_MAX)
    assert held.ended == 1
    assert works(served)


def test_a_request_behind_a_running_one_does_not_hide_that_the_client_is_gone(served: Served, held: Held) -> None:
    with served.connect() as client:
        client.sendall(call_bytes("demo__held"))
        assert held.started.acquire(timeout=SECONDS_MAX)
        client.sendall(call_bytes("demo__held"))
        assert read_all(client) == b""
    assert held.over.acquire(timeout=SECONDS_MAX)
    assert held.ended == 1
    assert works(served)


def test_a_call_that_hears_nothing_holds_up_nobody(served: Served, backend: MemoryBackend, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, freed = threading.Event(), threading.Event()

    def deaf(who: Caller, call: ToolCall, live: Live) -> Outcome:
        begun.set()
        assert freed.wait(SECONDS_MAX)
        return said("deaf")

    backend.put("demo__deaf", deaf)
    try:
        with served.connect() as client, served.connect() as gone:
            # It is done by the thread that serves all connections, for nothing is known of this tool.
            client.sendall(call_bytes("demo__deaf"))
            assert begun.wait(SECONDS_MAX)
            assert works(served)
            gone.sendall(call_bytes("demo__held"))
            assert held.started.acquire(timeout=SECONDS_MAX)
            gone.close()
            assert held.over.acquire(timeout=SECONDS_MAX)
            assert held.ended == 1
            with monkeypatch.context() as patch:
                patch.setattr(Wire, "head_seconds", 0.2)
                assert served.raw(b"POST /mcp HTTP/1.1\r\n").startswith(b"HTTP/1.1 408 ")
            freed.set()
            assert b'"deaf"' in read_until(client, b'"complete"}}')
    finally:
        freed.set()
    assert works(served)


def test_slow_clients_are_cut_off_and_hold_nobody_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "head_seconds", SLOW_SECONDS)
    monkeypatch.setattr(Exchange, "body_seconds", SLOW_SECONDS)
    beginnings = [
        b"",
        b"P",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-a: ",
        request(b"", {"Content-Length": "100"}),
        request(b"", {"Content-Length": "100"}) + b"{",
    ]
    clients = [served.connect() for _ in range(100)]
    try:
        for i, client in enumerate(clients):
            client.sendall(beginnings[i % len(beginnings)])
        assert works(served)
        assert all(read_all(client).startswith(b"HTTP/1.1 408 ") for client in clients)
    finally:
        for client in clients:
            client.close()


def test_a_client_that_trickles_gets_no_more_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "head_seconds", 0.2)
    began = time.monotonic()
    with served.connect() as client:
        client.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n")
        poll = select.poll()
        poll.register(client, select.POLLIN)
        for i in range(10_000):
            # A header every 20 ms, for as long as it is allowed.
            if poll.poll(20):
                break
            client.sendall(b"X-%d: a\r\n" % i)
        assert read_all(client).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < TRICKLE_SECONDS_MAX


def test_a_body_that_is_too_large_is_not_taken(served: Served, backend: MemoryBackend) -> None:
    text = "a" * HTTP_BODY_BYTES_MAX
    message, headers = modern("tools/call", "demo__echo", name="demo__echo", arguments={"text": text})
    assert served.raw(request(json.dumps(message).encode(), headers)[:100_000]).startswith(b"HTTP/1.1 413 ")
    assert backend.calls == []
    assert works(served)


HUGE = [
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"[" + b"1," * 1_000_000 + b"1]",
    b'{"jsonrpc":"2.0","id":1,"method":"' + b"a" * 1_000_000 + b'"}',
    b'{"jsonrpc":"2.0","id":' + b"9" * 100_000 + b',"method":"ping"}',
    b'{"jsonrpc":"2.0","id":"' + b"a" * 1_000_000 + b'","method":"ping"}',
    b'"' + b"\\u0000" * 100_000 + b'"',
    b"\x00" * 1_000_000,
    b"\xff\xfe" * 100_000,
]


@pytest.mark.parametrize("body", HUGE, ids=range(len(HUGE)))
def test_huge_and_malformed_messages(body: bytes, served: Served) -> None:
    assert served.ask("POST", body=body).status == 400
    assert works(served)


def test_1000_calls_at_once_are_all_answered(tmp_path: Path, backend: MemoryBackend, held: Held) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 5 * PARALLEL
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip("this machine gives a process too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    clients: list[socket.socket] = []
    try:
        with serving(tmp_path, backend) as served:
            for i in range(PARALLEL):
                client = served.connect()
                clients.append(client)
                client.sendall(call_bytes("demo__held") if i % 10 == 0 else call_bytes("demo__add", a=i, b=1))
            held.free()
            for i, client in enumerate(clients):
                found = read_until(client, b'"complete"}}')
                assert (b'"held"' if i % 10 == 0 else f'"sum":{i + 1}}}'.encode()) in found
            assert works(served)
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_calls_of_one_token_are_told_so_and_others_are_served(
    tmp_path: Path, backend: MemoryBackend, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpp.serve.http_rates.Crowd.__init__.__defaults__", (HTTP_CALLS_MAX, 2))
    greedy, other = token(tmp_path), token(tmp_path, "scout")
    with serving(tmp_path, backend) as served, served.connect() as first, served.connect() as second:
        for client in (first, second):
            message, headers = modern("tools/call", "demo__held", name="demo__held", arguments={})
            client.sendall(request(json.dumps(message).encode(), {**headers, **bearer(greedy)}))
            assert held.started.acquire(timeout=SECONDS_MAX)
        refused = served.call("demo__add", a=1, b=2, headers=bearer(greedy))
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert works(served, bearer(other))
        held.free()
        read_until(first, b'"complete"}}')
        read_until(second, b'"complete"}}')
        assert works(served, bearer(greedy))


def test_nothing_is_left_of_clients_that_come_and_go(served: Served, held: Held) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    assert works(served)
    before = descriptors()
    for _ in range(50):
        client = served.connect()
        client.sendall(call_bytes("demo__held"))
        assert held.started.acquire(timeout=SECONDS_MAX)
        client.close()
        assert held.over.acquire(timeout=SECONDS_MAX)
    # A call's descriptor is closed after its thread is done with it: the next answers come later than that.
    for _ in range(1000):
        assert works(served)
        if descriptors() <= before:
            break
    assert descriptors() <= before
