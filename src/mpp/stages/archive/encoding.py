"""The one encoding of a member list. Spec: spec/1-archive.md sections 2 and 3.

Every header byte follows from (name, method, crc, packed size, size, offset); nothing is free.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from mpp.stages.archive.types import MANIFEST_NAME, SEAL_NAMES, Member

LOCAL = Struct("<IHHHHHIIIHH")
CENTRAL = Struct("<IHHHHHHIIIHHHHHII")
END = Struct("<IHHHHIIH")
LOCAL_MAGIC, CENTRAL_MAGIC, END_MAGIC = 0x04034B50, 0x02014B50, 0x06054B50

STORED, DEFLATED = 0, 8
VERSION_NEEDED = 20
VERSION_MADE = 0x0314  # Unix, so that the attributes below are read as a mode
DOS_TIME, DOS_DATE = 0, 0x21  # 1980-01-01 00:00:00, the first moment a ZIP can say
MODE = 0o100644 << 16

LOCAL_FIELDS = ("signature", "version", "flags", "method", "time", "date", "crc", "packed size", "size", "name length", "extra length")


def local_header(member: Member) -> bytes:
    """The bytes before a member's packed bytes."""
    name = member.name.encode("latin-1")
    head = LOCAL.pack(LOCAL_MAGIC, VERSION_NEEDED, 0, member.method, DOS_TIME, DOS_DATE, member.crc, member.packed, member.size, len(name), 0)
    return head + name


def ending(members: Iterable[Member], directory: int) -> bytes:
    """The central directory, beginning at offset ``directory``, and the end record."""
    rows: list[bytes] = []
    for member in members:
        name = member.name.encode("latin-1")
        offset = member.start - LOCAL.size - len(name)
        rows.append(
            CENTRAL.pack(
                *(CENTRAL_MAGIC, VERSION_MADE, VERSION_NEEDED, 0, member.method, DOS_TIME, DOS_DATE),
                *(member.crc, member.packed, member.size, len(name), 0, 0, 0, 0, MODE, offset),
            )
            + name
        )
    block = b"".join(rows)
    return block + END.pack(END_MAGIC, 0, 0, len(rows), len(rows), len(block), directory, 0)


def order_key(name: str) -> tuple[int, str]:
    """manifest.json first, the two seal members last, all others by their bytes in between."""
    return (0 if name == MANIFEST_NAME else 2 if name in SEAL_NAMES else 1, name)
