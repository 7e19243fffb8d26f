"""Rows of the catalogue as values that a page shows. All reading of the site is here; every list has a bound."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.model.names import VersionKey, version_key
from mpp.model.value import value
from mpp_registry.store.ports import Cell, Row, Rows
from mpp_registry.web.limits import GRAPH_DAYS

VERSIONS_MAX = 2000
"""Versions of one package that are ordered for a page. Reason: a registry takes no more."""

SECONDS_OF_A_DAY = 86_400


def text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def octets(cell: Cell) -> bytes:
    return cell if isinstance(cell, bytes) else b""


@value
class PackageLine:
    """One row of a list of packages."""

    package_id: str
    publisher_id: str
    publisher: str
    title: str
    summary: str
    latest: str
    status: str
    updated_at: int
    created_at: int
    downloads: int


@value
class VersionLine:
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    size: int
    status: str
    reason: str
    published_at: int
    log_index: int

    @property
    def order(self) -> VersionKey:
        return version_key(self.version) or (0, 0, 0, 0, ())


@value
class VersionParts:
    """What a version brings along, from its file."""

    manifest: bytes
    readme: bytes
    sbom: bytes
    provenance: bytes


@value
class PublisherLine:
    publisher_id: str
    name: str
    roots: bytes
    root_version: int
    status: str
    registered_at: int


@value
class NamespaceLine:
    namespace: str
    publisher_id: str
    method: str
    state: str
    proven_at: int
    checked_at: int
    failures: int


@value
class OwnerLine:
    publisher_id: str
    name: str
    role: str
    since: int


_PACKAGE = (
    "SELECT p.package_id, p.publisher_id, COALESCE(u.name, ''), p.title, p.summary, p.latest, p.status, p.updated_at, p.created_at, p.downloads "
    "FROM packages p LEFT JOIN publishers u ON u.publisher_id = p.publisher_id "
)
# Attack: a page that shows a private package to a stranger. Each statement about packages goes through one of these.
_PUBLIC = "p.visibility = 'public' "


def _package(row: Row) -> PackageLine:
    return PackageLine(
        package_id=text(row[0]), publisher_id=text(row[1]), publisher=text(row[2]), title=text(row[3]), summary=text(row[4]), latest=text(row[5]),
        status=text(row[6]), updated_at=number(row[7]), created_at=number(row[8]), downloads=number(row[9]),
    )  # fmt: skip


def package(rows: Rows, package_id: str) -> PackageLine | None:
    row = rows.one(_PACKAGE + "WHERE p.package_id = ? AND " + _PUBLIC, package_id)
    return None if row is None else _package(row)


def newest(rows: Rows, most: int) -> list[PackageLine]:
    return [*map(_package, rows.all(_PACKAGE + "WHERE " + _PUBLIC + "ORDER BY p.updated_at DESC, p.package_id DESC LIMIT ?", most))]


def most_downloaded(rows: Rows, most: int) -> list[PackageLine]:
    return [*map(_package, rows.all(_PACKAGE + "WHERE " + _PUBLIC + "ORDER BY p.downloads DESC, p.package_id DESC LIMIT ?", most))]


def packages_of(rows: Rows, publisher_id: str, after: str, most: int) -> list[PackageLine]:
    """Those that a publisher owns or maintains, by id."""
    sql = "JOIN package_owners o ON o.package_id = p.package_id WHERE o.publisher_id = ? AND o.package_id > ? AND " + _PUBLIC + "ORDER BY o.package_id LIMIT ?"
    return [*map(_package, rows.all(_PACKAGE + sql, publisher_id, after, most))]


def packages_below(rows: Rows, namespace: str, after: str, most: int) -> list[PackageLine]:
    """Those whose id is in a namespace, by id. ``/`` is the character after the dot."""
    sql = "WHERE p.package_id > ? AND p.package_id > ? AND p.package_id < ? AND " + _PUBLIC + "ORDER BY p.package_id LIMIT ?"
    return [*map(_package, rows.all(_PACKAGE + sql, after, namespace + ".", namespace + "/", most))]


def totals(rows: Rows) -> tuple[int, int, int]:
    """Packages, publishers, entries of the log."""
    found = rows.one(
        "SELECT (SELECT COUNT(*) FROM packages WHERE visibility = 'public'), (SELECT COUNT(*) FROM publishers), (SELECT COALESCE(MAX(size), 0) FROM checkpoints)"
    )
    return (number(found[0]), number(found[1]), number(found[2])) if found else (0, 0, 0)


_VERSION = "SELECT version, publisher_id, content_hash, file_hash, size, status, reason, published_at, log_index FROM versions "


def _version(row: Row) -> VersionLine:
    return VersionLine(
        version=text(row[0]), publisher_id=text(row[1]), content_hash=text(row[2]), file_hash=text(row[3]), size=number(row[4]), status=text(row[5]),
        reason=text(row[6]), published_at=number(row[7]), log_index=number(row[8]),
    )  # fmt: skip


def versions(rows: Rows, package_id: str) -> list[VersionLine]:
    """All of a package, the highest first."""
    found = [_version(row) for row in rows.all(_VERSION + "WHERE package_id = ? ORDER BY published_at DESC LIMIT ?", package_id, VERSIONS_MAX)]
    return sorted(found, key=lambda one: one.order, reverse=True)


def parts(rows: Rows, package_id: str, version: str) -> VersionParts:
    row = rows.one("SELECT manifest, readme, sbom, provenance FROM versions WHERE package_id = ? AND version = ?", package_id, version) or (b"",) * 4
    return VersionParts(manifest=octets(row[0]), readme=octets(row[1]), sbom=octets(row[2]), provenance=octets(row[3]))


def manifest_of(rows: Rows, package_id: str, version: str) -> bytes:
    row = rows.one("SELECT manifest FROM versions WHERE package_id = ? AND version = ?", package_id, version)
    return octets(row[0]) if row else b""


def publisher(rows: Rows, publisher_id: str) -> PublisherLine | None:
    row = rows.one("SELECT publisher_id, name, roots, root_version, status, registered_at FROM publishers WHERE publisher_id = ?", publisher_id)
    if row is None:
        return None
    return PublisherLine(
        publisher_id=text(row[0]), name=text(row[1]), roots=octets(row[2]), root_version=number(row[3]), status=text(row[4]), registered_at=number(row[5])
    )


def owners(rows: Rows, package_id: str) -> list[OwnerLine]:
    sql = (
        "SELECT o.publisher_id, COALESCE(u.name, ''), o.role, o.since FROM package_owners o LEFT JOIN publishers u ON u.publisher_id = o.publisher_id "
        "WHERE o.package_id = ? ORDER BY o.role DESC, o.since LIMIT 100"
    )
    found = rows.all(sql, package_id)
    return [OwnerLine(publisher_id=text(row[0]), name=text(row[1]), role=text(row[2]), since=number(row[3])) for row in found]


_NAMESPACE = "SELECT namespace, publisher_id, method, state, proven_at, checked_at, failures FROM namespaces "


def _namespace(row: Row) -> NamespaceLine:
    return NamespaceLine(
        namespace=text(row[0]), publisher_id=text(row[1]), method=text(row[2]), state=text(row[3]), proven_at=number(row[4]), checked_at=number(row[5]),
        failures=number(row[6]),
    )  # fmt: skip


def namespace(rows: Rows, name: str) -> NamespaceLine | None:
    row = rows.one(_NAMESPACE + "WHERE namespace = ?", name)
    return None if row is None else _namespace(row)


def namespaces_of(rows: Rows, publisher_id: str) -> list[NamespaceLine]:
    return [*map(_namespace, rows.all(_NAMESPACE + "WHERE publisher_id = ? ORDER BY namespace LIMIT 100", publisher_id))]


def namespace_above(rows: Rows, package_id: str) -> NamespaceLine | None:
    """The longest claimed namespace that a package id lies in."""
    labels = package_id.split(".")
    names = [".".join(labels[:count]) for count in range(1, len(labels))]
    if not names:
        return None
    marks = ", ".join("?" * len(names))
    found = [_namespace(row) for row in rows.all(_NAMESPACE + f"WHERE namespace IN ({marks})", *names)]
    return max(found, key=lambda one: len(one.namespace), default=None)


def downloads(rows: Rows, package_id: str, today: int) -> list[int]:
    """One number for each of the last days, today last."""
    first = today - GRAPH_DAYS + 1
    counts = [0] * GRAPH_DAYS
    for row in rows.all("SELECT day, count FROM downloads_daily WHERE package_id = ? AND day >= ? AND day <= ?", package_id, first, today):
        counts[number(row[0]) - first] = number(row[1])
    return counts


def before(lines: Sequence[VersionLine], version: str) -> VersionLine | None:
    """The version that somebody had before: the highest one below that was not taken back."""
    here = version_key(version)
    usable = [one for one in lines if one.status in {"active", "deprecated", "yanked"}]
    return next((one for one in usable if here is not None and one.order < here), None)


def search(rows: Rows, words: str, status: str, cursor: str, most: int) -> tuple[list[PackageLine], str]:
    sql = (
        _PACKAGE
        + "WHERE "
        + _PUBLIC
        + "AND (p.package_id LIKE ? OR p.title LIKE ? OR p.summary LIKE ?) AND (? = '' OR p.status = ?) ORDER BY p.updated_at DESC LIMIT ?"
    )
    like = f"%{words}%"
    return [*map(_package, rows.all(sql, like, like, like, status, status, most))], cursor and ""
