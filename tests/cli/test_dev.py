"""mpp dev, with projects that build without fetching anything: a C project, and Python on a stand-in for a layer."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.author.running import is_confined
from tests.cli.conftest import EXECUTABLE, Mpp

SECONDS = 120

pytestmark = pytest.mark.skipif(not is_confined(), reason="this system has no Landlock")


@pytest.fixture
def project(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed")
    assert mpp("init", "hello", "--lang", "c").code == 0
    monkeypatch.chdir("hello")
    return Path.cwd()


def test_once(project: Path, mpp: Mpp) -> None:
    done = mpp("dev", "--once", "--json")
    assert done.code == 0, done.err
    assert (done.json["file"], done.json["tests"]) == ("hello-0.1.0.mpp", None)
    assert [step["step"] for step in done.json["steps"]][-1] == "packing"
    assert (project / "hello-0.1.0.mpp").is_file()
    done = mpp("dev", "--once")
    assert done.out.startswith("Done in")
    assert "build " in done.err
    assert "tests   none" in done.err


def test_once_says_what_is_wrong(project: Path, mpp: Mpp) -> None:
    (project / "src" / "main.c").write_text("int main(void) { return x; }\n")
    done = mpp("dev", "--once", "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "project.compile")
    assert mpp("dev", "--once").code == 3


def test_tests_that_fail_end_it(project: Path, mpp: Mpp) -> None:
    (project / "tests" / "test_x.py").write_text("def test_no():\n    assert False, 'a reason'\n")
    done = mpp("dev", "--once")
    assert done.code == 3
    assert "a reason" in done.err
    assert mpp("dev", "--once", "--json").json["error"]["code"] == "project.tests"
    assert mpp("dev", "--once", "--no-tests").code == 0


def test_outside_of_a_project(mpp: Mpp) -> None:
    done = mpp("dev", "--once")
    assert (done.code, "mpp init" in done.err) == (3, True)


class Client:
    """An MCP client of a process that it started."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen([*EXECUTABLE, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.number = 0
        self.threads = [
            threading.Thread(target=self._read, args=(pipe, kept), daemon=True)
            for pipe, kept in ((self.process.stdout, self.lines), (self.process.stderr, self.said))
        ]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _read(pipe: Any, kept: queue.Queue[dict[str, Any]]) -> None:
        with pipe:
            for line in pipe:
                kept.put(json.loads(line) if line.startswith("{") else {"text": line})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        self._send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            found = self.lines.get(timeout=SECONDS)
            if found.get("id") == self.number:
                return found["result"]

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def begin(self) -> None:
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def wait_for(self, event: str) -> dict[str, Any]:
        while True:
            found = self.said.get(timeout=SECONDS)
            if found.get("event") == event:
                return found

    def wait_for_word(self, method: str) -> None:
        while self.lines.get(timeout=SECONDS).get("method") != method:
            pass

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(timeout=SECONDS)
        for thread in self.threads:
            thread.join(SECONDS)
        return code


@pytest.fixture
def started() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for one in made:
        one.process.kill()
        one.process.wait()
        if one.process.stdin is not None:
            one.process.stdin.close()
        for thread in one.threads:
            thread.join(SECONDS)


def test_a_client_sees_each_build(project: Path, started: list[Client]) -> None:
    client = Client("dev", "--json", "--no-tests")
    started.append(client)
    client.begin()
    tool = client.ask("tools/list")["tools"][0]
    assert tool["name"] == "greet"
    assert tool["description"].startswith("[development build, unsigned] ")
    assert tool["_meta"]["org.modelpackageprotocol/verified"] is False
    found = client.ask("tools/call", name="greet", arguments={"name": "Ada"})
    assert found["structuredContent"] == {"greeting": "Hello, Ada!"}
    call = client.wait_for("call")
    assert (call["tool"], call["code"]) == ("greet", "ok")
    assert call["ms"] >= call["sandbox_ms"] > 0
    # A fault is told, and the last good build stays.
    source = (project / "src" / "main.c").read_text()
    (project / "src" / "main.c").write_text("int main(void) { return x; }\n")
    assert client.wait_for("failed")["faults"][0]["code"] == "project.compile"
    assert client.ask("tools/call", name="greet", arguments={})["structuredContent"] == {"greeting": "Hello, World!"}
    (project / "src" / "main.c").write_text(source.replace("Hello", "Bye"))
    assert client.wait_for("built")["file"] == "hello-0.1.0.mpp"
    client.wait_for_word("notifications/tools/list_changed")
    assert client.ask("tools/call", name="greet", arguments={})["structuredContent"] == {"greeting": "Bye, World!"}
    assert client.end() == 0


def test_a_native_run_says_so_everywhere(mpp: Mpp, monkeypatch: pytest.MonkeyPatch, started: list[Client]) -> None:
    """The build needs a layer to be there; its definitions stand in the manifest, and the native run needs nothing else."""
    assert mpp("init", "hello", "--lang", "python").code == 0
    monkeypatch.chdir("hello")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["stand-in", *sys.path]))
    # A layer that nobody runs: only its name goes into the package.
    Path("stand-in").mkdir()
    Path("stand-in", "sitecustomize.py").write_text(
        "import mpp.cli.building as b\nfrom mpp.author.languages.ports import LayerFile\nfrom mpp.model.manifest import LayerRef\n"
        "b.newest_layer = lambda _: LayerFile(ref=LayerRef(id='dev.example.layer', version='1.0.0', sha256='1' * 64), path='/nowhere')\n"
    )
    client = Client("dev", "--native", "--no-tests")
    started.append(client)
    client.begin()
    tool = client.ask("tools/list")["tools"][0]
    assert "no sandbox, no filter, no record" in tool["description"]
    found = client.ask("tools/call", name="greet", arguments={"name": "Ada"})
    assert found["structuredContent"] == {"greeting": "Hello, Ada!"}
    assert found["_meta"]["org.modelpackageprotocol/native"] is True
    failed = client.ask("tools/call", name="greet", arguments={"name": 3})
    assert failed["isError"] is True
    assert client.end() == 0
    words = "".join(str(client.said.get_nowait().get("text", "")) for _ in range(client.said.qsize()))
    assert "WITHOUT sandbox" in words
