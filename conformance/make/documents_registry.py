"""Logs of registries, and the requests that change them. Spec: registry.md sections 3, 4 and 7."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from conformance.make.build import NOW, compact
from conformance.make.documents import SIGNATURES, STRANGER, Document, public, sealed, signer_id
from conformance.make.registry import (
    ALICE,
    BOB,
    EVE,
    HELLO,
    OTHER,
    b64,
    beginning,
    digest,
    leaf,
    line,
    log_bytes,
    map_key,
    map_root,
    owners,
    published,
    status,
    tree_root,
    value,
)
from conformance.make.registry import REGISTRY, leaf_hash
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.keys import fixed_signer

# One case a line, however long.
# fmt: off

LOG: dict[str, Json] = {"at": NOW + 1000}
CLIENT = fixed_signer("client of a registry")
ASKED: dict[str, Json] = {"method": "POST", "target": "/v1/packages?visibility=public", "body_sha256": digest("body"), "audience": REGISTRY.id}
ASKING: dict[str, Json] = {**ASKED, "now": NOW, "public": public(CLIENT)}
SHARED: Mapping[str, Mapping[str, Json]] = {"registry-log": LOG, "registry-request": ASKING}
REQUEST_TYPE = "application/vnd.mpp.request+json"

Leaves = Sequence[Mapping[str, Json] | bytes]
GOOD = [*beginning(), published(5, "1.0.0")]
ONE = [line("1.0.0")]


def documents() -> Iterator[Document]:
    yield from _logs()
    yield from _forms()
    yield from _rules()
    yield from _requests()


def _log(name: str, title: str, clauses: str, leaves: Leaves, code: str = "", result: Json = None) -> Document:
    return Document(kind="registry-log", name=name, title=title, clauses=clauses, data=log_bytes(leaves), context="registry-log", code=code, result=result, ending="jsonl")


def _says(leaves: Leaves, *values: Mapping[str, Json]) -> Json:
    entries = {map_key(str(one["package_id"])): compact({**one}) for one in values}
    hashes = [leaf_hash(one if isinstance(one, bytes) else compact({**one})) for one in leaves]
    return {"size": len(leaves), "root": tree_root(hashes).hex(), "map_root": map_root(entries).hex(), "packages": {str(one["package_id"]): {**one} for one in values}}


def _logs() -> Iterator[Document]:
    """What follows from leaves that hold; values and orders are written by hand."""
    def sound(name: str, title: str, clauses: str, leaves: Leaves, *values: Mapping[str, Json]) -> Document:
        return _log(name, title, clauses, leaves, result=_says(leaves, *values))

    yield sound("opened", "A registry in which nothing has happened", "Z-12", beginning()[:1])
    yield sound("package-empty", "A package without a version", "Z-14", beginning(), value([], latest="", index=4, by=""))
    yield sound("version", "One version", "Z-16", GOOD, value(ONE, latest="1.0.0", index=5))
    yield sound("maintainer", "A version by a maintainer", "Z-15", [*GOOD, published(6, "1.1.0", by=BOB)], value([*ONE, line("1.1.0", by=BOB)], latest="1.1.0", index=6, by=BOB))
    yield sound("order", "Versions are ordered by number, and not as texts; the latest is not the one that came last", "Z-16", [*GOOD, published(6, "1.10.0"), published(7, "1.9.0")], value([*ONE, line("1.9.0"), line("1.10.0")], latest="1.10.0", index=7))
    yield sound("pre-release", "A pre-release is never the latest", "Z-16", [*GOOD, published(6, "2.0.0-rc.2"), published(7, "2.0.0-rc.10")], value([*ONE, line("2.0.0-rc.2"), line("2.0.0-rc.10")], latest="1.0.0", index=7))
    yield sound("staged", "What waits for approval is in no list", "Z-15", [*GOOD, leaf(6, "version.staged", package_id=HELLO, version="1.1.0", publisher_id=ALICE, content_hash=digest("x"))], value(ONE, latest="1.0.0", index=6))
    for word, latest, whole in (("deprecated", "1.0.0", "deprecated"), ("yanked", "", "active"), ("revoked", "", "revoked")):
        yield sound(word, f"The only version is {word}", "Z-17", [*GOOD, status(6, "1.0.0", word)], value([line("1.0.0", word)], latest=latest, index=6, word=whole))
    yield sound("quarantined", "The operator puts a version in quarantine", "Z-17", [*GOOD, status(6, "1.0.0", "quarantined", by="admin")], value([line("1.0.0", "quarantined")], latest="", index=6, word="quarantined"))
    yield sound("quarantine-revoked", "An owner may revoke what is in quarantine", "Z-17", [*GOOD, status(6, "1.0.0", "quarantined", by="admin"), status(7, "1.0.0", "revoked")], value([line("1.0.0", "revoked")], latest="", index=7, word="revoked"))
    mixed = [*GOOD, published(6, "1.1.0"), published(7, "1.2.0"), status(8, "1.0.0", "revoked"), status(9, "1.1.0", "deprecated"), status(10, "1.2.0", "yanked")]
    yield sound("mixed", "A package of which some versions are worse than others is what the best ones are", "Z-17", mixed, value([line("1.0.0", "revoked"), line("1.1.0", "deprecated"), line("1.2.0", "yanked")], latest="1.1.0", index=10, word="deprecated"))
    yield sound("un-yanked", "What was yanked can be made active again", "Z-17", [*GOOD, status(6, "1.0.0", "yanked"), status(7, "1.0.0", "active")], value(ONE, latest="1.0.0", index=7))
    yield sound("transfer", "A package gets another owner, who publishes", "Z-14", [*GOOD, owners(6, of=((EVE, "owner"),)), published(7, "1.1.0", by=EVE)], value([*ONE, line("1.1.0", by=EVE)], latest="1.1.0", index=7, by=EVE))
    advisory = leaf(6, "advisory.published", advisory_id="CVE-2026-1234", package_id=HELLO, versions=["1.0.0"], severity="high", sha256=digest("advisory"))
    yield sound("advisory", "An advisory changes nothing but the place of the last leaf", "Z-18", [*GOOD, advisory], value(ONE, latest="1.0.0", index=6))
    two = [*GOOD, owners(6, package_id=OTHER), published(7, "0.1.0", package_id=OTHER)]
    yield sound("two", "Two packages", "Z-34", two, value(ONE, latest="1.0.0", index=5), value([line("0.1.0", package_id=OTHER)], latest="0.1.0", index=7, package_id=OTHER))
    around = [*beginning()[:2], leaf(2, "publisher.root", publisher_id=ALICE, name="Publisher 1", root_version=3, root_sha256=digest("r")), leaf(3, "publisher.status", publisher_id=ALICE, status="suspended", reason=""), leaf(4, "namespace.proven", namespace="com.example", publisher_id=ALICE, method="dns"), leaf(5, "namespace.lapsed", namespace="com.example", publisher_id=ALICE, method="dns"), leaf(6, "publisher.recovery", publisher_id=ALICE, successor=BOB, state="asked", due=NOW, reason="lost"), leaf(7, "peers.changed", sha256=digest("p")), leaf(8, "fleet.changed", name="head-office", sha256=digest("f"))]
    yield sound("around", "Leaves about no package", "Z-10", around)
    yield sound("same-time", "Several leaves of one second", "Z-11", [*GOOD[:-1], {**GOOD[-1], "at": NOW + 4}], value(ONE, latest="1.0.0", index=5))


def _forms() -> Iterator[Document]:
    """Leaves that are none. The one that is wrong is the last."""
    last = GOOD[-1]
    text = compact(last)

    def bad(name: str, title: str, code: str, change: Mapping[str, Json] | bytes, clauses: str = "Z-10") -> Document:
        changed = change if isinstance(change, bytes) else {key: item for key, item in {**last, **change}.items() if item is not None}
        return _log(name, title, clauses, [*beginning(), changed], f"registry.{code}")

    yield bad("not-json", "A line that is no JSON", "json", b"{")
    yield bad("spaced", "A leaf with a space after each colon", "json", json.dumps(last, sort_keys=True).encode(), "K-12")
    yield bad("key-twice", "A key stands twice", "json", text[:-1] + b',"version":"1.0.0"}', "K-10")
    yield bad("escaped", "A letter as an escape", "json", text.replace(b"1.0.0", rb"1.0\u002e0"), "K-12")
    yield bad("fraction", "A number with a fraction", "json", text.replace(b'"size":1000', b'"size":1000.0'), "K-11")
    yield bad("key-missing", "A key is missing", "missing", {"file_hash": None})
    yield bad("key-unknown", "A key that nobody knows", "unknown_key", {"note": "x"})
    yield bad("key-of-another-kind", "A key of another kind of leaf", "unknown_key", {"by": ALICE})
    yield bad("kind-unknown", "A kind of a later version", "choice", {"kind": "version.renamed"})
    yield bad("kind-case", "A kind in upper case", "choice", {"kind": "Version.Published"})
    yield bad("event-2", "A later version of leaves", "range", {"mpp_registry_event": 2})
    yield bad("size-zero", "A file without a byte", "range", {"size": 0})
    yield bad("size-text", "A size as a text", "type", {"size": "1000"})
    yield bad("size-true", "true as a number", "type", {"size": True})
    yield bad("hash-upper", "A hash in upper case", "form", {"content_hash": digest("x").upper()})
    yield bad("hash-short", "A hash without its last digit", "form", {"content_hash": digest("x")[:-1]})
    yield bad("version-prefix", "A version with a v before it", "form", {"version": "v1.0.0"})
    yield bad("version-zeros", "A version with a leading zero", "form", {"version": "1.00.0"})
    yield bad("id-upper", "A package id in upper case", "form", {"package_id": "com.Example.hello"})
    yield bad("id-single", "A package id of one word", "form", {"package_id": "hello"})
    yield _log("status-unknown", "A status that there is not", "Z-10", [*GOOD, status(6, "1.0.0", "deleted")], "registry.choice")
    yield _log("reason-hidden", "A reason with a direction mark in it", "Z-10", [*GOOD, {**status(6, "1.0.0", "yanked"), "reason": "fine\u202e live"}], "registry.form")
    yield _log("reason-long", "A reason of 501 characters", "Z-10", [*GOOD, {**status(6, "1.0.0", "yanked"), "reason": "x" * 501}], "registry.length")
    yield _log("by-word", "By a word that is no publisher", "Z-10", [*GOOD, status(6, "1.0.0", "yanked", by="root")], "registry.form")
    yield _log("owners-order", "Owners that do not ascend", "Z-10", [*GOOD, owners(6, of=((BOB, "owner"), (ALICE, "owner")))], "registry.duplicate")
    yield _log("owners-twice", "One owner in two roles", "Z-10", [*GOOD, owners(6, of=((ALICE, "maintainer"), (ALICE, "owner")))], "registry.duplicate")
    yield _log("owners-none", "No owners", "Z-10", [*GOOD, owners(6, of=())], "registry.length")


def _rules() -> Iterator[Document]:
    """Leaves of a sound form that no log may hold. The one that is wrong is the last."""
    def bad(name: str, title: str, clauses: str, leaves: Leaves) -> Document:
        return _log(name, title, clauses, leaves, "registry.rule")

    yield bad("index-other", "A leaf that says another place", "Z-11", [*GOOD[:-1], {**GOOD[-1], "index": 6}])
    yield bad("time-back", "A leaf from before the one before it", "Z-11", [*GOOD[:-1], {**GOOD[-1], "at": NOW + 3}])
    yield bad("time-ahead", "A leaf from after the checkpoint", "Z-11", [*GOOD[:-1], {**GOOD[-1], "at": NOW + 1001}])
    yield bad("opened-twice", "A registry that is opened twice", "Z-12", [*GOOD, leaf(6, "registry.opened", registry_id=REGISTRY.id, name="x")])
    yield bad("opened-never", "A log that does not begin with its opening", "Z-12", [leaf(0, "peers.changed", sha256=digest("p"))])
    yield bad("registered-twice", "A publisher registered twice", "Z-13", [*GOOD, leaf(6, "publisher.registered", publisher_id=ALICE, name="x", root_version=2, root_sha256=digest("r"))])
    yield bad("root-same", "A root document of the version that is known", "Z-13", [*GOOD, leaf(6, "publisher.root", publisher_id=ALICE, name="x", root_version=1, root_sha256=digest("r"))])
    yield bad("root-unknown", "A new root document of nobody", "Z-13", [*GOOD, leaf(6, "publisher.root", publisher_id=digest("x"), name="x", root_version=2, root_sha256=digest("r"))])
    stranger = digest("x")
    yield bad("publisher-unknown", "A name space of a publisher who was never registered", "Z-13", [*GOOD, leaf(6, "namespace.proven", namespace="com.example", publisher_id=stranger, method="dns")])
    yield bad("package-none", "A version of a package that does not exist", "Z-14", [*GOOD, published(6, "1.0.0", package_id=OTHER)])
    yield bad("package-by-stranger", "A package is made in the name of others", "Z-14", [*beginning()[:-1], owners(4, by=EVE)])
    yield bad("package-by-maintainer", "A package is made by its maintainer", "Z-14", [*beginning()[:-1], owners(4, by=BOB)])
    yield bad("owners-by-maintainer", "A maintainer makes himself the owner", "Z-14", [*GOOD, owners(6, by=BOB, of=((BOB, "owner"),))])
    yield bad("owners-by-stranger", "A stranger takes a package over", "Z-14", [*GOOD, owners(6, by=EVE, of=((EVE, "owner"),))])
    yield bad("owners-maintainers", "A package that nobody owns any more", "Z-14", [*GOOD, owners(6, of=((BOB, "maintainer"),))])
    yield bad("version-by-stranger", "A version by a publisher who has nothing to do with the package", "Z-15", [*GOOD, published(6, "1.1.0", by=EVE)])
    yield bad("version-by-former", "A version by a former owner", "Z-15", [*GOOD, owners(6, of=((EVE, "owner"),)), published(7, "1.1.0")])
    yield bad("version-twice", "A version with other content", "Z-16", [*GOOD, published(6, "1.0.0", content="other")])
    yield bad("version-build", "A version that differs only in build metadata", "Z-16", [*GOOD, published(6, "1.0.0+b")])
    yield bad("content-again", "The same content under another number", "Z-16", [*GOOD, published(6, "1.0.1", content=f"{HELLO}@1.0.0")])
    yield bad("content-revoked-again", "Revoked content under another number", "Z-16", [*GOOD, status(6, "1.0.0", "revoked"), published(7, "1.0.1", content=f"{HELLO}@1.0.0")])
    yield bad("staged-there", "A version that is there is staged", "Z-16", [*GOOD, leaf(6, "version.staged", package_id=HELLO, version="1.0.0", publisher_id=ALICE, content_hash=digest("x"))])
    yield bad("status-none", "The status of a version that does not exist", "Z-17", [*GOOD, status(6, "2.0.0", "yanked")])
    yield bad("status-by-stranger", "A stranger yanks a version", "Z-17", [*GOOD, status(6, "1.0.0", "yanked", by=EVE)])
    yield bad("revoked-back", "A revoked version comes back, by the operator", "Z-17", [*GOOD, status(6, "1.0.0", "revoked"), status(7, "1.0.0", "active", by="admin")])
    yield bad("quarantine-by-owner", "An owner puts a version in quarantine", "Z-17", [*GOOD, status(6, "1.0.0", "quarantined")])
    yield bad("quarantine-lifted", "An owner lifts a quarantine", "Z-17", [*GOOD, status(6, "1.0.0", "quarantined", by="admin"), status(7, "1.0.0", "active")])
    yield bad("advisory-none", "An advisory about a version that does not exist", "Z-18", [*GOOD, leaf(6, "advisory.published", advisory_id="A-1", package_id=HELLO, versions=["2.0.0"], severity="low", sha256=digest("a"))])


def _header(change: Mapping[str, Json] | None = None, *, data: bytes = b"", scheme: str = "MPP-Signed", by: SeedSigner = CLIENT) -> bytes:
    body: dict[str, Json] = {"mpp_request": 1, **ASKED, "at": NOW, "nonce": "0123456789abcdef" * 2}
    body = {key: item for key, item in {**body, **(change or {})}.items() if item is not None}
    return f"{scheme} {b64(data or sealed(REQUEST_TYPE, body, by))}".encode()


def _requests() -> Iterator[Document]:
    def one(name: str, title: str, clauses: str, data: bytes, code: str = "", **more: Json) -> Document:
        result: Json = None if code else {"key": signer_id(CLIENT), "nonce": "0123456789abcdef" * 2, "at": more.get("said", NOW)}
        change = {key: item for key, item in more.items() if key != "said"}
        context: str | Mapping[str, Json] = {**ASKING, **change} if change else "registry-request"
        return Document(kind="registry-request", name=name, title=title, clauses=clauses, data=data, context=context, code=f"registry.{code}" if code else "", result=result, ending="txt")

    yield one("sound", "A request, as it was signed", "Z-60", _header())
    yield one("last-second", "A minute old", "Z-62", _header(), now=NOW + 60)
    yield one("first-second", "A minute ahead", "Z-62", _header({"at": NOW + 60}), said=NOW + 60)
    yield one("late", "A minute and a second old", "Z-62", _header(), "request_time", now=NOW + 61)
    yield one("early", "A minute and a second ahead", "Z-62", _header({"at": NOW + 61}), "request_time")
    yield one("yesterday", "A day old", "Z-62", _header({"at": NOW - 86_400}), "request_time")
    for key, item in (("method", "PUT"), ("target", "/v1/packages"), ("body_sha256", digest("other body")), ("audience", digest("other registry"))):
        yield one(f"other-{key.replace('_', '-')}", f"Signed for another {key.replace('_', ' ')}", "Z-61", _header({key: item}), "request")
    yield one("bearer", "Another scheme before it", "Z-60", _header(scheme="Bearer"), "request")
    yield one("scheme-case", "The scheme in lower case", "Z-60", _header(scheme="mpp-signed"), "request")
    yield one("empty", "Nothing after the scheme", "Z-60", b"MPP-Signed ", "request")
    yield one("unpadded", "Base64 with a character too many", "Z-60", _header() + b"=", "request")
    sound: dict[str, Json] = {"mpp_request": 1, **ASKED, "at": NOW, "nonce": "0123456789abcdef" * 2}
    yield one("two-signatures", "A second, sound signature", "Z-60", _header(data=sealed(REQUEST_TYPE, sound, CLIENT, STRANGER)), "request")
    yield one("other-type", "A sound signature over another kind of document", "Z-60", _header(data=sealed("application/vnd.in-toto+json", sound, CLIENT)), "request")
    yield one("by-stranger", "Signed by a key that the registry did not find", "Z-63", _header(by=STRANGER), "request")
    for name, title, clauses, sign in SIGNATURES:
        yield one(name, title, clauses, _header(data=sealed(REQUEST_TYPE, sound, CLIENT, sign=sign)), "request")
    yield one("nonce-short", "A nonce of 31 digits", "Z-60", _header({"nonce": "0" * 31}), "form")
    yield one("nonce-upper", "A nonce in upper case", "Z-60", _header({"nonce": "A" * 32}), "form")
    yield one("target-space", "A target with a space in it", "Z-60", _header({"target": "/v1/a b"}), "form")
    yield one("target-relative", "A target without its slash", "Z-60", _header({"target": "v1/packages"}), "form")
    yield one("target-long", "A target of more than 2 KiB", "Z-60", _header({"target": "/" + "x" * 2048}), "length")
    yield one("method-unknown", "A method that changes nothing here", "Z-60", _header({"method": "PATCH"}), "choice")
    yield one("method-case", "A method in lower case", "Z-60", _header({"method": "post"}), "choice")
    yield one("version-2", "A later version", "Z-60", _header({"mpp_request": 2}), "range")
    yield one("at-text", "A time as a text", "Z-60", _header({"at": str(NOW)}), "type")
    yield one("key-unknown", "A key that nobody knows", "Z-60", _header({"host": "registry.example.com"}), "unknown_key")
    yield one("key-missing", "Without an audience", "Z-60", _header({"audience": None}), "missing")
    yield one("payload-spaced", "A signed payload that is not in canonical form", "K-12", _header(data=sealed(REQUEST_TYPE, json.dumps(sound, sort_keys=True).encode(), CLIENT)), "json")
