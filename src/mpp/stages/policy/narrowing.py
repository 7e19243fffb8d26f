"""The limits of all rules that match, together. Every one can only make it narrower. Spec: spec/3-policy.md section 4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mpp.model.scope import Scope
from mpp.stages.policy.compiled import CompiledLimits
from mpp.stages.policy.types import STRENGTHS, Limits

NO_LIMITS = Limits()


def together(found: Sequence[CompiledLimits], declared: Scope) -> Limits:
    """``found`` comes in an order that does not depend on that of the rules."""
    rules = [one.rule for one in found]
    scope = declared
    narrowings = [one.narrowing for one in found if one.narrowing is not None]
    for narrowing in narrowings:
        scope = narrowing.narrow(scope)
    strengths = [rule.strength for rule in rules if rule.strength]
    return Limits(
        calls_per_minute=_least(rule.calls_per_minute for rule in rules),
        timeout_ms=_least(rule.timeout_ms for rule in rules),
        scope=scope if narrowings else None,
        privacy_patterns=tuple(sorted({pattern for rule in rules for pattern in rule.privacy_patterns})),
        strength=max(strengths, key=STRENGTHS.index, default=""),
        approvers=max(rule.approvers for rule in rules),
        answer_seconds=_least(rule.answer_seconds for rule in rules),
    )


def _least(numbers: Iterable[int]) -> int:
    """The smallest that says something: 0 says nothing."""
    return min((number for number in numbers if number), default=0)
