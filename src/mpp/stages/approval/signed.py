"""Signed documents of approval: one envelope, one payload, one signature, one form of bytes. Spec: spec/attestation.md section 2."""

from __future__ import annotations

from mpp.crypto.ed25519 import key_id, verifies
from mpp.crypto.envelope import Envelope, read_envelope, sign, signed_bytes, write_envelope
from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.ports import Signer
from mpp.stages.approval.limits import ANSWER_BYTES_MAX

ANSWER_TYPE = "application/vnd.mpp.answer+json"
PROOF_TYPE = "application/vnd.mpp.approval+json"
RECEIPT_TYPE = "application/vnd.mpp.receipt+json"


def seal(payload_type: str, document: dict[str, Json], signer: Signer) -> bytes:
    """The envelope around the canonical form of ``document``."""
    payload = canonical(document)
    return write_envelope(Envelope(payload_type=payload_type, payload=payload, signatures=sign(payload_type, payload, (signer,))))


def open_envelope(data: bytes, payload_type: str, *, where: str) -> Envelope:
    """Read an envelope with one signature. Nothing in it is verified yet."""
    hint = "give the document as its maker wrote it"
    if len(data) > ANSWER_BYTES_MAX:
        raise Refused("approval.size", f"has more than {ANSWER_BYTES_MAX} bytes", where=where, hint=hint)
    try:
        envelope = read_envelope(data, where=where, payload_type=payload_type, payload_most=ANSWER_BYTES_MAX)
    except Refused as fault:
        # No package is to blame, so the fault is not one of its signature.
        raise Refused("approval.envelope", f"is no signed document of this kind: {fault.message}", where=fault.where, hint=hint) from None
    if len(envelope.signatures) != 1:
        raise Refused("approval.envelope", "must have exactly one signature", where=where, hint=hint)
    return envelope


def judge_signature(envelope: Envelope, public: bytes, *, where: str) -> None:
    """The one signature must be by ``public`` and verify."""
    found = envelope.signatures[0]
    message = signed_bytes(envelope.payload_type, envelope.payload)
    if found.key != key_id(public) or not verifies(public, message, found.sig):
        raise Refused("approval.signature", "the signature does not verify", where=where, hint="have it signed again")
