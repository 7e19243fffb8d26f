"""The server around the application: its address and certificate, what must be set before others may reach it, its start and its end.

Spec: spec/mcp-front.md, J-60 to J-62.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import field
from types import FrameType
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.server import ServerState

from mpp.errors import HostFailed, Refused
from mpp.host.agent_store import AgentStore
from mpp.host.home import Home
from mpp.host.issuer_keys import IssuerKeys
from mpp.host.outside import is_here
from mpp.host.tenants import TENANT_RATE_MAX, TokenStore
from mpp.host.tenants_oauth import AccessTokens
from mpp.host.tenants_views import ViewStore
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.protocol.mcp import Server
from mpp.protocol.mcp.ports import Backend, Caller
from mpp.serve.http_app import ENDPOINT, Front
from mpp.serve.http_auth import Door
from mpp.serve.http_headers import places, shown_address
from mpp.serve.http_limits import HTTP_CONNECTIONS_MAX, HTTP_IDLE_SECONDS_MAX, HTTP_STOP_SECONDS_MAX, HTTP_THREADS, HTTP_TLS_SECONDS_MAX
from mpp.serve.http_loop import Loop
from mpp.serve.http_quick import QuickWire
from mpp.serve.http_running import Pool
from mpp.serve.http_views import Viewed
from mpp.serve.http_wire import Wire
from mpp.serve.settling import settling

PORT = 8808
"""Port of the front, where none is given."""

LISTEN = f"127.0.0.1:{PORT}"
_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:]{2,45})\]|([0-9.]{7,15}|localhost)):([0-9]{1,5})")
_ORIGIN = re.compile(r"https?://[^/\s?#]{1,260}")

DESCRIPTORS_PER_CONNECTION = 2
"""Descriptors of the process for each connection that it takes. Reason: one for itself, one for the work that it brings."""

STOP_LOOK_SECONDS = 0.01
"""Seconds between two looks at whether all calls have ended, in a server that was told to stop. Reason: nobody feels it."""

OPEN_WORDS = "anybody on this machine may call, as no tokens are used; `mpp token add` or --require-token change that"


@value
class HttpOptions:
    """What the owner of the host set. ``check_options`` says what does not go together."""

    home: Home
    listen: str = LISTEN
    """ADDRESS:PORT; port 0 takes a free one."""
    require_token: bool = False
    oauth: str = ""
    """The file of issuers; empty: none is believed."""
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    """Something else speaks TLS in front of this server."""
    hosts: tuple[str, ...] = ()
    """Names under which it may be reached besides its address."""
    origins: tuple[str, ...] = ()
    """Pages that may call it, as ``https://console.example.com``."""
    rate: int = 0
    """Requests a minute of each token that has no rate of its own; 0: no bound."""
    tenant_rate: int = 0
    """Requests a minute of each tenant; 0: no bound."""
    threads: int = HTTP_THREADS
    told: Callable[[str], None] = lambda _: None
    """Hears what the owner should know while it serves: keys of an issuer that cannot be fetched."""
    local: Caller = field(default_factory=Caller)
    """As whom a call without a token counts, where those are taken."""


def read_listen(listen: str) -> tuple[str, int]:
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found[3]) > 65535:
        raise Refused("usage.listen", f"{shown(listen)!r} is no address and port", where="--http", hint=f"write {LISTEN} or [::1]:{PORT}")
    address = found[1] or found[2]
    try:
        socket.getaddrinfo(address, None, flags=socket.AI_NUMERICHOST if address != "localhost" else 0)
    except OSError:
        raise Refused("usage.listen", f"{shown(address)!r} is no address", where="--http", hint=f"write {LISTEN} or [::1]:{PORT}") from None
    return address, int(found[3])


