"""What several layers need of the world, as protocols. The host implements them; mpp.testing has twins."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from mpp.model.events import EntryRef, Event

T = TypeVar("T")


class Wait(NamedTuple):
    """What a waiting call waits for: a descriptor that becomes ready, or a moment of the monotonic clock, whichever is first."""

    fd: int
    until: float
    """Seconds of ``time.monotonic``."""
    writing: bool = False
    entries: object = None
    """What the record must be told before the call goes on, where ``fd`` is ``NOWHERE``. Whoever drives several calls writes those of all of them at once."""


NOWHERE = -2
"""In place of a descriptor: others go first, and whoever yielded it goes on when there are none. One that was closed has another number."""


Steps: TypeAlias = Generator[Wait, None, T]
"""Work that can wait: it yields what it waits for and returns its result. Always ``yield from`` it; mpp.host.drive runs it.

A step is resumed when its descriptor is ready or its moment has come; it looks for itself which of the two it was.
"""


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


class Events(Protocol):
    """Where events go. What it was told is kept, or it raises: a decision that nobody can prove is none."""

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        """Keep one event. ``durable``: it survives a power cut once this returns."""
        ...


class Once(Protocol):
    """Things that happen at most once, among all processes that share the store."""

    def spend(self, kind: str, name: str, until: int, now: int) -> bool:
        """True for the first that spends ``name``, False for every other, also after a restart. It is kept at least to ``until``."""
        ...
