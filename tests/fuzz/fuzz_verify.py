"""Fuzz the whole of ``verify``: packages broken in their bytes, their headers, their insides, their seals.

    python tests/fuzz/fuzz_verify.py --runs 1000000 --seed 7 -j 2

Most cases are signed again after the change, by the fixed test keys, so that they reach checks 6 and 7 instead of
ending at the signature. What must hold: only ``Refused`` is raised; what is changed without a new signature is never
accepted; what is accepted is read by the standard library's ZIP reader as the same members.
"""

from __future__ import annotations

import io
import sys
import zipfile
import zlib
from dataclasses import replace
from functools import cache, partial
from random import Random

from loop import BrokenError, Case, drive
from mutate import compact, mutate_bytes, mutate_document, mutate_json
from sealed import CHAIN_V1, FILES, PUBLISHER, TRUST, TRUST_OLD, envelope_of, mutate_chain, mutate_inside, raw, seal, statement_bytes, statement_of

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.stages.archive import PUBLISHER_NAME, SIGNATURE_NAME, read_archive, unseal
from mpp.stages.gatekeeper import TrustedPublisher, TrustState, verify
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW
from mpp.testing.rawzip import RawMember, raw_members, raw_zip

CHAIN = PUBLISHER.chain.data
RELEASE = ("Example Publisher release two 0",)


@cache
def sound(number: int) -> bytes:
    """A sound package as the signer makes it; verified once, so that the cases begin where they think they begin."""
    inside = FILES[number]
    members = raw(inside, Random(number))
    data = seal(members, statement_bytes(statement_of(inside, raw_zip(members), CHAIN)), CHAIN)
    verify(data, TRUST, NOW)
    return data


def forged(original: bytes, data: bytes) -> None:
    """Changed and not signed again: refused unless the change changed nothing."""
    judged(data)
    if data != original:
        raise BrokenError("a forgery was accepted")


def judged(data: bytes, trust: TrustState = TRUST) -> None:
    """The verdict, the same twice; and what is accepted means one thing to every reader."""
    try:
        package = verify(data, trust, NOW)
    except Refused as first:
        _same_refusal(first, data)
        raise
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        if other.namelist() != [member.name for member in package.archive.members]:
            raise BrokenError("another reader sees other members")
        for name in other.namelist():
            if other.read(name) != package.read(name):
                raise BrokenError(f"another reader sees other bytes in {name}")
    if unseal(read_archive(unseal(package.archive))) != unseal(package.archive):
        raise BrokenError("unsealing is not stable")
    if (package.manifest.package_id, package.manifest.version) != (package.package_id, package.version):
        raise BrokenError("manifest and statement name two packages")


def _same_refusal(first: Refused, data: bytes) -> None:
    """A host that knows only the older root judges the bytes alike; one case in eight, because it takes a second run."""
    if zlib.crc32(data) % 8 == 0 and first.code.startswith(("archive", "size", "path", "content", "manifest", "capability", "wasm")):
        try:
            verify(data, TRUST_OLD, NOW)
        except Refused as second:
            if second.code != first.code:
                raise BrokenError(f"two codes for one file: {first.code}, {second.code}") from None
            return
        raise BrokenError(f"{first.code} with one trust state, accepted with another")


def _bytes(rng: Random) -> Case:
    number = rng.randrange(len(FILES))
    original = sound(number)
    return Case("bytes", mutate_bytes(rng, original, sound(rng.randrange(len(FILES)))), partial(forged, original))


FIELDS = ("method", "version", "flags", "time", "date", "crc", "stated_packed", "stated_size")
CENTRAL = ("made", "version", "flags", "method", "time", "date", "crc", "packed", "size", "disk", "internal", "external", "offset")
VALUES = (0, 1, 8, 12, 20, 45, 99, 0x800, 0xFFFF)


def _headers(rng: Random) -> Case:
    original = sound(rng.randrange(len(FILES)))
    members = raw_members(read_archive(original))
    options: dict[str, object] = {}
    for _ in range(rng.choice((1, 1, 2))):
        member = rng.choice(members)
        what = rng.randrange(9)
        if what == 0:
            setattr(member, rng.choice(FIELDS), rng.choice(VALUES))
        elif what == 1:
            member.central[rng.choice(CENTRAL)] = rng.choice(VALUES)
        elif what == 2:
            member.central[rng.choice(("extra", "comment", "name"))] = rng.choice((b"x", b"\1\0\0\0", b"other"))
        elif what == 3:
            member.local_extra = rng.choice((b"x", b"\1\0\4\0abcd"))
        elif what == 4:
            member.name = rng.choice((b"", b"a", b"\xff", b"../a", member.name.upper(), rng.choice(members).name))
        elif what == 5:
            member.before, member.after = rng.choice(((b"x", b""), (b"", b"x"), (b"", b"PK\7\x08" + bytes(12))))
        elif what == 6:
            rng.shuffle(members)
        elif what == 7:
            members.insert(rng.randrange(len(members) + 1), RawMember(name=rng.choice((b"extra", member.name)), plain=b"plain"))
        else:
            options[rng.choice(("comment", "gap", "trailer"))] = rng.choice((b"x", b"PK\5\6" + bytes(18)))
    return Case("headers", raw_zip(members, **options), partial(forged, original))  # type: ignore[arg-type]


