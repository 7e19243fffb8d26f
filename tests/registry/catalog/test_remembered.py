"""Searches are remembered as long as nothing changed, and answer as if they were not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mpp_registry.catalog import remembered
from mpp_registry.catalog.limits import SEARCHES_KEPT
from mpp_registry.catalog.reading import newest
from mpp_registry.catalog.remembered import Remembered
from mpp_registry.catalog.search import search
from mpp_registry.catalog.types import PackageRow, Viewer
from mpp_registry.catalog.words import folded, matches, query_words
from mpp_registry.catalog.writing import count_downloads
from mpp_registry.store.ports import Database
from tests.registry.worlds import ALICE, NOW

from .filling import put

WORDS = ("note", "notes", "weather", "csv", "table", "customer", "customers", "mail", "köln", "sky")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was really looked for."""
    asked: list[str] = []

    def counting(rows: Any, text: str, *more: Any) -> Any:
        asked.append(text)
        return search(rows, text, *more)

    monkeypatch.setattr(remembered, "search", counting)
    return asked


def leaf(database: Database) -> None:
    """Something was changed, as each change is in the log."""
    with database.write() as rows:
        row = rows.one("SELECT COALESCE(MAX(idx), -1) + 1 FROM log_leaves")
        assert row is not None
        rows.run("INSERT INTO log_leaves (idx, leaf, kind, package_id, publisher_id, at) VALUES (?, ?, 'x', '', '', 1)", row[0], b"{}")


def test_the_same_question_is_answered_once(database: Database, counted: list[str]) -> None:
    kept = Remembered()
    with database.write() as rows:
        put(rows, "com.example.notes", title="Notes")
    for _ in range(3):
        with database.read() as rows:
            assert [one.package_id for one in kept.search(rows, "notes", "", 20).items] == ["com.example.notes"]
            assert kept.search(rows, "nothing", "", 20).items == ()
    assert counted == ["notes", "nothing"]
    # Another page, or another number of items, is another question.
    with database.read() as rows:
        kept.search(rows, "notes", "", 1)
    assert counted[2:] == ["notes"]


def test_what_was_published_meanwhile_is_found(database: Database, counted: list[str]) -> None:
    kept = Remembered()
    with database.write() as rows:
        put(rows, "com.example.notes", title="Notes")
    with database.read() as rows:
        assert len(kept.search(rows, "notes", "", 20).items) == 1
    with database.write() as rows:
        put(rows, "com.other.notes", title="Notes")
    leaf(database)
    with database.read() as rows:
        assert len(kept.search(rows, "notes", "", 20).items) == 2


def test_downloads_are_as_new_as_the_database(database: Database) -> None:
    kept = Remembered()
    with database.write() as rows:
        put(rows, "com.example.notes", title="Notes")
    with database.read() as rows:
        assert kept.search(rows, "notes", "", 20).items[0].downloads == 0
    with database.write() as rows:
        count_downloads(rows, {"com.example.notes": 7}, 1)
    with database.read() as rows:
        assert kept.search(rows, "notes", "", 20).items[0].downloads == 7


def test_a_reader_of_an_older_snapshot_gets_what_was_then(database: Database) -> None:
    """Attack on oneself: a page of one state, shown under another."""
    kept = Remembered()
    with database.write() as rows:
        put(rows, "com.example.notes", title="Notes")
    leaf(database)
    with database.read() as old:
        old.one("SELECT COUNT(*) FROM packages")
        with database.write() as rows:
            put(rows, "com.other.notes", title="Notes")
        leaf(database)
        with database.read() as new:
            assert len(kept.search(new, "notes", "", 20).items) == 2
        found = len(kept.search(old, "notes", "", 20).items)
        assert found == len(search(old, "notes", "", 20).items)
        with database.read() as new:
            assert len(kept.search(new, "notes", "", 20).items) == 2


def test_what_one_viewer_sees_is_kept_for_nobody(database: Database, counted: list[str]) -> None:
    kept = Remembered()
    with database.write() as rows:
        put(rows, "com.example.secret", ALICE, title="Notes", visibility="private")
    with database.read() as rows:
        assert len(kept.search(rows, "notes", "", 20, Viewer(publisher_id=ALICE)).items) == 1
        assert kept.search(rows, "notes", "", 20).items == ()
        assert len(kept.search(rows, "notes", "", 20, Viewer(publisher_id=ALICE)).items) == 1
    assert counted == ["notes"] * 3


def test_only_so_many_are_kept(database: Database, counted: list[str]) -> None:
    """Attack: somebody who searches for ever new words."""
    kept = Remembered()
    with database.read() as rows:
        for number in range(SEARCHES_KEPT + 1):
            kept.search(rows, f"x{number}", "", 20)
        kept.search(rows, f"x{SEARCHES_KEPT}", "", 20)
        assert len(counted) == SEARCHES_KEPT + 1
        kept.search(rows, "x0", "", 20)
    assert len(counted) == SEARCHES_KEPT + 2


def plain_score(one: PackageRow, words: tuple[str, ...], wanted: str) -> int:
    """The rule in its plainest words: whole id or last part, words in the last part, words in id and title, keywords, summary, then downloads."""
    last = one.package_id.rpartition(".")[2]
    held = ((40, folded(f"{one.package_id} {one.title}")), (20, folded(one.keywords)), (5, folded(one.summary)))
    fits = sum(weight * (1 + (f" {word} " in text)) for weight, text in held for word in words if matches(word, text))
    exact = 1000 if wanted in {one.package_id, last} else 0
    return exact + fits + (100 if all(matches(word, folded(last)) for word in words) else 0) + 5 * len(str(one.downloads))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_is_that_of_the_rule(database: Database, seed: int) -> None:
    source = random.Random(seed)

    def some(most: int) -> str:
        return " ".join(source.choice(WORDS) for _ in range(source.randint(0, most)))

    with database.write() as rows:
        for number in range(60):
            name = f"com.example{number % 7}.{source.choice(WORDS[:8])}-{number}" if number % 5 else f"com.example{number}.{source.choice(WORDS[:8])}"
            put(
                rows,
                name,
                title=some(3),
                keywords=some(2),
                summary=some(6),
                updated_at=NOW + source.randint(0, 20),
                downloads=source.choice((0, 3, 12, 500, 4000)),
            )
    with database.read() as rows:
        every = newest(rows, limit=100).items
        for text in ("note", "notes csv", "customer", "köln", "table mail", "weather sky", "com.example3.notes", "c"):
            words = query_words(text)
            fits = [one for one in every if all(matches(word, folded(f"{one.package_id} {one.title} {one.keywords} {one.summary}")) for word in words)]
            wanted = sorted(fits, key=lambda one: (-plain_score(one, words, text), -one.updated_at, one.package_id))
            assert [one.package_id for one in search(rows, text, limit=100).items] == [one.package_id for one in wanted], text
            assert list(search(rows, text, limit=100).items) == wanted
