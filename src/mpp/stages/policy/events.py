"""What policy tells the record: each decision, and each token that was made or narrowed. Spec: spec/events.md."""

from __future__ import annotations

from functools import lru_cache

from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy.facts import facts_json
from mpp.stages.policy.limits import SCOPES_KNOWN_MAX
from mpp.stages.policy.token import CapabilityToken, held_by, held_digest, scope_json
from mpp.stages.policy.types import Asked, Limits, Verdict


def decision_event(asked: Asked, verdict: Verdict, invocation: str, argument_sha256: str = "", user: str = "") -> Event:
    """What was judged and how each layer decided.

    ``argument_sha256``: of the bytes that the tool would be given; empty before any call. ``user``: a pseudonym, or nothing.
    """
    rules: list[Json] = [{"layer": one.layer, "policy": one.policy, "rule": one.rule, "effect": one.effect} for one in verdict.decided]
    body: dict[str, Json] = {
        "facts": facts_json(asked, user),
        "effect": verdict.effect,
        "rules": rules,
        "limits": _limits_json(verdict.limits),
        "risk": verdict.risk.score,
        "policy": verdict.policy_digest,
    }
    commit = {"in": argument_sha256} if argument_sha256 else {}
    return Event(kind="decision", at=asked.now, tenant=asked.tenant, invocation=invocation, body=body, commit=commit)


def token_event(kind: str, token: CapabilityToken, invocation: str, at: int) -> Event:
    """``token-granted``, ``token-narrowed`` or ``token-used``. The scope stands in it by its digest and its sizes: the decision has the names."""
    held = held_by(token)
    scope = held.scope
    body: dict[str, Json] = {
        "token": held_digest(held),
        "publisher": held.publisher_id,
        "package": held.package_id,
        "content": held.content_hash,
        "tools": [*scope.tools],
        "opens": dict(_counts(scope)),
        "narrowed": held.narrowed,
        "timeout_ms": held.timeout_ms,
    }
    return Event(kind=kind, at=at, tenant=held.tenant, invocation=invocation, body=body)


@lru_cache(SCOPES_KNOWN_MAX)
def _counts(opened: Scope) -> dict[str, Json]:
    scope = scope_json(opened)
    lists: dict[str, Json] = {key: len(items) for key, items in scope.items() if isinstance(items, list) and items and key != "tools"}
    numbers = {key: scope[key] for key in ("kv_max_bytes", "until") if scope[key]}
    return {**lists, **numbers}


def _limits_json(limits: Limits) -> dict[str, Json]:
    """What the verdict adds, without what adds nothing."""
    found: dict[str, Json] = {
        "calls_per_minute": limits.calls_per_minute,
        "timeout_ms": limits.timeout_ms,
        "privacy_patterns": [*limits.privacy_patterns],
        "strength": limits.strength,
        "approvers": limits.approvers if limits.approvers > 1 else 0,
        "answer_seconds": limits.answer_seconds,
        "narrowed": limits.scope is not None,
    }
    return {key: item for key, item in found.items() if item}
