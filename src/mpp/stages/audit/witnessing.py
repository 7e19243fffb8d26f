"""Which known witnesses signed a checkpoint, and when. Pure. Spec: audit section 6."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.ledger.notes import COSIGNATURE, Note, NoteKey, signed_at
from mpp.model.value import value


@value
class Seen:
    """A witness saw it at this time."""

    name: str
    at: int
    """Seconds since 1970, by the clock of the witness."""


def count_witnesses(note: Note, known: Sequence[NoteKey]) -> tuple[Seen, ...]:
    """Attack: one witness under two names; or the log's own key, given for a witness. A key counts once, and only for cosignatures."""
    found: dict[bytes, Seen] = {}
    for key in known:
        at = signed_at(note, key) if key.algorithm == COSIGNATURE else None
        if at is not None:
            found.setdefault(key.public, Seen(name=key.name, at=at))
    return tuple(found.values())
