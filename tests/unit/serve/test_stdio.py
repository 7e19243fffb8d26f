"""The front on two pipes, with real threads: order, cancelling, questions, the end."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from mpp.host.system import FixedClock
from mpp.protocol.mcp import Server
from mpp.protocol.mcp.limits import MESSAGE_BYTES_MAX
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.serve import stdio
from mpp.serve.running import Crew
from mpp.serve.stdio import StdioFront
from mpp.testing.backend import Approving, MemoryBackend, said
from tests.unit.protocol.wire import begin, CountedRandom, modern, NOW, old

PATIENCE = 20.0
"""Seconds after which a test gives up. Nothing waits that long unless it fails."""


def readable(fd: int, seconds: float = PATIENCE) -> bool:
    return bool(select.select([fd], [], [], seconds)[0])


class Client:
    """The other end of the pipes."""

    def __init__(self, backend: MemoryBackend, *, threads: int = 4) -> None:
        self.backend = backend
        server_in, self._in = os.pipe()
        self._out, server_out = os.pipe()
        self.server_ends = (server_in, server_out)
        self.crew = Crew(most=threads, queued=3, say=self._defects_add)
        self.defects: list[str] = []
        self.front = StdioFront(Server(backend, FixedClock(NOW), CountedRandom(), version="1"), Caller(), server_in, server_out, self.crew)
        self._unwatch = backend.watch(self.front.changed)
        self._thread = threading.Thread(target=self.front.serve)
        self._thread.start()
        self._rest = b""

    def _defects_add(self, words: str) -> None:
        self.defects.append(words)

    def send(self, *messages: Any) -> None:
        os.write(self._in, b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def raw(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._in, data[:65536]) :]

    def take(self) -> Any:
        while b"\n" not in self._rest:
            assert readable(self._out), "no answer"
            more = os.read(self._out, 65536)
            assert more, "the server left"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def is_quiet(self) -> bool:
        return not self._rest and not readable(self._out, 0)

    def close_input(self) -> None:
        os.close(self._in)
        self._in = -1

    def close_output(self) -> None:
        os.close(self._out)
        self._out = -1

    def wait(self, seconds: float = PATIENCE) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.front.stop()
        self._thread.join(PATIENCE)
        assert self.crew.close(PATIENCE)
        self._unwatch()
        self.front.close()
        for fd in (self._in, self._out, *self.server_ends):
            if fd >= 0:
                os.close(fd)


class Slow:
    """A tool that runs until it is let go, or until nobody waits."""

    def __init__(self) -> None:
        self.go, self.went = os.pipe()
        self.running = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def __call__(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        self.running.release()
        ready = select.select([self.go, live.gone_fd], [], [], PATIENCE)[0]
        if live.gone_fd in ready:
            self.ended.release()
            return said("ended", error=True)
        return said("let go")

    def let_go(self) -> None:
        os.write(self.went, b"x")


@pytest.fixture
def slow() -> Iterator[Slow]:
    found = Slow()
    yield found
    os.close(found.go)
    os.close(found.went)


@pytest.fixture
def client(slow: Slow) -> Iterator[Client]:
    backend = MemoryBackend()
    approving = Approving()
    approving.backend = backend
    backend.put("demo__rm", approving)
    backend.put("demo__slow", slow)

    def broken(who: Caller, call: ToolCall, live: Live) -> Outcome:
        raise ZeroDivisionError("a word of the tool")

    def loud(who: Caller, call: ToolCall, live: Live) -> Outcome:
        live.progress(1, 2, "half")
        return said("done")

    backend.put("demo__broken", broken)
    backend.put("demo__loud", loud)
    found = Client(backend)
    yield found
    found.close()


def greet(client: Client, capabilities: Any = None) -> None:
    client.send(*begin(capabilities=capabilities))
    assert client.take()["result"]["protocolVersion"] == "2025-11-25"


def cancel(name: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": name}}


def test_calls_one_after_the_other_and_many_at_once(client: Client) -> None:
    greet(client)
    for name in range(50):
        client.send(old(name, "tools/call", name="demo__add", arguments={"a": name, "b": 1}))
        assert client.take()["result"]["structuredContent"] == {"sum": name + 1}
    client.send(*(modern(f"m{name}", "tools/call", name="demo__echo") for name in range(4)))
    assert {client.take()["id"] for _ in range(4)} == {"m0", "m1", "m2", "m3"}


def test_short_calls_at_once_pass_through_no_other_thread(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "STUCK_SECONDS", PATIENCE)
    did: list[str] = []

    def noting(who: Caller, call: ToolCall, live: Live) -> Outcome:
        did.append(threading.current_thread().name)
        return said("done")

    client.backend.put("demo__noting", noting)
    client.send(*(modern(name, "tools/call", name="demo__noting") for name in range(12)))
    # One behind the other: the answers have the order of the calls.
    assert [client.take()["id"] for _ in range(12)] == list(range(12))
    assert len(did) == 12
    assert not any(name.startswith("mpp-call") for name in did)


def test_long_calls_at_once_run_beside_each_other(client: Client, slow: Slow) -> None:
    client.send(*(modern(name, "tools/call", name="demo__slow") for name in range(4)))
    assert all(slow.running.acquire(timeout=PATIENCE) for _ in range(4))
    # What comes behind them is short, and waits for none of them.
    client.send(modern("short", "tools/call", name="demo__echo"))
    slow.let_go()
    found = {client.take()["id"] for _ in range(5)}
    assert found == {0, 1, 2, 3, "short"}


def test_calls_behind_one_that_is_long_already_wait_for_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that was taken away: when the second thread first looks, the call has taken longer than it may, so there is no time left to wait for."""
    monkeypatch.setattr(stdio, "STUCK_SECONDS", -1.0)
    begun, freed = threading.Semaphore(0), threading.Event()

    def held(who: Caller, call: ToolCall, live: Live) -> Outcome:
        begun.release()
        freed.wait(3 * PATIENCE)
        return said("done")

    client.backend.put("demo__held", held)
    client.send(*(modern(name, "tools/call", name="demo__held") for name in range(4)))
    try:
        assert all(begun.acquire(timeout=PATIENCE) for _ in range(4))
    finally:
        freed.set()
    assert {client.take()["id"] for _ in range(4)} == {0, 1, 2, 3}


