"""Lists of peers that were seen: asked for rarely, kept through an outage for a day, and never going back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.errors import Refused, RemoteFailed
from mpp.protocol.registry.limits import PEER_LIST_SECONDS_MAX, SKEW_SECONDS_MAX
from mpp.remote.limits import LIST_FRESH_SECONDS
from mpp.remote.lists import ListMemory, read_kept
from mpp.testing.packages import NOW
from tests.unit.remote.book import Book

URL, DAY = "https://first.example", 24 * 3600


class Wire:
    """What the registry would answer, and how often it was asked."""

    def __init__(self, book: Book) -> None:
        self.book, self.count = book, 0
        self.fault: Exception | None = None
        self.data = b""

    def __call__(self, url: str, registry_id: str) -> bytes:
        self.count += 1
        assert (url, registry_id) == (URL, self.book.id)
        if self.fault is not None:
            raise self.fault
        return self.data or self.book.peer_list()


@pytest.fixture
def wire() -> Wire:
    book = Book("First")
    book.peer(Book("Second"), "https://second.example")
    return Wire(book)


def ask(folder: Path, wire: Wire, now: int = NOW) -> int:
    return ListMemory(str(folder), wire, now, DAY)(URL, wire.book.id, wire.book.keys.chain).version


def code(folder: Path, wire: Wire, now: int = NOW) -> str:
    with pytest.raises((Refused, RemoteFailed)) as caught:
        ask(folder, wire, now)
    return caught.value.code


def test_it_is_asked_for_once_in_a_while(tmp_path: Path, wire: Wire) -> None:
    assert [ask(tmp_path, wire), ask(tmp_path, wire, NOW + LIST_FRESH_SECONDS)] == [1, 1]
    assert wire.count == 1
    wire.book.peer(Book("Third"), "https://third.example")
    assert (ask(tmp_path, wire, NOW + LIST_FRESH_SECONDS + 1), wire.count) == (2, 2)
    # A clock that went back is no reason to believe what was kept.
    assert (ask(tmp_path, wire, NOW), wire.count) == (2, 3)


def test_an_outage_of_a_day_changes_nothing(tmp_path: Path, wire: Wire) -> None:
    wire.fault = RemoteFailed("remote.connection", "it is down")
    assert code(tmp_path, wire) == "remote.connection"
    wire.fault = None
    ask(tmp_path, wire)
    wire.fault = RemoteFailed("remote.connection", "it is down")
    assert ask(tmp_path, wire, NOW + DAY) == 1
    assert code(tmp_path, wire, NOW + DAY + 1) == "registry.stale"


def test_a_list_that_is_gone_introduces_nobody(tmp_path: Path, wire: Wire) -> None:
    ask(tmp_path, wire)
    wire.fault = Refused("registry.absent", "no")
    assert code(tmp_path, wire, NOW + DAY) == "registry.peer"
    wire.fault = Refused("registry.forbidden", "no")
    assert code(tmp_path, wire, NOW + DAY) == "registry.forbidden"


def test_it_never_goes_back(tmp_path: Path, wire: Wire) -> None:
    """Attack: the list from before a peer was taken out."""
    old = wire.book.peer_list()
    wire.book.peer(Book("Third"), "https://third.example")
    ask(tmp_path, wire)
    wire.data = old
    assert code(tmp_path, wire, NOW + DAY) == "registry.rollback"


def test_it_is_signed_by_that_registry(tmp_path: Path, wire: Wire) -> None:
    wire.data = wire.book.peer_list(Book("Liar").keys)
    assert code(tmp_path, wire) == "registry.peers"
    other = Book("Other")
    other.peer(Book("Second"), "https://second.example")
    wire.data = other.peer_list()
    assert code(tmp_path, wire) == "registry.peers"
    assert not list(tmp_path.glob("*.peers"))


def test_a_newer_list_of_another_process_stays(tmp_path: Path, wire: Wire) -> None:
    old = wire.book.peer_list()

    def meanwhile(_url: str, _id: str) -> bytes:
        wire.book.peer(Book("Third"), "https://third.example")
        ListMemory(str(tmp_path), wire, NOW, DAY)(URL, wire.book.id, wire.book.keys.chain)
        return old

    ListMemory(str(tmp_path), meanwhile, NOW, DAY)(URL, wire.book.id, wire.book.keys.chain)
    assert ask(tmp_path, wire) == 2


def test_a_list_counts_for_two_days(tmp_path: Path, wire: Wire) -> None:
    """Attack: the list from before a peer was taken out, shown for ever to a home that has seen no newer one."""
    assert code(tmp_path, wire, NOW + PEER_LIST_SECONDS_MAX + 1) == "registry.stale"
    # It was kept all the same: none that is older is taken from now on.
    assert len(list(tmp_path.glob("*.peers"))) == 1
    assert ask(tmp_path, wire, NOW + PEER_LIST_SECONDS_MAX) == 1
    # Within the minutes for which it is not asked for again, it grows too old.
    count = wire.count
    assert code(tmp_path, wire, NOW + PEER_LIST_SECONDS_MAX + 1) == "registry.stale"
    assert wire.count == count


def test_an_old_list_is_none_in_an_outage_either(tmp_path: Path, wire: Wire) -> None:
    ask(tmp_path, wire, NOW + PEER_LIST_SECONDS_MAX - LIST_FRESH_SECONDS - 10)
    wire.fault = RemoteFailed("remote.connection", "it is down")
    assert ask(tmp_path, wire, NOW + PEER_LIST_SECONDS_MAX) == 1
    assert code(tmp_path, wire, NOW + PEER_LIST_SECONDS_MAX + 1) == "registry.stale"


def test_a_list_from_the_future_is_none(tmp_path: Path, wire: Wire) -> None:
    """Attack: one that never grows old."""
    assert code(tmp_path, wire, NOW - SKEW_SECONDS_MAX - 1) == "registry.early"
    assert ask(tmp_path, wire, NOW - SKEW_SECONDS_MAX) == 1


def test_a_list_that_was_signed_anew_goes_on(tmp_path: Path, wire: Wire) -> None:
    ask(tmp_path, wire)
    later = NOW + 30 * DAY
    assert code(tmp_path, wire, later) == "registry.stale"
    wire.book.now = later
    wire.book.peers_version += 1
    assert ask(tmp_path, wire, later + LIST_FRESH_SECONDS + 1) == 2


@pytest.mark.parametrize("document", [{}, {"mpp_peer_list_memory": 1, "list": 1, "seen_at": 1}, {"mpp_peer_list_memory": 1, "list": "*", "seen_at": 1}])
def test_a_damaged_file_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(Refused):
        read_kept(json.dumps(document).encode(), where="x")
