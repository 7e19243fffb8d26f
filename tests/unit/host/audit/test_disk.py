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
