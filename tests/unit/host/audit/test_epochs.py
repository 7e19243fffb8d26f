"""Keys that do not last."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.epochs import make_key, NO_LOG, present_key, read_key_file, take_next
from mpp.host.audit.places import LogPlaces
from mpp.testing.packages import TestRandom


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    (tmp_path / "keys").mkdir()
    return LogPlaces(folder=str(tmp_path), keys=str(tmp_path / "keys"))


def test_a_key_is_on_the_disk_before_it_is_used(places: LogPlaces) -> None:
    key = make_key(places, TestRandom(), 0, NO_LOG, is_next=False)
    found = present_key(places, 0)
    assert (found.epoch, found.log_id, found.signer.public_key) == (0, NO_LOG, key.signer.public_key)
    assert stat.S_IMODE(os.stat(places.epoch_key).st_mode) == 0o600


def test_the_next_key_takes_the_place_of_one_that_is_overwritten(places: LogPlaces) -> None:
    random = TestRandom()
    make_key(places, random, 0, NO_LOG, is_next=False)
    following = make_key(places, random, 1, "ab" * 32, is_next=True)
    # Another name for the same bytes shows what is left of them.
    os.link(places.epoch_key, places.keys + "/copy")
    size = os.path.getsize(places.epoch_key)
    take_next(places)
    assert Path(places.keys, "copy").read_bytes() == bytes(size)
    assert not os.path.exists(places.next_epoch_key)
    assert present_key(places, 1).signer.public_key == following.signer.public_key


def test_the_next_key_is_taken_also_where_the_old_one_is_gone(places: LogPlaces) -> None:
    make_key(places, TestRandom(), 1, NO_LOG, is_next=True)
    take_next(places)
    assert present_key(places, 1).epoch == 1


@pytest.mark.parametrize("data", [b"", bytes(120), b"mpp-epoch-1 x\n", b"x" * 5000, b"mpp-epoch-1 " + b"0" * 64 + b" 0 " + b"A" * 42 + b"B=\n"])
def test_what_is_no_key_is_none(places: LogPlaces, data: bytes) -> None:
    Path(places.epoch_key).write_bytes(data)
    assert read_key_file(places.epoch_key) is None
    with pytest.raises(HostFailed) as caught:
        present_key(places, 0)
    assert caught.value.code == "audit.key"


def test_a_key_of_another_epoch_signs_nothing(places: LogPlaces) -> None:
    make_key(places, TestRandom(), 3, NO_LOG, is_next=False)
    with pytest.raises(HostFailed):
        present_key(places, 2)
    assert read_key_file(places.next_epoch_key) is None
