"""Sealing to a recipient's X25519 key, and AES-256-GCM under a key that serves for one record. Spec: audit L-42.

AES is what other systems can open and auditors ask for; the library has it only where the processor has it, and then in constant time.
Elsewhere nothing is sealed: a second way would be one more thing to be wrong.
"""

from __future__ import annotations

from nacl import bindings
from nacl.exceptions import CryptoError, UnavailableError

from mpp.errors import HostFailed, Refused

PRIVATE_BYTES = 32
PUBLIC_BYTES = 32
AES_KEY_BYTES = 32
AES_NONCE_BYTES = 12
AES_TAG_BYTES = 16
SEAL_EXTRA_BYTES = 48
"""What sealing adds: the key of the sender, made for this one box, and a tag."""


def public_of(private: bytes) -> bytes:
    """The X25519 public key of a private one."""
    return bytes(bindings.crypto_scalarmult_base(private))


def seal_to(recipient: bytes, data: bytes) -> bytes:
    """``data`` for whoever holds the private half of ``recipient``. Whoever sealed it cannot open it again."""
    try:
        return bytes(bindings.crypto_box_seal(data, recipient))
    except (CryptoError, TypeError, ValueError):
        # Attack: a key of small order, under which every box opens for everybody.
        raise Refused("audit.vault_key", "this is no X25519 public key that can be sealed to", hint="give what `mpp audit vault keygen` printed") from None


def open_sealed(private: bytes, box: bytes) -> bytes | None:
    """What was sealed to this key; None where it was sealed to another, or changed."""
    try:
        return bytes(bindings.crypto_box_seal_open(box, public_of(private), private))
    except (CryptoError, TypeError, ValueError):
        return None


def aes_seal(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes:
    """AES-256-GCM. ``bound`` is not in the result and must be given again to open it."""
    try:
        return bytes(bindings.crypto_aead_aes256gcm_encrypt(data, bound, nonce, key))
    except UnavailableError:
        raise no_aes() from None


def aes_open(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes | None:
    """The plain bytes; None where key, nonce, data or ``bound`` is not as it was."""
    try:
        return bytes(bindings.crypto_aead_aes256gcm_decrypt(data, bound, nonce, key))
    except UnavailableError:
        raise no_aes() from None
    except CryptoError:
        return None


def no_aes() -> HostFailed:
    return HostFailed(
        "audit.vault", "this processor has no AES instructions, without which the vault seals and opens nothing",
        hint="turn the vault off (mpp audit vault off), or use a machine with AES-NI or the ARM crypto extensions",
    )  # fmt: skip
