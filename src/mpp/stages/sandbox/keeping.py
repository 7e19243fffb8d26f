"""Keeps the pages of an image that a tool writes from call to call, and makes them what they were in the image.

A page that is written for the first time costs a fault: 4 to 8 microseconds on a virtual machine, and an interpreter writes two hundred of them in
each call. So the mapping of the image is not thrown away with an instance: it is moved out of its memory, what was written is overwritten with
the image, and the next instance gets it. Spec: layers Y-25.

Which pages were written the kernel says (``/proc/self/pagemap``), and nobody else: one that is not a clean page of the image's own file counts as
written. Where the kernel cannot say, or cannot move a mapping and leave its room taken, nothing is kept, and each instance gets a new mapping.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
from collections import deque
from collections.abc import Iterator
from itertools import starmap

from mpp.stages.sandbox import limits

PAGEMAP = "/proc/self/pagemap"
PAGE = mmap.PAGESIZE
_ENTRY_BYTES = 8
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61

_MAYMOVE, _FIXED, _DONTUNMAP, _FIXED_MAP = 1, 2, 4, 0x10
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.PyDLL(None, use_errno=True)
_mmap, _mremap, _munmap, _memmove = _libc.mmap, _libc.mremap, _libc.munmap, _libc.memmove
_mmap.restype = _mremap.restype = _memmove.restype = ctypes.c_void_p
_mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64)
_mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
_munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_memmove.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def open_pagemap() -> int:
    """What ``Keeper`` wants of this process, opened while its /proc is still there; -1 where there is none."""
    try:
        return os.open(PAGEMAP, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def map_image(base: int, image: int, size: int) -> bool:
    """Lay the image over the memory at ``base``.

    Never runnable: the list of system calls refuses that too. Private, so that nothing that is written reaches the image or another call.
    """
    at: int | None = _mmap(base, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | _FIXED_MAP, image, 0)
    return at == base


class Keeper:
    """The mapping between two calls. ``pagemap``: an open descriptor of ``PAGEMAP``; -1: nothing is kept."""

    def __init__(self, image: int, size: int, pagemap: int) -> None:
        self._image, self._size, self._pagemap = image, size, pagemap
        self._clean: int | None = _mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, image, 0) if pagemap >= 0 else _FAILED
        if self._clean in {_FAILED, None}:
            self._pagemap = -1
        self._at = 0
        """Where the mapping waits; 0: there is none."""
        self._written: list[tuple[int, int]] = []
        """Places in the image, and lengths, of what was written since it was mapped."""
        self._copies: list[tuple[int, int, int]] = []
        self._copies_at = self._faults = -1

    def place(self, base: int) -> bool:
        """Put the image over the memory at ``base``, as it was taken."""
        at, self._at = self._at, 0
        if at and _mremap(at, self._size, self._size, _MAYMOVE | _FIXED, base) == base:
            self._faults = _faults()
            return True
        if at:
            _munmap(at, self._size)
        self._written, self._copies_at, self._faults = [], -1, -1
        return map_image(base, self._image, self._size)

    def take(self, base: int) -> None:
        """After a call: take the mapping out of the memory at ``base``, and make it the image again."""
        if self._pagemap < 0:
            return
        is_new = _faults() != self._faults
        # The old room stays taken until the instance is gone. Attack on oneself: another thread's memory could come to lie there, and go with it.
        at = _mremap(base, self._size, self._size, _MAYMOVE | _DONTUNMAP, None)
        if at is None or at == _FAILED:
            self._pagemap = -1
            return
        if is_new and not self._look(at):
            _munmap(at, self._size)
            return
        if is_new or at != self._copies_at:
            clean = self._clean or 0
            self._copies_at, self._copies = at, [(at + place, clean + place, length) for place, length in self._written]
        deque(starmap(_memmove, self._copies), maxlen=0)
        self._at = at

    def _look(self, at: int) -> bool:
        """Ask the kernel what was written. A tool that writes everywhere gets a new mapping each time."""
        pages = self._size // PAGE
        found = os.pread(self._pagemap, pages * _ENTRY_BYTES, at // PAGE * _ENTRY_BYTES)
        if len(found) != pages * _ENTRY_BYTES:
            return False
        written = [number for number, entry in enumerate(memoryview(found).cast("Q")) if _is_written(entry)]
        self._written = [(first * PAGE, (last + 1 - first) * PAGE) for first, last in _runs(written)]
        return len(written) <= limits.PAGES_KEPT_MAX


def _is_written(entry: int) -> bool:
    """Nothing, or a page of the file, is as the image has it. All else counts as written."""
    return entry & (_PRESENT | _OF_FILE) != _PRESENT | _OF_FILE and entry & (_PRESENT | _SWAPPED) != 0


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of each row of numbers that follow one another."""
    first = last = -1
    for number in numbers:
        if number != last + 1 or first < 0:
            if first >= 0:
                yield first, last
            first = number
        last = number
    if first >= 0:
        yield first, last


def _faults() -> int:
    """Page faults of this thread. Each first write to a page is one, also a write by the kernel."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_minflt + used.ru_majflt
