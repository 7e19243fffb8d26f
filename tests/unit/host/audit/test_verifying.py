"""Verdicts over logs that are whole, pruned, compressed, cut or strange. What attacks do is in tests/attack/test_t62_log_tampering.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.audit import core
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import compress, prune
from mpp.host.audit.verifying import Anchor, DEEP, DEPTHS, FAST, THOROUGH, verify_log, Wanted
from mpp.host.home import Home
from mpp.ledger.tiles import Tile
from mpp.model.events import Event
from mpp.stages.audit.verdict import Covered
from mpp.testing.packages import NOW, TestClock


def event(number: int = 0, kind: str = "agent") -> Event:
    return Event(kind=kind, at=NOW, tenant="local", invocation=f"{number:032x}", body={"n": number})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(core, "SEGMENT_ENTRIES_MAX", 300)
    found = Home(path=str(tmp_path / "home"))
    with AuditLog(found, clock=TestClock()) as log:
        log.record_all([event(number) for number in range(1100)])
    return found


SIZE = 1104


def codes(home: Home, depth: str = DEEP, **more: object) -> list[str]:
    return [fault.code for fault in verify_log(home.log, Wanted(depth=depth, **more)).faults]  # type: ignore[arg-type]


def test_nothing_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        verify_log(Home(path=str(tmp_path)).log, Wanted())
    assert caught.value.code == "audit.empty"


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("how", ["plain", "compressed", "pruned", "without tiles"])
def test_a_whole_log_in_each_form(how: str, depth: str, home: Home) -> None:
    size = SIZE
    if how == "compressed":
        compress(home.log)
    if how == "pruned":
        with AuditLog(home, clock=TestClock()) as log:
            prune(log, NOW + 1, "age", "ada", NOW)
        size += 1
    if how == "without tiles":
        shutil.rmtree(Path(home.log.folder, "tile"))
    told: list[tuple[int, int]] = []
    found = verify_log(home.log, Wanted(depth=depth), lambda done, of: told.append((done, of)))
    assert (found.faults, found.level, found.covered) == ((), "signed", Covered(chained=size, signed=size))
    assert (found.segments, found.pruned, found.pruned_entries) == (4, *((3, 900) if how == "pruned" else (0, 0)))
    assert told == [(number, 4) for number in range(5)]
    assert found.log_id == LogReader(home.log).entry(0).leaf if how != "pruned" else found.log_id
    assert found.depth == depth
    assert found.host_key.startswith("mpp-audit/")
    assert any("tiles are not there" in note for note in found.notes) == (how == "without tiles" and depth != FAST)


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_anchor_is_compared_with_the_entries_at_each_depth(depth: str, home: Home) -> None:
    reader = LogReader(home.log)
    anchor = Anchor(name="anchor", checkpoint=reader.seal(0).checkpoint)
    entry = Anchor(name="entry", seq=700, leaf=reader.entry(700).leaf)
    found = verify_log(home.log, Wanted(depth=depth, anchors=(anchor, entry)))
    assert (found.level, found.covered.anchored) == ("anchored", 701)
    assert found.depth == (DEEP if depth == FAST else depth)


def test_tiles_that_lie_are_found_at_each_level(home: Home) -> None:
    for tile in (Tile(0, 0, 256), Tile(0, 1, 256), Tile(0, 1, 44), Tile(0, 2, 88), Tile(1, 0, 1), Tile(1, 0, 2)):
        path = Path(home.log.tile(tile))
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        found = verify_log(home.log, Wanted(depth=DEEP))
        assert [(fault.code, fault.where) for fault in found.faults] == [("audit.tile", str(path))], tile
        path.write_bytes(data)
    assert codes(home) == []


def test_a_fast_look_over_tiles_that_lie_says_so(home: Home) -> None:
    path = Path(home.log.tile(Tile(0, 3, 132)))
    data = path.read_bytes()
    path.write_bytes(bytes(32) + data[32:])
    assert "audit.tile" in codes(home, FAST) or codes(home, FAST) == []
    assert codes(home) == ["audit.tile"]


def test_calls_are_followed_in_a_thorough_look(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path))
    with AuditLog(home, clock=TestClock()) as log:
        log.record_all([event(1, "intent"), event(2, "result")])
    found = verify_log(home.log, Wanted(depth=THOROUGH))
    assert [(fault.code, fault.where.rpartition(": ")[2].partition(",")[0]) for fault in found.faults] == [("audit.entry", "entry 2")]
    assert verify_log(home.log, Wanted(depth=DEEP)).notes == ()


def test_an_entry_that_chains_and_is_none_is_found_by_a_thorough_look(tmp_path: Path) -> None:
    """Somebody with the keys wrote it."""
    home = Home(path=str(tmp_path))
    with AuditLog(home, clock=TestClock()) as log:
        log.record(event())
    log._core = None
    path = Path(home.log.segment(0))
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(data.replace(b'"kind":"agent"', b'"kind":"agenz"'))
    Path(home.log.checkpoint).unlink()
    assert codes(home, DEEP) == []
    assert codes(home, THOROUGH) == ["audit.entry"]


def test_a_torn_end_is_told_and_no_fault(home: Home) -> None:
    path = Path(home.log.segment(900))
    path.write_bytes(path.read_bytes().rstrip(b"\0") + b'{"event":')
    found = verify_log(home.log, Wanted(depth=DEEP))
    assert found.level == "signed"
    assert any("9 bytes that are no whole entry" in note for note in found.notes)


def test_without_a_checkpoint_the_end_is_only_chained(home: Home) -> None:
    Path(home.log.checkpoint).unlink()
    found = verify_log(home.log, Wanted())
    assert (found.level, found.covered) == ("chained", Covered(chained=SIZE, signed=900))
    assert any("only chained" in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("checkpoint", b"nothing", "audit.note"),
        ("segments/0000000000000000.seal", b"nothing", "audit.note"),
        ("segments/0000000000000000.jsonl", b"", "audit.json"),
        ("segments/0000000000000000.jsonl", b'{"event":{}}\n', "audit.missing"),
        ("segments/0000000000000300.jsonl", b"", "audit.seal"),
        ("segments/9999999999999999.seal", b"x", "audit.seq"),
    ],
)
def test_files_that_hold_something_else(name: str, data: bytes, code: str, home: Home) -> None:
    Path(home.log.folder, name).write_bytes(data)
    for depth in DEPTHS:
        assert code in codes(home, depth)


def test_a_pruned_log_without_its_kept_lines(home: Home) -> None:
    with AuditLog(home, clock=TestClock()) as log:
        prune(log, NOW + 1, "age", "ada", NOW)
    for first, data, code in ((300, b"x\n", "audit.entry"), (300, b"", "audit.entry"), (0, b"x\n", "audit.json")):
        path = Path(home.log.kept(first))
        before = path.read_bytes()
        path.write_bytes(data)
        assert code in codes(home)
        path.write_bytes(before)
    Path(home.log.kept(600)).unlink()
    assert "host.file" in codes(home)


def test_a_pruned_log_whose_tiles_lie(home: Home) -> None:
    with AuditLog(home, clock=TestClock()) as log:
        prune(log, NOW + 1, "age", "ada", NOW)
    path = Path(home.log.tile(Tile(0, 0, 256)))
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    assert "audit.tile" in codes(home)
    Path(home.log.seal(300)).unlink()
    assert "audit.seq" in codes(home)


def test_a_log_id_that_is_asked_for(home: Home) -> None:
    assert codes(home, FAST, log_id="ab" * 32) == ["audit.log_id"]
    assert codes(home, FAST, log_id=LogReader(home.log).entry(0).leaf) == []


def test_a_log_that_begins_inside_of_another(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path))
    with AuditLog(home, clock=TestClock()) as log:
        log.record(event(kind="log"))
    assert codes(home, DEEP) == []
    assert codes(home, THOROUGH) == ["audit.genesis"]
