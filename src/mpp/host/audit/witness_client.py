"""Having the log witnessed: each witness is asked about the newest checkpoint, and what it signs is kept.

A witness that knows more than our log, or another history, is the alarm that this is for. It is raised, and not smoothed over: the log was
cut, forked, or its key is in other hands. Spec: audit section 6, L-62.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.files import locked, PRIVATE, write_atomic
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_http import post, Reply
from mpp.host.audit.witness_list import NamedWitness
from mpp.ledger.checkpoints import Checkpoint, read_checkpoint
from mpp.ledger.notes import is_signed, Note, NoteKey, NoteSignature, SIGNATURES_MAX, signed_at, write_note
from mpp.ledger.tree import consistency_path, is_consistent, range_root
from mpp.model.value import value
from mpp.ports import Clock
from mpp.stages.audit import ACCEPTED, CONFLICT, INCONSISTENT, SIZE_TYPE, UNKNOWN, UNREADABLE, UNSIGNED, read_size, with_lines, write_request

ROUNDS_MAX = 4
"""Requests to one witness about one checkpoint. Reason: it says its size once; a second time somebody else was between."""

AGAIN_MAX = 3
"""Times that all are asked anew. Reason: another process had a newer checkpoint witnessed meanwhile; that does not go on for ever."""

SKEW_SECONDS_MAX = 86_400
"""Seconds between the clock of a witness and ours. Reason: a day off is a broken clock, and its times would prove what is false."""

Post = Callable[[str, bytes], Reply]


@value
class Cosigned:
    """What one witness answered."""

    witness: NamedWitness
    signature: NoteSignature | None = None
    at: int = 0
    fault: MppError | None = None

    @property
    def is_alarm(self) -> bool:
        return self.fault is not None and self.fault.code in {"audit.fork", "audit.truncated"}


class _NewerError(Exception):
    """The witness knows a larger size, and meanwhile our log has it too."""


def ask_all(reader: LogReader, witnesses: Sequence[NamedWitness], clock: Clock, send: Post = post) -> tuple[Checkpoint, list[Cosigned]]:
    """Ask all, one after the other, and keep what they signed. Faults of witnesses are in the answers; those of our own log are raised."""
    for _ in range(AGAIN_MAX):
        kept = _kept(reader)
        note, checkpoint = reader.checkpoint()
        if kept is not None:
            _check_kept(reader, checkpoint, read_checkpoint(kept.text, where=reader.places.witnessed))
        talk = _Talk(reader, note, checkpoint, clock, send)
        try:
            found = [talk.ask(one) for one in witnesses]
        except _NewerError:
            continue
        keep(reader, note, [one.signature for one in found if one.signature is not None])
        return checkpoint, found
    raise RemoteFailed("remote.witness", "the log grows faster than the witnesses sign", where=reader.places.folder, hint="ask again")


class _Talk:
    """All that is asked about one checkpoint."""

    def __init__(self, reader: LogReader, note: Note, checkpoint: Checkpoint, clock: Clock, send: Post) -> None:
        self._reader, self._note, self._checkpoint, self._clock, self._send = reader, note, checkpoint, clock, send

    def ask(self, witness: NamedWitness) -> Cosigned:
        try:
            return self._rounds(witness)
        except MppError as fault:
            return Cosigned(witness=witness, fault=fault)

    def _rounds(self, witness: NamedWitness) -> Cosigned:
        old = self._believed(witness)
        for _ in range(ROUNDS_MAX):
            reply = self._send(witness.url, write_request(old, self._proof(old), self._sent()))
            if reply.status == ACCEPTED:
                return self._signed(witness, reply)
            if reply.status != CONFLICT or reply.kind != SIZE_TYPE:
                raise self._refusal(witness, reply, old)
            old = self._next(witness, read_size(reply.body, where=witness.name), old)
        raise RemoteFailed("remote.witness", "the witness says another size each time", where=witness.name, hint="ask who runs the witness")

    def _believed(self, witness: NamedWitness) -> int:
        """The size that it signed last, as far as we kept it."""
        kept = _kept(self._reader)
        if kept is None or signed_at(kept, witness.key) is None:
            return 0
        checkpoint = read_checkpoint(kept.text, where=self._reader.places.witnessed)
        return checkpoint.size if checkpoint.origin == self._checkpoint.origin and checkpoint.size <= self._checkpoint.size else 0

    def _sent(self) -> bytes:
        return write_note(self._note.text, self._note.signatures)

    def _proof(self, old: int) -> list[bytes]:
        """Checked by ourselves first: a tile that was damaged here must not look like a fork there."""
        size, root = self._checkpoint.size, self._checkpoint.root
        if old in {0, size}:
            return []
        hashes = self._reader.hashes(size)
        path = consistency_path(hashes, old, size)
        if not is_consistent(old, range_root(hashes, 0, old), size, root, path):
            raise HostFailed(
                "audit.tile",
                "the tiles of the log do not give its checkpoint",
                where=self._reader.places.folder,
                hint="see what changed: mpp audit verify --deep",
            )
        return path

    def _next(self, witness: NamedWitness, known: int, old: int) -> int:
        size, where = self._checkpoint.size, witness.name
        if known > size:
            if self._reader.checkpoint()[1].size >= known:
                raise _NewerError
            raise Refused(
                "audit.truncated", f"the witness knows {known} entries of this log, and here are {size}: its end was cut off, or somebody else writes it",
                where=where, hint="keep this log as it is; see what the witness signed, and restore the log from a copy",
            )  # fmt: skip
        if known == old == size:
            raise self._fork(where, f"the witness knows another history of the first {known} entries")
        if known == old:
            raise RemoteFailed("remote.witness", "the witness refuses the size that it says it knows", where=where, hint="ask who runs the witness")
        return known

    @staticmethod
    def _fork(where: str, message: str) -> Refused:
        return Refused(
            "audit.fork", f"{message}: the log was written anew, or its key is in other hands", where=where, hint="keep this log as it is, and ask who runs the witness for the checkpoint it signed",
        )  # fmt: skip

    def _refusal(self, witness: NamedWitness, reply: Reply, old: int) -> MppError:
        """What any other answer means."""
        where, hint = witness.name, "on the witness: mpp audit witness accept, with the key that `mpp audit witness key` shows here"
        if reply.status == INCONSISTENT and 0 < old < self._checkpoint.size:
            return self._fork(where, f"what the witness knows of the first {old} entries does not lead to our log")
        if reply.status == UNKNOWN:
            return Refused("audit.witness", "the witness does not know this log", where=where, hint=hint)
        if reply.status == UNSIGNED:
            return Refused("audit.witness", "the witness knows this log under another key", where=where, hint=hint)
        why = "it cannot read what it was asked" if reply.status == UNREADABLE else f"it answers {reply.status}"
        return RemoteFailed("remote.witness", f"the witness did not sign: {why}", where=where, hint="check its address, or ask who runs the witness")

    def _signed(self, witness: NamedWitness, reply: Reply) -> Cosigned:
        """Attack: an answer that is not the witness's, or has a time at which it cannot have been given."""
        where = witness.name
        note = with_lines(self._note.text, reply.body, where=where)
        at = signed_at(note, witness.key)
        if at is None:
            raise Refused("audit.witness", "what came back is not signed by the key of the witness", where=where, hint="check its address and its key")
        if abs(at - self._clock.now()) > SKEW_SECONDS_MAX:
            raise Refused("audit.witness", "the clock of the witness is more than a day from ours", where=where, hint="see which of the two clocks is wrong")
        ours = (one for one in note.signatures if is_signed(Note(text=note.text, signatures=(one,)), witness.key))
        return Cosigned(witness=witness, signature=next(ours), at=at)


