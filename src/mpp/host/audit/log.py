"""The log of one home, for all that record: threads and processes share it, and one sync of the disk serves many of them.

Spec: audit L-30 to L-34.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import contains
from types import TracebackType
from typing import Self

from mpp.errors import HostFailed, MppError
from mpp.files import PRIVATE
from mpp.host.audit.core import Core, full, NO_ROOM
from mpp.host.audit.disk import Disk
from mpp.host.audit.encoded import Encoded
from mpp.host.audit.head import Head
from mpp.host.audit.pseudonyms import without_names
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.salts import NO_SALT
from mpp.host.audit.segments import Opened
from mpp.host.audit.writers import boot_id, Writer
from mpp.host.home import Home
from mpp.host.lane import waiting
from mpp.host.host_key import host_key
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.events import EntryRef, Event, SALT_BYTES
from mpp.ports import Clock, Random, Signer
from mpp.stages.audit import encode_event, encode_events
from mpp.stages.audit.limits import CHECKPOINT_SECONDS


_BEHALF = b'"behalf":'
"""How the key is written under which users stand."""

YIELDS = 4
"""Times that who syncs lets others go first where there are others. Reason: it takes microseconds, and saves every fifth sync."""


class AuditLog:
    """Safe to use from several threads and processes. Nothing is opened or made before the first event."""

    def __init__(self, home: Home, *, clock: Clock | None = None, random: Random | None = None, disk: Disk | None = None) -> None:
        self.home, self.places = home, home.log
        self._clock, self._random, self._disk = clock or SystemClock(), random or SystemRandom(), disk or Disk()
        self._mutex, self._sync_mutex = threading.Lock(), threading.Lock()
        self._core: Core | None = None
        self._lock = self._sync_lock = -1
        self._pid = 0
        # Neither is exact where threads meet, and neither has to be: they only say whether a moment of patience may save a sync.
        self._mine = self._syncing = 0
        """Entries since the last sync that this process wrote; threads that wait for one."""
        self._writer: Writer | None = None
        self._signer: Signer | None = None
        _LOGS.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- what callers use

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        """Spec: audit L-30. Keep one event, or raise."""
        return self.record_all((event,), durable=durable)[0]

    def record_all(self, events: Sequence[Event], *, durable: bool = False) -> list[EntryRef]:
        """Keep several, one behind the other, with one sync."""
        if not events:
            return []
        # Attack: the child of a fork that writes under the name of its parent.
        is_ours = self._pid == os.getpid()
        writer = (self._writer if is_ours else None) or self._begin_calls(events)
        encoded = self._encoded(events, "" if writer is None else writer.id)
        with self._mutex:
            core = (self._core if is_ours else None) or self._open()
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                try:
                    core.make_ready()
                    refs = core.append(encoded, early=durable and not self._others_write(core.head, 0))
                    self._mine += len(refs)
                    opened = core.segment if durable else None
                finally:
                    fcntl.flock(self._lock, fcntl.LOCK_UN)
            except OSError as fault:
                raise cannot_write(fault, self.places) from None
            if writer is not None:
                writer.saw(events, refs, core.head.durable)
        if opened is not None:
            is_sign_due = self._is_sign_due(core)
            self._syncing += 1
            try:
                with waiting():
                    self._sync(core, opened, refs[-1][0] + 1)
            finally:
                self._syncing -= 1
            # Another thread may have signed meanwhile.
            if is_sign_due and self._is_sign_due(core):
                self._sign()
        return refs

    def checkpoint(self) -> None:
        """Sign what there is."""
        with self._held() as core:
            core.sign()

    def seal(self) -> None:
        """End the present segment and its epoch."""
        with self._held() as core:
            core.seal()

    def close(self) -> None:
        """Sign the end, if this process recorded anything. A log that cannot be signed now is signed by the next writer."""
        if self._core is None or self._pid != os.getpid():
            return
        with contextlib.suppress(MppError):
            self.checkpoint()
        self._drop()

    @contextlib.contextmanager
    def held(self) -> Iterator[Core]:
        """For those who tend the log: they are alone with it."""
        with self._held() as core:
            yield core

    # -- inside

    def _encoded(self, events: Sequence[Event], writer: str) -> Encoded:
        if len(events) == 1:
            event = without_names(events[0], self.places)
            salt = self._random.bytes(SALT_BYTES) if event.commit else b""
            # Past the constructor of a named tuple, which is written in Python.
            return tuple.__new__(Encoded, ((event.kind,), (encode_event(event, salt, writer if event.kind == "intent" else ""),), salt))
        salts = self._random.bytes(SALT_BYTES * len(events))
        data = encode_events(events, salts, writer)
        if any(map(contains, data, repeat(_BEHALF))):
            # Users behind an agent, or a text that says so: all once more, with pseudonyms.
            data = encode_events([without_names(event, self.places) for event in events], salts, writer)
        commits = [event.commit for event in events]
        if not all(commits):
            # Those that commit to nothing have none.
            parts = (salts[i * SALT_BYTES : (i + 1) * SALT_BYTES] if commit else NO_SALT for i, commit in enumerate(commits))
            salts = b"".join(parts) if any(commits) else b""
        return Encoded([event.kind for event in events], data, salts)

    @contextlib.contextmanager
    def _held(self) -> Iterator[Core]:
        with self._mutex:
            core = self._open()
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                try:
                    core.make_ready()
                    yield core
                finally:
                    fcntl.flock(self._lock, fcntl.LOCK_UN)
            except OSError as fault:
                raise cannot_write(fault, self.places) from None

    def forget(self) -> None:
        """In the child of a fork. Attack: a child that shares our locks, and so takes no lock at all, keeps those of a parent that dies,
        or waits for a thread that it does not have. It opens everything anew.
        """
        core, writer = self._core, self._writer
        self._mutex, self._sync_mutex = threading.Lock(), threading.Lock()
        self._core = self._writer = None
        if core is not None:
            core.close()
            for fd in (self._lock, self._sync_lock):
                os.close(fd)
        if writer is not None:
            writer.forget()

    def _open(self) -> Core:
        if self._core is not None and self._pid == os.getpid():
            return self._core
        try:
            if self._signer is None:
                self._signer = host_key(self.home, self._random).signer
            signer = self._signer
            core = Core(self.places, self._disk, self._clock, self._random, lambda: signer, boot_id())
            self._lock, self._sync_lock = (_lock_file(path) for path in (self.places.lock, self.places.sync_lock))
        except OSError as fault:
            raise cannot_write(fault, self.places) from None
        self._core, self._pid, self._writer = core, os.getpid(), None
        return core

    def _drop(self) -> None:
        core, writer = self._core, self._writer
        self._core = self._writer = None
        if core is not None:
            if writer is not None:
                writer.close(core.head.durable)
            core.close()
            for fd in (self._lock, self._sync_lock):
                os.close(fd)

    def _others_write(self, head: Head, mine: int) -> bool:
        """Here or in another process. ``mine``: threads of this process that are known to."""
        return self._syncing > mine or head.size - head.durable > self._mine

    def _sync(self, core: Core, opened: Opened, size: int) -> None:
        """One waits for the disk for all that wrote before it began."""
        head = core.head
        while head.durable < size:
            with self._sync_mutex:
                fcntl.flock(self._sync_lock, fcntl.LOCK_EX)
                try:
                    self._sync_once(core, opened, size)
                finally:
                    fcntl.flock(self._sync_lock, fcntl.LOCK_UN)

    def _sync_once(self, core: Core, opened: Opened, size: int) -> None:
        head = core.head
        if head.poisoned:
            # Attack of the kernel: after one failed sync the next succeeds, and the pages are gone.
            raise HostFailed(
                "audit.poisoned", f"the log could not be written: {os.strerror(head.poisoned)}", where=self.places.folder, hint="mpp audit recover"
            )
        if head.durable >= size:
            return
        if self._others_write(head, 1):
            # What they have in hand by now goes with ours.
            for _ in range(YIELDS):
                os.sched_yield()
        covered = head.covered(size)
        try:
            self._disk.sync(opened.fd)
        except OSError as fault:
            raise core.poison(fault) from None
        head.durable, self._mine = max(head.durable, covered), 0

    def _is_sign_due(self, core: Core) -> bool:
        # A clock that was set back signs once more than needed.
        return abs(self._clock.now() - core.head.signed_at) >= CHECKPOINT_SECONDS

    def _sign(self) -> None:
        try:
            self.checkpoint()
        except HostFailed as fault:
            # What was recorded is recorded; the next checkpoint stands for it too.
            if fault.code != "audit.full":
                raise

    def _begin_calls(self, events: Sequence[Event]) -> Writer | None:
        """The first intent of this process: it gets a name and a lock, and what dead writers left is closed. Spec: audit L-34."""
        if self._writer is not None and self._pid == os.getpid():
            return self._writer
        if not any(event.kind == "intent" for event in events):
            return None
        with self._held() as core:
            # Of two threads with a first intent, one was here before.
            if self._writer is None:
                self._writer = self._become_writer(core)
            return self._writer

    def _become_writer(self, core: Core) -> Writer:
        with contextlib.ExitStack() as undo:
            writer = Writer(self.places, core.head.size)
            undo.callback(writer.close, 0)
            left = Writer.left_by_the_dead(self.places, core.head.size, writer.id)
            undo.callback(left.leave)
            for event in left.interrupted(self._clock.now()):
                core.append(self._encoded((event,), ""))
            core.sync()
            left.forget()
            undo.pop_all()
        return writer


def _lock_file(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)


def cannot_write(fault: OSError, places: LogPlaces) -> HostFailed:
    if fault.errno in NO_ROOM:
        return full(places.folder)
    where = fault.filename if isinstance(fault.filename, str) else places.folder
    return HostFailed(
        "audit.write", f"the log cannot be written: {fault.strerror}", where=where, hint="see that the disk has room and that you may write there"
    )


_LOGS: weakref.WeakSet[AuditLog] = weakref.WeakSet()


def _after_fork() -> None:
    for log in list(_LOGS):
        log.forget()


os.register_at_fork(after_in_child=_after_fork)
