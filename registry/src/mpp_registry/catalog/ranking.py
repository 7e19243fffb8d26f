"""What the order of a package in a search depends on, kept ready beside the index: a search ranks hundreds, and folding their texts would cost more than all else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from mpp_registry.catalog.limits import RANKS_FILLED_MAX
from mpp_registry.catalog.types import PackageRow
from mpp_registry.catalog.words import folded, is_prefix
from mpp_registry.store.ports import Cell, Database, Row, Rows

_EXACT, _NAME, _WORD, _KEYWORD, _SUMMARY = 1_000, 100, 40, 20, 5
"""How much it counts: the whole id or its last part; the words in the last part of the id; each in id or title, in the keywords, in the summary."""

_RANKS = "SELECT package_id, updated_at, digits, last, title, keywords, summary FROM search_ranks "
_PUT = (
    "INSERT INTO search_ranks (id, package_id, updated_at, digits, last, title, keywords, summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at,"
    " digits = excluded.digits, last = excluded.last, title = excluded.title, keywords = excluded.keywords, summary = excluded.summary"
)
_PACKAGE = "SELECT p.package_id, p.title, p.keywords, p.summary, p.updated_at, p.downloads FROM packages p "
_INDEXED = (
    "SELECT s.id, p.package_id, p.title, p.keywords, p.summary, p.updated_at, p.downloads FROM search_rows s JOIN packages p ON p.package_id = s.package_id "
)


class Rank(NamedTuple):
    """A few hundred of these are made for each search, so it is no more than a row. Texts are folded."""

    package_id: str
    updated_at: int
    digits: int
    last: str
    title: str
    keywords: str
    summary: str


def rank_of(row: Row) -> Rank:
    """Of id, title, keywords, summary, last change and downloads of a package."""
    package_id, title, keywords, summary, updated_at, downloads = cast("tuple[str, str, str, str, int, int]", row)
    last = folded(package_id.rpartition(".")[2])
    return Rank(package_id, updated_at, len(str(downloads)), last, folded(f"{package_id} {title}"), folded(keywords), folded(summary))


# ------------------------------------------------------------ reading


def ranks(rows: Rows, ids: Sequence[int]) -> list[Rank]:
    """Of rows of the index."""
    if not ids:
        return []
    marks = ",".join("?" * len(ids))
    found = [Rank(*cast("tuple[str, int, int, str, str, str, str]", row)) for row in rows.all(_RANKS + f"WHERE id IN ({marks})", *ids)]
    # A release before this one, that still runs beside it, writes rows of the index without a rank.
    return found if len(found) == len(ids) else [rank_of(row[1:]) for row in rows.all(_INDEXED + f"WHERE s.id IN ({marks})", *ids)]


def own_ranks(rows: Rows, publisher_id: str, most: int) -> list[Rank]:
    """Private packages of a publisher: they stand in no index that others read."""
    sql = _PACKAGE + "JOIN package_owners o ON o.package_id = p.package_id WHERE o.publisher_id = ? AND p.visibility <> 'public' ORDER BY o.package_id LIMIT ?"
    return [rank_of(row) for row in rows.all(sql, publisher_id, most)]


def in_order(found: Sequence[Rank], words: tuple[str, ...], wanted: str) -> list[str]:
    """Ids of packages: what fits best first, then what changed last."""
    needles = tuple((f" {word}" if is_prefix(word) else f" {word} ", f" {word} ") for word in words)
    scored = [(-_score(one, needles, wanted), -one.updated_at, one.package_id) for one in found]
    return [package_id for *_, package_id in sorted(scored)]


def _score(one: Rank, needles: tuple[tuple[str, str], ...], wanted: str) -> int:
    """Written out, because a search scores hundreds. ``needles``: of each word how it is found by the rule of the index, and how as a whole word, in a folded text."""
    package_id, _, digits, last, title, keywords, summary = one
    # Tenfold downloads count as much as a word in the summary: a known package comes first among equals, and buys no place before one that fits better.
    total, is_named = _SUMMARY * digits, True
    for begin, whole in needles:
        # A whole word counts twice as much as the beginning of one.
        if begin in title:
            total += _WORD * (1 + (whole in title))
        if begin in keywords:
            total += _KEYWORD * (1 + (whole in keywords))
        if begin in summary:
            total += _SUMMARY * (1 + (whole in summary))
        is_named = is_named and begin in last
    if package_id.endswith(wanted) and wanted in {package_id, package_id.rpartition(".")[2]}:
        total += _EXACT
    return total + (_NAME if is_named else 0)


# ------------------------------------------------------------ writing


def put_rank(rows: Rows, row: PackageRow) -> None:
    """Of a package that stands in the index, within the transaction that put it there."""
    found = rows.one("SELECT id FROM search_rows WHERE package_id = ?", row.package_id)
    if found is not None:
        rank = rank_of((row.package_id, row.title, row.keywords, row.summary, row.updated_at, row.downloads))
        rows.run(_PUT, found[0], *rank)


def drop_rank(rows: Rows, id_: Cell) -> None:
    rows.run("DELETE FROM search_ranks WHERE id = ?", id_)


def follow_downloads(rows: Rows, package_id: str, count: int) -> None:
    """``count`` more were just added. Most often their number has as many digits as before, and nothing changes."""
    found = cast("tuple[int] | None", rows.one("SELECT downloads FROM packages WHERE package_id = ?", package_id))
    if found is not None and len(str(found[0])) != len(str(found[0] - count)):
        rows.run("UPDATE search_ranks SET digits = ? WHERE id = (SELECT id FROM search_rows WHERE package_id = ?)", len(str(found[0])), package_id)


def fill_ranks(database: Database, at_once: int = RANKS_FILLED_MAX) -> int:
    """Ranks of rows that have none: those of a registry that was made by an earlier release. How many there were.

    It goes on where it stopped, and a second replica that does the same finds nothing left to do.
    """
    # Each rank belongs to a row of the index, so that equal numbers are enough to know.
    missing = "SELECT 1 WHERE (SELECT COUNT(*) FROM search_rows) > (SELECT COUNT(*) FROM search_ranks)"
    sql = f"{_INDEXED}LEFT JOIN search_ranks r ON r.id = s.id WHERE s.id > ? AND r.id IS NULL ORDER BY s.id LIMIT ?"
    filled, last = 0, -1
    while True:
        with database.read() as rows:
            if rows.one(missing) is None:
                return filled
        with database.write() as rows:
            found = rows.all(sql, last, at_once)
            rows.many(_PUT, [(row[0], *rank_of(row[1:])) for row in found])
        if not found:
            # What is left stands before: a release before this one wrote it meanwhile, or it belongs to no package.
            return filled
        filled, last = filled + len(found), cast("int", found[-1][0])
