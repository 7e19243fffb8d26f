"""What a witness has signed last, for each log: one file, and one transaction for looking, judging and keeping.

Attack: two requests at once, each of which extends what is known, and each with another history. The second must see what the
first has left. Whoever puts an old copy of this file in its place makes the witness forget; so a key without its file signs nothing.
Spec: audit L-50.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256

import apsw

from mpp.errors import HostFailed
from mpp.files import sync_folder
from mpp.host.stores.sqlite_file import make_whole, prepare_connection, transaction
from mpp.model.value import value
from mpp.stages.audit import Accept, Judgement, Known, Turned

BUSY_MS_MAX = 5000
"""Milliseconds for which another process may hold the file. Reason: one transaction is one sync of the disk."""

CACHE_KIB_MAX = 2048
"""KiB of pages in memory. Reason: a row is small, and each request looks at one."""

FORMAT = 1

_SCHEMA = """
CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL) STRICT;
CREATE TABLE log (
    origin TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32), note BLOB NOT NULL
) STRICT;
CREATE TABLE fork (origin TEXT PRIMARY KEY, signed BLOB NOT NULL, against BLOB NOT NULL) STRICT;
CREATE TRIGGER only_forward BEFORE UPDATE ON log WHEN new.size < old.size OR (new.size = old.size AND new.root <> old.root)
BEGIN SELECT RAISE(ABORT, 'a log never goes back'); END;
CREATE TRIGGER never_forgotten BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'a log is never forgotten'); END;
"""

Judge = Callable[[Known | None], Judgement]
Sign = Callable[[], bytes]
"""Gives the checkpoint with our signature, signed now."""


@value
class Row:
    """One log, as a witness knows it."""

    origin: str
    size: int
    is_forked: bool


def origin_digest(origin: str) -> str:
    """What stands for an origin in an address."""
    return sha256(origin.encode("utf-8")).hexdigest()


def make_store(path: str) -> None:
    """Nothing is known yet. Only for a witness without a key."""

    def fill(connection: apsw.Connection) -> None:
        connection.execute(_SCHEMA)
        connection.execute("INSERT INTO about VALUES (1, ?)", (FORMAT,))

    try:
        make_whole(path, _prepare, fill)
        sync_folder(os.path.dirname(path))
    except (apsw.Error, OSError):
        raise _failed("cannot be made", path, "see that the disk has room and that you may write there") from None


def _prepare(connection: apsw.Connection) -> None:
    # FULL: in this journal mode anything less loses what was signed last in a power cut.
    prepare_connection(connection, "audit.witness_state", busy_ms=BUSY_MS_MAX, pragmas=("synchronous = FULL", f"cache_size = -{CACHE_KIB_MAX}"))


class WitnessStore:
    """Safe to use from several threads and processes."""

    def __init__(self, path: str) -> None:
        self._path, self._lock = path, threading.Lock()
        _check(path)
        try:
            self._connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
            _prepare(self._connection)
            is_ours = self._connection.execute("SELECT format FROM about").fetchall() == [(FORMAT,)]
        except apsw.Error as fault:
            raise _cannot(fault, path) from None
        if not is_ours:
            raise _failed("is not one that this version wrote", path, _GONE)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def decide(self, origin: str, judge: Judge, sign: Sign, suspect: Callable[[], bytes]) -> tuple[Judgement, bytes]:
        """Look, judge, sign and keep, alone. The signed note is given only when what it says is on the disk; else it is empty.

        ``suspect`` gives the checkpoint that is kept as evidence when it turns out to be a fork.
        """
        with self._held() as connection:
            found = connection.execute("SELECT size, root FROM log WHERE origin = ?", (origin,)).fetchone()
            known = Known(size=found[0], root=found[1]) if found is not None else None
            judged = judge(known)
            if isinstance(judged, Turned):
                if judged.is_fork:
                    connection.execute("INSERT OR IGNORE INTO fork SELECT origin, note, ? FROM log WHERE origin = ?", (suspect(), origin))
                return judged, b""
            note = sign()
            if judged.known != known:
                _keep(connection, origin, judged, note)
        return judged, note

    def rows(self) -> list[Row]:
        with self._held() as connection:
            found = connection.execute("SELECT origin, size, origin IN (SELECT origin FROM fork) FROM log ORDER BY origin").fetchall()
        return [Row(origin=str(origin), size=int(str(size)), is_forked=bool(forked)) for origin, size, forked in found]

    def newest(self, digest: str) -> bytes | None:
        """The newest checkpoint of a log, with our signature."""
        with self._held() as connection:
            found = connection.execute("SELECT note FROM log WHERE digest = ?", (digest,)).fetchone()
        return bytes(found[0]) if found is not None else None

    def evidence(self, origin: str) -> tuple[bytes, bytes] | None:
        """Two checkpoints of one size and one key that cannot both be true: the one that was cosigned, and the first that came against it."""
        with self._held() as connection:
            found = connection.execute("SELECT signed, against FROM fork WHERE origin = ?", (origin,)).fetchone()
        return (bytes(found[0]), bytes(found[1])) if found is not None else None

    @contextlib.contextmanager
    def _held(self) -> Iterator[apsw.Connection]:
        with self._lock:
            try:
                with transaction(self._connection):
                    yield self._connection
            except apsw.Error as fault:
                raise _cannot(fault, self._path) from None


def _keep(connection: apsw.Connection, origin: str, judged: Accept, note: bytes) -> None:
    connection.execute(
        "INSERT INTO log VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note",
        (origin, origin_digest(origin), judged.known.size, judged.known.root, note),
    )


_GONE = "restore no old copy of it: the witness would sign what contradicts it. Begin a new witness in another folder, with a key and a name of its own"


def _check(path: str) -> None:
    """Attack: whoever can write this file has the witness forget."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        raise _failed("is gone, and the key is there", path, _GONE) from None
    except OSError as fault:
        raise _failed(f"cannot be read: {fault.strerror}", path, "check who may read it") from None
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise _failed("is no file of yours alone", path, "find out who could change it")


def _cannot(fault: apsw.Error, path: str) -> HostFailed:
    if isinstance(fault, (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError, apsw.ConstraintError)):
        return _failed("is damaged", path, _GONE)
    return _failed(f"cannot be used: {type(fault).__name__}", path, "see that the disk works, has room, and that nobody holds the file")


def _failed(how: str, path: str, hint: str) -> HostFailed:
    return HostFailed("audit.witness_state", f"the file of what the witness has signed {how}", where=path, hint=hint)
