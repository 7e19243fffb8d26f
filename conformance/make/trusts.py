"""Check 5, trust: sound packages, and hosts that do not believe their publisher. The refusal is always of family ``publisher``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.make.build import EXAMPLE, NOW, Package, package
from conformance.make.case import Case, refuse
from conformance.make.roots import ROOT, THIRD, chain, roots_of, signed
from conformance.make.trust import HELLO, OTHER, known, pinned, trust
from mpp.crypto.roots import read_chain
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, fixed_signer, rotated

# One case a line, however long.
# fmt: off

SOUND = package()
NEXT = rotated(EXAMPLE, "2")
FORK = rotated(EXAMPLE, "2 by a thief", revoke=True)
REVOKED_CONTENT: Json = [SOUND.content_hash]


def _second_name() -> TestPublisher:
    """The publisher with another name in version 2, same keys: the digests of the chains differ."""
    entry = roots_of(NEXT)[1]
    body = {**entry["signed"], "name": "Renamed"} if isinstance(entry, dict) and isinstance(entry["signed"], dict) else {}
    return replace(NEXT, chain=read_chain(chain(roots_of(EXAMPLE)[0], signed(body, ROOT)), where="renamed"))


def cases() -> Iterator[Case]:
    """All cases about trust."""
    everyone = trust(known(EXAMPLE, any_package=True), known(OTHER, any_package=True))
    rows: tuple[tuple[str, str, str, str, Package, dict[str, Json] | str, int], ...] = (
        ("unknown", "Nobody is known", "K-52", "unknown", SOUND, "nobody", NOW),
        ("unknown-others-known", "Only another publisher is known", "K-52", "unknown", SOUND, trust(known(OTHER, any_package=True)), NOW),
        ("unknown-same-name", "A publisher of the same name is known", "K-35 K-52", "unknown", SOUND, trust(known(_impostor(), any_package=True)), NOW),
        ("unknown-pinned", "The package id is pinned to the publisher, whose roots are not known", "K-52", "unknown", SOUND, trust(pins={HELLO: EXAMPLE.id}), NOW),
        ("unknown-installed", "The content is installed, its publisher is not known any more", "K-45 K-52", "unknown", SOUND, trust(installed=[SOUND.content_hash]), NOW),
        ("not-listed", "First use is off, and nobody is known", "K-53", "not_listed", SOUND, "fleet", NOW),
        ("not-listed-others", "First use is off, and only another publisher is known", "K-53", "not_listed", SOUND, trust(known(OTHER, any_package=True), first_use=False), NOW),
        ("unpinned", "The publisher is known for another package", "K-55", "package_unpinned", SOUND, trust(known(EXAMPLE), pins={"com.example.other": EXAMPLE.id}), NOW),
        ("not-listed-unpinned", "First use is off, and the publisher is known for another package", "K-53 K-55", "not_listed", SOUND, trust(known(EXAMPLE), pins={"com.example.other": EXAMPLE.id}, first_use=False), NOW),
        ("unpinned-look-alike", "A look-alike of the package id is pinned", "K-55", "package_unpinned", SOUND, trust(known(EXAMPLE), pins={"com.example.hel1o": EXAMPLE.id}), NOW),
        ("prefix-not-whole", "A prefix that ends inside a part of the package id's name", "K-58", "package_unpinned", SOUND, trust(known(EXAMPLE), prefixes={"com.exam.": EXAMPLE.id}), NOW),
        ("prefix-is-id", "A prefix that is the package id and a dot", "K-58", "package_unpinned", SOUND, trust(known(EXAMPLE), prefixes={f"{HELLO}.": EXAMPLE.id}), NOW),
        ("pin-mismatch", "The package id is pinned to another publisher", "K-51", "pin_mismatch", SOUND, trust(known(EXAMPLE), known(OTHER), pins={HELLO: OTHER.id}), NOW),
        ("pin-mismatch-any", "The package id is pinned to another publisher; this one is believed for any package", "K-51", "pin_mismatch", SOUND, {**everyone, "pins": {HELLO: OTHER.id}}, NOW),
        ("pin-mismatch-unknown", "The package id is pinned to another publisher, and this one is not known", "K-51", "pin_mismatch", SOUND, trust(known(OTHER), pins={HELLO: OTHER.id}), NOW),
        ("pin-mismatch-installed", "The content is installed, and its id was pinned to another publisher since", "K-45 K-51", "pin_mismatch", SOUND, {**everyone, "pins": {HELLO: OTHER.id}, "installed": [SOUND.content_hash]}, NOW),
        ("prefix-mismatch", "The prefix of the package id belongs to another publisher", "K-51", "pin_mismatch", SOUND, trust(known(EXAMPLE), known(OTHER), prefixes={"com.example.": OTHER.id}), NOW),
        ("prefix-mismatch-any", "The prefix belongs to another publisher; this one is believed for any package", "K-51", "pin_mismatch", SOUND, {**everyone, "prefixes": {"com.example.": OTHER.id}}, NOW),
        ("prefix-longest", "The longer of two prefixes belongs to another publisher", "K-51", "pin_mismatch", SOUND, trust(known(EXAMPLE), known(OTHER), prefixes={"com.": EXAMPLE.id, "com.example.": OTHER.id}), NOW),
        ("pin-before-prefix", "The prefix belongs to this publisher, the exact id to another", "K-51", "pin_mismatch", SOUND, trust(known(EXAMPLE), known(OTHER), pins={HELLO: OTHER.id}, prefixes={"com.example.": EXAMPLE.id}), NOW),
        ("expired", "The trust ended one second ago", "K-54", "expired", SOUND, trust(known(EXAMPLE, until=NOW - 1), pins={HELLO: EXAMPLE.id}), NOW),
        ("expired-any", "The trust in any package ended", "K-54", "expired", SOUND, trust(known(EXAMPLE, any_package=True, until=0)), NOW),
        ("expired-later", "The trust ends, and the package is judged a second later", "K-54", "expired", SOUND, trust(known(EXAMPLE, until=NOW), pins={HELLO: EXAMPLE.id}), NOW + 1),
        ("revoked", "The publisher is revoked", "K-50", "revoked", SOUND, pinned(EXAMPLE, revoked_publishers=[EXAMPLE.id]), NOW),
        ("revoked-unknown", "The publisher is revoked and not known", "K-50", "revoked", SOUND, trust(revoked_publishers=[EXAMPLE.id]), NOW),
        ("revoked-installed", "The content is installed, and its publisher is revoked", "K-45 K-50", "revoked", SOUND, pinned(EXAMPLE, revoked_publishers=[EXAMPLE.id], installed=[SOUND.content_hash]), NOW),
        ("content-revoked", "This content is revoked", "G-28", "content_revoked", SOUND, pinned(EXAMPLE, revoked_content=REVOKED_CONTENT), NOW),
        ("content-revoked-installed", "This content is installed and revoked", "K-45 G-28", "content_revoked", SOUND, pinned(EXAMPLE, revoked_content=REVOKED_CONTENT, installed=REVOKED_CONTENT), NOW),
        ("content-revoked-rotated", "This content is installed under a key that is gone, and revoked", "K-45 G-28", "content_revoked", SOUND, pinned(NEXT, revoked_content=REVOKED_CONTENT, installed=REVOKED_CONTENT), NOW),
        ("content-revoked-own", "This content is revoked on the machine of its author", "G-28", "content_revoked", SOUND, trust(known(EXAMPLE, any_package=True), revoked_content=REVOKED_CONTENT), NOW),
        ("fork", "The host knows another version 2 of the root", "K-42 G-23", "fork", package(by=NEXT), pinned(FORK), NOW),
        ("fork-longer", "The package shows more versions than the host knows, of a forked chain", "K-42 G-23", "fork", package(by=THIRD), pinned(FORK), NOW),
        ("fork-name", "The host knows a version 2 that differs in its name alone", "K-42 G-23", "fork", package(by=NEXT), pinned(_second_name()), NOW),
        ("fork-installed", "The content is installed, and the host knows another version 2", "K-42 K-45 G-23", "fork", package(by=NEXT), pinned(FORK, installed=[SOUND.content_hash]), NOW),
    )
    for name, title, clauses, code, found, who, now in rows:
        yield refuse(f"signature/trust-{name}", title, clauses, f"publisher.{code}", found, trust=who, now=now)
    forged = package(by=NEXT, sign=lambda signer, message: signer.sign(message + b" "))
    yield refuse("signature/trust-fork-invalid", "A forked chain below a signature that does not verify: integrity is judged first", "G-23 G-25", "signature.invalid", forged, trust=pinned(FORK))
    yield refuse("signature/trust-revoked-invalid", "A revoked publisher below a signature that does not verify: integrity is judged first", "G-25 G-29", "signature.invalid", package(sign=lambda *_: bytes(64)), trust=pinned(EXAMPLE, revoked_publishers=[EXAMPLE.id]))
    yield refuse("signature/trust-unknown-invalid", "An unknown publisher below a signature that does not verify: integrity is judged first", "G-25 G-29", "signature.invalid", package(sign=lambda *_: bytes(64)), trust="nobody")


def _impostor() -> TestPublisher:
    """Another publisher that calls itself the same."""
    body = roots_of(OTHER)[0]
    changed = {**body["signed"], "name": EXAMPLE.chain.newest.name} if isinstance(body, dict) and isinstance(body["signed"], dict) else {}
    return replace(OTHER, chain=read_chain(chain(signed(changed, (fixed_signer("Other Publisher root 0"),))), where="impostor"))
