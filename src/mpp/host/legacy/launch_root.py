"""A root folder of its own for an older MCP server: system folders to read, the named paths, an empty home and an empty temporary folder; nothing else exists.

Runs in the process that becomes the server, which has a namespace of mounts. Spec: legacy V-20 to V-24.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from contextlib import suppress

from mpp.host.legacy.launch_plan import LaunchPlan
from mpp.host.legacy.limits import ROOM_BYTES
from mpp.jail.syscalls import call

_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_RUNNING = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18
_DETACH, _HERE, _ALL_BELOW = 2, -100, 0x8000
_PLACES = ("/tmp", "/var/tmp", "/run", "/mnt")  # noqa: S108 - where the new root is put together, out of sight of every other process

_SHELL = "/bin/sh"


def enter(plan: LaunchPlan) -> None:
    """Put the root together and go there for good. Any failure is an OSError, and then nothing is started."""
    # Attack: a path that is swapped for a link between being judged and being shown. What is opened here is what is shown.
    opened = [(_opened(path), path, False, True) for path in plan.system if os.path.lexists(path) and not os.path.islink(path)]
    opened += [(_opened(path), path, True, False) for path in plan.devices if os.path.exists(path)]
    opened += [(_opened(one.path), one.path, one.write, True) for one in plan.shown]
    links = [(path, os.readlink(path)) for path in plan.system if os.path.islink(path)]
    place = next(one for one in _PLACES if os.path.isdir(one))
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("mpp", place, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=4m")
    os.chdir(place)
    _frame(plan)
    for path, target in links:
        _below(path, is_folder=False, make=False)
        os.symlink(target, "." + path)
    for fd, path, write, plain in sorted(opened, key=lambda one: one[1].count("/")):
        _show(fd, path, write=write, plain=plain)
    _own_proc()
    call("pivot_root", b".", b".")
    call("umount2", b".", _DETACH)
    os.chdir("/")
    _mount(None, "/", None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def _opened(path: str) -> int:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    if stat.S_ISLNK(os.fstat(fd).st_mode):
        raise OSError(errno.ELOOP, f"{path} has become a link")
    return fd


def _frame(plan: LaunchPlan) -> None:
    """The folders that every program expects."""
    for name in ("dev", "etc", "proc", "tmp"):
        os.mkdir(name)
    _below(plan.home, is_folder=True)
    for path, mode in (("tmp", "1777"), ("." + plan.home, "700")):
        _mount("mpp", path, "tmpfs", _NO_SUID | _NO_DEVICES, f"mode={mode},size={ROOM_BYTES}")
    os.makedirs("dev/shm")
    _mount("mpp", "dev/shm", "tmpfs", _NO_SUID | _NO_DEVICES, f"mode=1777,size={ROOM_BYTES}")
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(target, f"dev/{name}")
    uid, gid = os.getuid(), os.getgid()
    _file("etc/passwd", f"{plan.name}:x:{uid}:{gid}::{plan.home}:{_SHELL}\n")
    _file("etc/group", f"{plan.name}:x:{gid}:\n")
    _file("etc/hosts", "127.0.0.1 localhost\n")


def _file(path: str, text: str = "") -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, text.encode("utf-8"))
    finally:
        os.close(fd)


def _below(path: str, *, is_folder: bool, make: bool = True) -> None:
    """Make the place for ``path`` in the new root."""
    folder = path if is_folder else os.path.dirname(path)
    os.makedirs("." + folder, exist_ok=True)
    if make and not is_folder and not os.path.lexists("." + path):
        _file("." + path)


def _show(fd: int, path: str, *, write: bool, plain: bool) -> None:
    _below(path, is_folder=stat.S_ISDIR(os.fstat(fd).st_mode))
    target = "." + path
    _mount(f"/proc/self/fd/{fd}", target, None, _BIND | _RECURSIVE)
    os.close(fd)
    _set(target, (0 if write else _READ_ONLY) | _NO_SUID | (_NO_DEVICES if plain else 0))


def _set(target: str, flags: int) -> None:
    """With all that is mounted below: a bind alone leaves that as it was."""
    try:
        wanted = struct.pack("<4Q", flags, 0, 0, 0)
        call("mount_setattr", _HERE, os.fsencode(target), _ALL_BELOW, ctypes.create_string_buffer(wanted, len(wanted)), len(wanted))
    except OSError as fault:
        if fault.errno != errno.ENOSYS:
            raise
        _mount(None, target, None, _REMOUNT | _BIND | flags)


def _own_proc() -> None:
    """Its own processes. Attack: root without rights may still write to the kernel's settings, such as the program that takes core files; so nothing there can be written."""
    with suppress(PermissionError):
        _mount("proc", "proc", "proc", _NO_SUID | _NO_DEVICES | _NO_RUNNING)
        _set("proc", _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_RUNNING)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    call("mount", *(None if one is None else os.fsencode(one) for one in (source, target, kind)), flags, None if data is None else os.fsencode(data))
