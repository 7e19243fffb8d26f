"""The JSON Schema of a policy document takes what the reader takes, and at every place nothing with a key more."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.policy import PRESETS, policy_json, preset, read_policy
from tests.policies import document
from tests.unit.policy.test_reading import FULL, WRONG_DOCUMENTS, WRONG_RULES

PATH = Path(__file__).resolve().parents[3] / "spec" / "schema" / "policy.schema.json"
WHOLE: dict[str, Json] = document(
    FULL, description="words", private_hosts=["10.0.0.5:80", "[::1]"], mappings={"/data": "/srv/data", "${workspace}/x": "/tmp/x"}
)
WEAKER = {
    # What a schema cannot say, or does not: 3-policy has it.
    "twins", "hidden", "hidden in a key", "mapping not ASCII",
}  # fmt: skip
WEAKER_RULES = ("\\u001b", 'agents": ["a\\u00a0b', "token", 'least": 50', "2026-02-30", "2026-02-02", '08:00", "until": "08:00', "*.internal")


@cache
def validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(PATH.read_text(encoding="utf-8")))


def objects(found: Json) -> Iterator[dict[str, Json]]:
    if isinstance(found, dict):
        yield found
    for item in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from objects(item)


@pytest.mark.parametrize("found", [WHOLE, document(), *(policy_json(preset(name)) for name in PRESETS)])
def test_sound_documents_fit(found: dict[str, Json]) -> None:
    validator().validate(found)


def test_a_key_more_is_refused_at_every_place() -> None:
    count = len(list(objects(WHOLE)))
    assert count == 14
    for i in range(count):
        spoilt = copy.deepcopy(WHOLE)
        list(objects(spoilt))[i]["one more"] = True
        assert not validator().is_valid(spoilt), list(objects(spoilt))[i]


@pytest.mark.parametrize("name", [row[0] for row in WRONG_DOCUMENTS if row[0] not in WEAKER])
def test_a_wrong_document_does_not_fit(name: str) -> None:
    assert not validator().is_valid(next(found for one, found, _ in WRONG_DOCUMENTS if one == name))


@pytest.mark.parametrize(
    "rule", [rule for rule, _ in WRONG_RULES if not any(word in json.dumps(rule) for word in WEAKER_RULES)], ids=lambda rule: json.dumps(rule)[:60]
)
def test_a_wrong_rule_does_not_fit(rule: dict[str, Json]) -> None:
    assert not validator().is_valid(document({"effect": "allow", **rule}))


def test_every_object_of_the_schema_is_closed() -> None:
    kinds = [one for one in objects(json.loads(PATH.read_text(encoding="utf-8"))) if one.get("type") == "object"]
    assert len(kinds) > 10
    assert [one for one in kinds if "additionalProperties" not in one] == []


def test_what_the_schema_lets_through_the_reader_still_refuses() -> None:
    found = document({"effect": "allow", "risk": {"least": 50, "most": 40}})
    validator().validate(found)
    with pytest.raises(Refused):
        read_policy(found, "p")
