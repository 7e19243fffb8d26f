"""How far a log holds. It reads the folder as hostile, segment by segment, and says for each verdict up to where.

Spec: audit section 7.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from mpp.errors import Fault, MppError, Refused
from mpp.host.audit.ahead import ReadAhead, Stored
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.scan import Ends, read_stored
from mpp.host.audit.stories import Stories
from mpp.host.audit.tilefiles import stored_partials
from mpp.ledger.checkpoints import Checkpoint, read_checkpoint, read_seal, Seal
from mpp.ledger.notes import is_signed, Note, NoteKey
from mpp.ledger.tiles import TILE_HASHES, Tile
from mpp.ledger.tree import HASH_BYTES, range_root
from mpp.limits import FAULTS_MAX
from mpp.model.value import value
from mpp.stages.audit import (
    Covered,
    FIRST_PREV,
    Genesis,
    Seen,
    Stretch,
    Tree,
    Verdict,
    count_witnesses,
    follow,
    leaf_of,
    level_of,
    read_entry,
    read_epoch,
    read_genesis,
    reason_of,
    tail_of,
)

_INVOCATION = re.compile("(?:[0-9a-f]{32})?")

FAST, DEEP, THOROUGH = "fast", "deep", "thorough"
DEPTHS = (FAST, DEEP, THOROUGH)

_TILE_HINT = "remove it: it is made anew from the entries"

Progress = Callable[[int, int], None]
"""Told how many segments of how many are done."""


@value
class Anchor:
    """Something that was kept elsewhere: a checkpoint, or the leaf hash of one entry."""

    name: str
    checkpoint: Checkpoint | None = None
    note: Note | None = None
    """The checkpoint as it was signed."""
    seq: int = -1
    leaf: str = ""


@value
class Wanted:
    """What a verifier knows and asks for."""

    depth: str = FAST
    log_id: str = ""
    anchors: tuple[Anchor, ...] = ()
    witnesses: tuple[NoteKey, ...] = ()
    quorum: int = 1


def verify_log(places: LogPlaces, wanted: Wanted, progress: Progress = lambda _done, _all: None) -> Verdict:
    """Spec: audit L-60 to L-63."""
    if not segment_files(places.segments):
        raise Refused("audit.empty", "there is no record here", where=places.folder, hint="it begins with the first call; or name the folder of one")
    return _Verifier(places, wanted).run(progress)


@value
class Vouching:
    """A signed note that stands for entries."""

    note: Note
    checkpoint: Checkpoint


class _Verifier:
    def __init__(self, places: LogPlaces, wanted: Wanted) -> None:
        self._places, self._wanted, self._reader = places, wanted, LogReader(places)
        self._faults: list[Fault] = []
        self._notes: list[str] = []
        self._tree, self._stories = Tree(), Stories()
        self._size, self._prev, self._epoch = 0, FIRST_PREV, 0
        self._keys: dict[int, bytes] = {}
        self._starts: dict[int, int] = {}
        """Of each epoch but the first, the entry with which it began."""
        self._genesis: Genesis | None = None
        self._pruned = self._pruned_entries = self._bytes = self._sealed = 0
        self._signed = 0
        self._is_present = False
        self._seal_note: Note | None = None
        self._last_root, self._sealed_size = b"", 0
        self._missing_tiles = 0
        self._kinds: dict[int, set[str]] = {}
        # What vouches is read before what it vouches for: a log grows while it is read.
        self._newest_note, self._seen_note = self._vouching(places.checkpoint), self._vouching(places.witnessed)
        self._roots: dict[int, bytes] = {}
        self._leaves: dict[int, str] = {}
        # Attack: tiles of the true history beside entries that were written anew. An anchor is compared with what the entries give.
        self._hashes = wanted.depth != FAST or bool(wanted.anchors or wanted.witnesses)

    def _vouching(self, path: str) -> Vouching | None:
        if not os.path.lexists(path):
            return None
        try:
            note = self._reader.note(path)
            return Vouching(note=note, checkpoint=read_checkpoint(note.text, where=path))
        except MppError as fault:
            self._add(*fault.faults)
            return None

    def run(self, progress: Progress) -> Verdict:
        self._kinds = files = segment_files(self._places.segments)
        with ReadAhead(self._places, files, whole=self._hashes) as ahead:
            for number, (first, kinds) in enumerate(files.items()):
                progress(number, len(files))
                try:
                    self._segment(number, first, kinds, ahead, is_last=number == len(files) - 1)
                except MppError as fault:
                    self._add(*fault.faults)
                    if self._genesis is None:
                        break
        progress(len(files), len(files))
        if self._missing_tiles:
            self._notes.append(f"{self._missing_tiles} tiles are not there; they can be made from the entries")
        witnesses: tuple[Seen, ...] = ()
        anchored = witnessed = 0
        if self._genesis is not None and not self._faults:
            self._judged(self._newest)
            anchored = self._anchored()
            witnessed, witnesses = self._witnessed()
        if self._wanted.depth != FAST and not self._faults:
            for tile, data in self._tree.partial():
                self._compare_partial(tile, data)
        if self._wanted.depth == THOROUGH and not self._faults:
            self._notes += self._stories.notes()
        return self._verdict(anchored, witnessed, witnesses, len(files))

    def _verdict(self, anchored: int, witnessed: int, witnesses: tuple[Seen, ...], segments: int) -> Verdict:
        genesis, faults = self._genesis, tuple(self._faults)
        covered = Covered(chained=self._size, signed=0 if faults else self._signed, anchored=max(anchored, witnessed), witnessed=witnessed)
        level = level_of(covered, faults, is_present=self._is_present)
        return Verdict(
            level=level, reason=reason_of(level, covered, pinned=bool(self._wanted.log_id), faults=faults, quorum=max(1, self._wanted.quorum)),
            log_id="" if genesis is None else genesis.log_id, host_key="" if genesis is None else str(NoteKey(name=genesis.origin, public=genesis.host_key)),
            covered=covered, faults=faults, notes=tuple(self._notes), witnesses=witnesses, segments=segments, pruned=self._pruned,
            pruned_entries=self._pruned_entries, read_bytes=self._bytes, depth=DEEP if self._hashes and self._wanted.depth == FAST else self._wanted.depth,
        )  # fmt: skip

    def _add(self, *faults: Fault) -> None:
        self._faults += faults[: max(0, FAULTS_MAX - len(self._faults))]

    # -- one segment

    def _segment(self, number: int, first: int, kinds: set[str], ahead: ReadAhead, *, is_last: bool) -> None:
        path = self._places.segment(first)
        if first != self._size:
            self._add(
                Fault("audit.seq", path, f"the segment should begin with entry {self._size} and begins with {first}", "restore what is missing from a copy")
            )
            self._size, self._prev = first, ""
        sealed = self._seal(number, first) if "seal" in kinds else None
        seal = None if sealed is None else sealed[0]
        self._seal_note = None if sealed is None else sealed[1]
        stored = ahead.take(first)
        if stored.data is None and stored.ends is None:
            self._without_entries(seal, path)
            return
        if seal is None and not is_last:
            self._add(Fault("audit.seal", path, "a segment that others follow has no seal", "restore the seal from a copy"))
        self._bytes += stored.size
        if number == 0:
            self._begin(stored.first, path)
        self._with_entries(stored, seal, first, path)

    def _begin(self, line: bytes, path: str) -> None:
        """Spec: audit L-4, L-5."""
        self._genesis = genesis = read_genesis(read_entry(line, where=f"{path}: entry 0"), where=f"{path}: entry 0")
        self._keys[0] = genesis.epoch_key
        if self._wanted.log_id and genesis.log_id != self._wanted.log_id:
            message = f"this is the log {genesis.log_id[:16]}…, not {self._wanted.log_id[:16]}…"
            self._add(Fault("audit.log_id", f"{path}: entry 0", message, "another log stands in its place, or you have the id of another"))

    def _seal(self, number: int, first: int) -> tuple[Seal, Note] | None:
        """Spec: audit L-22. Its signatures are judged where the keys are known."""
        path = self._places.seal(first)
        try:
            # Read once. Attack: another file at the second look, when the signatures are judged.
            note = self._reader.note(path)
            seal = read_seal(read_checkpoint(note.text, where=path), where=path)
        except MppError as fault:
            self._add(*fault.faults)
            return None
        if (seal.segment, seal.first) != (number, first) or seal.checkpoint.size <= first:
            self._add(Fault("audit.seal", path, "the seal is of another segment", "restore it from a copy"))
            return None
        return seal, note

    def _with_entries(self, stored: Stored, seal: Seal | None, first: int, path: str) -> None:
        ends = stored.ends
        is_whole = seal is not None and ends is not None and ends.size == seal.count and ends.sha256 == seal.sha256
        if seal is not None and not is_whole:
            self._add(Fault("audit.seal", path, "the segment is not what its seal says", "restore it from a copy"))
        if is_whole and not self._hashes and seal is not None and ends is not None and not self._faults:
            self._ends(ends, seal, path)
            return
        data = stored.data
        if data is None:
            # There is a fault already: the lines say where. What a second look finds cannot take the fault away.
            data = read_stored(self._places, first, self._kinds[first]) or b""
        stretch = follow(data, first, self._prev or _prev_of(data), path, self._look(path))
        if stretch.fault is not None:
            # The place of the fault says more than that there is one.
            self._faults[:] = [one for one in self._faults if one.where != path]
            self._add(stretch.fault)
        if stretch.torn:
            self._notes.append(f"{path} ends with {stretch.torn} bytes that are no whole entry: the next writer sets them aside")
        self._take(stretch, first)
        if seal is not None:
            self._judge_seal(seal, stretch.prev, stretch.last, path)
            self._size = seal.checkpoint.size

    def _take(self, stretch: Stretch, first: int) -> None:
        self._size, self._prev = first + len(stretch.leaves), stretch.prev
        if self._tree.size != first and not self._hashes and not self._faults:
            self._begin_tree(first)
        if self._tree.size == first:
            self._grow(stretch.leaves)

    def _begin_tree(self, size: int) -> None:
        """Behind sealed segments of which only the bytes were hashed, the tree goes on from the tiles, which the last seal proves."""
        self._tree.begin(size, self._reader.hashes(size))
        if self._last_root not in {b"", self._tree.root()}:
            self._add(Fault("audit.tile", os.path.join(self._places.folder, "tile"), "the tiles do not give the root of the last seal", _TILE_HINT))

    def _grow(self, leaves: Sequence[bytes]) -> None:
        """Add them, and keep the root at each size that somebody vouches for."""
        begin = first = self._tree.size
        for size in sorted(one for one in self._sizes() if first <= one <= first + len(leaves)):
            self._compare(self._tree.add(leaves[begin - first : size - first]))
            self._roots[size] = self._tree.root()
            begin = size
        self._compare(self._tree.add(leaves[begin - first :]))
        for anchor in self._wanted.anchors:
            if first <= anchor.seq < first + len(leaves):
                self._leaves[anchor.seq] = leaves[anchor.seq - first].hex()

    def _sizes(self) -> set[int]:
        found = [one.checkpoint for one in (*self._wanted.anchors, self._newest_note, self._seen_note) if one is not None]
        return {one.size for one in found if one is not None}

    def _compare(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Spec: audit L-11."""
        for tile, data in tiles:
            if self._wanted.depth == FAST:
                continue
            if tile.width == TILE_HASHES:
                self._compare_partial(tile, data)
            if self._reader.stored_tile_or_none(tile) == data:
                continue
            path = self._places.tile(tile)
            if not os.path.lexists(path):
                self._missing_tiles += 1
            else:
                self._add(Fault("audit.tile", path, "the tile does not hold the hashes of its entries", _TILE_HINT))

    def _compare_partial(self, tile: Tile, data: bytes) -> None:
        """What seals and checkpoints kept of a tile while it was not full is its beginning."""
        for part in stored_partials(self._places, tile):
            whole = part.width * HASH_BYTES
            path = self._places.tile(part)
            is_told = any(fault.where == path for fault in self._faults)
            stored = self._reader.stored_tile_or_none(part)
            # A wider one is of a writer that is ahead of what we read: its beginning is known.
            fits = stored == data[:whole] if whole <= len(data) else stored is not None and stored.startswith(data)
            if not is_told and not fits:
                self._add(Fault("audit.tile", path, "the partial tile does not hold the hashes of its entries", _TILE_HINT))

    def _look(self, path: str) -> Callable[[bytes, int, int], None] | None:
        if self._wanted.depth != THOROUGH:
            return None

        def look(line: bytes, seq: int, offset: int) -> None:
            where = f"{path}: entry {seq}, byte {offset}"
            try:
                entry = read_entry(line, where=where)
            except MppError as fault:
                self._add(*(Fault("audit.entry", one.where, one.message, one.hint) for one in fault.faults))
                return
            if _INVOCATION.fullmatch(entry.event.invocation) is None:
                self._add(Fault("audit.entry", where, "the name of the call is none", "find out who wrote it"))
            if seq and entry.event.kind == "log":
                self._add(Fault("audit.genesis", where, "a log begins in the middle of this one", "find out who wrote it: only entry 0 says whose log it is"))
            self._add(*self._stories.tell(entry, where, since_pruned=bool(self._pruned)))

        return look

    def _ends(self, ends: Ends, seal: Seal, path: str) -> None:
        """A segment whose bytes are as sealed: its ends join it to its neighbours."""
        line, found = ends.last, tail_of(ends.first)
        if found is None or found[0] != self._prev:
            self._add(Fault("audit.chain", f"{path}: entry {seal.first}, byte 0", "the segment does not follow the one before", "restore it from a copy"))
        self._judge_seal(seal, leaf_of(line), line, path)
        self._size, self._prev = seal.checkpoint.size, seal.leaf

    def _judge_seal(self, seal: Seal, leaf: str, line: bytes, path: str) -> None:
        where = self._places.seal(seal.first)
        if leaf != seal.leaf and not self._faults:
            self._add(Fault("audit.seal", where, "the last entry is not the one that was sealed", "restore the segment from a copy"))
        if line and leaf == seal.leaf:
            entry = read_entry(line, where=f"{path}: entry {seal.checkpoint.size - 1}")
            if entry.seq != seal.checkpoint.size - 1 or read_epoch(entry, where=path) != (seal.segment + 1, seal.next_key):
                self._add(Fault("audit.epoch", where, "the seal and the last entry name two keys", "restore both from a copy"))
        if self._hashes and self._tree.size == seal.checkpoint.size:
            if self._tree.root() != seal.checkpoint.root:
                self._add(Fault("audit.root", where, "the entries do not give the root of the seal", "restore them from a copy"))
            self._compare(self._tree.partial())
        self._judge_keys(seal, where)

    def _judge_keys(self, seal: Seal, where: str) -> None:
        """Spec: audit L-20, L-25."""
        self._keys[seal.segment + 1] = seal.next_key
        self._sealed += 1
        self._last_root, self._sealed_size = seal.checkpoint.root, seal.checkpoint.size
        self._starts[seal.segment + 1] = seal.checkpoint.size
        if self._seal_note is not None and self._judge_signed(self._seal_note, seal.checkpoint, seal.segment, where):
            self._signed = seal.checkpoint.size

    def _without_entries(self, seal: Seal | None, path: str) -> None:
        """A pruned segment: the seal stands for it."""
        if seal is None:
            self._add(Fault("audit.seq", path, "the entries of a segment are gone, and no seal stands for them", "restore them from a copy"))
            return
        self._pruned += 1
        self._pruned_entries += seal.checkpoint.size - seal.first
        self._judge_kept(seal)
        self._judge_keys(seal, self._places.seal(seal.first))
        if self._hashes and self._tree.size == seal.first:
            # The tree goes on over the tiles, which the root of the seal proves or refutes.
            self._grow(tuple(self._reader.leaves_of_tiles(seal.first, seal.checkpoint.size)))
            if self._tree.root() != seal.checkpoint.root:
                self._add(Fault("audit.tile", self._places.seal(seal.first), "the tiles do not give the root of the seal", "restore the tiles from a copy"))
            self._compare(self._tree.partial())
        self._size, self._prev = seal.checkpoint.size, seal.leaf

    def _judge_kept(self, seal: Seal) -> None:
        path = self._places.kept(seal.first)
        lines = self._reader.kept(seal.first)
        if seal.segment == 0 and lines:
            self._begin(lines[0], path)
        if len(lines) != 1 + (seal.segment == 0) or leaf_of(lines[-1]) != seal.leaf:
            self._add(Fault("audit.entry", path, "the lines that were kept of a pruned segment are not those of its seal", "restore them from a copy"))

    # -- signatures, anchors, witnesses

    def _is_of_its_time(self, checkpoint: Checkpoint, epoch: int, where: str) -> bool:
        """Attack: a key that was copied while its epoch lasted, and a checkpoint by it over what was written after."""
        end = self._starts.get(epoch + 1, self._size)
        if self._starts.get(epoch, 0) <= checkpoint.size <= end:
            return True
        message = f"the key of epoch {epoch} was not the present one when the log had {checkpoint.size} entries"
        self._add(Fault("audit.signature", where, message, "somebody else wrote it; restore it from a copy"))
        return False

    def _is_by_host(self, note: Note, checkpoint: Checkpoint) -> bool:
        genesis = self._genesis
        return genesis is not None and checkpoint.origin == genesis.origin and is_signed(note, NoteKey(name=genesis.origin, public=genesis.host_key))

    def _judge_signed(self, note: Note, checkpoint: Checkpoint, epoch: int, where: str) -> bool:
        genesis = self._genesis
        if genesis is None or checkpoint.origin != genesis.origin:
            self._add(Fault("audit.log_id", where, "it is of another log", "restore it from a copy"))
            return False
        names = (genesis.origin, genesis.host_key), (f"{genesis.origin}/{epoch}", self._keys.get(epoch, b""))
        missing = [name for name, key in names if not key or not is_signed(note, NoteKey(name=name, public=key))]
        self._add(*(Fault("audit.signature", where, f"it is not signed by {name}", "somebody else wrote it; restore it from a copy") for name in missing))
        return not missing

    def _judged(self, judge: Callable[[], None]) -> None:
        try:
            judge()
        except MppError as fault:
            self._add(*fault.faults)

    def _newest(self) -> None:
        """The checkpoint over the open segment; without one the end is only chained."""
        found, self._is_present = self._newest_note, 0 < self._sealed_size == self._size
        if found is None:
            if self._sealed and self._size > self._sealed_size:
                self._notes.append("there is no checkpoint: entries behind the last seal are only chained")
        else:
            self._vouches(found, self._places.checkpoint)

    def _vouches(self, found: Vouching, where: str) -> bool:
        checkpoint = found.checkpoint
        epoch = _epoch_of(found.note, checkpoint.origin)
        if self._is_by_host(found.note, checkpoint) and not self._fits(checkpoint, where):
            # That says more than that the key of an epoch is not known which was cut off too.
            return False
        if not self._judge_signed(found.note, checkpoint, epoch, where) or not self._is_of_its_time(checkpoint, epoch, where):
            return False
        self._signed = max(self._signed, checkpoint.size)
        # Spec: audit section 7. A log that the present epoch never signed may end in anything.
        self._is_present = self._is_present or epoch == self._sealed
        return True

    def _fits(self, checkpoint: Checkpoint, where: str) -> bool:
        """Spec: audit L-62."""
        if checkpoint.size > self._size:
            message = f"it covers {checkpoint.size} entries and the log has {self._size}: the end was cut off"
            self._add(Fault("audit.truncated", where, message, "restore the log from a copy"))
            return False
        if self._root_at(checkpoint.size) != checkpoint.root:
            message = f"the first {checkpoint.size} entries do not give its root: history was written anew"
            code = "audit.root" if where == self._places.checkpoint else "audit.fork"
            self._add(Fault(code, where, message, "find out which of the two is true, and who has the keys"))
            return False
        return True

    def _root_at(self, size: int) -> bytes:
        """From the entries. Only a fast look at a checkpoint that seals go beyond asks the tiles: it makes nothing more of it."""
        found = self._roots.get(size)
        return range_root(self._reader.hashes(size), 0, size) if found is None else found

    def _anchored(self) -> int:
        best = 0
        for anchor in self._wanted.anchors:
            try:
                best = max(best, self._anchor(anchor))
            except MppError as fault:
                self._add(*fault.faults)
        return best

    def _anchor(self, anchor: Anchor) -> int:
        checkpoint = anchor.checkpoint
        if checkpoint is None:
            return self._anchored_entry(anchor)
        if self._genesis is not None and checkpoint.origin != self._genesis.origin:
            self._add(Fault("audit.log_id", anchor.name, "the anchor is of another log", "give a checkpoint of this one"))
            return 0
        if anchor.note is not None:
            return checkpoint.size if self._vouches(Vouching(note=anchor.note, checkpoint=checkpoint), anchor.name) else 0
        return checkpoint.size if self._fits(checkpoint, anchor.name) else 0

    def _anchored_entry(self, anchor: Anchor) -> int:
        if anchor.seq >= self._size:
            self._add(Fault("audit.truncated", anchor.name, f"entry {anchor.seq} is gone: the end was cut off", "restore the log from a copy"))
            return 0
        if self._leaves.get(anchor.seq) != anchor.leaf:
            self._add(Fault("audit.fork", anchor.name, f"entry {anchor.seq} is another one: history was written anew", "find out which of the two is true"))
            return 0
        return anchor.seq + 1

    def _witnessed(self) -> tuple[int, tuple[Seen, ...]]:
        found = self._seen_note
        if found is None:
            return 0, ()
        if not self._wanted.witnesses:
            # Nobody is counted. But the host signed it too: a log that was cut off behind it, or written anew, shows.
            if self._hashes or found.checkpoint.size > self._size:
                self._vouches(found, self._places.witnessed)
            return 0, ()
        seen, fits = count_witnesses(found.note, self._wanted.witnesses), self._vouches(found, self._places.witnessed)
        if len(seen) < max(1, self._wanted.quorum):
            self._notes.append(f"{len(seen)} of the known witnesses signed, {max(1, self._wanted.quorum)} are asked for")
            return 0, seen
        return (found.checkpoint.size if fits else 0), seen


def _prev_of(data: bytes) -> str:
    found = tail_of(data[: max(0, data.find(b"\n"))])
    return "" if found is None else found[0]


def _epoch_of(note: Note, origin: str) -> int:
    names = [one.name.removeprefix(origin + "/") for one in note.signatures if one.name.startswith(origin + "/")]
    numbers = [int(name) for name in names if name.isascii() and name.isdecimal() and len(name) <= 16]
    return numbers[0] if numbers else -1
