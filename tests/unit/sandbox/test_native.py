"""The compile jail: good code, code that does not validate, bombs, and a child that dies or lies."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.jail import is_sealed
from mpp.stages.sandbox import NativeCache, compile_wasm, limits, native
from mpp.testing.wasm import component, module
from tests.unit.sandbox import guests

GOOD = module()
HEAVY = module(functions=2_000, body=b"\x41\1\x41\2\x6a\x1a" * 600)
"""Megabytes of plain arithmetic: some seconds of compiling."""


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """However compiling ends, its descriptors are closed."""
    before = sorted(os.listdir("/proc/self/fd"))
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Another program in the place of the jailed compiler. It knows its descriptors: ``target`` and ``status``."""

    def put(body: str) -> None:
        path = tmp_path / "child.py"
        path.write_text(f"import json, os, sys, time\ntarget, status = int(sys.argv[4]), int(sys.argv[5])\n{body}\n")
        monkeypatch.setattr(native, "_CHILD", str(path))

    return put


def failed(data: bytes = GOOD, seconds: float = 20.0, memory: int = limits.COMPILE_DATA_BYTES) -> MppError:
    with pytest.raises(MppError) as fault:
        compile_wasm(data, None, seconds=seconds, memory=memory)
    return fault.value


@pytest.mark.parametrize(("data", "is_component"), [(GOOD, False), (component(), True)])
def test_good_code_becomes_sealed_native_code(data: bytes, is_component: bool) -> None:
    found = compile_wasm(data, None)
    try:
        assert is_sealed(found.fd)
        assert os.fstat(found.fd).st_size == found.size > 0
        assert (found.component, found.fresh, found.wasm_sha256) == (is_component, True, hashlib.sha256(data).hexdigest())
    finally:
        os.close(found.fd)


def test_the_second_time_it_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = NativeCache(str(tmp_path / "native"), "50")
    first = compile_wasm(GOOD, cache)
    monkeypatch.setattr(native, "compile_in_jail", lambda *_, **__: pytest.fail("compiled again"))
    second = compile_wasm(GOOD, cache)
    assert (first.fresh, second.fresh) == (True, False)
    assert os.pread(first.fd, first.size, 0) == os.pread(second.fd, second.size + 1, 0)
    os.close(first.fd)
    os.close(second.fd)


@pytest.mark.parametrize(
    "data",
    [GOOD[:-3], GOOD + b"\xff", module(body=b"\x6a"), b"\0asm\x01\0\0\0\xff", b"\0asm\x0d\0\x01\0\xff", b"(module)", b"\0asm", b"x" * 100],
)
def test_code_that_does_not_validate_is_refused(data: bytes) -> None:
    fault = failed(data)
    assert isinstance(fault, Refused)
    assert fault.code == "wasm.engine"
    assert fault.message.isprintable()


def test_code_that_takes_too_long_is_refused() -> None:
    assert failed(HEAVY, seconds=0.02).code == "wasm.compile_time"


def test_code_that_takes_too_much_memory_is_refused() -> None:
    assert failed(HEAVY, memory=60 << 20).code == "wasm.compile_memory"


def test_the_clock_on_the_wall_is_the_first_bound(child) -> None:
    child("print(sys.argv[7]); os.write(status, json.dumps({'message': sys.argv[7]}).encode())")
    assert failed(seconds=60.0).message == f"compiling failed: {61 * (os.cpu_count() or 1)}"


def test_two_compile_side_by_side() -> None:
    found: list[bytes] = []

    def work(name: str) -> None:
        made = compile_wasm(guests.guest(guests.ECHO, more=f'(func (export "{name}"))'), None)
        found.append(os.pread(made.fd, made.size, 0))
        os.close(made.fd)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == 2


def test_a_child_that_cannot_even_begin_is_our_fault(child) -> None:
    child("raise ImportError")
    assert failed().code == "host.compile"


@pytest.mark.parametrize("body", ["os.kill(os.getpid(), 9)", "os._exit(0)", "os._exit(77)", "os.abort()"])
def test_a_child_that_dies_without_a_word_needed_too_much(child, body: str) -> None:
    child(body)
    assert failed().code == "wasm.compile_memory"


def test_a_child_whose_processor_time_is_over(child) -> None:
    child("import signal\nos.kill(os.getpid(), signal.SIGXCPU)\ntime.sleep(600)")
    assert failed().code in {"wasm.compile_time", "wasm.compile_memory"}
    with pytest.raises(Refused) as fault:
        native._judge(b"", -signal.SIGXCPU, -1)
    assert fault.value.code == "wasm.compile_time"


def test_a_child_that_says_nothing_is_ended(child) -> None:
    child("os.close(1)\ntime.sleep(600)")
    assert failed(seconds=0.3).code == "wasm.compile_time"


LIES = {
    "no JSON": "b'{'",
    "no UTF-8": "bytes([255])",
    "deep": "b'[' * 8000",
    "no object": "b'[1]'",
    "nothing in it": "b'{}'",
    "much too long": "b'{' * 100_000",
    "code that is not there": 'b\'{"ok": true, "size": 10}\'',
    "no size": "b'{\"ok\": true}'",
}


@pytest.mark.parametrize("said", LIES.values(), ids=LIES.keys())
def test_a_child_that_lies_gets_nothing_through(child, said: str) -> None:
    child(f"os.write(status, {said})")
    assert failed().code == "wasm.compile_memory"


def test_a_child_that_says_another_size_gets_nothing_through(child) -> None:
    child("os.write(target, b'12345'); os.write(status, b'{\"ok\": true, \"size\": 4}')")
    assert failed().code == "wasm.compile_memory"


def test_code_that_is_too_large_is_refused(child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NATIVE_BYTES_MAX", 4)
    child("os.write(target, b'12345'); os.write(status, b'{\"ok\": true, \"size\": 5}')")
    assert failed().code == "wasm.compile_memory"


def test_only_words_are_taken_from_the_child(child) -> None:
    child(
        r"os.write(status, json.dumps({'ok': False, 'code': 'publisher.unknown', 'kind': 'Refused', 'message': '\x1b[2Jgone' + 'x' * 900, 'hint': ''}).encode())"
    )
    fault = failed()
    assert isinstance(fault, HostFailed)
    assert (fault.code, fault.hint) == ("host.compile", "run `mpp doctor`")
    assert "\x1b" not in fault.message
    assert len(fault.message) < 500


def test_no_compiler_and_no_room_are_the_hosts_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert failed().code == "host.compile"
    monkeypatch.undo()

    def full(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(native.os, "pipe", full)
    assert failed().code == "host.compile"


def test_a_host_with_many_descriptors_can_compile() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1200:
        pytest.skip("this machine gives fewer than 1,200 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1050)]
    try:
        os.close(compile_wasm(GOOD, None).fd)
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
