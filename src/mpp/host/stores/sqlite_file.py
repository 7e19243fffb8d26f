"""What all our SQLite files have in common: a sound library, careful settings, whole transactions, and a file that is made whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import apsw

from mpp.errors import HostFailed
from mpp.files import PRIVATE

SOUND_SQLITE = (3, 51, 3)
"""The first version that keeps every page when two connections begin the log anew at the same moment."""


def prepare_connection(connection: apsw.Connection, code: str, *, busy_ms: int, pragmas: tuple[str, ...]) -> None:
    """Attack: a file that somebody prepared, whose schema or pages make the library run or read what it should not."""
    version = apsw.sqlite_lib_version()
    # Packages of distributions link apsw to the library of the system, which may be years older.
    if tuple(int(part) for part in version.split(".")[:3]) < SOUND_SQLITE:
        raise HostFailed(code, f"SQLite {version} can lose what was stored", hint="install apsw from the package index: it brings a current one")
    connection.set_busy_timeout(busy_ms)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    for pragma in ("cell_size_check = ON", "mmap_size = 0", *pragmas):
        connection.execute(f"PRAGMA {pragma}")


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All of it or nothing. What a full disk has rolled back already is not rolled back again."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            with contextlib.suppress(apsw.Error):
                connection.execute("ROLLBACK")


def make_whole(path: str, prepare: Callable[[apsw.Connection], None], fill: Callable[[apsw.Connection], None]) -> None:
    """Make the file beside its place and rename it into it. The caller holds the lock, and syncs the folder."""
    temporary = path + ".new"
    # Left by a process that was killed here; we hold the lock, so nobody writes to it any more.
    for left in (temporary, temporary + "-wal", temporary + "-shm", temporary + "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(left)
    # SQLite would make it readable to others; what it makes beside it takes its mode.
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE))
    connection = apsw.Connection(temporary, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        prepare(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection):
            fill(connection)
    finally:
        connection.close()
    os.rename(temporary, path)
