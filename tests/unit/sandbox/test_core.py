"""A module run as a worker runs it, in this process: how it ends, what it may touch, what is left."""

from __future__ import annotations

import gc
import os
import time
import weakref
from collections.abc import Callable, Iterator

import pytest
from wasmtime import wat2wasm

from mpp.errors import HostFailed
from mpp.model.wasmimports import EMSCRIPTEN, HOST_CALLS, PREVIEW1
from mpp.stages.sandbox import core as subject
from mpp.stages.sandbox import engine as engines
from mpp.stages.sandbox.types import Ending
from tests.unit.sandbox import guests
from tests.unit.sandbox.conftest import order
from tests.unit.sandbox.runner import Runner


@pytest.fixture
def runner() -> Iterator[Callable[..., Runner]]:
    made: list[Runner] = []

    def make(body: str, more: str = "", *, ahead: bool = False) -> Runner:
        made.append(Runner(guests.guest(body, more=more), ahead=ahead))
        return made[-1]

    yield make
    for one in made:
        one.close()


ENDS = {
    "by itself": ("", "", Ending(kind="exit")),
    "by saying so": (guests.EXIT_7, "", Ending(kind="exit", code=7)),
    "with the highest code": ("(call $exit (i32.const -1))", "", Ending(kind="exit", code=0xFFFFFFFF)),
    "unreachable": (guests.TRAP, "", Ending(kind="trap", detail="unreachable")),
    "recursion": (guests.RECURSE, guests.DEEP, Ending(kind="trap", detail="stack")),
    "memory": ("(drop (i32.load (i32.const -4)))", "", Ending(kind="trap", detail="memory")),
    "division": ("(drop (i32.div_u (i32.const 1) (local.get $n)))", "", Ending(kind="trap", detail="arithmetic")),
    "table": ("(call_indirect (i32.const 9))", "(table 1 funcref)", Ending(kind="trap", detail="table")),
    "a trap in the start section": ("", "(func $early (unreachable)) (start $early)", Ending(kind="trap", detail="unreachable")),
    "an exit in the start section": ("", "(func $early (call $exit (i32.const 3))) (start $early)", Ending(kind="exit", code=3)),
    "an exception nobody takes": ("(throw $e)", "(tag $e)", None),
}  # fmt: skip


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize(("body", "more", "wanted"), ENDS.values(), ids=ENDS.keys())
def test_each_end_is_told_apart_and_the_next_call_works(runner, body: str, more: str, wanted: Ending | None, ahead: bool) -> None:
    made = runner(body, more, ahead=ahead)
    for _ in range(3):
        _, ending = made.run(order())
        assert ending == wanted if wanted is not None else ending.kind == "trap"


def test_no_handler_of_the_guest_takes_its_end(runner) -> None:
    """Attack: an exception handler that takes the trap of proc_exit, of a full output or of the deadline, and goes on."""
    for inside, kind in (
        ("(call $exit (i32.const 7))", "exit"),
        (guests.FLOOD, "output"),
        ("(loop $again (br $again))", "deadline"),
        ("(unreachable)", "trap"),
    ):
        body = f"(block $caught (try_table (catch_all $caught) {inside})) (i32.store8 (i32.const 1024) (i32.const 33)) (call $say (i32.const 1) (i32.const 1024) (i32.const 1))"
        guest, ending = runner(body, "(tag $e)").run(order(seconds=0.05 if kind == "deadline" else 60))
        assert ending.kind == kind
        assert not guest.stdout.endswith(b"!")


STARTS = {
    "that loops": ("(loop $again (br $again))", "deadline"),
    "that asks the host": ("(drop (call $call (i32.const 0) (i32.const 2) (i32.const 64) (i32.const 64)))", "exit"),
    "that speaks": ("(call $say (i32.const 1) (i32.const 1024) (i32.const 1))", "exit"),
    "that recurses": ("(call $early)", "trap"),
}


