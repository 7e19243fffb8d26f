"""A server as a process: started in a group of its own, spoken to in bounded lines with deadlines, and gone at the end, with its children.

It runs as the user, with the user's environment: whoever starts it here starts it elsewhere, too. To hold it in is the business of `mpp legacy`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from mpp.errors import Refused, ToolFailed
from mpp.host.replays.limits import GRACE_SECONDS, LINE_BYTES_MAX, STDERR_BYTES_KEPT
from mpp.limits import KIB
from mpp.model.jsontext import shown

READ_BYTES = 64 * KIB
"""Bytes read at a time. Reason: what a pipe holds."""

LAST_WORDS_CHARS = 300
"""Characters of standard error in a refusal. Reason: the last lines of a stack trace."""

Moment = Callable[[], float]


class Lines:
    """Lines of JSON to a process and from it. One thread, no waiting without an end."""

    def __init__(self, command: Sequence[str], *, cwd: str | None = None, now: Moment = time.monotonic) -> None:
        self.name, self._now = os.path.basename(command[0]), now
        try:
            self._process = subprocess.Popen(
                [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, start_new_session=True, bufsize=0
            )
        except (OSError, ValueError) as fault:
            words = fault.strerror if isinstance(fault, OSError) else "its command holds a character that none can"
            raise Refused("usage.file", f"the server cannot be started: {words}", where=shown(command[0]), hint="check the command after --") from None
        self._in, self._taken, self._stderr = bytearray(), 0, bytearray()
        self._selector = selectors.DefaultSelector()
        for stream, role in ((self._process.stdout, "out"), (self._process.stderr, "err")):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream.fileno(), selectors.EVENT_READ, role)
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def send(self, line: bytes, until: float) -> None:
        """Attack: a server that writes and never reads, while we write and never read. What it says meanwhile is taken, within its bound."""
        stdin = self._process.stdin
        if stdin is None:
            return
        left = memoryview(line)
        self._selector.register(stdin.fileno(), selectors.EVENT_WRITE, "in")
        try:
            while left:
                if "in" in self._wait(until):
                    with contextlib.suppress(BlockingIOError):
                        left = left[os.write(stdin.fileno(), left) :]
        except (BrokenPipeError, ConnectionResetError):
            raise self._gone() from None
        finally:
            self._selector.unregister(stdin.fileno())

    def receive(self, until: float) -> bytes:
        """The next line."""
        while (end := self._in.find(b"\n", self._taken)) < 0:
            self._taken = len(self._in)
            if len(self._in) > LINE_BYTES_MAX:
                raise ToolFailed("tool.output", f"a message of the server has more than {LINE_BYTES_MAX} bytes", where=self.name, hint="ask for less")
            if "end" in self._wait(until):
                raise self._gone()
        line = bytes(self._in[:end])
        del self._in[: end + 1]
        self._taken = 0
        return line

    def _wait(self, until: float) -> set[str]:
        """What happened: ``out``, ``err``, ``in`` (there is room to write), ``end`` (it will say nothing more)."""
        left = until - self._now()
        ready = self._selector.select(max(left, 0)) if left > 0 else []
        if not ready:
            raise ToolFailed("tool.deadline", "the server did not answer in time" + self._words(), where=self.name, hint="give it longer: --timeout SECONDS")
        seen: set[str] = set()
        for key, _ in ready:
            seen.add(key.data)
            if key.data == "in":
                continue
            piece = os.read(key.fd, READ_BYTES)
            if not piece:
                self._selector.unregister(key.fd)
                seen.add("end" if key.data == "out" else "")
            elif key.data == "out":
                self._in += piece
            else:
                self._stderr = (self._stderr + piece)[-STDERR_BYTES_KEPT:]
        return seen

    def _gone(self) -> ToolFailed:
        self._drain()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        code = self._process.poll()
        how = "" if code is None else f" with code {code}"
        return ToolFailed("tool.crashed", f"the server ended{how}" + self._words(), where=self.name, hint="run its command by hand to see why")

    def _drain(self) -> None:
        """Its last words, which come a moment after its last message."""
        until = self._now() + GRACE_SECONDS
        while any(key.data == "err" for key in self._selector.get_map().values()):
            try:
                self._wait(until)
            except ToolFailed:
                return

    def _words(self) -> str:
        lines = self._stderr.decode("utf-8", "replace").split("\n")
        last = " / ".join(line.strip() for line in lines if line.strip())[-LAST_WORDS_CHARS:]
        return f"; its last words: {shown(last, LAST_WORDS_CHARS)}" if last else ""

    def close(self) -> None:
        """Its input ends first, so that a sound server ends by itself; then the whole group is told, and then killed."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        self._process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                # Attack: a server that leaves children behind. They are in its group, and the group ends.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, number)
            if self._ended():
                break
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _ended(self) -> bool:
        """Has it ended within the grace? What it still writes is taken: a full pipe would keep it."""
        until = self._now() + GRACE_SECONDS
        while self._process.poll() is None:
            if self._now() >= until:
                return False
            if not self._selector.get_map():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(until - self._now())
                continue
            with contextlib.suppress(ToolFailed):
                self._wait(until)
            self._in.clear()
            self._taken = 0
        return True
