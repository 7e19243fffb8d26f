"""A result schema that still holds after the filter: each text or number may have become a placeholder, so each such place also takes any text.

Spec: 6-privacy, section on schemas. The tool's own schema is judged before, on what the tool wrote; a client sees this one.
"""

from __future__ import annotations

from mpp.model.jsontext import Json

_TEXT: Json = {"type": "string"}
_ONE = ("items", "additionalProperties")
_ROWS = ("prefixItems", "allOf", "anyOf", "oneOf")
_TABLES = ("properties", "patternProperties", "$defs", "definitions")
# What one replaced value or key can break, and what only says what may not be. Without it a schema accepts more, never less.
_DROPPED = frozenset((
    "not", "if", "then", "else", "contains", "minContains", "maxContains", "uniqueItems", "propertyNames", "dependentRequired", "dependentSchemas",
    "unevaluatedItems", "unevaluatedProperties", "minProperties", "maxProperties",
))  # fmt: skip
_TEXTUAL = frozenset(("enum", "const", "pattern", "format", "minLength", "maxLength"))


def widened(schema: Json) -> Json:
    """The schema for clients of a filtered tool. It accepts all that the tool's schema does, and all that the filter makes of it."""
    return _inner(schema) if isinstance(schema, dict) else schema


def _wide(schema: Json) -> Json:
    if not isinstance(schema, dict):
        # ``false`` allows no value, so nothing is ever replaced there.
        return schema
    inner = _inner(schema)
    return {"anyOf": [inner, _TEXT]} if _is_single(schema) else inner


def _is_single(schema: dict[str, Json]) -> bool:
    """Can it hold a text or a number?"""
    kind = schema.get("type")
    if kind is None:
        return not _TEXTUAL.isdisjoint(schema)
    kinds = kind if isinstance(kind, list) else [kind]
    return any(one in ("string", "integer", "number") for one in kinds)


def _inner(schema: dict[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {}
    rows: list[Json] = []
    for key, item in schema.items():
        if key in _DROPPED or (key == "additionalProperties" and item is False):
            continue
        if key in _ONE:
            out[key] = _wide(item)
        elif key in _TABLES and isinstance(item, dict):
            out[key] = {name: _wide(one) for name, one in item.items()}
        elif key == "oneOf" and isinstance(item, list):
            # A placeholder fits several of them at once.
            rows.append({"anyOf": [_wide(one) for one in item]})
        elif key in _ROWS and isinstance(item, list):
            out[key] = [_wide(one) for one in item]
        else:
            out[key] = item
    if rows:
        had = out.get("allOf")
        out["allOf"] = [*(had if isinstance(had, list) else []), *rows]
    return out
