"""What an entry tells to those who search: all that events of ours hold, and nothing of what has a wrong type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mpp.model.events import Event
from mpp.stages.audit.entry import encode_event, line_of
from mpp.stages.audit.limits import TOLD_CHARS_MAX, TOLD_NAMES_MAX
from mpp.stages.audit.told import dict_of, glance, Line, texts_of, told_of, Told, UNREADABLE
from mpp.stages.audit.wanted import Condition, FACTS, is_in, names_of, says, Wanted
from tests import auditlogs
from tests.auditlogs import Story

STORY = Story(approver="ada", hosts=("api.example.com", "b.example.com"), user="ab" * 16, outcome="call.timeout", risk=44)


def line(event: Event, seq: int = 7) -> Line:
    found = glance(line_of(encode_event(event, bytes(32)), "0" * 64, seq))
    assert found is not None
    return found


def of(kind: str, body: Any) -> Told:
    return told_of(Line(1, 2, kind, "local", "", body, {}))


def tell(kind: str, events: list[Event]) -> Told:
    return told_of(line(next(one for one in reversed(events) if one.kind == kind)))


def test_a_line_is_what_the_event_was() -> None:
    event = auditlogs.runs(STORY)[-2]
    found = line(event)
    assert (found.seq, found.at, found.kind, found.tenant, found.invocation) == (7, event.at, "result", "local", STORY.invocation)
    assert found.body == event.body
    assert set(found.commit) == {"out_raw"}


def test_what_a_decision_tells() -> None:
    found = tell("decision", auditlogs.runs(STORY))
    assert (found.package, found.publisher, found.content, found.tool) == (STORY.package, STORY.publisher_id, STORY.content, "greet")
    assert (found.agent, found.users, found.effect, found.rules, found.risk) == ("claude", ("ab" * 16,), "ask", ("user/developer/default",), 44)
    assert (found.code, found.outcome, found.approvers, found.hosts, found.approval) == ("", "", (), (), "")


def test_what_the_events_of_a_run_tell() -> None:
    events = auditlogs.runs(STORY)
    assert tell("agent", events).agent == "claude"
    assert tell("question", events)[:4] == (STORY.package, STORY.publisher_id, STORY.content, "greet")
    assert tell("question", events).risk == 44
    assert (tell("answer", events).effect, tell("answer", events).approvers) == ("yes", ("user:ada",))
    assert tell("approval-spent", events).approvers == ("user:ada",)
    assert {tell(kind, events).approval for kind in ("question", "answer", "approval-spent", "intent", "receipt")} == {STORY.jti}
    assert tell("token-used", events).tool == "", "it covers the tool, and others"
    assert tell("intent", events).rules == ("developer/default",)
    result = tell("result", events)
    assert (result.outcome, result.code, result.hosts) == ("call.timeout", "call.timeout", ("api.example.com", "b.example.com"))


def test_what_refusals_stops_and_changes_tell() -> None:
    assert tell("refused", auditlogs.denied(STORY)).code == "policy.denied"
    assert tell("stop", auditlogs.stopped("com.bad"))[:2] == ("com.bad", "")
    assert tell("stop", auditlogs.stopped("com.bad")).approvers == ("ada",)
    assert of("stop", {"what": "publisher", "name": "ab"})[:2] == ("", "ab")
    assert of("stop", {"what": "all", "name": ""})[:2] == ("", "")
    assert tell("trust", auditlogs.changed_trust())[:2] == ("", "")
    assert tell("consent", auditlogs.consented(STORY)).approvers == ("user:ada",)
    ok = of("result", {"outcome": "ok"})
    assert (ok.outcome, ok.code) == ("ok", "")
    cut = of("interrupted", {"package": "p"})
    assert (cut.outcome, cut.code) == ("interrupted", "")


def test_on_whose_behalf() -> None:
    behalf = [{"kind": "agent", "name": "boss"}, {"kind": "user", "name": "u1"}, {"kind": "user"}, 7]
    assert of("agent", {"name": "a", "behalf": behalf}).users == ("u1",)
    assert of("intent", {"agent": {"name": "a", "behalf": behalf}, "user": "u2"}).users == ("u2", "u1")
    assert of("agent", {"name": "a", "behalf": "nobody"}).users == ()


def test_several_of_a_kind_are_told_once_each() -> None:
    found = of("approval-spent", {"approver": "a", "approvers": ["a", "b", "", 7], "rules": [7, {"layer": "l", "policy": 7, "rule": "r"}], "rule": "x"})
    assert found.approvers == ("a", "b")
    assert found.rules == ("x", "l//r")
    assert len(texts_of({"hosts": [str(one) for one in range(TOLD_NAMES_MAX + 1)]}, "hosts")) == TOLD_NAMES_MAX


def test_names_are_cut_and_hold_no_nul() -> None:
    assert of("intent", {"tool": "x" * 1000}).tool == "x" * TOLD_CHARS_MAX
    assert of("intent", {"tool": "a\x00b"}).tool == "a\ufffdb"


@pytest.mark.parametrize("risk", [True, -1, "7", None, 1 << 60, 1.5])
def test_a_risk_that_is_none(risk: object) -> None:
    assert of("decision", {"risk": risk}).risk is None


@pytest.mark.parametrize("data", [b"", b"{}", b'{"event":{},"prev":"0","seq":1}', b"\xff" * 90, b'{"event":{"at":1},"prev":"%b","seq":01}' % (b"0" * 64)])
def test_what_has_no_place_in_a_chain_is_no_line(data: bytes) -> None:
    assert glance(data) is None


@pytest.mark.parametrize("event", [b'{"at":1', b'{"at":"1"}', b'{"at":-1}', b'{"at":true}', b'{"at":253402300800}', b"{" + b'"a":{' * 2000 + b"}"])
def test_a_line_that_is_no_event_is_counted_as_such(event: bytes) -> None:
    found = glance(b'{"event":%b,"prev":"%b","seq":12}' % (event, b"0" * 64))
    assert found == Line(12, 0, UNREADABLE, "", "", {}, {})


def test_parts_of_a_wrong_type_are_not_there() -> None:
    found = glance(b'{"event":{"at":5,"kind":7,"tenant":[],"invocation":null,"body":[],"commit":1},"prev":"%b","seq":1}' % (b"0" * 64))
    assert found == Line(1, 5, UNREADABLE, "", "", {}, {})
    assert dict_of([], "x") == dict_of(None) == {}


BODIES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.sampled_from(["agent", "facts", "tools", "rules", "behalf", "kind", "name"]), inner),
    max_leaves=20,
)


@given(some.sampled_from(["agent", "intent", "decision", "stop"]), some.dictionaries(some.sampled_from([
    "agent", "facts", "tools", "hosts", "rules", "risk", "score", "what", "name", "outcome", "approvers", "tool", "user", "jti", "code"]), BODIES))  # fmt: skip
def test_no_body_is_too_strange(kind: str, body: dict) -> None:
    data = json.dumps({"event": {"at": 1, "body": body, "kind": kind}, "prev": "0" * 64, "seq": 3}, separators=(",", ":")).encode()
    found = glance(data)
    assert found is not None
    said = told_of(found)
    for fact in FACTS:
        for name in names_of(fact, said):
            assert isinstance(name, str)
            assert 0 < len(name) <= TOLD_CHARS_MAX


def test_conditions() -> None:
    said = tell("decision", auditlogs.runs(STORY))
    for fact, pattern, holds in [
        ("package", "com.example.hello", True), ("package", "com.example.*", True), ("package", "com.example", False), ("tool", "*", True), ("host", "*", False),
        ("rule", "default", True), ("rule", "developer/default", True), ("rule", "efault", False), ("user", "ab" * 16, True), ("decision", "ask", True),
    ]:  # fmt: skip
        assert says(Condition(fact, (pattern,)), said) is holds, (fact, pattern)
    assert says(Condition("decision", ("deny", "ask")), said)


def test_what_must_hold_for_the_entry_itself() -> None:
    one = line(auditlogs.runs(STORY)[-5])
    said = told_of(one)
    assert is_in(Wanted(), one, said)
    assert is_in(Wanted(kinds=(one.kind,), since=one.at, until=one.at, tenant="local", invocation=one.invocation[:3]), one, said)
    for wrong in (
        Wanted(kinds=("stop",)), Wanted(since=one.at + 1), Wanted(until=one.at - 1), Wanted(tenant="x"), Wanted(invocation="zz"), Wanted(risk=0),
    ):  # fmt: skip
        assert not is_in(wrong, one, said)
    decision = line(next(event for event in auditlogs.runs(STORY) if event.kind == "decision"))
    assert is_in(Wanted(risk=44), decision, told_of(decision))
    assert not is_in(Wanted(risk=45), decision, told_of(decision))
