"""``mpp migrate source``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Mpp

TEXT = """import subprocess

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("x")
API = "https://api.example.com"


@mcp.tool()
def run(a: int) -> str:
    "Runs"
    return subprocess.run([API]).stdout
"""


def test_it_shows_what_it_would_do_and_writes_nothing(mpp: Mpp) -> None:
    Path("server.py").write_text(TEXT)
    answer = mpp("migrate", "source", "server.py")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines() == [
        "server.py:3: from mcp.server.fastmcp import FastMCP",
        "    now: from mpp_sdk.fastmcp import FastMCP",
        "capabilities, and the evidence for each:",
        "  + network api.example.com: it stands in server.py:6",
        "will not work:",
        "  server.py:12 calls subprocess.run: no program can be started in the sandbox",
    ]
    assert "nothing was written: --out FOLDER makes a project" in answer.err
    assert [path.name for path in Path.cwd().iterdir()] == ["server.py"]
    assert Path("server.py").read_text() == TEXT


def test_it_makes_a_project(mpp: Mpp) -> None:
    Path("server.py").write_text(TEXT)
    answer = mpp("migrate", "source", "server.py", "--out", "ported", "--id", "org.ada.ported", "--publisher", "Ada")
    assert answer.code == 0, answer.err
    assert "Made ported; begin with its README.md." in answer.out
    assert Path("ported/app/server.py").read_text() == TEXT.replace("mcp.server.fastmcp", "mpp_sdk.fastmcp")
    assert json.loads(Path("ported/manifest.json").read_text())["runtime"]["entrypoint"] == "app/server.py"
    again = mpp("migrate", "source", "server.py", "--out", "ported")
    assert (again.code, "[project.exists]" in again.err) == (3, True)


def test_json_holds_all_of_it(mpp: Mpp) -> None:
    Path("server.py").write_text("import redis\nimport yaml\n" + TEXT + "KEPT = []\ndef f():\n    KEPT.append(1)\n")
    found = mpp("migrate", "source", "server.py", "--json").json
    assert (found["ok"], found["entry"], found["files"], found["requirements"], found["folder"]) == (True, "server.py", ["server.py"], ["pyyaml"], "")
    assert found["edits"] == [{"where": "server.py:5", "before": "from mcp.server.fastmcp import FastMCP", "after": "from mpp_sdk.fastmcp import FastMCP"}]
    assert found["capabilities"] == {"network": ["api.example.com"], "filesystem": {"read": [], "write": []}, "env_vars": []}
    assert found["evidence"] == [{"what": "network api.example.com", "drafted": True, "evidence": "it stands in server.py:8"}]
    assert [(one["where"], one["will_fail"]) for one in found["reports"]] == [("server.py:1", True), ("server.py:14", True), ("server.py:17", False)]


def test_what_is_no_server_is_refused(mpp: Mpp) -> None:
    Path("other.py").write_text("print('hi')\n")
    answer = mpp("migrate", "source", "other.py")
    assert (answer.code, "it imports no FastMCP" in answer.err) == (2, True)
    assert mpp("migrate", "source", "gone.py").code == 1


def test_dependencies_are_shown(mpp: Mpp) -> None:
    Path("server.py").write_text("import os, yaml\nfrom fastmcp import FastMCP\nKEY = os.environ['A_KEY']\n")
    answer = mpp("migrate", "source", "server.py")
    assert "dependencies: pyyaml" in answer.out
    assert "look at:" in answer.out
