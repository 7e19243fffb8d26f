"""Files that decide: whose they are, and that what was judged is what is read."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError
from mpp.host import policy_files as module
from mpp.host.policy_files import UNSEEN, check_folder, glance, look, read_owned

ME = (os.getuid(),)
OTHER = (os.getuid() + 1,)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(MppError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"x = 1")
    path.chmod(0o644)
    return path


def test_a_file_of_its_owner_is_read(file: Path) -> None:
    assert read_owned(str(file), 5, ME) == b"x = 1"
    assert read_owned(str(file), 5, None) == b"x = 1"


@pytest.mark.parametrize("place", ["absent", "policy.toml/absent"])
def test_what_is_not_there_is_none(file: Path, place: str) -> None:
    assert read_owned(str(file.parent / place), 5, ME) is None
    assert look(str(file.parent / place)) is None


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o622])
def test_a_file_that_others_may_write_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert code_of(lambda: read_owned(str(file), 5, ME)) == "policy.mode"
    assert read_owned(str(file), 5, None) == b"x = 1", "whoever wrote it has signed it"


@pytest.mark.parametrize(("owners", "words"), [(OTHER, f"only user {OTHER[0]} may"), ((0,), "only root may")])
def test_a_file_of_somebody_else_is_refused(file: Path, owners: tuple[int, ...], words: str) -> None:
    if os.getuid() == 0 and owners == (0,):
        os.chown(file, 1, -1)
    with pytest.raises(MppError, match=words) as caught:
        read_owned(str(file), 5, owners)
    assert caught.value.code == "policy.mode"


def test_a_link_is_not_followed(file: Path) -> None:
    link = file.parent / "link"
    link.symlink_to(file)
    assert code_of(lambda: read_owned(str(link), 5, ME)) == "policy.mode"
    found = look(str(link))
    assert found is not None
    assert found != look(str(file))


def test_a_folder_or_a_pipe_is_no_file(file: Path) -> None:
    assert code_of(lambda: read_owned(str(file.parent), 5, ME)) == "policy.mode"
    os.mkfifo(file.parent / "pipe")
    assert code_of(lambda: read_owned(str(file.parent / "pipe"), 5, ME)) == "policy.mode"


def test_a_file_that_is_too_large_is_refused(file: Path) -> None:
    assert code_of(lambda: read_owned(str(file), 4, ME)) == "policy.length"


def test_what_cannot_be_opened_or_looked_at_is_never_absent(file: Path) -> None:
    assert code_of(lambda: read_owned(str(file.parent / ("x" * 300)), 4, ME)) == "host.file"
    assert code_of(lambda: look(str(file.parent / ("x" * 300)))) == "host.file"


def test_a_glance_sees_each_change(file: Path) -> None:
    seen = [glance(str(file))]
    for change in (lambda: file.write_bytes(b"x = 2"), lambda: os.utime(file, ns=(1, 1)), lambda: file.chmod(0o600), lambda: os.utime(file, ns=(1, 1))):
        time.sleep(0.02)
        change()
        seen.append(glance(str(file)))
    assert len(set(seen)) == 5
    assert glance(str(file.parent / "absent")) is None
    assert glance(str(file.parent / ("x" * 300))) == UNSEEN


def test_a_file_that_changes_while_it_is_read_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first read meets a writer in the middle; the second one gets the whole."""
    plain, turns = os.read, iter([b"new = 1", b"new = 12"])

    def writing(fd: int, count: int) -> bytes:
        found = plain(fd, count)
        if (more := next(turns, None)) is not None:
            file.write_bytes(more)
        return found

    monkeypatch.setattr(module.os, "read", writing)
    assert read_owned(str(file), 20, ME) == b"new = 12"


def test_a_file_that_never_stands_still_is_given_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, turns = os.read, itertools.count()

    def writing(fd: int, most: int) -> bytes:
        file.write_bytes(b"x" * (1 + next(turns) // 2 % 2))
        return plain(fd, most)

    monkeypatch.setattr(module.os, "read", writing)
    assert code_of(lambda: read_owned(str(file), 2000, ME)) == "host.file"


def test_a_disk_that_fails_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(fd: int, most: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module.os, "read", fails)
    with pytest.raises(HostFailed, match="Input/output error"):
        read_owned(str(file), 20, ME)


def test_folders_are_judged(tmp_path: Path) -> None:
    folder = tmp_path / "mpp"
    assert not check_folder(str(folder), ME)
    folder.mkdir(mode=0o755)
    assert check_folder(str(folder), ME)
    assert code_of(lambda: check_folder(str(folder), OTHER)) == "policy.mode"
    folder.chmod(0o777)
    assert code_of(lambda: check_folder(str(folder), ME)) == "policy.mode"
    folder.chmod(0o755)
    (tmp_path / "link").symlink_to(folder)
    assert code_of(lambda: check_folder(str(tmp_path / "link"), ME)) == "policy.mode"
