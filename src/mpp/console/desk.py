"""What the pages of the console stand on: one home, its stores opened for each request, and who sits in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

from mpp.author.development import TENANT as DEVELOPMENT
from mpp.console.limits import PASSPHRASES_WRONG_PER_MINUTE
from mpp.console.rates import Rate
from mpp.host.audit.reader import LogReader
from mpp.host.fleet import FleetSettings, fleet_settings
from mpp.host.home import Home
from mpp.host.judging import Services
from mpp.host.opening import open_services
from mpp.host.tenants import LOCAL_TENANT
from mpp.host.trust_store import TrustStore
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.stages.approval import Desk as ApprovalDesk

P = ParamSpec("P")
T = TypeVar("T")

OWN_TENANTS = (LOCAL_TENANT, DEVELOPMENT)
"""For whose calls a click is a yes: as with `mpp approve` at the terminal. A yes for others is signed."""

CHANNEL = "console"
"""What the record says of the way on which an answer came."""


def _rate() -> Rate:
    return Rate(PASSPHRASES_WRONG_PER_MINUTE)


@value
class Desk:
    """One per process. It holds no open file: a store that was repaired or replaced is found by the next request."""

    home: Home
    clock: Clock
    random: Random
    user: str
    """The user of this machine as whom the console runs, by the system's list of users."""
    read_settings: Callable[[], FleetSettings] = fleet_settings
    read_only: bool = False
    """Does it show, and change nothing?"""
    passphrases: Rate = field(default_factory=_rate)
    """Wrong passphrases, of all browsers together."""

    def now(self) -> int:
        return self.clock.now()

    @property
    def settings(self) -> FleetSettings:
        """What the administrator of this machine has fixed; read anew, because it may have been changed."""
        return self.read_settings()

    @contextmanager
    def services(self) -> Iterator[Services]:
        """Approvals, approvers, stops, the record to write to, filters: what judging a call has. Closed at the end."""
        with open_services(self.home, self.clock, self.random) as on:
            yield on

    def trust(self) -> TrustStore:
        """Whom this home trusts."""
        return TrustStore(self.home.trust, known_only=self.settings.is_fleet)

    def record(self) -> LogReader:
        """The record of calls, to read."""
        return LogReader(self.home.log)

    def approval(self, on: Services) -> ApprovalDesk:
        """What takes an answer: the same as `mpp approve` uses."""
        fleet = not self.trust().load().first_use
        return on.desk(fleet=fleet, least=self.settings.approval_strength)


async def work(function: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """``function`` in a thread: what waits for the disk must not keep other pages waiting."""
    return await run_in_threadpool(function, *arguments, **more)
