"""One exchange with a web server that is not trusted: bounded in size, time, silence and redirects.

What comes is judged by proofs, so a server can withhold and not make. It can still send too much, too slowly, or lead elsewhere.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self
from urllib.parse import SplitResult

from mpp.errors import RemoteFailed
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.remote.address import check_address, origin_of, redirected
from mpp.remote.limits import ASK_SECONDS_MAX, DOCUMENT_BYTES_MAX, PIECE_BYTES, PROBLEM_BYTES_MAX, REDIRECTS_MAX, SILENCE_SECONDS_MAX

_MOVED = frozenset((301, 302, 303, 307, 308))
_OWN = frozenset(("authorization", "cookie"))

Progress = Callable[[int, int], None]
"""Told how many bytes have passed, and of how many; 0: nobody knows."""


def unseen(_done: int, _whole: int) -> None:
    """Nobody looks."""


@value
class Patience:
    """How long an exchange may take. Tests take less."""

    seconds: float = ASK_SECONDS_MAX
    silence: float = SILENCE_SECONDS_MAX


@value
class Asked:
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    most: int = DOCUMENT_BYTES_MAX
    patience: Patience = Patience()
    sent: Progress = unseen


@value
class Head:
    """Status and headers of an answer; names are lower case."""

    status: int
    headers: Mapping[str, str]
    url: str
    """The address that answered, after redirects."""

    @property
    def length(self) -> int | None:
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


@value
class Reply:
    head: Head
    body: bytes

    @property
    def status(self) -> int:
        return self.head.status


Sink = Callable[[bytes], None]


def ask(asked: Asked, context: ssl.SSLContext | None = None) -> Reply:
    """The whole answer in memory."""
    pieces: list[bytes] = []
    head = exchange(asked, lambda _: pieces.append, context)
    return Reply(head=head, body=b"".join(pieces))


def exchange(asked: Asked, sink: Callable[[Head], Sink], context: ssl.SSLContext | None = None) -> Head:
    """``sink`` is shown the head of the answer and takes its body, at most ``asked.most`` bytes; of an error less."""
    url, headers = asked.url, asked.headers
    with _Deadline(asked.patience.seconds) as deadline:
        for _ in range(REDIRECTS_MAX + 1):
            head = _once(asked, url, headers, sink, deadline, context)
            if head.status not in _MOVED:
                return head
            if asked.method != "GET":
                # Attack: a signed request, or an upload, that is led to somebody else.
                raise RemoteFailed("remote.redirect", "the server redirects what was sent to it", where=shown(url), hint="give the address it ends at")
            target = redirected(url, head.headers.get("location", ""))
            if origin_of(target) != origin_of(url):
                # Attack: a redirect that takes a token along to another server.
                headers = tuple(one for one in headers if one[0].lower() not in _OWN)
            url = target
    raise RemoteFailed("remote.redirect", f"the server redirects more than {REDIRECTS_MAX} times", where=shown(asked.url), hint="give the address it ends at")


class _Deadline:
    """Ends an exchange at its moment, whatever the server does: by closing the connection under it.

    Attack: a server that sends one byte every few seconds never lets a time limit of a single read pass.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._connected: socket.socket | None = None
        self.over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @contextmanager
    def watching(self, connected: socket.socket) -> Iterator[None]:
        with self._lock:
            self._connected = connected
            over = self.over
        if over:
            raise TimeoutError
        try:
            yield
        finally:
            with self._lock:
                self._connected = None

    def _end(self) -> None:
        with self._lock:
            self.over = True
            if self._connected is not None:
                # Not close: the number could be another file's by the time the reader comes back to it.
                try:
                    socket.socket.shutdown(self._connected, socket.SHUT_RDWR)
                except OSError:
                    return


