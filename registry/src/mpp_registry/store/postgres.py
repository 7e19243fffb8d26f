"""Many machines: PostgreSQL. Readers see snapshots; a lock of the server makes one writer of all replicas.

Spec: docs/adr/0040-registry-store.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

import psycopg
from psycopg import RawCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from mpp.errors import Refused
from mpp_registry.limits import BUSY_MS_MAX, CONNECT_SECONDS_MAX, CONNECTIONS_MAX, STATEMENT_MS_MAX, TEXTS_KEPT_MAX
from mpp_registry.store.failures import busy, database_failed, over
from mpp_registry.store.migrations import migrate
from mpp_registry.store.ports import Cell, Row, Rows

Connection: TypeAlias = "psycopg.Connection[tuple[object, ...]]"

WRITER_LOCK = 0x6D70_705F_7265_6769
"""The number of the lock that the one writer holds: "mpp_regi" in ASCII. Locks of this kind belong to one database of a server."""

_SETTINGS = {
    "statement_timeout": str(STATEMENT_MS_MAX),
    "lock_timeout": str(BUSY_MS_MAX),
    # Attack on oneself: a replica that hangs, or whose network is gone, while it holds the lock of the writer.
    "idle_in_transaction_session_timeout": str(BUSY_MS_MAX),
    # What is acknowledged is on stable storage, whatever the server was configured for.
    "synchronous_commit": "on",
    "client_encoding": "UTF8",
    # Our statements take a millisecond; to compile one takes a hundred.
    "jit": "off",
    # A plan for any word reads the whole table for a rare one. To plan anew takes less than a millisecond.
    "plan_cache_mode": "force_custom_plan",
    # Upper pages of indexes are in memory, and disks without arms: reading 300 rows by an index is not as slow as the server's old default says.
    "random_page_cost": "1.1",
}
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"


@lru_cache(TEXTS_KEPT_MAX)
def numbered(sql: str) -> bytes:
    """The text with ``$1``, ``$2`` and so on for its question marks. None of ours stands inside a string."""
    first, *rest = sql.split("?")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))).encode()


class PostgresRows:
    """The statements of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    @property
    def kind(self) -> Literal["sqlite", "postgres"]:
        return "postgres"

    def _run(self, sql: str, parameters: Sequence[Cell], *, binary: bool) -> psycopg.Cursor[tuple[object, ...]]:
        if self._connection is None:
            raise over()
        return self._connection.execute(numbered(sql), parameters or None, binary=binary)

    def all(self, sql: str, *parameters: Cell) -> list[Row]:
        with self._run(sql, parameters, binary=True) as cursor:
            return cast("list[Row]", cursor.fetchall())

    def one(self, sql: str, *parameters: Cell) -> Row | None:
        with self._run(sql, parameters, binary=True) as cursor:
            return cast("Row | None", cursor.fetchone())

    def run(self, sql: str, *parameters: Cell) -> int:
        # Not binary: a text of several statements then passes as it is.
        with self._run(sql, parameters, binary=False) as cursor:
            return cursor.rowcount

    def many(self, sql: str, rows: Sequence[Sequence[Cell]]) -> None:
        if self._connection is None:
            raise over()
        with self._connection.cursor() as cursor:
            cursor.executemany(numbered(sql), rows)

    def end(self) -> None:
        self._connection = None


class PostgresDatabase:
    """A ``Database`` on a server. When the server was started again, the next transaction finds it."""

    def __init__(self, url: str, at: int, *, connections: int = CONNECTIONS_MAX) -> None:
        """``at``: the moment that is noted for tables that are made now."""
        judge_url(url)
        self._where, self._connections = shown_url(url), connections
        options = " ".join(f"-c {name}={text}" for name, text in _SETTINGS.items())
        kwargs = {
            "autocommit": True,
            "options": options,
            "cursor_factory": RawCursor,
            "connect_timeout": CONNECT_SECONDS_MAX,
            "application_name": "mpp-registry",
        }
        self._pool = ConnectionPool(url, kwargs=kwargs, min_size=1, max_size=connections, timeout=CONNECT_SECONDS_MAX, open=False)
        with self._translated():
            try:
                self._pool.open(wait=True, timeout=CONNECT_SECONDS_MAX)
                with self.write() as rows:
                    migrate(rows, "postgres", at, self._where)
            except BaseException:
                self._pool.close()
                raise

    @property
    def kind(self) -> Literal["sqlite", "postgres"]:
        return "postgres"

    @contextlib.contextmanager
    def read(self) -> Iterator[Rows]:
        with self._translated(), self._begun(_READ) as connection:
            rows = PostgresRows(connection)
            try:
                yield rows
            finally:
                rows.end()

    @contextlib.contextmanager
    def write(self) -> Iterator[Rows]:
        with self._translated(), self._begun(_WRITE) as connection:
            # Before anything is read: each later statement then sees all that the writer before us has committed.
            connection.execute(b"SELECT pg_advisory_xact_lock($1)", (WRITER_LOCK,))
            rows = PostgresRows(connection)
            try:
                yield rows
            finally:
                rows.end()
            # Attack on oneself: after a failed statement that somebody caught, COMMIT succeeds and keeps nothing.
            if connection.info.transaction_status != TransactionStatus.INTRANS:
                raise database_failed("a statement of a transaction failed, so that nothing of it is kept", self._where)
            connection.execute(b"COMMIT")

    @contextlib.contextmanager
    def _begun(self, how: bytes) -> Iterator[Connection]:
        """A connection with an open transaction, which is undone unless it was committed."""
        connection = self._begin(how)
        try:
            yield connection
        finally:
            with contextlib.suppress(psycopg.Error):
                if connection.info.transaction_status not in {TransactionStatus.IDLE, TransactionStatus.UNKNOWN}:
                    connection.execute(b"ROLLBACK")
            # One that is broken is thrown away there.
            self._pool.putconn(connection)

    def _begin(self, how: bytes) -> Connection:
        """After a restart of the server every connection of the pool is broken: each is tried, and then a new one."""
        for left in range(self._connections, -1, -1):
            connection = self._pool.getconn()
            try:
                connection.execute(how)
            except psycopg.OperationalError:
                self._pool.putconn(connection)
                if not left:
                    raise
            else:
                return connection
        raise over()

    def close(self) -> None:
        self._pool.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            raise busy(self._where) from None
        except psycopg.errors.QueryCanceled:
            raise database_failed(f"a statement took more than {STATEMENT_MS_MAX // 1000} seconds", self._where) from None
        except psycopg.Error as fault:
            raise database_failed(f"{type(fault).__name__}: {str(fault).splitlines()[0] if str(fault) else ''}", self._where) from None


def judge_url(url: str) -> None:
    """A wrong word is said at once: a pool would try it for as long as it waits for a server, and show it with its password on standard error."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"postgresql", "postgres"} and parts.port != 0:
            conninfo_to_dict(url)
            return
    except (ValueError, psycopg.Error):
        pass
    hint = "write postgresql://user@host/name; the password stands in ~/.pgpass, or in the address"
    raise Refused("usage.option", "this is no address of a PostgreSQL database", where="--database-url", hint=hint)


def shown_url(url: str) -> str:
    """Without user and password, which belong into no message and no log."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
