"""A file: lines at its end, on the disk, whatever a crash, a rotation or somebody with a link does to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.host.audit.forwarding.answers import LATER, Piece, YES
from mpp.host.audit.forwarding.to_file import ToFile
from tests.unit.audit.forward.cases import records

PIECES = [Piece(record=one, data=b'{"n":%d}' % one.seq) for one in records()[:3]]


def test_lines_are_appended_and_private(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    target = ToFile(str(path))
    assert target.send(PIECES[:2]) == YES
    assert target.send(PIECES[2:]) == YES
    assert path.read_text() == '{"n":0}\n{"n":1}\n{"n":2}\n'
    assert path.stat().st_mode & 0o777 == 0o600


def test_rotation_by_name_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    target = ToFile(str(path))
    target.send(PIECES[:1])
    path.rename(tmp_path / "out.jsonl.1")
    target.send(PIECES[1:])
    assert (path.read_text(), (tmp_path / "out.jsonl.1").read_text()) == ('{"n":1}\n{"n":2}\n', '{"n":0}\n')


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b'{"n":0}\n{"n"')
    ToFile(str(path)).send(PIECES[1:2])
    assert path.read_text() == '{"n":0}\n{"n"\n{"n":1}\n'


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").symlink_to(tmp_path / "elsewhere")
    assert ToFile(str(tmp_path / "out.jsonl")).send(PIECES).kind == LATER
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_is_no_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half written stands there torn, and comes again."""
    path = tmp_path / "out.jsonl"
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) > 5:
            return real(fd, data[:5])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        answer = ToFile(str(path)).send(PIECES[:1])
    assert (answer.kind, "No space" in answer.why) == (LATER, True)
    assert ToFile(str(path)).send(PIECES[:1]) == YES
    assert path.read_text() == '{"n":\n{"n":0}\n'
