"""T70, the package store: files and lockfiles that are tampered with, links, and old or greedy versions.

Spec: store.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.store import Agreed, apply, plan_for, Wish
from mpp.host.legacy.types import PACKAGE_PREFIX
from mpp.host.store import remove as uninstall
from mpp.host.store.planning import NOT_SIGNED
from mpp.host.trust_store import with_pin
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed
from tests.attack.dying import fast_folder
from tests.unit.host.store.worlds import OTHER, World

HELLO = "com.example.hello"


@pytest.fixture
def base() -> Iterator[Path]:
    found = fast_folder()
    yield found
    shutil.rmtree(found)


@pytest.fixture
def world(base: Path) -> World:
    return World(base)


# --- files that are not what was installed


def stored(world: World, name: str = HELLO) -> Path:
    return next((Path(world.home.packages) / name).glob("*.mpp"))


def longer(world: World) -> None:
    with stored(world).open("ab") as stream:
        stream.write(b"x")


def shorter(world: World) -> None:
    os.truncate(stored(world), 100)


def another_seal(world: World) -> None:
    """The same content, signed at another moment."""
    stored(world).write_bytes(signed(created=NOW + 1))


def another_package(world: World) -> None:
    stored(world).write_bytes(stored(world, OTHER).read_bytes())


def a_link_to_it(world: World) -> None:
    path = stored(world)
    path.rename(path.parent / "kept")
    path.symlink_to("kept")


def a_folder(world: World) -> None:
    stored(world).unlink()
    (Path(world.home.packages) / HELLO / stored_name(world)).mkdir()


def stored_name(world: World) -> str:
    row = world.store.find(HELLO)
    return f"{row.version}-{row.content_hash[:16]}.mpp"


def a_pipe(world: World) -> None:
    path = stored(world)
    path.unlink()
    os.mkfifo(path)


def nothing_there(world: World) -> None:
    stored(world).unlink()


def no_folder(world: World) -> None:
    shutil.rmtree(Path(world.home.packages) / HELLO)


def a_linked_folder(world: World) -> None:
    folder = Path(world.home.packages) / HELLO
    folder.rename(Path(world.home.path) / "elsewhere")
    folder.symlink_to(Path(world.home.path) / "elsewhere")


def open_to_all(world: World) -> None:
    stored(world).chmod(0o666)


@pytest.mark.parametrize(
    "tamper",
    [longer, shorter, another_seal, another_package, a_link_to_it, a_folder, a_pipe, nothing_there, no_folder, a_linked_folder, open_to_all],
)
def test_a_file_that_is_not_what_was_installed_is_not_served(world: World, tamper: Callable[[World], None]) -> None:
    world.put(world.package())
    world.put(world.package({"package_id": OTHER}))
    # Attack: a verdict that is remembered must not let other bytes through.
    mine, others = world.store.active()
    world.store.open(mine)
    tamper(world)
    for store in (world.store, world.again()):
        with pytest.raises(HostFailed) as fault:
            store.open(mine)
        assert fault.value.code == "host.package"
        assert store.open(others).package_id == OTHER


# --- lockfiles that are not what was written


def edit(world: World, change: Callable[[dict[str, dict[str, object]]], None]) -> None:
    path = Path(world.home.lockfile)
    document = json.loads(path.read_text())
    change(document["packages"])
    path.write_text(json.dumps(document))


def test_another_publishers_file_under_a_trusted_id(world: World) -> None:
    """Attack: the lockfile and the file are exchanged together, so that the hashes agree. The signature and the pins still decide."""
    world.put(world.package())
    world.trust.change(lambda state: with_pin(state, HELLO, publisher().id))
    other = publisher("Somebody Else")
    world.believe(other)
    theirs = signed(other)
    found = verify(theirs, replace(world.trust.load(), pins={}), NOW)
    stored(world).write_bytes(theirs)
    row = {"content_hash": found.content_hash, "file_hash": found.file_hash, "size": len(theirs), "publisher_id": other.id}
    edit(world, lambda packages: packages[HELLO]["versions"][0].update(row))  # type: ignore[index]
    edit(world, lambda packages: packages[HELLO].update(active=found.content_hash))
    path = stored(world)
    path.rename(path.parent / f"0.1.0-{found.content_hash[:16]}.mpp")
    with pytest.raises(Refused) as fault:
        world.store.open(world.store.find(HELLO))
    assert fault.value.code == "publisher.pin_mismatch"


def test_a_package_under_another_id(world: World) -> None:
    """Attack: policy and approvals of one package for the code of another."""
    world.put(world.package())
    edit(world, lambda packages: packages.update({OTHER: packages.pop(HELLO)}))
    (Path(world.home.packages) / HELLO).rename(Path(world.home.packages) / OTHER)
    with pytest.raises(HostFailed, match="something else of the file"):
        world.store.open(world.store.find(OTHER))


def test_a_version_that_claims_to_be_another(world: World) -> None:
    world.put(world.package())
    edit(world, lambda packages: packages[HELLO]["versions"][0].update(version="0.0.9"))  # type: ignore[index]
    path = stored(world)
    path.rename(path.parent / path.name.replace("0.1.0", "0.0.9"))
    with pytest.raises(HostFailed, match="something else of the file"):
        world.store.open(world.store.find(HELLO))


def test_a_mark_that_was_lowered(world: World) -> None:
    world.put(world.version("0.3.0"))
    edit(world, lambda packages: packages[HELLO].update(mark="0.1.0"))
    with pytest.raises(HostFailed) as fault:
        world.store.active()
    assert fault.value.code == "host.lockfile"


def test_a_lockfile_that_others_may_write_or_that_is_a_link(world: World) -> None:
    world.put(world.package())
    path = Path(world.home.lockfile)
    path.chmod(0o666)
    with pytest.raises(HostFailed, match="others may change"):
        world.again().active()
    path.chmod(0o600)
    path.rename(path.parent / "kept")
    path.symlink_to("kept")
    with pytest.raises(HostFailed, match="is a link"):
        world.again().active()
    path.unlink()
    path.write_bytes(b" " * (8 * 1024 * 1024 + 1))
    path.chmod(0o600)
    with pytest.raises(HostFailed) as fault:
        world.again().active()
    assert fault.value.code == "host.lockfile"


def test_a_damaged_lockfile_is_never_begun_anew(world: World) -> None:
    world.put(world.package())
    path = Path(world.home.lockfile)
    path.write_bytes(path.read_bytes()[:-20])
    kept = path.read_bytes()
    for change in (lambda: world.put(world.version("0.2.0")), lambda: uninstall(world.store, HELLO, world.told, by="", amr="")):
        with pytest.raises(HostFailed) as fault:
            change()
        assert fault.value.code == "host.lockfile"
    assert path.read_bytes() == kept
    assert len(world.files) == 1


# --- links and names that lead elsewhere


@pytest.fixture
def outside(base: Path) -> Path:
    """A folder of somebody, with files whose names are like ours."""
    found = base / "outside"
    found.mkdir()
    for name in (f"0.1.0-{'a' * 16}.mpp", f".x.{'b' * 12}.tmp", "letters.txt"):
        (found / name).write_text("mine")
    return found


def test_a_link_in_place_of_a_folder_is_not_followed(world: World, outside: Path) -> None:
    before = sorted(one.name for one in outside.iterdir())
    (Path(world.home.packages)).mkdir(parents=True)
    (Path(world.home.packages) / HELLO).symlink_to(outside)
    with pytest.raises(HostFailed, match="is a link"):
        world.put(world.package())
    world.put(world.package({"package_id": OTHER}))
    assert sorted(one.name for one in outside.iterdir()) == before


def test_a_link_in_place_of_the_store(world: World, outside: Path) -> None:
    before = sorted(one.name for one in outside.iterdir())
    Path(world.home.packages).symlink_to(outside)
    with pytest.raises(HostFailed, match="is a link"):
        world.put(world.package())
    assert [one for one in before if not (outside / one).exists()] == []
    assert world.served == {}


def test_a_link_that_a_file_would_be_written_through(world: World, outside: Path) -> None:
    package = world.package()
    folder = Path(world.home.packages) / HELLO
    folder.mkdir(parents=True)
    (folder / f"0.1.0-{package.content_hash[:16]}.mpp").symlink_to(outside / "letters.txt")
    world.put(package)
    assert (outside / "letters.txt").read_text() == "mine"
    assert not stored(world).is_symlink()


def test_what_a_person_put_there_is_not_touched(world: World) -> None:
    folder = Path(world.home.packages) / "com.example.mine"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (Path(world.home.packages) / "README").write_text("mine")
    world.put(world.package())
    assert (folder / "notes.txt").read_text() == (Path(world.home.packages) / "README").read_text() == "mine"


@pytest.mark.parametrize("name", ["..", "../../etc", "com.example/../..", "/etc", "com.example.x/y", "com.example.\0x", "CON.example", "con.example", ""])
def test_an_id_is_no_path(world: World, name: str) -> None:
    with pytest.raises(HostFailed) as fault:
        world.store.places.folder(name)
    assert fault.value.code == "host.package"


# --- old, greedy and foreign versions


def test_an_old_version_with_a_known_hole(world: World) -> None:
    """Neither a yes to growth nor an uninstall in between makes it an update."""
    old = world.version("0.1.0")
    world.put(world.version("0.2.0"))
    for _ in range(2):
        with pytest.raises(Refused) as fault:
            apply(world.store, old, Wish(), world.told, agreed=Agreed(lines=("Goes back to version 0.1.0; the highest here was 0.2.0.",), amr="tty", by=""))
        assert fault.value.code == "consent.downgrade"
        with pytest.raises(Refused):
            apply(world.store, old, Wish(downgrade=True), world.told)
        if world.served:
            uninstall(world.store, HELLO, world.told, by="ada", amr="tty")


def test_a_pre_release_is_older_than_its_release(world: World) -> None:
    world.put(world.version("1.0.0"))
    for number in ("1.0.0-rc.1", "0.99.99", "1.0.0-alpha"):
        with pytest.raises(Refused) as fault:
            world.put(world.version(number))
        assert fault.value.code == "consent.downgrade"
    # Build metadata makes no order: other content under the same number is asked about.
    found = plan_for(world.store, world.version("1.0.0+other"), Wish())
    assert found.asks == ("Has the number of version 1.0.0, which is installed, and other content.",)


def test_growth_over_a_version_that_cannot_be_read_any_more(world: World) -> None:
    """Attack: the file of the installed version is damaged, so that there is nothing to compare an update with."""
    world.put(world.package())
    longer(world)
    found = plan_for(world.store, world.version("0.2.0"), Wish())
    assert found.asks == ("The version that is installed cannot be read any more, so nobody knows what is new.",)


def test_an_update_from_another_publisher(world: World) -> None:
    world.put(world.package())
    world.trust.change(lambda state: with_pin(state, HELLO, publisher().id))
    other = publisher("Somebody Else")
    world.believe(other)
    with pytest.raises(Refused) as fault:
        world.package({"version": "0.2.0"}, by=other)
    assert fault.value.code == "publisher.pin_mismatch"
    # Even where a person moved the id to them, the first version of theirs is asked about.
    world.trust.change(lambda state: with_pin(state, HELLO, other.id))
    theirs = world.package({"version": "0.2.0"}, by=other)
    with pytest.raises(Refused) as fault:
        apply(world.store, theirs, Wish(), world.told)
    assert fault.value.code == "consent.growth"


def test_an_alias_that_shadows(world: World) -> None:
    """Attack: ``github`` of somebody else, so that an agent's calls of github__create_issue go to it."""
    world.put(world.package({"package_id": "com.github.github"}))
    for alias in ("github", ""):
        with pytest.raises(Refused) as fault:
            world.put(world.package({"package_id": "com.evil.github"}), alias=alias)
        assert fault.value.code == "usage.alias"
    for alias in ("GITHUB", "g\u0456thub", "github__x", "mpp"):
        with pytest.raises(Refused):
            world.put(world.package({"package_id": "com.evil.github"}), alias=alias)
    assert [row.alias for row in world.again().all()] == ["github"]


@pytest.mark.parametrize("name", ["legacy.github", "legacy.com.example"])
def test_a_package_with_the_id_of_an_older_server(world: World, name: str) -> None:
    assert NOT_SIGNED == PACKAGE_PREFIX
    with pytest.raises(Refused) as fault:
        world.put(world.package({"package_id": name}), alias="x")
    assert fault.value.code == "usage.package_id"
    assert world.files == []
