"""Leaving a peer alone that does not answer: one breaker for each, in memory.

An outage of a peer then costs others nothing but its own packages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from mpp.model.value import value

from mpp_registry.federation.limits import ASKING_EACH_MAX, FAILURES_MAX, REST_SECONDS, REST_SECONDS_MAX


@value
class Health:
    """How a peer has answered lately."""

    failures: int = 0
    """In a row."""
    rests: int = 0
    """How often in a row it was left alone."""
    until: float = 0.0
    """It is left alone until this moment of the monotonic clock."""
    asking: int = 0
    """Questions under way."""
    fault: str = ""
    """Why it failed last."""
    refused: str = ""
    """Why its last answer that came was not believed; empty: it was."""
    answered: int = 0
    """When it answered last, in seconds since 1970; 0: never since this process began."""


class Breakers:
    """Safe to use from several threads."""

    def __init__(self, moment: Callable[[], float]) -> None:
        self._moment, self._lock = moment, threading.Lock()
        self._peers: dict[str, Health] = {}

    def health(self, registry_id: str) -> Health:
        with self._lock:
            return self._peers.get(registry_id, Health())

    def is_resting(self, registry_id: str) -> bool:
        return self.health(registry_id).until > self._moment()

    def take(self, registry_id: str) -> bool:
        """May it be asked now? Each yes is given back by ``answered`` or ``failed``."""
        with self._lock:
            found = self._peers.get(registry_id, Health())
            # After a rest one question tries it; the others wait for how that ends.
            most = 1 if found.failures >= FAILURES_MAX else ASKING_EACH_MAX
            if found.until > self._moment() or found.asking >= most:
                return False
            self._peers[registry_id] = replace(found, asking=found.asking + 1)
            return True

    def answered(self, registry_id: str, now: int, refused: str = "") -> None:
        with self._lock:
            found = self._peers.get(registry_id, Health())
            self._peers[registry_id] = Health(asking=max(0, found.asking - 1), answered=now, refused=refused)

    def failed(self, registry_id: str, why: str) -> None:
        with self._lock:
            found = self._peers.get(registry_id, Health())
            failures, rests, until = found.failures + 1, found.rests, found.until
            if failures >= FAILURES_MAX:
                until = self._moment() + min(REST_SECONDS * 2**rests, REST_SECONDS_MAX)
                rests = min(rests + 1, 16)
            self._peers[registry_id] = replace(found, failures=failures, rests=rests, until=until, asking=max(0, found.asking - 1), fault=why)
