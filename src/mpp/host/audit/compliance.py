"""A compliance report of one record: verified first, then gathered in one reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import FAST, verify_log, Wanted
from mpp.stages.audit import Line, Verdict, glance
from mpp.stages.audit.report import gather, Integrity, Period, Report, report_of

TOLD_EVERY = 100_000
"""Entries after which a word is said. Reason: a few seconds."""


def compliance_report(places: LogPlaces, period: Period, now: int, *, depth: str = FAST, told: Callable[[int], None] = lambda _count: None) -> Report:
    integrity = integrity_of(verify_log(places, Wanted(depth=depth)))
    return report_of(gather(_lines(places, told), period), integrity, now)


def integrity_of(verdict: Verdict) -> Integrity:
    covered = verdict.covered.of(verdict.level) if verdict.holds else 0
    return Integrity(level=verdict.level, reason=verdict.reason, log_id=verdict.log_id, entries=covered)


def _lines(places: LogPlaces, told: Callable[[int], None]) -> Iterator[Line]:
    for count, data in enumerate(LogReader(places).lines(), 1):
        line = glance(data)
        if line is not None:
            yield line
        if count % TOLD_EVERY == 0:
            told(count)
