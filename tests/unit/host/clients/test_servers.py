"""One entry in the forms of all clients, and entries that make no sense."""

from __future__ import annotations

import pytest

from mpp.host.clients.limits import SERVER_NAME_MAX, SERVER_TEXT_MAX, SERVER_WORDS_MAX
from mpp.host.clients.servers import read_server
from mpp.model.jsontext import Json

READ = [
    ({"command": "a", "args": ["b"], "env": {"X": "1"}, "cwd": "/w"}, ("a", "b"), "", "stdio"),
    ({"command": {"path": "a", "args": ["b"], "env": {"X": "1"}}}, ("a", "b"), "", "stdio"),
    ({"type": "local", "command": ["a", "b"], "environment": {"X": "1"}}, ("a", "b"), "", "stdio"),
    ({"url": "https://x.example/mcp"}, (), "https://x.example/mcp", ""),
    ({"type": "sse", "url": "https://x.example/sse"}, (), "https://x.example/sse", "sse"),
    ({"type": "streamableHttp", "url": "https://x.example"}, (), "https://x.example", "http"),
    ({"httpUrl": "https://x.example"}, (), "https://x.example", "http"),
    ({"serverUrl": "https://x.example", "transport": "http"}, (), "https://x.example", "http"),
]


@pytest.mark.parametrize(("item", "command", "url", "transport"), READ)
def test_the_forms_of_clients(item: Json, command: tuple[str, ...], url: str, transport: str) -> None:
    found = read_server("x", item, ("s",))
    assert (found.command, found.url, found.transport, found.why_not) == (command, url, transport, "")
    assert found.env in {(), (("X", "1"),)}


def test_values_of_variables_become_texts() -> None:
    found = read_server("x", {"command": "a", "env": {"A": 1, "B": True, "C": False, "D": None}}, ())
    assert found.env == (("A", "1"), ("B", "true"), ("C", "false"))


def test_state_and_what_is_lost() -> None:
    found = read_server("x", {"command": "a", "disabled": True, "autoApprove": [], "timeout": 5}, ())
    assert (found.is_disabled, found.lost) == (True, ("autoApprove", "timeout"))
    assert read_server("x", {"command": "a", "enabled": False}, ()).is_disabled
    assert not read_server("x", {"command": "a", "enabled": True, "disabled": False}, ()).is_disabled


NEVER: list[tuple[str, Json, str]] = [
    ("x", "text", "no object"),
    ("x", {}, "neither"),
    ("x", {"command": "a", "url": "https://x.example"}, "both"),
    ("", {"command": "a"}, "name"),
    ("x" * (SERVER_NAME_MAX + 1), {"command": "a"}, "name"),
    ("x", {"command": 5}, "command"),
    ("x", {"command": "a\0b"}, "command"),
    ("x", {"command": "a" * (SERVER_TEXT_MAX + 1)}, "command"),
    ("x", {"command": "\ud800"}, "command"),
    ("x", {"command": "a", "args": "b"}, "args"),
    ("x", {"command": "a", "args": ["b", 5]}, "args"),
    ("x", {"command": "a", "args": ["b"] * (SERVER_WORDS_MAX + 1)}, "args"),
    ("x", {"command": "a", "env": ["X"]}, "env"),
    ("x", {"command": "a", "env": {"X": ["1"]}}, "env"),
    ("x", {"url": "https://x.example", "headers": {"A": 1.5}}, "headers"),
    ("x", {"command": "${workspaceFolder}/run"}, "workspaceFolder"),
    ("x", {"command": "a", "args": ["--key", "pre-${input:key}"]}, "input:key"),
    ("x", {"command": "a", "env": {"X": "$SECRET"}}, "SECRET"),
    ("x", {"url": "https://x.example/{{key}}"}, "key"),
    ("x", {"command": "a", "envFile": ".env"}, "envFile"),
    ("x", {"url": "https://x.example", "bearer_token_env_var": "T"}, "bearer_token_env_var"),
]


@pytest.mark.parametrize(("name", "item", "why"), NEVER)
def test_what_cannot_be_taken_over_says_why(name: str, item: Json, why: str) -> None:
    assert why in read_server(name, item, ()).why_not


def test_a_reason_holds_no_secret_and_a_server_does_not_show_itself() -> None:
    secret = "made-" + "up-secret"
    found = read_server("x", {"command": "a", "args": [secret + "${input:x}"], "env": {"K": secret}}, ())
    assert found.why_not
    assert secret not in found.why_not + repr(found) + str(found) + f"{found}"


@pytest.mark.parametrize("text", ["$", "a$B", "cost: $5", "${", "$1"])
def test_a_dollar_alone_is_no_reference(text: str) -> None:
    assert read_server("x", {"command": "a", "args": [text]}, ()).why_not == ""
