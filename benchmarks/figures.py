"""The promised ratios: authentication, and the whole of verify."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import content
from measure import Row, Work, compare
from nacl import bindings

from mpp.limits import MIB
from mpp.stages.archive import read_archive
from mpp.stages.archive.encoding import DEFLATED
from mpp.stages.gatekeeper import authenticate, verify
from mpp.testing.keys import fixed_seed
from mpp.testing.packages import NOW

BARE = "SHA-256 + one Ed25519"
INFLATE = "SHA-256 + inflate + CRC"
AUTHENTICATE_AT_1, AUTHENTICATE_AT_20, VERIFY_AT_20 = 3.0, 1.5, 1.3


def bare(data: bytes) -> Work:
    """One SHA-256 of the same bytes and one Ed25519 verification of a short message."""
    public, secret = bindings.crypto_sign_seed_keypair(fixed_seed("benchmark"))
    message = bindings.crypto_sign(bytes(300), secret)

    def run() -> None:
        sha256(data).digest()
        bindings.crypto_sign_open(message, public)

    return run


def inflate(data: bytes) -> Work:
    """One SHA-256 of the same bytes, then each member inflated in one call, then its CRC: the least a ZIP reader can do."""
    archive = read_archive(data)
    parts = [(one.method == DEFLATED, archive.data[one.start : one.start + one.packed], one.size) for one in archive.members]

    def run() -> None:
        sha256(data).digest()
        for deflated, packed, size in parts:
            zlib.crc32(zlib.decompress(packed, -15, size) if deflated else packed)

    return run


def inflate_and_digest(data: bytes) -> Work:
    """The baseline, and a SHA-256 of each plain member: what a statement with a digest for each file costs at least."""
    archive = read_archive(data)
    parts = [(one.method == DEFLATED, archive.data[one.start : one.start + one.packed], one.size) for one in archive.members]

    def run() -> None:
        sha256(data).digest()
        for deflated, packed, size in parts:
            plain = zlib.decompress(packed, -15, size) if deflated else packed
            zlib.crc32(plain)
            sha256(plain).digest()

    return run


def authentication(rounds: int) -> Iterator[Row]:
    # A file between the two sizes is held to the wider promise.
    cases = (
        ("authenticate 1 MB, one stored member", content.one_noise(MIB), AUTHENTICATE_AT_1, rounds * 8),
        ("authenticate 20 MB, one stored member", content.one_noise(20 * MIB), AUTHENTICATE_AT_20, rounds * 2),
        ("authenticate 20 MB of code, packed", content.ten_of_code(), AUTHENTICATE_AT_1, rounds * 2),
        (f"authenticate 20 MB in {content.SMALL_FILES:,} members, packed", content.many(), AUTHENTICATE_AT_1, rounds * 2),
    )
    for what, data, promised, times in cases:
        ours, base = compare(lambda data=data: authenticate(data, content.TRUST, NOW), bare(data), times)  # type: ignore[misc]
        yield Row(what, ours, BARE, base, promised, note=f"{len(data) / MIB:.1f} MiB file")


def whole(rounds: int) -> Iterator[Row]:
    cases = (
        ("verify 20 MB of machine code, ten members", content.ten_of_code()),
        ("verify 20 MB of source text, ten members", content.ten_of_text()),
        ("verify 20 MB text and code, one member", content.one_member()),
        ("verify 20 MB incompressible, one stored member", content.one_noise(20 * MIB)),
        (f"verify 20 MB text, {content.SMALL_FILES:,} members", content.many()),
    )
    for what, data in cases:

        def ours(data: bytes = data) -> object:
            return verify(data, content.TRUST, NOW)

        one, base = compare(ours, inflate(data), rounds)
        yield Row(what, one, INFLATE, base, VERIFY_AT_20, note=f"{len(data) / MIB:.1f} MiB file")
        one, base = compare(ours, inflate_and_digest(data), rounds)
        yield Row("  the same", one, INFLATE + " + SHA-256 per member", base, None)


def file_of(data: bytes, folder: str, name: str) -> str:
    path = Path(folder) / name
    path.write_bytes(data)
    return str(path)
