"""What a tool says while it runs."""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.stages.privacy import Filtered, FilteredLive, Report
from tests.privacies import PLANTED, filter_of


class Heard:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def log(self, level: str, message: str) -> None:
        self.told.append((level, message))

    def progress(self, progress: float, total: float | None, message: str) -> None:
        self.told.append((progress, total, message))


def test_words_pass_and_values_do_not() -> None:
    heard = Heard()
    live = FilteredLive(heard, filter_of("redact"))
    live.log("info", "plain")
    live.progress(1, 2.5, "half")
    live.progress(1, None, "no end")
    assert live.reports == []
    live.log("warning", PLANTED["email"])
    live.progress(4539148803436467, 4539148803436467, f"of {PLANTED['email']}")
    assert heard.told == [("info", "plain"), (1, 2.5, "half"), (1, None, "no end"), ("warning", "[EMAIL]"), (0, None, "of [EMAIL]")]
    assert [one.counts for one in live.reports] == [(("credit_card", 2), ("email", 2))]


def test_what_is_withheld_says_nothing() -> None:
    heard = Heard()
    live = FilteredLive(heard, filter_of("block"))
    live.log("info", PLANTED["email"])
    live.progress(3, 4, PLANTED["email"])
    assert heard.told == [("info", "[WITHHELD]"), (0, None, "[WITHHELD]")]
    assert [one.withheld for one in live.reports] == ["privacy.blocked"]


def test_an_exempted_value_is_told_to_the_record() -> None:
    def through(message: Json) -> Filtered:
        return Filtered(message=message, report=Report(rules="r", engine="e", let_through=(("email", 1),)))

    live = FilteredLive(Heard(), through)
    live.log("info", "a")
    live.log("info", "b")
    assert [one.let_through for one in live.reports] == [(("email", 2),)]
