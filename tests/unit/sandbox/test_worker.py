"""The worker's own side, in this process: the loop over a channel, and how it loads its code."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from mpp.errors import HostFailed
from mpp.jail import sealed_memory
from mpp.stages.sandbox import frames
from mpp.stages.sandbox import worker as subject
from mpp.stages.sandbox.core import CoreRunner, Linked
from mpp.stages.sandbox.guest import CallGuest
from mpp.stages.sandbox.placing import Taking
from tests import layered
from tests.unit.sandbox import guests
from tests.unit.sandbox.conftest import order
from tests.unit.sandbox.runner import Runner


class Gone(BaseException):
    """The process would have ended here."""


class Line:
    """The host's end of a channel, and a server behind the other one in a thread."""

    def __init__(self, wasm: bytes) -> None:
        self.runner = Runner(wasm)
        self.host, self.channel = socket.socketpair()
        self.host.settimeout(10)
        self.server = subject._Server(self.channel, self.runner.core, self.runner.timer, lambda order, ask: CallGuest(order, self.runner.grants, ask))
        self.ended: list[object] = []
        self.buffer = bytearray()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        try:
            self.ended.append(self.server.run())
        except Gone as gone:
            self.ended.append(gone.args[0])
        finally:
            self.channel.close()

    def next(self) -> tuple[int, bytes]:
        while True:
            for message in frames.split(self.buffer):
                return message
            piece = self.host.recv(1 << 16)
            assert piece, "the server ended"
            self.buffer += piece

    def call(self, **more: object) -> frames.Finished:
        self.host.sendall(frames.pack_order(order(**more)))  # type: ignore[arg-type]
        kind, body = self.next()
        assert kind == frames.DONE
        return frames.read_finished(body)

    def close(self) -> object:
        self.host.close()
        self.thread.join(10)
        self.runner.close()
        return self.ended


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Line]]:
    def leave(code: int) -> None:
        raise Gone(code)

    monkeypatch.setattr(subject.os, "_exit", leave)
    made: list[Line] = []
    yield made
    for one in made:
        one.close()


def opened(line: list[Line], body: str, more: str = "") -> Line:
    line.append(Line(guests.guest(body, more=more)))
    return line[-1]


def test_orders_are_served_one_after_the_other(line: list[Line]) -> None:
    one = opened(line, guests.ECHO)
    assert [one.call(stdin=text).stdout for text in (b"a", b"bb", b"")] == [b"a", b"bb", b""]
    assert one.close() == [0]
    line.clear()


def test_each_end_is_told(line: list[Line]) -> None:
    one = opened(line, guests.TRAP)
    assert (one.call().ending.kind, one.call().ending.kind) == ("trap", "trap")


def test_a_host_call_goes_out_and_comes_back(line: list[Line]) -> None:
    one = opened(line, guests.HOST_CALL)
    one.host.sendall(frames.pack_order(order(b'{"method": "m"}')))
    assert one.next() == (frames.ASK, b'{"method": "m"}')
    one.host.sendall(frames.frame(frames.ANSWER, b"the answer"))
    kind, body = one.next()
    assert (kind, frames.read_finished(body).stdout) == (frames.DONE, b"the answer")


def test_another_message_than_an_order_ends_the_worker(line: list[Line]) -> None:
    one = opened(line, guests.ECHO)
    one.host.sendall(frames.frame(frames.ANSWER, b""))
    one.thread.join(10)
    assert one.ended == [None]


def test_a_module_that_cannot_speak_is_an_end_too(line: list[Line]) -> None:
    from wasmtime import wat2wasm

    line.append(Line(wat2wasm('(module (func (export "_start")))')))
    assert line[0].call().ending.kind == "host"


def test_only_sealed_code_is_loaded(tmp_path) -> None:
    runner = Runner(guests.guest(guests.ECHO))
    native = runner.engine.compile(guests.guest(guests.ECHO))
    (tmp_path / "native").write_bytes(native)
    fd = os.open(tmp_path / "native", os.O_RDONLY)
    with pytest.raises(OSError, match="not sealed"):
        subject._load(runner.engine, fd, component=False)
    os.close(fd)
    sealed = sealed_memory(native)
    module, mapped = subject._load(runner.engine, sealed, component=False)
    # What the engine keeps open must be known: the barriers close all else.
    assert all(os.fstat(one).st_size for one in mapped)
    with pytest.raises(OSError):
        os.fstat(sealed)
    runner.engine.close_module(module)
    runner.close()


class Stub:
    """What the start needs of the zygote where it fails before it looks at the engine."""

    api = engine = linked = None
    root = None
    network = "holds"


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (HostFailed("host.barrier", "no seccomp", hint="do"), {"code": "host.barrier", "message": "no seccomp", "hint": "do"}),
        (
            OSError(1, "Operation not permitted"),
            {"code": "host.barrier", "message": "a barrier cannot be set up: Operation not permitted", "hint": "run `mpp doctor`"},
        ),
    ],
)
def test_a_start_that_fails_is_told_and_nothing_runs(monkeypatch: pytest.MonkeyPatch, fault: Exception, wanted: dict[str, str]) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(subject, "_start", fail)
    monkeypatch.setattr(subject.signal, "signal", lambda *_: None)
    host, channel = socket.socketpair()
    subject.main(Stub(), {}, [channel.detach()])  # type: ignore[arg-type]
    ((kind, body),) = frames.split(bytearray(host.recv(1000)))
    assert (kind, json.loads(body)) == (frames.FAILED, wanted)
    host.close()


def test_a_folder_that_cannot_be_made_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OSError(30, "Read-only file system")

    found = subject._gone_folder()
    if found is not None:
        os.close(found)
    monkeypatch.setattr(subject.process, "gone_folder", fail)
    assert subject._gone_folder() is None


def test_an_order_keeps_its_form() -> None:
    """Both sides are the same release; a change of the layout is a change of both."""
    assert struct.calcsize("<dBQ32sIII") == frames._CALL.size


def test_the_code_of_a_layer_is_loaded_by_an_engine_without_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a pool keeps the memory of an instance, and with it the mapped image, for the next one."""
    runner = Runner(guests.guest(guests.ECHO))
    stub = Stub()
    stub.api = runner.engine.api
    sealed = sealed_memory(runner.engine.compile(layered.wasm()))
    real, asked = subject.Engine, []
    monkeypatch.setattr(subject, "Engine", lambda api, *, pooled: asked.append(pooled) or real(api, pooled=pooled))
    engine, module, mapped = subject._layer_code(stub, sealed)
    assert engine is not runner.engine
    assert asked == [False]
    assert all(os.fstat(one).st_size for one in mapped)
    core = CoreRunner(engine, module, Linked(engine), Taking(engine.api, -1))
    core.close()
    engine.close_module(module)
    runner.close()
