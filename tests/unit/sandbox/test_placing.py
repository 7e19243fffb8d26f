"""Images taken and laid under instances, in this process: what a worker does, where a test can look at all of it."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Iterator

import pytest

from mpp.errors import HostFailed
from mpp.jail import seal_memory, sealed_memory
from mpp.stages.sandbox import keeping, limits, placing as subject
from mpp.stages.sandbox.capi import Api, find_library, Value
from mpp.stages.sandbox.core import CoreRunner, Linked
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.frames import Order
from mpp.stages.sandbox.guest import CallGuest, Grants, InitialGuest
from mpp.stages.sandbox.placing import Restoring, Taking
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Ending, GlobalValue
from tests import layered

BUNDLE = b"MPPB1 the files of a tool"


@functools.cache
def shared() -> tuple[Engine, Linked, DeadlineTimer]:
    """Never freed: a timer that fired just now may still be on its way to its engine."""
    engine = Engine(Api(find_library(), holding=True), pooled=False)
    return engine, Linked(engine), DeadlineTimer(engine.api, engine)


class Layer:
    """One module, run with an image or to get one."""

    def __init__(self, *words: str, ahead: bool) -> None:
        self.is_ahead = ahead
        self.engine, self.linked, self.timer = shared()
        fd = sealed_memory(self.engine.compile(layered.wasm(*words)))
        self.module = self.engine.load(f"/proc/self/fd/{fd}", component=False)
        os.close(fd)
        self.target = os.memfd_create("image", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    def run(self, image: Restoring | Taking, guest: CallGuest, given: Order) -> Ending:
        runner = CoreRunner(self.engine, self.module, self.linked, image, given.memory_bytes)
        if self.is_ahead:
            runner.ahead()
        try:
            return runner.run(guest, given.memory_bytes, given.deadline, self.timer)
        finally:
            runner.close()

    def initialise(self) -> tuple[Ending, Taking, dict[str, object]]:
        given = order(b"")
        taking = Taking(self.engine.api, self.target)
        guest = InitialGuest(given, memoryview(BUNDLE), taking)
        ending = self.run(taking, guest, given)
        talk = guest.finish()
        return ending, taking, json.loads(talk) if talk else {}

    def call(self, size: int, globals_: tuple[GlobalValue, ...], line: bytes = b"", memory: int = 16 << 20) -> tuple[Ending, bytes]:
        given = order(line, memory)
        guest = CallGuest(given, Grants((), ()), None)
        ending = self.run(Restoring(self.engine.api, self.target, size, globals_), guest, given)
        return ending, bytes(guest.stdout)

    def close(self) -> None:
        self.engine.close_module(self.module)
        os.close(self.target)


def order(line: bytes, memory: int = 16 << 20) -> Order:
    return Order(deadline=time.monotonic() + 60, deterministic=True, now_ns=7, seed=bytes(32), env=(), stdin=line, memory_bytes=memory)


@pytest.fixture(params=[False, True], ids=["made in the call", "made ahead"])
def layer(request: pytest.FixtureRequest) -> Iterator[Callable[..., Layer]]:
    made: list[Layer] = []

    def make(*words: str) -> Layer:
        made.append(Layer(*words, ahead=request.param))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_what_was_taken_is_laid_under_each_call(layer: Callable[..., Layer]) -> None:
    one = layer(layered.KEEP + "(drop (memory.grow (i32.const 8)))")
    ending, taking, report = one.initialise()
    assert ending == Ending(kind="exit")
    assert report == {"size": 13 * 65536, "globals": [["size", 0, f"{len(BUNDLE):x}"]]}
    os.ftruncate(one.target, taking.size)
    seal_memory(one.target)
    for line in (b"one", b"two"):
        assert one.call(taking.size, taking.globals, line) == (Ending(kind="exit"), b"*" + BUNDLE + line)


def test_pages_that_hold_nothing_take_no_memory(layer: Callable[..., Layer]) -> None:
    one = layer(layered.KEEP + "(drop (memory.grow (i32.const 64)))")
    _, taking, _ = one.initialise()
    assert taking.size == 69 * 65536
    assert os.fstat(one.target).st_blocks * 512 <= 2 * 65536


@pytest.mark.parametrize("body", ["unreachable", "(call $exit (i32.const 0))"])
def test_what_has_not_returned_leaves_no_image(body: str, layer: Callable[..., Layer]) -> None:
    one = layer(body)
    _, taking, report = one.initialise()
    assert (taking.size, report) == (0, {})
    assert os.fstat(one.target).st_size == 0


def test_an_image_too_large_is_none(layer: Callable[..., Layer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGE_BYTES_MAX", 65536)
    with pytest.raises(HostFailed) as found:
        layer().initialise()
    assert found.value.code == "host.image"


def test_too_many_globals_and_other_kinds_are_none(layer: Callable[..., Layer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGE_GLOBALS_MAX", 0)
    with pytest.raises(HostFailed):
        layer().initialise()
    with pytest.raises(HostFailed):
        subject._taken(b"v", Value(kind=4))


def size_of(number: int) -> GlobalValue:
    return GlobalValue(name="size", kind=0, bits=number)


def test_what_does_not_fit_ends_the_call_before_it_begins(layer: Callable[..., Layer]) -> None:
    one = layer()
    _, taking, _ = one.initialise()
    os.ftruncate(one.target, 40 * 65536)
    for size, globals_, memory in (
        (4 * 65536, taking.globals, 16 << 20),
        (40 * 65536, taking.globals, 1 << 20),
        (taking.size, (GlobalValue(name="none", kind=0, bits=0),), 16 << 20),
        (taking.size, (GlobalValue(name="memory", kind=0, bits=0),), 16 << 20),
        (taking.size, (GlobalValue(name="size", kind=1, bits=0),), 16 << 20),
    ):
        ending, said = one.call(size, globals_, memory=memory)
        assert (ending.kind, said) == ("start", b"")
    assert one.call(taking.size, (size_of(5),))[1] == b"*" + BUNDLE[:5]


def test_what_cannot_be_mapped_ends_the_call(layer: Callable[..., Layer], monkeypatch: pytest.MonkeyPatch) -> None:
    one = layer()
    _, taking, _ = one.initialise()
    monkeypatch.setattr(keeping, "_mmap", lambda *_: 0)
    ending, _ = one.call(taking.size, taking.globals)
    assert (ending.kind, "cannot be mapped" in ending.detail) == ("start", True)


def test_bits_beyond_a_kind_are_left_out() -> None:
    assert subject._value(GlobalValue(name="a", kind=0, bits=2**40 + 5)).of.i64 == 5
    assert subject._value(GlobalValue(name="a", kind=1, bits=2**40 + 5)).of.i64 == 2**40 + 5
