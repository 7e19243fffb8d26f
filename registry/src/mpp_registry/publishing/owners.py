"""Who owns a package. A list takes effect when all whom it needs have asked for the very same one.

Needed are one owner of today, every newcomer, and every owner who would be none any more. So nobody is given a package, or robbed of
one, without a word of his own; an owner who is gone is a case for an administrator, and the log says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from mpp.errors import Refused
from mpp.model.jsontext import canonical, read
from mpp.model.value import value
from mpp.protocol.registry.events import ADMIN, ROLES, Owner, PackageOwners
from mpp.protocol.registry.limits import OWNERS_MAX
from mpp_registry.catalog.writing import set_owners
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import demand_current
from mpp_registry.publishing.limits import WISH_SECONDS, WISHES_EACH_MAX
from mpp_registry.publishing.owning import owners_of
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


@value
class OwnersChange:
    is_done: bool
    waiting_for: tuple[str, ...]
    """Publishers that have to ask for the same list."""
    owners: tuple[Owner, ...]
    """As they are now."""


@value
class Wish:
    package_id: str
    owners: tuple[Owner, ...]
    by: tuple[str, ...]
    at: int


def change_owners(services: Services, package_id: str, owners: Iterable[Owner], actor: Actor | None) -> OwnersChange:
    """``owners``: all of them, as they shall be. ``actor`` None: an administrator, whose word takes effect at once."""
    wanted = _sound(owners)
    if actor is not None:
        demand_key(actor)
    now = services.clock.now()
    with services.database.write() as rows:
        if actor is not None:
            demand_current(rows, actor)
        current = owners_of(rows, package_id)
        if not current:
            raise Refused("registry.absent", "there is no such package", where=package_id, hint="it comes into being with its first version")
        _demand_registered(rows, {one.publisher_id for one in wanted} - {one.publisher_id for one in current})
        if wanted == current:
            return OwnersChange(is_done=True, waiting_for=(), owners=current)
        if actor is None:
            return _done(services, rows, package_id, wanted, ADMIN, now)
        return _wish(services, rows, package_id, current, wanted, actor.publisher_id, now)


def wishes(rows: Rows, package_id: str, now: int) -> tuple[Wish, ...]:
    """Lists that wait for somebody; each is for those whom it names to see."""
    found: dict[str, list[tuple[str, int]]] = {}
    for text, publisher, at in rows.all(
        "SELECT owners, publisher_id, at FROM owner_wishes WHERE package_id = ? AND at > ? ORDER BY at, publisher_id", package_id, now - WISH_SECONDS
    ):
        found.setdefault(str(text), []).append((str(publisher), int(at or 0)))
    return tuple(Wish(package_id=package_id, owners=_read(text), by=tuple(one for one, _ in who), at=who[0][1]) for text, who in found.items())


def _wish(services: Services, rows: Rows, package_id: str, current: tuple[Owner, ...], wanted: tuple[Owner, ...], who: str, now: int) -> OwnersChange:
    text = _written(wanted)
    before = {one.publisher_id for one in current if one.role == "owner"}
    others = {
        str(row[0])
        for row in rows.all("SELECT publisher_id FROM owner_wishes WHERE package_id = ? AND owners = ? AND at > ?", package_id, text, now - WISH_SECONDS)
    }
    needed = _needed(current, wanted)
    # Attack: a stranger who fills the list of wishes. A word counts from an owner, or from somebody whom an owner's list needs.
    if who not in before and not (who in needed and others & before):
        raise Refused("registry.owned", "only an owner says who owns a package", where=package_id, hint="an owner asks for the list first")
    agreed = {*others, who}
    if needed <= agreed and agreed & before:
        by = who if who in before else min(agreed & before)
        return _done(services, rows, package_id, wanted, by, now)
    _keep(rows, package_id, text, who, now)
    return OwnersChange(is_done=False, waiting_for=tuple(sorted(needed - agreed)), owners=current)


def _needed(current: tuple[Owner, ...], wanted: tuple[Owner, ...]) -> set[str]:
    after = {one.publisher_id: one.role for one in wanted}
    newcomers = set(after) - {one.publisher_id for one in current}
    losing = {one.publisher_id for one in current if one.role == "owner" and after.get(one.publisher_id) != "owner"}
    return newcomers | losing


def _keep(rows: Rows, package_id: str, text: str, who: str, now: int) -> None:
    rows.run("DELETE FROM owner_wishes WHERE package_id = ? AND at <= ?", package_id, now - WISH_SECONDS)
    count = rows.one("SELECT COUNT(*) FROM owner_wishes WHERE package_id = ?", package_id)
    if count is not None and int(count[0] or 0) >= WISHES_EACH_MAX:
        raise Refused(
            "registry.quota", f"at most {WISHES_EACH_MAX} wishes about one package wait at a time", where=package_id, hint="answer the ones that are there"
        )
    rows.run(
        "INSERT INTO owner_wishes (package_id, owners, publisher_id, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (package_id, owners, publisher_id) DO UPDATE SET at = excluded.at",
        package_id, text, who, now,
    )  # fmt: skip


def _done(services: Services, rows: Rows, package_id: str, owners: tuple[Owner, ...], by: str, now: int) -> OwnersChange:
    services.ledger.append(rows, (PackageOwners(package_id=package_id, owners=owners, by=by),), now)
    set_owners(rows, package_id, owners, now)
    # Attack: an old list that somebody agreed to long ago, completed now. Each change begins anew.
    rows.run("DELETE FROM owner_wishes WHERE package_id = ?", package_id)
    return OwnersChange(is_done=True, waiting_for=(), owners=owners)


def _demand_registered(rows: Rows, newcomers: set[str]) -> None:
    for one in sorted(newcomers):
        row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", one)
        if row is None or row[0] != "active":
            raise Refused(
                "registry.absent", "an owner must be registered here, and not stopped", where=f"publisher {one[:16]}", hint="it registers with `mpp register`"
            )


def _sound(owners: Iterable[Owner]) -> tuple[Owner, ...]:
    found = sorted(owners, key=lambda one: one.publisher_id)
    ids = [one.publisher_id for one in found]
    if not 1 <= len(found) <= OWNERS_MAX or len(set(ids)) != len(ids) or any(one.role not in ROLES for one in found):
        raise Refused("registry.form", f"a package has 1 to {OWNERS_MAX} owners and maintainers, each once", where="owners", hint="send the whole list")
    if all(one.role != "owner" for one in found):
        raise Refused("registry.form", "a package needs an owner", where="owners", hint="make one of them an owner")
    return tuple(found)


def _written(owners: tuple[Owner, ...]) -> str:
    return canonical([[one.publisher_id, one.role] for one in owners]).decode("utf-8")


def _read(text: str) -> tuple[Owner, ...]:
    """A list that ``_written`` wrote."""
    found = read(text.encode("utf-8"), family="registry", where="owner_wishes")
    pairs = [one for one in found if isinstance(one, list) and len(one) == 2] if isinstance(found, list) else []
    return tuple(Owner(publisher_id=str(one), role="owner" if role == "owner" else "maintainer") for one, role in pairs)
