"""T24, sudden ends: processes of the sandbox die at every point, callers give up at every point, and a thousand come at once."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import suppress

import pytest

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.ports import Steps, Wait
from mpp.stages.sandbox import Run, Worker
from tests.attack.guests.puppet import PUPPET, Script
from tests.attack.sandboxed import MIB, Box, Host, children, code, guest, pid_of, slay

CALLS = 1000
ENDS = {"tool.crashed", "tool.deadline"}


def waiting() -> bytes:
    """A guest that waits in a host call."""
    script = Script()
    script.host(b'{"method": "wait"}')
    return script.line()


def is_gone(pid: int) -> bool:
    until = time.monotonic() + 60
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
        time.sleep(0.001)
    return not os.path.exists(f"/proc/{pid}")


def begun(box: Box, wasm: bytes, stdin: bytes = b"", *, seconds: float = 60.0, in_host_call: bool = False) -> tuple[Steps[Run], Worker]:
    """A call that is under way, and its worker; at the latest when it waits in its host call."""
    seen: list[Worker] = []
    host = Host()
    steps_of = box.calling(wasm, stdin, seconds=seconds, seen=seen.append, host=host)
    wait = next(steps_of)
    while not seen:
        ready(wait)
        wait = next(steps_of)
    # A fast worker asks before anybody waits for it: the steps are not counted.
    while in_host_call and not host.asked:
        ready(wait)
        wait = next(steps_of)
    time.sleep(0.02)
    return steps_of, seen[0]


def ready(wait: Wait) -> None:
    drive(_once(wait))


def _once(wait: Wait) -> Steps[None]:
    yield wait


def hit(pid: int, signal_number: int) -> None:
    """One that was there a moment ago; what ended meanwhile needs no signal."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def test_killed_before_it_is_ready(box: Box) -> None:
    for signal_number in (signal.SIGKILL, signal.SIGSTOP):
        before = set(children(box.zygote.pid))
        call = box.calling(guest("unreachable"), agent=f"{signal_number}")
        wait = next(call)
        until = time.monotonic() + 10
        while not (fresh := set(children(box.zygote.pid)) - before) and time.monotonic() < until:
            time.sleep(0.0001)
        for pid in fresh | before:
            hit(pid, signal_number)
        if signal_number == signal.SIGSTOP:
            # A worker that never becomes ready is ended with its call.
            call.close()
            assert wait.fd >= 0
            for pid in fresh | before:
                hit(pid, signal.SIGKILL)
        else:
            try:
                assert code(drive(call).fault) in {"tool.trap", "tool.crashed"}
            except MppError as fault:
                assert fault.code == "host.sandbox"
        recover(box)


def recover(box: Box) -> None:
    """The one call that meets a process which died unseen may fail; the one after it works."""
    box.pool.drop(lambda _: True)
    with suppress(MppError):
        box.well()


def test_killed_while_idle(box: Box) -> None:
    seen: list[Worker] = []
    drive(box.calling(box.echo, b"x", seen=seen.append))
    pid = pid_of(seen[0])
    slay(seen[0])
    assert is_gone(pid)
    box.well()


@pytest.mark.parametrize("where", ["in the guest", "asleep", "in a host call"])
def test_killed_in_a_call(box: Box, where: str) -> None:
    wasm, stdin = {"in the guest": (guest("loop"), b""), "asleep": (guest("sleep"), b""), "in a host call": (PUPPET, waiting())}[where]
    call, worker = begun(box, wasm, stdin, in_host_call=where == "in a host call")
    pid = pid_of(worker)
    slay(worker)
    run = drive(call)
    assert code(run.fault) in ENDS
    assert not run.reusable
    assert is_gone(pid)


def test_killed_by_the_host_call_that_it_makes(box: Box) -> None:
    seen: list[Worker] = []
    host = Host()
    host.during = lambda: slay(seen[0])
    script = Script()
    script.host(b'{"method": "any"}')
    run = drive(box.calling(PUPPET, script.line(), host=host, seen=seen.append))
    assert code(run.fault) == "tool.crashed"


def test_killed_while_it_takes_a_big_input_and_while_it_answers(box: Box) -> None:
    for moment in (0.0, 0.0005, 0.001, 0.002, 0.004):
        seen: list[Worker] = []

        def end(worker: Worker, moment: float = moment, seen: list[Worker] = seen) -> None:
            seen.append(worker)
            pid = pid_of(worker)
            threading.Timer(moment, lambda: os.kill(pid, signal.SIGKILL)).start()

        run = drive(box.calling(box.echo, b"x" * (2 * MIB), seen=end))
        assert code(run.fault) in {"", "tool.crashed"}
        assert run.fault is not None or run.stdout == b"x" * 60000
        assert is_gone_for_good(seen[0])
        box.pool.drop(lambda _: True)


def is_gone_for_good(worker: Worker) -> bool:
    return worker._handle < 0 or worker.has_ended(60)


