"""One machine: a file of SQLite. Readers see snapshots and never wait; one writer at a time, and what it wrote is on the disk.

Spec: docs/adr/0040-registry-store.md.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Literal, cast

import apsw

from mpp.errors import HostFailed
from mpp.files import PRIVATE, locked, make_private_folder, sync_folder
from mpp.host.stores.sqlite_file import prepare_connection
from mpp_registry.limits import BUSY_MS_MAX, READER_CACHE_KIB, READERS_KEPT_MAX, WRITER_CACHE_KIB
from mpp_registry.store.failures import busy, database_failed, over
from mpp_registry.store.migrations import migrate
from mpp_registry.store.ports import Cell, Row, Rows

SIDE_FILES = ("", "-wal", "-shm")
"""What belongs to one database."""


class SqliteRows:
    """The statements of one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection: apsw.Connection | None = connection

    @property
    def kind(self) -> Literal["sqlite", "postgres"]:
        return "sqlite"

    @property
    def _open(self) -> apsw.Connection:
        if self._connection is None:
            raise over()
        return self._connection

    def all(self, sql: str, *parameters: Cell) -> list[Row]:
        return cast("list[Row]", self._open.execute(sql, parameters).fetchall())

    def one(self, sql: str, *parameters: Cell) -> Row | None:
        return cast("Row | None", self._open.execute(sql, parameters).fetchone())

    def run(self, sql: str, *parameters: Cell) -> int:
        self._open.execute(sql, parameters)
        return self._open.changes()

    def many(self, sql: str, rows: Sequence[Sequence[Cell]]) -> None:
        self._open.executemany(sql, rows)

    def end(self) -> None:
        self._connection = None


class SqliteDatabase:
    """A ``Database`` in one file. It may be used by many threads, and its file by many processes of one machine."""

    def __init__(self, path: str, at: int, *, synchronous: Literal["FULL", "OFF"] = "FULL") -> None:
        """``at``: the moment that is noted for tables that are made now. ``synchronous`` OFF is for tests and measurements alone."""
        self._path, self._synchronous = path, synchronous
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._idle: list[apsw.Connection] = []
        self._is_closed = False
        folder = os.path.dirname(os.path.abspath(path))
        make_private_folder(folder)
        # Two processes that make the file at once would each find half of what the other did.
        with self._translated(), locked(path + ".lock", "the database of the registry"):
            _make_file(path)
            self._writer = self._connect(is_writer=True)
            try:
                with self.write() as rows:
                    migrate(rows, "sqlite", at, path)
            except (apsw.Error, HostFailed):
                self._writer.close()
                raise

    @property
    def kind(self) -> Literal["sqlite", "postgres"]:
        return "sqlite"

    @property
    def path(self) -> str:
        return self._path

    @contextlib.contextmanager
    def read(self) -> Iterator[Rows]:
        with self._translated():
            connection = self._reader()
            rows = SqliteRows(connection)
            try:
                connection.execute("BEGIN")
                yield rows
            finally:
                rows.end()
                self._give_back(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Rows]:
        if not self._turn.acquire(timeout=BUSY_MS_MAX / 1000):
            raise busy(self._path)
        try:
            with self._translated():
                yield from self._transaction()
        finally:
            self._turn.release()

    def _transaction(self) -> Iterator[Rows]:
        if self._is_closed:
            raise over()
        rows = SqliteRows(self._writer)
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield rows
            rows.end()
            self._writer.execute("COMMIT")
        finally:
            rows.end()
            # A full disk has rolled it back already.
            if self._writer.in_transaction:
                with contextlib.suppress(apsw.Error):
                    self._writer.execute("ROLLBACK")

    def close(self) -> None:
        with self._turn, self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()
            self._writer.close()

    def copy_to(self, path: str) -> None:
        """A consistent copy of all that is committed, while others read and write."""
        with self._translated():
            connection = self._connect(is_writer=False)
            try:
                # It reads ours and writes another, which the pragma cannot tell apart.
                connection.execute("PRAGMA query_only = OFF")
                connection.execute("VACUUM INTO ?", (path,))
            finally:
                connection.close()

    def _connect(self, *, is_writer: bool) -> apsw.Connection:
        connection = apsw.Connection(self._path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
        cache = WRITER_CACHE_KIB if is_writer else READER_CACHE_KIB
        try:
            prepare_connection(connection, "registry.database", busy_ms=BUSY_MS_MAX, pragmas=(f"cache_size = -{cache}", "temp_store = MEMORY"))
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            if not is_writer:
                connection.execute("PRAGMA query_only = ON")
        except (apsw.Error, HostFailed):
            connection.close()
            raise
        return connection

    def _reader(self) -> apsw.Connection:
        with self._guard:
            if self._is_closed:
                raise over()
            if self._idle:
                return self._idle.pop()
        return self._connect(is_writer=False)

    def _give_back(self, connection: apsw.Connection) -> None:
        with contextlib.suppress(apsw.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        with self._guard:
            if not self._is_closed and len(self._idle) < READERS_KEPT_MAX and not connection.in_transaction:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (apsw.BusyError, apsw.LockedError):
            raise busy(self._path) from None
        except apsw.Error as fault:
            raise database_failed(f"{type(fault).__name__}: {fault}", self._path) from None


def _make_file(path: str) -> None:
    """SQLite would make it readable to others; what it makes beside it takes its mode."""
    if os.path.lexists(path):
        return
    # Attack: a new file beside the log of an old one would take in what was in the log.
    if os.path.lexists(path + "-wal"):
        raise database_failed("its file is gone, but its log is there", path, "restore the file from a copy")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE))
        sync_folder(os.path.dirname(os.path.abspath(path)))
    except OSError as fault:
        raise database_failed(f"its file cannot be made: {fault.strerror}", path) from None
