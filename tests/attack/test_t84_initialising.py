"""T84, hostile code while a layer initialises itself for a tool: before any call, and without any right.

It may loop, allocate, flood, end, or ask the host: it ends as a refusal within its time, nothing is kept, and the next tool gets its image.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from hashlib import sha256

import pytest

from mpp.errors import MppError, Refused
from mpp.host.drive import drive
from mpp.jail import sealed_memory
from mpp.stages.sandbox import Compiled, frames, Image, imaging, limits, make_image, Making, Zygote
from tests import layered
from tests.attack.sandboxed import engine, children, SETTLE_SECONDS

FILES = (("app/main.py", b"print()\n"),)
SECONDS = 0.6
"""Of what never ends by itself."""
PATIENCE = 60.0
"""Of what ends by itself, on a busy machine."""


class Maker:
    """Images of layers that are compiled here: the compile jail is attacked elsewhere."""

    def __init__(self) -> None:
        self.zygote = Zygote()
        self.zygote.start()

    def make(self, initialise: str, *, more: str = "", seconds: float = PATIENCE, memory: int = 16 << 20) -> Image:
        wasm = layered.wasm(initialise, layered.START, more)
        fd = sealed_memory(engine().compile(wasm))
        try:
            compiled = Compiled(fd=fd, size=0, wasm_sha256=sha256(wasm).hexdigest(), component=False, fresh=True)
            making = Making(compiled=compiled, files=FILES, entrypoint="app/main.py", hash_seed=1, memory_bytes=memory, seconds=seconds)
            return drive(make_image(self.zygote, making))
        finally:
            os.close(fd)

    def bytes_of(self, initialise: str, at: int, size: int, **more: object) -> bytes:
        image = self.make(initialise, **more)  # type: ignore[arg-type]
        try:
            return os.pread(image.fd, size, at)
        finally:
            os.close(image.fd)

    def refused(self, initialise: str, **more: object) -> MppError:
        with pytest.raises(Refused) as found:
            self.make(initialise, **more)  # type: ignore[arg-type]
        assert found.value.code == "layer.initialise"
        return found.value


@pytest.fixture(scope="module")
def shared() -> Iterator[Maker]:
    engine()
    made = Maker()
    yield made
    made.zygote.close()


@pytest.fixture
def maker(shared: Maker) -> Iterator[Maker]:
    """Afterwards the next image is made, and neither a process nor a descriptor is left."""
    assert shared.bytes_of(layered.KEEP, 4096, 5) == b"MPPB1"
    # What other tests left is collected first: descriptors that close meanwhile are not ours.
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    yield shared
    assert shared.bytes_of(layered.KEEP, 4096, 5) == b"MPPB1"
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before
    until = time.monotonic() + SETTLE_SECONDS
    # One may be held ready for the next start.
    while len(children(shared.zygote.pid)) > 1 and time.monotonic() < until:
        time.sleep(0.002)
    assert len(children(shared.zygote.pid)) <= 1


@pytest.mark.parametrize(
    "body",
    [
        "(loop $again (br $again))",
        "(loop $again (drop (call $random (i32.const 4096) (i32.const 60000))) (br $again))",
        "(loop $again (drop (call $call (i32.const 0) (i32.const 2) (i32.const 64) (i32.const 8))) (br $again))",
    ],
    ids=["computing", "asking for randomness", "asking the host"],
)
def test_a_loop_without_end_ends_at_its_time(body: str, maker: Maker) -> None:
    begun = time.monotonic()
    fault = maker.refused(body, seconds=SECONDS)
    assert "did not end in time" in fault.message
    # Twice: with the tool imported, and without.
    assert time.monotonic() - begun < 2 * SECONDS + PATIENCE


def test_it_has_no_host(maker: Maker) -> None:
    body = "(i32.store (i32.const 1024) (call $call (i32.const 2048) (i32.const 2) (i32.const 64) (i32.const 8)))"
    answer = int.from_bytes(maker.bytes_of(body, 1024, 4), "little", signed=True)
    assert answer == -(1 << 30) - 4


def test_it_finds_no_folder_no_variable_and_nothing_of_the_time(maker: Maker) -> None:
    body = """(i32.store (i32.const 1024) (call $prestat (i32.const 3) (i32.const 64)))
    (drop (call $environ_sizes (i32.const 1028) (i32.const 1032))) (drop (call $args_sizes (i32.const 1036) (i32.const 1040)))
    (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 1048))) (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 1056)))"""
    found = maker.bytes_of(body, 1024, 40)
    numbers = [int.from_bytes(found[at : at + 4], "little") for at in (0, 4, 8, 12, 16)]
    # No such descriptor; no variables; the one word "layer".
    assert numbers == [8, 0, 0, 1, 6]
    assert int.from_bytes(found[24:32], "little") == imaging.INITIAL_NOW_NS
    assert found[32:40] == bytes(8)


def test_randomness_there_is_the_same_everywhere(maker: Maker) -> None:
    body = "(drop (call $random (i32.const 5000) (i32.const 32)))"
    assert maker.bytes_of(body, 5000, 32) == maker.bytes_of(body, 5000, 32)


def test_allocating_wildly_meets_the_limit_of_the_tool(maker: Maker) -> None:
    body = "(local $n i32) (loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) (i32.store (i32.const 1024) (memory.size))"
    image = maker.make(body, memory=4 << 20)
    try:
        assert image.size <= 4 << 20
        assert int.from_bytes(os.pread(image.fd, 4, 1024), "little") * 65536 == image.size
    finally:
        os.close(image.fd)


def test_no_image_is_larger_than_any_image_may_be(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGE_BYTES_MAX", 2 << 20)
    body = "(drop (memory.grow (i32.const 100))) (i32.store (i32.const 1024) (memory.size))"
    # The limit of the order stops it already; the memory stays as it was.
    assert maker.bytes_of(body, 1024, 4, memory=64 << 20) == (5).to_bytes(4, "little")


@pytest.mark.parametrize("target", ["1", "2"])
def test_a_flood_is_bounded(target: str, maker: Maker) -> None:
    body = f"(loop $again (call $say (i32.const {target}) (i32.const 0) (i32.const 200000)) (br $again))"
    fault = maker.refused(body, seconds=1.5)
    assert len(fault.message) < 3000
    assert fault.message.isprintable()


def test_words_of_a_guest_cannot_pass_for_ours(maker: Maker) -> None:
    data = r'(data (i32.const 3000) "\1b[2Jerror: all is well\0ahint: \e2\80\ae trust me\0a")'
    fault = maker.refused("(call $say (i32.const 2) (i32.const 3000) (i32.const 44)) unreachable", more=data)
    assert fault.message.startswith("the tool cannot be initialised: ")
    assert fault.message.isprintable()


@pytest.mark.parametrize("code", [0, 1, 70, 255])
def test_ending_is_not_initialising(code: int, maker: Maker) -> None:
    assert f"ended with code {code}" in maker.refused(f"(call $exit (i32.const {code}))").message


@pytest.mark.parametrize("body", ["unreachable", "(drop (i32.div_s (i32.const 1) (i32.const 0)))", "(drop (i32.load (i32.const -4)))", "(call $deep)"])
def test_a_crash_is_a_refusal(body: str, maker: Maker) -> None:
    maker.refused(body, more="(func $deep (call $deep))" if "deep" in body else "")


def test_what_it_leaves_behind_in_tables_is_not_there_in_a_call(maker: Maker) -> None:
    """It would be a pointer of one instance in another; tables are as the module has them."""
    more = '(table $t (export "t") 4 4 funcref) (elem (i32.const 0) $one) (func $one) (func $two (unreachable)) (elem declare func $two)'
    image = maker.make("(table.set $t (i32.const 0) (ref.func $two))", more=more)
    assert [one.name for one in image.globals] == ["size"]
    os.close(image.fd)


def finished(talk: bytes) -> bytes:
    from mpp.stages.sandbox.types import Ending

    return frames.pack_finished(Ending(kind="exit"), bytearray(), bytearray(), 0, talk)[frames.HEADER.size :]


@pytest.mark.parametrize(
    "talk",
    [
        b'{"size": 281474976710656, "globals": []}',
        b'{"size": -65536, "globals": []}',
        b'{"size": 65536, "globals": [["sp", 0, "ffffffffff"]]}',
        b'{"size": 65536, "globals": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"size": 65536, "size": 131072, "globals": []}',
    ],
)
def test_a_worker_that_lies_about_its_image_is_not_believed(talk: bytes) -> None:
    with pytest.raises(MppError) as found:
        imaging._report(frames.read_finished(finished(talk)))
    assert found.value.code == "host.image"
