"""Keeping the payloads of one call, and opening them again. Spec: audit L-42.

What would keep a record from being written is looked for before the tool runs: no recipient, no AES, no room, no salt. What goes wrong after
the run is told in the result's entry, and the answer goes out all the same: the tool has done its work, and whoever got an error in place of
its answer would call again and have it done twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from hmac import compare_digest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.audit.erasing import ERASED, ranges_of
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.salts import NO_SALT, first_of, read_salt, sync_salt
from mpp.host.audit.vault_store import VaultConfig, judge_usable, load_config, read_record, record_path, write_record
from mpp.host.services.transcript import Recorder
from mpp.model.events import EntryRef, Event, salted
from mpp.model.value import value
from mpp.ports import Events, Random
from mpp.stages.audit import (
    ARGUMENTS,
    Answered,
    Entry,
    FIRST_PREV,
    FRESH_BYTES,
    PATHS,
    Payload,
    Place,
    Places,
    RESULT,
    Sent,
    TRANSCRIPT,
    Transcript,
    addresses,
    leaf_of,
    open_record,
    read_entry,
    read_payload,
    read_transcript,
    seal_record,
    tail_of,
    write_payload,
)
from mpp.stages.audit.limits import LINE_BYTES_MAX
from mpp.crypto.sealedbox import AES_NONCE_BYTES
from mpp.stages.sandbox import Run

INTENT = "intent"


@value
class Made:
    """What is known of a call when it has run."""

    tool: str
    line: bytes
    """The request line, as the guest got it."""
    arguments: bytes
    now_ns: int
    memory_bytes: int
    variables: int
    folders: tuple[str, ...]
    run: Run
    shown: bytes


class CallVault:
    """The vault for one call: it sees the intent go by, and then writes one record. It is also where the intent's events go through."""

    def __init__(self, places: LogPlaces, config: VaultConfig, random: Random, recorder: Recorder, events: Events, invocation: str) -> None:
        judge_usable(places, config)
        self._places, self._config, self._random, self._events = places, config, random, events
        self._recorder, self._invocation = recorder, invocation
        self._seq = -1
        self._salt = NO_SALT

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        """As the record itself; of the intent, the number and the salt are kept."""
        ref = self._events.record(event, durable=durable)
        if event.kind == INTENT and event.invocation == self._invocation:
            self._seq, self._salt = ref.seq, self._salt_of(ref)
            if TRANSCRIPT in self._config.keep or PATHS in self._config.keep:
                self._recorder.begin(self._invocation)
        return ref

    def _salt_of(self, ref: EntryRef) -> bytes:
        """Attack on oneself: events that go to another log, whose numbers name other entries here."""
        is_ours = leaf_of(newest_line(self._places, ref.seq)) == ref.leaf
        salt = read_salt(self._places, ref.seq) if is_ours else NO_SALT
        if salt == NO_SALT:
            raise HostFailed("audit.vault", "the entry of the call has no salt here, so nothing can be kept of it", where=self._places.folder, hint=_OFF)
        return salt

    def keep(self, made: Made) -> str:
        """The SHA-256 in hex of the record that was written, which goes into the result's entry; or the code of what went wrong."""
        transcript = self._recorder.end(self._invocation)
        try:
            if self._seq < 0:
                raise HostFailed("audit.vault", "the vault saw no intent", where=self._places.vault, hint="report this as a fault of the host")
            return self._write(write_payload(self._payload(made, transcript)))
        except MppError as fault:
            return fault.code
        except ValueError:
            # What a guest named its files may not be writable as text.
            return "audit.vault"

    def _write(self, payload: bytes) -> str:
        place = Place(log_id=log_id_of(self._places), seq=self._seq, invocation=self._invocation)
        fresh, nonce = self._random.bytes(FRESH_BYTES), self._random.bytes(AES_NONCE_BYTES)
        data = seal_record(payload, place, self._salt, self._config.recipient, fresh, nonce)
        sync_salt(self._places, self._seq)
        write_record(self._places, self._seq, data)
        return hashlib.sha256(data).hexdigest()

    def _payload(self, made: Made, transcript: Transcript) -> Payload:
        keep, run, used = self._config.keep, made.run, made.run.used
        before, found, after = made.line.partition(b',"arguments":' + made.arguments)
        lead = len(found) - len(made.arguments)
        return Payload(
            tool=made.tool,
            ended=run.fault.code if run.fault is not None else "",
            now_ns=made.now_ns,
            memory_bytes=made.memory_bytes,
            variables=made.variables,
            sent=Sent(before=before + found[:lead], arguments=made.arguments, after=after) if ARGUMENTS in keep else None,
            answered=Answered(raw=run.stdout, shown=made.shown) if RESULT in keep else None,
            transcript=transcript if TRANSCRIPT in keep else None,
            places=Places(
                folders=made.folders, files_read=used.files_read, files_written=used.files_written,
                addresses=addresses(read_transcript(transcript.data, where="transcript")),
            ) if PATHS in keep else None,
        )  # fmt: skip


_OFF = "see whether the log is this home's own; or turn the vault off: mpp audit vault off"


def vault_for(places: LogPlaces, random: Random, recorder: Recorder, events: Events, invocation: str) -> CallVault | None:
    """The vault for one call; None where it is off. Refuses where it is on and cannot be used: then nothing runs."""
    config = load_config(places)
    return None if config is None else CallVault(places, config, random, recorder, events, invocation)


