"""Functions on open descriptors: what they are, what they may, their size, times and end."""

from __future__ import annotations

import os
import struct

from mpp.stages.sandbox.wasi import beneath, codes, memory, rights
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.handles import File, Folder
from mpp.stages.sandbox.wasi.memory import PAIR
from mpp.stages.sandbox.wasi.rights import BITS
from mpp.stages.sandbox.wasi.state import Handle, State

_FDSTAT = struct.Struct("<BxH4xQQ")
_ADVICE_MAX = 5
"""Number of the last advice. Reason: the interface has six."""
_TIME_MAX = (1 << 63) - 1
"""Nanoseconds since 1970. Reason: what fits the kernel's signed seconds without a second thought."""


@answers
def fd_fdstat_get(call: State, fd: int, result: int) -> None:
    found = call.handle(fd)
    _FDSTAT.pack_into(call.view(), result, found.kind, found.flags, found.base, found.inheriting)


@answers
def fd_fdstat_set_flags(call: State, fd: int, flags: int) -> None:
    """Only append and nonblock can change. A change to synchronous writing is not possible on an open file."""
    found = _file(call.handle(fd))
    call.handle(fd, BITS["fd_fdstat_set_flags"])
    if flags & ~(rights.APPEND | rights.NONBLOCK):
        raise codes.Errno(codes.INVAL)
    found.flags = flags | (found.flags & ~(rights.APPEND | rights.NONBLOCK))


@answers
def fd_fdstat_set_rights(call: State, fd: int, base: int, inheriting: int) -> None:
    """Rights only shrink."""
    found = call.handle(fd)
    if base & ~found.base or inheriting & ~found.inheriting:
        raise codes.Errno(codes.NOTCAPABLE)
    found.base, found.inheriting = base, inheriting


@answers
def fd_filestat_get(call: State, fd: int, result: int) -> None:
    memory.span(call.view(), result, 64)[:] = call.handle(fd, BITS["fd_filestat_get"]).stat()


@answers
def fd_filestat_set_size(call: State, fd: int, size: int) -> None:
    _writable(call, fd, BITS["fd_filestat_set_size"]).resize(call, size)


@answers
def fd_allocate(call: State, fd: int, offset: int, size: int) -> None:
    file = _writable(call, fd, BITS["fd_allocate"])
    if not size:
        raise codes.Errno(codes.INVAL)
    file.allocate(call, offset, size)


def _file(found: Handle) -> File:
    if not isinstance(found, File):
        raise codes.Errno(codes.BADF)
    return found


def _writable(call: State, fd: int, needed: int) -> File:
    file = _file(call.handle(fd))
    if not file.base & rights.FD_WRITE:
        raise codes.Errno(codes.BADF)
    call.handle(fd, needed)
    return file


@answers
def fd_filestat_set_times(call: State, fd: int, accessed: int, modified: int, flags: int) -> None:
    found = call.handle(fd)
    # Reading gives no right to leave traces: a folder or file of a read-only grant keeps its times.
    writes = found.writes and found.fd >= 0 if isinstance(found, Folder) else _file(found).writes
    call.handle(fd, BITS["fd_filestat_set_times"])
    times = moments(call, accessed, modified, flags)
    if not writes:
        raise codes.Errno(codes.PERM)
    beneath.set_times(found.fd, *times)


def moments(call: State, accessed: int, modified: int, flags: int) -> tuple[int | None, int | None]:
    """The two times that the flags ask for, in nanoseconds; None leaves one alone. Now is the guest's now."""
    both = ((flags & rights.ATIM, flags & rights.ATIM_NOW, accessed), (flags & rights.MTIM, flags & rights.MTIM_NOW, modified))
    if flags & ~15 or any(given and now for given, now, _ in both) or any(given and moment > _TIME_MAX for given, _, moment in both):
        raise codes.Errno(codes.INVAL)
    first, second = (call.times.realtime_ns() if now else moment if given else None for given, now, moment in both)
    return first, second


@answers
def fd_advise(call: State, fd: int, offset: int, size: int, advice: int) -> None:
    file = _file(call.handle(fd))
    call.handle(fd, BITS["fd_advise"])
    if advice > _ADVICE_MAX or offset > _TIME_MAX or size > _TIME_MAX:
        raise codes.Errno(codes.INVAL)
    # The numbers of the interface in the kernel's: normal, sequential, random, willneed, dontneed, noreuse.
    os.posix_fadvise(file.fd, offset, size, (0, 2, 1, 3, 4, 5)[advice])


@answers
def fd_sync(call: State, fd: int) -> None:
    file = _synced(call, fd, BITS["fd_sync"])
    if file is not None:
        os.fsync(file.fd)


@answers
def fd_datasync(call: State, fd: int) -> None:
    file = _synced(call, fd, BITS["fd_datasync"])
    if file is not None:
        os.fdatasync(file.fd)


def _synced(call: State, fd: int, needed: int) -> File | None:
    """What can be synced. A folder needs nothing: no function promises that names are on disk."""
    found = call.handle(fd)
    if isinstance(found, Folder):
        call.handle(fd, needed)
        return None
    file = _file(found)
    call.handle(fd, needed)
    return file


@answers
def fd_close(call: State, fd: int) -> None:
    call.drop(call.remove(fd))


@answers
def fd_renumber(call: State, source: int, target: int) -> None:
    """Only onto a number that is open, so that a guest never chooses numbers freely."""
    call.handle(source)
    replaced = call.handle(target)
    if source != target:
        call.handles[target] = call.remove(source)
        call.drop(replaced)


def _preopen(call: State, fd: int, otherwise: int) -> Folder:
    found = call.handle(fd)
    if not isinstance(found, Folder) or not found.preopen:
        raise codes.Errno(otherwise)
    return found


@answers
def fd_prestat_get(call: State, fd: int, result: int) -> None:
    PAIR.pack_into(call.view(), result, 0, len(_preopen(call, fd, codes.BADF).name))


@answers
def fd_prestat_dir_name(call: State, fd: int, at: int, size: int) -> None:
    name = _preopen(call, fd, codes.NOTDIR).name
    if len(name) > size:
        raise codes.Errno(codes.NAMETOOLONG)
    memory.span(call.view(), at, len(name))[:] = name
