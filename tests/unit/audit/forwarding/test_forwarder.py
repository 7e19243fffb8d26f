"""At least once, in order, one batch at a time: whatever the target answers, and wherever it is killed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.host.audit.forwarding import dead as dead_module
from mpp.host.audit.forwarding import forwarder as forwarder_module
from mpp.host.audit.forwarding.answers import Answer, LATER, REFUSED, YES
from mpp.host.audit.forwarding.backoff import Backoff
from mpp.host.audit.forwarding.cursor import Cursor, read_cursor, write_cursor
from mpp.host.audit.forwarding.dead import bury, Dead, PRUNED, read_dead
from mpp.host.audit.forwarding.forwarder import alone, is_busy
from mpp.host.audit.forwarding.retrying import retry_dead
from mpp.model.events import Event
from mpp.stages.audit.forward import ForwardRecord, to_jsonl
from tests.unit.audit.forwarding.conftest import AT, Halves, Scripted, World

DOWN = Answer(kind=LATER, why="Connection refused")
NO = Answer(kind=REFUSED, why="it answers 400 bad\nrecord")


def test_everything_goes_once_and_in_order(world: World) -> None:
    world.put(25)
    target = Scripted()
    assert world.forwarder(target, entries=10).run() == (26, 0)
    assert target.sent == list(range(26))
    assert [len(batch) for batch in target.batches] == [10, 10, 6]
    found = read_cursor(world.places.cursor("siem"))
    assert found is not None
    assert (found.seq, found.leaf, found.origin) == (25, world.source.entry(25).leaf, world.source.origin())
    # Nothing is new, so nothing is sent; then only what is.
    assert world.forwarder(Scripted()).run() == (0, 0)
    world.put(2)
    again = Scripted()
    world.forwarder(again).run()
    assert again.sent == [26, 27]


def test_a_batch_is_bounded_in_bytes(world: World) -> None:
    world.put(10)
    target = Scripted()
    world.forwarder(target, batch_bytes=1).run()
    assert [len(batch) for batch in target.batches] == [1] * 11


def test_an_empty_log_sends_nothing(world: World) -> None:
    assert world.forwarder(Scripted()).run() == (0, 0)
    assert not os.path.exists(world.home.log.segments)


def test_what_is_down_gets_it_later_and_in_order(world: World) -> None:
    world.put(5)
    target = Scripted([DOWN, DOWN, DOWN])
    assert world.forwarder(target, entries=3).run() == (6, 0)
    assert target.batches == [[0, 1, 2]] * 4 + [[3, 4, 5]]
    assert world.waited == [1, 2, 4]
    assert world.said == ["siem: Connection refused; trying again", "siem: it answers again"]


def test_a_run_that_is_to_end_gives_up_and_loses_nothing(world: World) -> None:
    world.put(5)
    target = Scripted([YES, *[DOWN] * 5])
    with pytest.raises(RemoteFailed) as caught:
        world.forwarder(target, entries=3).run()
    assert caught.value.code == "remote.forward"
    assert len(target.batches) == 6
    rest = Scripted()
    world.forwarder(rest).run()
    assert rest.sent == [3, 4, 5]


def test_a_follower_waits_as_long_as_it_takes(world: World) -> None:
    world.put(1)
    target = Scripted([DOWN] * 40)
    world.pauses = 41
    assert world.forwarder(target, follow=True).run() == (2, 0)
    assert max(world.waited) == 60


def test_a_follower_sends_what_comes_and_ends_when_asked(world: World) -> None:
    world.put(1)
    target = Scripted()
    world.pauses = 4
    world.on_pause = lambda: world.put(1)
    world.forwarder(target, follow=True, poll=7).run()
    assert target.batches == [[0, 1], [2], [3], [4]]
    assert world.waited == [7] * 4


def test_asked_to_stop_while_it_waits(world: World) -> None:
    world.put(1)
    world.pauses = 1
    assert world.forwarder(Scripted([DOWN]), follow=True).run() == (0, 0)
    assert read_cursor(world.places.cursor("siem")) is None


def test_it_waits_as_long_as_the_target_asks(world: World) -> None:
    world.put(1)
    world.forwarder(Scripted([Answer(kind=LATER, why="it answers 503", after=120)])).run()
    assert world.waited == [120]


def test_one_record_that_is_refused_does_not_stop_the_others(world: World) -> None:
    world.put(9)
    target = Scripted()
    target.judge = lambda seqs: NO if 4 in seqs else YES
    assert world.forwarder(target).run() == (9, 1)
    # In order, and the cursor is never ahead: 0-4 refused, 0-1, 2-4, 2, 3-4, 3, 4, 5-9.
    taken = [batch for batch in target.batches if 4 not in batch]
    assert [seq for batch in taken for seq in batch] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    (letter,) = read_dead(world.places.dead("siem"))
    assert (letter.seq, letter.last, letter.leaf, letter.at) == (4, 4, world.source.entry(4).leaf, AT)
    assert letter.why == "it answers 400 bad\\x0arecord"
    found = read_cursor(world.places.cursor("siem"))
    assert found is not None
    assert found.seq == 9


def test_what_cannot_be_written_is_a_dead_letter(world: World) -> None:
    world.put(3)

    def encode(record: ForwardRecord) -> bytes:
        if record.seq == 2:
            raise Refused("audit.size", "too long")
        return to_jsonl(record)

    target = Scripted()
    assert world.forwarder(target, encode=encode).run() == (3, 1)
    assert target.batches == [[0, 1], [3]]
    assert "cannot be written" in read_dead(world.places.dead("siem"))[0].why


def test_a_target_that_refuses_everything_is_asked_again_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack of oneself: a wrong address that answers 400. It does not make dead letters of the whole record."""
    world.put(30)
    monkeypatch.setattr(forwarder_module, "REFUSED_IN_A_ROW_MAX", 8)
    wrong = Scripted()
    wrong.judge = lambda _: NO
    with pytest.raises(RemoteFailed) as caught:
        world.forwarder(wrong).run()
    assert "it refuses everything" in caught.value.message
    assert len(read_dead(world.places.dead("siem"))) == 8
    # Mended, it goes on where it was; and a few refusals far from each other never add up.
    mended = Scripted()
    mended.judge = lambda seqs: NO if any(seq % 2 for seq in seqs) else YES
    assert world.forwarder(mended).run() == (12, 11)


