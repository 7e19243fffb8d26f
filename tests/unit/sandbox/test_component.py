"""The runner for components, without the process around it: streams, variables, limits, host calls, ends."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from mpp.errors import HostFailed
from mpp.jail import sealed_memory
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import OUTPUT_CALLBACK, find_library
from mpp.stages.sandbox.component import ComponentGuest, ComponentRunner, component_engine
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Ending
from tests.unit.sandbox import component_guests as guests
from tests.unit.sandbox.conftest import order

MIB = 1 << 20
Ask = Callable[[bytes], bytes]


class Runs:
    """One engine for the file; ``__call__`` runs a component once."""

    def __init__(self) -> None:
        self.engine: Engine = component_engine(find_library())
        self.timer = DeadlineTimer(self.engine.api, self.engine)

    def runner(self, wasm: bytes) -> ComponentRunner:
        return ComponentRunner(self.engine, self.load(self.engine.compile(wasm)))

    def load(self, native: bytes) -> int:
        fd = sealed_memory(native)
        try:
            return self.engine.load(f"/proc/self/fd/{fd}", component=True)
        finally:
            os.close(fd)

    def once(
        self, runner: ComponentRunner, stdin: bytes = b"", *, env: tuple[tuple[bytes, bytes], ...] = (), ask: Ask | None = None, seconds: float = 5.0,
        memory: int = 16 * MIB,
    ) -> tuple[Ending, ComponentGuest]:  # fmt: skip
        given = order(stdin, seconds=seconds, memory=memory, env=env)
        guest = ComponentGuest(given, ask)
        return runner.run(guest, given.memory_bytes, given.deadline, self.timer), guest

    def __call__(
        self, wasm: bytes, stdin: bytes = b"", *, env: tuple[tuple[bytes, bytes], ...] = (), ask: Ask | None = None, seconds: float = 5.0,
        memory: int = 16 * MIB,
    ) -> tuple[Ending, ComponentGuest]:  # fmt: skip
        runner = self.runner(wasm)
        try:
            return self.once(runner, stdin, env=env, ask=ask, seconds=seconds, memory=memory)
        finally:
            runner.close()


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    found = Runs()
    yield found
    found.timer.close()


ENDS = [
    (guests.FAIL, "", Ending(kind="exit", code=1)),
    (guests.EXIT_OK, "", Ending(kind="exit", code=0)),
    (guests.EXIT_FAIL, "", Ending(kind="exit", code=1)),
    (guests.TRAP, "", Ending(kind="trap", detail="unreachable")),
    (guests.RECURSE, guests.DEEP, Ending(kind="trap", detail="stack")),
    ("(i32.div_u (i32.const 1) (i32.const 0))", "", Ending(kind="trap", detail="arithmetic")),
    ("(i32.load (i32.const -4))", "", Ending(kind="trap", detail="memory")),
    (guests.FLOOD, "", Ending(kind="output", detail="stdout")),
]


@pytest.mark.parametrize(("body", "more", "ending"), ENDS)
def test_each_end_has_its_word(runs: Runs, body: str, more: str, ending: Ending) -> None:
    assert runs(guests.component(body, more=more))[0] == ending


def test_the_line_goes_in_and_the_answer_comes_out(runs: Runs) -> None:
    ending, guest = runs(guests.component(guests.ECHO), b'{"a":1}\n')
    assert (ending, bytes(guest.stdout), bytes(guest.stderr), guest.finish()) == (Ending(kind="exit"), b'{"a":1}\n', b"", b"")


@pytest.mark.parametrize("name", ["wasi:cli/run", "wasi:cli/run@0.2.0", "wasi:cli/run@0.2.9999"])
def test_run_is_found_in_each_version(runs: Runs, name: str) -> None:
    assert runs(guests.component(guests.ECHO, run=name), b"x")[1].stdout == b"x"


def test_a_runner_serves_calls_one_after_the_other(runs: Runs) -> None:
    runner = runs.runner(guests.component(guests.ECHO))
    for text in (b"one", b"two", b"", b"three"):
        ending, guest = runs.once(runner, text)
        assert (ending.kind, bytes(guest.stdout)) == ("exit", text)
    runner.close()


def test_memory_is_fresh_in_each_call(runs: Runs) -> None:
    counter = """(i32.store8 (i32.const 1024) (i32.add (i32.load8_u (i32.const 1024)) (i32.const 1)))
    (call $say (call $stdout) (i32.const 1024) (i32.const 1)) (i32.const 0)"""
    runner = runs.runner(guests.component(counter))
    assert [bytes(runs.once(runner)[1].stdout) for _ in range(3)] == [b"\x01"] * 3
    runner.close()


def test_only_granted_variables_and_one_argument(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_HOST", "not for guests")
    environ = guests.component(guests.ENVIRON)
    assert runs(environ)[1].stdout == b"\x00"
    assert runs(environ, env=((b"REGION", "süd".encode()),))[1].stdout == b"\x01REGION" + "süd".encode()
    ending, guest = runs(guests.component(guests.ARGUMENTS))
    assert (bytes(guest.stdout), ending.code) == (b"tool", 0)


def test_a_variable_that_is_no_text_is_refused_before_the_run(runs: Runs) -> None:
    with pytest.raises(HostFailed, match="not valid UTF-8"):
        runs(guests.component(guests.ENVIRON), env=((b"A", b"\xff"),))


def test_clock_and_randomness_are_real(runs: Runs) -> None:
    wasm = guests.component(guests.RANDOM_AND_TIME)
    first, second = (bytes(runs(wasm)[1].stdout) for _ in range(2))
    assert first[:8] != second[:8]
    assert abs(int.from_bytes(first[8:], "little") - time.time()) < 60


def test_standard_error_is_cut_and_counted(runs: Runs) -> None:
    ending, guest = runs(guests.component(guests.FLOOD_LOG))
    assert ending == Ending(kind="exit")
    assert (len(guest.stderr), guest.stderr_cut) == (limits.STDERR_BYTES_MAX, 6 * 65536 - limits.STDERR_BYTES_MAX)


def test_output_that_was_not_flushed_arrives(runs: Runs) -> None:
    runner = runs.runner(guests.component(guests.WRITE_LATE, more='(data (i32.const 1024) "early")'))
    assert [bytes(runs.once(runner)[1].stdout) for _ in range(20)] == [b"early"] * 20
    runner.close()


def test_a_guest_takes_nothing_after_its_end() -> None:
    guest = ComponentGuest(order(), None)
    assert guest.write(b"a")
    guest.write_log(b"b")
    guest.end()
    assert guest.write(b"c")
    guest.write_log(b"d")
    assert (guest.stdout, guest.stderr, guest.stderr_cut) == (b"a", b"b", 0)


def test_memory_stops_at_the_limit_of_the_package(runs: Runs) -> None:
    for mebibytes in (4, 16):
        pages = int.from_bytes(runs(guests.component(guests.GROW), memory=mebibytes * MIB)[1].stdout, "little")
        assert mebibytes * 16 - 16 < pages <= mebibytes * 16


def test_what_cannot_start_says_why(runs: Runs) -> None:
    for wasm, word in (
        (guests.component(guests.ECHO, pages=300), "exceeds memory limits"),
        (guests.component(guests.ECHO, parts="(core module $M2 (memory 1)) (core instance (instantiate $M2))"), "memory count too high"),
        (guests.with_http(), "implementation"),
        (guests.without_run(), "no function run"),
    ):
        ending, _ = runs(wasm)
        assert ending.kind == "start"
        assert word in ending.detail


def test_run_of_another_type_is_no_success(runs: Runs) -> None:
    assert runs(guests.runs("(result u32)", "(result i32)", "(i32.const 0)"))[0] == Ending(kind="exit", code=1)
    assert runs(guests.runs('(param "a" u32)', "(param i32)", ""))[0].kind == "trap"
    assert runs(guests.runs("", "", ""))[0].kind == "trap"


def test_loops_and_start_sections_end_at_the_deadline(runs: Runs) -> None:
    for wasm in (guests.component(guests.LOOP), guests.component(guests.FAIL, more="(func $spin (loop $again (br $again))) (start $spin)")):
        begun = time.monotonic()
        assert runs(wasm, seconds=0.1)[0] == Ending(kind="deadline")
        assert time.monotonic() - begun >= 0.1


def test_a_late_timer_of_the_call_before_stops_nobody(runs: Runs) -> None:
    sleep = guests.component("(loop $again (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000)))) (i32.const 0)")
    runner = runs.runner(sleep)
    runs.engine.api.bind("wasmtime_engine_increment_epoch")(runs.engine.pointer)
    assert runs.once(runner)[0] == Ending(kind="exit")
    runner.close()


def test_the_engines_own_waiting_works(runs: Runs) -> None:
    begun = time.monotonic()
    assert runs(guests.component(guests.sleep(20_000_000)))[0] == Ending(kind="exit")
    assert time.monotonic() - begun >= 0.02


def test_the_engine_alone_makes_no_socket_and_resolves_no_name(runs: Runs) -> None:
    """The process around a component refuses the same once more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert runs(guests.connecting(server.getsockname()[1]))[1].stdout[:1] == b"\x01"
    body = "(call $resolve (call $network) (i32.const 1024) (i32.const 9) (i32.const 32)) (call $say (call $stdout) (i32.const 32) (i32.const 1)) (i32.const 0)"
    assert runs(guests.with_network(body, more='(data (i32.const 1024) "localhost")'))[1].stdout == b"\x01"


