"""protect with a configuration as people have it: a runner, tokens, a container, headers, a folder, keys in words and addresses; there and back."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mpp.host.home import Home
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.values import values_of
from mpp.host.secret_store import SecretStore
from mpp.testing import legacy_server
from tests.cli.client_world import TOKEN, user
from tests.cli.conftest import Mpp

__all__ = ("user",)

KEYS = {name: f"made-up-{name}-" + "5c41" * 4 for name in ("grafana", "sentry", "linear", "notes", "search", "pages")}
TEAM = "team-" + "made-up-77"


@pytest.fixture(autouse=True)
def fast(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Home, "cache", property(lambda _: str(compiled)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "ada/notes"
    found.mkdir(parents=True)
    shutil.copy(legacy_server.__file__, found / "server.py")
    return found


def entries(folder: Path) -> dict[str, Any]:
    return {
        "filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", str(folder), str(folder.parent / "not-there-yet")]},
        "github": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"], "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": TOKEN}},
        "grafana": {
            "command": "docker",
            "args": ["run", "-i", "--rm", "-e", "GRAFANA_URL", "-e", "API_KEY", "-e", f"SENTRY_TOKEN={KEYS['sentry']}", "mcp/grafana", "-t", "stdio"],
            "env": {"GRAFANA_URL": "http://localhost:3000", "API_KEY": KEYS["grafana"]},
        },
        "linear": {"type": "http", "url": "https://mcp.example.com/mcp", "headers": {"Authorization": f"Bearer {KEYS['linear']}", "X-Team": TEAM}},
        "notes": {"command": sys.executable, "args": ["-S", "server.py", "plain", ""], "cwd": str(folder), "env": {"API_KEY": KEYS["notes"]}},
        "search": {"command": "uvx", "args": ["search-server==1.2.0", f"--api-key={KEYS['search']}", "--level", "2"]},
        "pages": {"url": f"https://pages.example.com/mcp?profile=ada&api_key={KEYS['pages']}"},
    }


@pytest.fixture
def claude(user: Path, folder: Path) -> Path:
    """As a person left it: tabs, line ends of another system, and settings around the servers."""
    path = user / ".config/Claude/claude_desktop_config.json"
    text = json.dumps({"globalShortcut": "Ctrl+Space", "mcpServers": entries(folder), "preferences": {"theme": "dark"}}, indent="\t")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    return path


def clear(text: str) -> list[str]:
    """The secrets that stand in it."""
    return [one for one in (*KEYS.values(), TOKEN, TEAM) if one in text]


def test_all_of_it_moves_and_comes_back(mpp: Mpp, claude: Path, folder: Path, home: Path) -> None:
    before = claude.read_bytes()
    planned = mpp("protect", "claude", "--dry-run")
    done = mpp("protect", "claude", "--yes", "--no-start", "--json")
    assert done.code == 0, done.err
    (file,) = done.json["files"]
    assert (len(file["moves"]), file["left"]) == (7, [])
    assert list(json.loads(claude.read_bytes())["mcpServers"]) == ["mpp"]

    listed = mpp("legacy", "list", "--json")
    found = {one["name"]: one for one in listed.json["servers"]}
    assert found["filesystem"]["read"] == [str(folder)]
    assert found["github"]["env"] == ["GITHUB_PERSONAL_ACCESS_TOKEN"]
    assert found["grafana"]["command"][4:9] == ["-e", "GRAFANA_URL", "-e", "API_KEY", "-e"]
    assert found["grafana"]["command"][9] == "SENTRY_TOKEN=${ARG_9}"
    assert found["linear"]["headers"] == [{"name": one, "secret": f"legacy-linear-{one}"} for one in ("Authorization", "X-Team")]
    assert (found["notes"]["folder"], found["notes"]["read"]) == (str(folder), [str(folder)])
    assert found["search"]["command"][2:] == ["--api-key=${ARG_2}", "--level", "2"]
    assert found["pages"]["url"] == "https://pages.example.com/${URL}"

    at = Home(path=str(home))
    secrets = SecretStore(at.secrets, at.seal)
    servers = {name: one.server for name, one in LegacyStore(str(home)).load().items()}
    assert [values_of(servers[one], secrets, {})["API_KEY"] for one in ("grafana", "notes")] == [KEYS["grafana"], KEYS["notes"]]

    shown = mpp("legacy", "show", "grafana").out + mpp("legacy", "show", "pages").out + mpp("secret", "list").out + mpp("audit", "tail", "--json").out
    for text in (planned.out, planned.err, done.out, done.err, listed.out, shown, claude.read_text(), Path(home, "legacy/servers.json").read_text()):
        assert clear(text) == []
    kept = {path.name for path in home.rglob("*") if path.is_file() and clear(path.read_bytes().decode("utf-8", "replace"))}
    assert kept == {"original"}, "only what undoing needs holds them in the clear"

    undone = mpp("protect", "claude", "--undo", "--yes")
    assert (undone.code, undone.err) == (0, "")
    assert claude.read_bytes() == before
    assert (dict(LegacyStore(str(home)).load()), dict(secrets.load())) == ({}, {})


def test_the_plan_says_what_each_is_given(mpp: Mpp, claude: Path, folder: Path) -> None:
    said = mpp("protect", "claude", "--dry-run").out
    for words in (
        f"may read: {folder}",
        f"starts in: {folder}",
        "search-server==1.2.0 --api-key=${ARG_2} --level 2",
        "secrets: Authorization, X-Team",
        "secrets: API_KEY, ARG_9\n      settings: GRAFANA_URL",
        "caution: docker works through a socket that no sandbox shows",
    ):
        assert words in said, words


def test_one_that_has_a_folder_of_its_own_starts_there(mpp: Mpp, claude: Path, folder: Path) -> None:
    assert mpp("protect", "claude", "--yes", "--no-start").code == 0
    tested = mpp("legacy", "test", "notes")
    assert tested.code == 0, tested.err
    assert "8 tools" in tested.out
    folder.rename(folder.parent / "elsewhere")
    gone = mpp("legacy", "test", "notes")
    assert (gone.code, "not there any more" in gone.err) == (2, True)
