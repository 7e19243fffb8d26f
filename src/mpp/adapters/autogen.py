"""Tools for AutoGen. It has no approvals of its own: give an ``ask``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mpp.adapters.common import Ask, Bound, bound, framework, said
from mpp.host.host import Host
from mpp.protocol.mcp.ports import Caller

if TYPE_CHECKING:
    from autogen_core.tools import Tool  # type: ignore[import-not-found,unused-ignore]


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None, ask: Ask | None = None) -> list[Tool]:
    """One tool for each tool of the host."""
    return [_tool(one, ask) for one in bound(host, who, names)]


def _tool(one: Bound, ask: Ask | None) -> Tool:
    core, model = framework("autogen_core.tools", "autogen"), framework("pydantic", "autogen")

    class HostTool(core.BaseTool):  # type: ignore[misc,name-defined]
        @property
        def schema(self) -> Any:
            return core.ToolSchema(name=one.name, description=one.description, parameters=dict(one.schema))

        async def run(self, args: Any, cancellation_token: Any) -> str:
            return await self.run_json(args.model_dump(), cancellation_token)

        async def run_json(self, args: Mapping[str, Any], cancellation_token: Any, call_id: str | None = None) -> str:  # noqa: ARG002 - a cancelled task ends its call
            return said(await one.asettle(args, ask))

    # The model of the arguments is any object: the host checks them against the schema.
    anything = model.create_model("Arguments", __config__=model.ConfigDict(extra="allow"))
    return HostTool(anything, str, one.name, one.description)
