"""Lists of peers, introductions by them, and trust bundles of fleets. Spec: federation.md sections 1, 4 and 6; fleet.md section 3."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

from conformance.make.build import NOW, compact
from conformance.make.documents import DAY, STRANGER, Change, Document, changed, sealed, spoilt
from conformance.make.documents_bundle import FORK, NEXT, ORG, OTHER, roots
from conformance.make.documents_registry_proofs import AT, LOG
from conformance.make.registry import HELLO, REGISTRY as HOME, b64
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, publisher

# One case a line, however long.
# fmt: off

PEERS_TYPE, TRUST_TYPE, OTHER_TYPE = "application/vnd.mpp.peers+json", "application/vnd.mpp.fleet-trust+json", "application/vnd.in-toto+json"
ASKED, HUB, FAR, THIRD = (publisher(name) for name in ("Asked Registry", "Hub Registry", "Far Registry", "Third Registry"))
URL = "https://packages.example.org"


def signed_file(kind: str, body: Mapping[str, Json], *, by: TestPublisher, signers: tuple[SeedSigner, ...] | None = None, envelope: bytes = b"", ending: bytes = b"\n") -> bytes:
    made: Json = json.loads(envelope or sealed(kind, body, *(by.release if signers is None else signers)))
    return compact({"roots": roots(by), "envelope": made}) + ending


# -- lists of peers


def peer(of: TestPublisher, *namespaces: str, url: str = URL, introduces: bool = False, **more: Json) -> dict[str, Json]:
    return {"registry_id": of.id, "url": url, "roots": roots(of), "namespaces": list(namespaces) or ["*"], "introduces": introduces, **more}


def peers(*rows: Mapping[str, Json], of: TestPublisher = ASKED, **more: Json) -> dict[str, Json]:
    return {"mpp_peers": 1, "registry_id": of.id, "version": 3, "at": NOW, "peers": [{**one} for one in rows], **more}


def listed(body: Mapping[str, Json], *, by: TestPublisher = ASKED, **more: bytes) -> bytes:
    return signed_file(PEERS_TYPE, body, by=by, **more)  # type: ignore[arg-type] # an envelope, or an ending


def _known(**more: Json) -> dict[str, Json]:
    return {"registry": b64(ASKED.chain.data), "package": HELLO, **more}


def _list(name: str, title: str, clauses: str, data: bytes, code: str = "", *, rows: tuple[Mapping[str, Json], ...] = (), asked: tuple[TestPublisher, ...] = (), context: Mapping[str, Json] | None = None) -> Document:
    result: Json = None if code else {
        "version": 3, "peers": [{key: row[key] for key in ("registry_id", "url", "namespaces", "introduces")} for row in rows], "asked": [who.id for who in asked],
    }
    return Document(kind="peer-list", name=name, title=title, clauses=clauses, data=data, context=context or "peer-list", code=f"registry.{code}" if code else "", result=result)


def _good(name: str, title: str, clauses: str, *rows: Mapping[str, Json], asked: tuple[TestPublisher, ...] = (), **more: Json) -> Document:
    return _list(name, title, clauses, listed(peers(*rows)), rows=rows, asked=asked, context=_known(**more) if more else None)


def _sound_lists() -> Iterator[Document]:
    everything, whole, below = peer(HUB), peer(FAR, "com.example"), peer(THIRD, "com")
    yield _good("sound", "A peer for everything", "U-1", everything, asked=(HUB,))
    yield _good("empty", "No peers any more", "U-1")
    yield _good("namespace", "A peer that is named for the name goes before one for everything", "U-11", everything, whole, asked=(FAR,))
    yield _good("longest", "The longest name space decides", "U-11", below, everything, whole, asked=(FAR,))
    yield _good("two-of-one", "Two peers of one name space, in the order of the list", "U-11", peer(THIRD, "com.example"), whole, asked=(THIRD, FAR))
    yield _good("exact", "The whole id is a name space too", "U-11", peer(FAR, HELLO), peer(THIRD, "com.example"), asked=(FAR,))
    yield _good("beginning", "The beginning of a part is no name space of it", "U-11", peer(FAR, "com.exam"), everything, asked=(HUB,))
    yield _good("ours", "Nobody but who is named is asked about a name space that is proven here", "U-12", everything, is_ours=True)
    yield _good("ours-named", "A peer that is named for it is", "U-12", everything, whole, asked=(FAR,), is_ours=True)
    yield _good("loopback", "Plain http to this very machine", "U-3", peer(FAR, url="http://127.0.0.1:8765"), asked=(FAR,))
    yield _good("introduces", "One that may introduce others", "U-1", peer(HUB, introduces=True), asked=(HUB,))
    yield _good("dash", "A dash is part of a part", "U-11", peer(FAR, "com.example-two"), everything, asked=(HUB,))
    yield _good("one-part", "A name space of one part", "U-11", peer(FAR, "com"), everything, asked=(FAR,))
    yield _good("several", "A peer with several name spaces", "U-11", peer(FAR, "org.far", "com.example", "*"), everything, asked=(FAR,))
    yield _good("order", "Two peers for everything, in the order of the list", "U-1", peer(THIRD), everything, asked=(THIRD, HUB))


def _bad_lists() -> Iterator[Document]:
    everything = peer(HUB)
    sound = listed(peers(everything))
    yield _list("no-line-feed", "Without a line feed at its end", "U-1", sound.removesuffix(b"\n"), rows=(everything,), asked=(HUB,))
    yield _list("longer-roots-known", "The registry has a newer root document than the list", "U-1", signed_file(PEERS_TYPE, peers(everything, of=ORG), by=ORG), "peers", context=_known(registry=b64(NEXT.chain.data)))
    yield _list("longer-roots-in-it", "The list has a newer root document than is known", "U-1", signed_file(PEERS_TYPE, peers(everything, of=ORG), by=NEXT), rows=(everything,), asked=(HUB,), context=_known(registry=b64(ORG.chain.data)))
    yield _list("roots-fork", "The root documents of the list part from those that are known", "U-1", signed_file(PEERS_TYPE, peers(everything, of=ORG), by=FORK), "peers", context=_known(registry=b64(NEXT.chain.data)))
    yield _list("other-registry", "The sound list of another registry", "U-1", listed(peers(everything, of=FAR), by=FAR), "peers")
    yield _list("names-another", "A list that names another registry than its signer", "U-1", listed(peers(everything, of=FAR)), "peers")
    yield _list("by-stranger", "Signed by a key of nobody", "U-1", signed_file(PEERS_TYPE, peers(everything), by=ASKED, signers=(STRANGER,)), "peers")
    yield _list("by-root-key", "Signed by the root key", "U-1", signed_file(PEERS_TYPE, peers(everything), by=ASKED, signers=ASKED.root), "peers")
    for name, title, clauses, meaning, envelope in spoilt(PEERS_TYPE, peers(everything), ASKED.release[0], other_type=OTHER_TYPE):
        yield from _spoilt("peer-list", name, title, clauses, "registry.json" if meaning == "json" else "registry.peers", signed_envelope(envelope, ASKED), "peer-list")
    yield _list("twice", "One registry in two entries", "U-2", listed(peers(everything, peer(HUB, "com.example"))), "peers")
    yield _list("itself", "A registry that is its own peer", "U-2", listed(peers(peer(ASKED))), "peers")
    yield _list("other-roots", "The root documents of another registry beside an id", "U-5", listed(peers({**everything, "roots": roots(FAR)})), "peers")
    for name, title, url in (
        ("http", "Plain http over the network", "http://packages.example.org"), ("name-in-url", "A name and a password in the address", "https://me:secret@packages.example.org"),
        ("query", "A query in the address", "https://packages.example.org/?a=1"), ("fragment", "A fragment in the address", "https://packages.example.org/#a"),
        ("scheme", "An address that is none of a server", "file:///etc/passwd"), ("space", "A space in the address", "https://packages.example.org/a b"),
    ):
        yield _list(f"address-{name}", title, "U-3", listed(peers(peer(HUB, url=url))), "peers")
    body = peers(everything)
    for name, title, change, code in (
        ("version-zero", "Version 0", {"version": 0}, "range"), ("format", "A list of a later form", {"mpp_peers": 2}, "range"), ("late", "A time after the year 2100", {"at": 4_102_444_801}, "range"),
        ("unknown-key", "A key that nobody knows", {"note": "x"}, "unknown_key"), ("no-peers", "Without the key 'peers'", {"peers": None}, "missing"), ("no-id", "Without the id of the registry", {"registry_id": None}, "missing"),
        ("namespaces-none", "A peer for nothing", {"peers": [{**everything, "namespaces": []}]}, "length"), ("namespace-form", "A name space that is none", {"peers": [{**everything, "namespaces": ["Com.Example"]}]}, "form"),
        ("peer-key", "A key of a peer that nobody knows", {"peers": [{**everything, "note": "x"}]}, "unknown_key"), ("many", "A hundred and one peers", {"peers": [peer(HUB)] * 101}, "length"),
    ):
        yield _list(name, title, "U-1", listed(changed(body, change)), code)  # type: ignore[arg-type] # keys to JSON


def _aged_lists() -> Iterator[Document]:
    """Read at some moment by somebody else than the registry itself."""
    everything, most = peer(HUB), 48 * 3600
    yield _good("age-now", "A list of this moment", "U-6", everything, asked=(HUB,), now=NOW)
    yield _good("age-last-second", "As old as a list may be", "U-6", everything, asked=(HUB,), now=NOW + most)
    yield _good("age-ahead", "A clock that is five minutes ahead", "U-6", everything, asked=(HUB,), now=NOW - 300)
    for name, title, now, code in (("old", "A second older than a list may be", NOW + most + 1, "stale"), ("very-old", "A list of last year", NOW + 366 * DAY, "stale"), ("early", "From the future", NOW - 301, "early")):
        yield _list(f"age-{name}", title, "U-6", listed(peers(everything)), code, context=_known(now=now))


def _lists() -> Iterator[Document]:
    yield from _sound_lists()
    yield from _bad_lists()
    yield from _aged_lists()


def signed_envelope(envelope: bytes, by: TestPublisher) -> bytes:
    """A file around an envelope that may be no JSON at all, or JSON that is not canonical: then byte for byte."""
    whole = compact({"envelope": "@", "roots": roots(by)})
    return whole.replace(b'"@"', envelope.removesuffix(b"\n") if not envelope.endswith(b"\n") else envelope) + b"\n"


def _spoilt(kind: str, name: str, title: str, clauses: str, code: str, data: bytes, context: str) -> Iterator[Document]:
    """A file whose envelope is not canonical is none as a whole."""
    is_whole = _is_canonical(data)
    family = kind_family(kind)
    yield Document(kind=kind, name=name, title=title, clauses=clauses, data=data, context=context, code=code if is_whole else f"{family}.json" if kind == "fleet-trust" else "registry.peers")


def kind_family(kind: str) -> str:
    return "trust" if kind == "fleet-trust" else "registry"


def _is_canonical(data: bytes) -> bool:
    try:
        return compact(json.loads(data)) + b"\n" == data
    except ValueError:
        return False


# -- introductions


def _answer(home: TestPublisher, *via: TestPublisher, bundle: str = "", package: str = HELLO, version: str = "1.0.0", **more: Json) -> bytes:
    place: dict[str, Json] = {"registry_id": home.id, "url": "https://liar.example", "roots": b64(home.chain.data)}
    return compact({"mpp_discovery": 1, "package_id": package, "version": version, "home": place, "bundle": bundle or compact({**LOG.bundle("1.0.0")}).decode(), "introduced_by": [one.id for one in via], "is_local": False, **more})


def _way(*lists: tuple[TestPublisher, tuple[Mapping[str, Json], ...]], **more: Json) -> dict[str, Json]:
    """What a client has: the root document of the registry that it asks, and the lists that it would get."""
    found: dict[str, Json] = {of.id: b64(listed(peers(*rows, of=of), by=of)) for of, rows in lists}
    return {"now": AT + 60, "max_age": 3600, "package": HELLO, "url": "https://asked.example", "registry": b64(ASKED.chain.data), "lists": found, **more}


def _introductions() -> Iterator[Document]:
    def one(name: str, title: str, clauses: str, data: bytes, context: Mapping[str, Json], code: str = "", *via: TestPublisher) -> Document:
        result: Json = None if code else {"registry_id": HOME.id, "url": URL, "via": [ASKED.id, *(who.id for who in via)], "package_id": HELLO, "version": "1.0.0"}
        return Document(kind="introduction", name=name, title=title, clauses=clauses, data=data, context=context, code=f"registry.{code}" if code else "", result=result)

    home, hub, third = peer(HOME, "com.example"), peer(HUB, introduces=True), peer(THIRD, introduces=True)
    direct, over = _way((ASKED, (home,))), _way((ASKED, (hub,)), (HUB, (home,)))
    yield one("sound", "A home in the list of the registry that is asked; its address is that of the list", "U-52", _answer(HOME), direct)
    yield one("for-everything", "A home that is asked about all that nobody is named for", "U-52", _answer(HOME), _way((ASKED, (peer(FAR, "org.other"), peer(HOME)))))
    yield one("whole-id", "A home that is named for this one package", "U-52", _answer(HOME), _way((ASKED, (peer(FAR, "com.example"), peer(HOME, HELLO)))))
    yield one("newer-answer", "An answer with keys that nobody knows yet", "U-52", _answer(HOME, note="x"), direct)
    yield one("hub-in-part", "A hub that is named for the name and lists several", "U-52", _answer(HOME, HUB), _way((ASKED, (peer(HUB, "com", introduces=True), peer(FAR))), (HUB, (peer(THIRD, "org.other"), home))), "", HUB)
    yield one("last-second", "As old as the proof may be", "U-56", _answer(HOME), {**direct, "now": AT + 3600})
    yield one("old-list", "The list of a hub that is two days old and a second", "U-6", _answer(HOME, HUB), {**over, "lists": {**over["lists"], HUB.id: b64(listed(peers(home, of=HUB, at=AT + 60 - 48 * 3600 - 1), by=HUB))}}, "stale")  # type: ignore[dict-item] # lists by id
    yield one("over-a-hub", "A home in the list of a peer that introduces", "U-52", _answer(HOME, HUB), over, "", HUB)
    yield one("over-two", "Three registries before the home", "U-53", _answer(HOME, HUB, THIRD), _way((ASKED, (hub,)), (HUB, (third,)), (THIRD, (home,))), "", HUB, THIRD)
    yield one("over-three", "Four registries before the home", "U-53", _answer(HOME, HUB, THIRD, FAR), _way((ASKED, (hub,)), (HUB, (third,)), (THIRD, (peer(FAR, introduces=True),)), (FAR, (home,))), "loop")
    yield one("round", "The asked registry stands on the way once more", "U-53", _answer(HOME, HUB, ASKED), over, "loop")
    yield one("home-on-the-way", "The home introduces itself", "U-53", _answer(HOME, HOME), direct, "loop")
    yield one("not-listed", "A home that is in no list", "U-52", _answer(HOME), _way((ASKED, (peer(FAR),))), "peer")
    yield one("hub-not-listed", "A registry that introduces and is in no list", "U-52", _answer(HOME, HUB), direct, "peer")
    yield one("hub-without-right", "A peer that may not introduce others", "U-52", _answer(HOME, HUB), _way((ASKED, (peer(HUB),)), (HUB, (home,))), "peer")
    yield one("other-name", "A peer for everything, where another is named for the name", "U-52", _answer(HOME), _way((ASKED, (peer(HOME), peer(FAR, "com.example")))), "peer")
    yield one("hub-other-name", "A registry that introduces, and may not answer for the name", "U-52", _answer(HOME, HUB), _way((ASKED, (peer(HUB, "org.other", introduces=True),)), (HUB, (home,))), "peer")
    yield one("list-by-another", "A list that the home signed in the place of the one that introduces", "U-52", _answer(HOME), {**direct, "lists": {ASKED.id: b64(listed(peers(home, of=HOME), by=HOME))}}, "peers")
    yield one("loopback", "A registry of the network that leads to this machine", "U-55", _answer(HOME), _way((ASKED, (peer(HOME, "com.example", url="http://127.0.0.1:8765"),))), "peer")
    yield one("other-package", "An answer about another package", "U-56", _answer(HOME, package="com.example.other"), direct, "peer")
    yield one("other-question", "The proof of another package than was asked for", "U-56", _answer(HOME, package="com.example.other"), {**direct, "package": "com.example.other"}, "peer")
    yield one("other-version", "An answer that names another version than its proof", "U-56", _answer(HOME, version="9.9.9"), direct, "peer")
    yield one("other-key", "The home under the root document of another registry", "U-56", _answer(HOME), _way((ASKED, (peer(HOME, "com.example", roots=roots(FAR), registry_id=FAR.id),))), "peer")
    yield one("old", "A proof that is a second too old", "U-56", _answer(HOME), {**direct, "now": AT + 3601}, "stale")


# -- trust bundles of fleets

VENDOR = publisher("Vendor")
TRUST: dict[str, Json] = {
    "mpp_fleet_trust": 1, "name": "example-fleet", "version": 7, "issued": NOW - DAY, "expires": NOW + 30 * DAY,
    "publishers": [{"roots": roots(VENDOR), "any_package": False, "until": NOW + 365 * DAY}], "pins": {HELLO: VENDOR.id}, "prefixes": {"com.vendor.": VENDOR.id},
    "revoked_publishers": [], "revoked_content": ["1" * 64], "registries": [{"namespace": "com.example", "url": URL, "registry_id": FAR.id}],
}
SEEN: dict[str, Json] = {"name": "example-fleet", "version": 6, "digest": "0" * 64}


def _fleet(**more: Json) -> dict[str, Json]:
    return {"now": NOW, "roots": b64(ORG.chain.data), "seen": SEEN, **more}


def _trust(change: Change | None = None, *, by: TestPublisher = ORG, signers: tuple[SeedSigner, ...] | None = None) -> bytes:
    return signed_file(TRUST_TYPE, changed(TRUST, change or {}), by=by, signers=signers)


def _digest(change: Change) -> str:
    return sha256(compact(changed(TRUST, change))).hexdigest()


def _bundles() -> Iterator[Document]:
    def one(name: str, title: str, clauses: str, data: bytes, code: str = "", context: Mapping[str, Json] | None = None, **result: Json) -> Document:
        whole: Json = None if code else {"name": "example-fleet", "version": 7, "standing": "new", "publishers": [VENDOR.id], "revoked_content": ["1" * 64], "registries": ["com.example"], **result}
        return Document(kind="fleet-trust", name=name, title=title, clauses=clauses, data=data, context=context or "fleet-trust", code=code, result=whole)

    yield one("sound", "The next version", "Q-20 Q-21", _trust())
    yield one("first", "The first that a host sees", "Q-21", _trust(), context=_fleet(seen={"name": "", "version": 0, "digest": ""}))
    yield one("same", "The one that was seen, once more", "Q-21", _trust(), context=_fleet(seen={**SEEN, "version": 7, "digest": _digest({})}), standing="same")
    yield one("last-second", "In its last second", "Q-21", _trust({"expires": NOW, "version": 8}), version=8)
    yield one("nobody", "One that trusts nobody any more", "Q-20", _trust({"publishers": [], "pins": {}, "prefixes": {}, "registries": [], "version": 9}), version=9, publishers=[], registries=[])
    yield one("revokes", "One that revokes a publisher whom nothing belongs to", "Q-20", _trust({"revoked_publishers": [OTHER.id], "revoked_content": [], "version": 10}), version=10, revoked_content=[])
    yield one("expired", "A second later", "Q-21", _trust({"expires": NOW - 1, "issued": NOW - DAY}), "policy.expired")
    yield one("ahead", "From five minutes in the future", "Q-21", _trust({"issued": NOW + 300}))
    yield one("future", "From a second more", "Q-21", _trust({"issued": NOW + 301}), "policy.future")
    yield one("rollback", "An older version", "Q-21", _trust(), "policy.rollback", _fleet(seen={**SEEN, "version": 8}))
    yield one("fork", "Another of the version that was seen", "Q-21", _trust(), "policy.fork", _fleet(seen={**SEEN, "version": 7}))
    yield one("name", "That of another fleet of the same signer", "Q-21", _trust({"name": "other-fleet"}), "policy.name")
    yield one("other-signer", "The sound bundle of another signer", "Q-21 Q-22", _trust(by=OTHER), "policy.publisher")
    yield one("new-roots", "Signed under a newer root document", "Q-21", _trust(by=NEXT))
    yield one("old-roots", "Signed under an older root document than is known", "Q-21", _trust(), "policy.roots_behind", _fleet(roots=b64(NEXT.chain.data)))
    yield one("roots-fork", "Root documents that part from those that are known", "Q-21", _trust(by=FORK), "policy.roots_fork", _fleet(roots=b64(NEXT.chain.data)))
    yield one("by-root-key", "Signed by the root key", "Q-21", _trust(signers=ORG.root), "policy.signer")
    yield one("by-stranger", "Signed by a key of nobody", "Q-21", _trust(signers=(STRANGER,)), "policy.signer")
    for name, title, clauses, meaning, envelope in spoilt(TRUST_TYPE, TRUST, ORG.release[0], other_type=OTHER_TYPE):
        code = {"signatures-none": "policy.threshold", "signatures-two": "policy.signer"}.get(name, {"signature": "policy.signature", "json": "trust.json"}.get(meaning, "trust.bundle"))
        yield from _spoilt("fleet-trust", name, title, clauses, code, signed_envelope(envelope, ORG), "fleet-trust")
    row: dict[str, Json] = {"roots": roots(VENDOR), "any_package": False}
    for name, title, change, code in (
        ("no-pins", "Without the key 'pins'", {"pins": None}, "trust.missing"), ("unknown-key", "A key that nobody knows", {"note": "x"}, "trust.unknown_key"),
        ("format", "A bundle of a later form", {"mpp_fleet_trust": 2}, "trust.range"), ("ends-before", "It ends before it begins", {"expires": NOW - 2 * DAY}, "trust.range"),
        ("publisher-twice", "One publisher in two entries", {"publishers": [row, {**row, "any_package": True}]}, "trust.duplicate"), ("roots", "Root documents that do not hold", {"publishers": [{**row, "roots": []}], "pins": {}, "prefixes": {}}, "trust.roots"),
        ("pin-stranger", "A pin to a publisher that it does not trust", {"pins": {HELLO: OTHER.id}}, "trust.publisher"), ("pin-revoked", "A pin to a publisher that it revokes", {"revoked_publishers": [VENDOR.id]}, "trust.publisher"),
        ("prefix-stranger", "A prefix of a publisher that it does not trust", {"prefixes": {"com.vendor.": OTHER.id}}, "trust.publisher"), ("prefix-form", "A prefix without a dot at its end", {"prefixes": {"com.vendor": VENDOR.id}}, "trust.form"),
        ("digest-form", "Revoked content that is no hash", {"revoked_content": ["1" * 63]}, "trust.form"), ("namespace-twice", "Two registries of one name space", {"registries": [{"namespace": "com", "url": URL, "registry_id": one.id} for one in (FAR, HUB)]}, "trust.duplicate"),
        ("name-form", "A name in capitals", {"name": "Example"}, "trust.form"), ("registry-url", "A registry without an address", {"registries": [{"namespace": "com", "url": "ftp://x", "registry_id": FAR.id}]}, "trust.form"),
    ):
        yield one(name, title, "Q-20", _trust(change), code)  # type: ignore[arg-type] # keys to JSON


SHARED: Mapping[str, Mapping[str, Json]] = {"peer-list": _known(), "fleet-trust": _fleet()}


def documents() -> Iterator[Document]:
    yield from _lists()
    yield from _introductions()
    yield from _bundles()
