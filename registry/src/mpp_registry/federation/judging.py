"""What is believed of a peer's answer. Pure: what was seen before, the time and the list are given.

A peer can lie about nothing but silence: the answer carries proofs of the home registry's own log, and whose home may be what is decided by
our own signed list. Spec: spec/federation.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mpp.crypto.roots import read_chain, RootChain
from mpp.errors import Refused
from mpp.ledger.tree import is_consistent
from mpp.model.value import value
from mpp.protocol.registry.bundle import proven, Proven, read_bundle
from mpp.protocol.registry.checkpoint import read_signed, read_unsigned, RegistryCheckpoint

from mpp.protocol.registry.found import Found
from mpp_registry.federation.limits import BUNDLE_SECONDS_MAX, KNOWN_SECONDS
from mpp.protocol.registry.limits import HOPS_MAX
from mpp.protocol.registry.peerlist import check_url, Peer, PeerList, whom_to_ask
from mpp_registry.federation.peers import Seen

BEHIND_SECONDS_MAX = 5 * KNOWN_SECONDS
"""Seconds by which an answer may be behind the newest checkpoint that was seen. Reason: answers are kept for a minute at each of three registries."""

AGAIN = "ask who runs the registry that answered so"


@value
class Question:
    package_id: str
    version: str = ""
    """Empty: the newest."""

    @property
    def name(self) -> str:
        return f"{self.package_id}@{self.version}"


@value
class Judged:
    """An answer whose proofs hold."""

    found: Found
    proven: Proven
    checkpoint: RegistryCheckpoint
    needs_proof: bool
    """Is its log larger or smaller than what was seen? Then it is still to be shown that one is the beginning of the other."""


class ForkedError(Exception):
    """Two checkpoints that one key signed and that cannot both be true."""

    def __init__(self, registry_id: str, before: bytes, after: bytes) -> None:
        super().__init__(registry_id)
        self.registry_id, self.before, self.after = registry_id, before, after


class RolledBackError(ForkedError):
    """A home that shows an older state than it showed before."""


def home_chain(found: Found, peer: Peer, listed: PeerList, question: Question) -> RootChain:
    """The root documents by which the home's log is known: from our list, or by a peer that may introduce others."""
    if found.registry_id == listed.registry_id:
        raise _lie("it says that the package is here, and it is not")
    home = listed.peer(found.registry_id)
    if home is not None:
        # Those who may answer for the name may be its home, whoever of them brings the answer.
        if home in whom_to_ask(listed, question.package_id, is_ours=False):
            return home.chain
        raise _lie("its home may not answer for this name")
    if not peer.introduces:
        # Attack: anybody can open a registry, publish the package there, and have it named by a peer.
        raise _lie("its home is a registry that is not in the list, and this peer may not introduce others")
    try:
        chain = read_chain(found.roots, where="home")
    except Refused:
        raise _lie("the root documents of its home do not hold") from None
    if chain.publisher_id != found.registry_id:
        raise _lie("the root documents of its home are those of another registry")
    check_url(found.url)
    return chain


def _lie(why: str) -> Refused:
    return Refused("registry.peer", f"the answer of the peer is not believed: {why}", where="peer", hint=AGAIN)


def judge(found: Found, peer: Peer, listed: PeerList, question: Question, seen: Seen | None, now: int) -> Judged:
    """Prove an answer. Raises Refused for what does not hold, ForkedError for what incriminates the home itself. Spec: federation U-30 to U-34."""
    if found.package_id != question.package_id or question.version not in {"", found.version}:
        raise _lie("it is about another package or version")
    known = home_chain(found, peer, listed, question)
    if seen is not None:
        known = _longest(known, read_chain(seen.roots, where="seen"))
    bundle = read_bundle(found.bundle)
    proof = proven(bundle, found.registry_id, now=now, max_age=BUNDLE_SECONDS_MAX, known=known)
    if (proof.package_id, proof.version) != (question.package_id, found.version):
        raise _lie("its proof is about another package or version")
    checkpoint = read_signed(bundle.checkpoint, proof.chain)
    needs_proof = _differs(checkpoint, seen, found.registry_id)
    return Judged(found=_plain(found, proof, peer, listed), proven=proof, checkpoint=checkpoint, needs_proof=needs_proof)


def _longest(listed: RootChain, seen: RootChain) -> RootChain:
    if not seen.begins_with(listed) and not listed.begins_with(seen):
        raise Refused(
            "registry.fork", "the root documents in the list part from those seen", where="peers", hint="ask the operator of that registry which hold"
        )
    return max(listed, seen, key=lambda one: len(one.roots))


def _plain(found: Found, proof: Proven, peer: Peer, listed: PeerList) -> Found:
    """What is handed on: of a listed home its address in our own list, whatever the answer says."""
    home = listed.peer(found.registry_id)
    roots = proof.chain.data
    if home is not None:
        return replace(found, url=home.url, roots=roots, introduced_by=())
    way = tuple(one for one in found.introduced_by if one != peer.registry_id)
    return replace(found, url=check_url(found.url), roots=roots, introduced_by=(peer.registry_id, *way)[:HOPS_MAX])


def _differs(checkpoint: RegistryCheckpoint, seen: Seen | None, registry_id: str) -> bool:
    """Is its log longer or shorter than what was seen? Spec: federation U-34, U-36.

    Attack: a registry that shows each asker another history; one that goes back to the time before a revocation.
    """
    if seen is None:
        return False
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        raise ForkedError(registry_id, seen.note, checkpoint.note)
    if checkpoint.size < seen.size and read_unsigned(seen.note, where="seen").at - checkpoint.at > BEHIND_SECONDS_MAX:
        raise RolledBackError(registry_id, seen.note, checkpoint.note)
    return checkpoint.size != seen.size


def check_follows(seen: Seen, checkpoint: RegistryCheckpoint, hashes: Sequence[bytes]) -> None:
    """Is the smaller one of the two logs the beginning of the larger one? Spec: federation U-35."""
    (size, root), (size_after, root_after) = sorted(((seen.size, seen.root), (checkpoint.size, checkpoint.root)))
    if not is_consistent(size, root, size_after, root_after, hashes):
        raise Refused("registry.fork", "the log of the home does not go on from what was seen of it", where="consistency", hint=AGAIN)


def choose(answers: Sequence[tuple[int, Judged]], pinned: str) -> Judged | None:
    """The answer that counts: of the home that the package was first found in, else of the peer that the administrator prefers. Spec: federation U-38.

    Attack: a peer further down the list that answers faster, and takes over a package that another registry has.
    """
    rows = [one for _, one in sorted(answers, key=lambda row: row[0])]
    if pinned:
        rows = [one for one in rows if one.found.registry_id == pinned]
    return rows[0] if rows else None
