"""Checks 1 and 2: header fields, hidden places, members in the wrong place, sizes. Every archive is the signed sound one but for one thing."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from zlib import crc32

from conformance.make.build import MANIFEST_NAME, PUBLISHER_NAME, README, SIGNATURE_NAME, Package, body, files, find, package
from conformance.make.case import Case, refuse
from conformance.make.deflate import BOMB, BOMB_PLAIN, stored_block
from mpp.testing.rawzip import RawMember, raw_zip

# One case a line, however long.
# fmt: off

MIB = 1024 * 1024
VICTIM = "README.md"
SOUND = package()
SOUND_DATA = SOUND.data
CANONICAL = {"version": 20, "flags": 0, "method": 0, "time": 0, "date": 0x21}
PLAIN = len(README)
ONE_MORE = struct.pack("<I", PLAIN + 1)
ZIP64_EXTRA = struct.pack("<HHQQ", 1, 16, PLAIN, PLAIN)
DESCRIPTOR = b"PK\x07\x08" + struct.pack("<III", crc32(README), PLAIN, PLAIN)

# Name, what it is, field, value, code, clause; wrong in the local header and in the directory alike.
BOTH: tuple[tuple[str, str, str, int, str, str], ...] = (
    ("version-10", "needs version 1.0", "version", 10, "archive.not_canonical", "A-5"),
    ("version-21", "needs version 2.1", "version", 21, "archive.not_canonical", "A-5"),
    ("version-45", "needs version 4.5, which is ZIP64", "version", 45, "archive.zip64", "A-8"),
    ("version-host", "a host system in the upper byte of the version needed", "version", 0x0314, "archive.zip64", "A-8"),
    ("flag-encrypted", "flag bit 0, encrypted", "flags", 0x0001, "archive.encrypted", "A-6"),
    ("flag-strong-encryption", "flag bit 6, strong encryption", "flags", 0x0040, "archive.encrypted", "A-6"),
    ("flag-masked-headers", "flag bit 13, masked headers", "flags", 0x2000, "archive.encrypted", "A-6"),
    ("flag-descriptor", "flag bit 3 without a data descriptor", "flags", 0x0008, "archive.descriptor", "A-7"),
    ("flag-level", "flag bit 1, a hint on the compression level", "flags", 0x0002, "archive.not_canonical", "A-5"),
    ("flag-patch", "flag bit 5, patched data", "flags", 0x0020, "archive.not_canonical", "A-5"),
    ("flag-utf8", "flag bit 11, UTF-8 names", "flags", 0x0800, "archive.not_canonical", "A-5"),
    ("flag-unused", "flag bit 15, unused", "flags", 0x8000, "archive.not_canonical", "A-5"),
    ("method-shrunk", "method 1", "method", 1, "archive.method", "A-21"),
    ("method-deflate64", "method 9", "method", 9, "archive.method", "A-21"),
    ("method-bzip2", "method 12", "method", 12, "archive.method", "A-21"),
    ("method-lzma", "method 14", "method", 14, "archive.method", "A-21"),
    ("method-zstandard", "method 93", "method", 93, "archive.method", "A-21"),
    ("method-aes", "method 99, encrypted without the flag", "method", 99, "archive.method", "A-21"),
    ("time", "a time of day", "time", 1, "archive.not_canonical", "A-5"),
    ("date", "the date 1980-01-02", "date", 0x22, "archive.not_canonical", "A-5"),
    ("date-zero", "the date 0", "date", 0, "archive.not_canonical", "A-5"),
    ("size-zip64", "all ones as plain size, in a header that is sound otherwise", "stated_size", 0xFFFFFFFF, "archive.stored_size", "A-22"),
    ("size-stored-less", "a stored member that states fewer plain than packed bytes", "stated_size", PLAIN - 1, "archive.stored_size", "A-22"),
    ("size-stored-more", "a stored member that states more plain than packed bytes", "stated_size", PLAIN + 1, "archive.stored_size", "A-22"),
)

# The same fields, wrong in the local header alone.
LOCAL: tuple[tuple[str, int, str, str], ...] = (
    ("version", 10, "archive.not_canonical", "A-5"),
    ("flags", 0x0800, "archive.not_canonical", "A-5"),
    ("method", 8, "archive.directory", "A-2 A-11"),
    ("time", 1, "archive.not_canonical", "A-5"),
    ("date", 0x22, "archive.not_canonical", "A-5"),
)

# Offset in the local header, bytes to put there, code: what no builder writes.
PATCHES: tuple[tuple[str, str, int, bytes, str, str], ...] = (
    ("local-signature", "a wrong byte in the signature of the second local header", 3, b"\5", "archive.directory", "A-3 A-11"),
    ("local-crc", "another CRC in the local header than in the directory", 14, b"\0\0\0\0", "archive.directory", "A-2 A-11"),
    ("local-packed", "a packed size of one more in the local header", 18, ONE_MORE, "archive.stored_size", "A-22"),
    ("local-size", "a plain size of one more in the local header", 22, ONE_MORE, "archive.stored_size", "A-22"),
    ("local-sizes", "both sizes one more in the local header: the next entry is not where it begins", 18, ONE_MORE * 2, "archive.gap", "A-3 A-10"),
    ("local-name-length", "a name length of one more in the local header", 26, b"\x0a", "archive.gap", "A-3 A-10"),
    ("local-extra-length", "an extra length without an extra field", 28, b"\1", "archive.extra", "A-9"),
    ("local-name", "another name in the local header than in the directory", 30, b"Q", "archive.directory", "A-2 A-11"),
)

# Field of the central header alone.
CENTRAL: tuple[tuple[str, int | bytes], ...] = (
    ("made", 0x0014),
    ("version", 10),
    ("flags", 0x0800),
    ("method", 8),
    ("time", 1),
    ("date", 0x22),
    ("crc", 1),
    ("packed", 1),
    ("size", 1),
    ("name", b"README.mD"),
    ("extra", ZIP64_EXTRA),
    ("comment", b"hello"),
    ("disk", 1),
    ("internal", 1),
    ("external", 0o100755 << 16),
    ("offset", 0),
)

END: tuple[tuple[str, int], ...] = (("disk", 1), ("start_disk", 1), ("here", 4), ("total", 6), ("size", 0xFFFFFFFF), ("offset", 0))


def spoilt(change: Callable[[list[RawMember]], None], **rest: object) -> bytes:
    """The sound archive after ``change`` has been at its members."""
    members = SOUND.members()
    change(members)
    return raw_zip(members, **rest)  # type: ignore[arg-type]


def _set(field: str, value: int, *, local_only: bool = False) -> Callable[[list[RawMember]], None]:
    def change(members: list[RawMember]) -> None:
        member = find(members, VICTIM)
        setattr(member, field, value)
        if local_only:
            member.central[field] = CANONICAL[field]

    return change


def _set_central(field: str, value: int | bytes) -> Callable[[list[RawMember]], None]:
    def change(members: list[RawMember]) -> None:
        find(members, VICTIM).central[field] = value

    return change


def _local_offset(name: str) -> int:
    return SOUND_DATA.index(name.encode()) - 30


def _patched(at: int, new: bytes) -> bytes:
    return SOUND_DATA[:at] + new + SOUND_DATA[at + len(new) :]


def fields() -> Iterator[Case]:
    """Each field of each header, alone."""
    for name, words, field, value, code, clause in BOTH:
        yield refuse(f"archive/{name}", f"{words[0].upper()}{words[1:]}", clause, code, spoilt(_set(field, value)))
    for field, value, code, clause in LOCAL:
        yield refuse(f"archive/local-{field}", f"The field {field} is wrong in the local header alone", clause, code, spoilt(_set(field, value, local_only=True)))
    at = _local_offset(VICTIM)
    for name, words, offset, new, code, clause in PATCHES:
        yield refuse(f"archive/{name}", f"{words[0].upper()}{words[1:]}", clause, code, _patched(at + offset, new))
    for field, item in CENTRAL:
        yield refuse(f"archive/central-{field}", f"The field {field} is wrong in the directory alone", "A-11", "archive.directory", spoilt(_set_central(field, item)))
    for field, value in END:
        yield refuse(f"archive/end-{field.replace('_', '-')}", f"The field {field} of the end record is wrong", "A-12", "archive.directory", raw_zip(SOUND.members(), end={field: value}))
    directory = SOUND_DATA.index(b"PK\1\2")
    yield refuse("archive/central-signature", "A wrong byte in the signature of a central header", "A-11", "archive.directory", _patched(directory + 3, b"\3"))
    yield refuse("archive/end-signature", "A wrong byte in the signature of the end record", "A-12", "archive.directory", _patched(len(SOUND_DATA) - 19, b"\7"))
    links = (("symlink", 0o120777 << 16), ("folder", 0x10), ("device", 0o060644 << 16), ("setuid", 0o104755 << 16))
    for name, mode in links:
        yield refuse(f"archive/external-{name}", f"Attributes of a {name}", "A-11", "archive.directory", spoilt(_set_central("external", mode)))


def _victim(**changes: object) -> Callable[[list[RawMember]], None]:
    def change(members: list[RawMember]) -> None:
        for field, item in changes.items():
            setattr(find(members, VICTIM), field, item)

    return change


def _zip64_ending() -> bytes:
    """ZIP64 end record and locator between directory and end record."""
    at = len(SOUND_DATA) - 22
    count = len(SOUND.members())
    directory = SOUND_DATA.index(b"PK\1\2")
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, at - directory, directory)
    return SOUND_DATA[:at] + record + struct.pack("<IIQI", 0x07064B50, 0, at, 1) + SOUND_DATA[at:]


def _overlapping() -> bytes:
    """The packed bytes of one member contain the whole next entry, and the directory shows both."""
    members = SOUND.members()
    outer, inner = find(members, VICTIM), find(members, "bin/main.wasm")
    hidden = raw_zip([inner]).partition(b"PK\1\2")[0]
    rows = [member for member in members if member is not inner]
    outer.packed = outer.plain = outer.plain + hidden
    data = raw_zip(rows)
    extra = raw_zip([replace(inner, central={"offset": data.index(hidden)})])
    row = extra[extra.index(b"PK\1\2") : -22]
    at, end = data.index(b"PK\1\2"), len(data) - 22
    counts = struct.pack("<HHIIH", len(members), len(members), end - at + len(row), at, 0)
    return data[:end] + row + data[end : end + 8] + counts


def hidden() -> Iterator[Case]:
    """Bytes where no bytes may be."""
    archive = "archive.{}".format
    rows: tuple[tuple[str, str, str, str, bytes], ...] = (
        ("prefix-byte", "One byte before the archive", "A-3", "not_zip", b"\0" + SOUND_DATA),
        ("prefix-script", "A shell script before the archive, as self-extracting files have it", "A-3", "not_zip", b"#!/bin/sh\nexit 0\n" + SOUND_DATA),
        ("prefix-adjusted", "A prefix with all offsets made to fit", "A-3", "not_zip", spoilt(lambda members: setattr(members[0], "before", b"MZ\x90\0"))),
        ("prefix-split-marker", "The marker of a split archive before the first entry", "A-3", "not_zip", b"PK00" + SOUND_DATA),
        ("gap-between-members", "Bytes between two members", "A-3 A-10", "gap", spoilt(_victim(before=b"hidden"))),
        ("gap-before-directory", "Bytes between the last member and the directory", "A-10", "gap", raw_zip(SOUND.members(), gap=b"hidden")),
        ("gap-archive-extra-data", "An archive extra data record before the directory", "A-11", "directory", raw_zip(SOUND.members(), gap=b"PK\6\x08\0\0\0\0")),
        ("trailer-byte", "One byte after the archive", "A-14", "trailer", SOUND_DATA + b"\0"),
        ("trailer-line-feed", "A line feed after the archive", "A-14", "trailer", SOUND_DATA + b"\n"),
        ("trailer-second-archive", "A second whole archive after the first", "A-14", "trailer", SOUND_DATA + raw_zip(body())),
        ("trailer-second-end", "A second end record after the first", "A-14", "trailer", SOUND_DATA + SOUND_DATA[-22:]),
        ("comment", "An archive comment", "A-13", "comment", raw_zip(SOUND.members(), comment=b"hello")),
        ("comment-end-record", "A comment that is an end record", "A-13", "comment", raw_zip(SOUND.members(), comment=SOUND_DATA[-22:])),
        ("comment-length", "A comment length without a comment", "A-13", "comment", raw_zip(SOUND.members(), end={"comment": 1})),
        ("extra-local", "An extra field in the local header alone", "A-9", "extra", spoilt(_victim(local_extra=b"\xfe\xca\0\0"))),
        ("extra-unicode-name", "An extra field with another name for the member", "A-9", "extra", spoilt(_victim(local_extra=b"up\x09\0\1\0\0\0\0evil"))),
        ("descriptor", "A data descriptor with its flag", "A-7", "descriptor", spoilt(_victim(flags=8, after=DESCRIPTOR))),
        ("descriptor-no-flag", "A data descriptor without its flag", "A-11", "directory", spoilt(_victim(after=DESCRIPTOR))),
        ("descriptor-sizes-zero", "A data descriptor, and sizes of zero in the local header", "A-7", "descriptor", spoilt(_victim(flags=8, stated_packed=0, stated_size=0, crc=0, after=DESCRIPTOR))),
        ("zip64-member", "A member with ZIP64 sizes in an extra field", "A-8", "zip64", spoilt(_victim(version=45, stated_packed=0xFFFFFFFF, stated_size=0xFFFFFFFF, local_extra=ZIP64_EXTRA))),
        ("zip64-sizes", "Sizes of all ones and an extra field, version 2.0", "A-8", "zip64", spoilt(_victim(stated_packed=0xFFFFFFFF, stated_size=0xFFFFFFFF, local_extra=ZIP64_EXTRA))),
        ("zip64-end", "A ZIP64 end record and locator", "A-12", "directory", _zip64_ending()),
        ("unlisted-member", "A member that the directory does not list", "A-11", "directory", raw_zip(SOUND.members(), central_order=[0, 2, 3, 4])),
        ("listed-twice", "A member that the directory lists twice", "A-11", "directory", raw_zip(SOUND.members(), central_order=[0, 1, 1, 2, 3, 4])),
        ("directory-order", "A directory in another order than the members", "A-11", "directory", raw_zip(SOUND.members(), central_order=[0, 2, 1, 3, 4])),
        ("directory-two", "Two directories, one after the other", "A-11", "directory", raw_zip(SOUND.members(), gap=SOUND_DATA[SOUND_DATA.index(b"PK\1\2") : -22])),
        ("directory-empty", "An end record without a directory", "A-11", "directory", raw_zip(SOUND.members(), central_order=[], end={"here": 0, "total": 0})),
        ("overlap", "A member that lies inside another one", "A-11", "directory", _overlapping()),
        ("overlap-same-offset", "Two rows of the directory with one local header", "A-11", "directory", spoilt(lambda members: find(members, "bin/main.wasm").central.update(offset=_local_offset(VICTIM)))),
    )
    for name, title, clauses, code, data in rows:
        yield refuse(f"archive/{name}", title, clauses, archive(code), data)


def cut() -> Iterator[Case]:
    """Files that end too early, and files that are no archive."""
    second = _local_offset(VICTIM)
    directory = SOUND_DATA.index(b"PK\1\2")
    rows: tuple[tuple[str, str, str, str, bytes], ...] = (
        ("empty-file", "A file without a byte", "A-3", "archive.not_zip", b""),
        ("one-byte", "A file of one byte", "A-3", "archive.not_zip", b"P"),
        ("empty-archive", "A ZIP without members", "A-3", "archive.not_zip", raw_zip([])),
        ("not-zip-gzip", "A gzip file", "A-3", "archive.not_zip", b"\x1f\x8b\x08\0\0\0\0\0\2\xff" + b"\3\0" + bytes(40)),
        ("not-zip-wasm", "The entrypoint instead of a package", "A-3", "archive.not_zip", files()["bin/main.wasm"]),
        ("not-zip-text", "A manifest instead of a package", "A-3", "archive.not_zip", files()[MANIFEST_NAME]),
        ("first-signature", "A wrong byte in the first signature", "A-3", "archive.not_zip", _patched(3, b"\6")),
        ("cut-first-header", "Ends inside the first local header", "A-3", "archive.not_zip", SOUND_DATA[:29]),
        ("cut-first-name", "Ends inside the first name", "A-4", "archive.truncated", SOUND_DATA[:35]),
        ("cut-first-member", "Ends inside the first member", "A-4", "archive.truncated", SOUND_DATA[: second - 1]),
        ("cut-between-members", "Ends between two members", "A-23", "archive.truncated", SOUND_DATA[:second]),
        ("cut-header", "Ends inside a local header", "A-11", "archive.directory", SOUND_DATA[: second + 20]),
        ("cut-member", "Ends inside the second member", "A-4", "archive.truncated", SOUND_DATA[: second + 45]),
        ("cut-before-directory", "Ends before the directory", "A-23", "archive.truncated", SOUND_DATA[:directory]),
        ("cut-directory", "Ends inside the directory", "A-23", "archive.truncated", SOUND_DATA[: directory + 60]),
        ("cut-before-end", "Ends before the end record", "A-23", "archive.truncated", SOUND_DATA[:-22]),
        ("cut-last-byte", "Lacks its last byte", "A-23", "archive.truncated", SOUND_DATA[:-1]),
        ("packed-beyond-file", "A packed size that reaches beyond the file", "A-4", "archive.truncated", _patched(second + 18, struct.pack("<II", 999_999, 999_999))),
        ("name-beyond-file", "A name length that reaches beyond the file", "A-4", "archive.truncated", _patched(second + 26, b"\xff\xff")),
    )
    for name, title, clauses, code, data in rows:
        yield refuse(f"archive/{name}", title, clauses, code, data)


def _reordered(indices: list[int]) -> bytes:
    members = SOUND.members()
    return raw_zip([members[i] for i in indices])


def _doubled(name: str, second: bytes) -> Package:
    """A package whose second member of that name is signed as the one."""
    rows = body()
    at = rows.index(find(rows, name))
    return replace(SOUND, body=[*rows[: at + 1], RawMember(name=name.encode(), plain=second), *rows[at + 1 :]])


def _compressed(name: str) -> bytes:
    members = SOUND.members()
    member = find(members, name)
    member.method, member.packed = 8, stored_block(member.plain)
    return raw_zip(members)


def places() -> Iterator[Case]:
    """Members that stand where they must not. The order of the sound archive: manifest, README, code, publisher, signature."""
    upper = replace(SOUND, body=[RawMember(name=b"Manifest.json", plain=files()[MANIFEST_NAME]), *body()[1:]])
    rows: tuple[tuple[str, str, str, str, bytes], ...] = (
        ("manifest-second", "The manifest is the second member", "A-15", "manifest_first", _reordered([1, 0, 2, 3, 4])),
        ("manifest-missing", "No manifest", "A-15", "manifest_first", replace(SOUND, body=body()[1:]).data),
        ("manifest-other-case", "A first member called Manifest.json", "A-15", "manifest_first", upper.data),
        ("manifest-twice", "Two manifests", "A-17", "duplicate", _doubled(MANIFEST_NAME, files({"name": "other"})[MANIFEST_NAME]).data),
        ("duplicate", "Two members of one name and one content", "A-17", "duplicate", _doubled(VICTIM, files()[VICTIM]).data),
        ("duplicate-other-content", "Two members of one name, with another content each", "A-17", "duplicate", _doubled(VICTIM, b"other").data),
        ("order", "Members out of order", "A-17", "order", _reordered([0, 2, 1, 3, 4])),
        ("order-case-folded", "Members in an order that ignores case", "A-17", "order", replace(SOUND, body=[*body(), RawMember(name=b"Zebra", plain=b"z")]).data),
        ("seal-publisher-only", "publisher.json without a signature", "A-16", "seal", _reordered([0, 1, 2, 3])),
        ("seal-signature-only", "A signature without publisher.json", "A-16", "seal", _reordered([0, 1, 2, 4])),
        ("seal-swapped", "The seal members in the wrong order", "A-16", "seal", _reordered([0, 1, 2, 4, 3])),
        ("seal-not-last", "A member behind the seal", "A-16", "seal", _reordered([0, 1, 3, 4, 2])),
        ("seal-apart", "A member between the seal members", "A-16", "seal", _reordered([0, 1, 3, 2, 4])),
        ("seal-before-manifest", "The seal before everything else", "A-15", "manifest_first", _reordered([3, 4, 0, 1, 2])),
        ("seal-twice", "Two seals, one after the other", "A-17", "order", _reordered([0, 1, 2, 3, 4, 3, 4])),
        ("seal-publisher-twice", "publisher.json twice", "A-17", "duplicate", _reordered([0, 1, 2, 3, 3, 4])),
        ("manifest-compressed", "A compressed manifest", "A-18", "not_stored", _compressed(MANIFEST_NAME)),
        ("publisher-compressed", "A compressed publisher.json", "A-18", "not_stored", _compressed(PUBLISHER_NAME)),
        ("signature-compressed", "A compressed signature", "A-18", "not_stored", _compressed(SIGNATURE_NAME)),
    )
    for name, title, clauses, code, data in rows:
        yield refuse(f"archive/{name}", title, clauses, f"archive.{code}", data)


def _with(name: str, **changes: object) -> Package:
    """The sound package with one more member that states what it likes."""
    row = RawMember(name=name.encode(), **changes)  # type: ignore[arg-type]
    rows = body()
    return replace(SOUND, body=[rows[0], row, *rows[1:]])


def _lying(count: int, size: int) -> Package:
    """``count`` members that state ``size`` inflated bytes and have the fewest packed bytes that the ratio allows."""
    rows = body()
    packed = bytes(-(-size // 200))
    large = [RawMember(name=f"A{i}".encode(), method=8, packed=packed, stated_size=size) for i in range(count)]
    return replace(SOUND, body=[rows[0], *large, *rows[1:]])


def _much_deflated() -> Case:
    """One byte more of packed streams than is allowed; unsigned, because its reading ends before that matters."""
    length = 24 * MIB + 1
    whole = replace(_with("A", method=8, packed=bytes(length), stated_size=25 * MIB), seal=None).data
    start = whole.index(bytes(1000))
    part = whole[:start] + whole[start + length :]
    recipe = f"take:{start} fill:00*{length} take:{len(part) - start}"
    return refuse("archive/deflated-24-mib", "More than 24 MiB of deflated bytes", "A-39", "size.deflated", part, recipe=recipe)


def sizes() -> Iterator[Case]:
    """Check 2. Where a true file would be huge, the sizes are stated and the member is not a sound stream; nothing may inflate it."""
    many = {f"f/{i:04}": b"" for i in range(4094)}
    long_manifest = files()[MANIFEST_NAME] + b" " * (256 * 1024 + 1 - len(files()[MANIFEST_NAME]))
    rows: tuple[tuple[str, str, str, str, Package], ...] = (
        ("members-4097", "4,097 members, in an unsigned package: the reading ends before its end", "A-24", "size.entries", replace(package(files(extra=many)), seal=None)),
        ("member-manifest", "A manifest of 256 KiB and one byte", "A-25", "size.member", package(files(text=long_manifest))),
        ("member-128-mib", "A member of 128 MiB and one byte", "A-25", "size.member", _lying(1, 128 * MIB + 1)),
        ("member-4-gib", "A member that states nearly 4 GiB", "A-25", "size.member", _with("A", method=8, packed=bytes(100), stated_size=0xFFFFFFFE)),
        ("member-publisher", "A publisher.json of 256 KiB and one byte", "A-25", "size.member", package(publisher=b" " * (256 * 1024 + 1))),
        ("member-signature", "A signature of 2 MiB and one byte", "A-25", "size.member", package(text=lambda found: found + b" " * (2 * MIB + 1 - len(found)))),
        ("total", "Three members that state 256 MiB and one byte together, with the others", "A-27", "size.total", _lying(3, 86 * MIB)),
        ("ratio", "A true zip bomb: a deflate stream that grows more than 200 times", "A-26", "size.ratio", _with("A", method=8, packed=BOMB, plain=BOMB_PLAIN)),
        ("ratio-201", "A member that states 201 times its packed size", "A-26", "size.ratio", _with("A", method=8, packed=bytes(100), stated_size=20_100)),
        ("ratio-floor", "Few packed bytes that grow to one byte over 200 times 64", "A-26", "size.ratio", _with("A", method=8, packed=bytes(20), stated_size=12_801)),
        ("deflate-larger", "A stream as long as the text it stands for", "A-62", "size.not_smaller", _with("A", method=8, packed=stored_block(b"a text"), plain=b"a text")),
        ("deflate-equal", "A member that states one size for both, and is deflated", "A-62", "size.not_smaller", _with("A", method=8, packed=bytes(100), stated_size=100)),
        ("deflate-empty", "An empty member, deflated", "A-62", "size.not_smaller", _with("A", method=8, packed=stored_block(b""), plain=b"")),
        ("ratio-empty-stream", "No packed byte, and many stated", "A-26", "size.ratio", _with("A", method=8, packed=b"", stated_size=12_801)),
    )
    for name, title, clauses, code, found in rows:
        yield refuse(f"archive/{name}", title, clauses, code, found)
    yield _much_deflated()
    recipe = f"take:{len(SOUND_DATA)} fill:00*{256 * MIB + 1 - len(SOUND_DATA)}"
    yield refuse("archive/file-256-mib", "A file of 256 MiB and one byte; its size is judged before its trailer", "A-20", "size.file", SOUND_DATA, recipe=recipe)


def cases() -> Iterator[Case]:
    """All cases of checks 1 and 2."""
    yield from fields()
    yield from hidden()
    yield from cut()
    yield from places()
    yield from sizes()
