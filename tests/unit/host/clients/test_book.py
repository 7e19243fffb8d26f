"""Servers of a client in the book of older servers: what fits, and what it may do there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.host.clients.book import caution, Book, Given
from mpp.host.clients.config import Config
from mpp.host.clients.known import find_client
from mpp.host.clients.planning import make_plan, Plan
from mpp.host.clients.protection import register
from mpp.host.home import Home
from mpp.host.legacy.limits import SERVERS_MAX
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry, Header, Server
from mpp.host.legacy.values import filled_address, values_of
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import SecretStore
from mpp.model.jsontext import Json
from tests.unit.host.clients.world import LAUNCHER

SECRET = "made-" + "up-word"


class World:
    def __init__(self, path: Path) -> None:
        at = Home(path=str(path / "home"))
        self.store = LegacyStore(at.path)
        self.secrets = SecretStore(at.secrets, at.seal)
        self.at, self.here = at, str(path)

    def book(self, **given: Given) -> Book:
        found = Book(
            self.store,
            self.secrets,
            self.at.path,
            here=self.here,
            given=given,
            now=1_790_000_000,
            registries=lambda runner: ("registry.example.com:443",) if runner == "npx" else (),
        )
        found.agreed("ada", "tty")
        return found

    def plan(self, servers: dict[str, Json], **given: Given) -> Plan:
        config = Config(find_client("cursor"), json.dumps({"mcpServers": servers}).encode(), "f")
        return make_plan(config, LAUNCHER, self.book(**given), lambda _: ())

    def put(self, servers: dict[str, Json], **given: Given) -> dict[str, Server]:
        register(self.plan(servers, **given).moves, self.book(**given), self.secrets, 1_790_000_000)
        return {name: entry.server for name, entry in self.store.load().items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "data").mkdir()
    (tmp_path / "run.py").write_text("")
    return World(tmp_path)


def test_what_a_server_may_do_is_what_its_words_say_and_a_person_adds(world: World, tmp_path: Path) -> None:
    found = world.put(
        {"files": {"command": "npx", "args": ["-y", "files@1.0.0", str(tmp_path / "data")], "env": {"A_KEY": SECRET, "LEVEL": "1"}}},
        files=Given(write=(str(tmp_path / "data"),), hosts=("api.example.com", "registry.example.com")),
    )["files"]
    assert (found.read, found.write) == ((), (str(tmp_path / "data"),))
    assert world.put({"reader": {"command": "reader", "args": [str(tmp_path / "data"), str(tmp_path / "run.py")]}})["reader"].read == (
        str(tmp_path / "run.py"),
        str(tmp_path / "data"),
    )
    assert [one.shown for one in found.hosts] == ["api.example.com:443", "registry.example.com:443"]
    assert (found.env, found.kind, found.pinned_code, found.sandboxed) == (("A_KEY", "LEVEL"), "stdio", True, True)
    assert (found.by, found.amr, found.added) == ("ada", "tty", 1_790_000_000)


def test_an_address_with_its_header(world: World) -> None:
    found = world.put({"web": {"url": "https://web.example.com/mcp", "headers": {"X-Key": SECRET}}})["web"]
    assert (found.kind, found.url, found.headers) == ("http", "https://web.example.com/mcp", (Header(name="X-Key", secret="legacy-web-X-Key"),))
    assert SECRET not in Path(world.store.path).read_text()


STAYS: list[tuple[Json, str]] = [
    ({"url": f"https://ada:{SECRET}@x.example.com/"}, "before the path of its address"),
    ({"url": f"https://ada:{SECRET}@x.example.com/mcp"}, "before the path of its address"),
    ({"url": "https://ada@x.example.com/mcp"}, "a name or a password in it"),
    ({"command": "x", "cwd": "srv"}, "only the client knows"),
    ({"command": "x", "cwd": "/surely/not/there"}, "is not there"),
    ({"command": "x", "cwd": "/"}, "whole home"),
    ({"command": "x", "cwd": __file__}, "is no folder"),
    ({"command": "x", "args": [f"--key-{index}={SECRET}" for index in range(40)]}, "variables"),
    ({"command": "./x"}, "only the client knows"),
    ({"url": "http://web.example.com/mcp"}, "plain http"),
    ({"url": "https://x.example.com", "headers": {"A": "1", "a": "2"}}, "each once"),
    ({"url": "https://x.example.com", "headers": {"Accept": "1"}}, "MPP sends itself"),
    ({"url": "https://x.example.com", "env": {"A": "1"}}, "variables over the network"),
    ({"command": "x", "env": {f"V{index}": "1" for index in range(60)}}, "variables"),
    ({"command": "x", "env": {"LD_PRELOAD": "/tmp/x.so"}}, "never given"),
    ({"command": "x", "args": ["a"] * 65}, "words"),
    ({"command": "x", "args": ["/"]}, "whole home"),
]


@pytest.mark.parametrize(("item", "why"), STAYS)
def test_what_does_not_fit_stays_and_says_why(world: World, item: Json, why: str) -> None:
    found = world.plan({"x": item})
    assert found.moves == ()
    assert why in found.left[0].why
    assert SECRET not in found.left[0].why
    assert not found.changes


def test_words_that_stand_twice_or_are_empty_are_kept_and_unsound_ones_are_not_taken(world: World) -> None:
    """What the book takes, it can read: or all other servers were lost with it."""
    for name, args in (("x", ["-e", "A", "-e", "B"]), ("y", ["", ""])):
        assert world.put({name: {"command": "x", "args": args}})[name].command == ("x", *args)
        LegacyStore(world.at.path).load()
    assert "cannot be kept" in world.plan({"z": {"command": "x", "args": ["\x1b[2J"]}}).left[0].why


def test_another_value_under_the_name_of_a_variable(world: World) -> None:
    server: Json = {"command": "x", "env": {"A_KEY": SECRET}}
    world.secrets.put(make_entry("A_KEY", "other", created=1), replace=False)
    assert world.put({"x": server})["x"].env == ("A_KEY",)
    assert world.secrets.load()["A_KEY"].value == "other"
    world.secrets.put(make_entry("legacy-y-A_KEY", "other", created=1), replace=False)
    found = world.plan({"y": {"command": "y", "env": {"A_KEY": SECRET}}})
    assert "another value is stored under legacy-y-A_KEY" in found.left[0].why


def test_a_server_that_is_there_already_is_found(world: World) -> None:
    servers: dict[str, Json] = {"x": {"command": "x", "env": {"A_KEY": SECRET}}}
    world.put(servers)
    found = world.plan({"y": servers["x"]})
    assert [(one.name, one.is_known) for one in found.moves] == [("x", True)]
    changed = world.plan({"y": {"command": "x", "env": {"A_KEY": "another"}}})
    assert [(one.name, one.is_known) for one in changed.moves] == [("y", False)]
    assert [(one.name, one.is_known) for one in world.plan({"x": {"command": "z"}}).moves] == [("x-2", False)]


def test_two_servers_with_two_values_of_one_variable(world: World) -> None:
    found = world.put({"x": {"command": "x", "env": {"API_KEY": SECRET}}, "y": {"command": "y", "env": {"API_KEY": "another"}}})
    assert [found[one].env for one in ("x", "y")] == [("API_KEY",), ("API_KEY",)]
    assert [values_of(found[one], world.secrets, {})["API_KEY"] for one in ("x", "y")] == [SECRET, "another"]


KNOWN: list[tuple[dict[str, Json], bool]] = [
    ({"command": "x", "args": ["--token", SECRET]}, True),
    ({"command": "x", "args": ["--token", "another"]}, False),
    ({"url": "https://x.example.com/?token=" + SECRET, "headers": {"A": "1", "B": "2"}}, True),
    ({"url": "https://x.example.com/?token=" + SECRET, "headers": {"A": "1", "B": "3"}}, False),
    ({"url": "https://x.example.com/?token=another", "headers": {"A": "1", "B": "2"}}, False),
    ({"command": "x", "cwd": "/usr"}, True),
    ({"command": "x", "cwd": "/usr/bin"}, False),
    ({"command": "by-hand", "env": {"K": SECRET}}, True),
]


@pytest.mark.parametrize(("item", "known"), KNOWN)
def test_what_is_known_is_the_same_in_each_value(world: World, item: dict[str, Json], known: bool) -> None:
    world.put(
        {
            "a": {"command": "x", "args": ["--token", SECRET]},
            "b": {"url": "https://x.example.com/?token=" + SECRET, "headers": {"A": "1", "B": "2"}},
            "c": {"command": "x", "cwd": "/usr"},
        }
    )
    # As somebody adds it by hand, with a value that all servers may have.
    world.store.put(Entry(server=Server(name="d", kind="stdio", command=("by-hand",), env=("K",))))
    world.secrets.put(make_entry("K", SECRET, created=1), replace=False)
    assert [one.is_known for one in world.plan({"other": item}).moves] == [known]


def test_the_book_has_marks_in_the_place_of_secrets(world: World) -> None:
    found = world.put({"x": {"command": "x", "args": ["--token", SECRET]}, "y": {"url": "https://y.example.com/mcp?key=" + SECRET}})
    assert (found["x"].command, found["x"].env) == (("x", "--token", "${ARG_2}"), ("ARG_2",))
    assert (found["y"].url, found["y"].env) == ("https://y.example.com/${URL}", ("URL",))
    assert SECRET not in Path(world.store.path).read_text()
    assert filled_address(found["y"].url, values_of(found["y"], world.secrets, {})) == "https://y.example.com/mcp?key=" + SECRET


def test_a_program_that_looks_like_a_secret_stays(world: World) -> None:
    config = Config(find_client("cursor"), json.dumps({"mcpServers": {"x": {"command": SECRET}}}).encode(), "f")
    found = make_plan(config, LAUNCHER, world.book(), lambda message: ["/0"] if message == [SECRET] else [])
    assert [one.why for one in found.left] == ["its program looks like a secret"]


def test_a_folder_of_its_own(world: World, tmp_path: Path) -> None:
    (tmp_path / "data/bin").mkdir()
    found = world.put({"x": {"command": "./bin/x", "args": ["../run.py", "."], "cwd": str(tmp_path / "data")}})["x"]
    assert (found.folder, found.read) == (str(tmp_path / "data"), (str(tmp_path / "data"), str(tmp_path / "run.py")))
    assert found.command == (str(tmp_path / "data/bin/x"), str(tmp_path / "run.py"), str(tmp_path / "data"))
    servers: Json = {"a": {"command": "a", "cwd": "data"}}
    config = Config(find_client("claude-code"), json.dumps({"projects": {str(tmp_path): {"mcpServers": servers}}}).encode(), "/u/.claude.json")
    assert world.book().entry(make_plan(config, LAUNCHER, world.book(), lambda _: ()).moves[0]).folder == str(tmp_path / "data")


def test_a_full_book(world: World) -> None:
    rows = {f"s{index}": Entry(server=Server(name=f"s{index}", kind="stdio", command=("x",))) for index in range(SERVERS_MAX)}
    world.store.change(lambda _: rows)
    assert "servers already" in world.plan({"x": {"command": "new"}}).left[0].why
    world.book().remove("absent")
    assert len(world.store.load()) == SERVERS_MAX


def test_paths_of_a_project_are_written_whole_and_those_of_nobody_are_not(world: World, tmp_path: Path) -> None:
    servers: Json = {"a": {"command": "./bin/a", "args": ["run.py", "absent.py", "--x=run.py", "data"]}}
    config = Config(find_client("claude-code"), json.dumps({"projects": {str(tmp_path): {"mcpServers": servers}}}).encode(), "/u/.claude.json")
    plan = make_plan(config, LAUNCHER, world.book(), lambda _: ())
    found = world.book().entry(plan.moves[0])
    assert found.command == (f"{tmp_path}/bin/a", f"{tmp_path}/run.py", "absent.py", "--x=run.py", "data")
    assert found.read == (f"{tmp_path}/run.py",)
    project = Config(find_client("claude-code"), json.dumps({"mcpServers": servers}).encode(), f"{tmp_path}/.mcp.json")
    assert project.servers()[0].base == str(tmp_path)
    assert Config(find_client("cursor"), json.dumps({"mcpServers": servers}).encode(), "/u/mcp.json").servers()[0].base == ""
    assert world.put({"b": {"command": "python", "args": ["run.py"]}})["b"].read == ()


def test_a_runner_whose_registry_nobody_names_is_told_of(world: World) -> None:
    server = world.put({"tool": {"command": "uvx", "args": ["tool@1.0.0"]}})["tool"]
    assert server.hosts == ()
    assert "--allow-host" in caution(server)
    assert caution(world.put({"plain": {"command": "plain"}})["plain"]) == ""
