"""Which keywords of a schema hold schemas, and which of them look at the same value again. All others only assert or annotate.

Spec: manifest M-90, the table of keywords.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpp.model.jsontext import Json

IN_PLACE_ONE = frozenset(("not", "if", "then", "else"))
IN_PLACE_LISTED = frozenset(("allOf", "anyOf", "oneOf"))
IN_PLACE_NAMED = frozenset(("dependentSchemas",))
INNER_ONE = frozenset(("items", "additionalProperties", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"))
INNER_LISTED = frozenset(("prefixItems",))
INNER_NAMED = frozenset(("properties", "patternProperties"))
KEPT_ONE = frozenset(("contentSchema",))
KEPT_NAMED = frozenset(("$defs", "definitions"))
"""Schemas that judge nothing where they stand; a reference may name them."""

ONE = IN_PLACE_ONE | INNER_ONE | KEPT_ONE
LISTED = IN_PLACE_LISTED | INNER_LISTED
NAMED = IN_PLACE_NAMED | INNER_NAMED | KEPT_NAMED
IN_PLACE = IN_PLACE_ONE | IN_PLACE_LISTED | IN_PLACE_NAMED
UNEVALUATED = frozenset(("unevaluatedItems", "unevaluatedProperties"))
OF_NUMBERS = frozenset(("multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"))
_OF_SIZES = frozenset(("maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains", "maxProperties", "minProperties"))
ASSERTING = frozenset(("type", "enum", "const", "pattern", "uniqueItems", "required", "dependentRequired")) | OF_NUMBERS | _OF_SIZES


def inner_schemas(keyword: str, item: Json) -> Iterator[tuple[str, Json]]:
    """The schemas under one keyword, each with its place below the schema that holds the keyword."""
    if keyword in ONE:
        yield keyword, item
    elif keyword in LISTED and isinstance(item, list):
        yield from ((f"{keyword}/{i}", one) for i, one in enumerate(item))
    elif keyword in NAMED and isinstance(item, dict):
        yield from ((f"{keyword}/{escaped(name)}", one) for name, one in item.items())


def escaped(key: str) -> str:
    """``key`` as a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
