"""The peers of this registry in its store: the signed list, namespaces that are never asked about, and what is known of each peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.protocol.registry.events import PeersChanged
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Signer

from mpp_registry.federation.limits import EVIDENCE_BYTES_MAX, EVIDENCE_MAX, HOMES_MAX, LIST_RENEW_SECONDS, SEEN_MAX
from mpp.protocol.registry.limits import PEERS_MAX
from mpp.protocol.registry.peerlist import check_url, EVERYTHING, judged_namespace, NO_PEERS, Peer, PeerList, read_list, sign_list
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

LISTS_KNOWN_MAX = 4
"""Lists that are kept read. Reason: one is in force; tests have more."""

WORDS_MAX = 300
"""Characters of the words of evidence. Reason: one line of a page."""

FORK, ROLLBACK, FORGED, INCONSISTENT, HOME = "fork", "rollback", "forged", "inconsistent", "home"


@value
class Evidence:
    """What a peer was seen to do, and the bytes that show it."""

    registry_id: str
    kind: str
    at: int
    words: str
    before: bytes
    after: bytes


@value
class Seen:
    """The newest checkpoint of another registry that was proven here."""

    registry_id: str
    roots: bytes
    size: int
    root: bytes
    note: bytes
    at: int


@lru_cache(LISTS_KNOWN_MAX)
def _judged(document: bytes, roots: bytes) -> PeerList:
    return read_list(document, read_chain(roots, where="roots"), where="peers")


def list_document(rows: Rows) -> bytes | None:
    """The signed file; None: there are no peers."""
    found = rows.one("SELECT document FROM peer_lists ORDER BY version DESC LIMIT 1")
    return bytes(found[0]) if found is not None and isinstance(found[0], bytes) else None


def peers_of(rows: Rows, roots: RootChain) -> PeerList:
    """The list in force. One that is not signed by this registry's key is refused: nobody is asked then."""
    document = list_document(rows)
    return NO_PEERS if document is None else _judged(document, roots.data)


def change_peers(services: Services, step: Callable[[PeerList], Sequence[Peer]]) -> PeerList:
    """A new list in the place of the one in force, with its leaf."""
    now = services.clock.now()
    with services.database.write() as rows:
        before = peers_of(rows, services.ledger.roots)
        peers = tuple(step(before))
        if len(peers) > PEERS_MAX:
            raise Refused("registry.peers", f"a registry has at most {PEERS_MAX} peers", hint="take one out first: mpp registry peers remove")
        return _put_list(services, rows, before, peers, now)


def _put_list(services: Services, rows: Rows, before: PeerList, peers: tuple[Peer, ...], now: int) -> PeerList:
    ledger = services.ledger
    after = PeerList(registry_id=ledger.roots.publisher_id, version=before.version + 1, at=now, peers=peers)
    signers: tuple[Signer, ...] = (ledger.signer,)
    document = sign_list(after, ledger.roots, signers)
    digest = sha256(document).hexdigest()
    rows.run("INSERT INTO peer_lists (version, document, sha256, at) VALUES (?, ?, ?, ?)", after.version, document, digest, now)
    ledger.append(rows, [PeersChanged(sha256=digest)], now)
    return after


def renew_peers(services: Services) -> bool:
    """The list in force, signed anew where it has grown old: clients take none that is two days old. Also an empty one, which says that there are no peers any more.

    For a job of every minute, in each replica. What only renews leaves no second copy of the same peers behind.
    """
    now = services.clock.now()
    with services.database.read() as rows:
        if not _is_due(peers_of(rows, services.ledger.roots), now):
            return False
    with services.database.write() as rows:
        before = peers_of(rows, services.ledger.roots)
        # Another replica may have done it meanwhile.
        if not _is_due(before, now):
            return False
        _put_list(services, rows, before, before.peers, now)
        rows.run("DELETE FROM peer_lists WHERE version = ?", before.version)
    return True


def _is_due(found: PeerList, now: int) -> bool:
    return found.version > 0 and now - found.at >= LIST_RENEW_SECONDS


