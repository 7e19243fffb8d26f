"""A registry in which nothing happens says so now and then: a client with an age limit would take it for frozen otherwise."""

from __future__ import annotations

from mpp.protocol.registry.checkpoint import RegistryCheckpoint
from mpp_registry.log.ledger import Ledger
from mpp_registry.log.limits import RENEW_SECONDS
from mpp_registry.store.ports import Database


def renewed(database: Database, ledger: Ledger, now: int) -> RegistryCheckpoint:
    """The newest checkpoint, signed anew where it has grown old. For a job of every minute, or before one is given away."""
    with database.read() as rows:
        newest = ledger.checkpoint(rows)
    if now - newest.at < RENEW_SECONDS:
        return newest
    with database.write() as rows:
        # Another replica may have done it meanwhile.
        newest = ledger.checkpoint(rows)
        return ledger.renew(rows, now) if now - newest.at >= RENEW_SECONDS else newest