def check_options(options: HttpOptions, *, has_tokens: bool) -> None:
    """Attack: a server that others reach, without a token, or with tokens that everybody on the way can read."""
    address, _ = read_listen(options.listen)
    if bool(options.tls_cert) != bool(options.tls_key):
        raise Refused("usage.option", "--tls-cert and --tls-key go together", hint="give both")
    for origin in options.origins:
        if _ORIGIN.fullmatch(origin) is None:
            raise Refused("usage.option", f"{shown(origin)!r} is no origin of pages", where="--allow-origin", hint="write https://console.example.com")
    if not (0 <= options.rate <= TENANT_RATE_MAX and 0 <= options.tenant_rate <= TENANT_RATE_MAX):
        raise Refused("usage.option", f"a rate is 0 to {TENANT_RATE_MAX} requests a minute", hint="give a smaller one")
    is_local = is_here(address) and not options.behind_proxy and all(is_here(host) for host in options.hosts)
    if is_local:
        return
    if not (has_tokens or options.oauth):
        hint = "make one with `mpp token add AGENT`, or name issuers with --oauth FILE"
        raise Refused("usage.option", "others can reach this address, and there are no tokens", where=options.listen, hint=hint)
    if not (options.tls_cert or options.behind_proxy):
        hint = "give --tls-cert and --tls-key, or --behind-proxy if another server speaks TLS in front of this one"
        raise Refused("usage.option", "others can reach this address, and tokens would travel in the open", where=options.listen, hint=hint)


def _tls(options: HttpOptions) -> ssl.SSLContext | None:
    if not options.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Attack on oneself: a sealed key would ask for its password at a terminal that is not there.
        context.load_cert_chain(options.tls_cert, options.tls_key, password="")
    except (OSError, ValueError) as fault:
        words = fault.strerror if isinstance(fault, OSError) and fault.strerror else "they do not fit, or are sealed"
        raise HostFailed("host.listen", f"cannot use the certificate and its key: {words}", where=options.tls_cert, hint="give PEM files") from None
    return context


def _listening(options: HttpOptions) -> socket.socket:
    address, port = read_listen(options.listen)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With its protocol named, the loop sends small pieces at once; a stream of events would wait forty milliseconds for each.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address, port))
        found.listen(HTTP_CONNECTIONS_MAX)
    except OSError as fault:
        found.close()
        raise HostFailed("host.listen", f"cannot listen there: {fault.strerror}", where=options.listen, hint="give another --http ADDRESS:PORT") from None
    found.setblocking(False)
    return found


class HttpServer:
    """A server that listens from the moment it is made. ``run`` blocks until ``stop``, which any thread may call."""

    def __init__(self, backend: Backend, options: HttpOptions, clock: Clock, random: Random, *, version: str = "0") -> None:
        tokens = TokenStore(options.home.tokens)
        check_options(options, has_tokens=bool(tokens.load()))
        access = AccessTokens(options.oauth, keys=lambda source: IssuerKeys(source, told=options.told)) if options.oauth else None
        if access is not None:
            access.renew_all()
        self._options, self._backend = options, Viewed(backend, ViewStore(options.home.tenants))
        demanded = options.require_token or options.behind_proxy
        self._door = Door(tokens, AgentStore(options.home.agents), clock, access=access, demanded=demanded, local=options.local)
        self._ssl = _tls(options)
        address, _ = read_listen(options.listen)
        resource = urlsplit(access.current().resource).hostname if access is not None else None
        self._places = places(address, (*options.hosts, *((resource,) if resource else ())), options.origins)
        if not self._places.hosts:
            hint = "name each with --allow-host"
            raise Refused("usage.option", "it is not said under which names this server is reached", where=options.listen, hint=hint)
        self._socket = _listening(options)
        self._core = Server(self._backend, clock, random, version=version)
        self._random = random
        self._loop: Loop | None = None
        self._stopped = threading.Event()
        self._halt = asyncio.Event()

    @property
    def port(self) -> int:
        found: int = self._socket.getsockname()[1]
        return found

    @property
    def url(self) -> str:
        address, _ = read_listen(self._options.listen)
        return f"{'https' if self._ssl is not None else 'http'}://{shown_address(address, self.port)}{ENDPOINT}"

    @property
    def is_open(self) -> bool:
        """May somebody without a token call?"""
        return self._door.is_open

    def run(self, *, signals: bool = False, ready: Callable[[], None] | None = None) -> None:
        """Serve until ``stop``, or with ``signals`` until the process is told to end. ``ready`` is called when it serves."""
        loop = self._loop = Loop()
        if self._stopped.is_set():
            self._halt.set()
        try:
            with contextlib.closing(loop), _ended_by_signals(self._end) if signals else contextlib.nullcontext():
                if ready is not None:
                    ready()
                loop.serve(self._serve(loop))
        finally:
            self._loop = None
            self._socket.close()

    def stop(self) -> None:
        self._stopped.set()
        self._end()

    def _end(self) -> None:
        """Also in a signal's handler, which takes no lock."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._halt.set)

    async def _serve(self, loop: Loop) -> None:
        pool = Pool(loop, self._options.threads)
        front = Front(self._core, self._door, self._places, pool, self._random, rate=self._options.rate, tenant_rate=self._options.tenant_rate)
        unwatch = self._backend.watch(_from_threads(loop, front.changed))
        try:
            await _listen(loop, front, self._socket, self._ssl, self._halt)
        finally:
            unwatch()
            pool.close(1)


@contextlib.contextmanager
def _ended_by_signals(end: Callable[[], None]) -> Iterator[None]:
    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        end()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def connections_for(limits: tuple[int, int], most: int = HTTP_CONNECTIONS_MAX) -> tuple[int, int]:
    """How many connections this process may take, and how many descriptors it should ask for.

    Attack: connections that take all descriptors, so that no call can be started and nothing can be recorded. Half of them are for that.
    """
    soft, hard = limits
    wanted = most * DESCRIPTORS_PER_CONNECTION
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else max(soft, min(hard, wanted))
    return (most if soft == resource.RLIM_INFINITY else max(min(most, soft // DESCRIPTORS_PER_CONNECTION), 1)), soft


def _make_room() -> int:
    """The number of connections, with as many descriptors as this process can get."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    most, soft = connections_for(limits)
    if soft != limits[0]:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limits[1]))
        most, _ = connections_for((resource.getrlimit(resource.RLIMIT_NOFILE)[0],) * 2)
    return most


