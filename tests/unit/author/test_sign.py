from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.author.sign import sign_package
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.stages.archive import read_archive, read_member, unseal
from mpp.stages.gatekeeper import Seal, read_seal, verify
from mpp.testing.keys import fixed_signer, publisher, rotated
from mpp.testing.packages import NOW, TestClock, signed, trusting, unsigned
from mpp.testing.rawzip import raw_members, raw_zip
from tests.forge import forged

ADA = publisher("Ada")
TWO = publisher("Two", releases=3, release_threshold=2)
A, B, C = sorted(TWO.release, key=lambda signer: key_id(signer.public_key))
PLAIN = unsigned()
CLOCK = TestClock()


def code_of(*arguments: object, **more: object) -> str:
    with pytest.raises(Refused) as refusal:
        sign_package(*arguments, **more)  # type: ignore[arg-type]
    assert refusal.value.hint
    return refusal.value.code


def ids(*signers: SeedSigner) -> tuple[str, ...]:
    return tuple(sorted(key_id(signer.public_key) for signer in signers))


def test_a_package_is_signed() -> None:
    done = sign_package(PLAIN, ADA.chain, ADA.release, CLOCK)
    assert done.missing == ()
    assert done.statement.created == NOW
    assert unseal(read_archive(done.data)) == PLAIN
    assert verify(done.data, trusting(ADA), NOW).package_id == "com.example.hello"


def test_signing_is_repeatable() -> None:
    assert signed(ADA) == signed(ADA)
    assert signed(ADA, created=NOW + 1) != signed(ADA)


def test_several_sign_at_once() -> None:
    done = sign_package(PLAIN, TWO.chain, (C, A), CLOCK)
    assert done.statement.signers == ids(A, C)
    verify(done.data, trusting(TWO), NOW)


def test_a_key_given_twice_signs_once() -> None:
    assert sign_package(PLAIN, ADA.chain, ADA.release * 2, CLOCK) == sign_package(PLAIN, ADA.chain, ADA.release, CLOCK)
    assert sign_package(PLAIN, TWO.chain, (A, A), CLOCK, cosigners=ids(B)) == sign_package(PLAIN, TWO.chain, (A,), CLOCK, cosigners=ids(B))


def test_cosigners_sign_one_after_the_other() -> None:
    first = sign_package(PLAIN, TWO.chain, (A,), CLOCK, cosigners=ids(B, C))
    assert first.missing == ids(B, C)
    with pytest.raises(Refused) as refusal:
        verify(first.data, trusting(TWO), NOW)
    assert refusal.value.code == "signature.incomplete"
    second = sign_package(first.data, TWO.chain, (C,), TestClock(NOW + 9))
    assert second.missing == ids(B)
    third = sign_package(second.data, TWO.chain, (B,), TestClock(NOW + 99))
    assert third.missing == ()
    assert third.statement == first.statement
    assert third.data == sign_package(PLAIN, TWO.chain, (A, B, C), CLOCK).data
    verify(third.data, trusting(TWO), NOW)


WAITING = sign_package(PLAIN, TWO.chain, (A,), CLOCK, cosigners=ids(B)).data


@pytest.mark.parametrize(
    ("data", "chain", "signers", "code"),
    [
        (PLAIN, ADA.chain, ADA.root, "key.not_release"),
        (PLAIN, ADA.chain, (fixed_signer("stranger"),), "key.not_release"),
        (PLAIN, TWO.chain, (A,), "key.threshold"),
        (PLAIN, ADA.chain, (), "key.threshold"),
        (PLAIN, rotated(ADA, "2").chain, ADA.release, "key.not_release"),
        (signed(ADA), ADA.chain, ADA.release, "key.signed"),
        (WAITING, TWO.chain, (C,), "key.not_listed"),
        (WAITING, TWO.chain, (A,), "key.not_listed"),
        (WAITING, ADA.chain, (B,), "key.not_listed"),
        (b"PK", ADA.chain, ADA.release, "archive.not_zip"),
        (unsigned({"surprise": 1}), ADA.chain, ADA.release, "manifest.unknown_key"),
        (unsigned({"capabilities/network": ["*"]}), ADA.chain, ADA.release, ""),
        (unsigned(extra={"bin/main.wasm": b"x"}), ADA.chain, ADA.release, "wasm.preamble"),
        (forged(PLAIN, ADA, payload=b"{}"), ADA.chain, ADA.release, "signature.missing"),
    ],
)
def test_nothing_else_is_signed(data: bytes, chain: RootChain, signers: tuple[SeedSigner, ...], code: str) -> None:
    found = code_of(data, chain, signers, CLOCK)
    assert found == code or (not code and found.startswith("capability."))


def test_a_cosigner_must_be_a_release_key() -> None:
    assert code_of(PLAIN, TWO.chain, (A,), CLOCK, cosigners=("0" * 64,)) == "key.not_release"


def test_a_cosigner_judges_the_content_again() -> None:
    """The first signer lies about a file; the second must not lend its key to that."""
    honest = read_seal(read_archive(WAITING))
    assert isinstance(honest, Seal)
    lie = replace(honest.statement, files={**honest.statement.files, "README.md": "0" * 64})
    assert code_of(forged(PLAIN, TWO, statement=lie, signers=(A,)), TWO.chain, (B,), CLOCK) == "content.mismatch"


def test_a_broken_first_signature_is_noticed_by_the_last_signer() -> None:
    broken = forged(PLAIN, TWO, signers=(A,), statement=read_statement(WAITING), signatures=lambda made: (replace(made[0], sig=bytes(64)),))
    assert code_of(broken, TWO.chain, (B,), CLOCK) == "signature.invalid"


def read_statement(data: bytes) -> object:
    found = read_seal(read_archive(data))
    assert isinstance(found, Seal)
    return found.statement


def test_signing_anew_replaces_the_seal() -> None:
    two = rotated(ADA, "2")
    done = sign_package(signed(ADA), two.chain, two.release, CLOCK, replace_seal=True)
    assert done.data == signed(two)
    assert sign_package(PLAIN, two.chain, two.release, CLOCK, replace_seal=True).data == done.data


def test_signing_anew_does_not_need_a_sound_seal() -> None:
    assert sign_package(forged(PLAIN, ADA, payload=b"{}"), ADA.chain, ADA.release, CLOCK, replace_seal=True).data == signed(ADA)


def test_a_signer_that_lies_is_caught_before_the_file_exists() -> None:
    class Liar:
        public_key = ADA.release[0].public_key

        def sign(self, message: bytes) -> bytes:
            return fixed_signer("other").sign(message)

    assert code_of(PLAIN, ADA.chain, (Liar(),), CLOCK) == "signature.invalid"


def test_a_clock_beyond_the_format_is_refused() -> None:
    assert code_of(PLAIN, ADA.chain, ADA.release, TestClock(10**12)) == "signature.range"


def test_a_spoilt_unsigned_file_is_not_signed() -> None:
    listed = raw_members(read_archive(PLAIN))
    listed[1].crc = 0
    assert code_of(raw_zip(listed), ADA.chain, ADA.release, CLOCK) == "manifest.member_broken"


def test_the_seal_travels_with_the_publisher_document() -> None:
    archive = read_archive(signed(ADA))
    assert json.loads(read_member(archive, archive.members[-2]))["roots"][0]["signed"]["name"] == "Ada"
