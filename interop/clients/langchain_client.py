"""LangChain's MCP adapters (the 1.x SDK beneath) against ``mpp serve`` over stdio: ``python langchain_client.py HOME MPP``."""

from __future__ import annotations

import asyncio
import sys

from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(home: str, mpp: str) -> None:
    stdio = {"command": mpp, "args": ["serve", "--plain-names"], "transport": "stdio", "env": {"MPP_HOME": home}}
    client = MultiServerMCPClient({"mpp": stdio})
    tools = {tool.name: tool for tool in await client.get_tools()}
    answer = await tools["add"].ainvoke({"type": "tool_call", "name": "add", "args": {"a": 2, "b": 3}, "id": "1"})
    if answer.artifact["structured_content"] != {"sum": 5}:
        sys.exit(f"add: {answer!r}")
    failed = await tools["test_error_handling"].ainvoke({"type": "tool_call", "name": "test_error_handling", "args": {}, "id": "2"})
    if "intentionally" not in str(failed.content):
        sys.exit(f"error: {failed!r}")
    sys.stdout.write("ok\n")


asyncio.run(main(*sys.argv[1:]))
