"""A file comes from a mirror or from the registry, in as many pieces as it takes; it is what was proven, or it is thrown away."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
from collections.abc import Callable, Iterator

from mpp.errors import HostFailed, Refused, RemoteFailed
from mpp.files import locked, make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.remote.client import RegistryClient
from mpp.remote.http import Head, Progress, Sink, unseen
from mpp.remote.limits import PIECE_BYTES
from mpp.stages.archive.limits import TOTAL_BYTES_MAX

ETAG_CHARS_MAX = 200
"""Characters of the mark of a file by its server. Reason: it is a hash in quotation marks."""


@value
class File:
    """What is wanted, as its proof says."""

    package_id: str
    version: str
    file_hash: str
    size: int


@value
class Place:
    """Where a file lies while it comes. It is named by its hash, so that nothing else is ever taken for it."""

    folder: str
    file_hash: str

    @property
    def part(self) -> str:
        return os.path.join(self.folder, f"{self.file_hash}.part")

    @property
    def mark(self) -> str:
        return os.path.join(self.folder, f"{self.file_hash}.etag")

    def have(self) -> int:
        try:
            return os.path.getsize(self.part)
        except OSError:
            return 0

    def etag(self) -> str:
        if not os.path.exists(self.mark):
            return ""
        text = read_bounded(self.mark, ETAG_CHARS_MAX).decode("ascii", "replace")
        return text if is_strong(text) else ""

    def clear(self) -> None:
        for path in (self.part, self.mark):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def is_strong(etag: str) -> bool:
    """Only a strong mark promises the same bytes. Attack: one that holds a line end, and with it a header of its own."""
    return 2 < len(etag) <= ETAG_CHARS_MAX and etag[0] == etag[-1] == '"' and etag.isascii() and etag.isprintable()


def download(
    client: RegistryClient, wanted: File, folder: str, *, progress: Progress = unseen, told: Callable[[str], None] = lambda _: None
) -> str:  # fmt: skip
    """The path of a file with exactly these bytes. Mirrors come first; ``told`` hears of each that could not give it.

    What was begun and broke off is kept, and goes on where it stopped the next time.
    """
    if wanted.size > TOTAL_BYTES_MAX:
        raise Refused("size.file", f"the file has {wanted.size} bytes, at most {TOTAL_BYTES_MAX} are taken", where=wanted.package_id)
    make_private_folder(folder)
    place = Place(folder=folder, file_hash=wanted.file_hash)
    last: RemoteFailed | Refused | None = None
    with locked(place.part + ".lock", "the download"):
        for base in (*client.registry.mirrors, client.registry.url):
            # Once with what is there already, which may be another's; once from the beginning.
            for _ in range(2):
                had = place.have()
                try:
                    _fetch(client, base, wanted, place, progress)
                    _judge(wanted, place, base)
                    return place.part
                except (RemoteFailed, Refused) as fault:
                    last = fault
                    told(f"{shown(base)}: {fault.message}")
                    if fault.code != "content.file" or not had:
                        break
    raise last if last is not None else RemoteFailed("remote.answer", "nobody gave the file", where=client.registry.url)


def _judge(wanted: File, place: Place, base: str) -> None:
    """Attack: a mirror that swaps bytes. Nothing else is done with the file before this."""
    digest = hashlib.sha256()
    with _opened(place.part, os.O_RDONLY) as stream:
        while piece := os.read(stream, PIECE_BYTES):
            digest.update(piece)
    if digest.hexdigest() != wanted.file_hash:
        place.clear()
        message = f"the file has the SHA-256 {digest.hexdigest()[:16]}… and not {wanted.file_hash[:16]}…, which the registry's log proves"
        raise Refused("content.file", message, where=shown(base), hint="the server gives other bytes than were published: tell who runs it")


def _fetch(client: RegistryClient, base: str, wanted: File, place: Place, progress: Progress) -> None:
    have, etag = place.have(), place.etag()
    if have > wanted.size or (have and not etag and have < wanted.size):
        place.clear()
        have, etag = 0, ""
    if have == wanted.size:
        return
    headers = (("Accept", "*/*"),) + ((("Range", f"bytes={have}-"), ("If-Range", etag)) if have else ())
    with contextlib.ExitStack() as stack:
        head = client.download(base, wanted.package_id, wanted.version, headers, wanted.size, lambda found: _sink(found, wanted, place, have, progress, stack))
    if head.status == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        place.clear()
        raise RemoteFailed("remote.answer", "the server does not know the rest of the file", where=shown(base), hint="call the command again")
    if place.have() != wanted.size:
        message = f"the server gave {place.have()} of {wanted.size} bytes"
        raise RemoteFailed("remote.connection", message, where=shown(base), hint="call the command again: it goes on where it stopped")


def _sink(head: Head, wanted: File, place: Place, have: int, progress: Progress, stack: contextlib.ExitStack) -> Sink:
    """Where the bytes go: behind those that are there, or to a new beginning."""
    is_rest = head.status == http.client.PARTIAL_CONTENT
    if is_rest and head.headers.get("content-range", "") != f"bytes {have}-{wanted.size - 1}/{wanted.size}":
        raise RemoteFailed("remote.answer", "the server gives another piece than was asked for", where=shown(head.url), hint="ask who runs the server")
    if not is_rest and head.status != http.client.OK:
        return lambda _: None
    if head.length is not None and head.length != wanted.size - (have if is_rest else 0):
        raise RemoteFailed("remote.length", "the server's file has another size than the proven one", where=shown(head.url), hint="ask who runs the server")
    if not is_rest:
        place.clear()
        have = 0
    etag = head.headers.get("etag", "")
    if is_strong(etag):
        write_atomic(place.mark, etag.encode("ascii"), PRIVATE)
    fd = stack.enter_context(_opened(place.part, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    done = have

    def take(piece: bytes) -> None:
        nonlocal done
        _write(fd, piece, place.part)
        done += len(piece)
        progress(done, wanted.size)

    return take


def _write(fd: int, piece: bytes, path: str) -> None:
    left = memoryview(piece)
    try:
        while left:
            left = left[os.write(fd, left) :]
    except OSError as fault:
        raise HostFailed("host.file", f"cannot write the download: {fault.strerror}", where=path, hint="see that the disk has room") from None


@contextlib.contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    """Attack: a link in the cache, behind which another file would be written."""
    try:
        fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot open the download: {fault.strerror}", where=path, hint="empty the folder with `mpp cache clear`") from None
    try:
        yield fd
    finally:
        os.close(fd)
