"""The registry as a witness of its hosts' records, as C2SP tlog-witness has it: among all replicas one judgement after the other.

What is judged, and how, is the text that every witness of ours runs; only what was signed last lies in the registry's own database. A fork is an
alarm that people see, with both checkpoints. Spec: audit L-50, L-51; spec/fleet.md section 5.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import Refused
from mpp.ledger.notes import COSIGNATURE, cosign_text, ED25519, is_signed, Note, NoteKey, NoteSignature, read_key, signature_line, write_note
from mpp.model.value import value
from mpp.ports import Signer
from mpp.protocol.registry.checkpoint import origin_of
from mpp.stages.audit import ACCEPTED, Accept, Asked, INCONSISTENT, judge, Judgement, Known, read_request, SIZE_TYPE, Turned, UNREADABLE

from mpp_registry.fleet.alarms import alarm
from mpp_registry.fleet.limits import LOGS_EACH_MAX
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

PLAIN = "text/plain; charset=utf-8"
_WORDS = b"MPP registry: the key of its witness, 1\n"


@value
class Said:
    """An answer of the witness."""

    status: int
    kind: str
    body: bytes


@value
class LogRow:
    origin: str
    host_id: str
    key: NoteKey
    size: int
    root: bytes
    note: bytes
    at: int


@lru_cache(16)
def _derived(log_key: bytes, secret: bytes) -> SeedSigner:  # noqa: ARG001 - the first is what the second was made by
    return SeedSigner(secret)


def witness_of(services: Services) -> tuple[NoteKey, Signer]:
    """The witness's key. It follows from the log key, so that all replicas have it and no table does; it is another key, as witnesses need one.

    Attack: one key for checkpoints and for cosignatures, of which one signature could pass for the other.
    """
    log = services.ledger.signer
    # A signature over words that nothing else signs is known to nobody but the holder of the log key. It never leaves this function.
    signer = _derived(log.public_key, sha256(log.sign(_WORDS)).digest())
    name = f"{origin_of(services.settings.registry_id)}/witness"
    return NoteKey(name=name, public=signer.public_key, algorithm=COSIGNATURE), signer


def accept_log(rows: Rows, host_id: str, text: str, now: int) -> None:
    """From now on the record with this key is witnessed for this host. One that is known under another key, or of another host, stays as it is."""
    try:
        key = read_key(text, where="log_key")
    except Refused:
        raise Refused("registry.report", "the key of the host's record cannot be read", where="log_key", hint="report with the MPP that enrolled") from None
    if key.algorithm != ED25519:
        raise Refused("registry.report", "this is the key of a witness, not of a record", where="log_key", hint="report with the MPP that enrolled")
    found = _log(rows, key.name)
    if found is None:
        # Attack: a host that makes a new record for each report, and fills the table.
        count = rows.one("SELECT COUNT(*) FROM fleet_logs WHERE host_id = ?", host_id)
        if count is not None and int(str(count[0])) >= LOGS_EACH_MAX:
            alarm(rows, host_id, "log-key", now, f"the host has begun a record more than {LOGS_EACH_MAX} times")
            return
        if count is not None and int(str(count[0])):
            alarm(rows, host_id, "log-key", now, "the host has begun a new record")
        digest = sha256(key.name.encode("utf-8")).hexdigest()
        rows.run(
            "INSERT INTO fleet_logs (origin, host_id, digest, log_key, size, root, note, at) VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
            key.name, host_id, digest, str(key), b"", b"", now,
        )  # fmt: skip
    elif found.host_id != host_id or found.key != key:
        alarm(rows, host_id, "log-key", now, "the host names a record that is another host's, or has another key", str(found.key).encode(), text.encode())


def _log(rows: Rows, origin: str) -> LogRow | None:
    found = rows.one("SELECT origin, host_id, log_key, size, root, note, at FROM fleet_logs WHERE origin = ?", origin)
    if found is None:
        return None
    root, note = found[4], found[5]
    return LogRow(
        origin=str(found[0]), host_id=str(found[1]), key=read_key(str(found[2])), size=int(str(found[3])),
        root=bytes(root) if isinstance(root, bytes | memoryview) else b"", note=bytes(note) if isinstance(note, bytes | memoryview) else b"",
        at=int(str(found[6])),
    )  # fmt: skip


def logs_of(rows: Rows) -> dict[str, LogRow]:
    """The record of each host that is witnessed furthest."""
    out: dict[str, LogRow] = {}
    for (origin,) in rows.all("SELECT origin FROM fleet_logs ORDER BY size"):
        found = _log(rows, str(origin))
        if found is not None:
            out[found.host_id] = found
    return out


def add_checkpoint(services: Services, data: bytes) -> Said:
    """Judge one checkpoint, keep it, and cosign it; in one transaction, which is the only one that writes."""
    try:
        asked = read_request(data, where="request")
    except Refused as fault:
        return Said(status=UNREADABLE, kind=PLAIN, body=f"{fault.message}\n".encode())
    # Attack: strangers who would each take the writer's turn. What is of no known record, or not signed by its key, costs a look.
    with services.database.read() as rows:
        known_log = _log(rows, asked.checkpoint.origin)
    if known_log is None or not is_signed(asked.note, known_log.key):
        judged = judge(asked, None, known_log.key if known_log is not None else None)
        return _turned(judged) if isinstance(judged, Turned) else Said(status=UNREADABLE, kind=PLAIN, body=b"it cannot be judged\n")
    key, signer = witness_of(services)
    with services.database.write() as rows:
        found = _log(rows, asked.checkpoint.origin)
        known = Known(size=found.size, root=found.root) if found is not None and found.note else None
        judged = judge(asked, known, found.key if found is not None else None)
        if isinstance(judged, Turned):
            if found is not None:
                _suspect(rows, found, asked, judged, services.clock.now())
            return _turned(judged)
        # The time is taken inside, so that it is not behind that of a larger tree.
        signature = cosign_text(asked.note.text, key.name, signer, services.clock.now())
        _keep(rows, asked, judged, found.key if found is not None else None, signature, services.clock.now())
    return Said(status=ACCEPTED, kind=PLAIN, body=signature_line(signature).encode("utf-8"))


def _suspect(rows: Rows, found: LogRow, asked: Asked, judged: Judgement, now: int) -> None:
    """Two histories, signed by one key. What the log's own key did not sign is no alarm: anybody can send that."""
    if isinstance(judged, Turned) and is_signed(asked.note, found.key):
        after = write_note(asked.note.text, _by(asked.note, found.key))
        if judged.is_fork:
            alarm(rows, found.host_id, "fork", now, f"its record has two histories of {asked.checkpoint.size} entries", found.note, after)
        elif judged.status == INCONSISTENT:
            alarm(rows, found.host_id, "inconsistent", now, "its record does not go on from what was witnessed", found.note, after)


