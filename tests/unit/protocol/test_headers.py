"""Headers that repeat the body: they say the same, or nothing runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mpp.protocol.mcp.headers import decoded, marked, wrong_params
from mpp.testing.backend import MemoryBackend, echo
from tests.unit.protocol import wire
from tests.unit.protocol.wire import modern, Wire

GOOD = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "demo__echo", "mcp-param-region": "us"}
SCHEMA = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}


def client(headers: dict[str, str]) -> tuple[Wire, MemoryBackend]:
    at = MemoryBackend()
    at.put("demo__echo", echo, SCHEMA)  # type: ignore[arg-type]
    return Wire(wire.server(at), headers=headers), at


def test_headers_that_fit() -> None:
    for headers in (GOOD, {**GOOD, "mcp-name": "=?base64?ZGVtb19fZWNobw==?=", "mcp-param-region": " us\t", "mcp-param-other": "\x01"}):
        found, _ = client(headers)
        assert "result" in found.ask(modern(1, "tools/call", name="demo__echo", arguments={"region": "us"}))
    found, _ = client({**GOOD, "mcp-method": "server/discover"})
    assert "result" in found.ask(modern(1, "server/discover"))


BAD = [
    {"mcp-protocol-version": "2025-11-25"},
    {"mcp-protocol-version": None},
    {"mcp-method": "tools/list"},
    {"mcp-method": None},
    {"mcp-method": "Tools/Call"},
    {"mcp-name": "demo__add"},
    {"mcp-name": None},
    {"mcp-name": "=?base64?!!!?="},
    {"mcp-name": "=?base64?/w==?="},
    {"mcp-name": "demo__echo\x01"},
    {"mcp-param-region": "eu"},
    {"mcp-param-region": None},
]


@pytest.mark.parametrize("changed", BAD)
def test_headers_that_do_not(changed: dict[str, str | None]) -> None:
    found, at = client({name: text for name, text in {**GOOD, **changed}.items() if text is not None})
    answer = found.ask(modern(1, "tools/call", name="demo__echo", arguments={"region": "us"}))
    assert (answer["id"], answer["error"]["code"], found.statuses, at.calls) == (1, -32020, [400], [])


def test_a_header_of_an_argument_that_is_not_there() -> None:
    for arguments in ({}, {"region": None}):
        found, at = client(GOOD)
        assert found.ask(modern(1, "tools/call", name="demo__echo", arguments=arguments))["error"]["code"] == -32020
        assert not at.calls


def test_a_new_header_makes_the_new_era() -> None:
    for version in ("2026-07-28", "2099-01-01"):
        found, _ = client({**GOOD, "mcp-protocol-version": version})
        assert found.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})["error"]["code"] == -32602
        assert found.statuses == [400]


def test_a_tool_that_nobody_has_needs_no_header_of_arguments() -> None:
    found, _ = client({**GOOD, "mcp-name": "nope"})
    assert found.ask(modern(1, "tools/call", name="nope"))["error"]["message"] == "Unknown tool: nope"


def test_an_unknown_version_in_both_places() -> None:
    found, _ = client({**GOOD, "mcp-protocol-version": "2099-01-01"})
    message = modern(1, "tools/call", meta={wire.VERSION: "2099-01-01"}, name="demo__echo")
    assert (found.ask(message)["error"]["code"], found.statuses) == (-32022, [400])


def test_the_old_era_has_no_such_headers() -> None:
    found = wire.opened(headers={"mcp-protocol-version": "2025-11-25"})
    assert "result" in found.ask(wire.old(1, "tools/call", name="demo__echo"))


def test_statuses_of_errors() -> None:
    for message, status in [
        (modern(1, "nope"), 404),
        (modern(1, "tools/call", name="nope"), 200),
        (b"{", 400),
        (b"{}", 400),
        (modern(1, "resources/read", uri="x"), 200),
    ]:
        found = Wire(wire.server())
        assert "error" in found.ask(message)
        assert found.statuses == [status], message


VALUES: list[tuple[Any, str, bool]] = [
    ("a", "a", True), ("a", "b", False), ("é", "=?base64?w6k=?=", True), ("é", "é", False), (42, "42", True), (42, "42.0", True), (42, "43", False), (42, "0x2a", False),
    (-7, "-7", True), (1.5, "1.5", True), (True, "true", True), (True, "1", False), (False, "false", True), (True, "True", False), ([1], "[1]", False),
    ({"a": 1}, "x", False), ("", "", True),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text", "same"), VALUES)
def test_values(value: Any, text: str, same: bool) -> None:
    schema: Any = {"properties": {"in": {"properties": {"v": {"x-mcp-header": "Value"}}}}}
    assert (wrong_params({"mcp-param-value": text}, schema, {"in": {"v": value}}) == "") is same
    assert wrong_params({}, schema, {"in": {"v": value}})
    assert wrong_params({}, schema, {"in": 7}) == ""


def test_schemas_that_mark_nothing() -> None:
    deep: Any = {"x-mcp-header": "Deep"}
    for _ in range(40):
        deep = {"properties": {"a": deep}}
    nothing: list[Any] = [None, [], {"properties": []}, {"properties": {"a": 1, "b": {"x-mcp-header": 3}, "c": {"x-mcp-header": ""}}}, deep]
    assert [list(marked(schema)) for schema in nothing] == [[]] * 5
    assert decoded("=?base64?=") == "=?base64?="
    json.dumps(deep)
