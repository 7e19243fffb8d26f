"""T44, components: what hostile ones ask of the engine's own WASI, of memory and of time, in real jailed workers.

After each attack a good component answers, in a worker of the same zygote.
"""

from __future__ import annotations

import functools
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.host.drive import drive
from mpp.jail import sealed_memory
from mpp.stages.sandbox import Run, Worker, Zygote, compile_wasm, limits
from tests.attack.sandboxed import MIB, code, engine, pid_of
from tests.unit.sandbox import component_guests as guests
from tests.unit.sandbox.conftest import Answers, call, order

Start = Callable[..., Worker]
SAY_ANSWER = "(call $say (call $stdout) (i32.const 32) (i32.const 5)) (i32.const 0)"
REFUSED = b"\x01"
LATE_MAX = 60.0
"""Seconds after the deadline in which a guest must be gone, on a busy machine."""
ACCESS_DENIED, NAME_UNRESOLVABLE = 1, {18, 20}


@functools.cache
def native(wasm: bytes) -> bytes:
    return engine().compile(wasm)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def start(zygote: Zygote) -> Iterator[Start]:
    made: list[Worker] = []

    def make(wasm: bytes, memory: int = 16 * MIB) -> Worker:
        fd = sealed_memory(native(wasm))
        try:
            made.append(drive(zygote.spawn({"memory_bytes": memory, "component": True, "folders": [], "devices": []}, (fd,))))
        finally:
            os.close(fd)
        return made[-1]

    yield make
    assert call(make(guests.component(guests.ECHO)), order(b"still here")).stdout == b"still here"
    for one in made:
        one.kill()


def held(worker: Worker, field: str) -> int:
    """Kibibytes of one kind that the worker's process holds."""
    lines = Path(f"/proc/{pid_of(worker)}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def test_the_compile_jail_takes_components(zygote: Zygote) -> None:
    compiled = compile_wasm(guests.component(guests.ECHO), None)
    try:
        assert compiled.component
        worker = drive(zygote.spawn({"memory_bytes": 16 * MIB, "component": True, "folders": [], "devices": []}, (compiled.fd,)))
    finally:
        os.close(compiled.fd)
    run = call(worker, order(b"hello"))
    worker.kill()
    assert (run.fault, run.exit_code, run.stdout, run.reusable) == (None, 0, b"hello", True)
    assert (run.used.files_read, run.used.files_written, run.used.hosts) == ((), (), ())


def test_the_barriers_stand_before_a_component_runs(start: Start) -> None:
    barriers = start(guests.component(guests.ECHO)).barriers
    for name in ("one thread", "closed descriptors", "no capabilities", "no new privileges", "limits", "seccomp"):
        assert barriers[name] == "holds"


ENDS = [
    (guests.TRAP, "", "tool.trap"),
    (guests.RECURSE, guests.DEEP, "tool.trap"),
    (guests.FLOOD, "", "tool.output"),
    (guests.EXIT_FAIL, "", ""),
]


@pytest.mark.parametrize(("body", "more", "expected"), ENDS)
def test_a_bad_end_leaves_the_worker_as_good_as_before(start: Start, body: str, more: str, expected: str) -> None:
    worker = start(guests.component(body, more=more))
    for _ in range(3):
        run = call(worker, order())
        assert (code(run.fault), run.stdout, run.reusable) == (expected, b"", True)


def test_a_loop_ends_at_its_deadline(start: Start) -> None:
    for more, body in (("", guests.LOOP), ("(func $spin (loop $again (br $again))) (start $spin)", guests.FAIL)):
        worker, begun = start(guests.component(body, more=more)), time.monotonic()
        run = call(worker, order(seconds=0.1))
        assert code(run.fault) == "tool.deadline"
        assert 0.1 <= time.monotonic() - begun < LATE_MAX


def test_waiting_inside_of_the_engine_ends_with_the_process(start: Start) -> None:
    """The engine cannot stop a guest that waits in its own code. The process can be ended."""
    worker = start(guests.component(guests.sleep(3600 * 10**9)))
    run = call(worker, order(seconds=0.2))
    assert code(run.fault) == "tool.deadline"
    assert not run.reusable
    assert run.seconds < LATE_MAX
    pid = pid_of(worker)
    worker.kill()
    until = time.monotonic() + LATE_MAX
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
        time.sleep(0.002)
    assert not os.path.exists(f"/proc/{pid}")


def test_memory_stops_at_the_limit_of_the_package(start: Start) -> None:
    touch = guests.GROW.replace(
        "(i32.store (i32.const 1024)",
        "(memory.fill (i32.const 65536) (i32.const 1) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536))) (i32.store (i32.const 1024)",
    )
    worker = start(guests.component(touch), 32 * MIB)
    run = call(worker, order(memory=32 * MIB))
    assert 32 * 16 - 16 < int.from_bytes(run.stdout, "little") <= 32 * 16
    assert held(worker, "VmHWM") < 32 * 1024 + 160 * 1024


def test_two_memories_are_not_twice_the_memory(start: Start) -> None:
    run = call(start(guests.component(guests.ECHO, parts="(core module $M2 (memory 1)) (core instance (instantiate $M2))")), order())
    assert code(run.fault) == "tool.start"


def test_tables_and_instances_are_counted(start: Start) -> None:
    many_tables = "".join(f"(core module $T{n} (table 1 funcref)) (core instance (instantiate $T{n}))" for n in range(65))
    many_instances = "(core module $E)" + "(core instance (instantiate $E))" * 130
    for parts in (many_tables, many_instances):
        assert code(call(start(guests.component(guests.ECHO, parts=parts)), order()).fault) == "tool.start"
    grow = "(i32.store (i32.const 32) (table.grow (ref.null func) (i32.const 1000001))) " + SAY_ANSWER
    run = call(start(guests.component(grow, more="(table 1 funcref)")), order())
    assert run.stdout[:4] == b"\xff" * 4


def test_handles_without_end_are_bounded(start: Start) -> None:
    """Attack: each waiting that is never dropped is memory of the process and not of the guest."""
    worker = start(guests.component(guests.WAIT_MANY))
    run = call(worker, order(seconds=1.0))
    assert code(run.fault) in {"tool.deadline", "tool.trap", "tool.crashed"}
    assert run.stdout == b""


@pytest.mark.parametrize("size", [2**28, 2**40, 2**63])
def test_lengths_without_end_are_bounded(start: Start, size: int) -> None:
    """Attack: the host makes room for what the guest only names."""
    worker = start(guests.component(guests.HUGE_RANDOM.format(size=size)))
    assert code(call(worker, order(seconds=1.0)).fault) in {"tool.trap", "tool.crashed", "tool.deadline"}
    reader = start(guests.component(guests.HUGE_READ.format(size=size)))
    assert code(call(reader, order(b"short")).fault) == ""
    assert held(reader, "VmHWM") < 160 * 1024


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "example.com"])
def test_no_name_is_resolved(start: Start, name: str) -> None:
    body = f"(call $resolve (call $network) (i32.const 1024) (i32.const {len(name)}) (i32.const 32)) {SAY_ANSWER}"
    run = call(start(guests.with_network(body, more=f'(data (i32.const 1024) "{name}")')), order())
    assert run.fault is None
    assert run.stdout[:1] == REFUSED
    assert run.stdout[4] in NAME_UNRESOLVABLE | {ACCESS_DENIED}


