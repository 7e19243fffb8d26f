"""T63, crashes and sick disks: writers die at every step, tails are torn at every byte, disks are full, broken or read only.

Spec: audit section 4.
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import recover
from mpp.host.audit.verifying import DEEP, THOROUGH, verify_log, Wanted
from mpp.host.home import Home
from mpp.testing.packages import TestClock
from tests.attack.dying import check, come_back, event, fast_folder, power_cut, run_and_die, Told
from tests.attack.sick_disks import FullDisk, NarrowDisk, outcome, SickDisk
from tests.attack.torn_tails import Tails

LONG = bool(os.environ.get("MPP_LONG_TESTS"))
"""All combinations instead of a spread of them."""

SEGMENT_ENTRIES = 6


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few entries: each scenario passes several seals."""
    monkeypatch.setattr("mpp.host.audit.core.SEGMENT_ENTRIES_MAX", SEGMENT_ENTRIES)
    monkeypatch.setattr("mpp.host.audit.core.ROOM_BYTES", 4096)
    monkeypatch.setattr("mpp.host.audit.core.RESERVE_BYTES", 65536)


@pytest.fixture
def base() -> Iterator[Path]:
    found = fast_folder()
    yield found
    shutil.rmtree(found)


@pytest.fixture
def place(base: Path) -> Home:
    return Home(path=str(base / "home"))


