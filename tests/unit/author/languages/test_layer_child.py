"""The small system in which a build loads a tool: what it answers, and how failures end. Here in this process; builds run it in one of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from mpp.author.languages import layer_child
from tests import layered

SAY = "(call $say (i32.const 1) (i32.const 1024) (i32.const 16))"


def run(folder: Path, wasm: bytes, *, bundle: bytes = b"bundle") -> int:
    (folder / "m").write_bytes(wasm)
    (folder / "b").write_bytes(bundle)
    return layer_child.main(str(folder / "m"), str(folder / "b"), "line", str(folder))


def test_a_tool_is_loaded_and_asked_one_line(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(tmp_path, layered.wasm()) == 0
    assert capfdbinary.readouterr().out == b"*bundleline\n"


def test_the_compiled_layer_is_kept_and_what_is_broken_is_made_again(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for broken in (False, True):
        if broken:
            (kept,) = tmp_path.glob("*.native")
            kept.write_bytes(b"broken")
        assert run(tmp_path, layered.wasm()) == 0
    assert capfdbinary.readouterr().out == b"*bundleline\n" * 2
    assert len(list(tmp_path.glob("*.native*"))) == 1


def test_clock_and_numbers_stand_still(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    drawn = f"(drop (call $random (i32.const 1024) (i32.const 8))) (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 1032))) {SAY}"
    for _ in range(2):
        assert run(tmp_path, layered.wasm(layered.KEEP, drawn)) == 0
    out = capfdbinary.readouterr().out
    assert out[:16] == out[16:]
    assert int.from_bytes(out[8:16], "little") == 315_532_800 * 10**9


def test_there_is_nothing_else(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    asked = f"""(i32.store (i32.const 1024) (call $prestat (i32.const 3) (i32.const 2000)))
        (i32.store (i32.const 1028) (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
        (i32.store (i32.const 1032) (call $args_sizes (i32.const 2000) (i32.const 2004)))
        (i32.store (i32.const 1036) (i32.or (call $environ_sizes (i32.const 2000) (i32.const 2004)) (i32.load (i32.const 2000)))) {SAY}"""
    assert run(tmp_path, layered.wasm(layered.KEEP, asked)) == 0
    out = capfdbinary.readouterr().out
    found = [int.from_bytes(out[i : i + 4], "little", signed=True) for i in range(0, 16, 4)]
    assert found == [8, -(2**30) - 4, 52, 0]


def test_other_functions_of_a_system(tmp_path: Path) -> None:
    system = layer_child._System(lambda: pytest.fail("reads no memory"))
    assert system.path_open(1, 2, 3) == 76
    assert system.environ_get(0, 0) == 0
    assert system.fd_read(1, 0, 0, 0) == 8
    assert system.fd_write(3, 0, 0, 0) == 8


@pytest.mark.parametrize(
    "initialise", ["unreachable", "(call $exit (i32.const 70))", "(call $say (i32.const 2) (i32.const 2048) (i32.const 16)) (call $exit (i32.const 1))"]
)
def test_what_does_not_load_is_a_failure(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], initialise: str) -> None:
    assert run(tmp_path, layered.wasm(initialise)) == 1
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert (b"not initialised" in err) == ("say" in initialise)


def test_an_end_with_0_is_an_answer(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(tmp_path, layered.wasm(layered.KEEP, f"{SAY} (call $exit (i32.const 0)) unreachable")) == 0
    assert len(capfdbinary.readouterr().out) == 16


def test_a_layer_that_imports_more_than_functions(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(tmp_path, wat2wasm('(module (import "a" "b" (global i32)) (memory (export "memory") 1))')) == 1
    assert b"which is no function" in capfdbinary.readouterr().err
    assert os.listdir(tmp_path)
