"""Sites on this machine for the tests of http.fetch: raw servers that answer what a test says, with TLS from an authority of their own."""

from __future__ import annotations

import atexit
import functools
import select
import shutil
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from mpp.host.services.http_client import Client
from mpp.host.services.http_fetch import fetch
from mpp.host.services.http_line import Patience
from mpp.host.services.http_types import HttpConfig, HttpRefusal, HttpRequest, HttpResponse
from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.rights import Rights
from mpp.model.secretvalue import SecretValue
from mpp.ports import Wait
from tests.certificates import Authority, new_key, pem, private_pem

T = TypeVar("T")
NAME = "api.example.com"
OTHER = "other.example.org"
VALUE = "sk-" + "Zq8/w+Rt5~Yp2 x=="
Respond = Callable[[bytes], "bytes | None"]


def answer(body: bytes = b"ok", *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


@functools.cache
def authority() -> tuple[str, str]:
    """The paths of the authority's certificate, and of a key with certificate for the names of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="mpp-test-ca-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    trusted, key = Authority(), new_key()
    ca, site = folder / "ca.pem", folder / "site.pem"
    ca.write_bytes(pem(trusted.certificate))
    site.write_bytes(private_pem(key) + pem(trusted.sign("site", key, (NAME, OTHER, "localhost"))))
    return str(ca), str(site)


class Site:
    """A server on 127.0.0.1. ``respond`` turns a request into the bytes of its answer; None closes the connection."""

    def __init__(self, respond: Respond, *, tls: bool = False, tear: bool = False) -> None:
        self.respond, self.tear = respond, tear
        self.requests: list[bytes] = []
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(authority()[1])
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self.sock.getsockname()[1])
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                conn, _ = self.sock.accept()
                self.connections += 1
                self.open.append(conn)
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with suppress(OSError, ValueError):
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            spoken = self.tls.wrap_socket(conn, server_side=True) if self.tls else conn
            self.open.append(spoken)
            while (request := _read_request(spoken)) is not None:
                self.requests.append(request)
                said = self.respond(request)
                if said is not None:
                    spoken.sendall(said)
                if said is None or b"connection: close" in said[:4096].lower():
                    if isinstance(spoken, ssl.SSLSocket) and not self.tear:
                        spoken = spoken.unwrap()
                    break
            with suppress(OSError):
                spoken.shutdown(socket.SHUT_RDWR)
            spoken.close()


def _read_request(conn: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        piece = conn.recv(65536)
        if not piece:
            return None
        body += piece
    return head + b"\r\n\r\n" + body


def rule(host: str, *ports: int, schemes: tuple[str, ...] = ("http", "https"), methods: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> NetworkRule:
    return NetworkRule(host=host.removeprefix("*."), wildcard=host.startswith("*."), schemes=schemes, ports=ports or (80, 443), methods=methods, paths=paths)


def rights(*rules: NetworkRule, private: tuple[str, ...] = (), package: str = "org.example.tool") -> Rights:
    return Rights(tenant="t", publisher_id="p" * 64, package_id=package, content_hash="0" * 64, network=rules, private_hosts=private)


def local(*sites: Site, name: str = NAME, package: str = "org.example.tool") -> Rights:
    """Rights to reach the sites under ``name``, which may have a private address."""
    ports = tuple(site.port for site in sites)
    return rights(rule(name, *ports), private=tuple(f"{name}:{port}" for port in ports), package=package)


def secret(host: str, value: str = VALUE, *, name: str = "API_KEY", header: str = "Authorization", layout: str = "Bearer {secret}") -> SecretValue:
    return SecretValue(secret=Secret(name=name, host=host, header=header, format=layout), value=value)


def drive(steps: Generator[Wait, None, T]) -> T:
    """Run steps in this thread."""
    try:
        wait = next(steps)
        while True:
            poll = select.poll()
            poll.register(wait.fd, select.POLLOUT if wait.writing else select.POLLIN)
            poll.poll(max(0.0, wait.until - time.monotonic()) * 1000)
            wait = next(steps)
    except StopIteration as done:
        found: T = done.value
        return found


class Inline:
    """A client in this process, with a resolver of the test's own."""

    def __init__(self, answers: dict[str, str] | None = None, config: HttpConfig | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[str] = []
        self.client = Client(config or HttpConfig(extra_ca_file=authority()[0]), self.resolve)

    def resolve(self, host: str, port: int) -> list[tuple[str, int] | tuple[str, int, int, int]]:
        self.asked.append(host)
        found = self.answers.get(host.rstrip("."), "127.0.0.1")
        return [(one, port, 0, 0) if ":" in one else (one, port) for one in found.split()]

    def fetch(self, request: HttpRequest, given: Rights, secrets: tuple[SecretValue, ...] = (), *, seconds: float = 5.0) -> HttpResponse | HttpRefusal:
        def exchange(hop, until):
            return self.client.exchange(hop, Patience(until))
            yield

        try:
            return drive(fetch(request, given, secrets, time.monotonic() + seconds, exchange))
        finally:
            self.client.pool.purge()

    def close(self) -> None:
        self.client.pool.close()


def get(url: str, *headers: tuple[str, str], **more: object) -> HttpRequest:
    return HttpRequest(**{"method": "GET", "url": url, "headers": headers, **more})  # type: ignore[arg-type]
