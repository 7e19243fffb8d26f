"""What an agent can have done at an older server, and how the answer is read: each as a reply of a tool, so that one filter and one record are enough.

Spec: legacy V-60, V-61.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import field

from mpp.errors import ToolFailed
from mpp.host.legacy.offers import METHODS, PROMPT, TOOL
from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.protocol.mcp_client.events import Done
from mpp.protocol.mcp_client.session import CALL
from mpp.stages.sandbox import read_result, ToolReply

GET, READ, COMPLETE = BESIDE = tuple(METHODS)
"""How policy and record name what is no call of a tool."""

ERROR_SHOWN_MAX = 1000
"""Characters of a server's error that are shown. Reason: a model needs the words, not a document."""

VALUES_MAX = 100
"""Completions that are passed on. Reason: as many as the protocol has in one answer."""

_ITEM = ("type", "text", "data", "mimeType", "uri", "name", "title", "description", "size", "annotations", "resource")
_RESOURCE = ("uri", "mimeType", "text", "blob")
_ANNOTATIONS = ("audience", "priority", "lastModified")


@value
class Deed:
    """One thing that can be asked of a server."""

    name: str
    """The tool; of all else a name that no tool has. Policy and record go by it."""
    pin: str
    """The name of the definition that a person agreed to."""
    read: Callable[[Mapping[str, Json]], dict[str, Json]]
    """A result of the server as the result of a tool. Raises ToolFailed for what is none."""
    write: Callable[[Mapping[str, Json]], dict[str, Json]] = field(default=dict)
    """The filtered result of a tool as the answer to this."""

    @property
    def method(self) -> str:
        return METHODS.get(self.name, CALL)

    @property
    def is_tool(self) -> bool:
        return self.name not in BESIDE


def reply_of(deed: Deed, found: Done) -> ToolReply:
    """Raises ToolFailed for an error, and for what is no result."""
    if found.result is None:
        raise ToolFailed("tool.error", shown(found.error, ERROR_SHOWN_MAX), where=f"error {found.code}", hint="the server answered with an error")
    # Attack: labels of ours in the server's own ``_meta``. It is not passed on.
    return read_result(deed.read(found.result))


# -- tools


def of_tool(name: str) -> Deed:
    return Deed(name=name, pin=TOOL + name, read=_tool)


def _tool(found: Mapping[str, Json]) -> dict[str, Json]:
    result: dict[str, Json] = {"content": _content(found.get("content")), "isError": found.get("isError") is True}
    structured = found.get("structuredContent")
    if isinstance(structured, dict):
        result["structuredContent"] = structured
    return result


def _content(found: Json) -> list[Json]:
    """The items, with the keys that have a meaning here. What is no item is left for the reader to refuse."""
    return [_item(one) if isinstance(one, dict) else one for one in found] if isinstance(found, list) else []


def _item(found: Mapping[str, Json]) -> Json:
    item = {key: found[key] for key in _ITEM if key in found}
    for key, known in (("annotations", _ANNOTATIONS), ("resource", _RESOURCE)):
        inner = item.get(key)
        if isinstance(inner, dict):
            item[key] = {name: inner[name] for name in known if name in inner}
    return item


# -- prompts


def of_prompt(name: str) -> Deed:
    roles: list[str] = []

    def read(found: Mapping[str, Json]) -> dict[str, Json]:
        messages = found.get("messages")
        rows = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
        said = [one.get("role") for one in rows]
        if not isinstance(messages, list) or len(rows) != len(messages) or not set(map(str, said)) <= {"user", "assistant"}:
            raise ToolFailed("tool.reply", "the server gives no messages of user and assistant", where=GET, hint="look at the server")
        roles[:] = map(str, said)
        words = found.get("description")
        first: Json = {"type": "text", "text": words if isinstance(words, str) else ""}
        return {"content": [first, *_content([one.get("content") for one in rows])]}

    def write(result: Mapping[str, Json]) -> dict[str, Json]:
        first, *items = _list(result)
        words = first.get("text") if isinstance(first, dict) else ""
        messages: list[Json] = [{"role": role, "content": item} for role, item in zip(roles, items, strict=True)]
        return {**({"description": words} if words else {}), "messages": messages}

    return Deed(name=GET, pin=PROMPT + name, read=read, write=write)


# -- resources


def of_resource(pin: str, own: str, uri: str) -> Deed:
    """``own``: the address as the server has it; ``uri``: as it was asked for."""

    def read(found: Mapping[str, Json]) -> dict[str, Json]:
        contents = found.get("contents")
        if not isinstance(contents, list) or not all(isinstance(one, dict) for one in contents):
            raise ToolFailed("tool.reply", "the server gives no contents", where=READ, hint="look at the server")
        return {"content": _content([{"type": "resource", "resource": one} for one in contents])}

    def write(result: Mapping[str, Json]) -> dict[str, Json]:
        rows = [one["resource"] for one in _list(result) if isinstance(one, dict)]
        contents: list[Json] = [{**one, "uri": uri if one.get("uri") == own else one.get("uri")} for one in rows if isinstance(one, dict)]
        return {"contents": contents}

    return Deed(name=READ, pin=pin, read=read, write=write)


# -- completion


def of_completion(pin: str) -> Deed:
    def read(found: Mapping[str, Json]) -> dict[str, Json]:
        inner = found.get("completion")
        values = inner.get("values") if isinstance(inner, dict) else None
        if not isinstance(values, list):
            raise ToolFailed("tool.reply", "the server gives no list of values", where=COMPLETE, hint="look at the server")
        return {"content": [{"type": "text", "text": one} for one in values[:VALUES_MAX] if isinstance(one, str)]}

    def write(result: Mapping[str, Json]) -> dict[str, Json]:
        return {"values": [one["text"] for one in _list(result) if isinstance(one, dict)]}

    return Deed(name=COMPLETE, pin=pin, read=read, write=write)


def _list(result: Mapping[str, Json]) -> list[Json]:
    found = json.loads(json.dumps(result.get("content")))
    return found if isinstance(found, list) else []
