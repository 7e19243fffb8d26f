"""Hyperscan: all expressions in one pass over the text, at about the speed of memory. Imported only when a scanner is made."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING

from mpp.errors import HostFailed
from mpp.model.installed import installed_version
from mpp.stages.privacy.widths import fixed_width
from mpp.stages.privacy.ports import ONCE, ONCE_AT, too_many

if TYPE_CHECKING:
    import hyperscan

_NUMBER_BITS = 16
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1
_FORM = "3"
"""How expressions are compiled here, and how the result is kept. Another way makes databases that tell other things."""
_WIDTH_BYTES = 2
"""Of each expression, in front of a kept database: how wide its matches are. To work it out takes longer than to read all of the rest."""
EXPRESSIONS_MAX = _NUMBER_MASK
"""Expressions of one scanner. Reason: offset and number of a place are packed into one integer while a scan runs."""

Blob = bytes | Callable[[str], bytes | None] | None
"""A compiled database, or who has it under the digest of its expressions. It must be one that this program made: reading it is native code."""


class HyperscanScanner:
    """One compiled database. Any number of threads may scan with it at once."""

    name = "hyperscan"

    def __init__(self, expressions: tuple[str, ...], blob: Blob) -> None:
        self.digest = digest_of(expressions)
        kept = blob(self.digest) if callable(blob) else blob
        found = _load(kept, len(expressions)) if kept is not None else None
        self.is_fresh = found is None
        """Compiled now, and not taken from ``blob``."""
        # Where all matches have one width, the end tells the beginning, and the engine need not keep track of it.
        self._database, self._back = (_compile(expressions), [fixed_width(text) or 0 for text in expressions]) if found is None else found
        self._fixed = frozenset(number for number, width in enumerate(self._back) if width)
        self._once = frozenset(number for number, text in enumerate(expressions) if text.startswith(ONCE))
        # A scan works in a scratch space and lets other threads run meanwhile. Two scans in one space would overwrite each other's
        # state, and nothing reliable would tell. So each scan takes a space out of this list, whose pop and append are atomic,
        # and puts it back: there are as many spaces as there were scans at one moment, and none belongs to a thread that is gone.
        self._free: list[hyperscan.Scratch] = []

    def dump(self) -> bytes:
        """The database, to be kept."""
        import hyperscan  # noqa: PLC0415 - only where it is used

        return b"".join(width.to_bytes(_WIDTH_BYTES, "big") for width in self._back) + hyperscan.dumpb(self._database)

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        import hyperscan  # noqa: PLC0415 - only where it is used

        if not data:
            return []
        found: set[int] = set()
        note = found.add

        fixed = self._fixed

        # Called for each match, so it does next to nothing. What it returns ends the scan.
        def on_match(number: int, start: int, end: int, _flags: int, _context: object) -> bool:
            note((end if number in fixed else start) << _NUMBER_BITS | number)
            return len(found) > most

        scratch = self._take()
        try:
            self._database.scan(data, match_event_handler=on_match, scratch=scratch)
        except hyperscan.ScanTerminated:
            raise too_many(most) from None
        except hyperscan.error as fault:
            raise _failed("a text cannot be scanned", fault) from None
        finally:
            self._free.append(scratch)
        back = self._back
        places = [((packed >> _NUMBER_BITS) - back[number := packed & _NUMBER_MASK], number) for packed in found]
        return sorted((ONCE_AT, number) if number in self._once else (at, number) for at, number in places) if self._once else sorted(places)

    def _take(self) -> hyperscan.Scratch:
        import hyperscan  # noqa: PLC0415 - only where it is used

        try:
            return self._free.pop()
        except IndexError:
            return hyperscan.Scratch(self._database)


def build_of() -> str:
    """The engine's build and the processor features that its databases need, as the engine itself tells them."""
    return f"{installed_version('hyperscan')} {platform.machine()} {_compile(('x',)).info()!r}"


def digest_of(expressions: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join((_FORM, *expressions)).encode()).hexdigest()


def _load(blob: bytes, count: int) -> tuple[hyperscan.Database, list[int]] | None:
    """None: made by another build, so it is compiled anew."""
    import hyperscan  # noqa: PLC0415 - only where it is used

    end = count * _WIDTH_BYTES
    try:
        database = hyperscan.loadb(blob[end:], hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None
    return database, [int.from_bytes(blob[at : at + _WIDTH_BYTES], "big") for at in range(0, end, _WIDTH_BYTES)]


def _compile(expressions: tuple[str, ...]) -> hyperscan.Database:
    import hyperscan  # noqa: PLC0415 - only where it is used

    if len(expressions) > EXPRESSIONS_MAX:
        raise HostFailed("privacy.engine", f"a scanner has at most {EXPRESSIONS_MAX} expressions", hint="report this as a fault")
    once, first = hyperscan.HS_FLAG_SINGLEMATCH, hyperscan.HS_FLAG_SOM_LEFTMOST
    try:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[text.removeprefix(ONCE).encode("ascii") for text in expressions],
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[once if text.startswith(ONCE) else first if not fixed_width(text) else 0 for text in expressions],
        )
    except hyperscan.error as fault:
        raise _failed("the expressions cannot be compiled", fault) from None
    return database


def _failed(what: str, fault: Exception) -> HostFailed:
    return HostFailed("privacy.engine", f"{what}: {fault}", where="hyperscan", hint="run `mpp doctor`")
