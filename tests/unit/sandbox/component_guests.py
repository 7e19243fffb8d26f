"""Small components for tests of the sandbox, as text: one core module with a body, and the interfaces of WASI that it may call."""

from __future__ import annotations

from functools import cache

from wasmtime import wat2wasm

# The module that holds memory, so that imports can be lowered before the module that uses them exists.
_MEMORY = """
(core module $Mem (memory (export "memory") {pages}) (global $free (mut i32) (i32.const 131072))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (memory.grow (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1))) (i32.const -1)) (then unreachable))))
    (local.get $at)))
(core instance $mem (instantiate $Mem))
(alias core export $mem "memory" (core memory $m)) (alias core export $mem "realloc" (core func $realloc))
"""

_WASI = """
(import "wasi:io/error@0.2.0" (instance $io-error (export "error" (type (sub resource)))))
(alias export $io-error "error" (type $error))
(import "wasi:io/streams@0.2.0" (instance $streams
  (export "input-stream" (type $in (sub resource))) (export "output-stream" (type $out (sub resource)))
  (alias outer 1 $error (type $e)) (export "error" (type $err (eq $e)))
  (type $se (variant (case "last-operation-failed" (own $err)) (case "closed"))) (export "stream-error" (type $serr (eq $se)))
  (export "[method]input-stream.blocking-read" (func (param "self" (borrow $in)) (param "len" u64) (result (result (list u8) (error $serr)))))
  (export "[method]output-stream.check-write" (func (param "self" (borrow $out)) (result (result u64 (error $serr)))))
  (export "[method]output-stream.write" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $serr)))))
  (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $serr)))))))
(alias export $streams "input-stream" (type $in)) (alias export $streams "output-stream" (type $out))
(import "wasi:cli/stdin@0.2.0" (instance $stdin
  (alias outer 1 $in (type $i)) (export "input-stream" (type $i2 (eq $i))) (export "get-stdin" (func (result (own $i2))))))
(import "wasi:cli/stdout@0.2.0" (instance $stdout
  (alias outer 1 $out (type $o)) (export "output-stream" (type $o2 (eq $o))) (export "get-stdout" (func (result (own $o2))))))
(import "wasi:cli/stderr@0.2.0" (instance $stderr
  (alias outer 1 $out (type $o)) (export "output-stream" (type $o2 (eq $o))) (export "get-stderr" (func (result (own $o2))))))
(import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
(import "wasi:cli/environment@0.2.0" (instance $environment
  (export "get-environment" (func (result (list (tuple string string))))) (export "get-arguments" (func (result (list string))))))
(import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))
  (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
(import "wasi:clocks/wall-clock@0.2.0" (instance $wall
  (type $dt (record (field "seconds" u64) (field "nanoseconds" u32))) (export "datetime" (type $datetime (eq $dt)))
  (export "now" (func (result $datetime)))))
(import "wasi:io/poll@0.2.0" (instance $poll
  (export "pollable" (type $p (sub resource))) (export "[method]pollable.block" (func (param "self" (borrow $p))))))
(alias export $poll "pollable" (type $pollable))
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
  (alias outer 1 $pollable (type $p)) (export "pollable" (type $p2 (eq $p)))
  (export "subscribe-duration" (func (param "when" u64) (result (own $p2))))))
"""

