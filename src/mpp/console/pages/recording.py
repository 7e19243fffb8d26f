"""The state of the record, without reading it whole."""

from __future__ import annotations

import os

from mpp.console.desk import Desk
from mpp.console.views.overview import RecordState
from mpp.errors import MppError
from mpp.host.audit.counting import stored
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_list import WitnessList
from mpp.ledger.checkpoints import read_checkpoint
from mpp.ledger.notes import NoteKey
from mpp.stages.audit import count_witnesses, read_genesis, Seen


def record_state(desk: Desk) -> RecordState | None:
    """A few reads, however long the record is. None where there is none."""
    places, reader = desk.home.log, desk.record()
    if not reader.is_there():
        return None
    disk, fault, signed, log_id, seen_size = stored(places), "", 0, "", 0
    witnesses: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()
    try:
        log_id = read_genesis(reader.entry(0), where="log entry 0").log_id
        keys = [one.key for one in WitnessList(places).load()]
        witnesses = tuple(key.name for key in keys)
        signed = reader.checkpoint()[1].size if os.path.lexists(places.checkpoint) else 0
        if keys and os.path.lexists(places.witnessed):
            seen, seen_size = _seen(places, reader, keys)
    except MppError as found:
        fault = found.message
    return RecordState(
        entries=reader.last() + 1, segments=disk.segments, pruned=disk.pruned, size=disk.bytes, signed=signed, signed_at=_written_at(places.checkpoint), log_id=log_id,
        witnesses=witnesses, seen=seen, seen_size=seen_size, fault=fault,
    )  # fmt: skip


def _seen(places: LogPlaces, reader: LogReader, keys: list[NoteKey]) -> tuple[tuple[Seen, ...], int]:
    note = reader.note(places.witnessed)
    return count_witnesses(note, keys), read_checkpoint(note.text, where=places.witnessed).size


def _written_at(path: str) -> int | None:
    try:
        return int(os.stat(path).st_mtime)
    except OSError:
        return None
