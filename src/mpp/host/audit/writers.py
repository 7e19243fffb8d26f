"""Who writes: each process that runs calls has a name and a lock. What it leaves open when it dies, another closes.

Spec: audit L-34.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from mpp.files import PRIVATE, sync_folder
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.scan import lines_from
from mpp.model.events import EntryRef, Event
from mpp.model.jsontext import Json
from mpp.stages.audit import Entry, read_entry

_FROM = struct.Struct("<Q")
_FILE_BYTES = 4096
BOOT_BYTES = 16


def boot_id() -> bytes:
    """Which start of the machine this is. Where the system does not say, each process takes itself for the first after a start."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return bytes.fromhex(stream.read(64).strip().replace("-", ""))
    except (OSError, ValueError):
        return os.urandom(BOOT_BYTES)


def started() -> int:
    """When this process began, in the clock ticks of the kernel: a number that was used before names another process."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            return int(stream.read(4096).rpartition(b") ")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


class Writer:
    """This process. Its file says from which entry on its open intents may stand."""

    def __init__(self, places: LogPlaces, size: int) -> None:
        self.id, self._path, self._fd = _own_lock(places)
        try:
            os.posix_fallocate(self._fd, 0, _FILE_BYTES)
            self._map = mmap.mmap(self._fd, _FILE_BYTES)
        except OSError:
            os.unlink(self._path)
            os.close(self._fd)
            raise
        self._open: dict[str, int] = {}
        self._ended: deque[tuple[int, int]] = deque()
        """Results that are not on the disk yet, each with the oldest intent that was open with it. Both only grow."""
        self._put(size)
        # Before the first intent is: after a power cut somebody must find that there was a writer. Later numbers may be lost, they only grow.
        self._map.flush()
        sync_folder(places.writers)

    def _put(self, size: int) -> None:
        _FROM.pack_into(self._map, 0, size)

    def saw(self, events: Sequence[Event], refs: Sequence[EntryRef], durable: int) -> None:
        """Keep which calls of ours are open. ``durable``: how many entries are on the disk.

        Attack of a power cut: a result that was not there yet, and an intent that nobody looks for any more.
        """
        still, ended = self._open, self._ended
        for event, ref in zip(events, refs, strict=True):
            kind = event.kind
            if kind == "intent":
                still[event.invocation] = ref[0]
            elif kind == "result" and event.invocation in still:
                ended.append((ref[0], next(iter(still.values()))))
                del still[event.invocation]
        if ended:
            self._settle(durable)
        self._put(ended[0][1] if ended else next(iter(still.values()), refs[-1].seq + 1))

    def _settle(self, durable: int) -> None:
        while self._ended and self._ended[0][0] < durable:
            self._ended.popleft()

    def close(self, durable: int) -> None:
        """Whoever ends in good order leaves nothing open, or says so by the file that stays."""
        self._settle(durable)
        if not self._open and not self._ended:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
        self.forget()

    def forget(self) -> None:
        """Close it here only. Attack: a child of a fork whose copy keeps the lock of its dead parent."""
        self._map.close()
        os.close(self._fd)

    @staticmethod
    def left_by_the_dead(places: LogPlaces, size: int, own: str) -> Left:
        """All writers whose lock is free. Their locks are ours until ``forget``."""
        dead: dict[str, int] = {}
        fds: list[int] = []
        begin = size
        for name in sorted(os.listdir(places.writers)):
            fd = _lock_of_the_dead(os.path.join(places.writers, name)) if name != own else None
            if fd is not None:
                fds.append(fd)
                data = os.pread(fd, _FROM.size, 0)
                # Who died before it had put a number wrote no intent.
                dead[name] = _FROM.unpack(data)[0] or size if len(data) == _FROM.size else size
                begin = min(begin, dead[name])
        return Left(places, dead, fds, begin)


def _own_lock(places: LogPlaces) -> tuple[str, str, int]:
    """Name, path and lock. Two logs open in one process are two writers, and one that was shut with open calls has its name for itself."""
    name = f"{boot_id().hex()[:16]}-{os.getpid()}-{started()}"
    mine, number = name, 0
    while True:
        path = os.path.join(places.writers, mine)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        except FileExistsError:
            number += 1
            mine = f"{name}-{number}"
            continue
        fcntl.flock(fd, fcntl.LOCK_EX)
        return mine, path, fd


def _lock_of_the_dead(path: str) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


class Left:
    """What dead writers left."""

    def __init__(self, places: LogPlaces, dead: dict[str, int], fds: list[int], begin: int) -> None:
        self._places, self._dead, self._fds, self._begin = places, dead, fds, begin

    def interrupted(self, now: int) -> Iterator[Event]:
        """One event for each of their calls without an end."""
        if not self._dead:
            return
        for entry in _unended(self._entries(), self._dead):
            intent = entry.event
            body: dict[str, Json] = {"intent": entry.seq, **{key: intent.body[key] for key in ("writer", "package", "tool") if key in intent.body}}
            yield Event(kind="interrupted", at=now, tenant=intent.tenant, invocation=intent.invocation, body=body)

    def _entries(self) -> Iterator[Entry]:
        for line in lines_from(self._places, self._begin):
            # Most lines are neither; those that only look like it are read, and passed over.
            if any(word in line for word in (b'"kind":"intent"', b'"kind":"result"', b'"kind":"interrupted"')):
                yield read_entry(line, where="log")

    def forget(self) -> None:
        """Their calls are closed, and that is on the disk."""
        for name in self._dead:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._places.writers, name))
        self.leave()

    def leave(self) -> None:
        """For the next who comes."""
        while self._fds:
            os.close(self._fds.pop())


def _unended(entries: Iterable[Entry], writers: Iterable[str]) -> list[Entry]:
    known, found = set(writers), dict[str, Entry]()
    for entry in entries:
        event = entry.event
        if event.kind == "intent":
            if event.body.get("writer") in known:
                found[event.invocation] = entry
        elif event.kind in {"result", "interrupted"}:
            found.pop(event.invocation, None)
    return list(found.values())