def _once(
    asked: Asked, url: str, headers: tuple[tuple[str, str], ...], sink: Callable[[Head], Sink], deadline: _Deadline, context: ssl.SSLContext | None
) -> Head:
    parts, place = check_address(url), shown(url)
    connection = _connection(parts)
    try:
        connected = _connected(parts, asked.patience, context)
        connection.sock = connected
        with deadline.watching(connected):
            if isinstance(connected, ssl.SSLSocket):
                connected.do_handshake()
            with _answer(connection, parts, headers, asked) as answer:
                head = Head(status=answer.status, headers=_headers(answer), url=url)
                if head.status not in _MOVED:
                    _take(answer, head, asked, sink(head), place)
            # An answer that was cut off by the deadline can look like one that has ended.
            if deadline.over:
                raise TimeoutError
            return head
    except ssl.SSLError as fault:
        reason = fault.verify_message if isinstance(fault, ssl.SSLCertVerificationError) else fault.reason or "the connection broke"
        raise _failed(f"no safe connection to the server: {reason}", place, over=deadline.over) from None
    except (OSError, http.client.HTTPException) as fault:
        raise _failed(f"the server cannot be reached, or stopped answering: {_words(fault)}", place, over=deadline.over) from None
    finally:
        connection.close()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPConnection if parts.scheme == "http" else http.client.HTTPSConnection
    return kind(parts.hostname or "", parts.port)


def _connected(parts: SplitResult, patience: Patience, context: ssl.SSLContext | None) -> socket.socket:
    """A socket to the server. The handshake of TLS is still to come, under the deadline: it can be dripped too."""
    host, is_plain = parts.hostname or "", parts.scheme == "http"
    plain = socket.create_connection((host, parts.port or (80 if is_plain else 443)), patience.silence)
    if is_plain:
        return plain
    return (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _answer(connection: http.client.HTTPConnection, parts: SplitResult, headers: tuple[tuple[str, str], ...], asked: Asked) -> http.client.HTTPResponse:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mpp", **dict(headers)}
    if asked.method == "GET":
        connection.request(asked.method, path, headers=given)
        return connection.getresponse()
    try:
        connection.request(asked.method, path, body=_pieces(asked.body, asked.sent), headers={**given, "Content-Length": str(len(asked.body))})
    except (BrokenPipeError, ConnectionResetError):
        # A server that has heard enough may have answered why before it closed; if it did not, reading says so.
        return connection.getresponse()
    return connection.getresponse()


def _pieces(body: bytes, sent: Progress) -> Iterator[bytes]:
    for begin in range(0, len(body), PIECE_BYTES):
        piece = body[begin : begin + PIECE_BYTES]
        yield piece
        sent(begin + len(piece), len(body))


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in answer.getheaders():
        found.setdefault(name.lower(), text)
    return found


def _take(answer: http.client.HTTPResponse, head: Head, asked: Asked, sink: Sink, place: str) -> None:
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        raise RemoteFailed("remote.answer", "the server compresses what was asked for plainly", where=place, hint="have it sent as it is")
    most = asked.most if head.status < http.client.BAD_REQUEST else PROBLEM_BYTES_MAX
    if head.length is not None and head.length > most:
        raise _too_much(most, place)
    taken = 0
    while piece := answer.read1(PIECE_BYTES):
        taken += len(piece)
        if taken > most:
            raise _too_much(most, place)
        sink(piece)
    if head.length is not None and head.length != taken:
        raise http.client.IncompleteRead(b"")


def _too_much(most: int, place: str) -> RemoteFailed:
    return RemoteFailed("remote.length", f"the server sends more than {most} bytes", where=place, hint="check the address, or ask who runs the server")


def _words(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "it takes too long"
    if isinstance(fault, OSError):
        return fault.strerror or "the connection broke"
    return "its answer breaks off or is no HTTP"


def _failed(message: str, place: str, *, over: bool) -> RemoteFailed:
    return RemoteFailed("remote.connection", "the server takes too long" if over else message, where=place, hint="try again, or ask who runs the server")
