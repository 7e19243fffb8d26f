"""How a request shows who sends it: signed with a publisher's key, or with a token that the user logged in with."""

from __future__ import annotations

import hashlib
from typing import Protocol

from mpp.ports import Clock, Random, Signer
from mpp.protocol.registry.requests import sign_request

NONCE_BYTES = 16
"""Bytes of a nonce. Reason: nobody meets one twice."""


class Credentials(Protocol):
    """Gives the header of one request to one registry; empty: nothing is shown."""

    def header(self, method: str, target: str, body: bytes) -> str: ...


class Nobody:
    """What is public needs no name."""

    def header(self, method: str, target: str, body: bytes) -> str:  # noqa: ARG002 - a port
        return ""


class Token:
    """A token of one registry. Attack: a token that is shown to another server; whoever holds this holds the registry beside it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "Token(…)"

    def header(self, method: str, target: str, body: bytes) -> str:  # noqa: ARG002 - a port
        return f"Bearer {self._token}"


class Signed:
    """A publisher's key signs each request for this registry, this moment and these bytes; what is overheard is worth nothing."""

    def __init__(self, signer: Signer, audience: str, clock: Clock, random: Random) -> None:
        self._signer, self._audience = signer, audience
        self._clock, self._random = clock, random

    def header(self, method: str, target: str, body: bytes) -> str:
        return sign_request(
            self._signer, method=method, target=target, body_sha256=hashlib.sha256(body).hexdigest(), audience=self._audience,
            at=self._clock.now(), nonce=self._random.bytes(NONCE_BYTES).hex(),
        )  # fmt: skip
