"""The state of a version after it was published: taken back, warned of, stopped. The bytes stay; what is said about them is a leaf.

active       may be installed
deprecated   may be installed, and says why not to
yanked       is not chosen any more; who has it keeps it
quarantined  stopped by the registry until somebody has looked
revoked      stopped for good; never comes back
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.protocol.registry.events import ADMIN, STATUSES, Status, VersionStatusChanged
from mpp_registry.catalog import writing as catalog
from mpp_registry.catalog.types import STOPPED
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import demand_current
from mpp_registry.publishing.owning import owners_of
from mpp_registry.publishing.rows import state_of
from mpp_registry.publishing.words import judged_reason
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


def set_status(services: Services, package_id: str, version: str, status: Status, reason: str, actor: Actor | None) -> bool:
    """``actor`` None: an administrator. False: it is so already, with this reason. Raises Refused."""
    if status not in STATUSES:
        raise Refused("registry.choice", "this is no state of a version", where="status", hint=f"take one of {', '.join(STATUSES)}")
    judged_reason(reason, required=status != "active")
    now = services.clock.now()
    with services.database.write() as rows:
        if actor is not None:
            _judge_actor(rows, package_id, status, actor)
        row = rows.one("SELECT status, reason FROM versions WHERE package_id = ? AND version = ?", package_id, version)
        if row is None:
            raise Refused("registry.absent", "there is no such version", where=f"{package_id} {version}", hint="see its versions")
        if row == (status, reason):
            return False
        _judge_change(str(row[0]), status, package_id, actor)
        by = ADMIN if actor is None else actor.publisher_id
        services.ledger.append(rows, (VersionStatusChanged(package_id=package_id, version=version, status=status, reason=reason, by=by),), now)
        catalog.set_status(rows, package_id, version, status, reason)
        catalog.follow_state(rows, state_of(services, rows, package_id), now)
        if status in STOPPED and services.public_files is not None:
            # Last, and before it is committed: a crash at any moment leaves no file with a server in front that the log says nobody gets.
            services.public_files.hide(package_id, version)
    return True


def _judge_actor(rows: Rows, package_id: str, status: Status, actor: Actor) -> None:
    demand_key(actor)
    demand_current(rows, actor)
    roles = {one.publisher_id: one.role for one in owners_of(rows, package_id)}
    if actor.publisher_id not in roles:
        raise Refused("registry.owned", "the package belongs to other publishers", where=package_id, hint="report it instead, on the page of the package")
    # What cannot be undone is for those who own the package.
    if status == "revoked" and roles[actor.publisher_id] != "owner":
        raise Refused("registry.forbidden", "a maintainer revokes nothing", where=package_id, hint="ask an owner, or yank it")


def _judge_change(old: str, new: Status, package_id: str, actor: Actor | None) -> None:
    if old == "revoked":
        raise Refused("registry.state", "what is revoked stays revoked", where=package_id, hint="publish another version")
    # Attack: a thief of a release key who lifts the quarantine that stopped him.
    if actor is not None and (new == "quarantined" or (old == "quarantined" and new != "revoked")):
        raise Refused("registry.forbidden", "a quarantine is set and lifted by the registry alone", where=package_id, hint="ask the operator of the registry")
