"""pip's part; hostile indexes are among the attacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpp.author.vendoring import fetching, locking
from mpp.author.vendoring.fetching import Pip, fetch, lock
from mpp.author.vendoring.requirements import Asked, Pin
from mpp.errors import HostFailed, MppError, Refused

ASKED = Asked(lines=("lib",))


class Said:
    """A pip that answers what it is told to, one after the other."""

    def __init__(self, *answers: tuple[int, str], report: object = None) -> None:
        self.answers, self.report = list(answers), report

    def __call__(self, command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        if "--report" in command and self.report is not None:
            text = self.report if isinstance(self.report, str) else json.dumps(self.report)
            Path(command[command.index("--report") + 1]).write_text(text)
        return self.answers.pop(0)


def quiet(_: str) -> None:
    """Nobody watches."""


def why(said: Said, tmp_path: Path) -> Refused:
    with pytest.raises(Refused) as refusal:
        lock(ASKED, str(tmp_path), Pip(env={}, run=said), quiet)
    return refusal.value


def row(file: str, name: str) -> dict[str, object]:
    return {"download_info": {"url": f"https://index.example/{file}"}, "metadata": {"name": name, "version": "2.0"}}


def test_native_dependencies_are_named_with_advice(tmp_path: Path) -> None:
    report = {
        "install": [
            row("numpy-2.0-cp313-cp313-manylinux_2_28_x86_64.whl", "NumPy"),
            row("lib-2.0-py3-none-any.whl", "lib"),
            row("odd-2.0-cp313-cp313-win32.whl", "odd"),
        ]
    }
    found = why(Said((1, "none"), (0, ""), report=report), tmp_path)
    assert [(fault.code, fault.where) for fault in found.faults] == [("project.native", "numpy 2.0"), ("project.native", "odd 2.0")]
    assert "statistics" in found.hint


@pytest.mark.parametrize("report", [None, "no json", [], {"install": [1]}, {"install": [{"download_info": {}}]}])
def test_what_pip_says_is_shown_where_no_reason_is_found(tmp_path: Path, report: object) -> None:
    found = why(Said((1, "No matching distribution"), (0, ""), report=report), tmp_path)
    assert found.code == "project.fetch"
    assert "No matching distribution" in found.message
    assert why(Said((1, "No route"), (1, "")), tmp_path).code == "project.fetch"


def test_nothing_asked_nothing_locked(tmp_path: Path) -> None:
    assert lock(Asked(lines=()), str(tmp_path), Pip(env={}, run=Said()), quiet) == ()


def test_a_dependency_of_a_dependency_that_cannot_be_packed(tmp_path: Path) -> None:
    def run(command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        (Path(command[command.index("-d") + 1]) / "pydantic-2.0-py3-none-any.whl").write_bytes(b"x")
        return 0, ""

    with pytest.raises(Refused, match="needs pydantic"):
        lock(ASKED, str(tmp_path), Pip(env={}, run=run), quiet)


def test_a_file_with_another_hash_is_told_from_a_network_that_fails(tmp_path: Path) -> None:
    pins = (Pin(name="lib", version="1.0", hashes=("0" * 64,)),)
    for said, code in (("THESE PACKAGES DO NOT MATCH THE HASHES", "project.lock"), ("no route", "project.fetch")):
        with pytest.raises(Refused) as refusal:
            fetch(pins, str(tmp_path), Pip(env={}, run=Said((1, said))), quiet)
        assert refusal.value.code == code


def test_without_pip_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "has_pip", lambda: False)
    with pytest.raises(HostFailed, match=r"host\.compiler_missing"):
        lock(ASKED, str(tmp_path), Pip(env={}, run=Said()), quiet)


def test_a_project_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert locking.lock_project(str(tmp_path), progress=quiet) == ()
    assert b"asked for" in (tmp_path / "requirements.lock").read_bytes()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MppError, match=r"host\.file"):
        locking.lock_project(str(tmp_path), progress=quiet)


def test_files_are_kept_and_found_by_their_hash(tmp_path: Path) -> None:
    def run(command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        (Path(command[command.index("-d") + 1]) / "lib-1.0-py3-none-any.whl").write_bytes(b"a wheel")
        return 0, ""

    pins = lock(ASKED, str(tmp_path), Pip(env={}, run=run), quiet)
    assert fetch(pins, str(tmp_path), Pip(env={}, run=Said()), quiet) == {"lib": b"a wheel"}
    (tmp_path / f"{pins[0].hashes[0]}.whl").write_bytes(b"changed")
    assert fetch(pins, str(tmp_path), Pip(env={}, run=run), quiet) == {"lib": b"a wheel"}
    with pytest.raises(Refused, match=r"project\.lock"):
        fetch((Pin(name="lib", version="1.0", hashes=("0" * 64,)),), str(tmp_path), Pip(env={}, run=run), quiet)


def test_a_wheel_for_one_machine(tmp_path: Path) -> None:
    def run(command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        (Path(command[command.index("-d") + 1]) / "lib-1.0-cp313-cp313-any.whl").write_bytes(b"x")
        return 0, ""

    with pytest.raises(Refused, match=r"project\.native"):
        lock(ASKED, str(tmp_path), Pip(env={}, run=run), quiet)
