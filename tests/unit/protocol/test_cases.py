"""Conversations as data: lines in, messages out, for each era; fed whole, and byte by byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mpp.testing.backend import MemoryBackend
from tests.unit.protocol import wire
from tests.unit.protocol.wire import fits, Wire

CASES = Path(__file__).parent / "cases"


def load(name: str) -> Any:
    return json.loads((CASES / name).read_text(encoding="utf-8"))


CONVERSATIONS = [pytest.param(case["steps"], id=f"{name}: {case['name']}") for name in ("modern", "old") for case in load(f"{name}.json")]


@pytest.mark.parametrize("steps", CONVERSATIONS)
def test_a_conversation(steps: list[Any]) -> None:
    client = Wire(wire.server())
    for step in steps:
        client.line(json.dumps(step["in"]).encode())
        found = client.taken()
        assert fits(step["out"], found), f"\nin       {step['in']}\nexpected {step['out']}\nfound    {found}"


@pytest.mark.parametrize("steps", CONVERSATIONS)
def test_a_conversation_byte_by_byte(steps: list[Any]) -> None:
    whole, pieces = Wire(wire.server()), Wire(wire.server())
    data = b"".join(json.dumps(step["in"], separators=(",", ":"), ensure_ascii=False).encode() + b"\r\n\n" for step in steps)
    whole.feed(data)
    for at in range(len(data)):
        pieces.feed(data[at : at + 1])
    assert whole.taken() == pieces.taken()


MALFORMED = [pytest.param(line, code, id=f"{name}: {line[:40]}") for name, lines, code in load("malformed.json") for line in lines]


@pytest.mark.parametrize(("line", "code"), MALFORMED)
@pytest.mark.parametrize("greeted", [False, True])
def test_what_is_malformed_is_answered_with_its_error(line: str, code: int, greeted: bool) -> None:
    client = wire.opened() if greeted else Wire(wire.server())
    found = client.ask(line.encode("latin-1"))
    assert (found["jsonrpc"], found["error"]["code"]) == ("2.0", code)
    # Then the connection is as it was.
    assert client.ask(wire.old(7, "ping")) == {"jsonrpc": "2.0", "id": 7, "result": {}}


@pytest.mark.parametrize("line", load("ignored.json"))
def test_broken_notifications_and_answers_are_ignored(line: str) -> None:
    at = MemoryBackend()
    client = wire.opened(at=at)
    client.line(line.encode())
    assert (client.taken(), at.calls) == ([], [])


def test_bytes_that_are_no_text() -> None:
    client = Wire(wire.server())
    assert client.ask(b'{"jsonrpc":"2.0","id":"\xff","method":"ping"}')["error"]["code"] == -32700


def test_the_comparison_of_these_tests_can_fail() -> None:
    for expected, found in [({"a": 1}, {"a": 1, "b": 2}), ([1], []), (1, True), ({"a": "*", "...": 1}, {}), ("a", "b"), ({"a": 1}, [])]:
        assert not fits(expected, found)
    assert fits({"a": "*", "...": 1}, {"a": None, "b": 2})
