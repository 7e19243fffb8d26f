"""A server on the official SDK's low-level class, whose ``add`` is a plain function: no sandbox, no policy, no filter, no record."""

from __future__ import annotations

import asyncio
import sys

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}


async def list_tools(_context: object, _params: object) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[types.Tool(name="add", description="Adds two numbers", input_schema=SCHEMA)])


async def call_tool(_context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
    given = params.arguments or {}
    return types.CallToolResult(content=[types.TextContent(type="text", text=str(given["a"] + given["b"]))])


async def main() -> None:
    server = Server("add", on_list_tools=list_tools, on_call_tool=call_tool)
    if len(sys.argv) > 1:
        import uvicorn  # noqa: PLC0415 - only over HTTP

        config = uvicorn.Config(server.streamable_http_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
        await uvicorn.Server(config).serve()
        return
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


asyncio.run(main())
