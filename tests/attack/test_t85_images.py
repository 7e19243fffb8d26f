"""T85, images in calls: a tool looks for other tools, other calls or other agents in the memory that it begins with, or tries to leave something there.

Two tools stand on one layer. Whatever one does, the other's image and its own next call are as they were.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.drive import drive
from mpp.jail import is_sealed, sealed_memory
from mpp.model.jsontext import Json
from mpp.stages.gatekeeper import judge_unsigned
from mpp.stages.archive import read_archive
from mpp.stages.sandbox import Compiled, Image, image_spec, make_image, Making, Run, Worker, Zygote
from tests import layered
from tests.attack.sandboxed import code, engine, PATIENCE, pid_of
from tests.unit.sandbox.conftest import call, order

SECRET_A, SECRET_B = b"alpha-" + b"A" * 40, b"bravo-" + b"B" * 40
DUMP = """(local $at i32) (loop $again
  (call $say (i32.const 1) (local.get $at) (i32.const 32768))
  (local.set $at (i32.add (local.get $at) (i32.const 32768)))
  (br_if $again (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))"""
"""A call: say all of one's memory."""
SPOIL = """(local $at i32) (call $say (i32.const 1) (i32.const 4096) (i32.const 130)) (loop $again
  (memory.fill (i32.add (i32.const 16) (local.get $at)) (i32.const 90) (i32.const 65000))
  (local.set $at (i32.add (local.get $at) (i32.const 65536)))
  (br_if $again (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
  (global.set $size (i32.const 7)) (drop (memory.grow (i32.const 20)))
  (memory.fill (i32.mul (i32.const 6) (i32.const 65536)) (i32.const 90) (i32.const 65536))"""
"""A call: say what one began with, then overwrite all of it, and more."""


class Bench:
    """One zygote; tools on one layer."""

    def __init__(self) -> None:
        self.zygote = Zygote()
        self.zygote.start()
        self.fds: list[int] = []
        self.workers: list[Worker] = []

    def layer(self, start: str, initialise: str = layered.KEEP) -> Compiled:
        wasm = layered.wasm(initialise, start)
        self.fds.append(sealed_memory(engine().compile(wasm)))
        return Compiled(fd=self.fds[-1], size=0, wasm_sha256=sha256(wasm).hexdigest(), component=False, fresh=True)

    def image(self, compiled: Compiled, secret: bytes) -> Image:
        making = Making(compiled=compiled, files=(("app/main.py", secret),), entrypoint="app/main.py", hash_seed=1, memory_bytes=16 << 20)
        made = drive(make_image(self.zygote, making))
        self.fds.append(made.fd)
        return made

    def worker(self, compiled: Compiled, image: Image, memory: int = 16 << 20) -> Worker:
        spec: Mapping[str, Json] = {"memory_bytes": memory, "component": False, "folders": [], "devices": [], "image": dict(image_spec(image))}
        self.workers.append(drive(self.zygote.spawn(spec, (compiled.fd, image.fd))))
        return self.workers[-1]

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        for fd in self.fds:
            os.close(fd)
        self.zygote.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    engine()
    made = Bench()
    yield made
    made.close()


def said(worker: Worker, text: bytes = b"") -> bytes:
    run = call(worker, order(text))
    assert run.fault is None
    return run.stdout


def test_no_image_and_no_call_holds_bytes_of_another_tool(bench: Bench) -> None:
    layer = bench.layer(DUMP)
    one, other = bench.image(layer, SECRET_A), bench.image(layer, SECRET_B)
    for image, mine, theirs in ((one, SECRET_A, SECRET_B), (other, SECRET_B, SECRET_A)):
        whole = os.pread(image.fd, image.size + 4096, 0)
        assert mine in whole
        assert theirs not in whole
    # Workers of both, in turns; each says all of its memory.
    workers = [bench.worker(layer, one), bench.worker(layer, other)]
    for _ in range(3):
        seen = [said(worker) for worker in workers]
        assert [SECRET_A in seen[0], SECRET_B in seen[0]] == [True, False]
        assert [SECRET_A in seen[1], SECRET_B in seen[1]] == [False, True]


def test_what_a_call_writes_is_seen_by_no_other(bench: Bench) -> None:
    layer = bench.layer(SPOIL)
    image = bench.image(layer, SECRET_A)
    before = os.pread(image.fd, image.size + 4096, 0)
    workers = [bench.worker(layer, image) for _ in range(2)]
    for worker in (*workers, *workers, *workers):
        found = said(worker, b"spoil")
        assert found.startswith(b"MPPB1 00000001 1 ")
        assert SECRET_A in found
    assert os.pread(image.fd, image.size + 4096, 0) == before


def test_the_next_call_finds_nothing_of_the_one_before(bench: Bench) -> None:
    start = DUMP.replace("(loop", "(drop (call $take (i32.const 262144) (i32.const 60000))) (loop", 1)
    layer = bench.layer(start)
    worker = bench.worker(layer, bench.image(layer, SECRET_A))
    assert b"of the first call" in said(worker, b"of the first call")
    assert b"of the first call" not in said(worker, b"second")


def test_memory_beyond_the_image_is_empty_also_after_others_used_it(bench: Bench) -> None:
    start = """(if (i32.eqz (memory.grow (i32.const 32))) (then)) (call $say (i32.const 1) (i32.const 400000) (i32.const 60000))
    (memory.fill (i32.const 327680) (i32.const 77) (i32.const 2000000))"""
    layer = bench.layer(start)
    worker = bench.worker(layer, bench.image(layer, SECRET_A))
    for _ in range(3):
        assert said(worker) == bytes(60000)


def test_an_image_is_sealed_and_its_worker_cannot_change_it(bench: Bench) -> None:
    layer = bench.layer(layered.START)
    image = bench.image(layer, SECRET_A)
    assert is_sealed(image.fd)
    for act in (lambda: os.pwrite(image.fd, b"x", 0), lambda: os.ftruncate(image.fd, 0)):
        with pytest.raises(OSError, match=r"permitted|Bad file"):
            act()
    worker = bench.worker(layer, image)
    said(worker)
    try:
        maps = Path(f"/proc/{pid_of(worker)}/maps").read_text()
    except PermissionError:
        pytest.skip("only root looks into a worker")
    assert "mpp-native" in maps or "memfd" in maps
    # What is kept between calls can be run by nobody, and what all calls share can be written by nobody.
    kept = [line.split() for line in maps.splitlines() if "mpp-image" in line]
    assert {words[1] for words in kept} <= {"r--s", "rw-p"}


def test_what_a_worker_keeps_between_calls_is_the_image_and_nothing_of_a_call(bench: Bench) -> None:
    layer = bench.layer(SPOIL)
    image = bench.image(layer, SECRET_A)
    worker = bench.worker(layer, image)
    for _ in range(3):
        said(worker)
    wanted, until = os.pread(image.fd, image.size, 0), time.monotonic() + PATIENCE
    # The answer goes out before the worker tidies up.
    while (found := _kept(pid_of(worker), image.size)) != wanted and time.monotonic() < until:
        time.sleep(0.01)
    assert found == wanted


def _kept(pid: int, size: int) -> bytes:
    """The writable mapping of an image in a worker; nothing while it moves from one place to the other."""
    try:
        rows = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "mpp-image" in line and " rw-p " in line]
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except PermissionError:
        pytest.skip("only root looks into a worker")
    try:
        begin, end = (int(text, 16) for text in rows[0][0].split("-"))
        assert end - begin == size
        return os.pread(memory, size, begin)
    except (IndexError, OSError):
        return b""
    finally:
        os.close(memory)


