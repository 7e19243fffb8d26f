"""Which files a server in front may give to everybody without asking: those of public packages, but for versions that are stopped.

The folder follows the log. A name is taken away within the transaction that stops a version, before it is committed; all else is done afterwards, a few seconds behind, within the writer's turn,
so that no name is given for what was stopped meanwhile. What is not there is asked of the registry: a name that is missing costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from mpp.errors import Refused
from mpp_registry.catalog.types import STOPPED
from mpp_registry.limits import PUBLIC_AT_ONCE_MAX, PUBLIC_LEAVES_MAX, PUBLIC_WHOLE_SECONDS
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows
from mpp_registry.store.public import PublicFiles

STOPPED_ROWS = "SELECT package_id, version FROM log_versions WHERE status IN ('quarantined', 'revoked') AND (package_id, version) > (?, ?) ORDER BY package_id, version LIMIT ?"
PRIVATE_ROWS = "SELECT package_id FROM packages WHERE visibility = 'private' AND package_id > ? ORDER BY package_id LIMIT ?"
_VERSIONS = (
    "SELECT v.package_id, v.version, v.file_hash, v.status FROM log_versions v JOIN packages p ON p.package_id = v.package_id"
    " WHERE p.visibility <> 'private' AND v.package_id IN ({marks})"
)
NEXT_ROWS = "SELECT package_id FROM packages WHERE package_id > ? ORDER BY package_id LIMIT ?"
CHANGED_ROWS = "SELECT idx, package_id FROM log_leaves WHERE idx > ? ORDER BY idx LIMIT ?"


def switch(services: Services, *, is_wanted: bool) -> None:
    """At the start of a server, before it listens."""
    files = services.public_files
    if is_wanted and not services.settings.is_public:
        raise Refused("usage.option", "--public-files gives files to everybody, and --private to nobody", where="--public-files", hint="leave one of them out")
    if is_wanted and files is None:
        raise Refused(
            "usage.option", "--public-files needs the files in a folder", where="--blobs", hint="leave it out: an object storage has addresses of its own"
        )
    if files is None:
        return
    if not is_wanted:
        files.turn_off()
        return
    if files.is_on:
        hide_stopped(services, files)
    files.turn_on()


def hide_stopped(services: Services, files: PublicFiles) -> None:
    """What a copy that was put back, or an earlier release, may have left: names of what nobody gets. Few, so it does not wait for the whole pass."""
    with services.database.write() as rows:
        one = ("", "")
        while stopped := cast("list[tuple[str, str]]", rows.all(STOPPED_ROWS, *one, PUBLIC_AT_ONCE_MAX)):
            for one in stopped:
                files.hide(*one)
        there, last = set(files.packages()), ""
        while found := [str(one) for (one,) in rows.all(PRIVATE_ROWS, last, PUBLIC_AT_ONCE_MAX)]:
            for package_id in there.intersection(found):
                files.drop(package_id)
            last = found[-1]


class Following:
    """Keeps the folder in step. One in each process that serves; several of them do each other's work and no harm."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: int | None = None
        self._is_cleared = False
        self._whole_at = 0

    def work(self) -> int:
        """How many names were given or taken."""
        files, now = self._services.public_files, self._services.clock.now()
        if files is None:
            return 0
        if not self._is_cleared:
            files.clear()
            self._is_cleared = True
        if not files.is_on:
            return 0
        if self._seen is None or now - self._whole_at >= PUBLIC_WHOLE_SECONDS:
            # Read before: what changes while everything is looked at is looked at once more.
            with self._services.database.read() as rows:
                newest = _newest(rows)
            changed = whole_pass(self._services, files)
            self._seen, self._whole_at = newest, now
            return changed
        return self._changed(files)

    def _changed(self, files: PublicFiles) -> int:
        changed = 0
        while True:
            with self._services.database.read() as rows:
                found = cast("list[tuple[int, str]]", rows.all(CHANGED_ROWS, self._seen, PUBLIC_LEAVES_MAX))
            if not found:
                return changed
            changed += follow(self._services, files, sorted({package_id for _, package_id in found if package_id}))
            self._seen = found[-1][0]


def whole_pass(services: Services, files: PublicFiles) -> int:
    """Every package, and every name that is there: also what was lost, added or changed by hand."""
    changed, last = 0, ""
    strangers = set(files.packages())
    while True:
        with services.database.read() as rows:
            ids = [str(one) for (one,) in rows.all(NEXT_ROWS, last, PUBLIC_AT_ONCE_MAX)]
        if not ids:
            break
        changed += follow(services, files, ids)
        strangers.difference_update(ids)
        last = ids[-1]
    for name in sorted(strangers):
        # One that came meanwhile is among the newest leaves, and gets its name again.
        files.drop(name)
    return changed + len(strangers)


def follow(services: Services, files: PublicFiles, package_ids: Sequence[str]) -> int:
    changed = 0
    for begin in range(0, len(package_ids), PUBLIC_AT_ONCE_MAX):
        ids = package_ids[begin : begin + PUBLIC_AT_ONCE_MAX]
        # Attack on oneself: a version that is stopped between the question and the name. Whoever stops one waits for this turn, and takes the name away in its own.
        with services.database.write() as rows:
            wanted = wanted_files(rows, ids)
            changed += sum(files.follow(one, wanted.get(one, {})) for one in ids)
    return changed


def wanted_files(rows: Rows, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    sql = _VERSIONS.replace("{marks}", ",".join("?" * len(ids)))
    for package_id, version, file_hash, status in cast("list[tuple[str, str, str, str]]", rows.all(sql, *ids)):
        if status not in STOPPED:
            found.setdefault(package_id, {})[version] = file_hash
    return found


def _newest(rows: Rows) -> int:
    found = rows.one("SELECT COALESCE(MAX(idx), -1) FROM log_leaves")
    return cast("int", found[0]) if found else -1
