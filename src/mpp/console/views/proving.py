"""The proof of one entry, made and checked for this page by the code of `mpp audit prove` and `mpp audit verify-proof`."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.errors import MppError, Refused
from mpp.host.audit.reader import LogReader
from mpp.ledger.notes import NoteKey
from mpp.model.value import value
from mpp.stages.audit import read_proof, Seen, verify_proof, write_proof


@value
class Proved:
    """A proof that was checked, as the page shows it."""

    seq: int
    leaf: str
    log_id: str
    size: int
    """Entries under the checkpoint."""
    root: str
    path: tuple[str, ...]
    checkpoint: str
    """The signed note."""
    witnesses: tuple[Seen, ...]


@value
class NotProved:
    code: str
    message: str
    hint: str

    @property
    def can_be_signed(self) -> bool:
        """Is all that is missing a checkpoint over the newest entries?"""
        return self.code in {"audit.unsigned", "audit.no_checkpoint"}


def prove(reader: LogReader, seq: int, witnesses: Sequence[NoteKey]) -> Proved | NotProved:
    """Nothing is shown as proven that a stranger with the file could not check: it is written, read again and verified as one would."""
    where = f"the proof of entry {seq}"
    try:
        proof = read_proof(write_proof(reader.prove(seq)), where=where)
        found = verify_proof(proof, where=where, witnesses=tuple(witnesses))
        if found.entry.seq != seq:
            raise Refused("audit.proof", "the proof is of another entry", where=where, hint="see: mpp audit verify --deep")
    except MppError as fault:
        return NotProved(code=fault.code, message=fault.message, hint=fault.hint)
    return Proved(
        seq=seq, leaf=found.entry.leaf, log_id=found.genesis.log_id, size=found.checkpoint.size, root=found.checkpoint.root.hex(),
        path=tuple(one.hex() for one in proof.lines[-1].path), checkpoint=proof.checkpoint.decode("utf-8", "replace"), witnesses=found.witnesses,
    )  # fmt: skip
