"""Read once, forward, and insist on the one encoding. Spec: spec/1-archive.md.

The parse takes from each local header only what it needs to reach the next. Then the canonical header of
what was read must equal the bytes it was read from, and the canonical directory must equal the rest of
the file. So no reader of any kind can see another archive in the same bytes.
"""

from __future__ import annotations

from typing import NoReturn

from mpp.errors import Refused
from mpp.limits import MIB
from mpp.model.jsontext import shown
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.model.paths import NAME_BYTES_MAX, path_fault
from mpp.stages.archive import encoding as enc
from mpp.stages.archive import limits
from mpp.stages.archive.types import MANIFEST_NAME, PUBLISHER_NAME, RESERVED_NAMES, SEAL_NAMES, SIGNATURE_NAME, Archive, Buffer, Member

REBUILD = "rebuild the package with a conforming packer, for example `mpp build`"
AGAIN = "the file is damaged or incomplete: get it again"


def read_archive(data: Buffer) -> Archive:
    """Checks 1 to 3 in one go."""
    archive = read_structure(data)
    check_sizes(archive)
    check_names(archive)
    return archive


def read_structure(data: Buffer) -> Archive:
    """Check 1, archive safety: parse forward once, re-encode, require equality."""
    # Spec: 1-archive A-20. The size of the whole is judged first, so that no later step is unbounded.
    if len(data) > limits.TOTAL_BYTES_MAX:
        raise Refused("size.file", f"the file has {len(data)} bytes, at most {limits.TOTAL_BYTES_MAX // MIB} MiB are read", hint="make a smaller package")
    view = memoryview(data).toreadonly()
    if len(view) < enc.LOCAL.size or enc.LOCAL.unpack_from(view)[0] != enc.LOCAL_MAGIC:
        raise Refused("archive.not_zip", "the file does not begin with a ZIP local header", where="offset 0", hint="give the path of a .mpp file")
    members: list[Member] = []
    at = 0
    # Spec: 1-archive A-3. Local entries stand back to back from offset 0.
    while len(view) - at >= enc.LOCAL.size and enc.LOCAL.unpack_from(view, at)[0] == enc.LOCAL_MAGIC:
        if len(members) == limits.ENTRIES_MAX:
            raise Refused("size.entries", f"more than {limits.ENTRIES_MAX} members", hint="put fewer files into the package")
        member = _read_member(view, at)
        members.append(member)
        at = member.start + member.packed
    _check_ending(view, at, members)
    _check_order([member.name for member in members])
    sealed = members[-1].name == SIGNATURE_NAME
    body_end = members[-2].start - enc.LOCAL.size - len(PUBLISHER_NAME) if sealed else at
    return Archive(data=view, members=tuple(members), body_end=body_end, directory=at)


def _read_member(view: memoryview, at: int) -> Member:
    fields = enc.LOCAL.unpack_from(view, at)
    method, crc, packed, size, name_length, extra_length = fields[3], *fields[6:]
    start = at + enc.LOCAL.size + name_length
    if start > len(view):
        raise Refused("archive.truncated", "the file ends inside a member name", where=f"offset {at}", hint=AGAIN)
    # Attack: 4,096 names of 64 KiB each would be held several times over while the directory is re-encoded.
    if name_length > NAME_BYTES_MAX:
        raise Refused("path.length", f"a name has 1 to {NAME_BYTES_MAX} bytes", where=f"offset {at}", hint="rename the file")
    # Latin-1 keeps each byte one character, so re-encoding is exact; check 3 narrows names to ASCII.
    member = Member(str(view[at + enc.LOCAL.size : start], "latin-1"), method, crc, packed, size, start)
    if bytes(view[at:start]) != enc.local_header(member) or extra_length:
        _explain_header(fields, _named(member))
    if method not in (enc.STORED, enc.DEFLATED):
        raise Refused("archive.method", f"compression method {method} is not allowed", where=_named(member), hint="use stored or deflate")
    if method == enc.STORED and packed != size:
        raise Refused("archive.stored_size", "a stored member states two sizes", where=_named(member), hint=REBUILD)
    if start + packed > len(view):
        raise Refused("archive.truncated", "the file ends inside a member", where=_named(member), hint=AGAIN)
    return member


def _named(member: Member) -> str:
    """Where a fault is. Made only for a fault: 4,096 names made safe for showing cost more than all checks on them."""
    return f"member {shown(member.name)!r}"


def _explain_header(fields: tuple[int, ...], where: str) -> NoReturn:
    """Name the first way in which a local header is not the canonical one. Spec: 1-archive A-5 to A-9."""
    _, version, flags, _, time, date, _, packed, size, _, extra = fields
    if flags & 0x2041:
        raise Refused("archive.encrypted", "the member is encrypted", where=where, hint="packages are signed, never encrypted")
    if flags & 8:
        raise Refused("archive.descriptor", "the member uses a data descriptor", where=where, hint=REBUILD)
    if 0xFFFFFFFF in (packed, size) or version >= 45:
        raise Refused("archive.zip64", "the member uses ZIP64", where=where, hint=REBUILD)
    if extra:
        raise Refused("archive.extra", "the member has an extra field", where=where, hint=REBUILD)
    named = dict(zip(enc.LOCAL_FIELDS, fields, strict=True))
    wrong = {"version": version != enc.VERSION_NEEDED, "flags": flags != 0, "time": time != enc.DOS_TIME, "date": date != enc.DOS_DATE}
    field = next(name for name, is_wrong in wrong.items() if is_wrong)
    raise Refused("archive.not_canonical", f"the header field {field!r} is {named[field]}, which is not the canonical value", where=where, hint=REBUILD)


