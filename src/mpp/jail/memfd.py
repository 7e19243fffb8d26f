"""Bytes in memory that nobody can change any more, handed from process to process as a descriptor."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from typing import TypeAlias

from mpp.files import COPY_BYTES
from mpp.jail import syscalls

SEALS = 0x1 | 0x2 | 0x4 | 0x8
"""F_SEAL_SEAL, SHRINK, GROW and WRITE: without any one of them the bytes could still change."""

Data: TypeAlias = bytes | bytearray | memoryview | mmap.mmap

_ADD_SEALS, _GET_SEALS = 1033, 1034
_CLOSE_ON_EXEC, _MAY_SEAL, _NOT_A_PROGRAM = 0x1, 0x2, 0x8


def sealed_memory(data: Data, name: str = "mpp") -> int:
    """The descriptor of a sealed copy of ``data``, closed when a program starts."""
    fd = _create(name)
    try:
        _write(fd, data)
        seal_memory(fd)
    except OSError:
        os.close(fd)
        raise
    return fd


def sealed_copy(source: int, offset: int, size: int, name: str = "mpp") -> int:
    """The same, of ``size`` bytes of a file. A file that is shorter than that is an error."""
    fd = _create(name)
    try:
        for at in range(offset, offset + size, COPY_BYTES):
            piece = os.pread(source, min(COPY_BYTES, offset + size - at), at)
            if len(piece) != min(COPY_BYTES, offset + size - at):
                raise OSError(errno.EIO, "the file ends before its bytes were copied")
            _write(fd, piece)
        seal_memory(fd)
    except OSError:
        os.close(fd)
        raise
    return fd


def seal_memory(fd: int) -> None:
    """Nobody changes it from now on. An error while another mapping could still write."""
    fcntl.fcntl(fd, _ADD_SEALS, SEALS)


def _write(fd: int, data: Data) -> None:
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(fd, rest) :]


def _create(name: str) -> int:
    label = ctypes.c_char_p(os.fsencode(name))
    try:
        return syscalls.call("memfd_create", label, _CLOSE_ON_EXEC | _MAY_SEAL | _NOT_A_PROGRAM)
    except OSError as fault:
        if fault.errno != errno.EINVAL:
            raise
    # A kernel before 6.3 does not know that a memory file can be no program.
    return syscalls.call("memfd_create", label, _CLOSE_ON_EXEC | _MAY_SEAL)


def is_sealed(fd: int) -> bool:
    """Do all four seals hold? A descriptor of anything but a memory file has none."""
    try:
        return fcntl.fcntl(fd, _GET_SEALS) & SEALS == SEALS
    except OSError:
        return False


def open_sealed(fd: int) -> int:
    """The size of what a descriptor from elsewhere holds, once its seals have been checked.

    Attack: a memory file that its sender changes after we looked at it.
    """
    if not is_sealed(fd):
        raise OSError(errno.EPERM, "the memory file is not sealed")
    return os.fstat(fd).st_size