def _from_threads(loop: asyncio.AbstractEventLoop, changed: Callable[[str], None]) -> Callable[[str], None]:
    def tell(what: str) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(changed, what)

    return tell


async def _listen(loop: Loop, front: Front, sock: socket.socket, context: ssl.SSLContext | None, halt: asyncio.Event) -> None:
    """Take connections until ``halt``; then let what runs come to its end, for a while."""
    config = Config(
        front, http=Wire, ws="none", lifespan="off", interface="asgi3", access_log=False, log_config=None, log_level="error", proxy_headers=False,
        server_header=False, date_header=False, timeout_keep_alive=HTTP_IDLE_SECONDS_MAX,
    )  # fmt: skip
    config.load()
    state = ServerState()
    most = min(_make_room(), Wire.connections_max)

    def connected() -> QuickWire:
        wire = QuickWire(front, config, state, loop)
        wire.connections_max = most
        return wire

    patience = HTTP_TLS_SECONDS_MAX if context is not None else None
    server = await loop.create_server(connected, sock=sock, ssl=context, backlog=HTTP_CONNECTIONS_MAX, ssl_handshake_timeout=patience)
    await halt.wait()
    server.close()
    front.stop()
    for connection in list(state.connections):
        connection.shutdown()
    await _finished(state, HTTP_STOP_SECONDS_MAX)
    # Who is still there waits for nothing any more: its calls are ended with its connection.
    for connection in list(state.connections):
        connection.transport.abort()
    await _finished(state, 1)


async def _finished(state: ServerState, seconds: float) -> None:
    """Until nothing is worked on any more, or for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and _is_working(state):  # noqa: ASYNC110 - an event would have to be told by each request
        await asyncio.sleep(STOP_LOOK_SECONDS)


def _is_working(state: ServerState) -> bool:
    return bool(state.tasks) or any(isinstance(one, QuickWire) and one.is_running for one in state.connections)


def serve_http(
    backend: Backend, options: HttpOptions, clock: Clock, random: Random, *, say: Callable[[str], None], listening: Callable[[str, bool], None] | None = None,
    version: str = "0",
) -> None:  # fmt: skip
    """Serve until the process is told to end. ``say`` gets a line when it listens; ``listening``, if given, the address and whether it lets anybody of this machine in."""
    server = HttpServer(backend, options, clock, random, version=version)
    words = f"Serving MCP at {server.url}" + (f"; {OPEN_WORDS}" if server.is_open else "; a token is needed")

    def ready() -> None:
        say(words)
        if listening is not None:
            listening(server.url, server.is_open)

    with settling():
        server.run(signals=threading.current_thread() is threading.main_thread(), ready=ready)
