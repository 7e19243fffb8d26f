"""The manifest's reader and its JSON Schema, over one table; the whole reader on hostile input."""

from __future__ import annotations

import copy
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.limits import FAULTS_MAX
from mpp.model.limits import MANIFEST_BYTES_MAX, OPTIONAL_KEYS_MAX
from mpp.model.manifest import ManifestReading, parse_manifest, read_manifest
from tests.unit.model.manifest_cases import A_LAYER, BAD, BASE, GOOD, LAYER, SECRETS, TOOL, Bad, changed

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "spec" / "schema" / "manifest.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)
GUIDE = {
    "mpp_version": "1.0.0",
    "package_id": "com.mycompany.crm-lookup",
    "version": "1.0.0",
    "name": "crm-lookup",
    "description": "Look up customer records in the CRM",
    "publisher": {"name": "My Company", "url": "https://mycompany.com", "verified_key_id": "pub_a1b2c3d4e5f67890"},
    "license": "MIT",
    "runtime": {"type": "wasm32-wasi", "entrypoint": "bin/main.wasm", "memory_limit_mb": 64, "timeout_ms": 30000},
    "capabilities": {"network": ["api.crm.mycompany.com"], "filesystem": {"read": [], "write": []}, "env_vars": ["CRM_API_KEY"]},
    "tool_definitions": [
        {
            "name": "lookup",
            "description": "Look up a customer by ID or email",
            "parameters": {"type": "object", "properties": {"query": {"type": "string", "description": "Customer ID or email address"}}, "required": ["query"]},
            "returns": {"type": "object", "properties": {"name": {"type": "string"}, "company": {"type": "string"}, "status": {"type": "string"}}},
            "security_level": "medium",
        }
    ],
    "privacy_filters": {
        "enabled": True,
        "patterns": ["email", "phone", "credit_card"],
        "custom_patterns": [{"id": "customer_id", "regex": "CUST-\\d{8}", "description": "Internal customer identifier"}],
    },
}


def reading(document: Any) -> ManifestReading:
    return read_manifest(json.dumps(document).encode())


def faults(document: Any) -> list[str]:
    found = reading(document)
    assert (found.manifest is None) == any(fault.code.startswith("manifest.") for fault in found.faults)
    assert all(fault.message and fault.hint for fault in found.faults)
    return [f"{fault.code} {fault.where}" for fault in found.faults]


def test_the_example_of_the_migration_guide_is_sound_as_it_stands() -> None:
    assert VALIDATOR.is_valid(GUIDE)
    found = parse_manifest(json.dumps(GUIDE, indent=2).encode())
    assert (found.package_id, found.name, found.publisher.verified_key_id) == ("com.mycompany.crm-lookup", "crm-lookup", "pub_a1b2c3d4e5f67890")
    assert (found.runtime.type, found.runtime.written_type, found.runtime.layer) == ("wasm32-wasip1", "wasm32-wasi", None)
    assert [(rule.host, rule.wildcard, rule.schemes, rule.ports, rule.methods, rule.paths) for rule in found.capabilities.network] == [
        ("api.crm.mycompany.com", False, ("https",), (443,), (), ())
    ]
    assert found.capabilities.env_vars == ("CRM_API_KEY",)
    assert json.loads(found.tool_definitions[0].parameters) == GUIDE["tool_definitions"][0]["parameters"]  # type: ignore[index]
    assert found.privacy_filters.custom_patterns[0].regex == "CUST-\\d{8}"
    assert found.trust_level == ""


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_sound_manifests_pass_the_reader_and_the_schema(changes: dict[str, Any]) -> None:
    document = changed(changes)
    assert faults(document) == []
    assert [str(error) for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad.changes)[:100])
