"""Functions on paths that open nothing: make, remove, rename, link, and look.

Each finds the folder of its last component beneath the grant and then acts on that component without following it. A read-only grant
answers PERM to all that would change something, as other hosts do.
"""

from __future__ import annotations

import os
import stat

from mpp.stages.sandbox.wasi import beneath, codes, memory, rights
from mpp.stages.sandbox.wasi.beneath import Place
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.descriptors import moments
from mpp.stages.sandbox.wasi.handles import Folder, filestat
from mpp.stages.sandbox.wasi.memory import U32
from mpp.stages.sandbox.wasi.opening import folder_of, need_self
from mpp.stages.sandbox.wasi.rights import BITS
from mpp.stages.sandbox.wasi.state import FILESTAT, State

_FOLDER_MODE = 0o700


def _changing(call: State, fd: int, name: bytes, right: str) -> Folder:
    """A folder in which ``name`` may be made, removed or replaced."""
    folder = folder_of(call, fd, BITS[right])
    # A single grant is a right to the file, not to its name.
    if not folder.writes or folder.entry(name.rstrip(b"/")) is not None:
        raise codes.Errno(codes.PERM)
    return folder


@answers
def path_create_directory(call: State, fd: int, path: int, size: int) -> None:
    name = memory.path(call.view(), path, size)
    folder = _changing(call, fd, name, "path_create_directory")
    call.need_creation()
    with Place(folder.fd, name, codes.EXIST) as place:
        os.mkdir(place.name, _FOLDER_MODE, dir_fd=place.fd)
    call.created()
    call.note(folder.below(name), written=True)


@answers
def path_remove_directory(call: State, fd: int, path: int, size: int) -> None:
    name = memory.path(call.view(), path, size)
    folder = _changing(call, fd, name, "path_remove_directory")
    with Place(folder.fd, name, codes.INVAL) as place:
        os.rmdir(place.name, dir_fd=place.fd)
    call.note(folder.below(name), written=True)


@answers
def path_unlink_file(call: State, fd: int, path: int, size: int) -> None:
    name = memory.path(call.view(), path, size)
    folder = _changing(call, fd, name, "path_unlink_file")
    with Place(folder.fd, name, codes.ISDIR) as place:
        if place.slash:
            _refuse_slash(place.mode(), codes.ISDIR)
        os.unlink(place.name, dir_fd=place.fd)
    call.note(folder.below(name), written=True)


def _refuse_slash(mode: int, folder_answer: int) -> None:
    """What a path with a trailing slash answers where no folder is wanted."""
    if not mode:
        raise codes.Errno(codes.NOENT)
    raise codes.Errno(folder_answer if stat.S_ISDIR(mode) else codes.NOTDIR)


@answers
def path_rename(call: State, fd: int, path: int, size: int, new_fd: int, new_path: int, new_size: int) -> None:
    here = call.view()
    name, new_name = memory.path(here, path, size), memory.path(here, new_path, new_size)
    folder = _changing(call, fd, name, "path_rename_source")
    target = _changing(call, new_fd, new_name, "path_rename_target")
    with Place(folder.fd, name, codes.BUSY) as old, Place(target.fd, new_name, codes.BUSY) as new:
        mode = old.mode()
        if (old.slash or new.slash) and not stat.S_ISDIR(mode):
            raise codes.Errno(codes.NOTDIR if mode else codes.NOENT)
        _judge_moved_link(old, mode)
        os.rename(old.name, new.name, src_dir_fd=old.fd, dst_dir_fd=new.fd)
    call.note(folder.below(name), written=True)
    call.note(target.below(new_name), written=True)


@answers
def path_link(call: State, fd: int, lookup: int, path: int, size: int, new_fd: int, new_path: int, new_size: int) -> None:
    """A hard link, from one writable grant to another. Attack: a second name, in a writable folder, for a file that is granted for reading."""
    here = call.view()
    name, new_name = memory.path(here, path, size), memory.path(here, new_path, new_size)
    folder = _changing(call, fd, name, "path_link_source")
    target = _changing(call, new_fd, new_name, "path_link_target")
    if lookup:
        raise codes.Errno(codes.INVAL)
    call.need_creation()
    with Place(folder.fd, name, codes.PERM) as old:
        _judge_link_source(old)
        _make_link(old, target, new_name)
    call.created()
    call.note(target.below(new_name), written=True)


