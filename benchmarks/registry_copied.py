"""The rows of a seeded registry in a PostgreSQL that is started for it: the same packages, leaves and proofs, without making them anew."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import psycopg

from mpp.host.system import SystemClock, SystemRandom
from mpp_registry.opening import Options, open_services

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.registry.servers import running_postgres

SETTINGS = """
shared_buffers = 512MB
effective_cache_size = 2GB
maintenance_work_mem = 256MB
max_wal_size = 4GB
checkpoint_timeout = 30min
"""
SEARCH = """
INSERT INTO search_rows (id, package_id, name, words, name_index, word_index) OVERRIDING SYSTEM VALUE
SELECT id, package_id, name, words, array_to_tsvector(array_remove(string_to_array(name, ' '), '')), array_to_tsvector(array_remove(string_to_array(trim(name || ' ' || words), ' '), ''))
FROM copied_search
"""
LEFT_OUT = ("schema_migrations", "search_rows", "sqlite_sequence")


def copy(data: Path, url: str) -> None:
    open_services(Options(data=str(data), database_url=url), clock=SystemClock(), random=SystemRandom(), environment=os.environ).close()
    source = apsw.Connection(str(data / "registry.db"), flags=apsw.SQLITE_OPEN_READONLY)
    tables = [
        str(name)
        for (name,) in source.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_words%' AND name NOT LIKE 'search_names%' ORDER BY name"
        )
    ]
    with psycopg.connect(url) as to:
        to.execute("SET synchronous_commit = off")
        for table in (one for one in tables if one not in LEFT_OUT):
            _rows(source, to, table, table)
        to.execute('CREATE TEMPORARY TABLE copied_search (id BIGINT, package_id TEXT COLLATE "C", name TEXT, words TEXT)')
        _rows(source, to, "search_rows", "copied_search")
        to.execute("TRUNCATE search_rows")
        to.execute(SEARCH)
        to.execute("SELECT setval(pg_get_serial_sequence('search_rows', 'id'), (SELECT max(id) FROM search_rows))")
    with psycopg.connect(url, autocommit=True) as to:
        to.execute("VACUUM ANALYZE")
    source.close()


def _rows(source: apsw.Connection, to: psycopg.Connection[tuple[object, ...]], table: str, into: str) -> None:
    names = [str(row[1]) for row in source.execute(f'PRAGMA table_info("{table}")')]
    to.execute(f'TRUNCATE "{into}"'.encode())
    columns = ", ".join(f'"{name}"' for name in names)
    with to.cursor() as cursor, cursor.copy(f'COPY "{into}" ({columns}) FROM STDIN'.encode()) as out:
        for row in source.execute(f'SELECT {columns} FROM "{table}"'):  # noqa: S608 - names of our own tables
            out.write_row(row)


@contextmanager
def copied(data: Path) -> Iterator[tuple[str, int]]:
    """The URL of the database and its size."""
    with running_postgres(SETTINGS) as server, server.database() as url:
        begin = time.monotonic()
        copy(data, url)
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        print(f"  copied to PostgreSQL in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        yield url, int(str(found[0])) if found else 0
