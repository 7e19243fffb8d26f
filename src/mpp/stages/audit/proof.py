"""The proof of one entry: it needs no log. Pure. Spec: audit section 8."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mpp.errors import Refused
from mpp.ledger.checkpoints import Checkpoint, read_checkpoint
from mpp.ledger.notes import is_signed, Note, NOTE_BYTES_MAX, NoteKey, read_note
from mpp.ledger.tree import is_included, leaf_hash, PROOF_HASHES_MAX
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read
from mpp.model.value import value
from mpp.stages.audit.entry import Entry, Genesis, read_entry, read_epoch, read_genesis
from mpp.stages.audit.limits import LINE_BYTES_MAX, PROOF_BYTES_MAX
from mpp.stages.audit.witnessing import count_witnesses, Seen

_DIGEST = re.compile("[0-9a-f]{64}")
_LINES_MAX = 3


@value
class ProvenLine:
    seq: int
    line: bytes
    path: tuple[bytes, ...]


@value
class Proof:
    checkpoint: bytes
    """The signed note, as it was written."""
    lines: tuple[ProvenLine, ...]
    """Entry 0, the entry that announced the epoch's key, the entry in question; the same one stands once."""


@value
class Proven:
    """What a proof shows."""

    genesis: Genesis
    entry: Entry
    checkpoint: Checkpoint
    witnesses: tuple[Seen, ...]


def write_proof(proof: Proof) -> bytes:
    lines: list[Json] = [
        {"seq": one.seq, "line": one.line.decode("utf-8"), "path": [found.hex() for found in one.path]} for one in proof.lines
    ]  # fmt: skip
    return canonical({"mpp_proof": 1, "checkpoint": proof.checkpoint.decode("utf-8"), "entries": lines}) + b"\n"


def read_proof(data: bytes, *, where: str) -> Proof:
    if len(data) > PROOF_BYTES_MAX:
        raise Refused("audit.proof", f"a proof has more than {PROOF_BYTES_MAX} bytes", where=where, hint="give the file as `mpp audit prove` wrote it")
    faults = Faults("audit")
    fields = Fields(read(data, family="audit", where=where), where, faults)
    fields.number("mpp_proof", least=1, most=1)
    note = _multiline(fields, "checkpoint", NOTE_BYTES_MAX)
    lines = fields.each("entries", lambda item, path: _read_line(Fields(item, path, faults)), most=_LINES_MAX, required=True, least=1)
    fields.end()
    faults.stop()
    return Proof(checkpoint=note, lines=lines)


def _multiline(fields: Fields, key: str, most: int) -> bytes:
    found = fields.raw(key)
    if not isinstance(found, str) or len(found) > most:
        fields.faults.add("type", fields.path(key), f"must be a text of at most {most} characters", "give the file as `mpp audit prove` wrote it")
        return b""
    return found.encode("utf-8")


def _read_line(fields: Fields) -> ProvenLine:
    seq = fields.number("seq", least=0, most=JSON_INT_MAX)
    line = _multiline(fields, "line", LINE_BYTES_MAX)
    path = _path(fields)
    fields.end()
    return ProvenLine(seq=seq, line=line, path=path)


def _path(fields: Fields) -> tuple[bytes, ...]:
    out: list[bytes] = []
    for item in fields.items("path", most=PROOF_HASHES_MAX, required=True):
        if not isinstance(item, str) or _DIGEST.fullmatch(item) is None:
            fields.faults.add("form", fields.path("path"), "is no list of SHA-256 in hex", "give the file as `mpp audit prove` wrote it")
            return ()
        out.append(bytes.fromhex(item))
    return tuple(out)


def verify_proof(proof: Proof, *, where: str, log_id: str = "", witnesses: Sequence[NoteKey] = ()) -> Proven:
    """Spec: audit L-70, L-71. ``log_id``: the log that it must be of; empty where nobody knows."""
    note = read_note(proof.checkpoint, where=where)
    checkpoint = read_checkpoint(note.text, where=where)
    entries = [_included(one, checkpoint, f"{where}: entry {one.seq}") for one in proof.lines]
    genesis = read_genesis(entries[0], where=where)
    if log_id and genesis.log_id != log_id:
        raise Refused("audit.log_id", f"the proof is of the log {genesis.log_id[:16]}…, not of {log_id[:16]}…", where=where, hint="ask whose log it is")
    if checkpoint.origin != genesis.origin:
        raise Refused("audit.log_id", "the checkpoint is of another log than entry 0", where=where, hint="give the proof as it was written")
    _judge_signatures(note, genesis, entries, where)
    return Proven(genesis=genesis, entry=entries[-1], checkpoint=checkpoint, witnesses=count_witnesses(note, witnesses))


def _included(one: ProvenLine, checkpoint: Checkpoint, where: str) -> Entry:
    entry = read_entry(one.line, where=where)
    if entry.seq != one.seq or not is_included(leaf_hash(one.line), one.seq, checkpoint.size, one.path, checkpoint.root):
        raise Refused("audit.proof", "the entry is not in the tree of the checkpoint", where=where, hint="the entry or the proof was changed; ask for it anew")
    return entry


def _judge_signatures(note: Note, genesis: Genesis, entries: Sequence[Entry], where: str) -> None:
    epoch, key = 0, genesis.epoch_key
    if len(entries) > 1 and entries[1].event.kind == "epoch" and not is_signed(note, NoteKey(name=f"{genesis.origin}/0", public=key)):
        epoch, key = read_epoch(entries[1], where=where)
    for name, public in ((genesis.origin, genesis.host_key), (f"{genesis.origin}/{epoch}", key)):
        if not is_signed(note, NoteKey(name=name, public=public)):
            raise Refused("audit.signature", f"the checkpoint is not signed by {name}", where=where, hint="the checkpoint was changed, or is another host's")
    if not epoch and len(entries) > 2:
        raise Refused("audit.proof", "it holds an entry that proves nothing", where=where, hint="give the file as `mpp audit prove` wrote it")
