"""The console as a server: an address of this machine alone, one kind of connection, its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable

from uvicorn.config import Config
from uvicorn.server import ServerState

from mpp.console.app import make_app
from mpp.console.desk import Desk
from mpp.console.limits import CONNECTIONS_MAX
from mpp.console.sessions import Sessions
from mpp.errors import HostFailed
from mpp.serve.http_limits import HTTP_IDLE_SECONDS_MAX
from mpp.serve.http_wire import Wire

ADDRESS = "127.0.0.1"
"""Attack: others of the network at this page. There is no option for another address: who is elsewhere comes through a tunnel of their own."""

PORT = 8809
"""Port of the console, where none is given and it is free."""

STOP_SECONDS_MAX = 2
"""Seconds for which a console that was told to stop lets requests end. Reason: pages take milliseconds, and those that wait for news wait for ever."""


def listening(port: int | None) -> socket.socket:
    """A socket at ``port``; at the usual one if none is given, or a free one where that is taken."""
    wanted = [PORT, 0] if port is None else [port]
    for one in wanted:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((ADDRESS, one))
            found.listen(CONNECTIONS_MAX)
        except OSError as fault:
            found.close()
            words = fault.strerror
            continue
        found.setblocking(False)
        return found
    raise HostFailed("host.listen", f"cannot listen there: {words}", where=f"{ADDRESS}:{wanted[-1]}", hint="give another --port, or leave it out")


class ConsoleServer:
    """A console that listens from the moment it is made. ``run`` blocks until it is told to stop."""

    def __init__(self, desk: Desk, port: int | None = None, *, entered: Callable[[str], None] = lambda _address: None) -> None:
        """``entered`` is told the next address, each time that somebody came in."""
        self._socket = listening(port)
        self._told = entered
        self._sessions = Sessions(desk.clock, desk.random, entered=self._entered)
        self._app = make_app(desk, self._sessions, self.port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt = asyncio.Event()

    @property
    def port(self) -> int:
        found: int = self._socket.getsockname()[1]
        return found

    @property
    def url(self) -> str:
        """The address that lets one browser in. What stands behind the "#" is sent nowhere by browsers."""
        return f"http://{ADDRESS}:{self.port}/enter#{self._sessions.token}"

    def run(self, *, signals: bool = False, ready: Callable[[], None] = lambda: None) -> None:
        try:
            asyncio.run(self._serve(ready, signals=signals))
        finally:
            self._socket.close()

    def stop(self) -> None:
        """From any thread."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._halt.set)

    def _entered(self) -> None:
        self._told(self.url)

    async def _serve(self, ready: Callable[[], None], *, signals: bool) -> None:
        loop = self._loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM) if signals else ():
            loop.add_signal_handler(one, self._halt.set)
        # No access log: addresses of pages name calls. No word of the server about itself either.
        config = Config(
            self._app, http=Wire, ws="none", lifespan="off", interface="asgi3", access_log=False, log_config=None, log_level="critical", proxy_headers=False,
            server_header=False, date_header=False, timeout_keep_alive=HTTP_IDLE_SECONDS_MAX,
        )  # fmt: skip
        config.load()
        state = ServerState()

        def connected() -> Wire:
            wire = Wire(config, state, {}, loop)
            wire.connections_max = CONNECTIONS_MAX
            return wire

        server = await loop.create_server(connected, sock=self._socket, backlog=CONNECTIONS_MAX)
        ready()
        await self._halt.wait()
        server.close()
        await _let_end(state)


async def _let_end(state: ServerState) -> None:
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=STOP_SECONDS_MAX)
    for connection in list(state.connections):
        connection.transport.abort()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=1)
