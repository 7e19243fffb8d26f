"""What is read of an open segment after a crash."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.segments import load_seal, make_partial, newest_checkpoint, open_segment, read_open, set_aside, untold
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.entry import FIRST_PREV, leaf_of
from mpp.testing.packages import NOW, TestClock


def event(number: int = 0) -> Event:
    return Event(kind="agent", at=NOW, tenant="local", invocation="", body={"n": number})


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    home = Home(path=str(tmp_path))
    with AuditLog(home, clock=TestClock()) as log:
        log.record_all([event(number) for number in range(3)])
        log.seal()
        log.record_all([event(number) for number in range(2)])
    return home.log


def test_a_segment_is_read_as_far_as_it_chains(places: LogPlaces) -> None:
    path = places.segment(0)
    data = Path(path).read_bytes()
    read = read_open(path, 0, FIRST_PREV)
    lines = data.split(b"\n")[:-1]
    assert [leaf.hex() for leaf in read.leaves] == [leaf_of(line) for line in lines]
    assert (read.done, read.rest, read.head, read.last) == (len(data), b"", lines[0], lines[-1])


def test_room_behind_the_last_line_is_not_torn(places: LogPlaces) -> None:
    path = places.segment(5)
    assert Path(path).read_bytes().endswith(bytes(100))
    read = read_open(path, 5, load_seal(places, 0).leaf)
    assert (len(read.leaves), read.rest) == (2, b"")


def test_what_does_not_chain_is_the_rest(places: LogPlaces) -> None:
    path = Path(places.segment(0))
    lines = path.read_bytes().split(b"\n")[:-1]
    path.write_bytes(b"\n".join([*lines[:2], lines[3], lines[2], b"half"]))
    read = read_open(str(path), 0, FIRST_PREV)
    assert (len(read.leaves), read.last) == (2, lines[1])
    assert read.rest == b"\n".join([lines[3], lines[2], b"half"])
    assert read_open(str(path), 1, FIRST_PREV).leaves == ()
    assert read_open(str(path), 1, FIRST_PREV).head == b""


def test_what_was_torn_is_kept_before_it_is_cut(places: LogPlaces) -> None:
    path = places.segment(0)
    whole = Path(path).read_bytes()
    with open(path, "ab") as stream:
        stream.write(b"torn bytes")
    fd = open_segment(path, new=False)
    set_aside(places, fd, read_open(path, 0, FIRST_PREV))
    os.close(fd)
    assert Path(path).read_bytes() == whole
    (aside,) = Path(places.torn).iterdir()
    assert aside.read_bytes() == b"torn bytes"
    digest = hashlib.sha256(b"torn bytes").hexdigest()
    (Path(places.torn) / "7-other.bin").write_bytes(b"")
    assert list(untold(places)) == [(str(aside), f"{places.torn}/{digest[:32]}.bin", {"bytes": 10, "offset": len(whole), "sha256": digest})]


def test_nothing_torn_is_nothing_to_tell(places: LogPlaces) -> None:
    assert list(untold(places)) == []


def test_a_new_segment_is_made_for_its_owner_alone(places: LogPlaces) -> None:
    os.close(open_segment(places.segment(77), new=True))
    assert os.stat(places.segment(77)).st_mode & 0o777 == 0o600
    with pytest.raises(FileNotFoundError):
        open_segment(places.segment(78), new=False)


def test_the_newest_checkpoint_or_none(places: LogPlaces) -> None:
    found = newest_checkpoint(places)
    assert found is not None
    assert found.size == 7
    os.unlink(places.checkpoint)
    assert newest_checkpoint(places) is None


def test_hashes_of_a_seal_are_made_from_entries(places: LogPlaces) -> None:
    kept = Path(places.folder, "tile/0/000.p/5").read_bytes()
    assert make_partial(places, 0, 5) == kept
    assert make_partial(places, 1, 5) == b""
