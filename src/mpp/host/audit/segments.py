"""The segment that is written: its file, and what is read of it after a crash. Spec: audit L-21 to L-25, L-31."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from mpp.errors import HostFailed
from mpp.files import PRIVATE, read_bounded, sync_folder, write_atomic
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.ledger.checkpoints import Checkpoint, read_checkpoint, read_seal, Seal
from mpp.ledger.notes import NOTE_BYTES_MAX, read_note
from mpp.ledger.tiles import Tile, TILE_BITS, TILE_HASHES
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.audit import tail_of
from mpp.stages.audit.limits import SEGMENT_BYTES_READ_MAX


_UNTOLD = ".untold"
_NAME_DIGITS = 32


@value
class Read:
    """What stands in an open segment."""

    leaves: tuple[bytes, ...]
    done: int
    """Bytes of the whole lines that chain."""
    rest: bytes
    """What stands behind them."""
    last: bytes
    """The last whole line; empty where there is none."""
    head: bytes
    """The first one."""


def read_open(path: str, first: int, prev: str) -> Read:
    """Follow the chain through the segment, as far as it holds."""
    data = read_bounded(path, SEGMENT_BYTES_READ_MAX)
    leaves, done, last = list[bytes](), 0, b""
    for line in _whole_lines(data):
        if tail_of(line) != (prev, first + len(leaves)):
            break
        leaf = hashlib.sha256(b"\x00" + line).digest()
        leaves.append(leaf)
        prev, last = leaf.hex(), line
        done += len(line) + 1
    # Zeros behind the last line are room for the next, and not torn.
    return Read(leaves=tuple(leaves), done=done, rest=data[done:].rstrip(b"\0"), last=last, head=data[: max(0, data.find(b"\n"))] if leaves else b"")


def _whole_lines(data: bytes) -> Iterator[bytes]:
    begin = 0
    while (end := data.find(b"\n", begin)) >= 0:
        yield data[begin:end]
        begin = end + 1


def ends_at(fd: int, filled: int) -> bool:
    """Does the last line end there, with nothing but room behind it?"""
    found = os.pread(fd, 2, max(0, filled - 1))
    return found in {b"\n", b"\n\0"} if filled else found in {b"", b"\0", b"\0\0"}


class Opened:
    """A segment that is open as long as somebody has this: who syncs without the lock may still have it when it is sealed and shut."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)


def open_segment(path: str, *, new: bool) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if new else 0)
    fd = os.open(path, flags, PRIVATE)
    if new:
        sync_folder(os.path.dirname(path))
    return fd


def load_seal(places: LogPlaces, first: int) -> Seal:
    """A seal of this host's own log, as the writer believes it. Its signatures are for those who verify."""
    path = places.seal(first)
    note = read_note(read_bounded(path, NOTE_BYTES_MAX), where=path)
    return read_seal(read_checkpoint(note.text, where=path), where=path)


def make_partial(places: LogPlaces, level: int, size: int) -> bytes:
    """The pending hashes of a level in a tree of ``size``, from the entries or the tiles below."""
    whole = size >> (TILE_BITS * level)
    width = whole & (TILE_HASHES - 1)
    return LogReader(places).made_tile(Tile(level, whole >> TILE_BITS, width), from_kept=False) if width else b""


def newest_checkpoint(places: LogPlaces) -> Checkpoint | None:
    """What was signed is never cut off as torn."""
    if not os.path.lexists(places.checkpoint):
        return None
    note = read_note(read_bounded(places.checkpoint, NOTE_BYTES_MAX), where=places.checkpoint)
    return read_checkpoint(note.text, where=places.checkpoint)


def set_aside(places: LogPlaces, fd: int, read: Read) -> None:
    """Keep what was torn, then cut it off. Its name says that no entry tells of it yet: who does this may die before it is told."""
    os.makedirs(places.torn, mode=0o700, exist_ok=True)
    digest = hashlib.sha256(read.rest).hexdigest()
    # What is cut off below must not be the only copy.
    write_atomic(os.path.join(places.torn, f"{read.done}-{digest[:_NAME_DIGITS]}{_UNTOLD}"), read.rest, PRIVATE)
    os.ftruncate(fd, read.done)


def untold(places: LogPlaces) -> Iterator[tuple[str, str, dict[str, Json]]]:
    """What was set aside and not told: its path, its path afterwards, and what to tell."""
    for name in sorted(os.listdir(places.torn)) if os.path.isdir(places.torn) else ():
        offset, gap, rest = name.partition("-")
        if gap and offset.isascii() and offset.isdecimal() and rest.endswith(_UNTOLD):
            path = os.path.join(places.torn, name)
            data = read_bounded(path, SEGMENT_BYTES_READ_MAX)
            digest = hashlib.sha256(data).hexdigest()
            kept = os.path.join(places.torn, f"{digest[:_NAME_DIGITS]}.bin")
            yield path, kept, {"bytes": len(data), "sha256": digest, "offset": int(offset)}


def broken(why: str, where: str) -> HostFailed:
    """Attack: a line changed by somebody, and a host that takes all behind it for torn and cuts it off."""
    return HostFailed(
        "audit.broken", f"the log does not hold: {why}", where=where, hint="see what changed: mpp audit verify --deep; then begin a new log: mpp audit restart"
    )