def _inside(rng: Random) -> Case:
    """Wrong inside, signed by a publisher who did not look."""
    inside = mutate_inside(rng, FILES[rng.randrange(len(FILES))])
    members = raw(inside, rng)
    return Case("inside", seal(members, statement_bytes(statement_of(inside, raw_zip(members), CHAIN)), CHAIN), judged)


def _stream(rng: Random) -> Case:
    """A packed member that is no longer what its header and the signed digests say, with a right content hash."""
    inside = FILES[rng.randrange(len(FILES))]
    members = raw(inside, rng)
    for _ in range(rng.choice((1, 1, 2))):
        member = rng.choice(members[1:])
        what = rng.randrange(4)
        if what == 0:
            member.crc = rng.getrandbits(32)
        elif what == 1:
            member.stated_size = max(0, len(member.plain) + rng.choice((-1, 1, 5, 1000)))
        elif what == 2:
            member.packed = member.body() + rng.choice((b"\0", b"\3\0", bytes(300)))
        else:
            member.packed = mutate_bytes(rng, member.body())
        if member.method == 0:
            member.stated_size = len(member.body())
    return Case("stream", seal(members, statement_bytes(statement_of(inside, raw_zip(members), CHAIN)), CHAIN), judged)


def _statement(rng: Random) -> Case:
    inside = FILES[rng.randrange(len(FILES))]
    members = raw(inside, rng)
    said = statement_bytes(statement_of(inside, raw_zip(members), CHAIN))
    return Case("statement", seal(members, mutate_document(rng, said), CHAIN), judged)


def _envelope(rng: Random) -> Case:
    inside = FILES[rng.randrange(len(FILES))]
    members = raw(inside, rng)
    labels = rng.choice((RELEASE, RELEASE, (), ("Example Publisher release 0",), (*RELEASE, "Example Publisher root 0")))
    envelope = envelope_of(statement_bytes(statement_of(inside, raw_zip(members), CHAIN)), labels)
    text = compact(mutate_json(rng, envelope)) if rng.randrange(2) else compact(envelope)
    ends = [RawMember(name=PUBLISHER_NAME.encode(), plain=CHAIN), RawMember(name=SIGNATURE_NAME.encode(), plain=text)]
    return Case("envelope", raw_zip([*members, *ends]), judged)


def _root(rng: Random) -> Case:
    inside = FILES[rng.randrange(len(FILES))]
    members = raw(inside, rng)
    chain = mutate_chain(rng)
    return Case("root", seal(members, statement_bytes(statement_of(inside, raw_zip(members), chain)), chain), judged)


OTHER = "f" * 64
STATES = (
    TRUST,
    TRUST_OLD,
    replace(TRUST, publishers={}),
    replace(TRUST, publishers={}, first_use=False),
    replace(TRUST, revoked_publishers=frozenset((PUBLISHER.id,))),
    replace(TRUST, pins={"com.example.hello": PUBLISHER.id}),
    replace(TRUST, pins={"com.example.hello": OTHER}),
    replace(TRUST, prefixes={"com.example.": OTHER, "com.": PUBLISHER.id}),
    replace(TRUST, publishers={PUBLISHER.id: TrustedPublisher(chain=PUBLISHER.chain, until=NOW - 1)}),
    replace(TRUST, publishers={PUBLISHER.id: TrustedPublisher(chain=PUBLISHER.chain)}),
)
"""Hosts that know the publisher well, differently, wrongly or not at all."""

SIGNERS = (RELEASE, RELEASE, ("Example Publisher release 0",), ("Example Publisher root 0",), (*RELEASE, "nobody"))


def _belief(rng: Random) -> Case:
    """Sound insides, listed and true signatures of right and wrong keys, under another trust state."""
    inside = FILES[rng.randrange(len(FILES))]
    members = raw(inside, rng)
    labels, chain = rng.choice(SIGNERS), rng.choice((CHAIN, CHAIN, CHAIN_V1))
    content = raw_zip(members)
    said = statement_of(inside, content, chain, signers=tuple(sorted(key_id(fixed_signer(label).public_key) for label in labels)))
    state = rng.choice(STATES)
    if rng.randrange(6) == 0:
        state = replace(state, revoked_content=frozenset((said.content_hash,)))
    if rng.randrange(3) == 0:
        state = replace(state, installed=frozenset((said.content_hash,)))
    return Case("belief", seal(members, statement_bytes(said), chain, labels), partial(judged, trust=state))


KINDS = (_bytes, _bytes, _headers, _inside, _inside, _inside, _inside, _stream, _statement, _envelope, _root, _belief)


def make(rng: Random) -> Case:
    return rng.choice(KINDS)(rng)


if __name__ == "__main__":
    sys.exit(drive(make, sys.argv[1:]))
