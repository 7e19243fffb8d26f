"""Stops: refused from the next call on, in every process that looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.stops import NO_STOPS, STOPS_MAX, Stop, StopStore, read_stops, with_stop, without_stop, write_stops

PACKAGE, PUBLISHER = "com.example.hello", "a" * 64
STOP = Stop(since=1_767_225_600, why="leaks")


@pytest.fixture
def store(tmp_path: Path) -> StopStore:
    return StopStore(str(tmp_path / "policy" / "stops.json"))


KINDS = [("package", PACKAGE), ("publisher", PUBLISHER), ("all", "")]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_what_is_stopped_is_refused_with_its_reason(store: StopStore, kind: str, name: str) -> None:
    store.current().judge(PACKAGE, PUBLISHER)
    store.change(lambda stops: with_stop(stops, kind, name, STOP))
    with pytest.raises(Refused, match="leaks") as caught:
        StopStore(store.path).current().judge(PACKAGE, PUBLISHER)
    assert caught.value.code == "policy.stopped"
    other = StopStore(store.path).current()
    if kind == "package":
        other.judge("com.example.other", PUBLISHER)
    if kind == "publisher":
        other.judge(PACKAGE, "b" * 64)
    store.change(lambda stops: without_stop(stops, kind, name))
    StopStore(store.path).current().judge(PACKAGE, PUBLISHER)


def test_a_running_host_sees_a_stop_of_another_process(store: StopStore) -> None:
    assert store.current() == NO_STOPS
    StopStore(store.path).change(lambda stops: with_stop(stops, "all", "", Stop(since=0, why="")))
    with pytest.raises(Refused, match=r"everything is stopped on this host \("):
        store.current().judge(PACKAGE, PUBLISHER)
    assert store.current() is store.current()
    Path(store.path).unlink()
    assert store.current() == NO_STOPS


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_what_is_not_stopped_cannot_be_lifted(kind: str, name: str) -> None:
    with pytest.raises(Refused, match=r"policy\.not_stopped"):
        without_stop(NO_STOPS, kind, name)


@pytest.mark.parametrize("name", ["", "Hello", "com.example.hello/..", "x" * 200])
def test_only_ids_are_stopped(name: str) -> None:
    with pytest.raises(Refused, match=r"usage\.package_id"):
        with_stop(NO_STOPS, "package", name, STOP)


GOOD = {"mpp_stops": 1, "packages": {PACKAGE: {"since": 1, "why": ""}}, "publishers": {}, "all": {"since": 1, "why": "x"}}
WRONG = [
    ({**GOOD, "more": 1}, "policy.unknown_key"),
    ({**GOOD, "packages": {"Hello": {"since": 1}}}, "policy.form"),
    ({**GOOD, "publishers": {"abc": {"since": 1}}}, "policy.form"),
    ({**GOOD, "packages": {f"com.example.a{i}": {"since": 1} for i in range(STOPS_MAX + 1)}}, "policy.form"),
    ({**GOOD, "packages": {PACKAGE: 1}}, "policy.type"),
    ({**GOOD, "packages": []}, "policy.type"),
    ({**GOOD, "all": {"since": -1}}, "policy.range"),
    ({**GOOD, "all": {"since": 1, "why": "x" * 201}}, "policy.length"),
]


def test_a_document_is_read_back() -> None:
    found = read_stops(json.dumps(GOOD).encode(), where="x")
    assert read_stops(write_stops(found), where="x") == found
    assert read_stops(write_stops(NO_STOPS), where="x") == NO_STOPS


@pytest.mark.parametrize(("document", "code"), WRONG)
def test_a_document_that_is_not_sound_is_refused(document: object, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_stops(json.dumps(document).encode(), where="stops.json")
    assert caught.value.code == code


@pytest.mark.parametrize("text", [b"", b"{", b'{"mpp_stops":1,'])
def test_half_a_document_stops_everything(store: StopStore, text: bytes) -> None:
    """Attack: a stop that is cut off must not become no stop."""
    Path(store.path).parent.mkdir()
    Path(store.path).write_bytes(text)
    with pytest.raises(MppError):
        store.current()


def test_a_place_that_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HostFailed, match=r"host\.file"):
        StopStore(str(tmp_path / "file" / "stops.json")).current()
