"""A connection has an end: of its headers, of silence, of what it leaves unread; and it says at once when it is gone."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.serve.http_exchange import Exchange
from mpp.serve.http_limits import HTTP_BODY_BYTES_MAX, HTTP_HEAD_BYTES_MAX, HTTP_HEADERS_MAX
from mpp.serve.http_wire import Wire
from mpp.testing.backend import MemoryBackend, said
from tests.unit.serve.http_world import Served, call_bytes, read_all, read_until, request, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    backend = MemoryBackend()
    backend.put("demo__much", lambda who, call, live: said("a" * 8_000_000))
    with serving(tmp_path, backend) as found:
        yield found


LARGE = [
    ("a long line", b"GET /" + b"a" * HTTP_HEAD_BYTES_MAX + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a long header", b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * HTTP_HEAD_BYTES_MAX + b"\r\n\r\n"),
    ("a header without end", b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2 * HTTP_HEAD_BYTES_MAX),
    ("many headers", b"GET /mcp HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: a\r\n" % i for i in range(HTTP_HEADERS_MAX + 1)) + b"\r\n"),
    ("many empty headers", b"GET /mcp HTTP/1.1\r\n" + b"a: \r\n" * 20_000 + b"\r\n"),
]


@pytest.mark.parametrize(("about", "data"), LARGE, ids=[row[0] for row in LARGE])
def test_a_large_head_is_refused(about: str, data: bytes, served: Served) -> None:
    found = served.raw(data)
    # Who still sends when the connection is ended may see nothing but its end.
    assert found.startswith(b"HTTP/1.1 431 ") or (found == b"" and "without end" in about)


BROKEN = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"HELLO\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    b"POST /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"POST /mcp HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET /mcp HTTP/1.1\r\n: localhost\r\n\r\n",
]


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_no_http_ends_the_connection(data: bytes, served: Served) -> None:
    assert served.raw(data).startswith(b"HTTP/1.1 400 ")


def test_who_is_slow_is_told_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "head_seconds", 0.05)
    assert served.raw(b"").startswith(b"HTTP/1.1 408 ")
    assert served.raw(b"POST /mcp HTTP/1.1\r\nHost: local").startswith(b"HTTP/1.1 408 ")
    with served.connect() as client:
        client.sendall(call_bytes("demo__add", a=1, b=1))
        read_until(client, b'"complete"}}')
        # The next request begins and does not go on.
        client.sendall(b"POST /mcp HTTP/1.1\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 408 ")
    with served.connect() as client:
        client.sendall(call_bytes("demo__add", a=1, b=1))
        read_until(client, b'"complete"}}')
        # Empty lines are no request.
        client.sendall(b"\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


def test_a_slow_body(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "body_seconds", 0.05)
    found = served.raw(request(b"", {"Content-Length": "10"}) + b"{")
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in found


def test_a_body_without_end(served: Served) -> None:
    assert served.raw(request(b"", {"Content-Length": str(HTTP_BODY_BYTES_MAX + 1)})).startswith(b"HTTP/1.1 413 ")
    assert served.raw(request(b"", {"Content-Length": "9" * 30})).startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))
    head = request(b"").replace(b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n")
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    with served.connect() as client:
        client.sendall(head)
        with pytest.raises((ConnectionError, AssertionError)):
            for _ in range(10 * HTTP_BODY_BYTES_MAX // 65536):
                client.sendall(chunk)
            raise AssertionError


def test_chunks_are_a_body_too(served: Served) -> None:
    whole = call_bytes("demo__add", a=20, b=22)
    head, _, body = whole.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    chunked = b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"Connection: close", b"", b""])
    pieces = b"".join(b"1\r\n" + body[i : i + 1] + b"\r\n" for i in range(len(body)))
    assert b'"sum":42' in served.raw(chunked + pieces + b"0\r\n\r\n")


def test_expect_is_answered_before_the_body(served: Served) -> None:
    whole = call_bytes("demo__add", a=20, b=22).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    head, _, body = whole.partition(b"\r\n\r\n")
    with served.connect() as client:
        client.sendall(head + b"\r\n\r\n")
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert b'"sum":42' in read_until(client, b'"complete"}}')


def test_who_reads_nothing_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "write_seconds", 0.05)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", served.port))
        client.sendall(call_bytes("demo__much"))
        size = 0
        with pytest.raises((ConnectionError, AssertionError)):
            wait_for_reset(client)
            while piece := client.recv(65536):
                size += len(piece)
            assert size > 8_000_000
    assert size < 8_000_000


def wait_for_reset(client: socket.socket) -> None:
    """Until the connection is broken from the other side."""
    poll = select.poll()
    poll.register(client, 0)
    assert poll.poll(20_000)


def test_one_connection_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "connections_max", 1)
    with serving(tmp_path) as served, served.connect() as client:
        client.sendall(call_bytes("demo__add", a=1, b=1))
        read_until(client, b'"complete"}}')
        assert served.raw(b"").startswith(b"HTTP/1.1 503 ")
        client.sendall(call_bytes("demo__add", a=1, b=1))
        read_until(client, b'"complete"}}')


def test_a_request_behind_one_that_runs_ends_the_connection(served: Served) -> None:
    found = served.raw(call_bytes("demo__add", a=1, b=1) + call_bytes("demo__add", a=2, b=3))
    assert found.count(b"HTTP/1.1") <= 1
    assert b'"sum":5' not in found
    assert served.call("demo__add", a=1, b=2).status == 200


def test_a_web_socket_is_not_spoken(served: Served) -> None:
    assert served.ask("GET", headers={"Connection": "Upgrade", "Upgrade": "websocket"}).status == 405
