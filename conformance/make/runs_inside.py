"""Calls: what a guest finds around it, what the engine can do, and how a guest may fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

from conformance.make import components
from conformance.make.case import Call, Case, run
from conformance.make.guests import AFTER_TEXT, ANSWER, BEFORE_TEXT, does, Guest, INPUT, made, numbers, ROOM, says
from conformance.make.runs import called, HI, HI_RESULT, LINE_MAX, META, numbered, STORES
from mpp.model.jsontext import Json
from mpp.testing.wasm import component

# One case a line, however long.
# fmt: off

FOREVER = "(loop $again (br $again))"
SHORT: dict[str, Json] = {"runtime>timeout_ms": 200}
STILL: dict[str, Json] = {"runtime>deterministic": True}
SEEDED_BYTES = 100
"""Random bytes that a deterministic guest shows: more than three blocks of the stream, drawn in pieces."""


def opened(guest: Guest, name: str) -> str:
    """The result of opening ``name`` below the folder ``$a``, for reading and writing; the descriptor goes to 32."""
    return f"(call $path_open (local.get $a) (i32.const 0) {guest.text(name)} (i32.const 0) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32))"


def seeded(content_hash: str, arguments: str, tool: str = "greet") -> str:
    """The first random bytes of a deterministic call, in hex."""
    named = ("mpp-deterministic-seed", content_hash, tool, sha256(arguments.encode()).hexdigest())
    seed = sha256("".join(f"{word}\n" for word in named).encode()).digest()
    stream = b"".join(sha256(seed + number.to_bytes(8, "little")).digest() for number in range(SEEDED_BYTES // 32 + 1))
    return stream[:SEEDED_BYTES].hex()


def value(first: str, result: str) -> str:
    """What ``first`` does, then a value."""
    return f"(block (result i32) {first} {result})"


def _around() -> Iterator[Case]:
    tried = "(local.set $b (i32.const 2)) (loop $next (local.set $b (i32.add (local.get $b) (i32.const 1))) (local.set $a (local.get $b))"
    clock = "(drop (call $clock_time_get (i32.const {0}) (i64.const 1) (i32.const {1})))"
    later = "(local.set $c (i32.const 3000000)) (loop $wait (br_if $wait (local.tee $c (i32.sub (local.get $c) (i32.const 1)))))"
    twice = clock.format(0, 64) + later + clock.format(0, 72) + clock.format(1, 80)
    same = "(i64.eq (i64.load (i32.const 64)) (i64.load (i32.const 72)))"
    draws = "(if (call $random_get (i32.const 64) (i32.const 16)) (then (unreachable))) (if (call $random_get (i32.const 80) (i32.const 16)) (then (unreachable)))"
    sockets = "(loop $next (local.set $b (i32.add (local.get $b) (i32.eqz (call $sock_send (local.get $a) (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 72))))) (local.set $b (i32.add (local.get $b) (i32.eqz (call $sock_recv (local.get $a) (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 72) (i32.const 76))))) (br_if $next (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 20))))"
    sizes = "(drop (call ${0}_sizes_get (i32.const 64) (i32.const 68)))"
    rows: tuple[tuple[str, str, str, bytes, dict[str, Json], tuple[int, ...]], ...] = (
        ("environment", "No variable of the host's", "S-26 C-9", numbers("(i32.load (i32.const 64))", "(i32.load (i32.const 68))", first=sizes.format("environ")), {}, (0, 0)),
        ("arguments", "One argument: the word tool", "S-26 C-9", numbers("(i32.load (i32.const 64))", "(i32.load (i32.const 68))", "(i32.eq (i32.load (i32.const 80)) (i32.const 0x6c6f6f74))", first=sizes.format("args") + "(drop (call $args_get (i32.const 72) (i32.const 80)))"), {}, (1, 5, 1)),
        ("random", "Two draws of randomness differ", "S-20", numbers("(i64.eq (i64.load (i32.const 64)) (i64.load (i32.const 80)))", "(i64.eqz (i64.load (i32.const 64)))", first=draws), {}, (0, 0)),
        ("clock", "A wall clock after the first day of 2026, and a monotonic one that begins near 0 and does not go back", "S-56", numbers("(i64.gt_u (i64.load (i32.const 64)) (i64.const 1767225600000000000))", "(i64.lt_u (i64.load (i32.const 80)) (i64.const 5000000000))", "(i64.le_u (i64.load (i32.const 80)) (i64.load (i32.const 88)))", first=twice + clock.format(1, 88)), {}, (1, 1, 1)),
        ("clock-still", "In deterministic mode the wall clock stands, and the monotonic one at 0", "C-80", numbers(same, "(i64.eqz (i64.load (i32.const 80)))", first=twice), STILL, (1, 1)),
        ("sockets", "No descriptor is a socket", "S-57", numbers("(local.get $b)", first=sockets), {}, (0,)),
        ("memory", "Memory up to the limit of the manifest, and not one page more", "S-22 M-22", numbers("(memory.grow (i32.const 246))", "(memory.grow (i32.const 1))", "(memory.size)"), {}, (10, -1, 256)),
        ("pointer", "A pointer outside of memory is an error, and nothing worse", "S-23 S-58", numbers("(call $random_get (i32.const -8) (i32.const 16))", "(call $fd_write (i32.const 1) (i32.const -4) (i32.const 1) (i32.const 64))"), {}, (21, 21)),
    )
    for name, title, clauses, code, changes, found in rows:
        yield run(f"inside-{name}", title, clauses, called(code, changes), Call(result=numbered(*found)))
    yield run("inside-files", "What was not granted is not there", "S-51 M-50", called(made(lambda guest: ("", (value(tried + "".join(f"(local.set $c (i32.add (local.get $c) (i32.eqz {opened(guest, name)})))" for name in ("etc/passwd", "/etc/passwd", "../etc/passwd", "../../../../etc/passwd", ".", "..", "mpp", "../proc/self/environ")) + "(br_if $next (i32.lt_u (local.get $b) (i32.const 20))))", "(local.get $c)"),)))), Call(result=numbered(0)))
    random = f"(drop (call $random_get (i32.const {ANSWER}) (i32.const 7))) (drop (call $random_get (i32.const {ANSWER + 7}) (i32.const 60))) (drop (call $random_get (i32.const {ANSWER + 67}) (i32.const 33)))"
    guest = Guest()
    drawn = called(guest.build(guest.put(BEFORE_TEXT) + random + f"(call $hex (i32.const {ANSWER}) (i32.const {SEEDED_BYTES}))" + guest.put(AFTER_TEXT)), STILL)
    for name, title, words, written in (("", "", '{"name":"Ada"}', '{"name":"Ada"}'), ("-none", " without arguments", "{}", "{}"), ("-spaces", " with arguments that are written anew", ' { "name" : "Ada" } ', '{"name":"Ada"}')):
        shown: Json = {"content": [{"type": "text", "text": seeded(drawn.content_hash, written)}], "isError": False}
        yield run(f"inside-random-seeded{name}", f"In deterministic mode randomness follows from the call{title}", "C-81 C-5", drawn, Call(arguments=words, result=shown))
    yield run("inside-fresh", "A memory that begins as the module says", "S-20", called(numbers("(i32.load (i32.const 262144))", "(memory.size)")), Call(result=numbered(0, 10)))


def _engine() -> Iterator[Case]:
    throws = "(tag $no) (func $throw (throw $no))"
    rows: tuple[tuple[str, str, str, str, tuple[str, ...], tuple[int, ...]], ...] = (
        ("exceptions", "Exceptions in their final form", throws, "(block $caught (try_table (catch $no $caught) (call $throw)) (local.set $a (i32.const 7)))", ("(local.get $a)",), (0,)),
        ("vectors", "128-bit vectors", "", "", ("(i32x4.extract_lane 2 (i32x4.add (v128.const i32x4 1 2 3 4) (v128.const i32x4 10 20 30 40)))",), (33,)),
        ("several-results", "A function with several results", "(func $two (result i32 i32) (i32.const 5) (i32.const 6))", "(call $two) (local.set $a) (local.set $b)", ("(local.get $a)", "(local.get $b)"), (6, 5)),
        ("bulk", "Copies and fills of memory", "", f"(memory.fill (i32.const {INPUT}) (i32.const 5) (i32.const 9)) (memory.copy (i32.const {ANSWER}) (i32.const {INPUT}) (i32.const 4))", (f"(i32.load (i32.const {ANSWER}))", f"(i32.load (i32.const {ANSWER + 4}))"), (0x05050505, 0)),
        ("signs", "Sign extension, and conversions that saturate", "", "", ("(i32.extend8_s (i32.const 255))", "(i32.trunc_sat_f64_s (f64.const 1e300))", "(i32.trunc_sat_f32_u (f32.const nan))"), (-1, 2**31 - 1, 0)),
        ("references", "Reference types", "(table $t 1 externref)", "", ("(ref.is_null (table.get $t (i32.const 0)))", "(table.grow $t (ref.null extern) (i32.const 2))", "(table.size $t)"), (1, 1, 3)),
        ("nan", "One bit pattern for every NaN", "", "(local.set $c (i32.reinterpret_f32 (f32.div (f32.convert_i32_s (local.get $a)) (f32.const 0))))", ("(i32.eq (local.get $c) (i32.reinterpret_f32 (f32.add (f32.reinterpret_i32 (i32.const 0xffa00001)) (f32.convert_i32_s (local.get $a)))))", "(i32.eq (local.get $c) (i32.reinterpret_f32 (f32.sqrt (f32.convert_i32_s (i32.const -1)))))"), (1, 1)),
    )
    for name, title, more, first, found, wanted in rows:
        yield run(f"engine-{name}", title, "S-10", called(numbers(*found, first=first, more=more)), Call(result=numbered(*wanted)))
    off: tuple[tuple[str, str, str, str], ...] = (
        ("type", "Code that adds nothing to nothing", "(drop (i32.add))", ""),
        ("stack", "Code that leaves a value", "(i32.const 1)", ""),
        ("local", "Code that uses a local that is not there", "(drop (local.get 99))", ""),
        ("atomic", "Code with an instruction for threads", "(drop (i32.atomic.load (i32.const 0)))", ""),
        ("tail-call", "Code with a tail call", "(return_call $put (i32.const 0) (i32.const 0))", ""),
        ("relaxed", "Code with an instruction whose results differ by processor", "(drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))", ""),
        ("wide", "Code with wide arithmetic", "(i64.mul_wide_u (i64.const 1) (i64.const 1)) (drop) (drop)", ""),
        ("legacy", "Exceptions in their legacy form", "try (call $throw) catch_all end", throws),
        ("reference", "Code with a reference of the garbage-collection proposal", "(drop (ref.i31 (i32.const 1)))", ""),
    )
    for name, title, code, more in off:
        yield run(f"code-{name}", title, "S-10 S-14", called(does(code, more=more)), Call(), code="wasm.engine")


def _failures() -> Iterator[Case]:
    after = HI.encode()
    flood = f"(loop $again (call $put (i32.const {INPUT}) (i32.const 65536)) (br $again))"
    over = f"(loop $next (call $put (i32.const {INPUT}) (i32.const 65536)) (br_if $next (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const {LINE_MAX // 65536})))) (call $put (i32.const {INPUT}) (i32.const 1))"
    wait = "(i64.store (i32.const 64) (i64.const 7)) (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 3600000000000)) (drop (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192)))"
    table = "(table 2 funcref) (elem (i32.const 1) $number) (type $none (func))"
    rows: tuple[tuple[str, str, str, bytes, str], ...] = (
        ("exit-1", "Exit code 1 after a good answer", "C-26", says(after, "(call $proc_exit (i32.const 1))"), "tool.exit"),
        ("exit-255", "Exit code 255 without an answer", "C-26", does("(call $proc_exit (i32.const 255))"), "tool.exit"),
        ("exit-large", "An exit code whose low 8 bits are 0", "C-26", says(after, "(call $proc_exit (i32.const 256))"), "tool.exit"),
        ("exit-negative", "The exit code -1", "C-26", says(after, "(call $proc_exit (i32.const -1))"), "tool.exit"),
        ("trap-unreachable", "A trap after a good answer", "C-26 S-46", says(after, "(unreachable)"), "tool.trap"),
        ("trap-divide", "A division by 0", "S-47", does("(drop (i32.div_u (i32.const 1) (local.get $a)))"), "tool.trap"),
        ("trap-overflow", "A conversion of a number that is too large", "S-47", does("(drop (i32.trunc_f64_s (f64.const 1e300)))"), "tool.trap"),
        ("trap-load", "A read beyond the memory", "S-47", does("(drop (i32.load (i32.const -4)))"), "tool.trap"),
        ("trap-store", "A write across the end of the memory", "S-47", does("(i64.store (i32.const 655356) (i64.const 1))"), "tool.trap"),
        ("trap-offset", "A read at the largest offset from the largest address", "S-47", does("(drop (i32.load offset=4294967295 (i32.const -1)))"), "tool.trap"),
        ("trap-null", "A call of an empty place in a table", "S-47", does("(call_indirect (type $none) (i32.const 0))", more=table), "tool.trap"),
        ("trap-type", "A call of a function as another type", "S-47", does("(call_indirect (type $none) (i32.const 1))", more=table), "tool.trap"),
        ("trap-stack", "A function that calls itself without end", "S-10 S-47", does("(call $deep (i32.const 1))", more="(func $deep (param i32) (call $deep (local.get 0)) (call $deep (local.get 0)))"), "tool.trap"),
        ("trap-start", "A trap in the start section", "S-22 S-47", says(after, more="(func $early (unreachable)) (start $early)"), "tool.trap"),
        ("output-flood", "Output without end", "S-25", does(flood), "tool.output"),
        ("output-over", "One byte more than an answer may have", "S-25", does(over), "tool.output"),
        ("time-loop", "A loop without end that calls nothing", "S-24", does(FOREVER), "tool.deadline"),
        ("time-after-answer", "A loop without end after a good answer", "S-24 C-26", says(after, FOREVER), "tool.deadline"),
        ("time-start", "A loop without end in the start section", "S-22 S-24", says(after, more=f"(func $early {FOREVER}) (start $early)"), "tool.deadline"),
        ("time-sleep", "A wait of an hour", "S-24 S-56", does(wait), "tool.deadline"),
        ("time-calls", "A loop without end of WASI calls", "S-24", does("(loop $again (drop (call $random_get (i32.const 64) (i32.const 8))) (br $again))"), "tool.deadline"),
        ("time-host-calls", "A loop without end of host calls", "S-24 C-55", does(f"(loop $again (drop (call $call (i32.const 64) (i32.const 2) {ROOM})) (br $again))"), "tool.deadline"),
    )
    for name, title, clauses, code, family in rows:
        yield run(name, title, clauses, called(code), Call(timeout_ms=200 if family == "tool.deadline" else 0), code=family)
    yield run("time-manifest", "A loop without end under the time limit of the manifest", "S-24 M-23", called(does(FOREVER), SHORT), Call(), code="tool.deadline")
    yield run("time-no-more", "A longer time limit of the caller does not raise that of the manifest", "S-81 M-23", called(does(FOREVER), SHORT), Call(timeout_ms=600_000), code="tool.deadline")


def _components() -> Iterator[Case]:
    kind: dict[str, Json] = {"runtime>type": "wasi-component"}
    shown = {"method": "kv.get", "params": {"key": "a"}}
    good: tuple[tuple[str, str, str, bytes, dict[str, Json], Call], ...] = (
        ("answer", "A component that answers", "S-27 C-20", components.says(HI), {}, Call(result=HI_RESULT)),
        ("host", "A host call of a component", "S-29 C-60", components.asks(json.dumps(shown)), STORES, Call(text={"result": {"value": None}})),
        ("host-undeclared", "A host call of a component, for storage that was not declared", "S-29 C-56", components.asks(json.dumps(shown)), {}, Call(text={"error": {"code": "not_declared", "message": "~.+"}})),
        ("context", "A component asks for the context of its call", "S-29 C-65", components.asks('{"method":"context.get"}'), {}, Call(text={"result": META})),
    )
    for name, title, clauses, code, changes, call in good:
        yield run(f"component-{name}", title, clauses, called(code, {**kind, **changes}), call)
    bad: tuple[tuple[str, str, str, bytes, str], ...] = (
        ("silent", "A component that ends well and says nothing", "S-27 C-20", components.says("", "(i32.const 0)"), "tool.reply"),
        ("error", "A component that answers and then ends badly", "S-27 C-26", components.says(HI, "(i32.const 1)"), "tool.exit"),
        ("trap", "A component that answers and then traps", "S-27 C-26", components.says(HI, "(unreachable)"), "tool.trap"),
        ("loop", "A component that answers and then loops without end", "S-24 S-27", components.says(HI, f"{FOREVER} (i32.const 0)"), "tool.deadline"),
        ("flood", "A component that writes without end", "S-25 S-27", components.floods(), "tool.output"),
    )
    for name, title, clauses, code, family in bad:
        yield run(f"component-{name}", title, clauses, called(code, kind), Call(timeout_ms=300 if family == "tool.deadline" else 0), code=family)
    yield run("component-deterministic", "A component in deterministic mode", "S-28", called(component(), {**kind, **STILL}), Call(), code="call.component")
    folder: dict[str, Json] = {"capabilities>filesystem": {"read": ["/usr"], "write": []}}
    yield run("component-folder", "A component that asks for a folder", "S-28", called(component(), {**kind, **folder}), Call(), code="call.component")


def cases() -> Iterator[Case]:
    """All cases of what a guest finds and how it may fail."""
    yield from _around()
    yield from _engine()
    yield from _failures()
    yield from _components()
