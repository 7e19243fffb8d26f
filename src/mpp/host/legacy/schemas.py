"""The schema of an older server's tool, as arguments are held against it before they are sent. Spec: legacy V-64.

A manifest's schema is refused for every keyword that is not known. A server's own is taken as it is: what cannot be checked here is left out, so that the check
refuses nothing that the server takes. What has no bound is not taken at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache

from mpp.errors import Refused
from mpp.model.fields import Faults
from mpp.model.jsontext import Json
from mpp.model.limits import SCHEMA_DEPTH_MAX
from mpp.model.regexcheck import regex_fault
from mpp.model.toolschema import read_schema
from mpp.stages.sandbox import Arguments, SchemaCheck

_ONE = frozenset(("items", "additionalProperties", "contains", "propertyNames", "then", "else"))
_MANY = frozenset(("allOf", "anyOf"))
_NAMED = frozenset(("properties", "$defs", "definitions", "dependentSchemas"))
_NUMBERS = frozenset(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"))
_COUNTS = frozenset(("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"))
_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_KEPT = 256
"""Schemas whose readings are kept. Reason: those of the tools in use; a reading takes a millisecond."""


class _Reading:
    """One schema, with what can be checked of it."""

    def __init__(self) -> None:
        self.lost = 0
        """Keywords that were left out, and that could have refused something."""

    def schema(self, found: Json, depth: int = 0) -> Json:
        if depth > SCHEMA_DEPTH_MAX or not isinstance(found, dict):
            return found if isinstance(found, bool) else self._lose({})
        out: dict[str, Json] = {}
        for keyword, item in found.items():
            self._keyword(keyword, item, out, depth + 1)
        if found.get("nullable") is True and isinstance(out.get("type"), str):
            out["type"] = [out["type"], "null"]
        self._condition(found, out, depth + 1)
        return out

    def _lose(self, given: Json) -> Json:
        self.lost += 1
        return given

    def _keyword(self, keyword: str, item: Json, out: dict[str, Json], depth: int) -> None:
        if keyword == "items" and isinstance(item, list):
            out["prefixItems"] = [self.schema(one, depth) for one in item]
        elif keyword in _ONE:
            out[keyword] = self.schema(item, depth)
        elif keyword in _MANY or keyword in {"prefixItems", "oneOf"}:
            self._list("anyOf" if keyword == "oneOf" and "anyOf" not in out else keyword, keyword, item, out, depth)
        elif isinstance(item, dict) and (keyword in _NAMED or (keyword == "patternProperties" and not any(map(regex_fault, item)))):
            out[keyword] = {name: self.schema(one, depth) for name, one in item.items()}
        elif _is_plain(keyword, item):
            out[keyword] = item
        elif keyword not in {"title", "description", "default", "examples", "$schema", "$comment", "format", "nullable", "not", "if"}:
            self.lost += 1

    def _list(self, lenient: str, keyword: str, item: Json, out: dict[str, Json], depth: int) -> None:
        """One of several: where a part was left out, more than one may fit."""
        if not isinstance(item, list) or not item:
            self.lost += 1
            return
        before = self.lost
        parts: list[Json] = [self.schema(one, depth) for one in item]
        if self.lost == before or keyword != "oneOf":
            out[keyword] = parts
        elif lenient not in out:
            out[lenient] = parts

    def _condition(self, found: dict[str, Json], out: dict[str, Json], depth: int) -> None:
        """What says no where it holds is used only whole. Attack on oneself: half of it says no more often."""
        before = self.lost
        for keyword in ("not", "if"):
            if keyword in found:
                out[keyword] = self.schema(found[keyword], depth)
        if self.lost != before:
            for keyword in ("not", "if", "then", "else"):
                out.pop(keyword, None)


def _is_plain(keyword: str, item: Json) -> bool:
    is_number = isinstance(item, int | float) and not isinstance(item, bool)
    rules: tuple[tuple[bool, Callable[[], bool]], ...] = (
        (keyword == "const", lambda: True),
        (keyword == "enum", lambda: isinstance(item, list) and len(item) > 0),
        (keyword == "required", lambda: _are_names(item)),
        (keyword == "dependentRequired", lambda: isinstance(item, dict) and all(map(_are_names, item.values()))),
        (keyword == "uniqueItems", lambda: isinstance(item, bool)),
        (
            keyword == "type",
            lambda: item in _TYPES if isinstance(item, str) else _are_names(item) and isinstance(item, list) and _TYPES.issuperset(map(str, item)),
        ),
        (keyword in _NUMBERS, lambda: is_number),
        (keyword in _COUNTS, lambda: is_number and item == int(item if isinstance(item, int | float) else 0)),
        (keyword == "pattern", lambda: isinstance(item, str) and not regex_fault(item)),
        (keyword == "$ref", lambda: isinstance(item, str) and (item == "#" or item.startswith("#/"))),
    )
    return any(is_it and holds() for is_it, holds in rules)


def _are_names(item: Json) -> bool:
    return isinstance(item, list) and all(isinstance(one, str) for one in item) and len(set(map(str, item))) == len(item)


@lru_cache(maxsize=_KEPT)
def checkable(schema: bytes) -> bytes:
    """What arguments are held against. Raises Refused for a schema without bounds, or for other things than objects."""
    found = json.loads(schema)
    if isinstance(found, dict) and "type" not in found:
        found = {"type": "object", **found}
    faults = Faults("manifest")
    read = read_schema(_Reading().schema(found), "inputSchema", faults, needs_object=True)
    faults.stop()
    return read


def schema_fault(schema: bytes) -> str:
    """Why arguments cannot be held against it, in words; empty if they can."""
    try:
        SchemaCheck(checkable(schema))
    except Refused as fault:
        return f"its schema cannot be checked: {fault.message} [{fault.code}]"
    except (ValueError, TypeError):
        return "its schema cannot be checked"
    return ""


def judge_against(schema: bytes, arguments: Arguments) -> None:
    """Refuse arguments that the server's own schema does not allow. Nothing is sent then."""
    SchemaCheck(checkable(schema)).judge_arguments(arguments)
