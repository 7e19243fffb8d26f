"""``mpp policy explain`` and ``test``: why a call ends as it does, and whether it would end otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.model.events import Event
from mpp.model.scope import NOTHING
from mpp.stages.policy import Asked, Risk, Verdict, compile_policies, decision_event, parse_policy
from mpp.testing.packages import NOW
from mpp.testing.policies import toml
from tests.cli.conftest import Mpp

from tests.cli.policy_world import MINE, STRICT, machine_folder, write
from mpp.stages.audit.entry import read_entry
from tests.records import entry_line


@pytest.fixture
def policy() -> str:
    return write("policy.toml", MINE)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine folder of the test's own."""
    return machine_folder(tmp_path, monkeypatch)


# explain


def test_a_call_is_explained(mpp: Mpp, signed: Path, policy: str) -> None:
    found = mpp("policy", "explain", signed, "--policy", policy, "--args", '{"name": "Ada"}')
    assert found.code == 0, found.err
    assert "com.example.hello 0.1.0, tool greet, judged by policy.toml alone" in found.out
    assert "verdict: allow" in found.out
    assert "allow-hello" in found.out
    long = mpp("policy", "explain", signed, "--policy", policy, "--args", json.dumps({"name": "A" * 30}), "--json").json
    assert (long["effect"], long["layers"][0]["rule"]) == ("ask", "ask-large")
    assert long["changes"]


def test_explaining_leaves_nothing_behind(mpp: Mpp, signed: Path, home: Path) -> None:
    before = sorted(str(path) for path in home.rglob("*"))
    assert mpp("policy", "explain", signed).code == 0
    assert sorted(str(path) for path in home.rglob("*")) == before


def test_what_somebody_agreed_to_counts(mpp: Mpp, signed: Path, home: Path) -> None:
    from mpp.host.stores.approvals import ApprovalsStore
    from mpp.host.trust_store import TrustStore
    from mpp.stages.approval import consent_of
    from mpp.stages.archive import MANIFEST_NAME
    from mpp.stages.gatekeeper import verify

    policy = write("c.toml", 'mpp_policy = 1\nname = "c"\nrules = [{ id = "yes", effect = "allow", consented = true }]')
    assert mpp("policy", "explain", signed, "--policy", policy, "--json").json["effect"] == "deny"
    package = verify(signed.read_bytes(), TrustStore(str(home / "trust" / "trust.json")).load(), NOW)
    manifest = package.read(MANIFEST_NAME) or b""
    store = ApprovalsStore(str(home / "approvals" / "approvals.sqlite"))
    store.put_consent(consent_of(package.manifest, manifest, tenant="local", publisher_id=package.publisher_id, by="user:ada", amr="tty", now=NOW))
    store.close()
    assert mpp("policy", "explain", signed, "--policy", policy, "--json").json["effect"] == "allow"


def test_the_policies_in_force_explain_by_default(mpp: Mpp, signed: Path) -> None:
    found = mpp("policy", "explain", signed)
    assert "judged by the policies in force" in found.out
    assert mpp("policy", "use", write("s.toml", STRICT), "--yes").code == 0
    assert "verdict: deny" in mpp("policy", "explain", signed).out


CALLER = """
mpp_policy = 1
name = "caller"
rules = [
  { id = "agent", effect = "allow", agents = ["scout"], agent_at_least = "signed" },
  { id = "user", effect = "deny", users = ["mallory"] },
  { id = "origin", effect = "ask", origins = ["automation"] },
  { id = "night", effect = "deny", when = { from = "22:00", until = "06:00" } },
]
"""
CALLS: list[tuple[list[str], str, str]] = [
    (["--agent", "scout", "--agent-level", "signed", "--at", "2026-01-05T12:00:00Z"], "allow", "agent"),
    (["--agent", "scout", "--at", "2026-01-05T12:00:00Z"], "deny", "default"),
    (["--agent", "scout", "--agent-level", "signed", "--at", "2026-01-05T23:00:00Z"], "deny", "night"),
    (["--user", "mallory", "--at", "2026-01-05T12:00:00Z"], "deny", "user"),
    (["--origin", "automation", "--at", "2026-01-05T12:00:00Z"], "ask", "origin"),
]


