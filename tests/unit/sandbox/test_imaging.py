"""Images, made and used in real, jailed workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.drive import drive
from mpp.stages.sandbox import Compiled, compile_wasm, frames, Image, image_spec, imaging, make_image, Making, Worker, Zygote
from mpp.stages.sandbox.imaging import bundle
from mpp.stages.sandbox.types import Ending
from tests import layered
from tests.unit.sandbox.conftest import call, order


FILES = (("app/main.py", b"print()"), ("lib/b.txt", b""), ("data/a.bin", bytes(3)))
BUNDLE = b'MPPB1 0000002a 1 89\n{"entrypoint":"app/main.py","files":[["app/main.py",7],["lib/b.txt",0],["data/a.bin",3]]}print()\0\0\0'


@pytest.fixture
def compiled() -> Iterator[Callable[..., Compiled]]:
    made: list[Compiled] = []

    def make(*words: str) -> Compiled:
        made.append(compile_wasm(layered.wasm(*words), None))
        return made[-1]

    yield make
    for one in made:
        os.close(one.fd)


@pytest.fixture
def image(zygote: Zygote) -> Iterator[Callable[..., Image]]:
    made: list[Image] = []

    def make(compiled: Compiled, **more: object) -> Image:
        made.append(drive(make_image(zygote, making(compiled, **more))))
        return made[-1]

    yield make
    for one in made:
        os.close(one.fd)


def making(compiled: Compiled, **more: object) -> Making:
    return replace(Making(compiled=compiled, files=FILES, entrypoint="app/main.py", hash_seed=42, memory_bytes=16 << 20, seconds=60.0), **more)


@pytest.fixture
def worker(zygote: Zygote) -> Iterator[Callable[..., Worker]]:
    made: list[Worker] = []

    def make(compiled: Compiled, image: Image, memory: int = 16 << 20) -> Worker:
        spec = {"memory_bytes": memory, "component": False, "folders": [], "devices": [], "image": dict(image_spec(image))}
        made.append(drive(zygote.spawn(spec, (compiled.fd, image.fd))))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def test_the_bundle_is_written_as_the_contract_says() -> None:
    assert bundle(FILES, "app/main.py", 42, imports=True) == BUNDLE
    assert bundle((), "x.py", 0, imports=False) == b'MPPB1 00000000 0 32\n{"entrypoint":"x.py","files":[]}'


def test_a_bundle_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imaging.limits, "BUNDLE_BYTES_MAX", len(BUNDLE) - 1)
    with pytest.raises(Refused) as found:
        bundle(FILES, "app/main.py", 42, imports=True)
    assert found.value.code == "layer.bundle"


def test_calls_begin_with_the_image_and_leave_it_as_it_was(
    compiled: Callable[..., Compiled], image: Callable[..., Image], worker: Callable[..., Worker]
) -> None:
    code = compiled()
    made = image(code)
    assert (made.size, made.imported, made.note) == (5 * 65536, True, "")
    assert [(one.name, one.bits) for one in made.globals] == [("size", len(BUNDLE))]
    one = worker(code, made)
    for text in (b"first", b"second"):
        run = call(one, order(text))
        # The counter counts from the image each time: 42 is "*".
        assert (run.fault, run.exit_code, run.stdout) == (None, 0, b"*" + BUNDLE + text)
        assert run.reusable


def test_the_same_files_give_the_same_image(compiled: Callable[..., Compiled], image: Callable[..., Image]) -> None:
    code = compiled("(drop (call $random (i32.const 5000) (i32.const 64))) (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 5100)))")
    one, other = (os.pread(image(code).fd, 5 * 65536 + 4096, 0) for _ in range(2))
    assert one == other
    assert one[5000:5064] != bytes(64)
    assert int.from_bytes(one[5100:5108], "little") == imaging.INITIAL_NOW_NS


def test_a_layer_without_an_image_says_so(compiled: Callable[..., Compiled], zygote: Zygote) -> None:
    spec = {"memory_bytes": 16 << 20, "component": False, "folders": [], "devices": []}
    one = drive(zygote.spawn(spec, (compiled().fd,)))
    run = call(one, order(b"x"))
    assert (run.exit_code, run.stdout, run.stderr) == (70, b"", b"not initialised\n")
    one.kill()


def test_memory_that_grew_is_there_in_a_call(compiled: Callable[..., Compiled], image: Callable[..., Image], worker: Callable[..., Worker]) -> None:
    code = compiled(
        layered.KEEP + "(drop (memory.grow (i32.const 20))) (i32.store (i32.const 1600000) (i32.const 0x21212121))",
        "(call $say (i32.const 1) (i32.const 1600000) (i32.const 4)) (drop (memory.grow (i32.const 10))) (i32.store (i32.const 2200000) (i32.const 0x3f3f3f3f))"
        "(call $say (i32.const 1) (i32.const 2200000) (i32.const 4)) (call $say (i32.const 1) (i32.const 2200004) (i32.const 1))",
    )
    made = image(code)
    assert made.size == 25 * 65536
    one = worker(code, made)
    assert [call(one, order(b"")).stdout for _ in range(2)] == [b"!!!!????\0"] * 2


def test_all_kinds_of_globals_are_kept(compiled: Callable[..., Compiled], image: Callable[..., Image], worker: Callable[..., Worker]) -> None:
    more = """(global $a (export "a") (mut i32) (i32.const 0)) (global $b (export "b") (mut i64) (i64.const 0))
    (global $c (export "c") (mut f32) (f32.const 0)) (global $d (export "d") (mut f64) (f64.const 0)) (global $e (export "e") i32 (i32.const 3))"""
    code = compiled(
        "(global.set $a (i32.const -2)) (global.set $b (i64.const -3)) (global.set $c (f32.const 1.5)) (global.set $d (f64.const -0.25))",
        """(i32.store (i32.const 1024) (global.get $a)) (i64.store (i32.const 1028) (global.get $b)) (f32.store (i32.const 1036) (global.get $c))
        (f64.store (i32.const 1040) (global.get $d)) (call $say (i32.const 1) (i32.const 1024) (i32.const 24))""",
        more,
    )
    made = image(code)
    assert {one.name: one.bits for one in made.globals} == {"size": 0, "a": 2**32 - 2, "b": 2**64 - 3, "c": 0x3FC00000, "d": 0xBFD0000000000000}
    run = call(worker(code, made), order(b""))
    assert run.stdout.hex() == "feffffff" + "fdffffffffffffff" + "0000c03f" + "000000000000d0bf"


FAILS = {
    "exit": ("(call $exit (i32.const 0))", "ended with code 0"),
    "trap": ("unreachable", "unreachable"),
    "end with words": ("(call $say (i32.const 2) (i32.const 2048) (i32.const 16)) (call $exit (i32.const 70))", "it says: not initialised"),
}


@pytest.mark.parametrize("name", FAILS)
def test_a_layer_that_does_not_return_is_refused(name: str, compiled: Callable[..., Compiled], zygote: Zygote) -> None:
    body, words = FAILS[name]
    with pytest.raises(Refused) as found:
        drive(make_image(zygote, making(compiled(body))))
    assert found.value.code == "layer.initialise"
    assert words in found.value.message


def test_a_tool_that_cannot_be_imported_yet_is_imported_in_its_calls(compiled: Callable[..., Compiled], image: Callable[..., Image]) -> None:
    # Byte 15 of the bundle says whether to import.
    code = compiled(layered.KEEP + "(if (i32.eq (i32.load8_u (i32.const 4111)) (i32.const 49)) (then unreachable))")
    made = image(code)
    assert not made.imported
    assert "unreachable" in made.note
    assert os.pread(made.fd, 16, 4096) == b"MPPB1 0000002a 0"


def test_whether_made_or_not_no_descriptor_is_left(compiled: Callable[..., Compiled], zygote: Zygote) -> None:
    codes = [compiled(), compiled("unreachable")]
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(Refused):
        drive(make_image(zygote, making(codes[1])))
    os.close(drive(make_image(zygote, making(codes[0]))).fd)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_an_image_that_is_more_than_the_memory_of_the_call(
    compiled: Callable[..., Compiled], image: Callable[..., Image], worker: Callable[..., Worker]
) -> None:
    code = compiled(layered.KEEP + "(drop (memory.grow (i32.const 40)))")
    one = worker(code, image(code))
    run = call(one, order(b"", memory=2 << 20))
    assert run.fault is not None
    assert (run.fault.code, run.stdout) == ("tool.start", b"")
    assert call(one, order(b"x")).fault is None


def test_an_image_of_another_layer_is_not_laid_under(compiled: Callable[..., Compiled], image: Callable[..., Image], worker: Callable[..., Worker]) -> None:
    made = image(compiled(layered.KEEP, layered.START, '(global (export "more") (mut i32) (i32.const 0))'))
    run = call(worker(compiled(), made), order(b""))
    assert run.fault is not None
    assert run.fault.code == "tool.start"
    assert "another layer" in run.fault.message


def test_an_image_that_is_smaller_than_the_memory_is_not_laid_under(
    compiled: Callable[..., Compiled], image: Callable[..., Image], worker: Callable[..., Worker]
) -> None:
    made = image(compiled())
    run = call(worker(compiled(), replace(made, size=4 * 65536)), order(b""))
    assert run.fault is not None
    assert "larger than its image" in run.fault.message


def test_an_image_that_is_not_sealed_starts_no_worker(compiled: Callable[..., Compiled], image: Callable[..., Image], zygote: Zygote) -> None:
    made = image(compiled())
    fd = os.memfd_create("open", os.MFD_CLOEXEC)
    os.truncate(fd, made.size)
    try:
        spec = {"memory_bytes": 16 << 20, "component": False, "folders": [], "devices": [], "image": dict(image_spec(made))}
        with pytest.raises(HostFailed):
            drive(zygote.spawn(spec, (compiled().fd, fd)))
    finally:
        os.close(fd)


def finished(kind: str = "exit", talk: bytes = b'{"size": 65536, "globals": []}', stderr: bytes = b"", detail: str = "") -> frames.Finished:
    return frames.Finished(ending=Ending(kind=kind, detail=detail), stdout=b"", stderr=stderr, stderr_cut=0, talk=talk)


def test_what_a_worker_reports_of_an_image_is_judged() -> None:
    assert imaging._report(finished()) == (65536, ())
    for talk in (b"[]", b"{", b'{"size": 1, "globals": []}', b'{"globals": []}', b'{"size": 65536, "globals": [["sp", 9, "0"]]}'):
        with pytest.raises(HostFailed) as found:
            imaging._report(finished(talk=talk))
        assert found.value.code == "host.image"
    with pytest.raises(HostFailed):
        imaging._report(finished(kind="trap"))
    with pytest.raises(HostFailed) as failed:
        imaging._report(finished(kind="host", talk=b"", detail="no room"))
    assert "no room" in failed.value.message


def test_the_words_of_a_guest_are_bounded_and_of_one_line() -> None:
    with pytest.raises(Refused) as found:
        imaging._report(finished(kind="deadline", talk=b"", stderr=b"\x1b[31m" + b"x" * 10_000 + b"\nlast"))
    assert "did not end in time" in found.value.message
    assert len(found.value.message) < 2_000
    assert found.value.message.isprintable()


def test_a_file_that_grew_after_its_report_is_no_image() -> None:
    fd = os.memfd_create("grown", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(fd, 2 * 65536)
    with pytest.raises(HostFailed):
        imaging._closed(fd, 65536, (), imports=True, note="")
    os.close(fd)


def test_what_cannot_be_sealed_is_no_image() -> None:
    fd = os.memfd_create("unsealable", os.MFD_CLOEXEC)
    with pytest.raises(HostFailed) as found:
        imaging._closed(fd, 65536, (), imports=True, note="")
    assert "sealed" in found.value.message
    os.close(fd)


def test_without_descriptors_no_image_is_begun(compiled: Callable[..., Compiled], zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(24, "Too many open files")

    code = compiled()
    monkeypatch.setattr(imaging.os, "memfd_create", full)
    with pytest.raises(HostFailed) as found:
        drive(make_image(zygote, making(code)))
    assert found.value.code == "host.image"
