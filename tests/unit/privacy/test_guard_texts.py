"""What a model reads of a tool is found wherever it stands, with its place and what it is for."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.stages.privacy.guard import describe_manifest, describe_tools
from mpp.stages.privacy.guard.limits import LEVELS_MAX, TEXTS_MAX, TOOLS_LISTED_MAX
from mpp.testing import packages


def test_a_manifest_gives_the_package_first_and_then_its_tools() -> None:
    tools: Json = [
        {
            "name": "add", "title": "Adder", "description": "Adds.", "security_level": "low", "returns": {"type": "number", "description": "The sum."},
            "parameters": {"type": "object", "properties": {"a/b~": {"type": "number", "description": "One of two."}}},
        },
        {"name": "two", "description": "Twice.", "security_level": "low", "parameters": {"type": "object"}},
    ]  # fmt: skip
    found = describe_manifest(parse_manifest(json.dumps(packages.manifest({"tool_definitions": tools})).encode()))
    assert [one.tool for one in found] == ["", "add", "two"]
    assert [text.where for text in found[0].texts] == ["/name", "/description"]
    places = {text.where: (text.kind, text.text) for text in found[1].texts}
    base = "/tool_definitions/0"
    assert places[f"{base}/name"] == ("name", "add")
    assert places[f"{base}/title"] == ("title", "Adder")
    assert places[f"{base}/parameters/properties/a~1b~0"] == ("name", "a/b~")
    assert places[f"{base}/parameters/properties/a~1b~0/description"] == ("prose", "One of two.")
    assert places[f"{base}/returns/description"] == ("prose", "The sum.")
    assert found[2].base == "/tool_definitions/1"


KINDS: list[tuple[Json, str, str, str]] = [
    ({"enum": ["red"]}, "/enum/0", "value", "red"),
    ({"default": {"k": "v"}}, "/default/k", "value", "v"),
    ({"const": "c"}, "/const", "value", "c"),
    ({"examples": ["e"]}, "/examples/0", "example", "e"),
    ({"pattern": "^a"}, "/pattern", "pattern", "^a"),
    ({"patternProperties": {"^b": {}}}, "/patternProperties/^b", "pattern", "^b"),
    ({"required": ["r"]}, "/required/0", "name", "r"),
    ({"dependentRequired": {"a": ["b"]}}, "/dependentRequired/a/0", "name", "b"),
    ({"$comment": "why"}, "/$comment", "remark", "why"),
    ({"minimum": 3}, "/minimum", "name", "minimum"),
    ({"allOf": [{"title": "t"}]}, "/allOf/0/title", "title", "t"),
    ({"items": {"title": "t"}}, "/items/title", "title", "t"),
    ({"not": "no schema"}, "/not", "remark", "no schema"),
    ({"properties": "no object"}, "/properties", "remark", "no object"),
]


@pytest.mark.parametrize(("schema", "where", "kind", "text"), KINDS, ids=[row[1] for row in KINDS])
def test_each_keyword_has_its_kind(schema: Json, where: str, kind: str, text: str) -> None:
    (found,) = describe_tools([{"name": "x", "inputSchema": schema}])
    assert (f"/tools/0/inputSchema{where}", kind, text) in found.texts


def test_what_stands_beside_the_schemas_is_read() -> None:
    (found,) = describe_tools([{"name": "x", "annotations": {"title": "t", "readOnlyHint": True, "note": "n"}, "extra": {"k": "v"}}])
    assert [(text.where.removeprefix("/tools/0/"), text.kind) for text in found.texts] == [
        ("name", "name"), ("annotations/title", "title"), ("annotations/note", "remark"), ("extra", "name"), ("extra/k", "value"), ("extra/k", "value"),
    ]  # fmt: skip


def test_the_digest_names_every_byte() -> None:
    def digest(**more: Json) -> str:
        return describe_tools([{"name": "x", "inputSchema": {"type": "object", **more}}])[0].digest

    assert digest() == digest()
    assert digest(minProperties=1, maxProperties=2) == digest(maxProperties=2, minProperties=1)
    assert len({digest(), digest(minProperties=1), digest(minProperties=2), digest(description="a"), digest(description="a "), digest(default="\ud800")}) == 6


DEEP: Json = {}
for _ in range(LEVELS_MAX + 2):
    DEEP = {"items": DEEP}
NESTED: Json = "x"
for _ in range(LEVELS_MAX + 2):
    NESTED = [NESTED]

BAD: list[tuple[str, Json]] = [
    ("no list", {}),
    ("too many", [{"name": "x"}] * (TOOLS_LISTED_MAX + 1)),
    ("no object", ["x"]),
    ("no name", [{}]),
    ("a number as name", [{"name": 3}]),
    ("a deep schema", [{"name": "x", "inputSchema": DEEP}]),
    ("a deep value", [{"name": "x", "inputSchema": {"default": NESTED}}]),
    ("too many texts", [{"name": "x", "inputSchema": {"enum": ["a"] * TEXTS_MAX}}]),
]


@pytest.mark.parametrize("listed", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_no_list_of_tools_is_refused(listed: Json) -> None:
    with pytest.raises(Refused) as caught:
        describe_tools(listed)
    assert caught.value.code == "description.size"
