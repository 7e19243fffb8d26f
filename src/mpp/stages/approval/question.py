"""Questions: made once, kept as a document, read back strictly. Spec: spec/4-approval.md sections 1 to 3; attestation N-1."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from mpp.errors import Refused
from mpp.model.jsontext import read
from mpp.ports import Random
from mpp.stages.approval.limits import ANSWER_SECONDS_MAX, QUESTION_SECONDS_MAX, STANDING_CALLS, STANDING_SECONDS
from mpp.stages.approval.digests import capabilities_digest
from mpp.stages.approval.strength import answer_seconds, needed_strength, stricter
from mpp.stages.approval.text import compose, compose_details, Facts
from mpp.stages.approval.types import Action, Offer, Particulars, Question
from mpp.stages.policy.types import Asked, RequiresConfirmation, Verdict

REF_CHARS_LEAST = 4
"""Hex digits of a ref at the least. Reason: few enough to say aloud; while two pending questions begin alike, it gets more."""

ID_BYTES = 16


def action_of(asked: Asked, verdict: Verdict, given: Particulars) -> Action:
    """The one action that an approval of this call is bound to."""
    return Action(
        tenant=asked.tenant,
        publisher_id=asked.publisher_id,
        package_id=asked.package_id,
        content_hash=asked.content_hash,
        tool=asked.tool,
        argument_sha256=given.argument_sha256,
        rights_digest=given.rights_digest,
        agent=asked.agent,
        user=asked.user,
        policy_digest=verdict.policy_digest,
    )


def binding_of(asked: Asked, verdict: Verdict, given: Particulars) -> str:
    return action_of(asked, verdict, given).binding


def make_question(asked: Asked, need: RequiresConfirmation, given: Particulars, random: Random, *, fleet: bool = False, least: str = "") -> Question:
    """The question to a person about one call, with the text that every channel shows."""
    facts = _facts(asked, need, given, fleet=fleet, least=least)
    details = compose_details(facts)
    if details.left_out:
        # Attack: so many rights that nobody can see all of them anywhere. Whoever says yes to that does it with a passphrase, and is told.
        facts = replace(facts, strength=stricter(facts.strength, "passphrase"), left_out=details.left_out)
    shown = compose(facts)
    identity = random.bytes(ID_BYTES).hex()
    return Question(
        ref=identity[:REF_CHARS_LEAST],
        id=identity,
        jti=random.bytes(ID_BYTES).hex(),
        action=facts.action,
        publisher_name=facts.publisher_name,
        version=facts.version,
        security_level=facts.security_level,
        risk=facts.risk,
        origin=facts.origin,
        rule=rule_of(need.verdict),
        strength=facts.strength,
        approvers=facts.approvers,
        answer_seconds=facts.answer_seconds,
        capabilities=capabilities_digest(asked.scope),
        definitions=given.definitions,
        uses=given.uses_digest,
        includes_consent=facts.includes_consent,
        growth=facts.growth,
        offer=facts.offer,
        arguments_shown=shown.arguments,
        text=shown.text,
        text_sha256=text_sha256(shown.text),
        details=details.text,
        must_open_details=shown.cut,
        created=facts.created,
        expires=facts.expires,
    )


def _facts(asked: Asked, need: RequiresConfirmation, given: Particulars, *, fleet: bool, least: str) -> Facts:
    verdict, now = need.verdict, asked.now
    return Facts(
        action=action_of(asked, verdict, given),
        publisher_name=asked.publisher_name,
        version=asked.version,
        security_level=need.security_level,
        risk=verdict.risk,
        origin=asked.origin,
        decided=verdict.decisive,
        strength=needed_strength((need.security_level, verdict.risk.band), verdict.limits, fleet=fleet, least=least),
        approvers=verdict.limits.approvers,
        answer_seconds=answer_seconds(verdict.limits, ANSWER_SECONDS_MAX),
        uses=given.uses,
        includes_consent=given.includes_consent,
        growth=given.growth,
        offer=offer_for(asked, need, now),
        arguments=read(given.shown or given.arguments, family="approval", where="arguments"),
        argument_bytes=len(given.arguments),
        created=now,
        expires=now + QUESTION_SECONDS_MAX,
    )


def offer_for(asked: Asked, need: RequiresConfirmation, now: int) -> Offer | None:
    """What "always" would be worth; None where it is no answer. Spec: approval H-60."""
    # Attack: a package, or an agent, for which nobody is asked again: never for what is critical, needs two, or was never agreed to.
    is_critical = "critical" in {need.security_level, need.verdict.risk.band, asked.security_level}
    if is_critical or need.verdict.limits.approvers > 1 or not asked.consented:
        return None
    return Offer(calls=STANDING_CALLS, until=now + STANDING_SECONDS)


def rule_of(verdict: Verdict) -> str:
    decided = verdict.decisive
    return f"{decided.layer}/{decided.policy}/{decided.rule}"


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def required(question: Question) -> Refused:
    """The end of a call that a person has to approve."""
    # Attack: an agent that learns here how to approve, or what to change until nobody is asked. It learns a reference.
    return Refused("approval.required", f"approval required, ref {question.ref}", where=question.ref, hint="a person decides; then call again")
