"""One look at an older server by a person: it is started, says what it is, and ends. Nothing of it is called."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from mpp.host.home import Home
from mpp.host.legacy.keeping import connect, Surroundings
from mpp.host.legacy.limits import START_SECONDS_MAX
from mpp.host.legacy.opening import surroundings
from mpp.host.legacy.pins import judge_listing, Judged
from mpp.host.legacy.types import Barriers, Entry
from mpp.host.policy_store import open_policies
from mpp.host.secret_store import open_secrets
from mpp.model.value import value
from mpp.ports import Clock
from mpp.protocol.mcp_client.events import Greeted

KIND = "legacy"
"""What the record calls a change of an older server."""

ACCEPTED = "definitions accepted"


@value
class Seen:
    """A server that was started once."""

    judged: Judged
    barriers: Barriers
    greeted: Greeted
    seconds: float
    counts: tuple[tuple[str, int], ...]


def at_home(home: Home, clock: Clock, *, is_fleet: Callable[[], bool]) -> Surroundings:
    """What starting a server needs, as a host of this home would have it."""
    found = surroundings(home, open_secrets(home), clock)
    return replace(found, private=lambda: open_policies(home, clock).current().policies.private_hosts, is_fleet=is_fleet)


def look_at(entry: Entry, about: Surroundings, others: frozenset[str] = frozenset()) -> Seen:
    """Start it, hear what it says of itself, end it."""
    begun = time.monotonic()
    connection = connect(entry.server, about)
    try:
        listed = connection.lists(START_SECONDS_MAX)
        seconds = time.monotonic() - begun
        judged = judge_listing(entry, listed, others or others_than(entry.server.name, about))
        counts = tuple(sorted(connection.counts().items()))
        return Seen(judged=judged, barriers=connection.barriers, greeted=connection.greeted, seconds=seconds, counts=counts)
    finally:
        connection.close()


def others_than(name: str, about: Surroundings) -> frozenset[str]:
    """Names of the tools of all other servers, of which no description may speak."""
    return frozenset(pin.name for one in about.store.load().values() if one.server.name != name for pin in one.tools)
