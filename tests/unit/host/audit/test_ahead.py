"""Segments read ahead of who verifies them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.ahead import ReadAhead, Stored
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.home import Home
from tests.auditlogs import some_days, write


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    write(tmp_path, some_days(), seal_every=40)
    return Home(path=str(tmp_path)).log


def test_each_comes_in_its_turn_with_its_hash(places: LogPlaces) -> None:
    files = segment_files(places.segments)
    assert len(files) > 2
    with ReadAhead(places, files) as ahead:
        for first, kinds in files.items():
            data = Path(places.segment(first)).read_bytes()
            sealed = Stored(data, sha256(data).hexdigest())
            assert ahead.take(first) == (sealed if "seal" in kinds else Stored(data.rstrip(b"\0"), ""))
        assert ahead.take(99) == Stored(None, "")


def test_what_nobody_took_is_passed_over_and_what_cannot_be_read_is_refused_in_its_turn(places: LogPlaces) -> None:
    files = segment_files(places.segments)
    first, second, third, *_ = files
    for number in (first, second):
        Path(places.segment(number)).unlink()
    with ReadAhead(places, files) as ahead:
        with pytest.raises(HostFailed) as caught:
            ahead.take(second)
        assert caught.value.code == "audit.read"
        assert ahead.take(third).data == Path(places.segment(third)).read_bytes()


def test_who_ends_early_waits_for_nothing_more(places: LogPlaces) -> None:
    with ReadAhead(places, segment_files(places.segments)):
        pass
