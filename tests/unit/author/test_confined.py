"""The order of the launcher's steps, and the end of a build; that the barriers hold is tested with compile."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpp.author import confined as subject
from mpp.author import running

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the launcher's barriers are those of Linux")


class Started(Exception):
    pass


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the launcher asks of the system, in order; nothing reaches it."""
    said: list[str] = []
    names = {subject._CREATE: "create", subject._ADD: "add", subject._RESTRICT: "restrict"}

    def syscall(number: int, *given: object) -> int:
        asks = number == subject._CREATE and given[0] is None
        said.append("ask" if asks else names[number])
        return 3 if asks else 99

    def execv(path: str, command: list[str]) -> None:
        said.append(" ".join(command))
        raise Started

    monkeypatch.setattr(subject, "_syscall", syscall)
    monkeypatch.setattr(subject, "_prctl", lambda option, _: said.append(f"property {option}"))
    monkeypatch.setattr(subject, "_forbid", lambda *, network: said.append(f"forbid {'some' if network else 'all'}"))
    monkeypatch.setattr(subject.resource, "setrlimit", lambda kind, both: said.append(f"limit {kind} {both[0]}"))
    monkeypatch.setattr(subject.resource, "getrlimit", lambda _: (subject.resource.RLIM_INFINITY, subject.resource.RLIM_INFINITY))
    monkeypatch.setattr(subject.os, "execv", execv)
    return said


def arguments(parent: int | None = None) -> list[str]:
    line = subject.command_line(["/zig", "cc", "--", "r:/"], read=("/",), write=("/tmp",), cpu=7, memory=9)
    assert line[1:5] == ["-I", "-S", "-B", subject.__file__]
    assert line[5] == str(os.getpid())
    return [str(os.getppid() if parent is None else parent), *line[6:]]


LIMITS = [
    "forbid all",
    f"limit {subject.resource.RLIMIT_FSIZE} {subject.FILE_BYTES_MAX}",
    f"limit {subject.resource.RLIMIT_CPU} 7",
    f"limit {subject.resource.RLIMIT_AS} 9",
]
ALL = ["property 1", "ask", "create", "add", "add", "property 38", "restrict", *LIMITS, "/zig cc -- r:/"]


def test_all_barriers_stand_before_the_command_starts(steps: list[str]) -> None:
    with pytest.raises(Started):
        subject.main(arguments())
    assert steps == ALL


def test_without_landlock_the_others_stand(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "landlock_version", lambda: 0)
    with pytest.raises(Started):
        subject.main(arguments())
    assert steps == [ALL[0], *LIMITS, ALL[-1]]


