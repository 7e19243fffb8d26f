"""The neutral record: what is read out of a body, and what a body that lies about its types comes to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.model.jsontext import Json
from mpp.stages.audit.forward import Calls, otlp_logs, otlp_spans, record_of, SEVERITIES, summary, to_cef, to_ecs, to_jsonl, to_ocsf, to_syslog
from mpp.stages.audit.forward import SyslogHead
from mpp.stages.audit.forward.otlp import span_id, trace_id
from mpp.stages.audit.forward.record import fields_of, ITEMS_MAX, one_line, TEXT_MAX
from tests.unit.audit.forward.cases import AT, CALL, entries, EVENTS, ORIGIN, record, records


def by_kind(kind: str):
    return next(one for one in records() if one.kind == kind)


def test_a_decision_is_read_whole() -> None:
    found = by_kind("decision")
    assert (found.package, found.version, found.tool, found.publisher_name) == ("com.example.crm", "1.2.0", "find", "Ada Example")
    assert (found.agent, found.agent_level, found.user) == ("claude", "signed", "9" * 32)
    assert (found.effect, found.rule, found.risk, found.band, found.policy) == ("ask", "user:ask-for-network tenant:", 41, "medium", "f6" * 32)
    assert (found.outcome, found.severity, found.commit) == ("unknown", "info", (("in", "e5" * 32),))


def test_an_intent_a_result_and_an_approval() -> None:
    intent, result, spent = by_kind("intent"), by_kind("result"), by_kind("approval-spent")
    assert (intent.agent, intent.agent_level, intent.because, intent.jti, intent.token) == ("claude", "signed", "approval", "j2", "c3" * 32)
    assert (result.outcome, result.hosts, result.secrets, result.code) == ("success", ("api.example.com:443", "b.example"), ("API_KEY",), "")
    assert (spent.approvers, spent.amr) == (("grace", "ada"), "key")
    assert by_kind("token-granted").tool == "find, list"
    assert by_kind("policy").version == "7"
    assert by_kind("agent").agent_level == "signed"


SEVERE: list[tuple[str, dict[str, Json], str, str]] = [
    ("decision", {"effect": "allow"}, "success", "info"),
    ("decision", {"effect": "deny"}, "failure", "medium"),
    ("decision", {"effect": "ask"}, "unknown", "info"),
    ("answer", {"answer": "no"}, "failure", "medium"),
    ("refused", {"code": "policy.denied"}, "failure", "medium"),
    ("refused", {"code": "signature.root"}, "failure", "high"),
    ("approval-refused", {"code": "approval.spent"}, "failure", "medium"),
    ("result", {"outcome": "ok"}, "success", "info"),
    ("result", {"outcome": "ok", "secrets_echoed": ["A"]}, "success", "high"),
    ("result", {"outcome": "tool.trap"}, "failure", "medium"),
    ("torn", {}, "failure", "high"),
    ("trust", {}, "success", "medium"),
    ("package", {"change": "install"}, "success", "low"),
    ("policy", {"what": "loaded"}, "success", "low"),
    ("policy", {"what": "kept"}, "failure", "medium"),
    ("pruned", {}, "success", "low"),
    ("epoch", {}, "success", "info"),
    ("interrupted", {}, "failure", "medium"),
]


@pytest.mark.parametrize(("kind", "body", "outcome", "severity"), SEVERE)
def test_outcome_and_severity(kind: str, body: dict[str, Json], outcome: str, severity: str) -> None:
    found = record(kind, body)
    assert (found.outcome, found.severity) == (outcome, severity)


def test_what_was_done_to_what() -> None:
    stops = [one for one in records() if one.kind == "stop"]
    assert [(one.change, one.name) for one in stops] == [("package put", "com.example.crm"), ("all lifted", "")]
    assert [one.change for one in records() if one.kind == "consent"] == ["given", "taken back"]
    assert (by_kind("trust").change, by_kind("trust").approvers) == ("approver added", ("root",))


def test_lists_and_texts_are_bounded() -> None:
    found = record("result", {"outcome": "x" * 1000, "hosts": [f"h{i}" for i in range(100)], "rules": [{"layer": "l" * 300, "rule": "r"}, 7]})
    assert (len(found.code), len(found.hosts), len(found.rule)) == (TEXT_MAX, ITEMS_MAX, TEXT_MAX)


def test_the_summary_is_one_line() -> None:
    assert summary(by_kind("decision")) == "decision com.example.crm find by claude: ask"
    assert summary(by_kind("question")) == "question com.example.crm find by claude"
    assert summary(record("result", {"outcome": "tool.time"})) == "result: tool.time"
    assert summary(record("result", {"outcome": "ok"})) == "result: success"
    assert one_line("a\nb\x1b[31m\u202ec é") == "a�b�[31m�c é"


def test_only_what_is_said_is_passed_on() -> None:
    found = fields_of(record("epoch", {}))
    assert set(found) == {"origin", "seq", "leaf", "kind", "tenant", "invocation", "severity", "outcome"}
    # Nought is said: entry 0, and a risk of nought.
    assert found["seq"] == 0
    assert fields_of(record("decision", {"risk": 0}))["risk"] == 0


def test_trace_and_span_follow_from_the_invocation() -> None:
    assert trace_id(CALL) == CALL
    for strange in ("", "0" * 32, "A" * 32, "short", "é"):
        assert len(trace_id(strange)) == 32
        assert trace_id(strange) not in {strange, "0" * 32}
    assert span_id(CALL) != span_id("short")
    assert len(span_id(CALL)) == 16


def test_a_result_without_its_intent_has_a_span_without_length() -> None:
    body = otlp_spans([record("result", {"outcome": "ok"})], Calls())
    span = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert (span["startTimeUnixNano"], span["endTimeUnixNano"], span["name"]) == (f"{AT}000000000", f"{AT}000000000", "execute_tool unknown")
    assert {"key": "mpp.intent", "value": {"stringValue": "not seen"}} in span["attributes"]
    assert otlp_spans([record("result", {"outcome": "ok"}, invocation="")], Calls()) == b""
    assert otlp_spans([record("log", {})], Calls()) == b""


def test_a_clock_that_jumps_back_makes_no_negative_span() -> None:
    intent, result = records()[13], records()[15]
    from dataclasses import replace

    span = json.loads(otlp_spans([intent, replace(result, at=AT)], Calls()))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])


def test_open_calls_are_bounded_and_kept_until_they_are_taken() -> None:
    calls = Calls(most=2)
    made = [record("intent", {"tool": f"t{i}"}, invocation=f"{i:032x}") for i in range(1, 4)]
    ends = [record("result", {"outcome": "ok"}, invocation=f"{i:032x}") for i in range(1, 4)]
    for one in made:
        calls.saw(one)
    assert [calls.saw(one) is not None for one in ends] == [False, True, True]
    # Sent once more, it is still known.
    assert calls.saw(ends[2]) == made[2]
    calls.forget([*made, *ends])
    assert calls.saw(ends[2]) is None


def test_otlp_logs_carry_the_trace_of_their_call() -> None:
    found = [json.loads(otlp_logs([one]))["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0] for one in records()]
    for one, (_, invocation, *_rest) in zip(found, EVENTS, strict=True):
        assert ("traceId" in one) == bool(invocation)
    assert len(json.loads(otlp_logs(records()))["resourceLogs"][0]["scopeLogs"][0]["logRecords"]) == len(EVENTS)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgh", max_size=4), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["facts", "agent", "package", "tool", "tools", "risk", "score", "rules", "hosts", "approvers", "approver", "what", "version", "outcome"])


@given(st.sampled_from([kind for kind, *_ in EVENTS]), st.dictionaries(KEYS, PLAIN), st.text(max_size=40))
def test_no_body_breaks_a_format(kind: str, body: dict[str, Json], invocation: str) -> None:
    """Whatever a body holds, each format is written, and still says where the entry is."""
    invocation = "".join(c for c in invocation if c.isprintable())
    found = record(kind, body, invocation)
    assert found.severity in SEVERITIES
    for data in (to_jsonl(found), to_ecs(found), to_ocsf(found), otlp_logs([found])):
        json.loads(data)
        assert found.leaf.encode() in data
    for data in (to_cef(found), to_syslog(found, SyslogHead())):
        assert b"\n" not in data
        assert found.leaf.encode() in data


def test_the_line_is_the_entry() -> None:
    for entry in entries():
        assert record_of(entry, ORIGIN).line.startswith(b'{"event":{"at":')
