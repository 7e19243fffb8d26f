"""Ten FastMCP servers, each with one changed import: the same tools, and the same answers as with the SDK that they were written for.

What that SDK answers is recorded in tools.json and calls.jsonl (examples/migration/fastmcp/record.py). Where MPP_OLD_PYTHON names an
interpreter that has it, the recording is made anew and compared too, and the servers run there beside the real pydantic and httpx.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mpp.author.migrating.source import migrate_source
from tests.unit.sdk_python.conftest import ROOT, SDK

SERVERS = ROOT / "examples" / "migration" / "fastmcp"
NAMES = sorted(path.parent.name for path in SERVERS.glob("*/server.py"))
OLD_PYTHON = os.environ.get("MPP_OLD_PYTHON", "")
NEEDS = {"news": "httpx"}
"""Servers that need a library which may be absent here."""

OTHER_WORDS = {("todo", 3)}
"""Calls that are refused on both sides, in other words: that SDK names its own model of the arguments, and an address for help."""


def answered(name: str, place: Path, python: str) -> dict[str, Any]:
    migrated = migrate_source(str(SERVERS / name / "server.py"))
    assert len(migrated.edits) == 1
    (place / "server.py").write_bytes(migrated.files["server.py"])
    command = [python, str(Path(__file__).parent / "answering.py"), str(place / "server.py"), str(SERVERS / name), str(place / "notes")]
    done = subprocess.run(command, capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def plain(schema: Any) -> Any:
    """Without titles, which say the name again."""
    if isinstance(schema, dict):
        return {key: plain(item) for key, item in schema.items() if not (key == "title" and isinstance(item, str))}
    return [plain(item) for item in schema] if isinstance(schema, list) else schema


def same_tools(name: str, ours: list[dict[str, Any]]) -> None:
    theirs = {tool["name"]: tool for tool in json.loads((SERVERS / name / "tools.json").read_text())}
    assert [tool["name"] for tool in ours] == list(theirs)
    for tool in ours:
        other = theirs[tool["name"]]
        parameters = json.loads(json.dumps(tool["parameters"]))
        if tool["name"] == "book_table":
            # A question ends the call here, so its answer has a place among the arguments.
            assert parameters["properties"].pop("answer")["type"] == "object"
        assert plain(parameters) == plain(other["inputSchema"]), tool["name"]
        assert plain(tool.get("returns")) == plain(other.get("outputSchema")), tool["name"]
        assert tool["description"] == other["description"].strip()
        assert tool.get("title") == other.get("title")


def same_answers(name: str, ours: list[Any]) -> None:
    recorded = [json.loads(line) for line in (SERVERS / name / "calls.jsonl").read_text().splitlines()]
    assert len(ours) == len(recorded) > 1
    for at, (found, line) in enumerate(zip(ours, recorded, strict=True)):
        if (name, at) in OTHER_WORDS:
            assert found["isError"] is line["result"]["isError"] is True
        else:
            assert found == line["result"], f"call {at}: {line['tool']}"


@pytest.mark.parametrize("name", NAMES)
def test_a_server_answers_as_before(name: str, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed: the server {name} cannot be run here")
    found = answered(name, tmp_path, sys.executable)
    same_tools(name, found["described"]["tools"])
    same_answers(name, found["answers"])


@pytest.mark.parametrize("name", NAMES)
def test_a_server_answers_as_before_beside_the_old_sdk(name: str, tmp_path: Path) -> None:
    if not OLD_PYTHON:
        pytest.skip("MPP_OLD_PYTHON names no interpreter with mcp<2: nothing is recorded anew")
    found = answered(name, tmp_path, OLD_PYTHON)
    same_tools(name, found["described"]["tools"])
    same_answers(name, found["answers"])


def test_the_recording_is_what_the_old_sdk_says(tmp_path: Path) -> None:
    if not OLD_PYTHON:
        pytest.skip("MPP_OLD_PYTHON names no interpreter with mcp<2: nothing is recorded anew")
    done = subprocess.run([OLD_PYTHON, str(SERVERS / "record.py"), str(tmp_path)], capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for name in NAMES:
        assert json.loads((tmp_path / name / "tools.json").read_text()) == json.loads((SERVERS / name / "tools.json").read_text())
        for ours, theirs in zip(*(((folder / name / "calls.jsonl").read_text().splitlines()) for folder in (SERVERS, tmp_path)), strict=True):
            assert json.loads(ours) == json.loads(theirs)


def test_what_the_booking_said_on_the_way(tmp_path: Path) -> None:
    found = answered("booking", tmp_path, sys.executable)
    assert found["logs"][0] == ["info", "Looking for a table for 2"]
    assert found["progress"][:2] == [[1, 2, "looking"], [2, 2, "booked"]]


def test_prompts_and_resources_of_the_style_guide(tmp_path: Path) -> None:
    described = answered("style-guide", tmp_path, sys.executable)["described"]
    assert [one["name"] for one in described["prompts"]["prompts"]] == ["review", "rewrite"]
    assert [one["uri"] for one in described["resources"]["resources"]] == ["style://rules"]
    assert [one["uriTemplate"] for one in described["resources"]["templates"]] == ["style://words/{word}"]
    assert any("style://limits/{language}" in one["message"] for one in described["reports"])


def test_there_are_ten_servers() -> None:
    assert len(NAMES) == 10
