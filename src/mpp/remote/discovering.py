"""Where else a package is: a registry of the user may introduce another one that has it.

Whom a registry may introduce stands in its signed list of peers; what the other registry has is proven by that one's own log. So a registry
can withhold an introduction and not make one up. Nothing here asks a person, nor writes the configuration. Spec: spec/federation.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from mpp.crypto.roots import RootChain
from mpp.errors import MppError, Refused, RemoteFailed
from mpp.model.value import value
from mpp.protocol.addresses import is_here
from mpp.protocol.registry.bundle import proven, Proven, read_bundle
from mpp.protocol.registry.found import Found, read_found
from mpp.protocol.registry.limits import HOPS_MAX
from mpp.protocol.registry.peerlist import Peer, PeerList, whom_to_ask
from mpp.remote.address import check_base
from mpp.remote.client import RegistryClient
from mpp.remote.proofs import Terms

Lists = Callable[[str, str, RootChain], PeerList]
"""The list of peers of a registry: its address, its id, and the root documents that it must be signed by."""


@value
class Start:
    """The registry of the user that is asked first."""

    registry_id: str
    url: str
    chain: RootChain


@value
class Introduction:
    """A registry that has a package, known by the signed lists of those on the way to it."""

    home: Peer
    via: tuple[str, ...]
    """The registry that was asked, then those that introduced on its behalf."""
    proof: Proven
    """What the home's log proves of the package."""


def ask_where(client: RegistryClient, package_id: str) -> Found | None:
    """What a registry says. None: it knows of nobody else, or answers with something else."""
    try:
        found = read_found(client.discover(package_id), where=client.registry.url)
    except MppError:
        return None
    return None if found.registry_id == client.registry.registry_id else found


def words_of(found: Found | None, package_id: str, terms: Terms) -> str:
    """A sentence for a person, where nothing is followed; empty where nothing is proven."""
    if found is None:
        return ""
    try:
        proof, url = proven(read_bundle(found.bundle), found.registry_id, now=terms.now, max_age=terms.max_age), check_base(found.url)
    except MppError:
        return ""
    if {found.package_id, proof.package_id} != {package_id}:
        return ""
    return f"the registry {found.registry_id[:16]} at {url} has it; if you trust that one: mpp registry add {url} --fingerprint {found.registry_id}"


def introduced(start: Start, found: Found, package_id: str, lists: Lists, terms: Terms) -> Introduction:
    """Judge an answer: each step stands in a list that the registry before it has signed. Raises Refused ``registry.*`` for what does not hold."""
    if found.package_id != package_id:
        raise _lie("it is about another package")
    via = (start.registry_id, *found.introduced_by)
    home = walk(start, via, found.registry_id, package_id, lists)
    proof = proven(read_bundle(found.bundle), home.registry_id, now=terms.now, max_age=terms.max_age, known=home.chain)
    if (proof.package_id, proof.version) != (package_id, found.version):
        raise _lie("its proof is about another package or version")
    return Introduction(home=home, via=via, proof=proof)


def walk(start: Start, via: tuple[str, ...], home_id: str, package_id: str, lists: Lists) -> Peer:
    """From the registry of the user to the home, over at most two others. Whoever stands on the way twice ends it.

    Attack: registries that introduce each other for ever; one that introduces whoever it likes, though the list gives it no right to.
    """
    if len(via) > HOPS_MAX or len({*via, home_id}) != len(via) + 1:
        raise Refused("registry.loop", "the introduction goes round, or over too many registries", where=home_id[:16], hint="ask who runs the registry")
    url, listed = start.url, lists(start.url, start.registry_id, start.chain)
    for registry_id in via[1:]:
        peer = _listed(listed, registry_id, package_id, url)
        if not peer.introduces:
            raise _lie(f"the registry {registry_id[:16]} may not introduce others")
        url, listed = peer.url, lists(peer.url, registry_id, peer.chain)
    return _listed(listed, home_id, package_id, url)


def _listed(listed: PeerList, registry_id: str, package_id: str, url: str) -> Peer:
    peer = listed.peer(registry_id)
    if peer is None:
        raise _lie(f"the registry {registry_id[:16]} does not stand in the signed list of {listed.registry_id[:16]}")
    if peer not in whom_to_ask(listed, package_id, is_ours=False):
        # Attack: dependency confusion. A peer for everything that answers for a name for which another is named.
        raise _lie(f"the registry {registry_id[:16]} may not answer for this name")
    if is_here(urlsplit(peer.url).hostname or "") and not is_here(urlsplit(url).hostname or ""):
        # Attack: a registry of the network that has its users' machines send requests to services of their own.
        raise _lie(f"the registry {registry_id[:16]} is said to be on this machine")
    return peer


def _lie(why: str) -> Refused:
    return Refused("registry.peer", f"the introduction is not believed: {why}", where="introduction", hint="ask who runs the registry")


def checked_list(listed: PeerList, before: PeerList | None) -> PeerList:
    """A list goes on from the one that was seen. Attack: a list from before a peer was taken out; two lists of one version."""
    if before is not None and listed.version < before.version:
        message = f"the registry shows version {listed.version} of its list of peers, and {before.version} was seen before"
        raise Refused("registry.rollback", message, where=listed.registry_id[:16], hint="try again; if it stays so, tell who runs the registry")
    if before is not None and listed.version == before.version and listed != before:
        message = f"the registry shows two lists of peers of version {listed.version}"
        raise Refused("registry.fork", message, where=listed.registry_id[:16], hint="install nothing through it; ask who runs the registry")
    return listed


def too_old(registry_id: str, fault: RemoteFailed) -> Refused:
    """Nobody can say whether the introduction still stands."""
    message = f"the list of peers of {registry_id[:16]} was last seen too long ago, and it does not answer: {fault.message}"
    return Refused("registry.stale", message, where=registry_id[:16], hint="try again later, or add the home registry yourself: mpp registry add URL")
