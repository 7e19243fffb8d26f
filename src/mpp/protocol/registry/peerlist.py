"""The list of peers: whom this registry asks, what they may answer for, and by which keys their logs are known. Pure.

It is signed by the registry's log key, and its digest is in the log: whoever can write the database alone cannot add a peer.
Spec: spec/federation.md section 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read, read_canonical, shown
from mpp.model.names import PACKAGE_ID, SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value
from mpp.ports import Signer
from mpp.protocol.addresses import is_here
from mpp.protocol.registry.limits import (
    PEER_LIST_SECONDS_MAX,
    PEER_LIST_VERSION_MAX,
    PEER_NAMESPACES_MAX,
    PEER_URL_CHARS_MAX,
    PEERS_MAX,
    PEERS_PAYLOAD_MAX,
    SKEW_SECONDS_MAX,
)
from mpp.protocol.registry.signed_file import bytes_max, read_signed, what_is_wrong, write_signed

PEERS_TYPE = "application/vnd.mpp.peers+json"
LIST_BYTES_MAX = bytes_max(PEERS_PAYLOAD_MAX)
"""Bytes of a signed list of peers. Reason: what is signed in base64, root documents and signatures."""

TIME_MAX = 4102444800
"""Latest time in a list: the beginning of the year 2100, in seconds since 1970. Reason: a later one is a slip."""

EVERYTHING = "*"
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_NAMESPACE = re.compile(rf"\*|(?=.{{1,200}}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\.{_LABEL})*")
NAMESPACE_FORM = "a namespace such as com.example, or *"
NAMESPACE_CHARS_MAX = 200
"""Characters of a namespace. Reason: as for package ids."""


@value
class Peer:
    """One registry that is asked."""

    chain: RootChain
    """Its root documents, as its administrator gave them."""
    url: str
    namespaces: tuple[str, ...]
    """What it is asked and believed for; ``*`` is everything that no other peer is named for."""
    introduces: bool = False
    """May it answer with registries that this list does not have?"""

    @property
    def registry_id(self) -> str:
        return self.chain.publisher_id

    @property
    def name(self) -> str:
        return self.chain.newest.name


@value
class PeerList:
    """Whom one registry asks, in the order of its administrator's preference."""

    registry_id: str
    version: int
    at: int
    peers: tuple[Peer, ...]

    def peer(self, registry_id: str) -> Peer | None:
        return next((one for one in self.peers if one.registry_id == registry_id), None)


NO_PEERS = PeerList(registry_id="", version=0, at=0, peers=())


def covers(namespace: str, package_id: str) -> bool:
    """``com.example`` covers ``com.example.hello``, and never ``com.examplefoo``."""
    return namespace in {EVERYTHING, package_id} or package_id.startswith(namespace + ".")


def judged_namespace(text: str, where: str = "namespace") -> str:
    if _NAMESPACE.fullmatch(text) is None:
        raise Refused("registry.peers", f"{shown(text)!r} is not {NAMESPACE_FORM}", where=where, hint="write for example com.example")
    return text


