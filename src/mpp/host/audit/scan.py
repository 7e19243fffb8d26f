"""The lines of a log, from one entry on, out of plain and compressed segments. Memory stays flat.

Spec: audit section 3.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader
from typing import NamedTuple, cast

from mpp.errors import HostFailed, Refused
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.limits import KIB
from mpp.stages.audit import tail_of
from mpp.stages.audit.limits import LINE_BYTES_MAX, ROOM_BYTES, SEGMENT_BYTES_READ_MAX


_HASHED_BYTES = 256 * KIB
"""Bytes that are read and hashed at a time. Reason: they stay in the second cache between the two, which saves a third of the time."""

_END_BYTES = LINE_BYTES_MAX + 2
"""Bytes that are kept of the end. Reason: the last line, its line feed and the one before it."""

_SCANNED_BYTES = 4 * KIB
"""Bytes that are read line by line where an entry is looked for. Reason: a few lines cost less than one more look."""


@contextmanager
def open_stored(places: LogPlaces, first: int, kinds: set[str]) -> Iterator[BufferedIOBase | None]:
    """The bytes of a segment; None where it has been pruned."""
    path = places.segment(first)
    if "jsonl" in kinds:
        with _open_plain(path) as stream:
            yield stream
    elif "jsonl.gz" in kinds:
        with _open_plain(path + ".gz") as packed, gzip.GzipFile(fileobj=packed, mode="rb") as unpacked:
            yield cast(BufferedIOBase, unpacked)
    else:
        yield None


def _open_plain(path: str) -> BufferedReader:
    """Attack: a pipe in a log from elsewhere, and a verifier that waits for its other end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError("it is no regular file")
    return os.fdopen(fd, "rb")


def last_line(path: str) -> bytes:
    """The last whole line of an open segment; empty where there is none."""
    most = 2 * ROOM_BYTES + 2 * LINE_BYTES_MAX
    try:
        with _open_plain(path) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - most))
            data = stream.read(most)
    except OSError as fault:
        raise HostFailed("audit.read", f"a segment of the log cannot be read: {fault}", where=path, hint="restore it from a copy") from None
    whole = data[: data.rfind(b"\n")]
    return whole[whole.rfind(b"\n") + 1 :] if b"\n" in data else b""


