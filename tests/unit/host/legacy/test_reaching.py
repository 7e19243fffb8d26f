"""The ways of and to servers over the network: the proxy of a sandboxed one, and one that is reached over HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mpp.errors import HostFailed, MppError, RemoteFailed, ToolFailed
from mpp.host.home import Home
from mpp.host.legacy.http_connection import HttpConnection, what_it_says
from mpp.host.legacy.limits import HTTP_BODY_BYTES_MAX, PROXY_LINES_MAX
from mpp.host.legacy.proxy import Proxy
from mpp.host.legacy.types import Header, HostRule, Server
from mpp.host.legacy.waiting import Asks, Name, Order
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import open_secrets
from mpp.host.services.http_addresses import Sockaddr
from mpp.model.jsontext import Json
from mpp.protocol.mcp_client.events import Asked, Done, Greeted
from mpp.protocol.mcp_client.session import UNREADABLE
from tests.unit.host.legacy.world import call, Heard, server, started, text_of, until


@contextmanager
def site(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A listener on this machine; each connection is answered in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(line,), daemon=True).start()

    def one(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.settimeout(10)
            answer(line)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def greet(line: socket.socket) -> None:
    line.sendall(b"welcome")


def head(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(4096)
    return data


@pytest.mark.parametrize("namespaces", [True, False])
def test_a_sandboxed_server_reaches_what_its_owner_named(place: Path, namespaces: bool) -> None:
    with site(greet) as port:
        made = server(hosts=(HostRule(host="localhost", port=port), HostRule(host="127.0.0.1", port=port + 1 if port < 65535 else 1)))
        found = started(made, str(place), namespaces=namespaces, private=(f"localhost:{port}",))
        try:
            assert "welcome" in call(found, "dial", {"host": "localhost", "port": port, "proxied": True})
            assert found.hosts() == (f"localhost:{port}",)
            assert found.hosts() == ()
            assert "not among the hosts" in call(found, "dial", {"host": "example.com", "port": port, "proxied": True})
            assert "not public" in call(found, "dial", {"host": "127.0.0.1", "port": port + 1, "proxied": True})
            # The direct way is closed.
            assert "no connection" in call(found, "dial", {"host": "127.0.0.1", "port": port})
        finally:
            found.close()


def through(proxy: Proxy, data: bytes) -> bytes:
    """What the proxy says to a client that sends this."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy.serve(listener)
    try:
        with socket.create_connection(listener.getsockname(), 10) as line:
            line.settimeout(10)
            line.sendall(data)
            answer = b""
            with suppress(ConnectionResetError):
                while piece := line.recv(4096):
                    answer += piece
            return answer
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def resolved(host: str, port: int) -> list[Sockaddr]:
    """Names of a test, as a resolver might answer."""
    if host == "absent.example.com":
        raise OSError
    return [("169.254.169.254" if host == "metadata.example.com" else "127.0.0.1", port)]


