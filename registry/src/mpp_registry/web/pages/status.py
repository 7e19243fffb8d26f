"""The status page: what this registry can be seen to do right now. Each check is made for the page."""

from __future__ import annotations

from mpp.crypto.roots import read_chain
from mpp.errors import Refused
from mpp.ledger.tree import EMPTY_ROOT
from mpp.model.value import value
from mpp.protocol.registry.checkpoint import read_signed
from mpp.protocol.registry.peerlist import Peer
from mpp_registry.federation.peers import Seen, all_seen, is_forked, peers_of
from mpp_registry.store.ports import Rows
from mpp_registry.web import logrows, reading
from mpp_registry.web.answers import Answer, Asked
from mpp_registry.web.logrows import Cosigned, Head
from mpp_registry.web.pages.explorer import inclusion
from mpp_registry.web.site import Site
from mpp.pages.texts import many, span

HEAD_SECONDS_MAX = 24 * 3600
"""Seconds until the head of the log is called old. Reason: clients refuse a head of that age unless they were told otherwise."""


PEERS_SHOWN = 50
"""Peers on the page. Reason: each is two statements; a registry has a handful."""


@value
class Check:
    tone: str
    name: str
    words: str


def status(site: Site, _asked: Asked) -> Answer:
    now = site.now()
    with site.services.database.read() as rows:
        head = logrows.head(rows)
        witnesses = logrows.cosigned_above(rows, -1)
        checks = [_database(site), _age(head, now), _tree(rows, head), _note(site, head), _witnesses(head, witnesses), _namespaces(rows)]
        totals = site.totals(rows)
        peers, peers_check = _peers(site, rows)
    checks += [peers_check] if peers_check else []
    tone = "good" if all(one.tone == "good" for one in checks) else "bad" if any(one.tone == "bad" for one in checks) else "careful"
    return site.page("status.html", tone=tone, checks=checks, head=head, witnesses=witnesses, totals=totals, now=now, peers=peers)


@value
class PeerLine:
    """Another registry that this one asks, and what was proven of it here."""

    name: str
    registry_id: str
    seen_at: int
    size: int
    is_forked: bool


def _peers(site: Site, rows: Rows) -> tuple[list[PeerLine], Check | None]:
    """Attack: a list that somebody put into the database. One that this registry did not sign is shown to nobody."""
    try:
        listed = peers_of(rows, site.services.ledger.roots).peers
    except Refused as fault:
        return [], Check(tone="bad", name="Peers", words=fault.message)
    if not listed:
        return [], None
    seen = all_seen(rows)
    lines = [_peer(rows, one, seen.get(one.registry_id)) for one in listed[:PEERS_SHOWN]]
    forked = sum(one.is_forked for one in lines)
    words = f"{many(len(listed), 'registry is', 'registries are')} asked" + (f", of which {forked} told two stories" if forked else "")
    return lines, Check(tone="careful" if forked else "good", name="Peers", words=words)


def _peer(rows: Rows, peer: Peer, seen: Seen | None) -> PeerLine:
    return PeerLine(
        name=peer.name, registry_id=peer.registry_id, seen_at=seen.at if seen else 0, size=seen.size if seen else 0,
        is_forked=is_forked(rows, peer.registry_id),
    )  # fmt: skip


def _database(site: Site) -> Check:
    return Check(tone="good", name="Database", words=f"answers ({site.services.database.kind})")


def _age(head: Head | None, now: int) -> Check:
    if head is None:
        return Check(tone="bad", name="Log head", words="there is none")
    age = now - head.at
    if age < 0:
        return Check(tone="careful", name="Log head", words="is signed with a time that has not come yet: a clock is wrong")
    return Check(tone="good" if age <= HEAD_SECONDS_MAX else "careful", name="Log head", words=f"{head.size:,} entries, signed {span(age)} ago")


def _tree(rows: Rows, head: Head | None) -> Check:
    if head is None or head.size == 0:
        return Check(tone="good" if head is None or head.root == EMPTY_ROOT else "bad", name="Tree", words="is empty")
    line = logrows.leaf(rows, head.size - 1)
    holds = line is not None and inclusion(rows, line.leaf, head.size - 1, head).holds
    return Check(
        tone="good" if holds else "bad", name="Tree", words="the newest entry is in the signed root" if holds else "the newest entry is NOT in the signed root"
    )


def _note(site: Site, head: Head | None) -> Check:
    """Read as a client reads it: with the root document that this registry shows to everybody."""
    name = "Signature"
    if head is None:
        return Check(tone="bad", name=name, words="there is nothing to be signed")
    try:
        found = read_signed(head.note, read_chain(site.services.settings.roots, where="root.json"))
    except Refused as fault:
        return Check(tone="bad", name=name, words=fault.message)
    is_same = (found.size, found.root, found.map_root) == (head.size, head.root, head.map_root)
    return Check(tone="good" if is_same else "bad", name=name, words="the log key signed exactly this head" if is_same else "what is signed is another head")


def _witnesses(head: Head | None, found: list[Cosigned]) -> Check:
    if not found:
        return Check(tone="careful", name="Witnesses", words="none has countersigned this log: nobody else vouches that all see the same one")
    behind = (head.size if head else 0) - max(one.size for one in found)
    return Check(
        tone="good", name="Witnesses", words=f"{many(len(found), 'witness', 'witnesses')}, the nearest {many(behind, 'entry', 'entries')} behind the head"
    )


def _namespaces(rows: Rows) -> Check:
    found = rows.all("SELECT state, COUNT(*) FROM namespaces GROUP BY state")
    counts = {reading.text(row[0]): reading.number(row[1]) for row in found}
    return Check(
        tone="good", name="Namespaces", words=f"{many(counts.get('proven', 0), 'is', 'are')} proven, {many(counts.get('lapsed', 0), 'has', 'have')} lapsed"
    )
