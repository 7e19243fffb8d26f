"""Policies of all shapes: the index finds what judging every rule finds, order means nothing, doubt and more layers never make milder."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.model.agents import LEVELS, AgentIdentity
from mpp.model.jsontext import Json, canonical
from mpp.model.scope import Scope, covers
from mpp.stages.policy import (
    EFFECTS,
    LAYERS,
    ORIGINS,
    PRESETS,
    Asked,
    Denied,
    Policy,
    compile_policies,
    decide,
    explain,
    facts_json,
    held_by,
    parse_policy,
    policy_json,
    read_facts,
    read_policy,
)
from mpp.stages.policy.compiled import compile_layer
from mpp.stages.policy.patterns import UNCLEAR, YES
from tests.policies import call, device, document, network, risk, secret

pytestmark = pytest.mark.property

IDS = ["com.example.mail", "com.example.mail.pro", "com.examplefoo.mail", "com.example.x", "org.other.x"]
PACKAGES = [*IDS, "com.example.*", "com.*", "org.other.*", "*"]
NAMES = ["", "bot", "bot-1", "bot-2", "ada", "Bot", "a", "aa"]
NAME_PATTERNS = ["bot", "bot-*", "*-1", "b*1", "*", "a*a", "ada", "*a"]
HOSTS = ["api.example.com", "example.com", "*.example.com", "badexample.com", "a.b.example.com", "*.b.example.com", "example.org"]
HOST_PATTERNS = [*HOSTS, "*", "api.example.com:8443", "*.example.com:443", "10.0.0.5", "localhost:8080"]
PATHS = ["/data", "/data/in", "/database", "/Data", "/", "${workspace}", "${workspace}/out", "/data/in/deep"]
TEXTS = [
    "", "a", "A", "abc", "abcd", "ABCD", "\u00e9", "e\u0301", "e", "\ufb01", "fi", "/data/in/x", "/data", "/database", "/DATA/in", "/data/../etc", "data/in", "/workspace/out",
    "https://api.example.com/x", "api.example.com", "api.example.com:8443", "https://u@api.example.com", "http://10.0.0.5/", "https://x.b.example.com", "localhost:8080", "a" * 2000,
]  # fmt: skip
VALUES: list[Json] = [*TEXTS, True, False, 0, 1, 1.0, 2, 3.5, None, [], ["a"], {}, {"a": 1}]
POINTERS = ["/a", "/b", "/list/0", "/deep/x", ""]
SCALARS: list[Json] = ["a", "abc", "e", "\u00e9", "e\u0301", "fi", "\ufb01", True, False, 0, 1, 2, None]


def some(items: list[Json]) -> st.SearchStrategy[list[Json]]:
    return st.lists(st.sampled_from(items), max_size=3, unique_by=repr)


@st.composite
def arguments_tests(draw: st.DrawFn) -> Json:
    op = draw(st.sampled_from(["equals", "not_equals", "in", "not_in", "starts_with", "ends_with", "contains", "below", "host_in", "at_least", "at_most", "longer_than", "exists", "absent"]))  # fmt: skip
    found: dict[str, Json] = {"pointer": draw(st.sampled_from(POINTERS)), "op": op}
    if op in {"equals", "not_equals"}:
        found["value"] = draw(st.sampled_from(SCALARS))
    elif op in {"in", "not_in"}:
        found["value"] = draw(some(SCALARS))
        if op == "not_in" and not found["value"]:
            # An empty list is refused there.
            found["op"] = "in"
    elif op in {"starts_with", "ends_with", "contains"}:
        found["value"] = draw(st.sampled_from([text for text in TEXTS if 0 < len(text) < 100]))
    elif op == "below":
        found["value"] = draw(st.sampled_from(PATHS))
    elif op == "host_in":
        found["value"] = draw(some(list(HOST_PATTERNS)))
    elif op not in {"exists", "absent"}:
        found["value"] = draw(st.integers(0, 4))
    if op in {"equals", "in", "not_in", "starts_with", "contains", "ends_with"} and draw(st.booleans()):
        found["ignore_case"] = True
    if op not in {"exists", "absent"} and draw(st.booleans()):
        found["optional"] = True
    return found


CONDITIONS: dict[str, st.SearchStrategy[Json]] = {
    "packages": some(list(PACKAGES)),
    "publishers": some(["ab" * 32, "cd" * 32]),
    "versions": some([">=1.0.0", "<2.0.0", "=1.4.0", ">=1.0.0 <2.0.0-rc.1"]),
    "tools": some(["send", "list", "se*", "*t", "*"]),
    "agents": some(list(NAME_PATTERNS)),
    "agent_at_least": st.sampled_from(LEVELS),
    "users": some(list(NAME_PATTERNS)),
    "origins": some(list(ORIGINS)),
    "security_levels": some(["low", "medium", "high", "critical"]),
    "risk": st.sampled_from([{"least": 10}, {"most": 40}, {"least": 10, "most": 60}]),
    "consented": st.booleans(),
    "asks": st.booleans(),
    "bound": st.booleans(),
    "internal": st.booleans(),
    "when": st.sampled_from([{"days": ["thu"]}, {"days": ["fri"]}, {"from": "22:00", "until": "06:00"}, {"not_before": "2027-01-01"}]),
    "capabilities": st.fixed_dictionaries(
        {}, optional={"hosts": some(list(HOST_PATTERNS)), "read": some(list(PATHS)), "write": some(list(PATHS)), "env": some(["A", "B*"]), "kv": st.booleans()}
    ).filter(bool),
    "arguments": st.lists(arguments_tests(), min_size=1, max_size=2),
}  # fmt: skip
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "hosts": some(list(HOST_PATTERNS)), "read": some(list(PATHS)), "write": some(list(PATHS)), "env": some(["A", "B*"]), "secrets": some(["T*"]), "devices": some(["/dev/tty*"]),
        "kv_max_bytes": st.integers(0, 50), "timeout_ms": st.integers(1, 9), "calls_per_minute": st.integers(1, 9), "approvers": st.integers(1, 2),
        "strength": st.sampled_from(["tty", "passphrase"]), "privacy_patterns": some(["email", "iban"]), "answer_seconds": st.integers(1, 9),
    },
).filter(bool)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Json]:
    effect = draw(st.sampled_from(EFFECTS))
    kinds = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3, unique=True))
    found: dict[str, Json] = {"effect": effect, **{kind: draw(CONDITIONS[kind]) for kind in kinds}}
    if effect != "deny" and draw(st.integers(0, 3)) == 0:
        found["limits"] = draw(LIMITS)
    return found


@st.composite
def policies(draw: st.DrawFn, most: int = 40) -> Policy:
    return read_policy(document(*draw(st.lists(rules(), max_size=most))), "drawn")


@st.composite
def calls(draw: st.DrawFn) -> Asked:
    scope = Scope(
        network=tuple(network(host) for host in draw(st.lists(st.sampled_from(HOSTS), max_size=3, unique=True))),
        read=tuple(draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))),
        write=tuple(draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))),
        env=tuple(draw(st.lists(st.sampled_from(["A", "B1", "C"]), max_size=2, unique=True))),
        secrets=(secret(),) if draw(st.booleans()) else (),
        kv_max_bytes=draw(st.sampled_from([0, 100])),
        devices=(device(),) if draw(st.booleans()) else (),
        tools=("send", "list"),
    )
    values = st.sampled_from(VALUES)
    return call(
        package_id=draw(st.sampled_from(IDS)),
        publisher_id=draw(st.sampled_from(["ab" * 32, "cd" * 32])),
        version=draw(st.sampled_from(["1.4.0", "2.0.0-rc.2", "0.1.0"])),
        bound=draw(st.booleans()),
        tool=draw(st.sampled_from(["send", "list", "set", ""])),
        security_level=draw(st.sampled_from(["low", "high"])),
        arguments=draw(st.fixed_dictionaries({}, optional={"a": values, "b": values, "list": st.lists(values, max_size=2), "deep": st.just({"x": 1})})),
        agent=AgentIdentity(name=draw(st.sampled_from(NAMES)), level=draw(st.sampled_from(LEVELS))),
        user=draw(st.sampled_from(NAMES)),
        origin=draw(st.sampled_from(ORIGINS)),
        now=draw(st.sampled_from([1_767_225_600, 1_767_225_600 + 23 * 3600, 1_798_761_600])),
        risk=risk(draw(st.integers(0, 100))),
        consented=draw(st.booleans()),
        scope=scope,
        internal_hosts=("api.example.com",) if draw(st.booleans()) else (),
        unknown=tuple(draw(st.lists(st.sampled_from(["arguments", "user", "scope"]), max_size=2, unique=True))),
    )


def strictness(effect: str) -> int:
    return EFFECTS.index(effect)


def by_hand(asked: Asked, one: Policy) -> tuple[str, str]:
    """Effect and rule of one layer, every rule judged by itself."""
    found: dict[str, list[str]] = {"allow": [], "ask": [], "doubt": [], "deny": []}
    for rule in compile_layer(one, "user", 0):
        least = min([YES, *(condition.judge(asked) for condition in rule.conditions)])
        takes_part = bool(asked.tool) or not rule.about_call
        if takes_part and least >= (YES if rule.rule.effect == "allow" else UNCLEAR):
            found["doubt" if rule.rule.effect == "ask" and least == UNCLEAR else rule.rule.effect].append(rule.rule.id)
    if found["deny"]:
        return "deny", min(found["deny"])
    # An ask rule in doubt makes an allow into an ask, and never a default deny.
    asking = [*found["ask"], *(found["doubt"] if found["ask"] or found["allow"] else [])]
    if asking:
        return "ask", min(asking)
    return ("allow", min(found["allow"])) if found["allow"] else ("deny", "default")


@given(policies(), calls())
def test_the_index_finds_what_judging_every_rule_finds(one: Policy, asked: Asked) -> None:
    decided = compile_policies({"user": one}).evaluate(asked).decisive
    assert (decided.effect, decided.rule) == by_hand(asked, one)


@given(st.lists(st.tuples(policies(60), calls()), min_size=1, max_size=3))
def test_large_policies_too(pairs: list[tuple[Policy, Asked]]) -> None:
    rules = [replace(rule, id=f"{i}-{rule.id}") for i, (one, _) in enumerate(pairs) for rule in one.rules]
    whole = replace(pairs[0][0], rules=tuple(rules))
    compiled = compile_policies({"user": whole})
    for _, asked in pairs:
        decided = compiled.evaluate(asked).decisive
        assert (decided.effect, decided.rule) == by_hand(asked, whole)


@given(policies(), calls(), st.randoms(use_true_random=False))
def test_the_order_of_rules_means_nothing(one: Policy, asked: Asked, random: object) -> None:
    mixed = list(one.rules)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = compile_policies({"user": one}), compile_policies({"user": replace(one, rules=tuple(mixed))})
    assert first.digest == second.digest
    assert first.evaluate(asked) == second.evaluate(asked)


@given(policies(12), policies(12), calls())
def test_another_layer_never_makes_it_milder(one: Policy, other: Policy, asked: Asked) -> None:
    alone, both = compile_policies({"user": one}).evaluate(asked), compile_policies({"user": one, "fleet": other}).evaluate(asked)
    assert strictness(both.effect) == max(strictness(alone.effect), strictness(compile_policies({"fleet": other}).evaluate(asked).effect))
    if both.effect != "deny":
        assert covers(alone.limits.scope or asked.scope, both.limits.scope or asked.scope)
        assert not alone.limits.timeout_ms or 0 < both.limits.timeout_ms <= alone.limits.timeout_ms
        assert both.limits.approvers >= alone.limits.approvers


@given(policies(), calls())
def test_doubt_never_makes_it_milder(one: Policy, asked: Asked) -> None:
    """What is not known is decided as strictly as whatever it might have been."""
    compiled = compile_policies({"user": one})
    for unknown in (("arguments",), ("user",), ("scope",), ("arguments", "user", "scope")):
        doubtful = replace(asked, unknown=(*asked.unknown, *unknown))
        assert strictness(compiled.evaluate(doubtful).effect) >= strictness(compiled.evaluate(asked).effect)


@given(policies(), calls())
def test_a_decision_opens_no_more_than_was_declared(one: Policy, asked: Asked) -> None:
    found = decide(asked, compile_policies({"user": one}))
    if isinstance(found, Denied):
        assert found.reason
        return
    assert covers(asked.scope, found.verdict.limits.scope or asked.scope)
    if found.verdict.effect == "allow":
        held = held_by(found.token)  # type: ignore[union-attr]
        assert covers(asked.scope, held.scope)
        assert set(held.scope.tools) <= ({asked.tool} if asked.tool else set(asked.scope.tools))


@given(policies(10))
def test_a_policy_reads_again_as_itself(one: Policy) -> None:
    written = policy_json(one)
    assert read_policy(json.loads(canonical(written)), "again") == one
    assert canonical(policy_json(parse_policy(json.dumps(written).encode(), where="again"))) == canonical(written)


@given(st.dictionaries(st.sampled_from(LAYERS), policies(10), max_size=3), calls())
def test_an_explanation_agrees_with_the_verdict(layers: dict[str, Policy], asked: Asked) -> None:
    compiled = compile_policies(layers)
    found = explain(asked, compiled)
    assert found.verdict == compiled.evaluate(asked)
    assert tuple(layer.decided for layer in found.layers) == found.verdict.decided
    assert all(near.failed for layer in found.layers for near in layer.near)
    assert all(line.isprintable() for line in found.lines())
    assert canonical(found.to_json())


@given(calls(), policies())
def test_a_call_read_from_its_record_is_judged_as_strictly(asked: Asked, one: Policy) -> None:
    again = read_facts(json.loads(canonical(facts_json(asked))), "record")
    compiled = compile_policies({"user": one})
    doubtful = replace(asked, unknown=("arguments", "user"), arguments=None, user="")
    assert again == doubtful
    assert compiled.evaluate(again) == compiled.evaluate(doubtful)
    assert strictness(compiled.evaluate(again).effect) >= strictness(compiled.evaluate(replace(asked, unknown=())).effect)


def judged(data: bytes) -> bool:
    try:
        parse_policy(data, where="p")
    except Refused as fault:
        assert all(one.code.startswith("policy.") and one.message and one.hint for one in fault.faults)
        return False
    return True


JSON: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=9), st.sampled_from(["allow", "deny", "*", "/data"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["id", "effect", "rules", "limits", "value", "op", "x"]), inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    judged(data)


@given(st.dictionaries(st.sampled_from(["effect", "limits", "when", *CONDITIONS]), JSON, max_size=5))
def test_any_rule_is_read_or_refused(rule: dict[str, Json]) -> None:
    judged(json.dumps(document(rule)).encode())


@given(st.sampled_from(sorted(PRESETS)), st.integers(0, 4000), st.text(alphabet='{}[]="\n.,#*\\\x00\u200b1a', max_size=4))
def test_an_edited_preset_is_read_or_refused(name: str, at: int, piece: str) -> None:
    text = PRESETS[name]
    at %= len(text)
    judged((text[:at] + piece + text[at + len(piece) :]).encode())
