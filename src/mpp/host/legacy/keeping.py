"""A server kept running for one tenant: started when it is needed, listed before it is called, started anew with patience, and given up when it only crashes. Spec: legacy, sections 4 and 6."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from mpp.errors import HostFailed, MppError, Refused, ToolFailed
from mpp.host.legacy.connection import Connection, StdioConnection
from mpp.host.legacy.http_connection import Bearer, HttpConnection
from mpp.host.legacy.limits import BACK_OFF_SECONDS, CRASHES_MAX, FOLLOWED_MAX, START_SECONDS_MAX, STEADY_SECONDS
from mpp.host.legacy.pins import judge_listing, Judged
from mpp.host.legacy.plan import plan_of
from mpp.host.legacy.proxy import Proxy
from mpp.host.legacy.requests import Heard
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry, Server, STDIO
from mpp.host.legacy.values import values_of
from mpp.host.secret_store import SecretStore
from mpp.model.value import value
from mpp.ports import Clock

CLIENT_VERSION = "1"
"""What we call our own version towards servers. Reason: which one it is is nobody's business there."""

Connect = Callable[[Server], Connection]
"""Starts a server and waits for its greeting. Raises what keeps it from being called."""


@value
class Surroundings:
    """What starting servers needs of this host."""

    store: LegacyStore
    secrets: SecretStore
    home: str
    environment: Mapping[str, str]
    clock: Clock
    private: Callable[[], tuple[str, ...]] = tuple
    """``host:port`` that a policy of this host lets have an address that is not public."""
    is_fleet: Callable[[], bool] = lambda: False
    namespaces: bool = True
    """Are namespaces to be tried? Tests say no, to see what holds without them."""


@value
class Ready:
    """A server that can be called now."""

    connection: Connection
    judged: Judged

    @property
    def entry(self) -> Entry:
        return self.judged.entry


def bearer_of(server: Server, about: Surroundings) -> Bearer | None:
    """Where the token of its login comes from; None for a server without one."""
    if server.login is None:
        return None
    from mpp.host.legacy.oauth.held import Bearer as Held  # noqa: PLC0415 - most servers have none
    from mpp.host.legacy.oauth.web import Web  # noqa: PLC0415 - as above

    return Held(server, server.login, about.secrets, about.environment, about.clock, lambda: Web(server.url, about.private()))


def connect(server: Server, about: Surroundings) -> Connection:
    """Start it, or reach it."""
    if server.kind != STDIO:
        return HttpConnection.opened(server, about.secrets, about.environment, about.private(), bearer_of(server, about))
    if not server.sandboxed and about.is_fleet():
        raise Refused("consent.fleet", "this host starts no server without a sandbox", where=server.name, hint="ask its administrator")
    env = values_of(server, about.secrets, about.environment)
    plan = plan_of(server, env, environment=about.environment, mpp_home=about.home, namespaces=about.namespaces)
    hidden = env.values()
    try:
        return _opened(StdioConnection(plan, Proxy(server.hosts, about.private), CLIENT_VERSION, hidden=hidden), probe=True)
    except ToolFailed as fault:
        if fault.code != "tool.crashed":
            raise
    # Some servers of the older era end at the first word that they do not know. Such a one is started once more, and greeted as it wants to be.
    return _opened(StdioConnection(plan, Proxy(server.hosts, about.private), CLIENT_VERSION, hidden=hidden), probe=False)


def _opened(found: StdioConnection, *, probe: bool) -> StdioConnection:
    try:
        found.open(probe=probe)
    except MppError:
        found.close()
        raise
    return found


class Keeper:
    """One server of one tenant. Safe to use from many threads: whoever comes first starts it, the others wait."""

    def __init__(
        self, name: str, about: Surroundings, *, connect: Connect, others: Callable[[], frozenset[str]] = frozenset, wait: Callable[[float], None] = time.sleep,
        heard: Heard = lambda _what, _which: None,
    ) -> None:  # fmt: skip
        """``others``: names of tools of others, which no description may speak of. ``heard`` is told what the server says beside its answers."""
        self._name, self._about, self._connect, self._others, self._wait = name, about, connect, others, wait
        self._heard, self._watched = heard, dict[str, None]()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._judged: Judged | None = None
        self._changes = 0
        self._crashes = 0
        self._since = 0.0

    def ready(self) -> Ready:
        """The server, started and listed. Raises why it cannot be called."""
        with self._lock:
            entry = self._about.store.find(self._name)
            if entry.stopped is not None:
                raise HostFailed("host.legacy", f"the server is not started any more: {entry.stopped.why}", where=self._name, hint="see `mpp legacy show`")
            self._forget_ended(entry)
            connection = self._connection or self._start(entry)
            judged = self._listed(connection, entry)
            return Ready(connection=connection, judged=judged)

    def watch(self, uri: str) -> None:
        """Be told when a resource is another one, as long as this lives. Raises why the server cannot be asked."""
        connection = self.ready().connection
        with self._lock:
            if len(self._watched) < FOLLOWED_MAX:
                self._watched[uri] = None
        connection.watch(uri)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _forget_ended(self, entry: Entry) -> None:
        """One that has ended, or is not what its owner says any more."""
        connection = self._connection
        is_other = self._judged is not None and self._judged.entry.server != entry.server
        if connection is None or (connection.is_alive and not is_other):
            return
        connection.close()
        self._connection = None
        if not is_other and time.monotonic() < self._since + STEADY_SECONDS:
            self._crashed("it ended soon after its start")
        else:
            self._crashes = 0

    def _start(self, entry: Entry) -> Connection:
        self._wait(BACK_OFF_SECONDS[min(self._crashes, len(BACK_OFF_SECONDS) - 1)])
        try:
            self._connection = self._connect(entry.server)
        except MppError as fault:
            if not isinstance(fault, Refused):
                self._crashed(fault.message)
            raise
        self._since, self._judged = time.monotonic(), None
        self._connection.heard = self._heard
        for uri in self._watched:
            self._connection.watch(uri)
        return self._connection

    def _crashed(self, why: str) -> None:
        """Attack: a server that crashes with each start, so that the host does nothing but start it."""
        self._crashes += 1
        if self._crashes >= CRASHES_MAX:
            self._crashes = 0
            words = f"it failed {CRASHES_MAX} times in a row; the last time: {why}"
            self._about.store.stop(self._name, self._about.clock.now(), words)
            raise HostFailed("host.legacy", f"the server is not started any more: {words}", where=self._name, hint="try it by hand: mpp legacy test")

    def _listed(self, connection: Connection, entry: Entry) -> Judged:
        """Its tools, judged against what was agreed to. Attack: a server that shows other tools after its first list."""
        known, changes = self._judged, connection.changes
        if known is not None and known.entry.pins == entry.pins and changes == self._changes:
            return known
        judged = judge_listing(entry, connection.lists(START_SECONDS_MAX), self._others())
        if judged.entry != entry:
            self._about.store.update(judged.entry)
        self._judged, self._changes = judged, changes
        return judged
