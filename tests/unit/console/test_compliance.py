"""Compliance reports in the console: the same as the command writes, bounded, with their limits said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.console.pages import compliance as page_of_compliance
from mpp.console.views.compliance import Asked, period_of, usual
from mpp.errors import Refused
from mpp.host.audit import compliance as gathering
from mpp.host.audit.compliance import compliance_report
from mpp.stages.audit.report import Period, report_html, report_json
from mpp.testing.packages import NOW
from tests.auditlogs import DAY, runs, some_days, Story, write
from tests.unit.console.conftest import Console, make_console
from tests.unit.console.hostile import HOSTILE, is_harmless, TURNED

ALL = {"since": "", "until": ""}


def test_without_a_record(console: Console) -> None:
    assert "There is no record yet" in console.get("/compliance").words
    assert "audit.empty" in console.post("/compliance", ALL).words
    assert console.post("/compliance/report.json", ALL).status == 400


def test_the_page_begins_with_the_last_quarter_and_says_what_it_is_not(busy: Console) -> None:
    page = busy.get("/compliance")
    assert 'value="2025-10-07"' in page.text
    assert "It never says that a law is kept." in page.words
    assert "salted commitments" in page.words
    assert "GDPR" not in page.words.partition("What it is not")[2].partition("Arguments")[0]


def test_a_report_is_shown_with_evidence_gaps_and_blanks(busy: Console) -> None:
    page = busy.post("/compliance", ALL)
    assert page.status == 200
    for words in (
        "signed",
        "GDPR",
        "HIPAA",
        "EU AI Act",
        "NIST AI RMF",
        "Entries bear on",
        "That is no verdict",
        "What the record does not show",
        "For a person to write",
    ):
        assert words in page.words, words
    assert "mpp audit show" in page.words
    assert "com.example.crm" in page.words
    assert "from the beginning to now" in page.words


def test_what_is_shown_is_what_the_command_writes(busy: Console) -> None:
    report = compliance_report(busy.desk.home.log, Period(), busy.desk.now())
    assert json.loads(busy.post("/compliance/report.json", ALL).body) == report_json(report)
    saved = busy.post("/compliance/report.html", ALL)
    assert saved.text == report_html(report)
    assert saved.header("content-disposition") == 'attachment; filename="compliance-report-beginning-to-2026-01-05.html"'
    assert saved.header("cache-control") == "no-store"
    page = busy.post("/compliance", ALL)
    for control in report.controls:
        assert control.title in page.words
        for one in control.evidence:
            assert f"{one.count:,}" in page.words


def test_a_period_counts_its_days_whole(busy: Console) -> None:
    whole = json.loads(busy.post("/compliance/report.json", ALL).body)
    second = json.loads(busy.post("/compliance/report.json", {"since": "2026-01-02", "until": "2026-01-02"}).body)
    assert 0 < second["entries"]["count"] < whole["entries"]["count"]
    days = [
        json.loads(busy.post("/compliance/report.json", {"since": f"2026-01-0{day}", "until": f"2026-01-0{day}"}).body)["entries"]["count"]
        for day in range(1, 5)
    ]
    assert sum(days) == whole["entries"]["count"]


def test_a_deep_report_reads_every_entry(busy: Console) -> None:
    assert "signed" in busy.post("/compliance", {**ALL, "deep": "yes"}).words


def test_a_record_that_does_not_hold_gives_a_report_that_says_so(busy: Console) -> None:
    segment = next(path for path in Path(busy.desk.home.log.segments).iterdir() if path.suffix == ".jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"intruder", b"intrudes"))
    page = busy.post("/compliance", ALL)
    assert '<span class="badge bad">broken</span>' in page.text


@pytest.mark.parametrize(
    ("since", "until"), [("yesterday", ""), ("2026-13-01", ""), ("", "0001-01-01"), ("9999-12-31", ""), ("2026-02-01", "2026-01-01"), (HOSTILE, "")]
)
def test_days_that_are_none(busy: Console, since: str, until: str) -> None:
    page = busy.post("/compliance", {"since": since, "until": until})
    assert page.status == 200
    assert "usage.time" in page.words
    assert "<img" not in page.text
    assert busy.post("/compliance/report.html", {"since": since, "until": until}).status == 400


def test_days_in_seconds() -> None:
    assert period_of(Asked(since="2026-01-01", until="2026-01-01", deep=False)) == Period(since=NOW, until=NOW + DAY - 1)
    assert period_of(Asked(since="", until="", deep=False)) == Period()
    assert usual(NOW).since == "2025-10-03"
    assert usual(0).since == "1970-01-01"
    with pytest.raises(Refused):
        period_of(Asked(since="", until="x", deep=False))


def test_one_report_is_made_once_until_the_record_grows(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Period] = []

    def counted(places: object, period: Period, now: int, **more: object) -> object:
        made.append(period)
        return compliance_report(places, period, now, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(page_of_compliance, "compliance_report", counted)
    busy.post("/compliance", ALL)
    busy.post("/compliance/report.html", ALL)
    busy.post("/compliance/report.json", ALL)
    assert len(made) == 1
    busy.post("/compliance", {"since": "2026-01-02", "until": ""})
    assert len(made) == 2
    write(busy.home, runs(Story(number=77, at=NOW + 3 * DAY)), now=NOW + 3 * DAY)
    busy.post("/compliance", {"since": "2026-01-02", "until": ""})
    assert len(made) == 3


def test_a_record_that_is_too_long_for_a_page(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "TOLD_EVERY", 10)
    monkeypatch.setattr(page_of_compliance, "ENTRIES_MAX", 50)
    page = busy.post("/compliance", ALL)
    assert "the record has more than 50 entries" in page.words
    assert "mpp audit report" in page.words


def test_a_long_inventory_is_cut_on_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    write(folder, [event for number in range(1, 60) for event in runs(Story(number=number, agent=f"agent-{number}"))])
    page = make_console(folder).post("/compliance", ALL)
    assert "more names: see the file" in page.words


def test_names_in_the_record_are_text(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    hostile = [replace(event, body={**event.body, "tool": HOSTILE + TURNED, "package": "<img src=x onerror=alert(1)>"}) for event in some_days(1, 2)]
    write(folder, hostile)
    page = make_console(folder).post("/compliance", ALL)
    assert is_harmless(page)


def test_a_console_that_only_shows_makes_reports(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    write(folder, some_days(1, 1))
    shown = make_console(folder, read_only=True)
    assert shown.post("/compliance", ALL).status == 200
    assert shown.post("/compliance/report.json", ALL).status == 200
    assert shown.post("/compliance/report.json", ALL, form_token="wrong").status == 403
    assert shown.get("/compliance/report.json").status == 405