@pytest.mark.parametrize(("words", "effect", "rule"), CALLS)
def test_a_caller_is_supposed(mpp: Mpp, signed: Path, words: list[str], effect: str, rule: str) -> None:
    answer = mpp("policy", "explain", signed, "--policy", write("c.toml", CALLER), "--json", *words).json
    assert (answer["effect"], answer["layers"][0]["rule"]) == (effect, rule)


def test_a_layer_is_put_in_the_place_of_one_in_force(mpp: Mpp, signed: Path, policy: str, system: Path) -> None:
    (system / "policy.toml").write_text(STRICT)
    answer = mpp("policy", "explain", signed, "--policy", f"user={policy}", "--json").json
    assert [one["layer"] for one in answer["layers"]] == ["machine", "user"]
    assert answer["effect"] == "deny"
    both = mpp("policy", "explain", signed, "--policy", f"user={policy}", "--policy", "machine=developer", "--json").json
    assert "another" in both["judged_by"]
    assert both["effect"] != "deny"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--policy", "policy.toml", "--policy", "policy.toml"], 2),
        (["--policy", "policy.toml", "--policy", "user=policy.toml"], 2),
        (["--policy", "user=policy.toml", "--policy", "user=policy.toml"], 2),
        (["--policy", "absent.toml"], 2),
        (["--tool", "greeet"], 21),
        (["--args", "[]"], 21),
        (["--args", '{"name": 1}'], 21),
        (["--agent-level", "signed"], 2),
        (["--at", "yesterday"], 2),
    ],
)
def test_what_cannot_be_explained(mpp: Mpp, signed: Path, policy: str, words: list[str], code: int) -> None:
    found = mpp("policy", "explain", signed, *words)
    assert (found.code, "hint:" in found.err) == (code, True)


def test_a_package_that_is_not_verified_is_not_explained(mpp: Mpp, strange: Path) -> None:
    assert mpp("policy", "explain", strange).code == 20


def test_a_package_of_several_tools_is_judged_as_a_whole(mpp: Mpp, keys: Path) -> None:
    from mpp.testing import packages

    tools = [
        {"name": name, "description": "Does it", "parameters": {"type": "object"}, "security_level": level} for name, level in (("a", "low"), ("b", "high"))
    ]
    Path("two-0.1.0.mpp").write_bytes(packages.unsigned({"tool_definitions": tools}))
    assert mpp("sign", "two-0.1.0.mpp", "--now", NOW).code == 0
    answer = mpp("policy", "explain", "two-0.1.0.mpp", "--json").json
    assert (answer["tool"], answer["effect"]) == ("", "ask")
    assert "before any call" in mpp("policy", "explain", "two-0.1.0.mpp").out
    assert mpp("policy", "explain", "two-0.1.0.mpp", "--tool", "b", "--json").json["tool"] == "b"


STOPS = [
    (["--package", "com.example.hello"], "com.example.hello is stopped"),
    (["--all"], "everything is stopped"),
    (["--publisher", "{publisher}"], "publisher {publisher:.16} is stopped"),
]


@pytest.mark.parametrize(("words", "said"), STOPS)
def test_what_is_stopped_is_said(mpp: Mpp, signed: Path, policy: str, words: list[str], said: str) -> None:
    """A verdict of allow is no promise where the call would be refused all the same."""
    before = mpp("policy", "explain", signed, "--policy", policy, "--json").json
    assert (before["stopped"], before["origin"]) == (None, "human")
    publisher = mpp("inspect", signed, "--json").json["seal"]["publisher_id"]
    assert mpp("stop", *(word.format(publisher=publisher) for word in words), "--why", "looked at").code == 0
    found = mpp("policy", "explain", signed, "--policy", policy)
    assert f"stopped: {said.format(publisher=publisher)} on this host: looked at. Whatever the policies say" in found.out
    answer = mpp("policy", "explain", signed, "--policy", policy, "--json").json
    assert answer["stopped"] == f"{said.format(publisher=publisher)} on this host: looked at"


