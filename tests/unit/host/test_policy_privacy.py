"""Rules for the privacy filter in the layers of one machine: what holds, what a lower layer may not do, and what the record is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import BundleBody, Exempt, read_policy
from mpp.testing.packages import NOW
from mpp.testing.policies import DAY, PolicyMachine, asked, bundle, document

NUMBER: dict[str, Json] = {"id": "employee_number", "regex": "E-[0-9]{6}"}
OTHER: dict[str, Json] = {"id": "employee_number", "regex": "E-[0-9]{5}"}
CRM: dict[str, Json] = {"package": "com.example.crm", "types": ["email"]}


@pytest.fixture
def machine(tmp_path: Path) -> PolicyMachine:
    return PolicyMachine(str(tmp_path))


def written(name: str, **table: Json) -> bytes:
    return canonical({**document(name, "allow"), "privacy": table})


def test_signed_rules_hold_and_a_user_cannot_loosen_them(machine: PolicyMachine) -> None:
    machine.enrol()
    table: Json = {"patterns": [NUMBER], "exempt": [CRM], "off": ["iban"]}
    policy = read_policy({**document("org", "allow"), "privacy": table}, "p")
    body = BundleBody(name="org", layer="fleet", version=5, issued=NOW, expires=NOW + 10 * DAY, grace_seconds=DAY, policy=policy)
    machine.admin("policy-bundle.json", bundle(machine.org, body))
    assert machine.store.current().policies.privacy == policy.privacy
    machine.user("policy.json", written("mine", off=["email"], exempt=[{**CRM, "tool": "find"}]))
    loaded = machine.store.current()
    assert loaded.faults == ()
    privacy = loaded.policies.privacy
    assert (privacy.off, privacy.exempt) == ((), (Exempt(package="com.example.crm", tool="find", types=("email",)),))
    assert [one.id for one in privacy.patterns] == ["employee_number"]


def test_a_pattern_under_the_name_of_another_closes_the_lower_layer(machine: PolicyMachine) -> None:
    machine.admin("policy.json", written("of-machine", patterns=[NUMBER]))
    machine.user("policy.json", written("mine", patterns=[NUMBER]))
    assert machine.store.current().faults == ()
    path = machine.user("policy.json", written("mine", patterns=[OTHER]))
    loaded = machine.store.current()
    assert [(fault.code, fault.where) for fault in loaded.faults] == [("policy.privacy_pattern", path)]
    assert [(one.layer, one.kind) for one in loaded.layers] == [("machine", "document"), ("user", "closed")]
    assert loaded.policies.evaluate(asked()).effect == "deny"
    assert [one.regex for one in loaded.policies.privacy.patterns] == ["E-[0-9]{6}"]
    machine.user("policy.json", written("mine"))
    assert machine.store.current().policies.evaluate(asked()).effect == "allow"


def test_the_record_is_told_where_a_layer_speaks_of_the_filter(machine: PolicyMachine) -> None:
    machine.admin("policy.json", canonical(document("of-machine", "allow")))
    machine.user("policy.json", written("mine", off=["email"], exempt=[CRM]))
    privacy = machine.store.current().policies.privacy
    assert [one.body.get("privacy") for one in machine.events.events] == [None, {"digest": privacy.digest, "exceptions": 2}]
