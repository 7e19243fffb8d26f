"""Policy bundles: who may sign, what was seen before, and time. Spec: policy-bundle.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from conformance.make.build import NOW, compact, edit
from conformance.make.documents import DAY, STRANGER, Change, Document, changed, sealed, signer_id, spoilt
from conformance.make.trust import TEAM
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, publisher, rotated

# One case a line, however long.
# fmt: off

BUNDLE_TYPE = "application/vnd.mpp.policy+json"
OTHER_TYPE = "application/vnd.in-toto+json"
BUNDLE_BYTES_MAX = 11_463_340
ORG = publisher("Example Fleet")
OTHER = publisher("Other Fleet")
NEXT = rotated(ORG, "2")
FORK = rotated(ORG, "2 by a thief", revoke=True)
"""The same publisher with another second version."""

POLICY: dict[str, Json] = {"mpp_policy": 1, "name": "example-fleet", "rules": [{"id": "notes", "effect": "allow", "packages": ["com.example.*"]}]}
BODY: dict[str, Json] = {"mpp_policy_bundle": 1, "name": "example-fleet", "layer": "fleet", "version": 7, "issued": NOW - DAY, "expires": NOW + 30 * DAY, "grace_seconds": 7 * DAY, "policy": POLICY}
SEEN: dict[str, Json] = {"name": "example-fleet", "version": 6, "digest": "0" * 64}
NOTHING_SEEN: dict[str, Json] = {"name": "", "version": 0, "digest": ""}


def roots(of: TestPublisher) -> Json:
    """All root versions."""
    found: dict[str, Json] = json.loads(of.chain.data)
    return found["roots"]


def context(**changes: Json) -> dict[str, Json]:
    """What a host was enrolled for, and what it has seen."""
    return {"now": NOW, "layer": "fleet", "roots": roots(ORG), "seen": SEEN, **changes}


SHARED: Mapping[str, Mapping[str, Json]] = {"fleet": context()}


def bundle(change: Change | None = None, *, by: TestPublisher = ORG, signers: tuple[SeedSigner, ...] | None = None, envelope: bytes = b"", **more: Json) -> bytes:
    """A bundle file. ``more`` are further keys of the file, or others in the place of its own."""
    made = envelope or sealed(BUNDLE_TYPE, changed(BODY, change or {}), *(by.release if signers is None else signers))
    signed: Json = json.loads(made)
    return compact({"roots": roots(by), "envelope": signed, **more})


def digest(change: Change) -> str:
    """Of what is signed."""
    return sha256(compact(changed(BODY, change))).hexdigest()


def _found(by: TestPublisher, change: Change, signers: tuple[SeedSigner, ...], *, grace: bool = False) -> Json:
    body = changed(BODY, change)
    return {
        "publisher": by.id, "root_version": len(by.chain.roots), "signers": [*sorted(signer_id(one) for one in signers)], "digest": digest(change),
        "layer": body["layer"], "name": body["name"], "version": body["version"], "grace": grace,
    }


TWO = TEAM.release[:2]
# Bundles that hold: name, title, clauses, publisher, signers, changes of what is signed, changes of the context, whether in its grace.
SOUND: tuple[tuple[str, str, str, TestPublisher, tuple[SeedSigner, ...], Change, Change, bool], ...] = (
    ("sound", "The next version", "B-1 B-4 B-12", ORG, ORG.release, {}, {}, False),
    ("first", "The first that this host sees", "B-15 B-25", ORG, ORG.release, {}, {"seen": NOTHING_SEEN}, False),
    ("first-of-name", "The first that this host sees, of the name that it was enrolled for", "B-15", ORG, ORG.release, {}, {"seen": {**NOTHING_SEEN, "name": "example-fleet"}}, False),
    ("again", "The one that was seen, once more", "B-21", ORG, ORG.release, {}, {"seen": {**SEEN, "version": 7, "digest": digest({})}}, False),
    ("version-jumps", "The highest version of all", "B-20", ORG, ORG.release, {"version": 2**31 - 1}, {}, False),
    ("layer-machine", "For the machine layer", "B-14", ORG, ORG.release, {"layer": "machine"}, {"layer": "machine"}, False),
    ("layer-user", "For the user layer", "B-14", ORG, ORG.release, {"layer": "user"}, {"layer": "user"}, False),
    ("issued-ahead", "Issued 300 seconds from now, by the clock of this host", "B-22", ORG, ORG.release, {"issued": NOW + 300}, {}, False),
    ("issued-as-it-ends", "It ends in the second of its issue", "B-4", ORG, ORG.release, {"issued": NOW, "expires": NOW}, {}, False),
    ("last-second", "It ends in this very second", "B-23", ORG, ORG.release, {"expires": NOW}, {}, False),
    ("grace", "It ended a second ago", "B-23", ORG, ORG.release, {"expires": NOW - 1}, {}, True),
    ("grace-last-second", "Its grace ends in this very second", "B-23", ORG, ORG.release, {"issued": NOW - 9 * DAY, "expires": NOW - 7 * DAY}, {}, True),
    ("grace-none", "It has no grace, and ends in this very second", "B-23", ORG, ORG.release, {"expires": NOW, "grace_seconds": 0}, {}, False),
    ("two-of-three", "Two of three keys signed, as they must", "B-13", TEAM, TWO, {}, {"roots": roots(TEAM)}, False),
    ("three-of-three", "All three keys signed", "B-13", TEAM, TEAM.release, {}, {"roots": roots(TEAM)}, False),
    ("roots-longer", "With newer root documents than this host knows", "B-11 B-12", NEXT, NEXT.release, {}, {}, False),
    ("empty-policy", "A policy without rules", "B-4", ORG, ORG.release, {"policy": {"mpp_policy": 1, "name": "nothing", "rules": []}}, {}, False),
)

# Bundles that do not hold: name, title, clauses, code, bytes, changes of the context.
BAD: tuple[tuple[str, str, str, str, bytes, Change], ...] = (
    ("rollback", "An older version than was seen", "B-20", "rollback", bundle({"version": 5}), {}),
    ("fork", "The version that was seen, with another content", "B-21", "fork", bundle({"version": 6}), {}),
    ("expired", "Its grace ended a second ago", "B-23", "expired", bundle({"issued": NOW - 9 * DAY, "expires": NOW - 7 * DAY - 1}), {}),
    ("expired-no-grace", "It ended a second ago and has no grace", "B-23", "expired", bundle({"expires": NOW - 1, "grace_seconds": 0}), {}),
    ("again-expired", "The one that was seen, and it has ended since", "B-23", "expired", bundle(), {"now": NOW + 37 * DAY + 1, "seen": {**SEEN, "version": 7, "digest": digest({})}}),
    ("future", "Issued 301 seconds from now", "B-22", "future", bundle({"issued": NOW + 301}), {}),
    ("publisher-other", "Of another publisher", "B-10", "publisher", bundle(by=OTHER), {}),
    ("publisher-same-name", "Of another publisher with the same name", "B-10", "publisher", bundle(by=publisher("Example Fleet", roots=2)), {}),
    ("layer-other", "For the user layer, where the fleet's is wanted", "B-14", "layer", bundle({"layer": "user"}), {}),
    ("name-other", "Another policy of the same signer", "B-15", "name", bundle({"name": "example-tests"}), {}),
    ("name-case", "The name in upper case", "B-15", "name", bundle({"name": "Example-Fleet"}), {}),
    ("signer-unknown", "Signed by a key that is no key of the publisher", "B-12", "signer", bundle(signers=(STRANGER,)), {}),
    ("signer-root", "Signed by the root key", "B-12", "signer", bundle(signers=ORG.root), {}),
    ("signer-old", "Signed by the key that was rotated out", "B-12", "signer", bundle(by=replace(NEXT, release=ORG.release)), {"roots": roots(NEXT)}),
    ("signer-more", "Signed by the right key and by a stranger", "B-12", "signer", bundle(signers=(*ORG.release, STRANGER)), {}),
    ("threshold-none", "No signature", "B-13", "threshold", bundle(signers=()), {}),
    ("threshold-one", "One of two signatures that must be there", "B-13", "threshold", bundle(by=TEAM, signers=TEAM.release[:1]), {"roots": roots(TEAM)}),
    ("roots-behind", "With the root documents of the time before a rotation", "B-11", "roots_behind", bundle(), {"roots": roots(NEXT)}),
    ("roots-fork", "With another second root version than was seen", "B-11", "roots_fork", bundle(by=FORK), {"roots": roots(NEXT)}),
    ("roots-spoilt", "A root document with another name than was signed", "B-2", "bundle", bundle(roots=edit(roots(ORG), {"0>signed>name": "Elsewhere"})), {}),
    ("roots-empty", "No root document", "B-2", "bundle", bundle(roots=[]), {}),
    ("roots-gap", "The second root version alone", "B-2", "bundle", bundle(by=NEXT, roots=edit(roots(NEXT), {"0": "\0gone"})), {}),
    ("envelope-missing", "Without an envelope", "B-1", "missing", compact({"roots": roots(ORG)}), {}),
    ("key-unknown", "A key of the file that nobody knows", "B-1", "unknown_key", bundle(note="x"), {}),
    ("file-list", "A list as bundle", "B-1", "type", b"[]", {}),
    ("file-spaced", "A file with a space after each colon", "B-1", "json", json.dumps(json.loads(bundle()), sort_keys=True).encode(), {}),
    ("file-two-line-feeds", "Two line feeds after it", "B-1", "json", bundle() + b"\n\n", {}),
    ("file-half", "Half a file", "B-1", "json", bundle()[:700], {}),
    ("file-empty", "A file without a byte", "B-1", "json", b"", {}),
    ("file-policy", "A bare policy document in the place of a bundle", "B-1", "missing", compact({**POLICY}), {}),
    ("file-too-long", "A file of more bytes than may be read", "B-1", "length", bundle() + b" " * BUNDLE_BYTES_MAX, {}),
    ("version-0", "Version 0", "B-4", "range", bundle({"version": 0}), {}),
    ("version-text", "A text as version", "B-4", "type", bundle({"version": "7"}), {}),
    ("version-beyond", "A version beyond the last", "B-4", "range", bundle({"version": 2**31}), {}),
    ("expires-before-issued", "Its end lies before its issue", "B-4", "range", bundle({"expires": NOW - 2 * DAY}), {}),
    ("expires-missing", "Without an end", "B-4", "missing", bundle({"expires": None}), {}),
    ("expires-beyond", "An end after the year 2100", "B-4", "range", bundle({"expires": 4102444801}), {}),
    ("grace-long", "A grace of 90 days and a second", "B-4", "range", bundle({"grace_seconds": 90 * DAY + 1}), {}),
    ("layer-unknown", "A layer that is none", "B-4", "choice", bundle({"layer": "team"}), {}),
    ("name-spaces", "A name with two spaces side by side", "B-4 K-81", "form", bundle({"name": "example  fleet"}), {}),
    ("name-hidden", "A hidden character in the name", "B-4 K-81", "form", bundle({"name": "example\u200bfleet"}), {}),
    ("name-long", "A name of 101 characters", "B-4", "length", bundle({"name": "a" * 101}), {}),
    ("body-key-unknown", "A key of what is signed that nobody knows", "B-4", "unknown_key", bundle({"note": "x"}), {}),
    ("body-version-2", "A later version of the format", "B-4", "range", bundle({"mpp_policy_bundle": 2}), {}),
    ("policy-missing", "Without a policy", "B-4", "missing", bundle({"policy": None}), {}),
    ("policy-text", "A policy in TOML, as a text", "B-4", "type", bundle({"policy": 'mpp_policy = 1\nname = "x"\n'}), {}),
    ("policy-effect", "A policy with an effect that is none", "B-4", "choice", bundle({"policy": edit(POLICY, {"rules>0>effect": "permit"})}), {}),
    ("policy-key-unknown", "A policy with a condition that nobody knows", "B-4", "unknown_key", bundle({"policy": edit(POLICY, {"rules>0>countries": ["at"]})}), {}),
)

# What a fault of the envelope or of its signature is called here.
CODES = {"signatures-none": "threshold", "signatures-two": "signer"}
MEANINGS = {"envelope": "bundle", "json": "json", "signature": "signature"}


def documents() -> Iterator[Document]:
    """All bundles."""
    for name, title, clauses, by, signers, change, around, grace in SOUND:
        yield Document(kind="policy-bundle", name=name, title=title, clauses=clauses, data=bundle(change, by=by, signers=signers), context=context(**around) if around else "fleet", result=_found(by, change, signers, grace=grace))
    yield Document(kind="policy-bundle", name="line-feed", title="A line feed after the file", clauses="B-1", data=bundle() + b"\n", context="fleet", result=_found(ORG, {}, ORG.release))
    for name, title, clauses, code, data, around in BAD:
        yield Document(kind="policy-bundle", name=name, title=title, clauses=clauses, code=f"policy.{code}", data=data, context=context(**around) if around else "fleet")
    for name, title, clauses, what, data in spoilt(BUNDLE_TYPE, BODY, ORG.release[0], other_type=OTHER_TYPE):
        # The envelope stands inside of the file, which has one form of bytes for all of it.
        if name not in {"envelope-spaced", "envelope-line-feed", *CODES}:
            yield Document(kind="policy-bundle", name=name, title=title, clauses=f"B-3 B-12 {clauses}", code=f"policy.{MEANINGS[what]}", data=bundle(envelope=data), context="fleet")
    half = json.loads(sealed(BUNDLE_TYPE, BODY, *TWO))
    half["signatures"][1]["sig"] = half["signatures"][0]["sig"]
    yield Document(kind="policy-bundle", name="one-good-one-bad", title="Two signatures, of which the second is that of the first", clauses="B-12", code="policy.signature", data=bundle(by=TEAM, envelope=compact(half)), context=context(roots=roots(TEAM)))