def test_what_waits_behind_a_call_is_cancelled_before_it_begins(client: Client, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "STUCK_SECONDS", PATIENCE)
    client.send(modern("long", "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    client.send(modern("behind", "tools/call", name="demo__slow"), cancel("behind"), modern("last", "tools/call", name="demo__echo"))
    slow.let_go()
    assert [client.take()["id"] for _ in range(2)] == ["long", "last"]
    assert not slow.running.acquire(blocking=False)


def test_a_long_call_keeps_nobody_from_the_next(client: Client, slow: Slow) -> None:
    client.send(modern("long", "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    client.send(modern("short", "tools/call", name="demo__echo"))
    assert client.take()["id"] == "short"
    slow.let_go()
    assert client.take()["id"] == "long"
    # The thread that did the long call is of use again.
    for name in range(3):
        client.send(modern(name, "tools/call", name="demo__slow"))
        assert slow.running.acquire(timeout=PATIENCE)
        slow.let_go()
        assert client.take()["id"] == name


@pytest.mark.parametrize("beside", [False, True])
def test_a_cancelled_call_ends_at_once_and_says_nothing(client: Client, slow: Slow, beside: bool) -> None:
    # Alone it runs in the thread that reads; beside another one in the crew.
    names = ["other", "long"] if beside else ["long"]
    for name in names:
        client.send(modern(name, "tools/call", name="demo__slow"))
        assert slow.running.acquire(timeout=PATIENCE)
    client.send(cancel("long"))
    assert slow.ended.acquire(timeout=PATIENCE)
    client.send(modern(1, "tools/call", name="demo__echo"))
    assert client.take()["id"] == 1
    if beside:
        slow.let_go()
        assert client.take()["id"] == "other"
    # What ended that call does not end the next of its thread.
    client.send(modern(2, "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    assert not slow.ended.acquire(blocking=False)
    slow.let_go()
    assert client.take()["result"]["content"][0]["text"] == "let go"
    assert client.is_quiet()


def test_what_waits_for_a_thread_is_cancelled_too(client: Client, slow: Slow) -> None:
    for name in range(4):
        client.send(modern(name, "tools/call", name="demo__slow"))
        assert slow.running.acquire(timeout=PATIENCE)
    # The first runs in the reading thread, three in the crew; two more take its last thread and a place in the queue.
    client.send(modern("a", "tools/call", name="demo__slow"), modern("b", "tools/call", name="demo__slow"), cancel("b"))
    assert slow.running.acquire(timeout=PATIENCE)
    for _ in range(5):
        slow.let_go()
    assert {client.take()["id"] for _ in range(5)} == {0, 1, 2, 3, "a"}
    client.send(modern("end", "tools/list"))
    assert client.take()["id"] == "end"
    assert len([call for call in client.backend.calls if call.name == "demo__slow"]) == 5


def test_more_than_can_wait_is_refused(client: Client, slow: Slow) -> None:
    for name in range(5):
        client.send(modern(name, "tools/call", name="demo__slow"))
        assert slow.running.acquire(timeout=PATIENCE)
    client.send(*(modern(f"w{name}", "tools/call", name="demo__slow") for name in range(4)))
    found = client.take()
    assert (found["id"], found["error"]["data"]) == ("w3", {"code": "host.busy"})
    for _ in range(8):
        slow.let_go()
    assert {client.take()["id"] for _ in range(8)} == {0, 1, 2, 3, 4, "w0", "w1", "w2"}


def test_a_defect_ends_one_call(client: Client) -> None:
    for messages in ([modern(1, "tools/call", name="demo__broken")], [modern(2, "tools/call", name="demo__broken"), modern(3, "tools/list")]):
        client.send(*messages)
        found = {message["id"]: message for message in (client.take() for _ in messages)}
        first = found[messages[0]["id"]]
        assert first["error"] == {"code": -32603, "message": "the host cannot answer this"}
    client.send(modern(4, "tools/call", name="demo__echo"))
    assert "result" in client.take()
    assert "a word of the tool" not in "".join(client.defects)
    assert "ZeroDivisionError at test_stdio.py:" in client.defects[0]


def test_progress_comes_before_the_answer(client: Client) -> None:
    client.send(modern(1, "tools/call", meta={"progressToken": "t"}, name="demo__loud"))
    assert client.take()["params"] == {"progressToken": "t", "progress": 1, "total": 2, "message": "half"}
    assert client.take()["id"] == 1


def test_a_question_holds_no_thread(client: Client) -> None:
    greet(client, {"elicitation": {}})
    asked = {}
    for name in range(6):
        client.send(old(name, "tools/call", name="demo__rm", arguments={"n": name}))
        asked[name] = client.take()["id"]
    # More wait than there are threads, and a call still runs.
    client.send(old("call", "tools/call", name="demo__echo"))
    assert client.take()["id"] == "call"
    client.send(cancel(0))
    assert client.take() == {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": asked[0], "reason": "nobody waits for the answer any more"},
    }
    for name in range(1, 6):
        client.send({"jsonrpc": "2.0", "id": asked[name], "result": {"action": "accept", "content": {"approve": name % 2 == 1}}})
        answer = client.take()
        assert (answer["id"], answer["result"]["isError"]) == (name, name % 2 == 0)


def test_a_question_that_nobody_answers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.protocol.mcp.calling.ELICIT_SECONDS", 0)
    greet(client, {"elicitation": {}})
    client.send(old(1, "tools/call", name="demo__rm"))
    asked, withdrawn, answer = client.take(), client.take(), client.take()
    assert withdrawn["params"]["requestId"] == asked["id"]
    assert answer["result"]["content"][0]["text"] == "approval required, ref 7f3a"


def test_changes_are_told(client: Client) -> None:
    client.send(modern("s", "subscriptions/listen", notifications={"toolsListChanged": True}))
    assert client.take()["method"] == "notifications/subscriptions/acknowledged"
    client.backend.tell("tools")
    assert client.take()["method"] == "notifications/tools/list_changed"
    client.front.stop()
    client.wait()
    assert client.take()["id"] == "s"


def test_a_line_that_is_too_long(client: Client) -> None:
    client.raw(b'{"jsonrpc":"2.0","id":"' + b"x" * MESSAGE_BYTES_MAX + b'"}\n')
    assert client.take()["error"]["code"] == -32700
    client.send(modern(1, "tools/list"))
    assert client.take()["id"] == 1


def test_input_in_pieces_and_noise(client: Client) -> None:
    line = json.dumps(modern(1, "tools/list")).encode()
    client.raw(b"\n\r\n" + line[:40])
    client.raw(line[40:] + b"\r\nnoise\n")
    found = [client.take(), client.take()]
    assert sorted(message.get("id", 0) for message in found) == [0, 1]
    assert [message["error"]["code"] for message in found if "error" in message] == [-32700]


def test_at_the_end_of_input_what_runs_is_ended(client: Client, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "LAST_WORDS_SECONDS", 0.05)
    client.send(modern(1, "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    client.close_input()
    assert slow.ended.acquire(timeout=PATIENCE)
    client.wait()


def waits_for_last_words(client: Client) -> None:
    until = time.monotonic() + PATIENCE
    while not client.front._finishing:
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("calls", [1, 3])
def test_a_call_that_runs_at_the_end_of_input_comes_to_its_own_end(client: Client, slow: Slow, calls: int) -> None:
    for name in range(calls):
        client.send(modern(name, "tools/call", name="demo__slow"))
        assert slow.running.acquire(timeout=PATIENCE)
    client.close_input()
    waits_for_last_words(client)
    for _ in range(calls):
        assert not slow.ended.acquire(blocking=False)
        slow.let_go()
        assert client.take()["result"]["content"][0]["text"] == "let go"
    client.wait()


def test_each_call_that_ends_gives_the_others_their_time(client: Client, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    later, real = [0.0], time.monotonic
    monkeypatch.setattr(stdio, "time", SimpleNamespace(monotonic=lambda: real() + later[0], thread_time=time.thread_time))
    for name in range(2):
        client.send(modern(name, "tools/call", name="demo__slow"))
        assert slow.running.acquire(timeout=PATIENCE)
    client.close_input()
    waits_for_last_words(client)
    later[0] += stdio.LAST_WORDS_SECONDS - 30
    slow.let_go()
    client.take()
    later[0] += stdio.LAST_WORDS_SECONDS - 30
    slow.let_go()
    assert client.take()["result"]["content"][0]["text"] == "let go"
    client.wait()


def test_answers_are_read_to_the_end_however_slowly(client: Client, slow: Slow) -> None:
    def large(who: Caller, call: ToolCall, live: Live) -> Outcome:
        return said("x" * 400_000)

    client.backend.put("demo__large", large)
    client.send(modern("slow", "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    client.send(*(modern(name, "tools/call", name="demo__large") for name in range(3)))
    client.close_input()
    waits_for_last_words(client)
    slow.let_go()
    assert {client.take()["id"] for _ in range(4)} == {"slow", 0, 1, 2}
    client.wait()


def test_a_reader_that_reads_nothing_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "UNREAD_SECONDS", 0.05)
    client.backend.put("demo__large", lambda *_: said("x" * 400_000))
    client.send(modern(1, "tools/call", name="demo__large"))
    assert readable(client._out)
    client.close_input()
    client.wait()
    assert client.front._client_gone


def test_last_words_are_still_answered(client: Client) -> None:
    greet(client, {"elicitation": {}})
    client.send(old(1, "tools/call", name="demo__rm"), old(2, "tools/call", name="demo__echo"), old(3, "tools/list"))
    client.close_input()
    client.wait()
    found: dict[Any, Any] = {}
    while not {1, 2, 3} <= found.keys():
        message = client.take()
        found[message["id"]] = message
    # Nobody is there to be asked any more: the reference is all that can be said.
    assert found[1]["result"]["content"][0]["text"] == "approval required, ref 7f3a"


def test_a_client_that_vanished_ends_its_calls_at_once(client: Client, slow: Slow) -> None:
    client.send(modern(1, "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    client.close_output()
    assert slow.ended.acquire(timeout=PATIENCE)
    client.wait()


def test_writing_to_nobody_ends_it(client: Client) -> None:
    client.close_output()
    client.send(modern(1, "tools/list"))
    client.wait()


def test_stopped_while_it_is_quiet(client: Client, slow: Slow) -> None:
    client.send(modern(1, "tools/call", name="demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    client.front.stop()
    assert slow.ended.acquire(timeout=PATIENCE)
    client.wait()
    assert client.is_quiet()


def test_descriptors_are_given_back(slow: Slow) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(3):
        one = Client(MemoryBackend())
        one.send(modern(1, "tools/list"), modern(2, "tools/call", name="demo__echo"))
        assert {one.take()["id"], one.take()["id"]} == {1, 2}
        one.close()
    assert count() - before <= 0 or _wait_for(lambda: count() <= before)


def _wait_for(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < until:
        time.sleep(0.01)
    return is_so()
