"""T71, messages of an agent that break, flood or deceive the MCP front: malformed and huge JSON-RPC, forged and replayed states, a client that vanishes, noise on standard output."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from mpp.limits import MIB
from mpp.model.agents import AgentIdentity
from mpp.protocol.mcp import Connection, Job
from mpp.protocol.mcp.limits import MESSAGE_BYTES_MAX
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.testing.backend import Approving, MemoryBackend, said
from tests.unit.protocol import wire
from tests.unit.protocol.wire import modern, old, Wire
from tests.unit.serve.test_stdio import Client, PATIENCE

FORMS = {"elicitation": {}}
COST_SECONDS_MAX = 30.0
"""Seconds of the processor for one message, on a machine where others use it. Reason: it takes a tenth of a second; what is quadratic takes hours."""
ENDED_SECONDS_MAX = 60.0
"""Seconds in which a call is told that nobody waits for it, on a busy machine. One that is not told waits for ten minutes."""
YES = {"approval": {"action": "accept", "content": {"approve": True}}}


# -- messages that are none

DEEP = 100_000
HUGE: list[tuple[str, bytes]] = [
    ("a line of 1 MiB without JSON", b"x" * MIB),
    ("a text of 4 MiB", b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * (4 * MIB - 64) + b'"}'),
    ("more than a message may have", b" " * (MESSAGE_BYTES_MAX + 1)),
    ("brackets", b"[" * DEEP),
    ("brackets that close", b"[" * DEEP + b"]" * DEEP),
    ("objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    ("a million empty lists", b"[" + b"[]," * 1_000_000 + b"[]]"),
    ("a number of a million digits", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"n":' + b"9" * 1_000_000 + b"}}"),
    ("a million escapes", b'"' + b"\\u0041" * 600_000 + b'"'),
    ("a million half characters", b'"' + b"\\ud800" * 600_000 + b'"'),
    ("a thousand keys of the same name", b"{" + b'"a":1,' * 1000 + b'"a":1}'),
    ("bytes that are no text", bytes(range(128, 256)) * 4096),
    ("zeros", bytes(MIB)),
]


@pytest.mark.parametrize("data", [data for _, data in HUGE], ids=[name for name, _ in HUGE])
def test_huge_and_broken_messages_cost_little_and_change_nothing(data: bytes) -> None:
    client = wire.opened()
    began = time.process_time()
    assert "error" in client.ask(data)
    assert time.process_time() - began < COST_SECONDS_MAX
    assert client.ask(old(1, "ping"))["result"] == {}


def test_two_readers_cannot_understand_one_message_differently() -> None:
    at = MemoryBackend()
    client = wire.opened(at=at)
    for line in (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"demo__echo","name":"demo__add"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"demo__echo","arguments":{"a":1,"a" :"\\u003a"}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"tools/call","params":{"name":"demo__echo"}}',
    ):
        assert client.ask(line)["error"]["code"] == -32700
    assert at.calls == []


def test_a_number_reaches_the_tool_as_it_was_written() -> None:
    at = MemoryBackend()
    client = wire.opened(at=at)
    for text in ("18446744073709551616", "9007199254740993", "-9223372036854775809", "0.1", "1e300"):
        client.line(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"demo__echo","arguments":{"n":%s}}}' % text.encode())
        client.taken()
        assert json.loads(at.calls[-1].arguments) == {"n": json.loads(text)}


# -- the state that goes through the client


@pytest.fixture
def shop() -> tuple[MemoryBackend, Any]:
    at = wire.backend()
    return at, wire.server(at)


def asked(client: Wire, arguments: Any, tool: str = "demo__rm") -> str:
    state = client.ask(modern(1, "tools/call", FORMS, name=tool, arguments=arguments))["result"]["requestState"]
    assert isinstance(state, str)
    return state


def retried(client: Wire, state: Any, arguments: Any, tool: str = "demo__rm") -> Any:
    return client.ask(modern(2, "tools/call", FORMS, name=tool, arguments=arguments, requestState=state, inputResponses=YES))


AGENT = AgentIdentity(name="assistant", level="token")
MINE = Caller(tenant="a", agent=AGENT, user="ada")


@pytest.mark.parametrize(
    "other",
    [
        replace(MINE, tenant="b"),
        replace(MINE, user="bob"),
        replace(MINE, agent=replace(AGENT, name="other")),
        replace(MINE, agent=replace(AGENT, level="launched")),
        replace(MINE, agent=replace(AGENT, key="0" * 64)),
        Caller(),
    ],
)
def test_a_state_of_another_caller(shop: tuple[MemoryBackend, Any], other: Caller) -> None:
    at, server = shop
    state = asked(Wire(server, MINE), {"n": 1})
    calls = len(at.calls)
    assert retried(Wire(server, other), state, {"n": 1})["error"] == {"code": -32602, "message": "invalid requestState"}
    assert (at.answers, len(at.calls)) == ([], calls)
    # Whose it is can still use it, once, and then nobody.
    assert retried(Wire(server, MINE), state, {"n": 1})["result"]["isError"] is False
    assert retried(Wire(server, MINE), state, {"n": 1})["error"]["message"] == "invalid requestState"


def test_a_state_of_another_call(shop: tuple[MemoryBackend, Any]) -> None:
    at, server = shop
    client = Wire(server, MINE)
    state = asked(client, {"path": "/data/a"})
    for arguments, tool in [({"path": "/"}, "demo__rm"), ({}, "demo__rm"), ({"path": "/data/a"}, "demo__rm_elsewhere"), ({"path": "/data/a"}, "demo__asks")]:
        assert "error" in retried(client, state, arguments, tool)
    assert at.answers == []


def test_a_yes_for_a_tool_s_own_question_approves_nothing(shop: tuple[MemoryBackend, Any]) -> None:
    at, server = shop
    client = Wire(server, MINE)
    state = asked(client, {}, "demo__asks")
    message = modern(2, "tools/call", FORMS, name="demo__asks", arguments={}, requestState=state, inputResponses={**YES, "name": {"action": "accept"}})
    assert client.ask(message)["result"]["resultType"] == "input_required"
    assert at.answers == []


def test_forged_states(shop: tuple[MemoryBackend, Any]) -> None:
    at, server = shop
    client = Wire(server, MINE)
    state = asked(client, {})
    swapped = state[:40] + state[41:42] + state[40:41] + state[42:]
    forged = [
        "",
        "x",
        state[:-4],
        state + "AAAA",
        state.lower(),
        swapped,
        state.replace("A", "B"),
        "=" * 40,
        {"question": "q"},
        None,
        0,
        [state],
        state + "\n",
        " " + state,
    ]
    for one in forged:
        if one != state:
            assert retried(client, one, {})["error"]["code"] == -32602, one
    assert at.answers == []


def test_many_use_one_state_at_once(shop: tuple[MemoryBackend, Any]) -> None:
    at, server = shop
    state = asked(Wire(server, MINE), {"n": 7})
    ready = threading.Barrier(8)
    found: list[Any] = []

    def use() -> None:
        client = Wire(server, MINE)
        ready.wait()
        found.append(retried(client, state, {"n": 7}))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sum("result" in one for one in found) == 1
    assert len(at.answers) == 1


def test_the_id_of_a_question_reaches_no_agent(shop: tuple[MemoryBackend, Any]) -> None:
    at, server = shop
    client = Wire(server, MINE)
    at.put("demo__rm2", Approving())
    client.line(json.dumps(modern(1, "tools/call", FORMS, name="demo__rm2", arguments={"a": 1})).encode())
    assert b"question-" not in b"".join(client.out)


# -- deceiving a person


def test_a_tool_cannot_ask_in_the_name_of_the_host() -> None:
    client = Wire(wire.server())
    found = client.ask(modern(1, "tools/call", FORMS, name="demo__asks"))["result"]["inputRequests"]["name"]["params"]["message"]
    assert found.startswith("The tool demo__asks asks (this is no approval): ")
    # Neither under the name of an approval, nor by a page that a person is sent to.
    strange = client.ask(modern(2, "tools/call", {"elicitation": {"form": {}, "url": {}}}, name="demo__strange"))["result"]
    assert (strange["isError"], "inputRequests" in strange) == (True, False)


def test_answers_that_nobody_was_asked_for_wake_nothing() -> None:
    at = wire.backend()
    client = wire.opened(capabilities=FORMS, at=at)
    for name in range(1, 5):
        client.line(json.dumps({"jsonrpc": "2.0", "id": f"mpp-{name}", "result": {"action": "accept", "content": {"approve": True}}}).encode())
    first = client.ask(old(1, "tools/call", name="demo__rm"))
    assert first["method"] == "elicitation/create"
    assert at.answers == []


def test_another_session_cannot_answer() -> None:
    at = wire.backend()
    server = wire.server(at)
    first, second = Wire(server, MINE), Wire(server, replace(MINE, tenant="b"))
    for client in (first, second):
        for message in wire.begin(capabilities=FORMS):
            client.line(json.dumps(message).encode())
        client.taken()
    question = first.ask(old(1, "tools/call", name="demo__rm"))
    second.line(json.dumps({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"approve": True}}}).encode())
    assert (second.taken(), at.answers) == ([], [])


# -- floods, and clients that vanish


def test_a_thousand_calls_at_once() -> None:
    running = threading.Semaphore(0)

    def short(who: Caller, call: ToolCall, live: Live) -> Outcome:
        running.release()
        return said("done")

    client = Client(MemoryBackend({"demo__short": short}), threads=32)
    client.crew._queued = 992
    try:
        client.raw(b"".join(json.dumps(modern(name, "tools/call", name="demo__short")).encode() + b"\n" for name in range(1000)))
        found = [client.take() for _ in range(1000)]
        assert sorted(one["id"] for one in found) == list(range(1000))
        assert all("result" in one for one in found)
        assert len(client.crew._threads) <= 32
    finally:
        client.close()


def test_a_flood_of_requests_is_bounded() -> None:
    connection = Connection(wire.server(), Caller())
    events = [event for name in range(2000) for event in connection.receive(json.dumps(modern(name, "tools/call", name="demo__echo")).encode())]
    assert sum(isinstance(event, Job) for event in events) == 1024
    # And so is one of subscriptions, cancellations and answers.
    for name in range(2000):
        connection.receive(json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": f"x{name}"}}).encode())
        connection.receive(json.dumps({"jsonrpc": "2.0", "id": f"y{name}", "result": {}}).encode())
        connection.receive(json.dumps(modern(f"z{name}", "subscriptions/listen", notifications={})).encode())
    assert (len(connection._cancelled), len(connection._asked), len(connection.close())) == (0, 0, 64)


PROGRAM = """
import select, sys, time
from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.mcp.ports import Caller
from mpp.serve.stdio import serve_stdio
from mpp.testing.backend import MemoryBackend, said