def test_broken_manifests_are_refused_with_each_fault_in_its_place(bad: Bad) -> None:
    assert faults(changed(bad.changes)) == bad.faults


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad.changes)[:100])
def test_the_schema_is_as_strict_as_it_says(bad: Bad) -> None:
    assert VALIDATOR.is_valid(changed(bad.changes)) is not bad.schema


def test_all_faults_come_at_once_those_of_capabilities_last() -> None:
    document = changed({"version": "x", "capabilities": {"env_vars": ["PATH"], "network": ["localhost"]}, "licence": "MIT"})
    assert faults(document) == [
        "manifest.form /version",
        "manifest.unknown_key /licence",
        "capability.host_private /capabilities/network/0",
        "capability.env_never /capabilities/env_vars/0",
    ]
    hints = {fault.where: fault.hint for fault in reading(document).faults}
    assert hints["/licence"] == "did you mean 'license'?"
    assert "host policy" in hints["/capabilities/network/0"]
    with pytest.raises(Refused) as refused:
        parse_manifest(json.dumps(document).encode())
    assert refused.value.code == "manifest.form"
    assert len(refused.value.faults) == 4


NEWER = {"mpp_version": "1.7.0"}
VERSIONS = [
    (NEWER, []),
    (NEWER | {"signing": {}}, ["manifest.needs_newer_host /signing"]),
    (NEWER | {"capabilities/dns": 1, "runtime/gpu": 1}, ["manifest.needs_newer_host /runtime/gpu", "manifest.needs_newer_host /capabilities/dns"]),
    (NEWER | {"capabilities/dns": 1, "runtime/gpu": 1, "optional_keys": ["/capabilities/dns", "/runtime/gpu"]}, []),
    (NEWER | {"runtime/gpu": 1, "optional_keys": ["/gpu"]}, ["manifest.needs_newer_host /runtime/gpu"]),
    (NEWER | {"version": "x", "optional_keys": ["/version"]}, ["manifest.form /version"]),
    (NEWER | {"optional_keys": [7, "/a"], "a": 1}, ["manifest.type /optional_keys/0"]),
    (NEWER | {"optional_keys": "/a", "a": 1}, ["manifest.type /optional_keys", "manifest.needs_newer_host /a"]),
    ({"signing": {}, "optional_keys": ["/signing"]}, ["manifest.unknown_key /signing"]),
    ({"mpp_version": "2.7.0", "signing": {}}, ["manifest.mpp_version /mpp_version", "manifest.unknown_key /signing"]),
]


@pytest.mark.parametrize(("changes", "found"), VERSIONS, ids=str)
def test_keys_of_later_versions(changes: dict[str, Any], found: list[str]) -> None:
    assert faults(changed(changes)) == found


def test_optional_keys_neither_crowd_out_a_fault_nor_go_beyond_their_number() -> None:
    names = [f"k{i:03}" for i in range(OPTIONAL_KEYS_MAX + 2)]
    document = changed(NEWER | dict.fromkeys(names, 0) | {"capabilities": {"env_vars": ["PATH"]}})
    marked = document | {"optional_keys": [f"/{name}" for name in names[:-2]]}
    assert faults(marked) == [f"manifest.needs_newer_host /{name}" for name in names[-2:]] + ["capability.env_never /capabilities/env_vars/0"]
    too_many = document | {"optional_keys": [f"/{name}" for name in names]}
    assert faults(too_many)[:3] == ["manifest.length /optional_keys", *(f"manifest.needs_newer_host /{name}" for name in names[-2:])]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 5000, b"NaN", b"{}x", b'{"a":"\\ud800"}', b'{"a":' + b"9" * 5000 + b"}"])
def test_what_is_no_json_is_a_reading_with_one_fault(data: bytes) -> None:
    found = read_manifest(data)
    assert [fault.code for fault in found.faults] == ["manifest.json"]
    assert found.manifest is None


@pytest.mark.parametrize("document", [[], 1, "x", None])
def test_what_is_no_object_is_refused(document: Any) -> None:
    assert faults(document)[0] == "manifest.type /"


