from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from mpp.author.breadth import BROAD_KV_BYTES, BROAD_MEMORY_MB, BROAD_TIMEOUT_MS, breadth_warnings, undeclared_powers
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, parse_manifest
from mpp.stages.gatekeeper import WasmShape, read_wasm
from mpp.testing.packages import manifest
from mpp.testing.wasm import component, module

FILES = "wasi_snapshot_preview1", "path_open", "iiiiiIIii:i"
ENVIRONMENT = "wasi_snapshot_preview1", "environ_get", "ii:i"
HOST = "mpp_host", "call", "iiii:i"
PLAIN = read_wasm(module())
POWERFUL = read_wasm(module(imports=[FILES, ENVIRONMENT, HOST]))


def made(changes: Mapping[str, Json]) -> Manifest:
    return parse_manifest(json.dumps(manifest(changes)).encode())


CASES: tuple[tuple[dict[str, Json], WasmShape | None, str], ...] = (
    ({}, PLAIN, ""),
    ({}, None, ""),
    ({"capabilities/network": ["api.example.com"]}, POWERFUL, ""),
    ({"capabilities/network": ["*.example.com"]}, POWERFUL, "every sub-domain"),
    ({"capabilities/network": [{"host": "example.com", "schemes": ["http"], "ports": [80]}]}, POWERFUL, "without TLS"),
    ({"capabilities/filesystem/read": ["/srv/data"]}, POWERFUL, ""),
    ({"capabilities/filesystem/read": ["/home"]}, POWERFUL, "reading /home covers"),
    ({"capabilities/filesystem/write": ["${workspace}"], "tool_definitions/0/security_level": "medium"}, POWERFUL, "writing ${workspace} covers"),
    ({"capabilities/filesystem/write": ["/srv/data"]}, POWERFUL, "call it 'medium' or higher"),
    ({"capabilities/filesystem/write": ["/srv/data"], "tool_definitions/0/security_level": "high"}, POWERFUL, ""),
    ({"runtime/memory_limit_mb": BROAD_MEMORY_MB}, PLAIN, ""),
    ({"runtime/memory_limit_mb": BROAD_MEMORY_MB + 1}, PLAIN, "much for a tool"),
    ({"runtime/timeout_ms": BROAD_TIMEOUT_MS}, PLAIN, ""),
    ({"runtime/timeout_ms": BROAD_TIMEOUT_MS + 1}, PLAIN, "long time"),
    ({"capabilities/storage": {"kv": {"max_bytes": BROAD_KV_BYTES + 1}}}, POWERFUL, "state is much"),
    ({"privacy_filters/enabled": False}, PLAIN, "hosts filter all the same"),
    ({"capabilities/filesystem/read": ["/srv/data"]}, PLAIN, "imports no file function"),
    ({"capabilities/env_vars": ["API_BASE"]}, PLAIN, "does not import the environment"),
    ({"capabilities/network": ["api.example.com"]}, PLAIN, "imports no host call"),
    ({"capabilities/network": ["api.example.com"]}, None, ""),
    ({"capabilities/network": ["api.example.com"]}, read_wasm(component()), ""),
)


@pytest.mark.parametrize(("changes", "wasm", "says"), CASES)
def test_warnings(changes: dict[str, Json], wasm: WasmShape | None, says: str) -> None:
    found = breadth_warnings(made(changes), wasm)
    if says:
        assert any(says in line for line in found), found
    else:
        assert found == ()


def test_undeclared_powers() -> None:
    found = undeclared_powers(made({}), POWERFUL)
    assert [line.partition(":")[0] for line in found] == ["filesystem", "env_vars", "host_calls"]
    assert undeclared_powers(made({}), PLAIN) == ()
    declared = made({"capabilities/network": ["a.example.com"], "capabilities/filesystem/read": ["/srv/data"], "capabilities/env_vars": ["API_BASE"]})
    assert undeclared_powers(declared, POWERFUL) == ()
