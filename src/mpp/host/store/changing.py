"""Changing the store: one change at a time, each of them whole or not at all.

The order is what makes it safe to be cut off at any step: the file, what is believed of it, the record, and last the lockfile, which alone
says what is served. Spec: spec/store.md section 6.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from mpp.errors import HostFailed, MppError, Refused
from mpp.files import locked, make_private_folder
from mpp.host.store.disk import is_intact, load_lock, put_bundle, put_package, save_lock, tidy
from mpp.host.store.lockfile import Entry, Installed, installed, Lock, Version
from mpp.host.store.planning import Agreed, Plan, plan, Wish
from mpp.host.store.store import PackageStore
from mpp.host.trust_store import TrustStore
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Events
from mpp.stages.approval import Consent
from mpp.stages.gatekeeper import TrustState, VerifiedPackage

NOBODY = Agreed(lines=(), amr="", by="")
"""No yes of anybody: enough where nothing grows."""


@value
class Done:
    """What a change came to."""

    change: str
    row: Installed
    before: str


@value
class Gone:
    """What was uninstalled."""

    rows: tuple[Installed, ...]
    left: tuple[Installed, ...]
    """Versions of the same package that stay."""


def plan_for(
    store: PackageStore,
    package: VerifiedPackage,
    wish: Wish,
    *,
    consent: Consent | None = None,
    reserved: AbstractSet[str] = frozenset(),
    lock: Lock | None = None,
) -> Plan:
    """What installing ``package`` would do now. Raises Refused for what no yes would allow."""
    lock = store.lock() if lock is None else lock

    def baseline(one: Version) -> VerifiedPackage | None:
        try:
            return store.open(installed(lock.entry(package.package_id), one))
        except MppError:
            # Tampered with, or not believed any more: there is nothing to compare with, and that is said to the person.
            return None

    found = plan(lock, package, wish, baseline=baseline, consent=consent, now=store.clock.now(), reserved=reserved)
    if found.change in {"none", "alias"} and not is_intact(store.places, package.package_id, found.one):
        return replace(found, change="repair")
    return found


def apply(
    store: PackageStore,
    package: VerifiedPackage,
    wish: Wish,
    events: Events,
    *,
    agreed: Agreed = NOBODY,
    consent: Consent | None = None,
    reserved: AbstractSet[str] = frozenset(),
) -> Done:
    """Install a verified package that was prepared. What was planned is judged anew under the guard; what nobody agreed to is refused."""
    make_private_folder(store.places.home)
    with locked(store.places.guard, "the package store"):
        lock = load_lock(store.places)
        found = plan_for(store, package, wish, consent=consent, reserved=reserved, lock=lock)
        judge_agreed(found, agreed)
        tidy(store.places, lock)
        entry = found.entry
        if found.change != "none":
            entry = _put(store, package, found, wish.bundle)
            events.record(_event(found.change, entry, found.one, found.before, agreed, store.clock.now()), durable=True)
            save_lock(store.places, lock.with_entry(entry))
    return Done(change=found.change, row=installed(entry, _serving(entry)), before=found.before)


def judge_agreed(found: Plan, agreed: Agreed) -> None:
    """Attack: a store that changed while a person read what they agree to."""
    missing = [line for line in found.asks if line not in agreed.lines]
    if missing:
        raise Refused("consent.growth", missing[0], where=found.package_id, hint="answer yes in a terminal, or add --yes if you are that person")


def _put(store: PackageStore, package: VerifiedPackage, found: Plan, bundle: bytes) -> Entry:
    """The file and what is believed of it. Neither serves anything yet."""
    entry, one = found.entry, found.one
    if not is_intact(store.places, found.package_id, one):
        # The bytes at hand have the same content; how they are signed may differ from those that were lost.
        one = replace(one, file_hash=package.file_hash, size=len(package.archive.data))
        put_package(store.places, found.package_id, one, bytes(package.archive.data))
        entry = replace(entry, versions=tuple(one if old.content_hash == one.content_hash else old for old in entry.versions))
    if bundle:
        put_bundle(store.places, found.package_id, one, bundle)
    _accept(store.trust, package.content_hash)
    return entry


def _accept(trust: TrustStore, content_hash: str) -> None:
    """Spec: keys K-45. What was accepted once is not stopped by a later rotation of its publisher's keys."""
    if content_hash not in trust.load().installed:
        trust.change(lambda state: replace(state, installed=state.installed | {content_hash}))


def remove(store: PackageStore, name: str, events: Events, *, by: str, amr: str, agreed: tuple[Installed, ...] = ()) -> Gone:
    """Uninstall the one version that ``NAME@VERSION`` means, or all of ``NAME``. The mark of the package stays.

    ``agreed``: what a person was shown; where the name means something else by now, nothing is removed.
    """
    make_private_folder(store.places.home)
    with locked(store.places.guard, "the package store"):
        lock = load_lock(store.places)
        wanted = chosen(store, name)
        if agreed and wanted != agreed:
            raise Refused("usage.installed", "the store was changed meanwhile", where=name, hint="look at `mpp list --all`, then call the command again")
        entry = lock.packages[wanted[0].package_id]
        hashes = {row.content_hash for row in wanted}
        kept = tuple(one for one in entry.versions if one.content_hash not in hashes)
        after = replace(entry, versions=kept, active="" if entry.active in hashes else entry.active, alias=entry.alias if kept else "")
        now = store.clock.now()
        for row in wanted:
            one = _listed(entry, row)
            events.record(_event("uninstall", entry, one, row.version if row.active else "", Agreed(lines=(), amr=amr, by=by), now), durable=True)
        save_lock(store.places, lock.with_entry(after))
        # From here on it is not served; what is left of a crash is taken away by the next change.
        tidy(store.places, lock.with_entry(after))
        _forget(store.trust, hashes)
    return Gone(rows=wanted, left=tuple(installed(after, one) for one in kept))


def chosen(store: PackageStore, name: str) -> tuple[Installed, ...]:
    """The rows that an uninstall of ``name`` would remove."""
    if "@" in name:
        return (store.find(name),)
    rows = tuple(row for row in store.all() if name in {row.package_id, row.alias})
    # The refusal of a name that nobody knows is the same everywhere.
    return rows or (store.find(name),)


def _forget(trust: TrustStore, hashes: set[str]) -> None:
    """What is gone is judged like any other package when it comes back."""

    def step(state: TrustState) -> TrustState:
        return replace(state, installed=state.installed - hashes) if state.installed & hashes else state

    trust.change(step)


def _serving(entry: Entry) -> Version:
    found = entry.serving
    if found is None:
        raise HostFailed("host.lockfile", "nothing of this package is served", where=entry.package_id, hint="install it again")
    return found


def _listed(entry: Entry, row: Installed) -> Version:
    found = entry.find(row.content_hash)
    if found is None:
        raise HostFailed("host.lockfile", "the store was changed meanwhile", where=entry.package_id, hint="call the command again")
    return found


def _event(change: str, entry: Entry, one: Version, before: str, agreed: Agreed, now: int) -> Event:
    """Names and digests; where a file came from may hold more than the record should. Spec: events E-3."""
    body: dict[str, Json] = {
        "change": change,
        "package": entry.package_id,
        "publisher": one.publisher_id,
        "version": one.version,
        "before": before,
        "content": one.content_hash,
        "file": one.file_hash,
        "alias": entry.alias,
        "asked": len(agreed.lines),
        "by": agreed.by,
        "amr": agreed.amr,
    }
    if one.registry_id:
        body |= {"registry": one.registry_id, "index": one.log_index}
    return Event(kind="package", at=now, tenant="local", invocation="", body=body)