@pytest.mark.parametrize(("body", "kind"), STARTS.values(), ids=STARTS.keys())
def test_a_start_section_does_not_run_before_its_call(runner, body: str, kind: str) -> None:
    """Attack: code that computes, asks and speaks while nobody has called it, when no deadline and no grant of a call holds."""
    asked: list[bytes] = []
    begun = time.monotonic()
    made = runner("", f"(func $early {body}) (start $early)", ahead=True)
    # Nothing of it ended by a clock: there was no time at all.
    assert not made.core._is_made
    for number in (1, 2):
        guest, ending = made.run(order(seconds=0.05 if kind == "deadline" else 60), lambda request: asked.append(request) or b"{}")
        assert ending.kind == kind
        assert len(asked) == (number if "$call " in body else 0)
        assert len(guest.stdout) == (1 if "$say" in body else 0)
    assert time.monotonic() - begun < 30


def test_an_instance_that_waits_is_as_good_as_a_new_one(runner) -> None:
    """Memory, globals and tables are those of the module in each call, whatever the call before has done to its own."""
    more = """(global $g (mut i32) (i32.const 7)) (table 2 10 funcref) (func $f) (elem (i32.const 0) $f) (data (i32.const 2000) "ABC")"""
    body = """(i32.store (i32.const 1024) (global.get $g)) (i32.store (i32.const 1028) (i32.load (i32.const 2000))) (i32.store (i32.const 1032) (memory.size))
        (i32.store (i32.const 1036) (table.size 0)) (i32.store (i32.const 1040) (ref.is_null (table.get 0 (i32.const 1))))
        (global.set $g (i32.const 9)) (i32.store (i32.const 2000) (i32.const 0)) (drop (memory.grow (i32.const 3)))
        (table.set 0 (i32.const 1) (table.get 0 (i32.const 0))) (drop (table.grow 0 (ref.null func) (i32.const 5)))
        (call $say (i32.const 1) (i32.const 1024) (i32.const 20))"""
    made = runner(body, more, ahead=True)
    outputs = {bytes(made.run(order())[0].stdout) for _ in range(4)}
    assert outputs == {b"".join(number.to_bytes(4, "little") for number in (7, 0x434241, 2, 2, 1))}
    assert made.core._is_made


def test_an_instance_made_with_another_limit_is_not_used(runner) -> None:
    body = "(i32.store (i32.const 1024) (memory.grow (i32.const 20))) (call $say (i32.const 1) (i32.const 1024) (i32.const 4))"
    made = runner(body, ahead=True)
    grown, refused = (2).to_bytes(4, "little"), b"\xff" * 4
    for memory, wanted in ((16 << 20, grown), (1 << 20, refused), (1 << 20, refused), (16 << 20, grown)):
        assert bytes(made.run(order(memory=memory))[0].stdout) == wanted


@pytest.mark.parametrize("exports", ['(memory (export "memory") 1)', '(func (export "_start"))'])
def test_what_cannot_be_made_ahead_says_so_in_its_call(exports: str) -> None:
    made = Runner(wat2wasm(f"(module {exports})"), ahead=True)
    for _ in range(2):
        if "memory" in exports:
            assert made.run(order())[1] == Ending(kind="trap", detail="no function _start")
        else:
            with pytest.raises(HostFailed, match="no memory"):
                made.run(order())
    made.close()


def test_a_memory_that_does_not_fit_is_no_start(runner) -> None:
    made = Runner(guests.guest("", pages=20))
    _, ending = made.run(order(memory=1 << 20))
    assert ending.kind == "start"
    assert ending.detail
    made.close()


def test_memory_can_be_seen_after_it_grew(runner) -> None:
    body = "(drop (memory.grow (i32.const 1))) (i32.store8 (i32.const 131072) (i32.const 65)) (call $say (i32.const 1) (i32.const 131072) (i32.const 1))"
    guest, _ = runner(body).run(order())
    assert guest.stdout == b"A"


def test_nothing_of_a_call_is_left(runner) -> None:
    """The memory is unmapped with its store: whoever still held a view of it would read another call's."""
    made = runner(guests.ECHO)
    guest, ending = made.run(order(b"x"))
    assert ending.kind == "exit"
    with pytest.raises(HostFailed):
        guest.view()
    kept = weakref.ref(guest)
    del guest
    gc.collect()
    assert kept() is None


def test_a_fault_of_ours_ends_the_call_and_not_the_process(runner) -> None:
    def ask(_: bytes) -> bytes:
        raise KeyError("ours")

    _, ending = runner(guests.HOST_CALL).run(order(b"{}"), ask)
    assert ending.kind == "host"
    assert "KeyError" in ending.detail