NETWORK = """
(import "wasi:sockets/network@0.2.0" (instance $network (export "network" (type (sub resource)))
  (type $ec (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout" "concurrency-conflict" "not-in-progress"
    "would-block" "invalid-state" "new-socket-limit" "address-not-bindable" "address-in-use" "remote-unreachable" "connection-refused"
    "connection-reset" "connection-aborted" "datagram-too-large" "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
  (export "error-code" (type (eq $ec)))
  (type $fam (enum "ipv4" "ipv6")) (export "ip-address-family" (type (eq $fam)))
  (type $four (tuple u8 u8 u8 u8)) (export "ipv4-address" (type $a4 (eq $four)))
  (type $eight (tuple u16 u16 u16 u16 u16 u16 u16 u16)) (export "ipv6-address" (type $a6 (eq $eight)))
  (type $r4 (record (field "port" u16) (field "address" $a4))) (export "ipv4-socket-address" (type $s4 (eq $r4)))
  (type $r6 (record (field "port" u16) (field "flow-info" u32) (field "address" $a6) (field "scope-id" u32))) (export "ipv6-socket-address" (type $s6 (eq $r6)))
  (type $any (variant (case "ipv4" $s4) (case "ipv6" $s6))) (export "ip-socket-address" (type (eq $any)))))
(alias export $network "ip-socket-address" (type $address))
(alias export $network "network" (type $net)) (alias export $network "error-code" (type $code)) (alias export $network "ip-address-family" (type $family))
(import "wasi:sockets/instance-network@0.2.0" (instance $here
  (alias outer 1 $net (type $n)) (export "network" (type $n2 (eq $n))) (export "instance-network" (func (result (own $n2))))))
(import "wasi:sockets/ip-name-lookup@0.2.0" (instance $lookup
  (alias outer 1 $net (type $n)) (export "network" (type $n2 (eq $n))) (alias outer 1 $code (type $c)) (export "error-code" (type $c2 (eq $c)))
  (export "resolve-address-stream" (type $r (sub resource)))
  (export "resolve-addresses" (func (param "network" (borrow $n2)) (param "name" string) (result (result (own $r) (error $c2)))))))
(import "wasi:sockets/tcp@0.2.0" (instance $tcp (export "tcp-socket" (type $t (sub resource)))
  (alias outer 1 $net (type $n)) (export "network" (type $n2 (eq $n))) (alias outer 1 $code (type $c)) (export "error-code" (type $c2 (eq $c)))
  (alias outer 1 $address (type $a)) (export "ip-socket-address" (type $a2 (eq $a)))
  (export "[method]tcp-socket.start-connect" (func (param "self" (borrow $t)) (param "network" (borrow $n2)) (param "remote-address" $a2)
    (result (result (error $c2)))))))
(alias export $tcp "tcp-socket" (type $tcps))
(import "wasi:sockets/tcp-create-socket@0.2.0" (instance $create
  (alias outer 1 $tcps (type $t)) (export "tcp-socket" (type $t2 (eq $t))) (alias outer 1 $code (type $c)) (export "error-code" (type $c2 (eq $c)))
  (alias outer 1 $family (type $f)) (export "ip-address-family" (type $f2 (eq $f)))
  (export "create-tcp-socket" (func (param "address-family" $f2) (result (result (own $t2) (error $c2)))))))
(import "wasi:sockets/udp@0.2.0" (instance $udp (export "udp-socket" (type (sub resource)))))
(alias export $udp "udp-socket" (type $udps))
(import "wasi:sockets/udp-create-socket@0.2.0" (instance $create-udp
  (alias outer 1 $udps (type $t)) (export "udp-socket" (type $t2 (eq $t))) (alias outer 1 $code (type $c)) (export "error-code" (type $c2 (eq $c)))
  (alias outer 1 $family (type $f)) (export "ip-address-family" (type $f2 (eq $f)))
  (export "create-udp-socket" (func (param "address-family" $f2) (result (result (own $t2) (error $c2)))))))
"""

PREOPENS = """
(import "wasi:filesystem/types@0.2.0" (instance $files (export "descriptor" (type (sub resource)))))
(alias export $files "descriptor" (type $descriptor))
(import "wasi:filesystem/preopens@0.2.0" (instance $preopens
  (alias outer 1 $descriptor (type $d)) (export "descriptor" (type $d2 (eq $d)))
  (export "get-directories" (func (result (list (tuple (own $d2) string)))))))
"""

