"""The seal: read, and judged by the newest root alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.crypto.envelope import Signature
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.stages.archive import pack, read_archive, seal
from mpp.stages.gatekeeper import Seal, judge_seal, read_seal
from mpp.testing.keys import TestPublisher, fixed_signer, publisher, rotated
from mpp.testing.packages import signed, unsigned
from mpp.testing.rawzip import raw_members, raw_zip
from tests.forge import forged, statement_of

WHO = publisher()
PLAIN = unsigned()
GOOD = signed(WHO)


def seal_of(data: bytes) -> Seal:
    found = read_seal(read_archive(data))
    assert isinstance(found, Seal), found
    return found


def code_of(data: bytes) -> str:
    found = read_seal(read_archive(data))
    assert isinstance(found, Refused)
    return found.code


def judged(data: bytes, chain: RootChain, *, before: bool = False) -> str:
    """The code of the refusal, or nothing."""
    try:
        judge_seal(seal_of(data), chain, accepted_before=before)
    except Refused as fault:
        return fault.code
    return ""


def test_a_seal_is_read() -> None:
    found = seal_of(GOOD)
    assert found.statement.package_id == "com.example.hello"
    assert found.chain.publisher_id == found.statement.publisher_id == WHO.id


def crc_of_the_seal_wrong() -> bytes:
    listed = raw_members(read_archive(GOOD))
    listed[-1].crc = 1
    return raw_zip(listed)


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "unsigned": (PLAIN, "signature.unsigned"),
    "an envelope that is not JSON": (seal(read_archive(PLAIN), WHO.chain.data, b"x"), "signature.json"),
    "a publisher document that is not JSON": (forged(PLAIN, WHO, publisher=b"x"), "signature.json"),
    "a publisher document with nothing in it": (forged(PLAIN, WHO, publisher=b'{"roots":[]}'), "signature.length"),
    "a payload that is no statement": (forged(PLAIN, WHO, payload=b"{}"), "signature.missing"),
    "a payload of another type": (forged(PLAIN, WHO, payload_type="application/json"), "signature.choice"),
    "a damaged seal member": (crc_of_the_seal_wrong(), "signature.member_broken"),
    "another publisher's document": (forged(PLAIN, WHO, publisher=publisher("Mallory").chain.data), "signature.publisher_changed"),
    "a later document than was signed": (forged(PLAIN, WHO, publisher=rotated(WHO, "2").chain.data), "signature.publisher_changed"),
    "another publisher id": (forged(PLAIN, WHO, publisher_id="0" * 64), "signature.publisher_changed"),
    "another digest": (forged(PLAIN, WHO, publisher_digest="0" * 64), "signature.publisher_changed"),
}


@pytest.mark.parametrize(("data", "code"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_seal_that_cannot_be_read(data: bytes, code: str) -> None:
    assert code_of(data) == code


def broken(made: tuple[Signature, ...]) -> tuple[Signature, ...]:
    return (*made[:-1], replace(made[-1], sig=made[-1].sig[::-1]))


TWO = publisher("Two", releases=2, release_threshold=2)
STRANGER = fixed_signer("stranger")
STRANGER_PUBLISHER = publisher("stranger")
NEXT = rotated(WHO, "2")
REVOKED = rotated(WHO, "2", revoke=True)

JUDGED: dict[str, tuple[bytes, TestPublisher, bool, str]] = {
    "sound": (GOOD, WHO, False, ""),
    "sound, two signers": (signed(TWO), TWO, False, ""),
    "no signature": (forged(PLAIN, WHO, signatures=lambda _: ()), WHO, False, "signature.incomplete"),
    "one of two signatures dropped": (forged(PLAIN, TWO, signatures=lambda made: made[:1]), TWO, False, "signature.incomplete"),
    "a signature nobody listed": (forged(PLAIN, WHO, signers=(*WHO.release, STRANGER)), WHO, False, "signature.incomplete"),
    "one signer listed, another signed": (forged(PLAIN, WHO, signers=(STRANGER,)), WHO, False, "signature.incomplete"),
    "a broken signature": (forged(PLAIN, WHO, signatures=broken), WHO, False, "signature.invalid"),
    "one broken of two": (forged(PLAIN, TWO, signatures=broken), TWO, False, "signature.invalid"),
    "rotated away": (GOOD, NEXT, False, "signature.not_eligible"),
    "rotated away and revoked": (GOOD, REVOKED, False, "signature.key_revoked"),
    "rotated away, accepted before": (GOOD, NEXT, True, ""),
    "revoked, accepted before": (GOOD, REVOKED, True, ""),
    "current, accepted before": (GOOD, WHO, True, ""),
    "rotated away, accepted before, broken": (forged(PLAIN, WHO, signatures=broken), NEXT, True, "signature.invalid"),
    "the new key": (signed(NEXT), NEXT, False, ""),
    "a revoked other key": (signed(REVOKED), REVOKED, False, ""),
}


@pytest.mark.parametrize(("data", "newest", "before", "code"), JUDGED.values(), ids=JUDGED.keys())
def test_signers_are_judged(data: bytes, newest: TestPublisher, before: bool, code: str) -> None:
    assert judged(data, newest.chain, before=before) == code


def listing(
    who: TestPublisher, ids: tuple[str, ...], edit: Callable[[tuple[Signature, ...]], tuple[Signature, ...]] = lambda made: made, **more: object
) -> bytes:
    """A package whose statement lists ``ids``; the keyword ``signers`` of ``forged`` makes the signatures."""
    return forged(PLAIN, who, statement=replace(statement_of(PLAIN, who), signers=ids), signatures=edit, **more)  # type: ignore[arg-type]


def test_a_listed_signer_must_be_eligible() -> None:
    data = listing(WHO, STRANGER_PUBLISHER.release_ids, signers=STRANGER_PUBLISHER.release)
    assert judged(data, WHO.chain) == "signature.not_eligible"


def test_a_root_key_signs_no_packages() -> None:
    data = listing(WHO, (key_id(WHO.root[0].public_key),), signers=WHO.root)
    assert judged(data, WHO.chain) == "signature.not_eligible"


def test_fewer_signers_than_the_threshold() -> None:
    alone = TWO.release[0]
    data = listing(TWO, (key_id(alone.public_key),), signers=(alone,))
    assert judged(data, TWO.chain) == "signature.threshold"


def test_a_package_without_members_of_a_seal_has_none() -> None:
    assert code_of(pack({"manifest.json": b"{}"})) == "signature.unsigned"


def test_another_revoked_key_is_not_the_reason() -> None:
    data = listing(REVOKED, STRANGER_PUBLISHER.release_ids, signers=STRANGER_PUBLISHER.release)
    assert judged(data, REVOKED.chain) == "signature.not_eligible"