def test_a_wait_beyond_the_deadline_is_the_deadline(runner) -> None:
    wait = '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))'
    body = """(i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 60000000000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))"""
    wasm = wat2wasm(f'(module {wait} (memory (export "memory") 1) (func (export "_start") {body}))')
    made = Runner(wasm)
    assert made.run(order(seconds=0.05))[1].kind == "deadline"
    made.close()


@pytest.mark.parametrize("exports", ['(memory (export "memory") 1)', '(memory (export "memory") 1) (global (export "_start") i32 (i32.const 0))'])
def test_a_module_without_its_function_does_not_run(exports: str) -> None:
    made = Runner(wat2wasm(f"(module {exports})"))
    _, ending = made.run(order())
    assert (ending.kind, ending.detail) == ("trap", "no function _start")
    made.close()


@pytest.mark.parametrize("exports", ["", '(func (export "memory"))'])
def test_a_module_without_memory_cannot_speak(exports: str) -> None:
    made = Runner(wat2wasm(f'(module {exports} (func (export "_start")))'))
    with pytest.raises(HostFailed, match="no memory"):
        made.run(order())
    made.close()


def text_type(signature: str) -> str:
    parameters, _, results = signature.partition(":")
    words = {"i": "i32", "I": "i64"}
    return f"(param {' '.join(words[letter] for letter in parameters)})" + (f" (result {words[results]})" if results else "")


def test_every_function_that_a_package_may_import_is_there_with_its_type() -> None:
    tables = (("wasi_snapshot_preview1", PREVIEW1), ("mpp_host", HOST_CALLS), ("env", EMSCRIPTEN))
    imports = "".join(f'(import "{name}" "{one}" (func {text_type(signature)}))' for name, table in tables for one, signature in table.items())
    made = Runner(wat2wasm(f'(module {imports} (memory (export "memory") 1) (func (export "_start")))'))
    assert made.run(order())[1] == Ending(kind="exit")
    made.close()


@pytest.mark.parametrize(("name", "signature"), EMSCRIPTEN.items())
def test_a_stand_in_answers_that_there_is_nothing(name: str, signature: str) -> None:
    given = " ".join("(i32.const 0)" for _ in signature.partition(":")[0])
    body = f"(call $f {given})" if signature.endswith(":") else f"(if (i32.ne (call $f {given}) (i32.const -52)) (then (unreachable)))"
    made = Runner(wat2wasm(f'(module (import "env" "{name}" (func $f {text_type(signature)})) (memory (export "memory") 1) (func (export "_start") {body}))'))
    assert made.run(order())[1] == Ending(kind="exit")
    made.close()


@pytest.mark.parametrize(
    "imported",
    ['"env" "system" (func)', '"wasi_snapshot_preview1" "fd_read" (func)', '"wasi_snapshot_preview1" "sock_open" (func)', '"env" "base" (global i32)'],
)
def test_what_is_not_offered_is_not_linked(imported: str) -> None:
    with pytest.raises(HostFailed, match="cannot be linked"):
        Runner(wat2wasm(f'(module (import {imported}) (memory (export "memory") 1) (func (export "_start")))'))


def test_wide_numbers_arrive_whole() -> None:
    seen: list[tuple[int, ...]] = []
    decode = subject._decoder("iIIii:i")
    raw = [0] * 20
    raw[0], raw[4], raw[5], raw[8], raw[9], raw[12], raw[16] = 1, 2, 3, 0xFFFFFFFF, 0xFFFFFFFF, 4, 5
    decode(lambda *given: seen.append(given) or 0, raw)  # type: ignore[arg-type]
    assert seen == [(1, 3 << 32 | 2, (1 << 64) - 1, 4, 5)]


def test_a_table_beyond_the_bound_does_not_grow(runner) -> None:
    body = "(if (i32.ne (table.grow (ref.null func) (i32.const 1000001)) (i32.const -1)) (then (unreachable)))"
    assert runner(body, "(table 0 funcref)").run(order())[1] == Ending(kind="exit")


def test_calls_leave_no_descriptor(runner) -> None:
    made = runner(guests.ECHO)
    made.run(order(b"x"))
    before = os.listdir("/proc/self/fd")
    for _ in range(200):
        made.run(order(b"x"))
    assert os.listdir("/proc/self/fd") == before
    assert engines.config_digest()
