"""Stage 4, approval: a question that a person answers once, bound to exactly one action.

Takes: a ``RequiresConfirmation`` with its call; answers from any channel; standing approvals and consents.
Gives: ``Question``, ``Grant``, and a ``Warrant`` once the approval is spent and the intent is durable.
Refuses: ``consent.*``, ``approval.*``; nothing an agent sends can answer for a person.
Limits: limits.py.

Spec: spec/4-approval.md, spec/attestation.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.approval.answer import judge_answer, read_answer, refusal, settle, sign_answer, strength_of, vouch
    from mpp.stages.approval.approvers import ADMIN, APPROVES, NOBODY, Approvers, read_approvers, write_approvers
    from mpp.stages.approval.consent import consent_of, keeps
    from mpp.stages.approval.digests import capabilities_digest, definitions_digest
    from mpp.stages.approval.events import (
        answer_event,
        consent_event,
        question_event,
        receipt_event,
        refused_event,
        standing_event,
        standing_used_event,
    )  # fmt: skip
    from mpp.stages.approval.forms import can_be_kept, is_id, is_ref
    from mpp.stages.approval.judging import Call, Desk, accept, judge
    from mpp.stages.approval.kept_json import read_consent, read_kept_answer, read_standing, write_consent, write_kept_answer, write_standing
    from mpp.stages.approval.ports import ApprovalChannel, Approvals
    from mpp.stages.approval.ports import Asked as AskedBefore
    from mpp.stages.approval.proof import grant_from, mint_proof, verify_proof
    from mpp.stages.approval.question import REF_CHARS_LEAST, action_of, binding_of, make_question, required
    from mpp.stages.approval.question_json import read_question, write_question
    from mpp.stages.approval.receipt import read_receipt, write_receipt
    from mpp.stages.approval.refusals import NO_REF, answered, no_question, too_many_questions, too_many_standing
    from mpp.stages.approval.standing import fits, standing_of
    from mpp.stages.approval.strength import enough, needed_strength
    from mpp.stages.approval.text import moment, offer_words
    from mpp.stages.approval.types import (
        ALWAYS,
        AMR,
        ONCE,
        Action,
        Answer,
        Approver,
        Consent,
        Kept,
        Offer,
        Particulars,
        Proof,
        Question,
        Receipt,
        Settled,
        Standing,
        State,
    )  # fmt: skip
    from mpp.stages.approval.warrants import Grant, UseStanding, Warrant, use, warrant, warranting

__getattr__ = door(
    __name__,
    {
        "answer": "judge_answer read_answer refusal settle sign_answer strength_of vouch",
        "approvers": "ADMIN APPROVES NOBODY Approvers read_approvers write_approvers",
        "consent": "consent_of keeps",
        "digests": "capabilities_digest definitions_digest",
        "events": "answer_event consent_event question_event receipt_event refused_event standing_event standing_used_event",
        "forms": "can_be_kept is_id is_ref",
        "judging": "Call Desk accept judge",
        "kept_json": "read_consent read_kept_answer read_standing write_consent write_kept_answer write_standing",
        "ports": "ApprovalChannel Approvals AskedBefore=Asked",
        "proof": "grant_from mint_proof verify_proof",
        "question": "REF_CHARS_LEAST action_of binding_of make_question required",
        "question_json": "read_question write_question",
        "receipt": "read_receipt write_receipt",
        "refusals": "NO_REF answered no_question too_many_questions too_many_standing",
        "standing": "fits standing_of",
        "strength": "enough needed_strength",
        "text": "moment offer_words",
        "types": "ALWAYS AMR ONCE Action Answer Approver Consent Kept Offer Particulars Proof Question Receipt Settled Standing State",
        "warrants": "Grant UseStanding Warrant use warrant warranting",
    },
)

__all__ = (
    "ADMIN",
    "ALWAYS",
    "AMR",
    "APPROVES",
    "NOBODY",
    "NO_REF",
    "ONCE",
    "REF_CHARS_LEAST",
    "Action",
    "Answer",
    "ApprovalChannel",
    "Approvals",
    "Approver",
    "Approvers",
    "AskedBefore",
    "Call",
    "Consent",
    "Desk",
    "Grant",
    "Kept",
    "Offer",
    "Particulars",
    "Proof",
    "Question",
    "Receipt",
    "Settled",
    "Standing",
    "State",
    "UseStanding",
    "Warrant",
    "accept",
    "action_of",
    "answer_event",
    "answered",
    "binding_of",
    "can_be_kept",
    "capabilities_digest",
    "consent_event",
    "consent_of",
    "definitions_digest",
    "enough",
    "fits",
    "grant_from",
    "is_id",
    "is_ref",
    "judge",
    "judge_answer",
    "keeps",
    "make_question",
    "mint_proof",
    "moment",
    "needed_strength",
    "no_question",
    "offer_words",
    "question_event",
    "read_answer",
    "read_approvers",
    "read_consent",
    "read_kept_answer",
    "read_question",
    "read_receipt",
    "read_standing",
    "receipt_event",
    "refusal",
    "refused_event",
    "required",
    "settle",
    "sign_answer",
    "standing_event",
    "standing_of",
    "standing_used_event",
    "strength_of",
    "too_many_questions",
    "too_many_standing",
    "use",
    "verify_proof",
    "vouch",
    "warrant",
    "warranting",
    "write_approvers",
    "write_consent",
    "write_kept_answer",
    "write_question",
    "write_receipt",
    "write_standing",
)
