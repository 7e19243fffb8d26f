"""protect: a plan, one yes, and the way back byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mpp.cli.clients import pinning
from mpp.cli.legacy.adding import look, Seen
from mpp.host.home import Home
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry
from mpp.host.secret_store import SecretStore
from mpp.testing import legacy_server
from tests.cli.client_world import claude, CLAUDE, cursor, SECRET, TOKEN, user
from tests.cli.conftest import Mpp, SECONDS_MAX
from tests.cli.terminal import Terminal

__all__ = ("claude", "cursor", "user")


@pytest.fixture(autouse=True)
def fast(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expressions of the filter are compiled once for all tests."""
    monkeypatch.setattr(Home, "cache", property(lambda _: str(compiled)))


def names(file: Path) -> list[str]:
    return list(json.loads(file.read_bytes())["mcpServers"])


def test_there_and_back(mpp: Mpp, claude: Path, home: Path) -> None:
    before = claude.read_bytes()
    done = mpp("protect", "claude", "--yes", "--no-start", "--allow-host", "git-hub=api.github.example.com")
    assert done.code == 0, done.err
    assert "Git Hub becomes git-hub: npx -y @example/github@1.0.0" in done.out
    assert "secrets: GITHUB_TOKEN\n      settings: LEVEL" in done.out
    assert "may reach: api.github.example.com:443, registry.example.com:443" in done.out
    assert "worded becomes worded: worded --api-key ${ARG_2}\n      secrets: ARG_2" in done.out
    assert "asked stays: ${input:key} is filled in by the client" in done.out
    assert "Moved 3 servers." in done.out
    assert names(claude) == ["asked", "mpp"]
    assert set(LegacyStore(str(home)).load()) == {"git-hub", "web", "worded"}
    at = Home(path=str(home))
    stored = SecretStore(at.secrets, at.seal).load()
    assert [stored[f"legacy-{one}"].value for one in ("git-hub-GITHUB_TOKEN", "web-Authorization", "worded-ARG_2")] == [TOKEN, "Bearer " + SECRET, SECRET]
    undone = mpp("protect", "claude", "--undo", "--yes")
    assert undone.code == 0, undone.err
    assert "Put 3 servers of Claude Desktop back" in undone.out
    assert claude.read_bytes() == before
    assert set(LegacyStore(str(home)).load()) == set(SecretStore(at.secrets, at.seal).load()) == set()


def test_the_record_says_who_did_it(mpp: Mpp, claude: Path) -> None:
    mpp("protect", "claude", "--yes", "--no-start")
    mpp("protect", "claude", "--undo", "--yes")
    shown = mpp("audit", "tail", "--json").out
    assert '"unprotect"' in shown
    assert '"protect"' in shown
    assert SECRET not in shown


def test_a_plan_changes_nothing_and_says_no_secret(mpp: Mpp, claude: Path, home: Path) -> None:
    before = claude.read_bytes()
    told = mpp("protect", "claude", "--dry-run", "--json")
    (file,) = told.json["files"]
    assert told.json["changed"] == 0
    assert [(one["server"], one["name"], one["kind"]) for one in file["moves"]] == [
        ("Git Hub", "git-hub", "stdio"),
        ("web", "web", "http"),
        ("worded", "worded", "stdio"),
    ]
    assert file["moves"][0]["values"][0] == {"key": "GITHUB_TOKEN", "stored_as": "legacy-git-hub-GITHUB_TOKEN", "secret": True}
    assert [one["server"] for one in file["left"]] == ["asked"]
    shown = mpp("protect", "--dry-run")
    assert SECRET not in told.out + shown.out + shown.err
    assert TOKEN not in told.out + shown.out + shown.err
    assert claude.read_bytes() == before
    assert not (home / "clients").exists()


def test_a_server_that_is_left_out_stays_and_bypasses(mpp: Mpp, claude: Path, home: Path) -> None:
    done = mpp("protect", "claude", "--yes", "--no-start", "--skip", "web", "--skip", "worded")
    assert done.code == 0, done.err
    assert "web stays: you leave it out; it bypasses MPP" in done.out
    assert names(claude) == ["web", "worded", "asked", "mpp"]
    assert set(LegacyStore(str(home)).load()) == {"git-hub"}
    checked = mpp("protect", "claude", "--check", "--json")
    assert checked.code == 1
    before = claude.read_bytes()
    wrong = mpp("protect", "claude", "--yes", "--skip", "webb")
    assert (wrong.code, "no server is called 'webb'" in wrong.err, claude.read_bytes()) == (2, True, before)


def test_without_a_yes_nothing_is_done(mpp: Mpp, claude: Path, home: Path) -> None:
    before = claude.read_bytes()
    done = mpp("protect", "claude")
    assert (done.code, claude.read_bytes()) == (22, before)
    assert not (home / "legacy").exists()
    mpp("protect", "claude", "--yes", "--no-start")
    written = claude.read_bytes()
    done = mpp("protect", "claude", "--undo")
    assert (done.code, claude.read_bytes()) == (22, written)


