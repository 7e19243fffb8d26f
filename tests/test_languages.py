"""The trial of all languages: what it says of what goes wrong, and how Rust comes from Debian, with commands that are scripts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tools import languages as subject
from tools import rust_debian
from tools.languages import layers_here, main, Row, StepError, surroundings, table, Trial, try_language


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def mpp(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    monkeypatch.setattr(subject, "MPP", script(folder / "mpp", body))


def test_a_missing_toolchain_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpp(monkeypatch, tmp_path, 'case "$1" in build) echo "error: not there [host.compiler_missing]" >&2; exit 4;; *) mkdir -p hello;; esac')
    row = try_language("go", dict(os.environ), golden=True)
    assert (row.state, row.why.partition(":")[0]) == ("skipped", "build")


def test_anything_else_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpp(monkeypatch, tmp_path, 'echo "error: no [project.compile]" >&2; exit 3')
    row = try_language("go", dict(os.environ), golden=True)
    assert (row.state, "project.compile" in row.why) == ("failed", True)


def test_a_wrong_answer_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpp(monkeypatch, tmp_path, 'mkdir -p hello; touch hello-0.1.0.mpp; echo "Hello, Bob!"')
    row = try_language("go", dict(os.environ), golden=False)
    assert (row.state, row.why.partition(":")[0]) == ("failed", "run")
    assert row.same_bytes


@pytest.mark.parametrize(("state", "everything", "expected"), [("ok", True, 0), ("skipped", False, 0), ("skipped", True, 1), ("failed", False, 1)])
def test_what_the_command_ends_with(
    state: str, everything: bool, expected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setattr(subject, "try_language", lambda language, *_, **__: Row(language, state))
    assert main(["wat", "--json", *(["--all"] if everything else [])]) == expected
    assert f'"state": "{state}"' in capsys.readouterr().out


def test_an_unknown_language_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cobol"])
    assert "no such language: cobol" in capsys.readouterr().err


def test_the_table_has_a_line_for_each() -> None:
    text = table(
        [Row("c", package_bytes=13_300, seconds={"build": 3.5, "hot": 0.0007}, same_bytes=True, golden="218 of 218"), Row("go", "skipped", why="no Go")]
    )
    assert "13.3 kB" in text
    assert "0.70 ms" in text
    assert text.splitlines()[-1].strip() == "no Go"


def test_layers_are_those_of_the_home(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "a.mpp").touch()
    (tmp_path / "layers" / "index.json").touch()
    assert layers_here({"MPP_HOME": str(tmp_path)}) == (tmp_path / "layers" / "a.mpp",)


def test_a_language_without_an_sdk_has_no_golden_set(tmp_path: Path) -> None:
    trial = Trial("wat", tmp_path, {})
    trial.golden()
    assert trial.row.golden == "has no SDK"


@pytest.mark.parametrize(("words", "missing"), [("[host.compiler_missing]", True), ("[project.layer]", True), ("[project.sources]", False)])
def test_codes_that_mean_something_has_to_be_installed(words: str, missing: bool) -> None:
    assert StepError("build", words).missing is missing


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose apt and dpkg are scripts."""
    tools = tmp_path / "tools"
    inst = "; ".join(f"echo 'Inst {name} (1.0 Debian)'" for name in (*rust_debian.PACKAGES, "libgit2-1.5", "gcc-12"))
    script(tools / "apt-get", f'case "$1" in --simulate) {inst};; download) shift; for n in "$@"; do touch "${{n}}_1.0_amd64.deb"; done;; esac')
    unpack = 'mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu"; basename "$2" >> "$3/unpacked"'
    programs = 'for p in cargo rustc; do printf \'#!/bin/sh\\necho "$0 $LD_LIBRARY_PATH"\\n\' > "$3/usr/bin/$p"; chmod +x "$3/usr/bin/$p"; done'
    script(tools / "dpkg", f"{unpack}; {programs}")
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return tmp_path


def test_rust_is_unpacked_beside_the_system(debian: Path) -> None:
    folder = debian / "rust"
    found = rust_debian.prepare(str(folder))
    assert found == str(folder / "bin")
    unpacked = (folder / "root" / "unpacked").read_text().split()
    assert {name.partition("_")[0] for name in unpacked} == {*rust_debian.PACKAGES, "libgit2-1.5"}
    said = subprocess.run([f"{found}/cargo"], capture_output=True, text=True, check=True).stdout
    assert f"{folder}/root/usr/lib/x86_64-linux-gnu" in said
    script(debian / "tools" / "apt-get", "exit 1")
    assert rust_debian.prepare(str(folder)) == found


@pytest.mark.parametrize("body", ["exit 100", 'echo "Inst rustc (1.0)"'])
def test_what_apt_cannot_give(debian: Path, body: str) -> None:
    script(debian / "tools" / "apt-get", body)
    with pytest.raises(rust_debian.NoDebianRustError):
        rust_debian.prepare(str(debian / "rust"))


def test_no_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(rust_debian.NoDebianRustError, match="no Debian"):
        rust_debian.prepare(str(tmp_path / "rust"))


def test_a_rust_that_has_the_target_is_taken(tmp_path: Path) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    script(tmp_path / "bin" / "rustc", f'echo "{library}"')
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path)}
    assert not rust_debian.has_wasm(environment)
    script(tmp_path / "bin" / "cargo", "")
    assert not rust_debian.has_wasm(environment)
    (library / "libstd-1.rlib").touch()
    assert rust_debian.has_wasm(environment)


def test_rust_is_put_in_front_where_it_was_fetched(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(debian / "cache"))
    said: list[str] = []
    monkeypatch.setattr(subject, "has_wasm", lambda _: False)
    assert surroundings(everything=False, say=said.append)["PATH"] == os.environ["PATH"]
    assert surroundings(everything=True, say=said.append)["PATH"].startswith(str(debian / "cache" / "mpp" / "rust-debian" / "bin"))
    assert len(said) == 1
