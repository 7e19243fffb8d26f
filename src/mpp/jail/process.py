"""What a process can give up by itself: descriptors, memory, privileges, its network, its root folder."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import struct
from contextlib import suppress
from typing import NamedTuple

from mpp.jail.limits import STACK_BYTES_MAX
from mpp.jail.syscalls import call, prctl

_SET_DEATH_SIGNAL, _GET_DUMPABLE, _SET_DUMPABLE = 1, 3, 4
_CAPABILITY_OFF, _SET_SECUREBITS = 24, 28
_SET_NO_NEW_PRIVILEGES, _GET_NO_NEW_PRIVILEGES = 38, 39
_AMBIENT, _AMBIENT_CLEAR = 47, 4

# No rights by being root, none kept or regained, and all of that locked.
_SECUREBITS = 0xEF
_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES_MAX = 64
"""Numbers of capabilities that are tried. Reason: the kernel holds them in 64 bits."""

_NEW_THREAD_GROUP = 0x00010000  # CLONE_THREAD
_NEW_NAMES, _NEW_QUEUES, _NEW_USER, _NEW_NETWORK = 0x04000000, 0x08000000, 0x10000000, 0x40000000
_LAST_DESCRIPTOR = 0xFFFFFFFF

_OOM_SCORE = 900
_ROOMS = ("/dev/shm", "/tmp", "/run", "/var/tmp")  # noqa: S108 - a folder there lives for microseconds and is empty


class Limits(NamedTuple):
    """Bounds that the kernel holds. A lower bound that holds already stays."""

    data: int
    """Bytes of memory that can be written."""
    files: int
    """One more than the highest descriptor."""
    file_bytes: int = 0
    """Bytes of any one file that is written."""
    stack: int = STACK_BYTES_MAX
    """Bytes of the main thread's stack."""
    cpu: int | None = None
    """Seconds of processor time over the whole life."""
    processes: int | None = None
    """Processes and threads of this user, over all of its processes. The kernel counts none for root."""


def is_alone() -> bool:
    """Is this the only thread? The kernel refuses to take a thread out of a group that has others."""
    try:
        call("unshare", _NEW_THREAD_GROUP)
    except OSError as fault:
        if fault.errno == errno.EINVAL:
            return False
    else:
        return True
    return len(os.listdir("/proc/self/task")) == 1


def open_descriptors() -> tuple[int, ...]:
    """What is open now. What a library opened for itself is found by looking before and after."""
    # The list holds the descriptor it was read through, which is closed again.
    return tuple(sorted(fd for fd in map(int, os.listdir("/proc/self/fd")) if _is_open(fd)))


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def close_all_but(kept: tuple[int, ...]) -> None:
    """Close every descriptor but the kept ones and the three standard ones.

    Attack: a descriptor that an earlier step forgot, with the host's files behind it.
    """
    wanted = sorted({0, 1, 2, *kept})
    for low, high in zip([-1, *wanted], [*wanted, _LAST_DESCRIPTOR + 1], strict=True):
        if low + 1 < high:
            _close_range(low + 1, high - 1)


def _close_range(first: int, last: int) -> None:
    try:
        call("close_range", first, last, 0)
    except OSError as fault:
        if fault.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
        for fd in map(int, os.listdir("/proc/self/fd")):
            if first <= fd <= last:
                with suppress(OSError):
                    os.close(fd)


def volunteer() -> None:
    """When memory runs out, this process goes before any other."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"%d" % _OOM_SCORE)
    finally:
        os.close(fd)


def isolate() -> str:
    """A network, queues and a host name of its own, all empty; where need be, inside a user namespace of its own.

    The starter of many workers can do it once for all of them.
    """
    try:
        call("unshare", _NEW_NETWORK | _NEW_QUEUES | _NEW_NAMES)
    except OSError as fault:
        if fault.errno != errno.EPERM:
            raise
        call("unshare", _NEW_USER | _NEW_NETWORK | _NEW_QUEUES | _NEW_NAMES)
        return "in a user namespace of its own"
    return "as root may"


def empty_root() -> str:
    """The root folder becomes one that is empty and gone, in which nothing can be made."""
    fd = gone_folder()
    try:
        return enter_root(fd)
    finally:
        os.close(fd)


def enter_root(folder: int) -> str:
    """The same, with a folder that ``gone_folder`` gave earlier."""
    os.fchdir(folder)
    os.chroot(".")
    return "an empty folder that is gone"


def gone_folder() -> int:
    """The descriptor of a folder that is in no other folder any more."""
    fault = OSError(errno.EROFS, "no folder can be made anywhere")
    for room in _ROOMS:
        path = os.path.join(room, f".mpp-{os.urandom(8).hex()}")
        try:
            os.mkdir(path, 0o700)
        except OSError as found:
            fault = found
            continue
        try:
            fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        finally:
            os.rmdir(path)
        return fd
    raise fault


def drop_bounds() -> bool:
    """Give up the right to get capabilities back by starting a program. True if all are gone, then also for every process that comes of this one."""
    for one in range(_CAPABILITIES_MAX):
        try:
            prctl(_CAPABILITY_OFF, one)
        except OSError as fault:
            # The last one that this kernel has, or no right to give up what we do not hold.
            return one > 0 and fault.errno == errno.EINVAL
    return True


def drop_capabilities(*, bounds: bool = True) -> None:
    """All of them, also the right to get them back by starting a program, unless ``bounds`` says that ``drop_bounds`` was done with success."""
    with suppress(OSError):
        prctl(_SET_SECUREBITS, _SECUREBITS)
    if bounds:
        drop_bounds()
    with suppress(OSError):
        prctl(_AMBIENT, _AMBIENT_CLEAR)
    header = ctypes.create_string_buffer(struct.pack("<Ii", _CAPABILITY_VERSION, 0), 8)
    call("capset", header, ctypes.create_string_buffer(24))


def limit(limits: Limits) -> None:
    """Take up all limits, and see that the kernel holds them."""
    wanted = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_STACK, limits.stack),
        (resource.RLIMIT_DATA, limits.data),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.files),
    ]
    wanted += [(kind, most) for kind, most in ((resource.RLIMIT_CPU, limits.cpu), (resource.RLIMIT_NPROC, limits.processes)) if most is not None]
    for kind, most in wanted:
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (least, least))
        except ValueError as fault:
            raise OSError(errno.EINVAL, f"limit {kind}: {fault}") from None
        if resource.getrlimit(kind) != (least, least):
            raise OSError(errno.EPERM, f"limit {kind} does not hold")


def no_new_privileges() -> None:
    prctl(_SET_NO_NEW_PRIVILEGES, 1)
    if prctl(_GET_NO_NEW_PRIVILEGES) != 1:
        raise OSError(errno.EPERM, "the process could still gain privileges")


def hide() -> None:
    """No core file, and no process of the same user may look into this one."""
    prctl(_SET_DUMPABLE, 0)
    if prctl(_GET_DUMPABLE) != 0:
        raise OSError(errno.EPERM, "the process can still be looked into")


def end_with(parent: int) -> None:
    """End when ``parent``, or rather its thread that started us, ends. A change of credentials takes this back, so it comes after those."""
    prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError(errno.ESRCH, "the parent went before the signal was set")
