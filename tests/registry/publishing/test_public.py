"""The folder of public files follows the log: what may be had is there a moment later, and what may not is gone before the log says so."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from mpp.errors import HostFailed, Refused
from mpp.testing.packages import TestClock, TestRandom
from mpp_registry.catalog.types import STOPPED
from mpp_registry.opening import opened, Options
from mpp_registry.publishing.actor import Actor
from mpp_registry.publishing.changing import set_status
from mpp_registry.publishing.public import Following, hide_stopped, switch, whole_pass
from mpp_registry.publishing.publishing import publish
from mpp_registry.services import Services
from mpp_registry.store.folder import FolderBlobs
from mpp_registry.store.public import PublicFiles

from .worlds import ALICE, World, package

Put: TypeAlias = Callable[..., bytes]
HELLO = "com.example.hello"


def options(data: Path, **more: object) -> Options:
    return Options(data=str(data), name="Registry of tests", require_namespace=False, **more)  # type: ignore[arg-type] # its own fields


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    found.join(ALICE)
    switch(found.services, is_wanted=True)
    yield found
    found.close()


@pytest.fixture
def services(world: World) -> Services:
    return world.services


@pytest.fixture
def me(world: World) -> Actor:
    return world.actor(ALICE)


@pytest.fixture
def put(services: Services, me: Actor) -> Put:
    def done(version: str = "0.1.0", package_id: str = HELLO, visibility: str = "public") -> bytes:
        data = package(ALICE, package_id, version)
        publish(services, data, me, visibility)
        return data

    return done


def files(services: Services) -> PublicFiles:
    assert services.public_files is not None
    return services.public_files


def there(services: Services) -> set[str]:
    root = Path(files(services).folder)
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_what_is_published_is_there_a_moment_later_and_is_the_blob_itself(services: Services, put: Put) -> None:
    following = Following(services)
    assert following.work() == 0
    data = put()
    assert there(services) == set()
    assert following.work() == 1
    place = Path(files(services).folder) / HELLO / "0.1.0.mpp"
    assert place.read_bytes() == data
    assert place.stat().st_nlink == 2
    assert not place.is_symlink()
    assert following.work() == 0


def test_a_private_package_is_never_there(services: Services, put: Put) -> None:
    following = Following(services)
    put(package_id="com.example.secret", visibility="private")
    put()
    assert following.work() == 1
    put("0.2.0", package_id="com.example.secret")
    assert following.work() == 0
    assert whole_pass(services, files(services)) == 0
    assert there(services) == {f"{HELLO}/0.1.0.mpp"}


@pytest.mark.parametrize("status", sorted(STOPPED))
def test_what_is_stopped_is_gone_when_the_decision_is_made(services: Services, status: str, put: Put) -> None:
    following = Following(services)
    put()
    put("0.2.0")
    following.work()
    assert set_status(services, HELLO, "0.1.0", status, "It sends files away.", None)  # type: ignore[arg-type] # one of the states
    assert there(services) == {f"{HELLO}/0.2.0.mpp"}
    assert following.work() == 0
    assert there(services) == {f"{HELLO}/0.2.0.mpp"}


def test_what_is_yanked_or_deprecated_stays_and_a_lifted_quarantine_brings_it_back(services: Services, put: Put, me: Actor) -> None:
    following = Following(services)
    put()
    following.work()
    for status in ("yanked", "deprecated"):
        set_status(services, HELLO, "0.1.0", status, "It is old.", me)
        following.work()
        assert there(services) == {f"{HELLO}/0.1.0.mpp"}
    set_status(services, HELLO, "0.1.0", "quarantined", "Looked at.", None)
    assert there(services) == set()
    set_status(services, HELLO, "0.1.0", "active", "", None)
    assert following.work() == 1
    assert there(services) == {f"{HELLO}/0.1.0.mpp"}


def test_a_stop_that_cannot_take_the_file_away_is_no_stop_that_looks_done(services: Services, monkeypatch: pytest.MonkeyPatch, put: Put) -> None:
    following = Following(services)
    put()
    following.work()

    def broken(_path: str) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", broken)
        with pytest.raises(HostFailed, match="cannot be taken away"):
            set_status(services, HELLO, "0.1.0", "quarantined", "Looked at.", None)
    with services.database.read() as rows:
        assert rows.one("SELECT status FROM versions") == ("active",)
        assert rows.one("SELECT status FROM log_versions") == ("active",)


class Killed(BaseException):
    """The process ends here."""


def test_killed_between_the_file_and_the_commit_leaves_no_file_of_a_stopped_version(services: Services, monkeypatch: pytest.MonkeyPatch, put: Put) -> None:
    """The name goes first. Killed then, the version is as before, and its name comes back at the next whole pass."""
    put()
    Following(services).work()
    real = PublicFiles.hide

    def killed(self: PublicFiles, package_id: str, version: str) -> None:
        real(self, package_id, version)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(PublicFiles, "hide", killed)
        with pytest.raises(Killed):
            set_status(services, HELLO, "0.1.0", "quarantined", "Looked at.", None)
    assert there(services) == set()
    with services.database.read() as rows:
        assert rows.one("SELECT status FROM versions") == ("active",)
    assert Following(services).work() == 1
    assert there(services) == {f"{HELLO}/0.1.0.mpp"}


def test_a_race_of_stops_and_names_never_leaves_one(services: Services, put: Put) -> None:
    """Attack: a version that is stopped while its name is being given."""
    versions = [f"0.1.{number}" for number in range(6)]
    for version in versions:
        put(version)
    over, wrong = threading.Event(), list[str]()

    def follow() -> None:
        while not over.is_set():
            Following(services).work()

    def stop(mine: list[str], seed: int) -> None:
        source = random.Random(seed)
        for _ in range(12):
            version = source.choice(mine)
            set_status(services, HELLO, version, "quarantined", f"Looked at {source.random()}.", None)
            # From here on nobody lifts it but this thread, so at no moment may it be there.
            wrong.extend(version for _ in range(20) if f"{HELLO}/{version}.mpp" in there(services))
            set_status(services, HELLO, version, "active", f"Lifted {source.random()}.", None)

    follower = threading.Thread(target=follow)
    stoppers = [threading.Thread(target=stop, args=(versions[number::2], number)) for number in range(2)]
    for thread in (follower, *stoppers):
        thread.start()
    for thread in stoppers:
        thread.join()
    over.set()
    follower.join()
    assert wrong == []
    Following(services).work()
    assert there(services) == {f"{HELLO}/{version}.mpp" for version in versions}


def test_a_whole_pass_mends_what_was_changed_by_hand(services: Services, tmp_path: Path, put: Put) -> None:
    """Attack: names that lead elsewhere, files of others, folders in the place of files and the other way round."""
    data = put()
    put("0.2.0")
    Following(services).work()
    root, secret = Path(files(services).folder), tmp_path / "secret"
    secret.write_text("not yours")
    (root / HELLO / "0.1.0.mpp").unlink()
    (root / HELLO / "0.1.0.mpp").symlink_to(secret)
    (root / HELLO / "0.2.0.mpp").unlink()
    (root / HELLO / "0.2.0.mpp").write_text("other bytes")
    (root / HELLO / "0.3.0.mpp").mkdir()
    (root / "com.example.other").symlink_to(tmp_path)
    (root / "stray").write_text("x")
    (root / "com.example.gone").mkdir()
    (root / "com.example.gone" / "1.0.0.mpp").write_text("x")
    whole_pass(services, files(services))
    assert there(services) == {f"{HELLO}/0.1.0.mpp", f"{HELLO}/0.2.0.mpp"}
    assert (root / HELLO / "0.1.0.mpp").read_bytes() == data
    assert not (root / HELLO / "0.1.0.mpp").is_symlink()
    assert (root / HELLO / "0.2.0.mpp").stat().st_nlink == 2
    assert secret.read_text() == "not yours"
    assert sorted(path.name for path in root.iterdir()) == [HELLO]
    assert whole_pass(services, files(services)) == 0


def test_a_link_in_the_place_of_a_blob_gets_no_name(services: Services, tmp_path: Path, put: Put) -> None:
    put()
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    with services.database.read() as rows:
        row = rows.one("SELECT file_hash FROM versions")
    assert row is not None
    place = services.blobs.path(str(row[0]))
    assert place is not None
    os.unlink(place)
    os.symlink(secret, place)
    assert Following(services).work() == 0
    assert there(services) == set()


def test_a_missing_blob_gets_no_name_and_stops_nothing_else(services: Services, put: Put) -> None:
    put()
    put("0.2.0")
    with services.database.read() as rows:
        row = rows.one("SELECT file_hash FROM versions WHERE version = '0.1.0'")
    assert row is not None
    services.blobs.remove(str(row[0]))
    assert Following(services).work() == 1
    assert there(services) == {f"{HELLO}/0.2.0.mpp"}


@pytest.mark.parametrize(("package_id", "version"), [("../x.y", "1.0.0"), ("com.example.x", "../../1.0.0"), ("com.example.x/..", "1.0.0"), ("com.example.x", "1.0.0/x"), ("", ""), ("..", "1.0.0")])  # fmt: skip
def test_names_that_lead_out_are_refused(services: Services, package_id: str, version: str) -> None:
    with pytest.raises(HostFailed, match="is no"):
        files(services).hide(package_id, version)
    with pytest.raises(HostFailed, match="is no"):
        files(services).follow(package_id, {version: "0" * 64})


def test_a_start_takes_away_what_a_copy_that_was_put_back_left(services: Services, put: Put, me: Actor) -> None:
    """The rows say that it is stopped, or private, and the folder is of another day."""
    put()
    put("0.2.0")
    put(package_id="com.example.secret", visibility="private")
    Following(services).work()
    set_status(services, HELLO, "0.1.0", "revoked", "It is broken.", me)
    root = Path(files(services).folder)
    (root / HELLO / "0.1.0.mpp").write_text("x")
    (root / "com.example.secret").mkdir()
    (root / "com.example.secret" / "0.1.0.mpp").write_text("x")
    hide_stopped(services, files(services))
    assert there(services) == {f"{HELLO}/0.2.0.mpp"}


def test_a_server_that_is_started_without_it_takes_all_away(services: Services, put: Put) -> None:
    put()
    Following(services).work()
    above = Path(files(services).folder).parent
    switch(services, is_wanted=False)
    switch(services, is_wanted=False)
    assert not files(services).is_on
    assert len([path for path in above.iterdir() if path.name.startswith("public")]) == 1
    # A start does not wait for what may be a million files.
    assert Following(services).work() == 0
    assert not [path for path in above.iterdir() if path.name.startswith("public")]
    assert set_status(services, HELLO, "0.1.0", "quarantined", "Looked at.", None)
    switch(services, is_wanted=True)
    assert Following(services).work() == 0
    assert there(services) == set()


def test_a_private_registry_and_one_on_an_object_storage_have_none(tmp_path: Path) -> None:
    with opened(options(tmp_path / "data", is_public=False), clock=TestClock(), random=TestRandom(), environment={}) as private:
        with pytest.raises(Refused, match="--private"):
            switch(private, is_wanted=True)
        # One that was public before: nothing stays.
        files(private).turn_on()
        (Path(files(private).folder) / "x").write_text("x")
        switch(private, is_wanted=False)
        assert not files(private).is_on
        elsewhere = replace(private, public_files=None, settings=replace(private.settings, is_public=True))
        with pytest.raises(Refused, match="folder"):
            switch(elsewhere, is_wanted=True)
        switch(elsewhere, is_wanted=False)
        assert Following(elsewhere).work() == 0


def test_a_folder_that_fails_says_so(tmp_path: Path) -> None:
    blobs = FolderBlobs(str(tmp_path / "blobs"))
    found = PublicFiles(str(tmp_path / "public"), blobs)
    assert found.packages() == []
    assert not found.is_on
    assert found.follow(HELLO, {"1.0.0": "0" * 64}) == 0
    (tmp_path / "public").write_text("x")
    for fails in (found.packages, found.turn_on):
        with pytest.raises((HostFailed, NotADirectoryError)):
            fails()
