"""Functions that move bytes: fd_read, fd_write, fd_pread, fd_pwrite, fd_seek, fd_tell."""

from __future__ import annotations

from mpp.stages.sandbox.wasi import codes, memory, rights
from mpp.stages.sandbox.wasi.codes import answers
from mpp.stages.sandbox.wasi.handles import File, Folder
from mpp.stages.sandbox.wasi.memory import U32, U64
from mpp.stages.sandbox.wasi.state import Handle, State

_SIGN = 1 << 63


def _open_for(call: State, fd: int, right: int) -> Handle:
    """BADF, not NOTCAPABLE, for a descriptor that is not open in this direction: it is what programs know from POSIX."""
    found = call.handles.get(fd)
    if found is None or not found.base & right:
        raise codes.Errno(codes.BADF)
    return found


def _placed(found: Handle) -> File:
    """A descriptor that has positions."""
    if not isinstance(found, File):
        raise codes.Errno(codes.BADF if isinstance(found, Folder) else codes.SPIPE)
    return found


def _placed_for(call: State, fd: int, right: int) -> File:
    file = _placed(_open_for(call, fd, right))
    call.handle(fd, rights.FD_SEEK)
    return file


def _file(call: State, fd: int, needed: int) -> File:
    file = _placed(call.handle(fd))
    call.handle(fd, needed)
    return file


@answers
def fd_read(call: State, fd: int, vector: int, count: int, result: int) -> None:
    here = call.view()
    into = memory.buffers(here, vector, count)
    U32.pack_into(here, result, _open_for(call, fd, rights.FD_READ).read(call, into))


@answers
def fd_write(call: State, fd: int, vector: int, count: int, result: int) -> None:
    here = call.view()
    data = memory.buffers(here, vector, count)
    U32.pack_into(here, result, _open_for(call, fd, rights.FD_WRITE).write(call, data))


@answers
def fd_pread(call: State, fd: int, vector: int, count: int, offset: int, result: int) -> None:
    here = call.view()
    into = memory.buffers(here, vector, count)
    U32.pack_into(here, result, _placed_for(call, fd, rights.FD_READ).pread(into, offset))


@answers
def fd_pwrite(call: State, fd: int, vector: int, count: int, offset: int, result: int) -> None:
    here = call.view()
    data = memory.buffers(here, vector, count)
    U32.pack_into(here, result, _placed_for(call, fd, rights.FD_WRITE).pwrite(call, data, offset))


@answers
def fd_seek(call: State, fd: int, offset: int, whence: int, result: int) -> None:
    here = call.view()
    # To learn the position, the right to tell is enough.
    needed = rights.FD_TELL if offset == 0 and whence == 1 else rights.FD_SEEK | rights.FD_TELL
    file = _file(call, fd, needed)
    memory.span(here, result, 8)
    U64.pack_into(here, result, file.seek(offset - 2 * (offset & _SIGN), whence))


@answers
def fd_tell(call: State, fd: int, result: int) -> None:
    U64.pack_into(call.view(), result, _file(call, fd, rights.FD_TELL).position)
