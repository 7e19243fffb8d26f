"""What approval needs of the world. ``ApprovalChannel`` is public: a platform's own screen is one class with one method."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from mpp.stages.approval.types import Answer, Consent, Question, Standing


class Asked(NamedTuple):
    """A question with the answers to it so far."""

    question: Question
    answers: tuple[Answer, ...]


class Approvals(Protocol):
    """What is kept of questions, answers, approvals that last, and consents. One contract suite holds every store.

    Names come from commands and calls as they are: of one that cannot exist there is nothing, and no method fails at it.

    Several processes share a store. What it returned is on the disk, and each method is whole or did nothing.
    """

    def ask(self, question: Question, now: int) -> tuple[Question, bool]:
        """Keep ``question``; or return the one that is pending for the same action. True if it is new.

        Its ``ref`` is made long enough to be the only one. Too many pending ones are ``approval.too_many``;
        of one agent, those of one ``counted_as``.
        """
        ...

    def untold(self, question_id: str) -> bool:
        """Is there such a question, of which ``told`` was never said?"""
        ...

    def told(self, question_id: str) -> None:
        """Its event is in the record."""
        ...

    def find(self, tenant: str, binding: str, now: int) -> Asked | None:
        """The newest question for an action whose approval is not spent, as long as it or an answer to it can count."""
        ...

    def question(self, tenant: str, ref: str, now: int) -> Question | None:
        """The question that can still be answered under its exact ref or whole id."""
        ...

    def pending(self, tenant: str, now: int) -> tuple[Question, ...]:
        """What can still be answered, the oldest first."""
        ...

    def tenants(self, now: int) -> tuple[str, ...]:
        """Of whom something can still be answered, lasts or was agreed to, by name."""
        ...

    def answers(self, question_id: str) -> tuple[Answer, ...]: ...

    def answer(self, question_id: str, answer: Answer, now: int, *, closing: bool = False) -> tuple[Answer, ...]:
        """Keep ``answer`` in place of an earlier one by the same approver; all answers. A closed question is ``approval.answered``.

        ``closing``: with it the question is closed, in one step. Of all that close one question, exactly one wins.
        """
        ...

    def close_question(self, question_id: str) -> None:
        """No more answers: it is settled."""
        ...

    def withdraw(self, tenant: str, question_id: str) -> bool:
        """Forget a question with its answers; False if there is none."""
        ...

    def add_standing(self, standing: Standing, now: int) -> None:
        """Keep an approval that lasts. Too many are ``approval.too_many``."""
        ...

    def standing_for(self, tenant: str, package_id: str, tool: str, agent: str, now: int) -> tuple[Standing, ...]:
        """Those that may cover a call of this tool by an agent of this name and are not used up or over, the newest first."""
        ...

    def standing(self, tenant: str, now: int) -> tuple[Standing, ...]: ...

    def use_standing(self, standing_id: str, now: int) -> int | None:
        """Take one call from the budget: what is left, or None if nothing was. Of all processes, as many win as there was budget."""
        ...

    def revoke(self, tenant: str, standing_id: str) -> bool: ...

    def consent(self, tenant: str, publisher_id: str, package_id: str) -> Consent | None: ...

    def consents(self, tenant: str) -> tuple[Consent, ...]: ...

    def put_consent(self, consent: Consent) -> None: ...

    def drop_consent(self, tenant: str, publisher_id: str, package_id: str) -> bool: ...


class ApprovalChannel(Protocol):
    """A way to a person: a terminal, a folder, a web hook, a screen of the platform that embeds MPP."""

    async def ask(self, question: Question) -> Answer | None:
        """Show ``question.text`` exactly as it is, and ``question.details`` on request; None if nobody answered.

        An answer is made by ``vouch`` if this process saw a person give it, else by ``read_answer``. It may be cancelled at any moment.
        """
        ...