def add_peer(services: Services, peer: Peer) -> PeerList:
    """One more, at the end; one that is there already keeps its place."""
    checked = replace(peer, url=check_url(peer.url), namespaces=tuple(judged_namespace(one) for one in peer.namespaces))
    if not checked.namespaces:
        raise Refused("registry.peers", "a peer answers for at least one namespace", hint="name it with --namespace com.example, or * for everything")

    def step(found: PeerList) -> Sequence[Peer]:
        if found.peer(checked.registry_id) is None:
            return (*found.peers, checked)
        return tuple(checked if one.registry_id == checked.registry_id else one for one in found.peers)

    return change_peers(services, step)


def remove_peer(services: Services, registry_id: str) -> PeerList:
    """``registry_id``: the whole id, or 16 digits and more that fit one peer."""

    def step(found: PeerList) -> Sequence[Peer]:
        gone = named(found, registry_id)
        return tuple(one for one in found.peers if one is not gone)

    return change_peers(services, step)


def named(found: PeerList, registry_id: str) -> Peer:
    fits = [one for one in found.peers if one.registry_id.startswith(registry_id)] if len(registry_id) >= 16 else []
    if len(fits) != 1:
        raise Refused("registry.peers", f"no single peer is meant by {shown(registry_id)!r}", hint="give 16 digits or more of its id: mpp registry peers list")
    return fits[0]


# -- what stays here


def keep_private(services: Services, namespace: str) -> None:
    """Names of this namespace are never asked about outside."""
    if judged_namespace(namespace) == EVERYTHING:
        raise Refused("registry.peers", "everything cannot be private", hint="remove the peers instead")
    with services.database.write() as rows:
        rows.run("INSERT INTO peer_private (namespace, at) VALUES (?, ?) ON CONFLICT (namespace) DO NOTHING", namespace, services.clock.now())


def unkeep_private(services: Services, namespace: str) -> bool:
    with services.database.write() as rows:
        return rows.run("DELETE FROM peer_private WHERE namespace = ?", namespace) > 0


def private_namespaces(rows: Rows) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in rows.all("SELECT namespace FROM peer_private ORDER BY namespace"))


def _beginnings(package_id: str) -> list[str]:
    """``com.example.hello`` and each namespace that it is in."""
    parts = package_id.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def is_private(rows: Rows, package_id: str) -> bool:
    """Must nobody outside hear of this name? Spec: federation U-13.

    Attack: a question about a name is told to each peer. A slip of the keyboard in a private namespace must not tell them which projects there are:
    beside the namespaces that were named, each one in which a private package stands is kept.
    """
    marks = ", ".join("?" for _ in _beginnings(package_id))
    # The marks are ours; the names are bound.
    if rows.one(f"SELECT 1 FROM peer_private WHERE namespace IN ({marks}) LIMIT 1", *_beginnings(package_id)) is not None:  # noqa: S608
        return True
    return any(_has_private(rows, one) for one in _beginnings(package_id)[1:])


def _has_private(rows: Rows, namespace: str) -> bool:
    """Does a private package stand in ``namespace`` itself, or is it one? A name of one part, such as com, is everybody's and does not count."""
    sql = (
        "SELECT 1 FROM packages WHERE visibility = 'private' AND (package_id = ? OR"
        " (package_id > ? AND package_id < ? AND REPLACE(SUBSTR(package_id, CAST(? AS INTEGER)), '.', '') = SUBSTR(package_id, CAST(? AS INTEGER)))) LIMIT 1"
    )
    begin = len(namespace) + 2
    return rows.one(sql, namespace, f"{namespace}.", f"{namespace}/", begin, begin) is not None


def is_ours(rows: Rows, package_id: str) -> bool:
    """Has a publisher proven a namespace here that covers the name?"""
    marks = ", ".join("?" for _ in _beginnings(package_id))
    return rows.one(f"SELECT 1 FROM namespaces WHERE state = 'proven' AND namespace IN ({marks}) LIMIT 1", *_beginnings(package_id)) is not None  # noqa: S608


# -- what is known of others


