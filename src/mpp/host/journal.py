"""Events as lines of one file, in the order in which they were told, by all processes of one home.

An event that matters for what may follow is on the disk before ``record`` returns: no intent, no run. The lines are not yet chained
or signed; whoever can write the home can rewrite them. Spec: events E-1 to E-5.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator

from mpp.errors import HostFailed
from mpp.files import PRIVATE, make_private_folder, sync_folder
from mpp.model.events import EVENT_BYTES_MAX, Event, write_event

_TAIL = EVENT_BYTES_MAX + 1


class Journal:
    """The record of one home. Safe to use from several threads and processes."""

    def __init__(self, path: str) -> None:
        self.path = path

    def record(self, event: Event, *, durable: bool = False) -> None:
        line = write_event(event)
        if len(line) > EVENT_BYTES_MAX:
            raise HostFailed("host.journal", f"an event has more than {EVENT_BYTES_MAX} bytes", where=event.kind, hint="report this as a fault of the host")
        try:
            with self._opened() as fd:
                _cut_torn(fd)
                _write_all(fd, line + b"\n")
                if durable:
                    os.fdatasync(fd)
        except OSError as fault:
            # Without a record there is no call: what nobody can prove afterwards is not done.
            message = f"the record of calls cannot be written: {fault.strerror}"
            raise HostFailed("host.journal", message, where=self.path, hint="see that the disk has room and that you may write there") from None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, for this process alone. Locked each time: a process that dies gives it back."""
        fd = self._open()
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd
        finally:
            os.close(fd)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            fd = os.open(self.path, flags)
        except FileNotFoundError:
            folder = os.path.dirname(self.path)
            make_private_folder(folder)
            fd = os.open(self.path, flags | os.O_CREAT, PRIVATE)
            sync_folder(folder)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise HostFailed("host.journal", "the record of calls is no regular file", where=self.path, hint="move away what stands there")
        return fd


def _cut_torn(fd: int) -> None:
    """What a crash left of a line was never acknowledged: it goes, so that the next line stands alone."""
    size = os.fstat(fd).st_size
    if size == 0 or os.pread(fd, 1, size - 1) == b"\n":
        return
    start = max(0, size - _TAIL)
    end = os.pread(fd, size - start, start).rfind(b"\n") + 1
    if not end and start:
        # No line of ours is that long: whatever it is, it is not cut into a line of its own.
        raise OSError(errno.EILSEQ, "its end is no line that MPP wrote")
    os.ftruncate(fd, start + end)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
