"""Reading the seal and judging its signatures. Spec: spec/2-gatekeeper.md section 3, spec/keys.md section 3."""

from __future__ import annotations

from hashlib import sha256

from mpp.crypto.envelope import Envelope, read_envelope, verify_all
from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import Refused
from mpp.model.value import value
from mpp.stages.archive import PUBLISHER_NAME, SIGNATURE_NAME, Archive, read_member
from mpp.stages.gatekeeper.limits import STATEMENT_BYTES_MAX
from mpp.stages.gatekeeper.statement import PAYLOAD_TYPE, Statement, read_statement


@value
class Seal:
    """The two seal members, parsed. The chain is verified in itself; the envelope is not verified yet."""

    envelope: Envelope
    statement: Statement
    chain: RootChain


def read_seal(archive: Archive) -> Seal | Refused:
    """The seal, or why there is none to judge."""
    if not archive.sealed:
        return Refused("signature.unsigned", "the package is not signed", hint="its author signs it with `mpp sign`; unsigned packages never run")
    publisher_member, signature_member = archive.members[-2:]
    try:
        publisher = read_member(archive, publisher_member, "signature")
        envelope = read_envelope(
            read_member(archive, signature_member, "signature"), where=SIGNATURE_NAME, payload_type=PAYLOAD_TYPE, payload_most=STATEMENT_BYTES_MAX
        )
        statement = read_statement(envelope.payload, where=f"{SIGNATURE_NAME}: payload")
        chain = read_chain(publisher, where=PUBLISHER_NAME)
    except Refused as fault:
        return fault
    # Spec: keys K-29. The seal's own publisher document is part of what is signed.
    if sha256(publisher).hexdigest() != statement.publisher_digest or chain.publisher_id != statement.publisher_id:
        return Refused(
            "signature.publisher_changed",
            "the publisher document is not the one that was signed",
            where=PUBLISHER_NAME,
            hint="get the file again from its publisher",
        )
    return Seal(envelope=envelope, statement=statement, chain=chain)


def judge_seal(seal: Seal, newest: RootChain, *, accepted_before: bool) -> None:
    """Every listed signer must be eligible and verify; the newest root alone says who is eligible.

    Spec: keys K-40 to K-45. ``accepted_before`` keeps an installed package running after a rotation: its
    signers are then judged by the root it was signed under.
    """
    listed = seal.statement.signers
    # Spec: keys K-28. Attack: dropping one of several signatures, or adding one nobody promised.
    if tuple(one.key for one in seal.envelope.signatures) != listed:
        raise Refused(
            "signature.incomplete",
            "the signatures are not exactly those of the listed signers",
            where=SIGNATURE_NAME,
            hint="the missing signers run `mpp sign` on this file",
        )
    release = newest.newest.role("release")
    keys = newest.newest.keys
    if accepted_before:
        release, keys = seal.chain.newest.role("release"), seal.chain.newest.keys
    for signer in listed:
        if signer not in release.keys:
            raise _not_eligible(signer, newest)
    if len(listed) < release.threshold:
        raise Refused(
            "signature.threshold",
            f"{len(listed)} of {release.threshold} needed signatures",
            where=SIGNATURE_NAME,
            hint="more release keys sign with `mpp sign`",
        )
    verify_all(PAYLOAD_TYPE, seal.envelope.payload, seal.envelope.signatures, keys, SIGNATURE_NAME)


def _not_eligible(signer: str, newest: RootChain) -> Refused:
    where = f"{SIGNATURE_NAME}: key {signer[:16]}"
    for revoked in newest.newest.revoked:
        if revoked.key == signer:
            return Refused(
                "signature.key_revoked", "the publisher has revoked a signing key", where=where, hint="get a version signed with the publisher's current key"
            )
    return Refused(
        "signature.not_eligible",
        "a signer is no release key of the publisher's newest root",
        where=where,
        hint="get a version signed with a current release key",
    )
