"""Arguments, clocks, randomness, the end, standard streams, and pointers that lead nowhere."""

from __future__ import annotations

import struct
import time

import pytest

from mpp.model.wasmimports import PREVIEW1
from mpp.stages.sandbox.wasi import FUNCTIONS, DeadlineOver, OutputOver, Preview1, ProcExit, Quota, Setup, Times, codes, limits, rights
from tests.unit.sandbox.wasi.twins import AREA, DATA, RESULT, STRUCT, VECTOR, Direct

END = 0x10000
FAULT, INVAL, BADF = codes.FAULT, codes.INVAL, codes.BADF


def direct(setup: Setup = Setup(), **wish: object) -> Direct:  # noqa: B008 - a frozen value
    return Direct(Preview1(setup, **wish))  # type: ignore[arg-type]


def test_each_function_of_the_interface_is_there_and_no_other() -> None:
    assert tuple(PREVIEW1) == FUNCTIONS
    assert len(FUNCTIONS) == 46
    assert all(callable(getattr(Preview1, name)) for name in FUNCTIONS)


def test_error_numbers_and_rights_are_those_of_the_interface() -> None:
    assert (codes.NUMBERS["2BIG"], codes.NUMBERS["BADF"], codes.NUMBERS["INVAL"], codes.NUMBERS["NOTCAPABLE"]) == (1, 8, 28, 76)
    assert (codes.FROM_HOST[2], codes.FROM_HOST[11], codes.FROM_HOST[95], codes.FROM_HOST[40]) == (44, 6, 58, 32)
    assert len(rights.BITS) == 30
    assert rights.BITS["sock_accept"] == 1 << 29


@pytest.mark.parametrize("name", [name for name in PREVIEW1 if name not in {"proc_exit", "sched_yield"}])
def test_wild_numbers_answer_an_error_and_never_raise(name: str) -> None:
    guest = direct(args=(b"tool",), env=(b"A=b",))
    letters = PREVIEW1[name].partition(":")[0]
    for wild in (0xFFFFFFFF, END - 1, 0x7FFFFFFF):
        assert guest(name, *([wild] * len(letters))) != 0
    for fd in (0, 1, 3) if len(letters) > 1 else ():
        assert guest(name, fd, *([0xFFFFFFF0] * (len(letters) - 1))) != 0


def test_arguments_and_environment_end_with_nul() -> None:
    guest = direct(args=(b"tool", b""), env=(b"A=b",))
    assert guest("args_sizes_get", RESULT, RESULT + 4) == 0
    assert (guest.u32(), guest.u32(RESULT + 4)) == (2, 6)
    assert guest("args_get", VECTOR, DATA) == 0
    assert struct.unpack("<II", guest.get(VECTOR, 8)) == (DATA, DATA + 5)
    assert guest.get(DATA, 6) == b"tool\0\0"
    assert guest("environ_get", VECTOR, END - 3) == FAULT
    assert guest("environ_get", END - 3, DATA) == FAULT


def test_clocks_are_coarse_and_the_monotonic_one_begins_near_zero() -> None:
    guest = direct(times=Times(realtime_ns=lambda: 1_234_567_891_234_567_891, monotonic_ns=iter([5_000_000_000, 5_000_001_999]).__next__))
    assert guest("clock_time_get", 0, 0, RESULT) == 0
    assert guest.u64() == 1_234_567_891_234_567_000
    assert guest("clock_time_get", 1, 0, RESULT) == 0
    assert guest.u64() == 1000
    assert guest("clock_res_get", 0, RESULT) == 0
    assert guest.u64() == limits.CLOCK_STEP_NS


@pytest.mark.parametrize(("clock", "answer"), [(2, BADF), (3, BADF), (4, INVAL), (0xFFFFFFFF, INVAL)])
def test_other_clocks_are_not_there(clock: int, answer: int) -> None:
    assert direct()("clock_time_get", clock, 0, RESULT) == answer
    assert direct()("clock_res_get", clock, RESULT) == answer


