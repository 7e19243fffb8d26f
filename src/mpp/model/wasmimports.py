"""The functions that a core module may import, with their types. The gatekeeper judges by these tables, the sandbox links by them.

A type is written as parameters, a colon and results: ``i`` for 32 bits, ``I`` for 64. Spec: spec/2-gatekeeper.md W-31.
"""

from __future__ import annotations

PREVIEW1_MODULE = "wasi_snapshot_preview1"
HOST_MODULE = "mpp_host"
EMSCRIPTEN_MODULE = "env"

PREVIEW1: dict[str, str] = {
    "args_get": "ii:i",
    "args_sizes_get": "ii:i",
    "clock_res_get": "ii:i",
    "clock_time_get": "iIi:i",
    "environ_get": "ii:i",
    "environ_sizes_get": "ii:i",
    "fd_advise": "iIIi:i",
    "fd_allocate": "iII:i",
    "fd_close": "i:i",
    "fd_datasync": "i:i",
    "fd_fdstat_get": "ii:i",
    "fd_fdstat_set_flags": "ii:i",
    "fd_fdstat_set_rights": "iII:i",
    "fd_filestat_get": "ii:i",
    "fd_filestat_set_size": "iI:i",
    "fd_filestat_set_times": "iIIi:i",
    "fd_pread": "iiiIi:i",
    "fd_prestat_dir_name": "iii:i",
    "fd_prestat_get": "ii:i",
    "fd_pwrite": "iiiIi:i",
    "fd_read": "iiii:i",
    "fd_readdir": "iiiIi:i",
    "fd_renumber": "ii:i",
    "fd_seek": "iIii:i",
    "fd_sync": "i:i",
    "fd_tell": "ii:i",
    "fd_write": "iiii:i",
    "path_create_directory": "iii:i",
    "path_filestat_get": "iiiii:i",
    "path_filestat_set_times": "iiiiIIi:i",
    "path_link": "iiiiiii:i",
    "path_open": "iiiiiIIii:i",
    "path_readlink": "iiiiii:i",
    "path_remove_directory": "iii:i",
    "path_rename": "iiiiii:i",
    "path_symlink": "iiiii:i",
    "path_unlink_file": "iii:i",
    "poll_oneoff": "iiii:i",
    "proc_exit": "i:",
    "proc_raise": "i:i",
    "random_get": "ii:i",
    "sched_yield": ":i",
    "sock_accept": "iii:i",
    "sock_recv": "iiiiii:i",
    "sock_send": "iiiii:i",
    "sock_shutdown": "ii:i",
}
"""Each function of WASI preview 1 with its type; a test holds this against the engine's own list."""

HOST_CALLS: dict[str, str] = {"call": "iiii:i"}
"""``mpp_host``: one function, ``call(req, req_len, resp, cap) -> i32`` (spec/call-contract.md)."""

NOT_SUPPORTED = -52
"""What every stand-in with a result answers: "function not implemented" in Emscripten's numbering."""

EMSCRIPTEN: dict[str, str] = {
    # Tells a JavaScript host to renew its views of a grown memory. There are no views here: it does nothing.
    "emscripten_notify_memory_growth": "i:",
    # File calls that libc and libc++ link although standalone output has no file system. They answer NOT_SUPPORTED.
    "__syscall_getcwd": "ii:i",
    "__syscall_getdents64": "iii:i",
    "__syscall_lstat64": "ii:i",
    "__syscall_newfstatat": "iiii:i",
    "__syscall_rmdir": "i:i",
    "__syscall_stat64": "ii:i",
    "__syscall_unlinkat": "iii:i",
}
"""Stand-ins that let output of ``emcc -sSTANDALONE_WASM`` load. None of them gives the tool any power."""
