"""The barriers of this very machine, tried by real processes; machines that lack one; and what is said of the surroundings."""

from __future__ import annotations

import errno
import os
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpp.host import barriers as subject
from mpp.host.agent_user import AgentProcess
from mpp.host.home import Home
from mpp.jail import landlock

REQUIRED = {"seccomp", "limits", "no new privileges", "no capabilities", "not dumpable", "closed descriptors", "ends with its parent"}


@pytest.fixture(scope="module")
def found() -> dict[str, subject.Barrier]:
    return {one.name: one for one in subject.probe()}


def test_what_every_tool_needs_holds_here(found: dict[str, subject.Barrier]) -> None:
    assert {name for name, one in found.items() if one.required} == REQUIRED
    assert {name: one.evidence for name, one in found.items() if one.required and one.state != subject.HOLDS} == {}


def test_the_refusals_are_shown(found: dict[str, subject.Barrier]) -> None:
    assert {"open /etc/passwd: EPERM", "internet socket: EPERM", "local socket: EPERM", "another process: EPERM", "a program: EPERM"} <= set(
        found["seccomp"].evidence
    )
    assert "/proc says Seccomp: 2" in found["seccomp"].evidence
    assert found["limits"].evidence == ("512 MiB of memory: ENOMEM", "a file of more than 1 MiB: EFBIG", "33 descriptors: EMFILE")
    assert all(one.evidence and one.lost and one.remedy for one in found.values())


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_landlock_is_tried_too(found: dict[str, subject.Barrier]) -> None:
    assert found["landlock"].state == (subject.HOLDS if landlock.version() >= 3 else subject.WEAK)
    assert {"open a file of the granted folder: works", "open a file elsewhere: EACCES", "list /: EACCES"} <= set(found["landlock"].evidence)


def test_a_machine_without_landlock_runs_tools_without_files() -> None:
    barriers = subject.probe(landlock_version=0)
    missing = {one.name: one.evidence for one in barriers if one.state == subject.MISSING}
    assert "no Landlock" in missing["landlock"][0]
    assert "because of another" in missing["empty root"][0]
    assert not missing.keys() & REQUIRED
    verdict = subject.judge(barriers, ())
    assert (verdict.can_run, verdict.with_files, verdict.words) == (True, False, "yes, without filesystem rights")
    assert any(line.startswith("landlock: use Linux") for line in verdict.todo)


HOLES = {
    "seccomp": "t.PROFILE_COMPUTE = t.PROFILE_COMPUTE._replace(plain=t.PROFILE_COMPUTE.plain | {'bpf', 'execve'})",
    "limits": "t.Limits = lambda **k: L(**{**k, 'files': 99})",
    "closed descriptors": "from mpp.jail import process; process.close_all_but = lambda kept: None",
    "no capabilities": "from mpp.jail import process; process.drop_capabilities = lambda **_: None",
}