def test_the_size_is_bounded_before_anything_is_read() -> None:
    text = json.dumps(BASE).encode()
    assert read_manifest(text.ljust(MANIFEST_BYTES_MAX)).faults == ()
    assert [fault.code for fault in read_manifest(text.ljust(MANIFEST_BYTES_MAX + 1)).faults] == ["manifest.length"]


def _tool(schema: str) -> str:
    return f'{{"tool_definitions": [{schema}]}}'


# Each has nearly the size of a manifest; a reader without care takes seconds or gigabytes for it.
SLOW = {
    "unknown keys": "{" + ",".join(f'"k{i}":0' for i in range(23000)) + "}",
    "optional unknown keys": '{"mpp_version":"1.9.0","optional_keys":['
    + ",".join(f'"/k{i}"' for i in range(9000))
    + "],"
    + ",".join(f'"k{i}":0' for i in range(9000))
    + "}",
    "unknown keywords": _tool(",".join('{"parameters":{' + ",".join(f'"k{i}":0' for i in range(100)) + "}}" for _ in range(128))),
    "a long name above many schemas": _tool(
        '{"parameters":{"type":"object","properties":{"' + "n" * 100_000 + '":{"properties":{' + ",".join(f'"{i}":{{}}' for i in range(9000)) + "}}}}}"
    ),
    "a long key above many texts": '{"' + "n" * 100_000 + '":[' + ",".join(['"\\u200b"'] * 15000) + "]}",
    "colons": '{"capabilities":{"network":["' + ":" * 200_000 + '"]}}',
    "digits": '{"capabilities":{"network":["' + "1." * 100_000 + '"]}}',
    "labels": '{"capabilities":{"network":[' + ",".join(['"' + "a-" * 125 + '.com"'] * 60) + "]}}",
    "variables": '{"capabilities":{"env_vars":["' + "_PROXY" * 40_000 + 'x"]}}',
    "versions": '{"version":"' + "1.0.0-" + "0" * 200_000 + '"}',
    "spaces": '{"license":"' + " " * 200_000 + '"}',
    "regex": '{"privacy_filters":{"custom_patterns":[' + ",".join(['{"id":"a","regex":"' + "(" * 250 + '"}'] * 64) + "]}}",
    "long names with many faults": '{"runtime":{"'
    + "n" * 100_000
    + '":0},"\u05d0'
    + "\\u001b" * 16_000
    + '":0,"capabilities":{"network":['
    + ",".join(['"\\u202e"'] * 64)
    + "]}}",
    "many long names": "{" + ",".join('"' + "\\u202e" * 250 + f'{i}":0' for i in range(100)) + "}",
    "many long names of schemas": _tool(
        '{"parameters":{"type":"object","properties":{' + ",".join('"' + "\\u00e9" * 300 + f'{i}":7' for i in range(100)) + "}}}"
    ),
    "references to nothing": _tool('{"parameters":{"type":"object","allOf":[' + ",".join(['{"$ref":"#/' + "a" * 100 + '"}'] * 1900) + "]}}"),
    "references": _tool('{"parameters":{"type":"object","allOf":[' + ",".join(['{"$ref":"#"}'] * 1900) + "]}}"),
}


@pytest.mark.parametrize("name", SLOW)
def test_hostile_manifests_are_judged_in_little_time(name: str) -> None:
    data = SLOW[name].encode()
    assert len(data) <= MANIFEST_BYTES_MAX
    tracemalloc.start()
    start = time.process_time()
    try:
        found = read_manifest(data).faults
        assert found
        assert len(json.dumps(found)) < 100_000
        # Tracing makes it several times slower; a reader without care needs tens of seconds.
        assert time.process_time() - start < 4
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_the_number_of_faults_is_bounded() -> None:
    assert len(faults(changed({"capabilities": {"network": ["localhost"] * 64, "env_vars": ["PATH"] * 64}, **{f"x{i}": 0 for i in range(90)}}))) == FAULTS_MAX


