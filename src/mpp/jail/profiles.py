"""What a jailed process may ask of the kernel, as data. A call that stands in no list is refused.

No profile lets a process open a file by ``open`` or ``openat``, make a socket, start a program or another process, trace or signal
another one, mount, or use io_uring, bpf, userfaultfd, keyctl or perf. A process with folders opens by ``openat2`` alone, and
Landlock judges what it opens.

A socket that is kept open must be a stream or a sequence of packets: through a datagram socket ``sendto`` reaches strangers.
"""

from __future__ import annotations

from typing import NamedTuple

SELF = -1
"""Stands for the number of the process itself."""

_LOW = 0xFFFFFFFF
_PROT_EXEC = 0x4
# What pthread_create asks for, as glibc and as musl write it. Anything else could be a process or a namespace.
_THREAD_FLAGS = (0x3D0F00, 0x7D0F00)
_FCNTL_COMMANDS = (1, 2, 3, 4, 1030, 1034)  # F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GET_SEALS
_FIONBIO = 0x5421
_PR_SET_NAME, _PR_GET_NAME = 15, 16
_SECCOMP_SET_MODE_FILTER = 1


class Check(NamedTuple):
    """A condition on 32 bits of one argument: its masked value is one of ``values``."""

    argument: int
    values: tuple[int, ...]
    mask: int = _LOW
    is_high: bool = False


class Profile(NamedTuple):
    """``plain`` calls are allowed, ``checked`` ones if every check holds; ``absent`` ones look like an old kernel's, so that callers fall back."""

    name: str
    plain: frozenset[str]
    checked: dict[str, tuple[Check, ...]]
    absent: frozenset[str] = frozenset(("clone3",))


# Words in a text, one line for each purpose.
_COMPUTE_CALLS = """
    read write readv writev pread64 lseek close fstat sendto recvfrom poll ppoll
    munmap mremap madvise brk futex set_robust_list rseq sched_yield
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday getrusage restart_syscall
    timer_create timer_settime timer_gettime timer_getoverrun timer_delete
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sigaltstack
    getpid gettid getrandom exit exit_group
"""
_FILES_CALLS = """
    openat2 statx newfstatat getdents64 pwrite64 preadv preadv2 pwritev pwritev2
    unlinkat mkdirat renameat renameat2 linkat symlinkat readlinkat
    ftruncate fallocate fdatasync fsync fadvise64 dup dup2 dup3 recvmsg
"""
_COMPUTE, _FILES = frozenset(_COMPUTE_CALLS.split()), frozenset(_FILES_CALLS.split())
# The built-in WASI of components brings a runtime with threads of its own.
_EVENTS = frozenset(("epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "sched_getaffinity"))

_NO_EXEC = (Check(2, (0,), mask=_PROT_EXEC),)
_CHECKED: dict[str, tuple[Check, ...]] = {
    # Attack: machine code that a break-out writes into memory and makes runnable.
    "mmap": _NO_EXEC,
    "mprotect": _NO_EXEC,
    "clone": (Check(0, _THREAD_FLAGS),),
    # Attack: F_SETOWN and F_NOTIFY send signals to other processes.
    "fcntl": (Check(1, _FCNTL_COMMANDS),),
    # Python makes a socket wait, or not, by this command; no other one is for tools.
    "ioctl": (Check(1, (_FIONBIO,)),),
    "prctl": (Check(0, (_PR_SET_NAME, _PR_GET_NAME)),),
    "tgkill": (Check(0, (SELF,)),),
}
_TIMES_OF_A_DESCRIPTOR = (Check(1, (0,)), Check(1, (0,), is_high=True))

PROFILE_COMPUTE = Profile("compute", _COMPUTE, _CHECKED)
"""A core module without folders: it computes, and speaks over descriptors that were open before."""

# Landlock has no say over times, so they are set by descriptor only: the path must be the null pointer.
PROFILE_FILES = Profile("files", _COMPUTE | _FILES, {**_CHECKED, "utimensat": _TIMES_OF_A_DESCRIPTOR})
"""A core module with folders. Beyond their contents, it can learn of any path whether it exists, unless the root is empty."""

PROFILE_COMPONENT = Profile("component", _COMPUTE | _EVENTS, _CHECKED)
"""A component under the engine's own WASI, without folders and sockets."""

PROFILE_COMPILE = Profile(
    "compile",
    _COMPUTE | {"sched_getaffinity", "membarrier", "mprotect"},
    {name: checks for name, checks in _CHECKED.items() if name != "mprotect"},
)
"""A compiler: it makes code runnable, as the engine does at once with what it compiled, and never runs it."""

PROFILES = (PROFILE_COMPUTE, PROFILE_FILES, PROFILE_COMPONENT, PROFILE_COMPILE)


def with_code(profile: Profile) -> Profile:
    """The same for a process that loads native code after it has entered, and then gives the right back with ``seccomp.close_code``."""
    checked = {name: checks for name, checks in profile.checked.items() if name != "mprotect"}
    checked["seccomp"] = (Check(0, (_SECCOMP_SET_MODE_FILTER,)),)
    return Profile(f"{profile.name}+code", profile.plain | {"mprotect"}, checked, profile.absent)
