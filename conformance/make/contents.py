"""Check 6, members: what the statement says against what is there, and streams that do not inflate to what they state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from zlib import crc32

from conformance.make.build import EXAMPLE, GONE, Package, Seal, body, files, find, package
from conformance.make.case import Case, refuse
from conformance.make.deflate import BOMB, stored_block, zeros
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

SOUND = package()
REPEATS = 3
TEXT = bytes(1 + 258 * REPEATS)
STREAM = zeros(REPEATS)
DIGEST = sha256(TEXT).hexdigest()

# Changes to the statement alone, which is then signed.
STATEMENTS: tuple[tuple[str, str, dict[str, Json], str, str], ...] = (
    ("files-missing", "A member that the statement does not list", {"predicate>files>README.md": GONE}, "files", "G-30"),
    ("files-extra", "A listed file that is no member", {"predicate>files>added": "0" * 64}, "files", "G-30"),
    ("files-empty", "A statement that lists no file", {"predicate>files": {}}, "files", "G-30"),
    ("files-renamed", "A member listed under a name of another case", {"predicate>files>README.md": GONE, "predicate>files>readme.md": sha256(files()["README.md"]).hexdigest()}, "files", "G-30"),
    ("files-seal", "A seal member that the statement lists", {"predicate>files>_mpp/publisher.json": sha256(EXAMPLE.chain.data).hexdigest()}, "files", "G-30"),
    ("file-digest", "A member with another digest than it is listed with", {"predicate>files>README.md": "0" * 64}, "file_digest", "G-32"),
    ("file-digest-code", "An entrypoint with another digest than it is listed with", {"predicate>files>bin/main.wasm": "0" * 64}, "file_digest", "G-32"),
    ("file-digest-manifest", "A manifest with another digest than it is listed with", {"predicate>files>manifest.json": "0" * 64}, "file_digest", "G-32"),
    ("file-digests-exchanged", "Two members listed with each other's digest", {"predicate>files>README.md": sha256(files()["bin/main.wasm"]).hexdigest(), "predicate>files>bin/main.wasm": sha256(files()["README.md"]).hexdigest()}, "file_digest", "G-32"),
    ("identity-package", "A statement about another package id", {"subject>0>name": "com.example.other@0.1.0"}, "identity", "G-34"),
    ("identity-version", "A statement about another version", {"subject>0>name": "com.example.hello@0.2.0"}, "identity", "G-34"),
    ("identity-build", "A statement about another build of the version", {"subject>0>name": "com.example.hello@0.1.0+1"}, "identity", "G-34"),
    ("entrypoint-other", "A statement with another member as entrypoint", {"predicate>entrypoint": "README.md"}, "entrypoint", "G-35"),
    ("entrypoint-absent", "A statement with an entrypoint that is no member", {"predicate>entrypoint": "bin/other.wasm"}, "entrypoint", "G-35"),
    ("entrypoint-case", "A statement with the entrypoint in another case", {"predicate>entrypoint": "bin/Main.wasm"}, "entrypoint", "G-35"),
)


def _stream(packed: bytes, plain: bytes = TEXT, **changes: int) -> Package:
    """A package with one more deflated member, whose digest is listed as that of ``plain``."""
    stated = {"crc": crc32(plain), "stated_size": len(plain), **changes}
    rows = body(files(extra={"data.bin": plain}))
    member = find(rows, "data.bin")
    member.method, member.packed = 8, packed
    member.crc, member.stated_size = stated["crc"], stated["stated_size"]
    return replace(SOUND, body=rows)


def _stored(name: str, **changes: int) -> Package:
    rows = body()
    member = find(rows, name)
    for field, item in changes.items():
        setattr(member, field, item)
    return replace(SOUND, body=rows)


# What a deflate stream can be besides the one that its member states.
STREAMS: tuple[tuple[str, str, Package], ...] = (
    ("size-less", "A stream that inflates to more than its member states", _stream(STREAM, stated_size=len(TEXT) - 1)),
    ("size-more", "A stream that inflates to less than its member states", _stream(STREAM, stated_size=len(TEXT) + 1)),
    ("bomb-lying", "A stream of a megabyte, of a member that states 2,000 bytes", _stream(BOMB, bytes(2000))),
    ("crc", "A stream whose member states another CRC", _stream(STREAM, crc=1)),
    ("crc-zero", "A stream whose member states CRC 0", _stream(STREAM, crc=0)),
    ("trailing-byte", "A byte after the stream", _stream(STREAM + b"\0")),
    ("trailing-stream", "A second stream after the first", _stream(STREAM + STREAM)),
    ("trailing-hidden", "Text after the stream", _stream(STREAM + b"hidden")),
    ("cut", "A stream without its last byte", _stream(STREAM[:-1])),
    ("cut-header", "A stream that ends in its first byte", _stream(STREAM[:1])),
    ("not-final", "A stream whose last block is not marked as the last", _stream(bytes((STREAM[0] & 0xFE,)) + STREAM[1:])),
    ("empty", "No stream at all", _stream(b"")),
    ("block-type", "A stream with a block of the reserved type", _stream(bytes((STREAM[0] | 7,)) + STREAM[1:])),
    ("block-length", "A stream whose stored block states two lengths", _stream(stored_block(b"a text")[:3] + b"\0\0a text")),
    ("distance", "A stream that copies from before its beginning", _stream(b"\x03\x02\x00")),
    ("zlib-header", "A stream in a zlib frame", _stream(b"\x78\x01" + STREAM + b"\0\0\0\0")),
    ("plain", "Plain text in place of a stream", _stream(b"plain text")),
    ("stored-crc", "A stored member that states another CRC", _stored("README.md", crc=1)),
    ("stored-crc-manifest", "A manifest that states another CRC", _stored("manifest.json", crc=1)),
    ("stored-crc-code", "An entrypoint that states another CRC", _stored("bin/main.wasm", crc=1)),
)


def _identity(changes: dict[str, Json]) -> Package:
    return package(files(changes))


def cases() -> Iterator[Case]:
    """All cases about members and identity."""
    for name, title, changes, code, clauses in STATEMENTS:
        yield refuse(f"manifest/{name}", title, clauses, f"manifest.{code}", package(statement=changes), trust="own")
    for name, title, found in STREAMS:
        yield refuse(f"manifest/member-{name}", title, "A-28 G-31", "manifest.member_broken", found)
    yield refuse("manifest/identity-manifest", "A manifest of another package id than was signed", "G-34", "manifest.identity", _identity({"package_id": "com.example.other"}))
    yield refuse("manifest/identity-manifest-version", "A manifest of another version than was signed", "G-34", "manifest.identity", _identity({"version": "0.1.1"}))
    yield refuse("manifest/entrypoint-differs", "A manifest with another entrypoint than was signed", "G-35", "manifest.entrypoint", _identity({"runtime>entrypoint": "README.md"}))
    stranger: dict[str, Json] = {"publisher>verified_key_id": "pub_0123456789abcdef"}
    yield refuse("manifest/key-id", "A manifest that names a key which did not sign", "G-36", "manifest.key_id", _identity(stranger))
    root_id = next(key for key in EXAMPLE.chain.newest.keys if key not in EXAMPLE.release_ids)
    yield refuse("manifest/key-id-root", "A manifest that names the publisher's root key", "G-36", "manifest.key_id", _identity({"publisher>verified_key_id": "pub_" + root_id[:16]}))
    yield refuse("manifest/signed-by-nobody-listed", "A sound package below a statement with no files and a broken manifest: the list is judged first", "G-30 G-33", "manifest.files", Package(body=body(files(text=b"{")), seal=Seal(statement={"predicate>files": {}})))
