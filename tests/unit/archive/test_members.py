"""Inflating: the plain bytes or a refusal, never more than was stated."""

from __future__ import annotations

import zlib
from hashlib import sha256

import pytest

from mpp.errors import Refused
from mpp.stages.archive import MANIFEST_NAME, hashes, member_chunks, pack, read_archive, read_member, read_structure, seal, unseal
from mpp.stages.archive.limits import CHUNK_BYTES
from mpp.testing.rawzip import RawMember, raw_zip

HELLO = b"hello hello hello hello"


def deflated(plain: bytes, level: int = 9) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    return stream.compress(plain) + stream.flush()


def one(**fields: object) -> bytes:
    return raw_zip([RawMember(MANIFEST_NAME.encode(), b"{}"), RawMember(b"a", **fields)])  # type: ignore[arg-type]


def read_one(data: bytes) -> bytes:
    archive = read_structure(data)
    return read_member(archive, archive.members[1])


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("size", [0, 1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
@pytest.mark.parametrize("byte", [b"\0", b"ab"])
def test_plain_bytes_come_back(method: int, size: int, byte: bytes) -> None:
    plain = (byte * size)[:size]
    assert read_one(one(plain=plain, method=method)) == plain


def test_bytes_that_do_not_compress_come_back() -> None:
    plain = b"".join(sha256(b"%d" % i).digest() for i in range(3 * CHUNK_BYTES // 32 + 1))
    assert read_one(one(plain=plain, method=8)) == plain
    assert read_one(one(plain=plain, method=8, packed=deflated(plain, 0))) == plain


def test_pieces_are_bounded() -> None:
    archive = read_structure(one(plain=bytes(10 * CHUNK_BYTES), method=8))
    pieces = [len(piece) for piece in member_chunks(archive, archive.members[1])]
    assert sum(pieces) == 10 * CHUNK_BYTES
    assert max(pieces) <= CHUNK_BYTES


BROKEN = {
    "a wrong CRC, stored": one(plain=HELLO, crc=1),
    "a wrong CRC, deflated": one(plain=HELLO, method=8, crc=1),
    "more bytes than stated": one(plain=HELLO, method=8, stated_size=len(HELLO) - 1),
    "far more bytes than stated": one(plain=bytes(4 * CHUNK_BYTES), method=8, stated_size=10),
    "fewer bytes than stated": one(plain=HELLO, method=8, stated_size=len(HELLO) + 1),
    "a stream cut short": one(plain=HELLO, method=8, packed=deflated(HELLO)[:-1]),
    "bytes behind the stream": one(plain=HELLO, method=8, packed=deflated(HELLO) + b"\0"),
    "a second stream behind the first": one(plain=HELLO, method=8, packed=deflated(HELLO) * 2),
    "a chunk behind the stream": one(plain=HELLO, method=8, packed=deflated(HELLO) + bytes(2 * CHUNK_BYTES)),
    "a whole chunk, then more": one(plain=bytes(CHUNK_BYTES), method=8, packed=deflated(bytes(CHUNK_BYTES)) + b"x"),
    "the stream ends with the first chunk of input": one(
        plain=b"", method=8, packed=(b"\0\0\0\xff\xff" * CHUNK_BYTES)[: CHUNK_BYTES - CHUNK_BYTES % 5] + deflated(b"") + b"xxx" + bytes(CHUNK_BYTES)
    ),
    "no stream": one(plain=b"", method=8, packed=b""),
    "nonsense": one(plain=HELLO, method=8, packed=b"\xff" * 20),
    "a preset dictionary or zlib header": one(plain=HELLO, method=8, packed=zlib.compress(HELLO)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_lying_member_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read_one(data)
    assert refusal.value.code == "manifest.member_broken"
    assert refusal.value.where == "member 'a'"


def test_the_family_is_the_callers() -> None:
    archive = read_structure(BROKEN["nonsense"])
    with pytest.raises(Refused) as refusal:
        read_member(archive, archive.members[1], "signature")
    assert refusal.value.code == "signature.member_broken"


def test_no_more_is_inflated_than_was_stated() -> None:
    archive = read_structure(one(plain=bytes(64 * CHUNK_BYTES), method=8, stated_size=CHUNK_BYTES + 1))
    got = 0
    with pytest.raises(Refused):
        for piece in member_chunks(archive, archive.members[1]):
            got += len(piece)
    assert got <= CHUNK_BYTES + 1


def test_hashes_of_an_unsigned_file() -> None:
    data = pack({MANIFEST_NAME: b"{}", "a": HELLO})
    found = hashes(read_archive(data))
    assert found.content == found.file == sha256(data).digest()


def test_hashes_of_a_sealed_file() -> None:
    unsigned = pack({MANIFEST_NAME: b"{}", "a": HELLO})
    data = seal(read_archive(unsigned), b"{}", b"[]")
    found = hashes(read_archive(data))
    assert found.content == sha256(unsigned).digest() == sha256(unseal(read_archive(data))).digest()
    assert found.file == sha256(data).digest()