@pytest.mark.parametrize("step", ["create", "add", "restrict"])
def test_a_barrier_that_fails_starts_nothing(steps: list[str], monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    made = subject._syscall

    def syscall(number: int, *given: object) -> int:
        found = made(number, *given)
        return -1 if steps[-1] == step else found

    monkeypatch.setattr(subject, "_syscall", syscall)
    with pytest.raises(SystemExit, match="is not started: cannot"):
        subject.main(arguments())
    assert steps == ALL[: ALL.index(step) + 1]


def test_a_folder_that_is_gone_starts_nothing(steps: list[str]) -> None:
    with pytest.raises(SystemExit, match="is not started"):
        subject.main([str(os.getppid()), "1", "1", "r:/absent", "--", "/zig"])
    assert "/zig" not in steps


def test_a_parent_that_is_gone_starts_nothing(steps: list[str]) -> None:
    with pytest.raises(SystemExit):
        subject.main(arguments(parent=1 if os.getppid() != 1 else 2))
    assert steps == ["property 1"]


@pytest.mark.parametrize(("hard", "wanted"), [(3, "limit 0 3"), (8, "limit 0 5"), (subject.resource.RLIM_INFINITY, "limit 0 5")])
def test_a_lower_limit_stays(steps: list[str], monkeypatch: pytest.MonkeyPatch, hard: int, wanted: str) -> None:
    monkeypatch.setattr(subject.resource, "getrlimit", lambda _: (1, hard))
    subject._limit(0, 5)
    assert steps == [wanted]


@pytest.mark.parametrize(("platform", "answer", "version"), [("linux", 7, 7), ("linux", 2, 2), ("linux", 1, 0), ("linux", -1, 0), ("darwin", 7, 0)])
def test_what_counts_as_landlock(monkeypatch: pytest.MonkeyPatch, platform: str, answer: int, version: int) -> None:
    monkeypatch.setattr(subject.sys, "platform", platform)
    monkeypatch.setattr(subject, "_syscall", lambda *_: answer)
    assert subject.landlock_version() == version


@pytest.mark.parametrize(("version", "held"), [(2, (0x3FFF,)), (3, (0x7FFF,)), (4, (0x7FFF, 3)), (6, (0x7FFF, 3, 3)), (9, (0x7FFF, 3, 3))])
@pytest.mark.parametrize("network", [False, True])
def test_every_right_of_a_version_is_held(monkeypatch: pytest.MonkeyPatch, version: int, held: tuple[int, ...], network: bool) -> None:
    handled: list[bytes] = []

    def syscall(number: int, *given: Any) -> int:
        if number == subject._CREATE:
            handled.append(ctypes.string_at(given[0], given[1].value))
        return 0

    monkeypatch.setattr(subject, "_syscall", syscall)
    monkeypatch.setattr(subject, "_prctl", lambda *_: None)
    subject._confine(["n:"] if network else [], version)
    wanted = [0 if at == 1 and network else right for at, right in enumerate(held)]
    assert handled == [struct.pack(f"={len(wanted)}Q", *wanted)]


def test_calls_reach_the_system() -> None:
    """A harmless property (the name of the process, 15 and 16), and a call that no system has."""
    name = ctypes.create_string_buffer(16)
    subject._prctl(16, ctypes.addressof(name))
    subject._prctl(15, ctypes.addressof(name))
    assert name.value
    with pytest.raises(OSError, match="cannot make"):
        subject._checked(subject._syscall(9999), "make")


# --- the end of a build

DRIVER = """
import sys
from mpp.author import compile as subject
from mpp.author.project import read_project
subject._find_zig = lambda: sys.argv[2]
subject._SYSTEM = tuple(sys.argv[4:])
subject.compile_project(read_project(sys.argv[1]), progress=print, cache=sys.argv[3])
"""


PATIENCE = 120
"""Seconds. Reason: on a machine with much else to do a Python needs half a minute to start; the compiler that must end sleeps for ten minutes."""


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_build_that_is_ended_ends_the_compiler(hello: Path, tmp_path: Path, number: signal.Signals) -> None:
    cache = tmp_path / "cache"
    compiler = tmp_path / "zig"
    compiler.write_text(f"#!/bin/sh\necho $$ > {cache}/new && mv {cache}/new {cache}/pid\nexec sleep 600")
    compiler.chmod(0o755)
    shown = filter(os.path.exists, ("/usr", "/bin", "/lib", "/lib64", "/dev"))
    build = subprocess.Popen(
        # Under nohup the tests themselves ignore SIGHUP, and whoever ignores a signal goes on doing so.
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n" + DRIVER, str(hello), str(compiler), str(cache), *shown],
        stdout=subprocess.DEVNULL,
        # Who is killed while it writes its report of covered lines leaves a broken one.
        env={name: text for name, text in os.environ.items() if not name.startswith("COV")} | {"PATH": "/usr/bin:/bin"},
    )
    try:
        wait_for((cache / "pid").exists)
        process = int((cache / "pid").read_text())
        assert alive(process)
        build.send_signal(number)
        assert build.wait(timeout=PATIENCE) == (-number if number is signal.SIGKILL else 128 + number)
        wait_for(lambda: not alive(process))
    finally:
        build.kill()
        build.wait()


def wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def test_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with running._ended_by_signals():
        assert signal.getsignal(signal.SIGTERM) is (running._leave if before is signal.SIG_DFL else before)
    assert signal.getsignal(signal.SIGTERM) is before
