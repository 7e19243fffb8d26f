"""Scopes as an order: what covers what, what both allow, and what no spelling widens."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.manifest import parse_manifest
from mpp.model.scope import NOTHING, Scope, covers, device_covered, host_covered, meet, meet_network, meet_paths, path_covered, rule_covered, scope_of
from mpp.testing import packages


def rule(host: str = "api.example.com", **more: object) -> NetworkRule:
    bare = host.removeprefix("*.")
    given: dict[str, object] = {"schemes": ("https",), "ports": (443,), "methods": (), "paths": (), **more}
    return NetworkRule(host=bare, wildcard=bare != host, **given)  # type: ignore[arg-type]


def device(mode: str = "rw", path: str = "/dev/ttyUSB0", kind: str = "serial-port") -> Hardware:
    return Hardware(device=kind, path=path, mode=mode)


SECRET = Secret(name="K", host="api.example.com", header="X-Key", format="{secret}")
WIDE = Scope(
    network=(rule("*.example.com"), rule("api.example.org", methods=("GET", "POST"), paths=("/v1",), ports=(443, 8443))),
    read=("/data", "${workspace}"),
    write=("/data/out",),
    env=("A", "B"),
    secrets=(SECRET,),
    kv_max_bytes=100,
    devices=(device(),),
    tools=("one", "two"),
    until=1000,
)


# --- hosts


@pytest.mark.parametrize(
    ("asked", "had", "yes"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "*.example.com", True),
        ("a.b.example.com", "*.example.com", True),
        ("*.b.example.com", "*.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("example.com", "*.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "api.example.com", False),
        ("badexample.com", "*.example.com", False),
        ("api.example.com.evil.org", "*.example.com", False),
        ("api.example.com.", "api.example.com", False),
        ("*.example.com", "*.b.example.com", False),
        ("example.com", "example.org", False),
    ],
)
def test_a_host_is_covered_by_itself_or_by_a_wildcard_above_it(asked: str, had: str, yes: bool) -> None:
    assert host_covered(rule(asked), rule(had)) is yes
    assert rule_covered(rule(asked), (rule(had),)) is yes


@pytest.mark.parametrize(
    ("asked", "had", "yes"),
    [
        ({}, {}, True),
        ({"schemes": ("https", "http")}, {}, False),
        ({"ports": (443, 8443)}, {}, False),
        ({"ports": (8443,)}, {"ports": (443, 8443)}, True),
        ({"methods": ("GET",)}, {}, True),
        ({}, {"methods": ("GET",)}, False),
        ({"methods": ("GET",)}, {"methods": ("GET", "POST")}, True),
        ({"methods": ("PUT",)}, {"methods": ("GET", "POST")}, False),
        ({"paths": ("/v1",)}, {}, True),
        ({}, {"paths": ("/v1",)}, False),
        ({}, {"paths": ("/",)}, True),
        ({"paths": ("/v1/items",)}, {"paths": ("/v1",)}, True),
        ({"paths": ("/v12",)}, {"paths": ("/v1",)}, False),
        ({"paths": ("/v1", "/v2")}, {"paths": ("/v1",)}, False),
    ],
)
def test_every_kind_of_request_of_a_rule_must_be_covered(asked: dict[str, object], had: dict[str, object], yes: bool) -> None:
    assert rule_covered(rule(**asked), (rule(**had),)) is yes


def test_several_rules_together_cover_one() -> None:
    both = (rule(methods=("GET",)), rule(methods=("POST",)))
    assert rule_covered(rule(methods=("GET", "POST")), both)
    assert not rule_covered(rule(methods=("GET", "PUT")), both)
    assert not rule_covered(rule(), ())


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        (rule("*.example.com"), rule("api.example.com"), (rule("api.example.com"),)),
        (rule("*.example.com"), rule("*.b.example.com"), (rule("*.b.example.com"),)),
        (rule("*.example.com"), rule("example.com"), ()),
        (rule("api.example.com"), rule("api.example.org"), ()),
        (rule(methods=("GET", "POST")), rule(methods=("POST", "PUT")), (rule(methods=("POST",)),)),
        (rule(methods=("GET",)), rule(methods=("POST",)), ()),
        (rule(methods=("GET",)), rule(), (rule(methods=("GET",)),)),
        (rule(paths=("/v1",)), rule(paths=("/v1/a", "/v2")), (rule(paths=("/v1/a",)),)),
        (rule(paths=("/v1",)), rule(paths=("/v2",)), ()),
        (rule(paths=("/v1",)), rule(), (rule(paths=("/v1",)),)),
        (rule(ports=(443, 80)), rule(ports=(80,)), (rule(ports=(80,)),)),
        (rule(ports=(443,)), rule(ports=(80,)), ()),
        (rule(schemes=("https", "http")), rule(schemes=("http",)), (rule(schemes=("http",)),)),
        (rule(schemes=("https",)), rule(schemes=("http",)), ()),
    ],
)
def test_what_two_rules_both_allow(one: NetworkRule, other: NetworkRule, left: tuple[NetworkRule, ...]) -> None:
    assert meet_network((one,), (other,)) == meet_network((other,), (one,)) == left


def test_what_another_rule_covers_is_not_listed_twice() -> None:
    many = (rule("api.example.com"), rule("*.example.com"), rule("*.example.com"))
    assert meet_network(many, many) == (rule("*.example.com"),)
    assert meet_network((rule("*.example.com"), rule("api.example.com")), many) == (rule("*.example.com"),)


# --- paths, and the rest


@pytest.mark.parametrize(
    ("path", "had", "yes"),
    [
        ("/data", "/data", True),
        ("/data/in", "/data", True),
        ("/database", "/data", False),
        ("/data", "/data/in", False),
        ("/DATA/in", "/data", False),
        ("/data", "/", True),
        ("${workspace}/a", "${workspace}", True),
        ("${workspace}", "/", False),
        ("${workspacex", "${workspace}", False),
    ],
)
def test_a_path_is_covered_by_itself_and_by_what_is_above(path: str, had: str, yes: bool) -> None:
    assert path_covered(path, (had,)) is yes
    assert not path_covered(path, ())


def test_of_two_paths_the_lower_one_is_left() -> None:
    assert meet_paths(("/data", "/a"), ("/data/in", "/b")) == ("/data/in",)
    assert meet_paths(("/data/in",), ("/data", "/")) == ("/data/in",)
    assert meet_paths(("/data", "/data/in"), ("/data",)) == ("/data",)
    assert meet_paths(("/data",), ()) == ()


@pytest.mark.parametrize(
    ("one", "had", "yes"),
    [
        (device("r"), device("rw"), True),
        (device("rw"), device("r"), False),
        (device(path="/dev/ttyUSB1"), device(), False),
        (device(kind="modem"), device(), False),
    ],
)
def test_a_device_is_covered_by_the_same_one_with_all_its_modes(one: Hardware, had: Hardware, yes: bool) -> None:
    assert device_covered(one, had) is yes
    assert covers(Scope(devices=(had,)), Scope(devices=(one,))) is yes


@pytest.mark.parametrize(
    "more",
    [
        {"network": (rule("example.com"),)},
        {"read": ("/etc",)},
        {"write": ("/data",)},
        {"env": ("A", "C")},
        {"secrets": (SECRET, replace(SECRET, host="evil.example.com"))},
        {"kv_max_bytes": 101},
        {"devices": (device(path="/dev/video0"),)},
        {"tools": ("one", "three")},
        {"until": 1001},
        {"until": None},
    ],
    ids=lambda more: next(iter(more)),
)
def test_one_thing_more_is_not_covered_and_the_meet_drops_it(more: dict[str, object]) -> None:
    wider = replace(WIDE, **more)  # type: ignore[arg-type]
    assert not covers(WIDE, wider)
    assert covers(WIDE, meet(WIDE, wider))
    assert covers(wider, meet(WIDE, wider))


def test_a_scope_covers_itself_and_nothing_is_covered_by_all() -> None:
    assert covers(WIDE, WIDE)
    assert covers(WIDE, replace(NOTHING, until=5))
    assert not covers(WIDE, NOTHING)
    assert covers(replace(WIDE, until=None), NOTHING)
    assert not covers(NOTHING, WIDE)


def test_what_may_be_written_may_be_read_and_is_listed_once() -> None:
    assert covers(WIDE, Scope(read=("/data/out",), until=1))
    both = meet(Scope(read=("/data",), write=("/data",)), Scope(write=("/data",)))
    assert (both.read, both.write) == ((), ("/data",))
    lower = meet(Scope(write=("/data",)), Scope(read=("/data/in",)))
    assert (lower.read, lower.write) == (("/data/in",), ())


def test_the_meet_of_all_parts() -> None:
    other = Scope(
        network=(rule("api.example.com", methods=("GET",)),), read=("/",), env=("B", "C"), secrets=(SECRET,), kv_max_bytes=7,
        devices=(device("r"), device("r", "/dev/video0")), tools=("two",), until=None,
    )  # fmt: skip
    assert meet(WIDE, other) == Scope(
        network=(rule("api.example.com", methods=("GET",)),), read=("/data",), write=(), env=("B",), secrets=(SECRET,), kv_max_bytes=7,
        devices=(device("r"),), tools=("two",), until=1000,
    )  # fmt: skip
    assert meet(replace(WIDE, until=None), other).until is None
    assert meet(Scope(devices=(device("r"),)), Scope(devices=(device("w"),))).devices == ()


def test_a_scope_that_opens_nothing() -> None:
    assert NOTHING.opens_nothing
    assert replace(NOTHING, tools=("a",), until=1).opens_nothing
    for name in ("network", "read", "write", "env", "secrets", "kv_max_bytes", "devices"):
        assert not replace(NOTHING, **{name: getattr(WIDE, name)}).opens_nothing


def test_the_scope_of_a_manifest_is_all_that_it_declares() -> None:
    changes = {
        "capabilities/network": ["api.example.com"], "capabilities/filesystem": {"read": ["/data"], "write": ["${workspace}"]}, "capabilities/env_vars": ["A"],
        "capabilities/secrets": [{"name": "K", "host": "api.example.com", "header": "X-Key"}], "capabilities/storage": {"kv": {"max_bytes": 5}},
        "capabilities/hardware": [{"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "rw"}],
    }  # fmt: skip
    found = scope_of(parse_manifest(json.dumps(packages.manifest(changes)).encode()))
    assert found == Scope(
        network=(rule(),), read=("/data",), write=("${workspace}",), env=("A",), secrets=(SECRET,), kv_max_bytes=5, devices=(device(),), tools=("greet",)
    )  # fmt: skip
    assert scope_of(parse_manifest(json.dumps(packages.manifest()).encode())) == Scope(tools=("greet",))