@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("family", [0, 1])
def test_no_socket_is_made(start: Start, kind: str, family: int) -> None:
    run = call(start(guests.with_network(f"(call ${kind} (i32.const {family}) (i32.const 32)) {SAY_ANSWER}")), order())
    assert run.fault is None
    assert (run.stdout[:1], run.stdout[4]) == (REFUSED, ACCESS_DENIED)


def test_nobody_is_reached(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        run = call(start(guests.connecting(server.getsockname()[1])), order())
        assert (run.fault, run.stdout[:1]) == (None, REFUSED)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_folder_is_there(start: Start) -> None:
    body = "(call $preopens (i32.const 32)) (call $say (call $stdout) (i32.const 36) (i32.const 4)) (i32.const 0)"
    assert call(start(guests.with_preopens(body)), order()).stdout == bytes(4)


def test_nothing_of_the_host_is_in_the_environment(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_TOKEN", "sk-" + "a1b2c3d4")
    worker = start(guests.component(guests.ENVIRON))
    assert call(worker, order(env=((b"REGION", b"eu"),))).stdout == b"\x01REGIONeu"
    assert call(worker, order()).stdout == b"\x00"


def test_output_of_one_call_never_stands_in_the_next(start: Start) -> None:
    """The engine writes on a thread of its own; what is late belongs to its own call or to none."""
    worker = start(guests.component(guests.WRITE_LATE.replace("(i32.const 5)", "(i32.const 4)"), more='(data (i32.const 1024) "abc}")'))
    for _ in range(100):
        assert call(worker, order()).stdout in {b"", b"abc}"}
    run = call(start(guests.component(guests.FLOOD_LOG)), order())
    assert (len(run.stderr), run.stderr_cut) == (limits.STDERR_BYTES_MAX, 6 * 65536 - limits.STDERR_BYTES_MAX)


@pytest.mark.parametrize(("kind", "lowered", "body"), guests.TYPES)
def test_a_host_call_of_another_type_harms_nobody(start: Start, kind: str, lowered: str, body: str) -> None:
    worker = start(guests.with_host(body, kind=kind, lowered=lowered))
    for _ in range(3):
        run = call(worker, order())
        assert (code(run.fault), run.reusable) == ("tool.trap", True)


REQUESTS = [
    (b'{"method":"kv.get","params":{"key":"a"}}', b'{"result":{"method":"kv.get","params":{"key":"a"}}}'),
    (b"no JSON", b'"bad_request"'),
    (b'{"method":"kv.get","tenant":"other"}', b'"bad_request"'),
    (b"", b'"bad_request"'),
]


@pytest.mark.parametrize(("request_", "answer"), REQUESTS)
def test_requests_are_judged_by_the_host(start: Start, request_: bytes, answer: bytes) -> None:
    run: Run = call(start(guests.with_host(guests.HOST_CALL)), order(request_), Answers())
    assert answer in run.stdout
    assert run.used.host_calls == 1


def test_the_host_is_not_reached_past_its_limit(start: Start) -> None:
    run = call(start(guests.with_host(guests.LONG_CALL), 32 * MIB), order(memory=32 * MIB))
    assert b'"too_large"' in run.stdout
    assert run.used.host_calls == 0


def test_a_library_for_http_is_not_started(start: Start) -> None:
    """The engine has an implementation of HTTP that connects by itself, past every rule of the host. It is never linked."""
    run = call(start(guests.with_http()), order())
    assert code(run.fault) == "tool.start"
    assert "implementation" in str(run.fault)
