"""A server on a free port of this machine, in a thread of the test, and clients that write what they like."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mpp.host.home import Home
from mpp.host.system import FixedClock, SystemRandom
from mpp.host.tenants import TenantToken, TokenStore, digest_of, new_tenant_token
from mpp.protocol.mcp.ports import Backend
from mpp.serve.http_server import HttpOptions, HttpServer
from mpp.testing.backend import MemoryBackend
from mpp.testing.packages import NOW

SECONDS_MAX = 20
META = "io.modelcontextprotocol/"
MODERN = {"_meta": {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {}}}
TAKES = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        return self.json["result"]

    @property
    def events(self) -> list[Any]:
        """The messages of a stream."""
        return [json.loads(line[6:]) for line in self.body.decode().split("\n") if line.startswith("data: ")]


class Served:
    """A running server and how it is asked."""

    def __init__(self, server: HttpServer, home: Path) -> None:
        self.server, self.home, self.port = server, home, server.port

    def ask(self, method: str, path: str = "/mcp", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)) as client:
            client.request(method, path, body, {**(TAKES if method == "POST" else {}), **(headers or {})})
            found = client.getresponse()
            return Answer(found.status, {name.lower(): text for name, text in found.getheaders()}, found.read())

    def post(self, message: object, **headers: str) -> Answer:
        """``mcp_session_id`` is the header Mcp-Session-Id."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.ask("POST", body=json.dumps(message).encode(), headers=named)

    def modern(
        self, method: str, name: str = "", /, *, headers: Mapping[str, str] | None = None, meta: Mapping[str, Any] | None = None, **params: Any
    ) -> Answer:
        message, found = modern(method, name, meta=meta, **params)
        return self.ask("POST", body=json.dumps(message).encode(), headers={**found, **(headers or {})})

    def call(self, name: str, /, *, headers: Mapping[str, str] | None = None, meta: Mapping[str, Any] | None = None, **arguments: Any) -> Answer:
        return self.modern("tools/call", name, headers=headers, meta=meta, name=name, arguments=arguments)

    def begin(self, *, capabilities: object = None, version: str = "2025-11-25", **headers: str) -> dict[str, str]:
        """A session of the old era; the headers of its requests."""
        params = {"protocolVersion": version, "capabilities": capabilities or {}, "clientInfo": {"name": "test", "version": "1"}}
        answer = self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}, **headers)
        assert answer.status == 200, answer
        named = {"mcp_session_id": answer.headers["mcp-session-id"], "mcp_protocol_version": version, **headers}
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, **named).status == 202
        return named

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX)

    def raw(self, data: bytes) -> bytes:
        """All that comes back until the server closes."""
        with self.connect() as client:
            client.sendall(data)
            return read_all(client)


def modern(method: str, name: str = "", /, *, number: int = 1, meta: Mapping[str, Any] | None = None, **params: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A message of the new era and its headers."""
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": {**MODERN["_meta"], **(meta or {})}}}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **({"Mcp-Name": name} if name else {})}
    return message, headers


def request(body: bytes, headers: Mapping[str, str] | None = None, *, method: str = "POST", port: int = 1) -> bytes:
    """The bytes of a request."""
    found = {"Host": f"127.0.0.1:{port}", **TAKES, "Content-Length": str(len(body)), **(headers or {})}
    return f"{method} /mcp HTTP/1.1\r\n".encode() + b"".join(f"{name}: {text}\r\n".encode() for name, text in found.items()) + b"\r\n" + body


def call_bytes(name: str, /, **arguments: Any) -> bytes:
    """A whole request of the new era that calls a tool."""
    message, headers = modern("tools/call", name, name=name, arguments=arguments)
    return request(json.dumps(message).encode(), headers)


def read_all(client: socket.socket) -> bytes:
    """All that comes until the connection ends, however it does."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def read_until(client: socket.socket, end: bytes) -> bytes:
    """What comes, up to and with ``end``."""
    found = b""
    while end not in found:
        piece = client.recv(65536)
        assert piece, found
        found += piece
    return found


@contextlib.contextmanager
def serving(tmp_path: Path, backend: Backend | None = None, *, now: int = NOW, **options: Any) -> Iterator[Served]:
    home = tmp_path / "home"
    (home / "trust").mkdir(parents=True, exist_ok=True, mode=0o700)
    home.chmod(0o700)
    found = HttpOptions(**{"home": Home(path=str(home)), "listen": "127.0.0.1:0", **options})
    server = HttpServer(MemoryBackend() if backend is None else backend, found, FixedClock(now), SystemRandom())
    thread = threading.Thread(target=server.run, name="mpp-http")
    thread.start()
    try:
        yield Served(server, home)
    finally:
        server.stop()
        thread.join(SECONDS_MAX)
        assert not thread.is_alive()


def token(tmp_path: Path, agent: str = "planner", **changes: Any) -> str:
    """A new token of the home of ``serving``."""
    text, name = new_tenant_token(SystemRandom())
    held = TenantToken(**{"id": name, "sha256": digest_of(text), "tenant": "acme", "agent": agent, "until": NOW + 60, **changes})
    TokenStore(str(tmp_path / "home" / "trust" / "tokens.json")).change(lambda known: {**known, name: held})
    return text


def revoke_all(tmp_path: Path) -> None:
    TokenStore(str(tmp_path / "home" / "trust" / "tokens.json")).change(lambda _: {})


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
