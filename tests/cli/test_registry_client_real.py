"""The whole way with a real registry in a process of its own: two homes, a publisher and a user, and a revocation that reaches a serving host."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from mpp.testing import packages
from mpp.testing.packages import ENTRYPOINT
from mpp.testing.tools import greeting
from tests import layered, records
from tests.cli.conftest import Mpp
from tests.cli.store_world import HELLO
from tests.servers import wait_for
from tests.unit.protocol.wire import begin, old

pytest.importorskip("mpp_registry", reason="the registry is a distribution of its own: mpp-registry")
TOKEN = "a-token-of-these-tests-0123456789"
SECONDS_MAX = 120


class Running(NamedTuple):
    url: str
    registry_id: str


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Running]:
    """``mpp registry serve`` with a home of its own."""
    token = tmp_path / "admin-token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    words = ["registry", "serve", "--port", "0", "--json", "--quiet", "--any-namespace", "--data", str(tmp_path / "data"), "--admin-token-file", str(token)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mpp", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "MPP_HOME": str(tmp_path / "operator")}
    )  # fmt: skip
    try:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.communicate(timeout=SECONDS_MAX)
            text += line
        found = json.loads(text)
        yield Running(found["url"], found["registry_id"])
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS_MAX)


@pytest.fixture
def published(mpp: Mpp, keys: Path, registry: Running) -> Path:
    """The publisher's side, in the home of the test."""
    assert mpp("registry", "add", registry.url, "--fingerprint", registry.registry_id).code == 0
    for version in ("0.1.0", "0.2.0"):
        path = Path(f"hello-{version}.mpp")
        path.write_bytes(packages.unsigned({"version": version}, {ENTRYPOINT: greeting("hi")}))
        assert mpp("sign", path).code == 0
    answer = mpp("publish", "hello-0.1.0.mpp")
    assert (answer.code, "knows publisher 'Ada Example' from now on" in answer.err) == (0, True), answer.err
    assert mpp("register", "--json").json["status"] == "active"
    return keys


def publisher_id(mpp: Mpp) -> str:
    found: str = mpp("trust", "list", "--json").json["publishers"][0]["id"]
    return found


def status(registry: Running, version: str, word: str) -> None:
    """What the registry's administrator does."""

    connection = http.client.HTTPConnection(urlsplit(registry.url).netloc, timeout=20)
    body = json.dumps({"status": word, "reason": "it steals"})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    connection.request("PUT", f"/v1/packages/{HELLO}/versions/{version}/status", body, headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def test_publish_here_and_install_there(mpp: Mpp, published: Path, registry: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who = publisher_id(mpp)
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "user"))
    assert mpp("registry", "add", registry.url, "--fingerprint", registry.registry_id).code == 0
    assert HELLO in mpp("search", "hello").out
    strange = mpp("install", f"{HELLO}@^0.1")
    assert (strange.code, "--publisher FINGERPRINT" in strange.err) == (20, True)
    assert mpp("install", f"{HELLO}@^0.1", "--publisher", "0" * 64).code == 20
    answer = mpp("install", f"{HELLO}@^0.1", "--publisher", who)
    assert answer.code == 0, answer.err
    assert f"local ({registry.registry_id[:16]}), log entry" in answer.out
    assert "the latest; active" in answer.out
    missing = mpp("install", "com.example.nothing")
    assert (missing.code, "entries proves" in missing.err) == (41, True)
    monkeypatch.setenv("MPP_HOME", str(published.parent))
    assert mpp("publish", "hello-0.2.0.mpp").code == 0
    # The same bytes once more are there already; other bytes of that number never come in.
    assert mpp("publish", "hello-0.2.0.mpp").code == 0
    other = Path("hello-0.2.0.mpp")
    other.write_bytes(packages.unsigned({"version": "0.2.0", "description": "Another"}))
    assert mpp("sign", other).code == 0
    refused = mpp("publish", other)
    assert (refused.code, "[registry." in refused.err) == (41, True)
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "user"))
    assert mpp("outdated", "--json").json["packages"][0]["update"] == "0.2.0"
    updated = mpp("update")
    assert (updated.code, "Updated com.example.hello 0.2.0" in updated.out) == (0, True)


