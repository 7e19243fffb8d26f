"""Tool schemas: what passes is a valid 2020-12 schema for an independent validator, and ends when it is used."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpp.limits import FAULTS_MAX
from mpp.model.fields import Faults
from mpp.model.limits import SCHEMA_COST_MAX, SCHEMA_DEPTH_MAX, SCHEMA_LIST_MAX, SCHEMA_NODES_MAX
from mpp.model.toolschema import read_schema


def judged(schema: Any, *, needs_object: bool = False) -> tuple[list[str], bytes]:
    faults = Faults("manifest")
    out = read_schema(schema, "/s", faults, needs_object=needs_object)
    assert all(fault.message and fault.hint for fault in faults.found)
    return [f"{fault.code.removeprefix('manifest.')} {fault.where}" for fault in faults.found], out


# The shapes that tool servers in use give: hand-written, zod-to-json-schema, pydantic, schemars.
REAL: list[Any] = [
    {"type": "object"},
    {"type": "object", "properties": {}, "additionalProperties": False, "$schema": "http://json-schema.org/draft-07/schema#"},
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"path": {"type": "string", "minLength": 1}},
        "required": ["path"],
    },
    {
        "type": "object",
        "title": "read_fileArguments",
        "properties": {
            "head": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "default": None, "title": "Head"},
            "mode": {"type": "string", "enum": ["r", "w"], "default": "r", "description": "How"},
            "since": {"type": "string", "format": "date-time", "examples": ["2026-01-01T00:00:00Z"]},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9_-]+$"}, "maxItems": 10, "uniqueItems": True},
            "pair": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False},
            "ratio": {"type": "number", "exclusiveMinimum": 0, "maximum": 1.5, "multipleOf": 0.25},
            "any": True,
        },
        "required": ["head"],
        "dependentRequired": {"mode": ["since"]},
        "x-order": ["head", {"free": 1}],
    },
    {
        "type": "object",
        "$defs": {
            "Node": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}, "name": {"$ref": "#/definitions/a~1b"}}}
        },
        "definitions": {"a/b": {"type": ["string", "null"]}},
        "properties": {"root": {"$ref": "#/$defs/Node", "description": "beside a reference"}, "self": {"$ref": "#"}, "again": {"$ref": "#/properties/root"}},
    },
    {
        "type": "object",
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        "allOf": [{"if": {"properties": {"kind": {"const": "x"}}}, "then": {"required": ["y"]}, "else": {"not": {"required": ["y"]}}}],
        "patternProperties": {"^x_": {"type": "integer", "maximum": 18446744073709551615}},
        "propertyNames": {"maxLength": 20},
        "unevaluatedProperties": False,
        "dependentSchemas": {"a": {"properties": {"c": {"readOnly": True, "deprecated": False, "writeOnly": False}}}},
        "minProperties": 1,
        "maxProperties": 9,
        "$comment": "x",
    },
    {
        "type": "array",
        "contains": {"contentEncoding": "base64", "contentMediaType": "application/json", "contentSchema": {}},
        "minContains": 1,
        "maxContains": 2,
        "unevaluatedItems": False,
    },
    True,
    {},
]


@pytest.mark.parametrize("schema", REAL, ids=range(len(REAL)))
def test_real_schemas_pass_and_are_valid_elsewhere(schema: Any) -> None:
    faults, out = judged(schema, needs_object=isinstance(schema, dict) and schema.get("type") == "object")
    assert faults == []
    kept = {key: item for key, item in schema.items() if key != "$schema"} if isinstance(schema, dict) else schema
    assert json.loads(out) == kept
    assert jsonschema_rs.meta.is_valid(json.loads(out))
    jsonschema_rs.Draft202012Validator(json.loads(out)).is_valid({"root": {"children": [{}]}})


WRONG: list[tuple[Any, list[str]]] = [
    (7, ["schema /s"]),
    (None, ["schema /s"]),
    ({"properties": {"a": 7}}, ["schema /s/properties/a"]),
    ({"properties": []}, ["schema /s/properties"]),
    ({"items": [{}]}, ["schema /s/items"]),
    ({"items": 7}, ["schema /s/items"]),
    ({"anyOf": []}, ["schema /s/anyOf"]),
    ({"anyOf": {}}, ["schema /s/anyOf"]),
    ({"prefixItems": [{}, 3]}, ["schema /s/prefixItems/1"]),
    ({"type": "strin", "minLength": -1, "maxLength": 1.5, "maxItems": True}, ["schema /s/type", "schema /s/minLength", "schema /s/maxLength", "schema /s/maxItems"]),
    ({"type": []}, ["schema /s/type"]),
    ({"type": ["string", "string"]}, ["schema /s/type"]),
    ({"type": ["string", 7]}, ["schema /s/type"]),
    ({"minimum": "1", "maximum": 2**64 + 1, "exclusiveMinimum": True, "multipleOf": 0}, [f"schema /s/{key}" for key in ("minimum", "maximum", "exclusiveMinimum", "multipleOf")]),
    ({"multipleOf": "1"}, ["schema /s/multipleOf"]),
    ({"enum": []}, ["schema /s/enum"]),
    ({"enum": "a"}, ["schema /s/enum"]),
    ({"enum": list(range(SCHEMA_LIST_MAX + 1))}, ["schema /s/enum"]),
    ({"examples": 1, "title": 1, "uniqueItems": 1}, ["schema /s/examples", "schema /s/title", "schema /s/uniqueItems"]),
    ({"required": "a"}, ["schema /s/required"]),
    ({"required": ["a", "a"]}, ["schema /s/required"]),
    ({"required": [1]}, ["schema /s/required"]),
    ({"dependentRequired": {"a": "b"}}, ["schema /s/dependentRequired"]),
    ({"dependentRequired": []}, ["schema /s/dependentRequired"]),
    ({"pattern": "(?=a)", "patternProperties": {"(": {}}}, ["schema /s/pattern", "schema /s/patternProperties/("]),
    ({"pattern": 7}, ["schema /s/pattern"]),
    ({"patternProperties": []}, ["schema /s/patternProperties"]),
    ({"$defs": {"a" * 513: {"not": 7}}}, ["schema /s/$defs"]),
    ({"$schema": "http://json-schema.org/draft-04/schema#"}, ["schema /s/$schema"]),
    ({"$schema": 7}, ["schema /s/$schema"]),
    ({"not": {"$schema": "https://json-schema.org/draft/2020-12/schema"}}, ["schema_keyword /s/not/$schema"]),
    *(({key: {}}, [f"schema_keyword /s/{key}"]) for key in ("$id", "$anchor", "$dynamicRef", "dependencies", "additionalItems", "nullable", "example", "propertys", "\u00e9"[:0] + "zzz")),
    *(({"$ref": target}, ["schema_ref /s/$ref"]) for target in ("", "other.json", "https://example.com/s", "#a", "#/a b", "#/%24defs", "#/~2", 7, "//x", "#//", "#/properties/none")),
    ({"$ref": "#/default", "default": {}}, ["schema_ref /s/$ref"]),
    ({"$ref": "#/x-a", "x-a": {}}, ["schema_ref /s/$ref"]),
    ({"$ref": "#"}, ["schema_ref /s"]),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{}, {"$ref": "#/$defs/a"}]}}, "properties": {"x": {"$ref": "#/$defs/a"}}}, ["schema_ref /s/$defs/a"]),
    ({"dependentSchemas": {"a": {"not": {"$ref": "#"}}}}, ["schema_ref /s"]),
    # All at once: references, and other faults beside them; but no guess where a part could not be read.
    (
        {"properties": {"a": {"$ref": "#/b"}, "b": {"$ref": "#/c"}, "c": {"$ref": "x"}, "d": {"$ref": "#/properties/d"}, "e": {"type": "strin"}}},
        ["schema_ref /s/properties/c/$ref", "schema /s/properties/e/type", "schema_ref /s/properties/a/$ref", "schema_ref /s/properties/b/$ref", "schema_ref /s/properties/d"],
    ),
    ({"propertys": {}, "not": {"$ref": "#/propertys/a"}}, ["schema_keyword /s/propertys", "schema_ref /s/not/$ref"]),
    ({"properties": {"a": 7, "b": {"$ref": "#/c"}}}, ["schema /s/properties/a", "schema_ref /s/properties/b/$ref"]),
    ({"items": [{}], "not": {"$ref": "#/items/0"}}, ["schema /s/items"]),
    ({"anyOf": {"0": {}}, "not": {"$ref": "#/anyOf/0"}}, ["schema /s/anyOf"]),
    ({"$defs": {"a" * 513: {}, "b": {}}, "not": {"$ref": "#/$defs/b"}}, ["schema /s/$defs"]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "found"), WRONG, ids=lambda item: str(item)[:60])
def test_other_schemas_are_refused_in_their_place(schema: Any, found: list[str]) -> None:
    assert judged(schema)[0] == found


def test_keywords_of_other_drafts_have_a_hint() -> None:
    faults = Faults("manifest")
    read_schema({"dependencies": {}, "propertys": {}, "qqqq": 1}, "", faults, needs_object=False)
    assert [fault.hint for fault in faults.found] == [
        "use dependentRequired or dependentSchemas",
        "did you mean 'properties'?",
        "remove it, or begin its name with x-",
    ]


@pytest.mark.parametrize("schema", [True, {}, {"type": "array"}, {"type": ["object"]}])
def test_parameters_are_an_object(schema: Any) -> None:
    assert judged(schema, needs_object=True)[0] == ["schema /s/type"]


def nested(depth: int) -> Any:
    schema: Any = {}
    for _ in range(depth):
        schema = {"not": schema}
    return schema


def doubling(steps: int) -> Any:
    """Each definition applies the next one twice: 2^steps evaluations of a few lines."""
    return {"$defs": {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(steps)} | {f"d{steps}": {}}, "$ref": "#/$defs/d0"}


BOUNDS: list[tuple[Any, list[str]]] = [
    (nested(SCHEMA_DEPTH_MAX), []),
    (nested(SCHEMA_DEPTH_MAX + 1), ["schema /s" + "/not" * (SCHEMA_DEPTH_MAX + 1)]),
    ({"properties": {str(i): {} for i in range(SCHEMA_NODES_MAX - 1)}}, []),
    ({"properties": {str(i): {} for i in range(SCHEMA_NODES_MAX)}}, [f"schema /s/properties/{SCHEMA_NODES_MAX - 1}"]),
    (doubling(8), []),
    (doubling(60), ["schema_ref /s"]),
]


@pytest.mark.parametrize(("schema", "found"), BOUNDS, ids=range(len(BOUNDS)))
def test_bounds(schema: Any, found: list[str]) -> None:
    assert judged(schema)[0] == found


def test_the_cost_is_counted_exactly() -> None:
    # One schema, and one for each item and its reference to a schema of cost 1.
    wide = {"$defs": {"a": {}}, "allOf": [{"$ref": "#/$defs/a"}] * ((SCHEMA_COST_MAX - 1) // 2 % SCHEMA_NODES_MAX)}
    assert judged(wide)[0] == []
    half = {"$defs": {"a": {"allOf": [True] * 99}, "b": {"allOf": [{"$ref": "#/$defs/a"}] * 99}}, "not": {"$ref": "#/$defs/b"}}  # 2 + 1 + 99 * 101
    assert judged(half)[0] == ["schema_ref /s"]
    half["$defs"]["b"]["allOf"].pop()  # type: ignore[index]
    assert judged(half)[0] == []


def test_a_full_list_of_faults_does_not_open_the_gate() -> None:
    faults = Faults("manifest")
    for _ in range(FAULTS_MAX):
        faults.add("form", "/", "x", "y")
    read_schema({"properties": {"a": {"$ref": "#/gone", "not": nested(30)}}}, "", faults, needs_object=False)
    read_schema({"propertys": {}}, "", faults, needs_object=False)
    assert len(faults.found) == FAULTS_MAX


VALUES = st.sampled_from(
    [
        True,
        False,
        None,
        0,
        1,
        -1,
        1.5,
        "",
        "a",
        "string",
        "object",
        "#",
        "#/$defs/a",
        "#/properties/a",
        "^a+$",
        "(",
        [],
        {},
        ["a"],
        ["string", "null"],
        [1, 1.0, True],
        {"a": ["b"]},
    ]
)
KEYWORDS = st.sampled_from(
    [
        "type",
        "properties",
        "$defs",
        "items",
        "anyOf",
        "allOf",
        "not",
        "if",
        "enum",
        "const",
        "required",
        "dependentRequired",
        "dependentSchemas",
        "pattern",
        "patternProperties",
        "prefixItems",
        "minLength",
        "minimum",
        "multipleOf",
        "$ref",
        "title",
        "format",
        "default",
        "additionalProperties",
        "examples",
        "x-a",
        "contentSchema",
        "uniqueItems",
        "$comment",
        "definitions",
    ]
)
SCHEMAS = st.recursive(
    st.just({}) | st.booleans() | st.dictionaries(KEYWORDS, VALUES, max_size=3),
    lambda inner: st.dictionaries(
        KEYWORDS, VALUES | inner | st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2), max_size=4
    ),
    max_leaves=10,
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=SCHEMAS, instance=VALUES)
def test_whatever_passes_is_valid_elsewhere_and_its_use_ends(schema: Any, instance: Any) -> None:
    faults, out = judged(schema)
    if not faults:
        assert jsonschema_rs.meta.is_valid(json.loads(out))
        jsonschema_rs.Draft202012Validator(json.loads(out)).is_valid(instance)


GOOD_VALUES = {
    "type": st.sampled_from(["string", "object", ["array", "null"]]), "enum": st.lists(st.integers(), min_size=1, max_size=3), "required": st.lists(st.text(max_size=3), unique=True, max_size=3),
    "minLength": st.integers(0, 9), "minimum": st.floats(-9, 9), "multipleOf": st.floats(0.5, 9), "pattern": st.sampled_from(["^a+$", "[a-z]{2}"]), "title": st.text(max_size=5), "x-y": VALUES,
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    schema=st.recursive(
        st.fixed_dictionaries({}, optional=GOOD_VALUES),
        lambda inner: st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(st.text(max_size=4), inner, max_size=2),
                "anyOf": st.lists(inner, min_size=1, max_size=2),
                "items": inner,
                "$ref": st.just("#/$defs/a"),
                "$defs": st.fixed_dictionaries({"a": st.just({})}),
            },
        ),
        max_leaves=8,
    )
)
def test_sound_schemas_pass_unless_a_reference_leads_nowhere(schema: Any) -> None:
    faults, out = judged(schema)
    assert jsonschema_rs.meta.is_valid(json.loads(out))
    assert all(fault.startswith("schema_ref ") for fault in faults)
    assert "$ref" in json.dumps(schema) or not faults
