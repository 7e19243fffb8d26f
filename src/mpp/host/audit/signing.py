"""Checkpoints and seals of this host: two signatures each, one that others know and one that does not last. Spec: audit L-20, L-22."""

from __future__ import annotations

from mpp.host.audit.epochs import EpochKey
from mpp.ledger.checkpoints import Checkpoint, checkpoint_text, origin_of, Seal, seal_lines
from mpp.ledger.notes import sign_text, write_note
from mpp.ports import Signer


def signed_checkpoint(log_id: str, size: int, root: bytes, host: Signer, key: EpochKey) -> bytes:
    return _signed(Checkpoint(origin=origin_of(log_id), size=size, root=root), host, key)


def signed_seal(seal: Seal, host: Signer, key: EpochKey) -> bytes:
    plain = seal.checkpoint
    return _signed(Checkpoint(origin=plain.origin, size=plain.size, root=plain.root, more=seal_lines(seal)), host, key)


def _signed(checkpoint: Checkpoint, host: Signer, key: EpochKey) -> bytes:
    text, origin = checkpoint_text(checkpoint), checkpoint.origin
    return write_note(text, (sign_text(text, origin, host), sign_text(text, f"{origin}/{key.epoch}", key.signer)))
