"""T25, native code: bombs for the compiler, files that lie, text in place of code, and a cache that somebody changed."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.drive import drive
from mpp.stages.gatekeeper.wasm import read_wasm
from mpp.stages.gatekeeper.wasm_rules import judge_wasm
from mpp.stages.sandbox import NativeCache, compile_wasm
from mpp.testing.wasm import CORE, leb, module, section, vector
from tests.attack.sandboxed import MIB, Box, Host, code, wat

SMALL = module()
OTHER = module(body=b"\x01")
SECONDS, MEMORY = 20.0, 1536 * MIB
"""What compiling may use up here: less than in earnest, so that a bomb shows itself sooner."""


def body(raw: bytes) -> bytes:
    """One function of a hand-made file."""
    return leb(len(raw)) + raw


def deep(levels: int) -> bytes:
    return module(body=b"\x02\x40" * levels + b"\x0b" * levels)


def many_locals() -> bytes:
    raw = body(b"\x01" + leb(50_001) + b"\x7e" + b"\x0b")
    return CORE + section(1, vector([b"\x60\0\0"])) + section(3, vector([b"\0"])) + section(10, vector([raw]))


def branches(count: int) -> bytes:
    """Tables of jumps: little in the file, much in the code."""
    table = b"\x41\0\x0e" + vector([b"\0"] * count) + b"\0"
    return module(body=b"\x02\x40" + table + b"\x0b")


BOMBS: dict[str, Callable[[], bytes]] = {
    "a million functions": lambda: module(functions=1_000_000),
    "a hundred thousand functions": lambda: module(functions=100_000, body=b"\x41\0\x1a"),
    "one huge body": lambda: module(body=b"\x41\0\x1a" * 2_500_000),
    "deep blocks": lambda: deep(200_000),
    "fifty thousand locals": many_locals,
    "a huge jump table": lambda: branches(2_000_000),
    "many calls": lambda: module(body=b"\x10\0" * 1_500_000),
    "long arithmetic": lambda: module(memory=(1, None), body=b"\x41\0" + b"\x41\0\x28\0\0\x6a" * 1_000_000 + b"\x1a"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_for_the_compiler_ends_within_its_limits(name: str) -> None:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wasm = BOMBS[name]()
    try:
        compiled = compile_wasm(wasm, None, seconds=4.0, memory=512 * MIB)
        os.close(compiled.fd)
        found = ""
    except MppError as fault:
        found = fault.code
    assert found in {"", "wasm.compile_time", "wasm.compile_memory", "wasm.engine"}
    assert time.monotonic() - begun < 120
    # The compiler's memory is never ours.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


def test_the_limits_of_the_compiler_are_felt() -> None:
    wasm = module(functions=60_000, body=b"\x41\0\x41\0\x6a\x1a" * 10)
    with pytest.raises(Refused) as slow:
        compile_wasm(wasm, None, seconds=0.3)
    assert slow.value.code == "wasm.compile_time"
    with pytest.raises(Refused) as large:
        compile_wasm(wasm, None, memory=160 * MIB)
    assert large.value.code == "wasm.compile_memory"


@pytest.mark.parametrize(
    "data",
    [
        b"(module)", b'(module (memory (export "memory") 1) (func (export "_start")))', b"(component)", b" (module)", b"\n(module)", b";; text\n(module)",
        b"\0asm", b"", b"\x7fELF" + bytes(100), b"\0asm\x01\0\0\0junk", b"\0asm\x02\0\0\0", CORE[:4] + b"\x01\0\x01\0", bytes(64), b"#!/bin/sh\n",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_webassembly_is_neither_read_nor_compiled(data: bytes) -> None:
    # Attack: engines read text too, with a parser that no rule of ours has looked at.
    with pytest.raises(Refused):
        judge_wasm(read_wasm(data), "wasm32-wasip1", 16)
    with pytest.raises(Refused) as refused:
        os.close(compile_wasm(data, None).fd)
    assert refused.value.code == "wasm.engine"


LIES = {
    "an unknown module": '(module (import "host" "system" (func (param i32))) (memory (export "memory") 1) (func (export "_start")))',
    "an unknown function": '(module (import "wasi_snapshot_preview1" "proc_exec" (func)) (memory (export "memory") 1) (func (export "_start")))',
    "fewer arguments": '(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32) (result i32))) (memory (export "memory") 1) (func (export "_start")))',
    "wider arguments": '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32))) (memory (export "memory") 1) (func (export "_start")))',
    "no result": '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32))) (memory (export "memory") 1) (func (export "_start")))',
    "a number, not a function": '(module (import "wasi_snapshot_preview1" "fd_close" (global i32)) (memory (export "memory") 1) (func (export "_start")))',
    "a memory of the host": '(module (import "env" "memory" (memory 1)) (export "memory" (memory 0)) (func (export "_start")))',
    "a table of the host": '(module (import "env" "table" (table 1 funcref)) (memory (export "memory") 1) (func (export "_start")))',
    "an older interface": '(module (import "wasi_unstable" "fd_close" (func (param i32) (result i32))) (memory (export "memory") 1) (func (export "_start")))',
    "a name with a nul": '(module (import "wasi_snapshot_preview1" "fd_close\\00x" (func (param i32) (result i32))) (memory (export "memory") 1) (func (export "_start")))',
    "a host call of another type": '(module (import "mpp_host" "call" (func (param i64) (result i64))) (memory (export "memory") 1) (func (export "_start")))',
}


@pytest.mark.parametrize("name", LIES)
def test_an_import_that_lies_is_refused_twice(box: Box, name: str) -> None:
    wasm = wat(LIES[name])
    with pytest.raises(Refused):
        judge_wasm(read_wasm(wasm), "wasm32-wasip1", 16)
    # The engine does not link it either, should the first check ever fail.
    with pytest.raises((HostFailed, Refused)):
        drive(box.calling(wasm, host=Host()))


OFF = {
    "two memories": "(module (memory 1) (memory 1))",
    "a memory of 64 bits": "(module (memory i64 1))",
    "a shared memory": "(module (memory 1 2 shared))",
    "an atomic": "(module (memory 1 2 shared) (func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))))",
    "a tail call": "(module (func $f (return_call $f)))",
    "a struct": "(module (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1)))))",
    "relaxed vectors": "(module (func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))))",
    "small pages": "(module (memory 1 (pagesize 1)))",
    "wide arithmetic": "(module (func (result i64 i64) (i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1))))",
}


@pytest.mark.parametrize("name", OFF)
def test_features_that_are_off_do_not_compile(name: str) -> None:
    with pytest.raises(Refused) as refused:
        os.close(compile_wasm(wat(OFF[name]), None).fd)
    assert refused.value.code == "wasm.engine"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with two entries."""
    folder = tmp_path_factory.mktemp("cache") / "native"
    for wasm in (SMALL, OTHER):
        os.close(compile_wasm(wasm, NativeCache(str(folder), "test")).fd)
    return folder


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> NativeCache:
    shutil.copytree(filled, tmp_path / "native")
    return NativeCache(str(tmp_path / "native"), "test")


