"""What an older server offers beside tools: prompts, resources and templates of resources, as they are pinned and as they are passed on. Spec: legacy V-60 to V-63."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from mpp.host.legacy.limits import ARGUMENTS_MAX, PROMPTS_MAX, RESOURCES_MAX, TEMPLATES_MAX, TOOLS_MAX
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp_client.limits import URI_CHARS_MAX
from mpp.protocol.mcp_client.lists import PROMPTS, RESOURCES, TEMPLATES, TOOLS
from mpp.stages.privacy.guard import Described, NAME, PROSE, Text, TITLE, VALUE

METHODS = {"mcp.prompts.get": "prompts/get", "mcp.resources.read": "resources/read", "mcp.completion.complete": "completion/complete"}
"""How policy and record name a request that is no call of a tool, and its method. A tool of such a name is kept back."""

TOOL, PROMPT, RESOURCE, TEMPLATE = "", "prompt: ", "resource: ", "template: "
"""What stands before the name of a pin, by its kind. No name of a tool has a space or a colon, so no kind is taken for another."""

OURS = "mpp://legacy/"
"""Before the name of a server and an address that two of them have. Spec: legacy V-62."""

_PROMPT_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[!#-;=?-\[\]_a-z~]+")
_MIME = re.compile(r"[!-~]{1,100}(; ?[!-~]{1,100})?")
_VARIABLE = re.compile(r"\{[^{}]*\}")
_NEVER = ("mpp:", "javascript:", "data:")
"""Attack: a server that answers under the addresses of this host, or with one that a client runs."""


@value
class Lists:
    """Everything that a server lists, as it came."""

    tools: tuple[Json, ...] = ()
    prompts: tuple[Json, ...] = ()
    resources: tuple[Json, ...] = ()
    templates: tuple[Json, ...] = ()

    def each(self) -> Iterator[tuple[str, Json]]:
        """Kind and document of each."""
        for kind, found in ((TOOL, self.tools), (PROMPT, self.prompts), (RESOURCE, self.resources), (TEMPLATE, self.templates)):
            yield from ((kind, one) for one in found)


@value
class ListOf:
    """A list that a server may have."""

    method: str
    ability: str
    """The capability without which it is not asked for."""
    most: int


TO_ASK = (
    ListOf(method=TOOLS, ability="", most=TOOLS_MAX),
    ListOf(method=PROMPTS, ability="prompts", most=PROMPTS_MAX),
    ListOf(method=RESOURCES, ability="resources", most=RESOURCES_MAX),
    ListOf(method=TEMPLATES, ability="resources", most=TEMPLATES_MAX),
)


def kind_of(name: str) -> str:
    """The kind of a pin, from its name."""
    return next((kind for kind in (PROMPT, RESOURCE, TEMPLATE) if name.startswith(kind)), TOOL)


def own_name(name: str) -> str:
    """As the server has it."""
    return name.removeprefix(kind_of(name))


_KEY = {TOOL: "name", PROMPT: "name", RESOURCE: "uri", TEMPLATE: "uriTemplate"}


def named(kind: str, document: Mapping[str, Json]) -> str:
    """The name of its pin; empty where it has none that could be used."""
    found = document.get(_KEY[kind])
    return kind + found if isinstance(found, str) else ""


def name_fault(kind: str, name: str) -> str:
    """Why what is named so is not passed on; empty if it is."""
    if kind == PROMPT:
        return "" if _PROMPT_NAME.fullmatch(name) else "its name is none that can be passed on"
    plain = _VARIABLE.sub("x", name) if kind == TEMPLATE else name
    if len(name) > URI_CHARS_MAX or _URI.fullmatch(plain) is None or (kind == TEMPLATE and ("{" in plain or "}" in plain)):
        return "its address is none that can be passed on"
    return "its address is not a server's to give" if name.lower().startswith(_NEVER) else ""


def passed_on(kind: str, document: Mapping[str, Json]) -> dict[str, Json]:
    """What an agent reads of it. Everything else that a server writes there goes nowhere."""
    found: dict[str, Json] = {key: text for key in ("name", "title", "description", _KEY[kind]) if isinstance(text := document.get(key), str)}
    found.setdefault("name", found[_KEY[kind]])
    mime = document.get("mimeType")
    if kind != PROMPT and isinstance(mime, str) and _MIME.fullmatch(mime):
        found["mimeType"] = mime
    if kind == PROMPT and (arguments := _arguments(document.get("arguments"))):
        found["arguments"] = arguments
    return found


def _arguments(found: Json) -> list[Json]:
    listed = found[: ARGUMENTS_MAX + 1] if isinstance(found, list) else []
    rows: list[Json] = []
    for one in listed:
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(name, str):
            row: dict[str, Json] = {key: text for key in ("name", "title", "description") if isinstance(text := one.get(key), str)}
            rows.append({**row, "required": one.get("required") is True})
    return rows


def form_fault(kind: str, document: Mapping[str, Json]) -> str:
    """Attack: a prompt with a thousand arguments, which nobody reads to the end."""
    arguments = document.get("arguments")
    if kind == PROMPT and isinstance(arguments, list) and len(arguments) > ARGUMENTS_MAX:
        return f"it has more than {ARGUMENTS_MAX} arguments"
    return ""


def described_other(kind: str, document: Mapping[str, Json]) -> Described:
    """All that a model reads of it, for the guard; its digest names every byte that the server gave."""
    name = named(kind, document)
    texts: list[Text] = []
    for key, use in (("name", NAME), ("title", TITLE), ("description", PROSE), ("uri", VALUE), ("uriTemplate", VALUE), ("mimeType", VALUE)):
        text = document.get(key)
        if isinstance(text, str) and text:
            texts.append(Text(f"/{key}", use, text))
    for number, one in enumerate(_arguments(document.get("arguments"))):
        for key, use in (("name", NAME), ("title", TITLE), ("description", PROSE)):
            text = one.get(key) if isinstance(one, dict) else None
            if isinstance(text, str) and text:
                texts.append(Text(f"/arguments/{number}/{key}", use, text))
    return Described(tool=name, base="", document=json.loads(json.dumps(document)), texts=tuple(texts))


# -- addresses


def under(server: str, uri: str) -> str:
    """The address of a resource that several servers call so: one that is this host's to give, and says whose it is."""
    return f"{OURS}{server}/{quote(uri, safe='{}')}"


def fits(template: str, uri: str) -> bool:
    """Could ``uri`` be one of a template's? Each variable stands for one character or more; the server itself looks closer.

    Attack: an expression that takes the time of the square of an address. The fixed parts are looked for once each, in their order.
    """
    first, *parts = _VARIABLE.split(template)
    if not parts:
        return template == uri
    *between, last = parts
    at = len(first)
    if not uri.startswith(first):
        return False
    for part in between:
        at = uri.find(part, at + 1)
        if at < 0:
            return False
        at += len(part)
    return uri.endswith(last) and len(uri) - len(last) > at
