"""Documents that name their signer by root documents, as policy bundles do: ``{"envelope": …, "roots": […]}``. Pure.

Who may sign is decided by whoever reads: it knows the root documents of the one that it believes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from mpp.crypto.envelope import Envelope, read_envelope, sign, verify_all, write_envelope
from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read_canonical
from mpp.model.value import value
from mpp.ports import Signer
from mpp.protocol.registry.limits import WRAPPING_BYTES_MAX


@value
class SignedFile:
    """As found: its root documents hold in themselves, nothing else of it is verified."""

    chain: RootChain
    envelope: Envelope

    @property
    def payload(self) -> bytes:
        return self.envelope.payload

    @property
    def digest(self) -> str:
        """Of what is signed: two files with the same one say the same."""
        return sha256(self.envelope.payload).hexdigest()


def bytes_max(payload_most: int) -> int:
    """How many bytes a whole file may have."""
    return (payload_most + 2) // 3 * 4 + WRAPPING_BYTES_MAX


def read_signed(data: bytes, *, family: str, kind: str, payload_most: int, where: str) -> SignedFile:
    """Parse strictly. Faults of root documents and envelopes come as they are: whoever calls names the document that is at fault."""
    faults = Faults(family)
    fields = Fields(read_canonical(data.removesuffix(b"\n"), family=family, where=where), where, faults)
    roots, envelope = fields.raw("roots"), fields.raw("envelope")
    fields.end()
    faults.stop()
    chain = read_chain(canonical({"roots": roots}), where=f"{where}/roots")
    found = read_envelope(canonical(envelope), where=f"{where}/envelope", payload_type=kind, payload_most=payload_most)
    return SignedFile(chain=chain, envelope=found)


def write_signed(chain: RootChain, kind: str, payload: bytes, signers: Sequence[Signer]) -> bytes:
    """The file, signed by ``signers``, with a line end."""
    envelope = write_envelope(Envelope(payload_type=kind, payload=payload, signatures=sign(kind, payload, tuple(signers))))
    roots = read_canonical(chain.data, family="signature", where="roots")
    signed = read_canonical(envelope, family="signature", where="envelope")
    return canonical({"roots": roots["roots"] if isinstance(roots, dict) else [], "envelope": signed}) + b"\n"


def what_is_wrong(found: SignedFile, chain: RootChain, kind: str) -> str:
    """Empty where a threshold of release keys of the newest root of ``chain``, and nobody else, signed."""
    release = chain.newest.role("release")
    signers = [one.key for one in found.envelope.signatures]
    if any(key not in release.keys for key in signers):
        return "signer"
    if len(signers) < release.threshold:
        return "threshold"
    try:
        verify_all(kind, found.payload, found.envelope.signatures, chain.newest.keys, "envelope")
    except Refused:
        return "signature"
    return ""