def digest(wasm: bytes) -> str:
    return hashlib.sha256(wasm).hexdigest()


def entry(cache: NativeCache, wasm: bytes = SMALL) -> Path:
    return Path(cache.folder) / f"{digest(wasm)}.{cache.stamp}.native"


def loads(cache: NativeCache, wasm: bytes = SMALL) -> bool:
    """Would the entry be run?"""
    fd = cache.load(digest(wasm))
    if fd is not None:
        os.close(fd)
    return fd is not None


def test_the_cache_works_at_all(cache: NativeCache) -> None:
    assert loads(cache)
    assert loads(cache, OTHER)


def test_no_changed_byte_is_run(cache: NativeCache) -> None:
    path = entry(cache)
    good = path.read_bytes()
    for at in (*range(64), *range(64, len(good), max(len(good) // 200, 1)), len(good) - 1):
        path.write_bytes(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :])
        assert not loads(cache), at
        # A file that lies is taken away at once.
        assert not path.exists()
    path.write_bytes(good)
    assert loads(cache)


@pytest.mark.parametrize("cut", [0, 1, 13, 44, 45, 46, 1000, -1])
def test_no_shorter_or_longer_file_is_run(cache: NativeCache, cut: int) -> None:
    good = entry(cache).read_bytes()
    for bad in (good[:cut], good + b"\0", good + good):
        entry(cache).write_bytes(bad)
        assert not loads(cache)


def test_no_entry_is_run_in_the_place_of_another(cache: NativeCache) -> None:
    one, two = entry(cache, SMALL).read_bytes(), entry(cache, OTHER).read_bytes()
    entry(cache, SMALL).write_bytes(two)
    entry(cache, OTHER).write_bytes(one)
    assert (loads(cache, SMALL), loads(cache, OTHER)) == (False, False)


def test_no_entry_of_another_engine_is_run(cache: NativeCache) -> None:
    newer = NativeCache(cache.folder, "another")
    shutil.copy(entry(cache), entry(newer))
    assert not loads(newer)


def test_no_link_pipe_or_folder_is_followed(cache: NativeCache, tmp_path: Path) -> None:
    path = entry(cache)
    moved = tmp_path / "elsewhere"
    path.rename(moved)
    path.symlink_to(moved)
    assert not loads(cache)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert not loads(cache)
    path.unlink(missing_ok=True)
    path.mkdir()
    assert not loads(cache)


@pytest.mark.parametrize("how", ["readable", "link", "folder", "empty", "long", "other"])
def test_a_key_that_others_may_know_is_not_believed(cache: NativeCache, tmp_path: Path, how: str) -> None:
    key = Path(cache.folder) / "key"
    if how == "readable":
        key.chmod(0o644)
    elif how == "link":
        key.rename(tmp_path / "key")
        key.symlink_to(tmp_path / "key")
    elif how == "folder":
        key.unlink()
        key.mkdir()
    else:
        key.write_bytes({"empty": b"", "long": bytes(33), "other": bytes(32)}[how])
        key.chmod(0o600)
    try:
        assert not loads(cache)
    except MppError as fault:
        assert fault.code in {"host.cache_key", "host.file"} or fault.code.startswith("host.")


def test_what_was_judged_is_what_is_run(cache: NativeCache) -> None:
    # Attack: somebody writes into the file after the check.
    fd = cache.load(digest(SMALL))
    assert fd is not None
    before = os.pread(fd, 1 << 20, 0)
    entry(cache).write_bytes(b"\xcc" * 100_000)
    assert os.pread(fd, 1 << 20, 0) == before
    with pytest.raises(OSError, match="not permitted"):
        os.pwrite(fd, b"\xcc", 0)
    os.close(fd)


def test_while_somebody_writes_nothing_half_is_run(cache: NativeCache) -> None:
    path, ended = entry(cache), threading.Event()
    good = path.read_bytes()
    bad = good[:60] + b"\xcc" * (len(good) - 60)

    def write() -> None:
        while not ended.is_set():
            for data in (bad, good):
                path.write_bytes(data)

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    try:
        for _ in range(300):
            fd = cache.load(digest(SMALL))
            if fd is not None:
                seen.add(os.pread(fd, len(good), 0))
                os.close(fd)
    finally:
        ended.set()
        thread.join()
    assert seen <= {good[45:]}


def test_a_tampered_entry_costs_a_compile_and_no_more(box: Box, cache: NativeCache) -> None:
    del box
    entry(cache).write_bytes(b"\x7fELF" + bytes(5000))
    compiled = compile_wasm(SMALL, cache)
    os.close(compiled.fd)
    assert compiled.fresh
    assert loads(cache)


def test_code_of_the_engine_that_is_none_does_not_load(box: Box) -> None:
    # The seal is what counts; this shows that the engine does not run plain junk either.
    from mpp.jail import sealed_memory

    wasm = module(body=b"\x01\x01\x01")
    fd = sealed_memory(b"\x7fELF" + bytes(4096))
    box._native[digest(wasm)] = fd
    with pytest.raises(HostFailed):
        drive(box.calling(wasm))
    os.close(box._native.pop(digest(wasm)))
    assert code(None) == ""
