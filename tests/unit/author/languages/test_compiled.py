"""Go, Zig and Rust: what their compilers are told, what they see, and what is said of what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mpp.author.confined import landlock_version
from mpp.author.languages.go import LANGUAGE as GO
from mpp.author.languages.outcome import sources_of
from mpp.author.languages.rust import LANGUAGE as RUST
from mpp.author.languages.zig import LANGUAGE as ZIG
from mpp.errors import HostFailed, Refused
from mpp.testing.wasm import module
from tests.unit.author.languages.jobs import job, script

LAST = 'for out in "$@"; do :; done'
WASM = "".join(f"\\{byte:03o}" for byte in module())


def writing(where: str) -> str:
    """The lines of a compiler that writes the smallest module to ``where``."""
    return f"printf '{WASM}' > {where}"


def go_compiler(folder: Path, body: str = "") -> Path:
    """``go build … -o FILE PACKAGE``: the file is the last argument but one."""
    return script(folder / "chain/bin/go", body or "while [ $# -gt 2 ]; do shift; done\nfind . -type f | sort >&2\n" + writing('"$1"'))


def zig_compiler(folder: Path, body: str = "") -> Path:
    return script(folder / "chain/bin/zig", body or f"{LAST}\n" + writing('"${out#-femit-bin=}"'))


def rust_toolchain(folder: Path, body: str = "", *, target: str = "wasm32-wasip1") -> Path:
    library = folder / "chain/lib"
    library.mkdir(parents=True)
    (library / "libstd-1.rlib").touch()
    script(folder / "chain/bin/rustc", f'case "$*" in *--version*) echo "rustc 1.85.0 (abc)";; *" {target}") echo "{library}";; *) exit 1;; esac')
    wanted = f'mkdir -p "$CARGO_TARGET_DIR/{target}/release"; ' + writing(f'"$CARGO_TARGET_DIR/{target}/release/tool.wasm"')
    return script(folder / "chain/bin/cargo", body or wanted)


GO_FILES = {"go.mod": "module hello\n", "main.go": "package main\n", "secret.txt": "private", "mpp/mpp.go": "package mpp\n"}
GO_SOURCES = ("go.mod", "*.go", "mpp/*.go")


def test_go_sees_copies_of_the_named_files_only(tmp_path: Path) -> None:
    said: list[str] = []
    made = job(tmp_path, GO_FILES, program=go_compiler(tmp_path), sources=GO_SOURCES)
    output = GO.build(replace(made, progress=said.append))
    assert said[1:] == ["./go.mod", "./main.go", "./mpp/mpp.go"]
    assert output.members == {"bin/main.wasm": module()}
    assert sorted(output.inputs) == ["go.mod", "main.go", "mpp/mpp.go"]
    assert output.tools == {"go": "1.2.3"}
    assert output.parameters[-1] == "./"


def test_go_says_where_the_fault_is(tmp_path: Path) -> None:
    program = go_compiler(tmp_path, "echo '# hello' >&2; echo './main.go:12:5: undefined: x' >&2; echo './main.go:13:1: syntax error' >&2; exit 1")
    with pytest.raises(Refused, match="found 2 errors") as caught:
        GO.build(job(tmp_path, GO_FILES, program=program, sources=GO_SOURCES))
    assert (caught.value.code, caught.value.where) == ("project.compile", "main.go:12:5")


def test_a_compiler_that_breaks_off_is_no_fault_of_the_project(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="status 2") as caught:
        GO.build(job(tmp_path, GO_FILES, program=go_compiler(tmp_path, "echo 'out of memory' >&2; exit 2"), sources=GO_SOURCES))
    assert caught.value.code == "host.compiler_failed"


def test_a_compiler_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="left no module"):
        GO.build(job(tmp_path, GO_FILES, program=go_compiler(tmp_path, "exit 0"), sources=GO_SOURCES))


def test_go_embeds_what_is_named(tmp_path: Path) -> None:
    output = GO.build(job(tmp_path, GO_FILES, program=go_compiler(tmp_path), sources=GO_SOURCES, embed=("secret.txt",), package=("mpp",)))
    assert output.inputs["secret.txt"] == b"private"
    assert output.parameters[-1] == "./mpp"


@pytest.mark.parametrize("name", ["main.o", "asm.s", "lib.a"])
def test_objects_are_no_sources(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as caught:
        GO.build(job(tmp_path, {**GO_FILES, name: ""}, program=go_compiler(tmp_path), sources=(*GO_SOURCES, name)))
    assert (caught.value.code, caught.value.where) == ("project.sources", name)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no file matches") as caught:
        sources_of(job(tmp_path, {"a.txt": ""}, program=go_compiler(tmp_path), sources=("src/*.go",)), ".go")
    assert caught.value.code == "project.sources"


ZIG_FILES = {"src/main.zig": "pub fn main() void {}\n", "src/mpp.zig": "\n", "data.bin": "x"}


def test_zig_is_built_from_copies(tmp_path: Path) -> None:
    output = ZIG.build(job(tmp_path, ZIG_FILES, program=zig_compiler(tmp_path), sources=("src/*.zig",), embed=("data.bin",), optimize=("ReleaseFast",)))
    assert output.members == {"bin/main.wasm": module()}
    assert sorted(output.inputs) == ["data.bin", "src/main.zig", "src/mpp.zig"]
    assert "ReleaseFast" in output.parameters
    assert output.parameters[-2:] == ("-Mroot=./src/main.zig", "-femit-bin=main.wasm")


def test_zig_wants_the_file_with_main(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not among the sources") as caught:
        ZIG.build(job(tmp_path, ZIG_FILES, program=zig_compiler(tmp_path), sources=("src/*.zig",), main=("src/tool.zig",)))
    assert caught.value.where == "src/tool.zig"


def test_zig_says_where_the_fault_is(tmp_path: Path) -> None:
    program = zig_compiler(tmp_path, "echo \"src/main.zig:7:9: error: expected type 'u8'\" >&2; exit 1")
    with pytest.raises(Refused, match="found 1 error\n") as caught:
        ZIG.build(job(tmp_path, ZIG_FILES, program=program, sources=("src/*.zig",)))
    assert caught.value.where == "src/main.zig:7:9"


RUST_FILES = {"Cargo.toml": "[package]\n", "Cargo.lock": "version = 3\n", "src/main.rs": "fn main() {}\n", "page.html": "<p>"}
RUST_SOURCES = ("Cargo.toml", "Cargo.lock", "src/**")


@pytest.mark.parametrize("target", ["wasm32-wasip1", "wasm32-wasi"])
def test_rust_is_built_for_the_target_that_is_there(tmp_path: Path, target: str) -> None:
    output = RUST.build(job(tmp_path, RUST_FILES, program=rust_toolchain(tmp_path, target=target), sources=RUST_SOURCES, embed=("page.html",)))
    assert output.members == {"bin/main.wasm": module()}
    assert output.tools == {"rustc": "1.85.0 (abc)"}
    assert output.parameters == ("build", "--release", "--locked", "--offline", "--target", target)


def test_rust_without_the_target_says_how_to_get_it(tmp_path: Path) -> None:
    program = rust_toolchain(tmp_path)
    (tmp_path / "chain/lib/libstd-1.rlib").unlink()
    with pytest.raises(HostFailed, match="no standard library for WebAssembly") as caught:
        RUST.build(job(tmp_path, RUST_FILES, program=program, sources=RUST_SOURCES))
    assert caught.value.code == "host.compiler_missing"
    assert "rustup target add" in caught.value.hint


@pytest.mark.parametrize("missing", ["Cargo.toml", "Cargo.lock"])
def test_rust_wants_a_lock_file(tmp_path: Path, missing: str) -> None:
    files = {name: text for name, text in RUST_FILES.items() if name != missing}
    with pytest.raises(Refused, match="two builds may differ") as caught:
        RUST.build(job(tmp_path, files, program=rust_toolchain(tmp_path), sources=RUST_SOURCES))
    assert caught.value.where == missing


def test_rust_says_where_the_fault_is(tmp_path: Path) -> None:
    said = "error[E0425]: cannot find value `x` in this scope\n --> src/main.rs:3:5\n  |\nerror: could not compile `hello` due to 1 previous error"
    program = rust_toolchain(tmp_path, f"cat >&2 <<'X'\n{said}\nX\nexit 101")
    with pytest.raises(Refused, match="found 1 error\n") as caught:
        RUST.build(job(tmp_path, RUST_FILES, program=program, sources=RUST_SOURCES))
    assert caught.value.where == "src/main.rs:3:5"


def test_rust_with_two_programs_is_refused(tmp_path: Path) -> None:
    folder = '"$CARGO_TARGET_DIR/wasm32-wasip1/release'
    program = rust_toolchain(tmp_path, f'mkdir -p {folder}"; touch {folder}/a.wasm" {folder}/b.wasm"')
    with pytest.raises(Refused, match=r"a\.wasm, b\.wasm"):
        RUST.build(job(tmp_path, RUST_FILES, program=program, sources=RUST_SOURCES))


def test_rust_may_fetch_where_the_author_says_so(tmp_path: Path) -> None:
    output = RUST.build(job(tmp_path, RUST_FILES, program=rust_toolchain(tmp_path), allow_network=True, sources=RUST_SOURCES))
    assert "--offline" not in output.parameters


@pytest.mark.skipif(not landlock_version(), reason="this system holds no process to folders")
def test_a_build_script_does_not_see_tokens_of_registries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: the folder of cargo is that of the toolchain, and holds the author's tokens."""
    program = rust_toolchain(tmp_path)
    token = tmp_path / "chain/credentials.toml"
    token.write_text("token")
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "chain"))
    script(tmp_path / "chain/bin/cargo", f'cat "{token}" && echo "error: was read" >&2; exit 7')
    with pytest.raises(HostFailed) as caught:
        RUST.build(job(tmp_path, RUST_FILES, program=program, sources=RUST_SOURCES))
    assert "was read" not in caught.value.message
