"""Each step of giving up, with the kernel's answers made up where the step would bind the tests themselves."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from typing import Any

import pytest

from mpp.jail import process as subject

Call = tuple[Any, ...]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Call]]:
    """Nothing reaches the kernel; each call is noted and answered as ``answers`` says, 0 by default."""

    def answering(**answers: object) -> list[Call]:
        seen: list[Call] = []

        def answer(name: str, given: Call) -> int:
            seen.append((name, *given))
            found = answers.get(name, 0)
            found = found(*given) if callable(found) else found
            if isinstance(found, OSError):
                raise found
            return int(found)  # type: ignore[call-overload,no-any-return]

        monkeypatch.setattr(subject, "call", lambda name, *given: answer(name, given))
        monkeypatch.setattr(subject, "prctl", lambda *given: answer("prctl", given))
        return seen

    return answering


def error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def test_alone_if_the_kernel_would_part_the_thread(calls: Callable[..., list[Call]]) -> None:
    assert calls() == []
    assert subject.is_alone()
    calls(unshare=error(errno.EINVAL))
    assert not subject.is_alone()


@pytest.mark.parametrize(("tasks", "alone"), [(["1"], True), (["1", "2"], False)])
def test_alone_by_the_list_of_threads_where_the_call_is_forbidden(
    calls: Callable[..., list[Call]], monkeypatch: pytest.MonkeyPatch, tasks: list[str], alone: bool
) -> None:
    calls(unshare=error(errno.EPERM))
    monkeypatch.setattr(subject.os, "listdir", lambda _: tasks)
    assert subject.is_alone() == alone


def test_not_knowing_is_an_error(calls: Callable[..., list[Call]], monkeypatch: pytest.MonkeyPatch) -> None:
    def listdir(_: str) -> list[str]:
        raise error(errno.ENOENT)

    calls(unshare=error(errno.EPERM))
    monkeypatch.setattr(subject.os, "listdir", listdir)
    with pytest.raises(FileNotFoundError):
        subject.is_alone()


@pytest.mark.parametrize(
    ("kept", "ranges"),
    [((), [(3, 0xFFFFFFFF)]), ((3,), [(4, 0xFFFFFFFF)]), ((7, 5, 5), [(3, 4), (6, 6), (8, 0xFFFFFFFF)]), ((1, 4), [(3, 3), (5, 0xFFFFFFFF)])],
)
def test_all_between_the_kept_ones_is_closed(calls: Callable[..., list[Call]], kept: tuple[int, ...], ranges: list[tuple[int, int]]) -> None:
    seen = calls()
    subject.close_all_but(kept)
    assert seen == [("close_range", *both, 0) for both in ranges]


def test_an_older_kernel_closes_one_by_one(calls: Callable[..., list[Call]], monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []

    def close(fd: int) -> None:
        closed.append(fd)
        if fd == 9:
            raise error(errno.EBADF)

    calls(close_range=error(errno.ENOSYS))
    monkeypatch.setattr(subject.os, "listdir", lambda _: ["0", "1", "2", "3", "5", "9"])
    monkeypatch.setattr(subject.os, "close", close)
    subject.close_all_but((5,))
    assert closed == [3, 9]


def test_descriptors_that_stay_open_are_an_error(calls: Callable[..., list[Call]]) -> None:
    calls(close_range=error(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        subject.close_all_but(())


def test_open_descriptors_are_found() -> None:
    before = set(subject.open_descriptors())
    fd = os.open(os.devnull, os.O_RDONLY)
    assert set(subject.open_descriptors()) - before == {fd}
    os.close(fd)


def test_root_needs_no_user_namespace(calls: Callable[..., list[Call]]) -> None:
    seen = calls()
    assert subject.isolate() == "as root may"
    assert seen == [("unshare", 0x4C000000)]


def test_others_need_one(calls: Callable[..., list[Call]]) -> None:
    seen = calls(unshare=lambda flags: 0 if flags & 0x10000000 else error(errno.EPERM))
    assert "user namespace" in subject.isolate()
    assert seen == [("unshare", 0x4C000000), ("unshare", 0x5C000000)]


def test_no_namespaces_at_all(calls: Callable[..., list[Call]]) -> None:
    calls(unshare=error(errno.ENOSPC))
    with pytest.raises(OSError, match="space"):
        subject.isolate()


def test_the_first_room_that_can_be_written_is_taken(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(subject, "_ROOMS", (str(tmp_path / "absent"), str(tmp_path)))
    monkeypatch.setattr(subject.os, "fchdir", lambda fd: seen.append(os.fstat(fd).st_nlink))
    monkeypatch.setattr(subject.os, "chroot", seen.append)
    before = subject.open_descriptors()
    subject.empty_root()
    assert seen == [0, "."], "the folder is gone before it becomes the root"
    assert subject.open_descriptors() == before
    assert not list(tmp_path.iterdir())


def test_a_root_that_cannot_be_changed_leaves_nothing_behind(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def chroot(_: str) -> None:
        raise error(errno.EPERM)

    monkeypatch.setattr(subject, "_ROOMS", (str(tmp_path),))
    monkeypatch.setattr(subject.os, "fchdir", lambda _: None)
    monkeypatch.setattr(subject.os, "chroot", chroot)
    with pytest.raises(PermissionError):
        subject.empty_root()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rooms", [(), ("/absent/room",)])
def test_no_room_for_an_empty_root(monkeypatch: pytest.MonkeyPatch, rooms: tuple[str, ...]) -> None:
    monkeypatch.setattr(subject, "_ROOMS", rooms)
    with pytest.raises(OSError, match="No such file" if rooms else "no folder can be made"):
        subject.empty_root()


def test_all_capabilities_go(calls: Callable[..., list[Call]]) -> None:
    def prctl(option: int, argument: int = 0) -> object:
        return error(errno.EINVAL) if option == 24 and argument == 41 else 0

    seen = calls(prctl=prctl)
    subject.drop_capabilities()
    assert seen[0] == ("prctl", 28, 0xEF)
    assert seen[1:43] == [("prctl", 24, number) for number in range(42)]
    assert seen[43] == ("prctl", 47, 4)
    name, header, nothing = seen[44]
    assert (name, header.raw[:4], nothing.raw) == ("capset", b"\x22\x05\x08\x20", bytes(24))


def test_who_holds_none_can_still_drop_all(calls: Callable[..., list[Call]]) -> None:
    seen = calls(prctl=error(errno.EPERM))
    subject.drop_capabilities()
    assert [name for name, *_ in seen] == ["prctl", "prctl", "prctl", "capset"]


@pytest.mark.parametrize(
    ("last", "fault", "gone"), [(41, errno.EINVAL, True), (0, errno.EPERM, False), (0, errno.EINVAL, False), (7, errno.EPERM, False), (99, 0, True)]
)
def test_bounds_are_gone_only_if_each_of_them_went(calls: Callable[..., list[Call]], last: int, fault: int, gone: bool) -> None:
    seen = calls(prctl=lambda _, argument=0: error(fault) if argument == last else 0)
    assert subject.drop_bounds() is gone
    assert seen == [("prctl", 24, number) for number in range(min(last + 1, 64))]


def test_bounds_that_are_gone_are_not_dropped_again(calls: Callable[..., list[Call]]) -> None:
    seen = calls(prctl=0)
    subject.drop_capabilities(bounds=False)
    assert [(name, number) for name, number, *_ in seen[:2]] == [("prctl", 28), ("prctl", 47)]
    assert [name for name, *_ in seen] == ["prctl", "prctl", "capset"]


def test_capabilities_that_stay_are_an_error(calls: Callable[..., list[Call]]) -> None:
    calls(capset=error(errno.EPERM))
    with pytest.raises(PermissionError):
        subject.drop_capabilities()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[int, int]]:
    """Limits that bind nobody."""
    found: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(subject.resource, "getrlimit", lambda kind: found.get(kind, (5, resource.RLIM_INFINITY)))
    monkeypatch.setattr(subject.resource, "setrlimit", found.__setitem__)
    return found


def test_all_limits_are_taken_up(held: dict[int, tuple[int, int]]) -> None:
    held[resource.RLIMIT_NOFILE] = (9, 9)
    subject.limit(subject.Limits(data=1000, files=64, file_bytes=20, cpu=3, processes=7))
    assert held == {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0),
        resource.RLIMIT_MSGQUEUE: (0, 0),
        resource.RLIMIT_STACK: (8 << 20, 8 << 20),
        resource.RLIMIT_DATA: (1000, 1000),
        resource.RLIMIT_FSIZE: (20, 20),
        resource.RLIMIT_NOFILE: (9, 9),
        resource.RLIMIT_CPU: (3, 3),
        resource.RLIMIT_NPROC: (7, 7),
    }


def test_what_is_not_asked_for_is_not_limited(held: dict[int, tuple[int, int]]) -> None:
    subject.limit(subject.Limits(data=1000, files=64))
    assert resource.RLIMIT_CPU not in held
    assert resource.RLIMIT_NPROC not in held
    assert held[resource.RLIMIT_FSIZE] == (0, 0)


def test_a_limit_that_is_not_held_is_an_error(held: dict[int, tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.resource, "setrlimit", lambda *_: None)
    with pytest.raises(OSError, match="does not hold"):
        subject.limit(subject.Limits(data=1, files=1))


def test_a_limit_that_is_refused_is_an_error(held: dict[int, tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    def setrlimit(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(subject.resource, "setrlimit", setrlimit)
    with pytest.raises(OSError, match="not allowed"):
        subject.limit(subject.Limits(data=1, files=1))


def test_privileges_and_looks_are_read_back(calls: Callable[..., list[Call]]) -> None:
    seen = calls(prctl=lambda option, *_: 1 if option == 39 else 0)
    subject.no_new_privileges()
    subject.hide()
    assert [given[1:] for given in seen] == [(38, 1), (39,), (4, 0), (3,)]


def test_what_is_read_back_otherwise_is_an_error(calls: Callable[..., list[Call]]) -> None:
    calls(prctl=lambda option, *_: int(option == 3))
    with pytest.raises(PermissionError, match="gain privileges"):
        subject.no_new_privileges()
    with pytest.raises(PermissionError, match="looked into"):
        subject.hide()


def test_the_end_of_the_parent(calls: Callable[..., list[Call]]) -> None:
    seen = calls()
    subject.end_with(os.getppid())
    assert seen == [("prctl", 1, signal.SIGKILL)]
    with pytest.raises(ProcessLookupError):
        subject.end_with(os.getpid())


def test_a_volunteer_says_so_to_the_kernel(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "score", os.open
    path.write_bytes(b"")
    monkeypatch.setattr(subject.os, "open", lambda name, flags: real(path if name == "/proc/self/oom_score_adj" else name, flags))
    subject.volunteer()
    assert path.read_bytes() == b"900"
