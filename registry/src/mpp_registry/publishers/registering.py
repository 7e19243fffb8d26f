"""A publisher comes, and its keys change. A chain proves itself; what the registry adds is that the longest one it has seen is the one that counts."""

from __future__ import annotations

from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.model.value import value
from mpp.protocol.registry.events import PublisherRegistered, PublisherRoot
from mpp_registry.catalog.types import PublisherRow
from mpp_registry.catalog.writing import put_publisher
from mpp_registry.publishing.actor import Actor
from mpp_registry.publishing.authenticating import read_publisher
from mpp_registry.publishing.chains import chain_of, keep_keys
from mpp_registry.publishing.lookalikes import keep_publisher, like_publisher
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


@value
class Registered:
    publisher_id: str
    root_version: int
    is_new: bool
    notes: tuple[str, ...] = ()


def register(services: Services, publisher_json: bytes, actor: Actor) -> Registered:
    """``actor`` by ``authenticate_new``: the request was signed by a key of this very chain. The same chain once more changes nothing."""
    chain = _own(publisher_json, actor)
    now = services.clock.now()
    with services.database.write() as rows:
        if rows.one("SELECT 1 FROM publishers WHERE publisher_id = ?", chain.publisher_id) is not None:
            return _known(rows, chain, actor, now)
        root = chain.newest
        # A name is chosen freely and proves nothing, so one that reads as another is said to whoever looks, and refused to nobody.
        alike = like_publisher(rows, chain.publisher_id, root.name)
        put_publisher(rows, _row(chain, "active", now))
        keep_publisher(rows, chain.publisher_id, root.name)
        keep_keys(rows, chain, actor.key_id, now)
        change = PublisherRegistered(publisher_id=chain.publisher_id, name=root.name, root_version=root.version, root_sha256=root.digest)
        services.ledger.append(rows, (change,), now)
    notes = tuple(f"its name reads like that of publisher {one[:16]}" for one in alike)
    return Registered(publisher_id=chain.publisher_id, root_version=root.version, is_new=True, notes=notes)


def rotate_root(services: Services, publisher_id: str, publisher_json: bytes, actor: Actor) -> Registered:
    """A longer chain that begins with the stored one. Sent again, it marks the key that signed the request as this publisher's."""
    chain = _own(publisher_json, actor)
    if chain.publisher_id != publisher_id:
        raise Refused("registry.forbidden", "the root document is that of another publisher", where=publisher_id[:16], hint="send it to its own address")
    now = services.clock.now()
    with services.database.write() as rows:
        stored = chain_of(rows, publisher_id)
        if not store_newer(services, rows, stored, chain, actor.key_id, now):
            return _known(rows, chain, actor, now)
    return Registered(publisher_id=publisher_id, root_version=chain.newest.version, is_new=True)


def store_newer(services: Services, rows: Rows, stored: RootChain, chain: RootChain, key: str, now: int) -> bool:
    """Keep the longer chain, with its leaf. False: it is the one that is stored. Raises Refused ``publisher.fork``, ``registry.changed``.

    Attack: two versions of one number, or an older root beside a stolen key. The first longest chain that came here wins for good.
    """
    if chain.begins_with(stored) and len(chain.roots) == len(stored.roots):
        return False
    if not chain.begins_with(stored):
        if stored.begins_with(chain):
            raise Refused("registry.changed", "this registry has a newer root document already", where="publisher.json", hint="send the newest one")
        raise Refused(
            "publisher.fork", "the root document contradicts the one that is stored here", where=f"publisher {stored.publisher_id[:16]}",
            hint="two versions of one root exist: find out which of your keys is in other hands",
        )  # fmt: skip
    root = chain.newest
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", chain.publisher_id)
    # Attack: a publisher that is stopped while its rotation is on the way would be active again, without a leaf.
    if row is None or row[0] != "active":
        raise Refused("registry.suspended", "the publisher was stopped meanwhile", where=chain.publisher_id[:16], hint="ask the operator of the registry")
    put_publisher(rows, _row(chain, "active", now))
    keep_publisher(rows, chain.publisher_id, root.name)
    keep_keys(rows, chain, key, now)
    change = PublisherRoot(publisher_id=chain.publisher_id, name=root.name, root_version=root.version, root_sha256=root.digest)
    services.ledger.append(rows, (change,), now)
    return True


def _row(chain: RootChain, status: str, now: int) -> PublisherRow:
    root = chain.newest
    return PublisherRow(publisher_id=chain.publisher_id, name=root.name, roots=chain.data, root_version=root.version, status=status, registered_at=now)


def _own(publisher_json: bytes, actor: Actor) -> RootChain:
    chain = read_publisher(publisher_json)
    if chain.publisher_id != actor.publisher_id or actor.how != "signed":
        raise Refused(
            "registry.forbidden", "the request was signed for another publisher", where=chain.publisher_id[:16], hint="sign it with a key of this one"
        )
    return chain


def _known(rows: Rows, chain: RootChain, actor: Actor, now: int) -> Registered:
    stored = chain_of(rows, chain.publisher_id)
    if len(stored.roots) != len(chain.roots) or not stored.begins_with(chain):
        raise Refused(
            "registry.exists", "the publisher is registered with another root document", where=chain.publisher_id[:16], hint="send the new one to .../root"
        )
    keep_keys(rows, stored, actor.key_id, now)
    return Registered(publisher_id=chain.publisher_id, root_version=stored.newest.version, is_new=False)
