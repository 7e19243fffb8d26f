"""The log as the spool: what a target has not taken yet, in order and in chain. Spec: audit L-84, L-85.

Only what is under a checkpoint goes out. Attack of a power cut: an entry that was sent and then is not in the log makes two histories
under one number.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.audit.forwarding.cursor import Cursor
from mpp.host.audit.forwarding.limits import READ_TRIES
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.model.value import value
from mpp.stages.audit import Entry, FIRST_PREV, read_entry

RESET = "see `mpp audit verify`; to begin anew with the log as it is: mpp audit forward reset NAME"


@value
class Gap:
    """Entries that were pruned before they could be sent."""

    first: int
    last: int
    leaf: str
    """Of the last of them."""


class LogSource:
    """Several targets may share one."""

    def __init__(self, log: AuditLog) -> None:
        self._log, self._reader = log, LogReader(log.places)

    def size(self) -> int:
        """Entries under the newest checkpoint."""
        try:
            return self._reader.checkpoint()[1].size
        except Refused as fault:
            if fault.code != "audit.no_checkpoint":
                raise
            return 0

    def last(self) -> int:
        return self._reader.last()

    def origin(self) -> str:
        return self._reader.checkpoint()[1].origin

    def settle(self) -> MppError | None:
        """Have what was written since signed, so that it can go out. Where that fails, what is signed goes out all the same."""
        try:
            if self._reader.is_there() and self._reader.last() >= self.size():
                self._log.checkpoint()
        except HostFailed as fault:
            return fault
        return None

    def judge(self, cursor: Cursor) -> None:
        """Spec: audit L-85. Attack: a log that was exchanged or cut, and whose new entries would pass for the old ones' followers."""
        size = self.size()
        if size == 0 or self.origin() != cursor.origin:
            raise Refused("audit.cursor", "the target was at another log than this one", where=cursor.origin, hint=RESET)
        if cursor.seq >= size:
            raise Refused("audit.cursor", f"the log ends before entry {cursor.seq}, which the target has taken", where=cursor.origin, hint=RESET)
        if self.leaf(cursor.seq) != cursor.leaf:
            raise _misfit(cursor)

    def leaf(self, seq: int) -> str:
        """Of an entry that may have been pruned: then its hash stands in a tile."""
        try:
            return self._reader.entry(seq).leaf
        except Refused as fault:
            if fault.code != "audit.no_entry":
                raise
            return self._reader.hashes(self.size()).subtree(0, seq).hex()

    def entries(self, cursor: Cursor | None) -> Iterator[Entry | Gap]:
        """Behind the cursor, each following from the one before."""
        size = self.size()
        expected, leaf = (cursor.seq + 1, cursor.leaf) if cursor is not None else (0, FIRST_PREV)
        if expected >= size:
            return
        for entry in self._lines(expected):
            if entry.seq >= size:
                break
            if entry.seq > expected:
                yield Gap(first=expected, last=entry.seq - 1, leaf=entry.prev)
            elif entry.seq < expected or entry.prev != leaf:
                raise _broken(entry) if cursor is None or expected != cursor.seq + 1 else _misfit(cursor)
            yield entry
            expected, leaf = entry.seq + 1, entry.leaf
            if expected == size:
                # Not one line further: what lies behind the checkpoint may be half written while we read.
                return
        yield Gap(first=expected, last=size - 1, leaf=self.leaf(size - 1))

    def before(self, seq: int, most: int) -> Iterator[Entry]:
        """The last ``most`` entries before ``seq``, as far as they are there."""
        if seq <= 0 or most <= 0:
            return
        for entry in self._lines(max(0, seq - most)):
            if entry.seq < seq:
                yield entry
            if entry.seq >= seq - 1:
                return

    def entry(self, seq: int) -> Entry:
        return self._reader.entry(seq)

    def _lines(self, seq: int) -> Iterator[Entry]:
        """A segment may be compressed or pruned between the list and the look."""
        tries = 0
        while True:
            try:
                for line in self._reader.lines(seq):
                    entry = read_entry(line, where=f"log entry {seq}")
                    seq, tries = entry.seq + 1, 0
                    yield entry
                return
            except HostFailed as fault:
                tries += 1
                if fault.code != "audit.read" or tries == READ_TRIES:
                    raise


def _misfit(cursor: Cursor) -> Refused:
    return Refused("audit.cursor", f"entry {cursor.seq} is not the one that the target has taken", where=cursor.origin, hint=RESET)


def _broken(entry: Entry) -> Refused:
    return Refused(
        "audit.chain", "an entry does not follow from the one before; it was not sent", where=f"log entry {entry.seq}", hint="mpp audit verify --deep"
    )
