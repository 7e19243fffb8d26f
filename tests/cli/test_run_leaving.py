"""``mpp run`` and what goes into a tool: keys stay out, and placeholders of another run are told so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.testing import packages
from tests.cli.conftest import Mpp
from tests.cli.test_run import HELLO, says
from tests.unit.privacy.leaving import AWS


@pytest.fixture
def package(mpp: Mpp, keys: Path) -> Path:
    path = Path("hello-0.1.0.mpp")
    path.write_bytes(packages.unsigned(None, {packages.ENTRYPOINT: says(HELLO)}))
    assert mpp("sign", path, "--now", packages.NOW).code == 0
    return path


def refused(mpp: Mpp, package: Path, name: str, code: str) -> str:
    answer = mpp("run", package, "--args", json.dumps({"name": name}), "--json")
    assert answer.json["error"]["code"] == code
    assert AWS not in answer.out + answer.err
    told = json.dumps(mpp("audit", "search", "--kind", "refused", "--json").json)
    assert code in told
    assert AWS not in told
    return json.dumps(answer.json["error"])


def test_a_key_in_the_arguments_is_refused(mpp: Mpp, package: Path) -> None:
    assert "mpp secret set" in refused(mpp, package, f"use {AWS}", "privacy.outgoing")


def test_a_placeholder_of_an_earlier_run_is_forgotten(mpp: Mpp, package: Path) -> None:
    assert "looked up again" in refused(mpp, package, "[EMAIL-bcdfghjk]", "privacy.forgotten")


def test_policy_replaces_a_key_and_the_answer_says_so(mpp: Mpp, package: Path) -> None:
    Path("policy.toml").write_text('mpp_policy = 1\nname = "soft"\n[privacy]\noutgoing_action = "redact"\n[[rules]]\nid = "all"\neffect = "allow"\n')
    assert mpp("policy", "use", "policy.toml", "--yes").code == 0
    answer = mpp("run", package, "--args", json.dumps({"name": AWS}), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["privacy"]["outgoing"] == {"aws_access_key": 1}
    assert mpp("run", package, "--args", json.dumps({"name": AWS})).err == "privacy filter: kept from leaving: 1 aws_access_key\n"
    assert AWS not in answer.out + answer.err


def test_a_placeholder_is_judged_before_the_schema(mpp: Mpp, package: Path) -> None:
    """A placeholder may stand where the schema wants something else; what the tool would be given counts."""
    answer = mpp("run", package, "--args", '{"name": "[EMAIL-bcdfghjk]", "more": 1}', "--json")
    assert answer.json["error"]["code"] == "privacy.forgotten"
