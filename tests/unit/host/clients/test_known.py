"""Where each client keeps its file, on each system."""

from __future__ import annotations

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.clients.known import client_of_file, CLIENTS, find_client, NAMES, Surroundings, user_paths

HOME = "/home/ada"
LINUX = Surroundings(environment={"HOME": HOME}, platform="linux")
MAC = Surroundings(environment={"HOME": "/Users/ada"}, platform="darwin")

PLACES = [
    ("claude", LINUX, ["/home/ada/.config/Claude/claude_desktop_config.json"]),
    ("claude", MAC, ["/Users/ada/Library/Application Support/Claude/claude_desktop_config.json"]),
    (
        "claude",
        Surroundings(environment={"USERPROFILE": "/c/ada", "APPDATA": "/c/ada/Roaming"}, platform="win32"),
        ["/c/ada/Roaming/Claude/claude_desktop_config.json"],
    ),
    ("claude", Surroundings(environment={"USERPROFILE": "/c/ada"}, platform="win32"), ["/c/ada/AppData/Roaming/Claude/claude_desktop_config.json"]),
    ("claude-code", LINUX, ["/home/ada/.claude.json"]),
    ("claude-code", Surroundings(environment={"HOME": HOME, "CLAUDE_CONFIG_DIR": "/w"}, platform="linux"), ["/w/.claude.json", "/home/ada/.claude.json"]),
    ("vscode", LINUX, ["/home/ada/.config/Code/User/mcp.json", "/home/ada/.config/Code/User/profiles/*/mcp.json"]),
    ("zed", MAC, ["/Users/ada/.config/zed/settings.json"]),
    ("zed", Surroundings(environment={"HOME": HOME, "XDG_CONFIG_HOME": "/x"}, platform="linux"), ["/x/zed/settings.json"]),
    ("zed", Surroundings(environment={"HOME": HOME, "XDG_CONFIG_HOME": "relative"}, platform="linux"), ["/home/ada/.config/zed/settings.json"]),
    ("codex", Surroundings(environment={"HOME": HOME, "CODEX_HOME": "/c"}, platform="linux"), ["/c/config.toml", "/home/ada/.codex/config.toml"]),
    ("gemini", LINUX, ["/home/ada/.gemini/settings.json"]),
]


@pytest.mark.parametrize(("name", "at", "paths"), PLACES)
def test_places(name: str, at: Surroundings, paths: list[str]) -> None:
    assert list(user_paths(find_client(name), at)) == paths


def test_a_user_without_a_home() -> None:
    with pytest.raises(HostFailed, match="no home"):
        user_paths(find_client("cursor"), Surroundings(environment={"HOME": "relative"}, platform="linux"))


def test_every_client_has_a_place_on_every_system() -> None:
    for at in (LINUX, MAC):
        for one in CLIENTS:
            assert [path for path in user_paths(one, at) if "*" not in path], one.name
    assert len(set(NAMES)) == len(NAMES)


def test_an_unknown_client_is_named_with_what_was_meant() -> None:
    with pytest.raises(Refused) as fault:
        find_client("cursr")
    assert (fault.value.code, fault.value.hint) == ("usage.client", "did you mean 'cursor'?")
    with pytest.raises(Refused) as fault:
        find_client("nothing-like-it")
    assert "windsurf" in fault.value.hint


FILES = [
    ("/w/.mcp.json", "claude-code"),
    ("/w/.vscode/mcp.json", "vscode"),
    ("/w/.cursor/mcp.json", "cursor"),
    ("/elsewhere/Claude/claude_desktop_config.json", "claude"),
    ("/x/.codex/config.toml", "codex"),
    ("/x/.gemini/settings.json", "gemini"),
    ("/x/mcp.json", None),
    ("/x/settings.json", None),
]


@pytest.mark.parametrize(("path", "name"), FILES)
def test_a_file_says_whose_it_is(path: str, name: str | None) -> None:
    found = client_of_file(path)
    assert (found.name if found else None) == name
