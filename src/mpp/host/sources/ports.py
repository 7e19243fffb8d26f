"""What gives tools to a host."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple, Protocol

from mpp.model.jsontext import Json
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.stages.gatekeeper import VerifiedPackage


class Offered(NamedTuple):
    """A tool as agents see it."""

    name: str
    """As ``public_name`` makes it, unique among all that a host offers."""
    definition: Json
    """For ``tools/list``, but for its name. Shared: nobody changes it."""
    run: Callable[[Caller, ToolCall, Live], Outcome]
    package: VerifiedPackage | None = None
    """None: a tool of an older server, for which nobody can sign a call."""
    tool: str = ""
    """Its name in the package, or at the older server."""
    steps: Callable[[Caller, ToolCall, Live], Steps[Outcome]] | None = None
    """As ``run``, for whoever has several calls under way in one thread. None: ``run`` alone, which blocks."""


class ToolSource(Protocol):
    """Safe to use from many threads at once."""

    def revision(self) -> Hashable:
        """Equal as long as the tools are the same. Asked before every list and call, so it is cheap."""
        ...

    def offered(self, tenant: str) -> tuple[Offered, ...]: ...

    def close(self) -> None: ...
