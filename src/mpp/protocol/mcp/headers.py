"""The headers of HTTP that repeat what the body says, so that others on the way can read it. Spec: mcp-front J-30 to J-33.

Attack: whoever stands on the way judges by the header, this host by the body. They must say the same.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping

from mpp.limits import JSON_DEPTH_MAX
from mpp.model.jsontext import Json

VERSION = "mcp-protocol-version"
METHOD = "mcp-method"
NAME = "mcp-name"
PARAM = "mcp-param-"
MARK = "x-mcp-header"

_PLAIN = re.compile(r"[\t\x20-\x7e]*")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_BEGIN, _END = "=?base64?", "?="


def decoded(text: str) -> str | None:
    """The value of a header, its Base64 form opened; None where it is neither."""
    text = text.strip(" \t")
    if text.startswith(_BEGIN) and text.endswith(_END) and len(text) >= len(_BEGIN) + len(_END):
        try:
            return b64decode(text[len(_BEGIN) : -len(_END)], validate=True).decode("utf-8")
        except ValueError:
            return None
    return text if _PLAIN.fullmatch(text) else None


def wrong_method(headers: Mapping[str, str], method: str, name: str) -> str:
    """What the standard headers say wrong; empty if nothing. ``name``: of the tool, prompt or resource, where there is one."""
    if headers.get(METHOD, "").strip(" \t") != method:
        return "Mcp-Method is missing or not the method of the body"
    if name and ((given := headers.get(NAME)) is None or decoded(given) != name):
        return "Mcp-Name is missing or not the name in the body"
    return ""


def wrong_params(headers: Mapping[str, str], schema: Json, arguments: Mapping[str, Json]) -> str:
    """What the headers of arguments say wrong; empty if nothing. Headers that no schema names are nobody's business."""
    for header, path in marked(schema):
        given, value = headers.get(PARAM + header.lower()), _at(arguments, path)
        if value is None:
            if given is not None:
                return f"Mcp-Param-{header} repeats an argument that is not there"
        elif given is None or not _same(decoded(given), value):
            return f"Mcp-Param-{header} is missing or not the argument of the body"
    return ""


def marked(schema: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each argument that a schema wants in a header: the end of the header's name, and where the argument stands."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(path) >= JSON_DEPTH_MAX:
        return
    for key, inner in properties.items():
        if isinstance(inner, dict):
            header = inner.get(MARK)
            if isinstance(header, str) and header:
                yield header, (*path, key)
            yield from marked(inner, (*path, key))


def _at(found: Json | Mapping[str, Json], path: tuple[str, ...]) -> Json:
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if not isinstance(found, Mapping) else dict(found)


def _same(given: str | None, value: Json) -> bool:
    if given is None:
        return False
    if isinstance(value, bool):
        return given == ("true" if value else "false")
    if isinstance(value, (int, float)):
        return given == str(value) or (_NUMBER.fullmatch(given) is not None and float(given) == value)
    return isinstance(value, str) and given == value
