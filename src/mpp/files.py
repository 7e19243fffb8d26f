"""Files, read with a bound and written whole. The only module below the host that touches the file system.

A write leaves the old file or the new one, never half: temporary file beside it, fsync, rename, fsync of the
folder. A read has a maximum. A package is taken once into memory that can no longer change.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256

from mpp.errors import HostFailed, Refused
from mpp.limits import KIB, MIB

PRIVATE, PUBLIC = 0o600, 0o644
COPY_BYTES = 4 * MIB
"""Bytes copied at a time into sealed memory. Reason: large enough to be fast, small enough not to count."""

HASHED_BYTES = 256 * KIB
"""Bytes hashed at a time. Reason: more is not faster."""

_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # F_SEAL_SEAL, SHRINK, GROW, WRITE
_ADD_SEALS = 1033  # F_ADD_SEALS on Linux


def what_helps(fault: OSError) -> str:
    """The next step after what the system said."""
    if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "make room: the disk is full, or your share of it"
    if fault.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return "check that you may use it; where your home cannot be written to, MPP_HOME names another one"
    return "check that the path exists and that you may use it"


def _failed(fault: OSError, doing: str, path: str) -> HostFailed:
    return HostFailed("host.file", f"cannot {doing}: {fault.strerror}", where=path, hint=what_helps(fault))


@contextlib.contextmanager
def _open_plain(path: str) -> Iterator[tuple[int, int]]:
    """A descriptor and the size of a regular file. A pipe or device is refused: its size says nothing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as fault:
        raise _failed(fault, "open the file", path) from None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise HostFailed("host.file", "not a regular file", where=path, hint="give the path of a file")
        yield fd, found.st_size
    finally:
        os.close(fd)


def read_bounded(path: str, most: int) -> bytes:
    """All bytes of a file of at most ``most`` bytes."""
    with _open_plain(path) as (fd, _):
        data = _read(fd, most + 1, path)
    if len(data) > most:
        raise Refused("size.input", f"the file has more than {most} bytes", where=path, hint="give a smaller file")
    return data


def digest_and_end(path: str, most: int, end: int) -> tuple[str, bytes]:
    """The SHA-256 of a file of at most ``most`` bytes, in hex, and its last ``end`` bytes. No more of it is held than that.

    A thread that read tens of megabytes to hash them kept them: the allocator gives back little of what a thread freed.
    """
    digest, last, done = sha256(), b"", 0
    with _open_plain(path) as (fd, _):
        try:
            while done <= most and (piece := os.read(fd, HASHED_BYTES)):
                digest.update(piece)
                done += len(piece)
                last = (last + piece)[-end:]
        except OSError as fault:
            raise _failed(fault, "read the file", path) from None
    if done > most:
        raise Refused("size.input", f"the file has more than {most} bytes", where=path, hint="give a smaller file")
    return digest.hexdigest(), last


def read_stream(path: str, most: int) -> bytes:
    """As ``read_bounded``, and of a pipe too: whoever names a pipe wants to wait for it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as fault:
        raise _failed(fault, "open the file", path) from None
    try:
        data = _read(fd, most + 1, path)
    finally:
        os.close(fd)
    if len(data) > most:
        raise Refused("size.input", f"the file has more than {most} bytes", where=path, hint="give a smaller file")
    return data


def _read(fd: int, most: int, path: str) -> bytes:
    """Up to ``most`` bytes, to the end if it comes first."""
    pieces: list[bytes] = []
    try:
        while most > 0 and (piece := os.read(fd, min(most, COPY_BYTES))):
            pieces.append(piece)
            most -= len(piece)
    except OSError as fault:
        raise _failed(fault, "read the file", path) from None
    return b"".join(pieces)


def take(path: str, most: int) -> bytes | mmap.mmap:
    """A package file as memory that nobody can change, read once.

    Attack: a file that is swapped or rewritten between its check and its use. On Linux the bytes go into a
    sealed memory file; elsewhere into ordinary memory of this process.
    """
    with _open_plain(path) as (fd, size):
        if size > most:
            raise Refused("size.file", f"the file has {size} bytes, at most {most // MIB} MiB are read", where=path, hint="make a smaller package")
        if size == 0 or not sys.platform.startswith("linux"):
            return read_bounded(path, most)
        try:
            return _sealed_copy(fd, size)
        except OSError as fault:
            raise _failed(fault, "take the file into memory", path) from None


def _sealed_copy(fd: int, size: int) -> mmap.mmap:
    import fcntl  # noqa: PLC0415 - Linux only

    memory = os.memfd_create("mpp", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        done = 0
        while done < size:
            copied = os.sendfile(memory, fd, done, min(COPY_BYTES, size - done))
            if copied == 0:
                break
            done += copied
        fcntl.fcntl(memory, _ADD_SEALS, _SEALS)
        return mmap.mmap(memory, done, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) if done else mmap.mmap(-1, 1)
    finally:
        os.close(memory)


def is_private(path: str) -> bool:
    """Can nobody but its owner read the file? True where the system has no such modes."""
    try:
        return os.name != "posix" or not stat.S_IMODE(os.stat(path).st_mode) & 0o077
    except OSError as fault:
        raise _failed(fault, "look at the file", path) from None


def write_atomic(path: str, data: bytes, mode: int = PUBLIC, *, replace: bool = True) -> None:
    """Write a whole file or leave everything as it was. ``replace`` False refuses an existing file.

    A file that is replaced never becomes readable to more people than it was.
    """
    folder, name = os.path.split(os.path.abspath(path))
    # Not named by the process alone: after a kill, the next process of the same number must still be able to write.
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    with contextlib.suppress(OSError):
        found = os.lstat(path)
        mode &= stat.S_IMODE(found.st_mode) | 0o600 if stat.S_ISREG(found.st_mode) else mode
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), mode)
        try:
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if replace:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        sync_folder(folder)
    except FileExistsError:
        raise Refused("host.exists", "the file exists already", where=path, hint="remove it or choose another name") from None
    except OSError as fault:
        raise _failed(fault, "write the file", path) from None


@contextlib.contextmanager
def locked(path: str, what: str, waits: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock file, among all processes; its death gives it back. ``what`` is named when it cannot be had; ``waits`` is called where another holds it."""
    import fcntl  # noqa: PLC0415 - not everywhere

    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot lock {what}: {fault.strerror}", where=path, hint="check that you may write there") from None
    try:
        _take_lock(fd, waits)
        yield
    finally:
        # Closing alone gives it back only when no child of a fork, made by another thread meanwhile, holds the same file.
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _take_lock(fd: int, waits: Callable[[], None] | None) -> None:
    import fcntl  # noqa: PLC0415 - not everywhere

    if waits is not None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
        else:
            return
    fcntl.flock(fd, fcntl.LOCK_EX)


def sync_folder(folder: str) -> None:
    """Make renames in ``folder`` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_private_folder(path: str) -> None:
    """A folder only its owner may enter, as each parent that is made for it; existing ones keep their mode."""
    try:
        _make_private(os.path.abspath(path))
    except OSError as fault:
        raise _failed(fault, "make the folder", path) from None


def _make_private(path: str) -> None:
    """Attack: above a folder that others may write, whoever renames it puts keys and trust of their own there."""
    if os.path.isdir(path):
        return
    _make_private(os.path.dirname(path))
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def move_folder(source: str, target: str) -> None:
    """Put a finished folder in its place in one step; ``target`` must not exist, or be empty."""
    try:
        os.rename(source, target)
        sync_folder(os.path.dirname(target))
    except OSError as fault:
        raise _failed(fault, "put the new folder in its place", target) from None
