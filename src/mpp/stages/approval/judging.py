"""One call that a person must approve, from its beginning to a grant: a yes that lasts, a yes that is stored, or a question.

Spec: spec/4-approval.md section 2. A call is never resumed: a question ends it, and the next call finds the answer or asks anew.
"""

from __future__ import annotations

from dataclasses import replace

from mpp.errors import Refused
from mpp.model.events import Event
from mpp.model.value import value
from mpp.ports import Events, Random, Signer
from mpp.stages.approval.answer import judge_answer, read_answer, refusal, settle, strength_of
from mpp.stages.approval.approvers import Approvers, APPROVES, may_answer
from mpp.stages.approval.digests import capabilities_digest
from mpp.stages.approval.events import answer_event, question_event, refused_event, standing_event, writable
from mpp.stages.approval.limits import ANSWER_SECONDS_MAX
from mpp.stages.approval.ports import Approvals
from mpp.stages.approval.proof import grant_from, mint_proof, verify_proof
from mpp.stages.approval.question import action_of, make_question, rule_of
from mpp.stages.approval.standing import ended_by, fits, standing_of
from mpp.stages.approval.strength import answer_seconds, enough, needed_strength
from mpp.stages.approval.types import ALWAYS, Answer, ONCE, Particulars, Question, Settled, Standing, State, VOUCHED
from mpp.stages.approval.warrants import Grant
from mpp.stages.policy import CapabilityToken, held_by
from mpp.stages.policy.types import Asked, RequiresConfirmation


@value
class Desk:
    """All that approval needs of its host."""

    approvals: Approvals
    approvers: Approvers
    host: Signer
    random: Random
    events: Events
    fleet: bool = False
    """Is this host one of a fleet, where no option of a command is an answer?"""
    least: str = ""
    """The least strength of any answer on this host, whatever the level; empty where none is set."""


@value
class Call:
    """One call on its way: what policy judged, what it said, what the call would use, and what it would be given."""

    asked: Asked
    need: RequiresConfirmation
    given: Particulars
    token: CapabilityToken
    """What it opens. It is in nobody's hands until the call is approved."""
    invocation: str


def judge(call: Call, desk: Desk) -> Grant | Question:
    """A grant if somebody approved exactly this, or something that covers it; else the question that must be answered first."""
    _judge_token(call)
    return _by_standing(call, desk) or _by_answers(call, desk) or _ask(call, desk)


def accept(question: Question, answer: Answer, desk: Desk, now: int, *, channel: str = "", why: str = "") -> Settled:
    """Keep an answer, if it counts, and say what the question has come to. Spec: approval H-40 to H-49.

    ``channel`` and ``why``, the words of whoever answered, are for the record alone.
    """
    code = judge_answer(question, answer, desk.approvers, now)
    before = desk.approvals.answers(question.id)
    if not code and answer.yes and question.approvers > 1:
        mine = [one for one in before if one.approver == answer.approver and one.yes]
        # Attack: one person who says yes twice where two must. What has run out may be given anew.
        code = "approval.same_approver" if any(not judge_answer(question, one, desk.approvers, now) for one in mine) else ""
    if code:
        desk.events.record(refused_event(code, question.tenant, now, question=question.id))
        raise refusal(code, question)
    answers = _keep(question, answer, desk, now, answer_event(question, answer, now, channel=channel, why=why))
    settled = settle(question, answers, desk.approvers, now)
    if answer.yes and answer.scope == ALWAYS:
        standing = standing_of(question, answer, strength_of(answer, desk.approvers), desk.random)
        desk.approvals.add_standing(standing, now)
        desk.events.record(standing_event(standing, "given", now, channel=channel))
        settled = Settled(state=State.YES, answers=(answer,), until=standing.until)
    if settled.state is not State.WAITING:
        desk.approvals.close_question(question.id)
    return settled


def _keep(question: Question, answer: Answer, desk: Desk, now: int, event: Event) -> tuple[Answer, ...]:
    """Told first, then kept: a crash in between leaves a word too many in the record, and never a yes of which it has none."""
    _tell(question, desk)
    desk.events.record(writable(event))
    # Spec: approval H-48. Attack: a second answer between the one that settles it and the end of the question: whoever gave the first was told otherwise.
    settles = answer.scope == ONCE and (not answer.yes or question.approvers == 1)
    try:
        return desk.approvals.answer(question.id, answer, now, closing=settles)
    except Refused as fault:
        desk.events.record(refused_event(fault.code, question.tenant, now, question=question.id))
        raise


def _judge_token(call: Call) -> None:
    held, asked = held_by(call.token), call.asked
    if (held.tenant, held.publisher_id, held.package_id, held.content_hash) != (asked.tenant, asked.publisher_id, asked.package_id, asked.content_hash):
        message = "the token is of another package than the call"
        raise Refused("approval.mismatch", message, where=asked.package_id, hint="this is a fault of the host: report it")


