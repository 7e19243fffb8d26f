"""Commands of a recipe: where they run, what is kept of them, what they cannot reach; and programs that run inside of WebAssembly."""

from __future__ import annotations

from pathlib import Path

import pytest
from wasmtime import wat2wasm

from mpp.author.languages.ports import Toolchain
from mpp.author.layers.freezing import run_inside
from mpp.author.layers.python_parts import EDITS, edit_sources
from mpp.author.layers.workshop import Workshop
from mpp.author.running import is_confined
from mpp.errors import HostFailed

EXIT = '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1) (func (export "_start") {body}))'
WRITE = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1)
(data (i32.const 8) "said\\n") (func (export "_start") (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 5))
(drop (call $write (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 20))) {then}))"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    for name in ("work", "cache", "zig"):
        (tmp_path / name).mkdir()
    compiler = Toolchain(name="zig", version="0", folder=str(tmp_path / "zig"), program=str(tmp_path / "zig" / "zig"))
    return Workshop(folder=str(tmp_path / "work"), cache=str(tmp_path / "cache"), compiler=compiler, progress=lambda _: None)


def test_a_command_runs_in_its_folder_and_its_words_are_in_the_log(shop: Workshop):
    shop.write("in/side.txt", "text")
    shop.run(["sh", "-c", 'cat side.txt; echo " $MORE $ZIG_GLOBAL_CACHE_DIR" >&2; echo made > made.txt'], "trying", folder="in", env={"MORE": "more"})
    assert Path(shop.path("in", "made.txt")).read_text() == "made\n"
    log = Path(shop.log).read_text()
    assert f"text more {shop.cache}\n" in log
    assert "$ sh -c" in log


def test_a_failure_says_the_last_words_and_names_the_log(shop: Workshop):
    with pytest.raises(HostFailed) as found:
        shop.run(["sh", "-c", "echo 'error: \x1b[31mbroken'; exit 3"], "compiling thing")
    assert found.value.code == "host.compiler_failed"
    assert "compiling thing failed" in found.value.message
    assert "broken" in found.value.message
    assert "\x1b" not in found.value.message
    assert found.value.hint == f"read the log: {shop.log}"


@pytest.mark.skipif(not is_confined(), reason="this system holds no command to its folders")
def test_a_command_reads_nothing_else(shop: Workshop, tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(HostFailed):
        shop.run(["cat", str(tmp_path / "secret")], "reading")
    assert "secret\n" not in Path(shop.log).read_text().replace(str(tmp_path / "secret"), "")


def test_a_program_is_a_program(shop: Workshop):
    path = shop.write("bin/hello", "#!/bin/sh\necho hello\n", program=True)
    shop.run([path], "greeting")
    assert "hello\n" in Path(shop.log).read_text()


def inside(shop: Workshop, wat: str, *arguments: str, stdout: str = "") -> None:
    module = Path(shop.path("tool.wasm"))
    module.write_bytes(bytes(wat2wasm(wat)))
    run_inside(str(module), shop.path(), shop.log, *arguments, stdout=stdout)


def test_a_program_inside_writes_to_its_folder(shop: Workshop):
    inside(shop, WRITE.format(fd=1, then=""), "-x", stdout="out.txt")
    assert Path(shop.path("out.txt")).read_text() == "said\n"
    inside(shop, EXIT.format(body="(call $exit (i32.const 0))"))


@pytest.mark.parametrize(("then", "words"), [("unreachable", "unreachable"), ("(call $write (i32.const -1))", "")])
def test_a_program_inside_that_fails_is_said_with_its_words(shop: Workshop, then: str, words: str):
    if not words:
        with pytest.raises(HostFailed, match="exit code 4"):
            inside(shop, EXIT.format(body="(call $exit (i32.const 4))"))
        return
    with pytest.raises(HostFailed, match=words):
        inside(shop, WRITE.format(fd=2, then=then))
    assert Path(shop.log).read_text().endswith("said\n")


def test_what_is_changed_in_sources_must_fit_exactly(shop: Workshop):
    for file in {edit.file for edit in EDITS}:
        shop.write(file, "\n".join(edit.old for edit in EDITS if edit.file == file))
    edit_sources(shop)
    for edit in EDITS:
        text = Path(shop.path(edit.file)).read_text()
        assert edit.new in text
    with pytest.raises(HostFailed, match="has changed"):
        edit_sources(shop)
