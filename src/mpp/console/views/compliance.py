"""A compliance report as a page of the console: what the record shows for each demand, and what it cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, UTC
from itertools import groupby

from mpp.errors import Refused
from mpp.limits import DAY_SECONDS
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.stages.audit.report import Control, Inventory, Period, Report

ENTRIES_MAX = 2_000_000
"""Entries that a page reads for one report. Reason: some tens of seconds; `mpp audit report` has no such bound."""

ROWS_SHOWN_MAX = 50
"""Names of one inventory on the page. Reason: the file has all that the report has."""

USUAL_DAYS = 90
"""Days that a report is about unless somebody says otherwise. Reason: a quarter."""

FIRST_YEAR, LAST_YEAR = 1970, 9998

TONES: Mapping[str, str] = {"broken": "bad", "chained": "careful"}


@value
class Asked:
    """What a report was asked for, as it stands in the form."""

    since: str
    until: str
    deep: bool


@value
class Framework:
    name: str
    controls: tuple[Control, ...]
    with_evidence: int


@value
class InventoryView:
    inventory: Inventory
    rows_more: int


@value
class ReportView:
    report: Report
    tone: str
    """Of how far the record holds."""
    frameworks: tuple[Framework, ...]
    inventories: tuple[InventoryView, ...]


def usual(now: int) -> Asked:
    """The last quarter."""
    return Asked(since=_day(now - USUAL_DAYS * DAY_SECONDS), until="", deep=False)


def period_of(asked: Asked) -> Period:
    """From the beginning of the one day to the end of the other. Raises Refused ``usage.time``."""
    since, until = _moment(asked.since, "the first day"), _moment(asked.until, "the last day")
    if since is not None and until is not None and until < since:
        raise Refused("usage.time", "the last day is before the first one", hint="give the earlier day first")
    return Period(since=since, until=None if until is None else until + DAY_SECONDS - 1)


def _moment(text: str, what: str) -> int | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Refused("usage.time", f"{what}, {shown(text, 40)!r}, is no date", hint="write it as 2026-01-31")
    return int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp())


def _day(moment: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=max(0, moment))).strftime("%Y-%m-%d")


def view_of(report: Report) -> ReportView:
    frameworks = [(name, tuple(controls)) for name, controls in groupby(report.controls, key=lambda one: one.framework)]
    return ReportView(
        report=report,
        tone=TONES.get(report.integrity.level, "good"),
        frameworks=tuple(
            Framework(name=name, controls=controls, with_evidence=sum(1 for one in controls if one.has_evidence)) for name, controls in frameworks
        ),
        inventories=tuple(InventoryView(inventory=one, rows_more=max(0, len(one.rows) - ROWS_SHOWN_MAX)) for one in report.inventories),
    )


def file_name(report: Report, ending: str) -> str:
    """With the days it is about, so that two reports do not take each other's place."""
    first = _day(report.period.since) if report.period.since is not None else "beginning"
    last = _day(report.period.until if report.period.until is not None else report.made_at)
    return f"compliance-report-{first}-to-{last}.{ending}"
