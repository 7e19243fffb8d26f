"""Tiles as files. They follow from the entries and are synced only with a seal. Spec: audit L-10, L-11."""

from __future__ import annotations

import contextlib
import os

from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded, sync_folder
from mpp.host.audit.disk import put_all
from mpp.host.audit.head import Head
from mpp.host.audit.places import LogPlaces
from mpp.ledger.tiles import full_tiles, partial_tiles, Tile, TILE_BITS, TILE_BYTES, TILE_HASHES
from mpp.ledger.tree import HASH_BYTES


def put_tile(places: LogPlaces, tile: Tile, data: bytes) -> None:
    """Written whole or not at all, without waiting for the disk."""
    path = places.tile(tile)
    try:
        _put(path, data)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _put(path, data)


def _put(path: str, data: bytes) -> None:
    # The lock is ours, so the name is too.
    temporary = path + ".tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        put_all(fd, data, 0)
    finally:
        os.close(fd)
    os.rename(temporary, path)


def note_progress(places: LogPlaces, head: Head, sealed: int, size: int) -> None:
    """With a checkpoint: the partial tiles above the lowest, so that a proof under it reads a few files. ``sealed``: the size of the last seal."""
    for tile in partial_tiles(size):
        path = places.tile(tile)
        if tile.level and not os.path.lexists(path):
            put_tile(places, tile, head.pending(tile.level, size))
            whole = sealed >> (TILE_BITS * tile.level)
            kept = whole & (TILE_HASHES - 1) if whole >> TILE_BITS == tile.number else 0
            _drop_between(os.path.dirname(path), kept, tile.width)


def _drop_between(folder: str, least: int, most: int) -> None:
    """Of earlier checkpoints. What a seal kept stays."""
    for width in _widths(folder):
        if least < width < most:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, str(width)))


def _widths(folder: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isascii() and name.isdecimal() and 0 < int(name) < TILE_HASHES)
    except OSError:
        return []


def keep_tiles(places: LogPlaces, head: Head, first: int, size: int) -> None:
    """With a seal: from here the tree goes on when the entries before it are pruned. All tiles of the segment are on the disk after it."""
    for tile in partial_tiles(size):
        put_tile(places, tile, head.pending(tile.level, size))
    sync_tiles(places, first, size)


def sync_tiles(places: LogPlaces, first: int, size: int) -> None:
    """The tiles that became full between the two sizes, and the partial ones of the second."""
    folders: set[str] = set()
    for tile in (*full_tiles(first, size), *partial_tiles(size)):
        fd = os.open(path := places.tile(tile), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        while path != places.folder:
            folders.add(path := os.path.dirname(path))
    # Their names too, from the lowest folder up.
    for folder in sorted(folders, key=len, reverse=True):
        sync_folder(folder)


def read_tile(places: LogPlaces, tile: Tile) -> bytes | None:
    """A tile as it lies there; of a partial one also the beginning of the full one, or of a wider one. None where there is none."""
    wider = [width for width in _widths(os.path.dirname(places.tile(tile))) if width > tile.width] if tile.width < TILE_HASHES else []
    for found in (tile, Tile(tile.level, tile.number, TILE_HASHES), *(Tile(tile.level, tile.number, width) for width in wider[:1])):
        path = places.tile(found)
        if os.path.isfile(path):
            data = read_bounded(path, TILE_BYTES)
            if len(data) != found.width * HASH_BYTES:
                raise Refused(
                    "audit.tile", "a tile has not the size it should have", where=path, hint="make the tiles anew: mpp audit verify --deep says which"
                )
            return data[: tile.width * HASH_BYTES]
    return None


def widest_partial(places: LogPlaces, tile: Tile) -> bytes:
    """The beginning of a tile, as the last seal within it kept it; empty where none did."""
    folder = os.path.dirname(places.tile(Tile(tile.level, tile.number, 1)))
    widths = [width for width in _widths(folder) if width <= tile.width]
    found = read_tile(places, Tile(tile.level, tile.number, max(widths))) if widths else None
    return found or b""


def stored_partials(places: LogPlaces, tile: Tile) -> list[Tile]:
    """What lies there of a tile from when it was not full, or not as full."""
    folder = os.path.dirname(places.tile(Tile(tile.level, tile.number, 1)))
    return [Tile(tile.level, tile.number, width) for width in _widths(folder)]


def read_partial(places: LogPlaces, level: int, size: int) -> bytes:
    """The pending hashes of a level at the size of a seal."""
    whole = size >> (TILE_BITS * level)
    width = whole & (TILE_HASHES - 1)
    if not width:
        return b""
    data = read_tile(places, Tile(level, whole >> TILE_BITS, width))
    if data is None:
        raise HostFailed("audit.tile", "a tile of the log is gone", where=places.tile(Tile(level, whole >> TILE_BITS, width)), hint="restore it from a copy")
    return data
