"""From grants to what a guest finds: folders that are open at its start, with single files and devices as names in theirs.

Runs before the barriers go up, and opens what a call could not open later.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
import stat

from mpp.errors import HostFailed
from mpp.model.value import value
from mpp.stages.sandbox.wasi import beneath, codes, rights
from mpp.stages.sandbox.wasi.state import Entry, Preopen, Quota, Setup

HOST_FOLDER, HOST_NAME = b"/mpp", b"host"


@value
class Grant:
    """A folder or file of the host, opened by it, with the absolute path under which the guest finds it."""

    guest: str
    fd: int
    """A folder opened with O_PATH. A file opened for what was granted, or with O_PATH where /proc is there to open it anew."""
    write: bool
    folder: bool


@value
class DeviceGrant:
    """A character device, opened by the host without blocking."""

    guest: str
    fd: int
    mode: str
    """``r``, ``w`` or ``rw``."""


def prepare(grants: tuple[Grant, ...] = (), devices: tuple[DeviceGrant, ...] = (), *, host_file: bool = True, quota: Quota | None = None) -> Setup:
    """The setup for all calls with these grants. Of two grants with one guest path the later one holds."""
    opened: list[int] = []
    folders = {_guest(one.guest): one for one in grants if one.folder}
    names: dict[bytes, dict[bytes, Entry]] = {}
    for one in grants:
        if not one.folder:
            entry = Entry(name=_guest(one.guest), fd=_file(one, opened), kind=rights.REGULAR, read=True, write=one.write)
            names.setdefault(posixpath.dirname(entry.name), {})[posixpath.basename(entry.name)] = entry
    for device in devices:
        entry = Entry(name=_guest(device.guest), fd=device.fd, kind=rights.CHARACTER, read="r" in device.mode, write="w" in device.mode)
        names.setdefault(posixpath.dirname(entry.name), {})[posixpath.basename(entry.name)] = entry
    if host_file:
        host = Entry(name=HOST_FOLDER + b"/" + HOST_NAME, fd=-1, kind=rights.CHARACTER, read=True, write=True)
        names.setdefault(HOST_FOLDER, {})[HOST_NAME] = host
    preopens = [Preopen(name=name, fd=one.fd, write=one.write, entries=names.pop(name, {})) for name, one in folders.items()]
    preopens += [_around(name, entries, folders, opened) for name, entries in names.items()]
    return Setup(preopens=tuple(preopens), quota=quota or Quota(), opened=tuple(opened))


def _guest(path: str) -> bytes:
    return posixpath.normpath(path).encode()


def _file(grant: Grant, opened: list[int]) -> int:
    """A descriptor that can be read. One that only points to the file is opened anew, here and not in a call."""
    if not stat.S_ISREG(os.fstat(grant.fd).st_mode):
        raise HostFailed("host.grant", "what was granted as a file is none", where=grant.guest, hint="grant a regular file or a folder")
    if not fcntl.fcntl(grant.fd, fcntl.F_GETFL) & beneath.O_PATH:
        return grant.fd
    access = os.O_RDWR if grant.write else os.O_RDONLY
    try:
        opened.append(os.open(f"/proc/self/fd/{grant.fd}", access | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as fault:
        raise HostFailed(
            "host.grant", f"a granted file cannot be opened: {fault.strerror}", where=grant.guest, hint="check that you may use the file"
        ) from None
    return opened[-1]


def _around(name: bytes, entries: dict[bytes, Entry], folders: dict[bytes, Grant], opened: list[int]) -> Preopen:
    """The folder that holds single grants. A C library takes the longest name, so a folder granted above must stay visible through it."""
    above = max((other for other in folders if name.startswith(other.rstrip(b"/") + b"/")), key=len, default=None)
    if above is None:
        return Preopen(name=name, fd=-1, write=False, entries=entries)
    grant = folders[above]
    try:
        opened.append(beneath.open_beneath(grant.fd, name[len(above.rstrip(b"/")) + 1 :], beneath.LOOK_FOLDER))
    except (OSError, codes.Errno):
        return Preopen(name=name, fd=-1, write=False, entries=entries)
    return Preopen(name=name, fd=opened[-1], write=grant.write, entries=entries)
