"""Tools for CrewAI. It has no approvals of single calls: give an ``ask``."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from mpp.adapters.bound import Ask, Bound, bound, framework, said
from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller

if TYPE_CHECKING:
    from crewai.tools import BaseTool  # type: ignore[import-not-found,unused-ignore]

_TYPES: dict[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None, ask: Ask | None = None) -> list[BaseTool]:
    """One tool for each tool of the host."""
    return [_tool(one, ask) for one in bound(host, who, names)]


def _tool(one: Bound, ask: Ask | None) -> BaseTool:
    core, model = framework("crewai.tools", "crewai"), framework("pydantic", "crewai")

    class HostTool(core.BaseTool):  # type: ignore[misc,name-defined]
        def _run(self, **arguments: Json) -> str:
            return said(one.settle({key: item for key, item in arguments.items() if item is not None}, ask))

    return HostTool(name=one.name, description=one.description, args_schema=_arguments(one, model))


def _arguments(one: Bound, model: ModuleType) -> object:
    """The first level of the schema as a model of pydantic. The host checks all of it."""
    found = one.schema.get("properties")
    required = one.schema.get("required")
    fields = {
        name: _field(each, model, required=isinstance(required, list) and name in required) for name, each in (found if isinstance(found, dict) else {}).items()
    }
    return model.create_model("Arguments", **fields)


def _field(found: Json, model: ModuleType, *, required: bool) -> tuple[object, object]:
    described = found if isinstance(found, dict) else {}
    kind = _TYPES.get(str(described.get("type")), object)
    words = described.get("description")
    return (kind if required else kind | None, model.Field(... if required else None, description=words if isinstance(words, str) else None))