def test_frozen_clocks_stand_still() -> None:
    guest = direct(times=Times.standing(77_000))
    for _ in range(2):
        assert guest("clock_time_get", 0, 0, RESULT) == 0
        assert guest.u64() == 77_000
        assert guest("clock_time_get", 1, 0, RESULT) == 0
        assert guest.u64() == 0


def test_random_bytes_come_from_the_given_source_in_steps() -> None:
    asked: list[int] = []

    def source(count: int) -> bytes:
        asked.append(count)
        return b"r" * count

    calls = Preview1(random=source)
    memory = bytearray(limits.RANDOM_STEP_BYTES + 100)
    calls.attach(lambda: memoryview(memory))
    assert calls.random_get(10, limits.RANDOM_STEP_BYTES + 5) == 0
    assert asked == [limits.RANDOM_STEP_BYTES, 5]
    assert memory.count(b"r") == limits.RANDOM_STEP_BYTES + 5
    assert calls.random_get(10, len(memory)) == FAULT
    calls.deadline = time.monotonic() - 1
    with pytest.raises(DeadlineOver):
        calls.random_get(0, len(memory))


def test_the_end_carries_its_code() -> None:
    with pytest.raises(ProcExit) as end:
        direct()("proc_exit", 77)
    assert end.value.code == 77


def test_what_does_not_exist_says_so() -> None:
    guest = direct()
    assert guest("sched_yield") == 0
    assert guest("proc_raise", 6) == codes.NOSYS
    assert guest("sock_recv", 0, VECTOR, 0, 0, RESULT, RESULT) == codes.NOTSOCK
    assert guest("sock_send", 9, VECTOR, 0, 0, RESULT) == BADF


def test_standard_streams_are_no_terminals() -> None:
    guest = direct(stdin=b"hello")
    for fd, right in ((0, rights.FD_READ), (1, rights.FD_WRITE), (2, rights.FD_WRITE)):
        assert guest("fd_fdstat_get", fd, STRUCT) == 0
        kind, flags, base, inheriting = struct.unpack("<BxH4xQQ", guest.get(STRUCT, 24))
        assert (kind, flags, inheriting) == (0, 0, 0)
        assert base & (rights.FD_READ | rights.FD_WRITE | rights.FD_SEEK | rights.FD_TELL) == right
    assert guest.read(0, 2, 0, 2) == (0, b"hell")
    assert guest.read(0, 10) == (0, b"o")
    assert guest.read(0, 10) == (0, b"")
    assert guest.read(0) == (0, b"")


def test_reading_into_overlapping_buffers_stays_inside() -> None:
    guest = direct(stdin=b"abcdef")
    guest.put(VECTOR, struct.pack("<6I", DATA, 3, DATA + 1, 3, VECTOR, 0))
    assert guest("fd_read", 0, VECTOR, 3, RESULT) == 0
    assert guest.get(DATA, 4) == b"adef"


@pytest.mark.parametrize("count", [1, 2, 20])
def test_a_buffer_outside_the_memory_is_a_fault(count: int) -> None:
    guest = direct(stdin=b"abc")
    guest.put(VECTOR, struct.pack("<II", DATA, 1) * (count - 1) + struct.pack("<II", END - 4, 0xFFFFFFFF))
    assert guest("fd_read", 0, VECTOR, count, RESULT) == FAULT
    assert guest("fd_write", 1, VECTOR, count, RESULT) == FAULT
    assert not guest.calls.stdout


def test_too_many_buffers_are_refused() -> None:
    guest = direct()
    assert guest("fd_write", 1, 0, limits.BUFFERS_MAX, RESULT) == 0
    assert guest("fd_write", 1, 0, limits.BUFFERS_MAX + 1, RESULT) == INVAL


def test_a_flood_on_standard_output_ends_the_guest_and_one_on_standard_error_is_cut() -> None:
    guest = direct(Setup(stdout_max=5, stderr_max=5))
    assert guest.write(1, b"abc", b"de") == (0, 5)
    with pytest.raises(OutputOver):
        guest.write(1, b"f")
    assert bytes(guest.calls.stdout) == b"abcde"
    assert guest.write(2, b"abc", b"defg") == (0, 7)
    assert guest.write(2, b"h") == (0, 1)
    assert (bytes(guest.calls.stderr), guest.calls.stderr_cut) == (b"abcde", 3)


