"""The host's side of the sandbox processes: starts them, speaks with them as with strangers, and ends them.

Spec: 5-sandbox S-30 to S-44.
"""

from __future__ import annotations

import array
import errno
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from mpp.errors import HostFailed, ToolFailed
from mpp.limits import TEXT_SHOWN_MAX
from mpp.model.jsontext import Json, shown
from mpp.ports import Steps, Wait
from mpp.stages.sandbox import frames, limits
from mpp.stages.sandbox.capi import find_library
from mpp.stages.sandbox.native import SOURCE

_ZYGOTE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zygote_main.py")
_SEND_BUFFER = 1 << 20
_HANDLES_MAX = 4
_GONE = frozenset((errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ECONNREFUSED))
_CREDENTIALS = struct.Struct("=iII")

TURN_SECONDS = 0.005
"""Seconds that one worker may keep its host busy without a pause. Reason: an event loop has other calls, which wait meanwhile."""


class Zygote:
    """The process that forks workers. Started with the first worker, and again if it died. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_closed = False
        self._owner = os.getpid()

    def spawn(self, spec: Mapping[str, Json], fds: tuple[int, ...]) -> Steps[Worker]:
        """A worker that has put up its barriers. ``fds``: the code, then the grants; they stay the caller's."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as fault:
            raise HostFailed("host.sandbox", f"no channel to a sandbox process can be made: {fault.strerror}", hint="raise the limit of open files") from None
        try:
            # Who sends the handle is said by the kernel, not by the sender.
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            ours.setblocking(False)
            sender = self._send(json.dumps(spec).encode(), (theirs.fileno(), *fds))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = Worker(ours, sender=sender)
        try:
            yield from worker.starting(time.monotonic() + limits.WORKER_START_SECONDS)
        except ToolFailed as fault:
            worker.kill()
            if fault.code == "tool.cancelled":
                # Whoever waited is gone: that is how the call ended.
                raise
            # No guest has run yet, so this is no tool's fault.
            raise HostFailed("host.sandbox", f"a sandbox process did not start: {fault.message}", hint="call again; run `mpp doctor` if it stays") from None
        except BaseException:
            worker.kill()
            raise
        return worker

    def _send(self, body: bytes, fds: tuple[int, ...]) -> int:
        """Hand a request over; the process that has it."""
        # More descriptors than the kernel carries would be refused, or lost without a word.
        if len(body) > limits.ZYGOTE_MESSAGE_BYTES_MAX or len(fds) > limits.GRANTS_MAX:
            raise HostFailed("host.sandbox", "the grants of a package are too long to hand over", hint="grant fewer folders")
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        with self._lock:
            self._judge_open()
            for attempt in (1, 2):
                control = self._control or self._start()
                try:
                    control.sendmsg([body], ancillary)
                except OSError as fault:
                    # Only a zygote that is gone is replaced: the fault of one caller must not end the workers of others.
                    is_gone = fault.errno in _GONE
                    if is_gone:
                        self._stop()
                    if attempt == 2 or not is_gone:
                        raise HostFailed("host.sandbox", f"the sandbox cannot be reached: {fault.strerror}", hint="run `mpp doctor`") from None
                else:
                    break
            return self.pid

    def _judge_open(self) -> None:
        if self._is_closed:
            # Attack on ourselves: a call that comes after the end would start a process that nobody ends.
            raise HostFailed("host.closed", "the host is closing", hint="start it again")
        if self._owner != os.getpid():
            raise HostFailed("host.closed", "this process is a copy of the host, which speaks for itself", hint="start a host of its own in each process")

    def _start(self) -> socket.socket:
        library = find_library()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-I", "-S", "-B", _ZYGOTE, SOURCE, library, str(theirs.fileno())]
        try:
            # A clean environment, no other descriptor, no terminal: nothing of the host comes along.
            self._process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={}, close_fds=True, cwd="/", start_new_session=True,
            )  # fmt: skip
        except OSError as fault:
            ours.close()
            raise HostFailed("host.sandbox", f"the sandbox cannot be started: {fault.strerror}", hint="free memory or processes, then try again") from None
        finally:
            theirs.close()
        self._control = ours
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    def start(self) -> None:
        """Start now what would otherwise start with the first call."""
        with self._lock:
            self._judge_open()
            if self._control is None:
                self._start()

    @property
    def pid(self) -> int:
        """The process, for tests and for `mpp doctor`; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def close(self) -> None:
        """End the process, and start none again."""
        with self._lock:
            self._is_closed = True
            self._stop()


class Worker:
    """One worker process and the channel to it. One call at a time."""

    def __init__(self, channel: socket.socket, *, sender: int = 0) -> None:
        """``sender`` is the process whose handle counts; 0 takes the first that comes."""
        self._channel, self._sender = channel, sender
        self._handle = -1
        self._buffer = bytearray()
        self._said = select.poll()
        self._said.register(channel.fileno(), select.POLLIN | select.POLLHUP)
        self._turn_until = 0.0
        self.barriers: Mapping[str, Json] = {}
        self.calls = 0

    def starting(self, until: float) -> Steps[None]:
        """Wait until it is there and hardened. The process and its report come in either order."""
        waits_for = {frames.STARTED, frames.READY}
        # Attack: a worker that says itself that it was started, and goes on when the host has nothing to end it with.
        while waits_for or (self._sender and self._handle < 0):
            for kind, body in (yield from self._receive(until, first=True)):
                if kind == frames.FAILED:
                    raise _failed_start(body)
                if kind not in waits_for:
                    raise frames.broken("a message out of turn")
                waits_for.discard(kind)
                if kind == frames.READY:
                    self.barriers = _object(body)
        if self._handle < 0:
            raise frames.broken("no handle of its process")

    def order(self, order: frames.Order) -> Steps[None]:
        """Hand over one call."""
        self.calls += 1
        self._turn_until = time.monotonic() + TURN_SECONDS
        yield from self._send(frames.pack_order(order), order.deadline)

    def answer(self, body: bytes, until: float) -> Steps[None]:
        """Answer a host call."""
        yield from self._send(frames.frame(frames.ANSWER, body), until)

    def message(self, until: float) -> Steps[tuple[int, bytes]]:
        """The next message. Raises ToolFailed for a deadline that is over by more than the worker's own stop needs, a dead worker, or nonsense."""
        found = yield from self._receive(until, first=False)
        if len(found) != 1:
            # A worker asks or answers, then waits for us; two messages at once are two answers.
            raise frames.broken("two messages at once")
        return found[0]

    def _receive(self, until: float, *, first: bool) -> Steps[list[tuple[int, bytes]]]:
        while True:
            now = time.monotonic()
            # Attack: a worker that always has something to say, so that nobody sees that its time is over, and that its host serves nobody else.
            if now >= until:
                raise _late()
            piece = self._piece(first=first) if now < self._turn_until else None
            if piece is None:
                yield Wait(self._channel.fileno(), until)
                self._turn_until = time.monotonic() + TURN_SECONDS
                continue
            if not piece:
                raise ToolFailed("tool.crashed", "the sandbox process ended in the middle of a call", hint="call again; report the package if it happens again")
            if not self._buffer and (one := frames.whole(piece)) is not None:
                return [one]
            self._buffer += piece
            if found := list(frames.split(self._buffer)):
                return found

    def _piece(self, *, first: bool) -> bytes | None:
        """What has come, empty at the end of the channel; None if there is nothing yet."""
        try:
            return self._with_handle() if first and self._handle < 0 else self._channel.recv(frames.RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _with_handle(self) -> bytes:
        """Bytes, and the descriptor of the process if it came with them."""
        space = socket.CMSG_SPACE(_HANDLES_MAX * 4) + socket.CMSG_SPACE(_CREDENTIALS.size)
        piece, ancillary, _, _ = self._channel.recvmsg(frames.RECEIVE_BYTES, space, socket.MSG_CMSG_CLOEXEC)
        handles = array.array("i")
        sender = 0
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                handles.frombytes(data[: len(data) - len(data) % 4])
            elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and len(data) == _CREDENTIALS.size:
                sender = _CREDENTIALS.unpack(data)[0]
        for handle in handles:
            # Attack: a worker that gives us the handle of another process, to be ended in its place.
            if self._handle < 0 and self._sender in {0, sender}:
                self._handle = handle
            else:
                os.close(handle)
        return piece

    def _send(self, data: bytes, until: float) -> Steps[None]:
        view = memoryview(data)
        while view:
            try:
                view = view[self._channel.send(view) :]
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise ToolFailed(
                        "tool.deadline", "the tool did not take its input in time", hint="give it more time, up to the limit of its manifest"
                    ) from None
                yield Wait(self._channel.fileno(), until, writing=True)
            except OSError:
                raise ToolFailed("tool.crashed", "the sandbox process ended before it took the call", hint="call again") from None

    def is_idle(self) -> bool:
        """Is it alive, with nothing to say? A worker that speaks unasked is thrown away."""
        return not self._buffer and not self._said.poll(0)

    def kill(self) -> None:
        """End the process. The zygote's kernel entry is reaped by itself."""
        if self._handle >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.close(self._handle)
            self._handle = -1
        # The close alone ends a worker whose handle never came: it reads the end of its channel.
        self._channel.close()

    def has_ended(self, seconds: float) -> bool:
        """Wait until the process is gone; for tests."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(int(seconds * 1000)))


def _late() -> ToolFailed:
    return ToolFailed("tool.deadline", "the tool did not end in time", hint="ask the tool for less, or give it more time, up to the limit of its manifest")


def _object(body: bytes) -> dict[str, Json]:
    if len(body) > limits.ZYGOTE_MESSAGE_BYTES_MAX:
        raise frames.broken("a report that is too long")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise frames.broken("a report that is no object")
    return found


def _failed_start(body: bytes) -> HostFailed:
    found = _object(body)
    words, hint = (shown(str(found.get(key, "")), 3 * TEXT_SHOWN_MAX) for key in ("message", "hint"))
    return HostFailed("host.barrier", f"a worker could not be made safe, so nothing was run: {words}", hint=hint or "run `mpp doctor`")


def pack_fds(fds: Iterator[int]) -> tuple[int, ...]:
    """Descriptors in the order of the grants."""
    return tuple(fds)
