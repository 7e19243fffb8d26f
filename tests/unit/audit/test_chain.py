"""Following a stretch of lines, and the tree as tiles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.ledger.tiles import full_tiles, partial_tiles, Tile
from mpp.ledger.tree import leaf_hash, root_of
from mpp.model.events import Event
from mpp.stages.audit.chain import follow, Tree
from mpp.stages.audit.entry import encode_event, FIRST_PREV, leaf_of, line_of
from mpp.stages.audit.limits import LINE_BYTES_MAX

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


def lines(count: int, first: int = 0, prev: str = FIRST_PREV) -> list[bytes]:
    out = []
    for seq in range(first, first + count):
        out.append(line_of(encode_event(Event(kind="agent", at=1, tenant="local", invocation="", body={"n": seq}), b""), prev, seq))
        prev = leaf_of(out[-1])
    return out


def joined(found: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in found)


def test_lines_that_chain_are_followed_to_the_end() -> None:
    found, seen = lines(5, 10, "ab" * 32), []
    stretch = follow(joined(found), 10, "ab" * 32, "segment", lambda *one: seen.append(one))
    assert stretch.leaves == tuple(leaf_hash(line) for line in found)
    assert (stretch.prev, stretch.last, stretch.fault, stretch.torn) == (leaf_of(found[-1]), found[-1], None, 0)
    assert [one[1] for one in seen] == [10, 11, 12, 13, 14]
    assert [joined(found)[offset : offset + len(line)] for line, _, offset in seen] == found


def test_nothing_is_a_stretch_too() -> None:
    stretch = follow(b"", 3, "ab" * 32, "segment")
    assert (stretch.leaves, stretch.prev, stretch.last, stretch.fault, stretch.torn) == ((), "ab" * 32, b"", None, 0)


def test_what_has_no_end_is_torn() -> None:
    assert follow(joined(lines(2)) + b"abc", 0, FIRST_PREV, "segment").torn == 3


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (lambda found: [found[0], *found[2:]], "audit.seq", "entry 1, byte"),
        (lambda found: [found[0], found[0], *found[1:]], "audit.seq", "entry 1, byte"),
        (lambda found: [found[0].replace(b'"n":0', b'"n":9'), *found[1:]], "audit.chain", "entry 1, byte"),
        (lambda found: [found[0], b"nothing", *found[1:]], "audit.entry", "entry 1, byte"),
        (lambda found: [found[0], b'{"event":{' + b"x" * LINE_BYTES_MAX + found[1][-100:], *found[2:]], "audit.entry", "entry 1, byte"),
        (lambda found: [b"x" + found[0], *found[1:]], "audit.entry", "entry 0, byte 0"),
    ],
)
def test_the_first_line_that_does_not_follow_is_named(change: object, code: str, where: str) -> None:
    stretch = follow(joined(change(lines(4))) + b"torn", 0, FIRST_PREV, "segment")  # type: ignore[operator]
    assert stretch.fault is not None
    assert stretch.fault.code == code
    assert f"segment: {where}" in stretch.fault.where
    assert stretch.torn == 0
    assert len(stretch.leaves) == int(where.split()[1].rstrip(","))


LONG = lines(2000)
"""More than one piece."""


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1999), st.sampled_from(["none", "byte", "gone", "twice", "empty", "long", "cut"]), st.integers(0, 100))
def test_many_at_once_are_followed_as_one_by_one(number: int, change: str, at: int) -> None:
    line, found = LONG[number], list(LONG)
    changed = {
        "none": [line], "byte": [line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]], "gone": [], "twice": [line, line], "empty": [line, b""],
        "long": [b'{"event":{' + b"x" * LINE_BYTES_MAX + line[10:]], "cut": [line[:at]],
    }[change]  # fmt: skip
    found[number : number + 1] = changed
    data = joined(found)
    at_once = follow(data, 0, FIRST_PREV, "segment")
    assert at_once == follow(data, 0, FIRST_PREV, "segment", lambda _line, _seq, _offset: None)
    if change == "none":
        assert (at_once.fault, len(at_once.leaves), at_once.last) == (None, 2000, LONG[-1])


def test_a_line_longer_than_a_piece_is_looked_at_alone() -> None:
    stretch = follow(joined([*LONG[:3], b"x" * 1_000_000, *LONG[3:]]), 0, FIRST_PREV, "segment")
    assert stretch.fault is not None
    assert (stretch.fault.code, len(stretch.leaves), stretch.last) == ("audit.entry", 3, LONG[2])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_the_tree_is_that_of_the_leaves_however_they_come(counts: list[int]) -> None:
    tree, size, tiles = Tree(), 0, []
    for count in counts:
        tiles += [(tile, data) for tile, data in tree.add(LEAVES[size : size + count])]
        size += count
        assert tree.size == size
        assert tree.root() == root_of(LEAVES[:size])
        assert [tile for tile, _ in tree.partial()] == list(partial_tiles(size))
    assert [tile for tile, _ in tiles] == sorted(full_tiles(0, size), key=lambda tile: (tile.number, tile.level)) or size >= 65536
    assert all(data == b"".join(LEAVES[tile.number * 256 : tile.number * 256 + 256]) for tile, data in tiles if tile.level == 0)


def test_tiles_of_upper_levels_hold_the_roots_of_those_below() -> None:
    tree = Tree()
    tiles = dict(tree.add(LEAVES))
    assert set(tiles) == set(full_tiles(0, 70_000))
    assert tiles[Tile(1, 0, 256)] == b"".join(root_of(LEAVES[at : at + 256]) for at in range(0, 65_536, 256))
    assert tree.root() == root_of(LEAVES)
    partial = dict(tree.partial())
    assert partial[Tile(2, 0, 1)] == root_of(LEAVES[:65_536])
    assert partial[Tile(0, 273, 112)] == b"".join(LEAVES[273 * 256 :])


class Kept:
    def subtree(self, level: int, index: int) -> bytes:
        return root_of(LEAVES[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 66_000])
def test_a_tree_goes_on_from_what_somebody_keeps(size: int) -> None:
    tree = Tree()
    tree.begin(size, Kept())
    assert tree.root() == root_of(LEAVES[:size])
    assert dict(tree.add(LEAVES[size:])).keys() == set(full_tiles(size, 70_000))
    assert tree.root() == root_of(LEAVES)
