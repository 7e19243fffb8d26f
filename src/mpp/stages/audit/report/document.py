"""The report as JSON. Pure."""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.stages.audit.report.types import Control, Evidence, Inventory, Ref, Report


def report_json(report: Report) -> dict[str, Json]:
    period, integrity = report.period, report.integrity
    return {
        "mpp_report": 1,
        "made_at": report.made_at,
        "period": {"since": period.since, "until": period.until},
        "integrity": {"level": integrity.level, "reason": integrity.reason, "log_id": integrity.log_id, "entries": integrity.entries},
        "entries": _evidence(report.entries),
        "controls": [_control(one) for one in report.controls],
        "inventories": [_inventory(one) for one in report.inventories],
        "notes": [*report.notes],
    }


def _control(control: Control) -> Json:
    return {
        "framework": control.framework,
        "id": control.id,
        "title": control.title,
        "asks": control.asks,
        "shows": control.shows,
        "has_evidence": control.has_evidence,
        "evidence": [_evidence(one) for one in control.evidence],
        "missing": [*control.missing],
        # Empty on purpose: a person writes what belongs there.
        "to_be_written_by_a_person": dict.fromkeys(control.blanks, ""),
    }


def _evidence(evidence: Evidence) -> dict[str, Json]:
    return {
        "topic": evidence.topic, "words": evidence.words, "count": evidence.count, "first": _ref(evidence.first), "last": _ref(evidence.last),
        "examples": [*evidence.examples],
    }  # fmt: skip


def _ref(ref: Ref | None) -> Json:
    return None if ref is None else {"entry": ref.seq, "at": ref.at}


def _inventory(inventory: Inventory) -> Json:
    rows: list[Json] = [{"name": one.name, "count": one.count, "first": _ref(one.first), "last": _ref(one.last)} for one in inventory.rows]
    return {"title": inventory.title, "rows": rows, "more": inventory.more}
