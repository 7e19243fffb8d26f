"""Search: all words must be there, each as the beginning of one. The better a package fits, the earlier it comes.

A word that a large part of all packages holds must not cost more than a rare one. So the packages that changed last, and those with the words in their name, are
ranked against each other; those that come after them follow in the order of their last change, without end, and each page costs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import cast, NamedTuple

from mpp_registry.catalog.cursors import read_cursor, write_cursor
from mpp_registry.catalog.limits import FOLDED_KEPT, NAME_HITS_MAX, OWN_HITS_MAX, PAGE_ITEMS_MAX, WORD_HITS_MAX
from mpp_registry.catalog.reading import PACKAGE, limited, newest, to_package
from mpp_registry.catalog.types import STRANGER, PackageRow, Page, Viewer
from mpp_registry.catalog.words import folded, is_prefix, matches, postgres_query, query_words, sqlite_query
from mpp_registry.store.ports import Cell, Rows

_EXACT, _NAME, _WORD, _KEYWORD, _SUMMARY = 1_000, 100, 40, 20, 5
"""How much it counts: the whole id or its last part; the words in the last part of the id; each in id or title, in the keywords, in the summary."""

_RANKED, _REST = "ranked", "rest"
_SEEN = "SELECT p.package_id, p.title, p.keywords, p.summary, p.updated_at, p.downloads FROM packages p "
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
        begin = max(at, 0)
        page = tuple(_whole(rows, [one.package_id for one in found[begin : begin + most]]))
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


class _Seen(NamedTuple):
    """What the order of a package depends on. A few hundred of these are made for each search, so it is no more than a row."""

    package_id: str
    title: str
    keywords: str
    summary: str
    updated_at: int
    downloads: int


def _ranked(rows: Rows, words: tuple[str, ...], text: str, ids: set[int], viewer: Viewer) -> list[_Seen]:
    found = [*_seen(rows, sorted(ids)), *_own(rows, words, viewer)]
    wanted, needles = text.strip().lower(), _needles(words)
    scored = [(-_score(one, needles, wanted), -one.updated_at, one.package_id, one) for one in found]
    return [one for *_, one in sorted(scored, key=lambda item: item[:3])]


def _seen(rows: Rows, ids: Sequence[int]) -> list[_Seen]:
    if not ids:
        return []
    marks = ",".join("?" * len(ids))
    sql = _SEEN + f"JOIN search_rows s ON s.package_id = p.package_id WHERE s.id IN ({marks}) AND p.visibility <> 'private'"
    return [_Seen(*cast("tuple[str, str, str, str, int, int]", row)) for row in rows.all(sql, *cast("Sequence[Cell]", ids))]


def _whole(rows: Rows, package_ids: Sequence[str]) -> list[PackageRow]:
    """In the order of ``package_ids``: only those of one page are read whole. Who may see them was judged when they were ranked."""
    if not package_ids:
        return []
    marks = ",".join("?" * len(package_ids))
    found = {one.package_id: one for one in map(to_package, rows.all(PACKAGE + f"WHERE p.package_id IN ({marks})", *package_ids))}
    return [found[one] for one in package_ids if one in found]


def _own(rows: Rows, words: tuple[str, ...], viewer: Viewer) -> list[_Seen]:
    """Private packages of the viewer: they stand in no index that others read."""
    if not viewer.publisher_id:
        return []
    sql = _SEEN + "JOIN package_owners o ON o.package_id = p.package_id WHERE o.publisher_id = ? AND p.visibility <> 'public' ORDER BY o.package_id LIMIT ?"
    found = [_Seen(*cast("tuple[str, str, str, str, int, int]", row)) for row in rows.all(sql, viewer.publisher_id, OWN_HITS_MAX)]
    return [one for one in found if _holds(one, words)]


def _holds(one: _Seen, words: tuple[str, ...]) -> bool:
    text = folded(f"{one.package_id} {one.title} {one.keywords} {one.summary}")
    return all(matches(word, text) for word in words)


@lru_cache(FOLDED_KEPT)
def _folded(package_id: str, title: str, keywords: str, summary: str) -> tuple[str, str, str, str]:
    """The texts that are scored, and the last part of the id. The same packages are found by many searches, and folding them costs most."""
    return folded(f"{package_id} {title}"), folded(keywords), folded(summary), folded(package_id.rpartition(".")[2])


def _needles(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Of each word how it is found by the rule of the index, and how as a whole word, in a folded text."""
    return tuple((f" {word}" if is_prefix(word) else f" {word} ", f" {word} ") for word in words)


def _score(one: _Seen, needles: tuple[tuple[str, str], ...], wanted: str) -> int:
    """Written out, because a search scores hundreds."""
    in_name, in_keywords, in_summary, last = _folded(one.package_id, one.title, one.keywords, one.summary)
    # Tenfold downloads count as much as a word in the summary: a known package comes first among equals, and buys no place before one that fits better.
    total, is_named = _SUMMARY * len(str(one.downloads)), True
    for begin, whole in needles:
        # A whole word counts twice as much as the beginning of one.
        if begin in in_name:
            total += _WORD * (1 + (whole in in_name))
        if begin in in_keywords:
            total += _KEYWORD * (1 + (whole in in_keywords))
        if begin in in_summary:
            total += _SUMMARY * (1 + (whole in in_summary))
        is_named = is_named and begin in last
    exact = _EXACT if wanted in {one.package_id, one.package_id.rpartition(".")[2]} else 0
    return total + exact + (_NAME if is_named else 0)
