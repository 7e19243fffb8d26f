"""Segments that end, begin and begin again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError
from mpp.host.audit import core as core_module
from mpp.host.audit.epochs import read_key_file
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.tending import compress
from mpp.host.audit.verifying import DEEP, verify_log, Wanted
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.limits import SEGMENT_SECONDS_MAX
from mpp.testing.packages import NOW, TestClock


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(path=str(tmp_path / "home"))


def event(number: int = 0, kind: str = "agent", pad: str = "") -> Event:
    return Event(kind=kind, at=NOW, tenant="local", invocation=f"{number:032x}", body={"n": number, "pad": pad})


def kinds(home: Home) -> list[str]:
    return [one.event.kind for one in LogReader(home.log).entries()]


def firsts(home: Home) -> list[int]:
    return list(segment_files(home.log.segments))


def holds(home: Home) -> bool:
    found = verify_log(home.log, Wanted(depth=DEEP))
    assert found.faults == ()
    return found.level == "signed"


def other_boot(monkeypatch: pytest.MonkeyPatch, number: int = 1) -> None:
    monkeypatch.setattr("mpp.host.audit.log.boot_id", lambda: bytes([number] * 16))


def test_a_segment_ends_by_its_entries(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_module, "SEGMENT_ENTRIES_MAX", 4)
    with AuditLog(place, clock=TestClock()) as log:
        log.record_all([event(number) for number in range(9)])
    assert firsts(place) == [0, 4, 8, 12]
    assert kinds(place) == ["log", "agent", "agent", "epoch", "agent", "agent", "agent", "epoch", "agent", "agent", "agent", "epoch", "agent"]
    assert holds(place)


def test_a_segment_ends_by_its_bytes(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_module, "SEGMENT_BYTES_MAX", 3000)
    with AuditLog(place, clock=TestClock()) as log:
        log.record_all([event(number, pad="x" * 900) for number in range(6)])
    assert firsts(place) == [0, 5]
    assert holds(place)


def test_a_segment_ends_with_the_day(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = TestClock()
    with AuditLog(place, clock=clock) as log:
        log.record(event())
        clock.moment -= 500
        log.record(event())
        clock.moment = NOW + SEGMENT_SECONDS_MAX - 1
        log.record(event())
        assert firsts(place) == [0]
    # A start of the machine makes the day no longer.
    other_boot(monkeypatch)
    with AuditLog(place, clock=clock) as log:
        clock.moment += 1
        log.record(event())
    assert firsts(place) == [0, 5]
    assert holds(place)


def test_an_empty_segment_is_never_old(place: Home) -> None:
    clock = TestClock()
    with AuditLog(place, clock=clock) as log:
        log.seal()
        clock.moment += 2 * SEGMENT_SECONDS_MAX
        log.record(event())
    assert firsts(place) == [0, 2]


def test_the_private_half_is_gone_with_its_epoch(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
        before = Path(place.log.epoch_key).read_bytes()
        log.seal()
        found = read_key_file(place.log.epoch_key)
    assert found is not None
    assert (found.epoch, found.log_id) == (1, LogReader(place.log).entry(0).leaf)
    assert not os.path.exists(place.log.next_epoch_key)
    secret = before.split()[-1]
    assert not [one for one in Path(place.path).rglob("*") if one.is_file() and secret in one.read_bytes()]


def test_a_log_whose_first_segment_is_compressed_goes_on(place: Home) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
        log.seal()
        compress(place.log)
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
        log.seal()
    assert holds(place)


def test_a_log_may_follow_another(place: Home) -> None:
    os.makedirs(place.log.folder)
    Path(place.log.follows).write_bytes(b"ab" * 32)
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
    assert LogReader(place.log).entry(0).event.body["follows"] == "ab" * 32


def refused(log: AuditLog) -> tuple[str, str]:
    with pytest.raises(MppError) as caught:
        log.record(event())
    return caught.value.code, caught.value.faults[0].message


def sealed_twice(home: Home) -> None:
    with AuditLog(home, clock=TestClock()) as log:
        for number in range(2):
            log.record(event(number))
            log.seal()
        log.record(event())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("segments/0000000000000005.jsonl", "are gone"),
        ("segments/0000000000000003.seal", "a seal is gone"),
        ("segments/0000000000000003.*", "between two others"),
        ("segments/*", "its entries are gone"),
    ],
)
def test_files_that_are_gone_are_missed(name: str, words: str, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_twice(place)
    for path in Path(place.log.folder).glob(name):
        path.unlink()
    other_boot(monkeypatch)
    log = AuditLog(place, clock=TestClock())
    for _ in range(2):
        code, message = refused(log)
        assert code == "audit.broken"
        assert words in message


def test_a_newest_segment_without_bytes_is_missed(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_twice(place)
    path = Path(place.log.segment(5))
    path.rename(path.with_suffix(".kept"))
    other_boot(monkeypatch)
    assert refused(AuditLog(place, clock=TestClock())) == ("audit.broken", "the log does not hold: its newest segment is gone")


def test_a_key_that_is_gone_ends_the_log(place: Home) -> None:
    sealed_twice(place)
    os.unlink(place.log.epoch_key)
    log = AuditLog(place, clock=TestClock())
    with pytest.raises(HostFailed) as caught:
        log.checkpoint()
    assert caught.value.code == "audit.key"
    with pytest.raises(HostFailed):
        log.seal()
    log.close()


def test_a_next_key_that_was_exchanged_is_not_taken(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(place, clock=TestClock())
    log.record(event())

    def die(*_: object) -> None:
        raise OSError(errno.EIO, "sick")

    with monkeypatch.context() as patch:
        patch.setattr(core_module, "keep_tiles", die)
        with pytest.raises(HostFailed):
            log.seal()
    os.unlink(place.log.next_epoch_key)
    code, message = refused(log)
    assert code == "audit.broken"
    assert "key" in message


def test_text_that_looks_like_the_end_of_a_segment_ends_none(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event(pad='"kind":"epoch"'))
        log.record(Event(kind="agent", at=NOW, tenant="local", invocation="", body={"x": {"kind": "epoch"}}))
    other_boot(monkeypatch)
    with AuditLog(place, clock=TestClock()) as log:
        log.record(event())
    assert kinds(place) == ["log", "agent", "agent", "agent"]
    assert holds(place)


def test_a_first_line_that_nobody_can_read_keeps_no_segment_from_going_on(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a checkpoint the writer only follows the chain; what the entries say is for those who verify."""
    log = AuditLog(place, clock=TestClock())
    log.record(event())
    log._drop()
    path = Path(place.log.segment(0))
    path.write_bytes(path.read_bytes().split(b"\n")[0].replace(b'"format":1', b'"format":1e0') + b"\n")
    other_boot(monkeypatch)
    with AuditLog(place, clock=TestClock()) as log:
        with log.held() as core:
            assert core.head.began == NOW
        log._drop()


