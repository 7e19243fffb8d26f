"""Writing the one encoding: packing, sealing and unsealing. Spec: spec/1-archive.md section 5."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from mpp.errors import Refused
from mpp.stages.archive import encoding as enc
from mpp.stages.archive.limits import DEFLATED_BYTES_MAX, RATIO_FLOOR_BYTES, RATIO_MAX
from mpp.stages.archive.reader import STORED_BOUNDS, read_archive
from mpp.stages.archive.types import PUBLISHER_NAME, SIGNATURE_NAME, Archive, Member

LEVEL = 9  # packing is done once, inflating often


def pack(files: Mapping[str, bytes]) -> bytes:
    """The unsigned archive of ``files``; the same files give the same bytes. Ends by reading what it made."""
    out = bytearray()
    members: list[Member] = []
    left = DEFLATED_BYTES_MAX
    for name in sorted(files, key=enc.order_key):
        plain = files[name]
        packed = _deflate(plain) if name not in STORED_BOUNDS else plain
        # What shrinks more than a reader allows, or after much has been deflated already, is stored: any file can be packed.
        bomb = len(plain) > RATIO_MAX * max(len(packed), RATIO_FLOOR_BYTES)
        deflated = len(packed) < len(plain) and len(packed) <= left and not bomb
        left -= len(packed) if deflated else 0
        _append(out, members, name, enc.DEFLATED if deflated else enc.STORED, plain, packed if deflated else plain)
    return _checked(bytes(out) + enc.ending(members, len(out)))


def seal(unsigned: Archive, publisher: bytes, signature: bytes) -> bytes:
    """The signed archive: the body untouched, the two seal members behind it."""
    if unsigned.sealed:
        raise Refused("archive.seal", "the archive is sealed already", hint="unseal it first")
    out = bytearray(unsigned.data[: unsigned.body_end])
    members = list(unsigned.members)
    for name, plain in ((PUBLISHER_NAME, publisher), (SIGNATURE_NAME, signature)):
        _append(out, members, name, enc.STORED, plain, plain)
    return _checked(bytes(out) + enc.ending(members, len(out)))


def unseal(archive: Archive) -> bytes:
    """The unsigned archive, bit for bit: its SHA-256 is the content hash."""
    return bytes(archive.data[: archive.body_end]) + enc.ending(archive.content_members, archive.body_end)


def _append(out: bytearray, members: list[Member], name: str, method: int, plain: bytes, packed: bytes) -> None:
    start = len(out) + enc.LOCAL.size + len(name)
    members.append(Member(name, method, zlib.crc32(plain), len(packed), len(plain), start))
    out += enc.local_header(members[-1])
    out += packed


def _deflate(plain: bytes) -> bytes:
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return stream.compress(plain) + stream.flush()


def _checked(data: bytes) -> bytes:
    """A packer that makes what its own reader refuses would only move the error to the user."""
    read_archive(data)
    return data
