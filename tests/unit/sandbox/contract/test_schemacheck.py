"""Values against schemas: the verdict, the places of faults, and work that is bounded before it begins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mpp.errors import MppError, Refused, ToolFailed
from mpp.stages.sandbox.contract import SchemaCheck, read_arguments
from mpp.stages.sandbox.contract.limits import CHAIN_MAX, FINDINGS_MAX
from mpp.stages.sandbox.contract.measure import measure


def judged(schema: Any, arguments: Any) -> list[str]:
    """Codes and places."""
    try:
        SchemaCheck(json.dumps(schema, sort_keys=True).encode()).judge_arguments(read_arguments(json.dumps(arguments).encode()))
    except Refused as fault:
        assert len(fault.faults) <= FINDINGS_MAX
        assert all(one.message and one.hint and len(one.where) <= 320 and one.where.isprintable() for one in fault.faults)
        return [f"{one.code} {one.where}" for one in fault.faults]
    return []


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


VALUES: list[tuple[Any, Any, list[str]]] = [
    (obj(a={"type": "string"}), {"a": "x"}, []),
    (obj(a={"type": "string"}), {"a": 1}, ["/a"]),
    (obj(a={"type": "integer"}), {"a": 1.0}, []),
    (obj(a={"type": "integer"}), {"a": True}, ["/a"]),
    ({**obj(a=True), "required": ["a", "b"]}, {"a": 1}, [""]),
    ({**obj(name=True), "additionalProperties": False}, {"nam": 1, "name": 2}, ["/nam"]),
    ({**obj(), "patternProperties": {r"^\d$": {"type": "null"}}, "additionalProperties": False}, {"7": None, "٣": None}, ["/٣".encode("ascii", "backslashreplace").decode()]),
    ({**obj(), "patternProperties": {r"^\d$": {"type": "null"}, "^[0-9]$": {"type": "null"}}}, {"7": 1}, ["/7"]),
    ({**obj(), "additionalProperties": {"type": "integer"}}, {"a": 1, "b": "x"}, ["/b"]),
    (obj(a={"items": {"type": "integer"}}), {"a": [1, "x", 2, None]}, ["/a/1", "/a/3"]),
    (obj(a={"prefixItems": [{"type": "integer"}, True], "items": False}), {"a": ["x", 1, 2]}, ["/a/2", "/a/0"]),
    (obj(a={"allOf": [{"minimum": 3}, {"maximum": 5}]}), {"a": 9}, ["/a"]),
    (obj(a={"anyOf": [{"type": "null"}, {"const": 3}]}), {"a": 4}, ["/a"]),
    (obj(a={"oneOf": [{"minimum": 1}, {"minimum": 2}]}), {"a": 4}, ["/a"]),
    (obj(a={"not": {"type": "null"}}), {"a": None}, ["/a"]),
    (obj(a={"if": {"type": "integer"}, "then": {"minimum": 5}}), {"a": 4}, ["/a"]),
    (obj(a={"contains": {"const": 1}, "minContains": 2}), {"a": [1]}, ["/a"]),
    (obj(a={"minContains": 2}), {"a": []}, []),
    (obj(a={"uniqueItems": True}), {"a": [1, 1.0]}, ["/a"]),
    (obj(a={"unevaluatedProperties": False}), {"a": {"b": 1}}, ["/a"]),
    (obj(a={"propertyNames": {"pattern": r"^\w+$"}}), {"a": {"é": 1}}, ["/a"]),
    (obj(a={"dependentRequired": {"x": ["y"]}}), {"a": {"x": 1}}, ["/a"]),
    (obj(a={"dependentSchemas": {"x": False}}), {"a": {"x": 1}}, ["/a"]),
    (obj(a={"$ref": "#/$defs/n"}) | {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}, "type": "array"}}}, {"a": [[], [3]]}, ["/a/1/0"]),
    (obj(a={"$ref": "#/properties/b/prefixItems/0"}, b={"prefixItems": [{"type": "null"}]}), {"a": 1}, ["/a"]),
    (obj(a={"$ref": "#"}), {"a": {"a": 3}}, ["/a/a"]),
    (obj(a={"format": "email", "contentEncoding": "base64", "contentMediaType": "application/json", "contentSchema": False, "x-y": 1}), {"a": "!"}, []),
    (obj(a=False), {"a": 1}, ["/a"]),
    (obj(**{"a/b~c": {"type": "null"}}), {"a/b~c": 1}, ["/a~1b~0c"]),
    (obj(a={"multipleOf": 0.01}), {"a": 4.35}, []),
    (obj(a={"enum": [1, "x", None, {"k": [0.5]}]}), {"a": {"k": [0.5]}}, []),
    (obj(a={"maxLength": 1}), {"a": "😀"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "arguments", "places"), VALUES)
def test_faults_have_their_places(schema: Any, arguments: Any, places: list[str]) -> None:
    assert judged(schema, arguments) == [f"call.arguments arguments{place}" for place in places]


def test_messages_help() -> None:
    with pytest.raises(Refused) as caught:
        SchemaCheck(b'{"additionalProperties":false,"properties":{"count":{"type":"integer"}},"required":["count"]}').judge_arguments(
            read_arguments(b'{"cuont":1}')
        )
    assert [(one.message, one.hint) for one in caught.value.faults] == [
        ("the key 'cuont' is not known", "did you mean 'count'?"),
        ("the key 'count' is missing", "add 'count'"),
    ]


def test_boolean_schemas() -> None:
    SchemaCheck(b"true").judge_result({"a": 1}, measure({"a": 1}))
    with pytest.raises(ToolFailed) as caught:
        SchemaCheck(b"false").judge_result({"a": 1}, measure({"a": 1}))
    assert caught.value.code == "tool.result_schema"


def nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def tree(levels: int) -> Any:
    return {"v": 1, "left": tree(levels - 1), "right": tree(levels - 1)} if levels else {"v": 0}


def steps(count: int, last: Any, **each: Any) -> Any:
    """Schemas in a row, each leading to the next."""
    row = {f"a{i}": json.loads(json.dumps(each).replace("NEXT", f"#/$defs/a{i + 1}")) for i in range(count)}
    return {"type": "object", "$ref": "#/$defs/a0", "$defs": {**row, f"a{count}": last}}


TREE = {"$defs": {"n": obj(left={"$ref": "#/$defs/n"}, right={"$ref": "#/$defs/n"}, v={"type": "integer"})}, **obj(t={"$ref": "#/$defs/n"})}
DOUBLING = {"$defs": {"n": {"anyOf": [{"items": {"$ref": "#/$defs/n"}, "minItems": k} for k in (1, 2)]}}, **obj(a={"$ref": "#/$defs/n"})}
TINY = [i * 1e-310 for i in range(1000)]

SOUND: list[tuple[Any, Any]] = [
    (TREE, {"t": tree(12)}),
    (obj(a={"uniqueItems": True}), {"a": [f"s{i}" for i in range(20_000)]}),
    (obj(a={"uniqueItems": True}), {"a": [2**53 + i for i in range(3000)]}),
    (obj(a={"items": {"enum": [*range(1000)]}}), {"a": [i % 1000 for i in range(1500)]}),
    (obj(a={"items": obj(**{f"p{i}": {"type": "string", "maxLength": 100} for i in range(5)})}), {"a": [{f"p{i}": "some text" for i in range(5)}] * 9000}),
    (obj(a={"pattern": "^[a-z]{1,64}( [a-z]{1,64})*$"}), {"a": "word " * 50_000 + "x"}),
    (steps(CHAIN_MAX - 2, True, **{"$ref": "NEXT"}), {}),
]


@pytest.mark.parametrize(("schema", "arguments"), SOUND)
def test_large_sound_values_pass(schema: Any, arguments: Any) -> None:
    assert judged(schema, arguments) == []


TOO_MUCH: dict[str, tuple[Any, Any, str]] = {
    "parts that double at each level": (DOUBLING, {"a": nested(27, [])}, "work"),
    "unevaluated inside itself": (steps(20, obj(x=True), unevaluatedProperties=False, anyOf=[{"$ref": "NEXT"}]), {"x": 1}, "work"),
    "long integers share a hash": (obj(a={"uniqueItems": True}), {"a": [2**63 + i for i in range(20_000)]}, "work"),
    "tiny decimals": (obj(a={"items": {"enum": TINY}}), {"a": TINY * 2}, "work"),
    "an automaton over a long text": (obj(a={"pattern": "a[ab]{900}[cd]"}), {"a": "ab" * 400_000}, "work"),
    "an automaton over long keys": ({**obj(), "patternProperties": {"a[ab]{900}[cd]": True}}, {"ab" * 400_000: 1}, "work"),
    "large patterns": (obj(**{f"k{i}": {"pattern": "^[^a]{999}$"} for i in range(200)}), {}, "schema"),
    "a long row of schemas": (steps(1900, True, **{"$ref": "NEXT"}), {}, "schema"),
    "a long row in pieces": (steps(CHAIN_MAX + 1, True, **{"not": {"not": {"$ref": "NEXT"}}}), {}, "schema"),
    "schemas that all meet": (
        {"type": "object", "$defs": {f"a{i}": {"allOf": [{"$ref": f"#/$defs/b{j}"} for j in range(40)]} for i in range(1000)} | {f"b{j}": True for j in range(40)}},
        {}, "schema",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "arguments", "name"), TOO_MUCH.values(), ids=list(TOO_MUCH))
def test_what_cannot_be_bounded_is_refused(schema: Any, arguments: Any, name: str) -> None:
    assert [found.partition(" ")[0] for found in judged(schema, arguments)] == [f"call.{name}"]


def test_too_much_work_on_a_result_is_the_tools_fault() -> None:
    found: Any = {"a": nested(27, [])}
    with pytest.raises(ToolFailed) as caught:
        SchemaCheck(json.dumps(DOUBLING).encode()).judge_result(found, measure(found))
    assert caught.value.code == "tool.result_work"


def test_an_explanation_is_bounded() -> None:
    many = judged(obj(a={"items": {"type": "null"}}), {"a": [1] * 50_000})
    assert many == [f"call.arguments arguments/a/{i}" for i in range(FINDINGS_MAX)]
    # So much work that no part is tried: one general word.
    wide = {**obj(), "allOf": [{"pattern": f"^[ab]{{900}}{i}$"} for i in range(60)], "additionalProperties": {"maxLength": 9, "pattern": "^[ab]{990}$"}}
    assert judged(wide, {"k": "ab" * 80_000}) == ["call.arguments arguments"]


def test_hostile_keys_are_shown_safely() -> None:
    (found,) = judged({**obj(), "additionalProperties": False}, {"\x1b[2J" + "k" * 5000: 1})
    assert "\x1b" not in found


def test_a_compiled_schema_is_kept() -> None:
    schema = b'{"type":"object","title":"kept"}'
    assert SchemaCheck(schema)._compiled is SchemaCheck(schema)._compiled


def test_every_error_is_ours() -> None:
    with pytest.raises(MppError):
        SchemaCheck(b"false").judge_arguments(read_arguments(b"{}"))