def test_the_supposed_origin_is_said(mpp: Mpp, signed: Path, policy: str) -> None:
    said = "Where `mpp run` has no terminal it is automation"
    assert f"the origin of the call is human. {said}" in mpp("policy", "explain", signed, "--policy", policy).out
    assert said not in mpp("policy", "explain", signed, "--policy", policy, "--origin", "automation").out


# test


CASES = """
[given]
package = "com.example.pay"
tool = "greet"

[[cases]]
name = "a short one runs"
expect = "allow"
rule = "allow-hello"
given = { arguments = { name = "Ada" } }

[[cases]]
name = "a long one asks"
expect = "ask"
given = { arguments = { name = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } }

[[cases]]
name = "a stranger's id is no proof"
expect = "deny"
given = { bound = false, arguments = { name = "Ada" } }
"""


def test_cases_that_hold(mpp: Mpp, policy: str) -> None:
    found = mpp("policy", "test", write("cases.toml", CASES), "--policy", policy)
    assert found.code == 0, found.out + found.err
    assert "3 cases judged by policy.toml alone; all hold" in found.out


def test_cases_that_do_not_hold(mpp: Mpp, policy: str) -> None:
    cases = write("cases.toml", CASES.replace('rule = "allow-hello"', 'rule = "other"').replace('expect = "deny"', 'expect = "allow"'))
    found = mpp("policy", "test", cases, "--policy", policy)
    assert found.code == 23
    assert "expected allow by rule other, found allow by user rule allow-hello" in found.out
    assert "2 failed" in found.out
    answer = mpp("policy", "test", cases, "--policy", policy, "--json")
    assert (answer.code, answer.json["failed"], [one["ok"] for one in answer.json["cases"]]) == (23, 2, [False, True, False])


FULL_CASE = {
    "name": "everything",
    "expect": "allow",
    "given": {
        "package": "com.example.x", "version": "1.2.3", "publisher": "1" * 64, "bound": True, "tool": "t", "level": "high", "agent": "scout",
        "agent_level": "signed", "user": "ada", "origin": "model", "at": "2026-01-05T12:00:00Z", "arguments": {"n": 1}, "risk": 60, "consented": True,
        "hosts": ["api.example.com", "*.example.org:8443"], "read": ["/data"], "write": ["/out"], "env": ["REGION"], "secrets": ["TOKEN"],
        "devices": ["/dev/ttyUSB0"], "kv": 1000, "internal_hosts": ["api.example.com"],
    },
}  # fmt: skip
FULL_POLICY = {
    "mpp_policy": 1,
    "name": "full",
    "rules": [
        {
            "id": "all", "effect": "allow", "packages": ["com.example.x"], "versions": [">=1.2.0 <2.0.0"], "publishers": ["1" * 64], "tools": ["t"],
            "agents": ["scout"], "agent_at_least": "signed", "users": ["ada"], "origins": ["model"], "security_levels": ["high"],
            "risk": {"least": 60, "most": 60}, "consented": True, "asks": True, "internal": True, "bound": True, "when": {"days": ["mon"]},
            "arguments": [{"pointer": "/n", "op": "equals", "value": 1}],
            "capabilities": {
                "hosts": ["api.example.com", "*.example.org:8443"], "read": ["/data", "/out"], "write": ["/out"], "env": ["REGION"], "secrets": ["TOKEN"],
                "devices": ["/dev/ttyUSB0"],
            },
        }
    ],
}  # fmt: skip


