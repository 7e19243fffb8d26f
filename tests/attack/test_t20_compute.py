"""T20, exhaustion: a guest computes, recurses, grows, floods, sleeps or crashes. It ends in time, in its own process, and as its own fault."""

from __future__ import annotations

import struct
import time

import pytest

from mpp.stages.sandbox import limits
from tests.attack.sandboxed import MIB, Box, code, guest

ENDLESS = (
    "loop", "loop-in-start", "loop-of-calls", "loop-of-yields", "loop-of-fills", "loop-of-grows", "loop-of-exceptions", "random-flood",
    "sleep", "sleep-for-ever", "sleep-in-start", "naps", "polls",
)  # fmt: skip
CRASHES = {
    "recursion": "stack", "recursion-in-start": "stack", "recursion-with-calls": "stack", "recursion-by-table": "stack", "big-frames": "stack",
    "unreachable": "unreachable", "division": "arithmetic", "overflow": "arithmetic", "conversion": "arithmetic",
    "beyond": "memory", "far-beyond": "memory", "straddle": "memory", "every-guard": "memory", "data-beyond": "memory",
    "wrong-signature": "signature", "empty-slot": "table", "beyond-table": "table", "uncaught": "",
}  # fmt: skip
SECONDS = 0.05
LATE_MAX = 60.0
"""Seconds after the deadline in which a guest must be gone. Reason: it is milliseconds, but the machine may be busy; for ever it is not."""


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended(box: Box, name: str) -> None:
    begun = time.monotonic()
    run = box.run(guest(name), seconds=SECONDS)
    assert code(run.fault) == "tool.deadline"
    assert run.stdout == b""
    assert time.monotonic() - begun < SECONDS + LATE_MAX


@pytest.mark.parametrize("name", CRASHES)
def test_what_crashes_is_the_fault_of_the_tool_and_its_process_goes_on(box: Box, name: str) -> None:
    run = box.run(guest(name))
    assert code(run.fault) == "tool.trap"
    assert CRASHES[name] in str(run.fault)
    assert run.reusable


@pytest.mark.parametrize("name", ["memory-at-start", "no-start", "start-is-memory", "start-wants-arguments", "no-memory", "memory-is-global"])
def test_what_cannot_begin_does_not_take_its_host_with_it(box: Box, name: str) -> None:
    run = box.run(guest(name))
    assert code(run.fault) in {"tool.start", "tool.trap", "host.sandbox"}
    assert run.stdout == b""


@pytest.mark.parametrize("mebibytes", [1, 16, 64])
def test_memory_grows_to_its_limit_and_no_further(box: Box, mebibytes: int) -> None:
    run = box.run(guest("grow"), memory=mebibytes * MIB)
    assert run.fault is None
    assert struct.unpack("<I", run.stdout)[0] == mebibytes * 16


def test_a_table_grows_to_its_limit_and_no_further(box: Box) -> None:
    run = box.run(guest("table-bomb"))
    assert run.fault is None
    assert limits.TABLE_ITEMS_MAX - 4096 <= struct.unpack("<I", run.stdout)[0] <= limits.TABLE_ITEMS_MAX


@pytest.mark.parametrize("name", ["stdout-flood", "stdout-vector"])
def test_a_flood_of_output_ends_the_guest(box: Box, name: str) -> None:
    run = box.run(guest(name))
    assert (code(run.fault), run.stdout) == ("tool.output", b"")


def test_crumbs_of_output_end_at_one_of_the_limits(box: Box) -> None:
    run = box.run(guest("stdout-crumbs"), seconds=0.1)
    assert code(run.fault) in {"tool.output", "tool.deadline"}


def test_a_flood_of_log_lines_is_cut_and_counted(box: Box) -> None:
    run = box.run(guest("stderr-flood"))
    assert (run.fault, run.stdout) == (None, b"ok")
    assert len(run.stderr) == limits.STDERR_BYTES_MAX
    assert len(run.stderr) + run.stderr_cut == 64 * MIB


@pytest.mark.parametrize("number", [0, 1, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_each_exit_code_arrives_as_it_is(box: Box, number: int) -> None:
    # Attack: a code of 256 that reads as success where eight bits are kept.
    run = box.run(guest("exit"), struct.pack("<I", number))
    assert (run.fault, run.exit_code) == (None, number)


def test_an_end_before_the_begin_is_an_end(box: Box) -> None:
    run = box.run(guest("exit-in-start"))
    assert (run.fault, run.exit_code) == (None, 7)


def test_a_slow_guest_does_not_hold_up_another(box: Box) -> None:
    held = box.calling(guest("loop"), seconds=60.0)
    next(held)
    begun = time.monotonic()
    box.well()
    assert time.monotonic() - begun < 60.0
    held.close()
