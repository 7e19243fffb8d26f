"""The list of allowed system calls, as a program that the kernel runs before each of them."""

from __future__ import annotations

import ctypes
import struct

from mpp.jail import syscalls
from mpp.jail.profiles import SELF, Check, Profile

KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
EPERM, ENOSYS = 1, 38

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_SET_MODE_FILTER, _TSYNC = 1, 1
_CODE_CALLS = ("mmap", "mprotect", "pkey_mprotect")
_NO_EXEC = Check(2, (0,), mask=0x4)


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; ``yes`` and ``no`` are how many it jumps over."""
    return struct.pack("<HBBI", code, yes, no, value)


def _give(action: int) -> bytes:
    return _step(_RETURN, action)


def _start(machine: str) -> bytes:
    """Attack: calls numbered as another architecture numbers them, which mean something else here."""
    steps = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, ARCHITECTURES[machine], yes=1), _give(KILL), _step(_LOAD, _NUMBER)]
    if machine == "x86_64":
        steps += [_step(_AT_LEAST, _X32_BIT, no=1), _give(KILL)]
    return b"".join(steps)


def _case(number: int, body: bytes) -> bytes:
    """``body`` for one call; it must end in an answer."""
    return _step(_EQUAL, number, no=len(body) // 8) + body


def _checks(checks: tuple[Check, ...], pid: int) -> bytes:
    """Allowed if every check holds, refused otherwise."""
    body = _give(ALLOW)
    for check in reversed(checks):
        values = [pid if value == SELF else value for value in check.values]
        # A match jumps over the other comparisons and the refusal behind them.
        compared = b"".join(_step(_EQUAL, value, yes=len(values) - at) for at, value in enumerate(values))
        offset = _ARGUMENTS + 8 * check.argument + 4 * check.is_high
        body = _step(_LOAD, offset) + _step(_AND, check.mask) + compared + _give(ERRNO | EPERM) + body
    return body


def program(profile: Profile, *, machine: str, pid: int) -> bytes:
    """The program for a profile. A call that a machine lacks is left out."""
    steps = [_start(machine)]
    for names, action in ((profile.plain, ALLOW), (profile.absent, ERRNO | ENOSYS)):
        numbers = sorted(found for name in names if (found := syscalls.number(name, machine)) is not None)
        steps += [_case(number, _give(action)) for number in numbers]
    for name, checks in sorted(profile.checked.items()):
        number = syscalls.number(name, machine)
        if number is not None:
            steps.append(_case(number, _checks(checks, pid)))
    return b"".join((*steps, _give(ERRNO | EPERM)))


def code_program(machine: str) -> bytes:
    """A program that allows all but making memory runnable. The kernel takes the strictest answer of all programs."""
    numbers = [found for name in _CODE_CALLS if (found := syscalls.number(name, machine)) is not None]
    return b"".join((_start(machine), *(_case(number, _checks((_NO_EXEC,), 0)) for number in numbers), _give(ALLOW)))


def deny_program(profile: Profile, machine: str) -> bytes:
    """A program that allows all but the plain calls of ``profile``, and the checked ones only if every check holds. For programs that nobody wrote for a list."""
    steps = [_start(machine)]
    for name in sorted(profile.plain):
        number = syscalls.number(name, machine)
        if number is not None:
            steps.append(_case(number, _give(ERRNO | EPERM)))
    for name, checks in sorted(profile.checked.items()):
        number = syscalls.number(name, machine)
        if number is not None:
            steps.append(_case(number, _checks(checks, 0)))
    return b"".join((*steps, _give(ALLOW)))


def install(code: bytes) -> None:
    """For all threads of this process, for good. Needs "no new privileges"."""
    held = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(held))
    thread = syscalls.call("seccomp", _SET_MODE_FILTER, _TSYNC, ctypes.create_string_buffer(described, len(described)))
    if thread:
        raise OSError(EPERM, f"seccomp: thread {thread} could not take up the rules")


def close_code() -> None:
    """Give back the right to load native code, which ``profiles.with_code`` left open."""
    install(code_program(syscalls.machine()))
