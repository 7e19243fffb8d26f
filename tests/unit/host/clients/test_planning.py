"""Plans: names, what stays and why, and what is the same server twice."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.host.clients.config import Config
from mpp.host.clients.known import find_client
from mpp.host.clients.limits import PROJECTS_MAX, SERVERS_MAX
from mpp.host.clients.planning import make_plan, NAME_CHARS_MAX, Plan, words_of
from mpp.host.clients.servers import read_server
from mpp.host.secret_entry import SECRET_BYTES_MAX
from mpp.model.jsontext import Json
from tests.unit.host.clients.world import LAUNCHER, MemoryBook

SECRET = "made-" + "up-word"


def plan(servers: dict[str, Json], *taken: str, ours: tuple[str, ...] = ()) -> Plan:
    config = Config(find_client("cursor"), json.dumps({"mcpServers": servers}).encode(), "f")
    return make_plan(config, LAUNCHER, MemoryBook(*taken), lambda _: (), ours=ours)


NAMES = [
    ("github", "github"),
    ("Git Hub", "git-hub"),
    ("--x__y--", "x-y"),
    ("7zip", "server-7zip"),
    ("../../etc/passwd", "etc-passwd"),
    ("\x1b[31mred", "server-31mred"),
    ("ファイル", "server"),
    ("a" * 100, "a" * NAME_CHARS_MAX),
    ("com1", "com1"),
]


@pytest.mark.parametrize(("name", "slug"), NAMES)
def test_names_become_plain(name: str, slug: str) -> None:
    assert [one.name for one in plan({name: {"command": "x"}}).moves] == [slug]


def test_names_that_are_taken_get_a_number_and_those_of_a_run_that_broke_off_do_not() -> None:
    servers: dict[str, Json] = {"a": {"command": "1"}, "A": {"command": "2"}, "a!": {"command": "3"}}
    assert [one.name for one in plan(servers, "a", "b").moves] == ["a-2", "a-3", "a-4"]
    assert [one.name for one in plan(servers, "a", "b", ours=("a",)).moves] == ["a", "a-2", "a-3"]


def test_the_same_server_twice_is_one() -> None:
    servers: dict[str, Json] = {"a": {"command": "x", "env": {"K": "1"}}, "b": {"command": "x", "env": {"K": "1"}}, "c": {"command": "x", "env": {"K": "2"}}}
    found = plan(servers)
    assert [(one.name, one.is_known) for one in found.moves] == [("a", False), ("a", True)]
    assert [(one.server.name, one.why) for one in found.left] == [("c", "another server has another value for K: give one of them another name for it")]


def test_what_no_secret_can_be_stays() -> None:
    found = plan(
        {
            "a": {"command": "x", "env": {"MY KEY": SECRET}},
            "b": {"command": "x", "env": {"K": "x" * (SECRET_BYTES_MAX + 1)}},
            "c": {"command": "x", "env": {"K": ""}},
        }
    )
    assert [one.server.name for one in found.left] == ["a", "b"]
    assert [one.lifted for one in found.moves] == [()]
    assert "x" * 100 not in "".join(one.why for one in found.left)


def test_a_header_goes_to_its_host_alone_and_private_hosts_stay() -> None:
    headers: Json = {"Authorization": SECRET}
    found = plan(
        {
            "a": {"url": "https://a.example.com:8443/x", "headers": headers},
            "b": {"url": "http://127.0.0.1:3000/mcp", "headers": headers},
            "c": {"url": "https://[x", "headers": headers},
        }
    )
    assert [one.host for move in found.moves for one in move.lifted] == ["a.example.com"]
    assert [one.server.name for one in found.left] == ["b", "c"]


def test_a_stranger_of_our_name() -> None:
    found = plan({"mpp": {"command": "/tmp/other"}})
    assert [one.name for one in found.moves] == ["mpp"]
    assert found.after.entry(read_server("mpp", {}, ("mcpServers",))) == LAUNCHER.entry(find_client("cursor"))
    with pytest.raises(Refused) as fault:
        plan({"mpp": {"command": "${x}"}, "a": {"command": "x"}})
    assert fault.value.code == "host.client_name"


def test_nothing_to_move_changes_nothing() -> None:
    assert not plan({}).changes
    assert not plan({"a": {"command": "${x}"}}).changes
    assert not plan({"mpp": LAUNCHER.entry(find_client("cursor"))}).changes


def test_too_much() -> None:
    with pytest.raises(Refused, match="servers"):
        plan({f"s{index}": {"command": "x"} for index in range(SERVERS_MAX + 1)})
    config = Config(find_client("claude-code"), json.dumps({"projects": {str(index): {} for index in range(PROJECTS_MAX + 1)}}).encode(), "f")
    with pytest.raises(Refused, match="projects"):
        config.servers()


@pytest.mark.parametrize("text", ['{"mcpServers": []}', '{"mcpServers": "x"}', "[]", '{"mcpServers": {"a": 1}, "mcpServers": {}}', "\xff"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(Refused) as fault:
        Config(find_client("cursor"), text.encode("latin-1"), "f").servers()
    assert fault.value.code in {"host.client_form", "host.client_syntax"}


def test_a_command_on_the_screen_hides_its_secrets() -> None:
    server = read_server("x", {"command": "a", "args": ["--key", SECRET, "\x1b[2J"]}, ())
    assert words_of(server, frozenset((2,))) == "a --key *** \\x1b[2J"
    assert words_of(read_server("x", {"url": "https://x.example/mcp?token=" + SECRET}, ())) == "https://x.example/mcp"


def test_a_move_does_not_show_its_values() -> None:
    (move,) = plan({"a": {"command": "x", "env": {"K_TOKEN": SECRET}}}).moves
    assert move.lifted[0].text == SECRET
    assert SECRET not in repr(move.lifted) + str(move.lifted[0])
