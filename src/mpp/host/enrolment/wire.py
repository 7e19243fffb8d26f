"""One request to a registry, over a network that is not trusted: few bytes back, few seconds, and nowhere else than there.

What comes back is judged by signatures and proofs. So who answers can withhold something, and not make it. Hosts ask their fleet's registry by it, and
registries ask each other.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from mpp.errors import RemoteFailed
from mpp.host.outside import ended_after, words_of
from mpp.model.jsontext import shown
from mpp.model.value import value

from mpp.host.enrolment.limits import SILENCE_SECONDS_MAX

PIECE_BYTES = 65_536
"""Bytes that are read at a time. Reason: large enough to be fast."""


@value
class Answer:
    status: int
    kind: str
    body: bytes


@value
class Sent:
    """A request."""

    url: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""


@value
class Patience:
    """How long it may take. Tests take less."""

    seconds: float
    silence: float = SILENCE_SECONDS_MAX


class Web:
    """The way to registries."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context

    def get(self, url: str, headers: Mapping[str, str], most: int, patience: Patience) -> Answer:
        return self.send(Sent(url=url, headers=headers), most, patience)

    def send(self, sent: Sent, most: int, patience: Patience) -> Answer:
        """A whole answer of at most ``most`` bytes. A redirect is an answer like another, and followed nowhere."""
        with self._talking(sent, patience) as (answer, pieces):
            body = bytearray()
            for piece in pieces:
                body += piece
                if len(body) > most:
                    raise RemoteFailed("remote.length", f"the registry answers with more than {most} bytes", where=shown(sent.url), hint=_HINT)
        return Answer(status=answer.status, kind=answer.kind, body=bytes(body))

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str], patience: Patience) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """The head of an answer, and the pieces of its body. Leaving it ends the connection."""
        with self._talking(Sent(url=url, headers=headers), patience) as found:
            yield found

    @contextlib.contextmanager
    def _talking(self, sent: Sent, patience: Patience) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        url = sent.url
        parts = urlsplit(url)
        host, is_plain = parts.hostname or "", parts.scheme == "http"
        connection = (http.client.HTTPConnection if is_plain else http.client.HTTPSConnection)(host, parts.port)
        try:
            plain = socket.create_connection((host, parts.port or (80 if is_plain else 443)), patience.silence)
            connection.sock = plain
            # One byte every second passes each limit of a single read; this one ends all of it.
            with ended_after(plain, patience.seconds) as ended:
                if not is_plain:
                    connection.sock = (self._context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host)
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                headers = {"Accept-Encoding": "identity", "User-Agent": "mpp", "Connection": "close", **sent.headers}
                connection.request(sent.method, path, body=sent.body or None, headers=headers)
                with connection.getresponse() as found:
                    kind = (found.getheader("Content-Type") or "").partition(";")[0].strip().lower()
                    yield Answer(status=found.status, kind=kind, body=b""), _pieces(found)
                # What was cut off by the deadline can look like an answer that has ended.
                if ended.over:
                    raise TimeoutError
        except (OSError, http.client.HTTPException) as fault:
            message = f"the registry cannot be reached, or stopped answering: {words_of(fault)}"
            raise RemoteFailed("remote.connection", message, where=shown(url), hint=_HINT) from None
        except ValueError:
            raise RemoteFailed("remote.answer", "the registry answers with something else than HTTP", where=shown(url), hint=_HINT) from None
        finally:
            connection.close()


_HINT = "see whether it runs, and ask again"


def _pieces(found: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := found.read(PIECE_BYTES):
        yield piece
    if found.length:
        raise http.client.IncompleteRead(b"")
