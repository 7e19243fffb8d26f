"""A backup is a registry: it starts with the same checkpoint, and what is wrong with it is found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mpp.errors import HostFailed, Refused
from mpp.testing.keys import publisher
from mpp.testing.packages import TestClock, TestRandom
from mpp_registry.opening import open_services, Options
from mpp_registry.operations.backup import back_up, check
from mpp_registry.publishers.registering import register
from mpp_registry.publishing import publish
from mpp_registry.services import Services
from tests.registry.faults.world import actor_of, CREATED, package

NAME = "Backed up"
WHO = publisher(NAME)


def opened(folder: Path, name: str = "Backed up") -> Services:
    return open_services(Options(data=str(folder), name=name, require_namespace=False), clock=TestClock(CREATED + 60), random=TestRandom(), environment={})


def put(on: Services, *versions: str) -> None:
    for version in versions:
        publish(on, package(WHO, version), actor_of(NAME))


def note(on: Services) -> bytes:
    with on.database.read() as rows:
        return on.ledger.checkpoint(rows).note


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Services]:
    services = opened(tmp_path / "data")
    register(services, WHO.chain.data, actor_of(NAME))
    put(services, "1.0.0", "1.1.0")
    yield services
    services.close()


def test_a_copy_is_the_same_registry(on: Services, tmp_path: Path) -> None:
    data, to = tmp_path / "data", tmp_path / "copy"
    done = back_up(on, str(data), str(to))
    assert (done.size, done.files, done.new_files) == (5, 2, 2)
    before = note(on)
    put(on, "1.2.0")
    copy = opened(to)
    assert note(copy) == before
    assert (check(copy).faults, check(copy).files) == ((), 2)
    # It goes on by itself, with the key of the first.
    put(copy, "1.2.0")
    with on.database.read() as left, copy.database.read() as right:
        assert on.ledger.checkpoint(left).root == copy.ledger.checkpoint(right).root
    copy.close()
    assert all(os.stat(to / name).st_mode & 0o077 == 0 for name in ("registry.db", "keys/log.key", "keys/root.key", "keys", "blobs"))


def test_a_second_run_copies_what_is_new(on: Services, tmp_path: Path) -> None:
    data, to = str(tmp_path / "data"), tmp_path / "copy"
    back_up(on, data, str(to))
    (to / "registry.db.part").write_bytes(b"what a killed run left")
    (to / "registry.db-wal").write_bytes(b"of a registry that was started there")
    put(on, "2.0.0")
    done = back_up(on, data, str(to))
    assert (done.files, done.new_files) == (3, 1)
    assert not (to / "registry.db.part").exists()
    copy = opened(to)
    assert note(copy) == note(on)
    copy.close()


def test_a_registry_does_not_go_over_another(on: Services, tmp_path: Path) -> None:
    opened(tmp_path / "other", "Other").close()
    with pytest.raises(Refused) as caught:
        back_up(on, str(tmp_path / "data"), str(tmp_path / "other"))
    assert (caught.value.code, "another registry" in str(caught.value)) == ("usage.option", True)


def blob(folder: Path) -> Path:
    return next(path for path in sorted((folder / "blobs").rglob("*")) if path.is_file() and len(path.name) == 64)


def test_a_file_that_the_disk_changed_does_not_come_into_the_copy(on: Services, tmp_path: Path) -> None:
    place = blob(tmp_path / "data")
    data = bytearray(place.read_bytes())
    data[100] ^= 1
    place.write_bytes(data)
    with pytest.raises(HostFailed) as caught:
        back_up(on, str(tmp_path / "data"), str(tmp_path / "copy"))
    assert caught.value.code == "registry.blob"
    assert check(on).faults == (f"file {place.name} has other bytes",)
    place.unlink()
    assert check(on).faults == (f"file {place.name} is missing",)
    with pytest.raises(HostFailed):
        back_up(on, str(tmp_path / "data"), str(tmp_path / "copy2"))


@pytest.mark.parametrize("sql", ["UPDATE log_leaves SET leaf = replace(leaf, '1.0.0', '1.0.9') WHERE idx = 3", "DELETE FROM log_leaves WHERE idx = 4"])
def test_a_changed_log_is_found(on: Services, tmp_path: Path, sql: str) -> None:
    connection = apsw.Connection(str(tmp_path / "data" / "registry.db"))
    connection.execute(sql)
    connection.close()
    assert check(on).faults == ("the leaves do not give the root of the newest checkpoint",)


def test_a_changed_map_is_found(on: Services, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "data" / "registry.db"))
    connection.execute("DELETE FROM map_nodes")
    connection.close()
    assert check(on).faults == ("the map is not the one of the newest checkpoint",)
