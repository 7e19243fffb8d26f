"""Which memory is moved into large pages, and that nothing is lost on the way."""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path

import pytest

from mpp.serve import settling as module
from mpp.serve.settling import LARGE, pieces, Piece, settle, settling

MIB = 1 << 20
HUGE = 2 * MIB


def row(start: int, size: int, used: int, *, perms: str = "rw-p", inode: int = 0, path: str = "") -> str:
    return f"{start:x}-{start + size:x} {perms} 00000000 00:00 {inode} {path}\nSize: {size >> 10} kB\nRss: {used >> 10} kB\n"


def found(text: str) -> list[Piece]:
    return list(pieces(text, HUGE))


def test_only_full_memory_of_its_own_is_moved() -> None:
    heap = row(0x10000000 + 4096, 9 * MIB, 8 * MIB, path="      [heap]")
    assert found(heap) == [Piece(0x10000000 + HUGE, 6 * MIB)]
    assert found(row(0x20000000, 8 * MIB, MIB)) == []
    for other in (
        row(0x20000000, 8 * MIB, 8 * MIB, perms="r-xp"),
        row(0x20000000, 8 * MIB, 8 * MIB, perms="rw-s"),
        row(0x20000000, 8 * MIB, 8 * MIB, inode=7, path="/usr/lib/libc.so"),
        row(0x20000000, 8 * MIB, 8 * MIB, path="[stack]"),
        row(0x20000000, MIB, MIB),
        row(0x20000000 + 4096, HUGE, HUGE),
    ):
        assert found(other + heap) == found(heap)


def files(tmp_path: Path, policy: str, large: str) -> dict[str, str]:
    paths = {}
    for name, text in (("policy", policy), ("large", large), ("maps", row(0x20000000, 8 * MIB, 8 * MIB))):
        (tmp_path / name).write_text(text, encoding="ascii")
        paths[name] = str(tmp_path / name)
    return paths


@pytest.mark.parametrize(
    ("policy", "large", "size"),
    [
        ("always [madvise] never", str(HUGE), 8 * MIB),
        ("[always] madvise never", str(HUGE), 8 * MIB),
        ("always madvise [never]", str(HUGE), 0),
        ("always [madvise] never", str(512 * MIB), 0),
        ("always [madvise] never", "0", 0),
        ("always [madvise] never", "many", 0),
    ],
)
def test_the_owner_of_the_machine_and_its_pages_decide(tmp_path: Path, policy: str, large: str, size: int) -> None:
    moved: list[Piece] = []
    assert settle(**files(tmp_path, policy, large), move=moved.append) == size
    assert sum(one.size for one in moved) == size


def test_a_system_that_says_nothing_is_left_alone(tmp_path: Path) -> None:
    assert settle(maps=str(tmp_path / "none"), policy=str(tmp_path / "none"), large=str(tmp_path / "none")) == 0


def test_what_was_written_is_there_afterwards() -> None:
    if not os.path.exists(LARGE):
        pytest.skip("this kernel has no large pages")
    with mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        text = bytes(range(256)) * 4096
        for _ in range(16):
            memory.write(text)
        size = settle()
        memory.seek(0)
        assert all(memory.read(MIB) == text for _ in range(16))
    # The mapping above is full, so it is among what was moved; where large pages are switched off, nothing is.
    assert size >= 14 * MIB or re.search(r"\[never\]", Path(module.POLICY).read_text(encoding="ascii"))


def test_a_server_that_ends_at_once_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[int] = []
    monkeypatch.setattr(module, "settle", lambda: moved.append(1))
    with settling():
        pass
    assert moved == []
