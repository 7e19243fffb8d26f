"""Landlock: the kernel's rules over files, TCP ports and signals. Whatever no rule names is refused."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from contextlib import suppress
from typing import NamedTuple

from mpp.jail import syscalls

_ASK_VERSION = 1
_PATH_BENEATH = 1
_NETWORK_PORT = 2
_CONNECT = 1 << 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_FOLDER, _MAKE_FILE, _MAKE_LINK = 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14

_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _READ_FILE | _READ_FOLDER
# Attack: a pipe, socket or device file in a granted folder, planted for whoever opens it next. The rights to make them are never given.
_WRITE = _WRITE_FILE | _REMOVE_FOLDER | _REMOVE_FILE | _MAKE_FOLDER | _MAKE_FILE | _MAKE_LINK | _REFER | _TRUNCATE

NETWORK_SINCE, SCOPES_SINCE = 4, 6
"""The versions that first had a say over TCP ports, and over signals and abstract sockets."""
_BIND_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3

TRUNCATION_SINCE = 3
"""The version that first had a say over truncating a file."""


class Rule(NamedTuple):
    """What may be done at and below one path, given as itself or as a descriptor of it."""

    at: int | str
    read: bool = True
    write: bool = False
    run: bool = False
    """May programs be started from there? Never for what runs packages."""


def version() -> int:
    """The version of Landlock that this kernel offers; 0 where there is none."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, _ASK_VERSION)
    except OSError:
        return 0


def known_rights(abi: int) -> int:
    """All rights over files that a version knows."""
    if abi >= 5:
        return 0xFFFF
    return {1: 0x1FFF, 2: 0x3FFF}.get(abi, 0x7FFF)


def attributes(abi: int) -> bytes:
    """Every right that the version knows is taken away: the bytes of struct landlock_ruleset_attr."""
    words = [known_rights(abi)]
    if abi >= NETWORK_SINCE:
        words.append(_BIND_AND_CONNECT)
    if abi >= SCOPES_SINCE:
        words.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    return struct.pack(f"<{len(words)}Q", *words)


def prepare(rules: tuple[Rule, ...], *, abi: int, connect: tuple[int, ...] = ()) -> int:
    """The descriptor of a set of rules, for ``take_up``. Paths are followed now. ``connect``: the only TCP ports that may be connected to."""
    given = attributes(abi)
    ruleset = syscalls.call("landlock_create_ruleset", ctypes.create_string_buffer(given, len(given)), len(given), 0)
    try:
        for rule in rules:
            _add(ruleset, rule, known_rights(abi))
        for port in connect if abi >= NETWORK_SINCE else ():
            packed = struct.pack("<QQ", _CONNECT, port)
            syscalls.call("landlock_add_rule", ruleset, _NETWORK_PORT, ctypes.create_string_buffer(packed, len(packed)), 0)
    except OSError:
        os.close(ruleset)
        raise
    return ruleset


def _add(ruleset: int, rule: Rule, known: int) -> None:
    at = os.open(rule.at, os.O_PATH | os.O_CLOEXEC) if isinstance(rule.at, str) else os.dup(rule.at)
    try:
        rights = (_READ if rule.read else 0) | (_WRITE if rule.write else 0) | (_EXECUTE if rule.run else 0)
        if not stat.S_ISDIR(os.fstat(at).st_mode):
            rights &= _OF_A_FILE
        # struct landlock_path_beneath_attr is packed: eight bytes of rights, four of the descriptor.
        packed = struct.pack("<Qi", rights & known, at)
        syscalls.call("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.create_string_buffer(packed, len(packed)), 0)
    finally:
        os.close(at)


def take_up(ruleset: int) -> None:
    """Hold this thread, and all it will start, to the rules, for good. Needs "no new privileges"."""
    try:
        syscalls.call("landlock_restrict_self", ruleset, 0)
    finally:
        with suppress(OSError):
            os.close(ruleset)


def restrict(rules: tuple[Rule, ...], *, abi: int) -> None:
    """Both in one. Without rules, no file can be opened."""
    take_up(prepare(rules, abi=abi))