# name in the module: (instance, function, signature of the lowered form)
_CALLS = {
    "stdin": ("$stdin", "get-stdin", "(result i32)"),
    "stdout": ("$stdout", "get-stdout", "(result i32)"),
    "stderr": ("$stderr", "get-stderr", "(result i32)"),
    "read": ("$streams", "[method]input-stream.blocking-read", "(param i32 i64 i32)"),
    "write": ("$streams", "[method]output-stream.blocking-write-and-flush", "(param i32 i32 i32 i32)"),
    "check": ("$streams", "[method]output-stream.check-write", "(param i32 i32)"),
    "put": ("$streams", "[method]output-stream.write", "(param i32 i32 i32 i32)"),
    "exit": ("$exit", "exit", "(param i32)"),
    "environ": ("$environment", "get-environment", "(param i32)"),
    "arguments": ("$environment", "get-arguments", "(param i32)"),
    "random": ("$random", "get-random-u64", "(result i64)"),
    "random-bytes": ("$random", "get-random-bytes", "(param i64 i32)"),
    "now": ("$wall", "now", "(param i32)"),
    "subscribe": ("$clock", "subscribe-duration", "(param i64) (result i32)"),
    "block": ("$poll", "[method]pollable.block", "(param i32)"),
}
_NETWORK_CALLS = {
    "network": ("$here", "instance-network", "(result i32)"),
    "resolve": ("$lookup", "resolve-addresses", "(param i32 i32 i32 i32)"),
    "tcp": ("$create", "create-tcp-socket", "(param i32 i32)"),
    "connect": ("$tcp", "[method]tcp-socket.start-connect", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)"),
    "udp": ("$create-udp", "create-udp-socket", "(param i32 i32)"),
}
_PREOPEN_CALLS = {"preopens": ("$preopens", "get-directories", "(param i32)")}
_HOST_CALLS = {"call": ("$host", "call", "(param i32 i32 i32)")}

_HELPERS = """
(func $say (param $to i32) (param $at i32) (param $size i32) (local $step i32)
  (loop $again (if (local.get $size) (then
    (local.set $step (select (i32.const 4096) (local.get $size) (i32.gt_u (local.get $size) (i32.const 4096))))
    (call $write (local.get $to) (local.get $at) (local.get $step) (i32.const 64))
    (local.set $at (i32.add (local.get $at) (local.get $step))) (local.set $size (i32.sub (local.get $size) (local.get $step)))
    (br $again)))))
(func $take (local $in i32) (local.set $in (call $stdin)) (call $read (local.get $in) (i64.const 60000) (i32.const 32)))
"""


def text(
    body: str, *, imports: str = "", calls: dict[str, tuple[str, str, str]] | None = None, pages: int = 3, more: str = "", parts: str = "",
    run: str = "wasi:cli/run@0.2.0",
) -> str:  # fmt: skip
    """The text of a command. ``body`` leaves the result of ``run`` on the stack: 0 is ok."""
    used = {**_CALLS, **(calls or {})}
    options = "(memory (core memory $m)) (realloc (core func $realloc)) string-encoding=utf8"
    lowered = "".join(f'(core func ${name} (canon lower (func {instance} "{function}") {options}))' for name, (instance, function, _) in used.items())
    given = "".join(f'(export "{name}" (func ${name}))' for name in used)
    asked = "".join(f'(import "w" "{name}" (func ${name} {kind}))' for name, (_, _, kind) in used.items())
    return f"""(component {_WASI} {imports} {parts} {_MEMORY.format(pages=pages)} {lowered}
      (core module $Main {asked} (import "mem" "memory" (memory 1)) {_HELPERS} {more}
        (func (export "run") (result i32) (local $n i32) (local $h i32) {body}))
      (core instance $main (instantiate $Main (with "w" (instance {given})) (with "mem" (instance $mem))))
      (func $run (result (result)) (canon lift (core func $main "run")))
      (instance $command (export "run" (func $run))) (export "{run}" (instance $command)))"""


