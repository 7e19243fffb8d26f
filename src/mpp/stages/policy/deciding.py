"""A verdict becomes a decision: a token, a question, or a refusal in one sentence. Spec: spec/3-policy.md sections 4 and 6."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from mpp.errors import Refused
from mpp.model.capabilities import Capabilities
from mpp.model.scope import Scope
from mpp.model.words import capability_words
from mpp.stages.policy.engine import Policies
from mpp.stages.policy.limits import SCOPES_KNOWN_MAX
from mpp.stages.policy.token import CapabilityToken, mint
from mpp.stages.policy.types import DEFAULT_RULE, Asked, Decided, Denied, Granted, PolicyDecision, RequiresConfirmation, Verdict


def decide(asked: Asked, policies: Policies) -> PolicyDecision:
    """What the policies of this host say, ready to act on."""
    verdict = policies.evaluate(asked)
    if verdict.effect == "deny":
        return Denied(reason=reason_of(verdict.decisive), verdict=verdict)
    scope = narrowed_scope(asked, verdict)
    if verdict.effect == "ask":
        return RequiresConfirmation(capabilities=scope_words(scope), security_level=asked.security_level, verdict=verdict)
    return Granted(token=_minted(asked, verdict, scope), verdict=verdict)


def token_for(asked: Asked, verdict: Verdict) -> CapabilityToken:
    """What a yes would open: for whoever asks a person, and hands it over only after the answer."""
    if verdict.effect == "deny":
        hint = "no answer of a person opens what a policy denies"
        raise Refused("policy.denied", reason_of(verdict.decisive), where=asked.package_id, hint=hint)
    return _minted(asked, verdict, narrowed_scope(asked, verdict))


def _minted(asked: Asked, verdict: Verdict, scope: Scope) -> CapabilityToken:
    """Spec: 3-policy T-1."""
    return mint(
        tenant=asked.tenant,
        publisher_id=asked.publisher_id,
        package_id=asked.package_id,
        content_hash=asked.content_hash,
        scope=scope,
        timeout_ms=verdict.limits.timeout_ms,
    )


def narrowed_scope(asked: Asked, verdict: Verdict) -> Scope:
    """What a yes opens: the declared scope as far as the verdict leaves it, for the tool that is called and no other. Spec: 3-policy P-55."""
    left = verdict.limits.scope or asked.scope
    return left if not asked.tool or left.tools == (asked.tool,) else _for_tool(left, asked.tool)


@lru_cache(SCOPES_KNOWN_MAX)
def _for_tool(left: Scope, tool: str) -> Scope:
    return replace(left, tools=tuple(one for one in left.tools if one == tool))


def scope_words(scope: Scope) -> tuple[str, ...]:
    """One sentence for each thing that the scope opens; never empty."""
    opened = Capabilities(
        network=scope.network,
        read=scope.read,
        write=scope.write,
        env_vars=scope.env,
        secrets=scope.secrets,
        kv_max_bytes=scope.kv_max_bytes,
        hardware=scope.devices,
    )
    return capability_words(opened)


def reason_of(decided: Decided) -> str:
    """Why it was refused or is asked, in one sentence that names the policy and the rule."""
    rule = "" if decided.rule == DEFAULT_RULE else f", rule {decided.rule},"
    verb = {"deny": "refuses this", "ask": "wants a person to decide", "allow": "allows this"}[decided.effect]
    why = f": {decided.why.rstrip('.')}" if decided.why else ""
    return f"The {decided.layer} policy {decided.policy}{rule} {verb}{why}."
