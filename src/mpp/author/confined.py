"""Starts the compiler so that it sees the project, itself and its caches, and ends with the build that started it.

Run by path, as ``python -I -S -B confined.py PARENT CPU MEMORY r:FOLDER... w:FOLDER... -- COMMAND...``: a process of its own, because
what runs between fork and exec of a process with threads may not take a lock. It imports nothing of this package.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress

# Linux: the same numbers on every architecture that Python runs on.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_PATH_BENEATH = 1
_ASK_VERSION = 1

# Without the right to move files between folders, which came with the second version, no compiler can fill its cache.
_VERSION_LEAST = 2
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_RIGHTS = {2: (1 << 14) - 1, 3: (1 << 15) - 1}
"""All rights that a version of Landlock knows. Later versions add rights over devices and sockets; files are all we hold."""


def landlock_version() -> int:
    """The version of Landlock that this system offers; 0 where there is none that we can use."""
    if not sys.platform.startswith("linux"):
        return 0
    found = _syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    return found if found >= _VERSION_LEAST else 0


def command_line(command: list[str], *, read: tuple[str, ...], write: tuple[str, ...], cpu: int, memory: int) -> list[str]:
    """``command``, held to the folders ``read`` and ``write``, ``cpu`` seconds and ``memory`` bytes."""
    rules = [*(f"r:{folder}" for folder in read), *(f"w:{folder}" for folder in write)]
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
    handled = ctypes.c_uint64(rights)
    ruleset = _checked(_syscall(_CREATE, ctypes.byref(handled), ctypes.c_size_t(8), ctypes.c_uint32(0)), "make rules")
    for rule in rules:
        kind, _, folder = rule.partition(":")
        beneath = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        # struct landlock_path_beneath_attr is packed: eight bytes of rights, four of the descriptor.
        given = (_READ if kind == "r" else rights).to_bytes(8, sys.byteorder) + beneath.to_bytes(4, sys.byteorder)
        _checked(_syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.c_char_p(given), ctypes.c_uint32(0)), "add a rule")
        os.close(beneath)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _checked(_syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)), "take up the rules")


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
        _limit(resource.RLIMIT_CPU, cpu)
        _limit(resource.RLIMIT_AS, memory)
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as fault:
        sys.exit(f"the compiler is not started: {fault.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
