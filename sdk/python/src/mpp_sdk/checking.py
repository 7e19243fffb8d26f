"""A small checker of JSON Schemas, for tests and for examples: the keywords that ``mpp_sdk.schemas`` writes, and refuses the others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_ANNOTATIONS = frozenset(
    ("title", "description", "default", "examples", "format", "deprecated", "$defs", "contentEncoding", "$comment", "readOnly", "writeOnly", "enumNames")
)
_DONE_WITH = frozenset(("additionalProperties", "prefixItems"))
"""Judged together with ``properties`` and ``items``."""


def check(value: Any, schema: Any, root: Any = None, where: str = "") -> list[str]:
    """What is wrong with ``value``: a sentence each, with its place. Raises ``TypeError`` for a schema that it cannot check."""
    root = schema if root is None else root
    if schema is True or schema == {}:
        return []
    if schema is False:
        return [f"{where or '/'} is not allowed"]
    out: list[str] = []
    for keyword, wanted in schema.items():
        if keyword in _ANNOTATIONS or keyword in _DONE_WITH or keyword.startswith("x-"):
            continue
        judge = _JUDGES.get(keyword)
        if judge is None:
            raise TypeError(f"mpp_sdk.testing cannot check the keyword {keyword!r} of this schema")
        out += judge(value, wanted, schema, root, where)
    if "additionalProperties" in schema and "properties" not in schema:
        out += _properties(value, {}, schema, root, where)
    if "prefixItems" in schema and "items" not in schema:
        out += _items(value, True, schema, root, where)
    return out


def _is(value: Any, kind: str) -> bool:
    if kind == "integer":
        return (type(value) is int) or (type(value) is float and value.is_integer())
    if kind == "number":
        return type(value) in {int, float}
    kinds: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    return type(value) is kinds[kind]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: 1 is 1.0, and true is no 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _type(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    return [] if any(_is(value, kind) for kind in kinds) else [f"{where or '/'} is not of type {' or '.join(kinds)}"]


def _enum(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
    return [] if any(same(value, one) for one in wanted) else [f"{where or '/'} is not one of {json.dumps(wanted)}"]


def _const(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
    return [] if same(value, wanted) else [f"{where or '/'} is not {json.dumps(wanted)}"]


def _reference(value: Any, wanted: Any, _schema: Any, root: Any, where: str) -> list[str]:
    target = root
    for part in wanted.removeprefix("#").strip("/").split("/"):
        target = target[part.replace("~1", "/").replace("~0", "~")] if part else target
    return check(value, target, root, where)


def _any_of(value: Any, wanted: Any, _schema: Any, root: Any, where: str) -> list[str]:
    found = [check(value, one, root, where) for one in wanted]
    return [] if any(not faults for faults in found) else [f"{where or '/'} fits none of its kinds: {'; '.join(faults[0] for faults in found)}"]


def _one_of(value: Any, wanted: Any, _schema: Any, root: Any, where: str) -> list[str]:
    fits = sum(not check(value, one, root, where) for one in wanted)
    return [] if fits == 1 else [f"{where or '/'} fits {fits} of its kinds and not one"]


def _all_of(value: Any, wanted: Any, _schema: Any, root: Any, where: str) -> list[str]:
    return [fault for one in wanted for fault in check(value, one, root, where)]


def _not(value: Any, wanted: Any, _schema: Any, root: Any, where: str) -> list[str]:
    return [] if check(value, wanted, root, where) else [f"{where or '/'} is what it must not be"]


def _properties(value: Any, wanted: Any, schema: Any, root: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    others = schema.get("additionalProperties", True)
    out = []
    for key, one in value.items():
        if key in wanted:
            out += check(one, wanted[key], root, f"{where}/{key}")
        elif others is False:
            out.append(f"{where}/{key} is not known")
        else:
            out += check(one, others, root, f"{where}/{key}")
    return out


def _required(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
    return [f"{where}/{name} is missing" for name in wanted if isinstance(value, dict) and name not in value]


def _items(value: Any, wanted: Any, schema: Any, root: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        return []
    first = schema.get("prefixItems", [])
    return [fault for at, one in enumerate(value) for fault in check(one, first[at] if at < len(first) else wanted, root, f"{where}/{at}")]


def _unique(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not wanted:
        return []
    twice = any(same(one, other) for at, one in enumerate(value) for other in value[:at])
    return [f"{where or '/'} holds a value twice"] if twice else []


def _pattern(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
    # Portable expressions mean the same in ASCII mode; see manifest M-100.
    fits = not isinstance(value, str) or re.search(wanted, value, re.ASCII) is not None
    return [] if fits else [f"{where or '/'} does not match {wanted}"]


def _compared(kinds: tuple[type, ...], judge: Callable[[Any, Any], bool], words: str) -> Callable[[Any, Any, Any, Any, str], list[str]]:
    def judged(value: Any, wanted: Any, _schema: Any, _root: Any, where: str) -> list[str]:
        if type(value) not in kinds or judge(value, wanted):
            return []
        return [f"{where or '/'} {words} {wanted}"]

    return judged


_NUMBERS = (int, float)
_JUDGES: dict[str, Callable[[Any, Any, Any, Any, str], list[str]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _reference,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
    "not": _not,
    "properties": _properties,
    "required": _required,
    "items": _items,
    "uniqueItems": _unique,
    "pattern": _pattern,
    "minimum": _compared(_NUMBERS, lambda found, wanted: found >= wanted, "is below"),
    "maximum": _compared(_NUMBERS, lambda found, wanted: found <= wanted, "is above"),
    "exclusiveMinimum": _compared(_NUMBERS, lambda found, wanted: found > wanted, "is not above"),
    "exclusiveMaximum": _compared(_NUMBERS, lambda found, wanted: found < wanted, "is not below"),
    "multipleOf": _compared(_NUMBERS, lambda found, wanted: found % wanted == 0, "is no multiple of"),
    "minLength": _compared((str,), lambda found, wanted: len(found) >= wanted, "is shorter than"),
    "maxLength": _compared((str,), lambda found, wanted: len(found) <= wanted, "is longer than"),
    "minItems": _compared((list,), lambda found, wanted: len(found) >= wanted, "has fewer items than"),
    "maxItems": _compared((list,), lambda found, wanted: len(found) <= wanted, "has more items than"),
    "minProperties": _compared((dict,), lambda found, wanted: len(found) >= wanted, "has fewer keys than"),
    "maxProperties": _compared((dict,), lambda found, wanted: len(found) <= wanted, "has more keys than"),
}
