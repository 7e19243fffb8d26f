"""Copies of what is sealed, in a storage where this host itself cannot change them any more.

Everything is put where nothing is, and never over something. What stands there already must be the same: else somebody else put it
there first, and that is the alarm. Twice the same upload does nothing the second time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256

from mpp.errors import Fault, MppError, Refused, RemoteFailed
from mpp.files import PRIVATE, read_bounded, write_atomic
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.s3 import Bucket, COMPLIANCE, Found, Lock
from mpp.host.audit.upload_pieces import LogPieces, Piece
from mpp.limits import FAULTS_MAX, JSON_INT_MAX, KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read
from mpp.model.value import value

CURSOR_BYTES_MAX = 4 * KIB
"""Bytes of the cursor. Reason: a target, a log id, a number."""

_ENDS = frozenset(("audit.upload_lock", "audit.upload_storage"))
# A storage that does not do what it is for is sent nothing more.

Tell = Callable[[str, int], None]
"""Told the key and the length of each object that is there now because of us."""


@value
class Wanted:
    """What the caller asks for."""

    lock: Lock | None = None
    tiles: bool = False
    anew: bool = False
    """Look at all, also at what an earlier upload was told is there."""


@value
class Sent:
    """An object that was not there before."""

    key: str
    size: int
    sha256: str
    version: str


@value
class Uploaded:
    """What was done."""

    log_id: str
    folder: str
    """The key of the log's folder."""
    sent: tuple[Sent, ...] = ()
    there: int = 0
    """Objects that stood there already and are the same."""
    segments: int = 0
    """Sealed segments that were looked at."""
    passed: int = 0
    """Sealed segments that an earlier upload was told are there."""
    missing: tuple[int, ...] = ()
    """Segments, by their first entry, that were pruned here before they were uploaded."""
    faults: tuple[Fault, ...] = ()


@value
class Cursor:
    """What an earlier upload was told is there. Whoever loses it only asks again."""

    target: str
    log: str
    lock: str
    tiles: bool
    last: int
    """First entry of the last segment that is there whole, as are all before it."""


def cursor_path(places: LogPlaces) -> str:
    return os.path.join(places.folder, "upload.json")


def load_cursor(places: LogPlaces) -> Cursor | None:
    """None where there is none that can be read."""
    path = cursor_path(places)
    if not os.path.lexists(path):
        return None
    faults = Faults("audit")
    try:
        fields = Fields(read(read_bounded(path, CURSOR_BYTES_MAX), family="audit", where=path), path, faults)
        fields.number("mpp_upload", least=1, most=1)
        found = Cursor(
            target=fields.text("target", most=KIB), log=fields.text("log", most=64), lock=fields.text("lock", most=16, least=0), tiles=fields.flag("tiles"),
            last=fields.number("last", least=0, most=JSON_INT_MAX),
        )  # fmt: skip
        fields.end()
        faults.stop()
    except MppError:
        return None
    return found


def _save(places: LogPlaces, cursor: Cursor) -> None:
    document: dict[str, Json] = {"mpp_upload": 1, "target": cursor.target, "log": cursor.log, "lock": cursor.lock, "tiles": cursor.tiles, "last": cursor.last}
    write_atomic(cursor_path(places), canonical(document) + b"\n", PRIVATE)


def planned(places: LogPlaces, prefix: str, *, tiles: bool) -> Iterator[tuple[str, int]]:
    """Keys and lengths of all that there is to upload, without asking anybody."""
    pieces = LogPieces(places)
    folder = _folder(prefix, pieces)
    for piece in _newest(pieces):
        yield f"{folder}/{piece.name}", len(piece.data)
    for first in pieces.sealed():
        for piece in pieces.segment(first, tiles=tiles):
            yield f"{folder}/{piece.name}", len(piece.data)


def _folder(prefix: str, pieces: LogPieces) -> str:
    return f"{prefix}/{pieces.folder}".lstrip("/")


def _newest(pieces: LogPieces) -> Iterator[Piece]:
    yield pieces.checkpoint()
    witnessed = pieces.witnessed()
    if witnessed is not None:
        yield witnessed


