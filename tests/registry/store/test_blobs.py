"""The contract of blobs, which a folder and an object storage keep alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from mpp.errors import HostFailed
from mpp_registry.limits import BLOB_PIECE_BYTES
from mpp_registry.store.ports import Blobs

DATA = bytes(range(256)) * 4000
NAME = sha256(DATA).hexdigest()
ABSENT = sha256(b"absent").hexdigest()


def whole(blobs: Blobs, begin: int = 0, end: int | None = None, name: str = NAME) -> bytes:
    return b"".join(blobs.read(name, begin, end))


def test_a_blob_is_kept_once(blobs: Blobs) -> None:
    assert blobs.size(NAME) is None
    assert blobs.path(NAME) is None
    assert blobs.put(NAME, DATA) is True
    assert blobs.put(NAME, memoryview(DATA)) is False
    assert blobs.size(NAME) == len(DATA)
    assert whole(blobs) == DATA


@pytest.mark.parametrize("size", [0, 1, BLOB_PIECE_BYTES, 3 * BLOB_PIECE_BYTES + 1])
def test_sizes(blobs: Blobs, size: int) -> None:
    data = bytes(size)
    name = sha256(data).hexdigest()
    assert blobs.put(name, data)
    assert blobs.size(name) == size
    assert whole(blobs, name=name) == data


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (0, 1), (5, 300_000), (len(DATA) - 1, None), (len(DATA), None), (7, len(DATA))])
def test_ranges(blobs: Blobs, begin: int, end: int | None) -> None:
    blobs.put(NAME, DATA)
    assert whole(blobs, begin, end) == DATA[begin:end]


@pytest.mark.parametrize(("begin", "end"), [(0, len(DATA) + 1), (-1, 5), (5, 4), (len(DATA) + 1, None)])
def test_what_is_not_there_is_no_range(blobs: Blobs, begin: int, end: int | None) -> None:
    blobs.put(NAME, DATA)
    with pytest.raises(HostFailed) as caught:
        whole(blobs, begin, end)
    assert caught.value.code == "registry.blob"


def test_an_absent_blob(blobs: Blobs) -> None:
    assert blobs.size(ABSENT) is None
    blobs.remove(ABSENT)
    with pytest.raises(HostFailed) as caught:
        whole(blobs, name=ABSENT)
    assert caught.value.code == "registry.blob"


def test_a_removed_blob_can_come_again(blobs: Blobs) -> None:
    blobs.put(NAME, DATA)
    blobs.remove(NAME)
    assert blobs.size(NAME) is None
    assert blobs.put(NAME, DATA) is True


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME[:-1], NAME + "\n", "a/" + NAME])
def test_a_name_is_a_hash(blobs: Blobs, name: str) -> None:
    for wrong in (
        lambda: blobs.put(name, DATA),
        lambda: blobs.size(name),
        lambda: whole(blobs, name=name),
        lambda: blobs.remove(name),
        lambda: blobs.path(name),
    ):
        with pytest.raises(HostFailed) as caught:
            wrong()
        assert caught.value.code == "registry.blob"


def test_bytes_of_another_name_are_refused(blobs: Blobs) -> None:
    with pytest.raises(HostFailed):
        blobs.put(ABSENT, DATA)
    assert blobs.size(ABSENT) is None


def test_a_race_has_one_winner_and_no_harm(blobs: Blobs) -> None:
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda _: blobs.put(NAME, DATA), range(16)))
    assert sum(won) == 1
    assert whole(blobs) == DATA
