"""Contexts signed with the key of this host, for the remote back ends of tools. Spec: spec/identity.md section 7."""

from __future__ import annotations

from mpp.crypto.context_token import sign_context
from mpp.model.calls import CallContext
from mpp.ports import Clock, Random, Signer

JTI_BYTES = 16
"""Bytes of the id of a signed context. Reason: never the same twice."""


class SignedContexts:
    """Signs what the host knows of a call; nothing that a guest says goes into it but the audience, which was judged before."""

    def __init__(self, signer: Signer, clock: Clock, random: Random) -> None:
        self._signer, self._clock, self._random = signer, clock, random

    def token(self, context: CallContext, audience: str) -> str:
        """A token that holds for a minute, for that back end alone."""
        return sign_context(
            self._signer, context.shown(), audience=audience, agent=context.agent, now=self._clock.now(), jti=self._random.bytes(JTI_BYTES).hex()
        )  # fmt: skip
