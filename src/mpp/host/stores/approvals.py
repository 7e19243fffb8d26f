"""Approvals of one home in one SQLite file: questions and answers, approvals that last, consents, what has been spent, how often was called.

Several processes share it. What a method returned is on the disk; a process that is killed leaves all of a write or nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import apsw

from mpp.host.stores import approvals_schema as sql
from mpp.host.stores.approvals_file import connect, create_file, failed, look, set_synchronous
from mpp.host.stores.approvals_schema import PURGED_MAX, RATE_SECONDS, SPENT_KEPT_SECONDS
from mpp.host.stores.limits import CONSENTS_KNOWN_MAX
from mpp.host.stores.sqlite_file import transaction
from mpp.stages.approval import (
    answered,
    Answer,
    AskedBefore,
    can_be_kept,
    Consent,
    is_id,
    is_ref,
    NO_REF,
    no_question,
    Question,
    read_consent,
    read_kept_answer,
    read_question,
    read_standing,
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


class ApprovalsStore:
    """``Approvals``, ``Once`` and the count of calls, for all processes of one home. Safe for threads."""

    def __init__(self, path: str, *, synchronous: str = "FULL") -> None:
        # Links above are the owner's business; from here on none is followed.
        self.path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        self._synchronous = synchronous
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._file: tuple[int, int] | None = None

    def close(self) -> None:
        """Close the file; the store can be used again."""
        with self._lock:
            self._drop()

    # --- questions and answers

    def ask(self, question: Question, now: int) -> tuple[Question, bool]:
        with self._write() as connection:
            _purge_questions(connection, now)
            about = {"tenant": question.tenant, "binding": question.binding, "now": now}
            row = connection.execute(sql.SAME, about).fetchone()
            if row is not None:
                return read_question(_blob(row[0]), where=self.path), False
            agent = question.counted_as
            counts = connection.execute(sql.COUNTS, {"tenant": question.tenant, "agent": agent, "now": now}).fetchone()
            waiting, of_agent = _pair(counts)
            if waiting >= PENDING_MAX or of_agent >= PENDING_AGENT_MAX:
                raise too_many_questions(of_agent >= PENDING_AGENT_MAX)
            kept = replace(question, ref=_free_ref(connection, question.id, now))
            connection.execute(
                sql.ADD_QUESTION,
                {
                    **about, "id": kept.id, "ref": kept.ref, "jti": kept.jti, "agent": agent, "expires": kept.expires, "document": write_question(kept),
                },
            )  # fmt: skip
        return kept, True

    def untold(self, question_id: str) -> bool:
        if not is_id(question_id):
            return False
        with self._read() as connection:
            return connection.execute("SELECT 1 FROM question WHERE id = ? AND told = 0", (question_id,)).fetchone() is not None

    def told(self, question_id: str) -> None:
        if is_id(question_id):
            with self._write() as connection:
                connection.execute("UPDATE question SET told = 1 WHERE id = ?", (question_id,))

    def find(self, tenant: str, binding: str, now: int) -> AskedBefore | None:
        if not can_be_kept(tenant, binding):
            return None
        with self._read() as connection:
            row = connection.execute(sql.FIND, {"tenant": tenant, "binding": binding, "now": now, "answer": ANSWER_SECONDS_MAX}).fetchone()
            if row is None:
                return None
            return AskedBefore(read_question(_blob(row[1]), where=self.path), self._answers(connection, str(row[0])))

    def question(self, tenant: str, ref: str, now: int) -> Question | None:
        if not (is_ref(ref) and can_be_kept(tenant)):
            return None
        with self._read() as connection:
            row = connection.execute(sql.BY_REF, {"tenant": tenant, "ref": ref, "now": now}).fetchone()
            return read_question(_blob(row[0]), where=self.path) if row is not None else None

    def pending(self, tenant: str, now: int) -> tuple[Question, ...]:
        if not can_be_kept(tenant):
            return ()
        with self._read() as connection:
            rows = connection.execute(sql.PENDING, {"tenant": tenant, "now": now}).fetchall()
            return tuple(read_question(_blob(row[0]), where=self.path) for row in rows)

    def tenants(self, now: int) -> tuple[str, ...]:
        with self._read() as connection:
            return tuple(str(row[0]) for row in connection.execute(sql.TENANTS, {"now": now}).fetchall())

    def answers(self, question_id: str) -> tuple[Answer, ...]:
        if not is_id(question_id):
            return ()
        with self._read() as connection:
            return self._answers(connection, question_id)

    def answer(self, question_id: str, answer: Answer, now: int, *, closing: bool = False) -> tuple[Answer, ...]:
        if not is_id(question_id):
            raise no_question(NO_REF)
        with self._write() as connection:
            row = connection.execute("SELECT ref, closed, expires FROM question WHERE id = ?", (question_id,)).fetchone()
            if row is None or _number(row[2]) < now:
                raise no_question(question_id[:REF_CHARS_LEAST] if row is None else str(row[0]))
            if row[1]:
                raise answered(str(row[0]))
            connection.execute(sql.PUT_ANSWER, (question_id, answer.approver, write_kept_answer(answer)))
            if closing:
                connection.execute(sql.CLOSE, (question_id,))
            return self._answers(connection, question_id)

    def close_question(self, question_id: str) -> None:
        if is_id(question_id):
            with self._write() as connection:
                connection.execute(sql.CLOSE, (question_id,))

    def withdraw(self, tenant: str, question_id: str) -> bool:
        if not (is_id(question_id) and can_be_kept(tenant)):
            return False
        with self._write() as connection:
            connection.execute("DELETE FROM question WHERE tenant = ? AND id = ?", (tenant, question_id))
            found = connection.changes() > 0
            if found:
                connection.execute(sql.DELETE_ANSWERS, (question_id,))
        return found

    # --- approvals that last

    def add_standing(self, standing: Standing, now: int) -> None:
        with self._write() as connection:
            connection.execute(sql.OLD_STANDING, (now, PURGED_MAX))
            if _one(connection.execute(sql.COUNT_STANDING, (standing.tenant, now)).fetchone()) >= STANDING_MAX:
                raise too_many_standing()
            who = (standing.id, standing.tenant, standing.package_id, standing.tool, standing.agent.name)
            connection.execute(sql.ADD_STANDING, (*who, standing.calls, standing.until, write_standing(standing)))

    def standing_for(self, tenant: str, package_id: str, tool: str, agent: str, now: int) -> tuple[Standing, ...]:
        if not can_be_kept(tenant, package_id, tool, agent):
            return ()
        with self._read() as connection:
            return self._standing(connection.execute(sql.STANDING_FOR, (tenant, package_id, tool, agent, now)).fetchall())

    def standing(self, tenant: str, now: int) -> tuple[Standing, ...]:
        if not can_be_kept(tenant):
            return ()
        with self._read() as connection:
            return self._standing(connection.execute(sql.STANDING, (tenant, now)).fetchall())

    def use_standing(self, standing_id: str, now: int) -> int | None:
        if not is_id(standing_id):
            return None
        with self._write() as connection:
            row = connection.execute(sql.USE_STANDING, (standing_id, now)).fetchone()
        return None if row is None else _one(row)

    def revoke(self, tenant: str, standing_id: str) -> bool:
        return is_id(standing_id) and self._changed(sql.REVOKE, (tenant, standing_id))

    # --- consents

    def consent(self, tenant: str, publisher_id: str, package_id: str) -> Consent | None:
        if not can_be_kept(tenant, publisher_id, package_id):
            return None
        # As ``_read`` does it, without its generator, which costs as much as the question: each call asks this.
        with self._lock:
            try:
                row = self._ready().execute(sql.CONSENT, (tenant, publisher_id, package_id)).fetchone()
            except apsw.Error as fault:
                self._drop()
                raise failed(fault, self.path) from None
        return _consent(_blob(row[0]), self.path) if row is not None else None

    def consents(self, tenant: str) -> tuple[Consent, ...]:
        if not can_be_kept(tenant):
            return ()
        with self._read() as connection:
            return tuple(read_consent(_blob(row[0]), where=self.path) for row in connection.execute(sql.CONSENTS, (tenant,)).fetchall())

    def put_consent(self, consent: Consent) -> None:
        with self._write() as connection:
            connection.execute(sql.PUT_CONSENT, (consent.tenant, consent.publisher_id, consent.package_id, write_consent(consent)))

    def drop_consent(self, tenant: str, publisher_id: str, package_id: str) -> bool:
        return self._changed(sql.DROP_CONSENT, (tenant, publisher_id, package_id))

    # --- once, and how often

    def spend(self, kind: str, name: str, until: int, now: int) -> bool:
        with self._write() as connection:
            connection.execute(sql.OLD_SPENT, (now, PURGED_MAX))
            # Kept longer than asked: the answer behind a proof outlives it, and must not become a second one.
            connection.execute(sql.SPEND, (kind, name, max(until, now) + SPENT_KEPT_SECONDS))
            return connection.changes() == 1

    def take(self, key: str, per_minute: int, now: int) -> bool:
        """Count one call under ``key``; False, and nothing counted, if there were ``per_minute`` in the last sixty seconds."""
        # A count that a power cut forgets harms nobody, so it does not wait for the disk.
        with self._write("NORMAL") as connection:
            connection.execute(sql.OLD_RATES, (now - RATE_SECONDS, PURGED_MAX))
            # What was counted by a clock that ran ahead would stop every call until that time.
            connection.execute(sql.FORGET_RATE, (key, now - RATE_SECONDS, now))
            if _one(connection.execute(sql.RATE, (key,)).fetchone()) >= per_minute:
                return False
            connection.execute(sql.COUNT_RATE, (key, now))
        return True

    # --- the file

    @contextlib.contextmanager
    def _read(self) -> Iterator[apsw.Connection]:
        with self._lock:
            try:
                yield self._ready()
            except apsw.Error as fault:
                self._drop()
                raise failed(fault, self.path) from None

    @contextlib.contextmanager
    def _write(self, synchronous: str = "") -> Iterator[apsw.Connection]:
        with self._read() as connection:
            weaker = synchronous if synchronous and self._synchronous == "FULL" else ""
            if weaker:
                set_synchronous(connection, weaker)
            try:
                with transaction(connection):
                    yield connection
            finally:
                if weaker:
                    set_synchronous(connection, self._synchronous)

    def _changed(self, statement: str, values: tuple[str, ...]) -> bool:
        if not can_be_kept(*values):
            return False
        with self._write() as connection:
            connection.execute(statement, values)
            return connection.changes() > 0

    def _ready(self) -> apsw.Connection:
        """The connection. A file that was removed or replaced under us is not written to: what it said would be lost."""
        found = look(self.path)
        if found is None or found != self._file:
            self._drop(stale=True)
        if found is None:
            create_file(self.path)
            found = look(self.path)
        if self._connection is None:
            self._connection, self._file = connect(self.path, self._synchronous), found
        return self._connection

    def _drop(self, *, stale: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(apsw.Error):
            if stale:
                # Otherwise it would remove its log by name, which is the log of the new file by now.
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.close()

    def _answers(self, connection: apsw.Connection, question_id: str) -> tuple[Answer, ...]:
        return tuple(read_kept_answer(_blob(row[0]), where=self.path) for row in connection.execute(sql.ANSWERS, (question_id,)).fetchall())

    def _standing(self, rows: list[tuple[object, ...]]) -> tuple[Standing, ...]:
        return tuple(replace(read_standing(_blob(row[1]), where=self.path), calls=_number(row[0])) for row in rows)


def _purge_questions(connection: apsw.Connection, now: int) -> None:
    for row in connection.execute(sql.OLD_QUESTIONS, (now - ANSWER_SECONDS_MAX, PURGED_MAX)).fetchall():
        connection.execute(sql.DELETE_QUESTION, (row[0],))
        connection.execute(sql.DELETE_ANSWERS, (row[0],))


def _free_ref(connection: apsw.Connection, identity: str, now: int) -> str:
    """The shortest beginning of ``identity``, of four characters or more, that no pending question is called by."""
    for count in range(REF_CHARS_LEAST, len(identity)):
        if connection.execute(sql.REF_TAKEN, {"ref": identity[:count], "now": now}).fetchone() is None:
            return identity[:count]
    return identity


@lru_cache(CONSENTS_KNOWN_MAX)
def _consent(data: bytes, where: str) -> Consent:
    """Each call looks its consent up; the same bytes say the same."""
    return read_consent(data, where=where)


def _blob(found: object) -> bytes:
    if not isinstance(found, bytes):
        raise apsw.CorruptError
    return found


def _number(found: object) -> int:
    if not isinstance(found, int):
        raise apsw.CorruptError
    return found


def _one(row: tuple[object, ...] | None) -> int:
    if row is None:
        raise apsw.CorruptError
    return _number(row[0])


def _pair(row: tuple[object, ...] | None) -> tuple[int, int]:
    if row is None:
        raise apsw.CorruptError
    return _number(row[0]), _number(row[1])
