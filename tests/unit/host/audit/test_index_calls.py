"""Calls as a whole in the search index: what a plain look at all entries counts, in every way the log is cut into batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.host.audit import index, listing
from mpp.host.audit.index import ask
from mpp.host.audit.index_calls import CallRow, ENDINGS, ending_of
from mpp.host.audit.listing import calls, CallsWanted, numbers, Numbers, span_for
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit import Condition, glance, told_of
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY, Story

ANY = CallsWanted(words={})
TIMES = {"policy_us": 400, "approval_us": 10, "audit_us": 900, "sandbox_us": 25_000, "privacy_us": 70, "raw_bytes": 120}


def story(number: int, **more: object) -> Story:
    redactions = [{"type": "email", "count": number % 4}, {"type": "iban", "count": 1}]
    return replace(Story(number=number, at=NOW + number * 700, more={"measured": TIMES, "redactions": redactions}), **more)


def events() -> list[Event]:
    found = auditlogs.some_days(days=2, calls=3)
    for number in range(20, 26):
        found += auditlogs.runs(story(number, tool=f"tool-{number % 2}", risk=number * 5))
    found += auditlogs.runs(story(30, outcome="sandbox.timeout", agent=""))
    found += auditlogs.asks(story(31))
    found += auditlogs.denied(story(32))
    found += auditlogs.refused(story(33))
    found += [event for event in auditlogs.runs(story(34)) if event.kind != "result"]
    found += [Event(kind="interrupted", at=NOW, tenant="local", invocation=story(35).invocation, body={"entry": 3, "package": "p", "tool": "t"})]
    return found


def made(folder: Path) -> LogPlaces:
    auditlogs.write(folder, events(), seal_every=37)
    return Home(path=str(folder)).log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> LogPlaces:
    return made(tmp_path_factory.mktemp("log"))


def found(log: LogPlaces, wanted: CallsWanted = ANY, limit: int = 500, **more: int) -> tuple[CallRow, ...]:
    return ask(log, lambda connection: calls(connection, wanted, limit, **more))


def plainly(log: LogPlaces) -> list[str]:
    """Every id of a call, in the order in which they begin."""
    lines = [line for data in LogReader(log).lines() if (line := glance(data)) is not None and line.invocation]
    return list(dict.fromkeys(line.invocation for line in lines if line.kind in {"agent", "decision", "intent", "result", "refused", "interrupted"}))


def of(log: LogPlaces, number: int) -> CallRow:
    return next(one for one in found(log) if one.invocation == story(number).invocation)


def test_each_call_is_there_once_the_newest_first(log: LogPlaces) -> None:
    assert [one.invocation for one in found(log)] == plainly(log)[::-1]
    assert len({one.id for one in found(log)}) == len(plainly(log))


def test_a_row_says_what_all_entries_of_the_call_say(log: LogPlaces) -> None:
    one = of(log, 21)
    assert one == CallRow(
        id=one.id, invocation=story(21).invocation, at=story(21).at, tenant="local", agent="claude", package="com.example.hello", tool="tool-1",
        decision="allow", ending="ok", code="", risk=105, redactions=2, us=26_380,
    )  # fmt: skip
    assert (of(log, 30).ending, of(log, 30).code, of(log, 30).agent) == ("failed", "sandbox.timeout", "")
    assert [of(log, number).ending for number in (31, 32, 33, 34, 35)] == ["asked", "denied", "refused", "", "interrupted"]
    assert of(log, 32).code == "policy.denied"


@pytest.mark.parametrize("batch", [1, 2, 7, 50])
def test_it_is_the_same_however_it_is_cut_into_batches(tmp_path: Path, log: LogPlaces, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", batch)
    other = made(tmp_path)
    assert found(other) == found(log)
    window = (NOW - DAY, NOW + 9 * DAY)
    assert ask(other, lambda connection: numbers(connection, *window, 50)) == ask(log, lambda connection: numbers(connection, *window, 50))


@pytest.mark.parametrize(
    ("wanted", "numbers_of"),
    [
        (CallsWanted(words={"tool": ("tool-1",)}), [21, 23, 25]),
        (CallsWanted(words={"tool": ("tool-*",)}), [20, 21, 22, 23, 24, 25]),
        (CallsWanted(words={"tool": ("tool-0", "nothing")}, risk=111), [24]),
        (CallsWanted(words={"ending": ("denied",), "agent": ("claude",)}), [32]),
        (CallsWanted(words={"code": ("sandbox.*",)}), [30]),
        (CallsWanted(words={}, running=True), [34]),
        (CallsWanted(words={}, beginning=story(33).invocation[:9]), [33]),
        (CallsWanted(words={}, since=story(32).at, until=story(33).at), [32, 33]),
        (CallsWanted(words={}, conditions=(Condition("rule", ("no-strangers",)),), since=story(20).at, until=story(40).at), [32]),
        (CallsWanted(words={"agent": ("nobody",)}), []),
        (CallsWanted(words={}, anywhere=("OOL-1",)), [21, 23, 25]),
        (CallsWanted(words={}, anywhere=("tool-1", "claude", "example.hello"), risk=120), [25]),
        (CallsWanted(words={}, anywhere=("timeout",)), [30]),
        (CallsWanted(words={}, anywhere=("%",)), []),
        (CallsWanted(words={}, conditions=(Condition("outcome", ("sandbox.timeout",)), Condition("content", (story(30).content[:9] + "*",)))), [30]),
        (CallsWanted(words={"tool": ()}, conditions=(Condition("host", ("*",)), Condition("user", ("nobody",)))), []),
    ],
)
def test_calls_are_found_by_what_they_say(log: LogPlaces, wanted: CallsWanted, numbers_of: list[int]) -> None:
    known = {story(number).invocation: number for number in range(20, 40)}
    assert [known.get(one.invocation, one) for one in reversed(found(log, wanted))] == numbers_of


def test_pages_follow_each_other_in_both_directions(log: LogPlaces) -> None:
    whole = found(log)
    first = found(log, limit=4)
    assert first == whole[:4]
    second = found(log, limit=4, before=first[-1].id)
    assert second == whole[4:8]
    assert found(log, limit=4, after=second[0].id) == whole[:4]
    assert found(log, limit=4, after=whole[0].id) == ()
    assert found(log, limit=4, before=whole[-1].id) == ()


def window(log: LogPlaces, since: int, until: int, rows: int = 50) -> Numbers:
    return ask(log, lambda connection: numbers(connection, since, until, rows))


def test_the_numbers_are_those_of_a_plain_count(log: LogPlaces) -> None:
    lines = [line for data in LogReader(log).lines() if (line := glance(data)) is not None]
    ends = Counter(end for line in lines if (end := ending_of(line, told_of(line))))
    tools = Counter(f"{told_of(line).package}/{told_of(line).tool}" for line in lines if line.kind == "intent")
    counted = window(log, NOW - DAY, NOW + 9 * DAY)
    assert {name: sum(many for _, many in slots) for name, slots in counted.endings.items()} == dict(ends)
    assert set(ends) == set(ENDINGS)
    assert dict(counted.tools) == dict(tools)
    assert counted.redactions == (("email", sum(number % 4 for number in (20, 21, 22, 23, 24, 25, 30))), ("iban", 7))
    assert dict(counted.risks)["90"] >= 4
    assert ("policy.denied", 3) in counted.codes
    assert counted.times["sandbox"] == (25_000,) * 7
    assert counted.first == min(line.at for line in lines if line.seq == 0)


def test_a_window_counts_what_lies_in_it(log: LogPlaces) -> None:
    at = story(20).at
    counted = window(log, at, at + 600)
    assert counted.span == 300
    assert counted.since == at - at % 300
    assert counted.endings == {"ok": ((at + 1 - (at + 1) % 300, 1),)}
    assert counted.times["policy"] == (400,)
    nothing = window(log, NOW + 90 * DAY, NOW + 91 * DAY)
    assert (nothing.endings, nothing.tools, nothing.times["policy"]) == ({}, (), ())
    assert len(window(log, NOW - DAY, NOW + 9 * DAY, rows=1).tools) == 1


@pytest.mark.parametrize(("seconds", "span"), [(3600, 300), (DAY, 300), (7 * DAY, 3600), (30 * DAY, DAY), (4000 * DAY, DAY)])
def test_a_window_has_few_slots_until_it_is_years(seconds: int, span: int) -> None:
    assert span_for(seconds) == span


def test_only_the_newest_times_are_looked_at(log: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SAMPLE_MAX", 2)
    assert len(window(log, NOW - DAY, NOW + 9 * DAY).times["audit"]) == 2


def test_what_makes_no_sense_is_not_counted(tmp_path: Path) -> None:
    """Attack: a record whose results say times below zero, redactions that are no numbers, an id that is none, and risks beyond all bounds."""
    odd = [{"type": "email", "count": -5}, {"type": 7, "count": 1}, {"count": 2}, "x", {"type": "iban", "count": "9"}]
    strange = {"sandbox_us": -4, "policy_us": "7", "audit_us": True, "privacy_us": 12}
    worst = story(1, risk=10**9, more={"redactions": odd, "measured": strange})
    nameless = Event(kind="result", at=NOW, tenant="local", invocation="not an id", body={"outcome": "ok", "redactions": 3, "measured": 4})
    auditlogs.write(tmp_path, [*auditlogs.runs(worst), nameless])
    log = Home(path=str(tmp_path)).log
    assert [(one.us, one.redactions, one.risk) for one in found(log)] == [(12, 0, 10**9)]
    counted = window(log, NOW - DAY, NOW + DAY)
    assert counted.redactions == ()
    assert counted.risks == (("90", 1),)
    assert counted.times == {"policy": (), "approval": (), "audit": (), "sandbox": (), "privacy": (12,)}