@cache
def component(body: str, *, pages: int = 3, more: str = "", parts: str = "", run: str = "wasi:cli/run@0.2.0") -> bytes:
    """A command with the standard streams, clocks, randomness and variables."""
    return bytes(wat2wasm(text(body, pages=pages, more=more, parts=parts, run=run)))


@cache
def with_network(body: str, *, more: str = "") -> bytes:
    """The same with sockets and names."""
    return bytes(wat2wasm(text(body, imports=NETWORK, calls=_NETWORK_CALLS, more=more)))


@cache
def with_preopens(body: str) -> bytes:
    """The same with a look at folders."""
    return bytes(wat2wasm(text(body, imports=PREOPENS, calls=_PREOPEN_CALLS)))


@cache
def with_host(
    body: str, *, name: str = "mpp:tool/host@0.1.0", kind: str = '(param "request" string) (result string)', lowered: str = "(param i32 i32 i32)"
) -> bytes:
    """The same with the host call, of the type that the caller says."""
    imports = f'(import "{name}" (instance $host (export "call" (func {kind}))))'
    return bytes(wat2wasm(text(body, imports=imports, calls={"call": ("$host", "call", lowered)})))


def connecting(port: int) -> bytes:
    """Makes a socket, connects it to 127.0.0.1, and says what came of both, five bytes each."""
    zeros = "(i32.const 0) " * 6
    address = f"(i32.const 0) (i32.const {port}) (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) {zeros}"
    return with_network(
        f"""(call $tcp (i32.const 0) (i32.const 32))
        (if (i32.eqz (i32.load8_u (i32.const 32))) (then (call $connect (i32.load (i32.const 36)) (call $network) {address} (i32.const 37))))
        (call $say (call $stdout) (i32.const 32) (i32.const 1)) (call $say (call $stdout) (i32.const 37) (i32.const 2)) (i32.const 0)"""
    )


# A read leaves its result at 32 (0 is ok), the bytes' place at 36 and their number at 40.
ECHO = "(call $take) (call $say (call $stdout) (i32.load (i32.const 36)) (i32.load (i32.const 40))) (i32.const 0)"
FAIL = "(i32.const 1)"
LOOP = "(loop $again (br $again)) (i32.const 0)"
TRAP = "(unreachable)"
DEEP = "(func $deep (call $deep))"
RECURSE = "(call $deep) (i32.const 0)"
EXIT_OK = "(call $exit (i32.const 0)) (i32.const 1)"
EXIT_FAIL = "(call $exit (i32.const 1)) (i32.const 0)"
FLOOD = "(local.set $h (call $stdout)) (loop $again (call $say (local.get $h) (i32.const 0) (i32.const 65536)) (br $again)) (i32.const 0)"
FLOOD_LOG = """(local.set $h (call $stderr))
(loop $again (call $say (local.get $h) (i32.const 0) (i32.const 65536)) (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 6))))
(i32.const 0)"""
GROW = """(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
(i32.store (i32.const 1024) (memory.size)) (call $say (call $stdout) (i32.const 1024) (i32.const 4)) (i32.const 0)"""
# Says the number of variables, then name and text of the first.
ENVIRON = """(call $environ (i32.const 16)) (local.set $h (call $stdout)) (call $say (local.get $h) (i32.const 20) (i32.const 1))
(if (i32.load (i32.const 20)) (then (local.set $n (i32.load (i32.const 16)))
  (call $say (local.get $h) (i32.load (local.get $n)) (i32.load offset=4 (local.get $n)))
  (call $say (local.get $h) (i32.load offset=8 (local.get $n)) (i32.load offset=12 (local.get $n))))) (i32.const 0)"""
