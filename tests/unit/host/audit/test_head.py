"""The page that all writers share: what it holds, and what a restart or a death leaves of it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.head import Head, HEAD_BYTES, State
from mpp.ledger.tiles import full_tiles, Tile
from mpp.ledger.tree import EMPTY_ROOT, leaf_hash, root_of

BOOT, OTHER = bytes(range(16)), bytes(16)
LEAVES = [leaf_hash(b"%d" % number) for number in range(700)]


@pytest.fixture
def head(tmp_path: Path) -> Head:
    return Head(str(tmp_path / "head"))


def test_a_new_page_says_nothing(head: Head, tmp_path: Path) -> None:
    assert (tmp_path / "head").stat().st_size == HEAD_BYTES
    assert not head.is_of(BOOT)
    assert not head.is_of(OTHER)
    assert not head.is_ready(BOOT)
    assert head.poisoned == 0


def test_two_see_one_page(head: Head, tmp_path: Path) -> None:
    other = Head(str(tmp_path / "head"))
    head.begin(BOOT)
    assert other.dirty
    assert other.is_of(BOOT)
    head.dirty = False
    assert other.is_ready(BOOT)
    head.set_state(300, 2, 256, 77, LEAVES[0])
    assert other.state() == State(300, 2, 256, 77, LEAVES[0])
    assert (other.size, other.epoch, other.first, other.filled) == (300, 2, 256, 77)
    head.durable, head.signed_at, head.began, head.full, head.room = 200, 5, 6, True, 4096
    assert (other.durable, other.signed_at, other.began, other.full, other.room) == (200, 5, 6, True, 4096)
    head.poisoned = errno.EIO
    assert not other.is_ready(BOOT)
    assert other.poisoned == errno.EIO
    other.close()


def test_to_begin_again_keeps_the_poison_and_what_is_durable(head: Head) -> None:
    head.begin(BOOT)
    head.durable, head.poisoned, head.full, head.signed_at = 9, errno.EIO, True, 77
    head.set_state(10, 0, 0, 10, LEAVES[0])
    head.begin(BOOT)
    assert (head.durable, head.poisoned, head.full, head.signed_at, head.size) == (9, errno.EIO, False, 0, 0)
    # After a start of the machine nobody knows what was durable.
    head.begin(OTHER)
    assert (head.durable, head.poisoned) == (0, errno.EIO)


def test_a_page_that_is_none_is_not_poisoned(tmp_path: Path) -> None:
    (tmp_path / "head").write_bytes(b"\xff" * HEAD_BYTES)
    head = Head(str(tmp_path / "head"))
    assert head.poisoned == 0
    head.begin(BOOT)
    assert (head.poisoned, head.durable) == (0, 0)


def test_leaves_become_tiles_and_a_root(head: Head) -> None:
    head.begin(BOOT)
    assert head.root() == EMPTY_ROOT
    tiles: list[Tile] = []
    size = 0
    for count in (1, 254, 1, 1, 300, 143):
        found = head.add_leaves(size, b"".join(LEAVES[size : size + count]))
        tiles += [tile for tile, _ in found]
        assert all(data == b"".join(LEAVES[tile.number * 256 :][:256]) for tile, data in found if tile.level == 0)
        size += count
        head.set_state(size, 0, 0, 0, LEAVES[size - 1])
        assert head.root() == root_of(LEAVES[:size])
    assert set(tiles) == set(full_tiles(0, 700))
    assert head.pending(0, 700) == b"".join(LEAVES[512:])
    assert head.pending(1, 700) == root_of(LEAVES[:256]) + root_of(LEAVES[256:512])


def test_a_tree_goes_on_from_kept_hashes(head: Head) -> None:
    head.begin(BOOT)
    head.put_pending(0, b"".join(LEAVES[512:600]))
    head.put_pending(1, root_of(LEAVES[:256]) + root_of(LEAVES[256:512]))
    assert head.root_at(600) == root_of(LEAVES[:600])


def test_a_page_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr("os.posix_fallocate", refuse)
    with pytest.raises(HostFailed) as caught:
        Head(str(tmp_path / "head"))
    assert caught.value.code == "audit.write"
