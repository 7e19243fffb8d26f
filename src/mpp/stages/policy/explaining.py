"""Which rule decided, which nearly did, and what would change it, in words that a manager reads. Spec: spec/3-policy.md section 7.

Every rule of every layer is judged once more, without the index: the explanation is made from the conditions themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.policy.compiled import CompiledRule
from mpp.stages.policy.conditions import Condition
from mpp.stages.policy.deciding import reason_of
from mpp.stages.policy.engine import Policies
from mpp.stages.policy.limits import ALSO_MAX, CHANGES_MAX, NEAR_MAX
from mpp.stages.policy.patterns import UNCLEAR, YES, forget
from mpp.stages.policy.trying import is_possible, met
from mpp.stages.policy.types import DEFAULT_RULE, EFFECTS, Asked, Decided, Limits, Verdict

_WOULD = {"allow": "allow it", "ask": "ask a person", "deny": "refuse it"}
_WOULD_BE = {"allow": "it would {}be allowed", "ask": "a person would {}be asked", "deny": "it would {}be refused"}
_DOES = {"allow": "allows it", "ask": "asks a person", "deny": "refuses it"}


@value
class NearRule:
    """A rule that did not match, and each of its conditions that failed."""

    rule: str
    effect: str
    failed: tuple[str, ...]


@value
class LayerExplained:
    decided: Decided
    because: tuple[str, ...]
    """What is so, of each condition of the rule that decided."""
    also: tuple[str, ...]
    """The other rules that matched, with their effects."""
    near: tuple[NearRule, ...]


@value
class Explanation:
    verdict: Verdict
    sentence: str
    layers: tuple[LayerExplained, ...]
    changes: tuple[str, ...]
    """What would lead to another decision."""

    def lines(self) -> tuple[str, ...]:
        """For a terminal or a report, one line each."""
        risk = self.verdict.risk
        return (
            self.sentence,
            f"Risk {risk.score} of 100 ({risk.band})" + "".join(f"; {reason.words} ({reason.points:+})" for reason in risk.reasons) + ".",
            *limit_lines(self.verdict.limits),
            *(line for layer in self.layers for line in _layer_lines(layer, is_only=len(self.layers) == 1)),
            *(("What would change it:", *(f"  {line}" for line in self.changes)) if self.changes else ()),
        )

    def to_json(self) -> dict[str, Json]:
        reasons: list[Json] = [{"points": one.points, "words": one.words} for one in self.verdict.risk.reasons]
        return {
            "effect": self.verdict.effect,
            "sentence": self.sentence,
            "risk": {"score": self.verdict.risk.score, "band": self.verdict.risk.band, "reasons": reasons},
            "limits": [*limit_lines(self.verdict.limits)],
            "layers": [_layer_json(layer) for layer in self.layers],
            "changes": [*self.changes],
            "policy": self.verdict.policy_digest,
        }


class _Tried(NamedTuple):
    """One rule, and those of its conditions that failed."""

    rule: CompiledRule
    failed: tuple[Condition, ...]
    idle: bool
    """It asks, matches in doubt, and does not count, since nothing is allowed that could be asked about (P-31)."""


class _Layer(NamedTuple):
    decided: Decided
    tried: list[_Tried]


def explain(asked: Asked, policies: Policies) -> Explanation:
    """For a person; an agent is not given it. Spec: 3-policy P-70 to P-74."""
    verdict = policies.evaluate(asked)
    judged = [
        _Layer(decided, [_try(rule, decided, asked) for rule in rules if asked.tool or not rule.about_call])
        for decided, rules in zip(verdict.decided, policies.rules, strict=True)
    ]
    layers = tuple(_layer(one, asked) for one in judged)
    # A layer that is milder than the others changes nothing.
    changes = _changes([one for one in judged if one.decided.effect == verdict.effect], asked, policies, verdict)
    forget()
    return Explanation(verdict=verdict, sentence=reason_of(verdict.decisive), layers=layers, changes=changes)


def _try(rule: CompiledRule, decided: Decided, asked: Asked) -> _Tried:
    said = [(one, one.judge(asked)) for one in rule.conditions]
    failed = tuple(one for one, how in said if how < rule.need)
    if not failed and rule.rule.effect == "ask" and decided.rule == DEFAULT_RULE:
        # A question without doubt would have decided.
        return _Tried(rule, tuple(one for one, how in said if how < YES), idle=True)
    return _Tried(rule, failed, idle=False)


def _layer(judged: _Layer, asked: Asked) -> LayerExplained:
    decided = judged.decided
    matched = [one.rule for one in judged.tried if not one.failed]
    deciding = [rule for rule in matched if rule.decided == decided]
    others = [f"{rule.rule.id} ({rule.rule.effect})" for rule in matched if rule.decided != decided]
    also = [*others, *(_idle_words(one, asked) for one in islice((one for one in judged.tried if one.idle), ALSO_MAX))]
    return LayerExplained(
        decided=decided,
        because=tuple(_so(one, asked) for rule in deciding for one in rule.conditions),
        also=(*also[:ALSO_MAX], *((f"and {len(also) - ALSO_MAX} more",) if len(also) > ALSO_MAX else ())),
        near=tuple(_near_rule(one, asked) for one in _nearest(decided, judged.tried) if not one.idle),
    )


def _idle_words(tried: _Tried, asked: Asked) -> str:
    doubt = " and ".join(condition.so(asked) for condition in tried.failed)
    return f"{tried.rule.rule.id} (ask, only in doubt: {doubt}; so it does not count, as no rule allows what would be asked about)"


def _nearest(decided: Decided, tried: list[_Tried]) -> list[_Tried]:
    """The rules that failed by the fewest conditions; before others those that would change what the layer says."""
    missed = [one for one in tried if one.failed]
    return sorted(missed, key=lambda one: (not _would_change(one.rule, decided), len(one.failed), one.rule.rank))[:NEAR_MAX]


def _would_change(rule: CompiledRule, decided: Decided) -> bool:
    is_stricter = EFFECTS.index(rule.rule.effect) > EFFECTS.index(decided.effect)
    return is_stricter or (decided.rule == DEFAULT_RULE and rule.rule.effect != "deny")


def _near_rule(tried: _Tried, asked: Asked) -> NearRule:
    return NearRule(rule=tried.rule.rule.id, effect=tried.rule.rule.effect, failed=tuple(_short_of(one, asked) for one in tried.failed))


def _so(condition: Condition, asked: Asked) -> str:
    doubt = "in doubt: " if condition.judge(asked) == UNCLEAR else ""
    return doubt + condition.so(asked)


def _short_of(condition: Condition, asked: Asked) -> str:
    return f"{condition.so(asked)}, the rule wants {condition.wants}"


def _changes(judged: list[_Layer], asked: Asked, policies: Policies, verdict: Verdict) -> tuple[str, ...]:
    """What would change the verdict, as far as these layers are concerned. No outcome is claimed that was not tried (P-73)."""
    standing = list(islice(chain.from_iterable(_standing(one, asked) for one in judged), CHANGES_MAX))
    nothing = [one.decided for one in judged if one.decided.rule == DEFAULT_RULE]
    missing = [f"A rule of the {one.layer} policy {one.policy} that allows it, or asks, would have to be added or widened." for one in nothing]
    near = chain.from_iterable(_nearly(one, asked, policies, verdict) for one in judged)
    return (*standing, *islice(near, max(0, CHANGES_MAX - len(standing) - len(missing))), *missing)[:CHANGES_MAX]


def _standing(judged: _Layer, asked: Asked) -> Iterator[str]:
    """The rules that make it so; of those that allow the one that decided."""
    decided = judged.decided
    for one in judged.tried:
        if not one.failed and one.rule.rule.effect == decided.effect and (decided.effect != "allow" or one.rule.decided == decided):
            yield _otherwise(decided, one.rule, asked)


def _nearly(judged: _Layer, asked: Asked, policies: Policies, verdict: Verdict) -> Iterator[str]:
    """The rules that would be met by something else, and what would then be."""
    decided = judged.decided
    if decided.effect == "allow" or decided.rule == DEFAULT_RULE:
        possible = [one for one in judged.tried if _would_change(one.rule, decided) and is_possible(one.rule.rule)]
        for one in _nearest(decided, possible):
            yield _if_met(one, asked, policies, verdict)


def _if_met(tried: _Tried, asked: Asked, policies: Policies, verdict: Verdict) -> str:
    rule = tried.rule.rule
    wanted = " and ".join(f"{condition.subject} were {condition.wants} (it is {condition.found(asked)})" for condition in tried.failed)
    name = f"The {tried.rule.decided.layer} rule {rule.id}"
    outcomes = {found.effect: found.decisive for found in map(policies.evaluate, met(asked, tried.rule))}
    if len(outcomes) != 1:
        return f"{name} would match if {wanted}; other rules still count."
    ((effect, decisive),) = outcomes.items()
    if effect == rule.effect:
        return f"{name} would {_WOULD[effect]} if {wanted}."
    by = f"no rule of the {decisive.layer} policy allows it" if decisive.rule == DEFAULT_RULE else f"of the {decisive.layer} rule {decisive.rule}"
    because = f"because {by}"
    return f"{name} would match if {wanted}; {_WOULD_BE[effect].format('still ' if effect == verdict.effect else '')}, {because}."


def _otherwise(decided: Decided, rule: CompiledRule, asked: Asked) -> str:
    """How a rule that matched would not."""
    name = f"The {decided.layer} rule {rule.rule.id} {_DOES[rule.rule.effect]}"
    if not rule.conditions:
        return f"{name} in any case: only another policy changes that."
    return f"{name} as long as {' and '.join(_so(one, asked) for one in rule.conditions)}."


def limit_lines(limits: Limits) -> tuple[str, ...]:
    """What a yes would be bound to, beyond what the package declares."""
    words = (
        (limits.calls_per_minute, f"at most {limits.calls_per_minute} calls a minute"),
        (limits.timeout_ms, f"at most {limits.timeout_ms} ms for a call"),
        (limits.scope is not None, "only a part of what the package declares is opened"),
        (limits.privacy_patterns, f"answers are searched for {', '.join(limits.privacy_patterns)}"),
        (limits.strength, f"whoever answers must use {limits.strength} or better"),
        (limits.approvers > 1, f"{limits.approvers} people must agree"),
        (limits.answer_seconds, f"an answer must be used within {limits.answer_seconds} seconds"),
    )
    found = [text for is_said, text in words if is_said]
    return (f"Limits: {'; '.join(found)}.",) if found else ()


def _layer_lines(layer: LayerExplained, *, is_only: bool) -> Iterator[str]:
    if not is_only:
        yield reason_of(layer.decided)
    if layer.because:
        yield f"  Because {'; '.join(layer.because)}."
    if layer.also:
        yield f"  Also matching: {', '.join(layer.also)}."
    for near in layer.near:
        yield f"  Not matching: {near.rule} ({near.effect}): {'; '.join(near.failed)}."


def _layer_json(layer: LayerExplained) -> Json:
    near: list[Json] = [{"rule": one.rule, "effect": one.effect, "failed": [*one.failed]} for one in layer.near]
    decided = layer.decided
    return {
        "layer": decided.layer,
        "policy": decided.policy,
        "rule": decided.rule,
        "effect": decided.effect,
        "why": decided.why,
        "because": [*layer.because],
        "also": [*layer.also],
        "near": near,
    }
