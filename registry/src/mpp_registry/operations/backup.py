"""A copy of a registry of one machine, from which another one begins: database, files, keys.

    1 database   all that is committed at one moment, while others read and write
    2 files      those that this copy names and the folder does not have yet; each is hashed on the way
    3 keys       the root document and the log key, and the root key if it is there

The order is what makes it whole: a publish keeps its file before its row, so that whatever a copy of the rows names is there when the files are copied. What was killed between the steps leaves
the earlier database, or a newer one whose files come with the next run; ``check`` tells.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from hashlib import sha256
from typing import cast

from mpp.crypto.roots import named_by_hand, read_chain
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, make_private_folder, read_bounded, sync_folder, write_atomic
from mpp.ledger.keymap import root_in
from mpp.ledger.tree import EMPTY_ROOT, leaf_hash, node_hash
from mpp.model.value import value
from mpp_registry.keys import LOG_KEY, ROOT_KEY, ROOTS
from mpp_registry.limits import BLOB_BYTES_MAX
from mpp_registry.log.states import RowNodes
from mpp_registry.opening import BLOBS_FOLDER, DATABASE_FILE, KEYS_FOLDER
from mpp_registry.operations.limits import BLOBS_ASKED_MAX, FAULTS_TOLD_MAX, KEY_BYTES_MAX, LEAVES_READ_MAX
from mpp_registry.services import Services
from mpp_registry.store.folder import FolderBlobs
from mpp_registry.store.ports import Blobs, Database, Rows
from mpp_registry.store.sqlite import SqliteDatabase

_PART = DATABASE_FILE + ".part"
_FILES = (
    "SELECT file_hash FROM (SELECT file_hash FROM versions WHERE file_hash > ? UNION SELECT file_hash FROM staged WHERE state = 'waiting' AND file_hash > ?)"
    " AS named ORDER BY file_hash LIMIT ?"
)


@value
class BackedUp:
    size: int
    """Leaves of the log."""
    root: bytes
    files: int
    """That the copy names."""
    new_files: int
    """That were copied in this run."""


def back_up(services: Services, data: str, to: str) -> BackedUp:
    """Copy the registry in the folder ``data`` to the folder ``to``, which may hold an earlier backup of the same registry."""
    database = services.database
    if not isinstance(database, SqliteDatabase):
        hint = "use pg_dump for the database, and the copies of your object storage for the files"
        raise Refused("usage.option", "only a registry with its database in a file is copied by this command", hint=hint)
    _same_registry(services, to)
    make_private_folder(to)
    _copy_database(database, to)
    copy, kept = SqliteDatabase(os.path.join(to, DATABASE_FILE), services.clock.now()), FolderBlobs(os.path.join(to, BLOBS_FOLDER))
    with contextlib.closing(copy):
        files = new = 0
        for file_hash in _named(copy):
            files += 1
            new += _copy_file(services.blobs, kept, file_hash)
        with copy.read() as rows:
            newest = services.ledger.checkpoint(rows)
    _copy_keys(data, to)
    return BackedUp(size=newest.size, root=newest.root, files=files, new_files=new)


def _same_registry(services: Services, to: str) -> None:
    """Attack on oneself: the backup of one registry over that of another."""
    path = os.path.join(to, KEYS_FOLDER, ROOTS)
    if not os.path.lexists(path):
        return
    with named_by_hand():
        known = read_chain(read_bounded(path, KEY_BYTES_MAX).removesuffix(b"\n"), where=path).publisher_id
    if known != services.settings.registry_id:
        raise Refused("usage.option", "the folder holds the backup of another registry", where=to, hint="give another folder")


def _copy_database(database: SqliteDatabase, to: str) -> None:
    part, place = os.path.join(to, _PART), os.path.join(to, DATABASE_FILE)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        database.copy_to(part)
        fd = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(fd, PRIVATE)
            os.fsync(fd)
        finally:
            os.close(fd)
        # What stands beside an earlier copy belongs to that one.
        for end in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place + end)
        os.replace(part, place)
        sync_folder(to)
    except OSError as fault:
        raise _failed(f"the database could not be copied: {fault.strerror}", to) from None


def _named(database: Database) -> Iterator[str]:
    last = ""
    while True:
        with database.read() as rows:
            found = [cast("str", row[0]) for row in rows.all(_FILES, last, last, BLOBS_ASKED_MAX)]
        yield from found
        if len(found) < BLOBS_ASKED_MAX:
            return
        last = found[-1]


def _copy_file(source: Blobs, kept: FolderBlobs, file_hash: str) -> bool:
    size = source.size(file_hash)
    if size is None or size > BLOB_BYTES_MAX:
        raise _failed("a version's file is missing in the registry", file_hash)
    if kept.size(file_hash) == size:
        return False
    # It is hashed before it is kept: a file that the disk has changed does not come into the backup.
    kept.put(file_hash, b"".join(source.read(file_hash)))
    return True


def _copy_keys(data: str, to: str) -> None:
    source, folder = os.path.join(data, KEYS_FOLDER), os.path.join(to, KEYS_FOLDER)
    make_private_folder(folder)
    for name in (ROOT_KEY, LOG_KEY, ROOTS):
        path = os.path.join(source, name)
        if os.path.lexists(path):
            write_atomic(os.path.join(folder, name), read_bounded(path, KEY_BYTES_MAX), PRIVATE)


def _failed(why: str, where: str) -> HostFailed:
    return HostFailed("registry.blob", why, where=where, hint="see that both disks are well, and run it again")


# ------------------------------------------------------------ would it hold?


@value
class Checked:
    size: int
    root: bytes
    at: int
    files: int
    faults: tuple[str, ...]


def check(services: Services) -> Checked:
    """Everything that a registry stands on, computed anew: the tree from its leaves, each file from its bytes."""
    with services.database.read() as rows:
        newest = services.ledger.checkpoint(rows)
        faults = [] if _root_of_leaves(rows) == (newest.size, newest.root) else ["the leaves do not give the root of the newest checkpoint"]
        if root_in(RowNodes(rows)) != newest.map_root:
            faults.append("the map is not the one of the newest checkpoint")
    files = 0
    for file_hash in _named(services.database):
        files += 1
        faults.extend(_faults_of(services.blobs, file_hash))
    return Checked(size=newest.size, root=newest.root, at=newest.at, files=files, faults=tuple(faults[:FAULTS_TOLD_MAX]))


def _root_of_leaves(rows: Rows) -> tuple[int, bytes]:
    """Size and root. Of each full subtree on the way only its root is kept."""
    size, subtrees = 0, list[bytes]()
    while found := rows.all("SELECT leaf FROM log_leaves WHERE idx >= ? ORDER BY idx LIMIT ?", size, LEAVES_READ_MAX):
        for (leaf,) in found:
            # Who changed the file by hand may have left a text in the place of bytes.
            current, index = leaf_hash(bytes(leaf) if isinstance(leaf, (bytes, memoryview)) else str(leaf).encode()), size
            while index & 1:
                current, index = node_hash(subtrees.pop(), current), index >> 1
            subtrees.append(current)
            size += 1
    if not subtrees:
        return 0, EMPTY_ROOT
    root = subtrees.pop()
    while subtrees:
        root = node_hash(subtrees.pop(), root)
    return size, root


def _faults_of(blobs: Blobs, file_hash: str) -> Iterator[str]:
    if blobs.size(file_hash) is None:
        yield f"file {file_hash} is missing"
        return
    found = sha256()
    for piece in blobs.read(file_hash):
        found.update(piece)
    if found.hexdigest() != file_hash:
        yield f"file {file_hash} has other bytes"
