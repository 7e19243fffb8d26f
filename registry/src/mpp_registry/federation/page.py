"""What is shown of the peers: the list, how they answer, what was seen of them, and what speaks against them."""

from __future__ import annotations

from hashlib import sha256

from mpp.crypto import base64text
from mpp.model.jsontext import Json

from mpp_registry.federation.breaker import Breakers, Health
from mpp.protocol.registry.peerlist import Peer
from mpp_registry.federation.peers import all_evidence, all_seen, Evidence, FORK, peers_of, Seen
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


def peers_json(services: Services, rows: Rows, breakers: Breakers | None = None, *, whole: bool = False) -> dict[str, Json]:
    """``whole``: with the bytes of the evidence, which are too many for everybody who asks."""
    listed = peers_of(rows, services.ledger.roots)
    seen, evidence = all_seen(rows), all_evidence(rows)
    peers: list[Json] = [_peer(one, seen.get(one.registry_id), evidence, breakers) for one in listed.peers]
    known = {one.registry_id for one in listed.peers}
    others: list[Json] = [_seen(one) for one in seen.values() if one.registry_id not in known]
    return {
        "registry_id": services.settings.registry_id,
        "version": listed.version,
        "at": listed.at,
        "peers": peers,
        "others": others,
        "evidence": [_evidence(one, whole=whole) for one in evidence],
    }


def _peer(peer: Peer, seen: Seen | None, evidence: tuple[Evidence, ...], breakers: Breakers | None) -> dict[str, Json]:
    health = breakers.health(peer.registry_id) if breakers is not None else Health()
    is_forked = any(one.registry_id == peer.registry_id and one.kind == FORK for one in evidence)
    is_resting = breakers is not None and breakers.is_resting(peer.registry_id)
    return {
        "registry_id": peer.registry_id,
        "name": peer.name,
        "url": peer.url,
        "namespaces": list[Json](peer.namespaces),
        "introduces": peer.introduces,
        "state": "forked" if is_forked else "resting" if is_resting else "failing" if health.failures else "ok",
        "failures": health.failures,
        "fault": health.fault,
        "refused": health.refused,
        "answered": health.answered,
        "seen": None if seen is None else _seen(seen),
    }


def _seen(one: Seen) -> dict[str, Json]:
    return {"registry_id": one.registry_id, "size": one.size, "root": base64text.encode(one.root), "at": one.at}


def _evidence(one: Evidence, *, whole: bool) -> dict[str, Json]:
    found: dict[str, Json] = {
        "registry_id": one.registry_id,
        "kind": one.kind,
        "at": one.at,
        "words": one.words,
        "before_sha256": sha256(one.before).hexdigest(),
        "after_sha256": sha256(one.after).hexdigest(),
    }
    return {**found, "before": base64text.encode(one.before), "after": base64text.encode(one.after)} if whole else found
