"""The root documents of publishers in the database, verified once and remembered."""

from __future__ import annotations

from functools import lru_cache

from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import HostFailed, Refused
from mpp_registry.publishing.actor import Actor
from mpp_registry.store.ports import Rows

CHAINS_KEPT_MAX = 512
"""Root documents that are remembered. Reason: each request needs that of its publisher, and to verify one takes a millisecond for each version."""


@lru_cache(CHAINS_KEPT_MAX)
def _read(data: bytes) -> RootChain:
    return read_chain(data, where="publishers")


def chain_of(rows: Rows, publisher_id: str) -> RootChain:
    """What is stored for a publisher that is registered."""
    row = rows.one("SELECT roots FROM publishers WHERE publisher_id = ?", publisher_id)
    if row is None or not isinstance(row[0], bytes | memoryview):
        raise Refused("registry.absent", "there is no such publisher", where=f"publisher {publisher_id[:16]}", hint="it registers with `mpp register`")
    chain = _read(bytes(row[0]))
    # Attack: rows that somebody exchanged behind our back.
    if chain.publisher_id != publisher_id:
        raise HostFailed(
            "registry.data", "the root document of a publisher is that of another", where=publisher_id[:16], hint="restore the database from a copy"
        )
    return chain


def keep_keys(rows: Rows, chain: RootChain, proven: str, now: int) -> None:
    """Which keys the publisher has now; ``proven``: the one that signed the request. Keys of earlier roots are nobody's."""
    for (key,) in rows.all("SELECT key_id FROM publisher_keys WHERE publisher_id = ?", chain.publisher_id):
        if key not in chain.newest.keys:
            rows.run("DELETE FROM publisher_keys WHERE key_id = ? AND publisher_id = ?", key, chain.publisher_id)
    for key in sorted(chain.newest.keys):
        rows.run("INSERT INTO publisher_keys (key_id, publisher_id, is_proven, at) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING", key, chain.publisher_id, now)
    rows.run("UPDATE publisher_keys SET is_proven = 1 WHERE key_id = ? AND publisher_id = ?", proven, chain.publisher_id)


def demand_current(rows: Rows, actor: Actor) -> None:
    """Within the transaction that writes. Attack: a publisher that is stopped, or a key that is rotated out, while its request is on the way."""
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", actor.publisher_id)
    if row is None or row[0] != "active":
        raise Refused("registry.suspended", "the publisher was stopped meanwhile", where=actor.publisher_id[:16], hint="ask the operator of the registry")
    sql = "SELECT 1 FROM publisher_keys WHERE key_id = ? AND publisher_id = ?"
    if actor.how == "signed" and rows.one(sql, actor.key_id, actor.publisher_id) is None:
        raise Refused("registry.key", "the key was rotated out meanwhile", where=f"key {actor.key_id[:16]}", hint="sign with the new key")


def publisher_of_key(rows: Rows, key: str) -> str | None:
    """Whose request it is. None: nobody here has the key. Raises Refused where several name it and it has signed for none of them.

    Attack: a publisher whose root document names somebody else's public key, so that what that key signs counts as its own.
    """
    found = rows.all("SELECT publisher_id, is_proven FROM publisher_keys WHERE key_id = ? ORDER BY is_proven DESC, at, publisher_id LIMIT 2", key)
    if len(found) > 1 and not found[0][1]:
        raise Refused(
            "registry.key", "several publishers name this key, and it has signed for none of them", where=f"key {key[:16]}",
            hint="send publisher.json once more, signed by this very key",
        )  # fmt: skip
    return str(found[0][0]) if found else None
