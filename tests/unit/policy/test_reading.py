"""Policy documents: what is read, what is refused, and with which place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.limits import FAULTS_MAX, JSON_INT_MAX, JSON_VALUES_MAX
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import ArgumentTest, Policy, Reach, Rule, RuleLimits, When, parse_policy, policy_json, read_policy
from mpp.stages.policy.limits import DOTTED_PARTS_MAX, LIST_MAX, MAPPINGS_MAX, POLICY_BYTES_MAX, RULES_MAX
from tests.policies import PUBLISHER, document, policy

FULL: dict[str, Json] = {
    "id": "full",
    "effect": "ask",
    "why": "because",
    "packages": ["com.example.*", "org.other.tool"],
    "publishers": [PUBLISHER],
    "versions": [">=1.2.0 <2.0.0"],
    "tools": ["send", "get*"],
    "agents": ["bot-*"],
    "agent_at_least": "launched",
    "agent_below": "signed",
    "users": ["ada", "*@example.com"],
    "origins": ["model", "automation"],
    "security_levels": ["high", "critical"],
    "risk": {"least": 25, "most": 80},
    "consented": True,
    "asks": True,
    "bound": False,
    "internal": False,
    "when": {"days": ["mon", "fri"], "from": "22:00", "until": "06:00", "not_before": "2026-01-01", "not_after": "2026-12-31"},
    "capabilities": {
        "hosts": ["api.example.com", "*.example.org:8443", "10.0.0.5"], "read": ["/data"], "write": ["${workspace}/out"], "env": ["API_*"], "secrets": ["CRM_TOKEN"],
        "devices": ["/dev/ttyUSB*"], "kv": True,
    },
    "arguments": [
        {"pointer": "/to", "op": "equals", "value": "a", "ignore_case": True, "optional": True}, {"pointer": "/n", "op": "in", "value": [1, True, "1", None]},
        {"pointer": "/n", "op": "at_least", "value": -5}, {"pointer": "/x~1y~0", "op": "exists"}, {"pointer": "/path", "op": "below", "value": "/data"},
        {"pointer": "/url", "op": "host_in", "value": ["*.example.com", "localhost:80"]}, {"pointer": "", "op": "longer_than", "value": 0},
    ],
    "limits": {
        "hosts": ["api.example.com"], "read": [], "write": ["/data/out"], "env": [], "secrets": ["CRM_*"], "devices": [], "kv_max_bytes": 0, "timeout_ms": 500, "calls_per_minute": 6,
        "privacy_patterns": ["credit_card"], "strength": "passphrase", "approvers": 2, "answer_seconds": 60,
    },
}  # fmt: skip


def test_every_key_is_read() -> None:
    one = read_policy(
        document(FULL, description="words", private_hosts=["10.0.0.5:80", "crm.corp.example"], mappings={"/data": "/srv/data", "${workspace}/x": "/tmp/x"}), "p"
    )
    rule = one.rules[0]
    assert (one.name, one.description, one.private_hosts, one.mappings["/data"]) == ("test", "words", ("10.0.0.5:80", "crm.corp.example"), "/srv/data")
    assert (rule.id, rule.effect, rule.risk_least, rule.risk_most, rule.bound, rule.kv) == ("full", "ask", 25, 80, False, True)
    assert rule.when == When(days=("mon", "fri"), since="22:00", until="06:00", not_before="2026-01-01", not_after="2026-12-31")
    assert rule.capabilities is not None
    assert rule.capabilities.write == ("${workspace}/out",)
    assert rule.arguments[1] == ArgumentTest(pointer="/n", op="in", value=(1, True, "1", None))
    assert rule.limits is not None
    assert rule.limits.reach is not None
    assert (rule.limits.reach.read, rule.limits.kv_max_bytes, rule.limits.approvers) == ((), 0, 2)
    assert read_policy(policy_json(one), "again") == one
    assert json.loads(canonical(policy_json(one)))["rules"][0] == FULL


def test_what_is_absent_says_nothing_and_what_is_empty_is_kept() -> None:
    absent, empty = (
        policy({"effect": "allow"}),
        policy({"effect": "allow", "packages": [], "arguments": [], "limits": {"approvers": 1}}, private_hosts=[], mappings={}),
    )
    assert absent == Policy(name="test", rules=(Rule(id="r0", effect="allow"),), mappings={})
    assert empty.rules == (Rule(id="r0", effect="allow", packages=()),)
    assert (absent.private_hosts, empty.private_hosts) == (None, ())
    assert policy_json(absent) == {"mpp_policy": 1, "name": "test", "rules": [{"id": "r0", "effect": "allow"}]}
    assert policy_json(replace(empty, rules=())) == {"mpp_policy": 1, "name": "test", "rules": [], "private_hosts": []}


@pytest.mark.parametrize(
    "rule",
    [
        {"risk": {"least": 0}},
        {"risk": {"most": 9}},
        {"capabilities": {"kv": False}},
        {"capabilities": {"hosts": []}},
        {"when": {"days": []}},
        {"limits": {"timeout_ms": 9}},
    ],
)
def test_a_rule_with_little_in_it_reads_again_as_itself(rule: dict[str, Json]) -> None:
    one = policy({"effect": "allow", **rule})
    assert read_policy(policy_json(one), "again") == one


def faults_of(found: Json) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        read_policy(found, "p")
    assert all(fault.hint for fault in caught.value.faults)
    return [(fault.code.removeprefix("policy."), fault.where.removeprefix("p")) for fault in caught.value.faults]


WRONG_DOCUMENTS: list[tuple[str, Json, list[tuple[str, str]]]] = [
    ("no object", [], [("type", "")]),
    ("empty", {}, [("missing", "/mpp_policy"), ("missing", "/name")]),
    ("version", {**document(), "mpp_policy": 2}, [("range", "/mpp_policy")]),
    ("version is true", {**document(), "mpp_policy": True}, [("type", "/mpp_policy")]),
    ("name", {**document(), "name": "Our Fleet"}, [("form", "/name")]),
    ("description", {**document(), "description": "x" * 2001}, [("length", "/description")]),
    ("key", {**document(), "rulez": []}, [("unknown_key", "/rulez")]),
    ("rules", {**document(), "rules": {}}, [("type", "/rules")]),
    ("twins", {**document(), "rules": [{"id": "a", "effect": "allow"}, {"id": "a", "effect": "deny"}]}, [("duplicate", "/rules/1/id")]),
    ("private wildcard", document(private_hosts=["*.example.com"]), [("host", "/private_hosts/0")]),
    ("private any", document(private_hosts=["*"]), [("host", "/private_hosts/0")]),
    ("private twice", document(private_hosts=["a.example", "a.example"]), [("duplicate", "/private_hosts/1")]),
    ("mapping type", document(mappings=[]), [("type", "/mappings")]),
    ("mapping path", document(mappings={"data": "/x"}), [("path", "/mappings/data")]),
    ("mapping place", document(mappings={"/data": "/x/../y"}), [("path", "/mappings//data")]),
    ("mapping no text", document(mappings={"/data": 1}), [("type", "/mappings//data")]),
    ("mapping not ASCII", document(mappings={"/d\u00e4": "/x"}), [("path", "/mappings//d\\xe4")]),
    ("many mappings", document(mappings={f"/{i}": "/x" for i in range(MAPPINGS_MAX + 1)}), [("length", "/mappings")]),
    ("hidden", document(description="a\u200bb"), [("hidden_text", "/description")]),
    ("hidden in a key", document(mappings={"/a\u202e": "/x"}), [("hidden_text", "/mappings"), ("path", "/mappings//a\\u202e")]),
]  # fmt: skip


@pytest.mark.parametrize(("found", "faults"), [row[1:] for row in WRONG_DOCUMENTS], ids=[row[0] for row in WRONG_DOCUMENTS])
def test_a_wrong_document_is_refused(found: Json, faults: list[tuple[str, str]]) -> None:
    assert faults_of(found) == faults


ARGUMENT: dict[str, Json] = {"pointer": "/a", "op": "equals", "value": "x"}


def argument(**changes: Json) -> dict[str, Json]:
    return {"arguments": [{key: item for key, item in {**ARGUMENT, **changes}.items() if item != "gone"}]}


WRONG_RULES: list[tuple[dict[str, Json], list[tuple[str, str]]]] = [
    ({"id": "Deny All"}, [("form", "/id")]),
    ({"id": "default"}, [("form", "/id")]),
    ({"id": 1}, [("type", "/id")]),
    ({"effect": "permit"}, [("choice", "/effect")]),
    ({"effect": None}, [("type", "/effect")]),
    ({"why": "x" * 301}, [("length", "/why")]),
    ({"why": "a\x1b[2J"}, [("hidden_text", "/why"), ("form", "/why")]),
    ({"packages": "com.example.mail"}, [("type", "/packages")]),
    ({"packages": ["com.example*"]}, [("pattern", "/packages/0")]),
    ({"packages": [f"com.example.p{i}" for i in range(LIST_MAX + 1)]}, [("length", "/packages")]),
    ({"packages": [1]}, [("type", "/packages/0")]),
    ({"publishers": ["AB" * 32]}, [("form", "/publishers/0")]),
    ({"publishers": ["ab" * 8]}, [("form", "/publishers/0")]),
    ({"versions": ["1.x"]}, [("version", "/versions/0")]),
    ({"tools": ["send mail"]}, [("form", "/tools/0")]),
    ({"tools": ["a*b*"]}, [("pattern", "/tools/0")]),
    ({"agents": ["a*b*"]}, [("pattern", "/agents/0")]),
    ({"agents": ["a\u00a0b"]}, [("hidden_text", "/agents/0")]),
    ({"agents": ["a" * 257]}, [("length", "/agents/0")]),
    ({"agents": [""]}, [("length", "/agents/0")]),
    ({"users": ["ada", "ada"]}, [("duplicate", "/users/1")]),
    ({"agent_at_least": "sure"}, [("choice", "/agent_at_least")]),
    ({"agent_at_least": "token", "agent_below": "token"}, [("range", "/agent_below")]),
    ({"origins": ["robot"]}, [("choice", "/origins/0")]),
    ({"security_levels": ["criticl"]}, [("choice", "/security_levels/0")]),
    ({"risk": {"least": 101}}, [("range", "/risk/least"), ("range", "/risk")]),
    ({"risk": {"least": 50, "most": 40}}, [("range", "/risk")]),
    ({"risk": {"least": True}}, [("type", "/risk/least")]),
    ({"risk": {}}, [("missing", "/risk")]),
    ({"risk": {"lest": 1}}, [("unknown_key", "/risk/lest")]),
    ({"risk": 5}, [("type", "/risk")]),
    ({"consented": "yes"}, [("type", "/consented")]),
    ({"bound": 1}, [("type", "/bound")]),
    ({"when": {}}, [("missing", "/when")]),
    ({"when": {"days": ["monday"]}}, [("length", "/when/days/0"), ("choice", "/when/days/0")]),
    ({"when": {"days": ["xyz"]}}, [("choice", "/when/days/0")]),
    ({"when": {"from": "08:00"}}, [("range", "/when")]),
    ({"when": {"from": "08:00", "until": "08:00"}}, [("range", "/when")]),
    ({"when": {"from": "8:00", "until": "24:00"}}, [("form", "/when/from"), ("form", "/when/until")]),
    ({"when": {"not_before": "2026-02-30"}}, [("range", "/when/not_before")]),
    ({"when": {"not_before": "1.2.2026"}}, [("form", "/when/not_before")]),
    ({"when": {"not_before": "2026-02-02", "not_after": "2026-02-01"}}, [("range", "/when")]),
    ({"when": []}, [("type", "/when")]),
    ({"capabilities": {}}, [("missing", "/capabilities")]),
    ({"capabilities": {"host": []}}, [("unknown_key", "/capabilities/host")]),
    ({"capabilities": {"hosts": ["*.internal"]}}, [("host", "/capabilities/hosts/0")]),
    ({"capabilities": {"read": ["/data/../etc"]}}, [("path", "/capabilities/read/0")]),
    ({"capabilities": {"env": ["api_key"]}}, [("form", "/capabilities/env/0")]),
    ({"capabilities": {"secrets": ["A*B*"]}}, [("pattern", "/capabilities/secrets/0")]),
    ({"capabilities": {"devices": ["ttyUSB0"]}}, [("form", "/capabilities/devices/0")]),
    ({"capabilities": {"kv": 5}}, [("type", "/capabilities/kv")]),
    ({"limits": {}}, [("missing", "/limits")]),
    ({"effect": "deny", "limits": {"timeout_ms": 5}}, [("limits", "/limits")]),
    ({"limits": {"timeout_ms": 0}}, [("range", "/limits/timeout_ms")]),
    ({"limits": {"timeout_ms": 600_001}}, [("range", "/limits/timeout_ms")]),
    ({"limits": {"approvers": 3}}, [("range", "/limits/approvers")]),
    ({"limits": {"strength": "webauthn"}}, [("choice", "/limits/strength")]),
    ({"limits": {"answer_seconds": 901}}, [("range", "/limits/answer_seconds")]),
    ({"limits": {"privacy_patterns": ["Credit Card"]}}, [("form", "/limits/privacy_patterns/0")]),
    ({"limits": {"kv_max_bytes": -1}}, [("range", "/limits/kv_max_bytes")]),
    ({"limits": {"kv": True}}, [("unknown_key", "/limits/kv")]),
    ({"arguments": [1]}, [("type", "/arguments/0")]),
    ({"arguments": [ARGUMENT] * 17}, [("length", "/arguments")]),
    (argument(pointer="a"), [("form", "/arguments/0/pointer")]),
    (argument(pointer="/a~2"), [("form", "/arguments/0/pointer")]),
    (argument(op="matches"), [("choice", "/arguments/0/op"), ("argument", "/arguments/0/value")]),
    (argument(value="gone"), [("missing", "/arguments/0/value")]),
    (argument(value=[1]), [("type", "/arguments/0/value")]),
    (argument(value={"a": 1}), [("type", "/arguments/0/value")]),
    (argument(value=1.5), [("type", "/arguments/0/value")]),
    (argument(value="x" * 1025), [("length", "/arguments/0/value")]),
    (argument(value=JSON_INT_MAX + 1), [("range", "/arguments/0/value")]),
    (argument(op="in", value="x"), [("type", "/arguments/0/value")]),
    (argument(op="in", value=["a", "a"]), [("duplicate", "/arguments/0/value/1")]),
    (argument(op="not_in", value=[[]]), [("type", "/arguments/0/value/0")]),
    (argument(op="not_in", value=[]), [("argument", "/arguments/0/value")]),
    (argument(op="contains", value=""), [("length", "/arguments/0/value")]),
    (argument(op="starts_with", value=5), [("type", "/arguments/0/value")]),
    (argument(op="below", value="data"), [("path", "/arguments/0/value")]),
    (argument(op="below", value=1), [("type", "/arguments/0/value")]),
    (argument(op="host_in", value=["https://x"]), [("host", "/arguments/0/value/0")]),
    (argument(op="host_in", value="x"), [("type", "/arguments/0/value")]),
    (argument(op="at_least", value="5"), [("type", "/arguments/0/value")]),
    (argument(op="at_most", value=JSON_INT_MAX + 1), [("range", "/arguments/0/value")]),
    (argument(op="longer_than", value=-1), [("range", "/arguments/0/value")]),
    (argument(op="exists", value="x"), [("argument", "/arguments/0/value")]),
    (argument(op="exists", value="gone", optional=True), [("argument", "/arguments/0/optional")]),
    (argument(op="below", value="/data", ignore_case=True), [("argument", "/arguments/0/ignore_case")]),
    ({"tols": []}, [("unknown_key", "/tols")]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "faults"), WRONG_RULES, ids=[json.dumps(rule)[:60] for rule, _ in WRONG_RULES])
def test_a_wrong_rule_is_refused(rule: dict[str, Json], faults: list[tuple[str, str]]) -> None:
    assert faults_of(document({"effect": "allow", **rule})) == [(code, f"/rules/0{place}") for code, place in faults]


def test_a_near_key_is_suggested() -> None:
    with pytest.raises(Refused) as caught:
        policy({"effect": "allow", "pakages": []}, mapping={})
    assert [fault.hint for fault in caught.value.faults] == ["did you mean 'packages'?", "did you mean 'mappings'?"]


def test_no_more_faults_than_a_person_reads() -> None:
    assert len(faults_of(document(*({"effect": "x"} for _ in range(200))))) == FAULTS_MAX


def test_too_many_rules() -> None:
    assert faults_of({**document(), "rules": [{"id": f"r{i}", "effect": "allow"} for i in range(RULES_MAX + 1)]}) == [("length", "/rules")]


TOML = b"""
# Comments and spaces come first in many files.
mpp_policy = 1
name = "toml"

