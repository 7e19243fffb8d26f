"""Plans: names, what stays and why, and what is the same server twice."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.host.clients.config import Config
from mpp.host.clients.known import find_client
from mpp.host.clients.limits import PROJECTS_MAX, SERVERS_MAX
from mpp.host.clients.planning import make_plan, marked_url, marked_words, NAME_CHARS_MAX, Plan, words_of
from mpp.host.clients.servers import read_server
from mpp.host.legacy.values import filled
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
    assert [(one.name, one.is_known) for one in found.moves] == [("a", False), ("a", True), ("c", False)]
    assert [one.lifted[0].store_name for one in found.moves] == ["legacy-a-K", "legacy-a-K", "legacy-c-K"]


def test_two_names_that_come_to_one_secret() -> None:
    """A header may have dashes, and so may a server: both are stored under names with dashes."""
    headers: list[Json] = [{"B-Key": "1"}, {"Key": "2"}]
    found = plan({"a": {"url": "https://a.example.com", "headers": headers[0]}, "a-b": {"url": "https://a.example.com/b", "headers": headers[1]}})
    assert [one.name for one in found.moves] == ["a", "a-b"]
    twins = plan({"a": {"url": "https://a.example.com", "headers": {"b-Key": "1"}}, "a-b": {"url": "https://a.example.com/b", "headers": headers[1]}})
    assert [one.why for one in twins.left] == ["another server has another value for Key: give one of them another name for it"]


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
    assert [one.host for move in found.moves for one in move.lifted] == ["a.example.com:8443"]
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
    (move,) = plan({"x": {"command": "a", "args": ["--key", SECRET, "\x1b[2J"]}}).moves
    assert words_of(move.server, move.lifted) == "a --key ${ARG_2} \\x1b[2J"
    assert words_of(read_server("x", {"url": "https://x.example/mcp?token=" + SECRET}, ())) == "https://x.example/mcp"


WORDS: list[tuple[list[str], list[str]]] = [
    (["--api-key=" + SECRET], ["--api-key=${ARG_1}"]),
    (["--token", SECRET], ["--token", "${ARG_2}"]),
    (["run", "-e", "API_KEY=" + SECRET, "-e", "B_TOKEN=" + SECRET], ["run", "-e", "API_KEY=${ARG_3}", "-e", "B_TOKEN=${ARG_5}"]),
    (["--header", "Authorization: Bearer " + SECRET], ["--header", "Authorization: ${ARG_2}"]),
    (["postgres://ada:" + SECRET + "@db.example.com/x"], ["${ARG_1}"]),
    (["seen-" + SECRET], ["${ARG_1}"]),
    (["seen_token_" + SECRET.replace("-", "") + "=="], ["${ARG_1}"]),
    (["plain", "--level=2"], ["plain", "--level=2"]),
]


@pytest.mark.parametrize(("words", "marked"), WORDS)
def test_secrets_among_the_words_are_marked(words: list[str], marked: list[str]) -> None:
    config = Config(find_client("cursor"), json.dumps({"mcpServers": {"a": {"command": "x", "args": words, "env": {"_ARG_9": "1"}}}}).encode(), "f")

    def see(message: Json) -> list[str]:
        return [f"/{index}" for index, one in enumerate(message) if str(one).startswith("seen")] if isinstance(message, list) else []

    (move,) = make_plan(config, LAUNCHER, MemoryBook(), see).moves
    assert marked_words(move.server, move.lifted) == ("x", *marked)
    values = {one.key: one.text for one in move.lifted}
    assert tuple(filled(one, values) for one in marked_words(move.server, move.lifted)) == move.server.command


def test_what_no_mark_takes_out_stays() -> None:
    """A detector that sees the secret where we left it has the last word."""
    servers: Json = {"a": {"url": f"https://{SECRET}.example.com/mcp"}, "b": {"command": "x", "args": [f"--{SECRET}-token=1234"]}, "c": {"command": "x"}}
    config = Config(find_client("cursor"), json.dumps({"mcpServers": servers}).encode(), "f")

    def see(message: Json) -> list[str]:
        return [f"/{index}" for index, one in enumerate(message) if SECRET in str(one)] if isinstance(message, list) else []

    found = make_plan(config, LAUNCHER, MemoryBook(), see)
    assert [one.name for one in found.moves] == ["c"]
    assert [one.why.partition(" that ")[0] for one in found.left] == [
        "a secret stands before the path of its address",
        "a secret stands in a word of its command",
    ]


def test_a_variable_that_is_made_up_has_a_name_of_its_own() -> None:
    (move,) = plan({"a": {"command": "x", "args": ["--token", SECRET], "env": {"ARG_2": "1", "_ARG_2": "2"}}}).moves
    assert [one.key for one in move.lifted] == ["ARG_2", "_ARG_2", "__ARG_2"]
    assert marked_words(move.server, move.lifted)[2] == "${__ARG_2}"


URLS = [
    ("https://a.example.com/mcp?api_key=" + SECRET, "https://a.example.com/${URL}"),
    ("https://a.example.com?token=" + SECRET, "https://a.example.com/${URL}"),
    ("https://a.example.com:8443/x/mcp?b=1", "https://a.example.com:8443/x/mcp?b=1"),
]


@pytest.mark.parametrize(("url", "marked"), URLS)
def test_secrets_in_an_address_are_marked(url: str, marked: str) -> None:
    (move,) = plan({"a": {"url": url}}).moves
    found = marked_url(move.server, move.lifted)
    assert found == marked
    assert filled(found, {one.key: one.text for one in move.lifted}).replace(".com/?", ".com?") == url


def test_a_move_does_not_show_its_values() -> None:
    (move,) = plan({"a": {"command": "x", "env": {"K_TOKEN": SECRET}}}).moves
    assert move.lifted[0].text == SECRET
    assert SECRET not in repr(move.lifted) + str(move.lifted[0])
