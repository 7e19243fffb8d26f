"""Signing a policy: a written document becomes a bundle, and is verified before anybody sees it. Spec: spec/policy-bundle.md section 2."""

from __future__ import annotations

from mpp.crypto.ed25519 import key_id
from mpp.crypto.envelope import Envelope, Signature, sign
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy import (
    BUNDLE_POLICY_BYTES_MAX,
    BUNDLE_TIME_MAX,
    BUNDLE_VERSION_MAX,
    BundleBody,
    FoundBundle,
    GRACE_SECONDS_MAX,
    POLICY_TYPE,
    Remembered,
    read_bundle,
    verify_bundle,
    write_body,
    write_bundle,
)


@value
class SignedPolicy:
    """A bundle file. ``missing`` is how many signatures are still to come; until then everybody refuses it."""

    data: bytes
    body: BundleBody
    digest: str
    signers: tuple[str, ...]
    missing: int


def sign_policy(body: BundleBody, chain: RootChain, signers: tuple[Signer, ...], now: int) -> SignedPolicy:
    """A new bundle by release keys of ``chain``."""
    _judge_body(body, now)
    payload = write_body(body)
    if len(payload) > BUNDLE_POLICY_BYTES_MAX:
        raise Refused(
            "policy.length", f"a signed policy has at most {BUNDLE_POLICY_BYTES_MAX} bytes", where=body.name, hint="use wider patterns, or fewer rules"
        )
    _judge_signers(chain, signers)
    return _finish(chain, payload, sign(POLICY_TYPE, payload, _each_once(signers)), now)


def cosign_policy(data: bytes, signers: tuple[Signer, ...], now: int, *, where: str) -> SignedPolicy:
    """Further signatures on a bundle that waits for them; what is signed stays as its first signer made it."""
    found = read_bundle(data, where=where)
    _judge_signers(found.chain, signers)
    made = sign(POLICY_TYPE, found.envelope.payload, _each_once(signers))
    together = {one.key: one for one in (*found.envelope.signatures, *made)}
    if len(together) == len(found.envelope.signatures):
        raise Refused("key.signed", "these keys have signed the bundle already", where=where, hint="sign with another release key")
    return _finish(found.chain, found.envelope.payload, tuple(together[key] for key in sorted(together)), now)


def next_version(before: FoundBundle | None, chain: RootChain, body: BundleBody, *, where: str) -> int:
    """One more than the bundle that is there, if it is the same one's."""
    if before is None:
        return 1
    meant = (before.chain.publisher_id, before.body.layer, before.body.name)
    if meant != (chain.publisher_id, body.layer, body.name):
        message = f"there is a bundle {before.body.name!r} of the {before.body.layer} layer and of publisher {before.chain.publisher_id[:16]} already"
        raise Refused("policy.name", message, where=where, hint="write to another file with -o, or give --version to replace it")
    if before.body.version >= BUNDLE_VERSION_MAX:
        raise Refused("policy.range", "no version comes after this one", where=where, hint="enrol the fleet for a new publisher")
    return before.body.version + 1


def _each_once(signers: tuple[Signer, ...]) -> tuple[Signer, ...]:
    return tuple({key_id(signer.public_key): signer for signer in signers}.values())


def _judge_body(body: BundleBody, now: int) -> None:
    """What no host would take is not signed."""
    if not now < body.expires <= BUNDLE_TIME_MAX:
        raise Refused("policy.range", "the end lies in the past, or beyond the year 2100", where="expires", hint="give a time to come with --expires")
    if body.grace_seconds > GRACE_SECONDS_MAX:
        most = GRACE_SECONDS_MAX // 86400
        raise Refused("policy.range", f"a grace has at most {most} days", where="grace", hint="give a later --expires, or sign again in time")


def _judge_signers(chain: RootChain, signers: tuple[Signer, ...]) -> None:
    release = chain.newest.role("release")
    for signer in signers:
        key = key_id(signer.public_key)
        if key not in release.keys:
            hint = "rotate it in with `mpp keygen --rotate`, or use the release key"
            raise Refused("key.not_release", f"key {key[:16]} is no release key in publisher.json", where="signer", hint=hint)


def _finish(chain: RootChain, payload: bytes, signatures: tuple[Signature, ...], now: int) -> SignedPolicy:
    data = write_bundle(chain, Envelope(payload_type=POLICY_TYPE, payload=payload, signatures=signatures))
    found = read_bundle(data, where="the new bundle")
    missing = max(0, chain.newest.role("release").threshold - len(signatures))
    if not missing:
        # Judged as the first host that sees it will.
        verify_bundle(data, Remembered(chain=chain), now, layer=found.body.layer, where="the new bundle")
    return SignedPolicy(data=data + b"\n", body=found.body, digest=found.digest, signers=tuple(one.key for one in signatures), missing=missing)
