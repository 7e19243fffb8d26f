"""Where things are in ``$MPP_HOME``."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mpp.model.value import value


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


def find_home(environment: Mapping[str, str]) -> Home:
    """``$MPP_HOME``, else ``~/.mpp``."""
    return Home(path=os.path.abspath(environment.get("MPP_HOME") or os.path.join(os.path.expanduser("~"), ".mpp")))
