"""Schemas of older servers: what can be checked of them, and which are not taken."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.host.legacy.schemas import judge_against, schema_fault
from mpp.model.jsontext import Json
from mpp.stages.sandbox import read_arguments


def fits(schema: Json, arguments: Json) -> bool:
    written = json.dumps(schema).encode()
    assert schema_fault(written) == ""
    try:
        judge_against(written, read_arguments(json.dumps(arguments).encode()))
    except Refused as fault:
        assert fault.code == "call.arguments"
        return False
    return True


def having(inner: Json, **more: Json) -> dict[str, Json]:
    return {"type": "object", "properties": {"a": inner}, **more}


HELD: list[tuple[Json, Json]] = [
    (having({"type": "string"}, required=["a"]), {}),
    (having({"type": "string"}), {"a": 1}),
    (having({"type": "string", "pattern": "^b+$"}), {"a": "a"}),
    (having({"type": "integer", "minimum": 3}), {"a": 2}),
    (having({"enum": ["x"]}), {"a": "y"}),
    (having({"$ref": "#/definitions/N"}, definitions={"N": {"type": "integer"}}), {"a": "y"}),
    (having({"type": "string"}, additionalProperties=False), {"b": "y"}),
    (having({"items": [{"type": "string"}]}), {"a": [1]}),
    (having({"oneOf": [{"type": "string"}, {"type": "string"}]}), {"a": "y"}),
    (having({"not": {"type": "string"}}), {"a": "y"}),
    (having({"if": {"type": "string"}, "then": {"maxLength": 1}}), {"a": "yy"}),
    ({"type": "object", "patternProperties": {"^x": {"type": "integer"}}}, {"xa": "y"}),
    (having({"type": "string"}, dependentRequired={"a": ["b"]}), {"a": "y"}),
]


@pytest.mark.parametrize(("schema", "arguments"), HELD)
def test_arguments_that_do_not_fit(schema: Json, arguments: Json) -> None:
    assert not fits(schema, arguments)


LET_THROUGH: list[tuple[Json, Json]] = [
    ({}, {"a": 1}),
    (having({"type": "string", "nullable": True}), {"a": None}),
    (having({"type": "string", "$schema": "x", "x-order": 1, "example": "y", "format": "date"}, **{"$schema": "http://json-schema.org/draft-04/schema#"}), {"a": "b"}),
    (having({"$ref": "https://example.org/schema"}), {"a": 1}),
    (having({"type": "string", "pattern": "(?=look)ahead"}), {"a": "x"}),
    (having({"type": "string", "required": True}), {"a": "x"}),
    (having({"type": "strange", "minLength": "x", "uniqueItems": 1, "enum": [], "maximum": True, "anyOf": 3}), {"a": "x"}),
    (having({"oneOf": [{"type": "string", "pattern": "(?=a)"}, {"type": "string"}]}), {"a": "x"}),
    (having({"oneOf": [{"pattern": "(?=a)"}, {}], "anyOf": [{"type": "string"}]}), {"a": "x"}),
    (having({"not": {"pattern": "(?=a)"}}), {"a": "x"}),
    (having({"if": {"pattern": "(?=a)"}, "then": False, "else": False}), {"a": "x"}),
    (having(7), {"a": "x"}),
    (having(True, dependencies={"a": ["b"]}, patternProperties={"(?=a)": False}), {"a": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "arguments"), LET_THROUGH)
def test_what_cannot_be_checked_refuses_nothing(schema: Json, arguments: Json) -> None:
    assert fits(schema, arguments)


def deep(levels: int) -> Json:
    found: Json = {}
    for _ in range(levels):
        found = having(found)
    return found


ODD: list[tuple[Json, str]] = [
    ({"type": "array"}, "type object"),
    (deep(40), "deeper than"),
    (having({"$ref": "#/properties/a"}), "without bound"),
    (having({"$ref": "#/$defs/none"}), "no schema here"),
]


@pytest.mark.parametrize(("schema", "words"), ODD)
def test_schemas_that_are_not_taken(schema: Json, words: str) -> None:
    found = schema_fault(json.dumps(schema).encode())
    assert "cannot be checked" in found
    assert words in found
