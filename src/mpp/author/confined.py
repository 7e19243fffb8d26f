"""Starts the compiler so that it sees the project, itself and its caches, has no network, and ends with the build that started it.

Run by path, as ``python -I -S -B confined.py PARENT CPU MEMORY r:FOLDER... w:FOLDER... [n:] -- COMMAND...``: a process of its own, because
what runs between fork and exec of a process with threads may not take a lock. It imports nothing of this package.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from contextlib import suppress

# Linux: the same numbers on every architecture that Python runs on.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_FILTER = 2
_PATH_BENEATH = 1
_ASK_VERSION = 1

# Without the right to move files between folders, which came with the second version, no compiler can fill its cache.
_VERSION_LEAST = 2
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_RIGHTS = {2: (1 << 14) - 1, 3: (1 << 15) - 1}
"""All rights over files that a version of Landlock knows. A later one adds a right over devices, which no rule of ours gives a path to."""
_ON_FILES = _EXECUTE | 1 << 1 | _READ_FILE | 1 << 14
"""The rights that a rule for one file may give."""
_TCP, _SCOPED = 0b11, 0b11
_VERSION_OF_TCP, _VERSION_OF_SCOPES = 4, 6

FILE_BYTES_MAX = 4 * 1024**3
"""Bytes of one file that a command writes. Reason: modules and caches have megabytes; a build must not fill the disk with one file."""

# Architecture: its number for filters, then the numbers of the calls that a build must not make.
_MACHINES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41, "io_uring_setup": 425, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
            "add_key": 248, "request_key": 249, "keyctl": 250, "setsid": 112, "setpgid": 109,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198, "io_uring_setup": 425, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
            "add_key": 217, "request_key": 218, "keyctl": 219, "setsid": 157, "setpgid": 154,
        },
    ),
}  # fmt: skip
_NETWORK_CALLS = ("socket", "io_uring_setup")


def landlock_version() -> int:
    """The version of Landlock that this system offers; 0 where there is none that we can use."""
    if not sys.platform.startswith("linux"):
        return 0
    found = _syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    return found if found >= _VERSION_LEAST else 0


def command_line(command: list[str], *, read: tuple[str, ...], write: tuple[str, ...], cpu: int, memory: int, network: bool = False) -> list[str]:
    """``command``, held to the folders ``read`` and ``write``, ``cpu`` seconds and ``memory`` bytes; it makes no socket unless ``network``."""
    rules = [*(f"r:{folder}" for folder in read), *(f"w:{folder}" for folder in write), *(("n:",) if network else ())]
    return [sys.executable, "-I", "-S", "-B", os.path.abspath(__file__), str(os.getpid()), str(cpu), str(memory), *rules, "--", *command]


def _syscall(number: int, *given: object) -> int:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return int(call(ctypes.c_long(number), *given))


def _checked(result: int, doing: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"cannot {doing}")
    return result


def _prctl(option: int, argument: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).prctl
    _checked(call(option, ctypes.c_ulong(argument), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "set a property of the process")


def _end_with(parent: int) -> None:
    """Attack on patience: a build that is killed leaves its compiler running for minutes."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)  # the parent went before the line above took hold


def _confine(rules: list[str], version: int) -> None:
    """Attack: ``#embed "/home/ada/.ssh/id"`` in a project from elsewhere makes a private file part of a package that is published."""
    rights = _RIGHTS[min(version, max(_RIGHTS))]
    handled = _handled(rights, version, network="n:" in rules)
    ruleset = _checked(_syscall(_CREATE, ctypes.c_char_p(handled), ctypes.c_size_t(len(handled)), ctypes.c_uint32(0)), "make rules")
    for rule in rules:
        kind, _, folder = rule.partition(":")
        if not folder:
            continue
        beneath = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        most = rights if os.path.isdir(folder) else rights & _ON_FILES
        # struct landlock_path_beneath_attr is packed: eight bytes of rights, four of the descriptor.
        given = (_READ & most if kind == "r" else most).to_bytes(8, sys.byteorder) + beneath.to_bytes(4, sys.byteorder)
        _checked(_syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.c_char_p(given), ctypes.c_uint32(0)), "add a rule")
        os.close(beneath)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _checked(_syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)), "take up the rules")


def _handled(rights: int, version: int, *, network: bool) -> bytes:
    """``struct landlock_ruleset_attr`` as far as the version knows it: files; connections; other processes by signal or abstract socket."""
    words = [rights]
    if version >= _VERSION_OF_TCP:
        words.append(0 if network else _TCP)
    if version >= _VERSION_OF_SCOPES:
        words.append(_SCOPED)
    return struct.pack(f"={len(words)}Q", *words)


def call_filter(machine: str, *, network: bool) -> bytes:
    """A program that the kernel runs before each system call: what is named gives "not permitted", the rest is allowed.

    Attack: calls numbered as another architecture numbers them. They are not permitted at all.
    """
    architecture, calls = _MACHINES[machine]
    numbers = sorted(number for name, number in calls.items() if not (network and name in _NETWORK_CALLS))
    load, equal, least, give = 0x20, 0x15, 0x35, 0x06
    steps = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, 0x00050001), (load, 0, 0, 0)]
    if machine == "x86_64":
        steps += [(least, 0, 1, 0x40000000), (give, 0, 0, 0x00050001)]
    # A match jumps over the other comparisons and the permission behind them.
    steps += [(equal, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    steps += [(give, 0, 0, 0x7FFF0000), (give, 0, 0, 0x00050001)]
    return b"".join(struct.pack("<HBBI", code, yes, no, number) for code, yes, no, number in steps)


def _forbid(*, network: bool) -> None:
    """Attack: a project from elsewhere that sends what it reads, fetches what nobody sees, or stays when the build is over."""
    machine = os.uname().machine
    if machine not in _MACHINES:
        return
    program = call_filter(machine, network=network)
    held = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, padded, and where they are.
    given = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(held))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    call = ctypes.CDLL(None, use_errno=True).prctl
    _checked(call(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_FILTER), ctypes.c_char_p(given), ctypes.c_ulong(0), ctypes.c_ulong(0)), "forbid calls")


def _limit(kind: int, most: int) -> None:
    # A lower limit that holds already stays; a system without this limit goes on without it.
    with suppress(OSError, ValueError):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def main(arguments: list[str]) -> None:
    """Take up the rules and become the command; any failure ends before the command begins."""
    at = arguments.index("--")
    parent, cpu, memory = (int(text) for text in arguments[:3])
    rules, command = arguments[3:at], arguments[at + 1 :]
    try:
        if sys.platform.startswith("linux"):
            _end_with(parent)
        version = landlock_version()
        if version:
            _confine(rules, version)
        if sys.platform.startswith("linux"):
            _forbid(network="n:" in rules)
        _limit(resource.RLIMIT_FSIZE, FILE_BYTES_MAX)
        _limit(resource.RLIMIT_CPU, cpu)
        _limit(resource.RLIMIT_AS, memory)
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as fault:
        sys.exit(f"the compiler is not started: {fault.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