def test_a_kill_sends_a_batch_again_and_leaves_nothing_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between the yes of the target and the cursor: duplicates, each with the same number and hash."""
    world.put(6)

    class Killed(BaseException):
        pass

    def die(path: str, cursor: Cursor) -> None:
        raise Killed

    target = Scripted()
    with monkeypatch.context() as patch:
        patch.setattr("mpp.host.audit.forwarding.forwarder.write_cursor", die)
        with pytest.raises(Killed):
            world.forwarder(target, entries=4).run()
    world.forwarder(target, entries=4).run()
    assert target.batches == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6]]


# -- the cursor and the log


def test_a_cursor_of_another_log_is_refused(world: World, tmp_path: Path) -> None:
    """Attack: a log of its own in the place of the one that was sent."""
    world.put(3)
    world.forwarder(Scripted()).run()
    other = World(tmp_path / "other")
    other.put(9)
    shutil.copy(world.places.cursor("siem"), other.places.cursor("siem"))
    refused(other, "another log")
    other.log.close()


def test_a_cursor_ahead_of_the_log_is_refused(world: World) -> None:
    world.put(3)
    write_cursor(world.places.cursor("siem"), Cursor(origin=world.source.origin(), seq=17, leaf="a" * 64))
    refused(world, "ends before entry 17")


def test_a_cursor_at_another_entry_is_refused(world: World) -> None:
    """Attack: the end of the log cut off and written anew. The hash does not fit, whether new entries follow or not."""
    world.put(3)
    write_cursor(world.places.cursor("siem"), Cursor(origin=world.source.origin(), seq=2, leaf="a" * 64))
    refused(world, "entry 2 is not the one")
    write_cursor(world.places.cursor("siem"), Cursor(origin=world.source.origin(), seq=3, leaf="a" * 64))
    refused(world, "entry 3 is not the one")


def test_a_cursor_of_a_log_that_is_gone_is_refused(world: World) -> None:
    write_cursor(world.places.cursor("siem"), Cursor(origin="mpp-audit/" + "0" * 32, seq=2, leaf="a" * 64))
    refused(world, "another log")


def refused(world: World, words: str) -> None:
    target = Scripted()
    with pytest.raises(Refused) as caught:
        world.forwarder(target).run()
    assert (caught.value.code, words in caught.value.message, "reset" in caught.value.hint) == ("audit.cursor", True, True)
    assert target.batches == []


def test_a_log_that_does_not_chain_is_not_sent_on(world: World) -> None:
    world.put(5)
    world.log.close()
    path = world.home.log.segment(0)
    data = Path(path).read_bytes().replace(b'"n":2', b'"n":7')
    Path(path).write_bytes(data)
    target = Scripted()
    with pytest.raises(Refused) as caught:
        world.forwarder(target).run()
    assert caught.value.code == "audit.chain"
    # What was read before it does not go out either, and comes when the log is mended.
    assert target.sent == []


def test_only_what_is_signed_goes_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack of a power cut: what was sent and then is not in the log."""
    world.put(3)
    world.log.checkpoint()
    size = world.source.size()
    world.log.record_all([Event(kind="stop", at=AT, tenant="t", invocation="", body={})])
    assert world.source.last() == size

    def fail() -> None:
        raise HostFailed("audit.poisoned", "the disk", where="x")

    target = Scripted()
    with monkeypatch.context() as patch:
        patch.setattr(world.log, "checkpoint", fail)
        assert world.forwarder(target).run() == (size, 0)
    assert world.said == ["siem: the newest entries wait, because the log cannot be signed: the disk"]
    world.forwarder(target).run()
    assert target.sent == list(range(size + 1))


