"""Three registries as three processes: they find each other's packages, and what happens to one happens to no other.

Beside them stand peers that hang, lie, answer with nonsense or never stop.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from mpp.host.system import SystemClock
from mpp.protocol.registry.bundle import proven, read_bundle
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import publisher, TestPublisher
from mpp.testing.packages import signed
from tests.servers import wait_for

BEE, SEA = publisher("Bee Keepers"), publisher("Sea People")
START_SECONDS_MAX = 120


@dataclass
class Registry:
    name: str
    data: Path
    process: subprocess.Popen[str]
    url: str
    id: str

    def get(self, target: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        return ask(self.url, "GET", target, headers=headers)

    def found(self, package_id: str) -> dict[str, object] | None:
        status, body = self.get(f"/v1/discover/{package_id}")
        assert status in {200, 404}, body
        return json.loads(body) if status == 200 else None

    def finds(self, package_id: str) -> dict[str, object]:
        """A peer that a busy machine keeps from answering in time counts as down for that question: then it is asked again."""
        seen: list[dict[str, object]] = []

        def is_found() -> bool:
            found = self.found(package_id)
            seen.extend([found] if found is not None else [])
            return bool(seen)

        wait_for(is_found, f"{package_id} to be found", look=1)
        return seen[0]

    def signed(self, by: TestPublisher, target: str, body: bytes, kind: str) -> tuple[int, bytes]:
        header = sign_request(
            by.release[0], method="POST", target=target, body_sha256=sha256(body).hexdigest(), audience=self.id, at=SystemClock().now(),
            nonce=os.urandom(16).hex(),
        )  # fmt: skip
        return ask(self.url, "POST", target, body, {"Authorization": header, "Content-Type": kind})

    def publish(self, by: TestPublisher, package_id: str, version: str = "1.0.0") -> bytes:
        data = signed(by, {"package_id": package_id, "version": version})
        status, body = self.signed(by, "/v1/publishers", by.chain.data, "application/json")
        assert status in {200, 201, 409}, body
        status, body = self.signed(by, "/v1/packages", data, "application/vnd.mpp.package")
        assert status == 201, body
        return data

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(START_SECONDS_MAX)


def ask(url: str, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def mpp(*arguments: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-m", "mpp", *arguments, "--json"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def start(folder: Path, name: str, port: int = 0) -> Registry:
    command = [sys.executable, "-m", "mpp", "registry", "serve", "--port", str(port), "--data", str(folder / name), "--name", name, "--quiet", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with contextlib.ExitStack() as undo:
        # One that says something else than expected must not stay behind.
        undo.callback(process.kill)
        told = _told(process)
        undo.pop_all()
    return Registry(name=name, data=folder / name, process=process, url=told["url"], id=told["registry_id"])


def _told(process: subprocess.Popen[str]) -> dict[str, str]:
    """The object that it prints when it listens."""
    watch = threading.Timer(START_SECONDS_MAX, process.kill)
    watch.start()
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] not in {"}\n", ""}:
        lines.append(process.stdout.readline())
    watch.cancel()
    process.stdout.close()
    assert lines[-1], "the registry did not come up"
    found: dict[str, str] = json.loads("".join(lines))
    return found


@contextlib.contextmanager
def running(folder: Path, *names: str) -> Iterator[tuple[Registry, ...]]:
    with contextlib.ExitStack() as stack:
        made = []
        for name in names:
            one = start(folder, name)
            stack.callback(one.kill)
            made.append(one)
        yield tuple(made)


def peer(of: Registry, other: Registry, *namespaces: str) -> None:
    spaces = [part for one in namespaces for part in ("--namespace", one)]
    mpp("registry", "peers", "add", other.url, "--id", other.id, *spaces, "--data", str(of.data))


@dataclass
class Hostile:
    url: str
    asked: int = 0


@contextlib.contextmanager
def hostile(kind: str) -> Iterator[Hostile]:
    """A server that takes each connection and behaves badly."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        found = Hostile(f"http://127.0.0.1:{listening.getsockname()[1]}")
        over = threading.Event()

        def misbehave(taken: socket.socket) -> None:
            with taken, contextlib.suppress(OSError):
                taken.recv(65536)
                if kind == "garbage":
                    taken.sendall(b"\x00\xff\x00 what?\r\n\r\n")
                elif kind == "failing":
                    taken.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
                elif kind == "endless":
                    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                    while not over.is_set():
                        taken.sendall(b"[" * 65536)
                elif kind == "lying":
                    body = b'{"mpp_discovery":1,"package_id":"org.sea.fish","version":"9.9.9"}'
                    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                elif kind == "moved":
                    taken.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
                else:
                    over.wait(30)

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    taken, _ = listening.accept()
                    found.asked += 1
                    taken.settimeout(30)
                    threading.Thread(target=misbehave, args=(taken,), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join(5)


def test_three_registries_find_each_others_packages(tmp_path: Path) -> None:
    with running(tmp_path, "a", "b", "c") as (a, b, c):
        peer(a, b, "com.bee")
        peer(a, c, "*")
        peer(b, c, "*")
        peer(c, a, "*")
        hive = b.publish(BEE, "com.bee.hive")
        c.publish(SEA, "org.sea.fish")
        for asker, package_id, home in ((a, "com.bee.hive", b), (a, "org.sea.fish", c), (b, "org.sea.fish", c), (b, "com.bee.hive", b)):
            found = asker.finds(package_id)
            assert found["home"]["registry_id"] == home.id  # type: ignore[index]
            assert found["home"]["url"] == home.url  # type: ignore[index]
            assert found["is_local"] == (asker is home)
            proof = proven(read_bundle(str(found["bundle"]).encode()), home.id, now=SystemClock().now(), max_age=3600)
            assert (proof.package_id, proof.version, proof.status) == (package_id, "1.0.0", "active")
        # Each list is signed and its digest is in the log of its registry.
        status, listed = a.get("/v1/peers/list")
        assert status == 200
        entries = json.loads(a.get("/v1/log/entries?start=0&count=100")[1])
        assert any(sha256(listed).hexdigest() in leaf for leaf in entries["leaves"])
        # a, c, a: a question that comes round ends.
        assert c.found("net.nobody.tool") is None
        assert a.get("/v1/discover/net.nobody.tool", {"Mpp-Via": a.id, "Mpp-Budget": "9"})[0] == 409
        # The file through the registry of one's own, checked against the log of its home.
        assert a.get("/v1/discover/com.bee.hive/versions/1.0.0/download")[0] == 404
        mpp("registry", "peers", "proxy", "100m", "--data", str(a.data))
        assert a.get("/v1/discover/com.bee.hive/versions/1.0.0/download") == (200, hive)
        b.kill()
        assert a.get("/v1/discover/com.bee.hive/versions/1.0.0/download") == (200, hive), "kept, and its proof is a minute young"


def test_an_outage_and_bad_peers_touch_nobody_else(tmp_path: Path) -> None:
    kinds = ("hanging", "garbage", "failing", "endless", "lying", "moved")
    with contextlib.ExitStack() as stack:
        a, b, c = stack.enter_context(running(tmp_path, "a", "b", "c"))
        b.publish(BEE, "com.bee.hive")
        c.publish(SEA, "org.sea.fish")
        peer(a, b, "com.bee")
        bad = [stack.enter_context(hostile(kind)) for kind in kinds]
        for number, kind in enumerate(kinds):
            roots = tmp_path / f"{kind}.json"
            roots.write_bytes(publisher(kind).chain.data)
            mpp("registry", "peers", "add", bad[number].url, "--root", str(roots), "--namespace", "*", "--namespace", f"net.bad{number}", "--data", str(a.data))
        peer(a, c, "*")
        # Six peers that are worse than down stand before the one that has it.
        assert a.finds("org.sea.fish")["home"]["registry_id"] == c.id  # type: ignore[index]
        wait_for(lambda: all(one.asked for one in bad), "each of them to be asked")
        before = [one.asked for one in bad]
        assert a.finds("com.bee.hive")
        assert [one.asked for one in bad] == before, "who has no part in it is not asked"
        for number in range(3):
            assert a.found(f"org.sea.other{number}") is None
        states = {one["name"]: one for one in json.loads(a.get("/v1/peers")[1])["peers"]}
        assert {name: one["state"] for name, one in states.items() if name in kinds} == dict.fromkeys(kinds, "resting")
        assert states["b"]["state"] == states["c"]["state"] == "ok"
        # Left alone, they cost nothing.
        before = [one.asked for one in bad]
        assert a.found("org.sea.another") is None
        assert [one.asked for one in bad] == before
        c.kill()
        assert a.found("org.sea.more") is None
        assert a.finds("com.bee.hive")
        assert b.finds("com.bee.hive")


def test_a_home_that_tells_another_story_is_found_out(tmp_path: Path) -> None:
    """The folder of ``c`` is set back to a copy, and goes on from there, as whoever took it over would do."""
    with running(tmp_path, "a", "b", "c") as (a, b, c):
        peer(a, b, "com.bee")
        peer(a, c, "*")
        b.publish(BEE, "com.bee.hive")
        c.publish(SEA, "org.sea.fish")
        port = int(str(urlsplit(c.url).port))
        c.process.terminate()
        c.process.wait(START_SECONDS_MAX)
        shutil.copytree(c.data, tmp_path / "copy")
        again = start(tmp_path, "c", port)
        try:
            again.publish(SEA, "org.sea.eel")
            assert a.finds("org.sea.eel")
        finally:
            again.process.terminate()
            again.process.wait(START_SECONDS_MAX)
        shutil.rmtree(c.data)
        shutil.copytree(tmp_path / "copy", c.data)
        forged = start(tmp_path, "c", port)
        try:
            # As long as before, and another.
            forged.publish(SEA, "org.sea.rat")
            assert a.found("org.sea.rat") is None
            wait_for(lambda: a.found("org.sea.rat") is None and json.loads(a.get("/v1/peers")[1])["evidence"], "evidence", look=1)
            peers = json.loads(a.get("/v1/peers")[1])
            assert [(one["registry_id"], one["kind"]) for one in peers["evidence"]] == [(c.id, "fork")]
            assert {one["name"]: one["state"] for one in peers["peers"]} == {"b": "ok", "c": "forked"}
            assert a.found("org.sea.eel") is None, "it is not believed until a person has looked"
            assert mpp("registry", "peers", "list", "--data", str(a.data))["evidence"]
            mpp("registry", "peers", "clear", c.id, "--forget", "--data", str(a.data))
            assert a.finds("org.sea.fish"), "a person has looked, and begins anew"
            assert a.finds("com.bee.hive")
        finally:
            forged.kill()


def client(home: Path, *arguments: str) -> tuple[int, str]:
    """``mpp`` of somebody who has a home of their own, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "mpp", *arguments], capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
        env={**os.environ, "MPP_HOME": str(home)},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_user_of_one_registry_installs_from_the_others(tmp_path: Path) -> None:
    """The user knows ``a`` alone. ``b`` stands in its list; ``c`` in that of ``b``, which ``a`` lets introduce others."""
    with running(tmp_path, "a", "b", "c") as (a, b, c):
        b.publish(BEE, "com.bee.hive")
        c.publish(SEA, "org.sea.fish")
        peer(a, b, "com.bee")
        peer(b, c, "org.sea")
        peer(c, a, "*")
        home = tmp_path / "user"
        assert client(home, "registry", "add", a.url, "--name", "a", "--fingerprint", a.id)[0] == 0
        code, told = client(home, "install", "com.bee.hive", "--publisher", BEE.id)
        assert (code, f"--yes --introduced {b.id}" in told) == (20, True), told
        code, told = client(home, "install", "com.bee.hive", "--publisher", BEE.id, "--yes", "--introduced", b.id)
        assert (code, f"({b.id[:16]}), log entry" in told) == (0, True), told
        # What a may not hand on, it does not: b is named for com.bee alone.
        assert client(home, "install", "org.sea.fish", "--publisher", SEA.id, "--yes", "--introduced", c.id)[0] == 41
        mpp("registry", "peers", "add", b.url, "--id", b.id, "--namespace", "*", "--namespace", "com.bee", "--introduces", "--data", str(a.data))
        (home / "registries" / f"{a.id}.peers").unlink()
        code, told = client(home, "install", "org.sea.fish", "--publisher", SEA.id, "--yes", "--introduced", c.id)
        assert (code, f"({c.id[:16]}), log entry" in told) == (0, True), told
        # A round that nobody has anything for comes to an end, and costs a bounded number of questions.
        assert client(home, "install", "net.nobody.tool")[0] == 41
        # The registry of the user is down: what came from the others is updated all the same.
        b.publish(BEE, "com.bee.hive", "1.1.0")
        a.kill()
        code, told = client(home, "update", "com.bee.hive")
        assert (code, "1.1.0" in told) == (0, True), told
