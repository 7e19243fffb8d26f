"""The search index of a log: caught up before each question, and made anew whenever it does not fit the log.

It proves nothing: what it finds is read from the log. Whoever deletes it loses a minute.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

import apsw

from mpp.errors import HostFailed, MppError
from mpp.files import locked, sync_folder
from mpp.host.audit.index_schema import fill, Filler, is_ours, prepare
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.stores.sqlite_file import make_whole, transaction
from mpp.stages.audit import glance, leaf_of, tail_of

T = TypeVar("T")
Tell = Callable[[int, int], None]
"""Told after each batch: how many entries are done, and how many there are."""

BATCH = 4096
"""Entries written in one transaction. Reason: some MiB of memory; more are not faster."""

_GONE = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError, apsw.ConstraintError, apsw.MismatchError)
"""What a damaged or foreign file answers."""


def ask(places: LogPlaces, question: Callable[[apsw.Connection], T], *, rebuild: bool = False, tell: Tell | None = None) -> T:
    """The answer of ``question`` over all entries that are there now. It may be put twice: a damaged index is made anew once."""
    try:
        return _ask(places, question, tell, anew=rebuild)
    except _GONE:
        pass
    try:
        return _ask(places, question, tell, anew=True)
    except _GONE as fault:
        raise _unusable(places, type(fault).__name__) from None


def progress(places: LogPlaces) -> tuple[int, int]:
    """How many entries are in the index, and how many there are. A quick look: it changes nothing and waits for nobody."""
    there = LogReader(places).last() + 1
    connection = _connect(places.index) if os.path.lexists(places.index) else None
    if connection is None:
        return 0, there
    try:
        found = connection.execute("SELECT next FROM about").fetchone()
    except apsw.Error:
        found = None
    finally:
        connection.close()
    return (found[0] if found is not None and isinstance(found[0], int) else 0), there


def _ask(places: LogPlaces, question: Callable[[apsw.Connection], T], tell: Tell | None, *, anew: bool) -> T:
    try:
        with _caught_up(places, tell, anew=anew) as connection:
            return question(connection)
    except _GONE:
        raise
    except apsw.Error as fault:
        raise _unusable(places, type(fault).__name__) from None
    except OSError as fault:
        raise _unusable(places, str(fault.strerror)) from None


def _unusable(places: LogPlaces, why: str) -> HostFailed:
    hint = "see that the disk has room and that you may write there; the index can be deleted at any time"
    return HostFailed("audit.index", f"the search index cannot be used: {why}", where=places.index, hint=hint)


@contextlib.contextmanager
def _caught_up(places: LogPlaces, tell: Tell | None, *, anew: bool) -> Iterator[apsw.Connection]:
    """An open index in a transaction of its own. Others may write to it or make it anew meanwhile: this one still sees what it saw."""
    with contextlib.ExitStack() as opened:
        with locked(places.index + ".lock", "the search index"):
            connection = _open(places, anew=anew)
            # To catch up may make it anew: what is open at the end is closed.
            opened.callback(lambda: connection.close())  # noqa: PLW0108 - whatever it is by then
            connection = _catch_up(connection, places, tell)
            connection.execute("BEGIN")
            connection.execute("SELECT next FROM about").fetchone()
        yield connection


def _open(places: LogPlaces, *, anew: bool) -> apsw.Connection:
    if not anew and os.path.lexists(places.index):
        found = _connect(places.index)
        if found is not None:
            return found
    return _make(places)


def _connect(path: str) -> apsw.Connection | None:
    """None for what is no index of ours."""
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
        prepare(connection)
        if is_ours(connection):
            return connection
    except (*_GONE, apsw.CantOpenError):
        pass
    if connection is not None:
        connection.close()
    return None


def _make(places: LogPlaces) -> apsw.Connection:
    for path in (places.index, places.index + "-wal", places.index + "-shm", places.index + "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    make_whole(places.index, prepare, fill)
    sync_folder(places.folder)
    found = _connect(places.index)
    if found is None:
        raise _unusable(places, "what was just written is not there")
    return found


def _catch_up(connection: apsw.Connection, places: LogPlaces, tell: Tell | None) -> apsw.Connection:
    """From the last indexed entry on. Where the log is not the one that was indexed, all of it."""
    reader = LogReader(places)
    log, begin, leaf = connection.execute("SELECT log, next, leaf FROM about").fetchone() or ("", 0, "")
    size = reader.last() + 1
    if begin and not (begin <= size and _leaf(reader, 0, size) == log and _leaf(reader, begin - 1, size) == leaf):
        connection.close()
        connection, begin = _make(places), 0
    if begin < size:
        _add_all(connection, reader, begin, size, tell)
    return connection


def _leaf(reader: LogReader, seq: int, size: int) -> str:
    """The leaf hash of an entry; of one that was pruned, from the tiles; empty where nobody can say."""
    with contextlib.suppress(MppError):
        line = next(reader.lines(seq), b"")
        found = tail_of(line)
        if found is not None and found[1] == seq:
            return leaf_of(line)
        return reader.hashes(size).subtree(0, seq).hex()
    return ""


def _add_all(connection: apsw.Connection, reader: LogReader, begin: int, size: int, tell: Tell | None) -> None:
    filler, lines, due = Filler(connection), reader.lines(begin), begin
    if not begin:
        connection.execute("UPDATE about SET log = ?", (_leaf(reader, 0, size),))
    while batch := list(islice(lines, BATCH)):
        # A line out of its order, or one whose number stands twice, is left out: that it is there is for `mpp audit verify` to say.
        found = []
        for one in batch:
            line = glance(one)
            if line is not None and line.seq >= due:
                found.append(line)
                due, last = line.seq + 1, one
        if found:
            with transaction(connection):
                filler.add(found)
                connection.execute("UPDATE about SET next = ?, leaf = ?", (due, leaf_of(last)))
        if tell is not None:
            tell(due, size)
