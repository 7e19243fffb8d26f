"""The source of older servers, out of one home. Nothing is started by making it, and most of it is imported when the home has such a server."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING

from mpp.host.home import Home
from mpp.host.judging import Services, Setting
from mpp.host.legacy.stamp import stamp
from mpp.host.secret_store import SecretStore
from mpp.host.sources.ports import Offered
from mpp.ports import Clock, Events

if TYPE_CHECKING:
    from mpp.host.audit.vault import CallVault
    from mpp.host.legacy.beside import Beside
    from mpp.host.legacy.keeping import Surroundings
    from mpp.host.legacy.source import LegacySource

SERVERS = os.path.join("legacy", "servers.json")


def surroundings(
    home: Home, secrets: SecretStore, clock: Clock, *, setting: Callable[[], Setting] | None = None, environment: Mapping[str, str] | None = None
) -> Surroundings:  # fmt: skip
    """What starting servers needs. Without ``setting`` no host may have an address that is not public, and it is no fleet."""
    from mpp.host.legacy.keeping import Surroundings  # noqa: PLC0415
    from mpp.host.legacy.store import LegacyStore  # noqa: PLC0415

    return Surroundings(
        store=LegacyStore(home.path),
        secrets=secrets,
        home=home.path,
        environment=os.environ if environment is None else environment,
        clock=clock,
        private=tuple if setting is None else lambda: setting().policies.private_hosts,
        is_fleet=(lambda: False) if setting is None else lambda: setting().fleet,
    )


class WhenThere:
    """A ToolSource that is nothing until the home has an older server."""

    def __init__(self, path: str, make: Callable[[], LegacySource]) -> None:
        self._path, self._make = path, make
        self._lock = threading.Lock()
        self._made: LegacySource | None = None
        self.updated: Callable[[str, str], None] = lambda _tenant, _uri: None
        """Told of a resource that is followed and is another one now: tenant and address."""
        self.changed: Callable[[], None] = lambda: None
        """Told that the lists of a running server are others now."""

    def revision(self) -> Hashable:
        return stamp(self._path)

    def offered(self, tenant: str) -> tuple[Offered, ...]:
        made = self.source()
        return () if made is None else made.offered(tenant)

    def source(self) -> LegacySource | None:
        """None as long as the home has no older server."""
        with self._lock:
            if self._made is None and os.path.lexists(self._path):
                self._made = self._make()
                self._made.changed = lambda: self.changed()  # noqa: PLW0108 - looked up each time
                # Whoever wants to be told may come later.
                self._made.updated = lambda tenant, uri: self.updated(tenant, uri)  # noqa: PLW0108 - looked up each time
            return self._made

    def beside(self) -> Beside | None:
        """What is there beside tools; None as long as the home has no older server."""
        source = self.source()
        if source is None:
            return None
        from mpp.host.legacy.beside import Beside  # noqa: PLC0415

        return Beside(source)

    def close(self) -> None:
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()


def open_legacy(
    home: Home, on: Services, secrets: SecretStore, setting: Callable[[], Setting], *, others: Callable[[], frozenset[str]] = frozenset,
    environment: Mapping[str, str] | None = None, vault: Callable[[Events, str], CallVault | None] = lambda _events, _invocation: None,
) -> WhenThere:  # fmt: skip
    """``others``: names of the tools of packages, which no description of a server may speak of. ``vault`` keeps the payloads of a call, where that is on."""

    def make() -> LegacySource:
        from mpp.host.legacy.calling import LegacyRoom  # noqa: PLC0415
        from mpp.host.legacy.source import LegacySource  # noqa: PLC0415

        about = surroundings(home, secrets, on.clock, setting=setting, environment=environment)
        return LegacySource(about, LegacyRoom(on=on, setting=setting, vault=vault), others=others)

    return WhenThere(os.path.join(home.path, SERVERS), make)
