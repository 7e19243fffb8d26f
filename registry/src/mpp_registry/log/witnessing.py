"""Cosignatures: witnesses sign the newest checkpoint after they saw that the log only grew. What they send is checked before it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.errors import Refused
from mpp.ledger.notes import Note, NoteKey, NoteSignature, read_note, signed_at
from mpp_registry.log.ledger import Ledger
from mpp_registry.log.limits import COSIGNATURE_BYTES_MAX, COSIGNATURES_MAX
from mpp_registry.store.ports import Database


def take_cosignatures(database: Database, ledger: Ledger, witnesses: Sequence[NoteKey], lines: bytes) -> tuple[str, ...]:
    """The witnesses whose signatures over the newest checkpoint were kept; the others are passed over."""
    if not lines or len(lines) > COSIGNATURES_MAX * COSIGNATURE_BYTES_MAX:
        raise Refused("registry.length", "there are no lines of signatures, or too many", where="body", hint="send those of the newest checkpoint")
    with database.read() as rows:
        newest = ledger.checkpoint(rows)
    text = read_note(newest.note, where="checkpoint").text
    # As one note with the text that we keep, so that no other text can come along.
    found = read_note(text.encode() + b"\n" + lines, where="body")
    if found.text != text:
        raise Refused("registry.checkpoint", "these are no lines of signatures", where="body", hint="send one line for each")
    kept = [one for one in found.signatures if any(_is_by(one, text, key) for key in witnesses)]
    if not kept:
        raise Refused(
            "registry.checkpoint", f"no witness of this registry signed its checkpoint of {newest.size} leaves", where="body", hint="get the newest one"
        )
    with database.write() as rows:
        if not ledger.cosign(rows, text, kept):
            raise Refused("registry.checkpoint", "there is a newer checkpoint by now", where="body", hint="get the newest one")
    return tuple(sorted({one.name for one in kept}))


def _is_by(one: NoteSignature, text: str, key: NoteKey) -> bool:
    return one.name == key.name and signed_at(Note(text=text, signatures=(one,)), key) is not None