def test_a_case_can_say_everything_that_a_rule_looks_at(mpp: Mpp) -> None:
    policy = write("full.json", json.dumps(FULL_POLICY))
    found = mpp("policy", "test", write("full-cases.json", json.dumps({"cases": [FULL_CASE]})), "--policy", policy)
    assert found.code == 0, found.out + found.err
    for key, other in (("version", "2.0.0"), ("user", "bob"), ("hosts", ["evil.example.net"]), ("secrets", ["OTHER"]), ("at", "2026-01-06"), ("kv", 0)):
        case = {**FULL_CASE, "given": {**FULL_CASE["given"], key: other}}  # type: ignore[dict-item]
        code = mpp("policy", "test", write("one.json", json.dumps({"cases": [case]})), "--policy", policy).code
        assert code == (0 if key == "kv" else 23), key


WRONG_CASES = [
    ("x", "policy.toml"),
    ("cases = []", "policy.length"),
    ('[[cases]]\nname = "x"\nexpect = "maybe"', "policy.choice"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { pakage = "com.example.x" }', "policy.unknown_key"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { version = "one" }', "policy.form"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { at = "soon" }', "policy.form"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { hosts = ["a b"] }', "policy.host"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { risk = 101 }', "policy.range"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { level = "huge" }', "policy.choice"),
    ('[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { agent_level = "huge" }', "policy.choice"),
    ('{"cases": [}', "policy.json"),
    ('given = 3\n[[cases]]\nname = "x"\nexpect = "allow"', "policy.type"),
]


@pytest.mark.parametrize(("text", "code"), WRONG_CASES)
def test_cases_are_read_strictly(mpp: Mpp, policy: str, text: str, code: str) -> None:
    found = mpp("policy", "test", write("wrong.toml", text), "--policy", policy)
    assert found.code == 23
    assert f"[{code}]" in found.err


def test_a_case_of_a_package_before_any_call(mpp: Mpp, policy: str) -> None:
    cases = write("c.toml", '[[cases]]\nname = "x"\nexpect = "allow"\ngiven = { package = "com.example.x", tool = "", arguments = { at = 2026-01-01 } }')
    assert mpp("policy", "test", cases, "--policy", policy).code == 0


@pytest.mark.parametrize("words", [(), ("cases.toml", "--replay", "events.jsonl")])
def test_test_takes_one_thing(mpp: Mpp, words: tuple[str, ...]) -> None:
    assert mpp("policy", "test", *words).code == 2


# test --replay


ALLOW_ALL = compile_policies({"user": parse_policy(toml("before", "allow"), where="x")})


def decision(package: str, tool: str = "greet", at: int = NOW) -> bytes:
    """One line of the record: everything was allowed then."""
    asked = Asked(
        publisher_id="0" * 64, package_id=package, version="1.0.0", content_hash="1" * 64, bound=True, tool=tool, security_level="low", arguments={},
        now=at, risk=Risk(score=10, band="low", reasons=()), consented=True, scope=NOTHING,
    )  # fmt: skip
    verdict: Verdict = ALLOW_ALL.evaluate(asked)
    return entry_line(decision_event(asked, verdict, "ab" * 16))


OTHER_EVENT = entry_line(Event(kind="stop", at=NOW, tenant="local", invocation="", body={}))
REPLAYED = """
mpp_policy = 1
name = "proposed"
rules = [
  { id = "allow", effect = "allow" },
  { id = "ask-notes", effect = "ask", packages = ["com.example.notes"] },
  { id = "deny-pay", effect = "deny", packages = ["com.example.pay"] },
  { id = "ask-amount", effect = "ask", packages = ["com.example.bank"], arguments = [{ pointer = "/amount", op = "at_least", value = 100 }] },
]
"""


@pytest.fixture
def record() -> str:
    lines = [decision("com.example.notes"), decision("com.example.notes", at=NOW + 1), OTHER_EVENT, decision("com.example.pay"), decision("com.example.bank")]
    Path("events.jsonl").write_bytes(b"".join([*lines, decision("com.example.other"), decision("com.example.other")]))
    return "events.jsonl"


