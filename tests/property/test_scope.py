"""The order of scopes: laws of ``meet`` and ``covers``, an independent account of what a scope allows, and tokens that only narrow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mpp.host.demands import beyond
from mpp.host.granting import guest_path
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.rights import Device, Folder, Rights
from mpp.model.scope import Scope, covers, meet
from mpp.stages.policy.token import held_by, mint

HOSTS = ("example.com", "api.example.com", "a.api.example.com", "badexample.com", "example.org")
SCHEMES, PORTS, METHODS = ("https", "http"), (443, 80, 8443), ("GET", "POST", "DELETE")
URLS = ("/", "/v1", "/v1/items", "/v12", "/v2")
PATHS = ("/", "/data", "/data/in", "/data/in/deep", "/database", "${workspace}", "${workspace}/in", "/workspace")
NAMES = ("A", "B", "C")


def some(pool: tuple[object, ...], least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(pool), min_size=least, max_size=4, unique=True).map(tuple)


RULES = st.builds(
    NetworkRule, host=st.sampled_from(HOSTS), wildcard=st.booleans(), schemes=some(SCHEMES, 1), ports=some(PORTS, 1), methods=some(METHODS), paths=some(URLS),
)  # fmt: skip
SECRETS = st.builds(Secret, name=st.sampled_from(NAMES), host=st.sampled_from(HOSTS), header=st.just("X-Key"), format=st.just("{secret}"))
DEVICES = st.builds(
    Hardware, device=st.sampled_from(("serial-port", "camera")), path=st.sampled_from(("/dev/ttyUSB0", "/dev/video0")), mode=st.sampled_from(("r", "w", "rw"))
)
SCOPES = st.builds(
    Scope,
    network=st.lists(RULES, max_size=4).map(tuple),
    read=some(PATHS),
    write=some(PATHS),
    env=some(NAMES),
    secrets=st.lists(SECRETS, max_size=3, unique=True).map(tuple),
    kv_max_bytes=st.integers(0, 5),
    devices=st.lists(DEVICES, max_size=3, unique=True).map(tuple),
    tools=some(NAMES),
    until=st.none() | st.integers(0, 5),
)


# --- what a scope allows, said another way: by asking each single thing


def host_ok(rule: NetworkRule, host: str) -> bool:
    labels, above = host.split("."), rule.host.split(".")
    return (len(labels) > len(above) and labels[-len(above) :] == above) if rule.wildcard else labels == above


def below(path: str, above: str) -> bool:
    parts, heads = [one for one in path.split("/") if one], [one for one in above.split("/") if one]
    return path.startswith("/") == above.startswith("/") and parts[: len(heads)] == heads


def allowed(scope: Scope) -> Iterator[tuple[object, ...]]:
    asked = itertools.product((*HOSTS, "x.a.api.example.com", "www.example.org"), SCHEMES, PORTS, (*METHODS, "PUT"), (*URLS, "/v1/items/7", "/other"))
    for host, scheme, port, method, path in asked:
        for rule in scope.network:
            fits = host_ok(rule, host) and scheme in rule.schemes and port in rule.ports
            if fits and (not rule.methods or method in rule.methods) and (not rule.paths or any(below(path, one) for one in rule.paths)):
                yield host, scheme, port, method, path
                break
    for path in (*PATHS, "/data/other", "/x", "${workspace}/y"):
        if any(below(path, one) for one in (*scope.read, *scope.write)):
            yield "read", path
        if any(below(path, one) for one in scope.write):
            yield "write", path
    yield from (("env", name) for name in scope.env)
    yield from (("secret", one) for one in scope.secrets)
    yield from (("kv", size) for size in range(scope.kv_max_bytes))
    yield from ((one.device, one.path, letter) for one in scope.devices for letter in one.mode)
    yield from (("tool", name) for name in scope.tools)
    yield from (("time", moment) for moment in range(7) if scope.until is None or moment <= scope.until)


def all_of(scope: Scope) -> frozenset[tuple[object, ...]]:
    return frozenset(allowed(scope))


@given(SCOPES, SCOPES)
def test_a_meet_allows_what_both_allow_and_nothing_else(one: Scope, other: Scope) -> None:
    assert all_of(meet(one, other)) == all_of(one) & all_of(other)


@given(SCOPES, SCOPES)
def test_who_covers_allows_at_least_as_much(one: Scope, other: Scope) -> None:
    for wide, narrow in ((one, other), (one, meet(one, other)), (meet(one, other), other)):
        if covers(wide, narrow):
            assert all_of(narrow) <= all_of(wide)


# --- the laws


@given(SCOPES, SCOPES)
def test_a_meet_is_covered_by_both(one: Scope, other: Scope) -> None:
    both = meet(one, other)
    assert covers(one, both)
    assert covers(other, both)


@given(SCOPES)
def test_a_meet_with_itself_is_the_same(one: Scope) -> None:
    assert covers(one, one)
    same = meet(one, one)
    assert covers(same, one)
    assert covers(one, same)
    assert meet(same, same) == same


@given(SCOPES, SCOPES)
def test_the_order_of_a_meet_does_not_matter(one: Scope, other: Scope) -> None:
    first, second = meet(one, other), meet(other, one)
    assert covers(first, second)
    assert covers(second, first)


@given(SCOPES, SCOPES, SCOPES)
def test_the_grouping_of_meets_does_not_matter(one: Scope, two: Scope, three: Scope) -> None:
    first, second = meet(meet(one, two), three), meet(one, meet(two, three))
    assert covers(first, second)
    assert covers(second, first)


@given(SCOPES, SCOPES, SCOPES)
def test_a_narrower_side_gives_a_narrower_meet(one: Scope, two: Scope, three: Scope) -> None:
    assert covers(meet(one, three), meet(meet(one, two), three))
    if covers(one, two):
        assert covers(meet(one, three), meet(two, three))


@given(SCOPES, SCOPES, SCOPES)
def test_covering_goes_on(one: Scope, two: Scope, three: Scope) -> None:
    if covers(one, two) and covers(two, three):
        assert covers(one, three)
    inner = meet(meet(one, two), three)
    assert covers(one, inner)


@given(SCOPES, SCOPES)
def test_meets_do_not_grow(one: Scope, other: Scope) -> None:
    both = meet(one, other)
    again = meet(meet(both, one), other)
    for name in ("network", "read", "write", "env", "secrets", "devices", "tools"):
        assert len(getattr(again, name)) <= len(getattr(both, name)), name


# --- tokens


@given(SCOPES, st.lists(SCOPES, max_size=4), st.lists(st.integers(0, 5), min_size=4, max_size=4))
def test_attenuating_never_widens(start: Scope, limits: list[Scope], times: list[int]) -> None:
    token = mint(tenant="t", publisher_id="p", package_id="com.example.x", content_hash="c", scope=start, timeout_ms=3)
    seen = [token]
    for limit, time in zip(limits, times, strict=False):
        token = token.attenuate(limit, timeout_ms=time)
        assert all_of(token.scope) <= all_of(limit)
        seen.append(token)
    for wide, narrow in itertools.pairwise(seen):
        assert covers(wide.scope, narrow.scope)
        assert all_of(narrow.scope) <= all_of(wide.scope)
        before, after = held_by(wide), held_by(narrow)
        assert 0 < after.timeout_ms <= before.timeout_ms
        assert replace(after, scope=before.scope, narrowed=before.narrowed, timeout_ms=before.timeout_ms) == before
    assert seen[0].scope == start


# --- rights of one machine within a scope


def rights_of(scope: Scope) -> Rights:
    paths = {**dict.fromkeys(scope.read, False), **dict.fromkeys(scope.write, True)}
    return Rights(
        tenant="t", publisher_id="p", package_id="com.example.x", content_hash="c",
        folders=tuple(Folder(guest=guest_path(path), host="/srv", write=write) for path, write in paths.items()),
        devices=tuple(Device(guest=one.path, host="/dev/x", mode=one.mode) for one in scope.devices),
        network=scope.network, env=scope.env, secrets=scope.secrets, kv_max_bytes=scope.kv_max_bytes,
    )  # fmt: skip


@given(SCOPES, SCOPES)
def test_rights_of_a_narrower_scope_lie_within_a_wider_one(one: Scope, other: Scope) -> None:
    assert beyond(one, rights_of(one)) == ()
    assert beyond(one, rights_of(meet(one, other))) == ()
    assert beyond(other, rights_of(meet(one, other))) == ()


@given(SCOPES, SCOPES)
def test_rights_beyond_a_scope_are_named(one: Scope, other: Scope) -> None:
    # Two kinds of one device have one path here, and a path of the workspace and the same one outside have one name in the guest.
    missing = {fact for fact in all_of(other) - all_of(one) if fact[0] in {"env", "secret", "kv"} or len(fact) == 5}
    assert bool(missing) <= bool(beyond(one, rights_of(other)))
