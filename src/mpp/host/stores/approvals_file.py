"""The file of questions, answers, approvals that last, consents, and of what has been spent: found, judged, made, opened."""

from __future__ import annotations

import os
import stat

import apsw

from mpp.errors import HostFailed
from mpp.files import locked, make_private_folder, sync_folder
from mpp.host.stores.approvals_schema import BUSY_MS_MAX, FORMAT, SCHEMA
from mpp.host.stores.sqlite_file import make_whole, prepare_connection

SYNCHRONOUS = ("FULL", "NORMAL", "OFF")
"""FULL: what was written survives a power cut. NORMAL: it survives the end of the process. OFF is for measurements alone."""


def connect(path: str, synchronous: str) -> apsw.Connection:
    """The connection to a file that is there and ours."""
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        _prepare(connection)
        set_synchronous(connection, synchronous)
        if connection.execute("SELECT format FROM about").fetchone() != (FORMAT,):
            raise damaged(path, "were written by another version")
    except (apsw.Error, HostFailed):
        connection.close()
        raise
    return connection


def set_synchronous(connection: apsw.Connection, how: str) -> None:
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[SYNCHRONOUS.index(how)]}")


def _prepare(connection: apsw.Connection) -> None:
    prepare_connection(connection, "host.approvals", busy_ms=BUSY_MS_MAX, pragmas=("cache_size = -1024",))


def create_file(path: str) -> None:
    """Make the file, once among all processes. It is made whole beside its place and renamed into it."""
    folder = os.path.dirname(path)
    make_private_folder(folder)
    try:
        with locked(os.path.join(folder, ".lock"), "the approvals"):
            if os.path.lexists(path):
                return
            # Attack: a new file beside the log of an old one would take in what was in the log.
            if os.path.lexists(path + "-wal"):
                raise damaged(path, "are gone, but their log is there")
            _make(path)
    except OSError as fault:
        raise HostFailed("host.approvals", f"cannot make the file for approvals: {fault.strerror}", where=path, hint="see that the disk has room") from None


def _make(path: str) -> None:
    def fill(connection: apsw.Connection) -> None:
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO about VALUES (1, ?)", (FORMAT,))

    make_whole(path, _prepare, fill)
    sync_folder(os.path.dirname(path))


def look(path: str) -> tuple[int, int] | None:
    """Which file stands at ``path``; None if there is none. What others could have put there, or can read, is refused."""
    try:
        # As ``dirname`` says it of a path from the root, in one step: each call looks here.
        folder = os.lstat(path.rpartition("/")[0] or "/")
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise HostFailed("host.approvals", f"cannot look at the approvals: {fault.strerror}", where=path, hint="check who may read them") from None
    # Attack: a link planted by another user, and approvals that somebody else wrote.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise HostFailed("host.approvals", "the approvals are a link or no file", where=path, hint="find out who put it there, then move it away")
    if {found.st_uid, folder.st_uid} != {os.geteuid()} or found.st_mode & 0o077 or folder.st_mode & 0o022:
        hint = "run chmod 700 on their folder and chmod 600 on the file"
        raise HostFailed("host.approvals", "others own the approvals, or may read or change them", where=path, hint=hint)
    return found.st_dev, found.st_ino


def damaged(path: str, how: str) -> HostFailed:
    hint = f"restore them from a copy; or, to begin with nothing, move away all that is named {os.path.basename(path)}*"
    return HostFailed("host.approvals", f"the stored approvals {how}", where=path, hint=hint)


def failed(fault: apsw.Error, path: str) -> HostFailed:
    """Attack: approvals that were damaged must not become none, because what was spent would be good again; so nothing is made anew here."""
    if isinstance(fault, (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError, apsw.ConstraintError)):
        return damaged(path, "are damaged")
    if isinstance(fault, (apsw.BusyError, apsw.LockedError)):
        message = f"another program has held the approvals for {BUSY_MS_MAX // 1000} seconds"
        return HostFailed("host.approvals", message, where=path, hint="find the program that has them open")
    if isinstance(fault, apsw.FullError):
        return HostFailed("host.approvals", "there is no room for approvals", where=path, hint="make room on the disk")
    message = f"cannot use the stored approvals: {type(fault).__name__}"
    return HostFailed("host.approvals", message, where=path, hint="see that the disk works and that you may write there")
