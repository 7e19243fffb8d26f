"""Files of other registries, fetched once and kept: for those whose machines reach this registry alone.

Only from a home that stands in the list, at the address that stands there, and only bytes whose hash the home's log has. An operator switches it on.
Spec: federation U-40, U-41.
"""

from __future__ import annotations

import mmap
import tempfile
import threading
from collections.abc import Iterator
from hashlib import sha256
from typing import IO
from urllib.parse import quote

from mpp.errors import HostFailed, Refused, RemoteFailed
from mpp.model.value import value
from mpp.protocol.registry.bundle import read_bundle
from mpp.protocol.registry.events import read_leaf, VersionPublished

from mpp_registry.federation.judging import Judged
from mpp_registry.federation.limits import PROXY_FETCHES_MAX, PROXY_SECONDS_MAX
from mpp.protocol.registry.peerlist import Peer
from mpp.host.enrolment.wire import Patience, Web
from mpp_registry.limits import BLOB_BYTES_MAX
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

KEEP = "federation.proxy_bytes"
"""The setting: how many bytes are kept; 0 or absent: the proxy is off."""

EVICTED_MAX = 1000
"""Files that make room for one. Reason: bounds the transaction; the next one goes on."""


@value
class Wanted:
    file_hash: str
    size: int


def kept_bytes(rows: Rows) -> int:
    found = rows.one("SELECT text FROM settings WHERE name = ?", KEEP)
    return int(str(found[0])) if found is not None and str(found[0]).isdecimal() else 0


def keep_bytes(services: Services, most: int) -> None:
    with services.database.write() as rows:
        rows.run("INSERT INTO settings (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", KEEP, str(most))


def wanted_of(judged: Judged) -> Wanted:
    """What the home's log says of the file."""
    proof = judged.proven
    if proof.status in {"quarantined", "revoked"}:
        raise Refused(
            "registry.gone", f"its home registry has {proof.status} this version", where=f"{proof.package_id}@{proof.version}", hint="take another one"
        )
    change = read_leaf(read_bundle(judged.found.bundle).leaf, where="leaf").change
    if not isinstance(change, VersionPublished) or not 0 < change.size <= BLOB_BYTES_MAX:
        raise Refused("registry.peer", "its home registry names no size that a file can have", where=proof.package_id, hint="ask who runs it")
    return Wanted(file_hash=proof.file_hash, size=change.size)


class Proxy:
    """One for each process."""

    def __init__(self, services: Services, web: Web) -> None:
        self._services, self._web = services, web
        self._places = threading.BoundedSemaphore(PROXY_FETCHES_MAX)

    def fetch(self, judged: Judged, home: Peer) -> Wanted:
        """The file is in the storage when this returns."""
        wanted, now = wanted_of(judged), self._services.clock.now()
        with self._services.database.read() as rows:
            most = kept_bytes(rows)
        if not most:
            raise Refused("registry.absent", "this registry does not hand on files of others", hint="get it from its home registry")
        if wanted.size > most:
            raise Refused("registry.quota", "the file is larger than all that is kept here of others", hint="get it from its home registry")
        if self._services.blobs.size(wanted.file_hash) != wanted.size:
            self._fetch(judged, home, wanted)
        self._note(wanted, home.registry_id, now, most)
        return wanted

    def _fetch(self, judged: Judged, home: Peer, wanted: Wanted) -> None:
        if not self._places.acquire(blocking=False):
            raise HostFailed("registry.busy", "other files are being fetched from other registries", hint="ask again in a minute")
        try:
            with tempfile.TemporaryFile() as file:
                self._receive(judged, home, wanted, file)
                with mmap.mmap(file.fileno(), wanted.size, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
                    self._services.blobs.put(wanted.file_hash, view)
        finally:
            self._places.release()

    def _receive(self, judged: Judged, home: Peer, wanted: Wanted, file: IO[bytes]) -> None:
        found = judged.found
        url = f"{home.url}/v1/packages/{quote(found.package_id)}/versions/{quote(found.version, safe='')}/download"
        with self._web.stream(url, {"Accept": "*/*"}, Patience(seconds=PROXY_SECONDS_MAX)) as (answer, pieces):
            if answer.status != 200:
                raise RemoteFailed("remote.answer", f"the home registry answers {answer.status}", where=url, hint="try again later")
            _write(pieces, wanted, file, url)

    def _note(self, wanted: Wanted, registry_id: str, now: int, most: int) -> None:
        with self._services.database.write() as rows:
            rows.run(
                "INSERT INTO peer_files (file_hash, size, registry_id, at) VALUES (?, ?, ?, ?) ON CONFLICT (file_hash) DO UPDATE SET at = excluded.at",
                wanted.file_hash, wanted.size, registry_id, now,
            )  # fmt: skip
            _make_room(self._services, rows, wanted.file_hash, most)


def _write(pieces: Iterator[bytes], wanted: Wanted, file: IO[bytes], url: str) -> None:
    """Attack: a body without end; other bytes under a good name."""
    digest, size = sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > wanted.size:
            break
        digest.update(piece)
        file.write(piece)
    if size != wanted.size or digest.hexdigest() != wanted.file_hash:
        raise RemoteFailed("remote.answer", "the home registry sends another file than its log has", where=url, hint="tell who runs it")
    file.flush()


def _make_room(services: Services, rows: Rows, but: str, most: int) -> None:
    """The files that were asked for longest ago go first.

    Within the transaction: who publishes the same bytes writes down first that it uploads them, so either that is seen here or its upload comes after.
    """
    found = rows.one("SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM peer_files")
    left = int(str(found[0])) - most if found is not None else 0
    for file_hash, size in rows.all("SELECT file_hash, size FROM peer_files WHERE file_hash <> ? ORDER BY at, file_hash LIMIT ?", but, EVICTED_MAX):
        if left <= 0:
            return
        rows.run("DELETE FROM peer_files WHERE file_hash = ?", file_hash)
        left -= int(str(size))
        if not _is_ours(rows, str(file_hash)):
            services.blobs.remove(str(file_hash))


def _is_ours(rows: Rows, file_hash: str) -> bool:
    tables = ("versions", "staged", "uploads")
    # The names of the tables are ours; the hash is bound.
    return any(rows.one(f"SELECT 1 FROM {one} WHERE file_hash = ? LIMIT 1", file_hash) is not None for one in tables)  # noqa: S608
