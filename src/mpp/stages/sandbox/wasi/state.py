"""What the functions of one call share: memory, descriptors, clocks, budgets, and the list of files that were used."""

from __future__ import annotations

import math
import os
import posixpath
import struct
import time
from collections.abc import Callable, Mapping

from mpp.model.value import value
from mpp.stages.sandbox.limits import STDERR_BYTES_MAX, STDOUT_BYTES_MAX, USED_MAX
from mpp.stages.sandbox.wasi import codes, limits, rights

FILESTAT = struct.Struct("<QQB7xQQQQQ")


@value
class Quota:
    """What one call may use up in total."""

    written: int = limits.WRITTEN_BYTES_MAX
    created: int = limits.CREATED_MAX
    descriptors: int = limits.DESCRIPTORS_MAX
    entries: int = limits.ENTRIES_MAX


@value
class Times:
    """Where a guest's time comes from. ``frozen`` clocks stand still, and a sleep ends at once."""

    realtime_ns: Callable[[], int] = time.time_ns
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    frozen: bool = False

    @classmethod
    def standing(cls, realtime_ns: int) -> Times:
        """Clocks of a deterministic run: one moment."""
        return cls(realtime_ns=lambda: realtime_ns, monotonic_ns=lambda: 0, frozen=True)


@value
class Entry:
    """A single file or device that was granted, or the host's own file, as a name in its folder."""

    name: bytes
    """Its guest path."""
    fd: int
    kind: int
    read: bool
    write: bool


@value
class Preopen:
    """A folder that the guest finds open at its start."""

    name: bytes
    fd: int
    """The granted folder, or -1 where only ``entries`` stand."""
    write: bool
    entries: Mapping[bytes, Entry]


@value
class Setup:
    """What all calls with the same rights share. ``prepare`` makes one."""

    preopens: tuple[Preopen, ...] = ()
    quota: Quota = Quota()
    stdout_max: int = STDOUT_BYTES_MAX
    stderr_max: int = STDERR_BYTES_MAX
    opened: tuple[int, ...] = ()
    """Descriptors that ``prepare`` opened; they must live as long as the setup."""


@value
class FilesUsed:
    """Guest paths that a call opened. The worker reports them; nobody outside has seen it."""

    read: tuple[str, ...]
    written: tuple[str, ...]
    more: bool
    """There were more names than are kept."""


class Handle:
    """One descriptor of the guest. What a kind cannot do answers BADF, as for a descriptor that is not open for it."""

    kind = rights.UNKNOWN
    fd = -1
    flags = 0
    base = 0
    inheriting = 0
    name = b""
    entries_held = 0

    def read(self, _call: State, _into: list[memoryview]) -> int:
        raise codes.Errno(codes.BADF)

    def write(self, _call: State, _data: list[memoryview]) -> int:
        raise codes.Errno(codes.BADF)

    def stat(self) -> bytes:
        """The 64 bytes of a filestat. A stream has nothing but its type."""
        return FILESTAT.pack(0, 0, self.kind, 0, 0, 0, 0, 0)

    def available(self) -> int:
        """Bytes that a read would give at once."""
        return 0

    def close(self) -> None:
        """Give back what this handle alone holds."""


class State:
    """The mutable part of a call. One object per call, used by one thread."""

    def __init__(
        self,
        setup: Setup,
        *,
        args: tuple[bytes, ...] = (),
        env: tuple[bytes, ...] = (),
        times: Times,
        random: Callable[[int], bytes] = os.urandom,
        deadline: float = math.inf,
        host_call: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """``env`` holds ``NAME=value``; ``deadline`` is in seconds of the monotonic clock."""
        quota = setup.quota
        self.setup, self.args, self.env, self.times, self.random = setup, args, env, times, random
        self.deadline, self.host_call = deadline, host_call
        self.view: Callable[[], memoryview] = _unattached
        self.handles: dict[int, Handle] = {}
        self.stdout, self.stderr, self.stderr_cut = bytearray(), bytearray(), 0
        self.bytes_left, self.created_left, self.entries_left = quota.written, quota.created, quota.entries
        self.started_ns = times.monotonic_ns()
        self.kept_answer: bytes | None = None
        self._free = 0
        self._has_opened = False
        self._read: dict[bytes, None] = {}
        self._written: dict[bytes, None] = {}
        self._more = False

    def attach(self, view: Callable[[], memoryview]) -> None:
        """Take the way to the guest's memory. It is asked anew in each function, since a memory grows."""
        self.view = view

    def handle(self, fd: int, needed: int = 0) -> Handle:
        """An open descriptor that has the rights ``needed``."""
        found = self.handles.get(fd)
        if found is None:
            raise codes.Errno(codes.BADF)
        if needed & ~found.base:
            raise codes.Errno(codes.NOTCAPABLE)
        return found

    def add(self, handle: Handle) -> int:
        """The lowest free number, now of ``handle``."""
        fd = self._free
        while fd in self.handles:
            fd += 1
        self.handles[fd], self._free, self._has_opened = handle, fd + 1, True
        return fd

    def remove(self, fd: int) -> Handle:
        """Take a descriptor out of the table, without closing it."""
        found = self.handle(fd)
        del self.handles[fd]
        self._free = min(self._free, fd)
        return found

    def drop(self, handle: Handle) -> None:
        """Close a handle that is in no table any more."""
        self.entries_left += handle.entries_held
        handle.close()

    def need_descriptor(self) -> None:
        if len(self.handles) >= self.setup.quota.descriptors:
            raise codes.Errno(codes.MFILE)

    def charge(self, count: int) -> None:
        """Take ``count`` bytes of the budget for writing."""
        if count > self.bytes_left:
            raise codes.Errno(codes.DQUOT)
        self.bytes_left -= count

    def need_creation(self) -> None:
        """Is there budget for one more file? What was made is counted by ``created``, so a failed try costs nothing."""
        if self.created_left <= 0:
            raise codes.Errno(codes.DQUOT)

    def created(self) -> None:
        self.created_left -= 1

    def note(self, path: bytes, *, written: bool) -> None:
        """Remember that ``path`` was used."""
        names = self._written if written else self._read
        if path not in names:
            if len(names) >= USED_MAX:
                self._more = True
            else:
                names[path] = None

    @property
    def has_used_files(self) -> bool:
        return bool(self._read or self._written)

    def used(self) -> FilesUsed:
        """The files used so far, in the shortest form of their paths, in order of first use."""
        return FilesUsed(read=_shown(self._read), written=_shown(self._written), more=self._more)

    def close(self) -> None:
        """Close what the guest opened; what was granted stays open."""
        if self._has_opened:
            for handle in self.handles.values():
                handle.close()
        self.handles.clear()


def _shown(names: Mapping[bytes, None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(posixpath.normpath(name).decode(errors="replace") for name in names))


def _unattached() -> memoryview:
    return memoryview(b"")
