"""Checks 4 and 5: content that was changed, signatures that do not hold, signers that may not sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256

from conformance.make import curve
from conformance.make.build import EXAMPLE, PUBLISHER_NAME, SIGNATURE_NAME, Package, Seal, body, files, find, package
from conformance.make.case import Case, refuse
from conformance.make.trust import OTHER, TEAM, known, pinned, trust
from conformance.make.deflate import zeros
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.testing.keys import fixed_seed, fixed_signer, rotated
from mpp.testing.rawzip import RawMember, raw_zip

# One case a line, however long.
# fmt: off

SOUND = package()
RELEASE = "Example Publisher release 0"
STRANGER = fixed_signer("Stranger")
Sign = Callable[[SeedSigner, bytes], bytes]


def _with_seal_of(other: Package, members: list[RawMember]) -> bytes:
    """``members`` below the seal that was made for ``other``."""
    return raw_zip([*members, *other.members()[-2:]])


def _changed(name: str, plain: bytes) -> bytes:
    rows = body()
    find(rows, name).plain = plain
    return _with_seal_of(SOUND, rows)


def _deflated() -> bytes:
    stored = files(extra={"zeros.bin": bytes(1 + 258)})
    rows = body(stored)
    member = find(rows, "zeros.bin")
    member.method, member.packed = 8, zeros(1)
    return _with_seal_of(package(stored), rows)


def _claimed(crc: int) -> bytes:
    rows = body()
    find(rows, "README.md").crc = crc
    return _with_seal_of(SOUND, rows)


def content() -> Iterator[Case]:
    """Check 4: the seal is sound, and about another content."""
    text = files()["manifest.json"]
    rows: tuple[tuple[str, str, bytes], ...] = (
        ("member-changed", "One byte of a member changed, its CRC made to fit", _changed("README.md", b"# jello\n\nGreets by name.\n")),
        ("code-changed", "One byte of the code changed, its CRC made to fit", _changed("bin/main.wasm", files()["bin/main.wasm"][:-1] + b"\0")),
        ("manifest-changed", "A limit in the manifest raised", _changed("manifest.json", text.replace(b"5000", b"9000"))),
        ("manifest-space", "One space more in the manifest", _changed("manifest.json", text + b" ")),
        ("member-added", "A member added", _with_seal_of(SOUND, body(files(extra={"added": b"x"})))),
        ("member-empty-added", "An empty member added", _with_seal_of(SOUND, body(files(extra={"added": b""})))),
        ("member-removed", "A member removed", _with_seal_of(SOUND, body(files(extra={"README.md": None})))),
        ("member-renamed", "A member renamed", _with_seal_of(SOUND, body(files(extra={"README.md": None, "README.txt": files()["README.md"]})))),
        ("members-exchanged", "Two members with each other's content", _with_seal_of(SOUND, body({**files(), "README.md": files()["bin/main.wasm"], "bin/main.wasm": files()["README.md"]}))),
        ("member-recompressed", "The same content, compressed", _deflated()),
        ("crc-changed", "The CRC of a member changed in both headers", _claimed(1)),
        ("seal-of-other-version", "The seal of another version of the package", _with_seal_of(package(files({"version": "0.2.0"}), version="0.2.0"), body())),
        ("subject-digest", "A statement about another content, soundly signed", package(content_hash="0" * 64).data),
        ("subject-is-file", "A statement with the digest of the manifest instead of the content", package(content_hash=sha256(text).hexdigest()).data),
    )
    for name, title, data in rows:
        yield refuse(f"signature/content-{name}", title, "A-19 G-10", "content.mismatch", data)


def _plus_order(signer: SeedSigner, message: bytes) -> bytes:
    found = signer.sign(message)
    return found[:32] + (int.from_bytes(found[32:], "little") + curve.ORDER).to_bytes(32, "little")


def _committed(nonce: int, commitment: Callable[[curve.Point], bytes]) -> Sign:
    def sign(signer: SeedSigner, message: bytes) -> bytes:
        return curve.signature(fixed_seed(RELEASE), signer.public_key, message, nonce, commitment(curve.times(nonce, curve.BASE)))

    return sign


def _mixed(found: curve.Point) -> bytes:
    return curve.encoded(curve.add(found, curve.point(curve.EIGHT)))


def _flip(at: int) -> Sign:
    def sign(signer: SeedSigner, message: bytes) -> bytes:
        found = signer.sign(message)
        return found[:at] + bytes((found[at] ^ 1,)) + found[at + 1 :]

    return sign


NOT_CANONICAL_ONE = (curve.PRIME + 1).to_bytes(32, "little")

# Signatures by the right key id that must not verify.
SIGNATURES: tuple[tuple[str, str, str, Sign], ...] = (
    ("zero", "A signature of zeros", "K-3", lambda *_: bytes(64)),
    ("ones", "A signature of ones", "K-3", lambda *_: b"\xff" * 64),
    ("r-bit", "One bit of R turned", "K-4", _flip(0)),
    ("r-sign-bit", "The lowest bit of the last byte of R turned", "K-4", _flip(31)),
    ("s-bit", "One bit of S turned", "K-4", _flip(32)),
    ("s-high-bit", "A high bit of S turned", "K-3", _flip(63)),
    ("s-plus-order", "S plus the group order: the same signature for verifiers that do not look", "K-3", _plus_order),
    ("r-of-stranger", "A signature by another key under the right key id", "K-43", lambda _, message: STRANGER.sign(message)),
    ("other-message", "A sound signature over another message", "K-24", lambda signer, message: signer.sign(message + b" ")),
    ("payload-alone", "A signature over the payload without its frame", "K-24", lambda signer, message: signer.sign(message.partition(b"{")[1] + message.partition(b"{")[2])),
    ("digest", "A signature over the digest of the message", "K-24", lambda signer, message: signer.sign(sha256(message).digest())),
    ("r-not-canonical", "R is the identity in an encoding that is not canonical; the equation holds", "K-3", _committed(0, lambda _: NOT_CANONICAL_ONE)),
    ("r-identity", "R is the identity; the equation holds", "K-3", _committed(0, curve.encoded)),
    ("r-identity-negative", "R is the identity with the sign bit set; the equation holds", "K-3", _committed(0, lambda _: (1 | 1 << 255).to_bytes(32, "little"))),
    ("r-small-order", "R has order 8; the equation holds only if the cofactor is multiplied in", "K-3 K-4", _committed(0, lambda _: curve.EIGHT)),
    ("r-mixed-order", "R has a part of order 8; the equation holds only if the cofactor is multiplied in", "K-4", _committed(12345, _mixed)),
)


def _signatures() -> Iterator[Case]:
    for name, title, clauses, sign in SIGNATURES:
        yield refuse(f"signature/invalid-{name}", title, clauses, "signature.invalid", package(sign=sign))


def _crc(name: str) -> bytes:
    members = SOUND.members()
    find(members, name).crc = 1
    return raw_zip(members)


TEAM_TRUST = pinned(TEAM)
TEAM_RELEASE = tuple(sorted(TEAM.release, key=lambda one: key_id(one.public_key)))


def _team(count: int, **rest: object) -> Package:
    return package(None, by=TEAM, signers=TEAM_RELEASE[:count], **rest)


def _swapped_signatures(found: bytes) -> bytes:
    """The two signatures under each other's key id."""
    first, second = (part.partition(b'"')[0] for part in found.split(b'"sig":"')[1:3])
    return found.replace(first, b"#").replace(second, first).replace(b"#", second)


