"""The source of older servers, out of one home. Nothing is started by making it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from mpp.host.home import Home
from mpp.host.judging import Services, Setting
from mpp.host.legacy.calling import LegacyRoom
from mpp.host.legacy.keeping import Surroundings
from mpp.host.legacy.source import LegacySource
from mpp.host.legacy.store import LegacyStore
from mpp.host.secret_store import SecretStore
from mpp.ports import Clock


def surroundings(
    home: Home, secrets: SecretStore, clock: Clock, *, setting: Callable[[], Setting] | None = None, environment: Mapping[str, str] | None = None
) -> Surroundings:  # fmt: skip
    """What starting servers needs. Without ``setting`` no host may have an address that is not public, and it is no fleet."""
    return Surroundings(
        store=LegacyStore(home.path),
        secrets=secrets,
        home=home.path,
        environment=os.environ if environment is None else environment,
        clock=clock,
        private=tuple if setting is None else lambda: setting().policies.private_hosts,
        is_fleet=(lambda: False) if setting is None else lambda: setting().fleet,
    )


def open_legacy(
    home: Home, on: Services, secrets: SecretStore, setting: Callable[[], Setting], *, others: Callable[[], frozenset[str]] = frozenset,
    environment: Mapping[str, str] | None = None,
) -> LegacySource:  # fmt: skip
    """``others``: names of the tools of packages, which no description of a server may speak of."""
    about = surroundings(home, secrets, on.clock, setting=setting, environment=environment)
    return LegacySource(about, LegacyRoom(on=on, setting=setting), others=others)
