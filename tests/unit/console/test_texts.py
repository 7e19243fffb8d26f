"""Words as a person sees them, and what is left of a page when something breaks."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from mpp.pages import texts
from mpp.pages.texts import TEXT_CHARS_MAX
from mpp.console.pages import agents
from mpp.console.rates import Rate
from mpp.errors import HostFailed
from tests.unit.console.conftest import Console


def test_what_is_not_seen_is_written_out():
    assert texts.seen("plain") == "plain"
    assert texts.seen("a\u202eb\u200bc") == "a⟨U+202E⟩b⟨U+200B⟩c"
    assert texts.seen("a\r\nb\tc") == "a\nb\tc"
    assert texts.seen("e" + "\u0301" * 20) == "e" + "\u0301" * 8 + "⟨more marks⟩"
    assert texts.seen("\ud800") == "⟨U+D800⟩"
    assert texts.seen("⚠\ufe0f x\ufe0f") == "⚠\ufe0f x⟨U+FE0F⟩"
    assert texts.seen("x" * (TEXT_CHARS_MAX + 1)) == "x" * TEXT_CHARS_MAX + "…"
    assert texts.finalized(Markup("<b>\u202e</b>")) == Markup("<b>\u202e</b>")
    assert texts.finalized(3) == 3


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (texts.clip("abcdef", 4), "abc…"), (texts.clip("abc", 4), "abc"), (texts.when(0), "1970-01-01 00:00:00 UTC"), (texts.when(10**15), "9999-12-31 23:59:59 UTC"),
        (texts.machine_time(0), "1970-01-01T00:00:00Z"), (texts.span(59), "59 seconds"), (texts.span(1), "1 second"), (texts.span(-4), "0 seconds"),
        (texts.span(7200), "2 hours"), (texts.span(86_400), "1 day"), (texts.count(12345), "12,345"), (texts.many(2, "entry", "entries"), "2 entries"),
        (texts.size(10), "10 bytes"), (texts.size(2048), "2.0 KiB"), (texts.size(3 << 20), "3.0 MiB"), (texts.part("a/b?c"), "a%2Fb%3Fc"),
        (texts.short_print("ab" * 32), "abab abab abab abab …"),
    ],
)  # fmt: skip
def test_how_things_are_written(made: str, words: str):
    assert made == words


def test_a_rate_lets_so_many_through_in_a_minute():
    now = [0.0]
    rate = Rate(2, lambda: now[0])
    assert [rate.take(), rate.take(), rate.take(), rate.is_full()] == [True, True, False, True]
    now[0] = 60.0
    assert [rate.is_full(), rate.take(), rate.take()] == [False, True, True]


def test_what_a_store_says_becomes_a_page(console: Console, monkeypatch: pytest.MonkeyPatch):
    def broken(_desk: object) -> None:
        raise HostFailed("host.approvals", "the file is damaged", where="x", hint="see that it is whole")

    monkeypatch.setattr(agents, "_shown", broken)
    page = console.get("/agents")
    assert page.status == 503
    assert "the file is damaged [host.approvals] see that it is whole" in page.words


def test_a_defect_of_ours_is_a_page_without_its_words(console: Console, monkeypatch: pytest.MonkeyPatch):
    def broken(_desk: object) -> None:
        raise RuntimeError("secret place")

    monkeypatch.setattr(agents, "_shown", broken)
    with pytest.raises(RuntimeError):
        # It goes on to the server, which ends the connection if the page did not reach it.
        console.get("/agents")


def test_notes_are_shown_once_and_only_a_few(console: Console):
    session = console.sessions.find(next(iter(console.cookies.values())))
    for number in range(9):
        session.tell(f"note {number}")
    assert [note.words for note in session.notes()] == ["note 5", "note 6", "note 7", "note 8"]
    assert session.notes() == []


def test_a_clock_that_goes_back_ends_sessions(console: Console):
    console.clock.moment -= 10
    assert console.get("/approvals").status == 303
