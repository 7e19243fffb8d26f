"""Layers and effects: deny > ask > allow > default deny, order-free; before a call; digests, private hosts, mappings; the index."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy import Asked, Decided, Policies, Policy, Verdict, compile_policies, preset, read_policy
from mpp.stages.policy.compiled import Dimension, compile_layer
from mpp.stages.policy.index import Group, Node, build, find
from mpp.stages.policy.limits import INDEX_COPIES_MAX, INDEX_LEAF_MAX, SEARCHED_CHARS_MAX
from mpp.testing.packages import NOW
from tests.policies import TOOL, call, document, judged, layered, network, opening, policy, risk

MISSING: dict[str, Json] = {"arguments": [{"pointer": "/gone", "op": "equals", "value": "x"}]}

# The effects of rules that match, of rules in doubt, and what the layer says.
EFFECTS: list[tuple[tuple[str, ...], tuple[str, ...], str, str]] = [
    ((), (), "deny", "default"),
    (("allow",), (), "allow", "allow-0"),
    (("allow", "ask"), (), "ask", "ask-1"),
    (("allow", "ask", "deny"), (), "deny", "deny-2"),
    (("deny", "ask", "allow"), (), "deny", "deny-0"),
    (("ask",), (), "ask", "ask-0"),
    (("ask", "ask"), (), "ask", "ask-0"),
    ((), ("allow",), "deny", "default"),
    (("allow",), ("ask",), "ask", "doubt-ask-0"),
    (("allow",), ("deny",), "deny", "doubt-deny-0"),
    (("ask",), ("deny",), "deny", "doubt-deny-0"),
    (("ask",), ("ask",), "ask", "ask-0"),
    # In doubt a question takes the place of a yes, never of a no.
    ((), ("ask",), "deny", "default"),
    ((), ("ask", "allow"), "deny", "default"),
    (("deny",), ("ask",), "deny", "deny-0"),
]


@pytest.mark.parametrize("limits", [{}, {"limits": {"timeout_ms": 5}}], ids=["plain", "limiting"])
@pytest.mark.parametrize(("sure", "doubtful", "effect", "rule"), EFFECTS)
def test_the_strictest_rule_of_a_layer_decides(sure: tuple[str, ...], doubtful: tuple[str, ...], effect: str, rule: str, limits: dict[str, Json]) -> None:
    def made(kind: str) -> dict[str, Json]:
        return {"effect": kind, **(limits if kind != "deny" else {})}

    rules = [{"id": f"{kind}-{i}", **made(kind)} for i, kind in enumerate(sure)]
    rules += [{"id": f"doubt-{kind}-{i}", **made(kind), **MISSING} for i, kind in enumerate(doubtful)]
    for order in (rules, rules[::-1]):
        found = judged(call(), *order)
        assert (found.effect, found.decisive.rule) == (effect, rule)


def test_limits_of_a_rule_in_doubt_count() -> None:
    found = judged(call(), {"effect": "allow"}, {"effect": "ask", "limits": {"approvers": 2}, **MISSING})
    assert (found.effect, found.limits.approvers) == ("ask", 2)


LAYERS: list[tuple[dict[str, str], str, str]] = [
    ({"user": "allow"}, "allow", "user"),
    ({"user": "allow", "machine": "ask"}, "ask", "machine"),
    ({"user": "ask", "fleet": "allow"}, "ask", "user"),
    ({"user": "deny", "machine": "ask", "fleet": "allow"}, "deny", "user"),
    ({"user": "ask", "machine": "ask", "fleet": "ask"}, "ask", "fleet"),
    ({"user": "deny", "fleet": "deny"}, "deny", "fleet"),
]


@pytest.mark.parametrize(("layers", "effect", "layer"), LAYERS)
def test_the_strictest_layer_decides(layers: dict[str, str], effect: str, layer: str) -> None:
    found = layered(**{name: policy({"effect": kind, "why": f"{name} says so"}) for name, kind in layers.items()}).evaluate(call())
    assert (found.effect, found.decisive.layer, found.decisive.why) == (effect, layer, f"{layer} says so")
    assert [one.layer for one in found.decided] == [name for name in ("fleet", "machine", "user") if name in layers]


def test_a_layer_without_a_matching_rule_denies() -> None:
    found = layered(user=policy({"effect": "allow"}), fleet=policy(name="empty")).evaluate(call())
    assert found.decisive == Decided(layer="fleet", policy="empty", rule="default", effect="deny", why="no rule of this policy allows it")


def test_limits_of_all_layers_are_intersected() -> None:
    found = layered(
        fleet=policy({"effect": "allow", "limits": {"timeout_ms": 900, "hosts": ["*.example.com"]}}),
        user=policy({"effect": "ask", "limits": {"timeout_ms": 500, "read": []}}),
    ).evaluate(opening())
    assert (found.effect, found.limits.timeout_ms) == ("ask", 500)
    assert found.limits.scope is not None
    assert [rule.host for rule in found.limits.scope.network] == ["api.example.com"]
    assert found.limits.scope.read == ()


def test_without_any_layer_the_preset_for_developers_stands_in() -> None:
    found = compile_policies({})
    assert [(name, one.name) for name, one in found.layers] == [("user", "developer")]


def test_a_layer_that_there_is_not() -> None:
    with pytest.raises(Refused) as caught:
        compile_policies({"machin": preset("ci")})
    assert (caught.value.code, caught.value.hint) == ("policy.layer", "did you mean 'machine'?")
    with pytest.raises(Refused, match=r"policy\.layer"):
        compile_policies({"": preset("ci")})


CALL_CONDITIONS: list[dict[str, Json]] = [
    {"tools": ["*"]}, {"agents": ["*"]}, {"agent_at_least": "anonymous"}, {"agent_below": "signed"}, {"users": ["*"]}, {"origins": ["human"]}, {"when": {"days": ["thu"]}},
    {"arguments": [{"pointer": "/a", "op": "absent"}]},
]  # fmt: skip


@pytest.mark.parametrize("condition", CALL_CONDITIONS, ids=lambda condition: next(iter(condition)))
def test_before_a_call_rules_about_calls_take_no_part(condition: dict[str, Json]) -> None:
    rules: list[dict[str, Json]] = [{"id": "rest", "effect": "allow"}, {"id": "strict", "effect": "deny", **condition}]
    assert judged(call(), *rules).effect == "deny"
    assert judged(call(tool="", arguments=None), *rules).effect == "allow"


def test_the_order_of_rules_and_lists_of_layers_do_not_show_in_the_digest() -> None:
    one, two = policy({"id": "a", "effect": "allow"}, {"id": "b", "effect": "deny"}), policy({"id": "b", "effect": "deny"}, {"id": "a", "effect": "allow"})
    digests = {layered(user=one).digest, layered(user=two).digest}
    assert len(digests) == 1
    assert digests.isdisjoint({layered(machine=one).digest, layered(user=one, machine=two).digest, layered(user=replace(one, name="other")).digest})
    assert judged(call(), {"effect": "allow"}).policy_digest == layered(user=policy({"effect": "allow"})).digest


PRIVATE: list[tuple[dict[str, list[Json] | None], tuple[str, ...]]] = [
    ({"user": None}, ()),
    ({"user": ["crm.example.com", "10.0.0.5:8080", "[::1]", "[::1]:80"]}, ("crm.example.com:443", "10.0.0.5:8080", "[::1]:443", "[::1]:80")),
    ({"user": ["a.example", "b.example", "a.example:443"], "fleet": None}, ("a.example:443", "b.example:443")),
    ({"user": ["a.example", "b.example"], "fleet": ["b.example:443", "c.example"]}, ("b.example:443",)),
    ({"user": ["a.example"], "fleet": []}, ()),
]


@pytest.mark.parametrize(("layers", "hosts"), PRIVATE)
def test_private_hosts_are_those_that_all_layers_name(layers: dict[str, list[Json] | None], hosts: tuple[str, ...]) -> None:
    assert layered(**{name: policy(**({} if some is None else {"private_hosts": some})) for name, some in layers.items()}).private_hosts == hosts


def test_the_first_layer_that_places_a_path_holds() -> None:
    found = layered(
        user=policy(mappings={"/a": "/user/a", "/b": "/user/b", "/c": "/user/c"}),
        machine=policy(mappings={"/a": "/machine/a", "/b": "/machine/b"}),
        fleet=policy(mappings={"/a": "/fleet/a"}),
    )
    assert dict(found.mappings) == {"/a": "/fleet/a", "/b": "/machine/b", "/c": "/user/c"}


# The index. One kind of condition for each: what the rule number i says, and the call that it is for.
KINDS: dict[str, tuple[object, object]] = {
    "package": (lambda i: {"packages": [f"com.example.p{i}"]}, lambda i: {"package_id": f"com.example.p{i}"}),
    "prefix": (lambda i: {"packages": [f"com.example{i}.*", f"org.x{i}.*"]}, lambda i: {"package_id": f"com.example{i}.a.b"}),
    "publisher": (lambda i: {"publishers": [f"{i:064x}"]}, lambda i: {"publisher_id": f"{i:064x}"}),
    "tool": (lambda i: {"tools": [f"tool{i}"]}, lambda i: {"tool": f"tool{i}"}),
    "tool by its beginning": (lambda i: {"tools": [f"tool{i}.*"]}, lambda i: {"tool": f"tool{i}.x"}),
    "agent by its end": (lambda i: {"agents": [f"*-{i}"]}, lambda i: {"agent": AgentIdentity(name=f"bot-{i}", level="token")}),
    "agent by both": (lambda i: {"agents": [f"b{i}-*-z", f"x{i}"]}, lambda i: {"agent": AgentIdentity(name=f"b{i}--z", level="token")}),
    "user": (lambda i: {"users": [f"u{i}@example.com"]}, lambda i: {"user": f"u{i}@example.com"}),
    "host": (lambda i: {"capabilities": {"hosts": [f"h{i}.example.com"]}}, lambda i: {"scope": Scope(network=(network(f"h{i}.example.com"),), tools=("send",))}),
    "host below a wildcard": (lambda i: {"capabilities": {"hosts": [f"*.d{i}.example"]}}, lambda i: {"scope": Scope(network=(network(f"*.a.d{i}.example"),), tools=("send",))}),
    "text": (lambda i: {"arguments": [{"pointer": "/a", "op": "equals", "value": f"v{i}"}]}, lambda i: {"arguments": {"a": f"v{i}"}}),
    "one of several": (lambda i: {"arguments": [{"pointer": "/a", "op": "in", "value": [f"v{i}", f"w{i}"]}]}, lambda i: {"arguments": {"a": f"w{i}"}}),
    "text, any case": (lambda i: {"arguments": [{"pointer": "/a", "op": "equals", "value": f"V{i}", "ignore_case": True}]}, lambda i: {"arguments": {"a": f"v{i}"}}),
    "number": (lambda i: {"arguments": [{"pointer": "/a", "op": "equals", "value": i}]}, lambda i: {"arguments": {"a": float(i)}}),
    "beginning": (lambda i: {"arguments": [{"pointer": "/a", "op": "starts_with", "value": f"{i:04}-"}]}, lambda i: {"arguments": {"a": f"{i:04}-x"}}),
    "beginning, any case": (lambda i: {"arguments": [{"pointer": "/a", "op": "starts_with", "value": f"A{i:04}", "ignore_case": True}]}, lambda i: {"arguments": {"a": f"a{i:04}"}}),
    "end": (lambda i: {"arguments": [{"pointer": "/a", "op": "ends_with", "value": f"-{i:04}"}]}, lambda i: {"arguments": {"a": f"\u00e9-{i:04}"}}),
    "part": (lambda i: {"arguments": [{"pointer": "/a", "op": "contains", "value": f"{i:04}"}]}, lambda i: {"arguments": {"a": f"e\u0301 {i:04} x"}}),
    "part of a long text": (lambda i: {"arguments": [{"pointer": "/a", "op": "contains", "value": f"{i:04}"}]}, lambda i: {"arguments": {"a": "x" * (SEARCHED_CHARS_MAX - 4) + f"{i:04}"}}),
    "folder": (lambda i: {"arguments": [{"pointer": "/a", "op": "below", "value": f"/data/d{i}"}]}, lambda i: {"arguments": {"a": f"/data/d{i}/deep/x"}}),
    "workspace": (lambda i: {"arguments": [{"pointer": "/a", "op": "below", "value": f"${{workspace}}/D{i}"}]}, lambda i: {"arguments": {"a": f"/workspace/D{i}/x"}}),
    "host of a URL": (lambda i: {"arguments": [{"pointer": "/a", "op": "host_in", "value": [f"h{i}.example.com"]}]}, lambda i: {"arguments": {"a": f"https://h{i}.example.com/x"}}),
    "package and argument": (lambda i: {"packages": [f"com.example.p{i % 7}"], "arguments": [{"pointer": "/a", "op": "equals", "value": i}]}, lambda i: {"package_id": f"com.example.p{i % 7}", "arguments": {"a": i}}),
}  # fmt: skip
MANY = 300


@pytest.mark.parametrize("effect", ["allow", "deny"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_index_finds_the_one_rule_and_few_others(kind: str, effect: str) -> None:
    condition, changes = KINDS[kind]
    one = read_policy(
        document(*({"id": f"r{i}", "effect": effect, **condition(i)} for i in range(MANY)), {"effect": "allow" if effect == "deny" else "ask"}), "p"
    )  # type: ignore[operator]
    compiled = compile_policies({"user": one})
    for i in (0, 5, MANY - 1):
        asked = call(**changes(i))  # type: ignore[operator]
        assert compiled.evaluate(asked).decided[0].rule == (f"r{i}" if effect == "deny" else f"r{MANY}")
        tried = [rule.rule.id for group in found(one, asked) for rule in group.plain]
        assert f"r{i}" in tried
        assert len(tried) < 30 or "long" in kind


def found(one: Policy, asked: Asked) -> list[Group]:
    groups: list[Group] = []
    find(build(compile_layer(one, "user", 0)), asked, groups)
    return groups


@pytest.mark.parametrize(
    ("op", "value", "matching"),
    [("at_least", 150, 151), ("at_least", 149.5, 150), ("at_most", 150, 150), ("at_least", -1, 0), ("at_most", 1e9, 0), ("at_most", -5, 300)],
)
def test_of_thresholds_the_index_finds_those_that_are_passed(op: str, value: float, matching: int) -> None:
    rules: list[dict[str, Json]] = [{"id": f"r{i:03}", "effect": "deny", "arguments": [{"pointer": "/a", "op": op, "value": i}]} for i in range(MANY)]
    one, asked = policy(*rules, {"id": "rest", "effect": "allow"}), call(arguments={"a": value})
    tried = {rule.rule.id for group in found(one, asked) for rule in group.plain}
    assert matching < len(tried) <= matching + 20
    passed = [i for i in range(MANY) if (value >= i if op == "at_least" else value <= i)]
    assert len(passed) == matching
    assert {f"r{i:03}" for i in passed} <= tried
    assert layered(user=one).evaluate(asked).decisive.rule == (f"r{passed[0]:03}" if passed else "rest")


# What makes the condition unclear: then a rule that denies is found, whichever of them it is.
DOUBTFUL: list[tuple[str, dict[str, object]]] = [
    ("text", {"arguments": {}}), ("text", {"arguments": {"a": 1}}), ("text", {"arguments": {"a": []}}), ("text", {"unknown": ("arguments",)}), ("number", {"arguments": {"a": True}}),
    ("number", {"arguments": {"a": None}}), ("number", {"arguments": {"a": "1"}}), ("folder", {"arguments": {"a": "/data/../data/d1"}}), ("folder", {"arguments": {"a": "x"}}),
    ("host of a URL", {"arguments": {"a": "https://x@h1.example.com"}}), ("host of a URL", {"arguments": {"a": 5}}), ("user", {"unknown": ("user",)}), ("host", {"unknown": ("scope",)}),
    ("part", {"arguments": {"a": {}}}), ("threshold", {"arguments": {"a": True}}), ("threshold", {"arguments": {"a": "9"}}), ("threshold", {"arguments": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes"), DOUBTFUL)
def test_in_doubt_the_index_leaves_out_no_rule_that_is_strict(kind: str, changes: dict[str, object]) -> None:
    condition = KINDS[kind][0] if kind in KINDS else lambda i: {"arguments": [{"pointer": "/a", "op": "at_most", "value": i}]}
    strict = policy(*({"effect": "deny", **condition(i)} for i in range(20)), {"id": "rest", "effect": "allow"})  # type: ignore[operator]
    mild = policy(*({"effect": "allow", **condition(i)} for i in range(20)))  # type: ignore[operator]
    assert layered(user=strict).evaluate(call(**changes)).decisive.rule == "r0"
    assert layered(user=mild).evaluate(call(**changes)).decisive.rule == "default"
    asking = policy(*({"effect": "ask", **condition(i)} for i in range(20)), {"id": "rest", "effect": "allow"})  # type: ignore[operator]
    assert layered(user=asking).evaluate(call(**changes)).decisive.rule == "r0"


FLAGS: list[tuple[Json, Json]] = [(True, True), (False, False), (None, None)]


@pytest.mark.parametrize(("value", "argument"), FLAGS)
def test_flags_and_null_have_tables_of_their_own(value: Json, argument: Json) -> None:
    rules: list[dict[str, Json]] = [
        {"effect": "allow", "packages": [f"com.example.p{i % 2}"], "arguments": [{"pointer": f"/a{i}", "op": "equals", "value": value}]} for i in range(20)
    ]
    found = judged(call(package_id="com.example.p1", arguments={"a7": argument, "a9": 1}), *rules)
    assert found.decisive.rule == "r7"


def test_a_package_without_hosts_fits_every_list_of_hosts() -> None:
    rules: list[dict[str, Json]] = [{"effect": "allow", "capabilities": {"hosts": [f"h{i}.example.com"]}} for i in range(20)]
    assert judged(call(), *rules).decisive.rule == "r0"
    assert judged(call(unknown=("scope",)), *rules).decisive.rule == "default"


def test_other_kinds_in_a_condition_keep_it_out_of_the_table_of_hosts() -> None:
    rules: list[dict[str, Json]] = [{"effect": "deny", "capabilities": {"hosts": [f"h{i}.example.com"], "env": ["REGION"]}} for i in range(20)]
    assert judged(opening(), *rules).decisive.rule == "r0"
    state: list[dict[str, Json]] = [{"effect": "deny", "capabilities": {"hosts": [f"h{i}.example.com"], "kv": True}} for i in range(20)]
    assert judged(opening(), *state).decisive.rule == "r0"


def depth(node: Node | None) -> int:
    return 0 if node is None else max([1 + depth(node.rest), *(1 + depth(below) for below in node.table.values())])


def places(node: Node | None) -> int:
    if node is None:
        return 0
    own = sum(len(group.plain) + len(group.limiting) for group in node.groups)
    return own + places(node.rest) + sum(places(below) for below in node.table.values())


def test_few_rules_have_no_table() -> None:
    top = build(compile_layer(policy(*({"effect": "allow", "packages": [f"com.example.p{i}"]} for i in range(INDEX_LEAF_MAX))), "user", 0))
    assert (depth(top), places(top), top.probe) == (1, INDEX_LEAF_MAX, None)


def test_rules_that_nothing_tells_apart_have_no_table() -> None:
    rules: list[dict[str, Json]] = [{"effect": "allow", "packages": ["com.example.mail"], "risk": {"most": i}} for i in range(50)]
    assert depth(build(compile_layer(policy(*rules), "user", 0))) == 1


def test_long_lists_do_not_multiply_in_the_index() -> None:
    names: list[Json] = [f"n{i}" for i in range(INDEX_COPIES_MAX)]
    rules: list[dict[str, Json]] = [{"effect": "allow", "tools": names, "agents": names, "users": names, "packages": [f"com.example.p{i}"]} for i in range(30)]
    assert places(build(compile_layer(policy(*rules), "user", 0))) <= 30 * INDEX_COPIES_MAX
    longer: list[dict[str, Json]] = [{"effect": "allow", "tools": [*names, f"x{i}"], "packages": ["com.example.mail"]} for i in range(30)]
    assert depth(build(compile_layer(policy(*longer), "user", 0))) == 1


def test_a_rule_knows_under_which_keys_it_stands() -> None:
    rules = compile_layer(
        policy(
            {"effect": "deny", "packages": ["com.example.*", "*"], "tools": ["*"], "publishers": ["ab" * 32], "security_levels": ["low"]},
            {
                "effect": "deny",
                "capabilities": {"hosts": ["*"]},
                "arguments": [{"pointer": "/a", "op": "host_in", "value": ["*"]}, {"pointer": "/a", "op": "in", "value": [1, "a"]}],
            },
        ),
        "user",
        0,
    )
    assert [set(rule.keys) for rule in rules] == [{Dimension("publisher"), Dimension("level")}, set()]


def test_equal_calls_are_judged_once_and_every_other_one_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a call that differs from one that was allowed before in anything but its arguments and its moment, which no rule here looks at."""
    policies = layered(user=policy({"effect": "allow"}, {"effect": "ask", "users": ["eve"]}))
    judgements: list[Asked] = []
    plain = Policies._evaluate

    def counted(self: Policies, asked: Asked) -> Verdict:
        judgements.append(asked)
        return plain(self, asked)

    monkeypatch.setattr(Policies, "_evaluate", counted)
    first = policies.evaluate(call())
    assert policies.evaluate(call(arguments={"a": 1}, now=NOW + 99)) is first
    assert len(judgements) == 1
    changes: dict[str, object] = {
        "tenant": "other", "publisher_id": "ef" * 32, "publisher_name": "Else", "package_id": "com.example.other", "version": "2.0.0", "content_hash": "00" * 32,
        "bound": False, "tool": "list", "security_level": "high", "agent": AgentIdentity(name="x"), "user": "eve", "origin": "model", "risk": risk(60),
        "consented": True, "scope": Scope(tools=(TOOL,)), "internal_hosts": ("a",), "unknown": ("user",),
    }  # fmt: skip
    assert set(changes) == {row.name for row in fields(Asked)} - {"arguments", "now"}
    for name, item in changes.items():
        other, before = call(**{name: item}), len(judgements)
        assert policies.evaluate(other) == plain(policies, other)
        assert len(judgements) == before + 1
        assert policies.evaluate(call()) == first
    assert policies.evaluate(call(user="eve")).effect == "ask"


@pytest.mark.parametrize("odd", [MISSING, {"when": {"not_after": "2026-01-01"}}])
def test_where_a_rule_looks_at_arguments_or_the_time_nothing_is_remembered(odd: dict[str, Json]) -> None:
    policies = layered(user=policy({"effect": "allow"}, {"effect": "deny", "packages": ["com.example.never"], **odd}))
    assert policies.evaluate(call()) is not policies.evaluate(call())


def test_few_verdicts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.policy.engine.KNOWN_MAX", 4)
    policies = layered(user=policy({"effect": "allow"}))
    for number in range(20):
        assert policies.evaluate(call(user=str(number))).effect == "allow"
        assert len(policies._known) <= 4
