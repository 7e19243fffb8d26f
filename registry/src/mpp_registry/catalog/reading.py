"""Questions to the catalog. Each reads a page through an index, however large the registry is.

A private package is shown by none of these to somebody whom it does not concern: each statement about packages holds the same condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from mpp_registry.catalog.cursors import read_cursor, write_cursor
from mpp_registry.catalog.limits import DAYS_MAX, OWNERS_MAX, PAGE_ITEMS_MAX
from mpp_registry.catalog.types import (
    STRANGER,
    DayRow,
    NamespaceRow,
    OwnerRow,
    PackageRow,
    Page,
    PublisherRow,
    Totals,
    VersionFiles,
    VersionRow,
    Viewer,
)
from mpp_registry.store.ports import Cell, Row, Rows

T = TypeVar("T")

PACKAGE = (
    "SELECT p.package_id, p.publisher_id, p.title, p.summary, p.keywords, p.visibility, p.latest, p.status, p.created_at, p.updated_at, p.downloads,"
    " COALESCE(u.name, '') FROM packages p LEFT JOIN publishers u ON u.publisher_id = p.publisher_id "
)
_VISIBLE = (
    "(p.visibility = 'public' OR 1 = CAST(? AS BIGINT) OR EXISTS (SELECT 1 FROM package_owners v WHERE v.package_id = p.package_id AND v.publisher_id = ?)) "
)
_VERSION = "SELECT package_id, version, publisher_id, content_hash, file_hash, size, status, reason, published_at, log_index FROM versions "
_LAST = "\U0010ffff"
"""Behind every id and every ordering."""


def _seen_by(viewer: Viewer) -> tuple[int, str]:
    return int(viewer.is_admin), viewer.publisher_id


def limited(limit: int) -> int:
    return min(max(limit, 1), PAGE_ITEMS_MAX)


def page_of(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """One more than the page was asked for, so that it is known whether another one follows."""
    items = tuple(found[:limit])
    return Page(items=items, next=cursor(items[-1]) if len(found) > limit else "")


# ------------------------------------------------------------ packages


def package(rows: Rows, package_id: str, viewer: Viewer = STRANGER) -> PackageRow | None:
    found = rows.one(PACKAGE + "WHERE p.package_id = ? AND " + _VISIBLE, package_id, *_seen_by(viewer))
    return None if found is None else to_package(found)


def owners(rows: Rows, package_id: str) -> tuple[OwnerRow, ...]:
    """Ask ``package`` first whether it may be seen."""
    sql = (
        "SELECT o.publisher_id, o.role, o.since, COALESCE(u.name, '') FROM package_owners o LEFT JOIN publishers u ON u.publisher_id = o.publisher_id"
        " WHERE o.package_id = ? ORDER BY o.publisher_id LIMIT ?"
    )
    found = cast("list[tuple[str, str, int, str]]", rows.all(sql, package_id, OWNERS_MAX))
    return tuple(OwnerRow(publisher_id=publisher_id, role=role, since=since, name=name) for publisher_id, role, since, name in found)


def newest(rows: Rows, cursor: str = "", limit: int = PAGE_ITEMS_MAX) -> Page[PackageRow]:
    """Public packages, the one that changed last first."""
    return _ranked(rows, "updated_at", cursor, limited(limit))


def popular(rows: Rows, cursor: str = "", limit: int = PAGE_ITEMS_MAX) -> Page[PackageRow]:
    """Public packages, the one that was downloaded most first."""
    return _ranked(rows, "downloads", cursor, limited(limit))


def _ranked(rows: Rows, column: str, cursor: str, limit: int) -> Page[PackageRow]:
    begin = read_cursor(cursor, (int, str)) if cursor else (2**62, _LAST)
    sql = f"{PACKAGE}WHERE p.visibility = 'public' AND (p.{column}, p.package_id) < (CAST(? AS BIGINT), ?) ORDER BY p.{column} DESC, p.package_id DESC LIMIT ?"
    found = [to_package(row) for row in rows.all(sql, *begin, limit + 1)]
    return page_of(found, limit, lambda one: write_cursor(one.updated_at if column == "updated_at" else one.downloads, one.package_id))


def by_id(rows: Rows, cursor: str = "", limit: int = PAGE_ITEMS_MAX, namespace: str = "") -> Page[PackageRow]:
    """Public packages by their id; those below a namespace where one is given."""
    begin = cast("str", read_cursor(cursor, (str,))[0]) if cursor else ""
    # The character behind the dot is the end of all that begin with it.
    least, end = (namespace + ".", namespace + "/") if namespace else ("", _LAST)
    sql = PACKAGE + "WHERE p.visibility = 'public' AND p.package_id > ? AND p.package_id < ? ORDER BY p.package_id LIMIT ?"
    found = [to_package(row) for row in rows.all(sql, max(begin, least), end, limited(limit) + 1)]
    return page_of(found, limited(limit), lambda one: write_cursor(one.package_id))


def packages_of(rows: Rows, publisher_id: str, cursor: str = "", limit: int = PAGE_ITEMS_MAX, viewer: Viewer = STRANGER) -> Page[PackageRow]:
    """What a publisher owns or maintains, by id."""
    begin = cast("str", read_cursor(cursor, (str,))[0]) if cursor else ""
    sql = f"{PACKAGE}JOIN package_owners o ON o.package_id = p.package_id WHERE o.publisher_id = ? AND o.package_id > ? AND {_VISIBLE}ORDER BY o.package_id LIMIT ?"
    found = [to_package(row) for row in rows.all(sql, publisher_id, begin, *_seen_by(viewer), limited(limit) + 1)]
    return page_of(found, limited(limit), lambda one: write_cursor(one.package_id))


def to_package(row: Row) -> PackageRow:
    package_id, publisher_id, title, summary, keywords, visibility, latest, status, created_at, updated_at, downloads, name = row
    return PackageRow(
        package_id=_text(package_id), publisher_id=_text(publisher_id), title=_text(title), summary=_text(summary), keywords=_text(keywords),
        visibility=_text(visibility), latest=_text(latest), status=_text(status), created_at=_number(created_at), updated_at=_number(updated_at),
        downloads=_number(downloads), publisher_name=_text(name),
    )  # fmt: skip


# ------------------------------------------------------------ versions


def version(rows: Rows, package_id: str, number: str) -> VersionRow | None:
    """Ask ``package`` first whether it may be seen."""
    found = rows.one(_VERSION + "WHERE package_id = ? AND version = ?", package_id, number)
    return None if found is None else _to_version(found)


def files(rows: Rows, package_id: str, number: str) -> VersionFiles | None:
    found = rows.one("SELECT manifest, readme, sbom, provenance FROM versions WHERE package_id = ? AND version = ?", package_id, number)
    if found is None:
        return None
    manifest, readme, sbom, provenance = (bytes(cast("bytes", cell)) for cell in found)
    return VersionFiles(manifest=manifest, readme=readme, sbom=sbom, provenance=provenance)


def versions(rows: Rows, package_id: str, cursor: str = "", limit: int = PAGE_ITEMS_MAX) -> Page[VersionRow]:
    """Those of a package, the highest first. Ask ``package`` first whether it may be seen."""
    begin = cast("str", read_cursor(cursor, (str,))[0]) if cursor else _LAST
    sql = f"SELECT ordering,{_VERSION.removeprefix('SELECT')}WHERE package_id = ? AND ordering < ? ORDER BY ordering DESC LIMIT ?"
    found = [(_text(row[0]), _to_version(row[1:])) for row in rows.all(sql, package_id, begin, limited(limit) + 1)]
    page = page_of(found, limited(limit), lambda one: write_cursor(one[0]))
    return Page(items=tuple(one for _, one in page.items), next=page.next)


def with_content(rows: Rows, content_hash: str, viewer: Viewer = STRANGER) -> tuple[VersionRow, ...]:
    """Versions with this content that may be seen."""
    found = [_to_version(row) for row in rows.all(_VERSION + "WHERE content_hash = ? LIMIT ?", content_hash, PAGE_ITEMS_MAX)]
    seen = [one for one in found if package(rows, one.package_id, viewer) is not None]
    return tuple(sorted(seen, key=lambda one: (one.package_id, one.version)))


def _to_version(row: Row) -> VersionRow:
    package_id, number, publisher_id, content_hash, file_hash, size, status, reason, published_at, log_index = row
    return VersionRow(
        package_id=_text(package_id), version=_text(number), publisher_id=_text(publisher_id), content_hash=_text(content_hash), file_hash=_text(file_hash),
        size=_number(size), status=_text(status), reason=_text(reason), published_at=_number(published_at), log_index=_number(log_index),
    )  # fmt: skip


# ------------------------------------------------------------ publishers and numbers


def publisher(rows: Rows, publisher_id: str) -> PublisherRow | None:
    found = rows.one("SELECT publisher_id, name, roots, root_version, status, registered_at FROM publishers WHERE publisher_id = ?", publisher_id)
    if found is None:
        return None
    known, name, roots, root_version, status, registered_at = found
    return PublisherRow(
        publisher_id=_text(known), name=_text(name), roots=bytes(cast("bytes", roots)), root_version=_number(root_version), status=_text(status),
        registered_at=_number(registered_at),
    )  # fmt: skip


def namespaces_of(rows: Rows, publisher_id: str) -> tuple[NamespaceRow, ...]:
    sql = "SELECT namespace, publisher_id, method, state, proven_at, checked_at, failures FROM namespaces WHERE publisher_id = ? ORDER BY namespace LIMIT ?"
    found = cast("list[tuple[str, str, str, str, int, int, int]]", rows.all(sql, publisher_id, PAGE_ITEMS_MAX))
    return tuple(
        NamespaceRow(namespace=name, publisher_id=known, method=method, state=state, proven_at=proven_at, checked_at=checked_at, failures=failures)
        for name, known, method, state, proven_at, checked_at, failures in found
    )


def downloads(rows: Rows, package_id: str, first: int, last: int) -> tuple[DayRow, ...]:
    """Of the days from ``first`` to ``last``; days without any are left out."""
    sql = "SELECT day, count FROM downloads_daily WHERE package_id = ? AND day >= ? AND day <= ? ORDER BY day LIMIT ?"
    found = cast("list[tuple[int, int]]", rows.all(sql, package_id, first, last, DAYS_MAX))
    return tuple(DayRow(day=day, count=count) for day, count in found)


def totals(rows: Rows) -> Totals:
    counts = {_text(name): _number(count) for name, count in rows.all("SELECT name, count FROM counts")}
    publishers = rows.one("SELECT COUNT(*) FROM publishers")
    leaves = rows.one("SELECT size FROM checkpoints ORDER BY size DESC LIMIT 1")
    return Totals(
        packages=counts.get("packages", 0),
        versions=counts.get("versions", 0),
        publishers=_number(publishers[0]) if publishers else 0,
        downloads=counts.get("downloads", 0),
        leaves=_number(leaves[0]) if leaves else 0,
    )


def _text(cell: Cell) -> str:
    return cast("str", cell)


def _number(cell: Cell) -> int:
    return cast("int", cell)
