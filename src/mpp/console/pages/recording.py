"""The state of the record, without reading it whole; and a verification of all of it where a person asks for one."""

from __future__ import annotations

import os
import threading
import time

from mpp.console.desk import Desk
from mpp.console.views.overview import RecordState, Verified
from mpp.errors import MppError
from mpp.host.audit.counting import stored
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import FAST, verify_log, Wanted
from mpp.host.audit.witness_list import WitnessList
from mpp.ledger.checkpoints import read_checkpoint
from mpp.ledger.notes import NoteKey
from mpp.stages.audit import count_witnesses, read_genesis, Seen


class Verifying:
    """One verification at a time in this process, and what the last one said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.last: Verified | None = None

    def run(self, desk: Desk) -> Verified | None:
        """As `mpp audit verify`: each segment is hashed, and compared with its seal and with what witnesses saw. None: another one runs."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            begun, places = time.perf_counter(), desk.home.log
            found = verify_log(places, Wanted(depth=FAST, witnesses=tuple(one.key for one in WitnessList(places).load())))
            self.last = Verified(
                at=desk.now(), level=found.level, reason=found.reason, covered=found.covered.of(found.level) if found.holds else 0,
                seconds=time.perf_counter() - begun,
            )  # fmt: skip
            return self.last
        finally:
            self._lock.release()


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
