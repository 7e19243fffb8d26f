"""The disk as the record sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.host.audit.disk import Disk


def test_room_is_taken_and_given_back(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "room", os.O_RDWR | os.O_CREAT)
    try:
        Disk().reserve(fd, 4096)
        assert os.fstat(fd).st_size == 4096
        Disk().cut(fd, 1)
        assert os.fstat(fd).st_size == 1
    finally:
        os.close(fd)


def test_what_is_written_in_pieces_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: whole(fd, data[:3], at))
    fd = os.open(tmp_path / "pieces", os.O_RDWR | os.O_CREAT)
    try:
        Disk().append(fd, b"0123456789", 2)
        assert os.pread(fd, 20, 2) == b"0123456789"
    finally:
        os.close(fd)


def test_a_sync_that_begins_early_changes_nothing_and_never_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    real = os.posix_fadvise

    def advise(fd: int, at: int, count: int, advice: int) -> None:
        asked.append((at, count))
        real(fd, at, count, advice)

    monkeypatch.setattr(os, "posix_fadvise", advise)
    fd = os.open(tmp_path / "early", os.O_RDWR | os.O_CREAT)
    try:
        data = bytes(range(256)) * 64
        Disk().append(fd, data, 0)
        for end in (0, 1, 4095, 4096, 4097, 10000, len(data)):
            Disk().begin_sync(fd, end)
        assert os.pread(fd, len(data) + 1, 0) == data
    finally:
        os.close(fd)
    # Attack of the kernel: of a whole page it would wait for all processors, to forget it.
    assert all(at >= 0 and count < 4096 for at, count in asked)
    Disk().begin_sync(fd, 100)
    assert len(asked) == 8
