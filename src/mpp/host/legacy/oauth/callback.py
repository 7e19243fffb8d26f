"""The page on this machine to which a browser comes back from a login. Spec: legacy V-73.

It hears whatever runs here or is open in a browser: only an answer with the state of this login counts, and all else is answered and forgotten.
"""

from __future__ import annotations

import hmac
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from mpp.errors import HostFailed, RemoteFailed
from mpp.host.legacy.oauth.limits import LOGIN_SECONDS_MAX, PAGE_BYTES_MAX, PAGE_SECONDS_MAX

_PATH = "/callback"
_HEAD = "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"


class Callback:
    """One listener on loopback, for one login."""

    def __init__(self, port: int = 0) -> None:
        """``port`` 0: any that is free."""
        try:
            self._listener = socket.create_server(("127.0.0.1", port), backlog=8)
        except OSError as fault:
            raise HostFailed("host.listen", f"cannot listen at 127.0.0.1:{port}: {fault.strerror}", where="--port", hint="give another port") from None
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}{_PATH}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def wait(self, state: str, seconds: float = LOGIN_SECONDS_MAX) -> Mapping[str, str]:
        """What came back with this state."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._listener.settimeout(left)
            with suppress(OSError):
                line, _ = self._listener.accept()
                with line:
                    found = _heard(line, state, min(PAGE_SECONDS_MAX, left))
                if found is not None:
                    return found
        raise RemoteFailed("remote.answer", f"nobody came back from the login within {seconds:.0f} seconds", where=self.address, hint="try again")


def _heard(line: socket.socket, state: str, seconds: float) -> Mapping[str, str] | None:
    """None for what is not the answer to this login. Attack: a page that guesses, to have its own code taken."""
    found = _read(line, time.monotonic() + seconds)
    good = found is not None and hmac.compare_digest(found.get("state", "").encode("utf-8"), state.encode("utf-8"))
    words = (
        b"The answer has arrived. Go back to the terminal: it says whether you are logged in.\n"
        if good
        else b"This is no answer to a login that is waited for.\n"
    )
    with suppress(OSError):
        line.sendall(_HEAD.format("200 OK" if good else "400 Bad Request", len(words)).encode("ascii") + words)
    return found if good else None


def _read(line: socket.socket, until: float) -> dict[str, str] | None:
    """The query of the request; None if it is none of ours."""
    data = b""
    # Attack: a byte now and then, for as long as it likes.
    while b"\r\n\r\n" not in data and len(data) <= PAGE_BYTES_MAX:
        left = until - time.monotonic()
        if left <= 0:
            return None
        line.settimeout(left)
        try:
            piece = line.recv(4096)
        except OSError:
            return None
        if not piece:
            return None
        data += piece
    words = data.partition(b"\r\n")[0].split(b" ")
    if len(data) > PAGE_BYTES_MAX or len(words) != 3 or words[0] != b"GET" or not words[1].isascii():
        return None
    return _query(words[1].decode("ascii"))


def _query(target: str) -> dict[str, str] | None:
    try:
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, strict_parsing=True, max_num_fields=16)
    except ValueError:
        return None
    found = dict(pairs)
    # Attack: a second code, or a second state, of which readers take one or the other.
    return found if parts.path == _PATH and not parts.netloc and len(found) == len(pairs) else None
