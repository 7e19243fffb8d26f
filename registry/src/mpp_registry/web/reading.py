"""What pages read beside the catalog: the namespace above a package, the version before one, and counts. Every list has a bound."""

from __future__ import annotations

from mpp.model.names import version_key
from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.ordering import ordering_of
from mpp_registry.catalog.types import NamespaceRow, PackageRow, VersionRow
from mpp_registry.store.ports import Cell, Row, Rows
from mpp_registry.web.limits import EARLIER_LOOKED_AT, GRAPH_DAYS, VERSIONS_SHOWN


def text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def octets(cell: Cell) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else b""


_NAMESPACE = "SELECT namespace, publisher_id, method, state, proven_at, checked_at, failures FROM namespaces "


def _namespace(row: Row) -> NamespaceRow:
    return NamespaceRow(
        namespace=text(row[0]), publisher_id=text(row[1]), method=text(row[2]), state=text(row[3]), proven_at=number(row[4]), checked_at=number(row[5]),
        failures=number(row[6]),
    )  # fmt: skip


def namespace(rows: Rows, name: str) -> NamespaceRow | None:
    row = rows.one(_NAMESPACE + "WHERE namespace = ?", name)
    return None if row is None else _namespace(row)


def namespace_above(rows: Rows, package_id: str) -> NamespaceRow | None:
    """The longest claimed namespace that a package id lies in."""
    labels = package_id.split(".")
    names = [".".join(labels[:count]) for count in range(1, len(labels))]
    marks = ", ".join("?" * len(names))
    found = [_namespace(row) for row in rows.all(_NAMESPACE + f"WHERE namespace IN ({marks})", *names)] if names else []
    return max(found, key=lambda one: len(one.namespace), default=None)


def namespaces_with(rows: Rows, state: str, most: int) -> list[NamespaceRow]:
    """Those of a state, the one that was looked at last first."""
    return [*map(_namespace, rows.all(_NAMESPACE + "WHERE state = ? ORDER BY checked_at DESC, namespace LIMIT ?", state, most))]


def shown_version(rows: Rows, package: PackageRow, wanted: str) -> VersionRow | None:
    """The one that is asked for; otherwise the newest stable one, and where there is none, the highest."""
    found = catalog.version(rows, package.package_id, wanted or package.latest)
    if found is not None or wanted:
        return found
    return next(iter(catalog.versions(rows, package.package_id, limit=1).items), None)


def count_versions(rows: Rows, package_id: str) -> int:
    found = rows.one("SELECT COUNT(*) FROM versions WHERE package_id = ?", package_id)
    return number(found[0]) if found else 0


def newest_versions(rows: Rows, package_id: str) -> tuple[VersionRow, ...]:
    return catalog.versions(rows, package_id, limit=VERSIONS_SHOWN).items


def earlier(rows: Rows, package_id: str, version: str) -> str:
    """The version that somebody most likely had before: the highest stable one below it that was not stopped; of a pre-release, any. Empty: none."""
    sql = "SELECT version FROM versions WHERE package_id = ? AND ordering < ? AND status IN ('active', 'deprecated', 'yanked') ORDER BY ordering DESC LIMIT ?"
    found = [text(row[0]) for row in rows.all(sql, package_id, ordering_of(version), EARLIER_LOOKED_AT)]
    stable = [one for one in found if _is_stable(one)]
    return next(iter(stable if stable and _is_stable(version) else found), "")


def _is_stable(version: str) -> bool:
    key = version_key(version)
    return key is not None and not key[4]


def manifest_of(rows: Rows, package_id: str, version: str) -> bytes:
    row = rows.one("SELECT manifest FROM versions WHERE package_id = ? AND version = ?", package_id, version)
    return octets(row[0]) if row else b""


def downloads(rows: Rows, package_id: str, today: int) -> list[int]:
    """One number for each of the last days, today last."""
    first = today - GRAPH_DAYS + 1
    counts = [0] * GRAPH_DAYS
    for one in catalog.downloads(rows, package_id, first, today):
        counts[one.day - first] = one.count
    return counts
