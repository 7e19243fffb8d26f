"""A log for those who read it: this home's own, or a copy of one. It takes no lock and changes nothing.

Spec: audit section 3.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import chain

from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.scan import last_line, lines_from
from mpp.host.audit.tilefiles import read_tile, widest_partial
from mpp.ledger.checkpoints import Checkpoint, read_checkpoint, read_seal, Seal
from mpp.ledger.notes import Note, NOTE_BYTES_MAX, read_note, write_note
from mpp.ledger.tiles import Tile, TILE_BITS, TILE_HASHES, TileHashes
from mpp.ledger.tree import HASH_BYTES, inclusion_path, root_of
from mpp.stages.audit import Entry, Proof, ProvenLine, read_entry, read_genesis, tail_of
from mpp.stages.audit.limits import LINE_BYTES_MAX


class LogReader:
    """Everything is looked up anew with each call: a log grows while it is read."""

    def __init__(self, places: LogPlaces) -> None:
        self.places = places

    def is_there(self) -> bool:
        return bool(segment_files(self.places.segments))

    def lines(self, seq: int = 0) -> Iterator[bytes]:
        """The whole lines from entry ``seq`` on; pruned ones are passed over."""
        return lines_from(self.places, seq)

    def entries(self, seq: int = 0) -> Iterator[Entry]:
        """The entries from ``seq`` on, read strictly."""
        for line in self.lines(seq):
            yield read_entry(line, where=f"log entry {(tail_of(line) or ('', '?'))[1]}")

    def line(self, seq: int) -> bytes:
        """The line of one entry."""
        first = max((one for one in segment_files(self.places.segments) if one <= seq), default=0)
        kept = self.kept(first) if os.path.lexists(self.places.kept(first)) else []
        for line in chain(kept, self.lines(seq)):
            found = tail_of(line)
            if found is not None and found[1] >= seq:
                if found[1] == seq:
                    return line
                break
        raise Refused(
            "audit.no_entry", f"the record has no entry {seq}, or it has been pruned", where=self.places.folder, hint="see what there is: mpp audit stats"
        )

    def kept(self, first: int) -> list[bytes]:
        """Of a pruned segment, the lines that proofs need: entry 0 and the last of the segment. The tree proves them."""
        return read_bounded(self.places.kept(first), 2 * LINE_BYTES_MAX + 2).split(b"\n")[:-1]

    def entry(self, seq: int) -> Entry:
        return read_entry(self.line(seq), where=f"log entry {seq}")

    def last(self) -> int:
        """The number of the newest whole entry; -1 where there is none."""
        files = segment_files(self.places.segments)
        if not files:
            return -1
        first = max(files)
        if files[first] == {"seal"} or "jsonl" not in files[first]:
            return self.seal(first).checkpoint.size - 1
        newest = last_line(self.places.segment(first))
        found = tail_of(newest) if newest else None
        return found[1] if found else first - 1

    # -- notes

    def seal(self, first: int) -> Seal:
        path = self.places.seal(first)
        return read_seal(read_checkpoint(self.note(path).text, where=path), where=path)

    def note(self, path: str) -> Note:
        return read_note(read_bounded(path, NOTE_BYTES_MAX), where=path)

    def checkpoint(self) -> tuple[Note, Checkpoint]:
        """The newest one."""
        path = self.places.checkpoint
        if not os.path.lexists(path):
            raise Refused("audit.no_checkpoint", "the record has no checkpoint yet", where=path, hint="one is written with the next call")
        note = self.note(path)
        return note, read_checkpoint(note.text, where=path)

    # -- hashes

    def hashes(self, size: int) -> TileHashes:
        return TileHashes(size, self._tile)

    def _tile(self, tile: Tile) -> bytes:
        """From the tiles, and where none is kept from what lies below."""
        found = read_tile(self.places, tile)
        return self.made_tile(tile) if found is None else found

    def made_tile(self, tile: Tile, *, from_kept: bool = True) -> bytes:
        """From the entries, or from the tiles below; its beginning may be kept by a seal, and the entries pruned."""
        begin, base = tile.number << TILE_BITS, widest_partial(self.places, tile) if from_kept else b""
        done = len(base) // HASH_BYTES
        if done == tile.width:
            return base
        if tile.level == 0:
            return base + b"".join(self._leaves(begin + done, tile.width - done))
        below = (self._tile(Tile(tile.level - 1, begin + i, TILE_HASHES)) for i in range(done, tile.width))
        return base + b"".join(root_of([data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]) for data in below)

    def _leaves(self, begin: int, count: int) -> list[bytes]:
        out: list[bytes] = []
        for line in self.lines(begin):
            found = tail_of(line)
            if found is None or found[1] != begin + len(out):
                break
            out.append(hashlib.sha256(b"\x00" + line).digest())
            if len(out) == count:
                return out
        raise HostFailed(
            "audit.tile", f"the tile over the entries from {begin} on is gone, and so are they", where=self.places.folder, hint="restore the tiles from a copy"
        )

    def stored_tile(self, tile: Tile) -> bytes | None:
        """As it lies there."""
        return read_tile(self.places, tile)

    def stored_tile_or_none(self, tile: Tile) -> bytes | None:
        """As it lies there; None also where it is not even of the right size."""
        try:
            return read_tile(self.places, tile)
        except Refused:
            return None

    def leaves_of_tiles(self, begin: int, end: int) -> Iterator[bytes]:
        """Leaf hashes as the tiles have them: for entries that are pruned."""
        for number in range(begin >> TILE_BITS, (end - 1 >> TILE_BITS) + 1):
            start = number << TILE_BITS
            data = self._tile(Tile(0, number, min(TILE_HASHES, end - start)))
            yield from (data[i : i + HASH_BYTES] for i in range(max(0, begin - start) * HASH_BYTES, len(data), HASH_BYTES))

    def leaf(self, seq: int, size: int) -> str:
        """The leaf hash of an entry, also of a pruned one."""
        return self.hashes(size).subtree(0, seq).hex()

    # -- proofs

    def prove(self, seq: int) -> Proof:
        """A proof of one entry under the newest checkpoint. Spec: audit section 8."""
        note, checkpoint = self.checkpoint()
        if seq >= checkpoint.size:
            raise Refused("audit.unsigned", f"entry {seq} is not under a checkpoint yet", where=self.places.checkpoint, hint="try again in a second")
        first = self.line(0)
        genesis = read_genesis(read_entry(first, where="log entry 0"), where="log entry 0")
        wanted = [0, *self._announced(note, genesis.origin)]
        # The last one is the one in question: entry 0 stands there again, if another follows it.
        wanted += [seq] if seq != wanted[-1] else []
        hashes = self.hashes(checkpoint.size)
        lines = tuple(
            ProvenLine(seq=one, line=self.line(one), path=tuple(inclusion_path(hashes, one, checkpoint.size))) for one in wanted
        )  # fmt: skip
        return Proof(checkpoint=write_note(note.text, note.signatures), lines=lines)

    def _announced(self, note: Note, origin: str) -> list[int]:
        """The entry that announced the key of the checkpoint's epoch; none for the first."""
        names = [one.name.removeprefix(origin + "/") for one in note.signatures if one.name.startswith(origin + "/")]
        epoch = int(names[0]) if names and names[0].isdecimal() else 0
        if not epoch:
            return []
        firsts = [first for first, kinds in segment_files(self.places.segments).items() if "seal" in kinds]
        return [self.seal(firsts[epoch - 1]).checkpoint.size - 1]