def long(who, call, live):
    sys.stderr.write("running" + chr(10))
    select.select([live.gone_fd], [], [], 600)
    sys.stderr.write(f"ended {time.monotonic()}" + chr(10))
    return said("")

serve_stdio(MemoryBackend({"long": long}), Caller(), SystemClock(), SystemRandom(), version="1")
"""


@pytest.mark.parametrize("calls", [1, 3])
def test_a_client_that_is_killed_takes_its_calls_with_it(calls: int) -> None:
    """From the end of the client to the word of the call; the host of that call then kills the instance. How soon is a figure of the benchmark."""
    agent_in, server_out = os.pipe()
    server_in, agent_out = os.pipe()
    messages = b"".join(json.dumps(modern(name, "tools/call", name="long")).encode() + b"\n" for name in range(calls))
    # The client is a process of its own: when it dies, both its ends are closed at once.
    client = subprocess.Popen([sys.executable, "-c", f"import os, time; os.write({agent_out}, {messages!r}); time.sleep(600)"], pass_fds=(agent_in, agent_out))
    server = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=server_in, stdout=server_out, stderr=subprocess.PIPE, text=True)
    for fd in (agent_in, agent_out, server_in, server_out):
        os.close(fd)
    try:
        assert server.stderr is not None
        assert [server.stderr.readline() for _ in range(calls)] == ["running\n"] * calls
        client.kill()
        client.wait()
        died = time.monotonic()
        ended = [float(server.stderr.readline().split()[1]) for _ in range(calls)]
        # The end of its input alone would end nothing.
        assert max(ended) - died < ENDED_SECONDS_MAX
        server.wait(PATIENCE)
    finally:
        client.kill()
        server.kill()
        client.wait()
        server.communicate()


def test_a_client_that_is_killed_while_its_child_holds_the_pipe() -> None:
    """The reader of our answers is a sleeping child of the client, so the pipe never breaks: that the client is gone shows by our parent alone."""
    client_program = f"""
