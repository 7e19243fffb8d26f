"""The report out of what was counted: per demand the evidence, what is missing, what a person must write. Pure."""

from __future__ import annotations

from mpp.stages.audit.report.controls import AI_ACT, Demand, DEMANDS, NEEDS, WARNS
from mpp.stages.audit.report.gathering import ALL, Findings
from mpp.stages.audit.report.limits import RETENTION_DAYS
from mpp.stages.audit.report.types import Control, Evidence, Integrity, Report
from mpp.limits import DAY_SECONDS

NOTES = (
    "This report lists what a record of calls shows. It does not say that any law or framework is kept: that is for people to judge, by more than this.",
    "A number in the form #123 is an entry of the record: `mpp audit show 123` shows it, `mpp audit prove 123` makes a proof of it for others.",
    "Fields that are marked as blank are for a person to fill in. MPP knows nothing that could stand there.",
)
WITHOUT_SIGNATURE = "The record reached no verdict above `chained`: nothing here shows that this host wrote it."
BROKEN = "The record does not hold. Nothing in this report is evidence until it is known why."


def report_of(found: Findings, integrity: Integrity, made_at: int) -> Report:
    entries = found.of(ALL)
    controls = tuple(_control(one, found, entries, integrity) for one in DEMANDS)
    return Report(
        made_at=made_at,
        period=found.period,
        integrity=integrity,
        entries=entries,
        controls=controls,
        inventories=found.inventories(),
        notes=(*NOTES, *_doubts(integrity)),
    )


def _doubts(integrity: Integrity) -> tuple[str, ...]:
    return {"broken": (BROKEN,), "chained": (WITHOUT_SIGNATURE,)}.get(integrity.level, ())


def _control(demand: Demand, found: Findings, entries: Evidence, integrity: Integrity) -> Control:
    missing = [*_doubts(integrity)]
    missing += [NEEDS[topic] for topic in demand.topics if topic in NEEDS and not found.count(topic)]
    missing += [WARNS[topic] for topic in demand.topics if topic in WARNS and found.count(topic)]
    if demand.framework == AI_ACT and demand.id in {"19", "26"}:
        missing += _too_short(entries)
    return Control(
        framework=demand.framework,
        id=demand.id,
        title=demand.title,
        asks=demand.asks,
        shows=demand.shows,
        evidence=tuple(found.of(topic) for topic in demand.topics),
        missing=(*missing, *demand.missing),
        blanks=demand.blanks,
    )


def _too_short(entries: Evidence) -> list[str]:
    if entries.first is None or entries.last is None:
        return ["The period has no entry."]
    days = max(0, entries.last.at - entries.first.at) // DAY_SECONDS
    # A system that is younger has no older log: only a person knows which it is.
    return [f"The entries of this report span {days} days; six months are asked for, unless the system is younger."] if days < RETENTION_DAYS else []
