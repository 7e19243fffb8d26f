"""Copies of a log: the same files, and the layout of tlog-tiles, read here by a reader of its own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.audit import exporting
from mpp.host.audit.exporting import BUNDLE_LINE_MAX, copy_log, copy_tlog, lines_between
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import compress
from mpp.host.audit.verifying import DEEP, verify_log, Wanted
from mpp.host.home import Home
from mpp.model.events import EVENT_BYTES_MAX, Event
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import Story


def quiet(_: int, __: int) -> None:
    pass


def many(count: int) -> list[Event]:
    return [event for number in range(count) for event in auditlogs.refused(Story(number=number))]


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    auditlogs.write(tmp_path / "home", many(700), seal_every=300)
    return Home(path=str(tmp_path / "home")).log


def copied(folder: Path) -> LogPlaces:
    return LogPlaces(folder=str(folder), keys=str(folder / "none"))


def files(folder: str | Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def test_a_copy_verifies(places: LogPlaces, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = copy_log(places, str(tmp_path / "copy"), lambda now, of: told.append((now, of)))
    verdict = verify_log(copied(tmp_path / "copy"), Wanted(depth=DEEP))
    size = LogReader(places).last() + 1
    assert (verdict.level, verdict.covered.signed, done.size) == ("signed", size, size)
    assert told[-1] == (len(segment_files(places.segments)),) * 2
    assert list(LogReader(copied(tmp_path / "copy")).lines()) == list(LogReader(places).lines())


def test_a_copy_holds_no_secret(places: LogPlaces, tmp_path: Path) -> None:
    copy_log(places, str(tmp_path / "copy"), quiet)
    assert {name.partition("/")[0] for name in files(tmp_path / "copy")} == {"segments", "tile", "checkpoint"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "copy").rglob("*"))


def test_once_more_copies_what_is_new(places: LogPlaces, tmp_path: Path) -> None:
    first = copy_log(places, str(tmp_path / "copy"), quiet)
    assert first.written == first.files
    assert copy_log(places, str(tmp_path / "copy"), quiet).written == 0
    auditlogs.write(tmp_path / "home", many(5))
    again = copy_log(places, str(tmp_path / "copy"), quiet)
    assert 0 < again.written < 5
    assert verify_log(copied(tmp_path / "copy"), Wanted(depth=DEEP)).covered.signed == LogReader(places).last() + 1


def test_a_log_that_is_written_to_meanwhile(places: LogPlaces, tmp_path: Path) -> None:
    """What a writer adds after the checkpoint was taken is in the copy or not, and the copy holds either way."""

    def write(done: int, of: int) -> None:
        if done == of - 1:
            auditlogs.write(tmp_path / "home", many(400), seal_every=300)

    size = LogReader(places).last() + 1
    copy_log(places, str(tmp_path / "copy"), write)
    verdict = verify_log(copied(tmp_path / "copy"), Wanted(depth=DEEP))
    assert verdict.holds, verdict.faults
    assert verdict.covered.signed >= size


def test_a_copy_of_a_compressed_and_pruned_log(places: LogPlaces, tmp_path: Path) -> None:
    compress(places)
    copy_log(places, str(tmp_path / "copy"), quiet)
    assert any(name.endswith(".gz") for name in files(tmp_path / "copy"))
    assert verify_log(copied(tmp_path / "copy"), Wanted(depth=DEEP)).level == "signed"


def test_a_log_that_has_no_checkpoint_yet(places: LogPlaces, tmp_path: Path) -> None:
    os.unlink(places.checkpoint)
    assert copy_log(places, str(tmp_path / "copy"), quiet).size == 0
    with pytest.raises(Refused) as refusal:
        copy_tlog(places, str(tmp_path / "tlog"), quiet)
    assert refusal.value.code == "audit.no_checkpoint"


def test_a_segment_that_is_compressed_meanwhile(places: LogPlaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, tries = exporting.read_bounded, list[str]()

    def read(path: str, most: int) -> bytes:
        if path.endswith(".jsonl") and not tries:
            tries.append(path)
            compress(places)
        return plain(path, most)

    monkeypatch.setattr(exporting, "read_bounded", read)
    copy_log(places, str(tmp_path / "copy"), quiet)
    assert tries
    assert verify_log(copied(tmp_path / "copy"), Wanted(depth=DEEP)).level == "signed"


def test_a_segment_that_cannot_be_read(places: LogPlaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str, most: int) -> bytes:
        raise HostFailed("host.file", "cannot read the file", where=path)

    monkeypatch.setattr(exporting, "read_bounded", read)
    monkeypatch.setattr(exporting, "_note", lambda _: b"")
    with pytest.raises(HostFailed):
        copy_log(places, str(tmp_path / "copy"), quiet)


def test_never_onto_itself(places: LogPlaces) -> None:
    for work in (copy_log, copy_tlog):
        with pytest.raises(Refused) as refusal:
            work(places, os.path.join(places.folder, "..", "audit"), quiet)
        assert refusal.value.code == "usage.folder"


def test_a_disk_that_is_full(places: LogPlaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HostFailed):
        copy_tlog(places, str(tmp_path / "tlog"), quiet)
    assert not [name for name in files(tmp_path / "tlog") if name.endswith(".tmp")]


# -- tlog-tiles, as C2SP describes it


def bundles(folder: Path, size: int) -> list[bytes]:
    """All entries, read from the bundles alone."""
    entries: list[bytes] = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        name = f"{number:03d}" + (f".p/{width}" if width < 256 else "")
        data, found = (folder / "tile" / "entries" / name).read_bytes(), 0
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2 : 2 + length])
            assert len(entries[-1]) == length
            data, found = data[2 + length :], found + 1
        assert found == width
    return entries


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node(root(hashes[:split]), root(hashes[split:]))


def test_any_client_of_tlog_tiles_can_read_it(places: LogPlaces, tmp_path: Path) -> None:
    folder = tmp_path / "tlog"
    done = copy_tlog(places, str(folder), quiet)
    text = (folder / "checkpoint").read_text().splitlines()
    assert text[1] == str(done.size) == str(LogReader(places).last() + 1)
    entries = bundles(folder, done.size)
    assert entries == list(LogReader(places).lines())
    leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    names = {name for name in files(folder) if name.startswith("tile/")} - {f"tile/entries/{name}" for name in ("000", "001")}
    assert names == {"tile/0/000", "tile/0/001", f"tile/0/002.p/{done.size - 512}", "tile/1/000.p/2", f"tile/entries/002.p/{done.size - 512}"}
    assert (folder / "tile/0/000").read_bytes() == b"".join(leaves[:256])
    assert (folder / f"tile/0/002.p/{done.size - 512}").read_bytes() == b"".join(leaves[512:])
    assert (folder / "tile/1/000.p/2").read_bytes() == root(leaves[:256]) + root(leaves[256:512])
    import base64

    assert base64.b64decode(text[2]) == root(leaves)


def test_entries_behind_the_checkpoint_are_left_out(places: LogPlaces, tmp_path: Path) -> None:
    size = LogReader(places).last() + 1
    log = AuditLog(Home(path=str(tmp_path / "home")))
    log.record_all(many(3))
    assert copy_tlog(places, str(tmp_path / "tlog"), quiet).size == size
    log.close()


def test_a_pruned_entry_has_no_bundle(places: LogPlaces, tmp_path: Path) -> None:
    firsts = list(segment_files(places.segments))
    data = Path(places.segment(firsts[1])).read_bytes()
    for left in (b"", data[: len(data) // 2]):
        Path(places.segment(firsts[1])).write_bytes(left[: left.rfind(b"\n") + 1])
        with pytest.raises(Refused) as refusal:
            copy_tlog(places, str(tmp_path / "tlog"), quiet)
        assert refusal.value.code == "audit.pruned"


def test_a_log_whose_end_is_gone_has_no_bundle(tmp_path: Path) -> None:
    auditlogs.write(tmp_path, many(5))
    places = Home(path=str(tmp_path)).log
    data = Path(places.segment(0)).read_bytes().rstrip(b"\0").splitlines(keepends=True)
    Path(places.segment(0)).write_bytes(b"".join(data[:-1]))
    with pytest.raises((Refused, HostFailed)) as refusal:
        copy_tlog(places, str(tmp_path / "tlog"), quiet)
    assert refusal.value.code in {"audit.pruned", "audit.tile"}


def test_an_entry_that_is_too_long_for_a_bundle(tmp_path: Path) -> None:
    """An entry of ours can be longer than 16 bits say."""

    def of(size: int) -> Event:
        empty = Event(kind="refused", at=NOW, tenant="local", invocation="", body={"code": ""})
        from mpp.stages.audit.entry import encode_event

        return Event(kind="refused", at=NOW, tenant="local", invocation="", body={"code": "x" * (size - len(encode_event(empty, b"")))})

    auditlogs.write(tmp_path / "long", [of(EVENT_BYTES_MAX)])
    places = Home(path=str(tmp_path / "long")).log
    assert len(LogReader(places).line(1)) > BUNDLE_LINE_MAX
    with pytest.raises(Refused) as refusal:
        copy_tlog(places, str(tmp_path / "tlog"), quiet)
    assert refusal.value.code == "audit.bundle"
    assert "entry 1 " in refusal.value.message
    rest = len(LogReader(places).line(1)) - EVENT_BYTES_MAX
    auditlogs.write(tmp_path / "fits", [of(BUNDLE_LINE_MAX - rest)])
    places = Home(path=str(tmp_path / "fits")).log
    assert len(LogReader(places).line(1)) == BUNDLE_LINE_MAX
    copy_tlog(places, str(tmp_path / "tlog2"), quiet)
    assert bundles(tmp_path / "tlog2", 2)[1] == LogReader(places).line(1)


def test_lines_of_a_part(places: LogPlaces) -> None:
    whole = list(LogReader(places).lines())
    assert list(lines_between(places, 3, 5)) == whole[3:6]
    assert list(lines_between(places, 698, None)) == whole[698:]
    assert list(lines_between(places, 5, 3)) == []
