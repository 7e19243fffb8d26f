"""Inflating, bounded and checked; and the hashes over the bytes as they stand."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO

from mpp.errors import Refused
from mpp.stages.archive import encoding as enc
from mpp.stages.archive.limits import CHUNK_BYTES
from mpp.stages.archive.types import Archive, Hashes, Member


def hashes(archive: Archive) -> Hashes:
    """The content hash (of the unsigned archive) and the file hash, in one pass over the body.

    Spec: 1-archive A-19. The content hash is the SHA-256 of the canonical archive without the seal members,
    so ``sha256sum`` of the unsigned file gives it too.
    """
    body = sha256(archive.data[: archive.body_end])
    whole = body.copy()
    whole.update(archive.data[archive.body_end :])
    body.update(enc.ending(archive.content_members, archive.body_end))
    return Hashes(body.digest(), whole.digest())


def member_chunks(archive: Archive, member: Member, family: str = "manifest") -> Iterator[bytes | memoryview]:
    """The plain bytes of a member, in pieces. Never more than the stated size; ends by checking size and CRC.

    Attack: a stream that inflates to more than it states, ends early, hides bytes after its end, or whose
    CRC lies would be read differently by other tools.
    """
    packed = archive.data[member.start : member.start + member.packed]
    pieces: Iterator[bytes | memoryview] = _slices(packed) if member.method == enc.STORED else _inflate(packed, member, family)
    crc = size = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        if size > member.size:
            raise _broken(family, member, "inflates to more bytes than it states")
        yield piece
    if size != member.size:
        raise _broken(family, member, "inflates to fewer bytes than it states")
    if crc != member.crc:
        raise _broken(family, member, "has another CRC than it states")


def _slices(packed: memoryview) -> Iterator[memoryview]:
    return (packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES))


def _inflate(packed: memoryview, member: Member, family: str) -> Iterator[bytes]:
    stream = zlib.decompressobj(-15)
    try:
        for piece in _slices(packed):
            if stream.eof:
                raise _broken(family, member, "has bytes after its compressed stream")
            plain = stream.decompress(piece, CHUNK_BYTES)
            yield plain
            # A full chunk may leave input or output waiting inside the stream.
            while len(plain) == CHUNK_BYTES:
                plain = stream.decompress(stream.unconsumed_tail, CHUNK_BYTES)
                yield plain
    except zlib.error:
        raise _broken(family, member, "is not a deflate stream") from None
    if not stream.eof or stream.unused_data:
        raise _broken(family, member, "does not end where its compressed stream ends")


def _broken(family: str, member: Member, message: str) -> Refused:
    return Refused(f"{family}.member_broken", f"the member {message}", where=f"member {member.name!r}", hint="rebuild the package with `mpp build`")


def read_member(archive: Archive, member: Member, family: str = "manifest") -> bytes:
    """All plain bytes of a member; bounded by its stated size, which check 2 has judged."""
    out = BytesIO()  # gives its bytes away without a copy
    for piece in member_chunks(archive, member, family):
        out.write(piece)
    return out.getvalue()