@pytest.mark.parametrize("name", ["mpp:tool/host", "mpp:tool/host@0.1.0", "mpp:tool/host@12.0.9999"])
def test_the_host_call_has_the_name_that_the_component_gives_it(runs: Runs, name: str) -> None:
    asked: list[bytes] = []

    def ask(request: bytes) -> bytes:
        asked.append(request)
        return '{"result":"ü"}'.encode()

    ending, guest = runs(guests.with_host(guests.HOST_CALL, name=name), b'{"method":"log"}', ask=ask)
    assert (ending, bytes(guest.stdout), asked) == (Ending(kind="exit"), '{"result":"ü"}'.encode(), [b'{"method":"log"}'])


def test_an_empty_request_and_an_empty_answer(runs: Runs) -> None:
    ending, guest = runs(guests.with_host(guests.EMPTY_CALL), ask=lambda request: request)
    assert (ending, bytes(guest.stdout)) == (Ending(kind="exit"), b"")


def test_a_request_that_is_too_long_never_leaves(runs: Runs) -> None:
    asked: list[bytes] = []
    ending, guest = runs(guests.with_host(guests.LONG_CALL), ask=lambda request: asked.append(request) or b"", memory=32 * MIB)
    assert (ending.kind, asked) == ("exit", [])
    assert b'"too_large"' in guest.stdout