class Upload:
    """One run. Faults of the storage end it; those of one segment do not keep the others here."""

    def __init__(self, places: LogPlaces, bucket: Bucket, wanted: Wanted, tell: Tell = lambda _key, _size: None) -> None:
        self._places, self._bucket, self._wanted, self._tell = places, bucket, wanted, tell
        self._pieces = LogPieces(places)
        self._folder = _folder(bucket.target.prefix, self._pieces)
        self._sent: list[Sent] = []
        self._missing: list[int] = []
        self._faults: list[Fault] = []
        self._there = 0
        self._is_proven = False

    def run(self) -> Uploaded:
        for piece in _newest(self._pieces):
            self._guarded(partial(self._put, piece, looks_first=False))
        last, is_whole = self._last(), True
        firsts = self._pieces.sealed()
        left = [first for first in firsts if first > last]
        for first in left:
            is_whole &= self._guarded(partial(self._segment, first, looks_first=last < 0))
            if is_whole:
                _save(self._places, self._cursor(first))
        return Uploaded(
            log_id=self._pieces.log_id, folder=self._folder, sent=tuple(self._sent), there=self._there, segments=len(left), passed=len(firsts) - len(left),
            missing=tuple(self._missing), faults=tuple(self._faults[:FAULTS_MAX]),
        )  # fmt: skip

    def _guarded(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except MppError as fault:
            if isinstance(fault, RemoteFailed) or fault.code in _ENDS:
                raise
            self._faults += fault.faults
            return False
        return True

    # -- does the storage do what it is for?

    def _prove(self, piece: Piece) -> None:
        """Once, with the first object that is new, before anything else leaves: it keeps what is there, and locks what it is told to lock."""
        if self._is_proven:
            return
        lock = self._wanted.lock
        if self._bucket.put(self._key(piece), piece.data, kind=piece.kind, lock=lock) is not None:
            raise Refused(
                "audit.upload_storage", "the storage writes over what is there, though it was told not to", where=self._where(piece),
                hint="take a storage that honours `If-None-Match: *`; what was put there before could have been replaced",
            )  # fmt: skip
        if lock is not None:
            found = self._look(piece).lock
            if found is None or not _is_as_strong(found, lock) or found.until < lock.until:
                raise Refused(
                    "audit.upload_lock", "the storage took the object and did not lock it as it was told to", where=self._where(piece),
                    hint="switch object lock on for the bucket, or take a storage that has it; without --lock-days nothing is locked",
                )  # fmt: skip
        self._is_proven = True

    def _check_lock(self, piece: Piece, found: Found) -> None:
        """Of what was there before. For how long was decided then."""
        lock = self._wanted.lock
        if lock is not None and (found.lock is None or not _is_as_strong(found.lock, lock)):
            raise Refused(
                "audit.upload_unlocked", "the object was put there before without such a lock", where=self._where(piece),
                hint="lock it there, by the means of the storage, or upload to another prefix",
            )  # fmt: skip

    # -- one object

    def _key(self, piece: Piece) -> str:
        return f"{self._folder}/{piece.name}"

    def _where(self, piece: Piece) -> str:
        return f"s3://{self._bucket.target.bucket}/{self._key(piece)}"

    def _put(self, piece: Piece, *, looks_first: bool) -> None:
        found = self._look_if_allowed(piece.name) if looks_first else None
        if found is None:
            version = self._bucket.put(self._key(piece), piece.data, kind=piece.kind, lock=self._wanted.lock)
            if version is not None:
                self._note(piece, version)
                self._prove(piece)
                return
            found = self._look(piece)
        self._check_same(piece, found)
        self._check_lock(piece, found)

    def _look_if_allowed(self, name: str) -> Found | None:
        """It saves sending what is there. Who may only write is told nothing, or that it may not know."""
        try:
            return self._bucket.head(f"{self._folder}/{name}")
        except RemoteFailed as fault:
            if fault.code != "remote.s3_refused":
                raise
            return None

    def _look(self, piece: Piece) -> Found:
        found = self._bucket.head(self._key(piece))
        if found is None:
            raise RemoteFailed(
                "remote.s3", "the storage says that the object is there, and then that it is not", where=self._where(piece), hint="see who removes it, and try again"
            )  # fmt: skip
        return found

    def _check_same(self, piece: Piece, found: Found) -> None:
        """Attack: another object under our name, put there first. What the storage hashed is believed; what its writer said of it is not."""
        if found.sha256 != sha256(piece.data).hexdigest():
            there = self._read_back(piece, found)
            if there is None or not piece.is_same(there):
                raise Refused(
                    "audit.upload", "another object stands there under the name of ours: somebody else put it there first", where=self._where(piece),
                    hint="keep it, and find out who may write there; the record here stays as it is. Upload to another prefix meanwhile",
                )  # fmt: skip
        self._there += 1

    def _read_back(self, piece: Piece, found: Found) -> bytes | None:
        return None if found.size > piece.most else self._bucket.get(self._key(piece), piece.most)

    def _note(self, piece: Piece, version: str) -> None:
        one = Sent(key=self._key(piece), size=len(piece.data), sha256=sha256(piece.data).hexdigest(), version=version)
        self._sent.append(one)
        self._tell(one.key, one.size)

    # -- segments, and how far we are

    def _segment(self, first: int, *, looks_first: bool) -> None:
        if self._pieces.is_pruned(first) and self._look_if_allowed(f"segments/{first:016d}.jsonl.gz") is None:
            self._missing.append(first)
        for piece in self._pieces.segment(first, tiles=self._wanted.tiles):
            self._put(piece, looks_first=looks_first)

    def _cursor(self, last: int) -> Cursor:
        target, lock = self._bucket.target, self._wanted.lock
        return Cursor(
            target=f"{target.place} {target.name}", log=self._pieces.log_id, lock="" if lock is None else lock.mode, tiles=self._wanted.tiles, last=last
        )  # fmt: skip

    def _last(self) -> int:
        """How far an earlier upload of this log came, with this target and these options; -1 where none did.

        Attack: a cursor that somebody moved on, so that segments never leave. The seal that it names must be there.
        """
        cursor = load_cursor(self._places)
        if cursor is None or self._wanted.anew or cursor != self._cursor(cursor.last):
            return -1
        return cursor.last if self._look_if_allowed(f"segments/{cursor.last:016d}.seal") is not None else -1


def _is_as_strong(found: Lock, wanted: Lock) -> bool:
    return found.mode in {wanted.mode, COMPLIANCE}
