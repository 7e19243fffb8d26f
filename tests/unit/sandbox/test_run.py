"""One call through a real jailed worker: how it ends, what it leaves, what the next call finds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from mpp.errors import HostFailed, ToolFailed
from mpp.host.drive import drive
from mpp.stages.sandbox import run_call
from tests.unit.sandbox import guests
from tests.unit.sandbox.conftest import Answers, call, order, scope

ENDS = [
    (guests.ECHO, "", "", None),
    (guests.TRAP, "", "tool.trap", True),
    (guests.RECURSE, guests.DEEP, "tool.trap", True),
    (guests.FLOOD, "", "tool.output", True),
    (guests.LOOP, "", "tool.deadline", False),
]


@pytest.mark.parametrize(("body", "more", "code", "reusable"), ENDS)
def test_each_end_is_a_run(worker, body: str, more: str, code: str, reusable: bool | None) -> None:
    run = call(worker(guests.guest(body, more=more)), order(b"hello", seconds=0.1 if code == "tool.deadline" else 60))
    assert (run.fault.code if run.fault else "") == code
    assert run.stdout == (b"" if code else b"hello")
    assert run.reusable is (True if reusable is None else reusable)


def test_the_exit_code_comes_back(worker) -> None:
    run = call(worker(guests.guest(guests.EXIT_7)), order())
    assert (run.fault, run.exit_code) == (None, 7)


def test_a_guest_ends_at_its_deadline_and_not_before(worker) -> None:
    begun = time.monotonic()
    run = call(worker(guests.guest(guests.LOOP)), order(seconds=0.2))
    assert isinstance(run.fault, ToolFailed)
    assert time.monotonic() - begun >= 0.2


def test_a_timer_that_fires_between_two_calls_does_no_harm(worker) -> None:
    """The moment of the first call comes when the second one is over: the thread that it starts and ends is within the barriers."""
    for seconds in (1.0, 5.0, 25.0):
        made, given = worker(guests.guest(guests.ECHO)), order(b"x", seconds=seconds)
        # A busy machine may need longer than that for a call; then its worker is gone.
        if call(made, given).fault is None:
            break
    time.sleep(max(given.deadline - time.monotonic(), 0) + 0.1)
    assert made.is_idle()
    for text in (b"y", b"z"):
        assert call(made, order(text, seconds=60)).stdout == text


def test_a_start_section_is_held_by_the_deadline_too(worker) -> None:
    spin = "(func $spin (loop $again (br $again))) (start $spin)"
    run = call(worker(guests.guest("", more=spin)), order(seconds=0.1))
    assert run.fault is not None
    assert run.fault.code == "tool.deadline"


def test_a_start_section_can_speak(worker) -> None:
    early = '(data (i32.const 1024) "early") (func $early (call $say (i32.const 1) (i32.const 1024) (i32.const 5))) (start $early)'
    assert call(worker(guests.guest("", more=early)), order()).stdout == b"early"


def test_memory_is_fresh_in_each_call(worker) -> None:
    counter = "(i32.store8 (i32.const 1024) (i32.add (i32.load8_u (i32.const 1024)) (i32.const 1))) (call $say (i32.const 1) (i32.const 1024) (i32.const 1))"
    made = worker(guests.guest(counter))
    assert [call(made, order()).stdout for _ in range(3)] == [b"\x01"] * 3


def test_a_memory_larger_than_the_order_allows_does_not_start(worker) -> None:
    run = call(worker(guests.guest(guests.ECHO, pages=32)), order(memory=1 << 20))
    assert run.fault is not None
    assert run.fault.code == "tool.start"


def test_memory_grows_to_the_limit_and_no_further(worker) -> None:
    grow = "(loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) (i32.store (i32.const 1024) (memory.size)) (call $say (i32.const 1) (i32.const 1024) (i32.const 4))"
    run = call(worker(guests.guest(grow)), order(memory=2 << 20))
    assert int.from_bytes(run.stdout, "little") == 32


def test_a_host_call_is_answered(worker) -> None:
    request = b'{"method": "context.get", "params": {"a": 1}}'
    run = call(worker(guests.guest(guests.HOST_CALL)), order(request))
    assert json.loads(run.stdout) == {"result": {"method": "context.get", "params": {"a": 1}}}
    assert run.used.host_calls == 1


BAD_REQUESTS = [b"{", b"[]", b'{"method": 1}', b'{"method": "log", "params": []}', b'{"method": "log", "x": 1}', b'{"method": "log", "method": "log"}', b"\xff"]


@pytest.mark.parametrize("request_", BAD_REQUESTS)
def test_a_bad_host_call_is_an_answer(worker, request_: bytes) -> None:
    run = call(worker(guests.guest(guests.HOST_CALL)), order(request_))
    assert json.loads(run.stdout)["error"]["code"] == "bad_request"


def test_deterministic_calls_are_equal_and_others_are_not(worker) -> None:
    made = worker(guests.guest(guests.RANDOM_AND_TIME))
    fixed = [call(made, order(deterministic=True, now_ns=1_000_000_000)).stdout for _ in range(2)]
    assert fixed[0] == fixed[1]
    assert int.from_bytes(fixed[0][16:24], "little") == 1_000_000_000
    assert call(made, order()).stdout[:16] != call(made, order()).stdout[:16]


def test_only_given_variables_are_there(worker) -> None:
    made = worker(guests.guest(guests.ENVIRON))
    assert call(made, order(env=((b"KEY", b"value"),))).stdout == b"KEY=value\0"
    assert call(made, order()).stdout == b""


def test_a_killed_worker_is_a_crash(worker) -> None:
    made = worker(guests.guest(guests.ECHO))
    steps = run_call(made, order(b"x"), Answers(), scope())
    made.kill()
    made = worker(guests.guest(guests.LOOP))
    steps = run_call(made, order(seconds=60), Answers(), scope())
    next(steps)
    import signal

    signal.pidfd_send_signal(made._handle, signal.SIGKILL)
    with pytest.raises(StopIteration) as ended:
        while True:
            time.sleep(0.01)
            next(steps)
    assert ended.value.value.fault.code == "tool.crashed"
    assert not ended.value.value.reusable


def test_the_barriers_are_reported(worker) -> None:
    barriers = worker(guests.guest(guests.ECHO)).barriers
    for name in ("seccomp", "limits", "no new privileges", "not dumpable", "closed descriptors", "no capabilities"):
        assert barriers[name] == "holds"


def test_a_worker_has_no_capability_and_no_way_to_one(worker) -> None:
    """Attack: a program with capabilities of its own, started by whoever breaks out. The zygote gives up the bounds for all."""
    made = worker(guests.guest(guests.ECHO))
    call(made, order(b"x"))
    about = Path(f"/proc/self/fdinfo/{made._handle}").read_text(encoding="ascii")
    pid = next(line.split()[1] for line in about.splitlines() if line.startswith("Pid:"))
    rows = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    assert {rows[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    # Who is not root cannot give the bounds up, and needs not: no new privileges.
    assert rows["CapBnd"] == "0" * 16 or os.geteuid()
    assert rows["NoNewPrivs"] == "1"


def test_a_zygote_that_died_is_started_again(worker, zygote) -> None:
    worker(guests.guest(guests.ECHO))
    zygote._process.kill()
    zygote._process.wait()
    time.sleep(0.05)
    assert call(worker(guests.guest(guests.ECHO)), order(b"again")).stdout == b"again"


def test_a_worker_that_cannot_start_says_why(zygote) -> None:
    import os

    from mpp.jail import sealed_memory

    fd = sealed_memory(b"no native code")
    try:
        with pytest.raises(HostFailed, match="does not fit this engine"):
            drive(zygote.spawn({"memory_bytes": 1 << 20, "component": False, "folders": [], "devices": []}, (fd,)))
    finally:
        os.close(fd)