def test_descriptors_close_and_move() -> None:
    guest = direct(stdin=b"abc")
    assert guest("fd_renumber", 0, 2) == 0
    assert guest.read(2, 5) == (0, b"abc")
    assert guest("fd_renumber", 2, 2) == 0
    assert guest("fd_renumber", 1, 500) == BADF
    assert guest("fd_close", 0) == BADF
    assert guest("fd_close", 2) == 0
    assert guest.read(2, 5)[0] == BADF


def test_rights_only_shrink() -> None:
    guest = direct()
    assert guest("fd_fdstat_set_rights", 1, 2**64 - 1, 0) == codes.NOTCAPABLE
    assert guest("fd_fdstat_set_rights", 1, 0, 1) == codes.NOTCAPABLE
    assert guest("fd_fdstat_set_rights", 1, 0, 0) == 0
    assert guest.write(1, b"x")[0] == BADF
    assert guest("fd_filestat_get", 1, STRUCT) == codes.NOTCAPABLE


def clock(number: int = 1, timeout: int = 0, flags: int = 0) -> bytes:
    return struct.pack("<QB7xI4xQQH6x", 7, 0, number, timeout, 0, flags)


def poll(guest: Direct, *asked: bytes) -> tuple[int, list[tuple[int, ...]]]:
    guest.put(AREA, b"".join(asked))
    code = guest("poll_oneoff", AREA, AREA, len(asked), RESULT)
    count = guest.u32() if code == 0 else 0
    return code, [struct.unpack_from("<QHB5xQ", guest.get(AREA, 32 * count), 32 * place) for place in range(count)]


def test_a_poll_answers_what_is_ready_in_place_of_its_questions() -> None:
    guest = direct(stdin=b"abc")
    asked = [struct.pack("<QB7xI28x", number, tag, fd) for number, tag, fd in ((1, 1, 0), (2, 2, 1), (3, 1, 99), (4, 2, 0))]
    assert poll(guest, *asked) == (0, [(1, 0, 1, 3), (2, 0, 2, 0), (3, BADF, 1, 0), (4, BADF, 2, 0)])


def test_sleeping_ends_when_it_should() -> None:
    guest = direct(deadline=time.monotonic() + 30)
    before = time.monotonic()
    assert poll(guest, clock(timeout=20_000_000)) == (0, [(7, 0, 0, 0)])
    assert time.monotonic() - before >= 0.0199
    assert poll(guest, clock(timeout=0, flags=1)) == (0, [(7, 0, 0, 0)])
    assert poll(guest, clock(number=9)) == (0, [(7, INVAL, 0, 0)])
    assert poll(guest, clock(flags=2)) == (0, [(7, INVAL, 0, 0)])


def test_a_sleep_past_the_deadline_ends_the_guest() -> None:
    guest = direct(deadline=time.monotonic() + 0.02)
    with pytest.raises(DeadlineOver):
        poll(guest, clock(timeout=2**64 - 1))


def test_a_sleep_under_frozen_clocks_ends_at_once() -> None:
    guest = direct(times=Times.standing(0), deadline=time.monotonic() + 5)
    assert poll(guest, clock(timeout=3600 * 10**9)) == (0, [(7, 0, 0, 0)])


def test_polls_of_nothing_too_much_or_the_unknown_are_refused() -> None:
    guest = direct()
    assert guest("poll_oneoff", AREA, AREA, 0, RESULT) == INVAL
    assert guest("poll_oneoff", AREA, AREA, limits.SUBSCRIPTIONS_MAX + 1, RESULT) == INVAL
    assert guest("poll_oneoff", AREA, AREA, limits.SUBSCRIPTIONS_MAX, RESULT) == FAULT
    assert poll(guest, struct.pack("<QB39x", 1, 9))[0] == INVAL


def test_a_call_without_memory_answers_faults() -> None:
    calls = Preview1(Setup(quota=Quota(written=1)))
    assert calls.fd_write(1, 0, 1, 0) == FAULT
    calls.close()
    assert calls.fd_write(1, 0, 0, 0) == BADF
