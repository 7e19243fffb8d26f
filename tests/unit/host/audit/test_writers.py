"""Who writes, who is gone, and which calls that leaves open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.host.audit import writers
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.writers import boot_id, started, Writer
from mpp.host.home import Home
from mpp.model.events import EntryRef, Event
from mpp.testing.packages import NOW, TestClock


def event(kind: str, number: int, **body: object) -> Event:
    return Event(kind=kind, at=NOW, tenant="local", invocation=f"{number:032x}", body=dict(body))  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(path=str(tmp_path))
    with AuditLog(found, clock=TestClock()) as log:
        log.record(event("agent", 0))
    return found


def begins(places: LogPlaces, size: int) -> dict[str, int]:
    left = Writer.left_by_the_dead(places, size, "")
    left.leave()
    return left._dead


def test_a_writer_that_lives_is_not_dead(home: Home) -> None:
    writer = Writer(home.log, 2)
    assert begins(home.log, 2) == {}
    writer.forget()
    assert begins(home.log, 2) == {writer.id: 2}


def test_each_writer_of_a_process_has_a_name(home: Home) -> None:
    one, two = Writer(home.log, 2), Writer(home.log, 2)
    assert two.id == one.id + "-1"
    assert one.id.split("-")[1] == str(os.getpid())
    one.close(2)
    two.close(2)
    assert os.listdir(home.log.writers) == []


def test_the_file_says_from_where_open_calls_may_stand(home: Home) -> None:
    writer = Writer(home.log, 2)
    writer.saw([event("intent", 1), event("agent", 1), event("intent", 2)], [EntryRef(2, ""), EntryRef(3, ""), EntryRef(4, "")], 5)
    writer.saw([event("result", 1)], [EntryRef(5, "")], 6)
    writer.saw([event("result", 9)], [EntryRef(6, "")], 7)
    writer.forget()
    assert begins(home.log, 9) == {writer.id: 4}


def test_a_result_that_is_not_on_the_disk_keeps_its_call_open(home: Home) -> None:
    writer = Writer(home.log, 2)
    writer.saw([event("intent", 1)], [EntryRef(2, "")], 3)
    writer.saw([event("result", 1)], [EntryRef(3, "")], 3)
    writer.close(3)
    assert begins(home.log, 4) == {writer.id: 2}
    later = Writer(home.log, 4)
    later.saw([event("intent", 1)], [EntryRef(4, "")], 5)
    later.saw([event("result", 1)], [EntryRef(5, "")], 5)
    later.close(6)
    assert list(begins(home.log, 6)) == [writer.id]


def test_who_ends_in_good_order_leaves_a_file_only_for_open_calls(home: Home) -> None:
    writer = Writer(home.log, 2)
    writer.saw([event("intent", 1)], [EntryRef(2, "")], 3)
    os.unlink(os.path.join(home.log.writers, writer.id))
    writer.close(3)
    other = Writer(home.log, 2)
    os.unlink(os.path.join(home.log.writers, other.id))
    other.close(2)
    assert os.listdir(home.log.writers) == []


def test_who_died_before_it_had_put_a_number_left_no_call(home: Home) -> None:
    folder = Path(home.log.writers)
    (folder / "empty").write_bytes(b"")
    (folder / "zeros").write_bytes(bytes(4096))
    assert begins(home.log, 7) == {"empty": 7, "zeros": 7}


def test_what_cannot_be_opened_is_passed_over(home: Home) -> None:
    (Path(home.log.writers) / "link").symlink_to("elsewhere")
    assert begins(home.log, 7) == {}


def test_calls_of_the_dead_are_closed_once(home: Home) -> None:
    def name_of(log: AuditLog) -> str:
        assert log._writer is not None
        return log._writer.id

    first = AuditLog(home, clock=TestClock())
    first.record_all([event("intent", 1, package="p", tool="t"), event("intent", 2), event("result", 2)])
    name = name_of(first)
    first.close()
    with AuditLog(home, clock=TestClock()) as log:
        # A text in an argument's name that looks like a kind ends nothing.
        log.record(event("agent", 1, note='"kind":"result"'))
        log.record(event("intent", 3), durable=True)
        log.record(event("result", 3))
    lines = Path(home.log.segment(0)).read_bytes().rstrip(b"\0").split(b"\n")[:-1]
    closed = [line for line in lines if b'"kind":"interrupted"' in line]
    assert len(closed) == 1
    assert b'"body":{"intent":2,"package":"p","tool":"t","writer":"%b"}' % name.encode() in closed[0]
    assert os.listdir(home.log.writers) == []
    with AuditLog(home, clock=TestClock()) as log:
        log.record(event("intent", 4))
        log.record(event("result", 4))
    assert Path(home.log.segment(0)).read_bytes().count(b'"kind":"interrupted"') == 1


def test_nobody_dead_leaves_nothing(home: Home) -> None:
    left = Writer.left_by_the_dead(home.log, 2, "")
    assert list(left.interrupted(NOW)) == []
    left.forget()


def test_a_writer_without_room_leaves_no_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left")

    monkeypatch.setattr("os.posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space"):
        Writer(home.log, 2)
    assert os.listdir(home.log.writers) == []


def test_names_where_the_system_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(boot_id()) == 16
    assert boot_id() == boot_id()
    assert started() > 0

    def refuse(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(writers, "open", refuse, raising=False)
    assert boot_id() != boot_id()
    assert started() == 0
