"""Every way in which a ZIP can differ from the canonical one, and the code that must refuse it."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from mpp.errors import Refused
from mpp.stages.archive import (
    MANIFEST_NAME,
    PROVENANCE_NAME,
    PUBLISHER_NAME,
    SBOM_NAME,
    SIGNATURE_NAME,
    check_names,
    check_sizes,
    pack,
    read_archive,
    read_structure,
    seal,
)
from mpp.stages.archive import limits
from mpp.stages.archive.types import Archive, Member
from mpp.testing.rawzip import RawMember, raw_members, raw_zip

M = MANIFEST_NAME.encode()


def members(**changes: object) -> list[RawMember]:
    """A manifest and one more member that is changed."""
    return [RawMember(M, b"{}"), RawMember(b"a.txt", b"hello", **changes)]  # type: ignore[arg-type]


def code_of(data: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        read_archive(data)
    assert refusal.value.hint
    assert refusal.value.message
    return refusal.value.code


def first(**changes: object) -> list[RawMember]:
    return [RawMember(M, b"{}", **changes)]  # type: ignore[arg-type]


SOUND = raw_zip(members())

STRUCTURE: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "archive.not_zip"),
    "text": (b"hello, this is no archive at all", "archive.not_zip"),
    "empty ZIP": (raw_zip([]), "archive.not_zip"),
    "a prefix": (b"#!/bin/sh\n" + SOUND, "archive.not_zip"),
    "a header cut short": (SOUND[:29], "archive.not_zip"),
    "a name cut short": (SOUND[:31], "archive.truncated"),
    "a member cut short": (SOUND[:44], "archive.truncated"),
    "a gap before a member": (raw_zip(members(before=b"xx")), "archive.gap"),
    "a whole local header between members": (raw_zip([RawMember(M, b"{}"), RawMember(b"a", b"", after=SOUND[:30])]), "archive.gap"),
    "encrypted": (raw_zip(members(flags=1)), "archive.encrypted"),
    "strongly encrypted": (raw_zip(members(flags=0x40)), "archive.encrypted"),
    "masked headers": (raw_zip(members(flags=0x2000)), "archive.encrypted"),
    "a data descriptor": (raw_zip(members(flags=8, after=struct.pack("<IIII", 0x08074B50, 0, 5, 5))), "archive.descriptor"),
    "the UTF-8 flag": (raw_zip(members(flags=0x800)), "archive.not_canonical"),
    "a ZIP64 version": (raw_zip(members(version=45)), "archive.zip64"),
    "ZIP64 sizes": (raw_zip(members(stated_packed=0xFFFFFFFF, stated_size=0xFFFFFFFF, local_extra=b"\1\0\x10\0" + bytes(16))), "archive.zip64"),
    "an extra field": (raw_zip(members(local_extra=b"\xfe\xca\0\0")), "archive.extra"),
    "another version": (raw_zip(members(version=10)), "archive.not_canonical"),
    "another time": (raw_zip(members(time=1)), "archive.not_canonical"),
    "another date": (raw_zip(members(date=0x22)), "archive.not_canonical"),
    "method 12": (raw_zip(members(method=12, packed=b"hello")), "archive.method"),
    "method 9": (raw_zip(members(method=9, packed=b"hello")), "archive.method"),
    "two sizes of a stored member": (raw_zip(members(stated_size=6)), "archive.stored_size"),
    "a size beyond the file": (raw_zip(members(stated_packed=5000, stated_size=5000)), "archive.truncated"),
    "a directory cut short": (SOUND[:-30], "archive.truncated"),
    "the last byte cut": (SOUND[:-1], "archive.truncated"),
    "no directory": (SOUND[: SOUND.index(b"PK\1\2")], "archive.truncated"),
    "a trailer": (SOUND + b"\0", "archive.trailer"),
    "a comment": (raw_zip(members(), comment=b"hi"), "archive.comment"),
    "a gap before the directory": (raw_zip(members(), gap=b"xxxx"), "archive.gap"),
    "a ZIP64 end record": (raw_zip(members(), gap=b"PK\6\6" + bytes(52)), "archive.directory"),
    "a directory in another order": (raw_zip(members(), central_order=[1, 0]), "archive.directory"),
    "a member only in the directory": (raw_zip(members(), central_order=[0, 1, 1]), "archive.directory"),
    "a member not in the directory": (raw_zip(members(), central_order=[0]), "archive.directory"),
    "a wrong count in the end record": (raw_zip(members(), end={"total": 3}), "archive.directory"),
    "a wrong count here": (raw_zip(members(), end={"here": 1}), "archive.directory"),
    "a wrong directory size": (raw_zip(members(), end={"size": 1}), "archive.directory"),
    "a wrong directory offset": (raw_zip(members(), end={"offset": 1}), "archive.directory"),
    "a second disk": (raw_zip(members(), end={"disk": 1}), "archive.directory"),
    "a directory on another disk": (raw_zip(members(), end={"start_disk": 1}), "archive.directory"),
    "a manifest that is not first": (raw_zip([RawMember(b"a", b""), RawMember(M, b"{}")]), "archive.manifest_first"),
    "no manifest": (raw_zip([RawMember(b"a", b"")]), "archive.manifest_first"),
    "two manifests": (raw_zip([RawMember(M, b"{}"), RawMember(M, b"{}")]), "archive.duplicate"),
    "a member twice": (raw_zip([*members(), RawMember(b"a.txt", b"x")]), "archive.duplicate"),
    "descending members": (raw_zip([*members(), RawMember(b"a.TXT", b"x")]), "archive.order"),
    "one seal member": (raw_zip([*members(), RawMember(PUBLISHER_NAME.encode(), b"{}")]), "archive.seal"),
    "the other seal member": (raw_zip([*members(), RawMember(SIGNATURE_NAME.encode(), b"{}")]), "archive.seal"),
    "seal members swapped": (raw_zip([*members(), RawMember(SIGNATURE_NAME.encode(), b"{}"), RawMember(PUBLISHER_NAME.encode(), b"{}")]), "archive.seal"),
    "a member behind the seal": (
        raw_zip([*members(), RawMember(PUBLISHER_NAME.encode(), b"{}"), RawMember(SIGNATURE_NAME.encode(), b"{}"), RawMember(b"z", b"")]),
        "archive.seal",
    ),
    "a seal without a manifest": (raw_zip([RawMember(PUBLISHER_NAME.encode(), b"{}"), RawMember(SIGNATURE_NAME.encode(), b"{}")]), "archive.manifest_first"),
    "two publisher documents": (
        raw_zip([RawMember(M, b"{}"), *(RawMember(name.encode(), b"{}") for name in (PUBLISHER_NAME, PUBLISHER_NAME, SIGNATURE_NAME))]),
        "archive.duplicate",
    ),
}

CENTRAL_FIELDS = ("made", "version", "flags", "method", "time", "date", "crc", "packed", "size", "disk", "internal", "external", "offset")


def test_the_sound_one_is_accepted() -> None:
    archive = read_archive(SOUND)
    assert [member.name for member in archive.members] == [MANIFEST_NAME, "a.txt"]
    assert not archive.sealed
    assert archive.content_members == archive.members
    assert archive.body_end == archive.directory == SOUND.index(b"PK\1\2")
    found = archive.find("a.txt")
    assert found is not None
    assert SOUND[found.start : found.start + found.packed] == b"hello"
    assert archive.find("b") is None


@pytest.mark.parametrize(("data", "code"), STRUCTURE.values(), ids=STRUCTURE.keys())
def test_an_archive_that_is_not_canonical_is_refused(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize("field", CENTRAL_FIELDS)
def test_each_field_of_the_directory_is_held(field: str) -> None:
    wrong = raw_zip(members(central={field: 3}))
    assert wrong != SOUND
    assert code_of(wrong) == "archive.directory"


@pytest.mark.parametrize(("field", "item"), [("name", b"b.txt"), ("name", b"a.txt\0"), ("extra", b"\xfe\xca\0\0"), ("comment", b"c")])
def test_each_text_of_the_directory_is_held(field: str, item: bytes) -> None:
    assert code_of(raw_zip(members(central={field: item}))) == "archive.directory"


def test_the_wrong_field_is_named() -> None:
    with pytest.raises(Refused, match="'flags' is 2048") as refusal:
        read_structure(raw_zip(members(flags=0x800)))
    assert refusal.value.where == "member 'a.txt'"


def test_every_local_header_bit_is_held() -> None:
    """No bit of any header is free: each flip is refused or changes what is read."""
    sound = read_archive(SOUND)
    for at in range(30):
        for bit in range(8):
            changed = bytearray(SOUND)
            changed[at] ^= 1 << bit
            with pytest.raises(Refused):
                read_archive(bytes(changed))
    assert sound.members == read_archive(SOUND).members


# --- sizes


def stated(name: str, size: int, packed: int, method: int = 8) -> Member:
    return Member(name, method, 0, packed, size, 0)


def archive_of(*listed: Member) -> Archive:
    return Archive(data=memoryview(b""), members=listed, body_end=0, directory=0)


SIZES: dict[str, tuple[tuple[Member, ...], str]] = {
    "a manifest at its limit": ((stated(MANIFEST_NAME, 256 * 1024, 256 * 1024, 0),), ""),
    "a manifest over its limit": ((stated(MANIFEST_NAME, 256 * 1024 + 1, 256 * 1024 + 1, 0),), "size.member"),
    "a file at its limit": ((stated("a", limits.FILE_BYTES_MAX, limits.DEFLATED_BYTES_MAX),), ""),
    "a file over its limit": ((stated("a", limits.FILE_BYTES_MAX + 1, limits.FILE_BYTES_MAX // 2),), "size.member"),
    "a publisher document over its limit": ((stated(PUBLISHER_NAME, limits.PUBLISHER_BYTES_MAX + 1, limits.PUBLISHER_BYTES_MAX + 1, 0),), "size.member"),
    "a signature over its limit": ((stated(SIGNATURE_NAME, limits.SIGNATURE_BYTES_MAX + 1, limits.SIGNATURE_BYTES_MAX + 1, 0),), "size.member"),
    "a ratio at its limit": ((stated("a", 200 * 1000, 1000),), ""),
    "a ratio over its limit": ((stated("a", 200 * 1000 + 1, 1000),), "size.ratio"),
    "a tiny member below the floor": ((stated("a", 200 * 64, 10),), ""),
    "a tiny member above the floor": ((stated("a", 200 * 64 + 1, 10),), "size.ratio"),
    "a compressed manifest": ((stated(MANIFEST_NAME, 100, 50),), "archive.not_stored"),
    "a compressed publisher document": ((stated(PUBLISHER_NAME, 100, 50),), "archive.not_stored"),
    "a compressed signature": ((stated(SIGNATURE_NAME, 100, 50),), "archive.not_stored"),
    "a total at its limit": (tuple(stated(name, limits.FILE_BYTES_MAX, limits.DEFLATED_BYTES_MAX // 2) for name in "ab"), ""),
    "a total over its limit": ((*(stated(name, limits.FILE_BYTES_MAX, limits.DEFLATED_BYTES_MAX // 4) for name in "ab"), stated("c", 1, 1, 0)), "size.total"),
    "deflated bytes over their limit": ((stated("a", limits.FILE_BYTES_MAX, limits.DEFLATED_BYTES_MAX), stated("b", 3, 2)), "size.deflated"),
    "a deflated member that is larger for it": ((stated("a", 100, 101),), "size.not_smaller"),
    "a deflated member that is as large": ((stated("a", 100, 100),), "size.not_smaller"),
    "a deflated member of nothing": ((stated("a", 0, 2),), "size.not_smaller"),
    "a stored member of nothing": ((stated("a", 0, 0, 0),), ""),
}


@pytest.mark.parametrize(("listed", "code"), SIZES.values(), ids=SIZES.keys())
def test_sizes(listed: tuple[Member, ...], code: str) -> None:
    if not code:
        check_sizes(archive_of(*listed))
        return
    with pytest.raises(Refused) as refusal:
        check_sizes(archive_of(*listed))
    assert refusal.value.code == code


def test_the_number_of_members_is_bounded() -> None:
    listed = [RawMember(M, b"{}"), *(RawMember(b"m%05d" % i, b"") for i in range(limits.ENTRIES_MAX - 1))]
    assert len(read_archive(raw_zip(listed)).members) == limits.ENTRIES_MAX
    listed.append(RawMember(b"n", b""))
    assert code_of(raw_zip(listed)) == "size.entries"


def test_the_size_of_the_file_is_judged_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOTAL_BYTES_MAX", len(SOUND) - 1)
    assert code_of(SOUND) == "size.file"
    monkeypatch.setattr(limits, "TOTAL_BYTES_MAX", len(SOUND))
    read_archive(SOUND)


# --- names


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ((), ""),
        (("A", "b", "c/d", "c/e/f"), ""),
        ((SBOM_NAME, PROVENANCE_NAME), ""),
        (("../x",), "path.traversal"),
        (("/x",), "path.absolute"),
        (("é",), "path.form"),
        (("x" * 101,), "path.length"),
        (("nul",), "path.device"),
        (("/".join("a" * 17),), "path.depth"),
        (("A", "a"), "path.collision"),
        (("a", "a/b"), "path.collision"),
        (("A", "a/b"), "path.collision"),
        (("a/b/c", "a/b"), "path.collision"),
        (("a/b/c", "A"), "path.collision"),
        (("_mpp/other.json",), "path.reserved"),
        (("_MPP/sbom.cdx.json",), "path.reserved"),
        (("_mpp/sbom.cdx.json/x",), "path.reserved"),
        (("_Mpp/x",), "path.reserved"),
        (("_mpp", "_mpp/sbom.cdx.json"), "path.reserved"),
        (("_mppx/y",), ""),
        (("x" * 241,), "path.length"),
    ],
)
def test_names(names: tuple[str, ...], code: str) -> None:
    archive = archive_of(stated(MANIFEST_NAME, 1, 1, 0), *(stated(name, 1, 1, 0) for name in names))
    if not code:
        check_names(archive)
        return
    with pytest.raises(Refused) as refusal:
        check_names(archive)
    assert (refusal.value.code, refusal.value.check) == (code, 3)


@pytest.mark.parametrize(("size", "code"), [(240, "path.length"), (241, "path.length"), (0xFFFF, "path.length"), (0, "archive.order")])
def test_a_name_is_bounded_before_it_is_kept(size: int, code: str) -> None:
    """240 bytes are too long for one component, and longer ones never become a text."""
    assert code_of(raw_zip([RawMember(M, b"{}"), RawMember(b"b" * max(size, 1)), RawMember(b"" if not size else b"c")])) == code


def test_a_member_collides_with_the_manifest() -> None:
    assert code_of(raw_zip([RawMember(M, b"{}"), RawMember(b"MANIFEST.JSON", b"")])) == "path.collision"


def test_a_hostile_name_is_quoted_safely() -> None:
    with pytest.raises(Refused) as refusal:
        read_archive(raw_zip([RawMember(M, b"{}"), RawMember(b"a\x1b[31m\xff", b"")]))
    assert "\x1b" not in refusal.value.where
    assert "\xff" not in refusal.value.where
    assert refusal.value.where.isascii()


# --- sealed


def sealed() -> bytes:
    return seal(read_archive(pack({MANIFEST_NAME: b"{}", "a": b"x"})), b"{}", b"[]")


def test_a_sealed_archive() -> None:
    archive = read_archive(sealed())
    assert archive.sealed
    assert [member.name for member in archive.content_members] == [MANIFEST_NAME, "a"]
    assert archive.data[: archive.body_end] == read_archive(pack({MANIFEST_NAME: b"{}", "a": b"x"})).data[: archive.body_end]


@pytest.mark.parametrize("drop", [-1, -2])
def test_half_a_seal_is_refused(drop: int) -> None:
    listed = raw_members(read_archive(sealed()))
    del listed[drop]
    assert code_of(raw_zip(listed)) == "archive.seal"


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
def test_any_buffer_reads_alike(make: Callable[[bytes], bytes]) -> None:
    data = make(SOUND)
    assert read_archive(data).members == read_archive(SOUND).members
    assert read_archive(data).data.readonly
