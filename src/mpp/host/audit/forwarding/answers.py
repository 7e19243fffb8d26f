"""What a target says to a batch, and what can carry one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mpp.model.value import value
from mpp.stages.audit.forward import ForwardRecord

TAKEN, LATER, REFUSED = "taken", "later", "refused"


@value
class Piece:
    """One entry on its way."""

    record: ForwardRecord
    data: bytes
    """As the format has it; for OTLP, which has no lines, the entry itself."""


@value
class Answer:
    kind: str
    """``taken``; ``later``: nobody knows, or not now; ``refused``: these records, whenever they come."""
    why: str = ""
    after: float = 0
    """Seconds that the target asks us to wait."""


YES = Answer(kind=TAKEN)


class Transport(Protocol):
    """Carries a batch and waits for what it means that it arrived. What fails is an answer, not an error."""

    def send(self, pieces: Sequence[Piece]) -> Answer:
        """All of them, in order."""
        ...
