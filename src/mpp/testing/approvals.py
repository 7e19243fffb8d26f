"""Approvals in memory: the twin of the store on disk, held to the same contract. And a record of events for tests."""

from __future__ import annotations

from dataclasses import replace

from mpp.model.events import SALT_BYTES, EntryRef, Event, write_event
from mpp.stages.approval import (
    answered,
    Answer,
    AskedBefore,
    Consent,
    is_id,
    NO_REF,
    no_question,
    Question,
    REF_CHARS_LEAST,
    Standing,
    too_many_questions,
    too_many_standing,
    write_consent,
    write_kept_answer,
    write_question,
    write_standing,
)
from mpp.stages.approval.limits import ANSWER_SECONDS_MAX, PENDING_AGENT_MAX, PENDING_MAX, STANDING_MAX


class MemoryApprovals:
    """``Approvals``, ``Once`` and the count of calls, for one process and one thread."""

    def __init__(self) -> None:
        self._questions: dict[str, Question] = {}
        self._closed: set[str] = set()
        self._untold: set[str] = set()
        self._answers: dict[str, dict[str, Answer]] = {}
        self._standing: dict[str, Standing] = {}
        self._consents: dict[tuple[str, str, str], Consent] = {}
        self._spent: dict[tuple[str, str], int] = {}
        self._taken: dict[str, list[int]] = {}

    def ask(self, question: Question, now: int) -> tuple[Question, bool]:
        waiting = self.pending(question.tenant, now)
        for one in reversed(waiting):
            if one.binding == question.binding:
                return one, False
        of_agent = [one for one in waiting if one.counted_as == question.counted_as]
        if len(waiting) >= PENDING_MAX or len(of_agent) >= PENDING_AGENT_MAX:
            raise too_many_questions(len(of_agent) >= PENDING_AGENT_MAX)
        taken = {one.ref for one in self._questions.values() if one.id not in self._closed and one.expires >= now}
        refs = (question.id[:count] for count in range(REF_CHARS_LEAST, len(question.id) + 1))
        kept = replace(question, ref=next(ref for ref in refs if ref not in taken))
        write_question(kept)
        self._questions[kept.id] = kept
        self._untold.add(kept.id)
        return kept, True

    def untold(self, question_id: str) -> bool:
        return question_id in self._untold

    def told(self, question_id: str) -> None:
        self._untold.discard(question_id)

    def find(self, tenant: str, binding: str, now: int) -> AskedBefore | None:
        for one in reversed(self._questions.values()):
            is_alive = one.expires + ANSWER_SECONDS_MAX >= now and ("approval", one.jti) not in self._spent
            if (one.tenant, one.binding) == (tenant, binding) and is_alive:
                return AskedBefore(one, self.answers(one.id))
        return None

    def question(self, tenant: str, ref: str, now: int) -> Question | None:
        return next((one for one in self.pending(tenant, now) if ref in {one.ref, one.id}), None)

    def pending(self, tenant: str, now: int) -> tuple[Question, ...]:
        return tuple(
            one
            for one in self._questions.values()
            if one.tenant == tenant and one.id not in self._closed and one.expires >= now and ("approval", one.jti) not in self._spent
        )

    def tenants(self, now: int) -> tuple[str, ...]:
        known = {one.tenant for one in self._questions.values()} | {one.tenant for one in self._standing.values()}
        found = {tenant for tenant in known if self.pending(tenant, now) or self.standing(tenant, now)}
        return tuple(sorted(found | {one.tenant for one in self._consents.values()}))

    def answers(self, question_id: str) -> tuple[Answer, ...]:
        found = self._answers.get(question_id, {})
        return tuple(found[name] for name in sorted(found))

    def answer(self, question_id: str, answer: Answer, now: int, *, closing: bool = False) -> tuple[Answer, ...]:
        question = self._questions.get(question_id)
        if question is None or question.expires < now:
            raise no_question(question.ref if question else question_id[:REF_CHARS_LEAST] if is_id(question_id) else NO_REF)
        if question_id in self._closed:
            raise answered(question.ref)
        write_kept_answer(answer)
        self._answers.setdefault(question_id, {})[answer.approver] = answer
        if closing:
            self._closed.add(question_id)
        return self.answers(question_id)

    def close_question(self, question_id: str) -> None:
        self._closed.add(question_id)

    def withdraw(self, tenant: str, question_id: str) -> bool:
        question = self._questions.get(question_id)
        if question is None or question.tenant != tenant:
            return False
        del self._questions[question_id]
        self._untold.discard(question_id)
        self._answers.pop(question_id, None)
        return True

    def add_standing(self, standing: Standing, now: int) -> None:
        if len(self.standing(standing.tenant, now)) >= STANDING_MAX:
            raise too_many_standing()
        write_standing(standing)
        self._standing[standing.id] = standing

    def standing_for(self, tenant: str, package_id: str, tool: str, agent: str, now: int) -> tuple[Standing, ...]:
        wanted = (package_id, tool, agent)
        return tuple(one for one in reversed(self.standing(tenant, now)) if (one.package_id, one.tool, one.agent.name) == wanted)

    def standing(self, tenant: str, now: int) -> tuple[Standing, ...]:
        return tuple(one for one in self._standing.values() if one.tenant == tenant and one.until >= now and one.calls > 0)

    def use_standing(self, standing_id: str, now: int) -> int | None:
        one = self._standing.get(standing_id)
        if one is None or one.calls <= 0 or one.until < now:
            return None
        self._standing[standing_id] = replace(one, calls=one.calls - 1)
        return one.calls - 1

    def revoke(self, tenant: str, standing_id: str) -> bool:
        one = self._standing.get(standing_id)
        if one is None or one.tenant != tenant:
            return False
        del self._standing[standing_id]
        return True

    def consent(self, tenant: str, publisher_id: str, package_id: str) -> Consent | None:
        return self._consents.get((tenant, publisher_id, package_id))

    def consents(self, tenant: str) -> tuple[Consent, ...]:
        found = [one for one in self._consents.values() if one.tenant == tenant]
        return tuple(sorted(found, key=lambda one: (one.package_id, one.publisher_id)))

    def put_consent(self, consent: Consent) -> None:
        write_consent(consent)
        self._consents[consent.tenant, consent.publisher_id, consent.package_id] = consent

    def drop_consent(self, tenant: str, publisher_id: str, package_id: str) -> bool:
        return self._consents.pop((tenant, publisher_id, package_id), None) is not None

    def spend(self, kind: str, name: str, until: int, now: int) -> bool:
        if (kind, name) in self._spent:
            return False
        self._spent[kind, name] = max(until, now)
        return True

    def take(self, key: str, per_minute: int, now: int) -> bool:
        times = [at for at in self._taken.get(key, []) if now - 60 < at <= now]
        self._taken[key] = times
        if len(times) >= per_minute:
            return False
        times.append(now)
        return True


class MemoryEvents:
    """All events that were told, in their order."""

    def __init__(self) -> None:
        self.found: list[Event] = []
        self.durable: list[str] = []
        """The kinds of those that had to survive a power cut."""

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        write_event(event, bytes(SALT_BYTES))
        self.found.append(event)
        if durable:
            self.durable.append(event.kind)
        return EntryRef(len(self.found) - 1, "")

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.found]
