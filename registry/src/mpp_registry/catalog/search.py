"""Search: all words must be there, each as the beginning of one. The better a package fits, the earlier it comes.

A word that a large part of all packages holds must not cost more than a rare one. So the packages that changed last, and those with the words in their name, are
ranked against each other; those that come after them follow in the order of their last change, without end, and each page costs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from mpp_registry.catalog.cursors import read_cursor, write_cursor
from mpp_registry.catalog.limits import NAME_HITS_MAX, OWN_HITS_MAX, PAGE_ITEMS_MAX, WORD_HITS_MAX
from mpp_registry.catalog.ranking import Rank, in_order, own_ranks, ranks
from mpp_registry.catalog.reading import PACKAGE, limited, newest, to_package
from mpp_registry.catalog.types import STRANGER, PackageRow, Page, Viewer
from mpp_registry.catalog.words import matches, postgres_query, query_words, sqlite_query
from mpp_registry.store.ports import Cell, Rows

_RANKED, _REST = "ranked", "rest"
_SQLITE_NAME = "SELECT rowid FROM search_names WHERE search_names MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
_SQLITE_WORD = "SELECT rowid FROM search_words WHERE search_words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
_POSTGRES_NAME = "SELECT id FROM search_rows WHERE name_index @@ CAST(? AS tsquery) AND id < CAST(? AS BIGINT) ORDER BY id DESC LIMIT ?"
_POSTGRES_WORD = "SELECT id FROM search_rows WHERE word_index @@ CAST(? AS tsquery) AND id < CAST(? AS BIGINT) ORDER BY id DESC LIMIT ?"


def search(rows: Rows, text: str, cursor: str = "", limit: int = PAGE_ITEMS_MAX, viewer: Viewer = STRANGER) -> Page[PackageRow]:
    """Packages that fit, the best first; without a word in ``text`` the newest. Of private ones those of the viewer."""
    words, most = query_words(text), limited(limit)
    if not words:
        return newest(rows, cursor, most)
    where, at = cast("tuple[str, int]", read_cursor(cursor, (str, int))) if cursor else (_RANKED, 0)
    by_name, by_word = _hits(rows, words, in_name=True, most=NAME_HITS_MAX), _hits(rows, words, in_name=False, most=WORD_HITS_MAX)
    after = by_word[-1] if len(by_word) == WORD_HITS_MAX else 0
    if where == _RANKED:
        own = [one for one in own_ranks(rows, viewer.publisher_id, OWN_HITS_MAX) if _holds(one, words)] if viewer.publisher_id else []
        found = in_order([*ranks(rows, sorted({*by_name, *by_word})), *own], words, text.strip().lower())
        begin = max(at, 0)
        page = tuple(_whole(rows, found[begin : begin + most], frozenset(one.package_id for one in own)))
        if begin + most < len(found):
            return Page(items=page, next=write_cursor(_RANKED, begin + most))
        return Page(items=page, next=write_cursor(_REST, after) if after else "")
    return _rest(rows, words, min(at, after), frozenset(by_name), most)


def _rest(rows: Rows, words: tuple[str, ...], after: int, seen: frozenset[int], most: int) -> Page[PackageRow]:
    """Those that were not ranked, in the order of their last change. A page may have fewer items than it was asked for."""
    ids = _hits(rows, words, in_name=False, most=most, before=after) if after > 0 else []
    found = _packages(rows, [one for one in ids if one not in seen])
    return Page(items=tuple(found), next=write_cursor(_REST, ids[-1]) if len(ids) == most else "")


def _hits(rows: Rows, words: tuple[str, ...], *, in_name: bool, most: int, before: int = 2**62) -> list[int]:
    """Rows of the index that hold the words, those that changed last first."""
    if rows.kind == "sqlite":
        query, sql = sqlite_query(words), _SQLITE_NAME if in_name else _SQLITE_WORD
    else:
        query, sql = postgres_query(words), _POSTGRES_NAME if in_name else _POSTGRES_WORD
    return [cast("int", one) for (one,) in rows.all(sql, query, before, most)]


def _packages(rows: Rows, ids: Sequence[int]) -> list[PackageRow]:
    """In the order of their last change."""
    if not ids:
        return []
    # Attack on oneself: "= 'public'" would be taken for a good way in, and all public packages be read.
    marks = ",".join("?" * len(ids))
    sql = PACKAGE + f"JOIN search_rows s ON s.package_id = p.package_id WHERE s.id IN ({marks}) AND p.visibility <> 'private' ORDER BY s.id DESC"
    return [to_package(row) for row in rows.all(sql, *cast("Sequence[Cell]", ids))]


def _whole(rows: Rows, package_ids: Sequence[str], own: frozenset[str]) -> list[PackageRow]:
    """In the order of ``package_ids``: only those of one page are read whole. Attack: one that stands in the index and is private is shown to its owners alone."""
    if not package_ids:
        return []
    marks = ",".join("?" * len(package_ids))
    found = {one.package_id: one for one in map(to_package, rows.all(PACKAGE + f"WHERE p.package_id IN ({marks})", *package_ids))}
    return [found[one] for one in package_ids if one in found and (found[one].visibility != "private" or one in own)]


def _holds(one: Rank, words: tuple[str, ...]) -> bool:
    text = f"{one.title}{one.keywords}{one.summary}"
    return all(matches(word, text) for word in words)
