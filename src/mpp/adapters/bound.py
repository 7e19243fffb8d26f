"""What every adapter needs: the tools of a host as callables over JSON, their answers as text, and a person's yes on its way back to the host."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType

from mpp.errors import Refused
from mpp.host.host import Host
from mpp.host.sources.naming import fit, SHOWN_NAME_CHARS_MAX
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp.ports import Caller, Outcome, Pending

TIMES_MAX = 2
"""How often a call is made when a person says yes. Reason: the second one is judged anew; a question that comes again needs another way."""

Ask = Callable[[Pending], bool]
"""Shows a person what waits for a yes, and gives the answer. It may block."""


@value
class Bound:
    """One tool of a host, for one caller."""

    host: Host
    who: Caller
    tool: str
    """Its name at the host."""
    name: str
    """Its name for a model; the same, unless the framework takes a shorter one only."""
    description: str
    schema: Mapping[str, Json]

    def call(self, arguments: Mapping[str, Json]) -> Outcome:
        return self.host.call(self.tool, arguments, who=self.who)

    async def acall(self, arguments: Mapping[str, Json]) -> Outcome:
        return await self.host.acall(self.tool, arguments, who=self.who)

    def answer(self, pending: Pending, *, yes: bool) -> None:
        """What is not enough for this question changes nothing: the next call says so."""
        self.host.answer(pending.question, yes=yes, who=self.who)

    def settle(self, arguments: Mapping[str, Json], ask: Ask | None) -> Outcome:
        """Call; where a person must decide and may do so here, ask and call again."""
        outcome = self.call(arguments)
        waiting = waits(outcome)
        if waiting is None or ask is None:
            return outcome
        self.answer(waiting, yes=ask(waiting))
        return self.call(arguments)

    async def asettle(self, arguments: Mapping[str, Json], ask: Ask | None) -> Outcome:
        """The same from an event loop; ``ask`` may block, it has a thread of its own."""
        outcome = await self.acall(arguments)
        waiting = waits(outcome)
        if waiting is None or ask is None:
            return outcome
        yes = await asyncio.to_thread(ask, waiting)
        await asyncio.to_thread(self.answer, waiting, yes=yes)
        return await self.acall(arguments)


def bound(host: Host, who: Caller | None = None, names: Iterable[str] | None = None, *, most: int = SHOWN_NAME_CHARS_MAX) -> list[Bound]:
    """The tools of a host that are there now; of those only the named ones, if ``names`` are given."""
    wanted, caller = None if names is None else frozenset(names), who or Caller()
    found = []
    for item in host.tools(caller).items:
        if isinstance(item, dict) and (wanted is None or item["name"] in wanted):
            name, schema = str(item["name"]), item["inputSchema"]
            found.append(
                Bound(
                    host=host,
                    who=caller,
                    tool=name,
                    name=fit(name, most),
                    description=str(item["description"]),
                    schema=schema if isinstance(schema, dict) else {},
                )
            )
    missing = sorted((wanted or frozenset()) - {one.tool for one in found})
    if missing:
        raise Refused("call.tool", f"there is no tool {missing[0]!r}", where="names", hint="host.tools() names those that there are")
    return found


def waits(outcome: Outcome) -> Pending | None:
    """What waits for a person who may answer through the agent's program. What may not stays a reference: ``mpp approve`` has it."""
    return outcome.pending if outcome.pending is not None and outcome.pending.may_elicit else None


def failed(outcome: Outcome) -> bool:
    return outcome.result.get("isError") is True or outcome.wants_input


def said(outcome: Outcome) -> str:
    """An answer as one text: its texts, a word for what is none, and what programs read of it."""
    if outcome.wants_input:
        return _asked(outcome.result.get("inputRequests"))
    content, structured = outcome.result.get("content"), outcome.result.get("structuredContent")
    parts = [_part(item) for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    if structured is not None:
        parts.append(json.dumps(structured, ensure_ascii=False, separators=(",", ":")))
    return "\n".join(dict.fromkeys(part for part in parts if part))


def _part(item: Mapping[str, Json]) -> str:
    inner = item.get("resource")
    text = inner.get("text") if isinstance(inner, dict) else item.get("text")
    if isinstance(text, str):
        return text
    about = inner if isinstance(inner, dict) else item
    return f"[{item.get('type')} {about.get('uri') or about.get('mimeType') or ''}]".replace(" ]", "]")


def _asked(requests: Json) -> str:
    names = ", ".join(requests) if isinstance(requests, dict) else ""
    return f"The tool needs more before it can answer: {names}. Call it again with these arguments."


def framework(module: str, extra: str) -> ModuleType:
    """A module of the framework; Refused with the way to get it, if it is not here."""
    try:
        return import_module(module)
    except ModuleNotFoundError as fault:
        if fault.name is None or module.partition(".")[0] != fault.name.partition(".")[0]:
            raise
        hint = f"pip install 'model-package-protocol[{extra}]'"
        raise Refused("usage.framework", f"{module.partition('.')[0]} is not installed", where=extra, hint=hint) from None
