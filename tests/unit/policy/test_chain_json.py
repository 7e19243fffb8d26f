"""A scope comes back as it was written, and brings nothing that no manifest may ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.fields import Faults
from mpp.model.jsontext import Json
from mpp.model.scope import NOTHING, Scope
from mpp.stages.policy.chain_json import judge_scope, placed, read_scope
from mpp.stages.policy.token import scope_json

RULE = NetworkRule(host="example.com", wildcard=True, schemes=("https", "http"), ports=(443, 80), methods=("GET",), paths=("/v1",))
ANY = NetworkRule(host="api.example.org", wildcard=False, schemes=("https",), ports=(8443,), methods=(), paths=())
FULL = Scope(
    network=(RULE, ANY), read=("/data", "${workspace}"), write=("${workspace}/out",), env=("REGION",),
    secrets=(Secret(name="T", host="api.example.org:8443", header="Authorization", format="Bearer {secret}"),), kv_max_bytes=10,
    devices=(Hardware(device="serial-port", path="/dev/ttyUSB0", mode="rw"),), tools=("lookup",), until=1000,
)  # fmt: skip


def read(found: Json) -> Scope:
    faults = Faults("token")
    scope = read_scope(found, "scope", faults)
    faults.stop()
    return scope


def changed(**changes: Json) -> dict[str, Json]:
    # Its secret goes to a host of the rules: without them, that would be the first fault.
    return {**scope_json(FULL), **({"secrets": []} if "network" in changes else {}), **changes}


def rule(**changes: Json) -> list[Json]:
    return [{"host": "*.example.com", "schemes": ["https"], "ports": [443], "methods": [], "paths": [], **changes}]


@pytest.mark.parametrize("scope", [NOTHING, FULL, replace(FULL, kv_max_bytes=0, until=None)])
def test_a_scope_comes_back(scope: Scope) -> None:
    assert read(scope_json(scope)) == scope
    judge_scope(scope, "scope")


WRONG: list[dict[str, Json]] = [
    {"network": "any"}, {"network": ["api.example.com"]}, {"network": rule(host="localhost")}, {"network": rule(host="10.0.0.1")},
    {"network": rule(host="crm.internal")}, {"network": rule(host="*.com")}, {"network": rule(host="*.github.io")}, {"network": rule(host="API.example.com")},
    {"network": rule(host="example.com.")}, {"network": rule(methods=["POST", "GET"])}, {"network": rule(methods=["CONNECT"])}, {"network": rule(paths=["/a/../b"])},
    {"network": rule(ports=[])}, {"network": rule(schemes=[])}, {"network": rule(schemes=["http", "https"])}, {"network": rule(more=1)}, {"network": [1]},
    {"read": ["/data/../etc"]}, {"read": ["/proc"]}, {"read": ["/data/"]}, {"read": ["data"]}, {"read": None}, {"read": [1]}, {"write": ["/"]}, {"write": "x"},
    {"env": ["LD_PRELOAD"]}, {"env": ["region"]}, {"env": "REGION"}, {"secrets": [{"name": "T", "host": "evil.example", "header": "X", "format": "{secret}"}]},
    {"secrets": {}}, {"kv_max_bytes": -1}, {"kv_max_bytes": 2**60}, {"kv_max_bytes": True}, {"devices": [{"device": "disk", "path": "/dev/sda", "mode": "r"}]},
    {"devices": [{"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "wr"}]}, {"tools": ["a b"]}, {"tools": ["a", "a"]}, {"tools": None}, {"until": -1},
    {"until": "never"}, {"until": 2**50}, {"admin": True},
]  # fmt: skip


NAMED = {"read": "filesystem/read", "write": "filesystem/write", "env": "env_vars", "devices": "hardware"}


def test_the_rules_of_these_cases_are_sound_but_for_one_thing() -> None:
    assert read(changed(network=rule())).network == (replace(RULE, schemes=("https",), ports=(443,), methods=(), paths=()),)


@pytest.mark.parametrize("changes", WRONG, ids=range(len(WRONG)))
def test_what_no_manifest_may_ask_for_is_refused(changes: dict[str, Json]) -> None:
    with pytest.raises(Refused) as refusal:
        read(changed(**changes))
    assert refusal.value.code.startswith("token.")
    # Each for its own sake: what was changed is what is named.
    (key,) = changes
    assert NAMED.get(key, key) in refusal.value.where or refusal.value.where == "scope"


@pytest.mark.parametrize("key", list(scope_json(FULL)))
def test_each_key_is_needed(key: str) -> None:
    found = scope_json(FULL)
    del found[key]
    with pytest.raises(Refused) as refusal:
        read(found)
    assert refusal.value.code == "token.missing"


@pytest.mark.parametrize("found", [None, [], "scope", 1])
def test_a_scope_is_an_object(found: Json) -> None:
    with pytest.raises(Refused):
        read(found)


def test_a_secret_that_no_rule_brings_anywhere_is_left_out() -> None:
    other = Secret(name="U", host="api.example.org", header="X", format="{secret}")
    wide = replace(FULL, secrets=(*FULL.secrets, other, Secret(name="V", host="a.example.com", header="Y", format="{secret}")))
    assert [one.name for one in placed(wide).secrets] == ["T", "V"]
    judge_scope(placed(wide), "scope")
    with pytest.raises(Refused) as refusal:
        judge_scope(wide, "scope")
    assert refusal.value.code == "token.scope"