def test_a_person_at_the_terminal(terminal: Callable[..., Terminal], claude: Path, compiled: Path, home: Path) -> None:
    shutil.copytree(compiled, home / "cache")
    home.chmod(0o700)
    with terminal("protect", "claude", "--no-start") as screen:
        screen.wait_for("Type yes to allow it")
        screen.type("yes\n")
        screen.wait_for("Moved 3 servers")
        assert screen.end() == 0
    assert names(claude) == ["asked", "mpp"]


def test_all_clients_at_once(mpp: Mpp, claude: Path, cursor: Path) -> None:
    cursor.write_text(json.dumps({"mcpServers": {"again": CLAUDE["mcpServers"]["web"], "own": {"command": "own"}}}))  # type: ignore[index]
    done = mpp("protect", "--yes", "--no-start", "--json").json
    assert (done["changed"], [one["client"] for one in done["files"]]) == (2, ["claude", "cursor"])
    assert [(one["name"], one["known"]) for one in done["files"][1]["moves"]] == [("web", True), ("own", False)]
    assert names(cursor) == ["mpp"]
    undone = mpp("protect", "--undo", "--yes", "--json").json["undone"]
    assert [one["client"] for one in undone] == ["claude", "cursor"]
    assert names(cursor) == ["again", "own"]
    none = mpp("protect", "--undo", "--yes")
    assert (none.code, "host.client_missing" in none.err) == (1, True)


def test_a_file_that_changed(mpp: Mpp, claude: Path) -> None:
    mpp("protect", "claude", "--yes", "--no-start")
    claude.write_bytes(claude.read_bytes().replace(b"dark", b"light"))
    done = mpp("protect", "claude", "--undo", "--yes")
    assert done.code == 1
    assert "the file was changed since: 1 lines differ" in done.err
    assert mpp("protect", "claude", "--undo", "--yes", "--force").code == 0
    assert set(names(claude)) == set(CLAUDE["mcpServers"])  # type: ignore[call-overload]
    assert b"light" in claude.read_bytes()


def test_secrets_that_somebody_changed_stay_and_are_named(mpp: Mpp, claude: Path) -> None:
    mpp("protect", "claude", "--yes", "--no-start")
    Path("value").write_text("another")
    assert mpp("secret", "set", "legacy-git-hub-GITHUB_TOKEN", "--file", "value").code == 0
    done = mpp("protect", "claude", "--undo", "--yes")
    assert "The secret legacy-git-hub-GITHUB_TOKEN was stored anew since, and stays." in done.err


def test_two_changes(mpp: Mpp, claude: Path) -> None:
    mpp("protect", "claude", "--yes", "--no-start")
    found = json.loads(claude.read_bytes())
    found["mcpServers"]["late"] = {"command": "late"}
    claude.write_text(json.dumps(found))
    mpp("protect", "claude", "--yes", "--no-start")
    assert "1 earlier changes of this file still hold" in mpp("protect", "claude", "--undo", "--yes").err
    assert "late" in names(claude)


def test_a_file_of_a_project(mpp: Mpp, user: Path) -> None:
    Path(".mcp.json").write_text('{"mcpServers": {"a": {"command": "a"}}}')
    assert mpp("protect", "--check", "--json").json["bypassing"][0]["server"] == "a"
    assert mpp("protect", "--config", ".mcp.json", "--yes", "--no-start").code == 0
    assert names(Path(".mcp.json")) == ["mpp"]
    assert mpp("protect", "--check").code == 0
    assert mpp("protect", "--check", "--config", ".mcp.json").code == 0
    assert mpp("protect", "--config", ".mcp.json", "--undo", "--yes").code == 0


def test_servers_of_projects_are_there_everywhere_and_the_plan_says_so(mpp: Mpp, user: Path) -> None:
    (user / ".claude.json").write_text(json.dumps({"projects": {"/shop": {"mcpServers": {"db": {"command": "db"}}, "disabledMcpServers": ["db"]}}}))
    done = mpp("protect", "claude-code", "--dry-run")
    assert "only in: /shop, from now on everywhere" in done.out
    assert "switched off: yes, but served by MPP" in done.out


def test_check(mpp: Mpp, claude: Path, cursor: Path) -> None:
    done = mpp("protect", "--check")
    assert done.code == 1
    assert "Git Hub  is started by the client itself" in done.out
    told = mpp("protect", "--check", "--json")
    assert (told.code, told.json["ok"]) == (1, False)
    assert [one["server"] for one in told.json["bypassing"]] == ["Git Hub", "web", "worded", "asked"]
    assert SECRET not in told.out + done.out
    claude.write_text("{}")
    assert mpp("protect", "--check").out == "No server bypasses MPP; 1 files of clients were read.\n"
    assert mpp("protect", "--check", "claude").code == 0
    mpp("connect", "claude")
    assert mpp("protect", "--check", "--json").code == 0
    cursor.write_text("{")
    unread = mpp("protect", "--check")
    assert (unread.code, "cannot be read" in unread.out) == (1, True)
    assert mpp("protect", "--check", "--json").json["files"][1]["readable"] is False


