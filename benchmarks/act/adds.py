"""The tool that is measured, as a component for ACT. It runs inside of that component."""

from __future__ import annotations

from wit_world import exports
from wit_world.exports import tool_provider
from wit_world.imports import act_core_types, act_tools_types

SCHEMA = '{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}'
SHORT = 24
"""A number below this stands in the first byte itself."""

Metadata = list[tuple[str, bytes]]


def number(data: bytes, at: int) -> tuple[int, int]:
    """An integer of CBOR, and where the next item begins."""
    kind, low = data[at] >> 5, data[at] & 31
    if low < SHORT:
        found, after = low, at + 1
    else:
        size = 1 << (low - SHORT)
        found, after = int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size
    return (found if kind == 0 else -1 - found), after


def arguments_of(data: bytes) -> dict[str, int]:
    """A map of short names to integers, which is all that this tool is given."""
    found: dict[str, int] = {}
    at = 1
    for _ in range(data[0] & 31):
        size = data[at] & 31
        name = data[at + 1 : at + 1 + size].decode()
        found[name], at = number(data, at + 1 + size)
    return found


class ToolProvider(exports.ToolProvider):
    async def list_tools(self, metadata: Metadata) -> act_tools_types.ListToolsResponse:  # noqa: ARG002 - the interface's
        tool = act_tools_types.ToolDefinition("add", act_core_types.LocalizedString_Plain("Adds two numbers"), SCHEMA, [])
        return act_tools_types.ListToolsResponse([], [tool])

    async def call_tool(self, name: str, arguments: bytes, metadata: Metadata) -> tool_provider.ToolResult:  # noqa: ARG002 - the interface's
        given = arguments_of(arguments)
        part = act_tools_types.ContentPart(str(given["a"] + given["b"]).encode(), "text/plain", [])
        return tool_provider.ToolResult_Immediate([act_tools_types.ToolEvent_Content(part)])
