"""The privacy table of a document: what is read, what is refused and where, and what it says when written again."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.model.manifest import CustomPattern
from mpp.stages.policy import Allowed, Exempt, Policy, PrivacyRules, Reveal, TypeAction, parse_policy, policy_json, read_policy
from mpp.stages.policy.limits import PRIVACY_LIST_MAX, PRIVACY_TYPES_MAX
from tests.policies import PUBLISHER, document, policy
from tests.unit.policy.test_schema import validator

FULL: dict[str, Json] = {
    "actions": {"default": "redact", "api_key": "block", "credit_card": "partial", "iban": {"action": "partial", "keep": 2}},
    "off": ["postal_code"],
    "on": ["vin"],
    "allow": [{"type": "email", "value": "support@example.com"}, {"domain": "*.example.com"}, {"type": "ip_address", "cidr": "10.0.0.0/8"}],
    "exempt": [{"publisher": PUBLISHER, "package": "com.example.crm", "tool": "find", "pointer": "/contacts/*/email", "types": ["email", "phone"]}],
    "accept_disabled": ["com.example.passwords"],
    "patterns": [{"id": "employee_number", "regex": "E-[0-9]{6}", "description": "of our people"}],
    "reveal": [{"package": "com.example.mail", "tool": "send", "pointer": "/to", "types": ["email"]}],
    "require": False,
    "outgoing": "all",
    "outgoing_action": "redact",
    "pseudonym_minutes": 5,
}
TEXT = b"""
mpp_policy = 1
name = "test"

[privacy]
off = ["postal_code"]
on = ["vin"]
accept_disabled = ["com.example.passwords"]
require = false
outgoing = "all"
outgoing_action = "redact"
pseudonym_minutes = 5

[privacy.actions]
default = "redact"
api_key = { action = "block" }
credit_card = { action = "partial" }
iban = { action = "partial", keep = 2 }

[[privacy.allow]]
type = "email"
value = "support@example.com"

[[privacy.allow]]
domain = "*.example.com"

[[privacy.allow]]
type = "ip_address"
cidr = "10.0.0.0/8"

[[privacy.exempt]]
publisher = "PUBLISHER"
package = "com.example.crm"
tool = "find"
pointer = "/contacts/*/email"
types = ["email", "phone"]

[[privacy.patterns]]
id = "employee_number"
regex = "E-[0-9]{6}"
description = "of our people"

