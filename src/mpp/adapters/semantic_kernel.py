"""Tools for Semantic Kernel: ``kernel.add_functions("mpp", tools(host))``. Its filters are no approvals: give an ``ask``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Protocol, TYPE_CHECKING

from mpp.adapters.bound import Ask, Bound, bound, framework, said
from mpp.host.host import Host
from mpp.host.sources.naming import SHOWN_NAME_CHARS_MAX
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller

if TYPE_CHECKING:
    from semantic_kernel.functions import KernelFunction  # type: ignore[import-not-found,unused-ignore]


PLUGIN_CHARS = len("mpp-")
"""Characters that a model gets before the name of a function. Reason: the kernel puts the name of its plugin there."""


class Context(Protocol):
    """Of a call of a function, as much as counts here."""

    @property
    def arguments(self) -> Mapping[str, Json]: ...


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None, ask: Ask | None = None) -> list[KernelFunction]:
    """One function for each tool of the host."""
    return [_tool(one, ask) for one in bound(host, who, names, most=SHOWN_NAME_CHARS_MAX - PLUGIN_CHARS)]


def _tool(one: Bound, ask: Ask | None) -> KernelFunction:
    core = framework("semantic_kernel.functions", "semantic-kernel")
    base = framework("semantic_kernel.functions.kernel_function_from_method", "semantic-kernel").KernelFunctionFromMethod
    found = one.schema.get("properties")
    properties = found if isinstance(found, dict) else {}

    class HostFunction(base):  # type: ignore[misc,valid-type]
        def gather_function_parameters(self, context: Context) -> dict[str, Json]:
            # The kernel would put objects of its own into arguments of the names kernel, service and arguments.
            return {name: item for name, item in context.arguments.items() if name in properties}

    @core.kernel_function(name=one.name, description=one.description)  # type: ignore[untyped-decorator,unused-ignore]
    async def run(**arguments: Json) -> str:
        return said(await one.asettle(arguments, ask))

    return HostFunction(method=run, parameters=_parameters(one, properties, core))


def _parameters(one: Bound, properties: Mapping[str, Json], core: ModuleType) -> list[object]:
    """The first level of the schema, each with its own schema. The host checks all of it."""
    required = one.schema.get("required")
    needed = required if isinstance(required, list) else []
    return [
        core.KernelParameterMetadata(name=name, is_required=name in needed, schema_data=each if isinstance(each, dict) else {}, type_=None)
        for name, each in properties.items()
    ]
