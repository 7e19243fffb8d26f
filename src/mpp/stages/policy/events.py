"""What policy tells the record: each decision, and each token that was made or narrowed. Spec: spec/events.md."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import NamedTuple

from mpp.model.events import Event, Written, written_body
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy.facts import facts_json
from mpp.stages.policy.limits import KNOWN_MAX, SCOPES_KNOWN_MAX
from mpp.stages.policy.token import CapabilityToken, Held, held_by, held_digest, scope_json
from mpp.stages.policy.types import Asked, Limits, Verdict


def decision_event(asked: Asked, verdict: Verdict, invocation: str, argument_sha256: str = "", user: str = "") -> Event:
    """What was judged and how each layer decided.

    ``argument_sha256``: of the bytes that the tool would be given; empty before any call. ``user``: a pseudonym, or nothing.
    """
    told = _told(asked, verdict, user)
    facts: dict[str, Json] = {**told.facts, "now": asked.now}
    body: dict[str, Json] = {**told.body, "facts": facts}
    commit = {"in": argument_sha256} if argument_sha256 else {}
    written = Written(body, b"%b%d%b" % (told.before, asked.now, told.after)) if told.before else None
    return Event(kind="decision", at=asked.now, tenant=asked.tenant, invocation=invocation, body=body, commit=commit, written=written)


class _Told(NamedTuple):
    """What the events of equal calls with one verdict have in common: all but the moment."""

    about: tuple[object, Verdict, str]
    facts: dict[str, Json]
    body: dict[str, Json]
    before: bytes
    """The body as it is written, up to the moment, and from there on."""
    after: bytes


_KNOWN: dict[tuple[str, ...], _Told] = {}
_NOW = b'"now":'
_FACTS = attrgetter(*(row.name for row in fields(Asked) if row.name not in {"arguments", "now"}))
"""Of a call, all that may stand in the event, but for its moment. A field that is added one day is among them."""


def _told(asked: Asked, verdict: Verdict, user: str) -> _Told:
    """Known from an equal call before, or made now."""
    facts, name = _FACTS(asked), (asked.package_id, asked.tool, asked.agent.name, user)
    known = _KNOWN.get(name)
    if known is not None and known.about[1] is verdict and known.about[2] == user and known.about[0] == facts:
        return known
    told = _worked_out(asked, verdict, user, (facts, verdict, user))
    if len(_KNOWN) >= KNOWN_MAX:
        # Attack: an agent with ever new names.
        _KNOWN.clear()
    _KNOWN[name] = told
    return told


def _worked_out(asked: Asked, verdict: Verdict, user: str, about: tuple[object, Verdict, str]) -> _Told:
    rules: list[Json] = [{"layer": one.layer, "policy": one.policy, "rule": one.rule, "effect": one.effect} for one in verdict.decided]
    facts = facts_json(asked, user)
    body: dict[str, Json] = {
        "facts": facts,
        "effect": verdict.effect,
        "rules": rules,
        "limits": _limits_json(verdict.limits),
        "risk": verdict.risk.score,
        "policy": verdict.policy_digest,
    }
    # In a text the quotes of such a key would be escaped, and no other object here has one of that name.
    written = written_body(body)
    before, now, after = (b"" if written is None else written.data).partition(_NOW)
    return _Told(about, facts, body, before + now, after.lstrip(b"-0123456789"))


def token_event(kind: str, token: CapabilityToken, invocation: str, at: int) -> Event:
    """``token-granted``, ``token-narrowed`` or ``token-used``. The scope stands in it by its digest and its sizes: the decision has the names."""
    held = held_by(token)
    told = _TOKENS.get(id(held))
    if told is None or told[0] is not held:
        told = _remembered(held)
    return Event(kind=kind, at=at, tenant=held.tenant, invocation=invocation, body=told[1], written=told[2])


_TOKENS: dict[int, tuple[Held, dict[str, Json], Written | None]] = {}
"""The bodies of events by the identity of what a token stands for, which is kept with them. Shared by all events of such tokens: nobody changes them."""


def _remembered(held: Held) -> tuple[Held, dict[str, Json], Written | None]:
    body = _token_body(held)
    if len(_TOKENS) >= SCOPES_KNOWN_MAX:
        _TOKENS.clear()
    found = _TOKENS[id(held)] = (held, body, written_body(body))
    return found


def _token_body(held: Held) -> dict[str, Json]:
    scope = held.scope
    return {
        "token": held_digest(held),
        "publisher": held.publisher_id,
        "package": held.package_id,
        "content": held.content_hash,
        "tools": [*scope.tools],
        "opens": _counts(scope),
        "narrowed": held.narrowed,
        "timeout_ms": held.timeout_ms,
    }


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