ARGUMENTS = """(call $arguments (i32.const 16)) (local.set $n (i32.load (i32.const 16)))
(call $say (call $stdout) (i32.load (local.get $n)) (i32.load offset=4 (local.get $n))) (i32.load (i32.const 24))"""
RANDOM_AND_TIME = """(i64.store (i32.const 1024) (call $random)) (call $now (i32.const 1032))
(call $say (call $stdout) (i32.const 1024) (i32.const 16)) (i32.const 0)"""
HOST_CALL = """(call $take) (call $call (i32.load (i32.const 36)) (i32.load (i32.const 40)) (i32.const 48))
(call $say (call $stdout) (i32.load (i32.const 48)) (i32.load (i32.const 52))) (i32.const 0)"""


def sleep(nanoseconds: int) -> str:
    """A body that waits inside of the engine's WASI."""
    return f"(call $block (call $subscribe (i64.const {nanoseconds}))) (i32.const 0)"


WRITE_LATE = """(local.set $h (call $stdout)) (call $check (local.get $h) (i32.const 64))
(call $put (local.get $h) (i32.const 1024) (i32.const 5) (i32.const 64)) (i32.const 0)"""
WAIT_MANY = "(loop $again (drop (call $subscribe (i64.const 1))) (br $again)) (i32.const 0)"
HUGE_RANDOM = "(call $random-bytes (i64.const {size}) (i32.const 32)) (i32.const 0)"
HUGE_READ = "(call $read (call $stdin) (i64.const {size}) (i32.const 32)) (i32.load (i32.const 32))"
LONG_CALL = """(drop (memory.grow (i32.const 200))) (call $call (i32.const 0) (i32.const 12582913) (i32.const 48))
(call $say (call $stdout) (i32.load (i32.const 48)) (i32.load (i32.const 52))) (i32.const 0)"""
EMPTY_CALL = """(call $call (i32.const 0) (i32.const 0) (i32.const 48))
(call $say (call $stdout) (i32.load (i32.const 48)) (i32.load (i32.const 52))) (i32.const 0)"""

TYPES = [
    ('(param "request" u32) (result string)', "(param i32 i32)", "(call $call (i32.const 0) (i32.const 64)) (i32.const 0)"),
    ('(param "request" string) (result u32)', "(param i32 i32) (result i32)", "(drop (call $call (i32.const 0) (i32.const 64))) (i32.const 0)"),
    ('(param "request" string)', "(param i32 i32)", "(call $call (i32.const 0) (i32.const 64)) (i32.const 0)"),
    ('(param "request" string) (result (list u8))', "(param i32 i32 i32)", "(call $call (i32.const 0) (i32.const 4) (i32.const 64)) (i32.const 0)"),
    (
        '(param "a" string) (param "b" string) (result string)', "(param i32 i32 i32 i32 i32)",
        "(call $call (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4) (i32.const 64)) (i32.const 0)",
    ),
    ("(result string)", "(param i32)", "(call $call (i32.const 64)) (i32.const 0)"),
]  # fmt: skip
"""Types that the host call does not have: its type, the lowered one, and a body that calls it."""


def runs(kind: str, lifted: str, body: str) -> bytes:
    """A component whose ``run`` has another type."""
    return bytes(
        wat2wasm(f"""(component (core module $M (func (export "run") {lifted} {body})) (core instance $m (instantiate $M))
      (func $run {kind} (canon lift (core func $m "run"))) (instance $c (export "run" (func $run))) (export "wasi:cli/run@0.2.0" (instance $c)))""")
    )


@cache
def without_run() -> bytes:
    """A command without its function."""
    return bytes(wat2wasm('(component (instance $c) (export "wasi:cli/run@0.2.0" (instance $c)))'))


@cache
def with_http() -> bytes:
    """A component that was linked with a library for HTTP."""
    imports = '(import "wasi:http/types@0.2.0" (instance $http (export "fields" (type (sub resource)))))'
    return bytes(wat2wasm(text("(i32.const 0)", imports=imports)))
