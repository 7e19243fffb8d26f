"""A guest that does what the test says: a list of calls of any host functions, with numbers and bytes of the test's choice.

What a real hostile guest could do with these calls it can do as well; so one guest stands for as many attacks as there are lists.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mpp.model.wasmimports import HOST_CALLS, HOST_MODULE, PREVIEW1, PREVIEW1_MODULE
from tests.attack.sandboxed import wat

DATA, SCRIPT, SCRIPT_BYTES = 0x10000, 0x40000, 80
PAGES = 16
FUNCTIONS = {**{name: (PREVIEW1_MODULE, kind) for name, kind in PREVIEW1.items()}, **{name: (HOST_MODULE, kind) for name, kind in HOST_CALLS.items()}}
NAMES = tuple(FUNCTIONS)
_TYPES = {"i": "i32", "I": "i64"}


def _imports() -> Iterator[str]:
    for name, (module, kind) in FUNCTIONS.items():
        parameters, _, results = kind.partition(":")
        shape = f"(param{''.join(f' {_TYPES[one]}' for one in parameters)})" + ("(result i32)" if results else "")
        yield f'(import "{module}" "{name}" (func ${name} {shape}))'


def _cases(load: str) -> str:
    """One arm for each function; ``load`` reads argument number {0} as {1}."""
    opened = " ".join(f"(block $f{place}" for place in reversed(range(len(NAMES))))
    table = " ".join(f"$f{place}" for place in range(len(NAMES)))
    arms = []
    for name, (_, kind) in FUNCTIONS.items():
        parameters, _, results = kind.partition(":")
        call = f"(call ${name} {' '.join(load.format(place, letter) for place, letter in enumerate(parameters))})"
        arms.append(f") (return {call if results else f'{call} (i32.const -1)'})")
    return f"(block $none {opened} (br_table {table} $none (local.get $which)) {' '.join(arms)} ) (i32.const -2)"


PUPPET = wat(f"""(module {" ".join(_imports())}
  (memory (export "memory") {PAGES}) (global $at (mut i32) (i32.const {SCRIPT + 16})) (global $left (mut i32) (i32.const 0))
  (func $wide (param $n i32) (result i64) (local $value i64)
    (local.set $value (i64.load (i32.add (i32.add (global.get $at) (i32.const 8)) (i32.mul (local.get $n) (i32.const 8)))))
    (if (i32.and (i32.shr_u (i32.load offset=4 (global.get $at)) (local.get $n)) (i32.const 1))
      (then (local.set $value (i64.extend_i32_u (i32.load (i32.wrap_i64 (local.get $value)))))))
    (local.get $value))
  (func $perform (param $which i32) (result i32)
    {_cases("(call $arg{1} (i32.const {0}))")})
  (func $argI (param $n i32) (result i64) (call $wide (local.get $n)))
  (func $argi (param $n i32) (result i32) (i32.wrap_i64 (call $wide (local.get $n))))
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const {DATA})) (i32.store (i32.const 4) (i32.const {PAGES * 65536 - DATA}))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (global.set $left (i32.load (i32.const {SCRIPT})))
    (block $done (loop $next
      (br_if $done (i32.eqz (global.get $left)))
      (i32.store (global.get $at) (call $perform (i32.load (global.get $at))))
      (global.set $at (i32.add (global.get $at) (i32.const {SCRIPT_BYTES})))
      (global.set $left (i32.sub (global.get $left) (i32.const 1)))
      (br $next)))
    (i32.store (i32.const 0) (i32.const {DATA})) (i32.store (i32.const 4) (i32.sub (global.get $at) (i32.const {DATA})))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))""")

_ENDS = [NAMES.index(name) for name in ("fd_close", "fd_renumber", "poll_oneoff")]
_RARELY = (
    f"(i32.or {' (i32.or '.join(f'(i32.eq (local.get $which) (i32.const {one}))' for one in _ENDS[:2])} (i32.eq (local.get $which) (i32.const {_ENDS[2]}))))"
)
"""Is it one of the functions that end what others need?"""

FUZZ = wat(f"""(module {" ".join(_imports())}
  (memory (export "memory") {PAGES}) (global $seed (mut i64) (i64.const 1)) (global $left (mut i32) (i32.const 0))
  (func $random (result i64)
    (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 13))))
    (global.set $seed (i64.xor (global.get $seed) (i64.shr_u (global.get $seed) (i64.const 7))))
    (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 17))))
    (i64.mul (global.get $seed) (i64.const 0x2545F4914F6CDD1D)))
  (func $argI (result i64) (local $kind i64) (local $value i64)
    (local.set $kind (i64.and (call $random) (i64.const 15))) (local.set $value (call $random))
    (if (i64.lt_u (local.get $kind) (i64.const 5)) (then (return (i64.and (local.get $value) (i64.const 15)))))
    (if (i64.lt_u (local.get $kind) (i64.const 9)) (then (return (i64.and (local.get $value) (i64.const 0x3ff)))))
    (if (i64.lt_u (local.get $kind) (i64.const 13)) (then (return (i64.and (local.get $value) (i64.const 0xffff8)))))
    (if (i64.eq (local.get $kind) (i64.const 13)) (then (return (i64.sub (i64.const {PAGES * 65536}) (i64.and (local.get $value) (i64.const 63))))))
    (if (i64.eq (local.get $kind) (i64.const 14)) (then (return (i64.sub (i64.const 0) (i64.and (local.get $value) (i64.const 15))))))
    (local.get $value))
  (func $argi (result i32) (i32.wrap_i64 (call $argI)))
  (func $perform (param $which i32) (result i32)
    {_cases("(call $arg{1})")})
  (func (export "_start")
    (local $which i32) (local $good i32)
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const {PAGES * 65536 - 16}))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (global.set $seed (i64.load (i32.const 16))) (global.set $left (i32.load (i32.const 24)))
    (loop $next
      (local.set $which (i32.wrap_i64 (i64.rem_u (call $random) (i64.const {len(NAMES)}))))
      (if (i32.eqz (i32.and {_RARELY} (i64.ne (i64.and (call $random) (i64.const 255)) (i64.const 0)))) (then
        (if (i32.ne (local.get $which) (i32.const {NAMES.index("proc_exit")})) (then
          (local.set $good (i32.add (local.get $good) (i32.eqz (call $perform (local.get $which)))))))))
      (global.set $left (i32.sub (global.get $left) (i32.const 1)))
      (br_if $next (global.get $left)))
    (call $proc_exit (local.get $good))))""")
"""Calls random functions with random numbers, many of them just inside or outside of what is right; ends with how many went well."""


class Script:
    """The list of calls for one run. ``put`` places bytes and answers where; ``call`` adds a call and answers its number."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._calls: list[bytes] = []
        self.room = self.put(bytes(4096))

    def put(self, data: bytes) -> int:
        at = DATA + len(self._data)
        self._data += data + bytes(-len(data) % 8)
        assert len(self._data) <= SCRIPT - DATA
        return at

    def call(self, name: str, *numbers: int, held: tuple[int, ...] = ()) -> int:
        """``held`` names the arguments that are read from the place that they name, when their turn comes."""
        words = [number & (1 << 64) - 1 for number in numbers]
        mask = sum(1 << place for place in held)
        self._calls.append(struct.pack("<II9Q", NAMES.index(name), mask, *words, *[0] * (9 - len(words))))
        return len(self._calls) - 1

    def open(self, path: bytes, *, fd: int = 3, asked: int = 0, base: int = 2, follow: int = 1, fd_at: int = 0) -> tuple[int, int]:
        """The number of the call, and where the new descriptor will stand. ``fd_at``: where the folder's descriptor stands."""
        result = self.put(b"\xff\xff\xff\xff")
        held = (0,) if fd_at else ()
        return self.call("path_open", fd_at or fd, follow, self.put(path), len(path), asked, base, base, 0, result, held=held), result

    def read(self, fd_at: int, size: int = 64) -> int:
        """Reads from the descriptor that stands at ``fd_at``; answers where the bytes will be."""
        into = self.put(bytes(size))
        self.call("fd_read", fd_at, self.put(struct.pack("<II", into, size)), 1, self.room, held=(0,))
        return into

    def write(self, fd_at: int, data: bytes) -> int:
        return self.call("fd_write", fd_at, self.put(struct.pack("<II", self.put(data), len(data))), 1, self.room, held=(0,))

    def host(self, request: bytes, capacity: int = 4096) -> tuple[int, int]:
        """A host call: its number, and where its answer will be."""
        into = self.put(bytes(capacity))
        return self.call("call", self.put(request), len(request), into, capacity), into

    def line(self) -> bytes:
        data = bytes(self._data).ljust(SCRIPT - DATA, b"\0")
        return data + struct.pack("<I12x", len(self._calls)) + b"".join(self._calls)


class Told:
    """What a puppet says in the end."""

    def __init__(self, stdout: bytes) -> None:
        self.data = stdout
        calls = (len(stdout) - (SCRIPT - DATA) - 16) // SCRIPT_BYTES
        self.results = tuple(struct.unpack_from("<i", stdout, SCRIPT - DATA + 16 + SCRIPT_BYTES * place)[0] for place in range(calls))

    def at(self, place: int, size: int) -> bytes:
        return self.data[place - DATA : place - DATA + size]

    def u32(self, place: int) -> int:
        return struct.unpack("<I", self.at(place, 4))[0]
