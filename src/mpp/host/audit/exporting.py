"""A copy of a log to take away: the same files, or the layout of C2SP tlog-tiles. A log that is written to meanwhile is copied as it stood.

The newest checkpoint is taken first, so that what it covers is in the copy. Spec: audit section 3.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from itertools import islice

from mpp.errors import HostFailed, Refused
from mpp.files import make_private_folder, PRIVATE, read_bounded, sync_folder, write_atomic
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.ledger.notes import NOTE_BYTES_MAX
from mpp.ledger.tiles import full_tiles, partial_tiles, Tile, TILE_BITS, TILE_BYTES, TILE_HASHES
from mpp.ledger.tree import range_root
from mpp.model.value import value
from mpp.stages.audit import leaf_of, tail_of
from mpp.stages.audit.limits import SEGMENT_BYTES_READ_MAX

BUNDLE_LENGTH_BYTES = 2
BUNDLE_LINE_MAX = (1 << 8 * BUNDLE_LENGTH_BYTES) - 1
"""Bytes of an entry in a bundle. Reason: C2SP tlog-tiles gives its length in 16 bits. A line of ours can be 465 bytes longer."""

TRIES_MAX = 3
"""How often a segment is looked for that was compressed or pruned while it was copied. Reason: each happens once to it."""

_TILE = re.compile(r"([0-7])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")

Tell = Callable[[int, int], None]


@value
class Copied:
    """What the copy holds. Files that were there already, the same, are not counted as written."""

    files: int
    written: int
    size: int
    """Entries that its checkpoint covers."""


class _Target:
    """Where the files go. Each is there whole or not at all."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files = self.written = 0
        self._folders: set[str] = set()

    def put(self, name: str, data: bytes, *, mark_only: bool = False) -> None:
        """``mark_only``: a file of many that can be made anew; it is not waited for one by one."""
        path = os.path.join(self.folder, name)
        self.files += 1
        if _is_same(path, data):
            return
        make_private_folder(os.path.dirname(path))
        self._folders.add(os.path.dirname(path))
        if mark_only:
            _put(path, data)
        else:
            write_atomic(path, data, PRIVATE)
        self.written += 1

    def finish(self) -> None:
        for folder in sorted(self._folders):
            sync_folder(folder)


def _is_same(path: str, data: bytes) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) == len(data) and read_bounded(path, len(data)) == data


def _put(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.urandom(6).hex()}.tmp"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot write the file: {fault.strerror}", where=path, hint="see that the disk has room") from None


def copy_log(places: LogPlaces, folder: str, tell: Tell) -> Copied:
    """Segments, seals, tiles, checkpoint and cosignatures."""
    target = _target(places, folder)
    _judge_copy(places, folder)
    notes = {name: _note(path) for name, path in (("checkpoint", places.checkpoint), ("witnessed", places.witnessed))}
    checkpoint = LogReader(places).checkpoint()[1] if notes["checkpoint"] else None
    firsts = list(segment_files(places.segments))
    for number, first in enumerate(firsts):
        _copy_segment(places, first, target)
        tell(number + 1, len(firsts))
    size = LogReader(LogPlaces(folder=folder, keys="")).last() + 1
    for name, tile in _tiles(places):
        # A tile that became full meanwhile says more than the copy holds.
        if (tile.number << TILE_BITS) + tile.width <= size >> (TILE_BITS * tile.level):
            with contextlib.suppress(HostFailed):
                target.put(os.path.join("tile", name), read_bounded(os.path.join(places.folder, "tile", name), TILE_BYTES), mark_only=True)
    for name, data in notes.items():
        if data:
            target.put(name, data)
    target.finish()
    return Copied(files=target.files, written=target.written, size=checkpoint.size if checkpoint else 0)


def _target(places: LogPlaces, folder: str) -> _Target:
    if os.path.realpath(folder) == os.path.realpath(places.folder):
        raise Refused("usage.folder", "this is the folder of the record itself", where=folder, hint="give another folder to copy it to")
    make_private_folder(folder)
    return _Target(folder)


