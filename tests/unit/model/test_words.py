"""Capabilities in words, and what an update newly asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mpp.model.manifest import Manifest, parse_manifest
from mpp.model.words import NOTHING, capability_words, growth
from tests.unit.model.manifest_cases import GOOD, LAYER, SECRET, SECRETS, TOOL, changed


def manifest(changes: dict[str, Any]) -> Manifest:
    return parse_manifest(json.dumps(changed(changes)).encode())


def net(*rules: Any) -> dict[str, Any]:
    return {"capabilities": {"network": list(rules)}}


API = "api.example.com"
WORDS: list[tuple[dict[str, Any], str]] = [
    ({}, NOTHING),
    (net("api.github.com"), "May send requests to api.github.com over HTTPS."),
    (net("api.github.com:8443"), "May send requests to api.github.com on port 8443 over HTTPS."),
    (net("*.example.com"), "May send requests to any sub-domain of example.com over HTTPS."),
    (
        net({"host": API, "schemes": ["http", "https"], "ports": [80, 443, 81], "methods": ["POST", "GET"], "paths": ["/a", "/b"]}),
        f"May send GET and POST requests to {API} on ports 80, 443 and 81, only below /a and /b, over HTTPS and unencrypted HTTP.",
    ),
    (net({"host": API, "schemes": ["http"], "paths": ["/", "/a"]}), f"May send requests to {API} over unencrypted HTTP."),
    ({"capabilities": {"filesystem": {"read": ["/data"]}}}, "May read /data, with everything in it."),
    ({"capabilities": {"filesystem": {"read": ["${workspace}/in"]}}}, "May read in in the workspace, with everything in it."),
    ({"capabilities": {"filesystem": {"write": ["${workspace}"]}}}, "May create, change and delete files at the whole workspace, with everything in it."),
    ({"capabilities": {"env_vars": ["API_KEY"]}}, "Is given the setting API_KEY and can read it."),
    ({"capabilities": {"storage": {"kv": {"max_bytes": 1000}}}}, "May keep up to 1000 bytes of its own data between calls."),
    ({"capabilities": {"storage": {"kv": {"max_bytes": 3 * 1024**2}}}}, "May keep up to 3 MiB of its own data between calls."),
    ({"capabilities": {"hardware": [{"device": "camera", "path": "/dev/video0", "mode": "r"}]}}, "May read from the device /dev/video0 (camera)."),
]


@pytest.mark.parametrize(("changes", "words"), WORDS, ids=[words for _, words in WORDS])
def test_one_sentence_for_one_capability(changes: dict[str, Any], words: str) -> None:
    assert capability_words(manifest(changes).capabilities) == (words,)


def test_secrets_in_words() -> None:
    assert (
        capability_words(manifest({"capabilities": SECRETS}).capabilities)[1]
        == f"May use the secret TOKEN in requests to {API} (header Authorization) without seeing it."
    )


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_nothing_grows_beside_itself(changes: dict[str, Any]) -> None:
    one = manifest(changes)
    assert growth(one, one) == ()
    assert all(words.endswith(".") for words in capability_words(one.capabilities))


def rule(**keys: Any) -> dict[str, Any]:
    return net({"host": API} | keys)


def fs(**keys: Any) -> dict[str, Any]:
    return {"capabilities": {"filesystem": keys}}


COVERED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (net("*.example.com"), net(API)),
    (net("*.example.com"), net("*.api.example.com")),
    (rule(), rule(methods=["GET"], paths=["/v1"])),
    (rule(paths=["/"]), rule()),
    (rule(methods=["GET", "POST"]), rule(methods=["POST"])),
    (rule(paths=["/v1"]), rule(paths=["/v1/a", "/v1"])),
    (rule(ports=[1, 2], schemes=["http", "https"]), rule(ports=[2])),
    (net({"host": API, "methods": ["GET"]}, {"host": API, "methods": ["PUT"]}), rule(methods=["GET", "PUT"])),
    (fs(read=["/a"], write=["/b"]), fs(read=["/a/b", "/a"])),
    (fs(read=["${workspace}"]), fs(read=["${workspace}/x"])),
    ({"capabilities": SECRETS, "runtime/memory_limit_mb": 99}, {"capabilities/network": [API], "runtime/timeout_ms": 1}),
    ({"capabilities/storage": {"kv": {"max_bytes": 9}}}, {"capabilities/storage": {"kv": {"max_bytes": 8}}}),
    ({"capabilities/hardware": [{"device": "a", "path": "/dev/a", "mode": "rw"}]}, {"capabilities/hardware": [{"device": "a", "path": "/dev/a", "mode": "r"}]}),
    ({"tool_definitions": [TOOL, TOOL | {"name": "b"}]}, {}),
    ({}, {"runtime/deterministic": True}),
    ({"runtime/type": "wasm32-wasi"}, {"runtime/type": "wasm32-wasip1"}),
    ({"privacy_filters": {"enabled": False, "patterns": ["email"]}}, {"privacy_filters": {"patterns": ["email", "phone"]}}),
    ({"privacy_filters": {"custom_patterns": [{"id": "a", "regex": "x"}]}}, {"privacy_filters": {"custom_patterns": [{"id": "b", "regex": "x"}]}}),
]


@pytest.mark.parametrize(("old", "new"), COVERED, ids=str)
def test_what_is_covered_is_no_growth(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert growth(manifest(old), manifest(new)) == ()


GROWN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, net(API), f"May send requests to {API} over HTTPS."),
    (net(API), net("*.example.com"), "May send requests to any sub-domain of example.com over HTTPS."),
    (net("*.api.example.com"), net(API), f"May send requests to {API} over HTTPS."),
    (net("*.api.example.com"), net("*.example.com"), "any sub-domain of example.com"),
    (net(API), net("*.api.example.com"), f"any sub-domain of {API}"),
    (net("*.example.com"), net("evilexample.com"), "evilexample.com"),
    (rule(methods=["GET"]), rule(), f"May send requests to {API}"),
    (rule(methods=["GET"]), rule(methods=["GET", "POST"]), "GET and POST"),
    (rule(), rule(schemes=["http"], ports=[443]), "unencrypted HTTP"),
    (rule(), rule(ports=[444]), "on port 444"),
    (rule(paths=["/v1"]), rule(paths=["/v10"]), "/v10"),
    (rule(paths=["/v1"]), rule(), f"to {API} over"),
    (fs(read=["/a"]), fs(read=["/ab"]), "May read /ab"),
    (fs(read=["/a/b"]), fs(read=["/a"]), "May read /a,"),
    (fs(read=["/a"]), fs(write=["/a"]), "files at /a,"),
    ({}, {"capabilities/env_vars": ["A"]}, "the setting A "),
    ({"capabilities/network": [API]}, {"capabilities": SECRETS}, "the secret TOKEN"),
    ({"capabilities": SECRETS}, {"capabilities": SECRETS | {"secrets": [SECRET | {"header": "X-A"}]}}, "header X-A"),
    ({}, {"capabilities/storage": {"kv": {"max_bytes": 1024}}}, "May keep up to 1 KiB of its own data"),
    ({"capabilities/storage": {"kv": {"max_bytes": 9}}}, {"capabilities/storage": {"kv": {"max_bytes": 10}}}, "May keep up to 10 bytes instead of 9 bytes of"),
    (
        {"capabilities/hardware": [{"device": "a", "path": "/dev/a", "mode": "r"}]},
        {"capabilities/hardware": [{"device": "a", "path": "/dev/a", "mode": "rw"}]},
        "read from and write to",
    ),
    ({}, {"runtime/memory_limit_mb": 17}, "May use 17 MiB of memory instead of 16."),
    ({}, {"runtime/timeout_ms": 5001}, "May run for 5001 ms instead of 5000."),
    ({"runtime/deterministic": True}, {}, "real time and real randomness"),
    ({}, {"runtime/type": "wasi-component"}, "Runs as wasi-component instead of wasm32-wasip1."),
    (
        {"runtime/type": "python", "runtime/layer": LAYER},
        {"runtime/type": "python", "runtime/layer": LAYER | {"sha256": "cd" * 32}},
        f"Runs on the layer org.example.cpython 3.13.1 ({'cd' * 8})",
    ),
    ({}, {"tool_definitions": [TOOL, TOOL | {"name": "b"}]}, "Brings the new tool b (security level low)."),
    ({}, {"tool_definitions/0/security_level": "high"}, "Rates the tool greet high instead of low."),
    ({"tool_definitions/0/security_level": "high"}, {}, "Rates the tool greet low instead of high."),
    ({}, {"privacy_filters": {"enabled": False}}, "not filtered for private data"),
    (
        {"privacy_filters": {"patterns": ["email", "phone"], "custom_patterns": [{"id": "a", "regex": "x"}]}},
        {"privacy_filters": {"patterns": ["phone"], "custom_patterns": [{"id": "a", "regex": "y"}]}},
        "No longer asks that these are hidden in its answers: email and a.",
    ),
]


@pytest.mark.parametrize(("old", "new", "words"), GROWN, ids=[words for _, _, words in GROWN])
def test_what_is_new_is_named_once(old: dict[str, Any], new: dict[str, Any], words: str) -> None:
    (found,) = growth(manifest(old), manifest(new))
    assert words in found
