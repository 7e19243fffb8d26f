"""Search: all words must be there, each as the beginning of one. The better a package fits, the earlier it comes.

A word that a large part of all packages holds must not cost more than a rare one. So the packages that changed last, and those with the words in their name, are
ranked against each other; those that come after them follow in the order of their last change, without end, and each page costs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from mpp_registry.catalog.cursors import read_cursor, write_cursor
from mpp_registry.catalog.limits import NAME_HITS_MAX, OWN_HITS_MAX, PAGE_ITEMS_MAX, WORD_HITS_MAX
from mpp_registry.catalog.reading import PACKAGE, limited, newest, to_package
from mpp_registry.catalog.types import STRANGER, PackageRow, Page, Viewer
from mpp_registry.catalog.words import folded, matches, postgres_query, query_words, sqlite_query
from mpp_registry.store.ports import Cell, Rows

_EXACT, _NAME, _WORD, _KEYWORD, _SUMMARY = 1_000, 100, 40, 20, 5
"""How much it counts: the whole id or its last part; the words in the last part of the id; each in id or title, in the keywords, in the summary."""

_RANKED, _REST = "ranked", "rest"
_SQLITE = "SELECT rowid FROM search_words WHERE search_words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
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
        found = _ranked(rows, words, text, {*by_name, *by_word}, viewer)
        page = found[max(at, 0) : max(at, 0) + most]
        if max(at, 0) + most < len(found):
            return Page(items=tuple(page), next=write_cursor(_RANKED, max(at, 0) + most))
        return Page(items=tuple(page), next=write_cursor(_REST, after) if after else "")
    return _rest(rows, words, min(at, after), frozenset(by_name), most)


def _rest(rows: Rows, words: tuple[str, ...], after: int, seen: frozenset[int], most: int) -> Page[PackageRow]:
    """Those that were not ranked, in the order of their last change. A page may have fewer items than it was asked for."""
    ids = _hits(rows, words, in_name=False, most=most, before=after) if after > 0 else []
    found = _packages(rows, [one for one in ids if one not in seen])
    return Page(items=tuple(found), next=write_cursor(_REST, ids[-1]) if len(ids) == most else "")


def _hits(rows: Rows, words: tuple[str, ...], *, in_name: bool, most: int, before: int = 2**62) -> list[int]:
    """Rows of the index that hold the words, those that changed last first."""
    if rows.kind == "sqlite":
        query = f"{{name}} : ({sqlite_query(words)})" if in_name else sqlite_query(words)
        sql = _SQLITE
    else:
        query = postgres_query(words)
        sql = _POSTGRES_NAME if in_name else _POSTGRES_WORD
    return [cast("int", one) for (one,) in rows.all(sql, query, before, most)]


def _packages(rows: Rows, ids: Sequence[int]) -> list[PackageRow]:
    """In the order of their last change."""
    if not ids:
        return []
    # Attack on oneself: "= 'public'" would be taken for a good way in, and all public packages be read.
    marks = ",".join("?" * len(ids))
    sql = PACKAGE + f"JOIN search_rows s ON s.package_id = p.package_id WHERE s.id IN ({marks}) AND p.visibility <> 'private' ORDER BY s.id DESC"
    return [to_package(row) for row in rows.all(sql, *cast("Sequence[Cell]", ids))]


def _ranked(rows: Rows, words: tuple[str, ...], text: str, ids: set[int], viewer: Viewer) -> list[PackageRow]:
    found = [*_packages(rows, sorted(ids)), *_own(rows, words, viewer)]
    wanted = text.strip().lower()
    scored = [(-_score(one, words, wanted), -one.updated_at, one.package_id, one) for one in found]
    return [one for *_, one in sorted(scored, key=lambda item: item[:3])]


def _own(rows: Rows, words: tuple[str, ...], viewer: Viewer) -> list[PackageRow]:
    """Private packages of the viewer: they stand in no index that others read."""
    if not viewer.publisher_id:
        return []
    sql = PACKAGE + "JOIN package_owners o ON o.package_id = p.package_id WHERE o.publisher_id = ? AND p.visibility <> 'public' ORDER BY o.package_id LIMIT ?"
    found = [to_package(row) for row in rows.all(sql, viewer.publisher_id, OWN_HITS_MAX)]
    return [one for one in found if _holds(one, words)]


def _holds(one: PackageRow, words: tuple[str, ...]) -> bool:
    text = folded(f"{one.package_id} {one.title} {one.keywords} {one.summary}")
    return all(matches(word, text) for word in words)


def _score(one: PackageRow, words: tuple[str, ...], wanted: str) -> int:
    last = one.package_id.rpartition(".")[2]
    held = ((_WORD, folded(f"{one.package_id} {one.title}")), (_KEYWORD, folded(one.keywords)), (_SUMMARY, folded(one.summary)))
    # A whole word counts twice as much as the beginning of one.
    fits = sum(weight * (1 + (f" {word} " in text)) for weight, text in held for word in words if matches(word, text))
    exact = _EXACT if wanted in {one.package_id, last} else 0
    name = folded(last)
    # Tenfold downloads count as much as a word in the summary: a known package comes first among equals, and buys no place before one that fits better.
    return exact + fits + (_NAME if all(matches(word, name) for word in words) else 0) + _SUMMARY * len(str(one.downloads))
