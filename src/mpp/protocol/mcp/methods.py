"""What each method does that needs the host. Spec: mcp-front J-20."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpp.errors import MppError
from mpp.model.jsontext import Json, shown
from mpp.ports import Steps
from mpp.protocol.mcp.calling import Answers, Asker, called, performed, Task, tool_call
from mpp.protocol.mcp.fitting import fitting
from mpp.protocol.mcp.headers import wrong_params
from mpp.protocol.mcp.limits import COMPLETIONS_MAX, NAME_CHARS_MAX, URI_CHARS_MAX
from mpp.protocol.mcp.lists import Pages
from mpp.protocol.mcp.ports import Backend, Caller, Listing, Outcome, SaidError
from mpp.protocol.mcp.reading import Params, write_json
from mpp.protocol.mcp.versions import HEADER_MISMATCH, INVALID_PARAMS, NO_RESOURCE, SERVER_KEY
from mpp.protocol.mcp.writing import BAD_REQUEST, FaultError, not_given, raw_reply, refuse, Reply, result_reply

LISTS: dict[str, tuple[str, Callable[[Backend, Caller], Listing]]] = {
    "tools/list": ("tools", lambda backend, who: backend.tools(who)),
    "resources/list": ("resources", lambda backend, who: backend.resources(who)),
    "resources/templates/list": ("resourceTemplates", lambda backend, who: backend.resource_templates(who)),
    "prompts/list": ("prompts", lambda backend, who: backend.prompts(who)),
}
ASKING = frozenset(("tools/call", "prompts/get"))
OTHERS = frozenset((*ASKING, "resources/read", "completion/complete"))
_UNKNOWN = {"call.tool": "Unknown tool", "call.prompt": "Unknown prompt"}

LIST_FRESH_MS = 60_000
"""Milliseconds that a client may keep a list without asking. Reason: a change is told at once to those who listen; others see it within a minute."""

TEXTS_OF_PROMPT_MAX = 64
"""Arguments of a prompt. Reason: a prompt has a handful."""


def text(params: Mapping[str, Json], key: str, most: int = NAME_CHARS_MAX, least: int = 1) -> str:
    found = params.get(key)
    if not isinstance(found, str) or not least <= len(found) <= most:
        raise refuse(f"{key} must be a text of {least} to {most} characters")
    return found


def listed(at: Asker, pages: Pages, info: Mapping[str, Json]) -> Reply:
    job = at.job
    key, of = LISTS[job.method]
    extra: dict[str, Json] = {}
    if job.modern:
        extra = {"ttlMs": LIST_FRESH_MS, "cacheScope": "private", "_meta": {SERVER_KEY: dict(info)}}
    return raw_reply(job.id, pages.page(key, of(at.backend, at.who), job.params.get("cursor"), at.who, job.version, extra))


def asking(at: Asker, info: Mapping[str, Json]) -> Answers:
    """A method that may ask the client something."""
    job = at.job
    if job.headers is not None and job.modern and job.method == "tools/call":
        _check_params(at, job.headers)
    try:
        found = yield from (called(at) if job.method == "tools/call" else prompt(at))
    except MppError as fault:
        unknown = _UNKNOWN.get(fault.code)
        if unknown is None:
            raise
        raise FaultError(INVALID_PARAMS, f"{unknown}: {shown(job.name)}") from None
    if found.get("resultType") == "input_required":
        return {**found, "_meta": {SERVER_KEY: dict(info)}}
    return fitting(found, job.version, info)


def _check_params(at: Asker, headers: Mapping[str, str]) -> None:
    name = tool_call(at.job).name
    arguments = at.job.params.get("arguments")
    for tool in at.backend.tools(at.who).items:
        if isinstance(tool, dict) and tool.get("name") == name:
            wrong = wrong_params(headers, tool.get("inputSchema"), arguments if isinstance(arguments, dict) else {})
            if wrong:
                raise FaultError(HEADER_MISMATCH, f"Header mismatch: {wrong}", status=BAD_REQUEST)
            return


def read(at: Asker) -> dict[str, Json]:
    uri = text(at.job.params, "uri", URI_CHARS_MAX)
    try:
        contents: list[Json] = [*at.backend.read(at.who, uri)]
    except SaidError as said:
        raise not_given(said.outcome.result) from None
    except MppError as fault:
        if fault.code == "call.resource":
            code = INVALID_PARAMS if at.job.modern else NO_RESOURCE
            raise FaultError(code, "Resource not found", data={"uri": uri}) from None
        raise
    return {"contents": contents, **({"ttlMs": 0, "cacheScope": "private"} if at.job.modern else {})}


def prompt(at: Asker) -> Answers:
    name, given = text(at.job.params, "name"), at.job.params.get("arguments")
    if given is None:
        given = {}
    if not isinstance(given, dict) or len(given) > TEXTS_OF_PROMPT_MAX:
        raise refuse("arguments must be an object of texts")
    texts = {key: item for key, item in given.items() if isinstance(item, str)}
    if len(texts) != len(given):
        raise refuse("arguments must be an object of texts")

    def run(inputs: Mapping[str, Json]) -> Steps[Outcome]:
        yield from ()
        try:
            return Outcome(result=at.backend.prompt(at.who, name, texts, inputs))
        except SaidError as said:
            return said.outcome

    found = yield from performed(at, Task(kind="prompt", name=name, arguments=write_json(given), run=run))
    if found.get("isError"):
        raise not_given(found)
    return found


def completion(at: Asker) -> dict[str, Json]:
    ref, argument = at.job.params.get("ref"), at.job.params.get("argument")
    if not isinstance(ref, dict) or not isinstance(argument, dict):
        raise refuse("ref and argument must be objects")
    kind = ref.get("type")
    if kind not in {"ref/prompt", "ref/resource"}:
        raise refuse("ref must be a prompt or a resource")
    text(ref, "name" if kind == "ref/prompt" else "uri", URI_CHARS_MAX)
    try:
        found = [*at.backend.complete(at.who, ref, text(argument, "name"), text(argument, "value", URI_CHARS_MAX, least=0))]
    except SaidError as said:
        raise not_given(said.outcome.result) from None
    values: list[Json] = [*found[:COMPLETIONS_MAX]]
    return {"completion": {"values": values, "total": len(found), "hasMore": len(found) > len(values)}}


_PLAIN: dict[str, Callable[[Asker], Params]] = {"resources/read": read, "completion/complete": completion}


def plain(at: Asker, info: Mapping[str, Json]) -> Reply:
    """A method that asks the client nothing."""
    return result_reply(at.job.id, fitting(_PLAIN[at.job.method](at), at.job.version, info))
