"""Ed25519 in one strict profile. Spec: spec/keys.md section 1.

Strict means: a 32-byte canonical key in the prime-order group, a 64-byte signature, S < L, a canonical R,
no cofactor. Then a signature verifies everywhere or nowhere, and has one byte form.
"""

from __future__ import annotations

import re
from hashlib import sha256

from nacl import bindings
from nacl.exceptions import BadSignatureError

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
SEED_BYTES = 32
KEY_ID = re.compile("[0-9a-f]{64}")
"""A full key id, and any other SHA-256 in hex."""


def valid_public(public: bytes) -> bool:
    """Is ``public`` a canonical point of prime order?

    Attack: under a key of small order one signature fits many messages.
    """
    return len(public) == PUBLIC_BYTES and bool(bindings.crypto_core_ed25519_is_valid_point(public))


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Does ``signature`` by ``public`` stand over ``message``, strictly?"""
    if len(signature) != SIGNATURE_BYTES or not valid_public(public):
        return False
    try:
        bindings.crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def key_id(public: bytes) -> str:
    """The full id of a key: what pins and statements use."""
    return sha256(public).hexdigest()


def short_id(full: str) -> str:
    """The id shown to people. Never used to decide: 64 bits can be ground."""
    return "pub_" + full[:16]


def fingerprint(digest: str) -> str:
    """A full hash in groups of four, for reading aloud and comparing."""
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


class SeedSigner:
    """A ``Signer`` whose key is in this process."""

    def __init__(self, seed: bytes) -> None:
        self._public, self._secret = bindings.crypto_sign_seed_keypair(seed)

    @property
    def public_key(self) -> bytes:
        return self._public

    def sign(self, message: bytes) -> bytes:
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]
