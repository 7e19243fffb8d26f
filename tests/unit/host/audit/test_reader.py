"""A log for those who read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.audit import core
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import compress, prune
from mpp.host.home import Home
from mpp.ledger.tiles import Tile
from mpp.ledger.tree import leaf_hash, root_of
from mpp.model.events import Event
from mpp.stages.audit.proof import verify_proof
from mpp.testing.packages import NOW, TestClock


def event(number: int = 0) -> Event:
    return Event(kind="agent", at=NOW, tenant="local", invocation="", body={"n": number})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(core, "SEGMENT_ENTRIES_MAX", 300)
    found = Home(path=str(tmp_path))
    with AuditLog(found, clock=TestClock()) as log:
        log.record_all([event(number) for number in range(700)])
    return found


def leaves(reader: LogReader) -> list[bytes]:
    return [leaf_hash(line) for line in reader.lines()]


def test_nothing_there(tmp_path: Path) -> None:
    reader = LogReader(Home(path=str(tmp_path)).log)
    assert not reader.is_there()
    assert reader.last() == -1
    with pytest.raises(Refused) as caught:
        reader.line(0)
    assert caught.value.code == "audit.no_entry"
    with pytest.raises(Refused) as caught:
        reader.checkpoint()
    assert caught.value.code == "audit.no_checkpoint"


def test_entries_by_their_number(home: Home) -> None:
    reader = LogReader(home.log)
    assert reader.is_there()
    assert reader.last() == 702
    for seq in (0, 1, 299, 300, 599, 702):
        assert reader.entry(seq).seq == seq
    assert [one.seq for one in reader.entries(700)] == [700, 701, 702]
    with pytest.raises(Refused):
        reader.line(703)


def test_the_last_entry_of_a_log_that_ends_with_a_seal(home: Home) -> None:
    Path(home.log.segment(600)).write_bytes(b"")
    assert LogReader(home.log).last() == 599
    Path(home.log.segment(600)).unlink()
    assert LogReader(home.log).last() == 599
    compress(home.log)
    assert LogReader(home.log).last() == 599


def test_hashes_are_those_of_the_entries_with_and_without_tiles(home: Home) -> None:
    reader = LogReader(home.log)
    found = leaves(reader)
    for _ in range(2):
        for seq in (0, 255, 256, 511, 700):
            assert reader.leaf(seq, 703) == found[seq].hex()
        assert reader.hashes(703).subtree(9, 0) == root_of(found[:512])
        for path in Path(home.log.folder, "tile").rglob("*"):
            if path.is_file():
                path.unlink()


def test_a_tile_of_another_size_is_none(home: Home) -> None:
    reader = LogReader(home.log)
    tile = Tile(0, 0, 256)
    assert reader.stored_tile(tile) == b"".join(leaves(reader)[:256])
    Path(home.log.tile(tile)).write_bytes(b"short")
    assert reader.stored_tile_or_none(tile) is None
    with pytest.raises(Refused):
        reader.stored_tile(tile)


@pytest.mark.parametrize("seq", [0, 1, 255, 299, 300, 599, 650, 702])
def test_each_entry_can_be_proven(home: Home, seq: int) -> None:
    proven = verify_proof(LogReader(home.log).prove(seq), where="proof")
    assert (proven.entry.seq, proven.checkpoint.size) == (seq, 703)


def test_what_is_not_signed_yet_cannot_be_proven(home: Home) -> None:
    with pytest.raises(Refused) as caught:
        LogReader(home.log).prove(703)
    assert caught.value.code == "audit.unsigned"


def test_in_the_first_epoch_two_lines_are_enough(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path))
    with AuditLog(home, clock=TestClock()) as log:
        log.record(event())
    proof = LogReader(home.log).prove(1)
    assert [one.seq for one in proof.lines] == [0, 1]
    assert verify_proof(proof, where="proof").entry.seq == 1


def test_of_a_pruned_segment_the_hashes_and_ends_stay(home: Home) -> None:
    found = leaves(LogReader(home.log))
    with AuditLog(home, clock=TestClock()) as log:
        assert len(prune(log, NOW + 1, "age", "ada", NOW)[0]) == 2
    reader = LogReader(home.log)
    assert list(reader.leaves_of_tiles(0, 600)) == found[:600]
    assert list(reader.leaves_of_tiles(300, 420)) == found[300:420]
    assert reader.leaf(433, 600) == found[433].hex()
    assert leaf_hash(reader.line(0)) == found[0]
    assert leaf_hash(reader.line(299)) == found[299]
    for seq in (1, 300, 598):
        with pytest.raises(Refused):
            reader.line(seq)
    assert verify_proof(reader.prove(650), where="proof").entry.seq == 650
    for path in Path(home.log.folder, "tile/0").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(HostFailed) as caught:
        reader.leaf(5, 600)
    assert caught.value.code == "audit.tile"
