"""``python -m mpp`` in a folder that somebody else has filled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mpp.__main__ import leave_current_folder


@pytest.mark.parametrize("name", ["click.py", "click/__init__.py", "nacl/__init__.py", "ziglang/__init__.py", "json.py", "signal.py"])
def test_modules_of_the_current_folder_are_not_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "p" / name).parent.mkdir(parents=True)
    (tmp_path / "p" / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONSAFEPATH"}
    done = subprocess.run([sys.executable, "-m", "mpp", "--version"], cwd=tmp_path / "p", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("path", "left"),
    [(["/p", "/lib"], ["/lib"]), (["", "/lib"], ["/lib"]), (["/lib", "/p"], ["/lib", "/p"]), (["/q", "/lib"], ["/q", "/lib"]), ([], [])],
)
def test_only_the_front_is_taken_off(monkeypatch: pytest.MonkeyPatch, path: list[str], left: list[str]) -> None:
    monkeypatch.setattr(os, "getcwd", lambda: "/p")
    leave_current_folder(path)
    assert path == left


def test_a_current_folder_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def getcwd() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", getcwd)
    path = ["", "/lib"]
    leave_current_folder(path)
    assert path == ["/lib"]
