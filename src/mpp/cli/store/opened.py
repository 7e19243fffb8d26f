"""The store of this home with all that a change of it needs, open for one command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mpp.cli.options import home, trust_store
from mpp.host.home import Home
from mpp.host.store import PackageStore
from mpp.host.system import SystemClock
from mpp.model.value import value

if TYPE_CHECKING:
    from mpp.host.stores.approvals import ApprovalsStore
    from mpp.ports import Events
    from mpp.stages.approval import Consent

TENANT = "local"
"""The tenant of what a person agrees to at the command line."""


@value
class Opened:
    home: Home
    store: PackageStore
    events: Events
    approvals: ApprovalsStore | None
    """None where nobody has agreed to anything in this home yet."""
    taken: frozenset[str]
    """Names that tools of something else begin with: no package gets them as its alias."""

    def consent(self, publisher_id: str, package_id: str) -> Consent | None:
        """What a person agreed to before. That a policy allowed something is nobody's yes."""
        from mpp.host.judging import BY_POLICY  # noqa: PLC0415 - who only looks at the store does without all of judging

        found = None if self.approvals is None else self.approvals.consent(TENANT, publisher_id, package_id)
        return None if found is None or found.by.startswith(BY_POLICY) else found


def the_store() -> PackageStore:
    """To look at."""
    return PackageStore(home(), trust_store(), SystemClock())


@contextmanager
def opened() -> Iterator[Opened]:
    """To change it. The record is open: a change of which nothing could be kept is not made."""
    # Imported here: who only looks at the store needs none of it.
    from mpp.host.audit.log import AuditLog  # noqa: PLC0415
    from mpp.host.legacy.store import LegacyStore  # noqa: PLC0415
    from mpp.host.stores.approvals import ApprovalsStore  # noqa: PLC0415

    place = home()
    approvals = ApprovalsStore(place.approvals) if os.path.exists(place.approvals) else None
    try:
        with AuditLog(place) as log:
            store, taken = PackageStore(place, trust_store(), SystemClock()), frozenset(LegacyStore(place.path).load())
            yield Opened(home=place, store=store, events=log, approvals=approvals, taken=taken)
    finally:
        if approvals is not None:
            approvals.close()
