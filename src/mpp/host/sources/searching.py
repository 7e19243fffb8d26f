"""Search mode: two tools in the place of all, so that hundreds of definitions do not fill the context of a model.

A search reads names, titles and descriptions; a call goes the same way as any other, under the same policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from mpp.errors import FAMILIES, Refused
from mpp.host.toolcall import failure
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Caller, Listing, Live, Outcome, ToolCall

SEARCH, CALL = "mpp_search_tools", "mpp_call"

FOUND_USUAL, FOUND_MAX = 8, 32
"""Tools that one search gives. Reason: a model reads some; their schemas are the long part."""

QUERY_CHARS_MAX = 200
"""Characters of a query. Reason: a few words."""

NAME_CHARS_MAX = 200
"""Characters of the name of a tool. Reason: alias and name together have fewer."""

_WORD = re.compile(r"[^\W_]+")
_NAME_WEIGHT, _TITLE_WEIGHT = 8, 4
"""How much a word in the name or title counts beside one in the description."""

DEFINITIONS: Final[tuple[Json, ...]] = (
    {
        "name": CALL,
        "title": "Call a tool",
        "description": "Calls the tool of this name with these arguments. Look for names and schemas with mpp_search_tools first.",
        "inputSchema": {
            "type": "object", "properties": {"name": {"type": "string", "maxLength": NAME_CHARS_MAX}, "arguments": {"type": "object"}},
            "required": ["name"], "additionalProperties": False,
        },
    },
    {
        "name": SEARCH,
        "title": "Search for tools",
        "description": "Finds tools by words of what they do, and gives their names, descriptions and schemas. An empty query lists the first ones.",
        "inputSchema": {
            "type": "object",
            "properties": {"query": {"type": "string", "maxLength": QUERY_CHARS_MAX}, "limit": {"type": "integer", "minimum": 1, "maximum": FOUND_MAX}},
            "required": ["query"], "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
)  # fmt: skip

LISTING = Listing(revision=1, items=DEFINITIONS)
"""It never changes: what is behind it does."""

_LOOK = f"{SEARCH} finds those that there are"

Run = Callable[[Caller, ToolCall, Live], Steps[Outcome]]


def call(who: Caller, asked: ToolCall, live: Live, tools: Callable[[Caller], Listing], run: Run) -> Steps[Outcome]:
    if asked.name in {SEARCH, CALL}:
        try:
            return _searched(asked, tools(who)) if asked.name == SEARCH else (yield from run(who, _inner(asked), live))
        except Refused as fault:
            # A model mends what it reads. An error of the protocol would name this tool in place of the one that it asked for.
            if fault.family != FAMILIES["call"]:
                raise
            return failure(Refused(fault.code, fault.message, where=fault.where, hint=_LOOK) if fault.code == "call.tool" else fault, {})
    raise Refused("call.tool", f"in search mode there are {SEARCH} and {CALL}", where="name", hint=f"call the tool through {CALL}")


def _fields(asked: ToolCall) -> tuple[Fields, Faults]:
    faults = Faults("call")
    return Fields(read(asked.arguments, family="call", where="arguments"), "arguments", faults), faults


def _inner(asked: ToolCall) -> ToolCall:
    fields, faults = _fields(asked)
    name, arguments = fields.text("name", most=NAME_CHARS_MAX), fields.raw("arguments") if fields.has("arguments") else {}
    fields.end()
    faults.stop()
    data = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return ToolCall(name=name, arguments=data, timeout_ms=asked.timeout_ms, traceparent=asked.traceparent, inputs=asked.inputs, level=asked.level)


def _searched(asked: ToolCall, listing: Listing) -> Outcome:
    fields, faults = _fields(asked)
    query = fields.text("query", least=0, most=QUERY_CHARS_MAX)
    limit = fields.number("limit", least=1, most=FOUND_MAX) if fields.has("limit") else FOUND_USUAL
    fields.end()
    faults.stop()
    found: list[Json] = [_brief(one) for one in ranked(query, listing)[:limit]]
    structured: dict[str, Json] = {"tools": found}
    content: list[Json] = [{"type": "text", "text": json.dumps(structured, ensure_ascii=False)}]
    return Outcome(result={"content": content, "structuredContent": structured, "isError": False})


def ranked(query: str, listing: Listing) -> list[Mapping[str, Json]]:
    """The tools that have words of the query, the best first; all of them for an empty query."""
    wanted = {word.lower() for word in _WORD.findall(query)}
    tools = [one for one in listing.items if isinstance(one, dict)]
    if not wanted:
        return list(tools)
    scored = [(_score(one, wanted), one) for one in tools]
    return [one for score, one in sorted(scored, key=lambda pair: -pair[0]) if score]


def _score(tool: Mapping[str, Json], wanted: set[str]) -> int:
    weights = (("name", _NAME_WEIGHT), ("title", _TITLE_WEIGHT), ("description", 1))
    return sum(weight * _hits(tool.get(key), wanted) for key, weight in weights)


def _hits(text: Json, wanted: set[str]) -> int:
    """Whole words count double beside beginnings of words."""
    words = {word.lower() for word in _WORD.findall(text.replace("_", " "))} if isinstance(text, str) else set()
    return sum(2 if one in words else any(word.startswith(one) for word in words) for one in wanted)


def _brief(tool: Mapping[str, Json]) -> Json:
    return {key: tool[key] for key in ("name", "title", "description", "inputSchema") if key in tool}
