"""Semantic Kernel: functions of a kernel, called by the kernel as for a model that asked, and a person asked by our own means."""

from __future__ import annotations

import asyncio
from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_calling_utils import kernel_function_metadata_to_function_call_format
from semantic_kernel.contents import ChatHistory, FunctionCallContent
from world import ADD, ASKS, DONE, FAILS, IMAGE, NAMES, SUM, WAITS, check, run

from mpp.adapters.semantic_kernel import tools
from mpp.host.host import Host
from mpp.protocol.mcp.ports import Pending


async def called(kernel: Kernel, name: str, arguments: dict[str, Any]) -> str:
    """As the kernel does it for a model: the call as content in, the answer in the history."""
    history = ChatHistory()
    wanted = FunctionCallContent(id="call-1", name=f"mpp-{name}", arguments=arguments)
    await kernel.invoke_function_call(wanted, history)
    return str(history.messages[-1].items[0].result)


async def work(host: Host) -> None:
    kernel = Kernel()
    kernel.add_functions("mpp", tools(host, names=NAMES))
    shown = kernel_function_metadata_to_function_call_format(kernel.get_function("mpp", ADD).metadata)["function"]
    check("the model sees the schema", shown["parameters"]["required"] == ["a", "b"] and shown["parameters"]["properties"]["a"]["type"], shown)
    done = await called(kernel, ADD, {"a": 2, "b": 3})
    check("a tool answers", SUM in done, done)
    direct = await kernel.invoke(plugin_name="mpp", function_name=ADD, a=2, b=3)
    check("a program calls it too", SUM in str(direct), direct)
    failed = await called(kernel, FAILS, {})
    check("an error is told", "intentionally" in failed, failed)
    image = await called(kernel, IMAGE, {})
    check("a picture is a word", "image/png" in image, image)
    reference = await called(kernel, ASKS, WAITS)
    check("without an ask there is a reference", "approval required" in reference, reference)
    asked: list[Pending] = []
    for yes in (True, False):
        asking = Kernel()
        asking.add_functions("mpp", tools(host, names=[ASKS], ask=lambda pending, yes=yes: asked.append(pending) or yes))
        answer = await called(asking, ASKS, WAITS)
        check("a yes is enough, a no is a no", (answer == DONE) is yes, answer)
    check("a person saw the question", len(asked) == 2 and "ask-me" in asked[0].text, asked)


run(lambda host: asyncio.run(work(host)))
