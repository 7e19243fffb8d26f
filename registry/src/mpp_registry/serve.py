"""The registry as a process: its address and certificate, what must be set before others may reach it, its work beside requests, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Sequence

from uvicorn.config import Config
from uvicorn.server import ServerState

from mpp.errors import HostFailed, Refused
from mpp.host.outside import is_here
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.serve.http_headers import shown_address
from mpp.serve.http_limits import HTTP_CONNECTIONS_MAX, HTTP_IDLE_SECONDS_MAX, HTTP_TLS_SECONDS_MAX
from mpp.serve.http_wire import Wire
from mpp_registry.api.app import App
from mpp_registry.api.limits import STOP_SECONDS_MAX

PORT = 8765
"""Port of a registry, where none is given."""


_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:]{2,45})\]|([0-9.]{7,15}|localhost)):([0-9]{1,5})")

_ACCEL = re.compile(r"/(?:[A-Za-z0-9_-]{1,60}/){1,4}")

DESCRIPTORS_PER_CONNECTION = 2
"""Descriptors of the process for each connection that it takes. Reason: one for itself, one for the database or the blob behind it."""


@value
class Listening:
    """Where it listens, and who may reach it. ``check_listening`` says what does not go together."""

    listen: str = f"127.0.0.1:{PORT}"
    """ADDRESS:PORT; port 0 takes a free one."""
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    """Something else speaks TLS in front of it, and says who asks."""
    accel: str = ""
    """Where the server in front finds the files of blobs, as ``/internal/``; empty: they are sent from here."""
    public_files: bool = False
    """Does the server in front send the files of public packages from their folder, without asking?"""


@value
class Job:
    """Work beside requests, every ``seconds``. It runs in a thread; ``at_end``: once more when the process ends."""

    name: str
    work: Callable[[], object]
    seconds: float
    at_end: bool = False


def read_listen(listen: str) -> tuple[str, int]:
    """ADDRESS:PORT."""
    found = _LISTEN.fullmatch(listen)
    hint = f"write 127.0.0.1:{PORT} or [::1]:{PORT}"
    if found is None or int(found[3]) > 65535:
        raise Refused("usage.listen", f"{shown(listen)!r} is no address and port", where="--listen", hint=hint)
    address = found[1] or found[2]
    try:
        socket.getaddrinfo(address, None, flags=socket.AI_NUMERICHOST if address != "localhost" else 0)
    except OSError:
        raise Refused("usage.listen", f"{shown(address)!r} is no address", where="--listen", hint=hint) from None
    return address, int(found[3])


def check_listening(at: Listening) -> None:
    """Attack: a registry that others reach, with an administrator's token that everybody on the way can read."""
    address, _ = read_listen(at.listen)
    if bool(at.tls_cert) != bool(at.tls_key):
        raise Refused("usage.option", "--tls-cert and --tls-key go together", hint="give both")
    if at.accel and (not at.behind_proxy or _ACCEL.fullmatch(at.accel) is None):
        raise Refused("usage.option", "--accel is for a server in front", where=at.accel, hint="give it with --behind-proxy, as /internal/")
    if at.public_files and not at.behind_proxy:
        raise Refused("usage.option", "--public-files is for a server in front", where="--public-files", hint="give it with --behind-proxy")
    if not (is_here(address) or at.tls_cert or at.behind_proxy):
        hint = "give --tls-cert and --tls-key, or --behind-proxy if another server speaks TLS in front of this one"
        raise Refused("usage.option", "others can reach this address, and what they send would travel in the open", where=at.listen, hint=hint)


class Door:
    """The socket and the certificate. It listens from the moment it is made, and takes nobody in until a server runs."""

    def __init__(self, at: Listening) -> None:
        check_listening(at)
        self.tls = _tls(at)
        self.socket = _listening(at)
        address, _ = read_listen(at.listen)
        self.url = f"{'https' if self.tls is not None else 'http'}://{shown_address(address, self.socket.getsockname()[1])}"

    def close(self) -> None:
        self.socket.close()


