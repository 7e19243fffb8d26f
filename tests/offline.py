"""Runs a command where the network is gone: a network namespace of its own, in which only the loopback interface is up.

``python tests/offline.py COMMAND ARGS…``. Ends with exit code 77 where this system gives no such namespace.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

NEW_USER, NEW_NET = 0x10000000, 0x40000000
SET_FLAGS, UP = 0x8914, 1
NOT_HERE = 77


def leave_the_network() -> bool:
    """From here on this process, and all that it starts, reaches only itself. False where the system does not allow it."""
    library = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if library.unshare(NEW_NET) != 0:
        if library.unshare(NEW_USER | NEW_NET) != 0:
            return False
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            try:
                with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
                    stream.write(text)
            except OSError:
                return False
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            fcntl.ioctl(one, SET_FLAGS, struct.pack("16sH14x", b"lo", UP))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    if not leave_the_network():
        sys.exit(NOT_HERE)
    os.execvp(sys.argv[1], sys.argv[1:])
