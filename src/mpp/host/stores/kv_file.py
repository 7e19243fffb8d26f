"""The file of one package's state: found, judged, made, opened. Whoever may not be trusted with it shows here."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

import apsw

from mpp.errors import HostFailed
from mpp.files import PRIVATE, make_private_folder, sync_folder
from mpp.host.stores.limits import KV_BUSY_MS_MAX, KV_CACHE_KIB_MAX
from mpp.host.stores.sqlite_file import make_whole, prepare_connection
from mpp.model.jsontext import canonical

FORMAT = 1
ENDING = ".sqlite"
_SCHEMA = """
CREATE TABLE about (
    one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL,
    tenant TEXT NOT NULL, publisher TEXT NOT NULL, package TEXT NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0), entries INTEGER NOT NULL CHECK (entries >= 0)
) STRICT;
CREATE TABLE entry (id INTEGER PRIMARY KEY, tool TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (tool, key)) STRICT;
"""
_ABOUT = "INSERT INTO about VALUES (1, ?, ?, ?, ?, 0, 0)"
_WHOSE = "SELECT format, tenant, publisher, package FROM about"


class Space(NamedTuple):
    """Whose state it is. Versions of one package share it."""

    tenant: str
    publisher_id: str
    package_id: str

    @property
    def file_name(self) -> str:
        """Attack: names made of what a package chose could leave the folder, or be one file for two packages."""
        return hashlib.sha256(b"mpp-kv-1 " + canonical([self.tenant, self.publisher_id, self.package_id])).hexdigest() + ENDING


def connect(path: str, space: Space) -> apsw.Connection:
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        _prepare(connection)
        row = connection.execute(_WHOSE).fetchone()
        # Attack: a file moved to another package's place would give away what is in it.
        if row != (FORMAT, space.tenant, space.publisher_id, space.package_id):
            raise damaged(path, "is not that of this package")
    except (apsw.Error, HostFailed):
        connection.close()
        raise
    return connection


def _prepare(connection: apsw.Connection) -> None:
    # FULL: in this journal mode anything less loses the last writes in a power cut.
    pragmas = ("synchronous = FULL", f"cache_size = -{KV_CACHE_KIB_MAX}")
    prepare_connection(connection, "host.kv", busy_ms=KV_BUSY_MS_MAX, pragmas=pragmas)


def create_file(path: str, space: Space) -> None:
    """Make the file, once among all processes."""
    folder = os.path.dirname(path)
    make_private_folder(folder)
    try:
        with _locked(folder):
            if os.path.lexists(path):
                return
            check_no_log(path)
            _make(path, space)
    except OSError as fault:
        raise HostFailed("host.kv", f"cannot make the file for a package's state: {fault.strerror}", where=path, hint="see that the disk has room") from None


def _make(path: str, space: Space) -> None:
    def fill(connection: apsw.Connection) -> None:
        connection.execute(_SCHEMA)
        connection.execute(_ABOUT, (FORMAT, space.tenant, space.publisher_id, space.package_id))

    make_whole(path, _prepare, fill)
    sync_folder(os.path.dirname(path))


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    fd = os.open(os.path.join(folder, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def look(path: str, folder_path: str) -> tuple[int, int] | None:
    """Which file stands at ``path``; None if there is none. What others could have put there or can read is refused."""
    try:
        folder = os.lstat(folder_path)
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise HostFailed("host.kv", f"cannot look at a package's state: {fault.strerror}", where=path, hint="check who may read it") from None
    # Attack: a link planted by another user makes us write to a file of theirs, or to one of ours.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise HostFailed("host.kv", "the state of a package is a link or no file", where=path, hint="find out who put it there, then move it away")
    if {found.st_uid, folder.st_uid} != {os.geteuid()} or found.st_mode & 0o077 or folder.st_mode & 0o022:
        raise HostFailed(
            "host.kv", "others own a package's state, or may read or change it", where=path, hint="run chmod 700 on its folder and chmod 600 on it"
        )
    return found.st_dev, found.st_ino


def check_no_log(path: str) -> None:
    """Attack: a new file beside the log of an old one would take in what was in the log."""
    if os.path.lexists(path + "-wal"):
        raise damaged(path, "is gone, but its log is there")


def damaged(path: str, how: str) -> HostFailed:
    hint = f"restore it from a copy; or, to begin with nothing, move it away with what stands beside it: {os.path.basename(path)}*"
    return HostFailed("host.kv", f"the stored state of a package {how}", where=path, hint=hint)


def failed(fault: apsw.Error, path: str) -> HostFailed:
    """Attack: state that was damaged must not become empty state; so nothing is made anew here."""
    if isinstance(fault, (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError, apsw.ConstraintError)):
        return damaged(path, "is damaged")
    if isinstance(fault, (apsw.BusyError, apsw.LockedError)):
        message = f"another program has held a package's state for {KV_BUSY_MS_MAX // 1000} seconds"
        return HostFailed("host.kv", message, where=path, hint="find the program that has it open")
    if isinstance(fault, apsw.FullError):
        return HostFailed("host.kv", "there is no room for a package's state", where=path, hint="make room on the disk")
    return HostFailed(
        "host.kv", f"cannot use a package's state: {type(fault).__name__}", where=path, hint="see that the disk works and that you may write there"
    )
