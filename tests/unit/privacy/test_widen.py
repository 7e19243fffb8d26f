"""A result schema that still holds after the filter."""

from __future__ import annotations

import pytest
from jsonschema_rs import validator_for

from mpp.model.jsontext import Json
from mpp.stages.privacy.widen import widened

PLACED = "[EMAIL-gkbmrtqz]"

CASES: list[tuple[Json, list[Json]]] = [
    ({"type": "object", "properties": {"email": {"type": "string", "format": "email", "pattern": "@"}}, "required": ["email"]}, [{"email": PLACED}]),
    ({"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}}}, [{"n": 7}, {"n": PLACED}]),
    ({"type": "object", "properties": {"n": {"type": ["number", "null"]}}}, [{"n": None}, {"n": PLACED}]),
    ({"type": "object", "properties": {"k": {"enum": ["a"]}, "c": {"const": 1}}}, [{"k": PLACED, "c": PLACED}]),
    ({"type": "object", "properties": {"p": {"pattern": "^x"}}}, [{"p": PLACED}]),
    ({"type": "object", "properties": {}, "additionalProperties": False}, [{PLACED: 1}]),
    ({"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"pattern": "^a"}}, [{PLACED: PLACED}]),
    ({"type": "object", "properties": {"l": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}}}, [{"l": [PLACED, PLACED]}]),
    ({"type": "object", "properties": {"l": {"prefixItems": [{"type": "integer"}, True]}}}, [{"l": [PLACED, {}]}]),
    ({"type": "object", "oneOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"type": "string", "pattern": "^q"}}}]}, [{"a": PLACED}]),
    ({"type": "object", "allOf": [{"properties": {"a": {"type": "integer"}}}], "oneOf": [True]}, [{"a": PLACED}]),
    ({"type": "object", "properties": {"a": {"$ref": "#/$defs/mail"}}, "$defs": {"mail": {"type": "string", "format": "email"}}}, [{"a": PLACED}]),
    ({"type": "object", "not": {"required": [PLACED]}}, [{PLACED: 1}]),
    ({"type": "object", "properties": {"x": False, "y": {"type": "boolean"}}}, [{"y": True}]),
]


@pytest.mark.parametrize(("schema", "messages"), CASES)
def test_what_the_filter_makes_fits(schema: Json, messages: list[Json]) -> None:
    check = validator_for(widened(schema))
    for message in messages:
        check.validate(message)


def test_what_cannot_be_replaced_is_still_judged() -> None:
    check = validator_for(widened({"type": "object", "properties": {"x": False, "y": {"type": "boolean"}, "o": {"type": "object"}}, "required": ["y"]}))
    for message in ({"y": 1}, {"y": True, "o": PLACED}, {}, {"y": True, "x": 1}):
        assert not check.is_valid(message)


def test_a_schema_that_is_no_object_stays() -> None:
    assert widened(True) is True
