"""The log as all use it who record."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit import core as core_module
from mpp.host.audit.disk import Disk
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.salts import read_salt
from mpp.host.audit.verifying import DEEP, verify_log, Wanted
from mpp.host.home import Home
from mpp.ledger.tiles import Tile
from mpp.model.events import Event, salted
from mpp.model.jsontext import Json
from mpp.testing.packages import NOW, TestClock


class CountedDisk(Disk):
    def __init__(self) -> None:
        self.syncs = 0

    def sync(self, fd: int) -> None:
        self.syncs += 1
        super().sync(fd)


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(path=str(tmp_path / "home"))


def event(kind: str = "agent", number: int = 0, commit: dict[str, str] | None = None) -> Event:
    return Event(kind=kind, at=NOW, tenant="local", invocation=f"{number:032x}", body={"n": number}, commit=commit or {})


def test_nothing_is_made_before_the_first_event(place: Home) -> None:
    with AuditLog(place):
        pass
    assert not os.path.exists(place.path)


def test_no_event_is_no_entry(place: Home) -> None:
    with AuditLog(place) as log:
        assert log.record_all([], durable=True) == []
    assert not os.path.exists(place.path)


def test_what_is_told_is_where_it_is_said_to_be(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        refs = [log.record(event(number=1)), *log.record_all([event(number=2), event(number=3)], durable=True)]
    reader = LogReader(place.log)
    assert [ref.seq for ref in refs] == [1, 2, 3]
    assert [reader.entry(ref.seq).leaf for ref in refs] == [ref.leaf for ref in refs]
    assert [reader.entry(ref.seq).event.body["n"] for ref in refs] == [1, 2, 3]


def test_the_folder_is_its_owners_alone(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event(), durable=True)
    modes = {stat.S_IMODE(one.stat().st_mode) for one in Path(place.log.folder).rglob("*") if one.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(one.stat().st_mode) for one in Path(place.log.segments).iterdir()} == {0o600}


def test_a_log_goes_on_where_it_ended(place: Home) -> None:
    for number in range(3):
        with AuditLog(place, clock=TestClock()) as log:
            assert log.record(event(number=number)).seq == number + 1
    assert verify_log(place.log, Wanted(depth=DEEP)).covered.signed == 4


def test_a_log_that_was_closed_opens_again(place: Home) -> None:
    log = AuditLog(place, clock=TestClock())
    log.record(event("intent", 1))
    log.record(event("result", 1))
    log.close()
    log.close()
    assert log.record(event()).seq == 3
    log.close()


def test_two_logs_of_one_home_write_one_log(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as one, AuditLog(place, clock=TestClock()) as two:
        found = [log.record(event(number=number)).seq for number in range(5) for log in (one, two)]
        one.seal()
        assert two.record(event()).seq == 12
    assert found == list(range(1, 11))
    assert verify_log(place.log, Wanted(depth=DEEP)).level == "signed"


def test_an_entry_is_synced_once_and_a_checkpoint_comes_each_second(place: Home) -> None:
    disk, clock = CountedDisk(), TestClock()
    with AuditLog(place, clock=clock, disk=disk) as log:
        log.record(event(), durable=True)
        assert LogReader(place.log).checkpoint()[1].size == 2
        before = disk.syncs
        log.record(event(), durable=True)
        assert disk.syncs == before + 1
        assert LogReader(place.log).checkpoint()[1].size == 2
        clock.moment += 1
        log.record(event(), durable=True)
        assert LogReader(place.log).checkpoint()[1].size == 4
        # A clock that was set back signs once more.
        clock.moment -= 1000
        log.record(event(), durable=True)
        assert LogReader(place.log).checkpoint()[1].size == 5
        log.record(event())
        assert disk.syncs == before + 3
        log.checkpoint()
        assert disk.syncs == before + 4


def test_what_an_event_commits_to_opens_with_its_salt(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        plain, bound = log.record_all([event(), event(commit={"in": "ab" * 32})])
    reader = LogReader(place.log)
    assert reader.entry(bound.seq).event.commit == {"in": salted(read_salt(place.log, bound.seq), "in", "ab" * 32)}
    assert read_salt(place.log, plain.seq) == bytes(32)


def test_a_salt_that_ends_in_zeros_is_kept_whole(place: Home) -> None:
    class Zeros:
        def bytes(self, count: int) -> bytes:
            return (b"\x07" * 31 + b"\0") * (count // 32) if count >= 32 else b"\1" * count

    with AuditLog(place, clock=TestClock(), random=Zeros()) as log:
        ref = log.record(event(commit={"in": "ab" * 32}))
    assert read_salt(place.log, ref.seq) == b"\x07" * 31 + b"\0"


def test_an_event_that_cannot_be_written_leaves_nothing(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
        with pytest.raises(HostFailed) as caught:
            log.record_all([event(), Event(kind="agent", at=NOW, tenant="local", invocation="", body={"a": 1.5})])
        assert caught.value.code == "audit.event"
        assert log.record(event()).seq == 2


def test_who_tends_the_log_is_alone_with_it(place: Home) -> None:
    log = AuditLog(place, clock=TestClock())
    with log.held() as core:
        assert core.head.size == 1
    with pytest.raises(HostFailed) as caught, log.held():
        raise OSError(errno.EACCES, "not allowed", "somewhere")
    assert (caught.value.code, caught.value.faults[0].where) == ("audit.write", "somewhere")
    with pytest.raises(HostFailed) as caught, log.held():
        raise OSError(errno.EDQUOT, "quota")
    assert caught.value.code == "audit.full"
    log.close()


def test_a_checkpoint_that_finds_no_room_fails_no_entry(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = TestClock()
    with AuditLog(place, clock=clock) as log:
        log.record(event(), durable=True)
        clock.moment += 1

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "full")

        with monkeypatch.context() as patch:
            patch.setattr("mpp.host.audit.core.write_atomic", refuse)
            assert log.record(event(), durable=True).seq == 2

            def sick(*_: object) -> None:
                raise OSError(errno.EIO, "sick")

            patch.setattr("mpp.host.audit.core.write_atomic", sick)
            with pytest.raises(HostFailed) as caught:
                log.record(event(), durable=True)
            assert caught.value.code == "audit.write"
        log.record(event(), durable=True)
        assert LogReader(place.log).checkpoint()[1].size == 5


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostFailed):
        AuditLog(Home(path=str(tmp_path / "file" / "home"))).record(event())
    home = Home(path=str(tmp_path / "home"))
    (tmp_path / "home" / "audit" / "head").mkdir(parents=True)
    with pytest.raises(HostFailed) as caught:
        AuditLog(home).record(event())
    assert caught.value.code == "audit.write"


def test_a_writer_that_cannot_be_is_none(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a lock nor a file is left of the try."""
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "full")

        with monkeypatch.context() as patch:
            patch.setattr("mpp.host.audit.core.Core.append", refuse)
            (Path(place.log.writers) / "dead").write_bytes((1).to_bytes(8, "little"))
            patch.setattr("mpp.host.audit.writers.Left.interrupted", lambda _self, _now: iter([event("interrupted")]))
            with pytest.raises(HostFailed):
                log.record(event("intent", 1))
        assert os.listdir(place.log.writers) == ["dead"]
        log.record(event("intent", 1))
        assert "dead" not in os.listdir(place.log.writers)
        log.record(event("result", 1))