# -- what is kept


def _kept(reader: LogReader) -> Note | None:
    path = reader.places.witnessed
    return reader.note(path) if os.path.lexists(path) else None


def _check_kept(reader: LogReader, ours: Checkpoint, kept: Checkpoint) -> None:
    """Does our log still lead on from what was witnessed? No witness is needed to see that. Spec: audit L-62."""
    where = reader.places.witnessed
    if kept.origin != ours.origin:
        return
    if kept.size > ours.size:
        raise Refused(
            "audit.truncated", f"{kept.size} entries were witnessed, and here are {ours.size}: the end was cut off", where=where, hint="restore the log from a copy"
        )  # fmt: skip
    hashes = reader.hashes(ours.size)
    root = ours.root if kept.size == ours.size else range_root(hashes, 0, kept.size)
    if root != kept.root:
        raise Refused("audit.fork", "what was witnessed is another history", where=where, hint="see what changed: mpp audit verify --deep")


def keep(reader: LogReader, note: Note, signatures: Sequence[NoteSignature]) -> None:
    """Add what was signed to what is kept. Spec: audit section 3."""
    if not signatures:
        return
    path = reader.places.witnessed
    with locked(path + ".lock", "the witnessed checkpoint"):
        found = merged(_kept(reader), note, signatures)
        if found is not None:
            write_atomic(path, write_note(found.text, found.signatures), PRIVATE)


def merged(kept: Note | None, note: Note, signatures: Sequence[NoteSignature]) -> Note | None:
    """The note to keep; None where the kept one stays. Never one of fewer entries, nor of as many with fewer signatures."""
    new = _joined((*note.signatures, *signatures))
    if kept is None:
        return Note(text=note.text, signatures=new)
    if kept.text == note.text:
        # The newer signature of a witness takes the place of its older one.
        return Note(text=note.text, signatures=_joined((*note.signatures, *signatures, *kept.signatures)))
    before, after = (read_checkpoint(one.text, where="witnessed") for one in (kept, note))
    is_better = (after.size, len(new)) > (before.size, len(kept.signatures))
    return Note(text=note.text, signatures=new) if is_better or before.origin != after.origin else None


def _joined(signatures: Sequence[NoteSignature]) -> tuple[NoteSignature, ...]:
    """The first of each key, and no more than a note may have."""
    found: dict[tuple[str, bytes], NoteSignature] = {}
    for one in signatures:
        found.setdefault((one.name, one.hint), one)
    return tuple(found.values())[:SIGNATURES_MAX]


def count_distinct(found: Sequence[Cosigned]) -> int:
    """How many witnesses signed; a key counts once."""
    return len({one.witness.key.public for one in found if one.signature is not None})


def own_key(reader: LogReader, public: bytes) -> NoteKey:
    """The key by which witnesses know this log."""
    note, checkpoint = reader.checkpoint()
    key = NoteKey(name=checkpoint.origin, public=public)
    if not is_signed(note, key):
        raise Refused(
            "audit.signature", "the newest checkpoint is not signed by the key of this host", where=reader.places.checkpoint, hint="see: mpp audit verify"
        )
    return key
