"""Questions, answers, proofs of approval and receipts, handed to the product."""

from __future__ import annotations

from conformance.hosts.own_identity import key_of, now_of, text_of
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.scope import Scope
from mpp.stages.approval import Action, accept, Desk, grant_from, read_answer, read_approvers, read_question, read_receipt, strength_of, verify_proof, warrant
from mpp.stages.approval.question_json import read_action
from mpp.stages.policy.token import mint
from mpp.testing.approvals import MemoryApprovals, MemoryEvents
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import TestRandom

ITEMS_MAX = 100
KEPT_SECONDS = 3600


def _action(found: Json) -> Action:
    faults = Faults("approval")
    action = read_action(Fields(found, "action", faults), Fields({}, "action", faults))
    faults.stop()
    return action


def binding(data: bytes, _: Fields, __: str) -> Json:
    """The digest of one action."""
    return {"binding": _action(read(data, family="approval", where="action")).binding}


def question(data: bytes, _: Fields, __: str) -> Json:
    """A question that was kept or sent."""
    found = read_question(data, where="question")
    return {"id": found.id, "jti": found.jti, "binding": found.binding, "text_sha256": found.text_sha256}


def answer(data: bytes, context: Fields, _: str) -> Json:
    """An answer, after those that were given before it."""
    now = now_of(context)
    approvers = read_approvers(canonical(context.raw("approvers")), where="approvers")
    asked = read_question(canonical(context.raw("question")), where="question")
    desk = Desk(approvals=MemoryApprovals(), approvers=approvers, host=fixed_signer("host"), random=TestRandom(), events=MemoryEvents())
    kept, _is_new = desk.approvals.ask(asked, asked.created)
    for item in context.items("answers", most=ITEMS_MAX):
        before = read_answer(canonical(item), approvers, where="answers")
        accept(kept, before, desk, before.at)
    found = read_answer(data, approvers, where="answer")
    settled = accept(kept, found, desk, now)
    counted: list[Json] = [one.approver for one in sorted(settled.answers, key=lambda one: one.approver)]
    return {
        "answer": "yes" if found.yes else "no", "approver": found.approver, "scope": found.scope, "strength": strength_of(found, approvers),
        "state": settled.state.value, "counted": counted,
    }  # fmt: skip


def proof(data: bytes, context: Fields, _: str) -> Json:
    """A proof, up to its one use."""
    now, action, host = now_of(context), _action(context.raw("action")), key_of(text_of(context, "host"))
    found = verify_proof(data, action, host, now, invocation=text_of(context, "invocation"))
    token = mint(
        tenant=action.tenant, publisher_id=action.publisher_id, package_id=action.package_id, content_hash=action.content_hash, scope=Scope(tools=(action.tool,)),
    )  # fmt: skip
    once = MemoryApprovals()
    for jti in context.texts("spent", most=ITEMS_MAX, each_most=ITEMS_MAX):
        once.spend("approval", jti, now + KEPT_SECONDS, now)
    grant = grant_from(found, token, "")
    warrant(grant, once, MemoryEvents(), now)
    return {"jti": grant.jti, "invocation": grant.invocation, "until": grant.until, "strength": grant.amr, "approvers": [*grant.approvers]}


def receipt(data: bytes, context: Fields, _: str) -> Json:
    """A receipt of the host whose key is given."""
    found = read_receipt(data, key_of(text_of(context, "host")))
    return {
        "invocation": found.invocation, "jti": found.jti, "binding": found.binding, "outcome": found.outcome, "at": found.at, "result_sha256": found.result_sha256,
    }  # fmt: skip
