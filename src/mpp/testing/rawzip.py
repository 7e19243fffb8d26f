"""ZIP files with any header field wrong: for tests and conformance vectors. Nothing here is checked."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from mpp.stages.archive import Archive
from mpp.stages.archive.encoding import CENTRAL, CENTRAL_MAGIC, DOS_DATE, DOS_TIME, END, END_MAGIC, LOCAL, LOCAL_MAGIC, MODE, VERSION_MADE, VERSION_NEEDED


@dataclass
class RawMember:
    """A member whose every field can be set; what is left out follows from the plain bytes."""

    name: bytes
    plain: bytes = b""
    method: int = 0
    packed: bytes | None = None
    version: int = VERSION_NEEDED
    flags: int = 0
    time: int = DOS_TIME
    date: int = DOS_DATE
    crc: int | None = None
    stated_packed: int | None = None
    stated_size: int | None = None
    local_extra: bytes = b""
    before: bytes = b""
    """Bytes in front of the local header."""
    after: bytes = b""
    """Bytes behind the packed bytes, for example a data descriptor."""
    central: dict[str, int | bytes] = field(default_factory=dict)
    """Fields of the central header that differ: made, version, flags, method, time, date, crc, packed, size, disk, internal, external, offset, name, extra, comment."""

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method != 8:
            return self.plain
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        return stream.compress(self.plain) + stream.flush()


def raw_zip(
    members: Iterable[RawMember],
    *,
    end: dict[str, int] | None = None,
    comment: bytes = b"",
    gap: bytes = b"",
    trailer: bytes = b"",
    central_order: list[int] | None = None,
) -> bytes:
    """The bytes of an archive exactly as described, sound or not."""
    out = bytearray()
    rows: list[bytes] = []
    for member in members:
        out += member.before
        rows.append(_central(member, len(out)))
        body = member.body()
        crc, packed, size = _stated(member, body)
        head = (LOCAL_MAGIC, member.version, member.flags, member.method, member.time, member.date)
        out += LOCAL.pack(*head, crc, packed, size, len(member.name), len(member.local_extra)) + member.name + member.local_extra + body + member.after
    out += gap
    directory = len(out)
    block = b"".join(rows[i] for i in (central_order if central_order is not None else range(len(rows))))
    fields = {"disk": 0, "start_disk": 0, "here": len(rows), "total": len(rows), "size": len(block), "offset": directory, "comment": len(comment)} | (end or {})
    return bytes(out) + block + END.pack(END_MAGIC, *fields.values()) + comment + trailer


def _stated(member: RawMember, body: bytes) -> tuple[int, int, int]:
    crc = zlib.crc32(member.plain) if member.crc is None else member.crc
    packed = len(body) if member.stated_packed is None else member.stated_packed
    return crc, packed, len(member.plain) if member.stated_size is None else member.stated_size


def _central(member: RawMember, offset: int) -> bytes:
    crc, packed, size = _stated(member, member.body())
    row: dict[str, int | bytes] = {
        "made": VERSION_MADE,
        "version": member.version,
        "flags": member.flags,
        "method": member.method,
        "time": member.time,
        "date": member.date,
        "crc": crc,
        "packed": packed,
        "size": size,
        "disk": 0,
        "internal": 0,
        "external": MODE,
        "offset": offset,
    }
    row.update({key: item for key, item in member.central.items() if not isinstance(item, bytes)})
    name, extra, comment = (_bytes(member, key, default) for key, default in (("name", member.name), ("extra", b""), ("comment", b"")))
    numbers = [item for item in row.values() if isinstance(item, int)]
    return CENTRAL.pack(CENTRAL_MAGIC, *numbers[:9], len(name), len(extra), len(comment), *numbers[9:]) + name + extra + comment


def _bytes(member: RawMember, key: str, default: bytes) -> bytes:
    found = member.central.get(key, default)
    return found if isinstance(found, bytes) else default


def raw_members(archive: Archive) -> list[RawMember]:
    """The members of a sound archive, ready to be spoilt."""
    return [
        RawMember(
            name=member.name.encode("latin-1"),
            method=member.method,
            packed=bytes(archive.data[member.start : member.start + member.packed]),
            crc=member.crc,
            stated_size=member.size,
        )
        for member in archive.members
    ]