def _judge_link_source(place: Place) -> None:
    mode = place.mode()
    if place.slash:
        _refuse_slash(mode, codes.PERM)
    if not mode:
        raise codes.Errno(codes.NOENT)
    _judge_moved_link(place, mode)


def _make_link(old: Place, target: Folder, new_name: bytes) -> None:
    with Place(target.fd, new_name, codes.EXIST) as new:
        if new.slash:
            _refuse_slash(new.mode(), codes.EXIST)
        os.link(old.name, new.name, src_dir_fd=old.fd, dst_dir_fd=new.fd, follow_symlinks=False)


def _judge_moved_link(place: Place, mode: int) -> None:
    """Attack: a link of the host that stays inside from where it is, and leads out from where the guest moves it."""
    if stat.S_ISLNK(mode) and _leads_up(os.readlink(place.name, dir_fd=place.fd)):
        raise codes.Errno(codes.PERM)


def _leads_up(target: bytes) -> bool:
    return target[:1] == b"/" or b".." in target.split(b"/")


@answers
def path_symlink(call: State, target_at: int, target_size: int, fd: int, path: int, size: int) -> None:
    """A link that can only lead down. Attack: one that programs of the host follow out of the folder, now or after a rename."""
    here = call.view()
    target, name = memory.path(here, target_at, target_size), memory.path(here, path, size)
    folder = _changing(call, fd, name, "path_symlink")
    if not target:
        raise codes.Errno(codes.NOENT)
    if _leads_up(target):
        raise codes.Errno(codes.PERM)
    call.need_creation()
    with Place(folder.fd, name, codes.EXIST) as place:
        if place.slash:
            _refuse_slash(place.mode(), codes.EXIST)
        os.symlink(target, place.name, dir_fd=place.fd)
    call.created()
    call.note(folder.below(name), written=True)


def _look(folder: Folder, name: bytes, *, follow: bool) -> int:
    """A descriptor that only points: enough to look at what is there, and nothing happens to a pipe or device by it."""
    return beneath.open_beneath(folder.fd, name, beneath.LOOK if follow else beneath.LOOK_SELF)


@answers
def path_filestat_get(call: State, fd: int, lookup: int, path: int, size: int, result: int) -> None:
    here = call.view()
    target = memory.span(here, result, 64)
    folder = folder_of(call, fd, BITS["path_filestat_get"])
    name = memory.path(here, path, size)
    entry = folder.entry(name)
    if entry is not None:
        target[:] = filestat(os.fstat(entry.fd)) if entry.fd >= 0 else FILESTAT.pack(0, 0, entry.kind, 1, 0, 0, 0, 0)
        return
    if folder.fd < 0:
        need_self(name)
        target[:] = folder.stat()
        return
    looked = _look(folder, name, follow=bool(lookup & rights.SYMLINK_FOLLOW))
    try:
        target[:] = filestat(os.fstat(looked))
    finally:
        os.close(looked)


@answers
def path_filestat_set_times(call: State, fd: int, lookup: int, path: int, size: int, accessed: int, modified: int, flags: int) -> None:
    name = memory.path(call.view(), path, size)
    times = moments(call, accessed, modified, flags)
    folder = _changing(call, fd, name, "path_filestat_set_times")
    looked = _look(folder, name, follow=bool(lookup & rights.SYMLINK_FOLLOW))
    try:
        beneath.set_times(looked, *times)
    finally:
        os.close(looked)
    call.note(folder.below(name), written=True)


@answers
def path_readlink(call: State, fd: int, path: int, size: int, at: int, capacity: int, result: int) -> None:
    """The target, cut to the buffer. One that begins at the root of the host is not shown: it leads nowhere here and says what is there."""
    here = call.view()
    into = memory.span(here, at, capacity)
    memory.span(here, result, 4)
    folder = folder_of(call, fd, BITS["path_readlink"])
    name = memory.path(here, path, size)
    if folder.entry(name) is not None:
        raise codes.Errno(codes.INVAL)
    if folder.fd < 0:
        need_self(name)
        raise codes.Errno(codes.INVAL)
    looked = _look(folder, name, follow=False)
    try:
        if not stat.S_ISLNK(os.fstat(looked).st_mode):
            raise codes.Errno(codes.INVAL)
        target = os.readlink(b"", dir_fd=looked)[:capacity]
    finally:
        os.close(looked)
    if target[:1] == b"/":
        raise codes.Errno(codes.NOTCAPABLE)
    into[: len(target)] = target
    U32.pack_into(here, result, len(target))
