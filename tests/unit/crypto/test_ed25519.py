"""The strict profile, on cases made here; the published sets are in tests/attack/test_t08_ed25519.py."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mpp.crypto.ed25519 import SeedSigner, fingerprint, key_id, short_id, valid_public, verifies

SEED = bytes(range(32))
SIGNER = SeedSigner(SEED)
L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
ORDER_ONE = (1).to_bytes(32, "little")
ORDER_EIGHT = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")


def test_the_signer_agrees_with_another_implementation() -> None:
    other = Ed25519PrivateKey.from_private_bytes(SEED)
    assert SIGNER.public_key == other.public_key().public_bytes_raw()
    assert SIGNER.sign(b"message") == other.sign(b"message")


def test_a_signature_verifies() -> None:
    assert verifies(SIGNER.public_key, b"message", SIGNER.sign(b"message"))
    assert verifies(SIGNER.public_key, b"", SIGNER.sign(b""))


def wrong() -> dict[str, tuple[bytes, bytes, bytes]]:
    public, good = SIGNER.public_key, SIGNER.sign(b"message")
    s = int.from_bytes(good[32:], "little")
    return {
        "another message": (public, b"massage", good),
        "another key": (SeedSigner(bytes(32)).public_key, b"message", good),
        "a short signature": (public, b"message", good[:-1]),
        "a long signature": (public, b"message", good + b"\0"),
        "no signature": (public, b"message", b""),
        "S + L": (public, b"message", good[:32] + (s + L).to_bytes(32, "little")),
        "another R": (public, b"message", bytes(32) + good[32:]),
        "a short key": (public[:-1], b"message", good),
        "a long key": (public + b"\0", b"message", good),
        "no key": (b"", b"message", good),
        "a key of order one": (ORDER_ONE, b"message", ORDER_ONE + bytes(32)),
        "a key of order eight": (ORDER_EIGHT, b"message", ORDER_ONE + bytes(32)),
        "a key that is no point": ((2).to_bytes(32, "little"), b"message", good),
        "a key that is not canonical": ((P + 1).to_bytes(32, "little"), b"message", good),
    }


@pytest.mark.parametrize("case", wrong().values(), ids=wrong().keys())
def test_everything_else_does_not(case: tuple[bytes, bytes, bytes]) -> None:
    assert verifies(*case) is False


@pytest.mark.parametrize("at", range(0, 64, 3))
def test_no_bit_of_a_signature_is_free(at: int) -> None:
    good = SIGNER.sign(b"message")
    for bit in range(8):
        changed = bytearray(good)
        changed[at] ^= 1 << bit
        assert not verifies(SIGNER.public_key, b"message", bytes(changed))


@pytest.mark.parametrize(
    ("public", "sound"),
    [(SIGNER.public_key, True), (ORDER_ONE, False), (ORDER_EIGHT, False), (bytes(32), False), (b"", False), (bytes(31), False), (bytes(33), False)],
)
def test_sound_keys(public: bytes, sound: bool) -> None:
    assert valid_public(public) is sound


def test_names_of_a_key() -> None:
    full = key_id(SIGNER.public_key)
    assert len(full) == 64
    assert short_id(full) == "pub_" + full[:16]
    shown = fingerprint(full)
    assert shown.replace(" ", "") == full
    assert {len(group) for group in shown.split(" ")} == {4}