def newest_line(places: LogPlaces, seq: int) -> bytes:
    """The line of an entry that was written just now: near the end of its segment, where it is looked for first."""
    with suppress(FileNotFoundError), open(places.segment(first_of(places, seq)), "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        stream.seek(max(0, size - 2 * LINE_BYTES_MAX))
        data = stream.read(2 * LINE_BYTES_MAX)
        end = data.rfind(b',"seq":%d}\n' % seq)
        begin = data.rfind(b"\n", 0, max(end, 0))
        if end >= 0 and begin >= 0:
            return data[begin + 1 : data.index(b"\n", end)]
    return LogReader(places).line(seq)


def log_id_of(places: LogPlaces) -> str:
    """Entry 0 names the log; it is kept when its segment is pruned."""
    first = next(LogReader(places).lines(), b"")
    return leaf_of(first if tail_of(first) == (FIRST_PREV, 0) else LogReader(places).line(0))


# -- opening


@value
class Call:
    """The two entries of a call that its record belongs to."""

    intent: Entry
    result: Entry | None
    """None where the call did not end, or its result was not recorded."""


@value
class Opened:
    """A record that opened, and what of it the log vouches for."""

    call: Call
    payload: Payload
    data: bytes
    """The payload as it was sealed."""
    checked: dict[str, bool | None]
    """``in``, ``out_raw``, ``out_shown`` and ``record``: whether it fits the entry. None: the entry or this vault does not hold it."""

    @property
    def holds(self) -> bool:
        return False not in self.checked.values()


def find_call(reader: LogReader, named: int | str) -> Call:
    """The call that entry ``named`` belongs to, or whose invocation it is."""
    invocation = named if isinstance(named, str) else reader.entry(named).event.invocation
    if not invocation:
        hint = "name the entry of an intent or a result: mpp audit search"
        raise Refused("audit.no_call", f"entry {named} belongs to no call", where=reader.places.folder, hint=hint)
    intent = result = None
    for entry in entries_of(reader, invocation):
        if entry.event.kind == INTENT:
            intent = intent or entry
        elif entry.event.kind == "result" and intent is not None:
            result = entry
            break
    if intent is None:
        raise Refused("audit.no_call", f"no call with the id {invocation[:32]} ran here", where=reader.places.folder, hint="see: mpp audit search")
    return Call(intent=intent, result=result)


def entries_of(reader: LogReader, invocation: str) -> Iterator[Entry]:
    """All entries of one call. Most lines are passed over without being read."""
    needle = invocation.encode("utf-8", "replace")
    for line in reader.lines():
        if needle in line:
            entry = read_entry(line, where="log")
            if entry.event.invocation == invocation:
                yield entry


def _is_erased(reader: LogReader, seq: int) -> bool:
    """Attack: salts and sealed files of a backup, put back beside the record that says they are gone."""
    for line in reader.lines(seq + 1):
        if b'"kind":"erased"' in line:
            event = read_entry(line, where="log").event
            if event.kind == ERASED and any(first <= seq <= last for first, last in ranges_of(event.body)):
                return True
    return False


def open_call(reader: LogReader, call: Call, private: bytes) -> Opened:
    """Open the record of a call, and compare it with what its entries commit to.

    Attack: whoever holds the salts can seal a record of their own for the recipient. What the log committed to does not fit it.
    """
    places, seq = reader.places, call.intent.seq
    salt = read_salt(places, seq)
    if salt == NO_SALT:
        message = f"what was kept of entry {seq} was erased"
        raise Refused("audit.erased", message, where=places.folder, hint="see when and why: mpp audit search; nothing brings it back")
    if _is_erased(reader, seq):
        message = f"the record says that what was kept of entry {seq} was erased, and a copy of it was put back"
        raise Refused("audit.erased", message, where=places.folder, hint=f"erase it again: mpp audit erase --entry {seq} --reason TEXT")
    sealed = read_record(places, seq)
    place = Place(log_id=log_id_of(places), seq=seq, invocation=call.intent.event.invocation)
    path = record_path(places, seq)
    data = open_record(sealed, place, salt, private, where=path)
    payload = read_payload(data, where=path)
    return Opened(call=call, payload=payload, data=data, checked=_checked(places, call, payload, sealed))


def _checked(places: LogPlaces, call: Call, payload: Payload, sealed: bytes) -> dict[str, bool | None]:
    sent, answered, result = payload.sent, payload.answered, call.result
    shown = answered.shown if answered is not None and answered.shown else None
    kept = result.event.body.get("vault") if result is not None else None
    return {
        "in": _fits(places, call.intent, "in", sent.arguments if sent is not None else None),
        "out_raw": _fits(places, result, "out_raw", answered.raw if answered is not None else None),
        "out_shown": _fits(places, result, "out_shown", shown),
        "record": compare_digest(kept, hashlib.sha256(sealed).hexdigest()) if isinstance(kept, str) else None,
    }


def _fits(places: LogPlaces, entry: Entry | None, name: str, data: bytes | None) -> bool | None:
    return None if data is None else commits_to(places, entry, name, hashlib.sha256(data).hexdigest())


def commits_to(places: LogPlaces, entry: Entry | None, name: str, digest: str) -> bool | None:
    """Does the entry commit to these bytes? None where it commits to nothing of that name, or its salt was erased."""
    if entry is None or name not in entry.event.commit:
        return None
    salt = read_salt(places, entry.seq)
    return None if salt == NO_SALT else compare_digest(salted(salt, name, digest), entry.event.commit[name])
