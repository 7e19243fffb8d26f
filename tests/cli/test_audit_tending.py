"""``mpp audit tend``, ``recover`` and ``restart``: seal, compress, mend, prune, go on, begin anew."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.head import Head
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.ledger.tiles import Tile
from mpp.model.events import Event
from tests import auditlogs, records
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal

OLD = 1_600_000_000


@pytest.fixture
def places(home: Path) -> LogPlaces:
    auditlogs.write(home, auditlogs.some_days(), seal_every=20)
    return Home(path=str(home)).log


def verdict(mpp: Mpp) -> str:
    found = mpp("audit", "verify", "--thorough", "--json").json
    assert found["faults"] == []
    return str(found["verdict"])


def test_segments_are_sealed_and_compressed(mpp: Mpp, places: LogPlaces) -> None:
    before = list(LogReader(places).lines())
    answer = mpp("audit", "tend", "--seal", "--compress")
    assert answer.code == 0, answer.err
    assert "Sealed the present segment." in answer.out
    assert "bytes are free again" in answer.out
    assert list(LogReader(places).lines())[: len(before)] == before
    assert all("jsonl.gz" in kinds and "jsonl" not in kinds for kinds in segment_files(places.segments).values() if "seal" in kinds)
    assert verdict(mpp) == "signed"
    again = mpp("audit", "tend", "--compress", "--json").json
    assert (again["compressed_segments"], again["freed_bytes"]) == ([], 0)


def test_a_segment_that_was_changed_is_not_compressed(mpp: Mpp, places: LogPlaces) -> None:
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes().replace(b"com.", b"cam.", 1))
    assert "[audit.seal]" in mpp("audit", "tend", "--compress").err
    assert path.exists()


def test_old_segments_are_pruned_and_proofs_hold(mpp: Mpp, places: LogPlaces, tmp_path: Path) -> None:
    assert mpp("audit", "tend", "--seal").code == 0
    proof = tmp_path / "before.json"
    assert mpp("audit", "prove", 7, "-o", proof).code == 0
    would = mpp("audit", "tend", "--prune", "2030-01-01", "--dry-run", "--json").json
    assert len(would["would_prune_segments"]) > 1
    assert "would go" in mpp("audit", "tend", "--prune", "2030-01-01", "--dry-run").out
    assert "[consent.missing]" in mpp("audit", "tend", "--prune", "2030-01-01", "--why", "retention").err
    answer = mpp("audit", "tend", "--prune", "2030-01-01", "--why", "retention", "--yes", "--json").json
    assert answer["pruned_segments"] == would["would_prune_segments"]
    assert "[audit.no_entry]" in mpp("audit", "prove", 7).err
    assert mpp("audit", "verify-proof", proof).code == 0
    assert mpp("audit", "prove", 0, "-o", tmp_path / "zero.json").code == 0
    assert verdict(mpp) == "signed"
    (event,) = [entry.event for entry in LogReader(places).entries() if entry.event.kind == "pruned"]
    assert (event.body["why"], event.body["segments"]) == ("retention", len(answer["pruned_segments"]))
    assert mpp("audit", "tend", "--prune", "2030-01-01", "--why", "again", "--yes").out == "Pruned 0 segments.\n"


def test_nothing_young_is_pruned(mpp: Mpp, places: LogPlaces) -> None:
    found = mpp("audit", "tend", "--prune", "40000d", "--dry-run", "--json").json
    assert found["entries"] == 0


def test_what_is_pruned_has_its_tiles(mpp: Mpp, home: Path) -> None:
    """Tiles that are missing are made while the entries are there."""
    event = Event(kind="agent", at=OLD, tenant="local", invocation="", body={"name": "x"})
    with AuditLog(Home(path=str(home))) as log:
        for _ in range(3):
            log.record_all([event] * 200)
            log.seal()
        places = log.places
    Path(places.tile(Tile(0, 0, 256))).unlink()
    Path(places.tile(Tile(0, 1, 256))).write_bytes(bytes(8192))
    assert mpp("audit", "tend", "--prune", "2030-01-01", "--why", "old", "--yes").code == 0
    assert verdict(mpp) == "signed"
    assert mpp("audit", "tend", "--mend", "--json").json["mended_tiles"] == []


def test_tiles_are_mended(mpp: Mpp, home: Path) -> None:
    event = Event(kind="agent", at=OLD, tenant="local", invocation="", body={"name": "x"})
    with AuditLog(Home(path=str(home))) as log:
        log.record_all([event] * 600)
        places = log.places
    Path(places.tile(Tile(0, 0, 256))).write_bytes(b"short")
    Path(places.tile(Tile(0, 1, 256))).unlink()
    assert mpp("audit", "verify", "--deep").code == 27
    answer = mpp("audit", "tend", "--mend")
    assert answer.out == "Made 2 tiles anew.\n"
    assert verdict(mpp) == "signed"


@pytest.mark.parametrize("words", [(), ("--prune", "xd"), ("--prune", "never"), ("--prune", "1d", "--why", "a\nb", "--yes")])
def test_what_cannot_be_meant(mpp: Mpp, places: LogPlaces, words: tuple[str, ...]) -> None:
    assert mpp("audit", "tend", *words).code == 2


def test_a_poisoned_record_goes_on_only_when_somebody_looked(mpp: Mpp, places: LogPlaces, home: Path) -> None:
    head = Head(places.head)
    head.poisoned = errno.EIO
    head.close()
    with pytest.raises(HostFailed, match=r"audit\.poisoned"):
        AuditLog(Home(path=str(home))).record_all(auditlogs.stopped("com.example.bad"))
    assert "[consent.missing]" in mpp("audit", "recover").err
    answer = mpp("audit", "recover", "--yes")
    assert answer.code == 0, answer.err
    assert "Input/output error" in answer.err
    assert mpp("audit", "recover", "--yes", "--json").json == {"ok": True, "error": ""}
    AuditLog(Home(path=str(home))).record_all(auditlogs.stopped("com.example.bad"))


def test_a_record_that_does_not_hold_is_not_recovered(mpp: Mpp, places: LogPlaces) -> None:
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes().replace(b"com.", b"cam.", 1))
    answer = mpp("audit", "recover", "--yes")
    assert answer.code == 27
    assert "entry" in answer.err


def test_a_new_record_names_the_old(mpp: Mpp, places: LogPlaces, home: Path, terminal: Callable[..., Terminal]) -> None:
    old = LogReader(places).entry(0).leaf
    running = AuditLog(Home(path=str(home)))
    running.record_all(auditlogs.stopped("com.example.bad"))
    key = "w.example+" + "0" * 8
    assert mpp("audit", "witness", "add", "board", "--url", "http://127.0.0.1:1", "--key", key).code != 0
    assert "[consent.missing]" in mpp("audit", "restart", "--why", "broken").err
    with terminal("audit", "restart", "--why", "broken") as person:
        person.wait_for("Type yes to allow it")
        person.type("yes\n")
        assert person.end() == 0
    (aside,) = home.glob("audit-*")
    assert LogReader(LogPlaces(folder=str(aside), keys="")).entry(0).leaf == old
    assert LogReader(places).entry(0).event.body["follows"] == old
    assert [event.body["why"] for event in records.events(home)] == ["broken"]
    # Who had it open does not write over the new one.
    with pytest.raises(HostFailed, match=r"audit\.poisoned"):
        running.record_all(auditlogs.stopped("com.example.worse"))
