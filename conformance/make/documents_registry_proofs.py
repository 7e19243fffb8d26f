"""What a registry proves: checkpoints, bundles, absences. Spec: registry.md sections 2, 4, 5 and 6."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

from conformance.make.build import NOW, compact
from conformance.make.documents import STRANGER, Document
from conformance.make.registry import (
    ABSENT,
    ALICE,
    BOB,
    EMPTY,
    HELLO,
    OTHER,
    OTHER_REGISTRY,
    REGISTRY,
    WITNESS,
    WITNESS_NAME,
    Way,
    b64,
    cosigned,
    digest,
    example,
)
from conformance.make.registry import line, map_key, map_leaf, map_root, map_way, note, tree_growth, tree_path, tree_root, witness_key
from mpp.crypto.roots import RootChain
from mpp.model.jsontext import Json
from mpp.testing.keys import publisher, rotated

# One case a line, however long.
# fmt: off

LOG, THEIRS = example(), example(OTHER_REGISTRY)
AT, SIZE = LOG.at, len(LOG.leaves)
JUDGED: dict[str, Json] = {"now": AT + 60, "registry": REGISTRY.id, "max_age": 3600}
FOLLOWED: dict[str, Json] = {"now": AT + 60, "max_age": 3600, "roots": b64(REGISTRY.chain.data), "path": []}
SHARED: Mapping[str, Mapping[str, Json]] = {"registry-bundle": JUDGED, "registry-absence": {**JUDGED, "package": ABSENT}, "registry-checkpoint": FOLLOWED}
NEWER, FORK = rotated(REGISTRY, "second", revoke=True), rotated(REGISTRY, "third", revoke=True)
ENTRIES = LOG.entries


def documents() -> Iterator[Document]:
    yield from _bundles()
    yield from _mixed()
    yield from _proof_forms()
    yield from _absences()
    yield from _checkpoints()
    yield from _following()


def _proven(version: str, *, by: str = ALICE, word: str = "active", package_id: str = HELLO, witnesses: list[Json] | None = None, **more: Json) -> Json:
    name = f"{package_id}@{version}"
    places = {"1.0.0": 5, "1.10.0": 6, "1.9.0-rc.1": 7, "0.1.0": 10}
    return {
        "package_id": package_id, "version": version, "publisher_id": by, "content_hash": digest(name), "file_hash": digest(name + " file"), "status": word, "latest": "1.0.0",
        "package_status": "active", "index": places[version], "published_at": NOW + places[version], "size": SIZE, "at": AT, "witnesses": witnesses or [], **more,
    }


def _one(kind: str, name: str, title: str, clauses: str, data: Mapping[str, Json] | bytes, code: str = "", result: Json = None, **context: Json) -> Document:
    whole = data if isinstance(data, bytes) else compact({**data})
    shared = SHARED[kind]
    with_: str | Mapping[str, Json] = {**shared, **context} if context else kind
    return Document(kind=kind, name=name, title=title, clauses=clauses, data=whole, context=with_, code=code, result=result)


def _bundle(name: str, title: str, clauses: str, data: Mapping[str, Json] | bytes, code: str = "", result: Json = None, **context: Json) -> Document:
    return _one("registry-bundle", name, title, clauses, data, code, result, **context)


def _bundles() -> Iterator[Document]:
    good = LOG.bundle("1.0.0")
    yield _bundle("sound", "The bundle of the latest version", "Z-40", good, result=_proven("1.0.0"))
    yield _bundle("yanked", "Of a version that was yanked since", "Z-40", LOG.bundle("1.10.0"), result=_proven("1.10.0", by=BOB, word="yanked"))
    yield _bundle("pre-release", "Of a pre-release", "Z-40", LOG.bundle("1.9.0-rc.1"), result=_proven("1.9.0-rc.1"))
    yield _bundle("revoked", "Of a package that was revoked", "Z-40", LOG.bundle("0.1.0", OTHER), result=_proven("0.1.0", word="revoked", package_id=OTHER, latest="", package_status="revoked"))
    yield _bundle("age-none", "Without an age limit, years later", "Z-51", good, result=_proven("1.0.0"), now=AT + 10**8, max_age=None)
    yield _bundle("age-last", "As old as it may be", "Z-51", good, result=_proven("1.0.0"), now=AT + 3600)
    yield _bundle("stale", "A second older than it may be", "Z-51", good, "registry.stale", now=AT + 3601)
    yield _bundle("ahead", "By a clock that is five minutes ahead", "Z-50", good, result=_proven("1.0.0"), now=AT - 300)
    yield _bundle("early", "By a clock that is five minutes and a second ahead", "Z-50", good, "registry.early", now=AT - 301)
    key, text = witness_key(WITNESS_NAME, WITNESS), LOG.text()
    noted = cosigned(LOG.checkpoint(), text, WITNESS_NAME, WITNESS, NOW)
    yield _bundle("witness", "With the cosignature of a witness", "Z-54", {**good, "checkpoint": b64(noted)}, result=_proven("1.0.0", witnesses=[WITNESS_NAME]), witnesses=[key])
    yield _bundle("witness-unknown", "With the cosignature of a witness that nobody asked for", "Z-54", {**good, "checkpoint": b64(noted)}, result=_proven("1.0.0"))
    false = cosigned(LOG.checkpoint(), LOG.text(at=AT - 1), WITNESS_NAME, WITNESS, NOW)
    yield _bundle("witness-other", "With a cosignature of another checkpoint", "Z-54", {**good, "checkpoint": b64(false)}, result=_proven("1.0.0"), witnesses=[key])
    yield _bundle("registry-other", "Of another registry than the one that is meant", "Z-1", THEIRS.bundle("1.0.0"), "registry.identity")
    yield _bundle("roots-of-meant", "Of another registry, under the root document of the one that is meant", "Z-5", THEIRS.bundle("1.0.0", roots=b64(REGISTRY.chain.data)), "registry.identity")
    moved = THEIRS.bundle("1.0.0", roots=b64(REGISTRY.chain.data), checkpoint=b64(note(LOG.text(), *OTHER_REGISTRY.release)))
    yield _bundle("signed-by-other", "The right origin, signed by the key of another registry", "Z-6", moved, "registry.unsigned")
    yield _bundle("signed-by-root", "Signed by the root key", "Z-6", {**good, "checkpoint": b64(note(text, *REGISTRY.root))}, "registry.unsigned")
    yield _bundle("unsigned", "Signed by a stranger alone", "Z-6", {**good, "checkpoint": b64(note(text, STRANGER))}, "registry.unsigned")
    later = example(NEWER).bundle("1.0.0")
    old: RootChain = REGISTRY.chain
    yield _bundle("rotated", "Under a later root document, where the first is known", "Z-2", later, result=_proven("1.0.0"), roots=b64(old.data))
    yield _bundle("key-gone", "By a key that a later root document, which is known, has taken out", "Z-2", good, "registry.unsigned", roots=b64(NEWER.chain.data))
    yield _bundle("roots-fork", "Another second version of the root document than the one that is known", "Z-2", later, "registry.fork", roots=b64(FORK.chain.data))
    yield _bundle("roots-known-other", "The root document that is known is of another registry", "Z-2", good, "registry.identity", roots=b64(OTHER_REGISTRY.chain.data))
    yield _bundle("roots-none", "A root document that is none", "Z-2", {**good, "roots": b64(b"{}")}, "registry.roots")
    broken = REGISTRY.chain.data.replace(b'"threshold":1', b'"threshold":2', 1)
    yield _bundle("roots-changed", "A root document with another threshold than the one that was signed", "Z-2", {**good, "roots": b64(broken)}, "registry.roots")
    two = publisher("Two Log Keys", releases=2, release_threshold=2)
    both = example(two)
    yield _bundle("threshold", "A registry whose checkpoints two keys sign", "Z-6", both.bundle("1.0.0"), result=_proven("1.0.0"), registry=two.id)
    yield _bundle("threshold-one", "Of two keys, one signed", "Z-6", both.bundle("1.0.0", checkpoint=b64(note(both.text(), two.release[0]))), "registry.unsigned", registry=two.id)
    yield _bundle("threshold-twice", "Of two keys, one signed twice", "Z-6", both.bundle("1.0.0", checkpoint=b64(note(both.text(), two.release[0], two.release[0]))), "registry.unsigned", registry=two.id)


def _spare(text: str) -> str:
    """The same bytes with a spare bit set. The letter before the padding has spare bits, and they are 0."""
    body = text.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + text[len(body):]


def _mixed() -> Iterator[Document]:
    good, older, other = LOG.bundle("1.0.0"), LOG.bundle("1.9.0-rc.1"), LOG.bundle("0.1.0", OTHER)
    for name, title, keys, source, code in (
        ("leaf-other", "The leaf of another version, without its way", ("leaf",), older, "proof"), ("inclusion-other", "The way of another leaf", ("inclusion",), older, "proof"),
        ("value-other", "What the map says of another package", ("value",), other, "proof"), ("map-proof-other", "The proof of another package", ("map_proof",), other, "proof"),
        ("line-other", "The line of another version", ("line",), older, "proof"), ("line-index-other", "The place of another line", ("line_index",), older, "proof"),
        ("line-path-other", "The way of another line", ("line_path",), older, "proof"),
        ("leaf-of-version", "The proven leaf of another version", ("leaf", "inclusion"), older, "contradiction"), ("line-of-version", "The proven line of another version", ("line", "line_index", "line_path"), older, "contradiction"),
        ("leaf-of-package", "The proven leaf of another package", ("leaf", "inclusion"), other, "contradiction"), ("value-of-package", "Proven value and line of another package", ("value", "map_proof", "line", "line_index", "line_path"), other, "contradiction"),
    ):
        yield _bundle(name, title, "Z-41" if code == "contradiction" else "Z-40", {**good, **{key: source[key] for key in keys}}, f"registry.{code}")
    opened = LOG.bundle("1.0.0", leaf=b64(compact({**LOG.leaves[8]})), inclusion=_way_of(8))
    yield _bundle("leaf-kind", "The proven leaf is about a status", "Z-41", opened, "registry.contradiction")
    early = LOG.bundle("1.0.0", checkpoint=b64(note(LOG.text(at=NOW + 4), *REGISTRY.release)))
    yield _bundle("leaf-later", "A checkpoint from before the leaf that it covers", "Z-41", early, "registry.contradiction", now=AT)
    for name, title, index in (("value-earlier", "The map knows less than the leaf", 4), ("value-later", "The map knows leaves that the log does not have", SIZE)):
        values = {**LOG.values, HELLO: {**LOG.values[HELLO], "index": index}}
        entries = {map_key(one): compact({**item}) for one, item in values.items()}
        text = LOG.text(map_hash=map_root(entries))
        bad = LOG.bundle("1.0.0", checkpoint=b64(note(text, *REGISTRY.release)), value=b64(compact({**values[HELLO]})), map_proof=b64(map_way(entries, map_key(HELLO)).data))
        yield _bundle(name, title, "Z-41", bad, "registry.contradiction")
    yield _bundle("line-past-end", "A line at a place behind the last", "Z-40", {**good, "line_index": 3}, "registry.proof")
    forged = line("1.0.0", "active", by=BOB)
    yield _bundle("line-forged", "A line with another publisher", "Z-40", {**good, "line": b64(forged)}, "registry.proof")
    yield _bundle("inclusion-cut", "A way without its last hash", "Z-40", {**good, "inclusion": _hashes(good, "inclusion")[:-1]}, "registry.proof")
    yield _bundle("inclusion-long", "A way with a hash too many", "Z-40", {**good, "inclusion": [*_hashes(good, "inclusion"), b64(EMPTY)]}, "registry.proof")
    yield _bundle("inclusion-reversed", "A way in the other order", "Z-40", {**good, "inclusion": _hashes(good, "inclusion")[::-1]}, "registry.proof")
    whole = compact({**good})
    for name, title, code, bad_bytes in (
        ("spaced", "A space after each colon", "json", json.dumps(good, sort_keys=True).encode()), ("line-feed", "A line feed at the end", "json", whole + b"\n"),
        ("key-twice", "A key stands twice", "json", whole[:-1] + b',"value":""}'), ("cut", "The last byte is missing", "json", whole[:-1]), ("long", "More than 64 KiB", "length", b" " * (64 * 1024 + 1)),
    ):
        yield _bundle(name, title, "K-12" if code == "json" else "Z-40", bad_bytes, f"registry.{code}")
    changes: tuple[tuple[str, str, str, Mapping[str, Json]], ...] = (
        ("key-unknown", "A key that nobody knows", "unknown_key", {"note": "x"}), ("key-missing", "Without its line", "missing", {"line": None}), ("version-2", "A later version", "range", {"mpp_bundle": 2}),
        ("base64-spare", "Base64 with a spare bit set", "base64", {"line": _spare(str(good["line"]))}), ("hash-short", "A hash of 31 bytes", "base64", {"inclusion": [b64(bytes(31))]}),
        ("index-negative", "A place below zero", "range", {"line_index": -1}), ("path-long", "A way of 65 hashes", "length", {"inclusion": [*[b64(EMPTY)] * 65]}), ("path-text", "A way that is a text", "type", {"inclusion": "AAAA"}),
    )
    for name, title, code, change in changes:
        yield _bundle(name, title, "Z-40", {key: item for key, item in {**good, **change}.items() if item is not None}, f"registry.{code}")


def _way_of(index: int) -> list[Json]:
    return [b64(one) for one in tree_path(index, LOG.hashes)]


def _hashes(bundle: Mapping[str, Json], key: str) -> list[Json]:
    found = bundle[key]
    return [*found] if isinstance(found, list) else []


def _proof_forms() -> Iterator[Document]:
    """One proof in other bytes."""
    good = LOG.bundle("1.0.0")
    way = map_way(ENTRIES, map_key(HELLO))
    data, steps = way.data, len(way.beside)
    spare = data[:3] + bytes([data[3] | 1]) + data[4:]
    written = Way(kind=0, beside=(*way.beside, b"\x01" * 32)).data.replace(b"\x01" * 32, EMPTY)
    for name, title, bad in (
        ("proof-empty", "A proof without bytes", b"\x00"), ("proof-cut", "Without its last byte", data[:-1]), ("proof-long", "With a byte too many", data + b"\x00"), ("proof-kind", "Of a kind that there is not", b"\x03" + data[1:]),
        ("proof-spare-bit", "With a spare bit set", spare), ("proof-empty-written", "An empty neighbour written out", written), ("proof-steps-257", "Of 257 steps", b"\x00\x01\x01" + bytes(33)), ("proof-step-more", "Says eight steps more", data[:1] + (steps + 8).to_bytes(2, "big") + data[3:]),
    ):
        yield _bundle(name, title, "Z-30", {**good, "map_proof": b64(bad)}, "registry.proof_form")
    deeper = Way(kind=0, beside=(*way.beside, EMPTY))
    root = _root_of(deeper, map_key(HELLO))
    text = LOG.text(map_hash=root)
    yield _bundle("entry-deeper", "A signed map in which an entry lies deeper than it must", "Z-32", {**good, "map_proof": b64(deeper.data), "checkpoint": b64(note(text, *REGISTRY.release))}, "registry.proof")
    yield _bundle("proof-of-absence", "A proof that the package does not exist", "Z-31", {**good, "map_proof": b64(map_way(ENTRIES, map_key(ABSENT)).data)}, "registry.proof")


def _root_of(way: Way, key: bytes) -> bytes:
    here = map_leaf(key, sha256(ENTRIES[key]).digest())
    for depth in range(len(way.beside) - 1, -1, -1):
        pair = (way.beside[depth], here) if f"{int.from_bytes(key, 'big'):0256b}"[depth] == "1" else (here, way.beside[depth])
        here = sha256(b"\x03" + pair[0] + pair[1]).digest()
    return here


def _absences() -> Iterator[Document]:
    def one(name: str, title: str, clauses: str, data: Mapping[str, Json] | bytes, code: str = "", package: str = ABSENT, **context: Json) -> Document:
        result: Json = None if code else {"package_id": package, "size": SIZE, "at": AT, "witnesses": []}
        more = {"package": package, **context} if package != ABSENT or context else {}
        return _one("registry-absence", name, title, clauses, data, code, result, **more)

    found: dict[int, str] = {}
    for i in range(60):
        found.setdefault(map_way(ENTRIES, map_key(f"com.example.x{i}")).kind, f"com.example.x{i}")
    nothing, leaf_there = found[1], found[2]
    yield one("nothing", "The way ends at nothing", "Z-31", LOG.absence(nothing), package=nothing)
    yield one("other-leaf", "The way ends at another package", "Z-33", LOG.absence(leaf_there), package=leaf_there)
    yield one("sound", "Another name", "Z-31", LOG.absence())
    yield one("stale", "Older than it may be", "Z-51", LOG.absence(), "registry.stale", now=AT + 3601)
    yield one("registry-other", "Of another registry", "Z-1", THEIRS.absence(), "registry.identity")
    yield one("other-name", "The sound absence of another name", "Z-42", LOG.absence(nothing), "registry.contradiction")
    yield one("unsigned", "Signed by a stranger", "Z-6", LOG.absence(checkpoint=b64(note(LOG.text(), STRANGER))), "registry.unsigned")
    way = map_way(ENTRIES, map_key(HELLO))
    own = map_key(HELLO) + sha256(ENTRIES[map_key(HELLO)]).digest()
    far = map_key("com.example.third") + sha256(ENTRIES[map_key("com.example.third")]).digest()
    for name, title, clauses, bad in (
        ("exists", "Of a package that exists: its own proof", "Z-31", way.data), ("exists-nothing", "Of a package that exists: nothing at the end of its way", "Z-31", Way(kind=1, beside=way.beside).data),
        ("exists-own-leaf", "Of a package that exists: its own leaf as that of another", "Z-33", Way(kind=2, beside=way.beside, end=own).data), ("exists-far-leaf", "Of a package that exists: a leaf from elsewhere in the map", "Z-33", Way(kind=2, beside=way.beside, end=far).data),
        ("exists-cut", "Of a package that exists: a way that ends too early", "Z-31", Way(kind=1, beside=way.beside[:-1]).data), ("exists-no-step", "Of a package that exists: no steps at all", "Z-31", Way(kind=1, beside=()).data),
        ("exists-empty-step", "Of a package that exists: a last step with nothing beside it", "Z-32", Way(kind=1, beside=(*way.beside, EMPTY)).data),
    ):
        yield one(name, title, clauses, LOG.absence(HELLO, map_proof=b64(bad)), "registry.proof", package=HELLO)
    yield one("bundle", "A bundle in place of an absence", "Z-40", LOG.bundle("1.0.0"), "registry.missing", package=HELLO)
    yield one("id-form", "About no package id", "Z-40", LOG.absence(package_id="hello"), "registry.form")
    yield one("version-2", "A later version", "Z-40", LOG.absence(mpp_absence=2), "registry.range")
    yield one("proof-form", "A proof with a byte too many", "Z-30", LOG.absence(map_proof=b64(map_way(ENTRIES, map_key(ABSENT)).data + b"\x00")), "registry.proof_form")


def _checkpoint(name: str, title: str, clauses: str, data: bytes, code: str = "", **context: Json) -> Document:
    at = context.pop("said", AT)
    result: Json = None if code else {"origin": LOG.origin, "size": SIZE, "root": LOG.root.hex(), "map_root": map_root(ENTRIES).hex(), "at": at}
    shared = SHARED["registry-checkpoint"]
    with_: str | Mapping[str, Json] = {**shared, **context} if context else "registry-checkpoint"
    return Document(kind="registry-checkpoint", name=name, title=title, clauses=clauses, data=data, context=with_, code=code, result=result, ending="txt")


def _checkpoints() -> Iterator[Document]:
    text = LOG.text()
    lines = text[:-1].split("\n")
    release = REGISTRY.release
    yield _checkpoint("sound", "A checkpoint", "Z-4", LOG.checkpoint())
    yield _checkpoint("renewed", "The same state, signed later", "Z-7", LOG.checkpoint(LOG.text(at=AT + 30)), said=AT + 30, seen=_seen(SIZE, AT))
    yield _checkpoint("more-signatures", "With the signature of a stranger beside", "Z-6", note(text, *release, STRANGER))
    yield _checkpoint("stale", "Older than it may be", "Z-51", LOG.checkpoint(), "registry.stale", now=AT + 3601)
    yield _checkpoint("early", "From the future", "Z-50", LOG.checkpoint(), "registry.early", now=AT - 301)
    yield _checkpoint("other-registry", "Of another registry", "Z-5", THEIRS.checkpoint(), "registry.identity")
    yield _checkpoint("other-origin", "Signed by the right key under another origin", "Z-5", note(THEIRS.text(), *release), "registry.identity")
    yield _checkpoint("stranger", "Signed by a stranger", "Z-6", note(text, STRANGER), "registry.unsigned")
    yield _checkpoint("root-key", "Signed by the root key", "Z-6", note(text, *REGISTRY.root), "registry.unsigned")
    good = LOG.checkpoint()
    yield _checkpoint("signature-bit", "One letter of the signature is another", "Z-6", good[:-10] + (b"A" if good[-10:-9] != b"A" else b"B") + good[-9:], "registry.unsigned")
    for name, title, changed in (
        ("no-map", "Without the root of the map", [*lines[:3], lines[4]]), ("no-time", "Without a time", lines[:4]), ("line-more", "With a line too many", [*lines, "more"]), ("turned", "Map and time in the other order", [*lines[:3], lines[4], lines[3]]),
        ("map-short", "A root of the map of 31 bytes", [*lines[:3], "map " + b64(bytes(31)), lines[4]]), ("size-zero", "A number with a leading zero", [lines[0], "0" + lines[1], *lines[2:]]),
        ("time-zero", "A time with a leading zero", [*lines[:4], "time 0" + str(AT)]), ("time-late", "A time after the year 9999", [*lines[:4], "time 253402300800"]), ("audit", "A checkpoint of a host's record", lines[:3]),
    ):
        yield _checkpoint(name, title, "Z-4", note("".join(one + "\n" for one in changed), *release), "registry.checkpoint")
    yield _checkpoint("no-signature", "A text alone", "Z-4", text.encode(), "registry.checkpoint")
    yield _checkpoint("not-utf8", "A byte that is no UTF-8", "Z-4", b"\xff" + good, "registry.checkpoint")


def _seen(size: int, at: int, root: bytes | None = None) -> Json:
    return {"size": size, "root": (root or tree_root(LOG.hashes[:size])).hex(), "at": at}


def _following() -> Iterator[Document]:
    good = LOG.checkpoint()
    for old in (1, 7, 8, SIZE - 1):
        path: list[Json] = [b64(one) for one in tree_growth(old, LOG.hashes)]
        yield _checkpoint(f"grown-{old}", f"A log that had {old} leaves", "Z-53", LOG.checkpoint(LOG.text(at=AT + old)), said=AT + old, seen=_seen(old, NOW + old), path=path)
    way: list[Json] = [b64(one) for one in tree_growth(7, LOG.hashes)]
    yield _checkpoint("same", "The checkpoint that is known", "Z-53", good, seen=_seen(SIZE, AT))
    yield _checkpoint("rollback", "Fewer leaves than are known", "Z-52", good, "registry.rollback", seen={"size": SIZE + 1, "root": digest("x"), "at": AT - 1})
    yield _checkpoint("rollback-time", "As many leaves as are known, at an earlier time", "Z-7", good, "registry.rollback", seen=_seen(SIZE, AT + 1))
    yield _checkpoint("fork-same-size", "Another root at the same size", "Z-53", good, "registry.fork", seen={"size": SIZE, "root": digest("x"), "at": AT - 1})
    yield _checkpoint("fork-longer", "A log that begins otherwise", "Z-53", good, "registry.fork", seen={"size": 7, "root": digest("x"), "at": NOW + 7}, path=way)
    yield _checkpoint("no-path", "Without a proof that it goes on", "Z-53", good, "registry.fork", seen=_seen(7, NOW + 7))
    yield _checkpoint("path-cut", "A proof without its last hash", "Z-53", good, "registry.fork", seen=_seen(7, NOW + 7), path=way[:-1])
    yield _checkpoint("path-long", "A proof with a hash too many", "Z-53", good, "registry.fork", seen=_seen(7, NOW + 7), path=[*way, b64(EMPTY)])
    yield _checkpoint("path-of-other", "The proof for another size", "Z-53", good, "registry.fork", seen=_seen(7, NOW + 7), path=[b64(one) for one in tree_growth(8, LOG.hashes)])
