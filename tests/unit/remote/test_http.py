"""One exchange: bounded in size, time and redirects."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import pytest

from mpp.errors import RemoteFailed
from mpp.remote.http import ask, Asked, Patience
from tests.unit.remote.book import Reply, Seen, Server

AMPLE = Patience(seconds=60, silence=60)
"""For servers that answer: on a busy machine anything may take seconds."""


def get(url: str, most: int = 1000, patience: Patience = AMPLE, **more: Any) -> Any:
    return ask(Asked(method="GET", url=url, most=most, patience=patience, **more))


def failed(code: str, url: str, most: int = 1000, **more: Any) -> RemoteFailed:
    with pytest.raises(RemoteFailed) as caught:
        get(url, most, **more)
    assert caught.value.code == code
    return caught.value


def test_an_answer_comes_whole(server: Server) -> None:
    server.change = lambda _seen, _reply: Reply(200, b"hello", {"X-Two": "b"})
    found = get(server.url + "/x?q=1", headers=(("X-One", "a"),))
    assert (found.status, found.body, found.head.headers["x-two"], found.head.length) == (200, b"hello", "b", 5)
    (seen,) = server.seen
    assert (seen.target, seen.headers["x-one"], seen.headers["accept-encoding"]) == ("/x?q=1", "a", "identity")


def test_what_is_sent_is_told_of(server: Server) -> None:
    server.change = lambda seen, _reply: Reply(201, str(len(seen.body)).encode())
    told: list[tuple[int, int]] = []
    found = ask(Asked(method="POST", url=server.url, body=b"x" * 100_000, sent=lambda done, whole: told.append((done, whole)), patience=AMPLE))
    assert found.body == b"100000"
    assert told == [(65536, 100_000), (100_000, 100_000)]


@pytest.mark.parametrize("says_length", [True, False])
def test_more_than_was_asked_for_is_cut_off(server: Server, says_length: bool) -> None:
    def raw(_seen: Seen, stream: Any) -> bool:
        stream.write(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 10000\r\n" if says_length else b"") + b"\r\n" + b"x" * 10_000)
        return True

    server.raw = raw
    failed("remote.length", server.url)


def test_an_error_is_read_in_part(server: Server) -> None:
    server.change = lambda _seen, _reply: Reply(500, b"x" * 100_000)
    failed("remote.length", server.url, 10**6)


@pytest.mark.parametrize(
    "text",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort"],
)
def test_an_answer_that_breaks_off_is_none(server: Server, text: bytes) -> None:
    server.raw = lambda _seen, stream: bool(stream.write(text)) or True
    failed("remote.connection", server.url)


def test_a_server_that_drips_is_cut_off(server: Server) -> None:
    def raw(_seen: Seen, stream: Any) -> bool:
        stream.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.ended.wait(0.05):
            try:
                stream.write(b"x")
                stream.flush()
            except OSError:
                break
        return True

    server.raw = raw
    with pytest.raises(RemoteFailed, match="too long"):
        ask(Asked(method="GET", url=server.url, most=10**6, patience=Patience(seconds=0.4, silence=2)))


def test_a_silent_server_is_left(server: Server) -> None:
    server.raw = lambda _seen, _stream: server.ended.wait(30) or True
    assert "too long" in failed("remote.connection", server.url, patience=Patience(seconds=3, silence=0.5)).message


def test_nobody_there(server: Server) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "refused" in failed("remote.connection", f"http://127.0.0.1:{port}/").message


def test_what_is_compressed_is_refused(server: Server) -> None:
    server.change = lambda _seen, _reply: Reply(200, b"x", {"Content-Encoding": "gzip"})
    failed("remote.answer", server.url)


def test_a_redirect_is_followed_and_a_loop_is_not(server: Server) -> None:
    server.change = lambda seen, reply: Reply(302, b"", {"Location": "/there"}) if seen.target == "/here" else Reply(200, b"there")
    found = get(server.url + "/here")
    assert (found.body, found.head.url) == (b"there", server.url + "/there")
    server.change = lambda _seen, _reply: Reply(307, b"", {"Location": "/again"})
    failed("remote.redirect", server.url)
    with pytest.raises(RemoteFailed, match="redirects what was sent"):
        ask(Asked(method="POST", url=server.url, body=b"x", patience=AMPLE))


def test_a_plain_server_is_no_safe_one(server: Server) -> None:
    with pytest.raises(RemoteFailed, match="no safe connection"):
        ask(Asked(method="GET", url=server.url.replace("http:", "https:"), patience=AMPLE), ssl.create_default_context())


def test_a_server_that_answers_early_is_heard(server: Server) -> None:
    """Attack on oneself: an upload that is refused at its first bytes, of which only a broken connection is told."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    port = listening.getsockname()[1]

    def serve() -> None:
        connection, _ = listening.accept()
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    found = ask(Asked(method="POST", url=f"http://127.0.0.1:{port}/", body=b"x" * 3_000_000, patience=AMPLE))
    assert (found.status, found.body) == (413, b"no")
    thread.join()
    listening.close()
