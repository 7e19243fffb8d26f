"""Tiles as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.audit.head import Head
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.tilefiles import keep_tiles, put_tile, read_partial, read_tile, sync_tiles
from mpp.ledger.tiles import full_tiles, partial_tiles, Tile
from mpp.ledger.tree import leaf_hash

LEAVES = b"".join(leaf_hash(b"%d" % number) for number in range(600))


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    return LogPlaces(folder=str(tmp_path), keys=str(tmp_path))


def test_a_tile_is_there_whole(places: LogPlaces) -> None:
    tile = Tile(0, 1234, 256)
    assert read_tile(places, tile) is None
    put_tile(places, tile, LEAVES[:8192])
    assert read_tile(places, tile) == LEAVES[:8192]
    assert read_tile(places, Tile(0, 1234, 7)) == LEAVES[:224]
    assert [one.name for one in Path(places.folder, "tile/0/x001").iterdir()] == ["234"]


def test_a_partial_tile_is_found_in_a_wider_one(places: LogPlaces) -> None:
    put_tile(places, Tile(0, 0, 20), LEAVES[:640])
    assert read_tile(places, Tile(0, 0, 20)) == LEAVES[:640]
    assert read_tile(places, Tile(0, 0, 256)) is None


def test_a_tile_of_another_size_is_refused(places: LogPlaces) -> None:
    put_tile(places, Tile(0, 0, 256), LEAVES[:640])
    with pytest.raises(Refused) as caught:
        read_tile(places, Tile(0, 0, 256))
    assert caught.value.code == "audit.tile"


def test_with_a_seal_all_tiles_are_kept(places: LogPlaces, tmp_path: Path) -> None:
    head = Head(str(tmp_path / "head"))
    head.begin(bytes(16))
    for tile, data in head.add_leaves(0, LEAVES):
        put_tile(places, tile, data)
    head.set_state(600, 0, 0, 0, bytes(32))
    keep_tiles(places, head, 0, 600)
    for tile in (*full_tiles(0, 600), *partial_tiles(600)):
        assert Path(places.tile(tile)).is_file()
    assert read_partial(places, 0, 600) == LEAVES[512 * 32 :]
    assert len(read_partial(places, 1, 600)) == 64
    assert read_partial(places, 2, 600) == b""


def test_the_names_of_tiles_are_synced_too(places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    put_tile(places, Tile(0, 0, 3), LEAVES[:96])
    synced: list[str] = []
    monkeypatch.setattr("mpp.host.audit.tilefiles.sync_folder", synced.append)
    sync_tiles(places, 0, 3)
    base = places.folder
    assert synced == [f"{base}/tile/0/000.p", f"{base}/tile/0", f"{base}/tile", base]


def test_hashes_that_are_gone_are_missed(places: LogPlaces) -> None:
    with pytest.raises(HostFailed) as caught:
        read_partial(places, 0, 5)
    assert caught.value.code == "audit.tile"
