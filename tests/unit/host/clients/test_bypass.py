"""Which servers bypass MPP, in which files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mpp.host.clients.bypass import Bypass, bypassing, files, Looked, read_file
from mpp.host.clients.known import find_client, Surroundings
from tests.unit.host.clients.world import LAUNCHER

ME = os.geteuid()


@pytest.fixture
def at(tmp_path: Path) -> Surroundings:
    return Surroundings(environment={"HOME": str(tmp_path)}, platform="linux")


def put(path: Path, found: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    return path


def look(at: Surroundings, *folders: Path) -> tuple[list[Looked], list[Bypass]]:
    looked = list(files(at, map(str, folders), ME))
    return looked, [one for each in looked for one in bypassing(each, LAUNCHER)]


def test_nothing_there(at: Surroundings) -> None:
    assert look(at) == ([], [])


def test_every_file_of_every_client(at: Surroundings, tmp_path: Path) -> None:
    ours = LAUNCHER.entry(find_client("cursor"))
    put(tmp_path / ".cursor/mcp.json", {"mcpServers": {"mpp": ours, "again": ours, "fake": {"command": "/tmp/mpp", "args": ["serve", "--agent", "x"]}}})
    put(tmp_path / ".config/Code/User/mcp.json", {"servers": {"a": {"url": "https://a.example.com"}}})
    put(tmp_path / ".config/Code/User/profiles/x1/mcp.json", {"servers": {"b": {"command": "b"}}})
    put(tmp_path / ".codex/config.toml", '[mcp_servers.c]\ncommand = "c"\nenabled = false\n')
    put(tmp_path / "shop/.mcp.json", {"mcpServers": {"e": {"command": "e"}}})
    put(tmp_path / ".claude.json", {"projects": {str(tmp_path / "shop"): {"mcpServers": {"d": {"command": "d"}}}, "relative": {}, "/\0": {}}})
    put(tmp_path / "here/.vscode/mcp.json", {"servers": {"f": {"command": "f"}}})
    looked, found = look(at, tmp_path / "here")
    assert len({one.path for one in looked}) == len(looked) == 7, looked
    assert {(one.client, one.server.name, one.why) for one in found} == {
        ("cursor", "fake", "starts another MPP than this one, or with another home"),
        ("vscode", "a", "is called by the client itself"),
        ("vscode", "b", "is started by the client itself"),
        ("vscode", "f", "is started by the client itself"),
        ("codex", "c", "is started by the client itself, once it is switched on"),
        ("claude-code", "d", "is started by the client itself"),
        ("claude-code", "e", "is started by the client itself"),
    }


def test_what_cannot_be_read_is_told(at: Surroundings, tmp_path: Path) -> None:
    put(tmp_path / ".cursor/mcp.json", "{")
    put(tmp_path / ".claude.json", {"projects": []})
    looked, found = look(at)
    assert found == []
    assert {one.client.name: one.config for one in looked} == {"cursor": None, "claude-code": None}
    assert all(one.fault for one in looked)
    (tmp_path / ".cursor/mcp.json").unlink()
    (tmp_path / ".cursor/mcp.json").symlink_to("absent")
    assert [one.config for one in look(at)[0] if one.client.name == "cursor"] == [None]


def test_one_file_under_two_names_counts_once(at: Surroundings, tmp_path: Path) -> None:
    put(tmp_path / ".codex/config.toml", '[mcp_servers.c]\ncommand = "c"\n')
    again = Surroundings(environment={**at.environment, "CODEX_HOME": str(tmp_path / ".codex")}, platform="linux")
    assert len(look(again)[1]) == 1


def test_a_file_of_a_project_may_say_anything_of_projects(at: Surroundings, tmp_path: Path) -> None:
    put(tmp_path / "here/.mcp.json", {"projects": {}, "mcpServers": {}})
    assert len(look(at, tmp_path / "here")[0]) == 1
    assert read_file(find_client("cursor"), str(tmp_path / "absent/x"), ME).config is None
