"""Tools for Pydantic AI. An approval is its own: the run ends with ``DeferredToolRequests``, and goes on with what a person answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol, TYPE_CHECKING

from mpp.adapters.bound import Bound, bound, framework, said, waits
from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller

if TYPE_CHECKING:
    from pydantic_ai import Tool  # type: ignore[import-not-found,unused-ignore]


class Context(Protocol):
    """Of a run of an agent, as much as counts here."""

    @property
    def tool_call_approved(self) -> bool: ...


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None) -> list[Tool[object]]:
    """One ``Tool`` for each tool of the host. Give the agent ``output_type=[…, DeferredToolRequests]`` to be asked."""
    return [_tool(one) for one in bound(host, who, names)]


def _tool(one: Bound) -> Tool[object]:
    core = framework("pydantic_ai", "pydantic-ai")

    async def run(context: Context, **arguments: Json) -> str:
        outcome = await one.acall(arguments)
        waiting = waits(outcome)
        if waiting is not None and not context.tool_call_approved:
            raise core.ApprovalRequired(metadata={"ref": waiting.ref, "text": waiting.text})
        if waiting is not None:
            await asyncio.to_thread(one.answer, waiting, yes=True)
            outcome = await one.acall(arguments)
        return said(outcome)

    return core.Tool.from_schema(run, name=one.name, description=one.description, json_schema=dict(one.schema), takes_ctx=True)