def test_values_are_read_into_their_types() -> None:
    found = parse_manifest(json.dumps(changed({
        "runtime/type": "python", "runtime/layer": LAYER, "runtime/deterministic": True,
        "capabilities": SECRETS | {
            "network": [{"host": "*.example.com", "schemes": ["http", "https"], "methods": ["POST", "GET"], "paths": ["/v1"]}, "api.example.com:8443", {"host": "api.example.com"}],
            "filesystem": {"read": ["/a"], "write": ["${workspace}"]},
            "storage": {"kv": {"max_bytes": 9}},
            "hardware": [{"device": "camera", "path": "/dev/video0", "mode": "r"}],
            "secrets": [{"name": "T", "host": "api.example.com:8443", "header": "X-Key"}, {"name": "U", "host": "api.example.com:443", "header": "X-Key"}],
        },
        "trust": {"level": "reviewed"}, "homepage": "https://example.com", "keywords": ["a"],
        "tool_definitions": [TOOL | {"title": "T", "parameters": {"type": "object", "$schema": "http://json-schema.org/draft-07/schema#", "minProperties": 0}}],
    })).encode())  # fmt: skip
    first, second, _ = found.capabilities.network
    assert (first.host, first.wildcard, first.schemes, first.ports, first.methods, first.paths) == (
        "example.com",
        True,
        ("https", "http"),
        (443, 80),
        ("GET", "POST"),
        ("/v1",),
    )
    assert (second.host, second.ports) == ("api.example.com", (8443,))
    assert (found.capabilities.read, found.capabilities.write, found.capabilities.kv_max_bytes) == (("/a",), ("${workspace}",), 9)
    assert [(one.name, one.host, one.header, one.format) for one in found.capabilities.secrets] == [
        ("T", "api.example.com:8443", "X-Key", "{secret}"),
        ("U", "api.example.com", "X-Key", "{secret}"),
    ]
    assert [(one.device, one.path, one.mode) for one in found.capabilities.hardware] == [("camera", "/dev/video0", "r")]
    assert found.runtime.layer is not None
    assert (found.runtime.layer.id, found.runtime.layer.version, found.runtime.layer.sha256) == tuple(LAYER.values())
    assert (found.runtime.deterministic, found.trust_level, found.homepage, found.keywords) == (True, "reviewed", "https://example.com", ("a",))
    assert (found.tool_definitions[0].title, found.tool_definitions[0].parameters, found.tool_definitions[0].returns) == (
        "T",
        b'{"minProperties":0,"type":"object"}',
        None,
    )


def test_faults_of_capabilities_alone_leave_a_reading_for_check_6_but_no_manifest_to_use() -> None:
    document = changed({"capabilities": {"env_vars": ["PATH"]}})
    assert reading(document).manifest is not None
    with pytest.raises(Refused, match="env_never"):
        parse_manifest(json.dumps(document).encode())


def test_a_layer_has_neither_tools_nor_capabilities() -> None:
    found = parse_manifest(json.dumps(changed(A_LAYER)).encode())
    assert (found.runtime.type, found.tool_definitions) == ("layer", ())


PLACES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from(["*", "/", "localhost", "a.b:1", "1.0.0", "python"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*BASE, "host", "type", "layer", "kv", "$ref"]), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_no_change_makes_the_reader_raise_and_the_schema_is_never_stricter(data: st.DataObject) -> None:
    document = copy.deepcopy(GUIDE | {"capabilities": copy.deepcopy(SECRETS)})
    at: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(at)) if isinstance(at, dict) else st.integers(0, len(at) - 1))
        if not isinstance(at[key], (dict, list)) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(PLACES)
    if not faults(document):
        assert VALIDATOR.is_valid(document), list(VALIDATOR.iter_errors(document))
