"""AutoGen: tools through its workbench, a person asked by our own means."""

from __future__ import annotations

import asyncio

from autogen_core import CancellationToken
from autogen_core.tools import StaticWorkbench
from world import ADD, ASKS, DONE, FAILS, NAMES, SUM, WAITS, check, run

from mpp.adapters.autogen import tools
from mpp.host.host import Host
from mpp.protocol.mcp.ports import Pending


async def work(host: Host) -> None:
    bench = StaticWorkbench(tools(host, names=NAMES))
    listed = {one["name"]: one for one in await bench.list_tools()}
    check("the schema is there", listed[ADD]["parameters"]["required"] == ["a", "b"], listed[ADD])
    done = await bench.call_tool(ADD, {"a": 2, "b": 3})
    check("a tool answers", SUM in done.to_text(), done)
    failed = await bench.call_tool(FAILS, {})
    check("an error is told", "intentionally" in failed.to_text(), failed)
    reference = await bench.call_tool(ASKS, WAITS)
    check("without an ask there is a reference", "approval required" in reference.to_text(), reference)
    asked: list[Pending] = []
    for yes in (True, False):
        one = tools(host, names=[ASKS], ask=lambda pending, yes=yes: asked.append(pending) or yes)[0]
        answer = await one.run_json(WAITS, CancellationToken())
        check("a yes is enough, a no is a no", (answer == DONE) is yes, answer)
    check("a person saw the question", len(asked) == 2 and "ask-me" in asked[0].text, asked)


run(lambda host: asyncio.run(work(host)))
