"""Every question is answered through an index: with a million versions, one that reads a whole table takes seconds.

SQLite tells how it would read. PostgreSQL chooses by what it knows of the tables, so it is asked whether it can do without reading one whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mpp_registry.catalog import reading
from mpp_registry.catalog.cursors import write_cursor
from mpp_registry.catalog.search import search
from mpp_registry.catalog.types import Viewer
from mpp_registry.catalog.writing import count_downloads, follow_state, put_package, put_publisher, put_version, set_owners, set_status
from mpp_registry.catalog.types import VersionFiles
from mpp_registry.log.ledger import Ledger
from mpp_registry.publishing import public
from mpp.crypto.roots import read_chain
from mpp.testing.keys import fixed_signer, publisher
from mpp.protocol.registry.state import PackageState
from mpp.protocol.registry.events import Owner
from mpp_registry.store.ports import Cell, Database, Row, Rows
from tests.registry.worlds import ALICE, NOW, owned, published, status

from .filling import a_package, a_publisher, a_version, put

WHOLE = {"counts", "settings"}
"""Tables of a few rows. ``publishers`` is counted for the first page, once."""

ME = Viewer(publisher_id=ALICE)
ONE = "com.example.one"


class Noting:
    """Passes statements on and keeps them."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.asked = rows, dict[str, tuple[Cell, ...]]()

    @property
    def kind(self):
        return self.rows.kind

    def all(self, sql: str, *parameters: Cell) -> list[Row]:
        self.asked[sql] = parameters
        return self.rows.all(sql, *parameters)

    def one(self, sql: str, *parameters: Cell) -> Row | None:
        self.asked[sql] = parameters
        return self.rows.one(sql, *parameters)

    def run(self, sql: str, *parameters: Cell) -> int:
        self.asked[sql] = parameters
        return self.rows.run(sql, *parameters)

    def many(self, sql: str, rows) -> None:
        if rows:
            self.asked[sql] = tuple(rows[0])
        self.rows.many(sql, rows)


LEDGER = Ledger(read_chain(publisher().chain.data, where="roots"), fixed_signer("log"))
STATE = PackageState(package_id=ONE, publisher_id=ALICE, owners=(), versions=(), index=5)
QUESTIONS: list[Callable[[Rows], object]] = [
    lambda rows: reading.package(rows, ONE, ME),
    lambda rows: reading.owners(rows, ONE),
    lambda rows: reading.newest(rows, write_cursor(NOW, ONE)),
    lambda rows: reading.popular(rows, write_cursor(5, ONE)),
    lambda rows: reading.by_id(rows, write_cursor(ONE), 9, "com.example"),
    lambda rows: reading.packages_of(rows, ALICE, write_cursor(ONE), 9, ME),
    lambda rows: reading.version(rows, ONE, "1.0.0"),
    lambda rows: reading.files(rows, ONE, "1.0.0"),
    lambda rows: reading.versions(rows, ONE, write_cursor("x")),
    lambda rows: reading.with_content(rows, "0" * 64, ME),
    lambda rows: reading.publisher(rows, ALICE),
    lambda rows: reading.namespaces_of(rows, ALICE),
    lambda rows: reading.downloads(rows, ONE, 1, 2),
    lambda rows: search(rows, "com one", viewer=ME),
    lambda rows: search(rows, "com one", write_cursor("rest", 2**50), viewer=ME),
    lambda rows: put_publisher(rows, a_publisher(ALICE, "Alice")),
    lambda rows: put_package(rows, a_package(ONE, title="Other")),
    lambda rows: put_version(rows, a_version(ONE, "9.0.0"), VersionFiles(manifest=b"")),
    lambda rows: set_status(rows, ONE, "1.0.0", "yanked", ""),
    lambda rows: follow_state(rows, STATE, NOW),
    lambda rows: set_owners(rows, ONE, [Owner(publisher_id=ALICE, role="owner")], NOW),
    lambda rows: count_downloads(rows, {ONE: 1}, 5),
    lambda rows: LEDGER.append(rows, [owned(ONE, ALICE), published(ONE, "1.0.0"), status(ONE, "1.0.0", "yanked")], NOW),
    lambda rows: LEDGER.renew(rows, NOW + 5),
    LEDGER.checkpoint,
    lambda rows: LEDGER.entries(rows, 1, 2),
    lambda rows: LEDGER.inclusion(rows, 1),
    lambda rows: LEDGER.consistency(rows, 2),
    lambda rows: LEDGER.tile(rows, 0, 0, 2),
    lambda rows: LEDGER.bundle(rows, ONE, "1.0.0"),
    lambda rows: LEDGER.absence(rows, "com.example.none"),
    lambda rows: rows.all(public.STOPPED_ROWS, ONE, "1.0.0", 9),
    lambda rows: rows.all(public.PRIVATE_ROWS, ONE, 9),
    lambda rows: rows.all(public.NEXT_ROWS, ONE, 9),
    lambda rows: rows.all(public.CHANGED_ROWS, 1, 9),
    lambda rows: public.wanted_files(rows, (ONE,)),
]


