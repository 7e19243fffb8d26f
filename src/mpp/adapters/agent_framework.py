"""Tools for the Microsoft Agent Framework. It asks a person before a tool runs, if the tool says so when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mpp.adapters.bound import Ask, Bound, bound, framework, said
from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller

if TYPE_CHECKING:
    from agent_framework import FunctionTool  # type: ignore[import-not-found,unused-ignore]


def tools(
    host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None, approved_first: Iterable[str] = (), ask: Ask | None = None
) -> list[FunctionTool]:  # fmt: skip
    """One ``FunctionTool`` for each tool of the host.

    Those in ``approved_first`` (names as at the host) are approved in the framework, each call of them; where the host wants a person, that yes is it.
    """
    first = frozenset(approved_first)
    return [_tool(one, ask, first=one.tool in first) for one in bound(host, who, names)]


def _tool(one: Bound, ask: Ask | None, *, first: bool) -> FunctionTool:
    core = framework("agent_framework", "agent-framework")
    asks: Ask | None = (lambda _pending: True) if first else ask

    async def run(**arguments: Json) -> str:
        return said(await one.asettle(arguments, asks))

    return core.FunctionTool(
        name=one.name, description=one.description, input_model=dict(one.schema), func=run, approval_mode="always_require" if first else "never_require"
    )  # fmt: skip
