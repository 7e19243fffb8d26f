"""The attempts, tried by a process that is free: each must then be seen to work, or to be refused for another reason."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.jail import trial as subject
from mpp.jail.entry import Entered, Held

HELD = (Held("seccomp", holds=True, why=""), Held("own network", holds=False, why="not here"))
REACHES_THE_KERNEL = (
    "open /etc/passwd",
    "list /",
    "look for /etc/passwd",
    "another process",
    "a program",
    "internet socket",
    "local socket",
    "signal the parent",
    "trace the parent",
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The trial's lines. It enters nothing, is not ended by a clock, and waits for nobody."""
    lines: list[list[str]] = []
    monkeypatch.setattr(subject, "enter", lambda *_, **__: Entered(HELD))
    monkeypatch.setattr(subject, "_say", lambda *fields: lines.append([*fields]))
    monkeypatch.setattr(subject.signal, "setitimer", lambda *_: None)
    monkeypatch.setattr(subject.os, "read", lambda fd, count: b"")
    monkeypatch.setattr(subject, "DATA_BYTES_MAX", 1 << 20)
    return lines


def test_a_free_process_gets_past_every_barrier(said: list[list[str]]) -> None:
    subject.main(["-", str(os.getpid())])
    assert said[:2] == [["held", "seccomp", "yes", ""], ["held", "own network", "no", "not here"]]
    assert said[-1] == ["end"]
    found = {name: state for _, barrier, name, state, _ in (line for line in said if line[0] == "tried")}
    assert {name: found[name] for name in REACHES_THE_KERNEL} == dict.fromkeys(REACHES_THE_KERNEL, "open")
    assert found["2 MiB of memory"] == found["33 descriptors"] == "open"
    assert found["a file of more than 1 MiB"] == "open"
    assert found["use a forgotten descriptor"] == "open"


def test_a_free_process_with_a_folder(said: list[list[str]], tmp_path: Path) -> None:
    granted = tmp_path / "granted"
    granted.mkdir()
    (granted / "file").write_bytes(b"")
    subject.main(["7", str(os.getpid()), str(granted)])
    found = [line[2:] for line in said if line[0] == "tried"]
    assert found == [
        ["open a file of the granted folder", "held", "works"],
        ["open a file elsewhere", "open", "works"],
        ["list /", "open", "works"],
        ["make a file beside the folder", "open", "works"],
        ["look for this program's file", "open", "works"],
    ]
    assert (tmp_path / "beside").exists()


def test_a_jail_that_cannot_be_entered_is_said(said: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def enter(*_: object, **__: object) -> Entered:
        raise HostFailed("host.barrier", "made to fail", where="limits")

    monkeypatch.setattr(subject, "enter", enter)
    subject.main(["0", "1"])
    assert said == [["failed", "limits", "made to fail"], ["end"]]


@pytest.mark.parametrize(
    ("error", "refusal", "outcome"),
    [
        (OSError(errno.EPERM, "no"), errno.EPERM, ("held", "EPERM")),
        (OSError(errno.ENOENT, "no"), errno.EPERM, ("open", "ENOENT")),
        (OSError("no number"), errno.EPERM, ("open", "0")),
        (MemoryError(), errno.ENOMEM, ("held", "ENOMEM")),
        (OSError(errno.EACCES, "no"), 0, ("open", "EACCES")),
    ],
)
def test_only_the_one_refusal_shows_the_barrier(error: BaseException, refusal: int, outcome: tuple[str, str]) -> None:
    def tried() -> None:
        raise error

    assert subject._outcome(subject.Attempt("a", "b", tried, refusal)) == outcome


def test_a_line_is_fields_between_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(subject.os, "write", lambda _, data: out.write(data))
    subject._say("tried", "a", "b")
    assert out.getvalue() == b"tried\ta\tb\n"