def test_a_stopped_process_is_ended_at_the_deadline(box: Box) -> None:
    # Attack: what does not run cannot be asked to stop.
    # Long enough for it to run and to be stopped, whatever else the machine does.
    call, worker = begun(box, guest("sleep"), seconds=3)
    pid = pid_of(worker)
    os.kill(pid, signal.SIGSTOP)
    run = drive(call)
    assert code(run.fault) == "tool.deadline"
    assert is_gone(pid)


@pytest.mark.parametrize("where", ["in the guest", "asleep", "in a host call"])
def test_a_caller_that_gives_up_leaves_no_process(box: Box, where: str) -> None:
    wasm, stdin = {"in the guest": (guest("loop"), b""), "asleep": (guest("sleep"), b""), "in a host call": (PUPPET, waiting())}[where]
    call, worker = begun(box, wasm, stdin, seconds=60, in_host_call=where == "in a host call")
    pid = pid_of(worker)
    call.close()
    assert is_gone(pid)


def test_a_caller_that_gives_up_while_a_process_starts_leaves_none(box: Box) -> None:
    for number in range(10):
        call = box.calling(guest("unreachable"), agent=f"quitter {number}")
        next(call)
        call.close()


def test_a_caller_that_gives_up_while_it_waits_leaves_its_turn_to_the_next(box: Box) -> None:
    held = [begun(box, guest("loop"), seconds=60)[0] for _ in range(4)]
    quitter, waiter = box.calling(box.echo, b"quits"), box.calling(box.echo, b"waits")
    next(quitter)
    next(waiter)
    quitter.close()
    for call in held:
        call.close()
    assert drive(waiter).stdout == b"waits"


def test_the_zygote_is_killed_while_workers_work(box: Box) -> None:
    call, worker = begun(box, guest("loop"), seconds=60)
    pid, old = pid_of(worker), box.zygote.pid
    os.kill(old, signal.SIGKILL)
    run = drive(call)
    assert code(run.fault) == "tool.crashed"
    # Its workers end with it, idle ones too, and the next call starts another.
    assert is_gone(pid)
    recover(box)
    box.well()
    assert box.zygote.pid != old


def test_the_zygote_is_killed_again_and_again(box: Box) -> None:
    for _ in range(3):
        box.zygote.start()
        os.kill(box.zygote.pid, signal.SIGKILL)
        recover(box)
        box.well()


def test_a_thousand_calls_at_once_are_all_answered(box: Box) -> None:
    kinds: list[tuple[bytes, bytes, str]] = [(box.echo, b"%d", ""), (guest("unreachable"), b"", "tool.trap"), (guest("stdout-vector"), b"", "tool.output")]
    calls = []
    for number in range(CALLS):
        wasm, stdin, wanted = kinds[0] if number % 50 else kinds[1 + number // 50 % 2]
        text = stdin % number if stdin else b""
        calls.append((box.calling(wasm, text), text, wanted))
    runs = all_of([call for call, _, _ in calls])
    assert [(code(run.fault), run.stdout) for run in runs] == [(wanted, text) for _, text, wanted in calls]


def all_of(calls: list[Steps[Run]]) -> list[Run]:
    """Many calls in one thread: each goes on when what it waits for is ready."""
    runs: dict[int, Run] = {}
    waits: dict[int, Wait] = {}

    def step(number: int) -> None:
        waits.pop(number, None)
        try:
            waits[number] = next(calls[number])
        except StopIteration as done:
            runs[number] = done.value

    for number in range(len(calls)):
        step(number)
    until = time.monotonic() + 300
    while waits and time.monotonic() < until:
        poll = select.poll()
        owners: dict[int, int] = {}
        for number, wait in waits.items():
            poll.register(wait.fd, select.POLLOUT if wait.writing else select.POLLIN)
            owners[wait.fd] = number
        for fd, _ in poll.poll(100):
            step(owners[fd])
    return [runs[number] for number in range(len(calls))]


def test_a_hundred_threads_at_once(box: Box) -> None:
    failed: list[object] = []

    def work(number: int) -> None:
        for turn in range(5):
            text = b"%d.%d" % (number, turn)
            run = box.run(box.echo, text)
            if run.stdout != text:
                failed.append((text, run))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_calls_go_on_while_processes_die_at_random(box: Box) -> None:
    ended = threading.Event()

    def kill() -> None:
        pause = 0.01
        while not ended.wait(pause):
            # Ever more slowly: on a slow machine too, some processes live long enough to answer.
            pause *= 1.02
            for pid in children(box.zygote.pid)[:1]:
                # It may have ended by itself meanwhile.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    seen = set()
    try:
        for number in range(150):
            try:
                run = box.run(box.echo, b"%d" % number)
            except MppError as fault:
                seen.add(fault.code)
                continue
            seen.add(code(run.fault))
            assert run.fault is not None or run.stdout == b"%d" % number
    finally:
        ended.set()
        killer.join()
    recover(box)
    assert "" in seen
    assert seen <= {"", "tool.crashed", "host.sandbox"}
