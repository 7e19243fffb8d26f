"""Rights and other flag words of WASI preview 1."""

from __future__ import annotations

_NAMES = (
    "fd_datasync fd_read fd_seek fd_fdstat_set_flags fd_sync fd_tell fd_write fd_advise fd_allocate path_create_directory path_create_file"
    " path_link_source path_link_target path_open fd_readdir path_readlink path_rename_source path_rename_target path_filestat_get"
    " path_filestat_set_size path_filestat_set_times fd_filestat_get fd_filestat_set_size fd_filestat_set_times path_symlink"
    " path_remove_directory path_unlink_file poll_fd_readwrite sock_shutdown sock_accept"
)
BITS = {name: 1 << place for place, name in enumerate(_NAMES.split())}
"""Each right by the name it has in the interface."""


def rights(names: str) -> int:
    """The word for names between spaces."""
    return sum(BITS[name] for name in names.split())


FD_READ, FD_WRITE, FD_SEEK, FD_TELL = BITS["fd_read"], BITS["fd_write"], BITS["fd_seek"], BITS["fd_tell"]
FD_READDIR, POLL = BITS["fd_readdir"], BITS["poll_fd_readwrite"]

FILE = rights(
    "fd_datasync fd_read fd_seek fd_fdstat_set_flags fd_sync fd_tell fd_write fd_advise fd_allocate fd_filestat_get fd_filestat_set_size"
    " fd_filestat_set_times poll_fd_readwrite"
)
"""What applies to a regular file."""

FOLDER = (
    sum(bit for name, bit in BITS.items() if name.startswith("path_"))
    | FD_READDIR
    | rights("fd_sync fd_datasync fd_fdstat_set_flags fd_filestat_get fd_filestat_set_times")
)
"""What applies to a folder."""

INHERITED = FOLDER | FILE
"""What a folder passes on."""

STREAM = rights("fd_filestat_get fd_fdstat_set_flags poll_fd_readwrite")
"""What applies to a stream, beside its direction. No seek, so that a C library asks no further."""

UNKNOWN, CHARACTER, DIRECTORY, REGULAR, LINK = 0, 2, 3, 4, 7
"""File types."""

BLOCK, SOCKET = 1, 6

SYMLINK_FOLLOW = 1
O_CREAT, O_DIRECTORY, O_EXCL, O_TRUNC = 1, 2, 4, 8
APPEND, DSYNC, NONBLOCK, RSYNC, SYNC = 1, 2, 4, 8, 16
OPEN_FLAGS, FD_FLAGS = 15, 31
ATIM, ATIM_NOW, MTIM, MTIM_NOW = 1, 2, 4, 8
