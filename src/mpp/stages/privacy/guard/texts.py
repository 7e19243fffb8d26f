"""Every text of a tool that a model reads: names, titles, descriptions, and all that stands in its schemas. Spec: F-61 to F-63."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.stages.privacy.guard.hits import SIZE
from mpp.stages.privacy.guard.limits import LEVELS_MAX, TEXTS_MAX, TOOLS_LISTED_MAX

NAME, TITLE, PROSE, VALUE, EXAMPLE, PATTERN, REMARK = "name", "title", "prose", "value", "example", "pattern", "remark"
"""What a text is for. A sentence is at home in prose only."""

_PREFIX = b"mpp-description-1\x00"
_WORDS = {"description": PROSE, "title": TITLE}
_ONE = frozenset((
    "items", "additionalItems", "additionalProperties", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema",
    "not", "if", "then", "else",
))  # fmt: skip
_MANY = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_NAMED = {"properties": NAME, "$defs": NAME, "definitions": NAME, "dependentSchemas": NAME, "patternProperties": PATTERN}
_NAMES = frozenset(("required", "dependentRequired"))
_VALUES = {
    **dict.fromkeys(("default", "const", "enum", "format", "type", "contentEncoding", "contentMediaType"), VALUE),
    **dict.fromkeys(("$ref", "$id", "id", "$anchor", "$schema", "$dynamicRef", "$dynamicAnchor"), VALUE),
    **dict.fromkeys(("examples", "example"), EXAMPLE),
    "pattern": PATTERN,
}
_SCHEMAS_OF_A_TOOL = frozenset(("parameters", "returns", "inputSchema", "outputSchema"))


class Text(NamedTuple):
    """One text, where it stands and what it is for."""

    where: str
    kind: str
    text: str


@value
class Described:
    """One tool as a model reads it; the package itself has an empty name."""

    tool: str
    base: str
    """The pointer to the tool."""
    document: dict[str, Json]
    texts: tuple[Text, ...]

    @property
    def digest(self) -> str:
        """Names every byte that a model reads of it, numbers and flags too. Spec: F-90."""
        # Escapes for all beyond ASCII: half of a character, too, has its digest.
        written = json.dumps(self.document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(_PREFIX + written.encode("ascii")).hexdigest()


def describe_manifest(manifest: Manifest) -> tuple[Described, ...]:
    """What a model reads of a package: the package's own words first, then each tool's."""
    found = [_described("", "", {"name": manifest.name, "description": manifest.description})]
    for i, tool in enumerate(manifest.tool_definitions):
        document: dict[str, Json] = {"name": tool.name, "description": tool.description, "parameters": json.loads(tool.parameters)}
        if tool.title:
            document["title"] = tool.title
        if tool.returns is not None:
            document["returns"] = json.loads(tool.returns)
        found.append(_described(tool.name, f"/tool_definitions/{i}", document))
    return tuple(found)


def describe_tools(tools: Json) -> tuple[Described, ...]:
    """What a model reads of the ``tools/list`` of an older server. Raises Refused for what is no such list."""
    if not isinstance(tools, list) or len(tools) > TOOLS_LISTED_MAX:
        raise Refused(SIZE, f"it is no list of at most {TOOLS_LISTED_MAX} tools", where="tools", hint="ask for the tools page by page")
    found: list[Described] = []
    for i, tool in enumerate(tools):
        name = tool.get("name") if isinstance(tool, dict) else None
        if not isinstance(tool, dict) or not isinstance(name, str):
            raise Refused(SIZE, "a tool is no object with a name", where=f"/tools/{i}", hint="mend the list of tools")
        found.append(_described(name, f"/tools/{i}", tool))
    return tuple(found)


def _described(name: str, base: str, document: dict[str, Json]) -> Described:
    texts: list[Text] = []
    for text in _of_tool(document, base):
        if len(texts) == TEXTS_MAX:
            raise Refused(SIZE, f"a model would read more than {TEXTS_MAX} texts of this tool", where=base, hint="make the schemas smaller")
        texts.append(text)
    return Described(tool=name, base=base, document=document, texts=tuple(texts))


def _of_tool(document: dict[str, Json], base: str) -> Iterator[Text]:
    for key, item in document.items():
        here = f"{base}/{_escaped(key)}"
        if key == "name":
            yield from _values(item, here, NAME, 0)
        elif key in _WORDS:
            yield from _values(item, here, _WORDS[key], 0)
        elif key in _SCHEMAS_OF_A_TOOL:
            yield from _schema(item, here, 0)
        elif key == "annotations" and isinstance(item, dict):
            for name, one in item.items():
                yield from _values(one, f"{here}/{_escaped(name)}", TITLE if name == "title" else REMARK, 0)
        else:
            yield Text(here, NAME, key)
            yield from _values(item, here, VALUE, 0)


def _schema(found: Json, here: str, depth: int) -> Iterator[Text]:
    if depth > LEVELS_MAX:
        raise Refused(SIZE, f"a schema has more than {LEVELS_MAX} levels", where=here, hint="make the schemas flatter")
    if not isinstance(found, dict):
        yield from _values(found, here, REMARK, depth)
        return
    for keyword, item in found.items():
        yield from _keyword(keyword, item, f"{here}/{_escaped(keyword)}", depth + 1)


def _keyword(keyword: str, item: Json, here: str, depth: int) -> Iterator[Text]:
    if keyword in _WORDS:
        yield from _values(item, here, _WORDS[keyword], depth)
    elif keyword in _NAMED and isinstance(item, dict):
        for name, one in item.items():
            place = f"{here}/{_escaped(name)}"
            yield Text(place, _NAMED[keyword], name)
            yield from _schema(one, place, depth)
    elif keyword in _ONE or keyword in _MANY:
        for place, one in ((f"{here}/{i}", one) for i, one in enumerate(item)) if isinstance(item, list) else ((here, item),):
            yield from _schema(one, place, depth)
    elif keyword in _NAMES:
        yield from _values(item, here, NAME, depth)
    elif keyword in _VALUES:
        yield from _values(item, here, _VALUES[keyword], depth)
    else:
        # Attack: a sentence under a key that no validator reads. Keywords of numbers and flags come here too, and have no text.
        yield Text(here, NAME, keyword)
        yield from _values(item, here, REMARK, depth)


def _values(item: Json, here: str, kind: str, depth: int) -> Iterator[Text]:
    """All texts in a value, keys too."""
    if depth > LEVELS_MAX:
        raise Refused(SIZE, f"a value has more than {LEVELS_MAX} levels", where=here, hint="make the values flatter")
    if isinstance(item, str):
        yield Text(here, kind, item)
    elif isinstance(item, list):
        for i, one in enumerate(item):
            yield from _values(one, f"{here}/{i}", kind, depth + 1)
    elif isinstance(item, dict):
        for key, one in item.items():
            place = f"{here}/{_escaped(key)}"
            yield Text(place, kind, key)
            yield from _values(one, place, kind, depth + 1)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