def signers() -> Iterator[Case]:
    """Who signed, and who should have."""
    ids = [key_id(one.public_key) for one in TEAM_RELEASE]
    pub = TEAM.chain.data
    next_one, last_one = rotated(EXAMPLE, "2"), rotated(EXAMPLE, "2", revoke=True)
    rows: tuple[tuple[str, str, str, str, Package, object], ...] = (
        ("unsigned", "A package without a seal", "G-20", "unsigned", replace(SOUND, seal=None), "standard"),
        ("unsigned-own", "A package without a seal on the machine of its author", "G-20", "unsigned", replace(SOUND, seal=None), "own"),
        ("cosigner-missing", "Two signers are listed, one has signed", "K-28", "incomplete", _team(1, listed=tuple(ids[:2])), "team"),
        ("cosigner-removed", "The second of two signatures is gone", "K-28", "incomplete", _team(2, envelope={"signatures>1": "\0gone"}), "team"),
        ("all-removed", "A signer is listed, and no signature is there", "K-28", "incomplete", package(envelope={"signatures": []}), "standard"),
        ("signature-extra", "Two signers are listed, three have signed", "K-28", "incomplete", _team(3, listed=tuple(ids[:2])), "team"),
        ("signature-extra-stranger", "A signature by a stranger beside the listed one", "K-28", "incomplete", package(signers=(*EXAMPLE.release, STRANGER), listed=EXAMPLE.release_ids), "standard"),
        ("listed-other", "Another signer is listed than has signed", "K-28", "incomplete", _team(2, listed=(ids[0], ids[2])), "team"),
        ("signatures-twice", "One signature twice", "K-23", "order", package(signers=EXAMPLE.release * 2, listed=EXAMPLE.release_ids), "standard"),
        ("signatures-order", "Signatures that do not ascend", "K-23", "order", _team(2, text=_reverse), "team"),
        ("signers-twice", "One signer listed twice", "K-28", "duplicate", package(listed=EXAMPLE.release_ids * 2), "standard"),
        ("signers-order", "Signers that do not ascend", "K-28", "signers", _team(2, listed=(ids[1], ids[0])), "team"),
        ("signatures-swapped", "Two signatures under each other's key id", "K-43", "invalid", _team(2, text=_swapped_signatures), "team"),
        ("cosigner-invalid", "One of two signatures does not verify", "K-43", "invalid", _team(2, sign=_second_wrong), "team"),
        ("cosigner-surplus-invalid", "The threshold is met, and a third signature does not verify", "K-43", "invalid", _team(3, sign=_second_wrong), "team"),
        ("threshold", "One signature where two are needed", "K-40", "threshold", _team(1), "team"),
        ("stranger", "A signer who is in no root document", "K-40", "not_eligible", package(signers=(STRANGER,)), "standard"),
        ("cosigner-stranger", "The threshold is met, and a stranger has signed too", "K-43", "not_eligible", package(by=TEAM, signers=(*TEAM_RELEASE[:2], STRANGER)), "team"),
        ("root-key", "Signed by the root key", "K-40", "not_eligible", package(signers=EXAMPLE.root), "standard"),
        ("other-publisher", "Signed by the release key of another publisher", "K-40", "not_eligible", package(signers=OTHER.release), trust(known(EXAMPLE, any_package=True), known(OTHER, any_package=True))),
        ("rotated-out", "Signed by a key that the package's own newest root no longer holds", "K-36 K-40", "not_eligible", package(by=next_one, signers=EXAMPLE.release), "standard"),
        ("rotated-out-known", "Signed by a key that the host's newer root no longer holds", "K-42", "not_eligible", SOUND, pinned(next_one)),
        ("revoked", "Signed by a key that the package's own newest root revokes", "K-44", "key_revoked", package(by=last_one, signers=EXAMPLE.release), "standard"),
        ("revoked-known", "Signed by a key that the host's newer root revokes", "K-42 K-44", "key_revoked", SOUND, pinned(last_one)),
        ("revoked-known-own", "Signed by a key that the host's newer root revokes, and any package is believed", "K-42 K-44", "key_revoked", SOUND, trust(known(last_one, any_package=True))),
        ("publisher-swapped", "publisher.json of another publisher", "K-29", "publisher_changed", package(publisher=OTHER.chain.data, statement={"predicate>publisher_sha256": EXAMPLE_DIGEST}), "standard"),
        ("publisher-extended", "publisher.json with a version more than was signed", "K-29", "publisher_changed", package(publisher=next_one.chain.data, statement={"predicate>publisher_sha256": EXAMPLE_DIGEST}), "standard"),
        ("publisher-digest", "A statement with another digest of publisher.json", "K-29", "publisher_changed", package(statement={"predicate>publisher_sha256": "0" * 64}), "standard"),
        ("publisher-id", "A statement with another publisher id", "K-29", "publisher_changed", package(statement={"predicate>publisher_id": OTHER.id}), "standard"),
        ("publisher-id-newest", "A statement with the digest of the newest root as publisher id", "K-29 K-35", "publisher_changed", package(by=next_one, statement={"predicate>publisher_id": next_one.chain.newest.digest}), "standard"),
        ("publisher-of-team", "A chain that was not signed over, of a publisher with the same name", "K-29", "publisher_changed", package(publisher=pub, statement={"predicate>publisher_sha256": EXAMPLE_DIGEST}), "team"),
    )
    for name, title, clauses, code, found, who in rows:
        yield refuse(f"signature/{name}", title, clauses, f"signature.{code}", found, trust=who)  # type: ignore[arg-type]


EXAMPLE_DIGEST = sha256(EXAMPLE.chain.data).hexdigest()


def _reverse(found: bytes) -> bytes:
    before, mark, rest = found.partition(b'"signatures":[')
    rows, _, after = rest.rpartition(b"]")
    first, _, second = rows.partition(b"},")
    return before + mark + second + b"," + first + b"}" + b"]" + after


def _second_wrong(signer: SeedSigner, message: bytes) -> bytes:
    return signer.sign(message + b" " if signer is TEAM_RELEASE[1] else message)


def cases() -> Iterator[Case]:
    """All cases about content, signatures and signers."""
    yield from content()
    yield from _signatures()
    yield from signers()
    for name, member in (("publisher", PUBLISHER_NAME), ("signature", SIGNATURE_NAME)):
        yield refuse(f"signature/{name}-crc", f"The {name} member has another CRC than it states", "A-28 G-21", "signature.member_broken", _crc(member))
    forged = Seal(by=EXAMPLE, signers=(STRANGER,))
    yield refuse("signature/stranger-own", "A stranger's signature where any package of the publisher is believed", "K-40", "signature.not_eligible", replace(SOUND, seal=forged), trust="own")
