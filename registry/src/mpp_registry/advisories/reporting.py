"""Anybody may tell the people of the registry about a package. They read it; nothing happens by itself."""

from __future__ import annotations

import hmac

from mpp.errors import Refused
from mpp.model.hiddentext import hidden_in
from mpp.model.value import value
from mpp.protocol.registry.bodies import ReportBody
from mpp_registry.advisories.limits import REPORT_SECONDS, REPORTS_ALL_MAX, REPORTS_EACH_MAX, REPORTS_LISTED_MAX
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

KEY = "reports.key"
KEY_BYTES = 32
ID_BYTES = 12


@value
class Report:
    report_id: str
    package_id: str
    version: str
    kind: str
    text: str
    contact: str
    state: str
    answer: str
    at: int


def report(services: Services, body: ReportBody, address: str) -> str:
    """The id of the report. ``address``: of whoever sends it; only a keyed digest of it is kept, and only to count."""
    # Attack: text that reads otherwise than it is written, for the eyes of an administrator.
    if hidden_in(body.text.replace("\n", " ")) or hidden_in(body.contact):
        raise Refused("registry.form", "the report holds hidden characters", where="text", hint="write plain text")
    now, report_id = services.clock.now(), services.random.bytes(ID_BYTES).hex()
    with services.database.write() as rows:
        if rows.one("SELECT 1 FROM packages WHERE package_id = ? AND visibility = 'public'", body.package_id) is None:
            raise Refused("registry.absent", "there is no such package", where=body.package_id, hint="name it by its whole id")
        reporter = _digest(services, rows, address)
        _judge_rate(rows, reporter, now)
        rows.run(
            "INSERT INTO reports (report_id, package_id, version, kind, words, contact, reporter, state, answer, at) VALUES (?, ?, ?, ?, ?, ?, ?, 'open', '', ?)",
            report_id, body.package_id, body.version, body.kind, body.text, body.contact, reporter, now,
        )  # fmt: skip
    return report_id


def _judge_rate(rows: Rows, reporter: str, now: int) -> None:
    for sql, parameters, most in (
        ("SELECT COUNT(*) FROM reports WHERE reporter = ? AND at > ?", (reporter, now - REPORT_SECONDS), REPORTS_EACH_MAX),
        ("SELECT COUNT(*) FROM reports WHERE at > ?", (now - REPORT_SECONDS,), REPORTS_ALL_MAX),
    ):
        count = rows.one(sql, *parameters)
        if count is not None and int(count[0] or 0) >= most:
            raise Refused("registry.rate", "too many reports within an hour", where="reports", hint="try again later, or write to the operator")


def _digest(services: Services, rows: Rows, address: str) -> str:
    row = rows.one("SELECT text FROM settings WHERE name = ?", KEY)
    if row is None:
        row = (services.random.bytes(KEY_BYTES).hex(),)
        rows.run("INSERT INTO settings (name, text) VALUES (?, ?)", KEY, row[0])
    return hmac.new(bytes.fromhex(str(row[0])), address.encode("utf-8", "replace"), "sha256").hexdigest()


def reports(rows: Rows, state: str = "open", *, after: int = 0) -> tuple[Report, ...]:
    """The oldest first. ``after``: the time of the last one of the page before."""
    found = rows.all(
        "SELECT report_id, package_id, version, kind, words, contact, state, answer, at FROM reports WHERE state = ? AND at > ? ORDER BY at, report_id LIMIT ?",
        state, after, REPORTS_LISTED_MAX,
    )  # fmt: skip
    return tuple(
        Report(
            report_id=str(row[0]), package_id=str(row[1]), version=str(row[2]), kind=str(row[3]), text=str(row[4]), contact=str(row[5]), state=str(row[6]),
            answer=str(row[7]), at=int(row[8] or 0),
        )
        for row in found
    )  # fmt: skip


def close_report(services: Services, report_id: str, answer: str) -> bool:
    """False: it is closed already. What was found stays with it."""
    with services.database.write() as rows:
        if rows.one("SELECT 1 FROM reports WHERE report_id = ?", report_id) is None:
            raise Refused("registry.absent", "there is no such report", where=report_id, hint="see `mpp registry admin queues`")
        return rows.run("UPDATE reports SET state = 'closed', answer = ? WHERE report_id = ? AND state = 'open'", answer, report_id) > 0
