"""The MCP client of the OpenAI Agents SDK against ``mpp serve`` over stdio: ``python openai_client.py HOME MPP``."""

from __future__ import annotations

import asyncio
import sys

from agents.mcp import MCPServerStdio


async def main(home: str, mpp: str) -> None:
    async with MCPServerStdio(params={"command": mpp, "args": ["serve", "--plain-names"], "env": {"MPP_HOME": home}}) as server:
        names = [tool.name for tool in await server.list_tools()]
        added = await server.call_tool("add", {"a": 2, "b": 3})
    found = getattr(added, "structured_content", None) or getattr(added, "structuredContent", None)
    if "add" not in names or found != {"sum": 5}:
        sys.exit(f"add: {names} {added!r}")
    sys.stdout.write("ok\n")


asyncio.run(main(*sys.argv[1:]))
