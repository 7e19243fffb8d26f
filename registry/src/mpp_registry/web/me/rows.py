"""What the pages of a publisher read. Every list has a bound."""

from __future__ import annotations

from mpp.model.value import value
from mpp_registry.store.ports import Rows
from mpp_registry.web.limits import ADMIN_ROWS
from mpp_registry.web.reading import number, text

SHOWN_KINDS = ("vulnerability", "other")
"""Kinds of reports that a publisher reads. Attack: one that is reported for malware, and would read what is known of it."""


@value
class Told:
    """A report about a package of one's own. Who made it, and how to reach them, is the operator's alone."""

    package_id: str
    version: str
    kind: str
    words: str
    state: str
    answer: str
    at: int


def reports_about(rows: Rows, publisher_id: str) -> tuple[Told, ...]:
    """The newest first."""
    found = rows.all(
        "SELECT r.package_id, r.version, r.kind, r.words, r.state, r.answer, r.at FROM reports r JOIN package_owners o ON o.package_id = r.package_id "
        "WHERE o.publisher_id = ? AND r.kind IN (?, ?) ORDER BY r.at DESC, r.report_id LIMIT ?",
        publisher_id, *SHOWN_KINDS, ADMIN_ROWS,
    )  # fmt: skip
    return tuple(
        Told(package_id=text(row[0]), version=text(row[1]), kind=text(row[2]), words=text(row[3]), state=text(row[4]), answer=text(row[5]), at=number(row[6]))
        for row in found
    )
