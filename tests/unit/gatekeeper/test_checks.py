"""The seven checks as a whole: order, what is told, what is given, what it depends on."""

from __future__ import annotations

import mmap
from dataclasses import replace
from hashlib import sha256

import pytest

from mpp.errors import Refused
from mpp.stages.archive import pack, read_archive, seal, unseal
from mpp.stages.gatekeeper import CHECK_NAMES, GATEKEEPER_VERSION, NO_TRUST, CheckResult, TrustState, attest, authenticate, verify
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import ENTRYPOINT, NOW, files, signed, trusting, unsigned
from mpp.testing.rawzip import RawMember, raw_members, raw_zip
from mpp.testing.wasm import module
from tests.forge import forged, statement_of

WHO = publisher()
TRUST = trusting(WHO)
PLAIN = unsigned()
GOOD = signed(WHO)
CONTENT = sha256(PLAIN).hexdigest()


def spoilt(**changes: object) -> bytes:
    listed = raw_members(read_archive(GOOD))
    for key, item in changes.items():
        setattr(listed[1], key, item)
    return raw_zip(listed)


def edited(at: bytes, to: bytes) -> bytes:
    """A member changed and the archive made canonical again: only the hash can tell."""
    inside = files()
    inside["README.md"] = inside["README.md"].replace(at, to)
    found = read_archive(GOOD)
    tail = [bytes(found.data[one.start : one.start + one.packed]) for one in found.members[-2:]]
    return seal(read_archive(pack(inside)), *tail)


FAILING: dict[str, tuple[bytes, TrustState, str, int]] = {
    "1 not an archive": (b"", TRUST, "archive.not_zip", 1),
    "1 encrypted": (spoilt(flags=1), TRUST, "archive.encrypted", 1),
    "2 a bomb": (raw_zip([RawMember(b"manifest.json", b"{}"), RawMember(b"a", bytes(10**6), method=8)]), TRUST, "size.ratio", 2),
    "3 a climbing name": (raw_zip([RawMember(b"manifest.json", b"{}"), RawMember(b"../a")]), TRUST, "path.traversal", 3),
    "4 changed content": (edited(b"hello", b"hallo"), TRUST, "content.mismatch", 4),
    "5 unsigned": (PLAIN, TRUST, "signature.unsigned", 5),
    "5 a broken signature": (forged(PLAIN, WHO, signatures=lambda made: (replace(made[0], sig=bytes(64)),)), TRUST, "signature.invalid", 5),
    "5 unknown publisher": (GOOD, NO_TRUST, "publisher.unknown", 5),
    "5 revoked content": (GOOD, replace(TRUST, revoked_content=frozenset((CONTENT,))), "publisher.content_revoked", 5),
    "5 revoked content, installed": (
        GOOD,
        replace(TRUST, revoked_content=frozenset((CONTENT,)), installed=frozenset((CONTENT,))),
        "publisher.content_revoked",
        5,
    ),
    "5 revoked content, unknown publisher": (GOOD, replace(NO_TRUST, revoked_content=frozenset((CONTENT,))), "publisher.content_revoked", 5),
    "5 a forked root": (signed(rotated(WHO, "2")), trusting(rotated(WHO, "other")), "publisher.fork", 5),
    "6 another version": (forged(PLAIN, WHO, version="9.9.9"), TRUST, "manifest.identity", 6),
}


@pytest.mark.parametrize(("data", "trust", "code", "number"), FAILING.values(), ids=FAILING.keys())
def test_the_first_failure_ends_the_run(data: bytes, trust: TrustState, code: str, number: int) -> None:
    told: list[CheckResult] = []
    with pytest.raises(Refused) as refusal:
        verify(data, trust, NOW, seen=told.append)
    assert (refusal.value.code, refusal.value.check) == (code, number)
    assert [one.number for one in told] == list(range(1, number))


def test_a_code_fault_is_check_7() -> None:
    inside = {**files(), ENTRYPOINT: module(exports={})}
    plain = pack(inside)
    statement = replace(statement_of(PLAIN, WHO), content_hash=sha256(plain).hexdigest(), files={name: sha256(one).hexdigest() for name, one in inside.items()})
    with pytest.raises(Refused) as refusal:
        verify(forged(plain, WHO, statement=statement), TRUST, NOW)
    assert refusal.value.check == 7


def test_a_fork_is_about_the_publisher_only_if_the_seal_holds() -> None:
    """A refusal of the publisher family says that integrity held; so the signature is judged before it."""
    two = rotated(WHO, "2")
    data = forged(PLAIN, two, signatures=lambda made: (replace(made[0], sig=bytes(64)),))
    with pytest.raises(Refused) as refusal:
        verify(data, trusting(rotated(WHO, "other")), NOW)
    assert refusal.value.code == "signature.invalid"


def test_all_seven_pass() -> None:
    told: list[CheckResult] = []
    package = verify(GOOD, TRUST, NOW, seen=told.append)
    assert tuple(told) == package.checks
    assert [(one.number, one.name) for one in told] == list(enumerate(CHECK_NAMES, 1))
    assert all(one.detail for one in told)
    assert len(CHECK_NAMES) == 7


def test_what_is_given() -> None:
    package = verify(GOOD, TRUST, NOW)
    assert package.publisher_id == WHO.id
    assert (package.package_id, package.version) == ("com.example.hello", "0.1.0")
    assert package.content_hash == CONTENT
    assert package.file_hash == sha256(GOOD).hexdigest()
    assert package.trust_digest == TRUST.digest
    assert (package.trusted_because, package.verified_at) == ("own key", NOW)
    assert package.read("README.md") == files()["README.md"]
    assert package.read("nothing") is None
    assert package.wasm is not None


def test_the_newest_root_is_given_even_when_the_package_shows_an_older_one() -> None:
    both = rotated(WHO, "2")
    package = verify(GOOD, replace(trusting(both), installed=frozenset((CONTENT,))), NOW)
    assert package.chain is both.chain


def test_a_verdict_has_a_key() -> None:
    found = attest(GOOD, TRUST, NOW)
    assert found.key == (sha256(GOOD).hexdigest(), GATEKEEPER_VERSION, TRUST.digest)
    assert found.package == verify(GOOD, TRUST, NOW)
    with pytest.raises(Refused):
        attest(GOOD, NO_TRUST, NOW)


def test_authentication_inflates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib

    def fail(*_: object) -> None:
        pytest.fail("something was inflated")

    monkeypatch.setattr(zlib, "decompressobj", fail)
    at = authenticate(GOOD, TRUST, NOW)
    assert at.sealed.statement.content_hash == CONTENT


def test_a_memory_file_is_judged_like_bytes() -> None:
    with mmap.mmap(-1, len(GOOD)) as memory:
        memory.write(GOOD)
        package = verify(memory, TRUST, NOW)
        assert package.file_hash == sha256(GOOD).hexdigest()
        package.archive.data.release()


def test_the_unsigned_file_comes_back_from_the_signed_one() -> None:
    assert unseal(read_archive(GOOD)) == PLAIN
