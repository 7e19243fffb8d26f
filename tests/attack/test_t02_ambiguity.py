"""T02, archive ambiguity: one file that two readers open as two archives. Only files with one reading are accepted."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.stages.archive import pack, read_archive, read_member
from mpp.testing.keys import publisher
from mpp.testing.packages import signed, unsigned
from mpp.testing.rawzip import RawMember, raw_members, raw_zip

GOOD = signed(publisher())
EVIL = pack({"manifest.json": b'{"evil": true}', "evil": b"evil"})
M = b"manifest.json"
SAFE, BAD = RawMember(M, b'{"a": 1}'), RawMember(M, b'{"b": 2}')


def seen_by_python(data: bytes) -> dict[str, bytes]:
    """What the standard library reads; nothing if it refuses the file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as found:
            return {info.filename: found.read(info) for info in found.infolist()}
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError):
        return {}


def seen_here(data: bytes) -> dict[str, bytes]:
    archive = read_archive(data)
    return {member.name: read_member(archive, member) for member in archive.members}


def two_directories() -> bytes:
    """Both archives whole, one behind the other; the last directory has offsets that fit the whole file."""
    listed = raw_members(read_archive(EVIL))
    listed[0].before = GOOD
    return raw_zip(listed)


def hidden_between() -> bytes:
    """A second local entry of one name that no directory lists."""
    listed = raw_members(read_archive(GOOD))
    hole = raw_zip([BAD])[: -22 - 46 - len(M)]
    listed[0].after = hole
    return raw_zip(listed)


def other_sizes() -> bytes:
    """The directory claims that a member is longer than its local header does."""
    listed = raw_members(read_archive(GOOD))
    listed[0].central = {"packed": 10, "size": 10}
    return raw_zip(listed)


POLYGLOTS: dict[str, bytes] = {
    "an archive in front": EVIL + GOOD,
    "an archive behind": GOOD + EVIL,
    "the same archive twice": GOOD * 2,
    "two directories": two_directories(),
    "a script in front": b"#!/bin/sh\nexit\n" + GOOD,
    "a picture in front": b"\x89PNG\r\n\x1a\n" + GOOD,
    "a program in front": b"\x7fELF" + bytes(60) + GOOD,
    "wasm in front": b"\0asm\1\0\0\0" + GOOD,
    "a document behind": GOOD + b"%PDF-1.7\n%%EOF\n",
    "a script behind": GOOD + b"<script>alert(1)</script>",
    "zeros behind": GOOD + bytes(1024),
    "an archive in the comment": raw_zip(raw_members(read_archive(GOOD)), comment=EVIL),
    "an end record in the comment": raw_zip(raw_members(read_archive(GOOD)), comment=EVIL[-22:]),
    "an archive between members and directory": raw_zip(raw_members(read_archive(GOOD)), gap=EVIL),
    "an unlisted local entry": hidden_between(),
    "an unlisted member": raw_zip([SAFE, RawMember(b"a")], central_order=[0]),
    "a member listed twice": raw_zip([SAFE, RawMember(b"a")], central_order=[0, 1, 1]),
    "one name twice": raw_zip([SAFE, BAD]),
    "one name twice, one listed": raw_zip([SAFE, BAD], central_order=[1]),
    "one name twice, the other order": raw_zip([SAFE, BAD], central_order=[1, 0]),
    "another name in the directory": raw_zip([SAFE, RawMember(b"a", b"x", central={"name": b"b"})]),
    "another offset in the directory": raw_zip([SAFE, RawMember(M, b'{"a": 1}', central={"offset": 0})]),
    "other sizes in the directory": other_sizes(),
    "another method in the directory": raw_zip([SAFE, RawMember(b"a", b"x", central={"method": 8})]),
    "another CRC in the directory": raw_zip([SAFE, RawMember(b"a", b"x", central={"crc": 0})]),
    "a data descriptor": raw_zip([SAFE, RawMember(b"a", b"x", flags=8, crc=0, stated_packed=0, stated_size=0)]),
    "a Unicode path as extra field": raw_zip([SAFE, RawMember(b"a", b"x", central={"extra": b"up\x06\0\1\0\0\0\0b"})]),
    "a Unicode path as local extra field": raw_zip([SAFE, RawMember(b"a", b"x", local_extra=b"up\x06\0\1\0\0\0\0b")]),
    "a ZIP64 extra field": raw_zip([SAFE, RawMember(b"a", b"x", central={"extra": b"\1\0\x08\0" + bytes(8), "size": 0xFFFFFFFF})]),
    "a ZIP64 end record": raw_zip([SAFE], gap=b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16)),
    "a name that ends at a zero": raw_zip([SAFE, RawMember(b"a\0.txt", b"x")]),
    "a name with backslashes": raw_zip([SAFE, RawMember(b"a\\b", b"x")]),
    "a directory entry": raw_zip([SAFE, RawMember(b"a/", b"")]),
    "a directory entry with bytes": raw_zip([SAFE, RawMember(b"a/", b"x")]),
    "a link": raw_zip([SAFE, RawMember(b"a", b"/etc/passwd", central={"external": 0o120777 << 16})]),
    "an archive cut in two disks": raw_zip([SAFE], end={"disk": 1, "start_disk": 1}),
    "a span marker in front": b"PK\x07\x08" + raw_zip([SAFE]),
    "no directory at all": raw_zip([SAFE])[: -22 - 46 - len(M)],
    "an end record alone": raw_zip([]),
}


@pytest.mark.parametrize("data", POLYGLOTS.values(), ids=POLYGLOTS.keys())
def test_a_file_with_two_readings_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read_archive(data)
    assert refusal.value.check in {1, 3}


def test_other_readers_open_most_of_them() -> None:
    """Otherwise the test above would prove nothing."""
    opened = {name for name, data in POLYGLOTS.items() if seen_by_python(data)}
    assert len(opened) > len(POLYGLOTS) / 2
    assert {"an archive in front", "two directories", "one name twice", "a script in front"} <= opened
    assert seen_by_python(POLYGLOTS["two directories"])["manifest.json"] == b'{"evil": true}'


SOUND = {"signed": GOOD, "unsigned": unsigned(), "small": EVIL, "nested": pack({"manifest.json": EVIL, "zip": EVIL, "end": EVIL[-22:]})}


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND.keys())
def test_what_is_accepted_reads_alike_everywhere(data: bytes) -> None:
    assert seen_by_python(data) == seen_here(data)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND.keys())
def test_what_is_accepted_passes_unzip(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.mpp"
    path.write_bytes(data)
    done = subprocess.run(["unzip", "-t", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No errors" in done.stdout
