"""The official Python SDK as a client: ``python sdk_client.py HOME MPP [URL]``. Without a URL over standard input and output. Run with the SDK's interpreter."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent
from pydantic import FileUrl

MODES = ("legacy", "auto", "2026-07-28")
LOOK_FOR = "test_simple_text"


async def elicited(_context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Ada"} if "name" in params.requested_schema["properties"] else {"answer": "yes", "ok": True})


async def sampled(_context: Any, _params: Any) -> CreateMessageResult:
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="none")


async def rooted(_context: Any) -> ListRootsResult:
    return ListRootsResult(roots=[Root(uri=FileUrl("file:///work"))])


def check(name: str, is_so: object, found: object = "") -> None:
    if not is_so:
        sys.exit(f"{name}: {found!r}")


async def session(where: Any, mode: str) -> None:
    progress: list[float] = []

    async def told(done: float, _total: float | None, _message: str | None) -> None:
        progress.append(done)

    async with Client(where, mode=mode, elicitation_callback=elicited, sampling_callback=sampled, list_roots_callback=rooted) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        check("the list is sorted and whole", names == sorted(names) and LOOK_FOR in names, names)
        added = await client.call_tool("add", {"a": 2, "b": 3})
        check("structured content", added.structured_content == {"sum": 5}, added)
        several = await client.call_tool("test_multiple_content_types")
        check("all kinds of content", [item.type for item in several.content] == ["text", "image", "resource"], several)
        failed = await client.call_tool("test_error_handling")
        check("an error is a result", failed.is_error, failed)
        await client.call_tool("test_tool_with_progress", progress_callback=told)
        check("progress", progress == [0, 50, 100], progress)
        for tool, words in (("elicitation", "Hello, Ada!"), ("sampling", "Paris"), ("list_roots", "file:///work"), ("multiple_inputs", "Ada")):
            answered = await client.call_tool(f"test_input_required_result_{tool}")
            check(f"a tool that asks by {tool}", words in answered.content[0].text, answered)
        prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
        check("a prompt", "arg2='two'" in prompt.messages[0].content.text, prompt)
        resource = await client.read_resource("test://template/7/data")
        check("a resource", '"id":"7"' in resource.contents[0].text, resource)
        check("its own name", client.server_info is None or client.server_info.name == "mpp", client.server_info)


async def main(home: str, mpp: str, url: str = "") -> None:
    where: Any = url or StdioServerParameters(command=mpp, args=["serve", "--plain-names"], env={"MPP_HOME": home})
    for mode in MODES:
        await session(where, mode)
    sys.stdout.write(json.dumps({"checks": [*MODES]}) + "\n")


asyncio.run(main(*sys.argv[1:]))
