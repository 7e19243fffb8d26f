"""A server that stays moves its memory into large pages, once it has begun.

A call walks over the whole of a host: a few megabytes of code and values, here and there. With pages of four kibibytes the processor looks up where
each of them lies, in a virtual machine twice over. Measured: a call takes a tenth less processor time with large ones.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

BEGIN_SECONDS = 1.0
"""Seconds after the start. Reason: by then an agent has its list of tools, and most of what stays is there."""

MAPS = "/proc/self/smaps"
MAPS_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of the kernel's list of this process's memory. Reason: ten times that of a large host; of a longer one the rest stays as it is."""

POLICY = "/sys/kernel/mm/transparent_hugepage/enabled"
LARGE = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
SETTING_BYTES_MAX = 256
"""Bytes of a setting of the kernel. Reason: each is a few words."""

LARGE_BYTES_MAX = 2 * 1024 * 1024
"""Bytes of a large page. Reason: there are machines with pages of half a gigabyte, which would waste more than they save."""

_WANTED, _NOW = 14, 25
"""To the kernel: large pages from now on; and what is there already is moved into them."""

_HEAD = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16}) (\S{4}) \S+ \S+ (\d+)\s*(.*)")
_HEAP = ("", "[heap]")


class Piece(NamedTuple):
    """Memory that begins and ends with a large page."""

    start: int
    size: int


@contextmanager
def settling() -> Iterator[None]:
    """While this process serves: its memory is moved once, beside its work."""
    timer = threading.Timer(BEGIN_SECONDS, settle)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def settle(maps: str = MAPS, policy: str = POLICY, large: str = LARGE, move: Callable[[Piece], None] | None = None) -> int:
    """Move what is worth it; how many bytes that is. It never fails: a kernel that cannot leaves things as they are."""
    try:
        # Whoever owns this machine may have switched large pages off.
        if "[never]" in _read(policy, SETTING_BYTES_MAX):
            return 0
        size = int(_read(large, SETTING_BYTES_MAX))
        if not 0 < size <= LARGE_BYTES_MAX:
            return 0
        found = list(pieces(_read(maps, MAPS_BYTES_MAX), size))
        move = move or _mover()
    except (OSError, ValueError):
        return 0
    for one in found:
        move(one)
    return sum(one.size for one in found)


def pieces(maps: str, large: int) -> Iterator[Piece]:
    """Of the memory that only this process writes, what is in use nearly everywhere. A thread's stack is large and empty, and stays as it is."""
    start = end = 0
    for line in maps.splitlines():
        head = _HEAD.fullmatch(line)
        if head is not None:
            start, end = int(head[1], 16), int(head[2], 16)
            if not (head[3] == "rw-p" and head[4] == "0" and head[5] in _HEAP):
                end = start
        elif end > start and line.startswith("Rss:"):
            first, last = -(-start // large) * large, end // large * large
            if last > first and int(line.split()[1]) * 1024 * 4 >= (end - start) * 3:
                yield Piece(first, last - first)


def _mover() -> Callable[[Piece], None]:
    import ctypes  # noqa: PLC0415 - only a server that stays needs it here, and not at its start

    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

    def move(one: Piece) -> None:
        # A kernel before 6.1 knows the second word not, and moves in its own time.
        for word in (_WANTED, _NOW):
            advise(one.start, one.size, word)

    return move


def _read(path: str, most: int) -> str:
    """The beginning of a file of the kernel, whose size it does not say."""
    with open(path, encoding="ascii", errors="replace") as stream:
        return stream.read(most)
