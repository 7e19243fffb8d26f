"""Pydantic AI's own MCP client against ``mpp serve`` over stdio, in an agent with a scripted model: ``python pydantic_client.py HOME MPP``."""

from __future__ import annotations

import asyncio
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


def model(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    found = [str(part.content) for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
    return ModelResponse(parts=[TextPart(found[-1])] if found else [ToolCallPart("add", {"a": 2, "b": 3})])


async def main(home: str, mpp: str) -> None:
    server = MCPToolset(StdioTransport(mpp, ["serve", "--plain-names"], env={"MPP_HOME": home}))
    agent = Agent(FunctionModel(model), toolsets=[server])
    async with agent:
        done = await agent.run("add")
    if "'sum': 5" not in done.output:
        sys.exit(f"add: {done.output!r}")
    sys.stdout.write("ok\n")


asyncio.run(main(*sys.argv[1:]))
