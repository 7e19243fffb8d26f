"""Packages for tests: sound ones, and sound ones with one thing changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from mpp.author.sign import sign_package
from mpp.model.jsontext import Json
from mpp.stages.archive import MANIFEST_NAME, pack
from mpp.stages.gatekeeper import NO_TRUST, TrustedPublisher, TrustState
from mpp.testing.keys import TestPublisher, publisher
from mpp.testing.wasm import module

NOW = 1_767_225_600
"""2026-01-01 00:00:00 UTC: the time in tests."""

ENTRYPOINT = "bin/main.wasm"


class TestClock:
    """A clock that stands still until it is told to move."""

    __test__ = False

    def __init__(self, moment: int = NOW) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment


class TestRandom:
    """Bytes that are the same in every run."""

    __test__ = False

    def __init__(self) -> None:
        self._next = 0

    def bytes(self, count: int) -> bytes:
        self._next += 1
        return (self._next.to_bytes(4, "big") * count)[:count]


def manifest(changes: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """A small sound manifest; ``changes`` maps paths such as ``runtime/timeout_ms`` to new values, None removes."""
    found: dict[str, Json] = {
        "mpp_version": "1.0.0",
        "package_id": "com.example.hello",
        "version": "0.1.0",
        "name": "hello",
        "description": "Greets by name",
        "publisher": {"name": "Example Publisher"},
        "license": "Apache-2.0",
        "runtime": {"type": "wasm32-wasip1", "entrypoint": ENTRYPOINT, "memory_limit_mb": 16, "timeout_ms": 5000},
        "capabilities": {"network": [], "filesystem": {"read": [], "write": []}, "env_vars": []},
        "tool_definitions": [
            {
                "name": "greet",
                "description": "Greets a person",
                "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
                "security_level": "low",
            }
        ],
        "privacy_filters": {"enabled": True, "patterns": ["email"]},
    }
    for path, item in (changes or {}).items():
        _set(found, path.split("/"), item)
    return found


def _set(found: Json, steps: list[str], item: Json) -> None:
    for step in steps[:-1]:
        found = found[int(step)] if isinstance(found, list) else found[step] if isinstance(found, dict) else None
    if isinstance(found, list):
        found[int(steps[-1])] = item
    elif isinstance(found, dict) and item is None:
        found.pop(steps[-1], None)
    elif isinstance(found, dict):
        found[steps[-1]] = item


def files(changes: Mapping[str, Json] | None = None, extra: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """The members of a small sound package."""
    text = json.dumps(manifest(changes), indent=2).encode("utf-8")
    return {MANIFEST_NAME: text, ENTRYPOINT: module(), "README.md": b"# hello\n\nGreets by name.\n", **(extra or {})}


def unsigned(changes: Mapping[str, Json] | None = None, extra: Mapping[str, bytes] | None = None) -> bytes:
    return pack(files(changes, extra))


def signed(
    by: TestPublisher | None = None, changes: Mapping[str, Json] | None = None, extra: Mapping[str, bytes] | None = None, *, created: int = NOW
) -> bytes:
    """A sound signed package; the same arguments give the same bytes."""
    who = by if by is not None else publisher()
    return sign_package(unsigned(changes, extra), who.chain, who.release, TestClock(created)).data


def trusting(*publishers: TestPublisher, any_package: bool = True, pins: Mapping[str, str] | None = None) -> TrustState:
    """A trust state that knows these publishers."""
    known = {one.id: TrustedPublisher(chain=one.chain, any_package=any_package) for one in publishers}
    return replace(NO_TRUST, publishers=known, pins=dict(pins or {}))
