"""The rules as the kernel takes them. That they hold is shown in test_inside."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from mpp.jail import landlock as subject
from mpp.jail import syscalls

HAS_LANDLOCK = subject.version() > 0
needs_landlock = pytest.mark.skipif(not HAS_LANDLOCK, reason="this kernel has no Landlock")


@pytest.mark.parametrize(("abi", "rights"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (6, 16), (7, 16), (99, 16)])
def test_every_right_that_a_version_knows_is_taken_away(abi: int, rights: int) -> None:
    assert subject.known_rights(abi) == (1 << rights) - 1


@pytest.mark.parametrize(("abi", "words"), [(1, (0x1FFF,)), (3, (0x7FFF,)), (4, (0x7FFF, 3)), (5, (0xFFFF, 3)), (6, (0xFFFF, 3, 3)), (9, (0xFFFF, 3, 3))])
def test_ports_sockets_and_signals_since_they_are_known(abi: int, words: tuple[int, ...]) -> None:
    assert struct.unpack(f"<{len(words)}Q", subject.attributes(abi)) == words


def test_a_kernel_without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*_: object) -> int:
        raise OSError(errno.ENOSYS, "no such call")

    monkeypatch.setattr(syscalls, "call", call)
    assert subject.version() == 0


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What the kernel is given for each rule: rights and descriptor; the calls themselves are made."""
    real, seen = syscalls.call, []

    def call(name: str, *given: object) -> int:
        if name == "landlock_add_rule":
            seen.append(struct.unpack("<Qi", given[2].raw))  # type: ignore[attr-defined]
        return real(name, *given)

    monkeypatch.setattr(syscalls, "call", call)
    return seen


@needs_landlock
def test_rules_for_files_and_folders(tmp_path: Path, added: list[tuple[int, int]]) -> None:
    (tmp_path / "file").write_bytes(b"")
    file, folder = os.open(tmp_path / "file", os.O_RDONLY), os.open(tmp_path, os.O_PATH)
    rules = (
        subject.Rule(str(tmp_path)),
        subject.Rule(folder, write=True),
        subject.Rule(str(tmp_path / "file"), write=True),
        subject.Rule(file),
        subject.Rule(file, read=False, write=True),
    )
    ruleset = subject.prepare(rules, abi=subject.version())
    known = subject.known_rights(subject.version())
    assert [rights for rights, _ in added] == [0xC & known, 0x71BE & known, 0x4006 & known, 0x4, 0x4002 & known]
    for fd in (file, folder, ruleset):
        os.close(fd)


@needs_landlock
@pytest.mark.parametrize("write", [True, False])
def test_no_rule_gives_the_right_to_run_or_to_make_devices_pipes_and_sockets(tmp_path: Path, added: list[tuple[int, int]], write: bool) -> None:
    os.close(subject.prepare((subject.Rule(str(tmp_path), write=write),), abi=subject.version()))
    make_devices_pipes_and_sockets = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11
    assert not added[0][0] & (1 | make_devices_pipes_and_sockets | 1 << 15)


@needs_landlock
def test_a_path_that_is_gone_leaves_no_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        subject.prepare((subject.Rule(str(tmp_path)), subject.Rule(str(tmp_path / "gone"))), abi=subject.version())
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_no_set_of_rules_is_not_taken_up() -> None:
    fd = os.open(os.devnull, os.O_RDONLY)
    with pytest.raises(OSError, match="landlock_restrict_self"):
        subject.take_up(fd)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


@needs_landlock
def test_both_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(subject, "take_up", seen.append)
    subject.restrict((), abi=1)
    os.close(*seen)
