"""Approvals that last: what they cover, and what ends them. Spec: spec/4-approval.md section 8."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity
from mpp.ports import Random
from mpp.stages.approval.digests import capabilities_digest
from mpp.stages.approval.limits import STANDING_CALLS_MAX, STANDING_SECONDS_MAX
from mpp.stages.approval.strength import enough, needed_strength
from mpp.stages.approval.types import Answer, Particulars, Question, Standing
from mpp.stages.policy.types import Asked, RequiresConfirmation

ID_BYTES = 16


def standing_of(question: Question, answer: Answer, amr: str, random: Random, *, exact: bool = False, calls: int = 0, until: int = 0) -> Standing:
    """What an answer for always becomes. ``calls`` and ``until`` may only be less than was offered; ``exact`` holds it to these arguments."""
    offer = question.offer
    if offer is None:
        raise Refused("approval.always", "this question cannot be answered for always", where=question.ref, hint="answer it once")
    action = question.action
    return Standing(
        id=random.bytes(ID_BYTES).hex(),
        tenant=action.tenant,
        publisher_id=action.publisher_id,
        package_id=action.package_id,
        tool=action.tool,
        agent=action.agent,
        user=action.user,
        origin=question.origin,
        capabilities=question.capabilities,
        definitions=question.definitions,
        uses=question.uses,
        score=question.risk.score,
        argument_sha256=action.argument_sha256 if exact else "",
        calls=min(calls or offer.calls, offer.calls, STANDING_CALLS_MAX),
        until=min(until or offer.until, offer.until, answer.at + STANDING_SECONDS_MAX),
        approver=answer.approver,
        amr=amr,
        created=answer.at,
        question=question.id,
        envelope=answer.envelope,
    )


def fits(standing: Standing, asked: Asked, need: RequiresConfirmation, given: Particulars, *, fleet: bool = False, least: str = "") -> str:
    """Why an approval that lasts does not cover a call, in a word; empty if it does. Spec: approval H-62 to H-68."""
    limits, risk = need.verdict.limits, need.verdict.risk
    checks = (
        ("critical", "critical" in {need.security_level, asked.security_level, risk.band}),
        ("package", (standing.tenant, standing.publisher_id, standing.package_id) != (asked.tenant, asked.publisher_id, asked.package_id)),
        ("tool", standing.tool != asked.tool),
        ("agent", not _same_agent(standing.agent, asked.agent)),
        ("user", (standing.user, standing.origin) != (asked.user, asked.origin)),
        # Attack: an update, or other places on this machine, under a yes that was given to less.
        ("capabilities", standing.capabilities != capabilities_digest(asked.scope)),
        ("definitions", standing.definitions != given.definitions),
        ("rights", standing.uses != given.uses_digest),
        ("consent", given.includes_consent),
        ("arguments", standing.argument_sha256 not in {"", given.argument_sha256}),
        ("risk", risk.score > standing.score),
        ("approvers", limits.approvers > 1),
        ("strength", not enough(standing.amr, needed_strength((need.security_level, risk.band), limits, fleet=fleet, least=least))),
        ("budget", standing.calls <= 0),
        ("time", not standing.created <= asked.now <= standing.until),
    )
    return next((word for word, differs in checks if differs), "")


def ended_by(standing: Standing, asked: Asked, given: Particulars) -> str:
    """What ends it for good, in a word: the package is no longer the one that was approved. Empty if nothing does."""
    if standing.publisher_id != asked.publisher_id:
        # Attack: whoever makes a package of the same id would take away what this one was given.
        return ""
    if standing.capabilities != capabilities_digest(asked.scope):
        return "capabilities"
    return "definitions" if standing.definitions != given.definitions else ""


def _same_agent(approved: AgentIdentity, caller: AgentIdentity) -> bool:
    """The same agent for the same people, known at least as surely."""
    names = [(one.kind, one.name) for one in approved.behind] == [(one.kind, one.name) for one in caller.behind]
    levels = all(now.level == before.level for now, before in zip(caller.behind, approved.behind, strict=False))
    same = (approved.name, approved.issuer) == (caller.name, caller.issuer) and approved.key in {"", caller.key}
    return same and names and levels and caller.at_least(approved.level)
