"""path_open: the one function that makes descriptors.

Of the rights that are asked for, reading and writing count; a descriptor gets whatever else its folder passes on. C and Rust libraries ask
for words of rights that fit no single file, so hosts agree on this. What a guest wants less of, it takes away with fd_fdstat_set_rights.
"""

from __future__ import annotations

import errno
import os
import stat

from mpp.stages.sandbox.wasi import beneath, codes, limits, memory, rights
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.handles import Device, File, Folder, HostFile
from mpp.stages.sandbox.wasi.memory import U32
from mpp.stages.sandbox.wasi.rights import BITS
from mpp.stages.sandbox.wasi.state import Entry, Handle, State

_FILE_MODE = 0o600
_DIRECTION = rights.FD_READ | rights.FD_WRITE
# Attack: an open that waits for the other end of a pipe, or makes a terminal ours.
_ALWAYS = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def folder_of(call: State, fd: int, needed: int) -> Folder:
    """An open folder that has the rights ``needed``."""
    found = call.handle(fd)
    if not isinstance(found, Folder):
        raise codes.Errno(codes.NOTDIR)
    if needed & ~found.base:
        raise codes.Errno(codes.NOTCAPABLE)
    return found


@answers
def path_open(call: State, fd: int, lookup: int, path: int, size: int, asked: int, base: int, _inheriting: int, flags: int, result: int) -> None:
    here = call.view()
    memory.span(here, result, 4)
    folder = folder_of(call, fd, BITS["path_open"])
    name = memory.path(here, path, size)
    if asked & ~rights.OPEN_FLAGS or flags & ~rights.FD_FLAGS or lookup & ~rights.SYMLINK_FOLLOW:
        raise codes.Errno(codes.INVAL)
    call.need_descriptor()
    entry = folder.entry(name)
    if entry is not None:
        made = _open_entry(call, entry, folder, asked, base, flags)
    elif folder.fd < 0:
        made = _open_virtual(folder, name, asked, base)
    else:
        made = _open_real(call, folder, name, _wish(folder, lookup, asked, base, flags))
    U32.pack_into(here, result, call.add(made))


class _Wish:
    """What an open asks for, judged against its folder."""

    __slots__ = ("flags", "granted", "host", "writes")

    def __init__(self, folder: Folder, lookup: int, asked: int, base: int, flags: int) -> None:
        wanted = base & _DIRECTION
        # Attack: O_CREAT with O_DIRECTORY made files on some kernels; none has a use for it.
        if asked & rights.O_CREAT and asked & rights.O_DIRECTORY:
            raise codes.Errno(codes.INVAL)
        self.writes = bool(wanted & rights.FD_WRITE or asked & (rights.O_CREAT | rights.O_TRUNC))
        if self.writes and not folder.writes:
            raise codes.Errno(codes.PERM)
        needed = BITS["path_create_file"] if asked & rights.O_CREAT else 0
        needed |= BITS["path_filestat_set_size"] if asked & rights.O_TRUNC else 0
        if needed & ~folder.base or wanted & ~folder.inheriting:
            raise codes.Errno(codes.NOTCAPABLE)
        self.granted = wanted | (folder.inheriting & rights.FILE & ~_DIRECTION)
        self.flags = flags
        self.host = _host_flags(lookup, asked, wanted, flags)


_wishes: dict[tuple[int, ...], _Wish] = {}


def _wish(folder: Folder, lookup: int, asked: int, base: int, flags: int) -> _Wish:
    """The same, remembered: a program opens its files in two or three ways."""
    key = (lookup, asked, base & _DIRECTION, flags, folder.base, folder.inheriting, folder.writes)
    found = _wishes.get(key)
    if found is None:
        if len(_wishes) >= limits.WISHES_MAX:
            _wishes.clear()
        found = _wishes[key] = _Wish(folder, lookup, asked, base, flags)
    return found


