"""The proof of one entry: whole, changed in every part, and from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.errors import Refused
from mpp.host.audit.epochs import EpochKey
from mpp.host.audit.signing import signed_checkpoint
from mpp.ledger.notes import cosign_text, COSIGNATURE, NoteKey, read_note, write_note
from mpp.ledger.tree import inclusion_path, leaf_hash, root_of
from mpp.model.events import Event
from mpp.stages.audit.entry import encode_event, epoch_body, FIRST_PREV, genesis_body, leaf_of, line_of
from mpp.stages.audit.limits import PROOF_BYTES_MAX
from mpp.stages.audit.proof import Proof, ProvenLine, read_proof, verify_proof, write_proof
from mpp.stages.audit.witnessing import Seen
from mpp.testing.keys import fixed_signer

HOST = fixed_signer("host")
EPOCHS = [fixed_signer(f"epoch {number}") for number in range(3)]


class Log:
    """Two epochs in memory: entries 0 to 4, then 5 to 8."""

    def __init__(self, name: str = "log") -> None:
        self.lines: list[bytes] = []
        self.add("log", genesis_body(HOST.public_key, EPOCHS[0].public_key, name.encode().ljust(16, b"."), ""))
        for number in range(3):
            self.add("agent", {"n": number})
        self.add("epoch", epoch_body(1, EPOCHS[1].public_key))
        for number in range(4):
            self.add("result", {"n": number})

    def add(self, kind: str, body: dict) -> None:
        prev = leaf_of(self.lines[-1]) if self.lines else FIRST_PREV
        self.lines.append(line_of(encode_event(Event(kind=kind, at=1, tenant="host", invocation="", body=body), b""), prev, len(self.lines)))

    @property
    def log_id(self) -> str:
        return leaf_of(self.lines[0])

    def subtree(self, level: int, index: int) -> bytes:
        return root_of([leaf_hash(line) for line in self.lines[index << level : (index + 1) << level]])

    def note(self, size: int, epoch: int, host: object = HOST, key: object = None) -> bytes:
        root = root_of([leaf_hash(line) for line in self.lines[:size]])
        return signed_checkpoint(self.log_id, size, root, host, EpochKey(log_id=self.log_id, epoch=epoch, signer=key or EPOCHS[epoch]))  # type: ignore[arg-type]

    def proof(self, seq: int, size: int = 9, epoch: int = 1, note: bytes = b"") -> Proof:
        wanted = [0, *([4] if epoch else [])]
        wanted += [seq] if seq != wanted[-1] else []
        lines = tuple(ProvenLine(seq=one, line=self.lines[one], path=tuple(inclusion_path(self, one, size))) for one in wanted)
        return Proof(checkpoint=note or self.note(size, epoch), lines=lines)


LOG = Log()


@pytest.mark.parametrize(("seq", "size", "epoch"), [(0, 9, 1), (4, 9, 1), (7, 9, 1), (8, 9, 1), (0, 1, 0), (3, 4, 0), (4, 5, 0), (2, 5, 0)])
def test_a_proof_shows_one_entry(seq: int, size: int, epoch: int) -> None:
    proof = LOG.proof(seq, size, epoch)
    assert read_proof(write_proof(proof), where="proof") == proof
    found = verify_proof(proof, where="proof", log_id=LOG.log_id)
    assert (found.entry.seq, found.checkpoint.size, found.genesis.log_id, found.witnesses) == (seq, size, LOG.log_id, ())


def test_witnesses_are_counted() -> None:
    note, signer = read_note(LOG.note(9, 1), where="note"), fixed_signer("witness")
    seen = write_note(note.text, (*note.signatures, cosign_text(note.text, "w", signer, 77)))
    key = NoteKey(name="w", public=signer.public_key, algorithm=COSIGNATURE)
    assert verify_proof(LOG.proof(7, note=seen), where="proof", witnesses=(key,)).witnesses == (Seen(name="w", at=77),)


def refused(proof: Proof, log_id: str = "") -> str:
    with pytest.raises(Refused) as caught:
        verify_proof(proof, where="proof", log_id=log_id)
    return caught.value.code


def with_line(proof: Proof, number: int, **changes: object) -> Proof:
    lines = list(proof.lines)
    lines[number] = replace(lines[number], **changes)
    return replace(proof, lines=tuple(lines))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_line_must_be_in_the_tree(number: int) -> None:
    proof = LOG.proof(7)
    line = proof.lines[number]
    assert refused(with_line(proof, number, line=line.line.replace(b'"at":1', b'"at":2'))) == "audit.proof"
    assert refused(with_line(proof, number, path=line.path[:-1])) == "audit.proof"
    assert refused(with_line(proof, number, path=(*line.path, bytes(32)))) == "audit.proof"
    assert refused(with_line(proof, number, seq=line.seq + 1)) == "audit.proof"


def test_the_log_must_be_the_one_that_is_meant() -> None:
    other = Log("other")
    assert refused(other.proof(7), LOG.log_id) == "audit.log_id"
    assert refused(LOG.proof(7, note=other.note(9, 1))) in {"audit.proof", "audit.log_id"}
    both = replace(
        LOG.proof(7),
        checkpoint=write_note("mpp-audit/" + "0" * 32 + read_note(LOG.note(9, 1), where="n").text[42:], read_note(LOG.note(9, 1), where="n").signatures),
    )
    assert refused(both) == "audit.log_id"


def test_both_keys_must_have_signed() -> None:
    assert refused(LOG.proof(7, note=LOG.note(9, 1, host=fixed_signer("thief")))) == "audit.signature"
    assert refused(LOG.proof(7, note=LOG.note(9, 1, key=fixed_signer("thief")))) == "audit.signature"
    assert refused(LOG.proof(7, epoch=0, note=LOG.note(9, 1))) == "audit.signature"
    # The key of a later epoch than the one that was announced.
    assert refused(LOG.proof(7, note=LOG.note(9, 2))) == "audit.signature"


def test_the_first_line_is_entry_0() -> None:
    proof = LOG.proof(7)
    assert refused(replace(proof, lines=proof.lines[1:])) == "audit.genesis"


CHANGES: dict[str, Callable[[dict], object]] = {
    "version": lambda found: found.update(mpp_proof=2),
    "more": lambda found: found.update(more=1),
    "checkpoint": lambda found: found.update(checkpoint=7),
    "long checkpoint": lambda found: found.update(checkpoint="x" * 70_000),
    "no entries": lambda found: found.update(entries=[]),
    "many entries": lambda found: found.update(entries=found["entries"] * 2),
    "line": lambda found: found["entries"][0].update(line=1),
    "seq": lambda found: found["entries"][0].update(seq=-1),
    "path": lambda found: found["entries"][0].update(path="x"),
    "hash": lambda found: found["entries"][0].update(path=["zz"]),
    "hash type": lambda found: found["entries"][0].update(path=[1]),
    "long path": lambda found: found["entries"][0].update(path=["ab" * 32] * 129),
    "entry more": lambda found: found["entries"][0].update(more=1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_proof_is_read_strictly(change: Callable[[dict], object]) -> None:
    found = json.loads(write_proof(LOG.proof(7)))
    change(found)
    with pytest.raises(Refused):
        read_proof(json.dumps(found).encode(), where="proof")


def test_a_proof_has_a_size() -> None:
    with pytest.raises(Refused) as caught:
        read_proof(b" " * (PROOF_BYTES_MAX + 1), where="proof")
    assert caught.value.code == "audit.proof"
