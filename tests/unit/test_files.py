"""Reading with a bound, writing whole. What a kill leaves behind is in tests/attack/test_t10_interrupted.py."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from mpp import files
from mpp.errors import HostFailed, MppError, Refused
from mpp.files import digest_and_end, HASHED_BYTES, locked, PRIVATE, make_private_folder, move_folder, read_bounded, take, write_atomic

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sealed memory files are a thing of Linux")


def code_of(fault: pytest.ExceptionInfo[MppError]) -> str:
    assert fault.value.hint
    return fault.value.code


# --- reading


@pytest.mark.parametrize("data", [b"", b"x", bytes(1000)])
def test_a_file_within_the_bound(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    assert read_bounded(str(path), 1000) == data
    assert bytes(take(str(path), 1000)[:]) == data


@pytest.mark.parametrize(("read", "code"), [(read_bounded, "size.input"), (take, "size.file")])
def test_a_file_over_the_bound(tmp_path: Path, read: object, code: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(11))
    with pytest.raises(Refused) as fault:
        read(str(path), 10)  # type: ignore[operator]
    assert code_of(fault) == code
    assert fault.value.where == str(path) or code == "size.file"


@pytest.mark.parametrize("read", [read_bounded, take])
@pytest.mark.parametrize("kind", ["absent", "folder", "pipe", "device", "dangling"])
def test_only_regular_files_are_read(tmp_path: Path, read: object, kind: str) -> None:
    path = tmp_path / "f"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "dangling":
        path.symlink_to("nowhere")
    with pytest.raises(HostFailed) as fault:
        read(str(path), 10)  # type: ignore[operator]
    assert code_of(fault) == "host.file"


@LINUX
def test_taken_memory_cannot_change(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"before")
    memory = take(str(path), 100)
    assert isinstance(memory, mmap.mmap)
    path.write_bytes(b"after!")
    assert memory[:] == b"before"
    with pytest.raises(TypeError):
        memory[0:1] = b"x"


@LINUX
def test_a_large_file_is_copied_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "COPY_BYTES", 7)
    path = tmp_path / "f"
    path.write_bytes(bytes(range(100)))
    assert take(str(path), 100)[:] == bytes(range(100))


@LINUX
def test_a_file_that_shrinks_is_taken_as_far_as_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    real = os.sendfile

    def shrinking(out: int, source: int, offset: int, count: int) -> int:
        os.truncate(path, 4)
        return real(out, source, offset, count)

    monkeypatch.setattr(os, "sendfile", shrinking)
    assert take(str(path), 100)[:] == b"0123"


def test_elsewhere_ordinary_memory_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    path = tmp_path / "f"
    path.write_bytes(b"data")
    assert take(str(path), 4) == b"data"


@LINUX
def test_a_failing_copy_is_a_fault_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr(os, "memfd_create", fail)
    path = tmp_path / "f"
    path.write_bytes(b"data")
    with pytest.raises(HostFailed) as fault:
        take(str(path), 10)
    assert code_of(fault) == "host.file"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_a_file_that_states_no_size_is_read_to_its_end() -> None:
    assert b"Name:" in take("/proc/self/status", 100_000)[:]


# --- writing


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
@pytest.mark.parametrize("mode", [files.PRIVATE, files.PUBLIC])
def test_a_file_is_written_whole_with_its_mode(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "f"
    before = os.umask(umask)
    try:
        write_atomic(str(path), b"data", mode)
    finally:
        os.umask(before)
    assert path.read_bytes() == b"data"
    assert stat.S_IMODE(path.stat().st_mode) == mode & ~umask
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o666)
    write_atomic(str(path), b"new", PRIVATE)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == PRIVATE


def test_a_file_is_kept_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomic(str(path), b"old", replace=False)
    with pytest.raises(Refused) as fault:
        write_atomic(str(path), b"new", replace=False)
    assert code_of(fault) == "host.exists"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "link").symlink_to("target")
    write_atomic(str(tmp_path / "link"), b"new")
    assert (tmp_path / "target").read_bytes() == b"target"
    assert not (tmp_path / "link").is_symlink()


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomic("f", b"data")
    assert (tmp_path / "f").read_bytes() == b"data"


@pytest.mark.parametrize("bad", ["nowhere/f", "file/f", "n" * 300])
def test_a_place_that_cannot_be_written(tmp_path: Path, bad: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostFailed) as fault:
        write_atomic(str(tmp_path / bad), b"data")
    assert code_of(fault) == "host.file"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(HostFailed):
        write_atomic(str(tmp_path / "d"), b"data")
    assert os.listdir(tmp_path) == ["d"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    path = tmp_path / "f"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(HostFailed):
        write_atomic(str(path), b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_what_a_killed_process_left_does_not_block_the_next_of_its_number(tmp_path: Path) -> None:
    (tmp_path / f".f.{os.getpid()}.tmp").write_bytes(b"half")
    write_atomic(str(tmp_path / "f"), b"data")
    assert (tmp_path / "f").read_bytes() == b"data"


# --- folders


def test_a_private_folder(tmp_path: Path) -> None:
    make_private_folder(str(tmp_path / "a" / "b"))
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    make_private_folder(str(tmp_path / "a" / "b"))
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(HostFailed):
        make_private_folder(str(tmp_path / "f" / "g"))


def test_a_folder_is_moved_in_one_step(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_bytes(b"x")
    move_folder(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b" / "f").read_bytes() == b"x"
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "g").write_bytes(b"y")
    with pytest.raises(HostFailed):
        move_folder(str(tmp_path / "b"), str(tmp_path / "c"))
    assert (tmp_path / "c" / "g").read_bytes() == b"y"


@pytest.mark.parametrize(
    ("before", "asked", "after"), [(0o600, 0o644, 0o600), (0o644, 0o600, 0o600), (0o640, 0o644, 0o640), (0o644, 0o644, 0o644), (0o400, 0o644, 0o600)]
)
def test_a_replaced_file_is_never_readable_to_more_people(tmp_path: Path, before: int, asked: int, after: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(before)
    old = os.umask(0)
    try:
        write_atomic(str(path), b"new", asked)
    finally:
        os.umask(old)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == after


@pytest.mark.parametrize("umask", [0, 0o002, 0o022])
def test_each_parent_that_is_made_is_private(tmp_path: Path, umask: int) -> None:
    """Above a folder that others may write, they could put another in its place."""
    (tmp_path / "there").mkdir(mode=0o755)
    old = os.umask(umask)
    try:
        make_private_folder(str(tmp_path / "there" / "home" / "trust" / "deep"))
    finally:
        os.umask(old)
    made = sorted((tmp_path / "there").rglob("*"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 3
    make_private_folder(str(made[0]))


@pytest.mark.parametrize("size", [0, 1, 9, HASHED_BYTES, 3 * HASHED_BYTES + 7])
def test_a_file_is_hashed_in_pieces_and_its_end_is_given(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "file", os.urandom(size)
    path.write_bytes(data)
    assert digest_and_end(str(path), size, 10) == (sha256(data).hexdigest(), data[-10:])
    if size:
        with pytest.raises(Refused) as found:
            digest_and_end(str(path), size - 1, 10)
        assert found.value.code == "size.input"


def test_what_cannot_be_read_is_not_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(HostFailed) as found:
        digest_and_end(str(path), 9, 9)
    assert found.value.code == "host.file"


def test_who_waits_for_a_lock_is_told_so_once(tmp_path: Path) -> None:
    path, told, got = str(tmp_path / "lock"), threading.Event(), threading.Event()

    def second() -> None:
        with locked(path, "it", told.set):
            got.set()

    with locked(path, "it", pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(60)
        assert not got.is_set()
    thread.join(60)
    assert got.is_set()
