from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.model.events import EVENT_BYTES_MAX, Event, read_event, write_event
from mpp.model.manifest import parse_manifest
from mpp.stages.approval import (
    answer_event,
    consent_event,
    consent_of,
    make_question,
    question_event,
    refused_event,
    standing_event,
    standing_of,
    standing_used_event,
    vouch,
)
from mpp.stages.approval.events import writable
from mpp.testing.packages import NOW, TestRandom, files
from mpp.testing.questions import INVOCATION, asked, given, need
from tests.records import NO_SALT, as_written

QUESTION = make_question(asked(), need(), given({"to": "a secret place", "password": "hunter2"}), TestRandom())
ANSWER = vouch(QUESTION, yes=True, user="ada", amr="tty", now=NOW + 1, scope="always")
STANDING = standing_of(QUESTION, ANSWER, "tty", TestRandom())
MANIFEST = files()["manifest.json"]
CONSENT = consent_of(parse_manifest(MANIFEST), MANIFEST, tenant="local", publisher_id="ab" * 32, by="user:ada", amr="tty", now=NOW)

EVENTS = [
    (question_event(QUESTION), "question", NOW, ""),
    (answer_event(QUESTION, ANSWER, NOW + 2), "answer", NOW + 2, ""),
    (refused_event("approval.weak", "local", NOW, question=QUESTION.id, invocation=INVOCATION), "approval-refused", NOW, INVOCATION),
    (consent_event(CONSENT, invocation=INVOCATION), "consent", NOW, INVOCATION),
    (consent_event(CONSENT, taken_back=NOW + 9), "consent", NOW + 9, ""),
    (standing_event(STANDING, "given", NOW), "standing", NOW, ""),
    (standing_used_event(STANDING.id, "local", INVOCATION, 99, NOW), "standing-used", NOW, INVOCATION),
]


def test_each_event_can_be_kept_and_says_when_and_for_what() -> None:
    for event, kind, at, invocation in EVENTS:
        assert read_event(write_event(event, NO_SALT), where="here") == as_written(event)
        assert (event.kind, event.at, event.tenant, event.invocation) == (kind, at, "local", invocation)


def test_no_event_holds_arguments_or_texts() -> None:
    written = b"".join(write_event(event, NO_SALT) for event, *_ in EVENTS)
    for word in (b"secret place", b"hunter2", b"MPP asks", b"password"):
        assert word not in written


def test_what_an_answer_leaves() -> None:
    event = answer_event(QUESTION, ANSWER, NOW + 2)
    assert event.body == {
        "question": QUESTION.id, "jti": QUESTION.jti, "answer": "yes", "scope": "always", "approver": "user:ada", "amr": "tty", "answered": NOW + 1,
        "signed": False, "sha256": ANSWER.sha256,
    }  # fmt: skip


def test_an_answer_says_its_channel_and_why_where_it_has_them() -> None:
    event = answer_event(QUESTION, ANSWER, NOW + 2, channel="console", why="not on a Friday")
    assert event.body == {**answer_event(QUESTION, ANSWER, NOW + 2).body, "channel": "console", "why": "not on a Friday"}


def test_given_and_taken_back() -> None:
    found: list[Event] = [event for event, kind, *_ in EVENTS if kind == "consent"]
    assert [event.body["given"] for event in found] == [True, False]


def test_what_the_record_cannot_take_is_refused() -> None:
    event = EVENTS[0][0]
    assert writable(event) is event
    for body, code in (({"rule": "x" * EVENT_BYTES_MAX}, "approval.size"), ({"rule": "\ud800"}, "approval.name")):
        with pytest.raises(Refused) as caught:
            writable(Event(kind="question", at=NOW, tenant="local", invocation="", body=body))  # type: ignore[arg-type]
        assert caught.value.code == code
