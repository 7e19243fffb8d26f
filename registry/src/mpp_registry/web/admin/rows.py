"""What waits for an administrator. Each queue shows its oldest rows."""

from __future__ import annotations

from mpp.model.value import value
from mpp_registry.catalog.types import VersionRow
from mpp_registry.store.ports import Rows
from mpp_registry.web import logrows
from mpp_registry.web.documents import json_in, words
from mpp_registry.web.limits import ADMIN_ROWS, AUDIT_LOOKED_AT
from mpp_registry.web.logrows import LeafLine
from mpp_registry.web.reading import number, text


@value
class RecoveryLine:
    publisher_id: str
    name: str
    asked_at: int
    successor: str
    state: str
    due: int
    reason: str


def quarantined(rows: Rows) -> list[VersionRow]:
    sql = (
        "SELECT package_id, version, publisher_id, content_hash, file_hash, size, status, reason, published_at, log_index FROM versions "
        "WHERE status = 'quarantined' ORDER BY published_at, package_id LIMIT ?"
    )
    return [
        VersionRow(
            package_id=text(row[0]), version=text(row[1]), publisher_id=text(row[2]), content_hash=text(row[3]), file_hash=text(row[4]), size=number(row[5]),
            status=text(row[6]), reason=text(row[7]), published_at=number(row[8]), log_index=number(row[9]),
        )
        for row in rows.all(sql, ADMIN_ROWS)
    ]  # fmt: skip


def open_recoveries(rows: Rows) -> list[RecoveryLine]:
    sql = (
        "SELECT r.publisher_id, COALESCE(u.name, ''), r.asked_at, r.successor, r.state, r.due, r.reason FROM recoveries r "
        "LEFT JOIN publishers u ON u.publisher_id = r.publisher_id WHERE r.state IN ('wanted', 'asked') ORDER BY r.asked_at LIMIT ?"
    )
    return [
        RecoveryLine(
            publisher_id=text(row[0]), name=text(row[1]), asked_at=number(row[2]), successor=text(row[3]), state=text(row[4]), due=number(row[5]), reason=text(row[6])
        )
        for row in rows.all(sql, ADMIN_ROWS)
    ]  # fmt: skip


_BY_ADMIN = (
    "version.status",
    "publisher.status",
    "publisher.recovery",
    "package.owners",
    "namespace.proven",
    "advisory.published",
    "peers.changed",
    "fleet.changed",
)


def done_by_admin(rows: Rows, before: int) -> tuple[list[LeafLine], int]:
    """Entries below ``before`` that an administrator made, the newest first; and where the next page begins (0: there is none).

    Looks at a bounded stretch of the log, however rare such entries are.
    """
    marks = ", ".join("?" * len(_BY_ADMIN))
    begin = max(0, before - AUDIT_LOOKED_AT)
    sql = f"SELECT idx, leaf, kind, package_id, publisher_id, at FROM log_leaves WHERE idx < ? AND idx >= ? AND kind IN ({marks}) ORDER BY idx DESC"  # noqa: S608 - marks alone
    found = [one for one in map(logrows.leaf_line, rows.all(sql, before, begin, *_BY_ADMIN)) if _is_by_admin(one)]
    shown = found[:ADMIN_ROWS]
    return shown, shown[-1].index if len(found) > ADMIN_ROWS else begin


def _is_by_admin(line: LeafLine) -> bool:
    body = json_in(line.leaf)
    if line.kind in {"publisher.status", "peers.changed", "fleet.changed"}:
        return True
    return "admin" in {words(body, "by"), words(body, "method")} or line.kind == "publisher.recovery"
