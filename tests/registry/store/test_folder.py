"""What is the folder's own: files, their modes, and what killed writers leave."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp_registry.store import folder as ours
from mpp_registry.store.folder import FolderBlobs

DATA = b"some bytes"
NAME = sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(str(tmp_path / "blobs"))


def test_the_path_of_a_blob(blobs: FolderBlobs, tmp_path: Path) -> None:
    blobs.put(NAME, DATA)
    assert blobs.path(NAME) == str(tmp_path / "blobs" / NAME[:2] / NAME[2:4] / NAME)
    assert Path(str(blobs.path(NAME))).read_bytes() == DATA
    assert os.listdir(tmp_path / "blobs" / "incoming") == []
    for folder, _, names in os.walk(tmp_path / "blobs"):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert all(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600 for name in names)


def test_what_a_killed_writer_left_is_removed_when_it_is_old(blobs: FolderBlobs, tmp_path: Path) -> None:
    left = tmp_path / "blobs" / "incoming" / "half"
    left.write_bytes(b"ha")
    os.utime(left, (1000, 1000))
    assert blobs.clear_incoming(1000) == 0
    assert blobs.clear_incoming(1001) == 1
    assert not left.exists()
    assert blobs.put(NAME, DATA)


def test_a_disk_that_fails_is_told_and_leaves_nothing(blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(HostFailed, match="No space left"):
        blobs.put(NAME, DATA)
    assert blobs.size(NAME) is None
    assert os.listdir(tmp_path / "blobs" / "incoming") == []


def test_a_blob_that_becomes_shorter_is_told(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "BLOB_PIECE_BYTES", 4)
    blobs.put(NAME, DATA)
    pieces = blobs.read(NAME)
    assert next(pieces) == DATA[:4]
    os.truncate(str(blobs.path(NAME)), 4)
    with pytest.raises(HostFailed, match="shorter"):
        next(pieces)


def test_a_link_is_not_read(blobs: FolderBlobs, tmp_path: Path) -> None:
    place = tmp_path / "blobs" / NAME[:2] / NAME[2:4]
    place.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(DATA)
    (place / NAME).symlink_to(tmp_path / "secret")
    with pytest.raises(HostFailed):
        b"".join(blobs.read(NAME))


def test_too_large_a_blob(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "BLOB_BYTES_MAX", 3)
    with pytest.raises(HostFailed, match="more than 3 bytes"):
        blobs.put(NAME, DATA)


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    blobs = FolderBlobs(str(tmp_path / "blobs"))
    (tmp_path / "blobs" / NAME[:2]).write_bytes(b"")
    for use in (lambda: blobs.put(NAME, DATA), lambda: blobs.size(NAME), lambda: blobs.remove(NAME), lambda: b"".join(blobs.read(NAME))):
        with pytest.raises(HostFailed):
            use()