def test_pruned_entries_are_said_to_be_missing(world: World) -> None:
    world.put(3)
    world.log.seal()
    world.put(2)
    world.log.checkpoint()
    os.unlink(world.home.log.segment(0))
    target = Scripted()
    assert world.forwarder(target).run() == (2, 1)
    assert target.sent == [5, 6]
    (letter,) = read_dead(world.places.dead("siem"))
    assert (letter.seq, letter.last, letter.why, letter.is_gap) == (0, 4, PRUNED, True)
    assert world.said == ["siem: the entries 0 to 4 were pruned before they were forwarded"]
    # And on behind the gap, by the hash that stands in the tiles.
    world.put(1)
    world.forwarder(target).run()
    assert target.sent == [5, 6, 7]


def test_all_that_is_left_was_pruned(world: World) -> None:
    world.put(3)
    world.log.seal()
    world.log.checkpoint()
    first = [name for name in os.listdir(world.home.log.segments) if name.endswith(".jsonl")]
    for name in first:
        os.unlink(os.path.join(world.home.log.segments, name))
    assert world.forwarder(Scripted()).run() == (0, 1)
    # The cursor stands at an entry that is gone; its hash is in the tiles.
    assert world.forwarder(Scripted()).run() == (0, 0)


# -- dead letters


def letter(seq: int, why: str = "no") -> Dead:
    return Dead(at=AT, origin="o", seq=seq, last=seq, leaf="a" * 64, why=why)


def test_dead_letters_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(5)
    monkeypatch.setattr(dead_module, "DEAD_BYTES_MAX", 400)
    target = Scripted()
    target.judge = lambda _: NO
    with pytest.raises(HostFailed) as caught:
        world.forwarder(target).run()
    assert caught.value.code == "audit.forward_dead"
    found = read_cursor(world.places.cursor("siem"))
    assert found is not None
    # Each entry behind the cursor is on record; the next one waits.
    assert [one.seq for one in read_dead(world.places.dead("siem"))] == list(range(found.seq + 1))


def test_a_torn_dead_letter_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = str(tmp_path / "x.dead.jsonl")
    bury(path, letter(1))
    with open(path, "ab") as stream:
        stream.write(b'{"mpp_dead":1,"at":')
    bury(path, letter(2))
    bury(path, letter(1, "again"))
    assert [(one.seq, one.why) for one in read_dead(path)] == [(1, "again"), (2, "no")]


def test_a_dead_letter_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(HostFailed):
        bury(str(tmp_path / "none" / "x"), letter(1))


