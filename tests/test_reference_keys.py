"""The reference of manifests and policies: every key of the schemas stands there, with what a reader of the code accepts."""

from __future__ import annotations

import json

import pytest

from mpp.model.manifest import parse_manifest
from mpp.stages.policy import PRESETS, parse_policy
from tools import reference_keys
from tools.reference_keys import Key, Missing, Part

RULE: reference_keys.Schema = {
    "type": "object",
    "required": ["a"],
    "properties": {
        "a": {"type": "string", "maxLength": 9},
        "b": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
    },
}
SHARED: reference_keys.Schema = {
    "item": {
        "anyOf": [
            {"type": "object", "required": ["op", "value"], "properties": {"op": {"const": "is"}, "value": {"type": "integer", "minimum": 0, "maximum": 5}}},
            {"type": "object", "required": ["op"], "properties": {"op": {"enum": ["there", "gone"]}}},
        ]
    }
}


def test_keys_are_found_at_every_depth() -> None:
    found = list(reference_keys._inside(RULE, SHARED, ""))
    assert found == [
        Key("a", "text, at most 9 characters", required=True),
        Key("b", "list: object; 1 to 3 of them, each once", required=False),
        Key("b[].op", "`is` or `there` or `gone`", required=True),
        Key("b[].value", "whole number, 0 to 5", required=False),
    ]


def test_a_key_that_nobody_described_is_found() -> None:
    with pytest.raises(Missing, match=r"says nothing of \['b'\], and speaks of \['c'\]"):
        reference_keys.tables("x", [Part("P", "", {"a": "A.", "c": "C."})], [Key("a", "text", required=True), Key("b", "text", required=False)])


@pytest.mark.parametrize(("name", "some"), [("manifest", "capabilities.network[].host"), ("policy", "rules[].limits.strength")])
def test_every_key_of_a_schema_stands_on_its_page(name: str, some: str) -> None:
    page = (reference_keys.ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
    places = [key.place for key in reference_keys.keys(name)]
    assert some in places
    assert [place for place in places if f"| `{place}` |" not in page] == []


def test_what_the_pages_show_whole_is_accepted() -> None:
    assert parse_manifest(reference_keys.EXAMPLE.read_bytes()).name == json.loads(reference_keys.EXAMPLE.read_text(encoding="utf-8"))["name"]
    assert {parse_policy(text.encode(), where=name).name for name, text in PRESETS.items()} == {"developer", "ci", "fleet"}
