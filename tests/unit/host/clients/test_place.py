"""A client's file on the disk: what is taken, and what replaces it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError
from mpp.host.clients import place as places

ME = os.geteuid()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"{}")
    path.chmod(0o640)
    return path


def test_a_file_is_replaced_whole_and_keeps_its_mode(file: Path) -> None:
    found = places.look(str(file), ME)
    assert (found.data, found.exists, found.mode, found.is_link) == (b"{}", True, 0o640, False)
    places.replace(found, b"[]")
    assert file.read_bytes() == b"[]"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(file.parent) == ["mcp.json"]


def test_a_link_stays_and_what_it_leads_to_changes(file: Path) -> None:
    link = file.parent / "link.json"
    link.symlink_to("mcp.json")
    found = places.look(str(link), ME)
    assert found.is_link
    assert found.path == str(file)
    places.replace(found, b"[]")
    assert link.is_symlink()
    assert file.read_bytes() == b"[]"


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    found = places.look(str(tmp_path / "new.json"), ME)
    assert (found.exists, found.data) == (False, b"")
    places.replace(found, b"{}")
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o600


def test_what_changed_meanwhile_is_not_overwritten(file: Path) -> None:
    found = places.look(str(file), ME)
    file.write_bytes(b"{ }")
    with pytest.raises(HostFailed) as fault:
        places.replace(found, b"[]")
    assert fault.value.code == "host.client_changed"
    file.unlink()
    with pytest.raises(HostFailed):
        places.replace(found, b"[]")
    missing = places.look(str(file), ME)
    file.write_bytes(b"{}")
    with pytest.raises(HostFailed):
        places.replace(missing, b"[]")
    assert os.listdir(file.parent) == ["mcp.json"]


def test_what_changes_while_the_new_file_is_written_is_not_overwritten(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, sync = places.look(str(file), ME), os.fsync

    def client_writes(fd: int) -> None:
        sync(fd)
        file.write_bytes(b"{ }")

    monkeypatch.setattr(os, "fsync", client_writes)
    with pytest.raises(HostFailed):
        places.replace(found, b"[]")
    assert file.read_bytes() == b"{ }"
    assert os.listdir(file.parent) == ["mcp.json"]


def no_folder(path: Path) -> Path:
    return path / "absent" / "mcp.json"


def folder(path: Path) -> Path:
    (path / "mcp.json").mkdir()
    return path / "mcp.json"


def pipe(path: Path) -> Path:
    os.mkfifo(path / "mcp.json")
    return path / "mcp.json"


def dangling(path: Path) -> Path:
    (path / "mcp.json").symlink_to("absent.json")
    return path / "mcp.json"


def circle(path: Path) -> Path:
    (path / "mcp.json").symlink_to("mcp.json")
    return path / "mcp.json"


def open_folder(path: Path) -> Path:
    (path / "open").mkdir()
    (path / "open").chmod(0o777)
    (path / "open" / "mcp.json").write_bytes(b"{}")
    return path / "open" / "mcp.json"


@pytest.mark.parametrize("make", [no_folder, folder, pipe, dangling, circle, open_folder])
def test_what_is_not_taken(make: object, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(MppError) as fault:
        places.look(str(make(tmp_path)), ME)
    assert fault.value.code in {"host.client_missing", "host.client_file"}


def test_a_file_of_another_user_is_not_taken(file: Path) -> None:
    with pytest.raises(MppError, match="another user"):
        places.look(str(file), ME + 1)


def test_copies_beside_the_file(file: Path, tmp_path: Path) -> None:
    file.chmod(0o644)
    found = places.look(str(file), ME)
    copy = places.back_up(found)
    assert places.back_up(found) == copy
    assert places.backups(found) == (copy,)
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600
    assert Path(copy).read_bytes() == b"{}"
    (tmp_path / "kept").mkdir()
    places.take_away(copy, str(tmp_path / "kept"))
    assert places.backups(found) == ()
    assert [one.read_bytes() for one in (tmp_path / "kept").iterdir()] == [b"{}"]
    assert places.back_up(places.look(str(tmp_path / "new.json"), ME)) == ""


def test_a_disk_that_fails(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = places.look(str(file), ME)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(HostFailed, match="No space"):
        places.replace(found, b"[]")
    assert file.read_bytes() == b"{}"
    assert os.listdir(file.parent) == ["mcp.json"]
    monkeypatch.setattr(os, "lstat", fails)
    # What cannot be looked at is not taken for a file that is not there.
    with pytest.raises(HostFailed, match="No space"):
        places.look(str(file), ME)
