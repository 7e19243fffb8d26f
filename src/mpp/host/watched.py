"""A document of a home, read again only when it changed: who is trusted, who may answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mpp.host.approver_store import ApproverStore
from mpp.host.policy_files import Glance, glance
from mpp.host.trust_store import TrustStore
from mpp.stages.approval import Approvers
from mpp.stages.gatekeeper import TrustState

T = TypeVar("T")


class Watched(Generic[T]):
    """Safe to use from many threads.

    Attack: somebody who was dismissed, and whom a host that runs for weeks would believe until it is started anew.
    """

    def __init__(self, path: str, load: Callable[[], T]) -> None:
        self._path, self._load = path, load
        self._lock = threading.Lock()
        self._known: tuple[Glance | None, T] | None = None

    def current(self) -> T:
        """Raises what reading it raises: a document that cannot be read is believed in nothing."""
        with self._lock:
            # The stamp comes first: what changes after it shows the next time.
            now = glance(self._path)
            if self._known is None or self._known[0] != now:
                self._known = (now, self._load())
            return self._known[1]


def watched_trust(store: TrustStore) -> Watched[TrustState]:
    return Watched(store.path, store.load)


def watched_approvers(store: ApproverStore) -> Watched[Approvers]:
    return Watched(store.path, store.load)
