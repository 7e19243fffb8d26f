"""The only way to the file system: lookups that the kernel holds beneath a granted folder. Linux only; nothing runs at import.

Attack: ``..``, absolute paths, links that lead out, links swapped during a lookup, links of /proc, mounts.
"""

from __future__ import annotations

import ctypes
import errno
import os
from types import TracebackType
from typing import Self

from mpp.stages.sandbox.wasi import codes, limits

_OPENAT2 = 437
_RESOLVE = 0x01 | 0x02 | 0x08  # NO_XDEV, NO_MAGICLINKS, BENEATH
_EMPTY_PATH = 0x1000
_OMIT = (1 << 30) - 2
_SECOND_NS = 1_000_000_000

# Looked up once: behind the barriers of a worker nothing can be loaded.
_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype, _syscall.argtypes = ctypes.c_long, [ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
_utimensat = _libc.utimensat
_utimensat.restype, _utimensat.argtypes = ctypes.c_int, [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]

_How = ctypes.c_uint64 * 3
_hows: dict[tuple[int, int], ctypes.Array[ctypes.c_uint64]] = {}
"""One ``open_how`` for each pair of flags and mode; a few dozen exist."""

O_PATH: int = getattr(os, "O_PATH", 0)
LOOK = O_PATH | os.O_CLOEXEC
LOOK_SELF = LOOK | os.O_NOFOLLOW
LOOK_FOLDER = LOOK | os.O_DIRECTORY
LIST = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NONBLOCK


def open_beneath(folder: int, path: bytes, flags: int, mode: int = 0) -> int:
    """Open ``path`` beneath ``folder``; raises OSError, or ``Errno`` for a path that leads out."""
    how = _hows.get((flags, mode))
    if how is None:
        how = _hows[flags, mode] = _How(flags, mode, _RESOLVE)
    for _ in range(limits.OPEN_RETRIES_MAX):
        found = int(_syscall(_OPENAT2, folder, path, how, 24))
        if found >= 0:
            return found
        number = ctypes.get_errno()
        if number == errno.EXDEV:
            raise codes.Errno(codes.NOTCAPABLE)
        # A rename elsewhere crossed a lookup with ``..``: the kernel could not be sure and asks for another try.
        if number not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(number, os.strerror(number))


def set_times(fd: int, accessed: int | None, modified: int | None) -> None:
    """Set the times, in nanoseconds, of what ``fd`` stands for, a link itself included. None leaves one as it is."""
    parts: list[int] = []
    for moment in (accessed, modified):
        parts += (0, _OMIT) if moment is None else divmod(moment, _SECOND_NS)
    if _utimensat(fd, b"", (ctypes.c_long * 4)(*parts), _EMPTY_PATH) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Place:
    """Where a name stands: its folder, opened, and the last component, which no call made here follows."""

    __slots__ = ("_owned", "fd", "name", "slash")

    def __init__(self, folder: int, path: bytes, dots: int) -> None:
        """``dots`` is the answer for a path that ends in ``.`` or ``..``."""
        if path[:1] == b"/":
            raise codes.Errno(codes.NOTCAPABLE)
        # Attack: the kernel follows a link at the end of a path with a trailing slash. So the slash is kept apart.
        stem = path.rstrip(b"/")
        self.slash = len(stem) != len(path)
        parent, _, self.name = stem.rpartition(b"/")
        if not stem:
            raise codes.Errno(codes.NOENT)
        if self.name in {b".", b".."}:
            os.close(open_beneath(folder, stem, LOOK_FOLDER))
            raise codes.Errno(dots)
        self._owned = bool(parent)
        self.fd = open_beneath(folder, parent, LOOK_FOLDER) if parent else folder

    def mode(self) -> int:
        """The mode of what stands here, a link itself, or 0."""
        try:
            return os.stat(self.name, dir_fd=self.fd, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._owned:
            os.close(self.fd)
