"""T09, the file is swapped between its check and its use: what was taken stays what it was, whatever happens to the path."""

from __future__ import annotations

import mmap
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused
from mpp.files import take
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sealed memory files are a thing of Linux")

WHO = publisher()
TRUST = trusting(WHO)
GOOD = signed(WHO, extra={"data": os.urandom(100_000)})
EVIL = signed(publisher("Mallory"))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(EVIL)
    other.replace(path)


AFTERWARDS: dict[str, Callable[[Path], object]] = {
    "replaced": replaced,
    "overwritten in place": lambda path: path.write_bytes(EVIL),
    "one byte changed in place": lambda path: os.pwrite(os.open(path, os.O_RDWR), b"\xff", 100),
    "truncated": lambda path: os.truncate(path, 10),
    "truncated to nothing": lambda path: os.truncate(path, 0),
    "extended": lambda path: os.truncate(path, 10**7),
    "deleted": lambda path: path.unlink(),
    "a link to another": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
}


@pytest.mark.parametrize("then", AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_what_was_taken_stays(tmp_path: Path, then: Callable[[Path], object]) -> None:
    path = tmp_path / "p.mpp"
    path.write_bytes(GOOD)
    data = take(str(path), TOTAL_BYTES_MAX)
    then(path)
    package = verify(data, TRUST, NOW)
    assert data[:] == GOOD
    then_read = package.read("data")
    assert then_read is not None
    assert then_read in GOOD


@pytest.mark.parametrize("then", AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_a_change_between_the_checks_changes_nothing(tmp_path: Path, then: Callable[[Path], object]) -> None:
    """The change happens after check 4 has taken the hash and before check 6 reads the members."""
    path = tmp_path / "p.mpp"
    path.write_bytes(GOOD)
    data = take(str(path), TOTAL_BYTES_MAX)
    package = verify(data, TRUST, NOW, seen=lambda done: then(path) if done.number == 4 else None)
    assert package.publisher_id == WHO.id


@pytest.mark.parametrize("cut", [0, 1, 50, 5000, len(GOOD) - 1])
def test_a_file_cut_while_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    path = tmp_path / "p.mpp"
    path.write_bytes(GOOD)
    real = os.sendfile

    def cutting(out: int, source: int, offset: int, count: int) -> int:
        os.truncate(path, cut)
        return real(out, source, offset, count)

    monkeypatch.setattr(os, "sendfile", cutting)
    data = take(str(path), TOTAL_BYTES_MAX)
    with pytest.raises(Refused):
        verify(data, TRUST, NOW)


def test_a_file_that_grows_while_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is copied than was judged by its size."""
    path = tmp_path / "p.mpp"
    path.write_bytes(GOOD)
    real = os.sendfile

    def growing(out: int, source: int, offset: int, count: int) -> int:
        with path.open("ab") as stream:
            stream.write(EVIL)
        return real(out, source, offset, count)

    monkeypatch.setattr(os, "sendfile", growing)
    assert len(take(str(path), len(GOOD))) == len(GOOD)


def test_the_memory_is_sealed(tmp_path: Path) -> None:
    """Not even through /proc can this process, or one of the same user, write to what was taken."""
    path = tmp_path / "p.mpp"
    path.write_bytes(GOOD)
    data = take(str(path), TOTAL_BYTES_MAX)
    assert isinstance(data, mmap.mmap)
    with open("/proc/self/maps") as maps:
        line = next(line for line in maps if "memfd:mpp" in line)
    assert line.split()[1] == "r--p"
    found = f"/proc/self/map_files/{line.split()[0]}"
    with pytest.raises(OSError):
        os.pwrite(os.open(found, os.O_RDWR), b"x", 0)
    assert data[:] == GOOD


def test_a_writer_in_a_race(tmp_path: Path) -> None:
    """While another thread rewrites the file all the time, each verdict is about one whole content or a refusal."""
    path = tmp_path / "p.mpp"
    path.write_bytes(GOOD)
    stop = threading.Event()

    def rewrite() -> None:
        turn = 0
        while not stop.is_set():
            path.write_bytes((GOOD, EVIL)[turn])
            turn ^= 1

    thread = threading.Thread(target=rewrite)
    thread.start()
    outcomes: set[str] = set()
    try:
        for _ in range(150):
            data = take(str(path), TOTAL_BYTES_MAX)
            try:
                outcomes.add(verify(data, TRUST, NOW).publisher_id)
                assert data[:] == GOOD
            except MppError:
                outcomes.add("refused")
    finally:
        stop.set()
        thread.join()
    assert outcomes <= {WHO.id, "refused"}
