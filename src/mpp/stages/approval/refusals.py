"""What every store of approvals refuses, in the same words. Spec: spec/4-approval.md sections 1 and 5."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.stages.approval.limits import PENDING_AGENT_MAX, PENDING_MAX, STANDING_MAX


NO_REF = "?"
"""What stands for a ref that no question can have."""


def too_many_questions(agents: bool) -> Refused:
    # Attack: a thousand questions, until somebody says yes to one without reading it.
    whose = f"this agent waits for answers to {PENDING_AGENT_MAX}" if agents else f"{PENDING_MAX} wait for an answer"
    return Refused("approval.too_many", f"no more questions: {whose}", where="approvals", hint="let a person answer or withdraw some of them")


def too_many_standing() -> Refused:
    return Refused("approval.too_many", f"there are {STANDING_MAX} approvals for always", where="approvals", hint="revoke those that are not needed")


def no_question(ref: str) -> Refused:
    return Refused("approval.unknown", "no such question waits for an answer", where=ref, hint="it may be too old; call again")


def answered(ref: str) -> Refused:
    return Refused("approval.answered", "the question is answered already", where=ref, hint="each question is answered once; call again for another")
