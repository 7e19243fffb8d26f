"""``http.fetch``, the host's side: starts the service, hands it one channel for each hop, believes its answers as far as they go.

Spec: spec/call-contract.md; why it is a process of its own: docs/adr/0010-http-fetch.md.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress

from mpp.host.services import http_fetch
from mpp.host.services.http_frames import BEGUN, FrameError, FrameReader, pack_hop, read_hop_answer, START
from mpp.host.services.http_limits import START_SECONDS_MAX, STOP_SECONDS_MAX
from mpp.host.services.http_rules import read_request
from mpp.host.services.http_types import Hop, HopAnswer, HttpConfig, HttpRefusal, HttpRequest, HttpResponse, Stopped
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.model.secretvalue import SecretValue
from mpp.ports import Steps, Wait

_PIECE = 256 * 1024
_GONE = "the host's network service ended; ask again"
_SOURCES = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
"""The folder that holds the package ``mpp``."""


class HttpService:
    """``http.fetch`` for a whole host. Starts its process at the first request, and again when it died. Safe to use from many threads."""

    def __init__(self, config: HttpConfig | None = None) -> None:
        self._config = config or HttpConfig()
        self._lock = threading.Lock()
        self._running: _Process | None = None
        self._is_closed = False

    @property
    def pid(self) -> int:
        """The process of the service; 0 while there is none."""
        running = self._running
        return running.pid if running is not None else 0

    def fetch(
        self, request: HttpRequest, rights: Rights, secrets: tuple[SecretValue, ...], until: float, declared: tuple[NetworkRule, ...] = ()
    ) -> Steps[HttpResponse | HttpRefusal]:
        """The answer to ``request`` under ``rights``; ``until`` is the end of the call. It never raises but when it is closed."""
        return http_fetch.fetch(request, rights, secrets, until, self._exchange, declared)

    def answer(
        self, params: Json, rights: Rights, secrets: tuple[SecretValue, ...], until: float, declared: tuple[NetworkRule, ...] = ()
    ) -> Steps[HttpResponse | HttpRefusal]:
        """``fetch`` for the parameters as a guest wrote them."""
        try:
            request = read_request(params)
        except Stopped as fault:
            return HttpRefusal(code=fault.code, message=fault.message)
        return (yield from self.fetch(request, rights, secrets, until, declared))

    def close(self) -> None:
        """End the process; requests under way are answered with ``unavailable``."""
        with self._lock:
            self._is_closed = True
            running, self._running = self._running, None
        if running is not None:
            running.stop()

    def _exchange(self, hop: Hop, until: float) -> Steps[HopAnswer | HttpRefusal]:
        # What a process that died had not begun may be asked of the next one; what it had begun is never sent twice.
        for _ in range(2):
            answer = yield from self._attempt(hop, until)
            if answer is not None:
                return answer
        return HttpRefusal(code="unavailable", message=_GONE)

    def _attempt(self, hop: Hop, until: float) -> Steps[HopAnswer | HttpRefusal | None]:
        """The answer, or None if the service ended before it began."""
        # Closing the channel, also because nobody waits for the answer any more, stops the request in the service.
        with self._open_channel(hop.key) as channel:
            begun = False
            try:
                yield from _send(channel, pack_hop(hop), until)
                begun = yield from _begins(channel, until)
                if begun:
                    return (yield from _receive(channel, hop, until, self._config.body_max))
                return None
            except (OSError, FrameError):
                if not begun:
                    return None
                code, message = "unavailable", _GONE
            except Stopped as fault:
                code, message = fault.code, fault.message
            # Nobody can say how far it came, so it counts as contacted.
            names = tuple(one.secret.name for one in hop.secrets)
            return HttpRefusal(code=code, message=message, observed=(hop.target.place,), secrets=names)

    def _open_channel(self, key: str) -> socket.socket:
        with ExitStack() as undo, suppress(OSError, RuntimeError):  # no descriptor or no thread to be had
            ours, theirs = socket.socketpair()
            undo.enter_context(ours)
            ours.setblocking(False)
            with theirs, self._lock:
                if self._hand_over(key, theirs) or self._hand_over(key, theirs):
                    undo.pop_all()
                    return ours
        raise Stopped("unavailable", "the host's network service does not start")

    def _hand_over(self, key: str, channel: socket.socket) -> bool:
        """Give ``channel`` to the process. One that died is noticed here, before anything was asked of it, and is replaced."""
        if self._is_closed:
            return False
        if self._running is None:
            self._running = _Process.start(self._config)
        if self._running is None or self._running.take(key, channel):
            return self._running is not None
        self._running.stop()
        self._running = None
        return False


class _Process:
    """A running service and our end of its control socket."""

    def __init__(self, child: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._child, self._control = child, control
        self.pid = child.pid

    @classmethod
    def start(cls, config: HttpConfig) -> _Process | None:
        """A new process, kept by a thread of its own: the kernel ends a child when the thread that started it ends."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        begun = threading.Event()
        made: list[subprocess.Popen[bytes]] = []
        threading.Thread(target=_keep, args=(config, theirs, made, begun), daemon=True).start()
        begun.wait(START_SECONDS_MAX)
        if made:
            return cls(made[0], ours)
        ours.close()
        return None

    def take(self, key: str, channel: socket.socket) -> bool:
        try:
            socket.send_fds(self._control, [key.encode("ascii")], [channel.fileno()], socket.MSG_NOSIGNAL)
        except BlockingIOError:
            raise Stopped("unavailable", "the host's network service is too busy") from None
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """The end of the control socket is the end of the service."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(STOP_SECONDS_MAX)
            return
        self._child.kill()
        self._child.wait()


def _keep(config: HttpConfig, control: socket.socket, made: list[subprocess.Popen[bytes]], begun: threading.Event) -> None:
    limits = (str(config.body_max), str(config.at_once), str(config.at_once_each))
    words = [sys.executable, "-I", "-S", "-B", "-c", START, _SOURCES, str(control.fileno()), str(os.getpid()), config.extra_ca_file, *limits]
    # Attack: settings of proxies, certificates or the loader in our environment. Nothing of it goes along.
    clean = {"MALLOC_ARENA_MAX": "2"}
    try:
        with control:
            null = subprocess.DEVNULL
            child = subprocess.Popen(words, stdin=null, stdout=null, stderr=null, env=clean, cwd="/", pass_fds=(control.fileno(),), start_new_session=True)
        made.append(child)
    except OSError:
        return
    finally:
        begun.set()
    child.wait()


def _send(channel: socket.socket, data: bytes, until: float) -> Steps[None]:
    view = memoryview(data)
    while view:
        try:
            view = view[channel.send(view[:_PIECE], socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            yield from _wait(channel, until, writing=True)


def _begins(channel: socket.socket, until: float) -> Steps[bool]:
    while True:
        yield from _wait(channel, until)
        with suppress(BlockingIOError):
            return channel.recv(len(BEGUN)) == BEGUN


def _receive(channel: socket.socket, hop: Hop, until: float, body_max: int) -> Steps[HopAnswer | HttpRefusal]:
    reader = FrameReader(body_max)
    while True:
        yield from _wait(channel, until)
        try:
            piece = channel.recv(_PIECE)
        except BlockingIOError:
            continue
        if not piece:
            raise FrameError("the channel ended before the answer")
        if reader.feed(piece):
            return read_hop_answer(*reader.take(), hop)


def _wait(channel: socket.socket, until: float, *, writing: bool = False) -> Steps[None]:
    if time.monotonic() >= until:
        raise Stopped("timeout", "the time for this request is over")
    yield Wait(channel.fileno(), until, writing)
