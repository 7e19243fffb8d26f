"""What of a log is kept elsewhere, piece by piece. Nothing leaves that is not what its seal says.

Attack: a segment that somebody changed, made permanent by us. Each piece is written once and never again, so it is checked before.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256

from mpp.errors import HostFailed, MppError, Refused
from mpp.files import read_bounded
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import COMPRESSION_LEVEL
from mpp.ledger.checkpoints import ORIGIN_PREFIX, read_checkpoint, Seal
from mpp.ledger.notes import is_signed, Note, NOTE_BYTES_MAX, NoteKey, read_note, write_note
from mpp.ledger.tiles import full_tiles, partial_tiles, Tile, TILE_BITS, TILE_BYTES, TILE_HASHES, TileHashes
from mpp.ledger.tree import HASH_BYTES, range_root, root_of
from mpp.limits import KIB
from mpp.model.value import value
from mpp.stages.audit import leaf_of, read_entry, read_genesis
from mpp.stages.audit.limits import SEGMENT_BYTES_READ_MAX

PACKED_BYTES_MAX = SEGMENT_BYTES_READ_MAX + 64 * KIB
"""Bytes of a compressed segment. Reason: what cannot be compressed grows by a thousandth and a few bytes at the ends."""

PACKED_TYPE, NOTE_TYPE, BYTES_TYPE = "application/gzip", "text/plain", "application/octet-stream"


@value
class Piece:
    """One object: its name below the folder of its log, and its bytes."""

    name: str
    data: bytes
    kind: str
    most: int
    """Bytes that are read back of what stands there under its name."""
    is_same: Callable[[bytes], bool]
    """Does what stands there say the same?"""


def _exactly(name: str, data: bytes, kind: str = BYTES_TYPE) -> Piece:
    return Piece(name=name, data=data, kind=kind, most=len(data), is_same=lambda found: found == data)


class LogPieces:
    """The pieces of one log, one segment at a time in memory."""

    def __init__(self, places: LogPlaces) -> None:
        self._places, self._reader = places, LogReader(places)
        if not self._reader.is_there():
            raise Refused("audit.empty", "there is no record here", where=places.folder, hint="it begins with the first call")
        # Of a log whose beginning was pruned, entry 0 is kept.
        is_kept = os.path.lexists(places.kept(0))
        line = self._reader.kept(0)[0] if is_kept else next(self._reader.lines(), b"")
        genesis = read_genesis(read_entry(line, where="log entry 0"), where="log entry 0")
        self.log_id, self._key = leaf_of(line), NoteKey(name=genesis.origin, public=genesis.host_key)
        self.folder = genesis.origin.removeprefix(ORIGIN_PREFIX)
        """Each log has a folder of its own: several hosts may share a target, and a log that begins anew is another one."""

    def sealed(self) -> list[int]:
        """The first entry of each sealed segment, in order."""
        return [first for first, kinds in segment_files(self._places.segments).items() if "seal" in kinds]

    def is_pruned(self, first: int) -> bool:
        return not segment_files(self._places.segments).get(first, set()) & {"jsonl", "jsonl.gz"}

    # -- checkpoints

    def checkpoint(self) -> Piece:
        """The newest one. The same checkpoint may be signed anew, by the next epoch: its text says whether it is the same."""
        note, checkpoint = self._reader.checkpoint()
        return self._note(f"checkpoint-{checkpoint.size}", note, self._places.checkpoint)

    def witnessed(self) -> Piece | None:
        """The newest one with cosignatures. They grow in number, so the name says which of them these are."""
        path = self._places.witnessed
        if not os.path.lexists(path):
            return None
        note = self._reader.note(path)
        data, size = write_note(note.text, note.signatures), read_checkpoint(note.text, where=path).size
        return self._note(f"witnessed-{size}-{sha256(data).hexdigest()[:16]}", note, path)

    def _note(self, name: str, note: Note, path: str) -> Piece:
        self._check_signed(note, path)
        return Piece(
            name=name, data=write_note(note.text, note.signatures), kind=NOTE_TYPE, most=NOTE_BYTES_MAX,
            is_same=lambda found: _text_of(found) == note.text,
        )  # fmt: skip

    def _check_signed(self, note: Note, path: str) -> None:
        if not is_signed(note, self._key):
            raise Refused("audit.signature", f"it is not signed by {self._key.name}", where=path, hint="see what changed: mpp audit verify --deep")

    # -- segments

    def segment(self, first: int, *, tiles: bool) -> Iterator[Piece]:
        """Its entries, its tiles, and at last its seal: where the seal is, the rest is."""
        path = self._places.seal(first)
        self._check_signed(self._reader.note(path), path)
        seal = self._reader.seal(first)
        packed = self._packed(first, seal)
        if packed is not None:
            name = f"segments/{first:016d}.jsonl.gz"
            yield Piece(name=name, data=packed, kind=PACKED_TYPE, most=PACKED_BYTES_MAX, is_same=lambda found: _is_sealed(_unpacked(found, seal), seal))
        elif os.path.lexists(self._places.kept(first)):
            yield _exactly(f"segments/{first:016d}.kept", b"".join(line + b"\n" for line in self._reader.kept(first)))
        if tiles:
            yield from self._tiles(first, seal)
        yield _exactly(f"segments/{first:016d}.seal", read_bounded(path, NOTE_BYTES_MAX), NOTE_TYPE)

    def _packed(self, first: int, seal: Seal) -> bytes | None:
        """As it is kept compressed, or compressed as it would be; None where it is pruned."""
        try:
            packed = self._found(first)
        except HostFailed:
            # Compressed or pruned by another process at this very moment.
            packed = self._found(first)
        if packed is not None and not _is_sealed(_unpacked(packed, seal), seal):
            raise Refused(
                "audit.seal", "the segment is not what its seal says", where=self._places.segment(first), hint="see what changed: mpp audit verify --deep"
            )
        return packed

    def _found(self, first: int) -> bytes | None:
        kinds, path = segment_files(self._places.segments).get(first, set()), self._places.segment(first)
        if "jsonl.gz" in kinds:
            return read_bounded(path + ".gz", PACKED_BYTES_MAX)
        return gzip.compress(read_bounded(path, SEGMENT_BYTES_READ_MAX), COMPRESSION_LEVEL, mtime=0) if "jsonl" in kinds else None

    # -- tiles

    def _tiles(self, first: int, seal: Seal) -> Iterator[Piece]:
        """The tiles that the segment filled, and the partial ones at its seal: proven by its root, from the top down."""
        size = seal.checkpoint.size
        found = {tile: self._tile(tile) for tile in partial_tiles(size)}
        if range_root(TileHashes(size, lambda tile: self._proven(found, tile)), 0, size) != seal.checkpoint.root:
            raise self._wrong(first)
        # A few hundred tiles at most: 2 MiB for the largest segment.
        for tile in sorted(full_tiles(first, size), reverse=True):
            data = found[tile] = self._tile(tile)
            if root_of(_hashes(data)) != self._parent_hash(found, tile, size):
                raise self._wrong(first)
        yield from (_exactly(f"tile/{tile.path}", data) for tile, data in found.items())

    def _tile(self, tile: Tile) -> bytes:
        found = self._reader.stored_tile_or_none(tile)
        return self._reader.made_tile(tile) if found is None else found

    def _proven(self, found: dict[Tile, bytes], tile: Tile) -> bytes:
        return found[tile] if tile in found else self._tile(tile)

    @staticmethod
    def _parent_hash(found: dict[Tile, bytes], tile: Tile, size: int) -> bytes:
        """What the tile above says of it, which became full with it or is still partial."""
        level, number = tile.level + 1, tile.number >> TILE_BITS
        width = min(TILE_HASHES, (size >> (TILE_BITS * level)) - (number << TILE_BITS))
        return _hashes(found[Tile(level, number, width)])[tile.number & (TILE_HASHES - 1)]

    def _wrong(self, first: int) -> Refused:
        return Refused("audit.tile", "the tiles do not give the root of the seal", where=self._places.seal(first), hint="see which: mpp audit verify --deep")


def _hashes(data: bytes) -> list[bytes]:
    return [data[i : i + HASH_BYTES] for i in range(0, min(len(data), TILE_BYTES), HASH_BYTES)]


def _unpacked(packed: bytes, seal: Seal) -> bytes:
    """Attack: a few bytes that grow to gigabytes, or others behind the end. It grows to one byte more than was sealed, and no further."""
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = reader.decompress(packed, seal.count + 1)
    except zlib.error:
        return b""
    return data if reader.eof and not reader.unused_data else b""


def _is_sealed(data: bytes, seal: Seal) -> bool:
    return len(data) == seal.count and sha256(data).hexdigest() == seal.sha256


def _text_of(data: bytes) -> str:
    try:
        return read_note(data, where="").text
    except MppError:
        return ""
