"""Schemas of servers become schemas of manifests, and each change is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mpp.author.migrating.schemas import acceptable, EMPTY
from mpp.model.fields import Faults
from mpp.model.jsontext import Json
from mpp.model.toolschema import read_schema

OBJECT: dict[str, Any] = {"type": "object"}


def sound(schema: Json) -> bool:
    faults = Faults("manifest")
    read_schema(schema, "", faults, needs_object=False)
    return not faults.found


@pytest.mark.parametrize(
    ("found", "expected", "words"),
    [
        ({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}, OBJECT, ""),
        ({"type": "object", "$schema": "https://example.com/own"}, OBJECT, ""),
        ({}, OBJECT, "object"),
        ({"type": ["object", "null"]}, OBJECT, "object"),
        (True, OBJECT, "object"),
        ({**OBJECT, "properties": {"a": {"type": "string", "nullable": True}}}, {**OBJECT, "properties": {"a": {"type": ["string", "null"]}}}, "nullable"),
        ({**OBJECT, "properties": {"a": {"type": "string", "nullable": False}}}, {**OBJECT, "properties": {"a": {"type": "string"}}}, "nullable"),
        ({**OBJECT, "properties": {"nullable": {"type": "string"}}}, {**OBJECT, "properties": {"nullable": {"type": "string"}}}, ""),
        ({**OBJECT, "example": {"a": 1}}, {**OBJECT, "examples": [{"a": 1}]}, "examples"),
        (
            {**OBJECT, "properties": {"a": {"items": [{"type": "string"}], "additionalItems": False}}},
            {**OBJECT, "properties": {"a": {"prefixItems": [{"type": "string"}], "items": False}}},
            "prefixItems",
        ),
        ({**OBJECT, "properties": {"a": {"maximum": 3, "exclusiveMaximum": True}}}, {**OBJECT, "properties": {"a": {"exclusiveMaximum": 3}}}, "exclusive"),
        ({**OBJECT, "properties": {"a": {"minimum": 3, "exclusiveMinimum": False}}}, {**OBJECT, "properties": {"a": {"minimum": 3}}}, "exclusive"),
        ({**OBJECT, "$id": "https://example.com/a", "properties": {"a": {"pattern": "(?=x)"}}}, {**OBJECT, "properties": {"a": {}}}, "was left out"),
        ({**OBJECT, "properties": {"a": {"$ref": "https://example.com/b"}}}, {**OBJECT, "properties": {"a": {}}}, "was left out"),
        ({**OBJECT, "anyOf": [1, {"type": "object"}]}, {**OBJECT, "anyOf": [True, {"type": "object"}]}, "was left out"),
        ({**OBJECT, "properties": {"a/b": {"colour": 1}}}, {**OBJECT, "properties": {"a/b": {}}}, "colour"),
        ({**OBJECT, "properties": {"a": {"$ref": "#/properties/a"}}}, None, "left out"),
        ({**OBJECT, "properties": {"a": {"enum": []}}}, {**OBJECT, "properties": {"a": {}}}, "was left out"),
    ],
)
def test_what_a_manifest_may_not_have_is_said_otherwise_or_left_out(found: Json, expected: Json, words: str) -> None:
    before = json.dumps(found)
    mended = acceptable(found, needs_object=True)
    assert sound(mended.schema)
    assert expected is None or mended.schema == expected
    assert words in " ".join(mended.changes)
    assert bool(mended.changes) == bool(words)
    assert json.dumps(found) == before, "what the server said stays as it is"


def test_a_sound_schema_stays_as_it_is() -> None:
    schema: Json = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "string"}}, "required": ["a"]}
    assert acceptable(schema, needs_object=True).schema == schema
    assert acceptable(schema, needs_object=True).changes == ()


def test_what_cannot_be_mended_is_left_out_whole() -> None:
    deep: Json = {"type": "object"}
    for _ in range(60):
        deep = {"type": "object", "not": deep}
    many: Json = {"type": "object", "properties": {str(i): {"type": "string"} for i in range(3000)}}
    for found in (deep, many):
        mended = acceptable(found, needs_object=True)
        assert sound(mended.schema)
        assert mended.changes


def test_a_fault_that_cannot_be_found_gives_the_schema_up() -> None:
    # The place of a fault is cut where it is long, so it names nothing.
    found: Json = {"type": "object", "properties": {"x" * 500: {"pattern": "(?=x)"}}}
    assert acceptable(found, needs_object=True).schema == EMPTY
    listed: Json = {"type": "object", "allOf": [{"prefixItems": [5]}, 7]}
    assert acceptable(listed, needs_object=True).schema == {"type": "object", "allOf": [{"prefixItems": [True]}, True]}


def test_a_schema_with_faults_without_end_is_given_up() -> None:
    found: Json = {"type": "object", "properties": {f"a{i}": {"pattern": "(?=x)"} for i in range(200)}}
    mended = acceptable(found, needs_object=True)
    assert mended.schema == EMPTY
    assert "whole schema" in mended.changes[-1]
