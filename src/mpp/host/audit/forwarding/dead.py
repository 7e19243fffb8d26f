"""Dead letters: entries that a target will never take, and entries that were pruned before it could. Spec: audit L-86.

A line says which entry and why. The entry itself stays where it is: in the log.
"""

from __future__ import annotations

import os
import re

from mpp.errors import HostFailed
from mpp.files import PRIVATE, read_bounded, write_atomic
from mpp.host.audit.forwarding.limits import DEAD_BYTES_MAX
from mpp.limits import JSON_INT_MAX
from mpp.model.events import EVENT_TIME_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read, shown
from mpp.model.value import value

WHY_CHARS_MAX = 200
"""Characters of a reason. Reason: a server chose them."""

_DIGEST = re.compile("[0-9a-f]{64}")


@value
class Dead:
    """One entry, or a gap: the entries from ``seq`` to ``last``."""

    at: int
    origin: str
    seq: int
    last: int
    leaf: str
    """Of the last of them."""
    why: str

    @property
    def is_gap(self) -> bool:
        return self.why == PRUNED


PRUNED = "pruned before it was forwarded"


def bury(path: str, dead: Dead) -> None:
    """On the disk before the cursor goes on. When there is no room for more, nothing goes on: what nobody looks at must not grow."""
    line = _line(dead)
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            size = os.fstat(fd).st_size
            if size + len(line) > DEAD_BYTES_MAX:
                raise HostFailed(
                    "audit.forward_dead", f"there are {DEAD_BYTES_MAX} bytes of entries that the target did not take", where=path,
                    hint="see what it says, then: mpp audit forward retry-dead, or remove the file",
                )  # fmt: skip
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            os.write(fd, b"\n" + line if torn else line)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot write the file: {fault.strerror}", where=path, hint="see that the disk has room") from None


def read_dead(path: str) -> list[Dead]:
    """A half line of a crash is passed over: its entry comes again."""
    if not os.path.lexists(path):
        return []
    found: dict[int, Dead] = {}
    for line in read_bounded(path, DEAD_BYTES_MAX).splitlines():
        if line.endswith(b"}"):
            one = _read(line, path)
            found[one.seq] = one
    return [found[seq] for seq in sorted(found)]


def write_dead(path: str, left: list[Dead]) -> None:
    write_atomic(path, b"".join(map(_line, left)), PRIVATE)


def _line(dead: Dead) -> bytes:
    return canonical({"mpp_dead": 1, "at": dead.at, "origin": dead.origin, "seq": dead.seq, "last": dead.last, "leaf": dead.leaf, "why": dead.why}) + b"\n"


def _read(line: bytes, path: str) -> Dead:
    faults = Faults("audit")
    fields = Fields(read(line, family="audit", where=path), path, faults)
    fields.number("mpp_dead", least=1, most=1)
    found = Dead(
        at=fields.number("at", least=0, most=EVENT_TIME_MAX),
        origin=fields.text("origin", most=WHY_CHARS_MAX),
        seq=fields.number("seq", least=0, most=JSON_INT_MAX),
        last=fields.number("last", least=0, most=JSON_INT_MAX),
        leaf=fields.text("leaf", most=64, pattern=_DIGEST, form="a SHA-256 in hex"),
        why=fields.text("why", most=WHY_CHARS_MAX, least=0),
    )
    fields.end()
    faults.stop()
    return found


def reason(text: str) -> str:
    """What a server said, as one short line."""
    return shown(text, WHY_CHARS_MAX)
