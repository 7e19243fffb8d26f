"""Policy: what one evaluation costs with 1, 100 and 10,000 rules, a token, and the same 100 rules in another engine.

    python benchmarks/policy.py [--quick] [--json]

No verdict is kept between two calls, so "cold" (every call another package, agent and argument) and "warm" (one call again and again)
differ by what the processor has at hand. The other engine is cedarpy, if it is installed; it is no dependency of ours.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from types import ModuleType

from measure import Work
from spread import HEAD, Figure, Spread, in_turns

from mpp.model.agents import AgentIdentity
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json
from mpp.model.scope import Scope, meet
from mpp.stages.policy import Asked, Granted, Policies, Risk, compile_policies, decide, read_policy
from mpp.stages.policy.token import mint
from mpp.testing.packages import NOW

PROMISED = {1: 10e-6, 100: 30e-6, 10_000: 100e-6}
WITH_TOKEN_MOST = 25e-6
CEDAR = "cedarpy, policies and entities parsed once"
ROUNDS, ROUNDS_QUICK, EACH = 12, 3, 400
CALLS = 2000
BATCH = 100


def host(number: int) -> str:
    return f"h{number}.example.com"


def asked(number: int) -> Asked:
    """Each number is another package of another publisher, called by another agent with other arguments."""
    rule = NetworkRule(host=host(number), wildcard=False, schemes=("https",), ports=(443,), methods=(), paths=())
    return Asked(
        publisher_id=f"{number:064x}", package_id=f"com.example.team{number % 1000}.tool{number}", version="1.4.0", content_hash="cd" * 32, bound=True, tool="send", security_level="low",
        arguments={"path": f"/data/x{number}/in.txt", "amount": number, "url": f"https://{host(number)}/v1", "region": f"r{number}"}, agent=AgentIdentity(name=f"agent-{number}", level="token"),
        origin="model", now=NOW, risk=Risk(score=12, band="low", reasons=()), consented=True, scope=Scope(network=(rule,), tools=("send", "list")),
    )  # fmt: skip


def mixed(number: int) -> dict[str, Json]:
    """Rules of all kinds, as a fleet has them."""
    kinds: tuple[dict[str, Json], ...] = (
        {"packages": [f"com.example.team{number % 1000}.tool{number}"], "tools": ["send", "list"], "risk": {"most": 60}},
        {"publishers": [f"{number:064x}"], "agents": [f"agent-{number}"]},
        {"agents": [f"agent-{number}"], "versions": [">=1.2.0 <2.0.0"], "agent_at_least": "token"},
        {"capabilities": {"hosts": [host(number)]}},
        {"arguments": [{"pointer": "/path", "op": "below", "value": f"/data/x{number}"}]},
        {"packages": [f"com.example.team{number % 1000}.*"], "arguments": [{"pointer": "/amount", "op": "at_least", "value": number}]},
    )
    return kinds[number % len(kinds)]


def argument(op: str, pointer: str, wanted: Callable[[int], Json]) -> Callable[[int], dict[str, Json]]:
    return lambda number: {"tools": ["send"], "arguments": [{"pointer": pointer, "op": op, "value": wanted(number)}]}


# Rules that share their key and differ by one argument only.
NASTY: dict[str, Callable[[int], dict[str, Json]]] = {
    "equals": argument("equals", "/region", lambda number: f"r{number}"),
    "below": argument("below", "/path", lambda number: f"/data/x{number}"),
    "host_in": argument("host_in", "/url", lambda number: [host(number)]),
    "contains": argument("contains", "/path", lambda number: f"x{number}/"),
    "equals, argument missing": argument("equals", "/gone", lambda number: f"r{number}"),
    "at_least, half of them match": argument("at_least", "/amount", lambda number: number),
    "versions, no table": lambda number: {"tools": ["send"], "versions": [f"={number}.0.0"]},
}


def compiled(count: int, rule: Callable[[int], dict[str, Json]] = mixed, effects: tuple[str, ...] = ("allow", "ask", "deny")) -> Policies:
    rules: list[Json] = [{"id": f"r{i}", "effect": effects[i % len(effects)], **rule(i)} for i in range(count)]
    return compile_policies({"user": read_policy({"mpp_policy": 1, "name": "measured", "rules": rules}, "measured")})


def each_other(policies: Policies, count: int) -> Work:
    calls = cycle([asked(i) for i in random.Random(1).sample(range(count), min(count, CALLS))])
    return lambda: policies.evaluate(next(calls))


def again(policies: Policies, one: Asked) -> Work:
    return lambda: policies.evaluate(one)


def figures(rounds: int) -> Iterator[Figure]:
    yield from _sizes(rounds)
    yield from _nasty(rounds)
    yield from _tokens(rounds)
    yield from _compiling()
    yield from side_by_side(rounds)


def _sizes(rounds: int) -> Iterator[Figure]:
    for count, most in PROMISED.items():
        policies = compiled(count)
        found = in_turns({"cold": each_other(policies, count), "warm": again(policies, asked(count // 2))}, rounds, EACH)
        for name, spread in found.items():
            yield Figure(f"evaluate, {count:,} mixed rules, {name}", spread, seconds_most=most)
    layered = compile_policies(dict.fromkeys(("fleet", "machine", "user"), compiled(100).layers[0][1]))
    found = in_turns({"cold": each_other(layered, 100)}, rounds, EACH)
    yield Figure("evaluate, 100 in each of three layers, cold", found["cold"])


def _nasty(rounds: int) -> Iterator[Figure]:
    for name, rule in NASTY.items():
        most = PROMISED[10_000] if "no table" not in name else None
        policies = compiled(10_000, rule, effects=("deny",))
        found = in_turns({name: each_other(policies, 10_000)}, max(1, rounds // 3), EACH if most else EACH // 8)
        yield Figure(f"  10,000 rules, one key, {name}", found[name], seconds_most=most)
    policies = compiled(100, lambda number: {"limits": {"timeout_ms": number + 1}}, effects=("allow",))
    found = in_turns({"limits": each_other(policies, 100)}, rounds, EACH)
    yield Figure("  100 rules that all match and all limit", found["limits"])


def _tokens(rounds: int) -> Iterator[Figure]:
    one = asked(0)
    policies = compiled(100, lambda number: mixed(number * 6), effects=("allow",))
    calls = cycle([asked(i * 6) for i in range(100)])
    limit = Scope(network=one.scope.network, tools=("send",))
    token = mint(tenant="local", publisher_id=one.publisher_id, package_id=one.package_id, content_hash=one.content_hash, scope=one.scope)

    def decided() -> None:
        if not isinstance(decide(next(calls), policies), Granted):
            raise SystemExit("a call that should be measured was not granted")

    works: dict[str, Work] = {
        "decide": decided,
        "mint": lambda: mint(tenant="local", publisher_id=one.publisher_id, package_id=one.package_id, content_hash=one.content_hash, scope=one.scope),
        "attenuate": lambda: token.attenuate(limit),
        "meet": lambda: meet(one.scope, limit),
    }
    found = in_turns(works, rounds, EACH)
    yield Figure("decide: 100 rules, cold, and a token", found["decide"], seconds_most=WITH_TOKEN_MOST)
    yield Figure("  a token made", found["mint"])
    yield Figure("  a token narrowed", found["attenuate"], note="of which the meet of two scopes takes " + f"{1e6 * found['meet'].p50:.1f} us")


def _compiling() -> Iterator[Figure]:
    rules: list[Json] = [{"id": f"r{i}", "effect": "deny", **mixed(i)} for i in range(10_000)]
    document: Json = {"mpp_policy": 1, "name": "measured", "rules": rules}
    began = time.perf_counter()
    policy = read_policy(document, "measured")
    read = time.perf_counter()
    compile_policies({"user": policy})
    done = time.perf_counter()
    yield Figure("read 10,000 rules, once", Spread(read - began, read - began, 1, (read - began,)))
    yield Figure("compile 10,000 rules, once", Spread(done - read, done - read, 1, (done - read,)))


def _cedar() -> ModuleType | None:
    try:
        return importlib.import_module("cedarpy")
    except ImportError:
        return None


def _both(number: int) -> tuple[dict[str, Json], str]:
    """One rule in both languages."""
    package, team = f"com.example.team{number}.tool{number}", f"com.example.team{number}."
    kinds: tuple[tuple[dict[str, Json], str], ...] = (
        (
            {"effect": "allow", "packages": [package], "tools": ["send", "list"], "risk": {"most": 60}},
            f'permit(principal, action in [Action::"send", Action::"list"], resource == Package::"{package}") when {{ context.risk <= 60 }};',
        ),
        (
            {"effect": "allow", "publishers": [f"{number:064x}"], "agents": [f"agent-{number}"]},
            f'permit(principal == Agent::"agent-{number}", action, resource) when {{ context.publisher == "{number:064x}" }};',
        ),
        (
            {"effect": "deny", "packages": [f"{team}*"], "arguments": [{"pointer": "/amount", "op": "at_least", "value": number}]},
            f'forbid(principal, action, resource) when {{ context.package like "{team}*" && context.amount >= {number} }};',
        ),
        (
            {"effect": "allow", "arguments": [{"pointer": "/path", "op": "starts_with", "value": f"/data/x{number}/"}]},
            f'permit(principal, action, resource) when {{ context.path like "/data/x{number}/*" }};',
        ),
    )
    return kinds[number % len(kinds)]


def _request(one: Asked) -> dict[str, object]:
    arguments = one.arguments if isinstance(one.arguments, dict) else {}
    context = {"risk": one.risk.score, "publisher": one.publisher_id, "package": one.package_id, "amount": arguments["amount"], "path": arguments["path"]}
    return {"principal": f'Agent::"{one.agent.name}"', "action": f'Action::"{one.tool}"', "resource": f'Package::"{one.package_id}"', "context": context}


def side_by_side(rounds: int) -> Iterator[Figure]:
    """The same 100 rules and the same calls, in turns. Ours answers with the rule, its reason, limits and a digest; theirs with yes or no and the policies."""
    cedar = _cedar()
    if cedar is None:
        print("cedarpy is not installed: no comparison")
        return
    pairs = [_both(i) for i in range(100)]
    rules: list[Json] = [{"id": f"r{i}", **rule} for i, (rule, _) in enumerate(pairs)]
    policies = compile_policies({"user": read_policy({"mpp_policy": 1, "name": "both", "rules": rules}, "both")})
    theirs, entities = cedar.PolicySet.from_str("\n".join(text for _, text in pairs)), cedar.Entities.from_json_str("[]")
    calls = [asked(i) for i in range(100)]
    requests = [_request(one) for one in calls]
    different = [i for i in range(100) if (policies.evaluate(calls[i]).effect == "allow") is not cedar.is_authorized(requests[i], theirs, entities).allowed]
    if different:
        raise SystemExit(f"the two engines disagree about {different[:5]}")
    ours, others = cycle(calls), cycle(requests)
    works: dict[str, Work] = {
        "ours": lambda: policies.evaluate(next(ours)),
        "cedar": lambda: cedar.is_authorized(next(others), theirs, entities).allowed,
    }
    found = in_turns(works, rounds, EACH)
    yield Figure("100 rules side by side, one call", found["ours"], CEDAR, found["cedar"], ratio_most=1.0)
    batches: dict[str, Work] = {
        "ours": lambda: [policies.evaluate(one) for one in calls],
        "cedar": lambda: [one.allowed for one in cedar.is_authorized_batch(requests, theirs, entities)],
    }
    found = in_turns(batches, rounds, EACH // BATCH * 4)
    yield Figure(
        f"  one of {BATCH} calls in a batch", found["ours"].by(BATCH), "cedarpy, its batched call", found["cedar"].by(BATCH), note="ours has no batch: a loop"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object for each figure instead of the table")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    given = parser.parse_args()
    if not given.json:
        print(HEAD)
    for figure in figures(ROUNDS_QUICK if given.quick else ROUNDS):
        print(json.dumps(figure.plain()) if given.json else figure.line(), flush=True)


if __name__ == "__main__":
    main()
