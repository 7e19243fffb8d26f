"""A whole registry for tests of its API: services on a folder, the application on loopback, and clients that sign."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from mpp.ledger.notes import NoteKey
from mpp.model.jsontext import Json
from mpp.ports import Random
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import TestPublisher, publisher
from mpp.testing.packages import signed, TestClock, TestRandom
from mpp_registry.api.app import App
from mpp_registry.api.guard import Outside
from mpp_registry.opening import opened, Options
from mpp_registry.serve import Door, Job, Listening, RegistryServer
from mpp_registry.services import Services

TOKEN = "an administrator's token of tests"
PACKAGE = "application/vnd.mpp.package"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Json]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def code(self) -> Json:
        assert self.headers["content-type"] == "application/problem+json", self
        return self.json["code"]


@dataclass
class World:
    """One registry that serves. ``ask`` is a stranger; ``signed`` a publisher."""

    services: Services
    app: App
    server: RegistryServer
    clock: TestClock
    random: Random
    lines: list[str] = field(default_factory=list)

    def connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.server.url)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)

    def ask(self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        connection = self.connection()
        try:
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, target: str, **headers: str) -> Reply:
        return self.ask("GET", target, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def header(self, by: TestPublisher, method: str, target: str, body: bytes = b"", *, root: bool = False) -> str:
        signer = by.root[0] if root else by.release[0]
        return sign_request(
            signer, method=method, target=target, body_sha256=sha256(body).hexdigest(), audience=self.services.settings.registry_id, at=self.clock.now(),
            nonce=self.random.bytes(16).hex(),
        )  # fmt: skip

    def signed(
        self, by: TestPublisher, method: str, target: str, body: bytes = b"", kind: str = "application/json", *, root: bool = False,
    ) -> Reply:  # fmt: skip
        headers = {"authorization": self.header(by, method, target, body, root=root), **({"content-type": kind} if body else {})}
        return self.ask(method, target, body or None, headers)

    def admin(self, method: str, target: str, body: Json = None) -> Reply:
        data = json.dumps(body).encode() if body is not None else None
        return self.ask(method, target, data, {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"})

    def register(self, by: TestPublisher) -> Reply:
        return self.signed(by, "POST", "/v1/publishers", by.chain.data)

    def publish(self, by: TestPublisher, changes: Mapping[str, Json] | None = None, extra: Mapping[str, bytes] | None = None, query: str = "") -> Reply:
        return self.signed(by, "POST", "/v1/packages" + query, signed(by, changes, extra), PACKAGE)


@contextmanager
def serving(
    folder: str, *, is_public: bool = True, staging: bool = False, behind_proxy: bool = False, jobs: Callable[[Services, App], list[Job]] | None = None,
    witnesses: tuple[NoteKey, ...] = (), **more: object,
) -> Iterator[World]:  # fmt: skip
    clock, random = TestClock(), TestRandom()
    options = Options(
        data=folder, name="Registry of tests", url="http://registry.example", is_public=is_public, require_namespace=False, staging=staging,
        admin_token_sha256=sha256(TOKEN.encode()).hexdigest(), witnesses=witnesses,
    )  # fmt: skip
    lines: list[str] = []
    with opened(options, clock=clock, random=random, environment={}) as services:
        outside = Outside(clock=clock, random=random, write_line=lines.append, behind_proxy=behind_proxy)
        app = App(services, outside=outside, spool=folder, **more)  # type: ignore[arg-type]
        door = Door(Listening(listen="127.0.0.1:0"))
        server = RegistryServer(app, door, jobs(services, app) if jobs is not None else ())
        ready = threading.Event()
        thread = threading.Thread(target=lambda: server.run(ready=ready.set))
        thread.start()
        try:
            assert ready.wait(120)
            yield World(services, app, server, clock, random, lines)
        finally:
            server.stop()
            thread.join(120)
            assert not thread.is_alive()


def somebody(name: str = "Example Publisher") -> TestPublisher:
    return publisher(name)
