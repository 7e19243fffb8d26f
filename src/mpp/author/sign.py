"""Signing: the unsigned file gets its seal, and is verified before anybody sees it. Spec: spec/keys.md section 3."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from mpp.crypto.ed25519 import key_id
from mpp.crypto.envelope import Envelope, sign, write_envelope
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.model.value import value
from mpp.ports import Clock, Signer
from mpp.stages.archive import SIGNATURE_NAME, Archive, Buffer, hashes, read_archive, seal, unseal
from mpp.stages.gatekeeper import NO_TRUST, PAYLOAD_TYPE, Statement, TrustedPublisher, judge_unsigned, read_seal, verify, write_statement


@value
class Signed:
    """A sealed package. ``missing`` names listed signers whose signatures are still to come."""

    data: bytes
    statement: Statement
    missing: tuple[str, ...]


def sign_package(
    data: Buffer, chain: RootChain, signers: tuple[Signer, ...], clock: Clock, *, cosigners: tuple[str, ...] = (), replace_seal: bool = False
) -> Signed:
    """Seal an unsigned package, or add a listed signer's signature to one that lacks it.

    ``cosigners`` are full ids of further release keys that must sign too; until they have, the package is refused.
    """
    archive = read_archive(data)
    signers = tuple({key_id(signer.public_key): signer for signer in signers}.values())
    if archive.sealed and not replace_seal:
        return _add(archive, chain, signers, clock)
    unsigned = read_archive(unseal(archive)) if archive.sealed else archive
    mine = {key_id(signer.public_key) for signer in signers}
    listed = tuple(sorted(mine | set(cosigners)))
    release = chain.newest.role("release")
    for key in listed:
        if key not in release.keys:
            raise Refused(
                "key.not_release",
                f"key {key[:16]} is no release key in publisher.json",
                where="signer",
                hint="rotate it in with `mpp keygen --rotate`, or use the release key",
            )
    if len(listed) < release.threshold:
        raise Refused(
            "key.threshold",
            f"{release.threshold} signers are needed, {len(listed)} are given",
            where="signers",
            hint="give more -k options, or name co-signers with --cosigner",
        )
    statement = make_statement(unsigned, chain, listed, clock.now())
    payload = write_statement(statement)
    envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=payload, signatures=sign(PAYLOAD_TYPE, payload, signers))
    return _finish(unsigned, chain, statement, envelope, clock)


def make_statement(unsigned: Archive, chain: RootChain, signers: tuple[str, ...], created: int) -> Statement:
    """What the signers will say; every member is inflated and judged first, so that nothing unsound is ever signed."""
    judged = judge_unsigned(unsigned)
    manifest = judged.manifest
    return Statement(
        package_id=manifest.package_id,
        version=manifest.version,
        content_hash=hashes(unsigned).content.hex(),
        publisher_id=chain.publisher_id,
        publisher_digest=sha256(chain.data).hexdigest(),
        files=judged.files,
        entrypoint=manifest.runtime.entrypoint,
        signers=signers,
        created=created,
    )


def _add(archive: Archive, chain: RootChain, signers: tuple[Signer, ...], clock: Clock) -> Signed:
    """Add signatures to a package that waits for them; the statement stays as its first signer made it."""
    found = read_seal(archive)
    if isinstance(found, Refused):
        raise found
    present = {one.key for one in found.envelope.signatures}
    mine = {key_id(signer.public_key) for signer in signers}
    if not set(found.statement.signers) - present:
        raise Refused("key.signed", "the package is completely signed already", where=SIGNATURE_NAME, hint="sign anew with --replace if that is what you want")
    if not mine <= set(found.statement.signers) - present or chain.publisher_id != found.chain.publisher_id:
        raise Refused(
            "key.not_listed",
            "this key is not one that the package waits for",
            where=SIGNATURE_NAME,
            hint="use a key that the first signer listed with --cosigner",
        )
    unsigned = read_archive(unseal(archive))
    # A co-signer vouches for the content: everything is judged again before the key is used.
    if make_statement(unsigned, found.chain, found.statement.signers, found.statement.created) != found.statement:
        raise Refused("content.mismatch", "the content is not what the statement says", where=SIGNATURE_NAME, hint="ask the first signer for the package again")
    made = sign(PAYLOAD_TYPE, found.envelope.payload, signers)
    together = tuple(sorted((*found.envelope.signatures, *made), key=lambda one: one.key))
    return _finish(unsigned, found.chain, found.statement, replace(found.envelope, signatures=together), clock)


def _finish(unsigned: Archive, chain: RootChain, statement: Statement, envelope: Envelope, clock: Clock) -> Signed:
    data = seal(unsigned, chain.data, write_envelope(envelope))
    missing = tuple(sorted(set(statement.signers) - {one.key for one in envelope.signatures}))
    if not missing:
        own = replace(NO_TRUST, publishers={chain.publisher_id: TrustedPublisher(chain=chain, any_package=True)})
        verify(data, own, clock.now())
    return Signed(data=data, statement=statement, missing=missing)