def _by(note: Note, key: NoteKey) -> tuple[NoteSignature, ...]:
    """Attack: sixty lines of signatures by nobody, kept for good. Only that of the log's key is kept."""
    return tuple(one for one in note.signatures if is_signed(Note(text=note.text, signatures=(one,)), key))[:1]


def _keep(rows: Rows, asked: Asked, judged: Accept, key: NoteKey | None, signature: NoteSignature, now: int) -> None:
    by = _by(asked.note, key) if key is not None else ()
    rows.run(
        "UPDATE fleet_logs SET size = ?, root = ?, note = ?, at = ? WHERE origin = ?",
        judged.known.size, judged.known.root, write_note(asked.note.text, (*by, signature)), now, asked.checkpoint.origin,
    )  # fmt: skip


def _turned(judged: Turned) -> Said:
    if judged.size is not None:
        return Said(status=judged.status, kind=SIZE_TYPE, body=b"%d\n" % judged.size)
    return Said(status=judged.status, kind=PLAIN, body=f"{judged.why}\n".encode())


def about(services: Services) -> Said:
    key, _ = witness_of(services)
    return Said(status=ACCEPTED, kind=PLAIN, body=f"name {key.name}\nkey {key}\n".encode())


def newest_of(rows: Rows, digest: str) -> Said:
    found = rows.one("SELECT note FROM fleet_logs WHERE digest = ?", digest)
    note = found[0] if found is not None else b""
    if not isinstance(note, bytes | memoryview) or not bytes(note):
        return Said(status=404, kind=PLAIN, body=b"nothing was signed for this log\n")
    return Said(status=ACCEPTED, kind=PLAIN, body=bytes(note))