def test_a_record_is_judged_again(mpp: Mpp, record: str) -> None:
    found = mpp("policy", "test", "--replay", record, "--policy", write("proposed.toml", REPLAYED))
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0] == "6 decisions judged by proposed.toml alone"
    assert [line.split() for line in lines[1:5]] == [["allow", "to", "ask", "2"], ["allow", "to", "deny", "1"], ["as", "before", "2"], ["not", "certain", "1"]]
    assert "not certain for 1 call: user rule ask-amount looks at the arguments, which no record holds" in found.out
    assert "2026-01-01 00:00:01 UTC  com.example.notes greet  allow to ask   by user rule ask-notes" in found.out


def test_the_same_as_json(mpp: Mpp, record: str) -> None:
    answer = mpp("policy", "test", "--replay", record, "--policy", write("proposed.toml", REPLAYED), "--json").json
    assert {key: answer[key] for key in ("judged", "as_before", "changed", "uncertain", "torn")} == {
        "judged": 6, "as_before": 2, "changed": 3, "uncertain": 1, "torn": False,
    }  # fmt: skip
    assert answer["counts"] == [{"from": "allow", "to": "ask", "calls": 2}, {"from": "allow", "to": "deny", "calls": 1}]
    assert answer["changes"][0] == {
        "at": NOW, "package": "com.example.notes", "tool": "greet", "from": "allow", "to": "ask", "layer": "user", "rule": "ask-notes",
    }  # fmt: skip


UNSURE: list[tuple[str, int, str]] = [
    ('{ id = "u", effect = "deny", users = ["mallory"] }', 1, "user rule u looks at the user"),
    ('{ id = "a", effect = "deny", packages = ["com.example.else"], users = ["mallory"] }', 0, ""),
    ('{ id = "b", effect = "deny", users = ["m"], arguments = [{ pointer = "/x", op = "exists" }] }', 1, "looks at the arguments and the user"),
]


@pytest.mark.parametrize(("rule", "number", "why"), UNSURE)
def test_what_a_record_cannot_tell_is_said(mpp: Mpp, rule: str, number: int, why: str) -> None:
    Path("one.jsonl").write_bytes(decision("com.example.x"))
    policy = write("p.toml", f'mpp_policy = 1\nname = "p"\nrules = [{{ id = "all", effect = "allow" }}, {rule}]')
    answer = mpp("policy", "test", "--replay", "one.jsonl", "--policy", policy, "--json").json
    assert (answer["uncertain"], answer["as_before"]) == (number, 1 - number)
    assert why in json.dumps(answer["uncertain_why"])


def test_a_rule_that_would_allow_by_something_unknown(mpp: Mpp) -> None:
    Path("one.jsonl").write_bytes(decision("com.example.x"))
    policy = write("p.toml", 'mpp_policy = 1\nname = "p"\nrules = [{ id = "mine", effect = "allow", users = ["ada"] }]')
    answer = mpp("policy", "test", "--replay", "one.jsonl", "--policy", policy, "--json").json
    assert answer["uncertain_why"] == [{"why": "user rule mine looks at the user", "calls": 1}]


QUESTIONS: list[tuple[str, int]] = [
    ('[{ id = "mine", effect = "ask", users = ["root"] }]', 1),
    ('[{ id = "mine", effect = "ask", arguments = [{ pointer = "/n", op = "absent" }] }, { id = "no", effect = "deny", packages = ["com.example.else"] }]', 1),
    ('[{ id = "mine", effect = "ask", users = ["root"] }, { id = "no", effect = "deny" }]', 0),
    ('[{ id = "mine", effect = "ask", users = ["root"], packages = ["com.example.else"] }]', 0),
    ('[{ id = "mine", effect = "ask", users = ["root"] }, { id = "sure", effect = "ask" }]', 0),
]


