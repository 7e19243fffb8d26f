"""The folder of the store: what is judged before it is read, and what is tidied away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.store.disk import is_intact, load_lock, read_package, revision_of, tidy
from tests.unit.host.store.worlds import World

HELLO = "com.example.hello"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_a_change_left_is_taken_away(world: World) -> None:
    world.put(world.package())
    kept = world.files
    folder = Path(world.home.packages) / HELLO
    left = [folder / f".x.mpp.{'0' * 12}.tmp", folder / f"9.9.9-{'a' * 16}.mpp", Path(world.home.path) / f".mpp.lock.{'1' * 12}.tmp"]
    for path in left:
        path.write_bytes(b"half")
    others = [folder / "notes.txt", folder / ".hidden.tmp", Path(world.home.path) / f".other.{'1' * 12}.tmp"]
    for path in others:
        path.write_bytes(b"mine")
    (Path(world.home.packages) / "com.example.empty").mkdir()
    assert tidy(world.store.places, world.store.lock()) == len(left)
    assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in others)
    assert set(kept) <= set(world.files)
    assert not (Path(world.home.packages) / "com.example.empty").exists()
    assert tidy(world.store.places, world.store.lock()) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove everything")
def test_what_cannot_be_removed_stops_nothing(world: World) -> None:
    world.put(world.package())
    folder = Path(world.home.packages) / HELLO
    (folder / f"9.9.9-{'a' * 16}.mpp").write_bytes(b"old")
    folder.chmod(0o500)
    assert tidy(world.store.places, world.store.lock()) == 0
    folder.chmod(0o700)


def test_a_file_that_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HostFailed) as fault:
        revision_of(str(tmp_path / "file" / "below"))
    assert fault.value.code == "host.file"


def test_a_home_that_is_no_folder(world: World) -> None:
    home = Path(world.home.path)
    world.put(world.package())
    os.rename(home, home.parent / "kept")
    home.write_text("x")
    with pytest.raises(HostFailed) as fault:
        load_lock(world.store.places)
    assert fault.value.code == "host.file"


def test_the_bytes_of_a_file(world: World) -> None:
    package = world.package()
    done = world.put(package)
    one = world.store.lock().entry(HELLO).find(done.row.content_hash)
    assert one is not None
    assert bytes(read_package(world.store.places, HELLO, one)) == bytes(package.archive.data)
    assert is_intact(world.store.places, HELLO, one)
    os.truncate(Path(world.home.packages) / HELLO / one.file_name, 0)
    assert not is_intact(world.store.places, HELLO, one)


def test_a_file_that_is_larger_than_any_package(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(world.package())
    monkeypatch.setattr("mpp.host.store.disk.TOTAL_BYTES_MAX", 10)
    with pytest.raises(HostFailed) as fault:
        world.store.open(world.store.find("hello"))
    assert fault.value.code == "host.package"
