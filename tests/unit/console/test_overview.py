"""The first page: numbers that are those of the record, what needs attention, and a record that is what it says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mpp.console import checking
from mpp.console.pages import asking, overview as pages
from mpp.console.pages.recording import record_state
from mpp.console.views.overview import Facts, in_bars, needs, overview, RecordState
from mpp.console.views.health import verified_of
from mpp.console.views.periods import BARS_MAX, label, period_of, PERIODS, words
from mpp.host.audit.index_calls import SPANS
from mpp.host.audit.listing import Numbers, span_for
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_list import WitnessList
from mpp.host.home import Home
from mpp.ledger.notes import cosign_text, COSIGNATURE, NoteKey, write_note
from mpp.stages.audit import Seen
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY, Story
from tests.unit.console.conftest import Console, make_console

TIMES = {"policy_us": 400, "approval_us": 10, "audit_us": 900, "sandbox_us": 25_000, "privacy_us": 70}
RECORD = RecordState(
    entries=10, segments=1, pruned=0, size=5000, signed=10, signed_at=NOW, log_id="ab" * 32, witnesses=("w",), seen=(Seen(name="w", at=NOW),), seen_size=10, fault="",
)  # fmt: skip
QUIET = Facts(pending=(), held=0, stops=0, record=RECORD, verified=None)


def counted(**changes: object) -> Numbers:
    base = {
        "since": NOW - DAY, "until": NOW, "span": 300, "endings": {}, "tools": (), "agents": (), "redactions": (), "risks": (), "codes": (),
        "times": dict.fromkeys(("policy", "approval", "audit", "sandbox", "privacy"), ()), "first": None,
    }  # fmt: skip
    return Numbers(**{**base, **changes})


# -- periods


@pytest.mark.parametrize("name", list(PERIODS))
@given(now=some.integers(0, 253_402_300_799), first=some.one_of(some.none(), some.integers(0, 253_402_300_799)))
def test_a_period_has_few_bars_ends_now_and_fits_the_slots(name: str, now: int, first: int | None) -> None:
    period = period_of(name, now, first)
    assert 1 <= len(period.begins) <= BARS_MAX
    assert period.since <= now < period.begins[-1] + period.step
    assert period.step % min(SPANS) == 0
    span = span_for(period.until - period.since)
    # A slot of the index never lies in two bars.
    assert period.step % span == 0
    assert all(begin % span == 0 for begin in period.begins)
    assert period.name == name
    if name == "all" and first is not None and first <= now:
        assert period.since <= first


def test_an_unknown_period_is_the_usual_one() -> None:
    assert period_of("<script>", NOW, None).name == "day"


@pytest.mark.parametrize(
    ("step", "short", "full"),
    [
        (1800, "00:00", "1 Jan, 00:00 to 00:30"),
        (DAY, "1 Jan", "1 January 2026"),
        (7 * DAY, "1 Jan", "1 Jan 2026 to 7 Jan 2026"),
        (365 * DAY, "Jan 2026", "1 Jan 2026 to 31 Dec 2026"),
    ],
)
def test_bars_are_named(step: int, short: str, full: str) -> None:
    assert (label(NOW, step), words(NOW, step)) == (short, full)


# -- from numbers to charts


@given(some.lists(some.tuples(some.integers(NOW - 2 * DAY, NOW + DAY), some.integers(1, 50)), max_size=60))
def test_slots_are_put_into_their_bars(slots: list[tuple[int, int]]) -> None:
    period = period_of("day", NOW, None)
    expected = Counter[int]()
    for at, count in slots:
        for place, begin in enumerate(period.begins):
            if begin <= at < begin + period.step:
                expected[place] += count
    assert in_bars(slots, period) == [expected[place] for place in range(len(period.begins))]


def test_an_overview_of_nothing_is_whole() -> None:
    found = overview(counted(), period_of("day", NOW, None), QUIET, NOW)
    assert (found.over_time.drawing, found.risk.drawing, found.refusals.drawing, found.tools, found.measured) == ("", "", "", (), 0)
    assert [one.number for one in found.figures] == ["0", "0", "0", "0", "0"]
    assert found.needs == ()


def test_what_there_is_leads_to_the_calls() -> None:
    numbers = counted(
        endings={"ok": ((NOW - 600, 7),), "denied": ((NOW - 600, 2),)}, tools=(("com.x/read", 7),), agents=(("a&b", 7),), risks=(("70", 2), ("0", 7)),
        codes=(("policy.denied", 2),), redactions=(("email", 4),), times={"policy": (1, 2, 3), "sandbox": (9,)},
    )  # fmt: skip
    period = period_of("day", NOW, None)
    found = overview(numbers, period, QUIET, NOW)
    window = f"since={period.since}&until={period.until}"
    assert found.tools[0].href == f"/calls?package=com.x&tool=read&{window}"
    assert found.agents[0].href == f"/calls?agent=a%26b&{window}"
    assert found.codes[0].href == f"/calls?code=policy.denied&{window}"
    assert [one.name for one in found.over_time.legend] == ["Ran", "Denied by policy"]
    assert "9 calls" in found.over_time.words
    assert "2 have 70 or more" in found.risk.words
    assert [one.number for one in found.figures] == ["7", "0", "2", "0", "4"]
    assert found.measured == 3


# -- what needs attention


def attention(numbers: Numbers | None = None, **changes: object) -> list[tuple[str, str]]:
    facts = Facts(**{name: changes.get(name, getattr(QUIET, name)) for name in ("pending", "held", "stops", "record", "verified")})
    numbers = numbers or counted()
    total = Counter({name: sum(count for _, count in slots) for name, slots in numbers.endings.items()})
    return [(one.tone, one.words) for one in needs(total, numbers, facts, period_of("day", NOW, None), NOW)]


def record(**changes: object) -> RecordState:
    fields = {
        name: getattr(RECORD, name)
        for name in ("entries", "segments", "pruned", "size", "signed", "signed_at", "log_id", "witnesses", "seen", "seen_size", "fault")
    }
    return RecordState(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "tone", "said"),
    [
        ({"pending": (NOW - 7200, NOW)}, "careful", "2 calls wait for a person, the oldest for 2 hours"),
        ({"pending": (NOW,)}, "careful", "1 call waits for a person"),
        ({"held": 3}, "careful", "3 definitions of older servers"),
        ({"stops": 1}, "careful", "1 stop in force"),
        ({"record": record(signed=9)}, "careful", "1 entry at the end of the record has no signature"),
        ({"record": record(signed=7)}, "careful", "3 entries at the end of the record have no signature"),
        ({"record": record(fault="it breaks off")}, "bad", "it breaks off"),
        ({"record": record(witnesses=(), seen=())}, "careful", "No witness watches the record"),
        ({"record": record(seen=())}, "careful", "No witness has seen the record yet"),
        ({"record": record(seen=(Seen(name="w", at=NOW - 3 * DAY),))}, "careful", "No witness has seen the record since 2025-12-29"),
        ({"verified": verified_of({"verdict": "broken", "reason": "a line is gone"}, NOW)}, "bad", "The record does not hold: a line is gone"),
        ({"numbers": counted(endings={"failed": ((NOW, 2),), "ok": ((NOW, 9),)})}, "bad", "2 of 11 calls that ran did not end well"),
        ({"numbers": counted(endings={"denied": ((NOW, 2),), "refused": ((NOW, 1),)})}, "careful", "2 calls denied by policy, 1 call refused"),
        ({"numbers": counted(risks=(("90", 2),))}, "careful", "2 calls with a risk of 70 or more"),
    ],
)
def test_what_needs_somebody_is_said(changes: dict[str, object], tone: str, said: str) -> None:
    (found,) = attention(**changes)  # type: ignore[arg-type]
    assert found[0] == tone
    assert said in found[1]


def test_what_is_in_order_is_not_said_and_the_worst_comes_first() -> None:
    assert attention(verified=verified_of({"verdict": "signed", "covered": {"signed": 10}}, NOW)) == []
    assert attention(counted(endings={"failed": ((NOW, 1),), "ok": ((NOW, 99),)})) == []
    assert attention(record=None) == []
    found = attention(pending=(NOW,), verified=verified_of({"verdict": "broken", "reason": "x"}, NOW))
    assert [tone for tone, _ in found] == ["bad", "careful"]


# -- the page


def measured_home(folder: Path) -> Path:
    folder.mkdir()
    story = Story(number=1, at=NOW, more={"measured": TIMES, "redactions": [{"type": "email", "count": 3}]})
    auditlogs.write(folder, [*auditlogs.runs(story), *auditlogs.denied(Story(number=2, at=NOW + 60, risk=81)), *auditlogs.asks(Story(number=3, at=NOW + 120))])
    return folder


def test_an_empty_home_has_an_overview_and_gets_no_record_by_it(console: Console) -> None:
    page = console.get("/")
    assert page.status == 200
    assert "There is no record yet" in page.words
    assert page.text.count('<svg class="columns') == 0
    assert not (console.home / "audit").exists()


@pytest.mark.parametrize("period", [*PERIODS, "nonsense"])
def test_each_period_is_a_page(busy: Console, period: str) -> None:
    page = busy.get(f"/?period={period}")
    assert page.status == 200
    current = PERIODS.get(period, PERIODS["day"])[0]
    assert re.search(rf'aria-current="page">{current}<', page.text)


def test_the_numbers_are_those_of_the_record(tmp_path: Path) -> None:
    console = make_console(measured_home(tmp_path / "home"), now=NOW + 3600)
    page = console.get("/?period=day")
    for said in (
        "3 calls, by how they ended",
        "Denied by policy 1",
        "Asked a person 1",
        "400 µs",
        "25 ms",
        "email",
        "3",
        "greet com.example.hello",
        "claude",
        "policy.denied",
        "Of 1 call.",
    ):
        assert said in page.words, said
    drawings = re.findall(r'<svg class="columns[ "].*?</svg>', page.text, flags=re.DOTALL)
    assert len(drawings) == 3
    for one in drawings:
        ET.fromstring(one)
    # Each drawing has its numbers in a table behind it, and each bar of it leads to its calls.
    assert page.text.count("<summary>The numbers</summary>") == 3
    (bar,) = set(re.findall(r'<a href="(/calls\?since=\d+&amp;until=\d+)" tabindex', drawings[0]))
    listed = console.get(bar.replace("&amp;", "&"))
    assert len(set(re.findall(r"/calls/([0-9a-f]{32})", listed.text))) == 3


def test_no_identity_stands_twice_on_a_page(busy: Console) -> None:
    for path in ("/?period=week", "/calls", f"/calls/{Story(number=2, approver='ada').invocation}"):
        found = re.findall(r'\sid="([^"]+)"', busy.get(path).text)
        assert len(found) == len(set(found)), [one for one, many in Counter(found).items() if many > 1]


def test_the_page_needs_no_style_and_no_script_of_its_own(busy: Console) -> None:
    for path in ("/?period=week", "/calls", f"/calls/{Story(number=2, approver='ada').invocation}"):
        text = busy.get(path).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text)
        assert set(re.findall(r'(?:src|href)="(https?:[^"]*)"', text)) == set()


def test_what_was_verified_on_another_page_stands_here_too(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"ok": True, "verdict": "signed", "reason": "all of it", "covered": {"signed": 128}, "notes": [], "faults": []}
    monkeypatch.setattr(checking, "_answer", lambda _words, _home: said)
    assert "not since this console was started" in busy.get("/").words
    assert busy.post("/health/verify").status == 303
    assert re.search(r"Verified here signed all of it ?, entries 0 to 127, at", busy.get("/").words)
    said |= {"verdict": "broken", "reason": "a line is gone"}
    assert busy.post("/health/verify").status == 303
    assert "The record does not hold: a line is gone" in busy.get("/").words
    # Another console over the same home has verified nothing.
    assert "not since this console was started" in make_console(busy.home).get("/").words


def test_the_state_of_a_damaged_record_is_told_and_breaks_no_page(busy: Console) -> None:
    log = Home(path=str(busy.home)).log
    Path(log.checkpoint).write_bytes(b"nothing\n")
    found = record_state(busy.desk)
    assert found is not None
    assert found.fault
    page = busy.get("/")
    assert page.status == 200
    assert "The state of the record cannot be read" in page.words
    Path(log.checkpoint).unlink()
    assert "there is no checkpoint yet" in busy.get("/").words


def test_witnesses_are_named_and_when_they_saw_it(busy: Console) -> None:
    log, signer = Home(path=str(busy.home)).log, fixed_signer("witness")
    key = NoteKey(name="w.example", algorithm=COSIGNATURE, public=signer.public_key)
    WitnessList(log).add("one", "https://w.example", str(key))
    page = busy.get("/")
    assert re.search(r"w\.example ?: nothing seen yet", page.words)
    assert "No witness has seen the record yet" in page.words
    note = LogReader(log).checkpoint()[0]
    Path(log.witnessed).write_bytes(write_note(note.text, (*note.signatures, cosign_text(note.text, key.name, signer, busy.desk.now()))))
    page = busy.get("/")
    assert re.search(r"w\.example at 2026-01-05 00:00:00 UTC ?, up to entry \d+", page.words)
    assert "No witness" not in page.words
    # Not this checkpoint, but the one that was witnessed: a signature that nobody known made counts for nothing.
    Path(log.witnessed).write_bytes(write_note(note.text, (*note.signatures, cosign_text(note.text, "other", fixed_signer("other"), busy.desk.now()))))
    assert "No witness has seen the record yet" in busy.get("/").words


def test_a_long_record_is_indexed_beside(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AT_ONCE_MAX", 5)
    monkeypatch.setattr(asking._BUSY, "begin", lambda _places: None)
    for period in ("day", "all"):
        assert "Reading the record" in busy.get(f"/?period={period}").words


def test_pending_questions_and_stops_are_counted(busy: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_pending", lambda _desk, now: (now - 60,))
    monkeypatch.setattr(pages, "_stops", lambda _desk: 2)
    page = busy.get("/")
    assert "1 call waits for a person, the oldest for 1 minute" in page.words
    assert "2 stops in force" in page.words
