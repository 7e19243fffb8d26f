"""T99, connections: slow ones, endless ones, too many, and what is no HTTP; what is told when somebody comes in."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpp.console import serving
from mpp.console.desk import Desk
from mpp.console.limits import (
    CONNECTIONS_MAX,
    FORM_BYTES_MAX,
)
from mpp.console.serving import ConsoleServer
from mpp.errors import HostFailed
from mpp.host.fleet import PERSONAL
from mpp.host.home import Home
from mpp.host.system import SystemClock, SystemRandom
from mpp.serve.http_wire import Wire

SECONDS_MAX = 60


# --- connections


@pytest.fixture
def served(tmp_path: Path) -> Iterator[SimpleNamespace]:
    desk = Desk(home=Home(path=str(tmp_path / "home")), clock=SystemClock(), random=SystemRandom(), user="ada", read_settings=lambda: PERSONAL)
    heard: list[str] = []
    server = ConsoleServer(desk, 0, entered=heard.append)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: server.run(ready=ready.set))
    thread.start()
    assert ready.wait(SECONDS_MAX)
    yield SimpleNamespace(server=server, port=server.port, heard=heard)
    server.stop()
    thread.join(SECONDS_MAX)
    assert not thread.is_alive()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), SECONDS_MAX)


def all_of(client: socket.socket) -> bytes:
    found = b""
    while piece := client.recv(65536):
        found += piece
    return found


def request(served: SimpleNamespace, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    host = f"127.0.0.1:{served.port}"
    given = {"Host": host, "Connection": "close", **{name.replace("_", "-"): item for name, item in headers.items()}}
    if method == "POST":
        given |= {"Origin": f"http://{host}", "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))} | given
    lines = "".join(f"{name}: {item}\r\n" for name, item in given.items())
    with connect(served.port) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        return all_of(client)


def test_it_listens_on_this_machine_alone(served: SimpleNamespace):
    assert served.server.url.startswith(f"http://127.0.0.1:{served.port}/enter#mppc_")
    assert served.server._socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(HostFailed) as found:
        serving.listening(served.port)
    assert found.value.code == "host.listen"


def test_each_entry_is_told_with_the_next_address(served: SimpleNamespace):
    first = served.server.url
    answered = request(served, "POST", "/enter", f"token={first.partition('#')[2]}".encode())
    assert answered.startswith(b"HTTP/1.1 303")
    assert served.heard == [served.server.url] != [first]
    assert request(served, "POST", "/enter", f"token={first.partition('#')[2]}".encode()).startswith(b"HTTP/1.1 403")


def test_slow_heads_and_slow_bodies_are_cut(served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    begin = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(Wire, "head_seconds", 0.3)
        with connect(served.port) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: ")
            assert b" 408 " in all_of(client)
    monkeypatch.setattr("mpp.console.security.FORM_SECONDS_MAX", 0.3)
    host = f"127.0.0.1:{served.port}"
    with connect(served.port) as client:
        client.sendall(
            f"POST /enter HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\ntok".encode()
        )
        assert client.recv(100).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begin < 2 * SECONDS_MAX


def test_a_body_without_end_is_not_kept(served: SimpleNamespace):
    host = f"127.0.0.1:{served.port}"
    head = f"POST /enter HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connect(served.port) as client:
        client.sendall(head.encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        try:
            while sent < 8 * FORM_BYTES_MAX:
                client.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        client.settimeout(SECONDS_MAX)
        try:
            found = client.recv(100)
        except OSError:
            found = b""
    assert found.startswith(b"HTTP/1.1 413") or sent < 8 * FORM_BYTES_MAX


def test_too_many_connections_are_turned_away(served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    # None of those that are held is let go for being slow.
    monkeypatch.setattr(Wire, "head_seconds", 600)
    held = [connect(served.port) for _ in range(CONNECTIONS_MAX)]
    found = b""
    try:
        for client in held:
            client.sendall(b"GET / HTTP/1.1\r\n")
        with connect(served.port) as client:
            found = all_of(client)
    finally:
        for client in held:
            client.close()
    assert b" 503 " in found


def test_heads_that_are_no_http_or_too_long(served: SimpleNamespace):
    with connect(served.port) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100)
        assert b"200" not in all_of(client)[:20]
    with connect(served.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(80)))
        assert b" 431 " in all_of(client)
    assert request(served, "GET", "http://evil.example/approvals").startswith((b"HTTP/1.1 303", b"HTTP/1.1 4"))


def test_a_stop_ends_pages_that_wait_for_news(served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serving, "STOP_SECONDS_MAX", 0.2)
    entered = request(served, "POST", "/enter", f"token={served.server.url.partition('#')[2]}".encode())
    cookie = re.search(rb"set-cookie: ([^;]+)", entered)[1].decode()
    with connect(served.port) as client:
        client.sendall(f"GET /approvals/live HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        assert client.recv(2000).startswith(b"HTTP/1.1 200")
        begin = time.monotonic()
        served.server.stop()
        all_of(client)
        assert time.monotonic() - begin < SECONDS_MAX
