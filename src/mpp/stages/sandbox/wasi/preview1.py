"""All 46 functions of WASI preview 1, as methods of one object per call."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

from mpp.model.wasmimports import PREVIEW1
from mpp.stages.sandbox.wasi import descriptors, hostcall, listing, opening, paths, poll, process, streams
from mpp.stages.sandbox.wasi.handles import Folder, Stderr, Stdin, Stdout
from mpp.stages.sandbox.wasi.state import Setup, State, Times

FUNCTIONS: tuple[str, ...] = tuple(PREVIEW1)
"""Their names. Each method takes the numbers of the interface, unsigned and in its order, and answers an error number."""

_REAL = Times()
_PLAIN = Setup()


class Preview1(State):
    """The functions for one call. The caller attaches the memory first and closes the object at the end.

    ``proc_exit`` raises ProcExit, a full standard output OutputOver, a wait past the deadline DeadlineOver; the caller ends the guest.
    """

    def __init__(
        self,
        setup: Setup = _PLAIN,
        *,
        stdin: bytes | memoryview = b"",
        args: tuple[bytes, ...] = (),
        env: tuple[bytes, ...] = (),
        times: Times = _REAL,
        random: Callable[[int], bytes] = os.urandom,
        deadline: float = math.inf,
        host_call: Callable[[bytes], bytes] | None = None,
    ) -> None:
        super().__init__(setup, args=args, env=env, times=times, random=random, deadline=deadline, host_call=host_call)
        self.handles = {0: Stdin(stdin), 1: Stdout(), 2: Stderr()}
        for number, one in enumerate(setup.preopens, 3):
            self.handles[number] = Folder(one.fd, one.name, writes=one.write, entries=one.entries, preopen=True)

    args_get = process.args_get
    args_sizes_get = process.args_sizes_get
    clock_res_get = process.clock_res_get
    clock_time_get = process.clock_time_get
    environ_get = process.environ_get
    environ_sizes_get = process.environ_sizes_get
    fd_advise = descriptors.fd_advise
    fd_allocate = descriptors.fd_allocate
    fd_close = descriptors.fd_close
    fd_datasync = descriptors.fd_datasync
    fd_fdstat_get = descriptors.fd_fdstat_get
    fd_fdstat_set_flags = descriptors.fd_fdstat_set_flags
    fd_fdstat_set_rights = descriptors.fd_fdstat_set_rights
    fd_filestat_get = descriptors.fd_filestat_get
    fd_filestat_set_size = descriptors.fd_filestat_set_size
    fd_filestat_set_times = descriptors.fd_filestat_set_times
    fd_pread = streams.fd_pread
    fd_prestat_dir_name = descriptors.fd_prestat_dir_name
    fd_prestat_get = descriptors.fd_prestat_get
    fd_pwrite = streams.fd_pwrite
    fd_read = streams.fd_read
    fd_readdir = listing.fd_readdir
    fd_renumber = descriptors.fd_renumber
    fd_seek = streams.fd_seek
    fd_sync = descriptors.fd_sync
    fd_tell = streams.fd_tell
    fd_write = streams.fd_write
    path_create_directory = paths.path_create_directory
    path_filestat_get = paths.path_filestat_get
    path_filestat_set_times = paths.path_filestat_set_times
    path_link = paths.path_link
    path_open = opening.path_open
    path_readlink = paths.path_readlink
    path_remove_directory = paths.path_remove_directory
    path_rename = paths.path_rename
    path_symlink = paths.path_symlink
    path_unlink_file = paths.path_unlink_file
    poll_oneoff = poll.poll_oneoff
    proc_exit = process.proc_exit
    proc_raise = process.proc_raise
    random_get = process.random_get
    sched_yield = process.sched_yield
    sock_accept = process.sock_accept
    sock_recv = process.sock_recv
    sock_send = process.sock_send
    sock_shutdown = process.sock_shutdown
    host_call_raw = hostcall.host_call_raw
