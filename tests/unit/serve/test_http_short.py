"""Who does a call over HTTP: the thread that runs the loop, while nobody waits for it; and that nothing which is remembered of a connection opens anything."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.serve import http_running, http_server
from mpp.serve.http_app import Front
from mpp.serve.http_rates import Turn
from mpp.serve.http_running import Run, _Queue
from mpp.serve.pace import IN_A_ROW
from mpp.testing.backend import MemoryBackend, said
from tests.unit.serve.http_world import SECONDS_MAX, Served, bearer, call_bytes, modern, read_all, read_until, request, revoke_all, serving, token


class Threads:
    """Tools that say which thread they ran in: one that is quick, one that takes a moment, one that waits until it is let go."""

    def __init__(self) -> None:
        self.started, self.freed = threading.Semaphore(0), threading.Event()

    def quick(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        return said(threading.current_thread().name)

    def moment(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        time.sleep(0.03)
        return said(threading.current_thread().name)

    def long(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        time.sleep(0.1)
        return said(threading.current_thread().name)

    def held(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        self.started.release()
        assert self.freed.wait(SECONDS_MAX)
        return said(threading.current_thread().name)


@pytest.fixture
def tools() -> Iterator[Threads]:
    found = Threads()
    yield found
    found.freed.set()


@pytest.fixture
def served(tmp_path: Path, tools: Threads, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    # Ten times what holds otherwise, and so are the tools: what takes no time at all takes some milliseconds on a busy machine.
    monkeypatch.setattr(http_running, "WORTH_SECONDS", 0.02)
    monkeypatch.setattr(http_running, "LONG_SECONDS", 0.05)
    with serving(
        tmp_path, MemoryBackend({"demo__quick": tools.quick, "demo__moment": tools.moment, "demo__long": tools.long, "demo__held": tools.held})
    ) as found:
        yield found


def thread_of(served: Served, name: str) -> str:
    found = served.call(name).result["content"][0]["text"]
    assert isinstance(found, str)
    return found


def test_a_short_call_is_done_by_the_thread_that_runs_the_loop(served: Served) -> None:
    assert all(thread_of(served, "demo__quick").startswith("mpp-loop-") for _ in range(20))
    named = served.begin()
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "demo__quick", "arguments": {}}}
    assert served.post(call, **named).result["content"][0]["text"].startswith("mpp-loop-")


def test_a_tool_that_waits_again_and_again_gets_threads_for_its_calls(served: Served) -> None:
    for _ in range(IN_A_ROW):
        thread_of(served, "demo__moment")
    clients = [served.connect() for _ in range(4)]
    for _ in range(100):
        for client in clients:
            client.sendall(call_bytes("demo__moment"))
        # Those that come while one runs are read together, and do not wait for each other.
        found = [read_until(client, b'"complete"}}') for client in clients]
        if any(b"mpp-http-" in one for one in found):
            break
    for client in clients:
        client.close()
    assert any(b"mpp-http-" in one for one in found)
    assert thread_of(served, "demo__quick").startswith("mpp-loop-")


def test_a_tool_that_takes_long_gets_a_thread_the_next_time(served: Served) -> None:
    threads = [thread_of(served, "demo__long") for _ in range(6)]
    assert threads[0].startswith("mpp-loop-")
    assert any(thread.startswith("mpp-http-") for thread in threads)


def test_a_call_that_waits_holds_nobody_up(served: Served, tools: Threads) -> None:
    with served.connect() as first, served.connect() as second:
        first.sendall(call_bytes("demo__held"))
        assert tools.started.acquire(timeout=SECONDS_MAX)
        # The other thread runs the loop now. It does no call itself, as nobody would relieve it.
        assert thread_of(served, "demo__quick").startswith("mpp-http-")
        second.sendall(call_bytes("demo__held"))
        assert tools.started.acquire(timeout=SECONDS_MAX)
        assert served.modern("tools/list").status == 200
        tools.freed.set()
        assert b"mpp-loop-" in read_until(first, b'"complete"}}')
        assert b"mpp-http-" in read_until(second, b'"complete"}}')
    assert thread_of(served, "demo__quick").startswith("mpp-loop-")


def test_what_is_said_after_a_long_silence_is_heard(tmp_path: Path, tools: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Front, "keepalive", 0.05)

    def tells(who: Caller, call: ToolCall, live: Live) -> Outcome:
        found = tools.held(who, call, live)
        live.progress(1, 2, "half way")
        return found

    message, headers = modern("tools/call", "demo__tells", name="demo__tells", arguments={}, meta={"progressToken": 1})
    with serving(tmp_path, MemoryBackend({"demo__tells": tells})) as served, served.connect() as client:
        client.sendall(request(json.dumps(message).encode(), headers))
        read_until(client, b": alive\n\n")
        tools.freed.set()
        found = read_until(client, b"0\r\n\r\n")
        assert found.index(b"half way") < found.index(b'"complete"')


def test_one_token_after_the_other() -> None:
    class Waits:
        def __init__(self, turn: Turn, name: str) -> None:
            self.turn, self.name = turn, name

    queue, (a, b) = _Queue(), (Turn(9), Turn(9))
    for turn, name in ((a, "a1"), (a, "a2"), (a, "a3"), (b, "b1"), (b, "b2")):
        queue.put(cast("Run", Waits(turn, name)))
    assert [queue.take().name for _ in range(5)] == ["a1", "b1", "a2", "b2", "a3"]
    assert not queue


def test_a_head_that_is_known_is_judged_anew(tmp_path: Path) -> None:
    text = token(tmp_path)
    message, headers = modern("tools/call", "demo__add", name="demo__add", arguments={"a": 1, "b": 2})
    whole = request(json.dumps(message).encode(), {**headers, **bearer(text)})
    with serving(tmp_path) as served, served.connect() as client:
        for _ in range(3):
            client.sendall(whole)
            assert b'"sum":3' in read_until(client, b'"complete"}}')
        # Attack: what was read of this connection before is believed, whatever comes on it.
        client.sendall(whole.replace(b"Host: 127.0.0.1:1", b"Host: evil.example"))
        assert b" 403 " in read_until(client, b"}}")
        client.sendall(whole.replace(text.encode(), text[:-1].encode() + (b"A" if text[-1] != "A" else b"B")))
        assert b" 401 " in read_until(client, b"}}")
        client.sendall(whole)
        assert b'"sum":3' in read_until(client, b'"complete"}}')
        revoke_all(tmp_path)
        client.sendall(whole)
        assert b" 401 " in read_until(client, b"}}")


def test_rates_count_on_both_ways(tmp_path: Path) -> None:
    with serving(tmp_path, rate=2) as served:
        assert served.call("demo__add", a=1, b=2).status == 200
        assert served.call("demo__add", a=1, b=2, headers={"Expect": "nothing"}).status == 200
        assert served.call("demo__add", a=1, b=2).status == 429


def test_connections_end_that_are_not_used(tmp_path: Path, tools: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HTTP_IDLE_SECONDS_MAX", 2)
    with serving(tmp_path, MemoryBackend({"demo__held": tools.held})) as served, served.connect() as client, served.connect() as other:
        client.sendall(call_bytes("demo__held"))
        assert tools.started.acquire(timeout=SECONDS_MAX)
        other.sendall(request(b"{"))
        assert read_until(other, b"}}").startswith(b"HTTP/1.1 400 ")
        assert read_all(other) == b""
        # Who waits for an answer is no idle client.
        tools.freed.set()
        assert read_until(client, b'"complete"}}').startswith(b"HTTP/1.1 200 ")
        assert read_all(client) == b""


def test_no_more_connections_than_leave_descriptors_for_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_make_room", lambda: 1)
    with serving(tmp_path) as served, served.connect() as client:
        client.sendall(call_bytes("demo__add", a=1, b=1))
        read_until(client, b'"complete"}}')
        assert served.raw(b"").startswith(b"HTTP/1.1 503 ")


def test_close_is_said_and_done(served: Served) -> None:
    whole = call_bytes("demo__quick").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    found = served.raw(whole)
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close\r\n" in found
    # A body in pieces goes the other way, and keeps what its head said.
    with served.connect() as client:
        client.sendall(whole[:-10])
        time.sleep(0.05)
        client.sendall(whole[-10:])
        assert b"connection: close\r\n" in read_all(client)