def _judge_copy(places: LogPlaces, folder: str) -> None:
    """Attack: a log begun anew, cut off or written anew, whose next copy takes the place of the true one. What lies there must be the beginning of ours."""
    ours, copy = LogReader(places), LogReader(LogPlaces(folder=folder, keys=""))
    if not copy.is_there():
        return
    hint = "keep that copy, find out why, and name another folder"
    if leaf_of(ours.line(0)) != leaf_of(copy.line(0)):
        raise Refused("audit.log_id", "the copy there is of another record", where=folder, hint=hint)
    if not os.path.lexists(copy.places.checkpoint):
        return
    kept = copy.checkpoint()[1]
    if kept.size > ours.last() + 1:
        raise Refused(
            "audit.truncated", f"the copy there holds {kept.size} entries and the record {ours.last() + 1}: its end was cut off", where=folder, hint=hint
        )
    if range_root(ours.hashes(kept.size), 0, kept.size) != kept.root:
        raise Refused("audit.fork", "the copy there holds another history than the record", where=folder, hint=hint)


def _note(path: str) -> bytes:
    return read_bounded(path, NOTE_BYTES_MAX) if os.path.lexists(path) else b""


def _copy_segment(places: LogPlaces, first: int, target: _Target) -> None:
    for attempt in range(TRIES_MAX):
        kinds = segment_files(places.segments).get(first, set())
        try:
            for kind in sorted(kinds):
                name = f"{first:016d}.{kind}"
                data = read_bounded(os.path.join(places.segments, name), SEGMENT_BYTES_READ_MAX)
                # The end of the open segment may be half written just now.
                target.put(os.path.join("segments", name), data[: data.rfind(b"\n") + 1] if kind == "jsonl" else data)
            return
        except HostFailed:
            if attempt == TRIES_MAX - 1:
                raise


def _tiles(places: LogPlaces) -> Iterator[tuple[str, Tile]]:
    base = os.path.join(places.folder, "tile")
    for folder, folders, names in os.walk(base):
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), base)
            found = _TILE.fullmatch(path)
            if found:
                number = int(found[2].replace("x", "").replace("/", ""))
                yield path, Tile(int(found[1]), number, int(found[3] or TILE_HASHES))


def lines_between(places: LogPlaces, begin: int, end: int | None) -> Iterator[bytes]:
    """The lines of the entries from ``begin`` to ``end``, both counted."""
    for line in LogReader(places).lines(begin):
        found = tail_of(line)
        if found is not None and end is not None and found[1] > end:
            return
        yield line


def copy_tlog(places: LogPlaces, folder: str, tell: Tell) -> Copied:
    """The tree under the newest checkpoint, with its entries, as any client of C2SP tlog-tiles reads it."""
    target = _target(places, folder)
    reader = LogReader(places)
    note = _note(places.checkpoint)
    size = reader.checkpoint()[1].size
    for tile in (*full_tiles(0, size), *partial_tiles(size)):
        # Anew for each: the hashes that were looked at are kept with them.
        hashes, begin = reader.hashes(size), tile.number << TILE_BITS
        data = b"".join(hashes.subtree(tile.level * TILE_BITS, begin + i) for i in range(tile.width))
        target.put(os.path.join("tile", tile.path), data, mark_only=True)
    lines = reader.lines()
    for begin in range(0, size, TILE_HASHES):
        width = min(TILE_HASHES, size - begin)
        name = Tile(0, begin >> TILE_BITS, width).path.partition("/")[2]
        target.put(os.path.join("tile", "entries", name), _bundle(list(islice(lines, width)), begin, width, places), mark_only=True)
        tell(begin + width, size)
    target.put("checkpoint", note)
    target.finish()
    return Copied(files=target.files, written=target.written, size=size)


def _bundle(lines: list[bytes], begin: int, width: int, places: LogPlaces) -> bytes:
    out = []
    for seq, line in enumerate(lines, begin):
        found = tail_of(line)
        if found is None or found[1] != seq:
            raise _gone(seq, places)
        if len(line) > BUNDLE_LINE_MAX:
            message = f"entry {seq} has {len(line)} bytes, and a bundle of tlog-tiles takes {BUNDLE_LINE_MAX}"
            raise Refused("audit.bundle", message, where=f"log entry {seq}", hint="export without --tlog: its own files hold every entry")
        out.append(len(line).to_bytes(BUNDLE_LENGTH_BYTES, "big") + line)
    if len(lines) < width:
        raise _gone(begin + len(lines), places)
    return b"".join(out)


def _gone(seq: int, places: LogPlaces) -> Refused:
    hint = "export without --tlog: the copy then has the seals in place of what was pruned"
    return Refused("audit.pruned", f"entry {seq} is pruned or not as it was written, and a bundle needs it", where=places.folder, hint=hint)