def read_stored(places: LogPlaces, first: int, kinds: set[str]) -> bytes | None:
    """All bytes of a segment, decompressed; None where it has been pruned."""
    path = places.segment(first)
    try:
        with open_stored(places, first, kinds) as stream:
            if stream is None:
                return None
            data = stream.read(SEGMENT_BYTES_READ_MAX + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise HostFailed("audit.read", f"a segment of the log cannot be read: {fault}", where=path, hint="restore it from a copy") from None
    if len(data) > SEGMENT_BYTES_READ_MAX:
        raise too_large(path)
    # Zeros at the end of the open segment are room for the next entries. A sealed one has none.
    return data if "seal" in kinds else data.rstrip(b"\0")


class Ends(NamedTuple):
    """What is kept of a segment of which only the bytes were hashed."""

    sha256: str
    """In hex."""
    size: int
    first: bytes
    """The first line, without its line feed; empty where a line of the largest size holds none."""
    last: bytes
    """The last line, likewise. Of what does not end with a line feed, all behind the last one but its last byte."""


def ends_of(data: bytes) -> Ends:
    """Of a segment that was read whole."""
    return Ends(hashlib.sha256(data).hexdigest(), len(data), data[: max(0, data.find(b"\n"))], data[data.rfind(b"\n", 0, -1) + 1 : -1])


def hash_stored(places: LogPlaces, first: int, kinds: set[str]) -> Ends | None:
    """All bytes of a sealed segment, read once, in pieces that stay near the processor; None where it has been pruned."""
    path = places.segment(first)
    digest, size, begin, end, piece = hashlib.sha256(), 0, b"", b"", memoryview(bytearray(_HASHED_BYTES))
    try:
        with open_stored(places, first, kinds) as stream:
            if stream is None:
                return None
            # Attack: a small file that unpacks to a very large one.
            while size <= SEGMENT_BYTES_READ_MAX and (count := stream.readinto(piece)):
                digest.update(piece[:count])
                size += count
                begin += bytes(piece[: min(count, max(0, LINE_BYTES_MAX + 1 - len(begin)))])
                end = (end + bytes(piece[max(0, count - _END_BYTES) : count]))[-_END_BYTES:]
    except (OSError, EOFError, zlib.error) as fault:
        raise HostFailed("audit.read", f"a segment of the log cannot be read: {fault}", where=path, hint="restore it from a copy") from None
    if size > SEGMENT_BYTES_READ_MAX:
        raise too_large(path)
    return Ends(digest.hexdigest(), size, begin[: max(0, begin.find(b"\n"))], end[end.rfind(b"\n", 0, -1) + 1 : -1])


def too_large(path: str) -> Refused:
    return Refused("audit.size", f"a segment has more than {SEGMENT_BYTES_READ_MAX} bytes", where=path, hint="give a log that MPP wrote")


def lines_from(places: LogPlaces, seq: int = 0) -> Iterator[bytes]:
    """The whole lines from entry ``seq`` on, without their line feeds. What is pruned is passed over; the end may be torn."""
    files = segment_files(places.segments)
    firsts = list(files)
    for number, first in enumerate(firsts):
        following = firsts[number + 1] if number + 1 < len(firsts) else None
        if following is not None and following <= seq:
            continue
        yield from _lines(places, first, files[first], seq)


def _lines(places: LogPlaces, first: int, kinds: set[str], seq: int) -> Iterator[bytes]:
    path = places.segment(first)
    try:
        with open_stored(places, first, kinds) as stream:
            if stream is None:
                return
            if "jsonl" in kinds and seq > first:
                _seek(stream, first, seq)
            yield from _read_lines(stream, path, seq, may_be_torn="seal" not in kinds)
    except (OSError, EOFError, zlib.error) as fault:
        raise HostFailed("audit.read", f"a segment of the log cannot be read: {fault}", where=path, hint="restore it from a copy") from None


def _read_lines(stream: BufferedIOBase, path: str, seq: int, *, may_be_torn: bool) -> Iterator[bytes]:
    done = 0
    while line := stream.readline(LINE_BYTES_MAX + 1):
        done += len(line)
        if done > SEGMENT_BYTES_READ_MAX:
            raise too_large(path)
        if not line.endswith(b"\n"):
            if may_be_torn:
                return
            # Attack: one endless line, behind which nobody reads on.
            raise Refused("audit.entry", "a sealed segment holds something that is no line of an entry", where=path, hint="see where: mpp audit verify --deep")
        if may_be_torn and b"\0" in line:
            # Read while somebody wrote over the room: part of it is older than the rest.
            return
        found = tail_of(line[:-1])
        if found is None or found[1] >= seq:
            yield line[:-1]


def _seek(stream: BufferedIOBase, first: int, seq: int) -> None:
    """Each line says its number at its end: entry ``seq`` is found by halves. Where a line says nothing, reading begins before it."""
    low, high = 0, os.fstat(stream.fileno()).st_size
    # Each turn leaves at most half, whatever stands there.
    while high - low > _SCANNED_BYTES:
        middle = (low + high) // 2
        stream.seek(middle)
        stream.readline(LINE_BYTES_MAX + 1)
        begin = stream.tell()
        line = stream.readline(LINE_BYTES_MAX + 1)
        found = tail_of(line[:-1])
        is_room = not line.strip(b"\0")
        if not is_room and (found is None or found[1] < first):
            break
        is_before = found is not None and found[1] < seq and not is_room
        low, high = (begin, high) if is_before else (low, middle)
    stream.seek(low)