def test_without_a_host_the_call_says_so(runs: Runs) -> None:
    assert b'"unavailable"' in runs(guests.with_host(guests.EMPTY_CALL))[1].stdout


def test_a_fault_of_our_side_ends_the_guest_and_passes_no_frame(runs: Runs) -> None:
    def ask(_request: bytes) -> bytes:
        raise KeyboardInterrupt("in a callback")

    ending, _ = runs(guests.with_host(guests.EMPTY_CALL), ask=ask)
    assert ending == Ending(kind="host", detail="call: KeyboardInterrupt: in a callback")


@pytest.mark.parametrize("stream", ["write", "write_log"])
def test_a_fault_in_a_stream_ends_the_guest(runs: Runs, monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    def broken(_guest: ComponentGuest, _data: bytes) -> bool:
        raise MemoryError("no room")

    monkeypatch.setattr(ComponentGuest, stream, broken)
    body = guests.ECHO if stream == "write" else guests.FLOOD_LOG
    ending, _ = runs(guests.component(body), b"x")
    assert (ending.kind, ending.detail.partition(": ")[2]) == ("host", "MemoryError: no room")


@pytest.mark.parametrize(("kind", "lowered", "body"), guests.TYPES)
def test_a_host_call_of_another_type_ends_the_guest(runs: Runs, kind: str, lowered: str, body: str) -> None:
    ending, _ = runs(guests.with_host(body, kind=kind, lowered=lowered), ask=lambda _: b"{}")
    assert ending.kind == "trap"
    assert "string" in ending.detail


def test_a_name_that_only_begins_like_the_host_is_not_linked(runs: Runs) -> None:
    assert runs(guests.with_host(guests.EMPTY_CALL, name="mpp:tool/host-admin"))[0].kind == "start"


def test_a_module_is_no_component(runs: Runs) -> None:
    native = runs.engine.compile(b"\0asm\x01\0\0\0")
    with pytest.raises(HostFailed, match="does not fit"):
        runs.load(native)


def test_a_late_write_of_the_call_before_reaches_nobody(runs: Runs) -> None:
    runner = runs.runner(guests.component(guests.ECHO))
    runs.once(runner, b"first")
    streams = runner._call
    late = b"late"
    for pointer in (streams.stdout_pointer, streams.stderr_pointer):
        write = OUTPUT_CALLBACK(pointer)
        guest = ComponentGuest(order(), None)
        streams.begin(guest, time.monotonic() + 60)
        assert write(streams.number - 1, late, len(late)) < 0
        assert write(streams.number, late, len(late)) == len(late)
        streams.end()
        assert write(streams.number, late, len(late)) < 0
        assert guest.stdout + guest.stderr == late
    runner.close()


def test_a_stream_that_is_full_stops_the_guest(runs: Runs) -> None:
    runner = runs.runner(guests.component(guests.ECHO))
    streams, guest = runner._call, ComponentGuest(order(), None)
    streams.begin(guest, time.monotonic() + 60)
    guest.stdout += bytes(limits.STDOUT_BYTES_MAX)
    assert OUTPUT_CALLBACK(streams.stdout_pointer)(streams.number, b"x", 1) < 0
    streams.end()
    assert streams.ending == Ending(kind="output", detail="stdout")
    runner.close()
