"""What the order of a search depends on stands ready, in step with the packages, and a registry of an earlier release gets it when it is opened."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from mpp.protocol.registry.state import PackageState
from mpp_registry.catalog import ranking
from mpp_registry.catalog import search as ours
from mpp_registry.catalog.ranking import fill_ranks, rank_of
from mpp_registry.catalog.reading import newest as every_one
from mpp_registry.catalog.search import search
from mpp_registry.catalog.types import Viewer
from mpp_registry.catalog.words import folded, matches, query_words
from mpp_registry.catalog.writing import count_downloads, follow_state, put_package
from mpp_registry.store.migrations import SCHEMA, migrate, migrations
from mpp_registry.store.ports import Database, Rows
from tests.registry.worlds import ALICE, NOW

from .filling import a_package, put
from .test_remembered import plain_score

KEPT = "SELECT s.id, r.package_id, r.updated_at, r.digits, r.last, r.title, r.keywords, r.summary FROM search_rows s LEFT JOIN search_ranks r ON r.id = s.id ORDER BY s.id"
TRUE = "SELECT s.id, p.package_id, p.title, p.keywords, p.summary, p.updated_at, p.downloads FROM search_rows s JOIN packages p ON p.package_id = s.package_id ORDER BY s.id"


def is_in_step(rows: Rows) -> bool:
    """Each row of the index has the rank that its package would get now, and there is no other."""
    kept = rows.all(KEPT)
    return kept == [(row[0], *rank_of(row[1:])) for row in rows.all(TRUE)] and rows.one("SELECT COUNT(*) FROM search_ranks") == (len(kept),)


def state(package_id: str, latest: str = "1.0.0") -> PackageState:
    return PackageState(package_id=package_id, publisher_id=ALICE, owners=(), versions=(), index=9)


@pytest.mark.parametrize("seed", range(3))
def test_ranks_follow_every_change(database: Database, seed: int) -> None:
    source = random.Random(seed)
    for step in range(60):
        name = f"com.example.p{source.randrange(6)}"
        with database.write() as rows:
            kind = source.randrange(4)
            if kind == 0:
                put(
                    rows,
                    name,
                    title=source.choice(("Table", "Über alles", "Note")),
                    visibility=source.choice(("public", "public", "private")),
                    updated_at=NOW + step,
                )
            elif kind == 1:
                put_package(
                    rows, a_package(name, keywords=source.choice(("csv", "sky")), status=source.choice(("active", "quarantined")), updated_at=NOW + step)
                )
            elif kind == 2:
                follow_state(rows, state(name), NOW + step)
            else:
                count_downloads(rows, {name: source.choice((1, 9, 95))}, 1)
            assert is_in_step(rows)


def test_a_change_that_is_undone_leaves_no_rank(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as rows:
        put(rows, "com.example.one", title="Table")
        raise ZeroDivisionError
    with database.read() as rows:
        assert rows.one("SELECT COUNT(*) FROM search_ranks") == (0,)
        assert search(rows, "table").items == ()


def test_one_without_a_rank_is_found_and_ordered_all_the_same(database: Database) -> None:
    """A release before this one may still write beside it."""
    with database.write() as rows:
        for number in range(9):
            put(rows, f"com.example.p{number}", title="Table" if number % 2 else "", summary="a table", downloads=10**number)
        wanted = [one.package_id for one in search(rows, "table").items]
        rows.run("DELETE FROM search_ranks WHERE id IN (SELECT id FROM search_rows WHERE package_id IN ('com.example.p3', 'com.example.p4'))")
        assert not is_in_step(rows)
        assert [one.package_id for one in search(rows, "table").items] == wanted


def test_ranks_are_filled_a_few_at_a_time_and_go_on_where_they_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.write() as rows:
        for number in range(11):
            put(rows, f"com.example.p{number}", title="Table")
        rows.run("DELETE FROM search_ranks")

    made = list[int]()

    def failing(row: tuple[object, ...]) -> ranking.Rank:
        made.append(1)
        if len(made) > 5:
            raise ZeroDivisionError
        return rank_of(row)  # type: ignore[arg-type] # passed on as it came

    with monkeypatch.context() as patch:
        patch.setattr(ranking, "rank_of", failing)
        with pytest.raises(ZeroDivisionError):
            fill_ranks(database, 4)
    with database.read() as rows:
        assert rows.one("SELECT COUNT(*) FROM search_ranks") == (4,)
    assert fill_ranks(database, 4) == 7
    with database.read() as rows:
        assert is_in_step(rows)
    assert fill_ranks(database, 4) == 0


def as_before(rows: Rows) -> None:
    """The tables of search as the release before this step left them, with the rows that are there."""
    rows.run("DROP TABLE search_ranks")
    rows.run("DROP INDEX log_versions_stopped")
    rows.run("DELETE FROM schema_migrations WHERE number >= 60")
    if rows.kind == "sqlite":
        rows.run("DROP TABLE search_names")
        rows.run("DROP TABLE search_words")
        old = re.search(r"CREATE VIRTUAL TABLE search_words.*?\);", (Path(SCHEMA) / "0002_search.sqlite.sql").read_text(), re.DOTALL)
        assert old is not None
        rows.run(old[0])
        rows.run("INSERT INTO search_words (rowid, name, words) SELECT id, name, words FROM search_rows")


TEXTS = ("table", "tab", "wetter köln", "com.example.p3", "note csv", "p1", "documentatio", "extraordinarily-long-wor")


def test_a_registry_of_an_earlier_release_finds_the_same_afterwards(database: Database) -> None:
    with database.write() as rows:
        for number in range(30):
            title, summary = (
                ("Table of notes", "Wetter für Köln") if number % 3 else ("Documentation", "extraordinarily-long-words about a table, csv and notes")
            )
            put(
                rows,
                f"com.example.p{number}",
                title=title,
                summary=summary,
                keywords="csv note" if number % 4 else "",
                more="list_tables",
                downloads=number * 7,
            )
        put(rows, "com.example.secret", title="Table", visibility="private")
        wanted = {text: [one.package_id for one in search(rows, text, limit=100).items] for text in TEXTS}
        assert all(wanted.values())
        as_before(rows)
    with database.write() as rows:
        assert migrate(rows, database.kind, NOW, "here") == sum(one.number >= 60 for one in migrations(database.kind))
    assert fill_ranks(database) == 30
    with database.write() as rows:
        assert is_in_step(rows)
        assert {text: [one.package_id for one in search(rows, text, limit=100).items] for text in TEXTS} == wanted
        # And it goes on: what changes afterwards leaves the index sound.
        put(rows, "com.example.p3", title="Forecast")
        assert [one.package_id for one in search(rows, "forecast").items] == ["com.example.p3"]
        assert "com.example.p3" not in [one.package_id for one in search(rows, "documentation", limit=100).items]
        if rows.kind == "sqlite":
            for index in ("search_words", "search_names"):
                rows.run(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")


def test_a_private_package_that_stands_in_the_index_is_shown_to_its_owners_alone(database: Database) -> None:
    """Attack on oneself: an index that fell behind leads nobody to what is private now."""
    with database.write() as rows:
        put(rows, "com.example.secret", ALICE, title="Table")
        put(rows, "com.example.open", title="Table")
        rows.run("UPDATE packages SET visibility = 'private' WHERE package_id = 'com.example.secret'")
        assert [one.package_id for one in search(rows, "table").items] == ["com.example.open"]
        assert {one.package_id for one in search(rows, "table", viewer=Viewer(publisher_id=ALICE)).items} == {"com.example.open", "com.example.secret"}


@pytest.mark.parametrize("text", ["common", "commo", "common word", "name"])
def test_of_a_common_word_the_newest_and_the_named_are_ranked(database: Database, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Which packages are ranked, and their order, are said once more here in the plainest words: an index that finds others, or fewer, would be noticed."""
    monkeypatch.setattr(ours, "NAME_HITS_MAX", 5)
    monkeypatch.setattr(ours, "WORD_HITS_MAX", 8)
    source, texts = random.Random(4), {}
    with database.write() as rows:
        for number in range(60):
            title = source.choice(("Common word", "Common words in a name", "Thing", "Commonly named"))
            summary = source.choice(("a common word", "names of common things", "word"))
            put(rows, f"com.example.p{number:02d}", title=title, summary=summary, downloads=source.choice((0, 50, 3000)), updated_at=NOW + number)
            texts[number] = folded(f"com.example.p{number:02d} {title}"), folded(f"com.example.p{number:02d} {title} {summary}")
        words = query_words(text)
        named = [number for number in reversed(range(60)) if all(matches(word, texts[number][0]) for word in words)][:5]
        newest = [number for number in reversed(range(60)) if all(matches(word, texts[number][1]) for word in words)][:8]
        every = {one.package_id: one for one in every_one(rows, limit=100).items}
        chosen = [every[f"com.example.p{number:02d}"] for number in {*named, *newest}]
        wanted = sorted(chosen, key=lambda one: (-plain_score(one, words, text), -one.updated_at, one.package_id))
        assert len(newest) == 8
        assert list(search(rows, text, limit=len(wanted)).items) == wanted