def _by_standing(call: Call, desk: Desk) -> Grant | None:
    asked = call.asked
    for one in desk.approvals.standing_for(asked.tenant, asked.package_id, asked.tool, asked.agent.name, asked.now):
        why = ended_by(one, asked, call.given)
        if why:
            # Spec: approval H-66. What has changed once does not come back to an old yes.
            if desk.approvals.revoke(asked.tenant, one.id):
                desk.events.record(standing_event(one, f"ended: {why}", asked.now))
        elif not fits(one, asked, call.need, call.given, fleet=desk.fleet, least=desk.least) and _still_holds(one, desk.approvers, asked.now):
            # Its budget is touched by the warrant alone: what is refused between here and there has not run, and costs nothing.
            return _grant(call, one)
    return None


def _still_holds(standing: Standing, approvers: Approvers, now: int) -> bool:
    """Is there an answer behind it, by somebody who may still give it?"""
    if not standing.envelope:
        # Attack: a row in the store that claims a passphrase.
        return standing.amr in VOUCHED and standing.approver.startswith("user:")
    try:
        answer = read_answer(standing.envelope, approvers, where=standing.id)
    except Refused:
        # Attack: an approver who was removed, and whose yes would live on for weeks.
        return False
    who = approvers.known[answer.approver]
    is_this = (answer.yes, answer.scope, answer.question, answer.approver) == (True, ALWAYS, standing.question, standing.approver)
    return is_this and enough(strength_of(answer, approvers), standing.amr) and not may_answer(who, standing.package_id, now, (APPROVES,))


def _grant(call: Call, standing: Standing) -> Grant:
    return Grant(
        token=call.token,
        invocation=call.invocation,
        tool=call.asked.tool,
        argument_sha256=call.given.argument_sha256,
        agent=call.asked.agent,
        because="standing",
        approvers=(standing.approver,),
        amr=standing.amr,
        rule=rule_of(call.need.verdict),
        standing=standing.id,
    )


def _by_answers(call: Call, desk: Desk) -> Grant | None:
    asked = call.asked
    action = action_of(asked, call.need.verdict, call.given)
    kept = desk.approvals.find(asked.tenant, action.binding, asked.now)
    if kept is None:
        return None
    settled = settle(kept.question, kept.answers, desk.approvers, asked.now)
    if settled.state is State.NO:
        # Spec: approval H-12. Attack: a no that is shaken off by a change of terms, such as one more right in words. It stands whatever they are.
        raise Refused("approval.denied", "a person said no to this", where=kept.question.ref, hint="do something else; asking again does not help")
    if not _same_terms(kept.question, call, desk):
        # Attack: a yes to a text that no longer says how much harm the call could do. It is asked anew.
        desk.approvals.withdraw(asked.tenant, kept.question.id)
        return None
    if settled.state is State.WAITING:
        for code in settled.refused:
            desk.events.record(refused_event(code, asked.tenant, asked.now, question=kept.question.id, invocation=call.invocation))
        return None
    data = mint_proof(kept.question, settled, desk.approvers, call.invocation, desk.host, asked.now)
    proof = verify_proof(data, action, desk.host.public_key, asked.now, invocation=call.invocation)
    return grant_from(proof, call.token, rule_of(call.need.verdict))


def _same_terms(question: Question, call: Call, desk: Desk) -> bool:
    """Would the question be the same today, or a milder one?"""
    need, given, limits = call.need, call.given, call.need.verdict.limits
    strength = needed_strength((need.security_level, need.verdict.risk.band), limits, fleet=desk.fleet, least=desk.least)
    before = (question.approvers, question.capabilities, question.definitions, question.uses, question.includes_consent)
    today = (limits.approvers, capabilities_digest(call.asked.scope), given.definitions, given.uses_digest, given.includes_consent)
    seconds = answer_seconds(limits, ANSWER_SECONDS_MAX)
    # A question whose details left something out asked for more than the call alone.
    terms = before == today and enough(question.strength, strength)
    return terms and question.risk.score >= need.verdict.risk.score and question.answer_seconds <= seconds and question.growth == given.growth


def _ask(call: Call, desk: Desk) -> Question:
    fresh = make_question(call.asked, call.need, call.given, desk.random, fleet=desk.fleet, least=desk.least)
    # The ref may get longer when it is kept, up to the whole id.
    writable(question_event(replace(fresh, ref=fresh.id)))
    question, _ = desk.approvals.ask(fresh, call.asked.now)
    _tell(question, desk)
    return question


def _tell(question: Question, desk: Desk) -> None:
    """Its event, whoever kept it: only the store gives a question its ref, so a crash between the two must not lose the event. It may be told twice."""
    if desk.approvals.untold(question.id):
        desk.events.record(question_event(question))
        desk.approvals.told(question.id)