def check_url(url: str) -> str:
    """https, or plain http to this very machine; a host and perhaps a path, nothing else. Spec: federation U-3."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or len(url) > PEER_URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise _unusable(url, "this is no address of a registry")
    if parts.username is not None or parts.password is not None:
        raise _unusable(host, "an address with a name or a password in it is not taken")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here(host)):
        # Attack: who sits between learns which packages are looked for, and can withhold each answer.
        raise _unusable(url, "plain http is taken to this machine only")
    return url.rstrip("/")


def _unusable(url: str, why: str) -> Refused:
    return Refused("registry.peers", why, where=shown(url), hint="give an address that begins with https://")


def write_body(found: PeerList) -> bytes:
    """What is signed."""
    peers: list[Json] = [
        {
            "registry_id": one.registry_id, "url": one.url, "roots": _roots(one.chain), "namespaces": list[Json](one.namespaces),
            "introduces": one.introduces,
        }
        for one in found.peers
    ]  # fmt: skip
    return canonical({"mpp_peers": 1, "registry_id": found.registry_id, "version": found.version, "at": found.at, "peers": peers})


def _roots(chain: RootChain) -> Json:
    document = read(chain.data, family="registry", where="roots")
    return document["roots"] if isinstance(document, dict) else []


def sign_list(found: PeerList, chain: RootChain, signers: Sequence[Signer]) -> bytes:
    """The file. What would be refused when it is read is not signed."""
    data = write_signed(chain, PEERS_TYPE, write_body(found), signers)
    read_list(data, chain, where="peers")
    return data


def read_list(data: bytes, known: RootChain, *, where: str) -> PeerList:
    """Judge a list by the root documents ``known`` of its registry. Spec: federation U-1, U-2."""
    if len(data) > LIST_BYTES_MAX:
        raise Refused("registry.length", f"a list of peers has at most {LIST_BYTES_MAX} bytes", where=where, hint="name fewer peers")
    try:
        found = read_signed(data, family="registry", kind=PEERS_TYPE, payload_most=PEERS_PAYLOAD_MAX, where=where)
    except Refused as fault:
        raise Refused("registry.peers", f"this is no signed list of peers: {fault.message}", where=fault.where, hint=_HINT) from None
    chain = found.chain if found.chain.begins_with(known) else known
    if not chain.begins_with(found.chain):
        raise Refused("registry.peers", "the list of peers is of another registry", where=where, hint=_HINT)
    wrong = what_is_wrong(found, chain, PEERS_TYPE)
    if wrong:
        raise Refused("registry.peers", f"the list of peers is not signed by its registry ({wrong})", where=where, hint=_HINT)
    listed = _read_body(found.payload, where)
    if listed.registry_id != chain.publisher_id:
        raise Refused("registry.peers", "the list of peers names another registry than its signer", where=where, hint=_HINT)
    return listed


def check_age(found: PeerList, now: int) -> PeerList:
    """By the clock of whoever reads the list of another. Spec: federation U-6. Attack: a list from before a peer was taken out, shown for ever to those who saw no newer one."""
    if found.at > now + SKEW_SECONDS_MAX:
        hint = "set the clock of this machine; if it is right, ask who runs the registry"
        raise Refused("registry.early", "the list of peers is from the future", where=found.registry_id[:16], hint=hint)
    if now - found.at > PEER_LIST_SECONDS_MAX:
        message = f"the list of peers was signed {(now - found.at) // 3600} hours ago, and counts for {PEER_LIST_SECONDS_MAX // 3600}"
        raise Refused("registry.stale", message, where=found.registry_id[:16], hint="try again later; if it stays so, tell who runs the registry")
    return found


_HINT = "make it anew: mpp registry peers add"


def _read_body(payload: bytes, where: str) -> PeerList:
    faults = Faults("registry")
    fields = Fields(read_canonical(payload, family="registry", where=where), where, faults)
    fields.number("mpp_peers", least=1, most=1)
    found = PeerList(
        registry_id=fields.text("registry_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        version=fields.number("version", least=1, most=PEER_LIST_VERSION_MAX),
        at=fields.number("at", least=0, most=TIME_MAX),
        peers=fields.each("peers", lambda item, place: _read_peer(Fields(item, place, faults)), most=PEERS_MAX, required=True),
    )
    fields.end()
    faults.stop()
    ids = [one.registry_id for one in found.peers]
    if len(set(ids)) != len(ids) or found.registry_id in ids:
        # Attack: one registry twice, of which one entry has the wider rights.
        raise Refused("registry.peers", "a registry stands twice in the list, or is its own peer", where=where, hint=_HINT)
    return found


def _read_peer(fields: Fields) -> Peer:
    registry_id = fields.text("registry_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)
    url = fields.text("url", most=PEER_URL_CHARS_MAX)
    roots, introduces = fields.raw("roots"), fields.flag("introduces")
    namespaces = fields.texts(
        "namespaces", most=PEER_NAMESPACES_MAX, each_most=NAMESPACE_CHARS_MAX, required=True, least=1, pattern=_NAMESPACE, form=NAMESPACE_FORM
    )
    fields.end()
    fields.faults.stop()
    try:
        chain = read_chain(canonical({"roots": roots}), where=fields.where)
    except (Refused, ValueError):
        raise Refused("registry.peers", "the root documents of a peer do not hold", where=fields.where, hint=_HINT) from None
    if chain.publisher_id != registry_id:
        raise Refused("registry.peers", "the root documents of a peer are those of another registry", where=fields.where, hint=_HINT)
    return Peer(chain=chain, url=check_url(url), namespaces=namespaces, introduces=introduces)


def whom_to_ask(found: PeerList, package_id: str, *, is_ours: bool) -> tuple[Peer, ...]:
    """The peers that may answer for ``package_id``, in the order of preference. Spec: federation U-11, U-12.

    Attack: dependency confusion. A name for which somebody is responsible is asked for there and nowhere else: neither a peer for everything
    nor one for a shorter namespace gets a say. ``is_ours``: its namespace is proven here; then only those who are named for it are asked.
    """
    if PACKAGE_ID.fullmatch(package_id) is None:
        return ()
    best = max((len(one) for peer in found.peers for one in peer.namespaces if one != EVERYTHING and covers(one, package_id)), default=0)
    if best:
        return tuple(peer for peer in found.peers if any(len(one) == best and one != EVERYTHING and covers(one, package_id) for one in peer.namespaces))
    return () if is_ours else tuple(peer for peer in found.peers if EVERYTHING in peer.namespaces)
