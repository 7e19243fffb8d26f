"""Policies in plain words, and what would be otherwise under another one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from mpp.errors import Fault
from mpp.host.policy_compare import RuleChanges
from mpp.host.policy_layers import BUNDLE, CLOSED, LayerInfo, PRESET
from mpp.host.policy_privacy import privacy_lines, privacy_short
from mpp.host.policy_replay import Replayed
from mpp.host.policy_store import Loaded
from mpp.model.value import value
from mpp.stages.policy import compile_policies, EFFECTS, LAYERS, Policies, Policy, policy_json, PRESETS, Reach, RuleLimits

TEXT_BYTES_MAX = 256 * 1024
"""Bytes of a policy in the editor. Reason: some thousand rules; a larger one is tried with `mpp policy test --replay`."""

CALLS_JUDGED_MAX = 5000
"""Decisions that one try judges again, the newest ones. Reason: two to three seconds; `mpp policy test --replay` takes all."""

CHANGES_SHOWN_MAX = 200
"""Calls that are listed. Reason: a person reads the first ones; the counts have all."""

RULES_SHOWN_MAX = 200
"""Rules of one layer in words. Reason: a page; `mpp policy show LAYER` has all."""

WORDS: dict[str, str] = {"allow": "Allows", "ask": "Asks a person", "deny": "Denies"}
TONES: dict[str, str] = {"allow": "good", "ask": "careful", "deny": "bad"}

WHOSE: dict[str, str] = {
    "fleet": "the signed policy of the fleet", "machine": "the policy of this machine, in /etc/mpp", "user": "your own policy",
}  # fmt: skip

_REACH = (
    ("hosts", "hosts"), ("read", "folders to read"), ("write", "folders to change"), ("env", "settings"), ("secrets", "secrets"), ("devices", "devices"),
)  # fmt: skip


@value
class RuleView:
    id: str
    effect: str
    words: str
    tone: str
    why: str
    conditions: tuple[str, ...]
    limits: tuple[str, ...]


@value
class LayerView:
    layer: str
    whose: str
    is_there: bool
    head: str
    tone: str
    source: str
    publisher: str
    digest: str
    expires: int
    """0: it has no end."""
    ends: int
    in_grace: bool
    rules: tuple[RuleView, ...]
    more: int
    privacy: str
    description: str


@value
class PolicyView:
    layers: tuple[LayerView, ...]
    digest: str
    mode: str
    strength: str
    faults: tuple[Fault, ...]
    privacy: tuple[str, ...]
    """What the layers together say of the filter; empty where none speaks of it."""


class Count(NamedTuple):
    before: str
    after: str
    tone: str
    calls: int


class Changed(NamedTuple):
    """One past call that would end otherwise."""

    at: int
    invocation: str
    package: str
    tool: str
    before: str
    after: str
    tone: str
    layer: str
    rule: str


@value
class Replay:
    judged: int
    left: bool
    """Are there older decisions that were not judged?"""
    same: int
    counts: tuple[Count, ...]
    changed: tuple[Changed, ...]
    more: int
    unsure: int
    why: tuple[tuple[str, int], ...]


@value
class Tried:
    """What one try of a text came to. It is made for one answer, and nothing of it is kept or in force."""

    faults: tuple[Fault, ...] = ()
    """Why the text is no policy; then nothing else is said."""
    name: str = ""
    rules: tuple[RuleView, ...] = ()
    more: int = 0
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    replay: Replay | None = None
    """None: there is no record, or it could not be read."""
    replay_fault: Fault | None = None
    alone: bool = False
    """Was it judged by itself, rather than in the place of the user's policy?"""


def view_of(loaded: Loaded, now: int) -> PolicyView:
    rules = {name: rules for (name, _), rules in zip(loaded.policies.layers, rules_of(loaded.policies), strict=True)}
    speaks = any(one.policy.privacy is not None for one in loaded.layers)
    return PolicyView(
        layers=tuple(_layer(name, loaded.layer(name), rules.get(name, ()), now) for name in LAYERS),
        digest=loaded.policies.digest,
        mode="fleet" if loaded.settings.is_fleet else "personal",
        strength=loaded.settings.approval_strength,
        faults=loaded.faults,
        privacy=tuple(" ".join(line.split()) for line in privacy_lines(loaded.policies.privacy)) if speaks else (),
    )


