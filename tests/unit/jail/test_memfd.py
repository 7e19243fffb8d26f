"""Memory that nobody can change."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.jail import memfd as subject
from mpp.jail import syscalls


@pytest.fixture
def fds() -> Iterator[list[int]]:
    kept: list[int] = []
    yield kept
    for fd in kept:
        os.close(fd)


def test_what_is_sealed_cannot_be_changed(fds: list[int]) -> None:
    fds.append(subject.sealed_memory(b"code" * 1000))
    assert subject.open_sealed(fds[0]) == 4000
    assert os.pread(fds[0], 8, 0) == b"codecode"
    for change in (lambda: os.pwrite(fds[0], b"x", 0), lambda: os.ftruncate(fds[0], 1), lambda: os.ftruncate(fds[0], 9999)):
        with pytest.raises(PermissionError):
            change()
    with pytest.raises(PermissionError):
        mmap.mmap(fds[0], 4, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    assert not os.get_inheritable(fds[0])


@pytest.mark.parametrize("seals", [0, 0x2, 0x4, 0x8, 0x1, 0xE, 0xD, 0xB, 0x7])
def test_one_missing_seal_is_too_many(fds: list[int], seals: int) -> None:
    fds.append(os.memfd_create("open", os.MFD_ALLOW_SEALING))
    if seals:
        subject.fcntl.fcntl(fds[0], 1033, seals)
    assert not subject.is_sealed(fds[0])
    with pytest.raises(OSError, match="not sealed"):
        subject.open_sealed(fds[0])


def test_other_files_have_no_seals(fds: list[int]) -> None:
    fds.append(os.open(__file__, os.O_RDONLY))
    assert not subject.is_sealed(fds[0])
    assert not subject.is_sealed(99_999)


@pytest.mark.parametrize(("offset", "size"), [(0, 10), (3, 4), (0, 0), (9, 1)])
def test_a_part_of_a_file_is_copied(tmp_path: Path, fds: list[int], monkeypatch: pytest.MonkeyPatch, offset: int, size: int) -> None:
    monkeypatch.setattr(subject, "COPY_BYTES", 3)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    fds.append(os.open(path, os.O_RDONLY))
    fds.append(subject.sealed_copy(fds[0], offset, size))
    assert subject.open_sealed(fds[1]) == size
    assert os.pread(fds[1], 20, 0) == b"0123456789"[offset : offset + size]


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path, fds: list[int]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123")
    fds.append(os.open(path, os.O_RDONLY))
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="ends before"):
        subject.sealed_copy(fds[0], 0, 5)
    assert len(os.listdir("/proc/self/fd")) == before, "the memory was not given back"


def test_memory_that_somebody_can_write_is_not_sealed(fds: list[int]) -> None:
    fds.append(os.memfd_create("open", os.MFD_ALLOW_SEALING))
    os.ftruncate(fds[0], 4096)
    with mmap.mmap(fds[0], 4096), pytest.raises(OSError, match="busy"):
        subject.seal_memory(fds[0])


def test_a_failed_seal_gives_the_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(subject, "seal_memory", refuse)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="busy"):
        subject.sealed_memory(b"x")
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_older_kernel_knows_less(monkeypatch: pytest.MonkeyPatch, fds: list[int]) -> None:
    real, seen = syscalls.call, []

    def call(name: str, label: object, flags: int) -> int:
        seen.append(flags)
        if flags & 0x8:
            raise OSError(errno.EINVAL, "no such flag")
        return real(name, label, flags)

    monkeypatch.setattr(syscalls, "call", call)
    fds.append(subject.sealed_memory(b"x"))
    assert seen == [0xB, 0x3]
    assert subject.is_sealed(fds[0])


def test_no_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*_: object) -> int:
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr(syscalls, "call", call)
    with pytest.raises(OSError, match="no memory"):
        subject.sealed_memory(b"x")
