"""T52, a policy or a call that makes deciding slow: thousands of rules, patterns that backtrack, deep and huge documents and arguments.

Work is counted, not timed: how often conditions are judged and names compared, for a policy and for one twice as large.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy import Asked, Policies, compile_policies, explain, parse_policy, read_policy
from mpp.stages.policy.limits import CHANGES_MAX, LIST_MAX, PATH_PARTS_MAX, POLICY_BYTES_MAX, RULES_MAX
from mpp.stages.policy.patterns import Names, Packages, Paths, package_keys, path_keys
from tests.policies import call, document, judged, network, policy
from tests.records import NO_SALT


def counted(policies: Policies, asked: Asked) -> int:
    """How many conditions are judged for one call."""
    judged_times = 0

    def counting(judge: Callable[[Asked], int]) -> Callable[[Asked], int]:
        def count(one: Asked) -> int:
            nonlocal judged_times
            judged_times += 1
            return judge(one)

        return count

    rules = [rule for layer in policies.rules for rule in layer]
    kept = [rule.judges for rule in rules]
    for rule in rules:
        rule.judges = tuple(counting(judge) for judge in rule.judges)
    policies.evaluate(asked)
    for rule, judges in zip(rules, kept, strict=True):
        rule.judges = judges
    return judged_times


def many(count: int, made: Callable[[int], dict[str, Json]]) -> Policies:
    return compile_policies({"user": read_policy(document(*({"effect": ("allow", "ask", "deny")[i % 3], **made(i)} for i in range(count))), "p")})


# Rules that one key tells apart, and rules that share their key and differ by an argument only.
SHAPES: dict[str, tuple[Callable[[int], dict[str, Json]], Asked]] = {
    "packages": (lambda i: {"packages": [f"com.example.p{i}"]}, call(package_id="com.example.p77")),
    "prefixes": (lambda i: {"packages": [f"com.example{i}.*"]}, call(package_id="com.example77.a.b")),
    "agents": (lambda i: {"agents": [f"bot-{i}-*"]}, call()),
    "values": (lambda i: {"tools": ["send"], "arguments": [{"pointer": "/a", "op": "equals", "value": i}]}, call(arguments={"a": 77})),
    "folders": (lambda i: {"tools": ["send"], "arguments": [{"pointer": "/a", "op": "below", "value": f"/data/d{i}"}]}, call(arguments={"a": "/data/d77/x"})),
    "addresses": (lambda i: {"tools": ["send"], "arguments": [{"pointer": "/a", "op": "host_in", "value": [f"h{i}.example.com"]}]}, call(arguments={"a": "https://h77.example.com/"})),
    "parts": (lambda i: {"tools": ["send"], "arguments": [{"pointer": "/a", "op": "contains", "value": f"{i:05}"}]}, call(arguments={"a": "x 00077 y"})),
    "arguments that are not there": (lambda i: {"tools": ["send"], "arguments": [{"pointer": "/gone", "op": "equals", "value": i}]}, call()),
    "nothing fits": (lambda i: {"packages": [f"com.example.p{i}"], "tools": ["send"]}, call(package_id="org.other.x")),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_rules_are_not_twice_the_work(shape: str) -> None:
    made, asked = SHAPES[shape]
    few, more = counted(many(1000, made), asked), counted(many(2000, made), asked)
    assert more <= few + 20
    assert more < 100


def test_ten_thousand_rules_are_decided_by_a_few() -> None:
    policies = many(RULES_MAX, lambda i: {"packages": [f"com.example.t{i % 100}.p{i}"], "tools": ["send", "list"], "risk": {"most": 90}})
    found = policies.evaluate(call(package_id="com.example.t42.p4242"))
    assert found.decisive.rule == "r4242"
    assert counted(policies, call(package_id="com.example.t42.p4242")) < 50


def test_what_no_table_can_hold_is_linear() -> None:
    """Each condition of each rule once, and no more."""
    policies = many(1000, lambda i: {"risk": {"most": 1}, "versions": [f"={i}.0.0"]})
    assert counted(policies, call()) <= 2000


def test_doubt_ends_at_the_first_rule_that_denies() -> None:
    rules: list[dict[str, Json]] = [{"effect": "deny", "arguments": [{"pointer": "/a", "op": "equals", "value": i}]} for i in range(1000)]
    assert counted(compile_policies({"user": policy(*rules)}), call(arguments={"a": "odd"})) == 1


class Counting(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    times = 0

    def startswith(self, *args: object) -> bool:  # type: ignore[override]
        Counting.times += 1
        return super().startswith(*args)  # type: ignore[arg-type]

    def endswith(self, *args: object) -> bool:  # type: ignore[override]
        Counting.times += 1
        return super().endswith(*args)  # type: ignore[arg-type]


def test_a_pattern_is_compared_at_two_ends_and_never_tried_again() -> None:
    name = Counting("a" * 10_000)
    assert not Names(["a" * 100 + "*" + "a" * 99 + "b"]).fits(name)
    assert Counting.times <= 2


@pytest.mark.parametrize("pattern", ["a*a*", "*a*", "**", "(a+)+$*x*", "a**b"])
def test_a_pattern_that_could_backtrack_is_refused(pattern: str) -> None:
    with pytest.raises(Refused):
        policy({"effect": "deny", "agents": [pattern]})


def test_a_regular_expression_is_just_a_text() -> None:
    assert judged(call(user="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), {"effect": "allow", "users": ["(a+)+$"]}).effect == "deny"


def test_names_in_sets_are_looked_up_by_their_parts() -> None:
    assert Packages([f"com.p{i}.*" for i in range(LIST_MAX)]).fits("com.p999.x")
    assert len(package_keys("a." * 63 + "b")) == 64
    assert len(path_keys("/x" * 100_000)) == PATH_PARTS_MAX + 3
    assert Paths([f"/d{i}" for i in range(LIST_MAX)]).touches("/d999/x")


def test_a_deep_argument_costs_its_pointer() -> None:
    deep: Json = "x"
    for _ in range(5000):
        deep = [deep]
    test: dict[str, Json] = {"arguments": [{"pointer": "/a" + "/0" * 100, "op": "exists"}]}
    assert judged(call(arguments={"a": deep}), {"effect": "allow", **test}).effect == "allow"


HUGE = "x" * 2_000_000


@pytest.mark.parametrize("op", ["equals", "starts_with", "ends_with", "contains", "below", "host_in"])
def test_a_huge_argument_is_looked_at_and_not_cut_into_parts(op: str) -> None:
    wanted: Json = {"below": "/data", "host_in": ["a.example"]}.get(op, "y")
    rules: list[dict[str, Json]] = [{"effect": "deny", "arguments": [{"pointer": "/a", "op": op, "value": wanted}], "agents": [f"bot{i}"]} for i in range(20)]
    rules += [{"effect": "deny", "arguments": [{"pointer": "/a", "op": op, "value": [f"{i}.example"] if op == "host_in" else f"/{i}"}]} for i in range(20)]
    found = judged(call(arguments={"a": HUGE}), *rules, {"id": "rest", "effect": "allow"})
    # What is too long to be judged is unclear, and so denied.
    assert found.effect == ("deny" if op in {"below", "host_in", "contains"} else "allow")


# Parts that begin alike, long ones, and texts that hold the beginning of each, or are longer than what is searched.
SEARCHES: list[tuple[Callable[[int], str], str]] = [
    (lambda i: f"zz{i:06}", "zz00" * 4000),
    (lambda i: f"zz{i:06}", "zz" * 400_000),
    (lambda i: f"zz{i:06}" + "y" * 1000, "zz00" * 4000),
    (lambda i: f"aaaa{i}", "a" * 16_000),
]


@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize(("part", "text"), SEARCHES)
def test_a_text_chosen_to_be_searched_by_all_rules_is_searched_by_few(part: Callable[[int], str], text: str, ignore_case: bool) -> None:
    def made(i: int) -> dict[str, Json]:
        return {"arguments": [{"pointer": "/a", "op": "contains", "value": part(i), "ignore_case": ignore_case}]}

    assert counted(many(900, made), call(arguments={"a": text})) <= 10


@pytest.mark.parametrize("ignore_case", [False, True])
def test_a_huge_text_of_odd_letters_is_normalised_once(ignore_case: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import unicodedata

    from mpp.stages.policy import patterns

    times = 0
    plain = unicodedata.normalize

    class Counted:
        @staticmethod
        def normalize(form: str, text: str) -> str:
            nonlocal times
            times += len(text) > 1000
            return plain(form, text)  # type: ignore[arg-type]

    tests: list[Json] = [{"pointer": "/a", "op": op, "value": "zzz", "ignore_case": ignore_case} for op in ("contains", "starts_with", "ends_with", "equals")]
    rules: list[dict[str, Json]] = [{"effect": "deny", "arguments": [test], "risk": {"most": 50 + i}} for i in range(50) for test in tests]
    policies = compile_policies({"user": policy(*rules, {"id": "rest", "effect": "allow"})})
    monkeypatch.setattr(patterns, "unicodedata", Counted)
    assert policies.evaluate(call(arguments={"a": "e\u0301" * 8000})).effect == "allow"
    assert times <= 2
    # Nothing of the call is kept.
    assert not patterns._NORMAL
    assert not patterns._FOLDED


BOMBS = [
    ("deep JSON", b'{"rules":' + b"[" * 500_000, "policy.json"),
    ("deep TOML", b"rules = " + b"[" * 500_000, "policy.toml"),
    ("deep tables", b"rules = " + b"{a=" * 100_000, "policy.toml"),
    ("dotted key", b".".join([b"a"] * 500_000) + b"=1", "policy.toml"),
    ("dotted header", b"[" + b".".join([b"a"] * 500_000) + b"]", "policy.toml"),
    ("dotted key with spaces", b" . ".join([b"'a b'"] * 200_000) + b"=1", "policy.toml"),
    ("long number", b"mpp_policy = " + b"9" * 1_000_000, "policy.toml"),
    ("long number in JSON", b'{"mpp_policy":' + b"9" * 1_000_000 + b"}", "policy.json"),
    ("many values", b'{"rules":[' + b"0," * 400_000 + b"0]}", "policy.json"),
    ("many values of TOML", b"rules = [" + b"0," * 400_000 + b"0]", "policy.toml"),
    ("half a character", b'{"name":"' + b"\\ud800" * 100_000 + b'"}', "policy.json"),
    ("too large", b"#" * (POLICY_BYTES_MAX + 1), "policy.length"),
    ("many rules", json.dumps({"mpp_policy": 1, "name": "p", "rules": [{"id": f"r{i}", "effect": "deny"} for i in range(RULES_MAX + 1)]}).encode(), "policy.length"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_a_document_made_to_be_expensive_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_policy(data, where="p")
    assert caught.value.code == code


def test_lists_that_multiply_do_not_multiply_in_the_index() -> None:
    names: list[Json] = [f"n{i}" for i in range(30)]
    policies = compile_policies(
        {"user": policy(*({"effect": "allow", "tools": names, "agents": names, "users": names, "publishers": [f"{i:064x}"]} for i in range(300)))}
    )
    assert policies.evaluate(call()).effect == "deny"


def test_a_wide_package_meets_wide_lists() -> None:
    """64 wildcards against a thousand patterns: by table, not pair by pair."""
    patterns: list[Json] = [f"h{i}.d{i % 64}.example" for i in range(LIST_MAX)]
    asked = call(scope=Scope(network=tuple(network(f"*.d{i}.example") for i in range(64)), tools=("send",)))
    rule: dict[str, Json] = {"effect": "allow", "limits": {"hosts": patterns}}
    found = judged(asked, rule)
    assert found.limits.scope is not None
    assert len(found.limits.scope.network) == LIST_MAX
    assert judged(asked, {"effect": "deny", "capabilities": {"hosts": patterns}}).effect == "deny"


def test_explaining_ten_thousand_rules_stays_short() -> None:
    policies = many(RULES_MAX, lambda i: {"packages": [f"com.example.p{i}"]})
    found = explain(call(), policies)
    assert len(found.lines()) < 20
    assert len(found.changes) <= CHANGES_MAX
    assert len(json.dumps(found.to_json())) < 10_000


def test_a_record_of_a_huge_package_stays_small() -> None:
    from mpp.model.events import EVENT_BYTES_MAX, write_event
    from mpp.stages.policy import decision_event

    asked = replace(
        call(), scope=Scope(read=tuple(f"/{i}/{'x' * 500}" for i in range(64)), write=tuple(f"/w{i}/{'x' * 500}" for i in range(64)), tools=("send",))
    )
    event = decision_event(asked, compile_policies({}).evaluate(asked), "ab" * 16)
    assert len(write_event(event, NO_SALT)) < EVENT_BYTES_MAX