def test_a_child_of_a_fork_forgets_what_its_parent_had(place: Home) -> None:
    log = AuditLog(place, clock=TestClock())
    log.forget()
    log.record(event("intent", 1), durable=True)
    core, writer = log._core, log._writer
    log.forget()
    assert log._core is None
    assert core is not None
    assert writer is not None
    # The file of the writer stays for the parent, whose lock it is.
    assert os.listdir(place.log.writers) == [writer.id]
    assert log.record(event("result", 1)).seq == 2
    log.close()


def test_names_of_users_are_taken_out_of_each_event_of_a_batch(tmp_path: Path) -> None:
    user: dict[str, Json] = {"kind": "user", "name": "ada@example.com"}
    events = [event(number=number) for number in range(5)]
    events.append(replace(events[0], body={"behalf": [user]}))
    events.append(replace(events[0], body={"agent": {"behalf": [user, {"kind": "agent", "name": "b"}]}, "text": 'says "behalf":'}))
    with AuditLog(Home(path=str(tmp_path)), clock=TestClock()) as log:
        refs = log.record_all(events)
        assert all(log.record(one).seq > refs[-1].seq for one in events[-2:])
        entries = [LogReader(log.places).entry(ref.seq + after) for after in (0, 2) for ref in refs[-2:]]
    names = {entries[0].event.body["behalf"][0]["name"], entries[1].event.body["agent"]["behalf"][0]["name"]}  # type: ignore[call-overload,index]
    assert len(names) == 1
    assert not any(b"ada@" in path.read_bytes() for path in Path(log.places.segments).iterdir())
    assert [one.event.body for one in entries[:2]] == [one.event.body for one in entries[2:]]


