"""A throw-away process that enters the jail as a worker does, and then tries what must not be possible.

Run as ``python -I -S -B -c START SOURCE VERSION PARENT [FOLDER]``; with a folder, as a worker that was granted it. It writes one line for each finding, of fields between tabs, and ends when its
standard input is closed, so that its starter can look at it meanwhile. What it tries does no harm where it works.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from mpp.errors import HostFailed
from mpp.jail.entry import Held, Plan, enter
from mpp.jail.landlock import Rule
from mpp.jail.process import Limits
from mpp.jail.profiles import PROFILE_COMPUTE, PROFILE_FILES
from mpp.jail.syscalls import call
from mpp.limits import MIB

START = "import sys; sys.path.insert(0, sys.argv[1]); from mpp.jail.trial import main; main(sys.argv[2:])"
"""The program of the process, for ``python -c``."""

DATA_BYTES_MAX = 256 * MIB
"""Bytes of memory that the trial may write. Reason: room for an interpreter; twice as much is asked for and must be refused."""

FILE_BYTES_MAX = MIB
"""Bytes of a file that the trial may write. Reason: small, for more than that is tried."""

DESCRIPTORS_MAX = 32
"""Descriptors of the trial. Reason: small, for more than that is tried."""

SECONDS_MAX = 20
"""Seconds after which the kernel ends the trial. Reason: a trial takes milliseconds; nobody waits for one that hangs."""

_F_DUPFD_CLOEXEC = 1030
_PTRACE_PEEK = 3
_NO_SUCH_FLAG = 1 << 30
_O_CREATE_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY


Found: TypeAlias = "tuple[tuple[Held, ...], tuple[Attempt, ...]]"


class Attempt(NamedTuple):
    """Something to try: which barrier it is about, how it is tried, and the one refusal that shows the barrier; 0 where it must work."""

    name: str
    barrier: str
    tried: Callable[[], object]
    refusal: int


def main(arguments: list[str]) -> None:
    """Enter and try. ``VERSION`` is the version of Landlock to assume, or - to ask the kernel."""
    version, parent, *folders = arguments
    signal.setitimer(signal.ITIMER_REAL, SECONDS_MAX)
    limits = Limits(data=DATA_BYTES_MAX, files=DESCRIPTORS_MAX, file_bytes=FILE_BYTES_MAX)
    profile = PROFILE_FILES if folders else PROFILE_COMPUTE
    plan = Plan(profile, limits, needs_files=bool(folders), landlock_version=None if version == "-" else int(version))
    try:
        held, attempts = _try_files(plan, int(parent), *folders) if folders else _try_compute(plan, int(parent))
    except HostFailed as fault:
        _say("failed", fault.where, fault.message)
        held, attempts = (), ()
    for one in held:
        _say("held", one.name, "yes" if one.holds else "no", one.why)
    for attempt in attempts:
        _say("tried", attempt.barrier, attempt.name, *_outcome(attempt))
    _say("end")
    os.read(0, 1)


def _say(*fields: str) -> None:
    os.write(1, "\t".join(fields).encode() + b"\n")


def _outcome(attempt: Attempt) -> tuple[str, str]:
    try:
        attempt.tried()
    except OSError as fault:
        number = fault.errno or 0
    except MemoryError:
        number = errno.ENOMEM
    else:
        return "open" if attempt.refusal else "held", "works"
    return "held" if number == attempt.refusal else "open", errno.errorcode.get(number, str(number))


def _try_compute(plan: Plan, parent: int) -> Found:
    file, forgotten = os.memfd_create("trial"), os.memfd_create("forgotten")
    held = enter(plan, keep=(file,), parent=parent).barriers
    refused = [Attempt(name, "seccomp", tried, errno.EPERM) for name, tried in _forbidden(parent)]
    bounded = [
        Attempt(f"{2 * DATA_BYTES_MAX // MIB} MiB of memory", "limits", lambda: bytearray(2 * DATA_BYTES_MAX), errno.ENOMEM),
        Attempt(f"a file of more than {FILE_BYTES_MAX // MIB} MiB", "limits", lambda: _write_beyond(file), errno.EFBIG),
        Attempt(f"{DESCRIPTORS_MAX + 1} descriptors", "limits", _descriptors, errno.EMFILE),
    ]
    closed = Attempt("use a forgotten descriptor", "closed descriptors", lambda: os.read(forgotten, 1), errno.EBADF)
    return held, (*refused, *bounded, closed)


def _forbidden(parent: int) -> tuple[tuple[str, Callable[[], object]], ...]:
    """What no tool may ask of the kernel. Arguments are such that the kernel, did it listen, would answer otherwise and do nothing."""
    return (
        ("open /etc/passwd", lambda: _read("/etc/passwd")),
        ("list /", lambda: os.listdir("/")),
        ("read /proc/self/environ", lambda: _read("/proc/self/environ")),
        ("look for /etc/passwd", lambda: os.stat("/etc/passwd")),
        ("internet socket", lambda: socket.socket(socket.AF_INET).close()),
        ("local socket", lambda: socket.socket(socket.AF_UNIX).close()),
        ("another process", _fork),
        ("a program", lambda: os.execve("/absent", ["absent"], {})),  # noqa: S606 - it must be refused
        ("signal the parent", lambda: os.kill(parent, 0)),
        ("trace the parent", lambda: call("ptrace", _PTRACE_PEEK, parent, 0, 0)),
        ("read the parent's memory", lambda: call("process_vm_readv", parent, None, 0, None, 0, 0)),
        ("runnable memory", lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()),
        ("a namespace", lambda: call("unshare", 0)),
        ("mount", lambda: call("mount", None, None, None, 0, None)),
        ("io_uring", lambda: call("io_uring_setup", 0, None)),
        ("bpf", lambda: call("bpf", 0, None, 0)),
        ("userfaultfd", lambda: call("userfaultfd", _NO_SUCH_FLAG)),
        ("perf", lambda: call("perf_event_open", None, 0, 0, -1, 0)),
        ("kernel keys", lambda: call("keyctl", 0, 0, 0, 0, 0)),
    )


def _read(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def _fork() -> None:
    made = os.fork()
    if made == 0:
        os._exit(0)
    os.waitpid(made, 0)


def _write_beyond(fd: int) -> None:
    os.lseek(fd, FILE_BYTES_MAX, os.SEEK_SET)
    os.write(fd, b"x")


def _descriptors() -> None:
    taken: list[int] = []
    try:
        while len(taken) <= DESCRIPTORS_MAX:
            taken.append(fcntl.fcntl(0, _F_DUPFD_CLOEXEC, 0))
    finally:
        for fd in taken:
            os.close(fd)


def _try_files(plan: Plan, parent: int, folder: str) -> Found:
    """With one granted folder and, as no worker ever has, a descriptor of the true root."""
    granted, root = (os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for path in (folder, "/"))
    here, there = os.path.abspath(__file__).lstrip("/"), os.path.join(os.path.dirname(folder), "beside").lstrip("/")
    held = enter(plan, keep=(granted, root), rules=(Rule(granted, write=True),), parent=parent).barriers
    return held, (
        Attempt("open a file of the granted folder", "landlock", lambda: _open(granted, "file", os.O_RDWR), 0),
        Attempt("open a file elsewhere", "landlock", lambda: _open(root, here, os.O_RDONLY), errno.EACCES),
        Attempt("list /", "landlock", lambda: _open(root, ".", os.O_RDONLY | os.O_DIRECTORY), errno.EACCES),
        Attempt("make a file beside the folder", "landlock", lambda: _open(root, there, _O_CREATE_NEW), errno.EACCES),
        Attempt("look for this program's file", "empty root", lambda: os.stat("/" + here), errno.ENOENT),
    )


def _open(at: int, name: str, flags: int) -> None:
    mode = 0o600 if flags & os.O_CREAT else 0
    how = struct.pack("<QQQ", flags | os.O_CLOEXEC, mode, 0)
    path = ctypes.c_char_p(os.fsencode(name))
    os.close(call("openat2", at, path, ctypes.create_string_buffer(how, len(how)), len(how)))