def test_retrying_dead_letters(world: World) -> None:
    world.put(6)
    target = Scripted()
    target.judge = lambda seqs: NO if {2, 4} & set(seqs) else YES
    world.forwarder(target).run()
    path = world.places.dead("siem")
    bury(path, Dead(at=AT, origin=world.source.origin(), seq=100, last=120, leaf="a" * 64, why=PRUNED))
    bury(path, Dead(at=AT, origin=world.source.origin(), seq=3, last=3, leaf="b" * 64, why="of another log"))
    bury(path, Dead(at=AT, origin=world.source.origin(), seq=99, last=99, leaf="b" * 64, why="no longer there"))
    mended = Scripted()
    mended.judge = lambda seqs: Answer(kind=REFUSED, why="still no") if seqs == [4] else YES
    found = retry_dead("siem", world.places, world.source, mended, to_jsonl)
    assert found.taken == 1
    assert [(one.seq, one.why) for one in read_dead(path)] == [(3, "of another log"), (4, "still no"), (99, "no longer there"), (100, PRUNED)]
    with pytest.raises(RemoteFailed):
        retry_dead("siem", world.places, world.source, Scripted([DOWN]), to_jsonl)
    assert len(read_dead(path)) == 4


def test_a_damaged_dead_letter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(json.dumps({"mpp_dead": 2}) + "\n")
    with pytest.raises(MppError):
        read_dead(str(path))


# -- small parts


def test_one_forwarder_for_each_target(world: World) -> None:
    assert not is_busy(world.places, "siem")
    with alone(world.places, "siem"):
        assert is_busy(world.places, "siem")
        with alone(world.places, "other"), pytest.raises(HostFailed) as caught, alone(world.places, "siem"):
            pass
    assert caught.value.code == "audit.forward_busy"
    assert not is_busy(world.places, "siem")


def test_the_wait_grows_and_ends() -> None:
    backoff = Backoff(least=2, most=30)
    assert [backoff.seconds(tries, Halves()) for tries in (1, 2, 3, 4, 5, 6, 10**6)] == [2, 4, 8, 16, 30, 30, 30]

    class Low:
        def bytes(self, count: int) -> bytes:
            return bytes(count)

    assert backoff.seconds(1, Low()) == 1


def test_a_damaged_cursor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.cursor"
    path.write_text('{"mpp_cursor":1,"origin":"o","seq":-1,"leaf":"zz"}')
    with pytest.raises(Refused):
        read_cursor(str(path))


def test_a_segment_that_is_just_being_compressed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(4)
    world.log.checkpoint()
    real, failed = world.source._reader.lines, [0]

    def lines(seq: int):
        failed[0] += 1
        for number, line in enumerate(real(seq)):
            if number == 2 and failed[0] <= 2:
                raise HostFailed("audit.read", "gone", where="x")
            yield line

    monkeypatch.setattr(world.source._reader, "lines", lines)
    target = Scripted()
    world.forwarder(target).run()
    assert target.sent == [0, 1, 2, 3, 4]
    monkeypatch.setattr(world.source._reader, "lines", lambda _: (_ for _ in ()).throw(HostFailed("audit.read", "gone", where="x")))
    with pytest.raises(HostFailed):
        list(world.source.entries(None))


def test_what_came_before_is_bounded(world: World) -> None:
    world.put(1)
    world.log.checkpoint()
    assert [one.seq for one in world.source.before(1, 5)] == [0]
    assert [one.seq for one in world.source.before(2, 1)] == [1]
    assert [one.seq for one in world.source.before(9, 1)] == []
    assert [one.seq for one in world.source.before(0, 5)] == []


def test_what_lies_behind_the_checkpoint_is_not_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While we read, others write: a line that is half there must not be taken for a record that was tampered with."""
    world.put(4)
    world.log.checkpoint()
    real = world.source._reader.lines

    def lines(seq: int):
        yield from real(seq)
        yield b"\0\0\0half a line"

    monkeypatch.setattr(world.source._reader, "lines", lines)
    target = Scripted()
    assert world.forwarder(target).run() == (5, 0)
    assert [one.seq for one in world.source.before(5, 2)] == [3, 4]
    assert list(world.source.entries(read_cursor(world.places.cursor("siem")))) == []
