"""import: servers of clients, bundles and registry documents, shown and added."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from mpp.host.home import Home
from mpp.host.legacy.store import LegacyStore
from tests.cli.client_world import claude, cursor, SECRET, TOKEN, user
from tests.cli.conftest import Mpp

__all__ = ("claude", "cursor", "user")


@pytest.fixture(autouse=True)
def fast(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Home, "cache", property(lambda _: str(compiled)))


def put(path: str, document: object) -> str:
    Path(path).write_text(json.dumps(document))
    return path


REGISTRY = {
    "name": "io.github.ada/weather",
    "packages": [
        {"registryType": "npm", "identifier": "@ada/weather", "version": "1.0.2", "transport": {"type": "stdio"}},
        {"registryType": "pypi", "identifier": "weather", "environmentVariables": [{"name": "API_KEY", "isRequired": True}]},
    ],
}


def test_a_client_is_shown_with_the_commands_and_added_with_a_yes(mpp: Mpp, claude: Path, home: Path) -> None:
    before = claude.read_bytes()
    shown = mpp("import", "claude")
    assert "mpp legacy add git-hub --allow-host registry.example.com:443 --env GITHUB_TOKEN --env LEVEL -- npx -y @example/github@1.0.0" in shown.out
    assert "--header Authorization --secret legacy-web-Authorization https://web.example.com/mcp" in shown.out
    assert "asked is left out" in shown.out
    assert not (home / "legacy").exists()
    added = mpp("import", "claude", "--yes")
    assert "Added 3 servers." in added.out
    assert set(LegacyStore(str(home)).load()) == {"git-hub", "web", "worded"}
    assert claude.read_bytes() == before
    again = mpp("import", "claude", "--yes", "--json").json
    assert (again["added"], [one["known"] for one in again["servers"]]) == (0, [True, True, True])
    for text in (shown.out, shown.err, added.out, added.err):
        assert SECRET not in text
        assert TOKEN not in text


def test_a_registry_document(mpp: Mpp, user: Path, home: Path) -> None:
    path = put("server.json", REGISTRY)
    done = mpp("import", path, "--yes", "--allow-host", "weather=api.example.com")
    assert done.code == 0
    assert "weather is left out: it needs a value for API_KEY" in done.out
    found = LegacyStore(str(home)).load()["weather"].server
    assert found.command == ("npx", "-y", "@ada/weather@1.0.2")
    assert [one.host for one in found.hosts] == ["api.example.com", "registry.example.com"]


def test_a_bundle(mpp: Mpp, user: Path, home: Path, tmp_path: Path) -> None:
    manifest = {"name": "notes", "server": {"mcp_config": {"command": "node", "args": ["${__dirname}/index.js"]}}}
    with zipfile.ZipFile("notes.mcpb", "w") as file:
        file.writestr("manifest.json", json.dumps(manifest))
    assert "unpack it, then give --folder DIR" in mpp("import", "notes.mcpb", "--yes").out
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/index.js").write_text("")
    assert mpp("import", "notes.mcpb", "--folder", tmp_path / "notes", "--yes").code == 0
    assert LegacyStore(str(home)).load()["notes"].server.read == (str(tmp_path / "notes/index.js"),)


FILES = [
    ("some.json", {"mcpServers": {"a": {"command": "a"}}}),
    ("some.json", {"servers": {"a": {"command": "a"}}}),
    ("some.json", {"context_servers": {"a": {"command": "a"}}}),
    (".mcp.json", {"mcpServers": {"a": {"command": "a"}}}),
    ("some.json", {"projects": {"/x": {"mcpServers": {"b": {"command": "b"}}}}, "mcpServers": {"a": {"command": "a"}}}),
]


@pytest.mark.parametrize(("name", "document"), FILES)
def test_a_file_says_by_what_is_in_it_whose_it_is(mpp: Mpp, user: Path, name: str, document: object) -> None:
    assert mpp("import", put(name, document), "--json").json["servers"][0]["name"] == "a"


def test_toml(mpp: Mpp, user: Path) -> None:
    Path("c.toml").write_text('[mcp_servers.a]\ncommand = "a"\n')
    assert mpp("import", "c.toml", "--json").json["servers"][0]["starts"] == "a"


def test_a_command_that_is_printed_hides_its_secrets(mpp: Mpp, user: Path) -> None:
    done = mpp("import", put("some.json", {"mcpServers": {"a": {"command": "a", "args": ["--token", SECRET]}}}))
    assert "mpp legacy add a --env ARG_2 -- a --token '${ARG_2}'" in done.out
    assert SECRET not in done.out


WRONG = [("absent.json", None, 2), ("some.json", {"x": 1}, 1), ("some.json", [], 1), ("notes.mcpb", {}, 1), ("zed", None, 1)]


@pytest.mark.parametrize(("name", "document", "code"), WRONG)
def test_what_cannot_be_imported(mpp: Mpp, user: Path, name: str, document: object, code: int) -> None:
    if document is not None:
        put(name, document)
    assert mpp("import", name).code == code
