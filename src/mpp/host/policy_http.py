"""Fetching a policy bundle: one small document, from a web server that is not trusted. Spec: policy-bundle B-50 to B-53.

What comes is judged by its signature, so the server can withhold a policy and not make one. It can still send too much, too
slowly, or send us elsewhere; that is what is bounded here.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import SplitResult, urljoin, urlsplit

from mpp.errors import Refused, RemoteFailed
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.host.outside import is_here

FETCH_SECONDS_MAX = 60
"""Seconds of one fetch with all its redirects. Reason: a person waits for it; the largest bundle comes at 3 Mbit/s."""

CONNECT_SECONDS_MAX = 10
"""Seconds in which a server must take the connection and go on sending. Reason: one that is silent for longer is down."""

REDIRECTS_MAX = 3
"""Redirects that are followed. Reason: a move of a server takes one or two; more are a loop."""

URL_CHARS_MAX = 2000
"""Characters of an address. Reason: no web server takes longer ones."""

_CODES = frozenset((301, 302, 303, 307, 308))


@value
class Limits:
    """How long a fetch may take. Tests take less."""

    seconds: float = FETCH_SECONDS_MAX
    silence: float = CONNECT_SECONDS_MAX


def is_address(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def check_address(url: str) -> SplitResult:
    """An https address, or plain http to this very machine; without a name and password in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _unusable(url, "this is no address") from None
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or not host:
        raise _unusable(url, "this is no address")
    if parts.username is not None or parts.password is not None:
        # Attack on oneself: the address is remembered, shown and recorded, and the password with it.
        raise Refused("policy.address", "an address with a name or a password in it is not taken", where=host, hint="serve the bundle without: it is signed")
    if parts.scheme.lower() == "http" and not is_here(host):
        # The signature holds without TLS; but who listens would learn which rules an organisation has.
        raise _unusable(url, "plain http is taken from this machine only")
    if parts.scheme.lower() not in {"http", "https"}:
        raise _unusable(url, "neither http nor https")
    return parts


def _unusable(url: str, why: str) -> Refused:
    return Refused("policy.address", why, where=shown(url), hint="give a path, or an address that begins with https://")


def fetch(url: str, most: int, *, limits: Limits | None = None, context: ssl.SSLContext | None = None) -> bytes:
    """The body behind ``url``, at most ``most`` bytes."""
    limits = limits if limits is not None else Limits()
    with _Deadline(limits.seconds) as deadline:
        for _ in range(REDIRECTS_MAX + 1):
            parts = check_address(url)
            body, moved = _get(parts, most, limits, deadline, context)
            if moved is None:
                return body
            url = _next(parts, url, moved)
    raise RemoteFailed("remote.redirect", f"the server redirects more than {REDIRECTS_MAX} times", where=shown(url), hint="give the address it ends at")


def _next(parts: SplitResult, url: str, moved: str) -> str:
    """Attack: a redirect from https to http, or from the network to a service of this machine."""
    target = urljoin(url, moved)
    after = check_address(target)
    if parts.scheme.lower() == "https" and after.scheme.lower() != "https":
        raise RemoteFailed("remote.redirect", "the server redirects to plain http", where=shown(target), hint="ask who runs the server")
    return target


class _Deadline:
    """Ends a fetch at its moment, whatever the server does: by closing the connection under it.

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
    def watching(self, connected: socket.socket | None) -> Iterator[None]:
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


def _get(parts: SplitResult, most: int, limits: Limits, deadline: _Deadline, context: ssl.SSLContext | None) -> tuple[bytes, str | None]:
    """The body, or where it has moved to."""
    place = shown(parts.geturl())
    connection = _connection(parts)
    try:
        connection.sock = _connected(parts, limits, context)
        with deadline.watching(connection.sock):
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mpp"})
            with connection.getresponse() as answer:
                moved = _moved(answer, place) if answer.status in _CODES else None
                body = _body(answer, most, place) if moved is None else b""
            # An answer that was cut off by the deadline can look like one that has ended.
            if deadline.over:
                raise TimeoutError
            return body, moved
    except ssl.SSLError as fault:
        reason = fault.verify_message if isinstance(fault, ssl.SSLCertVerificationError) else fault.reason or "the connection broke"
        raise _failed(f"no safe connection to the server: {reason}", place, deadline) from None
    except (OSError, http.client.HTTPException) as fault:
        raise _failed(f"the server cannot be reached, or stopped answering: {_words(fault)}", place, deadline) from None
    finally:
        connection.close()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPConnection if parts.scheme.lower() == "http" else http.client.HTTPSConnection
    return kind(parts.hostname or "", parts.port)


def _connected(parts: SplitResult, limits: Limits, context: ssl.SSLContext | None) -> socket.socket:
    """A socket to the server. The handshake of TLS is still to come, under the deadline: it can be dripped too."""
    host, is_plain = parts.hostname or "", parts.scheme.lower() == "http"
    plain = socket.create_connection((host, parts.port or (80 if is_plain else 443)), limits.silence)
    if is_plain:
        return plain
    return (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _moved(answer: http.client.HTTPResponse, place: str) -> str:
    moved = answer.getheader("Location")
    if not moved:
        raise RemoteFailed("remote.answer", "the server redirects and does not say where to", where=place, hint="ask who runs the server")
    return moved


def _body(answer: http.client.HTTPResponse, most: int, place: str) -> bytes:
    if answer.status != http.HTTPStatus.OK:
        message = f"the server answers {answer.status} {shown(answer.reason or '', 40)}".rstrip()
        raise RemoteFailed("remote.answer", message, where=place, hint="check the address, or ask who runs the server")
    if (answer.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise RemoteFailed("remote.answer", "the server compresses what was asked for plainly", where=place, hint="have it sent as it is")
    pieces: list[bytes] = []
    left = most + 1
    while left > 0 and (piece := answer.read(min(left, 65536))):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise RemoteFailed("remote.length", f"the server sends more than {most} bytes", where=place, hint="check the address: this is no policy bundle")
    length = answer.getheader("Content-Length")
    if length is not None and length.isdecimal() and int(length) != most + 1 - left:
        raise http.client.IncompleteRead(b"")
    return b"".join(pieces)


def _words(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "it takes too long"
    if isinstance(fault, OSError):
        return fault.strerror or "the connection broke"
    return "its answer breaks off or is no HTTP"


def _failed(message: str, place: str, deadline: _Deadline) -> RemoteFailed:
    if deadline.over:
        message = "the server takes too long"
    return RemoteFailed("remote.connection", message, where=place, hint="the policy in force stays; try again, or give the bundle as a file")
