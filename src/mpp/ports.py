"""What several layers need of the world, as protocols. The host implements them; mpp.testing has twins."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Wall-clock time; one reading per judgement."""

    def now(self) -> int:
        """Seconds since 1970-01-01 UTC."""
        ...


class Random(Protocol):
    """Randomness fit for keys."""

    def bytes(self, count: int) -> bytes:
        """``count`` unpredictable bytes."""
        ...


class Signer(Protocol):
    """A private key we may use and not see: a file, a security module, an external command."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature over ``message``."""
        ...
