"""Segments read ahead of who verifies them."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.audit.ahead import ReadAhead, Stored
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.scan import _HASHED_BYTES, Ends, ends_of, hash_stored
from mpp.host.home import Home
from mpp.stages.audit.limits import LINE_BYTES_MAX, SEGMENT_BYTES_READ_MAX
from tests.auditlogs import some_days, write


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    write(tmp_path, some_days(), seal_every=40)
    return Home(path=str(tmp_path)).log


@pytest.mark.parametrize("whole", [True, False])
def test_each_comes_in_its_turn_with_its_hash(whole: bool, places: LogPlaces) -> None:
    files = segment_files(places.segments)
    assert len(files) > 2
    with ReadAhead(places, files, whole=whole) as ahead:
        for first, kinds in files.items():
            data = Path(places.segment(first)).read_bytes().rstrip(b"\0")
            lines = data.split(b"\n")
            found = ahead.take(first)
            assert (found.first, found.size) == (lines[0], len(data))
            if "seal" in kinds:
                assert found == Stored(data if whole else None, Ends(sha256(data).hexdigest(), len(data), lines[0], lines[-2]))
            else:
                assert found == Stored(data)
        assert ahead.take(99) == Stored(None)


@pytest.mark.parametrize("size", [0, 1, _HASHED_BYTES - 1, _HASHED_BYTES, _HASHED_BYTES + 1, 3 * _HASHED_BYTES])
@pytest.mark.parametrize("line", [1, 7, LINE_BYTES_MAX - 1, LINE_BYTES_MAX, LINE_BYTES_MAX + 5])
def test_read_in_pieces_it_has_the_ends_that_it_has_as_a_whole(size: int, line: int, tmp_path: Path) -> None:
    data = ((b"x" * line + b"\n") * (size // (line + 1) + 1))[:size]
    places = Home(path=str(tmp_path)).log
    Path(places.segments).mkdir(parents=True)
    Path(places.segment(0)).write_bytes(data)
    Path(places.segment(0) + ".gz").write_bytes(gzip.compress(data, 1))
    whole = ends_of(data)
    for kinds in ({"jsonl", "seal"}, {"jsonl.gz", "seal"}):
        found = hash_stored(places, 0, kinds)
        assert found is not None
        assert (found.sha256, found.size) == (whole.sha256, whole.size)
        if line <= LINE_BYTES_MAX:
            assert (found.first, found.last) == (whole.first, whole.last)


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    places = Home(path=str(tmp_path)).log
    Path(places.segments).mkdir(parents=True)
    Path(places.segment(0) + ".gz").write_bytes(gzip.compress(bytes(SEGMENT_BYTES_READ_MAX + 1), 1))
    with pytest.raises(Refused) as caught:
        hash_stored(places, 0, {"jsonl.gz", "seal"})
    assert caught.value.code == "audit.size"


@pytest.mark.parametrize("whole", [True, False])
def test_what_nobody_took_is_passed_over_and_what_cannot_be_read_is_refused_in_its_turn(whole: bool, places: LogPlaces) -> None:
    files = segment_files(places.segments)
    first, second, third, *_ = files
    for number in (first, second):
        Path(places.segment(number)).unlink()
    with ReadAhead(places, files, whole=whole) as ahead:
        with pytest.raises(HostFailed) as caught:
            ahead.take(second)
        assert caught.value.code == "audit.read"
        assert ahead.take(third).size == Path(places.segment(third)).stat().st_size


def test_who_ends_early_waits_for_nothing_more(places: LogPlaces) -> None:
    with ReadAhead(places, segment_files(places.segments), whole=True):
        pass
