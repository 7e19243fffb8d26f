"""What a package declares against patterns: as a condition of rules that allow, of rules that ask or deny, and as a limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json
from mpp.model.scope import NOTHING, Scope, covers
from mpp.stages.policy import Asked, Limits
from tests.policies import call, device, judged, matches, network, opening, secret

EVERYTHING = opening().scope
HOSTS = replace(NOTHING, network=(network("api.example.com"), network("*.cdn.example.org")))
FILES = replace(NOTHING, read=("/data/in",), write=("/data/out",))

# Declared, the condition: does a rule that allows match; does one that denies?
CONDITIONS: list[tuple[str, Scope, dict[str, Json], bool, bool]] = [
    ("all hosts listed", HOSTS, {"hosts": ["api.example.com", "*.cdn.example.org"]}, True, True),
    ("wider than declared", HOSTS, {"hosts": ["*.example.com", "*.example.org"]}, True, True),
    ("one host listed", HOSTS, {"hosts": ["api.example.com"]}, False, True),
    ("part of a wildcard", HOSTS, {"hosts": ["api.example.com", "a.cdn.example.org"]}, False, True),
    ("domain of a wildcard", HOSTS, {"hosts": ["cdn.example.org"]}, False, False),
    ("another host", HOSTS, {"hosts": ["example.com"]}, False, False),
    ("another port", HOSTS, {"hosts": ["api.example.com:8443"]}, False, False),
    ("any host", HOSTS, {"hosts": ["*"]}, True, True),
    ("no host", HOSTS, {"hosts": []}, False, False),
    ("no host declared", NOTHING, {"hosts": []}, True, False),
    ("no host declared, some listed", NOTHING, {"hosts": ["api.example.com"]}, True, False),
    ("other port declared", replace(NOTHING, network=(network("api.example.com:8443"),)), {"hosts": ["api.example.com"]}, False, True),
    ("read above", FILES, {"read": ["/data"]}, True, True),
    ("read exactly", replace(NOTHING, read=("/data/in",)), {"read": ["/data/in"]}, True, True),
    # What may be written may be read.
    ("read of a written path", FILES, {"read": ["/data/in"]}, False, True),
    ("read and write", FILES, {"read": ["/data/in"], "write": ["/data/out"]}, True, True),
    ("denied read of a written path", replace(NOTHING, write=("/data",)), {"read": ["/data/secret"]}, False, True),
    ("below what is declared", FILES, {"read": ["/data/in/deep"]}, False, True),
    ("look-alike folder", replace(NOTHING, read=("/database",)), {"read": ["/data"]}, False, False),
    ("another case", replace(NOTHING, read=("/Data/in",)), {"read": ["/data"]}, False, True),
    ("write", FILES, {"write": ["/data/out"]}, True, True),
    ("write elsewhere", FILES, {"write": ["/other"]}, False, False),
    ("nothing written", replace(NOTHING, read=("/data",)), {"write": []}, True, False),
    ("workspace", replace(NOTHING, read=("${workspace}/a",)), {"read": ["${workspace}"]}, True, True),
    ("env", replace(NOTHING, env=("API_KEY",)), {"env": ["API_*"]}, True, True),
    ("env elsewhere", replace(NOTHING, env=("API_KEY", "OTHER")), {"env": ["API_*"]}, False, True),
    ("secrets", replace(NOTHING, secrets=(secret(),)), {"secrets": ["TOKEN"]}, True, True),
    ("no secrets", replace(NOTHING, secrets=(secret(),)), {"secrets": []}, False, False),
    ("devices", replace(NOTHING, devices=(device(),)), {"devices": ["/dev/ttyUSB*"]}, True, True),
    ("devices elsewhere", replace(NOTHING, devices=(device(),)), {"devices": ["/dev/ttyACM*"]}, False, False),
    ("state", replace(NOTHING, kv_max_bytes=5), {"kv": True}, True, True),
    ("no state allowed", replace(NOTHING, kv_max_bytes=5), {"kv": False}, False, False),
    ("no state", NOTHING, {"kv": False}, True, False),
    ("one kind fits, one does not", EVERYTHING, {"hosts": ["*"], "env": []}, False, True),
    ("every kind", EVERYTHING, {"hosts": ["*"], "read": ["/"], "write": ["/"], "env": ["*"], "secrets": ["*"], "devices": ["*"], "kv": True}, True, True),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "condition", "allows", "denies"), [row[1:] for row in CONDITIONS], ids=[row[0] for row in CONDITIONS])
def test_declared_capabilities_as_a_condition(scope: Scope, condition: dict[str, Json], allows: bool, denies: bool) -> None:
    asked = call(scope=replace(scope, tools=("send",)))
    assert matches(asked, {"capabilities": condition}, "allow") is allows
    assert matches(asked, {"capabilities": condition}, "deny") is denies
    assert matches(asked, {"capabilities": condition}, "ask") is denies


def limited(asked: Asked, **limits: Json) -> Scope:
    found = judged(asked, {"effect": "allow", "limits": limits}).limits
    assert found.scope is not None
    return found.scope


def test_a_limit_leaves_what_it_does_not_name() -> None:
    assert limited(opening(), kv_max_bytes=2000) == EVERYTHING
    assert limited(opening(), kv_max_bytes=10) == replace(EVERYTHING, kv_max_bytes=10)


def names(rules: tuple[NetworkRule, ...]) -> list[str]:
    return [("*." if rule.wildcard else "") + rule.host + "".join(f":{port}" for port in rule.ports) for rule in rules]


HOST_LIMITS = [
    (["*"], ["api.example.com:443", "*.cdn.example.org:443"]),
    (["api.example.com"], ["api.example.com:443"]),
    (["*.example.com"], ["api.example.com:443"]),
    (["a.cdn.example.org", "*.b.cdn.example.org"], ["a.cdn.example.org:443", "*.b.cdn.example.org:443"]),
    (["*.cdn.example.org", "*.example.org"], ["*.cdn.example.org:443"]),
    (["cdn.example.org", "example.com", "10.0.0.5"], []),
    (["api.example.com:8443"], []),
    ([], []),
]  # fmt: skip


@pytest.mark.parametrize(("hosts", "left"), HOST_LIMITS)
def test_hosts_that_a_limit_leaves(hosts: list[Json], left: list[str]) -> None:
    found = limited(opening(), hosts=hosts)
    assert names(found.network) == left
    assert covers(EVERYTHING, found)
    # A secret for a host that is not left is not left either.
    assert bool(found.secrets) is any(name.startswith("api.") for name in left)


def test_ports_that_a_limit_leaves() -> None:
    many = call(scope=Scope(network=(network("api.example.com", ports=(443, 8443, 9000)),), secrets=(secret(host="api.example.com:8443"),), tools=("send",)))
    assert names(limited(many, hosts=["api.example.com", "*.example.com:8443"]).network) == ["api.example.com:443:8443"]
    assert limited(many, hosts=["api.example.com:8443"]).secrets == many.scope.secrets
    assert limited(many, hosts=["api.example.com:9000"]).secrets == ()


PATH_LIMITS: list[tuple[dict[str, Json], tuple[str, ...], tuple[str, ...]]] = [
    ({"read": ["/data"]}, ("/data/in",), ("/data/out",)),
    # A limit on reading holds for what may be written, too.
    ({"read": ["/data/in"]}, ("/data/in",), ()),
    ({"read": ["/data/in"], "write": ["/data/out"]}, ("/data/in",), ("/data/out",)),
    ({"read": ["/data/in/a", "/data/in/b", "/data/in/a/c"]}, ("/data/in/a", "/data/in/b"), ()),
    ({"write": ["/data/out/x"]}, ("/data/in",), ("/data/out/x",)),
    ({"write": []}, ("/data/in",), ()),
    ({"read": []}, (), ()),
    ({"read": ["/Data"]}, (), ()),
    ({"read": ["/"]}, ("/data/in",), ("/data/out",)),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "read", "write"), PATH_LIMITS)
def test_paths_that_a_limit_leaves(limits: dict[str, Json], read: tuple[str, ...], write: tuple[str, ...]) -> None:
    found = limited(opening(), **limits)
    assert (found.read, found.write) == (read, write)
    assert covers(EVERYTHING, found)


def test_names_that_a_limit_leaves() -> None:
    found = limited(opening(), env=["OTHER"], secrets=["NONE*"], devices=["/dev/ttyUSB1"])
    assert (found.env, found.secrets, found.devices) == ((), (), ())
    assert limited(opening(), env=["R*"], secrets=["T*"], devices=["/dev/tty*"]) == EVERYTHING


def test_limits_of_several_rules_are_intersected() -> None:
    rules: list[dict[str, Json]] = [
        {"effect": "allow", "limits": {"hosts": ["api.example.com"], "timeout_ms": 500, "calls_per_minute": 9, "strength": "tty", "privacy_patterns": ["email", "iban"]}},
        {"effect": "allow", "limits": {"read": ["/data"], "timeout_ms": 900, "calls_per_minute": 6, "answer_seconds": 50, "privacy_patterns": ["email"]}},
        {"effect": "allow", "limits": {"kv_max_bytes": 3, "approvers": 2, "strength": "passphrase"}},
        {"effect": "allow", "tools": ["other"], "limits": {"timeout_ms": 1}},
    ]  # fmt: skip
    found = judged(opening(), *rules).limits
    assert found == Limits(
        calls_per_minute=6, timeout_ms=500, privacy_patterns=("email", "iban"), strength="passphrase", approvers=2, answer_seconds=50,
        scope=replace(EVERYTHING, network=(network("api.example.com"),), kv_max_bytes=3),
    )  # fmt: skip
    assert judged(opening(), *reversed(rules)).limits == found


def test_what_adds_nothing_says_nothing() -> None:
    assert judged(opening(), {"effect": "allow"}).limits == Limits()
    assert judged(opening(), {"effect": "allow", "limits": {"timeout_ms": 5}}).limits.scope is None
    assert judged(opening(), {"effect": "allow", "limits": {"timeout_ms": 5}}, {"effect": "deny"}).limits == Limits()
