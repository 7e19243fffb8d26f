"""Removing what a package stored on this host, for all tenants. Only when a person asks for it: an update keeps it, and so does an uninstall."""

from __future__ import annotations

import contextlib
import os

import apsw

from mpp.errors import HostFailed
from mpp.host.home import Home
from mpp.host.stores.kv_file import ENDING, look

FILES_MAX = 10_000
"""Files of stored state that are looked at. Reason: one for each package and tenant; a host has hundreds."""


def purge(home: Home, package_id: str, publishers: frozenset[str]) -> int:
    """Remove the stored state of a package of these publishers; gives how many files there were."""
    gone = 0
    for path in _files(home.kv):
        if _whose(path) in {(one, package_id) for one in publishers}:
            _remove(path)
            gone += 1
    return gone


def _files(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(one.path for one, _ in zip(entries, range(FILES_MAX), strict=False) if one.name.endswith(ENDING))
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at stored state: {fault.strerror}", where=folder, hint="check who may read it") from None


def _whose(path: str) -> tuple[str, str] | None:
    """Publisher and package of a file; None of one that cannot be read, which is nobody's to remove."""
    if look(path, os.path.dirname(path)) is None:
        return None
    try:
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
        try:
            row = connection.execute("SELECT publisher, package FROM about").fetchone()
        finally:
            connection.close()
    except apsw.Error:
        return None
    return (str(row[0]), str(row[1])) if row is not None else None


def _remove(path: str) -> None:
    # The log first: a file without its log is whole, a log without its file counts as damage.
    for one in (path + "-wal", path + "-shm", path):
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(one)
        except OSError as fault:
            raise HostFailed("host.file", f"cannot remove stored state: {fault.strerror}", where=one, hint="check who may write there") from None
