"""Files that decide what may run: whose they are, who could have written them, and whether they are still being written.

Spec: policy-bundle B-30 to B-33.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable
from typing import NamedTuple

from mpp.errors import HostFailed, Refused

READS_MAX = 5
"""Attempts at reading a file that changes while it is read. Reason: who writes it for longer than that is no editor that saves."""

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Stamp(NamedTuple):
    """How a file looked. The time is that of its last change of any kind: unlike the time of its content, nobody can set it back."""

    device: int
    inode: int
    changed_ns: int
    size: int
    owner: int
    mode: int


def look(path: str) -> Stamp | None:
    """The path itself, not what a link leads to; None where nothing stands."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        # What cannot be looked at is never taken for absent: an absent policy denies nothing.
        raise HostFailed("host.file", f"cannot look at the file: {fault.strerror}", where=path, hint="check who may read it") from None
    return _stamp(found)


class Glance(NamedTuple):
    """Enough of a stamp to see whether a file is still as it was: every change of it has a time of its own."""

    changed_ns: int
    inode: int
    device: int


UNSEEN = Glance(0, -1, -1)
"""Of what cannot be looked at. Reading it will say why."""


def glance(path: str) -> Glance | None:
    """None where nothing stands. It is made before each call, so it costs little and raises nothing."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return UNSEEN
    # Without the initialiser, which is a function of its own: this is done many times in each call.
    return tuple.__new__(Glance, (found.st_ctime_ns, found.st_ino, found.st_dev))


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size, found.st_uid, found.st_mode)


def check_folder(path: str, owners: Iterable[int]) -> bool:
    """Is the folder there? One that others may write, or that somebody else owns, is refused.

    Attack: whoever may write the folder swaps the file in it, whatever the mode of the file says.
    """
    found = look(path)
    if found is None:
        return False
    if not stat.S_ISDIR(found.mode):
        raise Refused("policy.mode", "this is no folder", where=path, hint="make it a folder; a link is not followed here")
    _check(path, found, owners)
    return True


def _check(path: str, found: Stamp, owners: Iterable[int]) -> None:
    owners = tuple(owners)
    if found.owner not in owners:
        who = "root" if owners == (0,) else f"user {owners[0]}"
        message = f"user {found.owner} owns what decides here, and only {who} may"
        raise Refused("policy.mode", message, where=path, hint=f"look at it, then run: chown {who.removeprefix('user ')} {shlex.quote(path)}")
    if stat.S_IMODE(found.mode) & _OTHERS:
        raise Refused("policy.mode", "others may change what decides here", where=path, hint=f"look at it, then run: chmod go-w {shlex.quote(path)}")


def read_owned(path: str, most: int, owners: Iterable[int] | None) -> bytes | None:
    """All bytes of a file that only ``owners`` can have written; None where it is absent. ``owners`` None: whoever wrote it has signed it.

    It is judged by its descriptor, so that what was checked is what is read, and read again if it changed meanwhile.
    """
    for _ in range(READS_MAX):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as fault:
            raise _unopened(path, fault) from None
        try:
            before = _stamp(os.fstat(fd))
            _check_file(path, before, owners)
            data = _read(fd, most, path)
            if _stamp(os.fstat(fd)) == before:
                return data
        finally:
            os.close(fd)
    raise HostFailed("host.file", "the file changes while it is read", where=path, hint="write it under another name and rename it")


def _unopened(path: str, fault: OSError) -> HostFailed | Refused:
    if os.path.islink(path):
        # Attack: a link whose target, or a folder on the way to it, others may change.
        return Refused("policy.mode", "this is a link, and none is followed here", where=path, hint="put the file itself there")
    return HostFailed("host.file", f"cannot open the file: {fault.strerror}", where=path, hint="check who may read it")


def _check_file(path: str, found: Stamp, owners: Iterable[int] | None) -> None:
    if not stat.S_ISREG(found.mode):
        raise Refused("policy.mode", "this is no regular file", where=path, hint="put a file there")
    if owners is not None:
        _check(path, found, owners)


def _read(fd: int, most: int, path: str) -> bytes:
    pieces: list[bytes] = []
    left = most + 1
    try:
        while left > 0 and (piece := os.read(fd, left)):
            pieces.append(piece)
            left -= len(piece)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot read the file: {fault.strerror}", where=path, hint="try again") from None
    if left <= 0:
        raise Refused("policy.length", f"the file has more than {most} bytes", where=path, hint="make it smaller")
    return b"".join(pieces)
