from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.model.scope import scope_of, Scope
from mpp.stages.approval import capabilities_digest, definitions_digest
from mpp.testing.packages import files, manifest

TOOL = manifest()["tool_definitions"]
assert isinstance(TOOL, list)
assert isinstance(TOOL[0], dict)
SECOND: Json = {**TOOL[0], "name": "other"}


def definitions(changes: dict[str, Json] | None = None) -> str:
    return definitions_digest(parse_manifest(files(changes)["manifest.json"]))


@pytest.mark.parametrize(
    "changes",
    [
        {"tool_definitions/0/name": "greets"},
        {"tool_definitions/0/title": "Greets"},
        {"tool_definitions/0/description": "Greets a person."},
        {"tool_definitions/0/parameters/properties/name": {"type": "integer"}},
        {"tool_definitions/0/returns": {"type": "string"}},
        {"tool_definitions/0/security_level": "medium"},
        {"tool_definitions": [TOOL[0], SECOND]},
    ],
    ids=["name", "title", "description", "parameters", "returns", "level", "another"],
)
def test_each_part_of_a_definition_counts(changes: dict[str, Json]) -> None:
    assert definitions(changes) != definitions()


@pytest.mark.parametrize("changes", [{"version": "9.9.9"}, {"description": "Other words"}, {"capabilities/env_vars": ["HOME_TOWN"]}])
def test_what_is_no_definition_does_not_count(changes: dict[str, Json]) -> None:
    assert definitions(changes) == definitions()


def test_their_order_does_not_count() -> None:
    assert definitions({"tool_definitions": [TOOL[0], SECOND]}) == definitions({"tool_definitions": [SECOND, TOOL[0]]})


def test_capabilities() -> None:
    one = scope_of(parse_manifest(files()["manifest.json"]))
    two = scope_of(parse_manifest(files({"capabilities/env_vars": ["HOME_TOWN"]})["manifest.json"]))
    assert capabilities_digest(one) == capabilities_digest(Scope(tools=("greet",))) != capabilities_digest(two)
