"""Tiles: their places as C2SP tlog-tiles names them, which there are, and that a tree read from them is the tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.ledger.tiles import LEVELS, TILE_BYTES, TILE_HASHES, Tile, TileHashes, full_tiles, partial_tiles
from mpp.ledger.tree import HASH_BYTES, consistency_path, inclusion_path, is_consistent, is_included, range_root, root_of
from tests.unit.ledger import oracle

SIZE_MAX = 3 * 65_536 + 700
LEAVES = [oracle.leaf(number) for number in range(SIZE_MAX)]


PATHS = [
    (Tile(0, 0, 256), "0/000"),
    (Tile(0, 5, 256), "0/005"),
    (Tile(0, 999, 256), "0/999"),
    (Tile(0, 1000, 256), "0/x001/000"),
    (Tile(0, 1234067, 256), "0/x001/x234/067"),
    (Tile(0, 999_999, 256), "0/x999/999"),
    (Tile(3, 1_000_000, 256), "3/x001/x000/000"),
    (Tile(1, 273, 112), "1/273.p/112"),
    (Tile(0, 70_000, 1), "0/x070/000.p/1"),
    (Tile(2, 0, 255), "2/000.p/255"),
]


@pytest.mark.parametrize(("tile", "path"), PATHS)
def test_the_place_of_a_tile(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_the_example_of_the_specification() -> None:
    """A tree of 70,000 entries has these partial tiles, and 273 and 1 full ones."""
    assert [tile.path for tile in partial_tiles(70_000)] == ["0/273.p/112", "1/001.p/17", "2/000.p/1"]
    full = list(full_tiles(0, 70_000))
    assert [sum(tile.level == level for tile in full) for level in range(LEVELS)] == [273, 1, 0, 0, 0, 0, 0, 0]
    assert full[0] == Tile(0, 0, TILE_HASHES)
    assert full[-1] == Tile(1, 0, TILE_HASHES)


@pytest.mark.parametrize("size", [0, 256, 65_536, 2**24])
def test_a_whole_number_of_tiles_has_only_higher_partial_ones(size: int) -> None:
    assert all(tile.level > 0 for tile in partial_tiles(size))


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1))
@settings(max_examples=200)
def test_tiles_hold_each_hash_once(first: int, second: int) -> None:
    old, size = sorted((first, second))
    for tile in partial_tiles(size):
        assert tile.number * TILE_HASHES + tile.width == size >> (8 * tile.level)
        assert 0 < tile.width < TILE_HASHES
    if size - old < 100_000:
        for level in range(LEVELS):
            numbers = [tile.number for tile in full_tiles(old, size) if tile.level == level]
            assert numbers == list(range(old >> 8 * (level + 1), size >> 8 * (level + 1)))


def read(tile: Tile) -> bytes:
    """Each tile made anew from the leaves below it."""
    span = 1 << (8 * tile.level)
    begin = tile.number * TILE_HASHES
    data = b"".join(root_of(LEAVES[(begin + i) * span : (begin + i + 1) * span]) for i in range(tile.width))
    assert len(data) == tile.width * HASH_BYTES <= TILE_BYTES
    assert (begin + tile.width) * span <= SIZE_MAX
    return data


sizes = st.one_of(st.integers(1, 600), st.integers(1, SIZE_MAX), st.sampled_from([255, 256, 257, 65_535, 65_536, 65_537, 131_072, SIZE_MAX]))


@given(sizes, st.data())
@settings(max_examples=15, deadline=None)
def test_proofs_from_tiles_are_those_of_the_tree(size: int, data: st.DataObject) -> None:
    seq, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    hashes, root = TileHashes(size, read), root_of(LEAVES[:size])
    assert range_root(hashes, 0, size) == root
    assert is_included(LEAVES[seq], seq, size, inclusion_path(hashes, seq, size), root)
    assert is_consistent(old, root_of(LEAVES[:old]), size, root, consistency_path(hashes, old, size))


def test_a_tile_is_read_once_for_one_proof() -> None:
    asked: list[Tile] = []

    def reading(tile: Tile) -> bytes:
        asked.append(tile)
        return read(tile)

    inclusion_path(TileHashes(70_000, reading), 69_999, 70_000)
    assert len(asked) == len(set(asked)) <= 3
    assert {tile.path for tile in asked} <= {"0/273.p/112", "1/001.p/17", "2/000.p/1", "1/000"}
