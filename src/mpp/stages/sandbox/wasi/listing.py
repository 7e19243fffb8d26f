"""fd_readdir: a folder's names, taken once and then given in pieces."""

from __future__ import annotations

import itertools
import os
import struct

from mpp.stages.sandbox.wasi import beneath, codes, memory, rights
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.handles import Folder, filetype
from mpp.stages.sandbox.wasi.memory import U32
from mpp.stages.sandbox.wasi.state import State

_DIRENT = struct.Struct("<QQIB3x")


@answers
def fd_readdir(call: State, fd: int, at: int, size: int, cookie: int, result: int) -> None:
    here = call.view()
    target = memory.span(here, at, size)
    memory.span(here, result, 4)
    folder = call.handle(fd)
    if not isinstance(folder, Folder):
        raise codes.Errno(codes.BADF)
    call.handle(fd, rights.FD_READDIR)
    # A cookie is a place in the listing as it was when the guest began to read; from 0 it is taken anew.
    if cookie == 0 or folder.listing is None:
        _take(call, folder)
    used = 0
    for packed in itertools.islice(folder.listing or (), min(cookie, len(folder.listing or ())), None):
        piece = packed[: size - used]
        target[used : used + len(piece)] = piece
        used += len(piece)
        if used == size:
            break
    U32.pack_into(here, result, used)


def _take(call: State, folder: Folder) -> None:
    """Read the folder whole, in bytewise order, so that two runs see the same. Attack: a folder with millions of names."""
    call.entries_left += folder.entries_held
    folder.entries_held, folder.listing = 0, None
    found = _real(folder.fd, call.entries_left) if folder.fd >= 0 else {}
    for name, entry in folder.entries.items():
        found[name] = (0 if entry.fd < 0 else os.fstat(entry.fd).st_ino, entry.kind)
    if len(found) > call.entries_left:
        raise codes.Errno(codes.DQUOT)
    own = os.fstat(folder.fd).st_ino if folder.fd >= 0 else 0
    # The folder above is none of the guest's business, so ``..`` has the number of the folder itself.
    rows = [(b".", own, rights.DIRECTORY), (b"..", own, rights.DIRECTORY), *((name, *what) for name, what in sorted(found.items()))]
    folder.listing = [_DIRENT.pack(place, inode, len(name), kind) + name for place, (name, inode, kind) in enumerate(rows, 1)]
    folder.entries_held = len(found)
    call.entries_left -= len(found)
    call.note(folder.name, written=False)


def _real(fd: int, most: int) -> dict[bytes, tuple[int, int]]:
    """Names, inodes and types. Names that are not UTF-8 are left out: no path of a guest could reach them."""
    found: dict[bytes, tuple[int, int]] = {}
    opened = beneath.open_beneath(fd, b".", beneath.LIST)
    try:
        with os.scandir(opened) as entries:
            for entry in itertools.islice(entries, most + 1):
                name = os.fsencode(entry.name)
                if _is_text(name):
                    found[name] = (entry.inode(), _kind(entry))
    finally:
        os.close(opened)
    return found


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _kind(entry: os.DirEntry[str]) -> int:
    """The type, from the listing itself where it has one of the usual three."""
    if entry.is_file(follow_symlinks=False):
        return rights.REGULAR
    if entry.is_dir(follow_symlinks=False):
        return rights.DIRECTORY
    if entry.is_symlink():
        return rights.LINK
    try:
        return filetype(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return rights.UNKNOWN
