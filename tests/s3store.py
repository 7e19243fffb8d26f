"""An object storage on this machine for tests: it keeps objects in memory, and breaks in the way a test says."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

Handler = BaseHTTPRequestHandler
Step = Callable[[Handler], None]

KEY_ID = "AKID" + "EXAMPLE"
SECRET = "wJalr" + "XUtnFEMI/K7MD" + "ENG+bPxRfiCY"
TOKEN = "FwoG" + "ZXIvYXdz" + "=="
LOCK = "x-amz-object-lock-"


class Seen(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Store:
    """What it holds, what it was asked, and how it behaves."""

    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    steps: list[Step | None] = field(default_factory=list)
    """What the next requests get instead of an answer of the store; None for an answer of the store."""
    overwrites: bool = False
    locks: str = "yes"
    """Or ``refuses``, ``forgets``, ``weakens``, ``shortens``."""
    hashes: bool = False
    """Does it tell the hash of an object?"""
    blind: bool = False
    """May whoever asks only write?"""
    url: str = ""

    def __post_init__(self) -> None:
        self.guard = threading.Lock()

    def paths(self, method: str = "PUT") -> list[str]:
        return [one.path for one in self.seen if one.method == method]

    def plant(self, path: str, data: bytes, told: str = "", **headers: str) -> None:
        """Somebody else was there first."""
        self.objects[path] = (data, {"x-amz-meta-sha256": told, **headers})

    def respond(self, handler: Handler, seen: Seen) -> None:
        if seen.method == "PUT":
            self._put(handler, seen)
        elif self.blind:
            send(handler, 403, error("AccessDenied"))
        elif seen.path not in self.objects:
            send(handler, 404, error("NoSuchKey"))
        else:
            data, headers = self.objects[seen.path]
            more = {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(data).digest()).decode()} if self.hashes else {}
            send(handler, 200, data, **headers, **more)

    def _put(self, handler: Handler, seen: Seen) -> None:
        if seen.path in self.objects and not self.overwrites:
            send(handler, 412, error("PreconditionFailed"))
            return
        kept = {name: told for name, told in seen.headers.items() if name.startswith(("x-amz-meta-", LOCK))}
        if self.locks == "refuses" and any(name.startswith(LOCK) for name in kept):
            send(handler, 400, error("InvalidRequest"))
            return
        if self.locks == "forgets":
            kept = {name: told for name, told in kept.items() if not name.startswith(LOCK)}
        if self.locks == "weakens" and LOCK + "mode" in kept:
            kept[LOCK + "mode"] = "GOVERNANCE"
        if self.locks == "shortens" and LOCK + "mode" in kept:
            kept[LOCK + "retain-until-date"] = "2001-01-01T00:00:00Z"
        self.objects[seen.path] = (seen.body, kept)
        send(handler, 200, b"", **{"x-amz-version-id": f"v{len(self.objects)}"})


def error(code: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>\x1b[31mlook</Message></Error>'.encode()


def send(handler: Handler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, told in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, told)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def fails(status: int, code: str, **headers: str) -> Step:
    return lambda handler: send(handler, status, error(code), **headers)


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


@contextmanager
def running(store: Store, context=None) -> Iterator[Store]:
    class Answers(Handler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen = Seen(self.command, self.path, {name.lower(): told for name, told in self.headers.items()}, body)
            try:
                with store.guard:
                    store.seen.append(seen)
                    step = store.steps.pop(0) if store.steps else None
                if step is not None:
                    step(self)
                    return
                with store.guard:
                    store.respond(self, seen)
            except OSError:
                self.close_connection = True

        def do_PUT(self) -> None:  # noqa: N802 - so it is called
            self._any()

        def do_GET(self) -> None:  # noqa: N802 - so it is called
            self._any()

        def do_HEAD(self) -> None:  # noqa: N802 - so it is called
            self._any()

        def log_message(self, *_: object) -> None:
            """Not onto the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    store.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
