"""How sure it must be that a person answered, and how sure it is. Spec: spec/4-approval.md section 4."""

from __future__ import annotations

from typing import Final

from mpp.stages.policy.types import Limits

_RANKS: Final = {"flag": 0, "elicitation": 1, "tty": 2, "passphrase": 3, "webauthn": 3, "other-uid": 3}
_LEVELS: Final = {"low": "flag", "medium": "flag", "high": "passphrase", "critical": "passphrase"}
"""The least strength for each level. Attack: what an agent of the same user can type, it can type at a terminal too."""


def enough(amr: str, needed: str) -> bool:
    """Whether an answer given by ``amr`` is at least as strong as ``needed``; what is unknown never is."""
    return _RANKS.get(amr, -1) >= _RANKS.get(needed, len(_RANKS))


def needed_strength(levels: tuple[str, ...], limits: Limits, *, fleet: bool = False, least: str = "") -> str:
    """The strictest of what the levels, the policy and the kind of host ask for."""
    # Spec: approval H-32. An unknown level is the highest.
    wanted = [_LEVELS.get(level, "passphrase") for level in levels]
    wanted += [one for one in (limits.strength, least) if one]
    if fleet:
        # Spec: approval H-33. In a fleet nobody answers by an option of a command.
        wanted.append("elicitation")
    return max(wanted, key=lambda one: _RANKS.get(one, len(_RANKS)))


def stricter(needed: str, least: str) -> str:
    """``needed``, but never less than ``least``."""
    return needed if enough(needed, least) else least


def weaker(amr: str, most: str) -> str:
    """``amr``, but never more than ``most``."""
    return amr if enough(most, amr) else most


def answer_seconds(limits: Limits, usual: int) -> int:
    """How long an answer can be used: the usual time, or less where policy says so."""
    return min(usual, limits.answer_seconds) if limits.answer_seconds > 0 else usual
