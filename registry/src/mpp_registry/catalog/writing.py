"""What changes the catalog. Each is called within the write transaction that also appends the leaf to the log, and keeps search and counts in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from mpp.protocol.registry.events import Owner
from mpp.protocol.registry.state import PackageState
from mpp_registry.catalog.ordering import ordering_of
from mpp_registry.catalog.ranking import drop_rank, follow_downloads, put_rank
from mpp_registry.catalog.reading import package
from mpp_registry.catalog.types import PackageRow, PublisherRow, VersionFiles, VersionRow, Viewer
from mpp_registry.catalog.words import words_text
from mpp_registry.store.ports import Rows

_ALL = Viewer(is_admin=True)
_SHOWN = {"active", "deprecated"}
"""States of a package that search finds. One that is quarantined or revoked has a page, and nobody is led there."""


def put_publisher(rows: Rows, row: PublisherRow) -> None:
    """A new publisher, or one whose root document or status changed."""
    rows.run(
        "INSERT INTO publishers (publisher_id, name, roots, root_version, status, registered_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (publisher_id)"
        " DO UPDATE SET name = excluded.name, roots = excluded.roots, root_version = excluded.root_version, status = excluded.status",
        row.publisher_id, row.name, row.roots, row.root_version, row.status, row.registered_at,
    )  # fmt: skip


def put_package(rows: Rows, row: PackageRow, more: str = "") -> None:
    """A new package, or what its newest version says of it. ``more``: further words by which it is found, such as the names of its tools.

    ``created_at`` and ``downloads`` stay as they were first.
    """
    before = cast("tuple[str, int] | None", rows.one("SELECT visibility, downloads FROM packages WHERE package_id = ?", row.package_id))
    rows.run(
        "INSERT INTO packages (package_id, publisher_id, title, summary, keywords, visibility, latest, status, created_at, updated_at, downloads)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (package_id) DO UPDATE SET publisher_id = excluded.publisher_id, title = excluded.title,"
        " summary = excluded.summary, keywords = excluded.keywords, visibility = excluded.visibility, latest = excluded.latest, status = excluded.status,"
        " updated_at = excluded.updated_at",
        row.package_id, row.publisher_id, row.title, row.summary, row.keywords, row.visibility, row.latest, row.status, row.created_at, row.updated_at,
        row.downloads,
    )  # fmt: skip
    _count(rows, "packages", (row.visibility == "public") - (before is not None and before[0] == "public"))
    name, words = words_text(row.package_id, row.title, row.keywords), words_text(row.summary, more)
    _index(rows, row.package_id, (name, words) if row.visibility == "public" and row.status in _SHOWN else None)
    put_rank(rows, row if before is None else replace(row, downloads=before[1]))


def put_version(rows: Rows, row: VersionRow, files: VersionFiles) -> None:
    """A version that was just published. One of its number that is there already makes the transaction fail."""
    rows.run(
        "INSERT INTO versions (package_id, version, publisher_id, content_hash, file_hash, size, status, reason, published_at, log_index, ordering, manifest,"
        " readme, sbom, provenance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.package_id, row.version, row.publisher_id, row.content_hash, row.file_hash, row.size, row.status, row.reason, row.published_at, row.log_index,
        ordering_of(row.version), files.manifest, files.readme, files.sbom, files.provenance,
    )  # fmt: skip
    _count(rows, "versions", 1)


def set_status(rows: Rows, package_id: str, version: str, status: str, reason: str) -> bool:
    """False: there is no such version. ``follow_state`` then says what this makes of the package."""
    return rows.run("UPDATE versions SET status = ?, reason = ? WHERE package_id = ? AND version = ?", status, reason, package_id, version) > 0


def follow_state(rows: Rows, state: PackageState, at: int) -> None:
    """Let the package say what the log says of it: newest version, status, publisher. Call it after ``Ledger.append`` with ``Ledger.package_state``."""
    sql = "UPDATE packages SET latest = ?, status = ?, publisher_id = CASE WHEN ? = '' THEN publisher_id ELSE ? END, updated_at = ? WHERE package_id = ?"
    rows.run(sql, state.latest, state.status, state.publisher_id, state.publisher_id, at, state.package_id)
    found = package(rows, state.package_id, _ALL)
    if found is None:
        return
    if found.visibility != "public" or state.status not in _SHOWN:
        _index(rows, state.package_id, None)
    elif rows.one("SELECT 1 FROM search_rows WHERE package_id = ?", state.package_id) is None:
        # It comes back. The further words come with its next version.
        _index(rows, state.package_id, (words_text(state.package_id, found.title, found.keywords), words_text(found.summary)))
    put_rank(rows, found)


def set_owners(rows: Rows, package_id: str, owners: Sequence[Owner], at: int) -> None:
    """All who own or maintain it from now on. Who did before keeps the time since when."""
    since = {
        str(publisher_id): cast("int", begin)
        for publisher_id, begin in rows.all("SELECT publisher_id, since FROM package_owners WHERE package_id = ?", package_id)
    }
    rows.run("DELETE FROM package_owners WHERE package_id = ?", package_id)
    rows.many(
        "INSERT INTO package_owners (package_id, publisher_id, role, since) VALUES (?, ?, ?, ?)",
        [(package_id, one.publisher_id, one.role, since.get(one.publisher_id, at)) for one in owners],
    )


def count_downloads(rows: Rows, counts: Mapping[str, int], day: int) -> None:
    """Downloads of packages on one day, as ``Downloads`` gathers them. Packages that are not there are passed over."""
    known = [(package_id, count) for package_id, count in sorted(counts.items()) if rows.run(_MORE_DOWNLOADS, count, package_id)]
    sql = (
        "INSERT INTO downloads_daily (package_id, day, count) VALUES (?, ?, ?) ON CONFLICT (package_id, day)"
        " DO UPDATE SET count = downloads_daily.count + excluded.count"
    )
    rows.many(sql, [(package_id, day, count) for package_id, count in known])
    for package_id, count in known:
        follow_downloads(rows, package_id, count)
    _count(rows, "downloads", sum(count for _, count in known))


_MORE_DOWNLOADS = "UPDATE packages SET downloads = downloads + ? WHERE package_id = ?"


def _count(rows: Rows, name: str, change: int) -> None:
    if change:
        rows.run("INSERT INTO counts (name, count) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = counts.count + excluded.count", name, change)


def _index(rows: Rows, package_id: str, texts: tuple[str, str] | None) -> None:
    """What search finds of a package; None: nothing. What did not change keeps its place."""
    found = rows.one("SELECT id, name, words FROM search_rows WHERE package_id = ?", package_id)
    if (texts is None and found is None) or (found is not None and found[1:] == texts):
        return
    if found is not None:
        if rows.kind == "sqlite":
            rows.run("INSERT INTO search_words (search_words, rowid, name, words) VALUES ('delete', ?, ?, ?)", *found)
            rows.run("INSERT INTO search_names (search_names, rowid, name) VALUES ('delete', ?, ?)", *found[:2])
        drop_rank(rows, found[0])
        rows.run("DELETE FROM search_rows WHERE package_id = ?", package_id)
    if texts is not None:
        (_insert_sqlite if rows.kind == "sqlite" else _insert_postgres)(rows, package_id, *texts)


def _insert_sqlite(rows: Rows, package_id: str, name: str, words: str) -> None:
    rows.run("INSERT INTO search_rows (package_id, name, words) VALUES (?, ?, ?)", package_id, name, words)
    rows.run("INSERT INTO search_words (rowid, name, words) SELECT id, name, words FROM search_rows WHERE package_id = ?", package_id)
    rows.run("INSERT INTO search_names (rowid, name) SELECT id, name FROM search_rows WHERE package_id = ?", package_id)


def _insert_postgres(rows: Rows, package_id: str, name: str, words: str) -> None:
    both = f"{name} {words}".strip()
    rows.run(
        "INSERT INTO search_rows (package_id, name, words, name_index, word_index)"
        " VALUES (?, ?, ?, array_to_tsvector(string_to_array(?, ' ')), array_to_tsvector(string_to_array(?, ' ')))",
        package_id, name, words, name, both,
    )  # fmt: skip
