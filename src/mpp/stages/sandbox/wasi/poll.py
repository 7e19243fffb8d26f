"""poll_oneoff: sleeping, and asking which descriptors are ready. Files and streams always are; only a device can be waited for."""

from __future__ import annotations

import select
import struct
import time
from typing import NamedTuple

from mpp.stages.sandbox.wasi import codes, limits, memory, process, rights
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.handles import Device
from mpp.stages.sandbox.wasi.memory import U32
from mpp.stages.sandbox.wasi.state import State

_HEAD = struct.Struct("<QB7xI")
_CLOCK = struct.Struct("<QQH")
_EVENT = struct.Struct("<QHB5xQH6x")
_SUBSCRIPTION_BYTES, _EVENT_BYTES = 48, 32
_CLOCK_TAG, _READ_TAG, _WRITE_TAG = 0, 1, 2
_ABSOLUTE = 1
_SECOND_NS = 1_000_000_000


class _Timer(NamedTuple):
    due: float
    """Seconds of ``time.monotonic``."""
    event: bytes


class _Waiting(NamedTuple):
    """A device that is asked for."""

    fd: int
    mask: int
    event: bytes


class _Asked:
    """The subscriptions of one call, sorted by what they wait for."""

    def __init__(self) -> None:
        self.timers: list[_Timer] = []
        self.devices: list[_Waiting] = []
        self.ready: list[bytes] = []


@answers
def poll_oneoff(call: State, source: int, target: int, count: int, result: int) -> None:
    here = call.view()
    if not 0 < count <= limits.SUBSCRIPTIONS_MAX:
        raise codes.Errno(codes.INVAL)
    # Read before anything is written: the two tables may overlap.
    words = bytes(memory.span(here, source, count * _SUBSCRIPTION_BYTES))
    answer = memory.span(here, target, count * _EVENT_BYTES)
    memory.span(here, result, 4)
    asked = _Asked()
    for at in range(0, len(words), _SUBSCRIPTION_BYTES):
        _read(call, words, at, asked)
    events = b"".join(_wait(call, asked))
    answer[: len(events)] = events
    U32.pack_into(here, result, len(events) // _EVENT_BYTES)


def _read(call: State, words: bytes, at: int, asked: _Asked) -> None:
    data, tag, number = _HEAD.unpack_from(words, at)
    if tag == _CLOCK_TAG:
        timeout, _, flags = _CLOCK.unpack_from(words, at + 24)
        try:
            asked.timers.append(_Timer(_due(call, number, timeout, flags), _EVENT.pack(data, 0, tag, 0, 0)))
        except codes.Errno as fault:
            asked.ready.append(_EVENT.pack(data, fault.number, tag, 0, 0))
    elif tag in {_READ_TAG, _WRITE_TAG}:
        _read_descriptor(call, data, tag, number, asked)
    else:
        raise codes.Errno(codes.INVAL)


def _due(call: State, clock: int, timeout: int, flags: int) -> float:
    if flags & ~_ABSOLUTE:
        raise codes.Errno(codes.INVAL)
    present = process.now(call, clock)
    left = timeout - present if flags & _ABSOLUTE else timeout
    # A frozen clock never reaches any moment; the sleep of a deterministic run ends at once.
    return time.monotonic() + (0 if call.times.frozen else max(left, 0) / _SECOND_NS)


def _read_descriptor(call: State, data: int, tag: int, fd: int, asked: _Asked) -> None:
    try:
        found = call.handle(fd, rights.POLL)
        if not found.base & (rights.FD_READ if tag == _READ_TAG else rights.FD_WRITE):
            raise codes.Errno(codes.BADF)
    except codes.Errno as fault:
        asked.ready.append(_EVENT.pack(data, fault.number, tag, 0, 0))
        return
    event = _EVENT.pack(data, 0, tag, found.available() if tag == _READ_TAG else 0, 0)
    if isinstance(found, Device):
        asked.devices.append(_Waiting(found.fd, select.POLLIN if tag == _READ_TAG else select.POLLOUT, event))
    else:
        asked.ready.append(event)


def _wait(call: State, asked: _Asked) -> list[bytes]:
    """Wait until something is ready, never past the deadline."""
    found = asked.ready + _due_now(asked.timers) + _devices(asked.devices, 0)
    if found:
        return found
    first = min((timer.due for timer in asked.timers), default=call.deadline)
    left = min(first, call.deadline) - time.monotonic()
    if asked.devices:
        found = _devices(asked.devices, max(left, 0))
    else:
        time.sleep(max(left, 0))
    if not found and first >= call.deadline:
        raise codes.DeadlineOver
    return found or _due_now(asked.timers) or [min(asked.timers).event]


def _due_now(timers: list[_Timer]) -> list[bytes]:
    present = time.monotonic()
    return [timer.event for timer in timers if timer.due <= present]


def _devices(waiting: list[_Waiting], seconds: float) -> list[bytes]:
    if not waiting:
        return []
    poller = select.poll()
    masks: dict[int, int] = {}
    for one in waiting:
        masks[one.fd] = masks.get(one.fd, 0) | one.mask
    for fd, mask in masks.items():
        poller.register(fd, mask)
    ready = dict(poller.poll(min(seconds * 1000, 1 << 30)))
    return [one.event for one in waiting if ready.get(one.fd, 0) & (one.mask | select.POLLERR | select.POLLHUP)]
