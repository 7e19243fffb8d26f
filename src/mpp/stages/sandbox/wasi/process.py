"""Arguments, environment, clocks, randomness, the end of the process, and sockets, of which there are none."""

from __future__ import annotations

import struct
import time

from mpp.stages.sandbox.wasi import codes, limits, memory
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.memory import U32, U64
from mpp.stages.sandbox.wasi.state import State

REALTIME, MONOTONIC = 0, 1
_CLOCKS = 4
_RANDOM_SPAN = limits.RANDOM_STEP_BYTES


def _sizes(call: State, texts: tuple[bytes, ...], count_at: int, size_at: int) -> None:
    here = call.view()
    U32.pack_into(here, count_at, len(texts))
    U32.pack_into(here, size_at, sum(map(len, texts)) + len(texts))


def _texts(call: State, texts: tuple[bytes, ...], table: int, at: int) -> None:
    here = call.view()
    starts: list[int] = []
    for text in texts:
        starts.append(at)
        memory.span(here, at, len(text) + 1)[:] = text + b"\0"
        at += len(text) + 1
    memory.span(here, table, 4 * len(starts))[:] = struct.pack(f"<{len(starts)}I", *starts)


@answers
def args_sizes_get(call: State, count_at: int, size_at: int) -> None:
    _sizes(call, call.args, count_at, size_at)


@answers
def args_get(call: State, table: int, at: int) -> None:
    _texts(call, call.args, table, at)


@answers
def environ_sizes_get(call: State, count_at: int, size_at: int) -> None:
    _sizes(call, call.env, count_at, size_at)


@answers
def environ_get(call: State, table: int, at: int) -> None:
    _texts(call, call.env, table, at)


def now(call: State, clock: int) -> int:
    """A clock's time. The monotonic clock begins near zero with each call, so that it says nothing of the machine.

    Processor time is not given, as by other hosts: the C library makes it from the monotonic clock.
    """
    if clock == REALTIME:
        found = call.times.realtime_ns()
    elif clock == MONOTONIC:
        found = call.times.monotonic_ns() - call.started_ns
    else:
        raise codes.Errno(codes.BADF if clock < _CLOCKS else codes.INVAL)
    # Attack: fine clocks tell cached memory from other memory, and with it what other programs did.
    return max(found - found % limits.CLOCK_STEP_NS, 0)


@answers
def clock_res_get(call: State, clock: int, result: int) -> None:
    now(call, clock)
    U64.pack_into(call.view(), result, limits.CLOCK_STEP_NS)


@answers
def clock_time_get(call: State, clock: int, _precision: int, result: int) -> None:
    U64.pack_into(call.view(), result, now(call, clock))


@answers
def random_get(call: State, at: int, size: int) -> None:
    target = memory.span(call.view(), at, size)
    for start in range(0, size, _RANDOM_SPAN):
        if start and time.monotonic() > call.deadline:
            raise codes.DeadlineOver
        count = min(_RANDOM_SPAN, size - start)
        target[start : start + count] = call.random(count)


@answers
def sched_yield(_call: State) -> None:
    """There is nobody to yield to."""


@answers
def proc_exit(_call: State, code: int) -> None:
    raise codes.ProcExit(code)


@answers
def proc_raise(_call: State, _signal: int) -> None:
    raise codes.Errno(codes.NOSYS)


def _no_socket(call: State, fd: int) -> None:
    call.handle(fd)
    raise codes.Errno(codes.NOTSOCK)


@answers
def sock_accept(call: State, fd: int, _flags: int, _result: int) -> None:
    _no_socket(call, fd)


@answers
def sock_recv(call: State, fd: int, _vector: int, _count: int, _flags: int, _size_at: int, _flags_at: int) -> None:
    _no_socket(call, fd)


@answers
def sock_send(call: State, fd: int, _vector: int, _count: int, _flags: int, _size_at: int) -> None:
    _no_socket(call, fd)


@answers
def sock_shutdown(call: State, fd: int, _how: int) -> None:
    _no_socket(call, fd)
