"""The two pipes between a client and the server that it started."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_pipes() -> Iterator[tuple[int, int]]:
    """The two pipes for the protocol alone. What anything in this process prints goes to standard error, and what it reads is empty."""
    # Attack: a library prints a line, and the client takes it for an answer.
    sys.stdout.flush()
    read_fd, write_fd = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    try:
        yield read_fd, write_fd
    finally:
        sys.stdout.flush()
        os.dup2(read_fd, 0)
        os.dup2(write_fd, 1)
        os.close(read_fd)
        os.close(write_fd)


def dies_with_its_client(read_fd: int, write_fd: int) -> bool:
    """Two pipes or sockets: the client is the process that started this one. With a file at either end, the one that started it may be gone long since."""
    return all(stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) for mode in (os.fstat(read_fd).st_mode, os.fstat(write_fd).st_mode))


def is_broken(fd: int) -> bool:
    """Does nobody read from this pipe any more?"""
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))
