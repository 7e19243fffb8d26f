"""Tools for AutoGen. It has no approvals of its own: give an ``ask``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TYPE_CHECKING

from mpp.adapters.bound import Ask, Bound, bound, framework, said
from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller

if TYPE_CHECKING:
    from autogen_core.tools import Tool  # type: ignore[import-not-found,unused-ignore]


class Filled(Protocol):
    """A model of arguments with values in it."""

    def model_dump(self) -> Mapping[str, Json]: ...


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None, ask: Ask | None = None) -> list[Tool]:
    """One tool for each tool of the host."""
    return [_tool(one, ask) for one in bound(host, who, names)]


def _tool(one: Bound, ask: Ask | None) -> Tool:
    core, model = framework("autogen_core.tools", "autogen"), framework("pydantic", "autogen")

    class HostTool(core.BaseTool):  # type: ignore[misc,name-defined]
        @property
        def schema(self) -> object:
            return core.ToolSchema(name=one.name, description=one.description, parameters=dict(one.schema))

        async def run(self, args: Filled, cancellation_token: object) -> str:
            return await self.run_json(args.model_dump(), cancellation_token)

        async def run_json(self, args: Mapping[str, Json], cancellation_token: object, call_id: str | None = None) -> str:  # noqa: ARG002 - a cancelled task ends its call
            return said(await one.asettle(args, ask))

    # The model of the arguments is any object: the host checks them against the schema.
    anything = model.create_model("Arguments", __config__=model.ConfigDict(extra="allow"))
    return HostTool(anything, str, one.name, one.description)
