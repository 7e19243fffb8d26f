"""What is done with a log beside writing it: seal, compress, prune, go on after a fault, begin anew. Spec: audit sections 3 and 4."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import shutil
from hashlib import sha256

from mpp.errors import Refused
from mpp.files import locked, make_private_folder, read_bounded, sync_folder, write_atomic
from mpp.host.audit.core import HOST_TENANT
from mpp.host.audit.head import Head
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.scan import read_stored
from mpp.host.audit.tilefiles import put_tile, sync_tiles
from mpp.host.audit.verifying import DEEP, verify_log, Wanted
from mpp.ledger.checkpoints import Seal
from mpp.ledger.tiles import full_tiles, Tile
from mpp.limits import MIB
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.audit import leaf_of, read_entry

SETTINGS_BYTES_MAX = MIB
"""Bytes of a file with settings that the next log takes over. Reason: lists of a few names."""

COMPRESSION_LEVEL = 6
"""Of gzip. Reason: the next ones take twice as long and save a hundredth."""


@value
class Tended:
    """What was done, each segment by its first entry."""

    sealed: bool = False
    compressed: tuple[int, ...] = ()
    pruned: tuple[int, ...] = ()
    freed: int = 0
    """Bytes."""


def compress(places: LogPlaces) -> tuple[tuple[int, ...], int]:
    """Sealed segments as gzip. The plain file goes only when the other has been read back and is the same."""
    done, freed = list[int](), 0
    for first, kinds in segment_files(places.segments).items():
        if "seal" not in kinds or "jsonl" not in kinds:
            continue
        path = places.segment(first)
        data = _sealed_bytes(places, first, kinds)
        packed = gzip.compress(data, COMPRESSION_LEVEL, mtime=0)
        write_atomic(path + ".gz", packed, 0o600)
        if read_stored(places, first, {"jsonl.gz"}) == data:
            os.unlink(path)
            sync_folder(places.segments)
            done.append(first)
            freed += len(data) - len(packed)
    return tuple(done), freed


def _sealed_bytes(places: LogPlaces, first: int, kinds: set[str]) -> bytes:
    """Attack: a segment that somebody changed, made permanent by us."""
    data, seal = read_stored(places, first, kinds), LogReader(places).seal(first)
    if data is None or len(data) != seal.count or sha256(data).hexdigest() != seal.sha256:
        raise Refused("audit.seal", "the segment is not what its seal says", where=places.segment(first), hint="see what changed: mpp audit verify --deep")
    return data


def prunable(places: LogPlaces, before: int) -> list[tuple[int, Seal]]:
    """Sealed segments whose last entry is older than ``before``, from the first on; none behind one that stays."""
    out: list[tuple[int, Seal]] = []
    for first, kinds in segment_files(places.segments).items():
        if not kinds & {"jsonl", "jsonl.gz"}:
            continue
        if "seal" not in kinds or _last_entry_at(places, first, kinds) >= before:
            break
        out.append((first, LogReader(places).seal(first)))
    return out


def _last_entry_at(places: LogPlaces, first: int, kinds: set[str]) -> int:
    line = _lines_of_proofs(_sealed_bytes(places, first, kinds), 1)[-1]
    return read_entry(line, where=places.segment(first)).event.at


def _lines_of_proofs(data: bytes, first: int) -> list[bytes]:
    """Entry 0 if it is among them, and the last entry. Spec: audit section 3."""
    end = len(data) - 1
    last = data[data.rfind(b"\n", 0, end) + 1 : end]
    return ([data[: data.find(b"\n")]] if first == 0 else []) + [last]


def prune(log: AuditLog, before: int, why: str, by: str, now: int) -> tuple[tuple[int, ...], int]:
    """Remove the entries of old segments. Seals, tiles and what proofs need stay, and the record says so first."""
    places = log.places
    found = prunable(places, before)
    if not found:
        return (), 0
    for first, seal in found:
        _keep_for_proofs(places, first, seal)
    last = found[-1][1].checkpoint.size
    body: dict[str, Json] = {"first": found[0][0], "entries": last - found[0][0], "segments": len(found), "before": before, "why": why, "by": by}
    log.record(Event(kind="pruned", at=now, tenant=HOST_TENANT, invocation="", body=body), durable=True)
    return tuple(first for first, _ in found), sum(_remove(places, first) for first, _ in found)


def _keep_for_proofs(places: LogPlaces, first: int, seal: Seal) -> None:
    """The tiles of the segment, made anew where one is missing or wrong, and the lines that proofs need."""
    data = _sealed_bytes(places, first, segment_files(places.segments)[first])
    lines = data.split(b"\n")[:-1]
    leaves = [bytes.fromhex(leaf_of(line)) for line in lines]
    reader = LogReader(places)
    for tile in full_tiles(first, seal.checkpoint.size):
        if tile.level == 0:
            begin = tile.number * 256
            held = [bytes.fromhex(reader.leaf(seq, first)) for seq in range(begin, first)] if begin < first else []
            wanted = b"".join([*held, *leaves[max(0, begin - first) : begin + 256 - first]])
            if reader.stored_tile(tile) != wanted:
                put_tile(places, tile, wanted)
    _mend_upper(reader, first, seal.checkpoint.size)
    sync_tiles(places, first, seal.checkpoint.size)
    write_atomic(places.kept(first), b"".join(line + b"\n" for line in _lines_of_proofs(data, first)), 0o600)


def _mend_upper(reader: LogReader, first: int, size: int) -> None:
    for tile in full_tiles(first, size):
        if tile.level:
            put_tile(reader.places, tile, reader.made_tile(tile))


def _remove(places: LogPlaces, first: int) -> int:
    freed = 0
    for path in (places.segment(first), places.segment(first) + ".gz", places.salts(first)):
        with contextlib.suppress(FileNotFoundError):
            freed += os.path.getsize(path)
            os.unlink(path)
    shutil.rmtree(os.path.join(places.vault, f"{first:016d}"), ignore_errors=True)
    sync_folder(places.segments)
    return freed


def mend_tiles(places: LogPlaces) -> list[Tile]:
    """Make tiles anew that are missing or hold something else, from the entries that are there."""
    reader, done = LogReader(places), list[Tile]()
    size = reader.last() + 1
    files = segment_files(places.segments)
    begin = next((first for first, kinds in files.items() if kinds & {"jsonl", "jsonl.gz"}), size)
    for tile in full_tiles(begin, size):
        made = reader.made_tile(tile) if tile.level or tile.number * 256 >= begin else None
        if made is not None and reader.stored_tile_or_none(tile) != made:
            put_tile(places, tile, made)
            done.append(tile)
    return done


def recover(log: AuditLog) -> int:
    """Let a poisoned log go on, if what is on the disk holds. Gives the error that had poisoned it; 0 if none had."""
    places = log.places
    head = Head(places.head)
    try:
        why = head.poisoned
        found = verify_log(places, Wanted(depth=DEEP))
        if not found.holds:
            raise Refused.of(found.faults)
        head.poisoned = 0
        head.dirty = True
    finally:
        head.close()
    log.checkpoint()
    return why


def _end_writers(places: LogPlaces) -> None:
    """Attack on oneself: a host that goes on in the folder that is put aside, and signs over the new one. It refuses from here on, until it starts anew."""
    if not os.path.lexists(places.head):
        return
    with locked(places.lock, "the record"):
        head = Head(places.head)
        head.poisoned = errno.ESTALE
        head.close()


def restart(places: LogPlaces, stamp: str) -> tuple[str, str]:
    """Put a log aside whole, and let the next one say whose successor it is. Gives the old place and the old log id."""
    old_id = ""
    with contextlib.suppress(Refused, OSError):
        old_id = leaf_of(LogReader(places).line(0))
    aside = f"{places.folder}-{stamp}"
    _end_writers(places)
    if os.path.lexists(aside):
        raise Refused("host.exists", "there is a record put aside at this very second", where=aside, hint="try again")
    os.rename(places.folder, aside)
    make_private_folder(places.folder)
    # Whom we ask and whom we tell is no part of what was recorded.
    for name in ("witnesses.json", "vault.json", "forward/targets.json"):
        kept = os.path.join(aside, name)
        if os.path.isfile(kept):
            make_private_folder(os.path.dirname(os.path.join(places.folder, name)))
            write_atomic(os.path.join(places.folder, name), read_bounded(kept, SETTINGS_BYTES_MAX), 0o600)
    if old_id:
        write_atomic(places.follows, old_id.encode("ascii"), 0o600)
    sync_folder(os.path.dirname(places.folder))
    return aside, old_id
