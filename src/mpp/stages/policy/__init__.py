"""Stage 3, policy: declared capabilities and one call become a decision.

Takes: ``Asked``, a compiled set of policies; nothing else, so equal inputs give equal decisions everywhere.
Gives: ``Granted`` with a ``CapabilityToken``, ``RequiresConfirmation`` or ``Denied``, with the rule that decided in each layer.
Refuses: ``policy.*`` for documents that are not sound, ``agent.*`` for identities that do not hold, ``token.*`` for tokens that are none.
Limits: limits.py.

Spec: spec/3-policy.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.policy.agent_names import AGENT_NAME, AGENT_NAME_FORM, NAME_PATTERN_FORM, is_name_pattern, judge_name, name_matches, read_name
    from mpp.stages.policy.agent_statement import Organisation, VerifiedStatement, make_statement, verify_statement
    from mpp.stages.policy.bundle import (
        EXPIRED,
        IN_FORCE,
        IN_GRACE,
        POLICY_TYPE,
        BundleBody,
        FoundBundle,
        PolicyBundle,
        Remembered,
        judge_order,
        judge_time,
        policy_event,
        read_bundle,
        remember,
        verify_bundle,
        write_body,
        write_bundle,
    )
    from mpp.stages.policy.bundle_limits import (
        BUNDLE_BYTES_MAX,
        BUNDLE_NAME_MAX,
        BUNDLE_POLICY_BYTES_MAX,
        BUNDLE_TIME_MAX,
        BUNDLE_VERSION_MAX,
        GRACE_SECONDS_MAX,
    )
    from mpp.stages.policy.caller import CallFacts, VerifiedProof, agent_event, claimed_agent, claimed_key, make_proof, read_and_verify
    from mpp.stages.policy.chain import GrantedPackage, VerifiedGrants, extend_chain, read_chain_of_grants, scope_from_chain, token_from_chain, verify_grants
    from mpp.stages.policy.deciding import decide, narrowed_scope, reason_of, scope_words, token_for
    from mpp.stages.policy.delegation import KnownKeys, make_delegation, read_link, verify_delegations
    from mpp.stages.policy.document import ArgumentTest, Policy, Reach, Rule, RuleLimits, When, policy_json
    from mpp.stages.policy.engine import Policies, compile_policies
    from mpp.stages.policy.events import decision_event, token_event
    from mpp.stages.policy.explaining import Explanation, LayerExplained, NearRule, explain, limit_lines
    from mpp.stages.policy.facts import facts_json, read_facts
    from mpp.stages.policy.identity_limits import DELEGATIONS_MAX
    from mpp.stages.policy.permission import PermissionPolicy
    from mpp.stages.policy.presets import PRESETS, preset
    from mpp.stages.policy.privacy_call import CallPrivacy, privacy_for, unfiltered
    from mpp.stages.policy.privacy_layers import allows, pattern_fault, strictest
    from mpp.stages.policy.privacy_rules import NO_PRIVACY, Allowed, Exempt, PrivacyRules, Reveal, TypeAction, together_json
    from mpp.stages.policy.reading import parse_policy, read_policy
    from mpp.stages.policy.risk import RiskFacts, band_of, level_of, risk_of, risk_unverified
    from mpp.stages.policy.signed_text import read_public
    from mpp.stages.policy.token import CapabilityToken, Held, held_by, held_digest, scope_json
    from mpp.stages.policy.types import (
        DEFAULT_RULE,
        EFFECTS,
        LAYERS,
        ORIGINS,
        STRENGTHS,
        Asked,
        Decided,
        Denied,
        Granted,
        Limits,
        PolicyDecision,
        Reason,
        RequiresConfirmation,
        Risk,
        Verdict,
    )

__getattr__ = door(
    __name__,
    {
        "agent_names": "AGENT_NAME AGENT_NAME_FORM NAME_PATTERN_FORM is_name_pattern judge_name name_matches read_name",
        "agent_statement": "Organisation VerifiedStatement make_statement verify_statement",
        "bundle": "EXPIRED IN_FORCE IN_GRACE POLICY_TYPE BundleBody FoundBundle PolicyBundle Remembered judge_order judge_time policy_event read_bundle remember verify_bundle write_body write_bundle",
        "bundle_limits": "BUNDLE_BYTES_MAX BUNDLE_NAME_MAX BUNDLE_POLICY_BYTES_MAX BUNDLE_TIME_MAX BUNDLE_VERSION_MAX GRACE_SECONDS_MAX",
        "caller": "CallFacts VerifiedProof agent_event claimed_agent claimed_key make_proof read_and_verify",
        "chain": "GrantedPackage VerifiedGrants extend_chain read_chain_of_grants scope_from_chain token_from_chain verify_grants",
        "deciding": "decide narrowed_scope reason_of scope_words token_for",
        "delegation": "KnownKeys make_delegation read_link verify_delegations",
        "document": "ArgumentTest Policy Reach Rule RuleLimits When policy_json",
        "engine": "Policies compile_policies",
        "events": "decision_event token_event",
        "explaining": "Explanation LayerExplained NearRule explain limit_lines",
        "facts": "facts_json read_facts",
        "identity_limits": "DELEGATIONS_MAX",
        "permission": "PermissionPolicy",
        "presets": "PRESETS preset",
        "privacy_call": "CallPrivacy privacy_for unfiltered",
        "privacy_layers": "allows pattern_fault strictest",
        "privacy_rules": "NO_PRIVACY Allowed Exempt PrivacyRules Reveal TypeAction together_json",
        "reading": "parse_policy read_policy",
        "risk": "RiskFacts band_of level_of risk_of risk_unverified",
        "signed_text": "read_public",
        "token": "CapabilityToken Held held_by held_digest scope_json",
        "types": "DEFAULT_RULE EFFECTS LAYERS ORIGINS STRENGTHS Asked Decided Denied Granted Limits PolicyDecision Reason RequiresConfirmation Risk Verdict",
    },
)

__all__ = [
    "AGENT_NAME",
    "AGENT_NAME_FORM",
    "BUNDLE_BYTES_MAX",
    "BUNDLE_NAME_MAX",
    "BUNDLE_POLICY_BYTES_MAX",
    "BUNDLE_TIME_MAX",
    "BUNDLE_VERSION_MAX",
    "DEFAULT_RULE",
    "DELEGATIONS_MAX",
    "EFFECTS",
    "EXPIRED",
    "GRACE_SECONDS_MAX",
    "IN_FORCE",
    "IN_GRACE",
    "LAYERS",
    "NAME_PATTERN_FORM",
    "NO_PRIVACY",
    "ORIGINS",
    "POLICY_TYPE",
    "PRESETS",
    "STRENGTHS",
    "Allowed",
    "ArgumentTest",
    "Asked",
    "BundleBody",
    "CallFacts",
    "CallPrivacy",
    "CapabilityToken",
    "Decided",
    "Denied",
    "Exempt",
    "Explanation",
    "FoundBundle",
    "Granted",
    "GrantedPackage",
    "Held",
    "KnownKeys",
    "LayerExplained",
    "Limits",
    "NearRule",
    "Organisation",
    "PermissionPolicy",
    "Policies",
    "Policy",
    "PolicyBundle",
    "PolicyDecision",
    "PrivacyRules",
    "Reach",
    "Reason",
    "Remembered",
    "RequiresConfirmation",
    "Reveal",
    "Risk",
    "RiskFacts",
    "Rule",
    "RuleLimits",
    "TypeAction",
    "Verdict",
    "VerifiedGrants",
    "VerifiedProof",
    "VerifiedStatement",
    "When",
    "agent_event",
    "allows",
    "band_of",
    "claimed_agent",
    "claimed_key",
    "compile_policies",
    "decide",
    "decision_event",
    "explain",
    "extend_chain",
    "facts_json",
    "held_by",
    "held_digest",
    "is_name_pattern",
    "judge_name",
    "judge_order",
    "judge_time",
    "level_of",
    "limit_lines",
    "make_delegation",
    "make_proof",
    "make_statement",
    "name_matches",
    "narrowed_scope",
    "parse_policy",
    "pattern_fault",
    "policy_event",
    "policy_json",
    "preset",
    "privacy_for",
    "read_and_verify",
    "read_bundle",
    "read_chain_of_grants",
    "read_facts",
    "read_link",
    "read_name",
    "read_policy",
    "read_public",
    "reason_of",
    "remember",
    "risk_of",
    "risk_unverified",
    "scope_from_chain",
    "scope_json",
    "scope_words",
    "strictest",
    "together_json",
    "token_event",
    "token_for",
    "token_from_chain",
    "unfiltered",
    "verify_bundle",
    "verify_delegations",
    "verify_grants",
    "verify_statement",
    "write_body",
    "write_bundle",
]