import subprocess, sys, time
server = subprocess.Popen([sys.executable, "-c", {PROGRAM!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=2)
holder = subprocess.Popen(["sleep", "600"], stdin=server.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
server.stdin.write({json.dumps(modern(1, "tools/call", name="long"))!r}.encode() + bytes([10]))
server.stdin.flush()
print(server.pid, holder.pid, flush=True)
time.sleep(600)
"""
    client = subprocess.Popen([sys.executable, "-c", client_program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert client.stdout is not None
    assert client.stderr is not None
    server_pid, holder_pid = map(int, client.stdout.readline().split())
    try:
        assert client.stderr.readline() == "running\n"
        client.kill()
        died = time.monotonic()
        told = client.stderr.readline().split()
        assert told[:1] == ["ended"]
        assert float(told[1]) - died < ENDED_SECONDS_MAX
    finally:
        client.kill()
        for pid in (server_pid, holder_pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        client.communicate()


def test_a_cancelled_call_is_told_within_a_moment() -> None:
    running, ended = threading.Semaphore(0), threading.Semaphore(0)

    def long(who: Caller, call: ToolCall, live: Live) -> Outcome:
        running.release()
        select.select([live.gone_fd], [], [], 10 * ENDED_SECONDS_MAX)
        ended.release()
        return said("")

    client = Client(MemoryBackend({"long": long}))
    try:
        for name in range(5):
            client.send(modern(name, "tools/call", name="long"))
            assert running.acquire(timeout=PATIENCE)
            client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": name}})
            assert ended.acquire(timeout=ENDED_SECONDS_MAX)
        client.send(modern("last", "tools/list"))
        assert client.take()["id"] == "last"
    finally:
        client.close()
