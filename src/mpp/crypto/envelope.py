"""Signatures over a typed payload, as DSSE has them. Spec: spec/keys.md section 3.

The type stands inside what is signed, so a signature over one kind of document is none over another.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpp.crypto import base64text
from mpp.crypto.ed25519 import KEY_ID, SIGNATURE_BYTES, key_id, verifies
from mpp.errors import Refused
from mpp.limits import SIGNERS_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.value import value
from mpp.ports import Signer


@value
class Signature:
    """One signature and the full id of the key that claims it."""

    key: str
    sig: bytes


@value
class Envelope:
    """Found: nothing in it is verified yet."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """What a signature is over: the DSSE pre-authentication encoding."""
    kind = payload_type.encode("ascii")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, signers: tuple[Signer, ...]) -> tuple[Signature, ...]:
    """Signatures by all ``signers``, in the order of their key ids."""
    message = signed_bytes(payload_type, payload)
    made = (Signature(key=key_id(signer.public_key), sig=signer.sign(message)) for signer in signers)
    return tuple(sorted(made, key=lambda signature: signature.key))


def read_signatures(fields: Fields, id_key: str) -> tuple[Signature, ...]:
    """The ``signatures`` list of an envelope or a root document: ascending by key, so each key once."""
    found = fields.each("signatures", lambda item, where: _read_signature(Fields(item, where, fields.faults), id_key), most=SIGNERS_MAX, required=True)
    for earlier, later in zip(found, found[1:], strict=False):
        if not earlier.key < later.key:
            fields.faults.add("order", fields.path("signatures"), "signatures do not ascend by key id, each key once", "sign again with `mpp sign`")
    return found


def _read_signature(fields: Fields, id_key: str) -> Signature:
    key = fields.text(id_key, most=64, pattern=KEY_ID, form="the 64 hex digits of a SHA-256")
    sig = base64text.read_field(fields, "sig", SIGNATURE_BYTES, SIGNATURE_BYTES)
    fields.end()
    return Signature(key=key, sig=sig)


def read_envelope(data: bytes, *, where: str, payload_type: str, payload_most: int) -> Envelope:
    """Read a DSSE envelope of one payload type. Spec: keys K-20 to K-24."""
    faults = Faults("signature")
    fields = Fields(read_canonical(data, family="signature", where=where), where, faults)
    envelope = Envelope(
        payload_type=fields.one_of("payloadType", (payload_type,)),
        payload=base64text.read_field(fields, "payload", 1, payload_most),
        signatures=read_signatures(fields, "keyid"),
    )
    fields.end()
    faults.stop()
    return envelope


def write_envelope(envelope: Envelope) -> bytes:
    signatures: list[Json] = [{"keyid": one.key, "sig": base64text.encode(one.sig)} for one in envelope.signatures]
    return canonical({"payload": base64text.encode(envelope.payload), "payloadType": envelope.payload_type, "signatures": signatures})


def verify_all(payload_type: str, payload: bytes, signatures: tuple[Signature, ...], keys: Mapping[str, bytes], where: str) -> None:
    """Each signature must verify under the key of its id in ``keys``; one that does not refuses all.

    The caller has made sure that each id is in ``keys``.
    """
    message = signed_bytes(payload_type, payload)
    for signature in signatures:
        if not verifies(keys[signature.key], message, signature.sig):
            raise Refused(
                "signature.invalid", "a signature does not verify", where=f"{where}: key {signature.key[:16]}", hint="get the file again from its publisher"
            )