@pytest.mark.parametrize(("rules", "number"), QUESTIONS)
def test_a_rule_that_would_ask_by_something_unknown(mpp: Mpp, rules: str, number: int) -> None:
    """In doubt it counts for nothing where nothing is allowed (P-31), and on the call itself it may have asked."""
    Path("one.jsonl").write_bytes(decision("com.example.x"))
    policy = write("p.toml", f'mpp_policy = 1\nname = "p"\nrules = {rules}')
    answer = mpp("policy", "test", "--replay", "one.jsonl", "--policy", policy, "--json").json
    assert (answer["uncertain"], answer["changed"], len(answer["uncertain_why"])) == (number, 1 - number, number)


def test_a_scope_that_was_not_kept(mpp: Mpp) -> None:
    event = read_entry(decision("com.example.x")[:-1], where="e").event
    facts = event.body["facts"]
    assert isinstance(facts, dict)
    changed = Event(kind="decision", at=NOW, tenant="local", invocation="", body={**event.body, "facts": {**facts, "scope": None}})
    Path("one.jsonl").write_bytes(entry_line(changed))
    text = 'mpp_policy = 1\nname = "p"\nrules = [{ id = "none", effect = "allow", asks = false }, { id = "net", effect = "deny", capabilities = { hosts = ["*"] } }]'
    answer = mpp("policy", "test", "--replay", "one.jsonl", "--policy", write("p.toml", text), "--json").json
    assert answer["uncertain"] == 1
    assert "all that the package declares" in answer["uncertain_why"][0]["why"]


def test_a_torn_last_line_is_left_out(mpp: Mpp, record: str, policy: str) -> None:
    with open(record, "ab") as stream:
        stream.write(decision("com.example.torn")[:100])
    found = mpp("policy", "test", "--replay", record, "--policy", policy)
    assert found.code == 0
    assert found.out.startswith("6 decisions")
    assert "torn" in found.err


WRONG_RECORDS = [
    (b"hello\n", "audit.json"),
    (b"x" * 70_000, "audit.entry"),
    (b"x" * 70_000 + b"\n", "audit.entry"),
    (entry_line(Event(kind="decision", at=NOW, tenant="local", invocation="", body={})), "policy.missing"),
    (entry_line(Event(kind="decision", at=NOW, tenant="local", invocation="", body={"effect": "allow", "facts": {}})), "policy.missing"),
    (OTHER_EVENT.replace(b'"stop"', b'"hidden"'), "audit.choice"),
]


@pytest.mark.parametrize(("data", "code"), WRONG_RECORDS)
def test_a_record_from_elsewhere_is_read_strictly(mpp: Mpp, policy: str, data: bytes, code: str) -> None:
    Path("bad.jsonl").write_bytes(OTHER_EVENT + data)
    found = mpp("policy", "test", "--replay", "bad.jsonl", "--policy", policy)
    assert found.code == (27 if code.startswith("audit.") else 23)
    assert f"[{code}]" in found.err
    assert "line 2" in found.err


def test_a_record_that_is_not_there(mpp: Mpp, policy: str) -> None:
    assert mpp("policy", "test", "--replay", "absent.jsonl", "--policy", policy).code == 1


def test_long_records_say_how_far_they_are(mpp: Mpp, record: str, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.host import policy_replay

    monkeypatch.setattr(policy_replay, "PROGRESS_SECONDS", 0)
    found = mpp("policy", "test", "--replay", record, "--policy", policy)
    assert "read 1 event, " in found.err
    assert "read 7 events, 100 %" in found.err


def test_many_changes_are_counted_and_some_are_listed(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.host import policy_replay

    monkeypatch.setattr(policy_replay, "CALLS_KEPT_MAX", 60)
    Path("many.jsonl").write_bytes(decision("com.example.x") * 70)
    found = mpp("policy", "test", "--replay", "many.jsonl", "--policy", write("s.toml", STRICT))
    assert "allow to deny" in found.out
    assert found.out.splitlines()[-1] == "  and 20 more"
