"""An experiment: how the bytes of a call could travel between two processes. Nothing here is used by the product.

Two Python processes send each other frames as large as those of the echo. Started with arguments, this file is the other process.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import socket
import subprocess
import sys
import time

ASKED, ANSWERED = 160, 130
"""Bytes of an order and of an answer of the 100 B echo."""

SPIN_SECONDS = 60e-6
PAGE = 4096
_FUTEX, _WAIT, _WAKE = 202, 0, 1
_libc = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Wire:
    """A stream socket. ``spin``: look again and again for a moment before sleeping."""

    def __init__(self, fd: int, *, spin: float) -> None:
        self._socket, self._spin = socket.socket(fileno=fd), spin
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    def receive(self) -> bytes:
        until = time.monotonic() + self._spin if self._spin else 0.0
        while True:
            try:
                return self._socket.recv(PAGE)
            except BlockingIOError:
                if time.monotonic() >= until:
                    self._poll.poll()

    def close(self) -> None:
        self._socket.close()


class Mailbox:
    """Shared memory: for each direction a counter, a size and the bytes. It waits by spinning, then by a futex on the counter."""

    def __init__(self, fd: int, *, mine: int, spin: float) -> None:
        self._map = mmap.mmap(fd, 2 * PAGE)
        self._words = memoryview(self._map).cast("I")
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._out, self._in = mine * PAGE, (1 - mine) * PAGE
        self._out_at, self._in_at = address + self._out, address + self._in
        self._spin, self._seen = spin, 0

    def send(self, data: bytes) -> None:
        words, at = self._words, self._out // 4
        self._map[self._out + 64 : self._out + 64 + len(data)] = data
        words[at + 1] = len(data)
        # On x86-64 stores are seen in their order; the counter comes last.
        words[at] += 1
        if words[at + 2]:
            _libc.syscall(_FUTEX, ctypes.c_void_p(self._out_at), _WAKE, 1, None, None, 0)

    def receive(self) -> bytes:
        words, at = self._words, self._in // 4
        until = time.monotonic() + self._spin
        while words[at] == self._seen:
            if time.monotonic() >= until:
                words[at + 2] = 1
                # A second at most: a counter that changed just before is seen then, and it is by far the rarest case.
                _libc.syscall(_FUTEX, ctypes.c_void_p(self._in_at), _WAIT, self._seen, ctypes.byref(_Timespec(1, 0)), None, 0)
                words[at + 2] = 0
        self._seen = words[at]
        start = self._in + 64
        return self._map[start : start + words[at + 1]]

    def close(self) -> None:
        """The map ends with the process: ctypes holds on to it."""


def ends(kind: str, fd: int, mine: int) -> Wire | Mailbox:
    name, _, side = kind.partition("+")
    spins = side == "both" or (side == "host" and mine == 0)
    spin = SPIN_SECONDS if spins else 0.0
    return Wire(fd, spin=spin) if name == "socket" else Mailbox(fd, mine=mine, spin=spin)


def answer_forever(kind: str, fd: int, core: int) -> None:
    """The other process."""
    if core >= 0:
        os.sched_setaffinity(0, {core})
    end, reply = ends(kind, fd, 1), b"a" * ANSWERED
    while len(end.receive()) == ASKED:
        end.send(reply)


class Pair:
    """A process at the other end, and one ping-pong as a call."""

    def __init__(self, kind: str, core: int) -> None:
        if kind.startswith("socket"):
            ours, theirs = (one.detach() for one in socket.socketpair())
        else:
            ours = os.memfd_create("mailbox")
            os.ftruncate(ours, 2 * PAGE)
            theirs = os.dup(ours)
        self._process = subprocess.Popen([sys.executable, __file__, kind, str(theirs), str(core)], pass_fds=(theirs,))
        os.close(theirs)
        self._end, self._asked = ends(kind, ours, 0), b"q" * ASKED

    def __call__(self) -> None:
        self._end.send(self._asked)
        if len(self._end.receive()) != ANSWERED:
            raise SystemExit("the other process answered something else")

    def close(self) -> None:
        self._end.send(b"")
        self._end.close()
        self._process.kill()
        self._process.wait()


KINDS = {
    "socket": "socket pair, both sleep (as shipped)",
    "socket+host": "socket pair, host spins 60 us",
    "socket+both": "socket pair, both spin 60 us",
    "mailbox": "shared memory, both sleep (futex)",
    "mailbox+host": "shared memory, host spins 60 us",
    "mailbox+both": "shared memory, both spin 60 us",
}


if __name__ == "__main__":
    answer_forever(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
