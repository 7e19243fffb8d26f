"""Guests in the process of the host: the same ends as in a worker, and what may not come here."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.host.drive import drive
from mpp.model.rights import Device, Folder
from mpp.stages.sandbox import Run, compile_wasm
from mpp.stages.sandbox.inprocess import InProcess
from mpp.testing.wasm import component
from tests.unit.sandbox import guests
from tests.unit.sandbox.conftest import RIGHTS, Answers, order, scope

Make = Callable[..., InProcess]


@pytest.fixture
def inside() -> Iterator[Make]:
    made: list[InProcess] = []

    def make(body: str, more: str = "") -> InProcess:
        compiled = compile_wasm(guests.guest(body, more=more), None)
        try:
            made.append(InProcess(compiled))
        finally:
            os.close(compiled.fd)
        return made[-1]

    yield make
    for one in made:
        one.close()


def call(one: InProcess, stdin: bytes = b"", **more: object) -> Run:
    return one.run(order(stdin, **more), Answers(), scope(), drive)  # type: ignore[arg-type]


def test_an_answer_and_a_fresh_instance_for_each(inside: Make) -> None:
    one = inside(guests.ECHO)
    for text in (b"first", b"2"):
        run = call(one, text)
        assert (run.fault, run.stdout, run.exit_code, run.reusable) == (None, text, 0, True)
        assert run.seconds > 0


@pytest.mark.parametrize(
    ("body", "more", "code"),
    [(guests.TRAP, "", "tool.trap"), (guests.RECURSE, guests.DEEP, "tool.trap"), (guests.FLOOD, "", "tool.output"), (guests.LOOP, "", "tool.deadline")],
)
def test_each_end_is_a_run_and_the_next_call_works(inside: Make, body: str, more: str, code: str) -> None:
    one = inside(body, more)
    for _ in range(2):
        run = call(one, seconds=0.05 if code == "tool.deadline" else 60)
        assert run.fault is not None
        assert run.fault.code == code


def test_a_host_call_is_answered_in_the_callers_thread(inside: Make) -> None:
    threads: list[int] = []

    class Here(Answers):
        def answer(self, method, params, scope, until):
            threads.append(threading.get_ident())
            return (yield from super().answer(method, params, scope, until))

    run = inside(guests.HOST_CALL).run(order(b'{"method": "m", "params": {"a": 1}}'), Here(), scope(), drive)
    assert json.loads(run.stdout) == {"result": {"method": "m", "params": {"a": 1}}}
    assert run.used.host_calls == 1
    assert threads == [threading.get_ident()]


def test_the_interpreter_goes_on_while_a_guest_computes(inside: Make) -> None:
    one = inside(guests.LOOP)
    ticks, over = [0], threading.Event()

    def tick() -> None:
        while not over.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        for seconds in (0.2, 1.0, 5.0, 25.0):
            # A busy machine may give neither of the two threads its time.
            before = ticks[0]
            assert call(one, seconds=seconds).fault is not None
            if ticks[0] > before + 5:
                break
    finally:
        over.set()
        thread.join()
    assert ticks[0] > before + 5


def test_a_second_caller_waits_its_turn_and_its_deadline_with_it(inside: Make) -> None:
    one = inside(guests.LOOP)
    runs: list[Run] = []
    threads = [threading.Thread(target=lambda: runs.append(call(one, seconds=0.1))) for _ in range(4)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.fault.code if run.fault else "" for run in runs] == ["tool.deadline"] * 4
    assert time.monotonic() - begun < 60


def test_callers_in_many_threads_get_their_own_answers(inside: Make) -> None:
    one = inside(guests.ECHO)
    wrong: list[bytes] = []

    def work(name: bytes) -> None:
        wrong.extend(found for _ in range(20) if (found := call(one, name).stdout) != name)

    threads = [threading.Thread(target=work, args=(b"caller %d" % number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_component_does_not_come_here() -> None:
    compiled = compile_wasm(component(), None)
    with pytest.raises(Refused) as fault:
        InProcess(compiled)
    os.close(compiled.fd)
    assert fault.value.code == "call.in_process"


@pytest.mark.parametrize(
    "rights",
    [replace(RIGHTS, folders=(Folder(guest="/data", host="/data", write=False),)), replace(RIGHTS, devices=(Device(guest="/dev/x", host="/dev/x", mode="r"),))],
)
def test_folders_and_devices_do_not_come_here(inside: Make, rights) -> None:
    one = inside(guests.ECHO)
    with pytest.raises(Refused) as fault:
        one.run(order(b"x"), Answers(), scope(rights), drive)
    assert fault.value.code == "call.in_process"
