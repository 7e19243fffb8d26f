"""An administrator stops a publisher, or lets it go on. What is revoked stays so."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.protocol.registry.events import PUBLISHER_STATUSES, PublisherStatus, PublisherStatusChanged
from mpp_registry.publishing.words import judged_reason
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


def set_publisher_status(services: Services, publisher_id: str, status: PublisherStatus, reason: str) -> bool:
    """False: it is so already. A suspended publisher publishes nothing; what it published stays as it is."""
    if status not in PUBLISHER_STATUSES:
        raise Refused("registry.choice", "this is no state of a publisher", where="status", hint=f"take one of {', '.join(PUBLISHER_STATUSES)}")
    judged_reason(reason, required=status != "active")
    now = services.clock.now()
    with services.database.write() as rows:
        row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", publisher_id)
        if row is None:
            raise Refused("registry.absent", "there is no such publisher", where=publisher_id[:16], hint="look it up with `mpp registry admin publishers`")
        if row[0] == status:
            return False
        if row[0] == "revoked":
            raise Refused("registry.state", "what is revoked stays revoked", where=publisher_id[:16], hint="the people behind it register a new publisher")
        change_status(services, rows, publisher_id, status, reason, now)
    return True


def change_status(services: Services, rows: Rows, publisher_id: str, status: PublisherStatus, reason: str, now: int) -> None:
    rows.run("UPDATE publishers SET status = ? WHERE publisher_id = ?", status, publisher_id)
    if status != "active":
        # Attack: a token that a build got a minute ago goes on publishing.
        rows.run("DELETE FROM tokens WHERE publisher_id = ?", publisher_id)
    services.ledger.append(rows, (PublisherStatusChanged(publisher_id=publisher_id, status=status, reason=reason),), now)
