"""FastMCP servers, each with one changed import, built, signed, installed and called in the sandbox, where a Python layer is at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVERS = ROOT / "examples" / "migration" / "fastmcp"
CALLS = {"booking": 6, "todo": 6, "units": 9}
"""Some of those that need neither a network nor a folder, and how many calls of each were recorded. All ten are compared without the sandbox in tests/unit/sdk_python."""
SECONDS_MAX = 300


class Home:
    """A home of its own, with the layer in it."""

    def __init__(self, place: Path, layer: Path) -> None:
        self.place = place
        self.key = str(place / "keys" / "publisher.key")
        self.environment = {**os.environ, "MPP_HOME": str(place / "home")}
        self.run("keygen", "--no-passphrase", "-o", str(place / "keys"))
        shutil.copy(layer, place / "layer.mpp")
        self.run("sign", "layer.mpp", "-k", self.key, "--replace")
        self.run("layer", "install", "layer.mpp")

    def run(self, *words: str, where: Path | None = None) -> str:
        command = [str(Path(sys.executable).parent / "mpp"), *words]
        done = subprocess.run(
            command, cwd=where or self.place, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, python_layer: Path) -> Home:
    return Home(tmp_path_factory.mktemp("servers"), python_layer)


@pytest.mark.parametrize("name", CALLS)
def test_a_server_answers_in_the_sandbox_as_it_did(name: str, home: Home) -> None:
    made = json.loads(home.run("migrate", "source", str(SERVERS / name / "server.py"), "--out", name, "--json"))
    assert len(made["edits"]) == 1
    folder = home.place / name
    home.run("build", where=folder)
    file = f"{name}-0.1.0.mpp"
    home.run("sign", file, "-k", home.key, where=folder)
    home.run("install", file, "--yes", where=folder)
    recorded = str(SERVERS / name / "calls.jsonl")
    home.run("replay", "run", recorded, "--against", name, "--yes", "--out", "got.jsonl", where=folder)
    found = json.loads(home.run("replay", "diff", recorded, "got.jsonl", "--allow", "error-shape", "--json", where=folder))
    assert found["calls"] == CALLS[name]
    # What is answered wrongly on purpose may be refused by the host already, in other words.
    failures = sum(json.loads(line)["result"]["isError"] for line in Path(recorded).read_text().splitlines())
    assert found["calls"] - found["equal"] <= failures
