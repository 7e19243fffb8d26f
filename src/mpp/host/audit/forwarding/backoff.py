"""How long to wait before the next try."""

from __future__ import annotations

from collections.abc import Callable

from mpp.host.audit.forwarding.limits import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN
from mpp.model.value import value
from mpp.ports import Random

Pause = Callable[[float], bool]
"""Waits so many seconds; True when somebody asked us to stop meanwhile."""


@value
class Backoff:
    """Twice as long each time, and then between half and the whole of it, so that many hosts do not come at one moment."""

    least: float = RETRY_SECONDS_MIN
    most: float = RETRY_SECONDS_MAX

    def seconds(self, tries: int, random: Random) -> float:
        """``tries``: how many failed already, at least one."""
        whole = min(self.most, self.least * 2.0 ** min(tries - 1, 30))
        return whole * (0.5 + random.bytes(1)[0] / 510)