def _host_flags(lookup: int, asked: int, wanted: int, flags: int) -> int:
    """The host's flags, without O_CREAT. Appending is done by each write, so that fd_pwrite still goes where it says."""
    host = _ALWAYS | (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY, os.O_RDWR)[bool(wanted & rights.FD_READ) + 2 * bool(wanted & rights.FD_WRITE)]
    host |= 0 if lookup & rights.SYMLINK_FOLLOW else os.O_NOFOLLOW
    host |= os.O_DIRECTORY if asked & rights.O_DIRECTORY else 0
    host |= os.O_TRUNC if asked & rights.O_TRUNC else 0
    host |= os.O_DSYNC if flags & rights.DSYNC else 0
    host |= os.O_SYNC if flags & (rights.SYNC | rights.RSYNC) else 0
    return host | (_CREATE if asked & rights.O_CREAT else 0) | (os.O_EXCL if asked & rights.O_EXCL else 0)


_CREATE = os.O_CREAT


def _open_real(call: State, folder: Folder, name: bytes, wish: _Wish) -> Handle:
    try:
        opened = _open_or_make(call, folder.fd, name, wish.host)
    except OSError as fault:
        # A pipe without its other end and a socket: the same answer as for those that can be opened.
        if fault.errno == errno.ENXIO:
            raise codes.Errno(codes.ACCES) from None
        raise
    try:
        mode = os.fstat(opened).st_mode
        whole = folder.below(name)
        if stat.S_ISDIR(mode):
            return Folder.opened(opened, whole, folder)
        # Attack: a pipe or device in a granted folder blocks for ever, or does more than a file does.
        if not stat.S_ISREG(mode):
            raise codes.Errno(codes.ACCES)
    except (codes.Errno, OSError):
        os.close(opened)
        raise
    _note(call, whole, wish.writes, wish.granted)
    return File(opened, whole, wish.granted, wish.flags, writes=folder.writes, owned=True)


def _note(call: State, path: bytes, writes: bool, granted: int) -> None:
    if writes:
        call.note(path, written=True)
    if granted & rights.FD_READ:
        call.note(path, written=False)


def _open_or_make(call: State, folder: int, name: bytes, flags: int) -> int:
    """Open, and know whether a file was made, since each counts."""
    if not flags & os.O_CREAT:
        return beneath.open_beneath(folder, name, flags)
    if not flags & os.O_EXCL:
        try:
            return beneath.open_beneath(folder, name, flags & ~os.O_CREAT)
        except FileNotFoundError:
            pass
    call.need_creation()
    # Without O_EXCL here: the name may be a link to a file beneath the grant that does not exist yet.
    opened = beneath.open_beneath(folder, name, flags, _FILE_MODE)
    call.created()
    return opened


def _open_entry(call: State, entry: Entry, folder: Folder, asked: int, base: int, flags: int) -> Handle:
    """A single grant. Its descriptor is open since the start, and no lookup happens."""
    wanted = base & _DIRECTION
    if asked & rights.O_DIRECTORY:
        raise codes.Errno(codes.NOTDIR)
    if asked & rights.O_CREAT and asked & rights.O_EXCL:
        raise codes.Errno(codes.EXIST)
    writes = bool(wanted & rights.FD_WRITE or asked & rights.O_TRUNC)
    if (writes and not entry.write) or (wanted & rights.FD_READ and not entry.read):
        raise codes.Errno(codes.PERM)
    if wanted & ~folder.inheriting:
        raise codes.Errno(codes.NOTCAPABLE)
    _note(call, entry.name, writes, wanted)
    if entry.fd < 0:
        return HostFile(entry.name)
    if entry.kind == rights.CHARACTER:
        return Device(entry, wanted)
    if asked & rights.O_TRUNC:
        os.ftruncate(entry.fd, 0)
    granted = wanted | (folder.inheriting & rights.FILE & ~_DIRECTION)
    return File(entry.fd, entry.name, granted, flags, writes=entry.write, owned=False)


def _open_virtual(folder: Folder, name: bytes, asked: int, base: int) -> Handle:
    """In a folder of single grants there is nothing else, and nothing can be made."""
    need_self(name)
    if asked & (rights.O_CREAT | rights.O_TRUNC) or base & rights.FD_WRITE:
        raise codes.Errno(codes.ISDIR)
    return folder.again()


def need_self(name: bytes) -> None:
    """Does the path name the folder itself? Nothing else is there, and ``..`` leads out."""
    parts = [part for part in name.split(b"/") if part and part != b"."]
    if name[:1] == b"/" or b".." in parts:
        raise codes.Errno(codes.NOTCAPABLE)
    if parts or not name:
        raise codes.Errno(codes.NOENT)
