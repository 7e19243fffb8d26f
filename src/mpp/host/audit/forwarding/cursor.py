"""How far a target came: the last entry that it has taken. Spec: audit L-84."""

from __future__ import annotations

import os
import re

from mpp.files import PRIVATE, read_bounded, write_atomic
from mpp.host.audit.forwarding.limits import CURSOR_BYTES_MAX
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read
from mpp.model.value import value

_DIGEST = re.compile("[0-9a-f]{64}")
_ORIGIN_CHARS_MAX = 200


@value
class Cursor:
    origin: str
    """Of which log."""
    seq: int
    leaf: str


def read_cursor(path: str) -> Cursor | None:
    """None where nothing was taken yet."""
    if not os.path.lexists(path):
        return None
    faults = Faults("audit")
    fields = Fields(read(read_bounded(path, CURSOR_BYTES_MAX), family="audit", where=path), path, faults)
    fields.number("mpp_cursor", least=1, most=1)
    found = Cursor(
        origin=fields.text("origin", most=_ORIGIN_CHARS_MAX),
        seq=fields.number("seq", least=0, most=JSON_INT_MAX),
        leaf=fields.text("leaf", most=64, pattern=_DIGEST, form="a SHA-256 in hex"),
    )
    fields.end()
    faults.stop()
    return found


def write_cursor(path: str, cursor: Cursor) -> None:
    """On the disk before anything more is sent: the old one or the new one."""
    write_atomic(path, canonical({"mpp_cursor": 1, "origin": cursor.origin, "seq": cursor.seq, "leaf": cursor.leaf}) + b"\n", PRIVATE)
