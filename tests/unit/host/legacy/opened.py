"""A source over a home of a test, with its services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mpp.host.granting import Places
from mpp.host.home import Home
from mpp.host.judging import Setting
from mpp.host.opening import open_services, setting_of
from mpp.host.policy_store import open_policies
from mpp.host.secret_store import open_secrets
from mpp.host.system import SystemClock, SystemRandom
from mpp.host.trust_store import TrustStore
from tests.unit.host.legacy.world import World


@contextmanager
def opened(place: Path, *, namespaces: bool = True) -> Iterator[World]:
    home, clock = Home(path=str(place)), SystemClock()
    with open_services(home, clock, SystemRandom()) as on:

        def setting() -> Setting:
            return setting_of(open_policies(home, clock, events=on.events), Places(home=home.path, workspace="", mappings={}), TrustStore(home.trust).load())

        found = World(home, on, setting, open_secrets(home), namespaces=namespaces)
        try:
            yield found
        finally:
            found.source.close()
