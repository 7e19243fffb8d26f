"""The example projects: their own tests, and each built, signed, installed and called where a Python layer is at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "examples" / "tools"
PROJECTS = ("text-tools", "notes", "table-query", "thumbnail", "github-issues")
SECONDS_MAX = 300


class Call(NamedTuple):
    """A call by installed name, and what its answer holds."""

    project: str
    tool: str
    arguments: dict[str, object]
    expected: str
    options: tuple[str, ...] = ()
    code: int = 0


CALLS = (
    Call("text-tools", "count", {"text": "one fish two fish", "most": 1}, '"often":{"fish":2}'),
    Call("text-tools", "convert", {"text": "Crème brûlée", "into": "slug"}, "creme-brulee"),
    Call("notes", "save", {"title": "milk", "text": "two bottles"}, '"text":"two bottles"'),
    Call("notes", "find", {"words": "bottles"}, '["milk"]'),
    Call("notes", "forget", {"title": "milk"}, "Delete the note milk?", code=1),
    Call("notes", "forget", {"title": "milk", "sure": {"action": "accept", "content": {}}}, "milk is gone"),
    Call("table-query", "query", {"file": "sales.csv", "sql": "select count(*) as n from data"}, "n\n6", ("--map", "/tables={folder}/tables")),
    Call("thumbnail", "size", {"path": "flag.png"}, '"width":120', ("--map", "/pictures={folder}/pictures")),
    Call("thumbnail", "thumbnail", {"path": "flag.png", "side": 30}, "flag.png: 30 x 20", ("--map", "/pictures={folder}/pictures")),
    Call("github-issues", "list_issues", {"repository": "octocat/hello"}, "GITHUB_TOKEN", code=1),
)


@pytest.mark.parametrize("project", PROJECTS)
def test_the_tests_of_a_project_pass(project: str, tmp_path: Path) -> None:
    """As its author runs them, without the sandbox and without a network."""
    folder = tmp_path / project
    shutil.copytree(TOOLS / project, folder)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "tests"], cwd=folder, capture_output=True, text=True,
        timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


class Home:
    """A home of its own, with the layer in it and every project built, signed and installed."""

    def __init__(self, place: Path, layer: Path) -> None:
        self.place = place
        self.environment = {**os.environ, "MPP_HOME": str(place / "home")}
        self.run("keygen", "--no-passphrase", "-o", str(place / "keys"))
        signed = place / "layer.mpp"
        shutil.copy(layer, signed)
        self.run("sign", str(signed), "-k", str(place / "keys" / "publisher.key"), "--replace")
        self.run("layer", "install", str(signed))
        for project in PROJECTS:
            folder = place / project
            shutil.copytree(TOOLS / project, folder)
            self.run("build", where=folder)
            self.run("install", str(self.signed(next(folder.glob("*.mpp")))), "--yes")

    def signed(self, path: Path) -> Path:
        self.run("sign", str(path), "-k", str(self.place / "keys" / "publisher.key"))
        return path

    def run(self, *words: str, where: Path | None = None, code: int = 0) -> str:
        command = [str(Path(sys.executable).parent / "mpp"), *words]
        done = subprocess.run(
            command, cwd=where or self.place, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.returncode != 0) == (code != 0), done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, python_layer: Path) -> Home:
    return Home(tmp_path_factory.mktemp("tools"), python_layer)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.project}-{call.tool}")
def test_a_call_in_the_sandbox(installed: Home, call: Call) -> None:
    options = [one.format(folder=installed.place / call.project) for one in call.options]
    said = installed.run("run", f"com.example.{call.project}", "--tool", call.tool, "--args", json.dumps(call.arguments), "--yes", *options, code=call.code)
    assert call.expected in said.replace('": ', '":')
