"""The client against servers that behave, and against those that do not."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused, ToolFailed
from mpp.host.replays import client as client_module
from mpp.host.replays import lifetime
from mpp.host.replays.calls import Call
from mpp.host.replays.client import Client
from tests.processes import all_end

SERVER = str(Path(__file__).with_name("servers.py"))


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that end by themselves do so in milliseconds; the others shall not hold the tests."""
    monkeypatch.setattr(lifetime, "GRACE_SECONDS", 0.4)


def started(way: str, **more: float) -> Client:
    return Client([sys.executable, "-S", "-E", SERVER, way], **more)  # type: ignore[arg-type]


def echo(text: str = "hi") -> Call:
    return Call(tool="echo", arguments={"text": text})


@pytest.mark.parametrize("way", ["plain", "noisy", "wrong-id"])
def test_calls_are_answered_by_the_answer_to_them(way: str) -> None:
    with started(way) as client:
        assert client.server == "fake-server"
        assert client.call(echo()).result == {"content": [{"type": "text", "text": "hi"}]}
        failed = client.call(Call(tool="nope", arguments={}))
    assert (failed.result, failed.error) == (None, {"code": -32602, "message": "no tool nope"})


@pytest.mark.parametrize("way", ["plain", "paged"])
def test_all_tools_are_listed(way: str) -> None:
    with started(way) as client:
        assert [tool["name"] for tool in client.tools()] == ["echo", "env of"]


@pytest.mark.parametrize("way", ["same-cursor", "too-many"])
def test_a_list_without_end_is_ended(way: str) -> None:
    with started(way) as client, pytest.raises(ToolFailed) as caught:
        client.tools()
    assert caught.value.code == "tool.protocol"


def test_what_the_server_asks_is_turned_down_but_a_ping() -> None:
    with started("asks") as client:
        found = client.call(echo()).result
    assert found == {"content": [], "structuredContent": {"ping": {}, "roots": -32601}}


def test_a_long_line_goes_both_ways() -> None:
    long = "x" * 3_000_000
    with started("plain") as client:
        assert client.call(echo(long)).result == {"content": [{"type": "text", "text": long}]}


@pytest.mark.parametrize(
    ("way", "code", "words"),
    [
        ("silent", "tool.deadline", "in time"),
        ("ends", "tool.crashed", "with code 3; its last words: it is broken / Traceback of it"),
        ("half", "tool.crashed", "ended"),
        ("bad-json", "tool.protocol", "cannot be read"),
    ],
)
def test_a_server_that_does_not_answer_is_told_of(way: str, code: str, words: str) -> None:
    with started(way, seconds=0.5 if way == "silent" else 20) as client, pytest.raises(ToolFailed) as caught:
        client.call(echo())
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_message_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "LINE_BYTES_MAX", 100_000)
    with started("huge") as client, pytest.raises(ToolFailed) as caught:
        client.call(echo())
    assert caught.value.code == "tool.output"


def test_a_flood_of_other_messages_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "OTHER_MESSAGES_MAX", 50)
    with started("flood") as client, pytest.raises(ToolFailed) as caught:
        client.call(echo())
    assert "more than 50 messages" in caught.value.message


@pytest.mark.parametrize(("way", "words"), [("old", "speaks version 1999-01-01"), ("no-init", "refuses initialize: not today"), ("deaf", "in time")])
def test_a_server_that_cannot_begin_is_told_of(way: str, words: str) -> None:
    with pytest.raises(ToolFailed) as caught:
        started(way, start_seconds=0.5 if way == "deaf" else 20)
    assert words in caught.value.message


def test_a_server_that_reads_nothing_does_not_hold_us() -> None:
    lines = lifetime.Lines([sys.executable, "-S", "-E", SERVER, "deaf"])
    with lines, pytest.raises(ToolFailed) as caught:
        lines.send(b"x" * 10_000_000, time.monotonic() + 0.3)
    assert caught.value.code == "tool.deadline"


def test_a_server_that_is_gone_is_told_of_when_we_write() -> None:
    lines = lifetime.Lines([sys.executable, "-S", "-E", "-c", "import os; os.close(0); os.write(2, b'gone'); os._exit(4)"])
    with lines, pytest.raises(ToolFailed) as caught:
        lines.send(b"x" * 10_000_000, time.monotonic() + 20)
    assert "with code 4" in caught.value.message or "ended" in caught.value.message


@pytest.mark.parametrize("command", [["/no/such/program"], ["a\0b"]])
def test_a_command_that_cannot_be_started_is_refused(command: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        Client(command)
    assert caught.value.code == "usage.file"


def test_half_a_character_is_refused_before_it_is_sent() -> None:
    with started("plain") as client, pytest.raises(MppError) as caught:
        client.call(Call(tool="echo", arguments={"text": "\ud800"}))
    assert caught.value.code == "usage.text"


def test_a_server_that_stays_is_ended_with_its_children() -> None:
    client = started("stays")
    pid = client._lines._process.pid
    client.close()
    assert all_end(pid)
    client.close()