[[privacy.reveal]]
package = "com.example.mail"
tool = "send"
pointer = "/to"
types = ["email"]
""".replace(b"PUBLISHER", PUBLISHER.encode())


def rules(**table: Json) -> PrivacyRules:
    found = policy(privacy=table).privacy
    assert found is not None
    return found


def test_every_key_is_read() -> None:
    one = rules(**FULL)
    assert [dict(table) for table in one.actions] == [
        {
            "default": TypeAction(action="redact"),
            "api_key": TypeAction(action="block"),
            "credit_card": TypeAction(action="partial", keep=4),
            "iban": TypeAction(action="partial", keep=2),
        }
    ]
    assert (one.off, one.on, one.accept_disabled) == (("postal_code",), ("vin",), ("com.example.passwords",))
    assert one.allow == (Allowed(type="email", value="support@example.com"), Allowed(domain="*.example.com"), Allowed(type="ip_address", cidr="10.0.0.0/8"))
    assert one.exempt == (Exempt(publisher=PUBLISHER, package="com.example.crm", tool="find", pointer="/contacts/*/email", types=("email", "phone")),)
    assert one.patterns == (CustomPattern(id="employee_number", regex="E-[0-9]{6}", description="of our people"),)
    assert one.reveal == (Reveal(package="com.example.mail", tool="send", pointer="/to", types=("email",)),)
    assert (one.require, one.outgoing, one.outgoing_action, one.pseudonym_minutes, one.grants) == (False, "all", "redact", 5, 7)


def test_toml_and_json_mean_the_same_and_read_again_as_themselves() -> None:
    one = policy(privacy=FULL)
    assert parse_policy(TEXT, where="p") == Policy(name="test", mappings={}, privacy=one.privacy)
    assert json.loads(canonical(policy_json(one)))["privacy"] == FULL
    assert read_policy(policy_json(one), "again") == one


@pytest.mark.parametrize(
    "said", [{}, {"off": [], "actions": {}}, {"require": True, "outgoing": "secrets", "outgoing_action": "block", "pseudonym_minutes": 60}]
)
def test_an_empty_table_is_a_table(said: dict[str, Json]) -> None:
    one = policy(privacy=said)
    assert one.privacy == PrivacyRules()
    assert policy_json(one)["privacy"] == {}
    assert policy().privacy is None
    assert "privacy" not in policy_json(policy())


def test_the_order_means_nothing_to_the_digest() -> None:
    assert rules(off=["a", "b"]).digest == rules(off=["b", "a"]).digest != rules(off=["a"]).digest
    assert rules().digest == PrivacyRules().digest


CRM: dict[str, Json] = {"package": "com.example.crm", "types": ["email"]}
WRONG: list[tuple[Json, list[tuple[str, str]]]] = [
    ([], [("type", "")]),
    ({"exampt": []}, [("unknown_key", "/exampt")]),
    ({"actions": []}, [("type", "/actions")]),
    ({"actions": {"email": "mask"}}, [("choice", "/actions/email")]),
    ({"actions": {"email": 1}}, [("type", "/actions/email")]),
    ({"actions": {"Email": "redact"}}, [("form", "/actions/Email")]),
    ({"actions": {"a" * 65: "redact"}}, [("form", "/actions/" + "a" * 65)]),
    ({"actions": {"email": {}}}, [("missing", "/actions/email/action")]),
    ({"actions": {"email": {"action": "redact", "keep": 4}}}, [("choice", "/actions/email/keep")]),
    ({"actions": {"email": {"action": "partial", "keep": 9}}}, [("range", "/actions/email/keep")]),
    ({"actions": {"email": {"action": "redact", "kept": 4}}}, [("unknown_key", "/actions/email/kept")]),
    ({"actions": {f"t{i}": "redact" for i in range(PRIVACY_LIST_MAX + 1)}}, [("length", "/actions")]),
    ({"off": "email"}, [("type", "/off")]),
    ({"off": ["default"]}, [("form", "/off/0")]),
    ({"off": ["*"]}, [("form", "/off/0")]),
    ({"on": ["email", "email"]}, [("duplicate", "/on/1")]),
    ({"off": ["iban", "email"], "on": ["email"]}, [("duplicate", "/off/1")]),
    ({"allow": ["a@example.com"]}, [("type", "/allow/0")]),
    ({"allow": [{"type": "email"}]}, [("missing", "/allow/0")]),
    ({"allow": [{"value": "a", "domain": "example.com"}]}, [("missing", "/allow/0")]),
    ({"allow": [{"value": ""}]}, [("length", "/allow/0/value")]),
    ({"allow": [{"domain": "*"}]}, [("host", "/allow/0/domain")]),
    ({"allow": [{"domain": "example.com:443"}]}, [("host", "/allow/0/domain")]),
    ({"allow": [{"domain": "[::1]"}]}, [("host", "/allow/0/domain")]),
    ({"allow": [{"domain": "*.com"}]}, [("host", "/allow/0/domain")]),
    ({"allow": [{"domain": "Example.com"}]}, [("host", "/allow/0/domain")]),
    ({"allow": [{"cidr": "10.0.0.1/8"}]}, [("form", "/allow/0/cidr")]),
    ({"allow": [{"cidr": "10.0.0.1"}]}, [("form", "/allow/0/cidr")]),
    ({"allow": [{"cidr": "fd00:0::/32"}]}, [("form", "/allow/0/cidr")]),
    ({"allow": [{"cidr": "::/0"}]}, [("range", "/allow/0/cidr")]),
    ({"allow": [{"cidr": "10.0.0.0/8", "type": "email"}]}, [("choice", "/allow/0/type")]),
    ({"allow": [{"value": "a", "note": "x"}]}, [("unknown_key", "/allow/0/note")]),
    ({"exempt": [[]]}, [("type", "/exempt/0")]),
    ({"exempt": [{"types": ["email"]}]}, [("missing", "/exempt/0/package")]),
    ({"exempt": [{"package": "*", "types": ["email"]}]}, [("missing", "/exempt/0/package")]),
    ({"exempt": [{"package": "com.example.crm"}]}, [("missing", "/exempt/0/types")]),
    ({"exempt": [{"package": "com.example.crm", "types": []}]}, [("length", "/exempt/0/types")]),
    ({"exempt": [{**CRM, "types": [f"t{i}" for i in range(PRIVACY_TYPES_MAX + 1)]}]}, [("length", "/exempt/0/types")]),
    ({"exempt": [{**CRM, "types": ["email", "default"]}]}, [("form", "/exempt/0/types/1")]),
    ({"exempt": [{**CRM, "package": "com.example*"}]}, [("pattern", "/exempt/0/package")]),
    ({"exempt": [{**CRM, "publisher": "ab"}]}, [("form", "/exempt/0/publisher")]),
    ({"exempt": [{**CRM, "tool": "get_*"}]}, [("form", "/exempt/0/tool")]),
    ({"exempt": [{**CRM, "pointer": "a"}]}, [("form", "/exempt/0/pointer")]),
    ({"exempt": [{**CRM, "tools": []}]}, [("unknown_key", "/exempt/0/tools")]),
    ({"accept_disabled": ["com.example.*"]}, [("form", "/accept_disabled/0")]),
    ({"patterns": [{"regex": "a"}]}, [("missing", "/patterns/0/id")]),
    ({"patterns": [{"id": "a"}]}, [("missing", "/patterns/0/regex")]),
    ({"patterns": [{"id": "a", "regex": "(?=a)b"}]}, [("regex", "/patterns/0/regex")]),
    ({"patterns": [{"id": "a", "regex": "a*"}]}, [("regex", "/patterns/0/regex")]),
    ({"patterns": [{"id": "api_key", "regex": "a"}]}, [("form", "/patterns/0/id")]),
    ({"patterns": [{"id": "default", "regex": "a"}]}, [("form", "/patterns/0/id")]),
    ({"patterns": [{"id": "a", "regex": "a"}, {"id": "a", "regex": "b"}]}, [("duplicate", "/patterns/1/id")]),
    ({"patterns": [{"id": "a", "regex": "a", "flags": "i"}]}, [("unknown_key", "/patterns/0/flags")]),
    ({"reveal": [{"types": ["email"]}]}, [("missing", "/reveal/0/package")]),
    ({"reveal": [{**CRM, "package": "com.example.*"}]}, [("form", "/reveal/0/package")]),
    ({"reveal": [{**CRM, "publisher": PUBLISHER}]}, [("unknown_key", "/reveal/0/publisher")]),
    ({"require": "yes"}, [("type", "/require")]),
    ({"outgoing": "some"}, [("choice", "/outgoing")]),
    ({"outgoing_action": "pseudonym"}, [("choice", "/outgoing_action")]),
    ({"pseudonym_minutes": 0}, [("range", "/pseudonym_minutes")]),
    ({"pseudonym_minutes": 61}, [("range", "/pseudonym_minutes")]),
]  # fmt: skip
WEAKER = ("10.0.0.1/8", "fd00:0::", '"email"], "on"', '"a*"', "(?=a)", '"regex": "b"', "*.com", "10.0.0.0/8")
"""What the schema cannot say, or does not."""


@pytest.mark.parametrize(("table", "faults"), WRONG, ids=[json.dumps(row[0])[:60] for row in WRONG])
def test_a_wrong_table_is_refused(table: Json, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as caught:
        read_policy(document(privacy=table), "p")
    assert all(fault.hint for fault in caught.value.faults)
    assert [(fault.code.removeprefix("policy."), fault.where.removeprefix("p/privacy")) for fault in caught.value.faults] == faults


def test_what_is_meant_is_said() -> None:
    with pytest.raises(Refused) as caught:
        read_policy(document(privacy={"exempts": [], "actions": {"email": "redacted"}}), "p")
    assert [fault.hint for fault in caught.value.faults] == ["did you mean 'redact'?", "did you mean 'exempt'?"]


def test_the_schema_takes_sound_tables() -> None:
    for table in ({}, FULL, {"exempt": [CRM, {"publisher": PUBLISHER, "types": ["email"]}, {"package": "com.example.*", "types": ["email"]}]}):
        validator().validate(document(privacy=table))
        read_policy(document(privacy=table), "p")


@pytest.mark.parametrize("table", [row[0] for row in WRONG if not any(word in json.dumps(row[0]) for word in WEAKER)], ids=lambda table: json.dumps(table)[:60])
def test_a_wrong_table_does_not_fit_the_schema(table: Json) -> None:
    assert not validator().is_valid(document(privacy=table))
