"""Files that no row names yet. Each is written down before it is kept, so that one whose upload came to nothing can be found and removed.

note      a row says that the file may come; its time is that of the newest upload of it
keep      the file is written
settle    the row of a version names the file, and the note goes, in one transaction
sweep     a note that is an hour old, and that no version names: file and note go, while no other upload can begin
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.value import value
from mpp_registry.publishing.limits import CLEANED_MAX, UPLOAD_SECONDS
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


@value
class Swept:
    removed: int
    kept: int
    """Notes whose file a version names after all."""


def keep_file(services: Services, file_hash: str, data: bytes) -> None:
    """Note, then keep. Durable when this returns."""
    now = services.clock.now()
    with services.database.write() as rows:
        rows.run("INSERT INTO uploads (file_hash, at) VALUES (?, ?) ON CONFLICT (file_hash) DO UPDATE SET at = excluded.at", file_hash, now)
    services.blobs.put(file_hash, data)


def settle(rows: Rows, file_hash: str) -> None:
    """Within the transaction that names the file. Raises Refused where the sweeper was faster."""
    if rows.run("DELETE FROM uploads WHERE file_hash = ?", file_hash) == 0 and not _is_named(rows, file_hash):
        raise Refused("registry.changed", "the upload took too long", where=file_hash[:16], hint="upload it again")


def sweep(services: Services) -> Swept:
    """Remove what no row names. A file goes within the one writer's turn: an upload of the same bytes waits, finds no file, and writes it anew."""
    until = services.clock.now() - UPLOAD_SECONDS
    with services.database.read() as rows:
        old = [str(row[0]) for row in rows.all("SELECT file_hash FROM uploads WHERE at <= ? ORDER BY at LIMIT ?", until, CLEANED_MAX)]
    removed = kept = 0
    for file_hash in old:
        with services.database.write() as rows:
            # Read again within the turn: an upload may have begun meanwhile, and then its note is new.
            if rows.run("DELETE FROM uploads WHERE file_hash = ? AND at <= ?", file_hash, until) == 0:
                continue
            if _is_named(rows, file_hash):
                kept += 1
                continue
            services.blobs.remove(file_hash)
            removed += 1
    return Swept(removed=removed, kept=kept)


def abandon(services: Services, rows: Rows, file_hash: str) -> None:
    """A staged file that nobody will publish: the sweeper takes it in an hour, unless it is uploaded again."""
    rows.run("INSERT INTO uploads (file_hash, at) VALUES (?, ?) ON CONFLICT (file_hash) DO UPDATE SET at = excluded.at", file_hash, services.clock.now())


def _is_named(rows: Rows, file_hash: str) -> bool:
    if rows.one("SELECT 1 FROM versions WHERE file_hash = ? LIMIT 1", file_hash) is not None:
        return True
    return rows.one("SELECT 1 FROM staged WHERE file_hash = ? AND state = 'waiting' LIMIT 1", file_hash) is not None
