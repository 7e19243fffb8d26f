"""The kinds of descriptor: standard streams, files, folders, devices, and the file that speaks to the host."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Mapping

from mpp.stages.sandbox.limits import HOST_REQUEST_BYTES_MAX
from mpp.stages.sandbox.wasi import codes, rights
from mpp.stages.sandbox.wasi.state import FILESTAT, Entry, Handle, State

_TYPES = {
    stat.S_IFREG: rights.REGULAR,
    stat.S_IFDIR: rights.DIRECTORY,
    stat.S_IFLNK: rights.LINK,
    stat.S_IFCHR: rights.CHARACTER,
    stat.S_IFBLK: rights.BLOCK,
    stat.S_IFSOCK: rights.SOCKET,
}
_POSITION_MAX = (1 << 63) - 1
"""Bytes from the begin of a file. Reason: the largest offset of the kernel's interface."""


def filetype(mode: int) -> int:
    return _TYPES.get(stat.S_IFMT(mode), rights.UNKNOWN)


def filestat(found: os.stat_result) -> bytes:
    times = (max(found.st_atime_ns, 0), max(found.st_mtime_ns, 0), max(found.st_ctime_ns, 0))
    return FILESTAT.pack(found.st_dev, found.st_ino, filetype(found.st_mode), found.st_nlink, found.st_size, *times)


class Stdin(Handle):
    """The request. Its type is unknown and not a terminal, so that a C library reads it in whole blocks."""

    base = rights.STREAM | rights.FD_READ

    def __init__(self, data: bytes | memoryview) -> None:
        self._data, self._at = data, 0

    def read(self, _call: State, into: list[memoryview]) -> int:
        before = at = self._at
        for buffer in into:
            piece = self._data[at : at + len(buffer)]
            size = len(piece)
            buffer[:size] = piece
            at += size
            if size < len(buffer):
                break
        self._at = at
        return at - before

    def available(self) -> int:
        return len(self._data) - self._at


class Stdout(Handle):
    """The answer. Its type is unknown and not a terminal: a C library then writes whole blocks, not lines or single bytes."""

    base = rights.STREAM | rights.FD_WRITE

    def write(self, call: State, data: list[memoryview]) -> int:
        size = sum(map(len, data))
        if len(call.stdout) + size > call.setup.stdout_max:
            raise codes.OutputOver("stdout")
        for piece in data:
            call.stdout += piece
        return size


class Stderr(Handle):
    """Log lines. A flood is cut and counted, and the guest goes on."""

    base = rights.STREAM | rights.FD_WRITE

    def write(self, call: State, data: list[memoryview]) -> int:
        size = sum(map(len, data))
        for piece in data:
            room = call.setup.stderr_max - len(call.stderr)
            call.stderr += piece[:room]
            call.stderr_cut += max(len(piece) - room, 0)
        return size


class File(Handle):
    """A regular file. The position is ours, so that a granted descriptor can be shared and a seek costs no system call."""

    kind = rights.REGULAR

    def __init__(self, fd: int, name: bytes, granted: int, flags: int, *, writes: bool, owned: bool) -> None:
        """``writes``: may what the grant covers be changed at all? ``granted`` then says what this descriptor may do."""
        self.fd, self.name, self.base, self.flags, self.writes = fd, name, granted, flags, writes
        self.position = 0
        self._owned = owned
        self._sought = False

    def read(self, _call: State, into: list[memoryview]) -> int:
        if not into:
            return 0
        count = os.preadv(self.fd, into, self.position)
        self.position += count
        return count

    def pread(self, into: list[memoryview], offset: int) -> int:
        return os.preadv(self.fd, into, _offset(offset)) if into else 0

    def write(self, call: State, data: list[memoryview]) -> int:
        if self.flags & rights.APPEND:
            call.charge(sum(map(len, data)))
            count = os.pwritev(self.fd, data, 0, os.RWF_APPEND) if data else 0
            self.position = self.size()
            return count
        count = self._put(call, data, self.position, maybe_beyond=self._sought)
        self._sought = False
        self.position += count
        return count

    def pwrite(self, call: State, data: list[memoryview], offset: int) -> int:
        return self._put(call, data, _offset(offset), maybe_beyond=True)

    def _put(self, call: State, data: list[memoryview], offset: int, *, maybe_beyond: bool) -> int:
        size = sum(map(len, data))
        if not size:
            return 0
        # Attack: a write far behind the end makes a huge file of a few bytes, so the hole is paid for as well.
        call.charge(size + (max(offset - self.size(), 0) if maybe_beyond else 0))
        _offset(offset + size)
        return os.pwritev(self.fd, data, offset)

    def seek(self, offset: int, whence: int) -> int:
        if whence not in {0, 1, 2}:
            raise codes.Errno(codes.INVAL)
        target = offset + (0, self.position, self.size() if whence == 2 else 0)[whence]
        if not 0 <= target <= _POSITION_MAX:
            raise codes.Errno(codes.INVAL)
        self._sought = self._sought or target != self.position
        self.position = target
        return target

    def resize(self, call: State, size: int) -> None:
        call.charge(max(_offset(size) - self.size(), 0))
        os.ftruncate(self.fd, size)

    def allocate(self, call: State, offset: int, size: int) -> None:
        _offset(offset + size)
        call.charge(size + max(offset - self.size(), 0))
        os.posix_fallocate(self.fd, offset, size)

    def size(self) -> int:
        return os.fstat(self.fd).st_size

    def stat(self) -> bytes:
        return filestat(os.fstat(self.fd))

    def available(self) -> int:
        return max(self.size() - self.position, 0)

    def close(self) -> None:
        if self._owned:
            os.close(self.fd)