def seen_of(rows: Rows, registry_id: str) -> Seen | None:
    found = rows.one("SELECT registry_id, roots, size, root, note, at FROM peer_seen WHERE registry_id = ?", registry_id)
    return None if found is None else _seen(found)


def all_seen(rows: Rows) -> dict[str, Seen]:
    found = [_seen(row) for row in rows.all("SELECT registry_id, roots, size, root, note, at FROM peer_seen ORDER BY at DESC LIMIT 1000")]
    return {one.registry_id: one for one in found}


def _seen(row: Sequence[object]) -> Seen:
    registry_id, roots, size, root, note, at = row
    return Seen(registry_id=str(registry_id), roots=_bytes(roots), size=int(str(size)), root=_bytes(root), note=_bytes(note), at=int(str(at)))


def _bytes(cell: object) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else b""


def _is_full(rows: Rows, table: str, most: int) -> bool:
    # The name of the table is ours.
    found = rows.one(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
    return found is not None and int(str(found[0])) >= most


def keep_seen(rows: Rows, seen: Seen) -> None:
    """Never a step back: of two that come at once, the larger one stays.

    Attack: a peer that introduces registries without end. Of more than there is room for, those that are known go on.
    """
    if _is_full(rows, "peer_seen", SEEN_MAX) and seen_of(rows, seen.registry_id) is None:
        return
    rows.run(
        "INSERT INTO peer_seen (registry_id, roots, size, root, note, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (registry_id) DO UPDATE SET"
        " roots = excluded.roots, size = excluded.size, root = excluded.root, note = excluded.note, at = excluded.at WHERE excluded.size >= peer_seen.size",
        seen.registry_id, seen.roots, seen.size, seen.root, seen.note, seen.at,
    )  # fmt: skip


def keep_evidence(rows: Rows, found: Evidence) -> None:
    """The first of its kind. Attack: a thousand harmless ones that push out the one that counts."""
    if _is_full(rows, "peer_evidence", EVIDENCE_MAX):
        return
    rows.run(
        "INSERT INTO peer_evidence (registry_id, kind, at, words, before, after) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (registry_id, kind) DO NOTHING",
        found.registry_id, found.kind, found.at, shown(found.words, WORDS_MAX), found.before[:EVIDENCE_BYTES_MAX], found.after[:EVIDENCE_BYTES_MAX],
    )  # fmt: skip


def all_evidence(rows: Rows) -> tuple[Evidence, ...]:
    found = rows.all("SELECT registry_id, kind, at, words, before, after FROM peer_evidence ORDER BY at, registry_id, kind LIMIT 1000")
    return tuple(
        Evidence(registry_id=str(one), kind=str(kind), at=int(str(at)), words=str(words), before=_bytes(before), after=_bytes(after))
        for one, kind, at, words, before, after in found
    )


def is_forked(rows: Rows, registry_id: str) -> bool:
    """Was it seen to sign two histories? Then it is not believed until a person says so."""
    return rows.one("SELECT 1 FROM peer_evidence WHERE registry_id = ? AND kind = ?", registry_id, FORK) is not None


def clear_evidence(services: Services, registry_id: str, *, forget: bool = False) -> int:
    """A person has looked into it. ``forget``: also the checkpoint that was seen last, so that the next one begins anew."""
    with services.database.write() as rows:
        count = rows.run("DELETE FROM peer_evidence WHERE registry_id = ?", registry_id)
        if forget:
            count += rows.run("DELETE FROM peer_seen WHERE registry_id = ?", registry_id)
            rows.run("DELETE FROM peer_homes WHERE registry_id = ?", registry_id)
    return count


def home_of(rows: Rows, package_id: str) -> str:
    found = rows.one("SELECT registry_id FROM peer_homes WHERE package_id = ?", package_id)
    return "" if found is None else str(found[0])


def keep_home(rows: Rows, package_id: str, registry_id: str, at: int) -> None:
    if _is_full(rows, "peer_homes", HOMES_MAX):
        return
    rows.run("INSERT INTO peer_homes (package_id, registry_id, at) VALUES (?, ?, ?) ON CONFLICT (package_id) DO NOTHING", package_id, registry_id, at)