def statements(database: Database) -> dict[str, tuple[Cell, ...]]:
    with database.write() as rows:
        put(rows, ONE)
        put(rows, "com.example.own", visibility="private")
        put_version(rows, a_version(ONE, "1.0.0"), VersionFiles(manifest=b""))
        rows.run("DELETE FROM package_owners WHERE publisher_id = 'nobody'")
        noting = Noting(rows)
        for ask in QUESTIONS:
            ask(noting)
    return {sql: parameters for sql, parameters in noting.asked.items() if not sql.startswith(("INSERT INTO search_words", "INSERT INTO search_names"))}


def test_every_question_uses_an_index(database: Database) -> None:
    asked = statements(database)
    assert len(asked) > 40
    with database.write() as rows:
        if rows.kind == "postgres":
            rows.run("SET LOCAL enable_seqscan = off")
            rows.run("SET LOCAL plan_cache_mode = force_generic_plan")
        wrong = {sql: found for sql, parameters in asked.items() if (found := whole_reads(rows, sql, parameters))}
    assert wrong == {}


def whole_reads(rows: Rows, sql: str, parameters: tuple[Cell, ...]) -> list[str]:
    """The steps that read a whole table, or sort what they found elsewhere than in an index."""
    if rows.kind == "sqlite":
        steps = [str(row[3]) for row in rows.all("EXPLAIN QUERY PLAN " + sql, *parameters)]
        # A list of ids in the statement bounds what is sorted.
        wrong = [step for step in steps if (step.startswith("SCAN") or ("TEMP B-TREE" in step and "IN (?" not in sql)) and not is_small(step)]
        # An index that leads to all that is public leads to everything.
        return wrong + [step for step in steps if step.endswith("(visibility=?)")]
    steps = [str(row[0]) for row in rows.all("EXPLAIN " + sql, *parameters)]
    return [step for step in steps if "Seq Scan" in step and not is_small(step)] + [step for step in steps if _ALL_PUBLIC.search(step)]


_ALL_PUBLIC = re.compile(r"Cond: \(\(?(p\.)?visibility = '?public'?(::text)?\)$")
SMALL = re.compile(
    r"counts|settings|VALUES|CONSTANT ROW|search_(words|names) VIRTUAL TABLE|SCAN SUBQUERY|SCAN [0-9]+ CONSTANT|USING (COVERING )?INDEX sqlite_autoindex_checkpoints_1"
)


def is_small(step: str) -> bool:
    return SMALL.search(step) is not None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT package_id FROM packages WHERE title = 'x'",
        "SELECT package_id FROM packages WHERE package_id = 'x' OR title = 'x'",
        "SELECT version FROM versions WHERE status = 'active'",
        "SELECT title FROM packages WHERE visibility = 'public'",
    ],
)
def test_a_question_without_an_index_would_be_found(database: Database, sql: str) -> None:
    with database.write() as rows:
        if rows.kind == "postgres":
            rows.run("SET LOCAL enable_seqscan = off")
        assert whole_reads(rows, sql, ())
