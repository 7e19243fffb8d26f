"""Privacy tables of several layers: the strictest of each; and what is left of grants."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.policy import NO_PRIVACY, Allowed, PrivacyRules, TypeAction, allows, pattern_fault, strictest, together_json
from mpp.stages.policy.limits import GRANTS_TOGETHER_MAX, PRIVACY_LIST_MAX
from tests.policies import PUBLISHER, layered, policy
from tests.unit.policy.test_privacy_reading import FULL, rules

OTHER = "ef" * 32


def together(*tables: dict[str, Json] | None) -> dict[str, Json]:
    """What the tables say together, without the actions."""
    found = together_json(strictest([None if table is None else rules(**table) for table in tables]))
    return {key: item for key, item in found.items() if key != "actions"}


def test_without_a_table_everything_is_filtered() -> None:
    assert strictest([]) is strictest([None, None]) is NO_PRIVACY
    assert (NO_PRIVACY.require, NO_PRIVACY.outgoing, NO_PRIVACY.outgoing_action, NO_PRIVACY.pseudonym_minutes, NO_PRIVACY.grants) == (
        True,
        "secrets",
        "block",
        60,
        0,
    )
    assert NO_PRIVACY.action_for("email") == TypeAction(action="pseudonym")


def test_one_table_says_what_it_says() -> None:
    assert strictest([rules(**FULL)]) == rules(**FULL)
    assert strictest([None, rules(**FULL), None]).digest == rules(**FULL).digest == strictest([rules(**FULL), rules(**FULL)]).digest


def test_compiled_policies_have_the_rules_and_their_digest_covers_them() -> None:
    both = layered(fleet=policy(privacy={"off": ["iban", "email"]}), machine=policy(), user=policy(privacy={"off": ["email"]}))
    assert both.privacy == PrivacyRules(off=("email",))
    assert layered(user=policy()).privacy is NO_PRIVACY
    digests = {layered(user=policy(**more)).digest for more in ({}, {"privacy": {}}, {"privacy": {"off": ["email"]}})}
    assert len(digests) == 3


ACTIONS: list[tuple[list[dict[str, Json]], tuple[str, ...], TypeAction]] = [
    ([{"email": "block"}], ("email",), TypeAction(action="block")),
    ([{"email": "block"}], ("iban",), TypeAction(action="pseudonym")),
    ([{"default": "redact", "email": "pseudonym"}], ("email",), TypeAction(action="pseudonym")),
    ([{"default": "redact", "api_key": "surrogate"}], ("github_token", "api_key"), TypeAction(action="surrogate")),
    ([{"default": "redact", "api_key": "block", "github_token": "partial"}], ("github_token", "api_key"), TypeAction(action="partial", keep=4)),
    # The group of one layer is stricter than the type of the other.
    ([{"api_key": "block"}, {"github_token": "redact"}], ("github_token", "api_key"), TypeAction(action="block")),
    ([{"email": "pseudonym"}, {"email": "partial"}], ("email",), TypeAction(action="partial", keep=4)),
    ([{"email": {"action": "partial", "keep": 2}}, {"email": "partial"}], ("email",), TypeAction(action="partial", keep=2)),
    ([{"email": "surrogate"}, {"default": "redact"}], ("email",), TypeAction(action="redact")),
]


@pytest.mark.parametrize(("tables", "names", "action"), ACTIONS)
def test_the_strictest_action_holds(tables: list[dict[str, Json]], names: tuple[str, ...], action: TypeAction) -> None:
    for given in (tables, tables[::-1]):
        assert strictest([rules(actions=table) for table in given]).action_for(*names) == action


CRM: dict[str, Json] = {"package": "com.example.crm", "types": ["email"]}
MEETS: list[tuple[str, Json, Json, Json]] = [
    ("off", ["a", "b"], ["c", "b"], ["b"]),
    ("off", ["api_key"], ["github_token"], None),
    ("accept_disabled", ["com.example.a", "com.example.b"], ["com.example.b"], ["com.example.b"]),
    ("exempt", [CRM], [CRM], [CRM]),
    ("exempt", [CRM], [{"package": "com.example.*", "types": ["phone", "email"]}], [CRM]),
    ("exempt", [{"package": "com.example.*", "types": ["email"]}], [{"package": "com.example.crm.*", "types": ["email"]}], [{"package": "com.example.crm.*", "types": ["email"]}]),
    ("exempt", [{"package": "com.example.*", "types": ["email"]}], [{"package": "com.examplefoo", "types": ["email"]}], None),
    ("exempt", [CRM], [{"publisher": PUBLISHER, "types": ["email"]}], [{**CRM, "publisher": PUBLISHER}]),
    ("exempt", [{"publisher": OTHER, "types": ["email"]}], [{"publisher": PUBLISHER, "types": ["email"]}], None),
    ("exempt", [CRM], [{**CRM, "types": ["phone"]}], None),
    ("exempt", [CRM], [{**CRM, "tool": "find"}], [{**CRM, "tool": "find"}]),
    ("exempt", [{**CRM, "tool": "get"}], [{**CRM, "tool": "find"}], None),
    ("exempt", [CRM], [{**CRM, "pointer": "/a"}], [{**CRM, "pointer": "/a"}]),
    ("exempt", [{**CRM, "pointer": "/a/*"}], [{**CRM, "pointer": "/*/b/c"}], [{**CRM, "pointer": "/a/b/c"}]),
    ("exempt", [{**CRM, "pointer": "/a/*"}], [{**CRM, "pointer": "/*/*"}], [{**CRM, "pointer": "/a/*"}]),
    ("exempt", [{**CRM, "pointer": "/a"}], [{**CRM, "pointer": "/b"}], None),
    ("exempt", [{**CRM, "pointer": "/a"}], [{**CRM, "pointer": "/ab"}], None),
    ("reveal", [CRM], [{**CRM, "tool": "send", "pointer": "/to"}], [{**CRM, "tool": "send", "pointer": "/to"}]),
    ("reveal", [{**CRM, "tool": "get"}], [{**CRM, "tool": "send"}], None),
    ("reveal", [{**CRM, "pointer": "/a"}], [{**CRM, "pointer": "/b"}], None),
    ("reveal", [CRM], [{**CRM, "types": ["phone"]}], None),
    ("reveal", [CRM], [{**CRM, "package": "com.example.mail"}], None),
    ("allow", [{"value": "a"}], [{"type": "email", "value": "a"}], [{"type": "email", "value": "a"}]),
    ("allow", [{"type": "phone", "value": "a"}], [{"type": "email", "value": "a"}], None),
    ("allow", [{"value": "a"}], [{"value": "b"}], None),
    ("allow", [{"value": "a@b.example.com"}], [{"domain": "*.example.com"}], [{"value": "a@b.example.com"}]),
    ("allow", [{"value": "a@example.com"}], [{"domain": "*.example.com"}], None),
    ("allow", [{"value": "10.0.0.1"}], [{"cidr": "10.0.0.0/8"}], [{"value": "10.0.0.1"}]),
    ("allow", [{"value": "11.0.0.1"}], [{"cidr": "10.0.0.0/8"}], None),
    ("allow", [{"domain": "*.example.com"}], [{"domain": "*.b.example.com"}], [{"domain": "*.b.example.com"}]),
    ("allow", [{"domain": "*.x.co.at"}], [{"domain": "a.x.co.at"}], [{"domain": "a.x.co.at"}]),
    ("allow", [{"domain": "*.example.com"}], [{"domain": "example.com"}], None),
    ("allow", [{"domain": "example.org"}], [{"domain": "example.com"}], None),
    ("allow", [{"cidr": "10.0.0.0/8"}], [{"cidr": "10.1.0.0/16"}], [{"cidr": "10.1.0.0/16"}]),
    ("allow", [{"cidr": "10.0.0.0/8"}], [{"cidr": "11.0.0.0/8"}], None),
    ("allow", [{"cidr": "10.0.0.0/8"}], [{"cidr": "fd00::/8"}], None),
    ("allow", [{"cidr": "10.0.0.0/8"}], [{"domain": "example.com"}], None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "one", "other", "left"), MEETS)
def test_a_grant_counts_as_far_as_all_layers_give_it(key: str, one: Json, other: Json, left: Json) -> None:
    expected = {} if left is None else {key: left}
    assert together({key: one}, {key: other}) == together({key: other}, None, {key: one}) == expected
    assert together({key: one}, {}) == together({}, {key: one}) == {}


def test_on_goes_before_off() -> None:
    assert together({"off": ["email", "iban"]}, {"off": ["email", "iban"]}, {"off": ["iban"], "on": ["email"]}) == {"off": ["iban"], "on": ["email"]}
    found = strictest([rules(off=["email"]), rules(off=["iban"], on=["vin"])])
    assert (found.off, found.on) == ((), ("vin",))


def test_each_setting_is_the_strictest() -> None:
    loose: dict[str, Json] = {"require": False, "outgoing": "none", "outgoing_action": "redact", "pseudonym_minutes": 30}
    assert together(loose, loose) == loose
    assert together(loose, {"pseudonym_minutes": 40}) == {"pseudonym_minutes": 30}
    assert together(loose, {**loose, "outgoing": "all"})["outgoing"] == "all"


def test_patterns_of_all_layers_count() -> None:
    one, same, other = {"id": "a", "regex": "a", "description": "high"}, {"id": "a", "regex": "a", "description": "low"}, {"id": "b", "regex": "b"}
    assert together({"patterns": [one]}, {"patterns": [same, other]}) == {"patterns": [one, other]}
    high, low = rules(patterns=[one]), rules(patterns=[{**same, "regex": "c"}])
    with pytest.raises(Refused) as caught:
        strictest([high, low])
    assert (caught.value.faults[0].code, caught.value.faults[0].where) == ("policy.privacy_pattern", "privacy table 2")
    assert pattern_fault([high, None], low, "user.toml") is not None
    assert pattern_fault([high], None, "user.toml") is pattern_fault([None], low, "user.toml") is None


def test_of_too_many_pairs_the_rest_is_not_granted() -> None:
    some: list[Json] = [{"package": "com.example.*", "pointer": f"/{i}", "types": ["email"]} for i in range(PRIVACY_LIST_MAX)]
    others: list[Json] = [{"package": f"com.example.p{i}", "types": ["email"]} for i in range(PRIVACY_LIST_MAX)]
    assert len(strictest([rules(exempt=some), rules(exempt=others)]).exempt) == GRANTS_TOGETHER_MAX


ALLOWS: list[tuple[dict[str, str], str, str, bool]] = [
    ({"value": "a@example.com"}, "email", "a@example.com", True),
    ({"value": "a@example.com"}, "email", "A@example.com", False),
    ({"value": "a@example.com", "type": "phone"}, "email", "a@example.com", False),
    ({"domain": "example.com"}, "email", "a@example.com", True),
    ({"domain": "example.com"}, "email", "a@Example.COM", True),
    ({"domain": "example.com"}, "email", "a@b.example.com", False),
    ({"domain": "example.com"}, "email", "a@example.com@evil.net", False),
    ({"domain": "example.com"}, "email", "example.com", False),
    ({"domain": "*.example.com"}, "email", "a@b.example.com", True),
    ({"domain": "*.example.com"}, "email", "a@.example.com", False),
    ({"domain": "*.example.com"}, "email", "a@badexample.com", False),
    ({"domain": "example.com"}, "url", "https://example.com/a?b", True),
    ({"domain": "example.com"}, "url", "https://example.com@evil.net/", False),
    ({"domain": "example.com"}, "url", "https://evil.net\\@example.com/", False),
    ({"domain": "example.com"}, "url", "https://evil.net/?a@example.com", False),
    ({"cidr": "10.0.0.0/8"}, "ip_address", "10.1.2.3", True),
    ({"cidr": "10.0.0.0/8"}, "ip_address", "11.1.2.3", False),
    ({"cidr": "10.0.0.0/8"}, "ip_address", "fd00::1", False),
    ({"cidr": "10.0.0.0/8"}, "ip_address", "10.1.2", False),
    ({"cidr": "fd00::/8"}, "ip_address", "FD00::1", True),
    ({"cidr": "10.0.0.0/8"}, "phone", "10.1.2.3", False),
]


@pytest.mark.parametrize(("one", "type_id", "text", "said"), ALLOWS)
def test_a_value_that_is_nobodys(one: dict[str, str], type_id: str, text: str, said: bool) -> None:
    assert allows(Allowed(**one), type_id, text) is said