def _check_ending(view: memoryview, at: int, members: list[Member]) -> None:
    """Spec: 1-archive A-10 to A-14: directory and end record, no gap, no trailer, no comment."""
    expected = enc.ending(members, at)
    found = view[at : at + len(expected) + 1]
    if bytes(found) == expected:
        return
    where = f"offset {at}"
    if len(found) < len(expected) and bytes(found) == expected[: len(found)]:
        raise Refused("archive.truncated", "the file ends inside its directory", where=where, hint=AGAIN)
    if bytes(found[: len(expected)]) == expected:
        raise Refused("archive.trailer", "bytes follow the end of the archive", where=f"offset {at + len(expected)}", hint=REBUILD)
    if bytes(found[: len(expected) - 2]) == expected[:-2]:
        raise Refused("archive.comment", "the archive has a comment", where=where, hint=REBUILD)
    if bytes(found[:2]) != b"PK":
        raise Refused("archive.gap", "bytes stand between the members and the directory", where=where, hint=REBUILD)
    raise Refused("archive.directory", "the directory is not the one that follows from the members", where=where, hint=REBUILD)


def _check_order(names: list[str]) -> None:
    """Spec: 1-archive A-15 to A-17."""
    if names[0] != MANIFEST_NAME:
        raise Refused("archive.manifest_first", "the first member is not manifest.json", where=f"member {shown(names[0])!r}", hint=REBUILD)
    if tuple(names[-2:]) != SEAL_NAMES and (SEAL_NAMES[0] in names or SEAL_NAMES[1] in names):
        raise Refused("archive.seal", "the two seal members do not stand together at the end", hint="sign the package again with `mpp sign`")
    keys = [enc.order_key(name) for name in names]
    for earlier, later in zip(keys, keys[1:], strict=False):
        if earlier == later:
            raise Refused("archive.duplicate", "two members have the same name", where=f"member {shown(later[1])!r}", hint=REBUILD)
        if earlier > later:
            raise Refused("archive.order", "the members are not in canonical order", where=f"member {shown(later[1])!r}", hint=REBUILD)


STORED_BOUNDS = {
    MANIFEST_NAME: MANIFEST_BYTES_MAX,
    PUBLISHER_NAME: limits.PUBLISHER_BYTES_MAX,
    SIGNATURE_NAME: limits.SIGNATURE_BYTES_MAX,
}
"""Members that are read before anything is authenticated: stored, and of bounded size."""


def check_sizes(archive: Archive) -> None:
    """Check 2, size limits, on the sizes that the headers state. Inflating later stops at these."""
    for member in archive.members:
        most = STORED_BOUNDS.get(member.name, limits.FILE_BYTES_MAX)
        if member.size > most:
            raise Refused("size.member", f"states {member.size} bytes, at most {most} are allowed", where=_named(member), hint="make the member smaller")
        if member.method != enc.STORED:
            _check_deflated(member)
    total = sum(member.size for member in archive.members)
    if total > limits.TOTAL_BYTES_MAX:
        raise Refused("size.total", f"the members have {total} bytes, at most {limits.TOTAL_BYTES_MAX // MIB} MiB are allowed", hint="make a smaller package")
    # Attack: a stream of empty blocks keeps the inflating machine busy at full speed and gives no byte that any other limit counts.
    deflated = sum(member.packed for member in archive.members if member.method != enc.STORED)
    if deflated > limits.DEFLATED_BYTES_MAX:
        raise Refused(
            "size.deflated", f"the deflated members have {deflated} packed bytes, at most {limits.DEFLATED_BYTES_MAX // MIB} MiB are allowed", hint=REBUILD
        )


def _check_deflated(member: Member) -> None:
    # Spec: 1-archive A-18.
    if member.name in STORED_BOUNDS:
        raise Refused("archive.not_stored", "must be stored without compression", where=_named(member), hint=REBUILD)
    # Attack: a zip bomb states its size truthfully or not; the ratio bounds the first, inflating the second.
    if member.size > limits.RATIO_MAX * max(member.packed, limits.RATIO_FLOOR_BYTES):
        raise Refused("size.ratio", f"would grow more than {limits.RATIO_MAX} times", where=_named(member), hint=REBUILD)
    if member.packed >= member.size:
        raise Refused("size.not_smaller", "is deflated without being smaller for it", where=_named(member), hint=REBUILD)


def check_names(archive: Archive) -> None:
    """Check 3, path rules. Spec: 1-archive section 4."""
    files: set[str] = set()
    folders: set[str] = set()
    for member in archive.members:
        fault = path_fault(member.name)
        if fault is not None:
            raise Refused(f"path.{fault.code}", fault.message, where=_named(member), hint="rename the file")
        folded = member.name.lower()
        if (folded + "/").startswith("_mpp/") and member.name not in RESERVED_NAMES:
            raise Refused("path.reserved", "names below _mpp/ belong to the format", where=_named(member), hint="move the file to another folder")
        parents = {folded[:i] for i, c in enumerate(folded) if c == "/"}
        # Attack: on a system that folds case, `A` and `a` are one file, and a file can stand in a folder's way.
        if folded in files or folded in folders or parents & files:
            raise Refused("path.collision", "collides with another member where case is ignored", where=_named(member), hint="rename one of them")
        files.add(folded)
        folders |= parents