def _layer(name: str, one: LayerInfo | None, rules: tuple[RuleView, ...], now: int) -> LayerView:
    return LayerView(
        layer=name,
        whose=WHOSE[name],
        is_there=one is not None,
        head=_head(one),
        tone="plainly" if one is None else "bad" if one.kind == CLOSED else "good",
        source=one.source if one is not None and one.kind != PRESET else "",
        publisher=one.publisher if one is not None else "",
        digest=one.digest if one is not None else "",
        expires=one.expires or 0 if one is not None else 0,
        ends=one.ends or 0 if one is not None else 0,
        in_grace=one is not None and one.expires is not None and now > one.expires,
        rules=rules[:RULES_SHOWN_MAX],
        more=max(0, len(rules) - RULES_SHOWN_MAX),
        privacy=privacy_short(one.policy.privacy) if one is not None else "",
        description=one.policy.description if one is not None else "",
    )


def _head(one: LayerInfo | None) -> str:
    if one is None:
        return "none"
    if one.kind == CLOSED:
        return "closed: it denies everything, because it could not be read"
    if one.kind == PRESET:
        return f"the preset {one.source}, because nobody wrote a policy"
    return f"{one.name!r}, signed, version {one.version}" if one.kind == BUNDLE else repr(one.name)


def rules_of(policies: Policies) -> tuple[tuple[RuleView, ...], ...]:
    """Of each layer, in the order in which they bind: what denies first."""
    return tuple(
        tuple(
            RuleView(
                id=one.rule.id,
                effect=one.rule.effect,
                words=WORDS[one.rule.effect],
                tone=TONES[one.rule.effect],
                why=one.rule.why,
                conditions=tuple(f"{condition.subject} is {condition.wants}" for condition in one.conditions),
                limits=tuple(limit_words(one.rule.limits)),
            )
            for one in rules
        )
        for rules in policies.rules
    )


def limit_words(limits: RuleLimits | None) -> list[str]:
    """What a yes of this rule would be bound to."""
    if limits is None:
        return []
    found = (
        (limits.calls_per_minute, f"at most {limits.calls_per_minute} calls a minute"),
        (limits.timeout_ms, f"at most {limits.timeout_ms} ms for a call"),
        (limits.kv_max_bytes is not None, f"at most {limits.kv_max_bytes} bytes of its own data"),
        (limits.privacy_patterns, f"answers are searched for {', '.join(limits.privacy_patterns)}"),
        (limits.strength, f"whoever answers must use {limits.strength} or better"),
        (limits.approvers > 1, f"{limits.approvers} people must agree"),
        (limits.answer_seconds, f"an answer must be used within {limits.answer_seconds} seconds"),
    )
    return [*_reach_words(limits.reach), *(words for is_said, words in found if is_said)]


def _reach_words(reach: Reach | None) -> list[str]:
    if reach is None:
        return []
    listed = [(words, getattr(reach, key)) for key, words in _REACH]
    return [f"of {words} only {', '.join(items)}" if items else f"no {words}" for words, items in listed if items is not None]


def text_of(one: LayerInfo | None) -> str:
    """Something to begin with in the editor, where there is no file of the user's own."""
    if one is None:
        return PRESETS["developer"]
    return PRESETS[one.source] if one.kind == PRESET else document_text(one.policy)


def document_text(policy: Policy) -> str:
    return json.dumps(policy_json(policy), indent=2, ensure_ascii=True) + "\n"


def tried_of(policy: Policy, changes: RuleChanges, warnings: Sequence[str], replay: Replay | None, fault: Fault | None, *, alone: bool) -> Tried:
    (rules,) = rules_of(compile_policies({"user": policy}))
    return Tried(
        name=policy.name,
        rules=rules[:RULES_SHOWN_MAX],
        more=max(0, len(rules) - RULES_SHOWN_MAX),
        changes=tuple(changes.lines()),
        warnings=tuple(warnings),
        replay=replay,
        replay_fault=fault,
        alone=alone,
    )


def replay_of(found: Replayed, *, left: bool) -> Replay:
    total = sum(found.counts.values())
    shown = sorted(found.changes, key=lambda one: -one.at)[:CHANGES_SHOWN_MAX]
    return Replay(
        judged=found.judged,
        left=left,
        same=found.same,
        counts=tuple(Count(before, after, _tone(before, after), calls) for (before, after), calls in found.counts.most_common()),
        changed=tuple(
            Changed(
                at=one.at,
                invocation=one.invocation,
                package=one.package,
                tool=one.tool,
                before=one.before,
                after=one.after,
                tone=_tone(one.before, one.after),
                layer=one.decided.layer,
                rule=one.decided.rule,
            )
            for one in shown
        ),
        more=total - len(shown),
        unsure=found.unsure,
        why=tuple(found.unsure_why.most_common(10)),
    )


def _tone(before: str, after: str) -> str:
    """What becomes looser is what a person should look at."""
    return "careful" if EFFECTS.index(after) < EFFECTS.index(before) else "plainly"
