"""The tools of installed packages: verified when something changed, and served from signed bytes alone."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol, TypeVar

from mpp.errors import Fault, HostFailed, MppError, Refused
from mpp.host.definitions import definition_of
from mpp.host.described import to_look_at
from mpp.host.judging import forget_packages
from mpp.host.policy_files import glance
from mpp.host.sources.naming import public_name
from mpp.host.sources.ports import Offered
from mpp.host.static import icons_of
from mpp.host.toolcall import PackageTool, Room, call_package, calling_package
from mpp.model.jsontext import Json
from mpp.stages.gatekeeper import VerifiedPackage


RETRY_SECONDS, RETRY_SECONDS_MAX = 1.0, 300.0
"""Seconds after which a package is looked at anew that this machine could not read, doubled each time. Reason: too many open files pass by; a broken disk does not."""


class Row(Protocol):
    """An installed package, as the store lists it."""

    @property
    def alias(self) -> str: ...

    @property
    def package_id(self) -> str: ...


One = TypeVar("One", bound=Row)


class Packages(Protocol[One]):
    """The store of packages."""

    def revision(self) -> Hashable: ...

    def active(self) -> tuple[One, ...]: ...

    def open(self, installed: One, /) -> VerifiedPackage: ...


class InstalledSource:
    """One for a host. ``broken`` says what is installed and not served, and why."""

    def __init__(
        self, packages: Packages[One], trust_path: str, room: Room, *, told: Callable[[str, MppError], None] = lambda _name, _fault: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """``told`` hears of each package that could not be served, once for each change and each look."""
        self._open: Callable[[], tuple[tuple[str, str, Callable[[], VerifiedPackage]], ...]] = lambda: tuple(
            (one.alias, one.package_id, partial(packages.open, one)) for one in packages.active()
        )
        self._revision, self._trust_path, self._room, self._told = packages.revision, trust_path, room, told
        self._lock = threading.Lock()
        self._known: tuple[Hashable, tuple[Offered, ...]] | None = None
        self._packages: list[tuple[str, VerifiedPackage]] = []
        self.broken: tuple[Fault, ...] = ()
        self._monotonic, self._looks, self._again, self._patience = monotonic, 0, math.inf, RETRY_SECONDS

    def revision(self) -> Hashable:
        """Attack: a publisher that is not trusted any more, or a package that was withdrawn. Both show here, before the next list and call."""
        if self._monotonic() >= self._again:
            # Attack: a moment without free descriptors, after which a tool stays away for as long as the host lives.
            self._looks, self._again = self._looks + 1, math.inf
        return (self._revision(), glance(self._trust_path), self._looks)

    def offered(self, tenant: str) -> tuple[Offered, ...]:  # noqa: ARG002 - all tenants of a host see what is installed; policy says who may call it
        now = self.revision()
        with self._lock:
            if self._known is None or self._known[0] != now:
                self._known = (now, self._loaded())
            return self._known[1]

    def names(self) -> frozenset[str]:
        """Of all tools, as agents see them."""
        return frozenset(one.name for one in self.offered(""))

    def packages(self) -> list[tuple[str, VerifiedPackage]]:
        """What is served now, by alias."""
        self.offered("")
        return self._packages

    def close(self) -> None:
        self._known = None

    def _loaded(self) -> tuple[Offered, ...]:
        found: list[Offered] = []
        faults: list[Fault] = []
        is_whole = True
        packages: list[tuple[str, VerifiedPackage]] = []
        for alias, package_id, opened in self._open():
            try:
                package = opened()
                # Spec: 6-privacy F-64. What hides something from a person is shown to no model.
                to_look_at(package.manifest)
            except MppError as fault:
                # One package that does not hold must not take the others with it; it is absent, and its owner is told.
                faults += fault.faults
                is_whole = is_whole and not isinstance(fault, HostFailed)
                self._told(package_id, fault)
                continue
            packages.append((alias, package))
            icons = _icons(package)
            found += [self._offer(alias, package, number, icons) for number in range(len(package.manifest.tool_definitions))]
        self._again = math.inf if is_whole else self._monotonic() + self._patience
        self._patience = RETRY_SECONDS if is_whole else min(2 * self._patience, RETRY_SECONDS_MAX)
        self.broken, self._packages = tuple(faults), packages
        forget_packages()
        self._room.ready.forget(frozenset(one.content_hash for _, one in packages))
        return tuple(found)

    def _offer(self, alias: str, package: VerifiedPackage, number: int, icons: tuple[dict[str, Json], ...]) -> Offered:
        tool = package.manifest.tool_definitions[number]
        one = PackageTool(package=package, tool=tool)
        return Offered(
            public_name(alias, tool.name), definition_of(package, tool, icons), partial(call_package, one, room=self._room),
            package, tool.name, partial(calling_package, one, room=self._room),
        )  # fmt: skip


def _icons(package: VerifiedPackage) -> tuple[dict[str, Json], ...]:
    """Spec: static-content X-32. A picture that is not sound is left out; whoever built or installed the package was told."""
    try:
        return icons_of(package)
    except Refused:
        return ()
