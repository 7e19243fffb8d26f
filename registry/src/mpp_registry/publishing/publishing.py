"""From uploaded bytes to a version that everybody can prove. Two clients with one version: one publishes, the other is told so.

    1 judge      the file by itself, without a lock (judging.py)
    2 look       a quick look at the rows, so that what is refused anyway leaves nothing behind
    3 keep       the file, durable, under its hash (uploads.py)
    4 settle     ONE transaction: all rules anew, the rows, the leaf, the checkpoint

A crash before the end of 4 leaves a file that no row names. After it, the version is there for good.
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.value import value
from mpp.protocol.registry.events import Change, Owner, PackageOwners, VersionPublished
from mpp_registry.catalog.writing import set_owners
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.authenticating import roles_of
from mpp_registry.publishing.chains import chain_of
from mpp_registry.publishing.judging import Judged, judge
from mpp_registry.publishing.lookalikes import keep_package
from mpp_registry.publishing.owning import count_package, count_version, judge_owner, judge_quota
from mpp_registry.publishing.published import Published
from mpp_registry.publishing.rows import known_version, lower_than, put_empty_package, put_judged
from mpp_registry.publishing.uploads import keep_file, settle
from mpp_registry.publishing.waiting import needs_approval, put_staged
from mpp_registry.publishers.registering import store_newer
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

VISIBILITIES = ("public", "private")


@value
class _Ready:
    """What the rules say about a judged package in one transaction."""

    owners: tuple[Owner, ...]
    notes: tuple[str, ...]
    known: Published | None


def publish(services: Services, data: bytes, actor: Actor, visibility: str = "public") -> Published:
    """Publish, or stage where a second person has to approve. Raises Refused; then nothing of it is visible."""
    if actor.how != "token":
        demand_key(actor)
    if visibility not in VISIBILITIES:
        raise Refused("registry.choice", "a package is public or private", where="visibility", hint=f"take one of {', '.join(VISIBILITIES)}")
    with services.database.read() as rows:
        stored = chain_of(rows, actor.publisher_id)
    judged = judge(data, stored, services.clock.now())
    with services.database.read() as rows:
        ready = _ready(services, rows, judged, actor)
    if ready.known is not None:
        return ready.known
    keep_file(services, judged.package.file_hash, data)
    with services.database.write() as rows:
        return _settle(services, rows, judged, actor, visibility)


def publish_approved(services: Services, rows: Rows, judged: Judged, actor: Actor, visibility: str) -> Published:
    """Within the transaction in which the last approval came. ``actor``: who uploaded it."""
    ready = _ready(services, rows, judged, actor)
    return ready.known if ready.known is not None else _write(services, rows, judged, ready, visibility)


def _ready(services: Services, rows: Rows, judged: Judged, actor: Actor) -> _Ready:
    package = judged.package
    # What hosts have for good is not read anew by rules that came later: the same bytes are the same answer.
    owners, notes = judge_owner(services, rows, package.package_id, actor)
    known = known_version(rows, package, judged.notes)
    if known is None:
        judge_quota(rows, actor.publisher_id, judged.size, is_new=not owners)
        newest = lower_than(rows, package.package_id, package.version)
        notes = (*notes, *([f"{newest} of the same major version is there already."] if newest else ()))
    return _Ready(owners=owners, notes=(*judged.notes, *notes), known=known)


def _settle(services: Services, rows: Rows, judged: Judged, actor: Actor, visibility: str) -> Published:
    now = services.clock.now()
    _same_publisher(services, rows, judged, actor, now)
    ready = _ready(services, rows, judged, actor)
    if ready.known is not None:
        # The other of two uploads of the same bytes was faster. Its version names the file.
        settle(rows, judged.package.file_hash)
        return ready.known
    if needs_approval(services, rows, judged):
        created = () if ready.owners else _created(rows, judged, visibility, now)
        return put_staged(services, rows, judged, actor, visibility, created, ready.notes)
    return _write(services, rows, judged, ready, visibility)


def _same_publisher(services: Services, rows: Rows, judged: Judged, actor: Actor, now: int) -> None:
    """Attack: a key that is rotated out, or a publisher that is stopped, while its upload is being judged."""
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", actor.publisher_id)
    if row is None or row[0] != "active":
        raise Refused("registry.suspended", "the publisher was stopped meanwhile", where=actor.publisher_id[:16], hint="ask the operator of the registry")
    stored = chain_of(rows, actor.publisher_id)
    if stored.data != judged.stored.data:
        raise Refused("registry.changed", "the root document changed meanwhile", where=actor.publisher_id[:16], hint="upload it again")
    chain = judged.package.chain
    # Spec: keys K-46. A longer chain in the package is kept with the version, or neither is.
    if len(chain.roots) > len(stored.roots):
        if actor.how == "signed" and "release" not in roles_of(chain.newest, actor.key_id):
            raise Refused(
                "registry.key", "the root document in the package takes this key its role", where=f"key {actor.key_id[:16]}", hint="sign with the new key"
            )
        store_newer(services, rows, stored, chain, actor.key_id, now)


def _created(rows: Rows, judged: Judged, visibility: str, now: int) -> tuple[Change, ...]:
    """Rows and leaf of a package that nobody had."""
    package = judged.package
    owners = (Owner(publisher_id=package.publisher_id, role="owner"),)
    put_empty_package(rows, package.package_id, package.publisher_id, visibility, now)
    set_owners(rows, package.package_id, owners, now)
    keep_package(rows, package.package_id)
    count_package(rows, package.publisher_id)
    return (PackageOwners(package_id=package.package_id, owners=owners, by=package.publisher_id),)


def _write(services: Services, rows: Rows, judged: Judged, ready: _Ready, visibility: str) -> Published:
    """The rows and the leaf of a version."""
    now, package = services.clock.now(), judged.package
    settle(rows, package.file_hash)
    created = () if ready.owners else _created(rows, judged, visibility, now)
    change = VersionPublished(
        package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash,
        file_hash=package.file_hash, size=judged.size,
    )  # fmt: skip
    checkpoint = services.ledger.append(rows, (*created, change), now)
    put_judged(services, rows, judged, checkpoint.size - 1, now)
    count_version(rows, package.publisher_id, judged.size)
    return Published(
        package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash,
        file_hash=package.file_hash, size=judged.size, state="published", is_new=True, notes=ready.notes,
    )  # fmt: skip
