"""How commands of a build are run; that they are held in is tested with the attacks on builds."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from mpp.author import running
from mpp.author.running import Confinement, clean_environment, is_confined, run_confined
from mpp.errors import HostFailed, Refused

SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/dev/null")


def shell(script: str, folder: Path, *, seconds: int = 60, stdout_max: int = 0) -> running.Done:
    hold = Confinement(read=SYSTEM, write=(str(folder),), seconds=seconds)
    return run_confined(["/bin/sh", "-c", script], folder=str(folder), env={"PATH": "/usr/bin:/bin"}, hold=hold, again="try again", stdout_max=stdout_max)


def test_what_it_says_is_safe_and_cut(tmp_path: Path) -> None:
    done = shell("printf 'a\\033[31mb\\n'; echo more >&2; exit 3", tmp_path)
    assert (done.status, done.output, done.stdout) == (3, "a [31mb\nmore", b"")
    done = shell("yes | head -c 100000", tmp_path)
    assert done.output.endswith("(more left out)")
    assert len(done.output) < 20_000


def test_standard_output_may_be_kept_apart(tmp_path: Path) -> None:
    done = shell("echo words >&2; printf 'a\\0b'", tmp_path, stdout_max=10)
    assert (done.output, done.stdout) == ("words", b"a\0b")
    with pytest.raises(Refused, match="more than 10 bytes"):
        shell("printf 12345678901", tmp_path, stdout_max=10)


def test_a_hang_ends_with_its_children(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(Refused, match=r"project\.compile_time"):
        shell("sleep 600 & sleep 600", tmp_path, seconds=1)
    assert time.monotonic() - begin < 60


def test_a_signal_is_told(tmp_path: Path) -> None:
    assert shell("kill -9 $$", tmp_path).status == -9


def test_what_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.sys, "executable", "")
    with pytest.raises(HostFailed, match=r"host\.compiler_failed"):
        run_confined(["/nowhere"], folder=str(tmp_path), env={}, hold=Confinement(read=(), write=()), again="x")


def test_systems_without_process_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(running.os, "pidfd_open", raising=False)
    assert shell("echo well", tmp_path).output == "well"
    with pytest.raises(Refused, match=r"project\.compile_time"):
        shell("sleep 60", tmp_path, seconds=1)


def test_the_environment_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_" + "TOKEN", "private")
    found = clean_environment(str(tmp_path), {"MORE": "x"})
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)
    assert found["MORE"] == "x"
    assert "API_" + "TOKEN" not in found
    assert is_confined() in {True, False}


def test_python_says_what_it_is() -> None:
    assert os.path.isfile(sys.executable)
