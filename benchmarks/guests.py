"""The guests that are measured, as text. Those that repeat something read how often from the first four bytes of standard input."""

from __future__ import annotations

import random
from functools import cache

import wasmtime

_WASI = "wasi_snapshot_preview1"
FILE_NAME, FILE_BYTES = "a.txt", 1024
FOLDER = "/data"

# Addresses: a buffer's place and size at 0, the count that was read at 8, a new descriptor at 12, input from 1024.
_READ_COUNT = """
  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4096))
  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (local.set $left (i32.load (i32.const 1024)))
"""
_READ = f'(import "{_WASI}" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))'

_ECHO = f"""(module {_READ}
 (import "{_WASI}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
 (memory (export "memory") 2)
 (func (export "_start")
  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (i32.store (i32.const 4) (i32.load (i32.const 8)))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""

_FILES = f"""(module {_READ}
 (import "{_WASI}" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
 (import "{_WASI}" "fd_close" (func $close (param i32) (result i32)))
 (memory (export "memory") 1) (data (i32.const 64) "{FILE_NAME}")
 (func (export "_start") (local $left i32) {_READ_COUNT}
  (block $done (loop $again
   (br_if $done (i32.eqz (local.get $left)))
   (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const {len(FILE_NAME)}) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 12))
    (then unreachable))
   (if (call $read (i32.load (i32.const 12)) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
   (if (i32.ne (i32.load (i32.const 8)) (i32.const {FILE_BYTES})) (then unreachable))
   (if (call $close (i32.load (i32.const 12))) (then unreachable))
   (local.set $left (i32.sub (local.get $left) (i32.const 1)))
   (br $again)))))"""

# The request follows the count; an answer that is not a result ends in a trap.
_ASK = f"""(module {_READ}
 (import "mpp_host" "call" (func $ask (param i32 i32 i32 i32) (result i32)))
 (memory (export "memory") 1)
 (func (export "_start") (local $left i32) {_READ_COUNT}
  (block $done (loop $again
   (br_if $done (i32.eqz (local.get $left)))
   (if (i32.le_s (call $ask (i32.const 1028) (i32.sub (i32.load (i32.const 8)) (i32.const 4)) (i32.const 8192) (i32.const 8192)) (i32.const 0))
    (then unreachable))
   (if (i32.ne (i32.load8_u (i32.const 8194)) (i32.const {ord("r")})) (then unreachable))
   (local.set $left (i32.sub (local.get $left) (i32.const 1)))
   (br $again)))))"""

_COMPUTE = f"""(module {_READ}
 (memory (export "memory") 1)
 (func (export "_start") (local $left i32) (local $sum i64) {_READ_COUNT}
  (loop $again
   (local.set $sum (i64.xor (i64.mul (local.get $sum) (i64.const 6364136223846793005)) (i64.extend_i32_u (local.get $left))))
   (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (i64.store (i32.const 2048) (local.get $sum))))"""

_LOOP = """(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"""

# A subscription to the monotonic clock, 60 seconds from now.
_SLEEP = f"""(module (import "{_WASI}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
 (memory (export "memory") 1)
 (func (export "_start")
  (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 60000000000))
  (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 8)))))"""

_TEXTS = {"echo": _ECHO, "files": _FILES, "ask": _ASK, "compute": _COMPUTE, "loop": _LOOP, "sleep": _SLEEP}


@cache
def guest(name: str) -> bytes:
    return bytes(wasmtime.wat2wasm(_TEXTS[name]))


def times(count: int, rest: bytes = b"") -> bytes:
    """Standard input for a guest that repeats."""
    return count.to_bytes(4, "little") + rest


@cache
def generated(functions: int) -> bytes:
    """A module with real work for a compiler: each function has a loop, branches, memory accesses, and calls another one."""
    pick = random.Random(3)
    parts = ['(module (memory (export "memory") 1) (func (export "_start") (drop (call $f0 (i32.const 1) (i32.const 2))))']
    for number in range(functions):
        steps = " ".join(_step(pick) for _ in range(14))
        callee = f"(call $f{number + 1} (local.get $b) (local.get $a))" if number + 1 < functions else "(local.get $b)"
        parts.append(
            f"(func $f{number} (param $a i32) (param $b i32) (result i32) (loop $l {steps} (br_if $l (i32.lt_u (local.get $a) (i32.const 9))))"
            f" (if (result i32) (i32.and (local.get $a) (i32.const 64)) (then {callee}) (else (local.get $a))))"
        )
    return bytes(wasmtime.wat2wasm(" ".join(parts) + ")"))


def _step(pick: random.Random) -> str:
    target, other, number = pick.choice("ab"), pick.choice("ab"), pick.randrange(1, 60000)
    operation = pick.choice(("add", "mul", "xor", "rotl", "sub", "or"))
    if pick.random() < 0.3:
        return f"(i32.store (i32.and (local.get ${other}) (i32.const 65532)) (local.get ${target}))"
    if pick.random() < 0.3:
        return f"(local.set ${target} (i32.load (i32.and (local.get ${other}) (i32.const 65532))))"
    return f"(local.set ${target} (i32.{operation} (local.get ${other}) (i32.const {number})))"