def test_a_disk_that_cannot_be_synced_while_a_log_begins(place: Home) -> None:
    from mpp.host.audit.disk import Disk

    class Sick(Disk):
        def sync(self, fd: int) -> None:
            raise OSError(errno.EIO, "sick")

    log = AuditLog(place, clock=TestClock(), disk=Sick())
    assert refused(log)[0] == "audit.write"
    assert refused(log)[0] == "audit.poisoned"
    log.close()


def test_a_disk_without_room_for_the_reserve_begins_no_log(place: Home) -> None:
    from mpp.host.audit.disk import Disk

    class Full(Disk):
        full = True

        def reserve(self, fd: int, size: int) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "full")
            super().reserve(fd, size)

    disk = Full()
    log = AuditLog(place, clock=TestClock(), disk=disk)
    assert refused(log)[0] == "audit.full"
    disk.full = False
    assert log.record(event()).seq == 1
    log.close()
    assert holds(place)


def fails_without_the_reserve(home: Home, real: object, wrap: bool) -> object:
    def step(*args: object, **more: object) -> object:
        if os.path.getsize(home.log.reserve):
            fault = OSError(errno.ENOSPC, "full")
            if wrap:
                try:
                    raise fault
                except OSError:
                    raise HostFailed("host.file", "cannot write the file", where="seal", hint="make room") from None
            raise fault
        return real(*args, **more)  # type: ignore[operator]

    return step


@pytest.mark.parametrize("step", ["keep_tiles", "write_atomic", "make_key"])
def test_a_segment_that_ends_on_a_full_disk_takes_the_reserve_for_results(step: str, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a disk filled up just before a segment ends, and results that find no next one."""
    monkeypatch.setattr(core_module, "SEGMENT_ENTRIES_MAX", 5)
    with AuditLog(place, clock=TestClock()) as log:
        log.record_all([event(number, "intent") for number in range(3)])
        with monkeypatch.context() as patch:
            patch.setattr(core_module, step, fails_without_the_reserve(place, getattr(core_module, step), step != "keep_tiles"))
            with pytest.raises(HostFailed) as caught:
                log.record(event(9, "intent"))
            assert caught.value.code == "audit.full"
            for number in range(3):
                log.record(event(number, "result"))
            assert os.path.getsize(place.log.reserve) == 0
        log.record(event(4, "intent"))
        assert os.path.getsize(place.log.reserve) > 0
        log.record(event(4, "result"))
    assert holds(place)
    assert kinds(place).count("epoch") >= 1
