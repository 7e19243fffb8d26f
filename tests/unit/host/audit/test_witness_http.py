"""The list of witnesses, and one request to one of them."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import MppError, RemoteFailed
from mpp.host.audit import witness_list
from mpp.host.audit.witness_http import ANSWER_BYTES_MAX, Patience, Reply, post
from mpp.host.audit.witness_list import NamedWitness, WitnessList, check_url
from mpp.host.home import Home
from mpp.ledger.notes import COSIGNATURE, NoteKey
from tests.unit.host.http_sites import authority
from tests.unit.host.audit.witnesses import grow

NOW = 1_790_000_000
LOG = SeedSigner(b"l" * 32)
WITNESS = SeedSigner(b"w" * 32)
KEY = NoteKey(name="w.example", public=WITNESS.public_key, algorithm=COSIGNATURE)
NAMED = NamedWitness(name="board", url="http://127.0.0.1:1", key=KEY)


@pytest.fixture
def log(tmp_path: Path) -> Home:
    found = Home(path=str(tmp_path / "home"))
    grow(found, 5)
    return found


# -- the list


def refused(code: str, step: Callable[[], object]) -> None:
    with pytest.raises(MppError) as caught:
        step()
    assert caught.value.code == code


def test_the_list_of_witnesses(log: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = WitnessList(Home(path=str(tmp_path / "new")).log)
    assert known.load() == ()
    one = known.add("board", "https://w.example/", str(KEY))
    assert one.url == "https://w.example"
    assert known.load() == (one,)
    assert os.stat(known.path).st_mode & 0o777 == 0o600
    moved = known.add("board", "https://w.example/two", str(KEY))
    assert known.load() == (moved,)
    refused("audit.witness_key", lambda: known.add("second", "https://w2.example", str(KEY)))
    refused("audit.witness_key", lambda: known.add("second", "https://w2.example", str(NoteKey(name="log", public=LOG.public_key))))
    refused("audit.note", lambda: known.add("second", "https://w2.example", "x"))
    for name in ("", "A", "a b", "-a", "a" * 65, "é"):
        refused("audit.witness_name", lambda name=name: known.add(name, "https://w2.example", str(KEY)))
    monkeypatch.setattr(witness_list, "WITNESSES_MAX", 1)
    refused("audit.witness_name", lambda: known.add("second", "https://w2.example", str(NoteKey(name="x", public=LOG.public_key, algorithm=COSIGNATURE))))
    refused("audit.witness_name", lambda: known.remove("second"))
    known.remove("board")
    assert known.load() == ()


ROW = f'{{"key":"{KEY}","name":"a","url":"https://w.example"}}'


def rows(*found: str) -> str:
    return '{"mpp_witnesses":1,"witnesses":[' + ",".join(found) + "]}"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("[]", "audit.type"),
        ('{"mpp_witnesses":1}', "audit.missing"),
        (rows(ROW).replace(":1", ":2", 1), "audit.range"),
        (rows(ROW, ROW), "audit.witness_key"),
        (rows(ROW.replace("https", "ftp")), "audit.witness_url"),
        (rows(ROW.replace("}", ',"x":1}')), "audit.unknown_key"),
        (rows(ROW.replace(str(KEY), "x")), "audit.note"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, data: str, code: str) -> None:
    known = WitnessList(Home(path=str(tmp_path)).log)
    os.makedirs(os.path.dirname(known.path))
    Path(known.path).write_text(data)
    refused(code, known.load)


@pytest.mark.parametrize("url", ["https://w.example", "https://w.example:8443/a/b", "http://127.0.0.1:8730", "http://localhost", "http://[::1]:9"])
def test_addresses_that_are_taken(url: str) -> None:
    assert check_url(url).hostname


@pytest.mark.parametrize(
    "url",
    ["", "w.example", "http://w.example", "http://10.0.0.1", "ftp://127.0.0.1", "https://", "https://a b", "https://é.example", "https://w.example:x",
     "https://[::1", "https://w.example/?a", "https://w.example/#a", "https://" + "a" * 500, "https://u:p@w.example", "file:///etc/passwd", "https://w\n.example"],
)  # fmt: skip
def test_addresses_that_are_not(url: str) -> None:
    refused("audit.witness_url", lambda: check_url(url))


# -- the web


@contextlib.contextmanager
def site(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def sends(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_request_and_its_answer() -> None:
    seen: list[tuple[str, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.path, body))
        handler.send_response(409)
        handler.send_header("Content-Type", "Text/X.tlog.size; x=y")
        handler.end_headers()
        handler.wfile.write(b"5\n")

    with site(answer) as url:
        assert post(url, b"hello") == Reply(409, "text/x.tlog.size", b"5\n")
        post(url + "/a/b/", b"x")
    assert seen == [("/add-checkpoint", b"hello"), ("/a/b/add-checkpoint", b"x")]


def test_a_redirect_is_not_followed() -> None:
    with site(sends(b"", 307, Location="http://127.0.0.1:1/add-checkpoint", Content_Length="0")) as url:
        assert post(url, b"x").status == 307


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        threading.Event().wait(0.02)


def silent(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read()


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (sends(b"x" * (ANSWER_BYTES_MAX + 1)), "more than"),
        (sends(b"x", Content_Length="5"), "breaks off"),
        (sends(b"5\r\nab", Transfer_Encoding="chunked"), "cannot be reached|breaks off"),
        (lambda handler: handler.wfile.write(b"no http\r\n\r\n"), "no HTTP"),
        (lambda handler: None, "no HTTP|cannot be reached"),
        (silent, "too long|cannot be reached"),
        (endless, "too long"),
    ],
)
def test_answers_that_are_none(answer: Callable[[BaseHTTPRequestHandler], None], match: str) -> None:
    with site(answer) as url, pytest.raises(RemoteFailed, match=match) as caught:
        is_slow = answer in {silent, endless}
        post(url, b"x", patience=Patience(seconds=1.0, silence=0.5) if is_slow else Patience(seconds=60.0, silence=60.0))
    assert caught.value.code == "remote.witness"


@contextlib.contextmanager
def tls_site() -> Iterator[tuple[int, ssl.SSLContext]]:
    """Over TLS, with a certificate for 127.0.0.1; and the context that believes it."""
    ca, certificate = authority()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sends(b"5\n", 409, Content_Length="2")(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(HTTPServer):
        def get_request(self) -> tuple[socket.socket, object]:
            plain, address = super().get_request()
            plain.settimeout(20)
            return served.wrap_socket(plain, server_side=True), address

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port, ssl.create_default_context(cafile=ca)
        finally:
            server.shutdown()
            thread.join()


def test_a_certificate_must_hold_and_be_for_this_name() -> None:
    with tls_site() as (port, context):
        assert post(f"https://127.0.0.1:{port}", b"x", context=context).body == b"5\n"
        with pytest.raises(RemoteFailed, match="no safe connection"):
            post(f"https://127.0.0.1:{port}", b"x")
        with pytest.raises(RemoteFailed, match="no safe connection"):
            post(f"https://127.1:{port}", b"x", context=context)


def test_nobody_is_there_or_it_speaks_no_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(RemoteFailed, match="cannot be reached"):
        post(f"http://127.0.0.1:{port}", b"x")
    with site(sends(b"")) as url, pytest.raises(RemoteFailed, match=r"no safe connection|cannot be reached"):
        post(url.replace("http", "https"), b"x", patience=Patience(seconds=60.0, silence=60.0))
