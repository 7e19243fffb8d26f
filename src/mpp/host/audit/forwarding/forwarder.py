"""One target at work: at least once, in order, one batch at a time. Spec: audit L-84 to L-87.

Read, write in the target's format, send, wait for what the answer means, keep the cursor; never the other way round. A kill at any moment
sends a batch again, and nothing is left out. Memory holds one batch.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mpp.errors import HostFailed, MppError, RemoteFailed
from mpp.files import make_private_folder, PRIVATE
from mpp.host.audit.forwarding.answers import Answer, LATER, Piece, REFUSED, TAKEN, Transport
from mpp.host.audit.forwarding.backoff import Backoff, Pause
from mpp.host.audit.forwarding.cursor import Cursor, read_cursor, write_cursor
from mpp.host.audit.forwarding.dead import bury, Dead, PRUNED, reason
from mpp.host.audit.forwarding.limits import BATCH_ENTRIES_MAX, POLL_SECONDS, REFUSED_IN_A_ROW_MAX, TRIES_ONCE
from mpp.host.audit.forwarding.places import ForwardPlaces
from mpp.host.audit.forwarding.source import Gap, LogSource
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.stages.audit import Entry
from mpp.stages.audit.forward import ForwardRecord, record_of

LOCK_TRIES = 5
"""Tries to be the only one. Reason: whoever looks at the lock holds it for a moment."""

LOCK_SECONDS = 0.05
"""Seconds between two of them. Reason: a look takes less."""

Encode = Callable[[ForwardRecord], bytes]


@value
class Manner:
    """How it goes about it."""

    encode: Encode
    batch_bytes: int
    clock: Clock
    random: Random
    pause: Pause
    tell: Callable[[str], None]
    """One line for the person, when a target begins to fail or is well again."""
    follow: bool = False
    backoff: Backoff = Backoff()
    entries: int = BATCH_ENTRIES_MAX
    tries: int = TRIES_ONCE
    poll: float = POLL_SECONDS


class Sent(NamedTuple):
    taken: int
    dead: int


class _StopError(Exception):
    """Somebody asked us to stop."""


class Forwarder:
    """Needs the lock of its target, see ``alone``."""

    def __init__(self, name: str, places: ForwardPlaces, source: LogSource, transport: Transport, manner: Manner) -> None:
        self.name, self._places, self._source, self._transport, self._manner = name, places, source, transport, manner
        self._cursor = read_cursor(places.cursor(name))
        self._origin = self._cursor.origin if self._cursor is not None else ""
        self._taken = self._dead = self._refused = 0

    def run(self) -> Sent:
        """All there is; with ``follow``, what comes too, until we are asked to stop."""
        with contextlib.suppress(_StopError):
            self._drain(self._settled())
            while self._manner.follow:
                if self._manner.pause(self._manner.poll):
                    break
                self._drain(self._settled())
        return Sent(self._taken, self._dead)

    def _settled(self) -> int:
        """The entries that may go out."""
        fault = self._source.settle()
        if fault is not None:
            self._manner.tell(f"{self.name}: the newest entries wait, because the log cannot be signed: {fault.message}")
        size = self._source.size()
        if self._cursor is not None:
            self._source.judge(self._cursor)
        return size

    def _drain(self, size: int) -> None:
        if size == 0 or (self._cursor is not None and self._cursor.seq + 1 >= size):
            return
        self._origin = self._source.origin()
        for batch in self._batches():
            if isinstance(batch, Dead):
                self._bury(batch)
            else:
                self._deliver(batch)

    def _batches(self) -> Iterator[list[Piece] | Dead]:
        """Bounded in number and in bytes. What cannot be sent at all stands between them, in its place."""
        batch, count = list[Piece](), 0
        for item in self._source.entries(self._cursor):
            found = self._piece(item)
            is_full = isinstance(found, Piece) and (len(batch) >= self._manner.entries or count + len(found.data) > self._manner.batch_bytes)
            if batch and (is_full or isinstance(found, Dead)):
                yield batch
                batch, count = [], 0
            if isinstance(found, Dead):
                yield found
            else:
                batch.append(found)
                count += len(found.data)
        if batch:
            yield batch

    def _piece(self, item: Entry | Gap) -> Piece | Dead:
        if isinstance(item, Gap):
            self._manner.tell(f"{self.name}: the entries {item.first} to {item.last} were pruned before they were forwarded")
            return self._letter(item.first, item.last, item.leaf, PRUNED)
        record = record_of(item, self._origin)
        try:
            return Piece(record=record, data=self._manner.encode(record))
        except (MppError, ValueError) as fault:
            return self._letter(item.seq, item.seq, item.leaf, reason(f"it cannot be written in this format: {fault}"))

    def _letter(self, first: int, last: int, leaf: str, why: str) -> Dead:
        return Dead(at=self._manner.clock.now(), origin=self._origin, seq=first, last=last, leaf=leaf, why=why)

    def _deliver(self, batch: Sequence[Piece]) -> None:
        """A batch that is refused is halved until the record that is meant stands alone."""
        waiting = [batch]
        tries = 0
        while waiting:
            part = waiting.pop()
            answer = self._send(part)
            if answer.kind == LATER:
                tries += 1
                self._wait(answer, tries)
                waiting.append(part)
                continue
            if tries:
                self._manner.tell(f"{self.name}: it answers again")
                tries = 0
            if answer.kind == TAKEN:
                self._taken += len(part)
                self._refused = 0
                self._keep(part[-1].record.seq, part[-1].record.leaf)
            elif len(part) == 1:
                one = part[0].record
                self._refused += 1
                self._bury(self._letter(one.seq, one.seq, one.leaf, reason(answer.why)))
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]

    def _send(self, part: Sequence[Piece]) -> Answer:
        """Attack of oneself: a wrong address makes a dead letter of every entry. What refuses everything is asked again later."""
        answer = self._transport.send(part)
        if answer.kind == REFUSED and len(part) == 1 and self._refused >= REFUSED_IN_A_ROW_MAX:
            return Answer(kind=LATER, why=f"it refuses everything: {answer.why}")
        return answer

    def _wait(self, answer: Answer, tries: int) -> None:
        if not self._manner.follow and tries >= self._manner.tries:
            raise _failed(self.name, answer)
        seconds = max(answer.after, self._manner.backoff.seconds(tries, self._manner.random))
        if tries == 1 or answer.after:
            self._manner.tell(f"{self.name}: {answer.why}; trying again")
        if self._manner.pause(seconds):
            raise _StopError

    def _bury(self, dead: Dead) -> None:
        bury(self._places.dead(self.name), dead)
        self._dead += 1
        self._keep(dead.last, dead.leaf)

    def _keep(self, seq: int, leaf: str) -> None:
        self._cursor = Cursor(origin=self._origin, seq=seq, leaf=leaf)
        write_cursor(self._places.cursor(self.name), self._cursor)


def _failed(name: str, answer: Answer) -> RemoteFailed:
    hint = "see whether the target is up and its address is right; nothing is lost: run it again"
    return RemoteFailed("remote.forward", f"the target does not take the record: {answer.why}", where=name, hint=hint)


@contextlib.contextmanager
def alone(places: ForwardPlaces, name: str) -> Iterator[None]:
    """Attack of oneself: two forwarders with one cursor, each of which keeps the other's."""
    make_private_folder(places.folder)
    fd = os.open(places.lock(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    try:
        for left in range(LOCK_TRIES - 1, -1, -1):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise HostFailed("audit.forward_busy", "another process forwards to this target", where=name, hint="wait for it, or end it") from None
                # It may only be somebody who looks whether it is held.
                time.sleep(LOCK_SECONDS)
        yield
    finally:
        os.close(fd)


def is_busy(places: ForwardPlaces, name: str) -> bool:
    """Is somebody forwarding to it?"""
    try:
        fd = os.open(places.lock(name), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