def test_nothing_to_do(mpp: Mpp, user: Path, cursor: Path) -> None:
    assert "There is no file" in mpp("protect", "--yes", "--no-start").out
    cursor.write_text('{"mcpServers": {}}')
    assert "There is nothing to move." in mpp("protect", "cursor", "--yes", "--no-start").out
    assert cursor.read_text() == '{"mcpServers": {}}'


WRONG = [
    ("claude", "--check", "--undo"),
    ("claude", "--force"),
    ("claude", "--allow-host", "api.example.com"),
    ("nobody",),
    ("claude", "--undo", "--dry-run"),
]


@pytest.mark.parametrize("words", WRONG)
def test_wrong_calls(mpp: Mpp, claude: Path, words: tuple[str, ...]) -> None:
    assert mpp("protect", *words).code == 2


def test_what_is_kept_is_for_its_owner_alone(mpp: Mpp, claude: Path, home: Path) -> None:
    mpp("connect", "claude")
    mpp("protect", "claude", "--yes", "--no-start")
    holding = [path for path in [*home.rglob("*"), *claude.parent.iterdir()] if path.is_file() and SECRET.encode() in path.read_bytes()]
    # The bytes of the file as it was, and the copy that connect made of it.
    assert len(holding) == 2
    assert claude not in holding
    assert all(stat.S_IMODE(os.stat(path).st_mode) == 0o600 for path in holding)
    assert [one.name for one in claude.parent.iterdir()] == [claude.name]


def modes(cursor: Path, *names: str) -> None:
    """Servers of this machine, each with its way."""
    servers = {name: {"command": sys.executable, "args": ["-S", os.path.realpath(legacy_server.__file__), name]} for name in names}
    cursor.write_text(json.dumps({"mcpServers": servers}))


def test_tools_are_pinned_before_an_agent_sees_them(mpp: Mpp, user: Path, cursor: Path, home: Path) -> None:
    modes(cursor, "plain", "crash")
    done = mpp("protect", "cursor", "--yes", "--json").json
    plain, crash = done["files"][0]["started"]
    assert (plain["started"], plain["tools"], crash["started"]) == (True, 8, False)
    found = LegacyStore(str(home)).load()
    assert len(found["plain"].pins or ()) == 8
    assert found["crash"].pins is None
    assert names(cursor) == ["mpp"]
    mpp("protect", "cursor", "--undo", "--yes")
    shown = mpp("protect", "cursor", "--yes")
    assert "plain: 8 tools, pinned as they are described now" in shown.out
    assert "crash did not start" in shown.err


def test_what_a_person_should_look_at_is_not_pinned(mpp: Mpp, user: Path, cursor: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes(cursor, "plain")

    def remarked(entry: Entry) -> Seen:
        seen = look(entry)
        return replace(seen, judged=replace(seen.judged, remarks=("echo: an instruction",)))

    monkeypatch.setattr(pinning, "look", remarked)
    shown = mpp("protect", "cursor", "--yes")
    assert "plain: 0 tools" in shown.out
    assert "warning: echo: an instruction" in shown.err
    assert "mpp legacy approve plain" in shown.err
    entry = LegacyStore(str(home)).load()["plain"]
    assert (entry.pins, len(entry.held)) == ((), 8)


SPOKEN = (
    {"method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
    {"method": "tools/list"},
    {"method": "tools/call", "params": {"name": "plain__echo", "arguments": {"text": "here"}}},
)


def test_the_client_finds_its_tools_behind_the_entry(mpp: Mpp, user: Path, cursor: Path, home: Path, compiled: Path) -> None:
    """The command of the entry is started as the client would, and spoken with as the client would."""
    modes(cursor, "plain")
    assert mpp("protect", "cursor", "--yes").code == 0
    shutil.copytree(compiled, home / "cache")
    entry = json.loads(cursor.read_bytes())["mcpServers"]["mpp"]
    lines = [{"jsonrpc": "2.0", "id": number, **one} for number, one in enumerate(SPOKEN)]
    lines.insert(1, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    process = subprocess.Popen([entry["command"], *entry["args"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **entry["env"]}, text=True)
    # A host that hangs must not hold the tests.
    watch = threading.Timer(SECONDS_MAX, process.kill)
    watch.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        answers: dict[int, dict[str, Any]] = {}
        for line in lines:
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            while "id" in line and line["id"] not in answers:
                said = json.loads(process.stdout.readline())
                answers[said.get("id", -1)] = said
        assert "plain__echo" in [one["name"] for one in answers[1]["result"]["tools"]]
        # Nobody verified it, so a person is asked; nothing ran yet.
        assert "approval required" in answers[2]["result"]["content"][0]["text"]
    finally:
        watch.cancel()
        process.kill()
        process.communicate()
