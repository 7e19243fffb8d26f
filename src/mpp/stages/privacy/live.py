"""What a tool says while it runs, filtered as its answer is. Spec: 6-privacy."""

from __future__ import annotations

from typing import TypeGuard

from mpp.model.jsontext import Json
from mpp.stages.privacy.reply import Pass
from mpp.stages.privacy.types import Report, together
from mpp.stages.sandbox import Live

WITHHELD = "[WITHHELD]"


class FilteredLive:
    """Passes on log lines and progress, without what is private. ``reports`` keeps what was found, for the record of the call."""

    def __init__(self, live: Live, through: Pass) -> None:
        self._live, self._through = live, through
        self.reports: list[Report] = []

    def log(self, level: str, message: str) -> None:
        shown = self._clean(message)
        self._live.log(level, shown if isinstance(shown, str) else WITHHELD)

    def progress(self, progress: float, total: float | None, message: str) -> None:
        """Attack: a card number told as progress. A number that is one, or that came with a message that is withheld, is nought."""
        shown = self._clean({"message": message, "progress": progress, "total": total})
        fields = shown if isinstance(shown, dict) else {}
        text, done, whole = (fields.get(name) for name in ("message", "progress", "total"))
        self._live.progress(done if _is_number(done) else 0, whole if _is_number(whole) else None, text if isinstance(text, str) else WITHHELD)

    def _clean(self, message: Json) -> Json:
        filtered = self._through(message)
        if filtered.report.counts or filtered.report.let_through or filtered.is_withheld:
            # Attack: a million log lines, each of which leaves a report. All are one.
            self.reports = [together((*self.reports, filtered.report))]
        return None if filtered.is_withheld else filtered.message


def _is_number(found: Json) -> TypeGuard[float]:
    return isinstance(found, int | float)
