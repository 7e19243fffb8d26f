"""T28, odd numbers: every function of the interface with pointers, sizes, counts and flags that no program would give. It answers an error number."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mpp.model.wasmimports import PREVIEW1
from mpp.stages.sandbox.wasi.codes import NUMBERS
from tests.attack.guests.puppet import FUZZ, PAGES, PUPPET, Script, Told
from tests.attack.sandboxed import MIB, Box, code, guest

END = PAGES * 65536
FAULT, INVAL = NUMBERS["FAULT"], NUMBERS["INVAL"]
CALLS = 20_000
"""Calls of one guest of the random kind."""


def play(box: Box, script: Script, folder: Path | None = None, **more: object) -> Told:
    run = box.run(PUPPET, script.line(), folders=((("/data", folder, True),) if folder else ()), **more)
    assert run.fault is None, run.fault
    return Told(run.stdout)


@pytest.mark.parametrize("seed", range(1, 9))
def test_random_calls_never_break_the_host(box: Box, seed: int, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(bytes(range(256)))
    head = struct.pack("<QI", seed * 0x9E3779B97F4A7C15 & (1 << 64) - 1, CALLS)
    # What random pointers find: names, buffers, subscriptions.
    found = b"".join(b"%c\0\0\0" % letter for letter in b"ab.abcde") + struct.pack("<II", 0x100, 64) * 20 + subscription(0, 1, 1) * 4 + subscription(1, 0) * 2
    run = box.run(FUZZ, (head + found * 40)[: 1 << 18], seconds=1.0, folders=(("/data", folder, bool(seed % 2)),))
    # Ended by itself, by its own flood or by the clock: all of these are the guest's doing.
    assert code(run.fault) in {"", "tool.deadline", "tool.output"}, run.fault
    assert run.fault is not None or run.exit_code > CALLS // 20


@pytest.mark.parametrize("name", [name for name in PREVIEW1 if name not in {"proc_exit", "poll_oneoff"}])
def test_each_function_with_each_extreme(box: Box, name: str, tmp_path: Path) -> None:
    parameters = PREVIEW1[name].partition(":")[0]
    (tmp_path / "file").write_bytes(b"x" * 100)
    script = Script()
    _, at = script.open(b"file", base=2 | 64)
    for fd in (3, 4, 5, 0xFFFFFFFF):
        for extreme in (0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x80000000, 0x7FFFFFFF, END, END - 1, END - 3):
            rest = [extreme] * (len(parameters) - 1)
            if parameters:
                script.call(name, fd, *rest)
                for place in range(len(rest)):
                    one = [script.room] * len(rest)
                    one[place] = extreme
                    script.call(name, fd, *one)
    del at
    # The guest's own script lies in the same memory; it may have been written over, so only the end counts.
    run = box.run(PUPPET, script.line(), folders=(("/data", tmp_path, True),), seconds=3)
    assert code(run.fault) in {"", "tool.deadline", "tool.output", "tool.trap"}, run.fault
    assert (run.exit_code, run.reusable or code(run.fault) == "tool.deadline") in {(0, True), (-1, True), (0xFFFFFFFF, True)}


BUFFERS = {
    "behind the end": [(END, 1)], "over the end": [(END - 4, 8)], "wraps": [(0xFFFFFFFF, 2)], "whole memory and one": [(0, END + 1)], "everything": [(0, 0xFFFFFFFF)],
    "second is bad": [(0x20000, 4), (END, 4)], "wraps to zero": [(0xFFFFFFFC, 4)],
}  # fmt: skip


@pytest.mark.parametrize("name", BUFFERS)
@pytest.mark.parametrize("function", ["fd_read", "fd_write", "fd_pread", "fd_pwrite"])
def test_buffers_that_point_outside(box: Box, name: str, function: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    script = Script()
    _, at = script.open(b"file", base=2 | 64)
    table = script.put(b"".join(struct.pack("<II", *one) for one in BUFFERS[name]))
    offset = (0,) if function.startswith("fd_p") else ()
    number = script.call(function, at, table, len(BUFFERS[name]), *offset, script.room, held=(0,))
    assert play(box, script, tmp_path).results[number] == FAULT
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("table", "count"), [(END, 1), (END - 7, 1), (0xFFFFFFFF, 1), (0, 0xFFFFFFFF), (0, 0x20000000), (0x20000, 1025), (END - 8 * 1024 + 1, 1024)]
)
def test_tables_of_buffers_that_lie(box: Box, table: int, count: int) -> None:
    script = Script()
    numbers = [script.call(function, fd, table, count, script.room) for function, fd in (("fd_write", 1), ("fd_write", 2), ("fd_read", 0))]
    told = play(box, script)
    assert {told.results[one] for one in numbers} <= {FAULT, INVAL}


def test_buffers_that_overlap_each_other_and_their_table(box: Box, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xaa" * 4096)
    script = Script()
    _, at = script.open(b"file", base=2 | 64)
    table = script.put(bytes(64))
    # The read writes over the table that names where it reads to, and over its own result.
    fill = script.put(struct.pack("<IIII", table, 64, table + 8, 64))
    read = script.call("fd_read", at, fill, 2, table + 4, held=(0,))
    again = script.call("fd_read", at, table, 2, script.room, held=(0,))
    told = play(box, script, tmp_path)
    assert told.results[read] == 0
    assert told.results[again] == FAULT


def test_results_that_lie_over_their_arguments(box: Box) -> None:
    script = Script()
    table = script.put(struct.pack("<II", 0x20000, 8))
    numbers = [script.call("fd_write", 2, table, 1, place) for place in (table, table + 4, table + 1, 0x20000)]
    told = play(box, script)
    assert {told.results[one] for one in numbers} <= {0, FAULT}


def subscription(tag: int, number: int = 1, timeout: int = 0, flags: int = 0, data: int = 7) -> bytes:
    return struct.pack("<QB7xIxxxxQQHxxxxxx", data, tag, number, timeout, 0, flags)


@pytest.mark.parametrize("count", [0, 4097, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_polls_of_nothing_and_of_too_much(box: Box, count: int) -> None:
    script = Script()
    number = script.call("poll_oneoff", script.put(subscription(0)), script.room, count, script.room)
    assert play(box, script).results[number] == INVAL


def test_a_poll_of_all_that_is_allowed_is_answered(box: Box) -> None:
    script = Script()
    number = script.call("poll_oneoff", 0x50000, 0x90000, 4096, script.room)
    told = play(box, script)
    assert (told.results[number], told.u32(script.room)) == (0, 4096)


def test_polls_with_odd_clocks_flags_and_descriptors(box: Box) -> None:
    script = Script()
    odd = [
        (3, 1, 0, 0),
        (255, 1, 0, 0),
        (0, 99, 5, 0),
        (0, 1, 5, 0xFFFF),
        (1, 99, 0, 0),
        (2, 0, 0, 0),
        (0, 2, 0, 0),
        (1, 0xFFFFFFFF, 0, 0),
        (0, 1, (1 << 64) - 1, 1),
        (0, 0, 0, 1),
    ]
    numbers = [script.call("poll_oneoff", script.put(subscription(*one) + subscription(0, 1, 1)), script.room, 2, script.room + 256) for one in odd]
    told = play(box, script)
    assert {told.results[one] for one in numbers} <= {0, INVAL}


@pytest.mark.parametrize(
    "name", ["fd_prestat_dir_name", "fd_readdir", "random_get", "environ_get", "args_get", "clock_time_get", "fd_filestat_get", "fd_fdstat_get"]
)
def test_results_that_do_not_fit_the_memory(box: Box, name: str) -> None:
    numbers = {
        "fd_prestat_dir_name": (3, END - 1, 4), "fd_readdir": (3, END - 1, 100, 0, END), "random_get": (END - 5, 6), "environ_get": (END - 1, END - 1), "args_get": (END - 3, END - 3),
        "clock_time_get": (0, 0, END - 7), "fd_filestat_get": (1, END - 63), "fd_fdstat_get": (1, END - 23),
    }[name]  # fmt: skip
    script = Script()
    number = script.call(name, *numbers)
    assert play(box, script, env={"A": "b"}).results[number] in {FAULT, NUMBERS["BADF"]}


def test_sockets_signals_and_powers_that_are_not_there(box: Box) -> None:
    script = Script()
    tries = [
        script.call(name, fd, *[script.room] * (len(PREVIEW1[name].partition(":")[0]) - 1)) for fd in range(8) for name in PREVIEW1 if name.startswith("sock_")
    ]
    tries += [script.call("proc_raise", number) for number in (0, 9, 15, 255)]
    tries += [script.call("fd_fdstat_set_rights", fd, (1 << 64) - 1, (1 << 64) - 1) for fd in range(5)]
    told = play(box, script)
    assert 0 not in [told.results[one] for one in tries]


def test_standard_streams_can_be_closed_and_renumbered(box: Box) -> None:
    # Attack: a guest that takes its own streams away, and a host that then reads or writes another descriptor in their place.
    script = Script()
    script.call("fd_renumber", 2, 0)
    script.call("fd_close", 0)
    script.call("fd_close", 2)
    script.call("fd_close", 3)
    gone = [script.call(name, fd, script.put(struct.pack("<II", 0x20000, 4)), 1, script.room) for name, fd in (("fd_read", 0), ("fd_write", 2), ("fd_read", 3))]
    told = play(box, script)
    assert {told.results[one] for one in gone} == {NUMBERS["BADF"]}
    script.call("fd_close", 1)
    run = box.run(PUPPET, script.line())
    assert (run.fault, run.stdout) == (None, b"")


def observed(box: Box, name: str, **more: object) -> bytes:
    run = box.run(guest(name), deterministic=True, **more)
    assert run.fault is None
    return run.stdout


def test_a_deterministic_call_gives_the_same_bytes_again(box: Box) -> None:
    first = observed(box, "observe")
    assert observed(box, "observe") == first
    assert observed(box, "observe", agent="in another process") == first
    random, clocks, more = first[:1000], struct.unpack_from("<4Q", first, 1024), first[1056:1133]
    assert clocks == (1_700_000_000 * 10**9, 0, 1_700_000_000 * 10**9, 0)
    assert len(set(random)) > 200
    assert more not in random
    assert observed(box, "observe", seed=b"\1" * 32)[:1000] != random


def test_a_call_that_is_not_deterministic_does_not(box: Box) -> None:
    told = {box.run(guest("observe")).stdout[:1000] for _ in range(5)}
    assert len(told) == 5


def test_numbers_that_are_none_have_one_form(box: Box) -> None:
    quiet64, quiet32 = (0x7FF8 << 48).to_bytes(8, "little"), (0x7FC0 << 16).to_bytes(4, "little")
    for memory in (MIB, 16 * MIB):
        run = box.run(guest("nans"), memory=memory)
        assert run.stdout[40:48] == quiet32 * 2
        assert {run.stdout[place : place + 8] for place in range(0, 40, 8)} == {quiet64}


def test_the_clock_of_a_guest_says_nothing_of_the_machine(box: Box) -> None:
    script = Script()
    script.call("clock_time_get", 1, 0, script.room)
    script.call("clock_res_get", 1, script.room + 8)
    told = play(box, script)
    passed, step = struct.unpack("<QQ", told.at(script.room, 16))
    assert passed < 60 * 10**9
    assert (step, passed % 1000) == (1000, 0)
