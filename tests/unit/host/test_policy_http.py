"""Fetching a bundle from servers that are slow, large, elsewhere, or no servers at all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mpp.errors import MppError
from mpp.host import policy_http as module
from mpp.host.policy_http import Limits, check_address, fetch, is_address

AMPLE = Limits(seconds=60, silence=60)
"""For what does not wait: on a busy machine anything may take seconds."""


class Server:
    """A web server on this machine that does what ``answer`` says."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Not onto the screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/policy.json"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


Serve = Callable[[Callable[[BaseHTTPRequestHandler], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[Server] = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> str:
        made.append(Server(answer))
        return made[-1].url

    yield start
    for one in made:
        one.close()


def sends(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **{key.replace("_", "-"): text for key, text in headers.items()}}.items():
            handler.send_header(name, text)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def fault_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(MppError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code, caught.value.message


def test_a_body_is_fetched(serve: Serve) -> None:
    assert fetch(serve(sends(b"x" * 100_000)), 100_000, limits=AMPLE) == b"x" * 100_000


def test_the_request_says_what_is_wanted_and_nothing_about_us(serve: Serve) -> None:
    seen: dict[str, str] = {}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.update({"path": handler.path, **{key.lower(): text for key, text in handler.headers.items()}})
        sends(b"{}")(handler)

    fetch(serve(answer) + "?a=1", 10)
    assert seen.pop("path") == "/policy.json?a=1"
    assert seen.pop("host").startswith("127.0.0.1:")
    assert seen == {"accept": "application/json", "accept-encoding": "identity", "user-agent": "mpp"}


def test_too_much_is_not_read_to_the_end(serve: Serve) -> None:
    url = serve(sends(b"x" * 1001))
    assert fault_of(lambda: fetch(url, 1000, limits=AMPLE))[0] == "remote.length"


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def test_an_endless_body_ends_at_the_limit(serve: Serve) -> None:
    url = serve(endless)
    assert fault_of(lambda: fetch(url, 300_000, limits=AMPLE))[0] == "remote.length"


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_only_a_whole_answer_counts(serve: Serve, status: int) -> None:
    url = serve(sends(b"", status))
    code, message = fault_of(lambda: fetch(url, 10, limits=AMPLE))
    assert (code, str(status) in message) == ("remote.answer", True)


def test_a_compressed_answer_is_refused(serve: Serve) -> None:
    url = serve(sends(b"x", Content_Encoding="gzip"))
    assert fault_of(lambda: fetch(url, 10, limits=AMPLE))[0] == "remote.answer"


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def test_half_an_answer_is_none(serve: Serve) -> None:
    url = serve(breaks_off)
    assert fault_of(lambda: fetch(url, 1000, limits=AMPLE))[0] == "remote.connection"


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(60)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: each read is in time, the whole never ends."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(300):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.2)


@pytest.mark.parametrize("answer", [silent, dripping])
def test_a_slow_server_is_left(serve: Serve, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
    url, begun = serve(answer), time.monotonic()
    code, message = fault_of(lambda: fetch(url, 1000, limits=Limits(seconds=1, silence=0.6)))
    assert (code, "too long" in message) == ("remote.connection", True)
    assert time.monotonic() - begun < 30


def test_no_server_at_all() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/"
        assert fault_of(lambda: fetch(url, 10, limits=AMPLE))[0] == "remote.connection"


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HELLO\r\n\r\n")
    handler.close_connection = True


def test_what_is_no_http_is_refused(serve: Serve) -> None:
    url = serve(nonsense)
    code, message = fault_of(lambda: fetch(url, 10, limits=AMPLE))
    assert (code, "no HTTP" in message) == ("remote.connection", True)


def test_redirects_are_followed_three_times(serve: Serve) -> None:
    end = serve(sends(b"here"))
    for _ in range(3):
        end = serve(sends(b"", 302, Location=end))
    assert fetch(end, 10, limits=AMPLE) == b"here"
    again = serve(sends(b"", 308, Location=end))
    assert fault_of(lambda: fetch(again, 10, limits=AMPLE))[0] == "remote.redirect"


def test_a_redirect_without_a_place_is_refused(serve: Serve) -> None:
    url = serve(sends(b"", 301))
    assert fault_of(lambda: fetch(url, 10, limits=AMPLE))[0] == "remote.answer"


@pytest.mark.parametrize("target", ["http://policy.example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://ada:secret@127.0.0.1/x"])
def test_a_redirect_leads_nowhere_else(serve: Serve, target: str) -> None:
    url = serve(sends(b"", 302, Location=target))
    assert fault_of(lambda: fetch(url, 10, limits=AMPLE))[0] == "policy.address"


def test_a_redirect_from_tls_to_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_get", lambda *_: (b"", "http://127.0.0.1/x"))
    assert fault_of(lambda: fetch("https://policy.example.com/x", 10))[0] == "remote.redirect"
    answers = iter([(b"", "/y"), (b"moved", None)])
    monkeypatch.setattr(module, "_get", lambda *_: next(answers))
    assert fetch("https://policy.example.com/x", 10) == b"moved"


ADDRESSES = [
    ("https://policy.example.com/fleet.json", True),
    ("https://policy.example.com:8443/fleet.json?x=1", True),
    ("HTTPS://policy.example.com/", True),
    ("http://127.0.0.1:8000/x", True),
    ("http://localhost/x", True),
    ("http://[::1]/x", True),
    ("http://policy.example.com/", False),
    ("http://127.0.0.1.example.com/", False),
    ("http://localhost.example.com/", False),
    ("http://10.0.0.1/", False),
    ("ftp://policy.example.com/", False),
    ("https://", False),
    ("https:///x", False),
    ("https://policy.example.com:port/", False),
    ("https://[::1/x", False),
    ("https://ada@policy.example.com/", False),
    ("https://ada:secret@policy.example.com/", False),
    ("https://policy.example.com/a b", False),
    ("https://policy.example.com/\n", False),
    ("https://exämple.com/", False),
    ("https://policy.example.com/" + "x" * 2000, False),
]


@pytest.mark.parametrize(("url", "sound"), ADDRESSES)
def test_addresses(url: str, sound: bool) -> None:
    if sound:
        assert check_address(url).hostname
        return
    with pytest.raises(MppError) as caught:
        check_address(url)
    assert caught.value.code == "policy.address"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("source", "is_one"), [("https://x", True), ("HTTP://x", True), ("policy.json", False), ("./http:/x", False)])
def test_what_is_an_address(source: str, is_one: bool) -> None:
    assert is_address(source) == is_one


def test_a_server_without_a_certificate_that_holds_is_refused(serve: Serve) -> None:
    """Plain bytes where TLS is wanted: the handshake breaks, nothing was asked."""
    url = serve(sends(b"x")).replace("http:", "https:")
    code, message = fault_of(lambda: fetch(url, 10, limits=AMPLE))
    assert code == "remote.connection"
    assert "no safe connection" in message


def test_a_handshake_that_never_ends_is_left() -> None:
    """Attack: bytes of a handshake, one by one, keep each read in time."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.sendall(b"\x16\x03\x03\x40\x00")
                for _ in range(300):
                    try:
                        taken.sendall(b"\x02")
                    except OSError:
                        return
                    time.sleep(0.2)

        threading.Thread(target=drip, daemon=True).start()
        begun = time.monotonic()
        url = f"https://localhost:{listening.getsockname()[1]}/"
        assert fault_of(lambda: fetch(url, 10, limits=Limits(seconds=0.8, silence=0.6)))[0] == "remote.connection"
        assert time.monotonic() - begun < 30


def test_certificates_are_judged_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    plain = ssl.create_default_context

    def making() -> ssl.SSLContext:
        made.append(plain())
        return made[-1]

    monkeypatch.setattr(module.ssl, "create_default_context", making)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            listening.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        url = f"https://localhost:{listening.getsockname()[1]}/"
        assert fault_of(lambda: fetch(url, 10, limits=AMPLE))[0] == "remote.connection"
    assert [(one.verify_mode, one.check_hostname) for one in made] == [(ssl.CERT_REQUIRED, True)]


def test_a_deadline_that_is_over_lets_nothing_begin(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url, plain = serve(sends(b"x")), module._connected

    def slow(*words: object) -> socket.socket:
        time.sleep(0.3)
        return plain(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_connected", slow)
    code, message = fault_of(lambda: fetch(url, 10, limits=Limits(seconds=0.1, silence=1)))
    assert (code, "too long" in message) == ("remote.connection", True)
