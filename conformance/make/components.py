"""Guests for the vectors of ``run`` that are components: one core module, standard output, and the host's interface where it is used."""

from __future__ import annotations

from wasmtime import wat2wasm

from conformance.make.guests import AFTER_TEXT, ANSWER, BEFORE_TEXT, Guest, WRITERS

MEMORY = """
(core module $Mem (memory (export "memory") 10) (global $free (mut i32) (i32.const 131072))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at)))
(core instance $mem (instantiate $Mem))
(alias core export $mem "memory" (core memory $m)) (alias core export $mem "realloc" (core func $realloc))
"""

WASI = """
(import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
(alias export $error "error" (type $fault))
(import "wasi:io/streams@0.2.0" (instance $streams
  (export "output-stream" (type $out (sub resource))) (alias outer 1 $fault (type $f)) (export "error" (type $g (eq $f)))
  (type $s (variant (case "last-operation-failed" (own $g)) (case "closed"))) (export "stream-error" (type $t (eq $s)))
  (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $t)))))))
(alias export $streams "output-stream" (type $out))
(import "wasi:cli/stdout@0.2.0" (instance $stdout
  (alias outer 1 $out (type $o)) (export "output-stream" (type $p (eq $o))) (export "get-stdout" (func (result (own $p))))))
(alias export $stdout "get-stdout" (func $get)) (core func $stdout-core (canon lower (func $get)))
(alias export $streams "[method]output-stream.blocking-write-and-flush" (func $write))
(core func $write-core (canon lower (func $write) (memory $m) (realloc $realloc)))
"""

HOST = """
(import "mpp:tool/host" (instance $host (export "call" (func (param "request" string) (result string)))))
(alias export $host "call" (func $call)) (core func $call-core (canon lower (func $call) (memory $m) (realloc $realloc)))
"""

PUT = """
(global $to (mut i32) (i32.const -1))
(func $put (param $at i32) (param $size i32) (local $step i32)
  (if (i32.eq (global.get $to) (i32.const -1)) (then (global.set $to (call $stdout))))
  (loop $more (if (local.get $size) (then
    (local.set $step (select (i32.const 4096) (local.get $size) (i32.gt_u (local.get $size) (i32.const 4096))))
    (call $write (global.get $to) (local.get $at) (local.get $step) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (unreachable)))
    (local.set $at (i32.add (local.get $at) (local.get $step))) (local.set $size (i32.sub (local.get $size) (local.get $step)))
    (br $more)))))
"""


def build(guest: Guest, body: str, *, host: bool = False) -> bytes:
    """A command whose ``run`` is ``body``; it leaves 0 for a good end and 1 for a bad one."""
    taken = '(import "w" "call" (func $call (param i32 i32 i32)))' if host else ""
    given = '(export "call" (func $call-core))' if host else ""
    core = f"""(core module $Main (import "m" "memory" (memory 1)) (import "w" "stdout" (func $stdout (result i32))) (import "w" "write" (func $write (param i32 i32 i32 i32))) {taken}
{PUT} {WRITERS} {guest.data} (func (export "run") (result i32) {body}))"""
    made = f"""(core instance $main (instantiate $Main (with "m" (instance $mem))
  (with "w" (instance (export "stdout" (func $stdout-core)) (export "write" (func $write-core)) {given}))))
(func $run (result (result)) (canon lift (core func $main "run")))
(instance $out (export "run" (func $run))) (export "wasi:cli/run@0.2.0" (instance $out))"""
    return bytes(wat2wasm(f"(component {MEMORY} {WASI} {HOST if host else ''} {core} {made})"))


def says(words: str, then: str = "(i32.const 0)") -> bytes:
    """A component that writes this and then does ``then``."""
    guest = Guest()
    return build(guest, guest.put(words) + then)


def floods() -> bytes:
    """A component that writes without end."""
    return build(Guest(), f"(loop $again (call $put (i32.const {ANSWER}) (i32.const 65536)) (br $again)) (i32.const 0)")


def asks(request: str) -> bytes:
    """A component that makes this host call and answers with its answer, as a text."""
    guest = Guest()
    call = f"(call $call {guest.text(request)} (i32.const 72)) (call $quote (i32.load (i32.const 72)) (i32.load (i32.const 76)))"
    return build(guest, guest.put(BEFORE_TEXT) + call + guest.put(AFTER_TEXT) + "(i32.const 0)", host=True)
