"""``mpp audit report``: files that are whole, a verdict that was just made, and a period."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY
from tests.cli.conftest import Mpp


@pytest.fixture
def places(home: Path) -> LogPlaces:
    auditlogs.write(home, auditlogs.some_days(), seal_every=50)
    return Home(path=str(home)).log


def document(path: str = "compliance-report/compliance-report.json") -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_both_forms_into_a_folder(mpp: Mpp, places: LogPlaces) -> None:
    answer = mpp("audit", "report", "--now", NOW)
    assert answer.code == 0, answer.err
    assert "the record is signed" in answer.out
    found = document()
    assert found["made_at"] == NOW
    assert found["integrity"]["level"] == "signed"
    assert found["integrity"]["log_id"] == LogReader(places).entry(0).leaf
    assert found["entries"]["count"] == found["integrity"]["entries"] == LogReader(places).last() + 1
    page = Path("compliance-report/compliance-report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert found["integrity"]["log_id"] in page
    assert {one.name for one in Path("compliance-report").iterdir()} == {"compliance-report.html", "compliance-report.json"}
    assert all(one.stat().st_mode & 0o077 == 0 for one in Path("compliance-report").iterdir())


def test_one_form_into_a_file(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "report", "--format", "json", "--out", "r.json", "--json").json == {
        "ok": True, "files": ["r.json"], "entries": LogReader(places).last() + 1, "integrity": "signed",
    }  # fmt: skip
    assert document("r.json")["mpp_report"] == 1
    assert mpp("audit", "report", "--format", "html").code == 0
    assert Path("compliance-report.html").exists()
    assert not Path("compliance-report").exists()


def test_a_period(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "report", "--since", "2026-01-02", "--until", "2026-01-02", "--out", "q").code == 0
    found = document("q/compliance-report.json")
    assert found["period"] == {"since": NOW + DAY, "until": NOW + 2 * DAY - 1}
    calls = next(one for one in found["controls"] if one["id"] == "12")["evidence"][1]
    assert calls["count"] == 4
    assert NOW + DAY <= calls["first"]["at"] <= calls["last"]["at"] < NOW + 2 * DAY
    assert mpp("audit", "report", "--since", "1d", "--now", NOW + 3 * DAY, "--out", "d").code == 0
    assert document("d/compliance-report.json")["period"]["since"] == NOW + 2 * DAY


def test_evidence_can_be_looked_at_and_proven(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "report").code == 0
    for control in document()["controls"]:
        for evidence in control["evidence"]:
            if evidence["topic"] == "denied":
                assert mpp("audit", "show", evidence["examples"][0], "--json").json["body"]["effect"] == "deny"
            for seq in evidence["examples"][:1]:
                assert LogReader(places).entry(seq).seq == seq


def test_a_record_that_was_changed_is_said_to_be(mpp: Mpp, places: LogPlaces) -> None:
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes().replace(b"com.example.hello", b"com.example.jello", 1))
    answer = mpp("audit", "report", "--deep")
    assert answer.code == 0, "the report says it, and names what it can"
    assert "the record is broken" in answer.out
    found = document()
    assert found["integrity"]["level"] == "broken"
    assert found["integrity"]["entries"] == 0
    assert all(any("does not hold" in one for one in control["missing"]) for control in found["controls"])


def test_a_long_read_is_explained(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.audit.compliance.TOLD_EVERY", 100)
    assert "Read: 100 entries" in mpp("audit", "report").err


def test_where_there_is_no_record(mpp: Mpp) -> None:
    answer = mpp("audit", "report")
    assert (answer.code, "[audit.empty]" in answer.err) == (27, True)
    assert not Path("compliance-report").exists()


def test_wrong_words(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "report", "--format", "pdf").code == 2
    assert mpp("audit", "report", "--since", "soon").code == 2
    Path("taken").write_text("a file")
    assert mpp("audit", "report", "--out", "taken").code == 1


def test_a_line_that_is_none_is_passed_over(mpp: Mpp, home: Path) -> None:
    auditlogs.write(home, auditlogs.stopped("p"))
    path = Path(Home(path=str(home)).log.segment(0))
    path.write_bytes(path.read_bytes().rstrip(b"\0") + b"noise\n")
    assert mpp("audit", "report").code == 0
    assert document()["entries"]["count"] == 2
