"""A publisher that lost its root key gets its packages back under a new one: in public, with an administrator, and not at once.

wanted     the successor has asked, signed by its release key; nobody is told
asked      an administrator agreed: a leaf names the successor and the moment when it is due
vetoed     whoever has the old root key said no in time
done       nobody did: the packages have new owners, each with its leaf, and the old publisher is revoked
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.value import value
from mpp.protocol.registry.events import Change, Owner, PackageOwners, PublisherRecovery, RecoveryState
from mpp_registry.catalog.writing import set_owners
from mpp_registry.publishers.limits import ASKED_EACH_MAX, RECOVERED_PACKAGES_MAX, RECOVERY_SECONDS
from mpp_registry.publishers.status import change_status
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import demand_current
from mpp_registry.publishing.owning import owners_of
from mpp_registry.publishing.words import judged_reason
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


@value
class Recovery:
    publisher_id: str
    successor: str
    state: str
    due: int
    reason: str
    asked_at: int


def ask_recovery(services: Services, publisher_id: str, reason: str, actor: Actor) -> Recovery:
    """The successor asks; an administrator has to agree before anything is public."""
    demand_key(actor)
    judged_reason(reason, required=True)
    now = services.clock.now()
    with services.database.write() as rows:
        demand_current(rows, actor)
        _demand_publisher(rows, publisher_id)
        if actor.publisher_id == publisher_id:
            raise Refused("registry.recovery", "a publisher cannot succeed itself", where=publisher_id[:16], hint="with its root key, rotate the keys instead")
        count = rows.one("SELECT COUNT(*) FROM recoveries WHERE successor = ? AND state IN ('wanted', 'asked')", actor.publisher_id)
        if count is not None and int(count[0] or 0) >= ASKED_EACH_MAX:
            raise Refused(
                "registry.quota", "this publisher has asked for several others already", where=actor.publisher_id[:16], hint="wait until they are answered"
            )
        if _open(rows, publisher_id) is not None:
            raise Refused("registry.recovery", "a recovery of this publisher is under way", where=publisher_id[:16], hint="wait until it has ended")
        rows.run(
            "INSERT INTO recoveries (publisher_id, asked_at, successor, state, due, reason) VALUES (?, ?, ?, 'wanted', 0, ?)",
            publisher_id, _moment(rows, publisher_id, now), actor.publisher_id, reason,
        )  # fmt: skip
        return _needed(rows, publisher_id, "wanted")


def confirm_recovery(services: Services, publisher_id: str, successor: str, *, seconds: int = RECOVERY_SECONDS) -> Recovery:
    """An administrator agrees, having found out of band who asks. ``successor``: so that nobody confirms another wish than the one that was looked at."""
    now = services.clock.now()
    with services.database.write() as rows:
        found = _needed(rows, publisher_id, "wanted")
        if found.successor != successor:
            raise Refused("registry.recovery", "another publisher has asked for it", where=publisher_id[:16], hint=f"it is {found.successor}")
        _to(rows, found, "asked", now + seconds)
        _append(services, rows, found, "asked", now + seconds, now)
        return _needed(rows, publisher_id, "asked")


def refuse_recovery(services: Services, publisher_id: str) -> None:
    """An administrator does not agree. Nothing was public, so nothing is."""
    with services.database.write() as rows:
        _to(rows, _needed(rows, publisher_id, "wanted"), "refused", 0)


def veto_recovery(services: Services, publisher_id: str, actor: Actor) -> Recovery:
    """Whoever has a root key of the publisher has not lost it."""
    demand_key(actor, "root")
    if actor.publisher_id != publisher_id:
        raise Refused("registry.forbidden", "only the publisher itself says no", where=publisher_id[:16], hint="sign the request with its root key")
    now = services.clock.now()
    with services.database.write() as rows:
        demand_current(rows, actor)
        found = _open(rows, publisher_id)
        if found is None:
            raise Refused("registry.absent", "no recovery of this publisher is under way", where=publisher_id[:16], hint="there is nothing to say no to")
        # What was not public yet ends without a leaf.
        _to(rows, found, "vetoed" if found.state == "asked" else "refused", found.due)
        if found.state == "asked":
            _append(services, rows, found, "vetoed", found.due, now)
    return Recovery(publisher_id=found.publisher_id, successor=found.successor, state="vetoed", due=found.due, reason=found.reason, asked_at=found.asked_at)


def finish_recoveries(services: Services) -> tuple[Recovery, ...]:
    """Those that are due. A job; each is a transaction of its own."""
    now = services.clock.now()
    with services.database.read() as rows:
        due = [str(row[0]) for row in rows.all("SELECT publisher_id FROM recoveries WHERE state = 'asked' AND due <= ? ORDER BY due", now)]
    done: list[Recovery] = []
    for publisher_id in due:
        with services.database.write() as rows:
            found = _open(rows, publisher_id)
            if found is not None and found.state == "asked" and found.due <= now and _is_active(rows, found.successor):
                _finish(services, rows, found, now)
                done.append(found)
    return tuple(done)


def _finish(services: Services, rows: Rows, found: Recovery, now: int) -> None:
    owned = rows.all("SELECT package_id FROM package_owners WHERE publisher_id = ? ORDER BY package_id LIMIT ?", found.publisher_id, RECOVERED_PACKAGES_MAX + 1)
    if len(owned) > RECOVERED_PACKAGES_MAX:
        raise Refused("registry.quota", f"a recovery moves at most {RECOVERED_PACKAGES_MAX} packages", where=found.publisher_id[:16], hint="move them by hand")
    changes: list[Change] = []
    for (package_id,) in owned:
        owners = _replaced(owners_of(rows, str(package_id)), found.publisher_id, found.successor)
        set_owners(rows, str(package_id), owners, now)
        changes.append(PackageOwners(package_id=str(package_id), owners=owners, by="admin"))
    _to(rows, found, "done", found.due)
    _append(services, rows, found, "done", found.due, now)
    if changes:
        services.ledger.append(rows, tuple(changes), now)
    # Attack: the finder of the old release key goes on publishing beside the successor.
    change_status(services, rows, found.publisher_id, "revoked", f"recovered by {found.successor[:16]}", now)


def _replaced(owners: tuple[Owner, ...], old: str, new: str) -> tuple[Owner, ...]:
    """The successor in the place of the old publisher; where it was there already, with the higher of the two roles."""
    roles = {one.publisher_id: one.role for one in owners}
    role = roles.pop(old)
    roles[new] = "owner" if "owner" in {role, roles.get(new, "")} else "maintainer"
    return tuple(Owner(publisher_id=one, role=roles[one]) for one in sorted(roles))


def recoveries(rows: Rows, publisher_id: str = "") -> tuple[Recovery, ...]:
    """Of one publisher, or all that wait for somebody."""
    if publisher_id:
        found = rows.all(f"{_COLUMNS} WHERE publisher_id = ? ORDER BY asked_at DESC LIMIT 20", publisher_id)
    else:
        found = rows.all(f"{_COLUMNS} WHERE state IN ('wanted', 'asked') ORDER BY asked_at LIMIT 100")
    return tuple(_made(row) for row in found)


_COLUMNS = "SELECT publisher_id, successor, state, due, reason, asked_at FROM recoveries"


def _made(row: tuple[str | int | bytes | None, ...]) -> Recovery:
    publisher_id, successor, state, due, reason, asked_at = row
    return Recovery(
        publisher_id=str(publisher_id), successor=str(successor), state=str(state), due=int(due or 0), reason=str(reason), asked_at=int(asked_at or 0)
    )


def _open(rows: Rows, publisher_id: str) -> Recovery | None:
    row = rows.one(f"{_COLUMNS} WHERE publisher_id = ? AND state IN ('wanted', 'asked')", publisher_id)
    return None if row is None else _made(row)


def _needed(rows: Rows, publisher_id: str, state: str) -> Recovery:
    found = _open(rows, publisher_id)
    if found is None or found.state != state:
        raise Refused("registry.absent", f"no recovery of this publisher is {state}", where=publisher_id[:16], hint="see `mpp registry admin queues`")
    return found


def _moment(rows: Rows, publisher_id: str, now: int) -> int:
    """Two wishes within one second are two rows."""
    row = rows.one("SELECT MAX(asked_at) FROM recoveries WHERE publisher_id = ?", publisher_id)
    return max(now, int(row[0] or 0) + 1) if row is not None else now


def _to(rows: Rows, found: Recovery, state: str, due: int) -> None:
    rows.run("UPDATE recoveries SET state = ?, due = ? WHERE publisher_id = ? AND asked_at = ?", state, due, found.publisher_id, found.asked_at)


def _append(services: Services, rows: Rows, found: Recovery, state: RecoveryState, due: int, now: int) -> None:
    change = PublisherRecovery(publisher_id=found.publisher_id, successor=found.successor, state=state, due=due, reason=found.reason)
    services.ledger.append(rows, (change,), now)


def _demand_publisher(rows: Rows, publisher_id: str) -> None:
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", publisher_id)
    if row is None:
        raise Refused("registry.absent", "there is no such publisher", where=publisher_id[:16], hint="name it by its whole id")
    if row[0] == "revoked":
        raise Refused("registry.state", "the publisher is revoked", where=publisher_id[:16], hint="ask the operator of the registry")


def _is_active(rows: Rows, publisher_id: str) -> bool:
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", publisher_id)
    return row is not None and row[0] == "active"
