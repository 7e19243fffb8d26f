"""T62, changed logs: for each attack, which verdict sees it, and that the verdicts below do not claim what they cannot hold.

Spec: audit section 7.
"""

from __future__ import annotations

import gzip
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import compress, prune
from mpp.host.audit.verifying import Anchor, DEEP, FAST, THOROUGH, verify_log, Wanted
from mpp.host.home import Home
from mpp.ledger.checkpoints import read_checkpoint
from mpp.ledger.notes import read_note
from mpp.stages.audit.verdict import Verdict
from mpp.testing.packages import NOW, TestClock
from tests.attack.forging import event, Forged, Kept, make_log, WITNESS_KEY, witnessed
from tests.attack.log_attacks import CUT, FORK, Row, TABLE, cut_at_a_seal, cut_open_and_checkpoint, roll_back, stolen_now

LONG = bool(os.environ.get("MPP_LONG_TESTS"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return make_log(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def foreign(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Another log under the same host key."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "seal").mkdir(mode=0o700)
    shutil.copy(kept.home.host_key, folder / "seal")
    return make_log(folder)


def look(f: Forged, **wanted: object) -> Verdict:
    return verify_log(f.places, Wanted(**wanted))  # type: ignore[arg-type]


def said(verdict: Verdict, expected: str) -> bool:
    if expected.startswith("audit."):
        return verdict.level == "broken" and expected in {fault.code for fault in verdict.faults} and verdict.covered.signed == 0
    return verdict.level == expected and not verdict.faults


def anchor_of(note: bytes) -> Anchor:
    return Anchor(name="anchor", checkpoint=read_checkpoint(read_note(note, where="anchor").text, where="anchor"))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.attack.__name__)
def test_each_attack_is_seen_by_the_verdict_that_claims_it_and_by_none_below(row: Row, kept: Kept, foreign: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    seen, aside = Path(f.places.witnessed), tmp_path / "witnessed"
    seen.write_bytes(witnessed(kept.newest))
    row.attack(f, kept, foreign)
    # Whoever has no witness to ask may have lost this file too, so the verdicts below stand without it.
    if seen.exists():
        seen.rename(aside)
    deep = row.deep or row.fast
    for depth, expected in ((FAST, row.fast), (DEEP, deep), (THOROUGH, deep)):
        found = look(f, depth=depth)
        assert said(found, expected), (depth, found)
        # Nobody gave an anchor or named a witness: then nothing is said of them.
        assert (found.covered.anchored, found.covered.witnessed) == (0, 0)
    if row.where:
        assert row.where in look(f, depth=DEEP).faults[0].where
    assert said(look(f, log_id=kept.log_id), row.pinned or row.fast)
    for depth in (FAST, DEEP):
        best = deep if depth == DEEP and row.deep else ""
        # What an anchor or a witness refutes is said before what tiles of their own refute.
        by_anchor, by_witness = (one if one.startswith("audit.") else best or one or row.fast for one in (row.anchored, row.witnessed))
        found = look(f, depth=depth, anchors=(anchor_of(kept.newest),))
        assert said(found, by_anchor), (depth, found)
        if aside.exists():
            aside.rename(seen)
        found = look(f, depth=depth, witnesses=(WITNESS_KEY,))
        assert said(found, by_witness), (depth, found)
        # Nobody is named, and still the host's own signature is there.
        assert not by_witness.startswith("audit.") or depth == FAST or not look(f, depth=depth).holds
        if seen.exists():
            seen.rename(aside)


@pytest.mark.parametrize("attack", [cut_open_and_checkpoint, roll_back, cut_at_a_seal])
def test_a_witnessed_checkpoint_that_was_left_tells_of_a_cut_to_everybody(
    attack: Callable[[Forged, Kept, Kept], None], kept: Kept, foreign: Kept, tmp_path: Path
) -> None:
    """Attack: the end and the newest checkpoint are taken away, and the file with the cosignatures is forgotten."""
    f = kept.copy(tmp_path / "log")
    attack(f, kept, foreign)
    assert look(f).holds
    Path(f.places.witnessed).write_bytes(witnessed(kept.newest))
    for depth in (FAST, DEEP, THOROUGH):
        assert said(look(f, depth=depth), CUT)


@pytest.mark.parametrize("data", [b"", b"noise", b"\n\n"])
def test_a_witnessed_checkpoint_that_is_none_is_told(data: bytes, kept: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    Path(f.places.witnessed).write_bytes(data)
    assert said(look(f), "audit.note")


def test_a_log_that_nobody_touched_reaches_each_verdict(kept: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    Path(f.places.witnessed).write_bytes(witnessed(kept.newest))
    for depth in (FAST, DEEP, THOROUGH):
        assert said(look(f, depth=depth), "signed")
        assert said(look(f, depth=depth, log_id=kept.log_id), "signed")
        assert said(look(f, depth=depth, anchors=(anchor_of(kept.older),)), "anchored")
        assert said(look(f, depth=depth, anchors=(Anchor(name="entry", seq=8, leaf=LogReader(f.places).entry(8).leaf),)), "anchored")
        assert said(look(f, depth=depth, witnesses=(WITNESS_KEY,)), "witnessed")
        assert said(look(f, depth=depth, witnesses=(WITNESS_KEY,), quorum=2), "signed")


def test_a_witnessed_checkpoint_thrown_away_is_only_missed(kept: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    stolen_now(f, kept, kept)
    assert said(look(f, witnesses=(WITNESS_KEY,)), "signed")


def test_an_entry_kept_elsewhere_is_an_anchor_too(kept: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    leaf = LogReader(f.places).entry(20).leaf
    stolen_now(f, kept, kept)
    assert said(look(f, anchors=(Anchor(name="entry", seq=20, leaf=leaf),)), FORK)
    assert said(look(f, anchors=(Anchor(name="entry", seq=22, leaf=leaf),)), CUT)
    # What it does not reach to, it does not speak of.
    found = look(f, anchors=(anchor_of(kept.older),))
    assert said(found, "anchored")
    assert found.covered.anchored < 18


def test_a_home_copied_and_gone_on_with_on_both_sides(kept: Kept, tmp_path: Path) -> None:
    """Two logs with one key, one id and one beginning: each holds, and what was kept of one refuses the other."""
    homes = [Home(path=str(tmp_path / name)) for name in ("left", "right")]
    notes = []
    for number, home in enumerate(homes):
        shutil.copytree(kept.home.path, home.path)
        with AuditLog(home, clock=TestClock()) as log:
            log.record(event("refused", number), durable=True)
        notes.append(Path(home.log.checkpoint).read_bytes())
    for home, own, other in ((homes[0], *notes), (homes[1], *notes[::-1])):
        assert verify_log(home.log, Wanted(depth=THOROUGH, log_id=kept.log_id)).level == "signed"
        assert verify_log(home.log, Wanted(anchors=(anchor_of(own),))).level == "anchored"
        found = verify_log(home.log, Wanted(anchors=(anchor_of(other),)))
        assert [fault.code for fault in found.faults] == [FORK]


def test_a_clock_that_jumps_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    home, clock = Home(path=str(tmp_path)), TestClock()
    with AuditLog(home, clock=clock) as log:
        for at in (NOW, NOW + 90_000, NOW - 500_000, NOW + 10):
            clock.moment = at
            log.record(event(at=at), durable=True)
    found = verify_log(home.log, Wanted(depth=THOROUGH))
    assert (found.faults, found.level) == ((), "signed")
    assert [note for note in found.notes if "clock went back" in note] == ["entry 4: the clock went back by 590000 seconds"]
    assert verify_log(home.log, Wanted(depth=DEEP)).notes == ()
    # A jump ahead ends the epoch: it was older than a day.
    assert found.segments == 2


# -- files that are made to harm


def test_a_bomb_in_the_place_of_a_compressed_segment(kept: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    f.segment(1).unlink()
    packed = Path(f.places.segment(6) + ".gz")
    with gzip.open(packed, "wb", compresslevel=9) as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for depth in (FAST, DEEP):
        assert "audit.size" in {fault.code for fault in look(f, depth=depth).faults}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024


def test_a_compressed_segment_with_any_byte_changed(kept: Kept, tmp_path: Path) -> None:
    f = kept.copy(tmp_path / "log")
    compress(f.places)
    path = Path(f.places.segment(6) + ".gz")
    data = path.read_bytes()
    assert said(look(f), "signed")
    harmless = set()
    for at in range(0, len(data), 1 if LONG else 3):
        changed = bytearray(data)
        changed[at] ^= 0x41
        path.write_bytes(changed)
        if said(look(f), "signed"):
            harmless.add(at)
    # Time, hints and the name of a system in the head of the file, which gzip passes over: what comes out is the same.
    assert harmless <= set(range(3, 10))
    for cut in range(0, len(data), 37):
        path.write_bytes(data[:cut])
        assert look(f).level == "broken"
    path.write_bytes(data + b"more")
    assert look(f).level == "broken"


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(kept: Kept, tmp_path: Path) -> None:
    for number, name in enumerate(("segments/0000000000000006.jsonl", "segments/0000000000000006.seal", "checkpoint")):
        f = kept.copy(tmp_path / f"log{number}")
        path = Path(f.places.folder, name)
        path.unlink()
        os.mkfifo(path)
        assert look(f, depth=DEEP).level == "broken", name


# -- every byte


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return make_log(tmp_path_factory.mktemp("tiny"), segments=2, entries=2, rest=1)


def files_that_prove(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.parent.name == "segments" or "tile" in path.parts or path.name == "checkpoint"):
            yield path


def test_a_byte_changed_anywhere_is_found_and_located(tiny: Kept, tmp_path: Path) -> None:
    f = tiny.copy(tmp_path / "log")
    assert said(look(f, depth=DEEP), "signed")
    done, chosen = 0, random.Random(7)
    for path in files_that_prove(Path(f.places.folder)):
        data = path.read_bytes()
        for at in range(len(data)):
            changed = bytearray(data)
            changed[at] ^= 1 << chosen.randrange(8)
            path.write_bytes(changed)
            found = look(f, depth=DEEP)
            assert found.level == "broken", (path, at)
            assert_located(found, path, data, at)
            done += 1
        path.write_bytes(data)
    assert done > 3000


def assert_located(found: Verdict, path: Path, data: bytes, at: int) -> None:
    """The file, or the one that vouches for it; and of a changed entry its number, or that of the next."""
    places = [fault.where for fault in found.faults]
    if path.suffix == ".jsonl":
        first = int(path.stem)
        seq = first + data[:at].count(b"\n")
        near = {f"entry {seq}", f"entry {seq + 1}"}
        vouching = (str(path), str(path.with_suffix(".seal")), "checkpoint")
        assert any(any(one in where for one in near) for where in places) or any(where.endswith(vouching) for where in places), (at, places)
        assert any(str(path) in where or where.endswith(vouching) for where in places)
    else:
        assert any(str(path) in where for where in places), (path, at, places)


def test_a_byte_changed_in_a_pruned_log_is_found(tiny: Kept, tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    shutil.copytree(tiny.home.path, home.path)
    with AuditLog(home, clock=TestClock()) as log:
        assert len(prune(log, NOW + 1, "age", "ada", NOW)[0]) == 2
    folder = Path(home.log.folder)
    last = Path(home.log.segment(4))
    last.write_bytes(last.read_bytes().rstrip(b"\0"))
    assert verify_log(home.log, Wanted(depth=DEEP)).level == "signed"
    for path in files_that_prove(folder):
        data = path.read_bytes()
        for at in range(0, len(data), 1 if LONG else 7):
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
            assert verify_log(home.log, Wanted(depth=DEEP)).level == "broken", (path, at)
        path.write_bytes(data)


def test_what_proves_nothing_may_hold_anything(tiny: Kept, tmp_path: Path) -> None:
    f = tiny.copy(tmp_path / "log")
    for name in ("head", "lock", "sync.lock", "reserve"):
        path = Path(f.places.folder, name)
        path.write_bytes(random.Random(1).randbytes(5000))
    (Path(f.places.folder) / "writers").rename(Path(f.places.folder) / "gone")
    assert said(look(f, depth=THOROUGH), "signed")


def test_a_thief_of_an_earlier_time_cannot_sign_later(kept: Kept, tmp_path: Path) -> None:
    """Keys of epoch 1, copied in their time, say nothing in epoch 3, although the host's key is known too."""
    f = kept.copy(tmp_path / "log")
    f.edit(3, 1)
    f.rechain(3)
    f.put(3)
    f.sign(epoch=1)
    assert said(look(f), "audit.signature")
    # Nor a key of today for the size of yesterday.
    f = kept.copy(tmp_path / "other")
    f.sign(8, epoch=3)
    assert said(look(f), "audit.signature")
    f.sign(18, epoch=3)
    assert said(look(f), "signed")


@pytest.mark.parametrize("change", [lambda data: data[:11], lambda data: bytes([data[0] ^ 1]) + data[1:]], ids=["cut", "changed"])
def test_a_tile_that_is_ahead_of_the_entries_begins_with_theirs(change: Callable[[bytes], bytes], tiny: Kept, tmp_path: Path) -> None:
    """Attack: a tile with more hashes than there are entries. Proofs are made from it, and no entry is there to compare its end with."""
    f = tiny.copy(tmp_path / "log")
    reader = LogReader(f.places)
    data = b"".join(bytes.fromhex(reader.entry(seq).leaf) for seq in range(reader.last() + 1)) + bytes(32)
    ahead = Path(f.places.folder, "tile", "0", "000.p", str(len(data) // 32))
    ahead.write_bytes(data)
    assert said(look(f, depth=DEEP), "signed"), "a writer may be ahead of what is read"
    ahead.write_bytes(change(data))
    found = look(f, depth=DEEP)
    assert said(found, "audit.tile")
    assert str(ahead) in found.faults[0].where
