"""Check 5, root documents: one defect in publisher.json each. The statement is always bound to the publisher.json that is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from conformance.make import curve
from conformance.make.build import EXAMPLE, GONE, Package, compact, edit, package, signer_id
from conformance.make.case import Case, refuse
from conformance.make.statements import FORMS
from conformance.make.trust import TEAM
from mpp.crypto.base64text import encode
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.envelope import signed_bytes
from mpp.crypto.roots import ROOT_TYPE
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, fixed_signer, rotated

# One case a line, however long.
# fmt: off

ROOT = EXAMPLE.root
NEW_ROOT = rotated(EXAMPLE, "2", new_root=True)
KEPT_ROOT = rotated(EXAMPLE, "2")
THIRD = rotated(KEPT_ROOT, "3")
STRANGER = fixed_signer("Stranger")


def roots_of(who: TestPublisher) -> list[Json]:
    """The entries of a chain."""
    found: list[Json] = json.loads(who.chain.data)["roots"]
    return found


def signed(body: Json, signers: Sequence[SeedSigner], kind: str = ROOT_TYPE) -> dict[str, Json]:
    """An entry: ``body`` and signatures over it."""
    message = signed_bytes(kind, compact(body))
    rows: list[Json] = [{"key": key_id(one.public_key), "sig": encode(one.sign(message))} for one in sorted(signers, key=signer_id)]
    return {"signed": body, "signatures": rows}


def chain(*entries: Json) -> bytes:
    """A publisher.json of these entries."""
    return compact({"roots": [*entries]})


def first(changes: Mapping[str, Json], signers: Sequence[SeedSigner] = ROOT) -> bytes:
    """Version 1 with changes, soundly signed."""
    return chain(signed(edit(_body(EXAMPLE), changes), signers))


def second(changes: Mapping[str, Json], signers: Sequence[SeedSigner] = ROOT) -> bytes:
    """A sound version 1, then version 2 (of the same root key) with changes, signed by ``signers``."""
    return chain(roots_of(EXAMPLE)[0], signed(edit(_body(KEPT_ROOT), changes), signers))


def _body(who: TestPublisher) -> Json:
    entry = roots_of(who)[-1]
    return entry["signed"] if isinstance(entry, dict) else None


def _spoilt_signature(spoil: Callable[[dict[str, Json]], Json]) -> bytes:
    entry = signed(_body(EXAMPLE), ROOT)
    return chain({**entry, "signatures": spoil(entry)})


def _other_body(entry: Json, name: str) -> Json:
    return edit(entry, {"signed>name": name})


RELEASE_ID = EXAMPLE.release_ids[0]
ROOT_ID = key_id(ROOT[0].public_key)
STRANGER_ID = key_id(STRANGER.public_key)


def _ascending(*ids: str) -> list[Json]:
    return [*sorted(ids)]


def _key(public: bytes) -> dict[str, Json]:
    return {"alg": "ed25519", "public": encode(public)}


def with_key(public: bytes, *, under: str = "") -> bytes:
    """Version 1 with a second release key, which nobody uses."""
    name = under or key_id(public)
    return first({f"keys>{name}": _key(public), "roles>release>keys": _ascending(RELEASE_ID, name)})


# Names that are not read as they are written.
NAMES = (
    ("space", "nothing but a space", " "),
    ("space-before", "a space before it", " Example"),
    ("space-after", "a space after it", "Example "),
    ("spaces", "two spaces side by side", "Example  Publisher"),
    ("spaces-wrap", "spaces that push its end to the next line", "Ada" + " " * 61 + "  fingerprint  851a 921d dd19 c0f2"),
    ("tab", "a tab", "Example\tPublisher"),
    ("line", "a line feed", "Example\nPublisher"),
    ("no-break-space", "a no-break space", "Example\xa0Publisher"),
    ("em-space", "an em space", "Example\u2003Publisher"),
    ("ideographic-space", "an ideographic space", "Example\u3000Publisher"),
    ("braille-blank", "a braille pattern without dots", "Example\u2800Publisher"),
    ("zero-width", "a zero-width space", "Example\u200bPublisher"),
)

# Changes to version 1, which its root key then signs. Name, words, changes, code, clauses.
BODIES: tuple[tuple[str, str, dict[str, Json], str, str], ...] = (
    ("type-other", "another type", {"type": "mpp-root-2"}, "choice", "K-14"),
    ("version-text", "a text as version", {"version": "1"}, "type", "K-14"),
    ("version-0", "version 0", {"version": 0}, "range", "K-14"),
    ("version-101", "version 101", {"version": 101}, "range", "K-14"),
    ("version-2-first", "version 2 as the first", {"version": 2}, "root_versions", "K-33"),
    ("name-empty", "an empty name", {"name": ""}, "length", "K-14"),
    ("name-long", "a name of 101 characters", {"name": "a" * 101}, "length", "K-14"),
    ("name-control", "an escape character in the name", {"name": "Example\x1b[2J"}, "form", "K-14"),
    *((f"name-{word}", f"a name with {what}", dict[str, Json]({"name": text}), "form", "K-81") for word, what, text in NAMES),
    ("name-list", "a list as name", {"name": ["Example"]}, "type", "K-14"),
    ("unknown-key", "an unknown key", {"expires": 1}, "unknown_key", "K-13"),
    ("key-unknown-key", "an unknown key beside a public key", {f"keys>{RELEASE_ID}>note": "x"}, "unknown_key", "K-13"),
    ("role-unknown-key", "an unknown key in a role", {"roles>release>note": "x"}, "unknown_key", "K-13"),
    ("role-unknown", "an unknown role", {"roles>admin": {"keys": [ROOT_ID], "threshold": 1}}, "unknown_key", "K-13"),
    ("alg-rsa", "a key of another algorithm", {f"keys>{RELEASE_ID}>alg": "rsa"}, "choice", "K-1"),
    ("alg-ph", "a key of the prehashed variant", {f"keys>{RELEASE_ID}>alg": "ed25519ph"}, "choice", "K-1"),
    ("alg-case", "the algorithm in upper case", {f"keys>{RELEASE_ID}>alg": "Ed25519"}, "choice", "K-1"),
    ("keys-list", "a list as keys", {"keys": []}, "type", "K-14"),
    ("role-empty", "a release role without keys", {"roles>release>keys": []}, "root_role", "K-32"),
    ("role-key-unknown", "a role with a key that the document does not hold", {"roles>release>keys": _ascending(RELEASE_ID, STRANGER_ID)}, "root_role", "K-32"),
    ("role-key-twice", "a role with one key twice", {"roles>release>keys": [RELEASE_ID, RELEASE_ID]}, "duplicate", "K-32"),
    ("role-key-short", "a role with a short key id", {"roles>release>keys": ["pub_" + RELEASE_ID[:16]]}, "form", "K-14"),
    ("key-without-role", "a key without a role", {f"keys>{STRANGER_ID}": _key(STRANGER.public_key)}, "root_role", "K-32"),
    ("threshold-0", "a threshold of 0", {"roles>release>threshold": 0}, "range", "K-32"),
    ("threshold-above-keys", "a threshold above the number of keys", {"roles>release>threshold": 2}, "range", "K-32"),
    ("threshold-negative", "a negative threshold", {"roles>root>threshold": -1}, "range", "K-32"),
    ("threshold-text", "a text as threshold", {"roles>release>threshold": "1"}, "type", "K-14"),
    ("threshold-true", "true as threshold", {"roles>release>threshold": True}, "type", "K-14"),
    ("revoked-held", "a revoked key that is still held", {"revoked": [{"key": RELEASE_ID, "reason": "stolen"}]}, "root_role", "K-32"),
    ("revoked-twice", "a key that is revoked twice", {"revoked": [{"key": STRANGER_ID, "reason": "stolen"}, {"key": STRANGER_ID, "reason": "lost"}]}, "duplicate", "K-82"),
    ("revoked-reason-spaces", "a reason with two spaces side by side", {"revoked": [{"key": STRANGER_ID, "reason": "stolen  laptop"}]}, "form", "K-81"),
    ("key-root-and-release", "one key that is root key and release key", {"roles>release>keys": _ascending(RELEASE_ID, ROOT_ID)}, "root_role", "K-32"),
    ("revoked-short-id", "a revoked key by its short id", {"revoked": [{"key": STRANGER_ID[:16], "reason": "stolen"}]}, "form", "K-14"),
    ("revoked-no-reason", "a revoked key without a reason", {"revoked": [{"key": STRANGER_ID}]}, "missing", "K-13"),
    ("revoked-text", "a text as revoked", {"revoked": STRANGER_ID}, "type", "K-14"),
    ("key-under-other-id", "a key under another key's id", {f"keys>{RELEASE_ID}>public": encode(STRANGER.public_key)}, "root_key", "K-31"),
    ("key-31-bytes", "a key of 31 bytes", {f"keys>{RELEASE_ID}>public": encode(bytes(31))}, "base64", "K-1"),
    ("key-33-bytes", "a key of 33 bytes", {f"keys>{RELEASE_ID}>public": encode(bytes(33))}, "base64", "K-1"),
    ("key-no-padding", "a key in base64 without padding", {f"keys>{RELEASE_ID}>public": encode(EXAMPLE.release[0].public_key).rstrip("=")}, "base64", "K-7"),
    *((f"no-{key.replace('>', '-')}", f"no {key.rpartition('>')[2]}", dict[str, Json]({key: GONE}), "missing", "K-13") for key in ("type", "version", "name", "keys", "roles", "roles>root", "roles>release", "roles>release>keys", "roles>release>threshold")),
)

# Public keys that are not sound. Every one stands under its own id.
KEYS: tuple[tuple[str, str, bytes], ...] = (
    ("identity", "the identity", curve.encoded(curve.IDENTITY)),
    ("zero", "all zeros, a point of order 4", bytes(32)),
    ("order-2", "the point of order 2", (curve.PRIME - 1).to_bytes(32, "little")),
    ("order-8", "a point of order 8", curve.EIGHT),
    ("order-8-negative", "another point of order 8", curve.EIGHT[:31] + bytes((curve.EIGHT[31] | 0x80,))),
    ("identity-sign", "the identity with the sign bit set", (1 | 1 << 255).to_bytes(32, "little")),
    ("prime", "the prime itself, a second encoding of zero", curve.PRIME.to_bytes(32, "little")),
    ("prime-plus-one", "the prime plus one, a second encoding of the identity", (curve.PRIME + 1).to_bytes(32, "little")),
    ("not-canonical", "a second encoding of a point of large order", (curve.PRIME + 3).to_bytes(32, "little")),
    ("ones", "all ones", b"\xff" * 32),
    ("no-point", "bytes that encode no point", (2).to_bytes(32, "little")),
    ("mixed-order", "a sound key plus a point of order 8", curve.encoded(curve.add(curve.point(STRANGER.public_key), curve.point(curve.EIGHT)))),
)


def _signature_rows() -> Iterator[tuple[str, str, str, str, bytes]]:
    good = signed(_body(EXAMPLE), ROOT)["signatures"]
    row = good[0] if isinstance(good, list) and isinstance(good[0], dict) else {}
    yield "signature-zero", "A root version with a signature of zeros", "K-34", "invalid", _spoilt_signature(lambda _: [{**row, "sig": "A" * 86 + "=="}])
    yield "signature-none", "A root version without signatures", "K-34", "root_threshold", _spoilt_signature(lambda _: [])
    yield "signature-twice", "A root version signed twice by one key", "K-30", "order", _spoilt_signature(lambda _: [row, row])
    yield "signature-extra-key", "An unknown key beside the signature of a root version", "K-13", "unknown_key", _spoilt_signature(lambda _: [{**row, "alg": "ed25519"}])
    yield "signature-missing", "A root version without a list of signatures", "K-13", "missing", chain(edit(signed(_body(EXAMPLE), ROOT), {"signatures": GONE}))
    yield "signed-missing", "A list of signatures without a root version", "K-13", "missing", chain(edit(signed(_body(EXAMPLE), ROOT), {"signed": GONE}))
    yield "entry-unknown-key", "An unknown key beside a root version", "K-13", "unknown_key", chain({**signed(_body(EXAMPLE), ROOT), "note": "x"})
    yield "signature-other-type", "A root version signed as a package statement", "K-24", "invalid", chain(signed(_body(EXAMPLE), ROOT, "application/vnd.in-toto+json"))
    yield "name-changed", "A root version whose name was changed after signing", "K-34", "invalid", chain(_other_body(roots_of(EXAMPLE)[0], "Example Publisher Inc."))
    yield "by-release-key", "A root version signed by its release key alone", "K-34", "root_threshold", first({}, EXAMPLE.release)
    yield "by-release-key-too", "A root version signed by its release key too", "K-34", "root_signer", first({}, (*ROOT, *EXAMPLE.release))
    yield "by-stranger-too", "A root version signed by a stranger too", "K-34", "root_signer", first({}, (*ROOT, STRANGER))
    yield "by-stranger", "A root version signed by a stranger alone", "K-34", "root_threshold", first({}, (STRANGER,))
    yield "threshold-1-of-2", "A root version with one of two needed signatures", "K-34", "root_threshold", chain(signed(_body(TEAM), TEAM.root[:1]))


def _chain_rows() -> Iterator[tuple[str, str, str, str, bytes]]:
    v1, v2, v3 = roots_of(THIRD)
    fresh = _body(NEW_ROOT)
    shared = roots_of(EXAMPLE)[0]
    yield "chain-empty", "No root version", "K-30", "length", chain()
    yield "chain-gap", "Version 2 is missing", "K-33", "root_versions", chain(v1, v3)
    yield "chain-begins-at-2", "Version 1 is missing", "K-33", "root_versions", chain(v2, v3)
    yield "chain-reversed", "Versions in falling order", "K-33", "root_versions", chain(v2, v1)
    yield "chain-version-twice", "Version 1 twice", "K-33", "root_versions", chain(v1, v1)
    yield "chain-two-seconds", "Two versions 2", "K-33", "root_versions", chain(v1, v2, signed(edit(_body(KEPT_ROOT), {"name": "Other"}), ROOT))
    yield "chain-self-signed", "A new root key that signed for itself alone", "K-34", "root_threshold", chain(shared, signed(fresh, NEW_ROOT.root))
    yield "chain-old-alone", "A new root key that did not sign", "K-34", "root_threshold", chain(shared, signed(fresh, ROOT))
    yield "chain-by-release", "A version 2 signed by the release key of version 1", "K-34", "root_threshold", second({}, EXAMPLE.release)
    yield "chain-by-new-release", "A version 2 signed by its release key too", "K-34", "root_signer", second({}, (*ROOT, *KEPT_ROOT.release))
    yield "chain-unsigned", "A version 2 without signatures", "K-34", "root_threshold", second({}, ())
    yield "chain-changed", "A version 2 that was changed after signing", "K-34", "invalid", chain(v1, _other_body(v2, "Other"))
    yield "chain-first-changed", "A version 1 that was changed after signing, below a sound version 2", "K-34", "invalid", chain(_other_body(v1, "Other"), v2)
    team = rotated(TEAM, "2", new_root=True)
    yield "chain-threshold-old", "A version 2 with one of two signatures needed by version 1", "K-34", "root_threshold", chain(roots_of(TEAM)[0], signed(_body(team), (*TEAM.root[:1], *team.root)))
    yield "chain-threshold-new", "A version 2 with one of two signatures needed by itself", "K-34", "root_threshold", chain(roots_of(TEAM)[0], signed(_body(team), (*TEAM.root, *team.root[:1])))
    yield "chain-other-publisher", "A version 2 that another publisher signed", "K-34", "root_threshold", chain(roots_of(TEAM)[0], v2)
    gone = rotated(EXAMPLE, "2", revoke=True)
    third = edit(_body(EXAMPLE), {"version": 3})
    yield "chain-revoked-back", "A version 3 with the release key that version 2 revoked", "K-82", "root_revoked", chain(*roots_of(gone), signed(third, ROOT))
    kept = edit(_body(rotated(gone, "3")), {"revoked": []})
    fourth = edit(_body(EXAMPLE), {"version": 4})
    yield "chain-revoked-back-later", "A version 4 with the release key that version 2 revoked and version 3 did not name", "K-82", "root_revoked", chain(*roots_of(gone), signed(kept, ROOT), signed(fourth, ROOT))
    yield "chain-101", "101 versions", "K-30", "length", chain(*(v1 for _ in range(101)))


def _top_rows() -> Iterator[tuple[str, str, str, str, bytes]]:
    sound = EXAMPLE.chain.data
    yield "roots-object", "An object as roots", "K-14", "type", compact({"roots": {}})
    yield "roots-missing", "No roots", "K-13", "missing", b"{}"
    yield "top-list", "A publisher.json that is a list", "K-30", "type", b"[]"
    yield "top-unknown-key", "An unknown key beside the roots", "K-13", "unknown_key", edit_top(sound)
    many = [fixed_signer(f"many {i}").public_key for i in range(32)]
    extra: dict[str, Json] = {f"keys>{key_id(public)}": _key(public) for public in many[:31]}
    ids = _ascending(RELEASE_ID, *(key_id(public) for public in many[:31]))
    yield "keys-33", "33 keys in one version", "K-14", "length", first({**extra, "roles>release>keys": ids})


def edit_top(data: bytes) -> bytes:
    """The document with one key more at its top."""
    return compact(edit(json.loads(data), {"note": "x"}))


def _forms() -> Iterator[Case]:
    """The same ways not to be canonical as for the other two signed documents."""
    for name, words, spoil, clauses in FORMS:
        yield refuse(f"signature/publisher-{name}", f"A publisher.json with {words}", clauses, "signature.json", _sealed(spoil(EXAMPLE.chain.data)))
    twice = EXAMPLE.chain.data.replace(b'"name":', b'"name":"Other","name":')
    yield refuse("signature/publisher-key-twice", "A publisher.json with a key that stands twice", "K-10", "signature.json", _sealed(twice))
    yield refuse("signature/publisher-version-float", "A publisher.json with a version with a fraction", "K-11", "signature.json", _sealed(EXAMPLE.chain.data.replace(b'"version":1', b'"version":1.0')))


def _sealed(publisher_json: bytes) -> Package:
    return package(publisher=publisher_json)


def cases() -> Iterator[Case]:
    """All cases about root documents."""
    yield from _forms()
    for name, words, changes, code, clauses in BODIES:
        yield refuse(f"signature/root-{name}", f"A root version with {words}", clauses, f"signature.{code}", _sealed(first(changes)))
    for name, words, public in KEYS:
        yield refuse(f"signature/root-key-is-{name}", f"A release key that is {words}", "K-2 K-31", "signature.root_key", _sealed(with_key(public)))
    for rows in (_signature_rows, _chain_rows, _top_rows):
        for name, title, clauses, code, data in rows():
            yield refuse(f"signature/root-{name}", title, clauses, f"signature.{code}", _sealed(data))
