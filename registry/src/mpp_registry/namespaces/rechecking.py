"""Proofs are looked at again each day. One that is gone on three days has lapsed: visible in the log, and no new versions."""

from __future__ import annotations

from typing import cast

from mpp.limits import DAY_SECONDS
from mpp.model.value import value
from mpp.protocol.registry.events import NamespaceLapsed, ProofMethod
from mpp_registry.namespaces.limits import FAILURES_MAX, OUTAGE_LEAST, RECHECK_SECONDS, RECHECKS_MAX
from mpp_registry.namespaces.proofs import Look, look
from mpp_registry.namespaces.settings import world_of
from mpp_registry.namespaces.world import World
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


@value
class Rechecked:
    looked: int
    failed: int
    lapsed: tuple[str, ...]
    is_outage: bool
    """Nothing at all could be reached: that is taken for a fault of this machine and counts for nobody."""


@value
class _Due:
    namespace: str
    publisher_id: str
    method: str
    checked_at: int
    failures: int


def recheck_namespaces(services: Services, world: World | None = None) -> Rechecked:
    """Look at what was not looked at since yesterday. Call it several times a day; each proof is counted once."""
    now = services.clock.now()
    with services.database.read() as rows:
        due = _due(rows, now)
    there = world if world is not None or not due else world_of(services)
    seen = [(one, look(one.namespace, one.publisher_id, one.method, there)) for one in due] if there is not None else []
    outage = len(seen) >= OUTAGE_LEAST and all(found.seen == "unreachable" for _, found in seen)
    lapsed: list[str] = []
    failed = 0
    for one, found in seen:
        if found.seen != "there":
            failed += 1
        if not outage and _count(services, one, found, now):
            lapsed.append(one.namespace)
    return Rechecked(looked=len(seen), failed=failed, lapsed=tuple(lapsed), is_outage=outage)


def give_up(services: Services, namespace: str) -> bool:
    """The administrator ends a proof at once, of whatever kind. False: there is none."""
    now = services.clock.now()
    with services.database.write() as rows:
        row = rows.one("SELECT publisher_id, method FROM namespaces WHERE namespace = ? AND state = 'proven'", namespace)
        if row is None:
            return False
        _lapse(services, rows, namespace, str(row[0]), str(row[1]), now)
    return True


def _due(rows: Rows, now: int) -> list[_Due]:
    found = rows.all(
        "SELECT namespace, publisher_id, method, checked_at, failures FROM namespaces"
        " WHERE state = 'proven' AND method <> 'admin' AND checked_at <= ? ORDER BY checked_at, namespace LIMIT ?",
        now - RECHECK_SECONDS, RECHECKS_MAX,
    )  # fmt: skip
    return [
        _Due(namespace=str(name), publisher_id=str(publisher), method=str(method), checked_at=int(at or 0), failures=int(failures or 0))
        for name, publisher, method, at, failures in found
    ]


def _count(services: Services, one: _Due, found: Look, now: int) -> bool:
    """Keep what was seen; True if the proof has lapsed with it."""
    with services.database.write() as rows:
        # Another replica, or the publisher, may have been here meanwhile: then this look counts for nothing.
        row = rows.one("SELECT checked_at FROM namespaces WHERE namespace = ? AND publisher_id = ? AND state = 'proven'", one.namespace, one.publisher_id)
        if row is None or row[0] != one.checked_at:
            return False
        # Attack on oneself: a job that runs every minute would make three days out of three minutes.
        is_new_day = now // DAY_SECONDS != one.checked_at // DAY_SECONDS
        failures = 0 if found.seen == "there" else one.failures + is_new_day
        rows.run("UPDATE namespaces SET checked_at = ?, failures = ? WHERE namespace = ?", now, failures, one.namespace)
        if failures < FAILURES_MAX:
            return False
        _lapse(services, rows, one.namespace, one.publisher_id, one.method, now)
        return True


def _lapse(services: Services, rows: Rows, namespace: str, publisher_id: str, method: str, now: int) -> None:
    rows.run("UPDATE namespaces SET state = 'lapsed' WHERE namespace = ?", namespace)
    rows.run("UPDATE namespace_past SET lapsed_at = ? WHERE namespace = ? AND publisher_id = ?", now, namespace, publisher_id)
    services.ledger.append(rows, (NamespaceLapsed(namespace=namespace, publisher_id=publisher_id, method=cast("ProofMethod", method)),), now)