def _offset(position: int) -> int:
    if position > _POSITION_MAX:
        raise codes.Errno(codes.INVAL)
    return position


class Folder(Handle):
    """A folder: a granted one, one opened beneath it, or one that holds nothing but single grants (``fd`` is -1)."""

    kind = rights.DIRECTORY
    base = rights.FOLDER
    inheriting = rights.INHERITED

    def __init__(self, fd: int, name: bytes, *, writes: bool, entries: Mapping[bytes, Entry], preopen: bool = False) -> None:
        self.fd, self.name, self.writes, self.entries, self.preopen = fd, name, writes, entries, preopen
        self._owned = False
        self.listing: list[bytes] | None = None

    @classmethod
    def opened(cls, fd: int, name: bytes, parent: Folder) -> Folder:
        """A folder that the guest opened beneath ``parent``; it can do no more than that one."""
        made = cls(fd, name, writes=parent.writes, entries={})
        made.base, made.inheriting, made._owned = parent.inheriting & rights.FOLDER, parent.inheriting, True
        return made

    def again(self) -> Folder:
        """This folder once more, as a guest gets it that opens ``.`` where only single grants stand."""
        made = Folder(self.fd, self.name, writes=self.writes, entries=self.entries)
        made.base, made.inheriting = self.inheriting & rights.FOLDER, self.inheriting
        return made

    def entry(self, path: bytes) -> Entry | None:
        """The single grant that ``path`` names."""
        if not self.entries:
            return None
        while path.startswith(b"./"):
            path = path[2:].lstrip(b"/")
        return self.entries.get(path)

    def below(self, path: bytes) -> bytes:
        """The guest path of something in this folder."""
        return self.name.rstrip(b"/") + b"/" + path

    def stat(self) -> bytes:
        return filestat(os.fstat(self.fd)) if self.fd >= 0 else FILESTAT.pack(0, 0, rights.DIRECTORY, 1, 0, 0, 0, 0)

    def close(self) -> None:
        if self._owned:
            os.close(self.fd)


class Device(Handle):
    """A granted character device, shared with the host. It is waited for until the deadline, never longer."""

    kind = rights.CHARACTER

    def __init__(self, entry: Entry, direction: int) -> None:
        self.fd, self.name, self.base = entry.fd, entry.name, rights.STREAM | direction

    def read(self, call: State, into: list[memoryview]) -> int:
        self._wait(call, select.POLLIN)
        return os.readv(self.fd, into) if into else 0

    def write(self, call: State, data: list[memoryview]) -> int:
        size = sum(map(len, data))
        call.charge(size)
        self._wait(call, select.POLLOUT)
        return os.writev(self.fd, data) if size else 0

    def _wait(self, call: State, event: int) -> None:
        poller = select.poll()
        poller.register(self.fd, event)
        left = call.deadline - time.monotonic()
        if left <= 0 or not poller.poll(min(left * 1000, 1 << 30)):
            raise codes.DeadlineOver


class HostFile(Handle):
    """``/mpp/host``: a line goes to the host, the answer comes back as a line. One request is under way at a time.

    It calls itself a terminal, so that a C library sends each line at once.
    """

    kind = rights.CHARACTER
    base = rights.STREAM | rights.FD_READ | rights.FD_WRITE

    def __init__(self, name: bytes) -> None:
        self.name = name
        self._request = bytearray()
        self._answer = memoryview(b"")

    def write(self, call: State, data: list[memoryview]) -> int:
        """Takes bytes up to the end of one line; the rest is the guest's to write again, after it read the answer."""
        if call.host_call is None:
            raise OSError(errno.EIO, "no host")
        taken = 0
        for piece in data:
            if self._answer:
                if taken:
                    return taken
                raise codes.Errno(codes.BUSY)
            if len(self._request) + len(piece) > HOST_REQUEST_BYTES_MAX:
                raise codes.Errno(codes.MSGSIZE)
            line, newline, _ = bytes(piece).partition(b"\n")
            self._request += line
            taken += len(line) + len(newline)
            if newline:
                request, self._request = bytes(self._request), bytearray()
                self._answer = memoryview(call.host_call(request) + b"\n")
                if len(line) + 1 < len(piece):
                    return taken
        return taken

    def read(self, _call: State, into: list[memoryview]) -> int:
        """Nothing asked, nothing to read: the end of the file."""
        taken = 0
        for buffer in into:
            size = min(len(buffer), len(self._answer))
            buffer[:size] = self._answer[:size]
            self._answer = self._answer[size:]
            taken += size
        return taken

    def available(self) -> int:
        return len(self._answer)