def test_a_call_with_less_memory_than_the_image_does_not_begin(bench: Bench) -> None:
    layer = bench.layer(layered.START, layered.KEEP + "(drop (memory.grow (i32.const 60)))")
    worker = bench.worker(layer, bench.image(layer, SECRET_A))
    run: Run = call(worker, order(b"", memory=3 << 20))
    assert (code(run.fault), run.stdout) == ("tool.start", b"")
    assert call(worker, order(b"x")).fault is None


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        ("(loop $again (br $again))", "tool.deadline"),
        ("unreachable", "tool.trap"),
        ("(drop (i32.load (i32.const -4)))", "tool.trap"),
        ("(loop $again (call $say (i32.const 1) (i32.const 0) (i32.const 65536)) (br $again))", "tool.output"),
    ],
)
def test_a_hostile_call_ends_as_any_other_and_the_next_begins_with_the_image(start: str, wanted: str, bench: Bench) -> None:
    bad = bench.layer(f"(if (i32.eq (call $take (i32.const 262144) (i32.const 10)) (i32.const 3)) (then {start})) {layered.START}")
    image = bench.image(bad, SECRET_A)
    worker = bench.worker(bad, image)
    run = call(worker, order(b"bad", seconds=0.3) if wanted == "tool.deadline" else order(b"bad"))
    assert code(run.fault) == wanted
    if run.reusable:
        assert said(worker, b"good")[:6] == b"*MPPB1"
    assert said(bench.worker(bad, image), b"good")[:6] == b"*MPPB1"


def test_a_layered_worker_has_all_barriers(bench: Bench) -> None:
    layer = bench.layer(layered.START)
    worker = bench.worker(layer, bench.image(layer, SECRET_A))
    required = ("one thread", "closed descriptors", "no capabilities", "limits", "no new privileges", "not dumpable", "ends with its parent", "seccomp")
    assert all(worker.barriers[name] == "holds" for name in required)


@pytest.mark.parametrize(
    "more",
    [
        "(global $hidden (mut i32) (i32.const 0))",
        '(global (export "a") (mut i32) (i32.const 0)) (global $hidden (mut i64) (i64.const 0))',
        '(global (export "f") (mut funcref) (ref.null func))',
        '(global (export "v") (mut v128) (v128.const i64x2 0 0))',
        "(func $first) (start $first)",
    ],
)
def test_state_that_would_be_missing_from_an_image_is_refused_before_it_is_signed(more: str) -> None:
    with pytest.raises(Refused) as found:
        judge_unsigned(read_archive(layered.layer_body(layered.wasm(more=more))))
    assert found.value.code in {"wasm.layer_global", "wasm.layer_start"}
