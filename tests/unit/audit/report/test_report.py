"""The compliance report: evidence with its entries, honest blanks, never a word that a law is kept; and a page that nobody's name can change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

import pytest

from mpp.model.events import Event
from mpp.stages.audit.entry import encode_event, line_of
from mpp.stages.audit.report import gather, Integrity, Period, Report, report_html, report_json, report_of
from mpp.stages.audit.report.controls import DEMANDS, NEEDS, WARNS
from mpp.stages.audit.report.gathering import ALL, Findings
from mpp.stages.audit.report.limits import EXAMPLES_MAX, ROWS_MAX
from mpp.stages.audit.report.reporting import BROKEN, WITHOUT_SIGNATURE
from mpp.stages.audit.report.topics import TOPICS
from mpp.stages.audit.told import glance, Line
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY, Story

SIGNED = Integrity(level="signed", reason="all entries stand under signatures", log_id="ab" * 32, entries=12)
WANTED = {
    ("GDPR", "5(1)(b)"), ("GDPR", "5(1)(c)"), ("GDPR", "5(2)"), ("GDPR", "17"), ("GDPR", "35"), ("HIPAA", "164.312(b)"), ("HIPAA", "164.312(c)(1)"),
    ("HIPAA", "164.312(d)"), ("HIPAA", "164.308(a)(1)(ii)(D)"), ("EU AI Act", "12"), ("EU AI Act", "14"), ("EU AI Act", "19"), ("EU AI Act", "26"),
}  # fmt: skip


def lines(events: Iterable[Event]) -> Iterator[Line]:
    for seq, event in enumerate(events, 1):
        found = glance(line_of(encode_event(event, bytes(32)), "0" * 64, seq))
        assert found is not None
        yield found


def report(events: Iterable[Event], period: Period | None = None, integrity: Integrity = SIGNED) -> Report:
    return report_of(gather(lines(events), period or Period()), integrity, NOW)


def control(found: Report, label: str):
    return next(one for one in found.controls if one.id == label)


def evidence(found: Report, label: str, topic: str):
    return next(one for one in control(found, label).evidence if one.topic == topic)


def one(kind: str, body: dict, at: int = NOW) -> Event:
    return Event(kind=kind, at=at, tenant="local", invocation="", body=body)


def test_all_demands_of_the_four_texts_are_there() -> None:
    found = report([])
    assert {(control.framework.split(",")[0].replace(" Security Rule", ""), control.id) for control in found.controls} >= WANTED
    nist = {control.id.split()[0] for control in found.controls if control.framework.startswith("NIST")}
    assert nist == {"GOVERN", "MAP", "MEASURE", "MANAGE"}


def test_demands_name_topics_that_exist_and_have_something_to_fill_in() -> None:
    known = {topic.key for topic in TOPICS} | {ALL}
    assert len(known) == len(TOPICS) + 1
    for demand in DEMANDS:
        assert set(demand.topics) <= known, demand.id
        assert demand.missing, demand.id
        assert demand.blanks, demand.id
    assert set(NEEDS) | set(WARNS) <= {topic for demand in DEMANDS for topic in demand.topics}
    assert len({(demand.framework, demand.id) for demand in DEMANDS}) == len(DEMANDS)


def test_evidence_names_its_entries() -> None:
    found = report([*auditlogs.runs(Story()), *auditlogs.denied(Story(number=2, at=NOW + 50))])
    calls = evidence(found, "164.312(b)", "calls")
    assert (calls.count, calls.first, calls.examples) == (1, calls.last, (4,))
    assert calls.first is not None
    assert (calls.first.seq, calls.first.at) == (4, NOW)
    denied = evidence(found, "5(1)(b)", "denied")
    assert (denied.count, denied.examples) == (1, (8,))
    assert found.entries.count == 9
    assert control(found, "12").has_evidence


def test_only_the_first_entries_are_named() -> None:
    found = report([event for number in range(9) for event in auditlogs.refused(Story(number=number, at=NOW + number))])
    refusals = evidence(found, "164.312(b)", "refusals")
    assert (refusals.count, len(refusals.examples)) == (9, EXAMPLES_MAX)
    assert refusals.last is not None
    assert (refusals.last.seq, refusals.last.at) == (9, NOW + 8)


def test_a_period_leaves_out_the_rest() -> None:
    events = [event for day in range(5) for event in auditlogs.refused(Story(number=day, at=NOW + day * DAY))]
    assert report(events, Period(since=NOW + DAY, until=NOW + 3 * DAY)).entries.count == 3
    assert report(events, Period(since=NOW + 10 * DAY)).entries.count == 0
    assert report(events, Period(until=NOW)).entries.count == 1


EVIDENCE = {
    "calls": auditlogs.runs(Story()),
    "failed": auditlogs.runs(Story(outcome="tool.crash")),
    "interrupted": [one("interrupted", {})],
    "refusals": auditlogs.refused(Story()),
    "denied": auditlogs.denied(Story()),
    "risky": [one("decision", {"facts": {"risk": {"band": "high"}}})],
    "questions": auditlogs.asks(Story()),
    "yes": auditlogs.answers(Story()),
    "no": auditlogs.answers(Story(), yes=False),
    "spent": auditlogs.runs(Story(approver="ada")),
    "not_held": [one("approval-refused", {"code": "approval.weak"})],
    "standing": [one("standing-used", {"left": 1})],
    "by_policy": auditlogs.runs(Story()),
    "strong": [one("answer", {"answer": "yes", "amr": "webauthn"})],
    "weak": auditlogs.answers(Story()),
    "proven": auditlogs.runs(Story(level="signed")),
    "unproven": auditlogs.runs(Story()),
    "users": auditlogs.runs(Story(user="ab" * 16)),
    "clear": auditlogs.runs(Story(user="ada")),
    "in": auditlogs.runs(Story()),
    "out": auditlogs.runs(Story()),
    "tokens": auditlogs.runs(Story()),
    "narrowed": [one("token-narrowed", {})],
    "consents": auditlogs.consented(Story()),
    "withdrawn": [one("consent", {"given": False})],
    "policies": [one("policy", {"what": "loaded"})],
    "stops": auditlogs.stopped("p"),
    "trust": auditlogs.changed_trust(),
    "receipts": auditlogs.runs(Story(approver="ada")),
    "hosts": auditlogs.runs(Story(hosts=("a.example",))),
    "secrets": auditlogs.runs(Story(secrets=("token",))),
    "echoed": auditlogs.runs(Story(more={"secrets_echoed": ["token"]})),
    "redactions": auditlogs.runs(Story(more={"redactions": [{"pattern": "iban", "count": 2}]})),
    "erased": [one("erased", {})],
    "pruned": [one("pruned", {})],
    "torn": [one("torn", {})],
    "epochs": [one("epoch", {})],
}


@pytest.mark.parametrize("topic", sorted(EVIDENCE))
def test_which_entries_are_evidence_of_what(topic: str) -> None:
    assert gather(lines(EVIDENCE[topic]), Period()).count(topic) >= 1
    nothing_of_it = [one("log", {})] if topic != "out" else auditlogs.refused(Story())
    assert gather(lines(nothing_of_it), Period()).count(topic) == 0


@pytest.mark.parametrize(("topic", "events"), [
    ("redactions", auditlogs.runs(Story(more={"redactions": "many"}))),
    ("failed", auditlogs.runs(Story())),
    ("clear", auditlogs.runs(Story(user="ab" * 16))),
    ("strong", auditlogs.answers(Story())),
    ("weak", [one("answer", {"answer": "yes", "amr": "passphrase"})]),
    ("proven", auditlogs.runs(Story())),
    ("unproven", auditlogs.runs(Story(level="token"))),
    ("by_policy", auditlogs.runs(Story(approver="ada"))),
    ("hosts", auditlogs.runs(Story())),
    ("yes", auditlogs.answers(Story(), yes=False)),
    ("consents", [one("consent", {"given": False})]),
])  # fmt: skip
def test_which_are_not(topic: str, events: list[Event]) -> None:
    assert gather(lines(events), Period()).count(topic) == 0


def test_a_line_that_is_no_entry_is_said() -> None:
    bad = glance(b'{"event":{"at":-1},"prev":"%b","seq":3}' % (b"0" * 64))
    assert bad is not None
    found = report_of(gather([bad], Period()), SIGNED, NOW)
    assert WARNS["unreadable"] in control(found, "12").missing


def test_what_is_not_there_is_said() -> None:
    empty = report([])
    assert NEEDS["redactions"] in control(empty, "5(1)(c)").missing
    assert NEEDS["erased"] in control(empty, "17").missing
    assert NEEDS["questions"] in control(empty, "14").missing
    assert not any(one.has_evidence for one in empty.controls)
    full = report([*EVIDENCE["redactions"], *EVIDENCE["erased"], *EVIDENCE["questions"]])
    assert NEEDS["redactions"] not in control(full, "5(1)(c)").missing
    assert NEEDS["erased"] not in control(full, "17").missing
    assert NEEDS["questions"] not in control(full, "14").missing


def test_what_speaks_against_it_is_said() -> None:
    found = report([*auditlogs.runs(Story()), *auditlogs.answers(Story())])
    assert WARNS["weak"] in control(found, "14").missing
    assert WARNS["by_policy"] in control(found, "14").missing
    assert WARNS["weak"] not in control(report([]), "14").missing


def test_six_months_are_counted() -> None:
    def words(events: list[Event]) -> str:
        return " ".join(control(report(events), "19").missing)

    assert "has no entry" in words([])
    assert "span 10 days" in words([one("log", {}), one("log", {}, NOW + 10 * DAY)])
    assert "span" not in words([one("log", {}), one("log", {}, NOW + 183 * DAY)])
    assert "span 0 days" in words([one("log", {}), one("log", {}, NOW - DAY)]), "a clock that was set back"


def test_a_record_that_does_not_hold_is_said_at_each_demand() -> None:
    for level, words in (("broken", BROKEN), ("chained", WITHOUT_SIGNATURE)):
        found = report(auditlogs.runs(Story()), integrity=Integrity(level=level, reason="why", log_id="", entries=0))
        assert all(words in one.missing for one in found.controls)
        assert words in found.notes
    assert not {BROKEN, WITHOUT_SIGNATURE} & set(report([]).notes)


def test_inventories() -> None:
    events = [
        *auditlogs.runs(Story(number=1)), *auditlogs.runs(Story(number=2, at=NOW + 5)), *auditlogs.runs(Story(number=3, hosts=("h.example",), approver="eve")),
        *auditlogs.runs(Story(number=4, package="com.example.crm", agent="")), *auditlogs.denied(Story(number=5)),
    ]  # fmt: skip
    tools, hosts, people, refusals = report(events).inventories
    assert [row.count for row in tools.rows] == [3, 1]
    assert tools.rows[0].name.startswith("claude  com.example.hello  greet  ")
    assert tools.rows[1].name.startswith("(no name)  com.example.crm  ")
    assert [(row.name, row.count) for row in hosts.rows] == [("h.example", 1)]
    assert [(row.name, row.count) for row in people.rows] == [("user:eve", 2)]
    assert [(row.name, row.count) for row in refusals.rows] == [("approval.required", 1), ("policy.denied", 1)]


def test_many_names_do_not_fill_memory() -> None:
    findings = Findings(Period())
    for seq in range(ROWS_MAX + 7):
        findings.add(Line(seq, NOW, "refused", "local", "", {"code": f"x.{seq}"}, {}))
    refusals = findings.inventories()[3]
    assert (len(refusals.rows), refusals.more) == (ROWS_MAX, 7)


def test_as_json() -> None:
    found = report(auditlogs.some_days(), Period(since=NOW))
    document = json.loads(json.dumps(report_json(found)))
    assert document["mpp_report"] == 1
    assert document["integrity"] == {"level": "signed", "reason": SIGNED.reason, "log_id": SIGNED.log_id, "entries": 12}
    assert document["period"] == {"since": NOW, "until": None}
    assert len(document["controls"]) == len(DEMANDS)
    dpia = next(one for one in document["controls"] if one["id"] == "35")
    assert len(dpia["to_be_written_by_a_person"]) == 6
    assert set(dpia["to_be_written_by_a_person"].values()) == {""}
    calls = next(one for one in document["controls"] if one["id"] == "12")["evidence"][1]
    assert (calls["topic"], calls["count"]) == ("calls", 12)
    assert calls["first"]["entry"] in calls["examples"]
    assert document["inventories"][1]["rows"][0]["name"] == "api.example.com"
    empty = report_json(report([]))
    assert empty["entries"] == {"topic": "entries", "words": "entries of this period", "count": 0, "first": None, "last": None, "examples": []}


# -- the page


class Page(HTMLParser):
    """All tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><style>*{display:none}", "a\u202eb", "line\nbreak\x1b[31m", "&lt;b&gt;", "\U000e0041",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_of_the_record_stays_text(name: str) -> None:
    story = Story(approver="ada", hosts=("h",))
    bodies = {
        "intent": {"package": name, "tool": name, "agent": {"name": name}},
        "result": {"outcome": name, "hosts": [name]},
        "refused": {"code": name, "by": name},
    }
    events = [*auditlogs.runs(story), *(story.event(kind, body) for kind, body in bodies.items())]
    plain = Page(report_html(report(auditlogs.runs(story))))
    found = report_html(report(events, integrity=Integrity(level="signed", reason=name, log_id=name, entries=1)))
    page = Page(found)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    assert not any(key.startswith("on") or key in {"src", "action", "style"} for _, attrs in page.tags for key in attrs)
    assert not any(not one.isprintable() and one != "\n" for one in found)
    assert "alert(1)" in page.text or "<script" not in name


def test_the_page_loads_and_runs_nothing() -> None:
    text = report_html(report(auditlogs.some_days()))
    page = Page(text)
    assert not page.named("script") + page.named("link") + page.named("img") + page.named("iframe")
    policy = next(one["content"] for one in page.named("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")
    assert not re.search(r"https?://|url\(|@import", text)


def test_the_page_can_be_read_by_all() -> None:
    page = Page(report_html(report(auditlogs.some_days())))
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    assert len(page.named("caption")) == len(page.named("table"))
    assert all(one.get("scope") in {"row", "col"} for one in page.named("th"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {str(one["href"])[1:] for one in page.named("a")} <= set(ids)
    assert all(one.get("aria-labelledby") in ids for one in page.named("section"))


def test_what_the_page_says() -> None:
    text = Page(report_html(report(auditlogs.some_days(), Period(since=NOW - 5, until=NOW + 9 * DAY)))).text
    for demand in DEMANDS:
        assert f"{demand.id} {demand.title}" in text
        assert all(one in text for one in demand.blanks)
    assert "signed for 12 entries: all entries stand under signatures" in text
    assert "2025-12-31 23:59:55 UTC to 2026-01-10 00:00:00 UTC" in text
    assert text.count("blank: to be written by a person") == sum(len(one.blanks) for one in DEMANDS)


def test_an_empty_record_has_a_page_too() -> None:
    text = Page(report_html(report([]))).text
    assert "no limit to no limit" in text
    assert "None in this period." in text
    assert "The record has no entry that bears on it." in text
    assert "The record has entries that bear on it." not in text


def test_names_without_room_are_counted_on_the_page() -> None:
    findings = Findings(Period())
    for seq in range(ROWS_MAX + 1):
        findings.add(Line(seq, NOW, "refused", "local", "", {"code": f"x.{seq}"}, {}))
    assert "1 more entries have names" in Page(report_html(report_of(findings, SIGNED, NOW))).text


@pytest.mark.parametrize(("level", "look"), [("broken", "bad"), ("chained", "doubt"), ("signed", "good"), ("witnessed", "good")])
def test_the_verdict_looks_like_what_it_is(level: str, look: str) -> None:
    page = Page(report_html(report([], integrity=Integrity(level=level, reason="", log_id="", entries=0))))
    assert page.named("strong")[0]["class"] == f"level {look}"


def test_it_never_says_that_a_law_is_kept() -> None:
    for found in (report([]), report(auditlogs.some_days())):
        words = (Page(report_html(found)).text + json.dumps(report_json(found))).lower()
        assert not re.search(r"\b(compliant|complies|comply|conforms|certified|fulfil(s|led)|satisfied|passed)\b", words)
        assert "it does not say that any law or framework is kept" in words


def test_commands_stand_out_and_are_not_broken_over_lines() -> None:
    text = report_html(report(auditlogs.some_days()))
    assert '<code class="command">mpp audit show 123</code>' in text
    assert "`" not in text
