"""The way to a registry over real sockets: what hangs, drips, floods, breaks off or is no HTTP ends in time and in one kind of fault."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from mpp.errors import RemoteFailed
from mpp.host.enrolment.wire import Patience, Sent, Web

SHORT = Patience(seconds=0.3, silence=0.2)
LONG = Patience(seconds=20, silence=10)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"


@contextlib.contextmanager
def answering(work: Callable[[socket.socket, threading.Event], None]) -> Iterator[tuple[str, list[bytes]]]:
    taken: list[bytes] = []
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(10)
                    data = connection.recv(65536)
                    while data.startswith(b"POST") and not data.endswith(b"data"):
                        data += connection.recv(65536)
                    taken.append(data)
                    work(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/base", taken
        finally:
            over.set()
            thread.join(10)


def test_a_whole_answer_comes_with_its_kind() -> None:
    with answering(lambda taken, over: taken.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")) as (url, taken):
        answer = Web().send(Sent(url=url + "/v1?a=b", headers={"X-One": "two"}, method="POST", body=b"data"), 100, LONG)
    assert (answer.status, answer.kind, answer.body) == (200, "application/json", b"{}")
    assert taken[0].startswith(b"POST /base/v1?a=b HTTP/1.1\r\n")
    assert b"X-One: two\r\n" in taken[0]
    assert taken[0].endswith(b"data")


def drip(taken: socket.socket, over: threading.Event) -> None:
    taken.sendall(HEAD + b"\r\n")
    while not over.wait(0.02):
        taken.sendall(b" ")


def flood(taken: socket.socket, over: threading.Event) -> None:
    taken.sendall(HEAD + b"\r\n")
    while not over.is_set():
        taken.sendall(b"[" * 65536)


@pytest.mark.parametrize(
    ("work", "patience", "code"),
    [
        (lambda taken, over: over.wait(10), SHORT, "remote.connection"),
        (drip, SHORT, "remote.connection"),
        (flood, LONG, "remote.length"),
        (lambda taken, over: taken.sendall(HEAD + b"Content-Length: 9\r\n\r\n{}"), LONG, "remote.connection"),
        (lambda taken, over: taken.sendall(b"\x00\xff nothing\r\n\r\n"), LONG, "remote.connection"),
        (lambda taken, over: taken.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), LONG, "remote.connection"),
        (lambda taken, over: None, LONG, "remote.connection"),
        (lambda taken, over: taken.sendall(HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n"), LONG, "remote.connection"),
    ],
)
def test_what_is_no_answer_is_a_fault_of_the_other_side(work: Callable[[socket.socket, threading.Event], None], patience: Patience, code: str) -> None:
    with answering(work) as (url, _), pytest.raises(RemoteFailed) as caught:
        Web().get(url, {}, 100_000, patience)
    assert caught.value.code in {code, "remote.answer"}


def test_nobody_at_home_and_a_redirect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(RemoteFailed):
        Web().get(f"http://127.0.0.1:{port}/", {}, 10, LONG)
    with pytest.raises(RemoteFailed):
        Web().get(f"https://127.0.0.1:{port}/", {}, 10, LONG)
    with answering(lambda taken, over: taken.sendall(b"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as (url, _):
        assert Web().get(url, {}, 10, LONG).status == 302


def test_pieces_of_a_body_as_they_come() -> None:
    large = HEAD + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
    with answering(lambda taken, over: taken.sendall(large)) as (url, _), Web().stream(url, {}, LONG) as (answer, pieces):
        assert (answer.status, sum(map(len, pieces))) == (200, 200_000)
