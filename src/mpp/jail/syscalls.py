"""System calls by name: their numbers on the machines we know, and one way to make them.

The tables hold what a jailed process may do and what the jail itself needs. A call that is not listed is never allowed.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache

from mpp.errors import HostFailed

MACHINES = ("x86_64", "aarch64")

# Name: number on x86_64, number on aarch64. None: the machine has no such call.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "brk": (12, 214),
    "bpf": (321, 280),
    "capset": (126, 91),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "clone": (56, 220),
    "clone3": (435, 435),
    "close": (3, 57),
    "close_range": (436, 436),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_pwait": (281, 22),
    "epoll_wait": (232, None),
    "eventfd2": (290, 19),
    "execve": (59, 221),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fadvise64": (221, 223),
    "fallocate": (285, 47),
    "fcntl": (72, 25),
    "fdatasync": (75, 83),
    "fstat": (5, 80),
    "fsync": (74, 82),
    "ftruncate": (77, 46),
    "futex": (202, 98),
    "getdents64": (217, 61),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "keyctl": (250, 219),
    "landlock_add_rule": (445, 445),
    "landlock_create_ruleset": (444, 444),
    "landlock_restrict_self": (446, 446),
    "linkat": (265, 37),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "membarrier": (324, 283),
    "memfd_create": (319, 279),
    "mkdirat": (258, 34),
    "mmap": (9, 222),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "newfstatat": (262, 79),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "pkey_mprotect": (329, 288),
    "poll": (7, None),
    "ppoll": (271, 73),
    "prctl": (157, 167),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "preadv2": (327, 286),
    "process_vm_readv": (310, 270),
    "ptrace": (101, 117),
    "pwrite64": (18, 68),
    "pwritev": (296, 70),
    "pwritev2": (328, 287),
    "read": (0, 63),
    "readlinkat": (267, 78),
    "readv": (19, 65),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigtimedwait": (128, 137),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "seccomp": (317, 277),
    "sendto": (44, 206),
    "set_robust_list": (273, 99),
    "sigaltstack": (131, 132),
    "socket": (41, 198),
    "statx": (332, 291),
    "symlinkat": (266, 36),
    "tgkill": (234, 131),
    "timer_create": (222, 107),
    "timer_delete": (226, 111),
    "timer_getoverrun": (225, 109),
    "timer_gettime": (224, 108),
    "timer_settime": (223, 110),
    "umount2": (166, 39),
    "unlinkat": (263, 35),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utimensat": (280, 88),
    "write": (1, 64),
    "writev": (20, 66),
}


@cache
def machine() -> str:
    """The name of this machine, if it is one whose calls we know."""
    system = os.uname()
    if system.sysname != "Linux" or system.machine not in MACHINES or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise HostFailed("host.barrier", f"tools run on 64-bit Linux, not on {system.sysname} {system.machine}", hint="use a Linux machine to run tools")
    return system.machine


def number(name: str, on: str) -> int | None:
    """The number of a call; None where the machine has another one in its place."""
    return _NUMBERS[name][MACHINES.index(on)]


def names() -> tuple[str, ...]:
    return tuple(_NUMBERS)


@cache
def _door() -> Callable[..., int]:
    """The function of the C library through which any call is made."""
    made = ctypes.CDLL(None, use_errno=True).syscall
    made.restype = ctypes.c_long
    return made


def _argument(given: object) -> object:
    """An integer takes the whole register; a buffer is handed over as its address."""
    if isinstance(given, int):
        return ctypes.c_long(given)
    return ctypes.c_void_p(None) if given is None else given


def call(name: str, *given: object) -> int:
    """Make the call; an answer that is an error becomes an OSError."""
    found = number(name, machine())
    if found is None:
        raise OSError(errno.ENOSYS, f"this machine has no {name}")
    result = _door()(ctypes.c_long(found), *map(_argument, given))
    if result == -1:
        fault = ctypes.get_errno()
        raise OSError(fault, f"{name}: {os.strerror(fault)}")
    return result


def prctl(option: int, *given: int) -> int:
    """A property of this process, with the unused arguments zero, as the kernel wants them."""
    return call("prctl", option, *given, *(0,) * (4 - len(given)))
