"""What a monitor knows of one registry: one SQLite file, changed only in whole steps, so that it goes on wherever it was ended.

Its size is that of the registry's packages and not of its log; memory holds one batch.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import cast

import apsw

from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE
from mpp.ledger.keymap import EMPTY
from mpp.model.value import value
from mpp.protocol.registry.state import PackageState, read_state, write_state
from mpp.remote.monitoring.growing import Growing, read_growing
from mpp.remote.monitoring.limits import BUSY_MS_MAX, CACHE_KIB_MAX, FINDINGS_MAX, TOUCHED_MAX

FORMAT = 1
SOUND_SQLITE = (3, 51, 3)
"""The first version that keeps every page when two connections begin the log anew at the same moment."""

_SCHEMA = """
CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, registry_id TEXT NOT NULL, roots BLOB NOT NULL) STRICT;
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL, map_root BLOB NOT NULL, leaf_at INTEGER NOT NULL,
    note BLOB NOT NULL, signed_size INTEGER NOT NULL, signed_root BLOB NOT NULL, witness TEXT NOT NULL
) STRICT;
CREATE TABLE packages (package_id TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE publishers (publisher_id TEXT PRIMARY KEY, root_version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE nodes (path BLOB PRIMARY KEY, node BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE touched (package_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE findings (
    number INTEGER PRIMARY KEY, code TEXT NOT NULL, message TEXT NOT NULL, place TEXT NOT NULL, at INTEGER NOT NULL, is_final INTEGER NOT NULL,
    before BLOB NOT NULL, note BLOB NOT NULL
) STRICT;
"""


@value
class Progress:
    """How far the log has been read, and what follows from it so far."""

    tree: Growing = Growing()
    map_root: bytes = EMPTY
    leaf_at: int = 0
    """Time of the last leaf."""
    note: bytes = b""
    """The newest checkpoint that held in all."""
    signed_size: int = 0
    """Of the last checkpoint that was cosigned."""
    signed_root: bytes = b""
    witness: str = ""
    """The key of the witness whose state this is; empty: of none."""


@value
class Finding:
    """Something that an honest registry does not do."""

    code: str
    message: str
    place: str
    at: int
    is_final: bool
    """Does it follow from what the registry itself has signed? Then no later answer can mend it."""
    before: bytes
    """The signed note that was known before, if it matters."""
    note: bytes


class MonitorStore:
    """One connection. The caller closes it."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._connection = _opened(path)
        except apsw.Error as fault:
            raise self._failed(fault) from None

    def close(self) -> None:
        self._connection.close()

    def _failed(self, fault: apsw.Error) -> HostFailed:
        hint = "see that the disk has room and that you may write there; a damaged state can be begun anew in another file"
        return HostFailed("registry.monitor", f"the state of the monitor cannot be used: {fault}", where=self.path, hint=hint)

    @contextmanager
    def step(self) -> Iterator[None]:
        """All of it or nothing, and on the disk when it returns."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    with suppress(apsw.Error):
                        self._connection.execute("ROLLBACK")
        except apsw.Error as fault:
            raise self._failed(fault) from None

    def _one(self, sql: str, *given: object) -> tuple[object, ...] | None:
        try:
            return cast("tuple[object, ...] | None", self._connection.execute(sql, given).fetchone())
        except apsw.Error as fault:
            raise self._failed(fault) from None

    def _all(self, sql: str, *given: object) -> list[tuple[object, ...]]:
        try:
            return cast("list[tuple[object, ...]]", self._connection.execute(sql, given).fetchall())
        except apsw.Error as fault:
            raise self._failed(fault) from None

    def _run(self, sql: str, *given: object) -> None:
        """Within a step."""
        self._connection.execute(sql, given)

    # -- whose state it is

    def roots(self) -> tuple[str, bytes] | None:
        """Id and root document of the registry; None: nobody was followed yet."""
        found = self._one("SELECT registry_id, roots FROM about")
        return None if found is None else (str(found[0]), cast("bytes", found[1]))

    def keep_roots(self, registry_id: str, roots: bytes) -> None:
        sql = "INSERT INTO about VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET roots = excluded.roots"
        self._run(sql, FORMAT, registry_id, roots)

    # -- how far

    def progress(self) -> Progress:
        found = self._one("SELECT size, peaks, map_root, leaf_at, note, signed_size, signed_root, witness FROM progress")
        if found is None:
            return Progress()
        size, peaks, map_root, leaf_at, note, signed_size, signed_root, witness = found
        tree = read_growing(cast("int", size), cast("bytes", peaks))
        if tree is None:
            raise HostFailed("registry.monitor", "the state of the monitor is damaged", where=self.path, hint="begin anew in another file")
        return Progress(
            tree=tree, map_root=cast("bytes", map_root), leaf_at=cast("int", leaf_at), note=cast("bytes", note), signed_size=cast("int", signed_size),
            signed_root=cast("bytes", signed_root), witness=str(witness),
        )  # fmt: skip

    def keep_progress(self, progress: Progress) -> None:
        self._run(
            "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", progress.tree.size, progress.tree.data, progress.map_root,
            progress.leaf_at, progress.note, progress.signed_size, progress.signed_root, progress.witness,
        )  # fmt: skip

    # -- what follows from the leaves

    def package(self, package_id: str) -> PackageState | None:
        found = self._one("SELECT state FROM packages WHERE package_id = ?", package_id)
        return None if found is None else read_state(cast("bytes", found[0]), where=self.path)

    def keep_packages(self, states: Mapping[str, PackageState]) -> None:
        rows = [(name, write_state(state)) for name, state in states.items()]
        self._connection.executemany("INSERT OR REPLACE INTO packages VALUES (?, ?)", rows)
        self._connection.executemany("INSERT OR IGNORE INTO touched VALUES (?)", [(name,) for name, _ in rows])
        self._run("DELETE FROM touched WHERE package_id NOT IN (SELECT package_id FROM touched LIMIT ?)", TOUCHED_MAX)

    def package_count(self) -> int:
        found = self._one("SELECT count(*) FROM packages")
        return cast("int", found[0]) if found is not None else 0

    def touched(self, most: int) -> list[str]:
        """Packages that changed since the last checkpoint that held."""
        return [str(name) for (name,) in self._all("SELECT package_id FROM touched ORDER BY package_id LIMIT ?", most)]

    def forget_touched(self) -> None:
        self._run("DELETE FROM touched")

    def root_version(self, publisher_id: str) -> int:
        """Of the root document that the log names last; 0: it knows no such publisher."""
        found = self._one("SELECT root_version FROM publishers WHERE publisher_id = ?", publisher_id)
        return 0 if found is None else cast("int", found[0])

    def keep_publishers(self, versions: Mapping[str, int]) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO publishers VALUES (?, ?)", list(versions.items()))

    def read(self, paths: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The nodes of the map (``MapNodes``)."""
        marks = ",".join("?" * len(paths))
        # Only question marks are put into the text.
        found = self._all(f"SELECT path, node FROM nodes WHERE path IN ({marks})", *paths)  # noqa: S608
        return {cast("bytes", path): cast("bytes", node) for path, node in found}

    def keep_nodes(self, nodes: Mapping[bytes, bytes]) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO nodes VALUES (?, ?)", list(nodes.items()))

    # -- what was found

    def findings(self) -> list[Finding]:
        rows = self._all("SELECT code, message, place, at, is_final, before, note FROM findings ORDER BY number")
        return [
            Finding(
                code=str(code), message=str(message), place=str(place), at=cast("int", at), is_final=bool(is_final), before=cast("bytes", before),
                note=cast("bytes", note),
            )
            for code, message, place, at, is_final, before, note in rows
        ]  # fmt: skip

    def keep_finding(self, one: Finding) -> None:
        known = self.findings()
        if len(known) < FINDINGS_MAX and all((old.code, old.note) != (one.code, one.note) for old in known):
            sql = "INSERT INTO findings (code, message, place, at, is_final, before, note) VALUES (?, ?, ?, ?, ?, ?, ?)"
            self._run(sql, one.code, one.message, one.place, one.at, int(one.is_final), one.before, one.note)


def _opened(path: str) -> apsw.Connection:
    version = apsw.sqlite_lib_version()
    # Packages of distributions link apsw to the library of the system, which may be years older.
    if tuple(int(part) for part in version.split(".")[:3]) < SOUND_SQLITE:
        raise HostFailed("registry.monitor", f"SQLite {version} can lose what was stored", hint="install apsw from the package index: it brings a current one")
    _make_private(path)
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: str) -> None:
    """SQLite would make it readable to others; what it makes beside it takes its mode."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE))
        found = os.lstat(path)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot open the state of the monitor: {fault.strerror}", where=path, hint="name a file in a folder of yours") from None
    # Attack: a state that somebody else prepared, in which the log has been read already.
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused("registry.monitor", "others can change the state of the monitor", where=path, hint="begin anew in a file of your own")


def _prepare(connection: apsw.Connection, path: str) -> None:
    """Attack: a file that somebody prepared, whose schema or pages make the library run or read what it should not."""
    connection.set_busy_timeout(BUSY_MS_MAX)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    for pragma in ("cell_size_check = ON", "mmap_size = 0", "journal_mode = WAL", "synchronous = FULL", f"cache_size = -{CACHE_KIB_MAX}"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        tables = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables:
            connection.execute(_SCHEMA)
        elif "progress" not in tables or "about" not in tables:
            raise Refused("registry.monitor", "this is no state of a monitor", where=path, hint="name another file with --state")
        found = connection.execute("SELECT format FROM about").fetchone()
        if found is not None and found[0] != FORMAT:
            raise Refused("registry.monitor", "the state is of another version of this program", where=path, hint="begin anew in another file")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
