"""Small guests for tests of the sandbox, as WebAssembly text."""

from __future__ import annotations

from functools import cache

from wasmtime import wat2wasm

IMPORTS = """
(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
(import "mpp_host" "call" (func $call (param i32 i32 i32 i32) (result i32)))
"""

HELPERS = """
(func $say (param $fd i32) (param $at i32) (param $size i32)
  (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
  (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
(func $take (result i32)
  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 64000))
  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (i32.load (i32.const 8)))
"""


@cache
def guest(body: str, *, pages: int = 2, more: str = "") -> bytes:
    """A command whose ``_start`` is ``body``; ``more`` stands beside it."""
    return wat2wasm(f'(module {IMPORTS} (memory (export "memory") {pages}) {HELPERS} {more} (func (export "_start") (local $n i32) {body}))')


ECHO = "(call $say (i32.const 1) (i32.const 1024) (call $take))"
LOOP = "(loop $again (br $again))"
RECURSE = "(call $deep)"
DEEP = "(func $deep (call $deep))"
TRAP = "(unreachable)"
EXIT_7 = "(call $exit (i32.const 7))"
FLOOD = "(loop $again (call $say (i32.const 1) (i32.const 0) (i32.const 65536)) (br $again))"
HOST_CALL = """(local.set $n (call $call (i32.const 1024) (call $take) (i32.const 70000) (i32.const 50000)))
(if (i32.ge_s (local.get $n) (i32.const 0)) (then (call $say (i32.const 1) (i32.const 70000) (local.get $n))))"""
RANDOM_AND_TIME = """(drop (call $random (i32.const 1024) (i32.const 16))) (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 1040)))
(call $say (i32.const 1) (i32.const 1024) (i32.const 24))"""
ENVIRON = """(drop (call $environ_sizes (i32.const 16) (i32.const 20))) (drop (call $environ (i32.const 32) (i32.const 1024)))
(call $say (i32.const 1) (i32.const 1024) (i32.load (i32.const 20)))"""
