"""Opening what is installed: verified anew, with a memory that counts for these bytes, this trust and this moment alone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.store import PackageStore
from mpp.host.store import remove as uninstall
from mpp.host.store import store as module
from mpp.host.store.disk import NO_FILE
from mpp.host.trust_store import with_publisher
from mpp.stages.gatekeeper import attest
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW
from tests.unit.host.store.worlds import OTHER, World

HELLO = "com.example.hello"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many verdicts were made, as its length."""
    made: list[int] = []

    def counted(*given: object) -> object:
        made.append(1)
        return attest(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "attest", counted)
    return made


def test_nothing_is_there(world: World) -> None:
    assert (world.store.active(), world.store.all(), world.store.revision()) == ((), (), (NO_FILE, 0))


def test_each_change_has_a_revision_of_its_own(world: World) -> None:
    seen = [world.store.revision()]
    for number in ("0.1.0", "0.2.0"):
        world.put(world.version(number))
        seen.append(world.store.revision())
    uninstall(world.store, HELLO, world.told, by="ada", amr="tty")
    seen.append(world.store.revision())
    assert len(set(seen)) == len(seen)


def test_another_process_sees_a_change(world: World) -> None:
    other = world.again()
    assert other.active() == ()
    world.put(world.package())
    assert [row.version for row in other.active()] == ["0.1.0"]


def test_a_verdict_is_remembered_and_the_bytes_are_not_believed(world: World, judged: list[int]) -> None:
    world.put(world.package())
    (row,) = world.store.active()
    first = world.store.open(row)
    assert world.store.open(row) is first
    assert len(judged) == 1
    (path,) = Path(world.home.packages).rglob("*.mpp")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(HostFailed) as fault:
        world.store.open(row)
    assert fault.value.code == "host.package"
    assert len(judged) == 1


def test_a_change_of_trust_judges_anew(world: World, judged: list[int]) -> None:
    world.put(world.package())
    (row,) = world.store.active()
    world.store.open(row)
    world.believe(publisher("Another"))
    world.store.open(row)
    assert len(judged) == 2
    world.trust.change(lambda state: replace(state, revoked_content=frozenset((row.content_hash,))))
    with pytest.raises(Refused) as fault:
        world.store.open(row)
    assert fault.value.code == "publisher.content_revoked"


def test_trust_that_ends_is_seen_although_the_verdict_is_remembered(world: World) -> None:
    world.trust.change(lambda state: with_publisher(state, publisher().chain, until=NOW + 10))
    world.put(world.package())
    (row,) = world.store.active()
    world.store.open(row)
    before = world.store.revision()
    world.clock.moment = NOW + 11
    assert world.store.revision() != before
    with pytest.raises(Refused) as fault:
        world.store.open(row)
    assert fault.value.code == "publisher.expired"


def test_two_changes_within_a_tick_of_the_clock_are_two(world: World) -> None:
    """Attack: a lockfile that gets the number and the times of the one before the last, so that a host goes on with what is gone."""
    world.put(world.package())
    path = Path(world.home.lockfile)
    late = path.stat().st_mtime_ns + 10**12
    os.utime(path, ns=(late, late))
    seen = [world.store.revision()]
    for number in ("0.2.0", "0.3.0"):
        world.put(world.version(number))
        seen.append(world.store.revision())
    times = [revision[0][0] for revision in seen]
    assert times == [late, late + 1, late + 2]


def test_few_verdicts_are_kept(world: World, judged: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPENED_MAX", 1)
    world.put(world.package())
    world.put(world.package({"package_id": OTHER}))
    rows = world.store.active()
    for row in (*rows, *rows):
        world.store.open(row)
    assert len(judged) == 4
    world.store.forget()
    world.store.open(rows[1])
    assert len(judged) == 5


def test_what_is_not_in_the_lockfile_is_not_served(world: World) -> None:
    world.put(world.package())
    (row,) = world.store.active()
    uninstall(world.store, HELLO, world.told, by="ada", amr="tty")
    for one in (row, replace(row, package_id=OTHER)):
        with pytest.raises(HostFailed, match="not installed any more"):
            world.store.open(one)


def test_a_row_is_found_by_id_alias_and_version(world: World) -> None:
    world.put(world.package(), alias="greeter")
    world.put(world.version("0.2.0"))
    for name, version in ((HELLO, "0.2.0"), ("greeter", "0.2.0"), (f"{HELLO}@0.1.0", "0.1.0"), ("greeter@0.2.0", "0.2.0")):
        assert world.store.find(name).version == version
    with pytest.raises(Refused, match="does not mean one") as fault:
        world.store.find("greeter@0.9.0")
    assert "0.1.0, 0.2.0" in fault.value.faults[0].hint
    with pytest.raises(Refused) as fault:
        world.store.find("com.example.helo")
    assert fault.value.faults[0].hint == f"did you mean {HELLO!r}?"


def test_the_only_version_is_meant_although_it_is_not_served(world: World) -> None:
    world.put(world.version("0.1.0"))
    world.put(world.version("0.2.0"))
    uninstall(world.store, f"{HELLO}@0.2.0", world.told, by="ada", amr="tty")
    assert world.store.find(HELLO).version == "0.1.0"


def test_a_store_that_is_made_holds_nothing_open(world: World) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    store = PackageStore(world.home, world.trust, world.clock)
    store.active()
    assert {one.name for one in before} == {one.name for one in Path("/proc/self/fd").iterdir()}
