"""Small signed documents with one signature each: proofs, statements, delegations and grants. Spec: spec/identity.md section 3."""

from __future__ import annotations

import hashlib

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES, key_id, valid_public, verifies
from mpp.crypto.envelope import Envelope, Signature, read_envelope, sign, signed_bytes, write_envelope
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical, shown
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy.identity_limits import IDENTITY_TIME_MAX


@value
class Signed:
    """One such document. Nothing in it is verified yet."""

    kind: str
    payload: bytes
    signature: Signature
    body: Json

    @property
    def digest(self) -> str:
        """What the next document of a chain names as its parent."""
        return hashlib.sha256(self.payload).hexdigest()

    def signed_by(self, public: bytes) -> bool:
        """Whether the one signature is by this key, over this very document."""
        return self.signature.key == key_id(public) and verifies(public, signed_bytes(self.kind, self.payload), self.signature.sig)


def write_signed(kind: str, body: dict[str, Json], signer: Signer) -> bytes:
    payload = canonical(body)
    return write_envelope(Envelope(payload_type=kind, payload=payload, signatures=sign(kind, payload, (signer,))))


def read_signed(data: bytes, kind: str, *, most: int, family: str, where: str) -> Signed:
    """Read the envelope and the document in it. Spec: identity I-25. A second signature is refused: it would say nothing that anybody reads."""
    code = family + ".envelope"
    hint = "make it again; it travels as it was made, byte for byte"
    if len(data) > 2 * most:
        raise Refused(code, f"has more than {2 * most} bytes", where=where, hint=hint)
    try:
        found = read_envelope(data, where=where, payload_type=kind, payload_most=most)
    except Refused as fault:
        raise Refused(code, f"is no signed document of this kind: {fault.message}", where=fault.where, hint=hint) from None
    if len(found.signatures) != 1:
        raise Refused(code, f"has {len(found.signatures)} signatures, needs one", where=where, hint=hint)
    body = read_canonical(found.payload, family=family, where=where)
    return Signed(kind=kind, payload=found.payload, signature=found.signatures[0], body=body)


def opened(signed: Signed, version_key: str, faults: Faults, *, where: str) -> Fields:
    """The fields of the document; another version than ours is a fault."""
    fields = Fields(signed.body, where, faults)
    fields.number(version_key, least=1, most=1)
    return fields


def read_public(fields: Fields, key: str) -> bytes:
    """A sound public key in base64."""
    found = base64text.decode(fields.text(key, most=(PUBLIC_BYTES + 2) // 3 * 4))
    # Attack: under a key of small order one signature fits many documents.
    if found is None or not valid_public(found):
        fields.faults.add("base64", fields.path(key), "is no sound Ed25519 public key in base64", "take what `mpp agent keygen` printed")
        return b""
    return found


def read_window(fields: Fields, most: int) -> tuple[int, int]:
    """``not_before`` and ``not_after``, in this order and at most ``most`` seconds apart."""
    start = fields.number("not_before", least=0, most=IDENTITY_TIME_MAX)
    end = fields.number("not_after", least=0, most=IDENTITY_TIME_MAX)
    if not start <= end <= start + most:
        fields.faults.add("range", fields.path("not_after"), f"must lie 0 to {most} seconds after not_before", "make it for a shorter time")
    return start, end


def judge_window(not_before: int, not_after: int, now: int, *, what: str, where: str, family: str) -> None:
    """Refuse what does not hold yet, or no longer."""
    if now < not_before:
        raise Refused(family + ".early", f"{what} does not hold yet", where=shown(where), hint="set the clocks of both machines, or wait")
    if now > not_after:
        raise Refused(family + ".expired", f"{what} has ended", where=shown(where), hint="ask whoever made it for a new one")