[[rules]]
id = "a"
effect = "deny"
risk = { least = 50 }

[[rules.arguments]]
pointer = "/amount"
op = "at_least"
value = 100

[mappings]
"/data" = "/srv/data"
"""


def test_toml_and_json_mean_the_same() -> None:
    one = parse_policy(TOML, where="p.toml")
    assert one.rules[0].arguments == (ArgumentTest(pointer="/amount", op="at_least", value=100),)
    assert one.mappings == {"/data": "/srv/data"}
    assert parse_policy(b" \r\n\t" + json.dumps(policy_json(one)).encode(), where="p.json") == one


WRONG_BYTES = [
    ("no TOML", b"rules = [", "policy.toml", "p"),
    ("no UTF-8", b'name = "\xff"', "policy.toml", "p"),
    ("byte-order mark", b'\xef\xbb\xbfname = "a"', "policy.toml", "p"),
    ("key twice in TOML", b'name = "a"\nname = "b"', "policy.toml", "p"),
    ("huge number in TOML", b"mpp_policy = " + b"1" * 5000, "policy.toml", "p"),
    ("impossible date in TOML", b"a = 2026-99-99", "policy.toml", "p"),
    ("deep TOML", b"a = " + b"[" * 5000, "policy.toml", "p"),
    ("33 levels of TOML", b"a = " + b"[" * 33 + b"]" * 33, "policy.toml", "p"),
    ("float", b"mpp_policy = 1.0", "policy.type", "p/mpp_policy"),
    ("date", b"[[rules]]\nwhen = { not_before = 2026-01-01 }", "policy.type", "p/rules/0/when/not_before"),
    ("time", b"a = 08:00:00", "policy.type", "p/a"),
    ("date with time", b"a = 2026-01-01T00:00:00Z", "policy.type", "p/a"),
    ("no JSON", b"{", "policy.json", "p: line 1, column 2"),
    ("key twice in JSON", b'{"name":"a","name":"b"}', "policy.json", "p: name"),
    ("deep JSON", b'{"a":' + b"[" * 100_000, "policy.json", "p"),
    ("33 levels of JSON", b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "policy.json", "p"),
    ("float in JSON", b'{"mpp_policy":1.0}', "policy.type", "p/mpp_policy"),
    ("too long", b" " * (POLICY_BYTES_MAX + 1), "policy.length", "p"),
    ("dotted keys", b".".join([b"a"] * (DOTTED_PARTS_MAX + 1)) + b" = 1", "policy.toml", "p"),
    ("dotted quoted keys", b" . ".join([b'"a b"', b"'c'"] * DOTTED_PARTS_MAX) + b" = 1", "policy.toml", "p"),
    ("many values of TOML", b"a = [" + b"0," * JSON_VALUES_MAX + b"]", "policy.toml", "p"),
    ("empty", b"", "policy.missing", "p/mpp_policy"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code", "where"), [row[1:] for row in WRONG_BYTES], ids=[row[0] for row in WRONG_BYTES])
def test_wrong_bytes_are_refused(data: bytes, code: str, where: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_policy(data, where="p")
    assert (caught.value.code, caught.value.where) == (code, where)
    assert all(fault.hint for fault in caught.value.faults)


def test_dots_in_texts_and_a_few_in_keys_are_fine() -> None:
    text = TOML.replace(b'name = "toml"', b'name = "toml"\ndescription = "' + b"1.2 " * 400 + b'"')
    assert parse_policy(text, where="p").description.startswith("1.2 ")


def test_values_have_defaults() -> None:
    assert Reach() == Reach(hosts=None, read=None, write=None, env=None, secrets=None, devices=None)
    assert RuleLimits().approvers == 1
