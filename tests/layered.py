"""A layer for tests: a small module that keeps the layer contract, tools that stand on it, and the packages of both.

What the layer does is WebAssembly text, so that a test can make one that misbehaves; what it keeps of its bundle shows in each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from wasmtime import wat2wasm

from mpp.author.sign import sign_package
from mpp.model.jsontext import Json
from mpp.stages.archive import pack
from mpp.testing import packages
from mpp.testing.keys import TestPublisher, publisher
from tests.forge import forged, statement_of

MIB = 1 << 20
BUNDLE_AT, COUNT_AT, LINE_AT = 4096, 1024, 1 << 18
MARK = "(i32.store (i32.const 1028) (i32.const 0x4b52414d))"

PARTS = """
(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
(import "mpp_host" "call" (func $call (param i32 i32 i32 i32) (result i32)))
(memory (export "memory") 5)
(global $size (export "size") (mut i32) (i32.const 0))
(data (i32.const 2048) "not initialised\\n")
(func $say (param $fd i32) (param $at i32) (param $bytes i32)
  (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $bytes))
  (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
(func $take (param $at i32) (param $most i32) (result i32)
  (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $most))
  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (i32.load (i32.const 8)))
"""

KEEP = "(global.set $size (call $take (i32.const 4096) (i32.const 200000))) (i32.store (i32.const 1024) (i32.const 41))"
"""Initialise: keep the bundle at 4096, its size in the global, and 41 in a counter at 1024."""

START = """
(if (i32.eqz (i32.load (i32.const 1024))) (then (call $say (i32.const 2) (i32.const 2048) (i32.const 16)) (call $exit (i32.const 70))))
(i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (i32.const 1)))
(call $say (i32.const 1) (i32.const 1024) (i32.const 1))
(call $say (i32.const 1) (i32.const 4096) (global.get $size))
(call $say (i32.const 1) (i32.const 262144) (call $take (i32.const 262144) (i32.const 60000)))
"""
"""A call: say the counter plus one as a byte (always ``*``, 42), the bundle, and the request."""

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"from the image"}]}}\n'
REPLY = f"""(if (i32.eqz (i32.load (i32.const 1024))) (then (call $say (i32.const 2) (i32.const 2048) (i32.const 16)) (call $exit (i32.const 70))))
(call $say (i32.const 1) (i32.const 3000) (i32.const {len(ANSWER)}))"""
"""A call: a sound answer, if there is an image."""
_ESCAPED = ANSWER.decode().replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
SOUND_DATA = f'(data (i32.const 3000) "{_ESCAPED}")'


@cache
def wasm(initialise: str = KEEP, start: str = START, more: str = "") -> bytes:
    """The module of a layer."""
    return wat2wasm(f'(module {PARTS} {more} (func (export "mpp_initialize") {initialise}) (func (export "_start") {start}))')


def sound() -> bytes:
    """One whose calls answer as a tool must."""
    return wasm(KEEP, REPLY, SOUND_DATA)


LAYER_CHANGES: dict[str, Json] = {
    "package_id": "com.example.interpreter",
    "version": "1.0.0",
    "name": "interpreter",
    "runtime": {"type": "layer", "entrypoint": "layer.wasm", "memory_limit_mb": 16, "timeout_ms": 5000},
    "tool_definitions": [],
}


def layer_body(code: bytes | None = None, changes: Mapping[str, Json] | None = None) -> bytes:
    """The unsigned package of a layer."""
    files = packages.files({**LAYER_CHANGES, **(changes or {})}, {"layer.wasm": wasm() if code is None else code})
    del files[packages.ENTRYPOINT]
    return pack(files)


def layer(by: TestPublisher | None = None, code: bytes | None = None, changes: Mapping[str, Json] | None = None) -> bytes:
    """The signed package of a layer."""
    who = by or publisher()
    return sign_package(layer_body(code, changes), who.chain, who.release, packages.TestClock()).data


def ref(body: bytes, *, version: str = "1.0.0", package_id: str = "com.example.interpreter") -> dict[str, Json]:
    """How a manifest names the layer with this unsigned body."""
    return {"id": package_id, "version": version, "sha256": sha256(body).hexdigest()}


def tool_body(
    named: Mapping[str, Json], source: bytes = b"print()\n", *, memory: int = 16, extra: Mapping[str, bytes] | None = None,
    changes: Mapping[str, Json] | None = None,
) -> bytes:  # fmt: skip
    """The unsigned package of a tool that stands on a layer."""
    runtime: Json = {"type": "python", "entrypoint": "app/main.py", "memory_limit_mb": memory, "timeout_ms": 5000, "layer": dict(named)}
    files = packages.files({"package_id": "com.example.interpreted", "runtime": runtime, **(changes or {})}, {"app/main.py": source, **(extra or {})})
    del files[packages.ENTRYPOINT]
    return pack(files)


def tool(
    named: Mapping[str, Json], source: bytes = b"print()\n", *, by: TestPublisher | None = None, memory: int = 16,
    extra: Mapping[str, bytes] | None = None, changes: Mapping[str, Json] | None = None,
) -> bytes:  # fmt: skip
    """The same, signed."""
    who = by or publisher()
    body = tool_body(named, source, memory=memory, extra=extra, changes=changes)
    return sign_package(body, who.chain, who.release, packages.TestClock()).data


def layer_unjudged(code: bytes) -> bytes:
    """A layer whose module breaks the rules, signed by somebody who does not care. Our own signing refuses to."""
    who, body = publisher(), layer_body(code)
    honest = statement_of(layer_body(), who)
    return forged(
        body, who, statement=honest, content_hash=sha256(body).hexdigest(), files={**honest.files, "layer.wasm": sha256(code).hexdigest()}
    )  # fmt: skip