REFUSED = [
    (b"CONNECT other.org:443 HTTP/1.1\r\n\r\n", b"not among the hosts"),
    (b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", b"not among the hosts"),
    (b"CONNECT a.example.com:80 HTTP/1.1\r\n\r\n", b"not among the hosts"),
    (b"CONNECT a.example.com:0443443 HTTP/1.1\r\n\r\n", b"takes CONNECT"),
    (b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", b"takes CONNECT"),
    (b"GET / HTTP/1.1\r\n\r\n", b"takes CONNECT"),
    (b"CONNECT here.example.com:443 HTTP/1.1\r\n\r\n", b"not public"),
    (b"CONNECT metadata.example.com:443 HTTP/1.1\r\n\r\n", b"not public"),
    (b"CONNECT absent.example.com:443 HTTP/1.1\r\n\r\n", b"does not resolve"),
    (b"CONNECT shut.example.com:443 HTTP/1.1\r\n\r\n", b"no connection"),
]


@pytest.mark.parametrize(("data", "words"), REFUSED)
def test_the_proxy_refuses(data: bytes, words: bytes) -> None:
    # Nothing listens on port 443 of this machine, or what does is not asked anything.
    proxy = Proxy((HostRule(host="example.com", port=443, wildcard=True),), lambda: ("shut.example.com:443",), resolved)
    answer = through(proxy, data)
    assert answer.startswith(b"HTTP/1.1 403")
    assert words in answer
    assert proxy.refused == 1


def test_a_head_without_end_is_not_read_on() -> None:
    assert through(Proxy((), tuple), b"CONNECT " + b"x" * 20_000) == b""


def test_a_plain_request_is_passed_on_with_one_answer() -> None:
    asked: list[bytes] = []

    def answer(line: socket.socket) -> None:
        asked.append(head(line))
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\nplain")

    with site(answer) as port:
        proxy = Proxy((HostRule(host="plain.example.com", port=port),), lambda: (f"plain.example.com:{port}",), resolved)
        found = through(proxy, f"GET http://plain.example.com:{port}/a?b HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert found.endswith(b"plain")
    assert asked == [b"GET /a?b HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n"]


def test_the_proxy_serves_a_few_lines_at_once() -> None:
    proxy = Proxy((), tuple)
    listener = socket.create_server(("127.0.0.1", 0))
    proxy.serve(listener)
    lines = [socket.create_connection(listener.getsockname(), 10) for _ in range(PROXY_LINES_MAX + 1)]
    lines[-1].settimeout(10)
    assert lines[-1].recv(10) == b""
    for line in lines:
        line.close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


# -- a server over HTTP

SESSION = "abc-123"


class Remote:
    """A server over streamable HTTP that answers what a test says."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.messages: list[dict[str, Json]] = []
        self.mode = "json"
        self.block = threading.Event()

    def __call__(self, line: socket.socket) -> None:
        data = head(line)
        top, _, body = data.partition(b"\r\n\r\n")
        size = next((int(one.split(b":")[1]) for one in top.split(b"\r\n") if one.lower().startswith(b"content-length")), 0)
        while len(body) < size:
            body += line.recv(65536)
        self.heads.append(top)
        message = json.loads(body) if body else {}
        self.messages.append(message)
        if "id" not in message or "method" not in message:
            line.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            return
        self.answer(line, message)

    def answer(self, line: socket.socket, message: dict[str, Json]) -> None:
        method, identity = message["method"], message["id"]
        if method == "initialize":
            self.send(line, identity, {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "far", "version": "2"}})
        elif method == "tools/list":
            self.send(line, identity, {"tools": [{"name": "a", "inputSchema": {"type": "object"}}]})
        elif self.mode == "status":
            line.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        elif self.mode == "forgotten":
            line.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        elif self.mode == "long":
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b" " * (HTTP_BODY_BYTES_MAX + 2))
        elif self.mode == "nothing":
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        elif self.mode == "silent":
            self.block.wait(10)
        elif self.mode.startswith("stream"):
            self.stream(line, identity)
        else:
            self.send(line, identity, {"content": [{"type": "text", "text": "from afar"}]})

    def send(self, line: socket.socket, identity: Json, result: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": identity, "result": result}).encode()
        line.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: {SESSION}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def stream(self, line: socket.socket, identity: Json) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        events: list[dict[str, Json]] = [
            {"method": "notifications/progress", "params": {"progressToken": identity, "progress": 1}},
            {"method": "notifications/tools/list_changed"},
            {"id": 99, "result": {"content": [{"type": "text", "text": "another's"}]}},
            {"id": "p", "method": "ping"},
        ]
        if self.mode == "stream-asks":
            events = [{"id": "q", "method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {"type": "object"}}}]
        for event in events:
            line.sendall(b": a comment\r\nevent: message\r\ndata: " + json.dumps({"jsonrpc": "2.0", **event}).encode() + b"\r\n\r\n")
        if self.mode == "stream-long":
            line.sendall(b"data: " + b"x" * (HTTP_BODY_BYTES_MAX + 1))
        if self.mode == "stream-asks":
            until(lambda: any(one.get("id") == "q" for one in self.messages))
        if self.mode != "stream-cut":
            result = {"jsonrpc": "2.0", "id": identity, "result": {"content": [{"type": "text", "text": "streamed"}]}}
            line.sendall(b"data: not json\n\ndata: " + json.dumps(result).encode() + b"\n\n")


@contextmanager
def remote(**headers: str) -> Iterator[tuple[HttpConnection, Remote]]:
    made = Remote()
    with site(made) as port:
        found = HttpConnection(f"http://127.0.0.1:{port}/mcp?x=1", headers, ())
        found.open(10)
        yield found, made
        made.block.set()
        found.close()


def ask(found: HttpConnection, seconds: float = 10, heard: Heard | None = None, question: Name = lambda _: None, **more: Any) -> Done | Asks:
    live = heard or Heard()
    return found.call(
        Order(name="a", arguments=b"{}", seconds=seconds, inputs=more.pop("inputs", {}), whose="one", **more), live, gone_fd=live.gone_fd, ask=question
    )


def words(found: Done | Asks) -> str:
    assert isinstance(found, Done)
    assert found.result is not None
    return text_of(found.result)


def test_a_server_over_http() -> None:
    with remote(Authorization="Bearer t") as (found, far):
        assert (what_it_says(found.greeted), found.is_alive, found.barriers.missing, found.changes) == ("far 2", True, {}, 0)
        assert len(found.lists(10).tools) == 1
        assert words(ask(found)) == "from afar"
        assert found.hosts()[0].startswith("127.0.0.1:")
        assert far.heads[0].startswith(b"POST /mcp?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"Mcp-Session-Id" not in far.heads[0]
        assert f"Mcp-Session-Id: {SESSION}".encode() in far.heads[-1]
        assert b"MCP-Protocol-Version: 2025-06-18" in far.heads[-1]
        assert all(b"Authorization: Bearer t" in one for one in far.heads)
    assert far.heads[-1].startswith(b"DELETE ")
    assert not found.is_alive
    with pytest.raises(MppError):
        ask(found)


def test_a_stream_of_events() -> None:
    with remote() as (found, far):
        far.mode = "stream"
        heard = Heard()
        assert words(ask(found, heard=heard)) == "streamed"
        assert heard.steps == [(1, None, "")]
        assert found.changes == 1
        assert found.counts()[UNREADABLE] == 1
        until(lambda: {"jsonrpc": "2.0", "id": "p", "result": {}} in far.messages)


def test_a_question_in_a_stream() -> None:
    with remote() as (found, far):
        far.mode = "stream-asks"
        assert words(ask(found)) == "streamed"
        assert {"jsonrpc": "2.0", "id": "q", "result": {"action": "decline"}} in far.messages
        far.messages.clear()

        def named(question: Asked) -> tuple[str, dict[str, Json]]:
            return "k", {"k": {"method": question.method}}

        asks = ask(found, question=named)
        assert isinstance(asks, Asks)
        assert asks.requests == {"k": {"method": "elicitation/create"}}
        # The request stays open at the server, and goes on with the answer.
        assert words(ask(found, question=named, inputs={"k": {"action": "accept", "content": {"a": 1}}}, state=asks.state)) == "streamed"
        assert {"jsonrpc": "2.0", "id": "q", "result": {"action": "accept", "content": {"a": 1}}} in far.messages
        assert len([one for one in far.messages if one.get("method") == "tools/call"]) == 1


FAILURES = [
    ("status", RemoteFailed, "status 500"),
    ("long", ToolFailed, "more than"),
    ("nothing", ToolFailed, "without a result"),
    ("stream-cut", ToolFailed, "without a result"),
    ("stream-long", ToolFailed, "an event of more than"),
    ("forgotten", ToolFailed, "forgotten the session"),
]


@pytest.mark.parametrize(("mode", "kind", "said"), FAILURES)
def test_answers_that_are_none(mode: str, kind: type[MppError], said: str) -> None:
    with remote() as (found, far):
        far.mode = mode
        with pytest.raises(kind, match=said):
            ask(found)
        assert found.is_alive is (mode != "forgotten")


def test_one_that_never_answers() -> None:
    with remote() as (found, far):
        far.mode = "silent"
        begun = time.monotonic()
        with pytest.raises(ToolFailed) as fault:
            ask(found, seconds=0.2)
        assert (fault.value.code, time.monotonic() - begun < 5) == ("tool.deadline", True)


def test_a_server_that_is_not_there() -> None:
    with site(greet) as port:
        pass
    with pytest.raises(RemoteFailed, match="cannot be reached"):
        HttpConnection(f"http://127.0.0.1:{port}/", {}, ()).open(10)
    with site(greet) as port, pytest.raises(RemoteFailed, match="connection broke"):
        HttpConnection(f"http://127.0.0.1:{port}/", {}, ()).open(10)


def test_a_public_name_that_leads_here_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.legacy.http_connection.system_resolve", resolved)
    with pytest.raises(RemoteFailed, match="not public"):
        HttpConnection("https://mcp.example.com/", {}, ()).open(10)


def test_a_secret_goes_to_the_host_it_is_bound_to(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = open_secrets(Home(path=str(place)))
    value = "tok-" + "1" * 20
    secrets.put(make_entry("WIKI", value, created=1, host="mcp.example.com", header="Authorization"), replace=False)
    made = Server(name="wiki", kind="http", url="https://mcp.example.com/", headers=(Header(name="Authorization", secret="WIKI"),))
    monkeypatch.setattr(HttpConnection, "open", lambda _: None)
    assert HttpConnection.opened(made, secrets, {}, ())._headers == {"Authorization": value}
    other = Server(name="wiki", kind="http", url="https://evil.example.com/", headers=(Header(name="Authorization", secret="WIKI"),))
    with pytest.raises(MppError) as fault:
        HttpConnection.opened(other, secrets, {}, ())
    assert fault.value.code == "secret.binding"


def test_calls_at_once_over_http_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with remote() as (found, _):
        monkeypatch.setattr("mpp.host.legacy.http_connection.CALLS_AT_ONCE_MAX", 0)
        with pytest.raises(HostFailed, match="calls at once"):
            ask(found)
    assert what_it_says(Greeted(version="", name="", server_version="")) == "no name"