def scenario(home: Home, told: Told) -> None:
    """From nothing over three seals to the last checkpoint; the third call never ends."""
    log = AuditLog(home, clock=TestClock())
    for number in range(9):
        durable = number % 2 == 0
        kind = ("intent", "result", "agent")[number % 3]
        told(log.record(event(kind, number // 3, pad="x" * 200), durable=durable), durable)
    told(log.record(event("intent", 50), durable=True), True)
    for ref in log.record_all([event(number=number) for number in range(5)], durable=True):
        told(ref, True)
    log.close()


def go_on(home: Home, told: Told) -> None:
    """The next process after a death; it may die as well."""
    with AuditLog(home, clock=TestClock()) as log:
        told(log.record(event("intent", 60), durable=True), True)
        told(log.record(event("result", 60)), False)


def anew(base: Path) -> tuple[Home, Path]:
    for name in ("home", "shadow"):
        shutil.rmtree(base / name, ignore_errors=True)
    (base / "shadow").mkdir()
    return Home(path=str(base / "home")), base / "shadow"


# -- deaths


def test_a_kill_at_every_step_loses_nothing(small: None, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = anew(base)
    steps = run_and_die(home, scenario, 10**9).steps
    assert steps > 150
    for at in range(steps):
        home, _ = anew(base)
        death = run_and_die(home, scenario, at)
        assert death.killed
        kinds = check(home, come_back(home, monkeypatch), death.acked)
        # A whole write, or none: nothing is torn.
        assert kinds["torn"] == 0, at


def test_a_kill_in_the_middle_of_every_write(small: None, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = anew(base)
    writes = run_and_die(home, scenario, 10**9).writes
    torn = 0
    for at in writes:
        home, _ = anew(base)
        death = run_and_die(home, scenario, at, half=True)
        torn += check(home, come_back(home, monkeypatch), death.acked)["torn"]
    assert torn >= 10


def test_a_power_cut_at_every_step_loses_nothing_durable(small: None, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, shadow = anew(base)
    steps = run_and_die(home, scenario, 10**9, shadow=shadow).steps
    torn = 0
    for at in range(0, steps, 1 if LONG else 2):
        home, shadow = anew(base)
        death = run_and_die(home, scenario, at, shadow=shadow)
        power_cut(home, shadow, at)
        verdict = come_back(home, monkeypatch, boot=hashlib.md5(b"%d" % at).digest())
        torn += check(home, verdict, [one for one in death.acked if one.durable])["torn"]
    assert torn > 0


def test_who_mends_may_die_at_every_step_too(small: None, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = anew(base)
    whole = run_and_die(home, scenario, 10**9)
    for at in whole.writes[:: 1 if LONG else 9]:
        second, lives = 0, False
        while not lives:
            home, _ = anew(base)
            first = run_and_die(home, scenario, at, half=True)
            then = run_and_die(home, go_on, second)
            lives = not then.killed
            kinds = check(home, come_back(home, monkeypatch), [*first.acked, *then.acked])
            # What was set aside is told, whoever died in between.
            aside = list(Path(home.log.torn).glob("*")) if os.path.isdir(home.log.torn) else []
            assert [one.suffix for one in aside if one.suffix != ".tmp"] == [".bin"] * len({one.name for one in aside if one.suffix != ".tmp"})
            assert (kinds["torn"] >= 1) == any(one.suffix == ".bin" for one in aside)
            second += 1 if LONG else 2


# -- torn tails


@pytest.mark.parametrize("tail", ["cut", "zeros", "noise"])
def test_a_tail_torn_at_every_byte_is_set_aside_and_told(tail: str, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    tails, noise = Tails(place, monkeypatch), random.Random(1)
    size = len(tails.data)
    assert size - tails.below > 4096
    shift = ("cut", "zeros", "noise").index(tail)
    for at in range(size - 4096 + shift, size, 1 if LONG else 3):
        behind = {"cut": b"", "zeros": bytes(at % 300), "noise": noise.randbytes(1 + at % 200) + b"\n"}[tail]
        found = tails.mended(tails.data[:at] + behind)
        whole = tails.data[:at].rfind(b"\n") + 1
        rest = (tails.data[whole:at] + behind).rstrip(b"\0")
        assert found[:whole] == tails.data[:whole]
        told = found[whole:]
        if not rest:
            assert told == b"", at
            continue
        digest = hashlib.sha256(rest).hexdigest()
        assert told.count(b"\n") == 1
        assert b'"body":{"bytes":%d,"offset":%d,"sha256":"%s"}' % (len(rest), whole, digest.encode()) in told
        aside = Path(place.log.torn, f"{digest[:32]}.bin")
        assert aside.read_bytes() == rest
        aside.unlink()
        if at % 97 == 0:
            assert verify_log(place.log, Wanted(depth=THOROUGH)).faults == ()


def test_a_byte_changed_under_the_checkpoint_is_never_healed(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    tails = Tails(place, monkeypatch)
    for at in range(0, tails.below, 1 if LONG else 3):
        data = bytearray(tails.data)
        data[at] ^= 1 + at % 255
        log = tails.wake(bytes(data))
        for _ in range(2):
            # Also the second try, which no longer has what the first one found in memory.
            with pytest.raises(MppError) as caught:
                log.record(event(), durable=True)
            assert caught.value.code == "audit.broken"
        log._drop()
        assert tails.path.read_bytes() == bytes(data)
    assert tails.mended(tails.data) == tails.data


def test_what_this_machine_knows_to_be_durable_is_never_cut(place: Home) -> None:
    """Without a start in between the page of the writers knows more than the checkpoint."""
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event(number=1), durable=True)
        log.record(event(number=2), durable=True)
        path = Path(place.log.segment(0))
        data = path.read_bytes()
        line = data.rindex(b'{"event"')
        Path(place.log.checkpoint).unlink()
        path.write_bytes(data[:line])
        log._core.head.dirty = True
        for _ in range(2):
            with pytest.raises(MppError) as caught:
                log.record(event())
            assert caught.value.code == "audit.broken"
        path.write_bytes(data)
        log.record(event())
    assert verify_log(place.log, Wanted(depth=DEEP)).level == "signed"


@pytest.mark.parametrize("same_boot", [True, False])
def test_the_open_segment_removed_whole_is_not_passed_over(same_boot: bool, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: the end of the log taken away with its file, and a host that signs a new end over the hole."""
    tails = Tails(place, monkeypatch)
    log = AuditLog(place, clock=TestClock()) if same_boot else tails.wake(tails.data)
    tails.path.unlink()
    for _ in range(2):
        with pytest.raises(MppError) as caught:
            log.record(event())
        assert caught.value.code == "audit.broken"


def test_a_segment_cut_while_nobody_wrote_is_seen_by_the_next(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        log.record_all([event(number=number) for number in range(5)], durable=True)
    path = Path(place.log.segment(0))
    data = path.read_bytes()
    path.write_bytes(data[:300])
    with AuditLog(place, clock=TestClock()) as log, pytest.raises(MppError) as caught:
        log.record(event())
    assert caught.value.code == "audit.broken"


def test_entry_0_that_is_not_whole_is_set_aside_and_the_log_begins(place: Home) -> None:
    log = AuditLog(place, clock=TestClock())
    log.record(event())
    log._drop()
    path = Path(place.log.segment(0))
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(data[:100])
    Path(place.log.head).unlink()
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
    found = verify_log(place.log, Wanted(depth=THOROUGH))
    assert found.faults == ()
    assert [one.event.kind for one in LogReader(place.log).entries()] == ["log", "torn", "agent"]
    assert [one.read_bytes() for one in Path(place.log.torn).iterdir()] == [data[:100]]


# -- full disks


@pytest.mark.parametrize("part", [False, True])
def test_a_disk_full_at_every_call_keeps_the_ends_of_running_calls(part: bool, small: None, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.audit.core.ROOM_BYTES", 16)
    at, is_reached, refused = 0, True, 0
    while is_reached:
        home, _ = anew(base)
        disk = FullDisk(part=part)
        log = AuditLog(home, clock=TestClock(), disk=disk)
        assert outcome(log, "intent", 1) == "ok"
        assert outcome(log, "intent", 2) == "ok"
        disk.at, disk.calls = at, 0
        found = [outcome(log, "intent", number) for number in range(3, 7)]
        is_reached = "audit.full" in found
        refused += found.count("audit.full")
        assert set(found) <= {"ok", "audit.full"}
        # What runs ends, whatever the disk says, and over the end of a segment too.
        running = [1, 2, *(number for number in range(3, 7) if found[number - 3] == "ok")]
        for number in running:
            assert outcome(log, "result", number) == "ok"
        disk.error = 0
        assert outcome(log, "intent", 8) == "ok"
        assert outcome(log, "result", 8) == "ok"
        assert os.path.getsize(home.log.reserve) == 65536
        log.close()
        verdict = verify_log(home.log, Wanted(depth=THOROUGH))
        assert (verdict.faults, verdict.notes, verdict.level) == ((), (), "signed"), at
        at += 1
    assert at > 4
    assert refused > 10


def test_ends_that_become_full_in_the_middle_of_a_tile_leave_the_tree_right(base: Path) -> None:
    """Attack: a disk that is full just where a tile ends, and hashes of the failed try over those of the tile."""
    home, _ = anew(base)
    disk = FullDisk()
    with AuditLog(home, clock=TestClock(), disk=disk) as log:
        log.record_all([event(number=number) for number in range(250)])
        log.record(event("intent", 1), durable=True)
        disk.only, disk.at, disk.calls = frozenset(("append", "reserve")), 0, 0
        log.record_all([event("result", number) for number in range(20)])
        disk.error = 0
        log.record(event("intent", 2), durable=True)
    verdict = verify_log(home.log, Wanted(depth=DEEP))
    assert verdict.faults == ()
    assert verdict.covered.signed == 273


def test_an_attempt_that_finds_no_room_leaves_none_of_it_taken(place: Home) -> None:
    """Attack: calls asked for again and again, which eat up what the results of running calls need."""

    class Greedy(FullDisk):
        def reserve(self, fd: int, size: int) -> None:
            # As some file systems do: what was found before the room ended stays taken.
            if self.error and self.was_full:
                os.ftruncate(fd, size // 2)
            super().reserve(fd, size)

    disk = Greedy()
    with AuditLog(place, clock=TestClock(), disk=disk) as log:
        assert outcome(log, "intent", 1) == "ok"
        disk.at, disk.calls = 0, 0
        assert outcome(log, "result", 1) == "ok"
        disk.calls = 0
        assert [outcome(log, "intent", 2) for _ in range(3)] == ["audit.full"] * 3
        assert os.path.getsize(place.log.reserve) == 0
        disk.error = 0


def test_the_reserve_goes_into_entries_and_not_into_room_for_them(place: Home) -> None:
    """Attack: a disk filled up by others, and zeros for the next entries that take what the ends of running calls need."""
    disk = NarrowDisk()
    with AuditLog(place, clock=TestClock(), disk=disk) as log:
        for number in range(500):
            assert outcome(log, "intent", number) == "ok"
        with log.held() as core:
            head = core.head
            # The room is used up, but for less than an entry.
            disk.cut(core.segment.fd, head.filled + 10)
            head.room = head.filled + 10
        disk.left = 0
        assert outcome(log, "intent", 600) == "audit.full"
        assert [outcome(log, "result", number) for number in range(500)] == ["ok"] * 500
        assert head.full
        assert outcome(log, "intent", 601) == "audit.full"
        disk.left = 1 << 40
        assert outcome(log, "intent", 602) == "ok"
        assert head.room - head.filled > 4096
    assert verify_log(place.log, Wanted(depth=THOROUGH)).faults == ()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB of the test's own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_file_system_that_is_really_full(tiny: Path) -> None:
    home = Home(path=str(tiny / "home"))
    log = AuditLog(home, clock=TestClock())
    assert outcome(log, "intent", 0) == "ok"
    filler = tiny / "filler"
    with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(bytes(4096))
    running = [0]
    for number in range(1, 3000):
        found = outcome(log, "intent", number)
        if found == "audit.full":
            break
        assert found == "ok"
        running.append(number)
    # What was put there in advance still takes some entries; then no call begins any more.
    assert len(running) < 2999
    for number in running:
        assert outcome(log, "result", number) == "ok"
    assert outcome(log, "intent", 4000) == "audit.full"
    filler.unlink()
    assert outcome(log, "intent", 5000) == "ok"
    assert outcome(log, "result", 5000) == "ok"
    log.close()
    verdict = verify_log(home.log, Wanted(depth=THOROUGH))
    assert (verdict.faults, verdict.notes, verdict.level) == ((), (), "signed")


def test_a_file_system_that_may_only_be_read(tiny: Path) -> None:
    home = Home(path=str(tiny / "home"))
    with AuditLog(home, clock=TestClock()) as log:
        log.record(event())
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    assert outcome(AuditLog(home, clock=TestClock()), "intent", 1) == "audit.write"
    # To look at it needs no leave to write.
    assert verify_log(home.log, Wanted(depth=THOROUGH)).level == "signed"
    subprocess.run(["mount", "-o", "remount,rw", tiny], check=True)
    with AuditLog(home, clock=TestClock()) as log:
        assert outcome(log, "refused", 1) == "ok"


# -- broken disks


def segments(home: Home) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in Path(home.log.segments).iterdir()}


@pytest.mark.parametrize("part", [False, True])
def test_an_error_of_the_disk_at_every_call_poisons_the_log_for_all(part: bool, small: None, base: Path) -> None:
    at = 0
    while True:
        home, _ = anew(base)
        disk = SickDisk(part=part)
        log = AuditLog(home, clock=TestClock(), disk=disk)
        assert outcome(log, "intent", 1) == "ok"
        disk.at, disk.calls, disk.error = at, 0, errno.EIO
        found = [outcome(log, "result" if number == 1 else "agent", number) for number in range(1, 6)]
        if "audit.write" not in found:
            log.close()
            break
        broken = found.index("audit.write")
        assert found[:broken] == ["ok"] * broken
        assert set(found[broken + 1 :]) <= {"audit.poisoned"}
        # The disk is well again, and says so; what it dropped in between it does not say.
        disk.error = 0
        before = segments(home)
        for one in (log, AuditLog(home, clock=TestClock())):
            assert outcome(one, "result", 1) == "audit.poisoned"
            assert outcome(one, "intent", 2) == "audit.poisoned"
            one.close()
        assert segments(home) == before
        with AuditLog(home, clock=TestClock()) as again:
            assert recover(again) == errno.EIO
            assert outcome(again, "intent", 3) == "ok"
            assert outcome(again, "result", 3) == "ok"
        verdict = verify_log(home.log, Wanted(depth=DEEP))
        assert (verdict.faults, verdict.level) == ((), "signed"), at
        at += 1
    assert at > 3


def test_a_sync_that_fails_once_is_believed_for_ever(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SickDisk()
    log = AuditLog(place, clock=TestClock(), disk=disk)
    assert outcome(log, "refused", 1) == "ok"
    disk.at, disk.calls, disk.error, disk.only = 0, 0, errno.EIO, frozenset(("sync",))
    assert outcome(log, "intent", 1) == "audit.write"
    disk.error = 0
    assert outcome(log, "refused", 2) == "audit.poisoned"
    log.close()
    # Not even a start of the machine takes it away.
    monkeypatch.setattr("mpp.host.audit.log.boot_id", lambda: b"another boot id.")
    log = AuditLog(place, clock=TestClock())
    assert outcome(log, "refused", 3) == "audit.poisoned"
    recover(log)
    assert outcome(log, "refused", 4) == "ok"
    log.close()


def test_a_seal_that_could_not_be_finished_is_finished_by_the_next(small: None, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: an entry behind the last one of a segment, because its seal failed half way."""
    log = AuditLog(place, clock=TestClock())
    for number in range(4):
        log.record(event(number=number))

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "sick")

    with monkeypatch.context() as patch:
        patch.setattr("mpp.host.audit.core.keep_tiles", refuse)
        assert outcome(log, "refused", 5) == "audit.write"
        assert outcome(log, "refused", 6) == "audit.write"
    assert outcome(log, "refused", 7) == "ok"
    log.close()
    assert verify_log(place.log, Wanted(depth=DEEP)).level == "signed"
    assert [one.event.kind for one in LogReader(place.log).entries()] == ["log", *["agent"] * 4, "epoch", "refused"]


def without(path: Path) -> None:
    path.unlink()


def other(path: Path) -> None:
    path.write_bytes(bytes(32) + path.read_bytes()[32:])


def short(path: Path) -> None:
    path.write_bytes(b"x")


@pytest.mark.parametrize("harm", [without, other, short])
def test_a_tile_that_was_changed_or_lost_is_made_anew(harm: Callable[[Path], None], place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a changed tile under the next tree, and a host that signs its root."""
    tails = Tails(place, monkeypatch)
    kept = Path(place.log.folder, "tile/0/000.p/3")
    whole = kept.read_bytes()
    harm(kept)
    with tails.wake(tails.data) as log:
        log.record(event())
    verdict = verify_log(place.log, Wanted(depth=DEEP))
    assert {one.where for one in verdict.faults} <= {str(kept)}
    kept.write_bytes(whole)
    verdict = verify_log(place.log, Wanted(depth=DEEP))
    assert (verdict.faults, verdict.level) == ((), "signed")
