"""Tools for the OpenAI Agents SDK. An approval is its own: the run is interrupted, and goes on after ``state.approve`` or ``state.reject``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Protocol, TYPE_CHECKING

from mpp.adapters.bound import Bound, bound, framework, said, waits
from mpp.host.host import Host
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Outcome, Pending

if TYPE_CHECKING:
    from agents import FunctionTool  # type: ignore[import-not-found,unused-ignore]

WAITING_MAX = 256
"""Calls of one tool that were asked about and not yet made. Reason: a run has a few; the oldest are those that nobody came back to."""


class Context(Protocol):
    """Of a call of a tool, as much as counts here."""

    @property
    def tool_call_id(self) -> str: ...


def tools(host: Host, *, who: Caller | None = None, names: Iterable[str] | None = None) -> list[FunctionTool]:
    """One ``FunctionTool`` for each tool of the host."""
    return [_Tool(one).offered() for one in bound(host, who, names)]


class _Tool:
    """The SDK asks whether a call needs an approval before it makes it. Only the host knows, and only of a call: so the call is made then, and its answer kept."""

    def __init__(self, one: Bound) -> None:
        self._one = one
        self._known: dict[str, Outcome | Pending] = {}

    def offered(self) -> FunctionTool:
        core = framework("agents", "openai-agents")
        return core.FunctionTool(
            name=self._one.name, description=self._one.description, params_json_schema=dict(self._one.schema), strict_json_schema=False,
            on_invoke_tool=self.run, needs_approval=self.needs_approval,
        )  # fmt: skip

    async def needs_approval(self, _context: object, arguments: Mapping[str, Json], call_id: str) -> bool:
        if call_id not in self._known:
            outcome = await self._one.acall(arguments)
            self._known[call_id] = waits(outcome) or outcome
            while len(self._known) > WAITING_MAX:
                self._known.pop(next(iter(self._known)))
        return isinstance(self._known[call_id], Pending)

    async def run(self, context: Context, arguments: str) -> str:
        known = self._known.pop(context.tool_call_id, None)
        if isinstance(known, Outcome):
            return said(known)
        if known is not None:
            # The SDK comes here only after a person said yes.
            await asyncio.to_thread(self._one.answer, known, yes=True)
        found: Json = json.loads(arguments or "{}")
        return said(await self._one.acall(found if isinstance(found, dict) else {}))
