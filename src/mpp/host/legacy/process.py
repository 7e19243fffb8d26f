"""One process of an older server: started behind its barriers, spoken to over pipes, ended with all that it started. Spec: legacy, section 3."""

from __future__ import annotations

import array
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from mpp.errors import HostFailed, MppError
from mpp.host.legacy.launch import START
from mpp.host.legacy.launch_plan import LaunchPlan, write_plan
from mpp.host.legacy.limits import START_SECONDS_MAX, STDERR_BYTES_MAX, STOP_SECONDS_MAX
from mpp.host.legacy.types import Barriers
from mpp.model.jsontext import shown

_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_WORDS_MAX = 64 * 1024
"""Bytes that a starter may say. Reason: three short lines."""

Serve = Callable[[socket.socket], None]
"""Serves the connections of one listener in threads of its own, until it is closed."""


class ServerProcess:
    """Made and ended by one thread, which must live as long: the process ends with it."""

    def __init__(self, plan: LaunchPlan, serve: Serve) -> None:
        """Raises HostFailed ``host.barrier`` where a barrier that must hold does not, ``host.legacy`` where the program cannot be started."""
        self._folder = ""
        self._pidfd = -1
        self._listener: socket.socket | None = None
        self.stderr = b""
        if plan.sandboxed and not plan.namespaces:
            plan = self._with_folder(plan, serve)
        ours, theirs = socket.socketpair()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", START, _SOURCE, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, cwd="/", pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        except OSError as fault:
            ours.close()
            raise HostFailed("host.legacy", f"no process can be started: {fault.strerror}", where="process", hint="try again later") from None
        finally:
            theirs.close()
        try:
            with ours:
                self.barriers = self._hear(ours, plan, serve)
        except MppError:
            self.end()
            raise
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)

    def _with_folder(self, plan: LaunchPlan, serve: Serve) -> LaunchPlan:
        """Without namespaces its home is a folder of this machine, and the proxy listens on this machine's own loopback."""
        self._folder = tempfile.mkdtemp(prefix="mpp-legacy-")
        env = {**dict(plan.env), "HOME": self._folder, "TMPDIR": self._folder}
        port = 0
        if plan.proxied:
            self._listener = socket.create_server(("127.0.0.1", 0))
            port = int(self._listener.getsockname()[1])
            serve(self._listener)
        return plan._replace(home=self._folder, env=tuple(env.items()), port=port, is_temporary=True)

    def _hear(self, control: socket.socket, plan: LaunchPlan, serve: Serve) -> Barriers:
        """What the starter says until the server runs."""
        until = time.monotonic() + START_SECONDS_MAX
        control.settimeout(START_SECONDS_MAX)
        said, found = b"", dict[str, object]()
        try:
            control.sendall(write_plan(plan))
            while time.monotonic() < until and len(said) < _WORDS_MAX:
                data, ancillary, _, _ = control.recvmsg(4096, socket.CMSG_SPACE(4))
                self._take(ancillary, serve)
                if not data:
                    break
                said += data
                *lines, said = said.split(b"\n")
                for line in lines:
                    found |= json.loads(line)
                    self._note_pid(found)
        except (OSError, ValueError) as fault:
            raise HostFailed("host.legacy", f"the starter does not answer: {fault}", where="process", hint="run `mpp doctor`") from None
        if "failed" in found or "held" not in found:
            words = shown(str(found.get("failed", "the starter ended without a word")), 300)
            code = "host.legacy" if "held" in found else "host.barrier"
            hint = "see the command with `mpp legacy show`" if "held" in found else "run `mpp doctor` to see what this machine lacks"
            raise HostFailed(code, f"the server was not started: {words}", where="process", hint=hint)
        held, missing = found.get("held"), found.get("missing")
        return Barriers(held=held if isinstance(held, dict) else {}, missing=missing if isinstance(missing, dict) else {})

    def _take(self, ancillary: list[tuple[int, int, bytes]], serve: Serve) -> None:
        for _, _, data in ancillary:
            fds = array.array("i", data[: len(data) - len(data) % 4])
            for fd in fds:
                self._listener = socket.socket(fileno=fd)
                serve(self._listener)

    def _note_pid(self, found: dict[str, object]) -> None:
        pid = found.get("pid")
        if isinstance(pid, int) and self._pidfd < 0:
            # A number could be another process's by the time it is used; a descriptor never is.
            with suppress(OSError):
                self._pidfd = os.pidfd_open(pid)

    @property
    def stdin(self) -> int:
        return _fd(self._child.stdin)

    @property
    def stdout(self) -> int:
        return _fd(self._child.stdout)

    @property
    def stderr_fd(self) -> int:
        return _fd(self._child.stderr)

    def keep_stderr(self, data: bytes) -> None:
        self.stderr = (self.stderr + data)[-STDERR_BYTES_MAX:]

    def end(self, *, gently: bool = False) -> int:
        """End it, and all that it started; its exit code. ``gently``: it may end by itself first, once its input is closed."""
        _close(self._child.stdin)
        if not gently or not self._ended_within(STOP_SECONDS_MAX):
            self._kill()
        _close(self._child.stdout)
        _close(self._child.stderr)
        self._forget()
        return self._child.returncode if self._child.returncode is not None else -1

    def _forget(self) -> None:
        """What was held for it: the proxy's listener, its descriptor, its folder."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self) -> None:
        """The server first, by its descriptor; its starter then ends what is left, and itself."""
        if self._pidfd >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        if self._pidfd < 0 or not self._ended_within(STOP_SECONDS_MAX):
            with suppress(OSError):
                os.killpg(self._child.pid, signal.SIGTERM)
            if not self._ended_within(STOP_SECONDS_MAX):
                with suppress(OSError):
                    os.killpg(self._child.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=STOP_SECONDS_MAX)

    def _ended_within(self, seconds: float) -> bool:
        try:
            self._child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def write(self, data: bytes, seconds: float) -> None:
        """All of it, or an OSError. Attack: a server that reads nothing; we wait no longer than this."""
        view, until = memoryview(data), time.monotonic() + seconds
        while view:
            try:
                view = view[os.write(self.stdin, view[:65536]) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self.stdin, select.POLLOUT)
                if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                    raise TimeoutError("the server reads nothing") from None


def start_process(plan: LaunchPlan, serve: Serve) -> ServerProcess:
    """Start it. Where the kernel gives namespaces and then no rights in them, as some systems do, Landlock holds it instead, or it is not started."""
    try:
        return ServerProcess(plan, serve)
    except HostFailed as fault:
        if fault.code != "host.barrier" or not (plan.sandboxed and plan.namespaces):
            raise
        return ServerProcess(plan._replace(namespaces=False), serve)


def _fd(stream: IO[bytes] | None) -> int:
    return -1 if stream is None or stream.closed else stream.fileno()


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with suppress(OSError):
            stream.close()
