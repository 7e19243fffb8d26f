"""Where things are in ``$MPP_HOME``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from mpp.errors import HostFailed
from mpp.model.value import value

if TYPE_CHECKING:
    from mpp.host.audit.places import LogPlaces

HOMES_KNOWN_MAX = 16
"""Homes whose record's places are kept ready. Reason: a process has one, tests have a few; each call asks for them."""


@lru_cache(HOMES_KNOWN_MAX)
def _log_of(path: str) -> LogPlaces:
    from mpp.host.audit.places import LogPlaces  # noqa: PLC0415 - a command that records nothing does without the tree of the record

    return LogPlaces(folder=os.path.join(path, "audit"), keys=os.path.join(path, "seal"))


@value
class Home:
    """The home folder of one user; nothing is created by naming it."""

    path: str

    @property
    def keys(self) -> str:
        return os.path.join(self.path, "keys")

    @property
    def trust(self) -> str:
        return os.path.join(self.path, "trust", "trust.json")

    @property
    def cache(self) -> str:
        return os.path.join(self.path, "cache")

    @property
    def kv(self) -> str:
        """The stored state of packages."""
        return os.path.join(self.path, "kv")

    @property
    def packages(self) -> str:
        """The files of installed packages."""
        return os.path.join(self.path, "packages")

    @property
    def layers(self) -> str:
        """The interpreters that tools stand on."""
        return os.path.join(self.path, "layers")

    @property
    def registries(self) -> str:
        """Which registries are asked; what was seen of them lies in the folder of that name."""
        return os.path.join(self.path, "registries.toml")

    @property
    def lockfile(self) -> str:
        """Which of them are installed and served."""
        return os.path.join(self.path, "mpp.lock")

    @property
    def approvals(self) -> str:
        """Questions, answers, approvals that last, consents and what has been spent."""
        return os.path.join(self.path, "approvals", "approvals.sqlite")

    @property
    def approvers(self) -> str:
        return os.path.join(self.path, "trust", "approvers.json")

    @property
    def agents(self) -> str:
        return os.path.join(self.path, "trust", "agents.json")

    @property
    def tokens(self) -> str:
        """Who may call over the network, for which tenant."""
        return os.path.join(self.path, "trust", "tokens.json")

    @property
    def tenants(self) -> str:
        """Which tenant sees which packages."""
        return os.path.join(self.path, "trust", "tenants.json")

    @property
    def policy(self) -> str:
        return os.path.join(self.path, "policy")

    @property
    def stops(self) -> str:
        return os.path.join(self.path, "policy", "stops.json")

    @property
    def log(self) -> LogPlaces:
        """The record of calls."""
        return _log_of(self.path)

    @property
    def secrets(self) -> str:
        return os.path.join(self.path, "secrets")

    @property
    def seal(self) -> str:
        """The key that opens the secrets: in a folder of its own, so that a copy of the one does not hold the other."""
        return os.path.join(self.path, "seal", "secrets.key")

    @property
    def host_key(self) -> str:
        """The key by which this host signs what it vouches for."""
        return os.path.join(self.path, "seal", "host.key")


def find_home(environment: Mapping[str, str]) -> Home:
    """``$MPP_HOME``, else ``~/.mpp``."""
    path = os.path.expanduser(environment.get("MPP_HOME") or os.path.join("~", ".mpp"))
    if path.startswith("~"):
        # Without a home, a folder of the name "~" would be made wherever the user stands.
        raise HostFailed("host.home", "this user has no home folder", hint="set MPP_HOME to a folder for keys and trust")
    return Home(path=os.path.abspath(path))