class RegistryServer:
    """``run`` blocks until ``stop``, which any thread may call."""

    def __init__(self, app: App, door: Door, jobs: Sequence[Job] = (), *, stop_seconds: float = STOP_SECONDS_MAX) -> None:
        self._app, self._door, self._jobs, self._stop_seconds = app, door, jobs, stop_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt: asyncio.Event | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self._door.url

    def run(self, *, signals: bool = False, ready: Callable[[], None] | None = None) -> None:
        """Serve until ``stop``, or with ``signals`` until the process is told to end. ``ready`` is called when it serves."""
        loop = _new_loop()
        try:
            with contextlib.closing(loop):
                loop.run_until_complete(self._serve(loop, ready, signals=signals))
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            self._door.close()

    def stop(self) -> None:
        self._stopped.set()
        with self._lock:
            loop, halt = self._loop, self._halt
        if loop is not None and halt is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(halt.set)

    async def _serve(self, loop: asyncio.AbstractEventLoop, ready: Callable[[], None] | None, *, signals: bool) -> None:
        halt = asyncio.Event()
        with self._lock:
            self._loop, self._halt = loop, halt
        if self._stopped.is_set():
            halt.set()
        for one in (signal.SIGINT, signal.SIGTERM) if signals else ():
            loop.add_signal_handler(one, halt.set)
        tasks = [loop.create_task(_repeat(job, halt)) for job in self._jobs]
        try:
            await self._listen(loop, halt, ready)
        finally:
            halt.set()
            await asyncio.gather(*tasks)
            # Once no request runs any more: what the last of them left is in it.
            for job in self._jobs:
                if job.at_end:
                    await _work(job)
            with self._lock:
                self._loop = None

    async def _listen(self, loop: asyncio.AbstractEventLoop, halt: asyncio.Event, ready: Callable[[], None] | None) -> None:
        """Take connections until ``halt``; then let what runs come to its end, for a while."""
        config = Config(
            self._app, http=Wire, ws="none", lifespan="off", interface="asgi3", access_log=False, log_config=None, log_level="error", proxy_headers=False,
            server_header=False, date_header=True, timeout_keep_alive=HTTP_IDLE_SECONDS_MAX,
        )  # fmt: skip
        config.load()
        state = ServerState()
        most = _make_room()

        def connected() -> Wire:
            wire = Wire(config, state, {}, loop)
            wire.connections_max = most
            return wire

        patience = HTTP_TLS_SECONDS_MAX if self._door.tls is not None else None
        server = await loop.create_server(connected, sock=self._door.socket, ssl=self._door.tls, backlog=HTTP_CONNECTIONS_MAX, ssl_handshake_timeout=patience)
        if ready is not None:
            ready()
        await halt.wait()
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=self._stop_seconds)
        for connection in list(state.connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=1)


async def _repeat(job: Job, halt: asyncio.Event) -> None:
    """One after the other, never two at once."""
    while not halt.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(halt.wait(), job.seconds)
        if not halt.is_set():
            await _work(job)


async def _work(job: Job) -> None:
    """What goes wrong is said, and tried again the next time."""
    (found,) = await asyncio.gather(asyncio.to_thread(job.work), return_exceptions=True)
    if isinstance(found, Exception):
        sys.stderr.write(f"error: {job.name}: " + "".join(traceback.format_exception(found)))


def _tls(at: Listening) -> ssl.SSLContext | None:
    if not at.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Attack on oneself: a sealed key would ask for its password at a terminal that is not there.
        context.load_cert_chain(at.tls_cert, at.tls_key, password="")
    except (OSError, ValueError) as fault:
        words = fault.strerror if isinstance(fault, OSError) and fault.strerror else "they do not fit, or are sealed"
        raise HostFailed("host.listen", f"cannot use the certificate and its key: {words}", where=at.tls_cert, hint="give PEM files") from None
    return context


def _listening(at: Listening) -> socket.socket:
    address, port = read_listen(at.listen)
    found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address, port))
        found.listen(HTTP_CONNECTIONS_MAX)
    except OSError as fault:
        found.close()
        raise HostFailed("host.listen", f"cannot listen there: {fault.strerror}", where=at.listen, hint="give another --listen ADDRESS:PORT") from None
    found.setblocking(False)
    return found


def _make_room() -> int:
    """How many connections there may be, with as many descriptors as this process can get.

    Attack: connections that take all descriptors, so that neither the database nor a blob can be opened. Half of them are for those.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HTTP_CONNECTIONS_MAX * DESCRIPTORS_PER_CONNECTION
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else max(soft, min(hard, wanted)), hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return HTTP_CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else max(min(HTTP_CONNECTIONS_MAX, soft // DESCRIPTORS_PER_CONNECTION), 1)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - not everywhere
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def spool_folder(data: str) -> str:
    """Where uploads lie until they are whole. A folder of the registry: the temporary one of the system is often memory."""
    folder = os.path.join(data, "incoming")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder
