"""Seals that no honest signer would make: any statement, any envelope, any publisher document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mpp.author.sign import make_statement
from mpp.crypto.envelope import Envelope, Signature, sign, write_envelope
from mpp.ports import Signer
from mpp.stages.archive import read_archive, seal
from mpp.stages.gatekeeper import PAYLOAD_TYPE, Statement, write_statement
from mpp.testing.keys import TestPublisher
from mpp.testing.packages import NOW


def statement_of(unsigned: bytes, who: TestPublisher) -> Statement:
    """The honest statement about an unsigned package."""
    return make_statement(read_archive(unsigned), who.chain, who.release_ids, NOW)


def forged(
    unsigned: bytes,
    who: TestPublisher,
    *,
    statement: Statement | None = None,
    payload: bytes | None = None,
    signers: tuple[Signer, ...] | None = None,
    signatures: Callable[[tuple[Signature, ...]], tuple[Signature, ...]] = lambda made: made,
    publisher: bytes | None = None,
    payload_type: str = PAYLOAD_TYPE,
    **changes: object,
) -> bytes:
    """A sealed package, truly signed by ``signers``, whose statement differs from the honest one in ``changes``."""
    if payload is None:
        honest = statement if statement is not None else statement_of(unsigned, who)
        payload = write_statement(replace(honest, **changes))  # type: ignore[arg-type] - fields of Statement
    made = sign(payload_type, payload, signers if signers is not None else who.release)
    envelope = Envelope(payload_type=payload_type, payload=payload, signatures=signatures(made))
    return seal(read_archive(unsigned), publisher if publisher is not None else who.chain.data, write_envelope(envelope))
