"""Lines out of plain, compressed and pruned segments, from any entry on."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.scan import lines_from, read_stored
from mpp.host.audit.tending import compress, prune
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.entry import tail_of
from mpp.stages.audit.limits import SEGMENT_BYTES_READ_MAX
from mpp.testing.packages import NOW, TestClock


def event(number: int, pad: str = "") -> Event:
    return Event(kind="agent", at=NOW, tenant="local", invocation="", body={"n": number, "pad": pad})


def made(folder: Path, counts: tuple[int, ...], pad: str = "") -> AuditLog:
    log = AuditLog(Home(path=str(folder)), clock=TestClock())
    for count in counts:
        log.record_all([event(number, pad) for number in range(count)])
        log.seal()
    log.record(event(0))
    return log


def numbers(places: LogPlaces, seq: int = 0) -> list[int]:
    return [(tail_of(line) or ("", -1))[1] for line in lines_from(places, seq)]


@pytest.mark.parametrize("how", ["plain", "compressed"])
def test_lines_begin_at_any_entry(how: str, tmp_path: Path) -> None:
    with made(tmp_path, (3, 4)) as log:
        places = log.places
    if how == "compressed":
        assert len(compress(places)[0]) == 2
    for seq in range(12):
        assert numbers(places, seq) == list(range(seq, 11))


def test_a_large_segment_is_entered_by_halves(tmp_path: Path) -> None:
    with made(tmp_path, (), "x" * 30_000) as log:
        log.record_all([event(number, "x" * (number * 997 % 60_000)) for number in range(60)])
        places = log.places
    assert os.path.getsize(places.segment(0)) > 10 * 66_000
    for seq in range(0, 62, 5):
        assert numbers(places, seq) == list(range(seq, 62))


def test_a_large_segment_of_noise_is_read_from_its_beginning(tmp_path: Path) -> None:
    with made(tmp_path, ()) as log:
        places = log.places
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes().rstrip(b"\0") + (b"noise" * 100 + b"\n") * 1000)
    assert numbers(places, 1)[0] == 1


def test_what_is_pruned_is_passed_over(tmp_path: Path) -> None:
    with made(tmp_path, (3, 4)) as log:
        places = log.places
        prune(log, NOW + 1, "age", "ada", NOW)
    assert numbers(places)[0] == 10


def test_a_torn_end_is_no_line(tmp_path: Path) -> None:
    with made(tmp_path, ()) as log:
        places = log.places
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes().rstrip(b"\0") + b'{"event":{')
    assert numbers(places) == [0, 1]


def test_an_endless_line_in_a_sealed_segment_is_refused(tmp_path: Path) -> None:
    with made(tmp_path, (2,)) as log:
        places = log.places
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes() + b"x" * 100_000 + b"\n")
    with pytest.raises(Refused) as caught:
        numbers(places)
    assert caught.value.code == "audit.entry"


def test_a_segment_has_a_size(tmp_path: Path) -> None:
    with made(tmp_path, (2,)) as log:
        places = log.places
    line = b"x" * 60_000 + b"\n"
    Path(places.segment(0)).write_bytes(line * (SEGMENT_BYTES_READ_MAX // len(line) + 1))
    for read in (lambda: numbers(places), lambda: read_stored(places, 0, {"jsonl"})):
        with pytest.raises(Refused) as caught:
            read()
        assert caught.value.code == "audit.size"


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"x" * 1000)[:-9], gzip.compress(b"x" * 1000)[:20] + b"\xff" * 20])
def test_a_damaged_file_is_named(data: bytes, tmp_path: Path) -> None:
    with made(tmp_path, (2,)) as log:
        places = log.places
    os.unlink(places.segment(0))
    Path(places.segment(0) + ".gz").write_bytes(data)
    for read in (lambda: numbers(places), lambda: read_stored(places, 0, {"jsonl.gz"})):
        with pytest.raises(HostFailed) as caught:
            read()
        assert caught.value.code == "audit.read"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_who_asks_for_the_newest_entry_waits_for_no_pipe(tmp_path: Path, kind: str) -> None:
    with made(tmp_path, (2,)) as log:
        places = log.places
    path = Path(places.segment(max(segment_files(places.segments))))
    assert LogReader(places).last() > 0
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(HostFailed, match="no regular file"):
        LogReader(places).last()


def test_a_folder_or_pipe_in_the_place_of_a_segment(tmp_path: Path) -> None:
    with made(tmp_path, (2,)) as log:
        places = log.places
    os.unlink(places.segment(0))
    os.mkfifo(places.segment(0))
    with pytest.raises(HostFailed, match="no regular file"):
        numbers(places)
    os.unlink(places.segment(0))
    assert read_stored(places, 0, set()) is None