def test_a_layer_is_published_and_comes_with_its_tool(mpp: Mpp, published: Path, registry: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who, body = publisher_id(mpp), layered.layer_body(layered.sound())
    for name, data in (("layer.mpp", body), ("tool.mpp", layered.tool_body(layered.ref(body)))):
        Path(name).write_bytes(data)
        assert mpp("sign", name).code == 0
        answer = mpp("publish", name)
        assert answer.code == 0, answer.err
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "user"))
    assert mpp("registry", "add", registry.url, "--fingerprint", registry.registry_id).code == 0
    installed = mpp("install", "com.example.interpreted", "--publisher", who)
    assert (installed.code, "stands on the layer com.example.interpreter 1.0.0, fetched from local" in installed.err) == (0, True), installed.err
    assert "com.example.interpreter" in mpp("layer", "list").out


def test_a_publisher_takes_a_version_back(mpp: Mpp, published: Path, registry: Running) -> None:
    assert mpp("install", HELLO, "--registry", "local").code == 0
    yanked = mpp("yank", f"{HELLO}@0.1.0", "--reason", "loses data")
    assert (yanked.code, "Yanked com.example.hello 0.1.0" in yanked.out) == (0, True), yanked.err
    assert "is stopped: yanked by its registry local: loses data" in mpp("outdated").err
    assert [one["kind"] for one in mpp("stop", "--list", "--json").json["stops"]] == ["version"]
    assert "yanked by its registry" in mpp("stop", "--list").out
    assert mpp("install", f"{HELLO}@~0.1", "--registry", "local").code == 41
    assert mpp("yank", f"{HELLO}@0.1.0", "--undo", "--json").json["status"] == "active"
    assert "may run again" in mpp("outdated").err
    assert mpp("yank", f"{HELLO}@0.1.0", "--deprecate", "--reason", "use 1.0").code == 0
    assert mpp("yank", f"{HELLO}@0.1.0", "--revoke", "--reason", "a stolen key").code == 22
    assert mpp("yank", f"{HELLO}@0.1.0", "--revoke", "--reason", "a stolen key", "--yes").code == 0
    again = mpp("yank", f"{HELLO}@0.1.0", "--undo")
    assert (again.code, "[registry." in again.err) == (41, True)
    for what in (HELLO, "hello@0.1.0", f"{HELLO}@^0.1"):
        assert mpp("yank", what, "--reason", "x").code == 2
    assert mpp("yank", f"{HELLO}@0.1.0").code == 2


def test_a_private_package_is_seen_by_its_owners(mpp: Mpp, published: Path, registry: Running) -> None:
    path = Path("secret-0.1.0.mpp")
    path.write_bytes(packages.unsigned({"package_id": "com.example.secret"}))
    assert mpp("sign", path).code == 0
    # Nobody shows the proof of a private package to a stranger, so its publisher logs in.
    assert mpp("registry", "add", registry.url, "--private").code == 0
    assert mpp("registry", "login").code == 0
    answer = mpp("publish", path, "--private")
    assert answer.code == 0, answer.err
    assert mpp("install", "com.example.secret", "--registry", "local").code == 0
    assert mpp("registry", "login", "--logout").code == 0
    assert mpp("uninstall", "com.example.secret", "--yes").code == 0
    assert mpp("install", "com.example.secret", "--registry", "local").code == 41


class Agent:
    """An agent's client that has started ``mpp serve``."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mpp", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "MPP_HOME": str(home)},
        )  # fmt: skip
        self.number = 0
        for message in begin():
            self.send(message)

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        while "id" in message and "method" in message:
            found: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
            if not found or found.get("id") == message["id"]:
                return found
        return {}

    def runs(self) -> bool:
        self.number += 1
        found = self.send(old(self.number, "tools/call", name="hello__greet", arguments={}))
        return "hi" in json.dumps(found.get("result", {}))

    def end(self) -> str:
        return self.process.communicate(timeout=SECONDS_MAX)[1]


def test_a_revocation_reaches_a_serving_host(mpp: Mpp, published: Path, registry: Running, home: Path, compiled: Path) -> None:
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    assert mpp("install", HELLO, "--registry", "local").code == 0
    path = home / "registries.toml"
    path.write_text(path.read_text().replace("seconds = 300", "seconds = 1"))
    agent = Agent(home)
    try:
        assert agent.runs()
        status(registry, "0.1.0", "revoked")
        # Within a look or two; no call waits for one.
        wait_for(lambda: not agent.runs(), "the revocation to arrive", 30, 0.2)
    finally:
        told = agent.end()
    assert "is stopped: revoked by its registry local: it steals" in told
    again = Agent(home)
    try:
        assert not again.runs()
    finally:
        again.end()
    assert "publisher.content_revoked" in mpp("list").out
    assert [event.body["by"] for event in records.events(home) if event.kind == "stop"] == ["registry:local"] * 2
    # Revoked for good, also for those who name it.
    assert mpp("install", f"{HELLO}@0.1.0", "--registry", "local").code == 41
