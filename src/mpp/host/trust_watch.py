"""The trust document of a home, read again only when it changed."""

from __future__ import annotations

import threading

from mpp.host.policy_files import Glance, glance
from mpp.host.trust_store import TrustStore
from mpp.stages.gatekeeper import TrustState


class TrustWatch:
    """Safe to use from many threads."""

    def __init__(self, store: TrustStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: tuple[Glance | None, TrustState] | None = None

    def current(self) -> TrustState:
        """Raises what reading it raises: a document that cannot be read trusts nobody."""
        with self._lock:
            # The stamp comes first: what changes after it shows the next time.
            now = glance(self._store.path)
            if self._known is None or self._known[0] != now:
                self._known = (now, self._store.load())
            return self._known[1]