class EarlyDisk(CountedDisk):
    """Notes in which order what happens."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []

    def append(self, fd: int, data: bytes, at: int) -> None:
        self.steps.append("line")
        super().append(fd, data, at)

    def begin_sync(self, fd: int, end: int) -> None:
        self.steps.append(f"begin {end}")
        super().begin_sync(fd, end)

    def sync(self, fd: int) -> None:
        self.steps.append("sync")
        super().sync(fd)


def test_who_waits_alone_has_the_disk_begin_early(place: Home) -> None:
    disk = EarlyDisk()
    with AuditLog(place, clock=TestClock(), disk=disk) as log:
        log.record(event(), durable=True)
        with log.held() as core:
            head = core.head
        disk.steps.clear()
        log.record(event(number=1), durable=True)
        assert disk.steps == ["line", f"begin {head.filled}", "sync"]
        # Who does not wait needs no haste, and many bytes go in one piece.
        disk.steps.clear()
        log.record(event(number=2))
        log.record_all([event(number=number) for number in range(60)], durable=True)
        assert disk.steps == ["line", "line", "sync"]
        # Where another writes too, one sync is for both.
        with AuditLog(place, clock=TestClock()) as other:
            other.record(event(number=3))
            disk.steps.clear()
            log.record(event(number=4), durable=True)
        assert disk.steps == ["line", "sync"]
    assert verify_log(place.log, Wanted(depth=DEEP)).faults == ()


def test_a_tile_that_becomes_full_is_there_before_its_last_line(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a reader, or a death, between an entry and the tile without which it has no proof."""
    disk = EarlyDisk()
    put_tile = core_module.put_tile

    def put(places: LogPlaces, tile: Tile, data: bytes) -> None:
        disk.steps.append(f"tile {tile.level}")
        put_tile(places, tile, data)

    with AuditLog(place, clock=TestClock(), disk=disk) as log:
        log.record_all([event(number=number) for number in range(254)], durable=True)
        disk.steps.clear()
        monkeypatch.setattr(core_module, "put_tile", put)
        log.record(event(number=254), durable=True)
        assert disk.steps == ["tile 0", "line", "sync"]
        log.record(event(number=255), durable=True)
        assert disk.steps[3:] == ["line", disk.steps[4], "sync"]
        assert disk.steps[4].startswith("begin ")
    assert verify_log(place.log, Wanted(depth=DEEP)).faults == ()


def test_a_segment_that_is_sealed_while_somebody_syncs_it_stays_open_for_them(place: Home) -> None:
    """Attack: a number that is given to another file in between, and a sync of that one."""
    held: list[int] = []

    class Sealing(CountedDisk):
        def sync(self, fd: int) -> None:
            if held == [-1]:
                held[:] = [fd]
                before = os.fstat(fd).st_ino
                log.seal()
                with open(os.devnull, "rb"):
                    assert os.fstat(fd).st_ino == before
            super().sync(fd)

    with AuditLog(place, clock=TestClock(), disk=Sealing()) as log:
        log.record(event(), durable=True)
        held.append(-1)
        ref = log.record(event(number=1), durable=True)
        assert held != [-1]
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(held[0])
        assert log.record(event(number=2), durable=True).seq == ref.seq + 2
    assert verify_log(place.log, Wanted(depth=DEEP)).faults == ()
