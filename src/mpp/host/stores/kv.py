"""The stored state of packages: one SQLite file for each tenant, publisher and package.

A file is made whole beside its place and renamed into it, so a file that is empty or half is damage, never a new
beginning. The bytes used are a row of the same transaction as each write. Several hosts may share one home.
"""

from __future__ import annotations

import contextlib
import enum
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator

import apsw

from mpp.host.stores.kv_file import Space, check_no_log, connect, create_file, failed, look
from mpp.host.stores.limits import KV_ENTRIES_MAX, KV_LIST_MAX, KV_OPEN_MAX
from mpp.host.stores.sqlite_file import transaction
from mpp.model.value import value

_GET = "SELECT value FROM entry WHERE tool = ? AND key = ?"
_PRESENT = "SELECT length(value), value = ? FROM entry WHERE tool = ? AND key = ?"
_USED = "SELECT used, entries FROM about"
_COUNT = "UPDATE about SET used = used + ?, entries = entries + ?"
_PUT = "INSERT INTO entry (tool, key, value) VALUES (?, ?, ?) ON CONFLICT (tool, key) DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM entry WHERE tool = ? AND key = ?"
_KEYS = "SELECT key FROM entry WHERE tool = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"

_AFTER_ALL = b"\xff"
"""Greater than any key: no byte of UTF-8 reaches it."""


@value
class Expect:
    """The value that must be there for a write to happen; None means that the key must be absent."""

    present: bytes | None


class Stored(enum.Enum):
    """What became of a write."""

    DONE = "done"
    DIFFERS = "differs"
    OVER_QUOTA = "over quota"


class _Database:
    """One open file. Whoever uses it holds its lock."""

    def __init__(self, path: str, space: Space) -> None:
        self.path, self.space = path, space
        self._folder = os.path.dirname(path)
        self.lock = threading.Lock()
        self.gone = False
        """Dropped from the table; whoever waited for it looks there again."""
        self._connection: apsw.Connection | None = None
        self._file: tuple[int, int] = (0, 0)

    def ready(self, *, create: bool) -> apsw.Connection | None:
        """The connection; None if there is no file and none shall be made."""
        found = look(self.path, self._folder)
        if found is None or found != self._file:
            # The file was removed or replaced under us: what is written to the old one would be lost.
            self.close(stale=True)
        if found is None:
            if not create:
                check_no_log(self.path)
                return None
            create_file(self.path, self.space)
            found = look(self.path, self._folder)
        if self._connection is None:
            self._connection, self._file = connect(self.path, self.space), found or (0, 0)
        return self._connection

    def close(self, *, stale: bool = False) -> None:
        if self._connection is not None:
            if stale:
                # Otherwise it would remove its log by name, which is the log of the new file by now.
                self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._connection.close()
            self._connection = None


class KvStore:
    """All stored state of one home. Safe for threads, and for several processes on one home."""

    def __init__(self, folder: str, *, open_most: int = KV_OPEN_MAX) -> None:
        # Links above are the owner's business; from here on none is followed.
        self._folder = os.path.realpath(folder)
        self._open_most = open_most
        self._open: OrderedDict[Space, _Database] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, space: Space, tool: str, key: bytes) -> bytes | None:
        """The value of ``key``; None if it is absent."""
        with self._use(space, create=False) as connection:
            row = connection.execute(_GET, (tool, key)).fetchone() if connection is not None else None
            return _blob(row[0]) if row is not None else None

    def set(self, space: Space, tool: str, key: bytes, content: bytes, *, quota: int, expect: Expect | None = None) -> Stored:
        """Store ``content``, or change nothing. A write that makes the package smaller passes even above its quota."""
        with self._use(space, create=True) as connection:
            if connection is None:
                raise apsw.CantOpenError
            with transaction(connection):
                wanted = expect.present if expect is not None else None
                row = connection.execute(_PRESENT, (wanted or b"", tool, key)).fetchone()
                holds = row is None if wanted is None else row is not None and bool(row[1])
                if expect is not None and not holds:
                    return Stored.DIFFERS
                grows, new = (len(content) - row[0], 0) if row is not None else (len(key) + len(content), 1)
                used, entries = _counts(connection)
                if (grows > 0 and used + grows > quota) or entries + new > KV_ENTRIES_MAX:
                    return Stored.OVER_QUOTA
                connection.execute(_PUT, (tool, key, content))
                connection.execute(_COUNT, (grows, new))
        return Stored.DONE

    def delete(self, space: Space, tool: str, key: bytes) -> bool:
        """Remove ``key``; False if it was absent."""
        with self._use(space, create=False) as connection:
            if connection is None:
                return False
            with transaction(connection):
                row = connection.execute(_PRESENT, (b"", tool, key)).fetchone()
                if row is None:
                    return False
                connection.execute(_DELETE, (tool, key))
                connection.execute(_COUNT, (-len(key) - row[0], -1))
        return True

    def keys(self, space: Space, tool: str, *, prefix: bytes = b"", after: bytes = b"", limit: int = KV_LIST_MAX) -> tuple[tuple[bytes, ...], bool]:
        """Keys in the order of their bytes, and whether there are more."""
        # One lower bound, not two: the index can use only one, and would walk over the rest.
        low = max(prefix, after + b"\0") if after else prefix
        high = prefix[:-1] + bytes((prefix[-1] + 1,)) if prefix else _AFTER_ALL
        with self._use(space, create=False) as connection:
            rows = connection.execute(_KEYS, (tool, low, high, limit + 1)).fetchall() if connection is not None else []
            return tuple(_blob(row[0]) for row in rows[:limit]), len(rows) > limit

    def close(self) -> None:
        """Close all files; the store can be used again."""
        with self._lock:
            found = [*self._open.values()]
            self._open.clear()
        _drop(found)

    @contextlib.contextmanager
    def _use(self, space: Space, *, create: bool) -> Iterator[apsw.Connection | None]:
        """The connection to the file of ``space``, held by this thread alone."""
        while True:
            database, surplus = self._find(space)
            _drop(surplus)
            with database.lock:
                if database.gone:
                    continue
                try:
                    yield database.ready(create=create)
                except apsw.Error as fault:
                    # What it was doing is rolled back; a fresh connection judges the file anew.
                    with contextlib.suppress(apsw.Error):
                        database.close()
                    raise failed(fault, database.path) from None
                return

    def _find(self, space: Space) -> tuple[_Database, list[_Database]]:
        """The entry for ``space``, and those that make room for it."""
        with self._lock:
            database = self._open.get(space)
            if database is None:
                database = self._open[space] = _Database(os.path.join(self._folder, space.file_name), space)
            self._open.move_to_end(space)
            surplus = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - self._open_most)]
        return database, surplus


def _counts(connection: apsw.Connection) -> tuple[int, int]:
    """Bytes and keys of the package, as the last write left them."""
    row = connection.execute(_USED).fetchone()
    if row is None:
        raise apsw.CorruptError
    return row[0], row[1]


def _blob(found: object) -> bytes:
    if not isinstance(found, bytes):
        raise apsw.CorruptError
    return found


def _drop(databases: list[_Database]) -> None:
    for one in databases:
        with one.lock:
            one.gone = True
            with contextlib.suppress(apsw.Error):
                one.close()
