"""A publisher with packages, a registry that is a process of its own, and a client that knows nothing but the API."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import publisher, TestPublisher
from mpp.testing.packages import signed
from mpp_registry.publishing import Actor
from tests.servers import free_port, wait_for

PACKAGE = "com.example.faults"
CREATED = int(time.time()) - 60
"""The same for all packages of a run, so that one made again has the same bytes."""

START_SECONDS = 120
ANSWER_SECONDS = 120


def package(who: TestPublisher, version: str, filler: int = 0, **changes: Any) -> bytes:
    """A sound package; ``filler`` bytes make it as large as a test wants it."""
    extra = {"assets/filler.bin": hashlib.shake_256(version.encode()).digest(filler)} if filler else None
    return signed(who, {"package_id": PACKAGE, "version": version, **changes}, extra, created=CREATED)


def actor_of(name: str) -> Actor:
    """As a signed request of this publisher would be understood."""
    who = publisher(name)
    return Actor(publisher_id=who.id, key_id=key_id(who.release[0].public_key), how="signed", roles=("release",))


@dataclass
class Answer:
    status: int
    """0: there was none."""
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Client:
    """What anybody can do with the document of the API at hand."""

    port: int
    who: TestPublisher
    registry_id: str = ""

    def ask(self, method: str, target: str, body: bytes = b"", *, sign: bool = False, **headers: str) -> Answer:
        given = {name.replace("_", "-"): told for name, told in headers.items()}
        if sign:
            digest = hashlib.sha256(body).hexdigest()
            given["Authorization"] = sign_request(
                self.who.release[0],
                method=method,
                target=target,
                body_sha256=digest,
                audience=self.registry_id,
                at=int(time.time()),
                nonce=secrets.token_hex(16),
            )
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, target, body=body or None, headers=given)
            got = connection.getresponse()
            return Answer(got.status, got.read(), {name.lower(): told for name, told in got.getheaders()})
        except (OSError, http.client.HTTPException):
            return Answer(0, b"")
        finally:
            connection.close()

    def register(self) -> Answer:
        return self.ask("POST", "/v1/publishers", self.who.chain.data, sign=True, content_type="application/json")

    def publish(self, data: bytes) -> Answer:
        return self.ask("POST", "/v1/packages", data, sign=True, content_type="application/vnd.mpp.package")

    def version(self, version: str, package_id: str = PACKAGE) -> Answer:
        return self.ask("GET", f"/v1/packages/{package_id}/versions/{version}")

    def download(self, version: str, package_id: str = PACKAGE, **headers: str) -> Answer:
        return self.ask("GET", f"/v1/packages/{package_id}/versions/{version}/download", **headers)


class Registry:
    """``mpp registry serve`` as an operator starts it."""

    def __init__(
        self, folder: Path, *words: str, environment: Mapping[str, str] | None = None, port: int = 0, program: tuple[str, ...] = ("-m", "mpp")
    ) -> None:
        self.folder, self.port, self.program = folder, port or free_port(), program
        self.words = ("registry", "serve", "--data", str(folder / "data"), "--port", str(self.port), "--quiet", "--json", *words)
        self.environment = {**os.environ, "MPP_HOME": str(folder / "home"), **(environment or {})}
        self.child: subprocess.Popen[bytes] | None = None
        self.told: dict[str, Any] = {}

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "output").open("ab") as stream:
            words = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, *self.program, *self.words]
            self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream, env=self.environment)
        assert self.child.stdout is not None
        text = b""
        while not text.endswith(b"}\n"):
            line = self.child.stdout.readline()
            if not line:
                self.child.wait(START_SECONDS)
                pytest.fail(f"the registry did not start: {self.errors()[-3000:]}")
            text += line
        self.told = json.loads(text)
        wait_for(lambda: self.client().ask("GET", "/health").status == 200, "the registry to be well", START_SECONDS)

    def stop(self, how: int = signal.SIGTERM) -> int | None:
        if self.child is None:
            return None
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            code = self.child.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        if self.child.stdout is not None:
            self.child.stdout.close()
        self.child = None
        return code

    def errors(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def client(self, who: TestPublisher | None = None) -> Client:
        return Client(self.port, who if who is not None else publisher("Faults"), str(self.told.get("registry_id", "")))


def mpp(*words: object, home: Path) -> subprocess.CompletedProcess[str]:
    """The command line, as a process."""
    environment = {**os.environ, "MPP_HOME": str(home)}
    return subprocess.run([sys.executable, "-m", "mpp", *map(str, words)], capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS, env=environment)
