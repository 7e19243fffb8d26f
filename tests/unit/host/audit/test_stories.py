"""Calls from intent to end."""

from __future__ import annotations

import pytest

from mpp.errors import Fault
from mpp.host.audit import stories
from mpp.host.audit.stories import NOTES_MAX, Stories
from mpp.model.events import Event
from mpp.stages.audit.entry import Entry


def tell(found: Stories, *told: tuple[str, str, int], since_pruned: bool = False) -> list[Fault]:
    out: list[Fault] = []
    for seq, (kind, call, at) in enumerate(told):
        event = Event(kind=kind, at=at, tenant="t", invocation=call, body={})
        out += found.tell(Entry(seq=seq, prev="", leaf="", event=event), f"entry {seq}", since_pruned=since_pruned)
    return out


def test_calls_that_end_leave_nothing_to_say() -> None:
    found = Stories()
    assert tell(found, ("intent", "a", 1), ("intent", "b", 1), ("agent", "c", 1), ("interrupted", "a", 2), ("result", "b", 2)) == []
    assert found.notes() == []


def test_what_has_no_beginning_or_ends_twice_is_a_fault() -> None:
    faults = tell(Stories(), ("result", "a", 1), ("intent", "b", 1), ("intent", "b", 1), ("result", "b", 1), ("interrupted", "b", 1))
    assert [(fault.code, fault.where) for fault in faults] == [("audit.entry", "entry 0"), ("audit.entry", "entry 2"), ("audit.entry", "entry 4")]


def test_what_may_have_begun_before_pruned_entries_is_none() -> None:
    assert tell(Stories(), ("result", "a", 1), since_pruned=True) == []


def test_what_has_no_end_is_said() -> None:
    found = Stories()
    assert tell(found, ("intent", "b", 1)) == []
    assert found.notes() == ["entry 0: a call that has not ended: it runs still, or its writer is gone"]


def test_a_clock_that_went_back_is_said() -> None:
    found = Stories()
    tell(found, ("agent", "", 50), ("agent", "", 20), ("agent", "", 21))
    assert found.notes() == ["entry 1: the clock went back by 30 seconds"]


def test_notes_have_an_end() -> None:
    found = Stories()
    tell(found, *(("agent", "", 1000 - number) for number in range(NOTES_MAX + 6)))
    notes = found.notes()
    assert len(notes) == NOTES_MAX + 1
    assert notes[-1] == "and 5 more of these"


def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stories, "OPEN_MAX", 3)
    found = Stories()
    assert tell(found, *(("intent", str(number), 1) for number in range(9)), ("result", "8", 1)) == []
    assert len(found._open) == 3
