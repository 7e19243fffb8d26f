"""Tools for LangChain and LangGraph. An approval is LangGraph's own ``interrupt``, or an ``ask`` of yours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mpp.adapters.bound import Ask, Bound, bound, failed, framework, said
from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Outcome, Pending

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool  # type: ignore[import-not-found,unused-ignore]


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None, ask: Ask | None = None) -> list[BaseTool]:
    """One ``StructuredTool`` for each tool of the host. Its artifact is the whole result, as MCP has it."""
    return [_tool(one, ask) for one in bound(host, who, names)]


def by_interrupt(pending: Pending) -> bool:
    """An ``ask`` inside of a graph: the run stops and shows ``{"ref", "text"}``; ``Command(resume=True)`` is the yes.

    LangGraph begins the node anew then. The call that waits has not run, so nothing happens twice.
    """
    answer: object = framework("langgraph.types", "langchain").interrupt({"ref": pending.ref, "text": pending.text})
    return answer is True


def _tool(one: Bound, ask: Ask | None) -> BaseTool:
    core = framework("langchain_core.tools", "langchain")

    def told(outcome: Outcome) -> tuple[str, dict[str, Json]]:
        if failed(outcome):
            raise core.ToolException(said(outcome))
        return said(outcome), dict(outcome.result)

    def run(**arguments: Json) -> tuple[str, Mapping[str, Json]]:
        return told(one.settle(arguments, ask))

    async def arun(**arguments: Json) -> tuple[str, Mapping[str, Json]]:
        return told(await one.asettle(arguments, ask))

    return core.StructuredTool(
        name=one.name, description=one.description, args_schema=dict(one.schema), func=run, coroutine=arun,
        response_format="content_and_artifact", handle_tool_error=True,
    )  # fmt: skip