@pytest.mark.parametrize("name", HOLES)
def test_a_barrier_with_a_hole_is_missing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The jail reports that all is well; the attempts and the kernel say otherwise."""
    if name == "no capabilities" and os.geteuid() != 0:
        pytest.skip("only root has a capability that could stay")
    prelude = f"import sys; sys.path.insert(0, sys.argv[1]); import mpp.jail.trial as t; L = t.Limits; {HOLES[name]}; t.main(sys.argv[2:])"
    monkeypatch.setattr(subject.trial, "START", prelude)
    barriers = subject.probe()
    assert [one.name for one in barriers if one.required and one.state == subject.MISSING] == [name]
    verdict = subject.judge(barriers, ())
    assert (verdict.can_run, verdict.words) == (False, "no")


@pytest.mark.parametrize("start", ["raise SystemExit(3)", "print('held\\tseccomp\\tyes\\t')", "print('x' * 9, flush=True)\nwhile True: print('held')"])
def test_a_trial_that_goes_astray_shows_nothing(monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    monkeypatch.setattr(subject.trial, "START", start)
    barriers = subject.probe()
    assert {one.state for one in barriers} == {subject.MISSING}
    assert "ended early" in barriers[0].evidence[0]
    assert not subject.judge(barriers, ()).can_run


def trial(**changes: object) -> subject._Trial:
    given: dict[str, object] = {"failed": None, "held": {"landlock": (True, ""), "not dumpable": (True, "")}, "tried": (), "status": {}, **changes}
    return subject._Trial(**given)  # type: ignore[arg-type]


def test_an_old_landlock_is_weak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.landlock, "version", lambda: 2)
    state, evidence = subject._state("landlock", trial())
    assert state == subject.WEAK
    assert "truncating" in evidence[-1]


def test_a_process_that_can_be_looked_into() -> None:
    assert subject._state("not dumpable", trial(status={"its memory": "works"})) == (subject.MISSING, ("/proc says its memory: works",))
    assert subject._state("not dumpable", trial(status={"its memory": "EACCES"}))[0] == subject.HOLDS
    assert subject._state("not dumpable", trial()) == (subject.HOLDS, ("the kernel took it up",))


@pytest.mark.parametrize(("name", "status"), [("no new privileges", {"NoNewPrivs": "0"}), ("seccomp", {"Seccomp": "0"}), ("no capabilities", {"CapEff": "1"})])
def test_the_kernel_has_the_last_word(name: str, status: dict[str, str]) -> None:
    assert subject._state(name, trial(held={name: (True, "")}, status=status))[0] == subject.MISSING


def test_what_was_not_reported_is_missing() -> None:
    assert subject._state("seccomp", trial()) == (subject.MISSING, ("it was not reported",))


def test_looking_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.os, "geteuid", lambda: 1000)
    status = subject._status(os.getpid())
    assert status["Name"]
    assert status["its memory"] == "works"
    assert subject._status(2**22 + 1) == {}
    assert subject._look_into(2**22 + 1) == "ENOENT"


# --- the surroundings


def fact(facts: tuple[subject.Fact, ...], name: str) -> subject.Fact:
    return next(one for one in facts if one.name == name)


def test_the_surroundings_of_this_machine(tmp_path: Path) -> None:
    facts = subject.surroundings(Home(path=str(tmp_path / "home")))
    assert [one.name for one in facts] == ["system", "engine", "agent", "home", "space", "core files", "tracing", "C compiler"]
    assert os.uname().release in fact(facts, "system").text
    assert "can do all that you can" in fact(facts, "agent").text
    assert ("root" in fact(facts, "agent").text) == (os.getuid() == 0)


USERS = [
    ((), "note", "no running program here"),
    ((0,), "note", "claude (process 0): runs as you"),
    ((1,), "good", "claude (process 1): runs as another user"),
    ((0, 1, 0), "note", "runs as you"),
]


@pytest.mark.parametrize(("uids", "state", "words"), USERS)
def test_whose_agents_run_here(monkeypatch: pytest.MonkeyPatch, uids: tuple[int, ...], state: str, words: str) -> None:
    me = os.getuid()
    monkeypatch.setattr(subject, "agent_processes", lambda: tuple(AgentProcess(pid=one, uid=me + one, name="claude") for one in uids))
    found = subject._user(0)
    assert found.state == state
    assert words in found.text


def test_many_agents_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "agent_processes", lambda: (AgentProcess(pid=1, uid=os.getuid(), name="claude"),) * 7)
    assert " and 2 more: runs as you" in subject._user(0).text


@pytest.mark.parametrize(("mode", "state"), [(0o700, "good"), (0o750, "note"), (0o701, "note"), (0o770, "bad"), (0o702, "bad")])
def test_a_home_is_for_its_owner(tmp_path: Path, mode: int, state: str) -> None:
    tmp_path.chmod(mode)
    found = subject._home(Home(path=str(tmp_path)))
    assert found.state == state
    assert ("chmod 700" in found.remedy) == (state != "good")
    tmp_path.chmod(0o700)


def test_a_home_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert subject._home(Home(path=str(tmp_path / "absent"))).state == "good"
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    for name in ("link", "file"):
        assert "not a folder itself" in subject._home(Home(path=str(tmp_path / name))).text
    assert subject._home(Home(path=str(tmp_path / "file" / "below"))).state == "bad"
    monkeypatch.setattr(subject.os, "getuid", lambda: 12345)
    assert "belongs to user" in subject._home(Home(path=str(tmp_path))).text


@pytest.mark.parametrize(
    ("free", "entries", "of", "state"),
    [(300 << 20, 5000, 9000, "good"), (300 << 20, 0, 0, "good"), (0, 5000, 9000, "note"), (300 << 20, 999, 9000, "note"), ((256 << 20) - 4096, 0, 0, "note")],
)
def test_room_for_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, entries: int, of: int, state: str) -> None:
    asked: list[str] = []

    def say(folder: str) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_files=of, f_favail=entries)

    monkeypatch.setattr(subject.os, "statvfs", say)
    found = subject._space(Home(path=str(tmp_path / "not" / "there")))
    assert asked == [str(tmp_path)]
    assert (found.state, bool(found.remedy)) == (state, state != "good")


def test_a_system_that_does_not_say_how_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise OSError(errno.EIO, "it is gone")

    monkeypatch.setattr(subject.os, "statvfs", refuse)
    assert "it is gone" in subject._space(Home(path=str(tmp_path))).text


@pytest.mark.parametrize(("pattern", "state"), [("core", "good"), ("|/usr/lib/handler %p", "note"), (None, "good")])
def test_who_takes_core_files(monkeypatch: pytest.MonkeyPatch, pattern: str | None, state: str) -> None:
    monkeypatch.setattr(subject, "_kernel_setting", lambda _: pattern)
    assert subject._core_files().state == state


@pytest.mark.parametrize(("scope", "state"), [("0", "note"), (None, "note"), ("1", "good"), ("3", "good")])
def test_who_may_trace(monkeypatch: pytest.MonkeyPatch, scope: str | None, state: str) -> None:
    monkeypatch.setattr(subject, "_kernel_setting", lambda _: scope)
    assert subject._tracing().state == state


def test_settings_of_the_kernel() -> None:
    assert subject._kernel_setting("kernel/ostype") == os.uname().sysname
    assert subject._kernel_setting("absent") is None


def test_without_the_engine_nothing_runs(found: dict[str, subject.Barrier], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "find_spec", lambda _: None)
    engine, compiler = subject._engine(), subject._compiler()
    assert (engine.state, compiler.state) == ("bad", "note")
    verdict = subject.judge(tuple(found.values()), (engine, compiler))
    assert (verdict.can_run, verdict.with_files, verdict.words) == (False, False, "no")
    assert any(line.startswith("engine: run: pip") for line in verdict.todo)


def test_versions_of_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(subject, "find_spec", lambda _: object())
    monkeypatch.setattr(subject, "version", lambda _: "50.0.1")
    assert (subject._engine().text, subject._compiler().text) == ("wasmtime 50.0.1", "ziglang 50.0.1")
    monkeypatch.setattr(subject, "version", unknown)
    assert subject._engine().text == "wasmtime of unknown version"


def test_another_system_has_no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert subject._system().text.endswith("Landlock version none")


def test_nothing_known_is_no() -> None:
    assert subject.judge((), ()).words == "no"
