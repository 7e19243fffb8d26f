"""Installing, updating, going back and uninstalling: what is served afterwards, what is asked, and what is told to the record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.store import Agreed, apply, plan_for, Wish
from mpp.host.store import remove as uninstall
from mpp.host.store.changing import chosen
from mpp.model.jsontext import Json
from mpp.testing.keys import publisher
from tests.unit.host.store.worlds import GROWN, OTHER, World

HELLO = "com.example.hello"
DESCRIBED: dict[str, Json] = {"version": "0.2.0", "tool_definitions/0/description": "Greets a person, and reads their mail"}
SLOWER: dict[str, Json] = {"version": "0.2.0", "runtime/timeout_ms": 6000}
UNFILTERED: dict[str, Json] = {"version": "0.2.0", "privacy_filters": {"enabled": False}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_first_install_is_served(world: World) -> None:
    package = world.package()
    done = world.put(package, source="/somewhere/hello.mpp")
    (row,) = world.again().active()
    assert done.change == "install"
    assert done.row == row
    assert (row.package_id, row.version, row.alias, row.mark, row.source) == (HELLO, "0.1.0", "hello", "0.1.0", "/somewhere/hello.mpp")
    assert (row.content_hash, row.file_hash, row.publisher_id) == (package.content_hash, package.file_hash, publisher().id)
    assert world.store.open(row).manifest == package.manifest
    assert world.files == [f"{HELLO}/0.1.0-{package.content_hash[:16]}.mpp"]


def test_what_is_installed_is_accepted_after_a_rotation_of_keys(world: World) -> None:
    package = world.package()
    world.put(package)
    assert package.content_hash in world.trust.load().installed


def test_the_record_has_each_change(world: World) -> None:
    world.put(world.package())
    world.put(world.package(GROWN), yes=True)
    world.put(world.package(), downgrade=True, yes=True)
    uninstall(world.store, HELLO, world.told, by="ada", amr="tty")
    told = [(event.kind, event.body["change"], event.body["version"], event.body["before"]) for event in world.told.events]
    assert told == [
        ("package", "install", "0.1.0", ""),
        ("package", "update", "0.2.0", "0.1.0"),
        ("package", "downgrade", "0.1.0", "0.2.0"),
        ("package", "uninstall", "0.1.0", "0.1.0"),
        ("package", "uninstall", "0.2.0", ""),
    ]
    assert world.told.events[1].body["amr"] == "tty"
    assert world.told.events[1].body["asked"] == 1


def test_an_update_that_asks_for_nothing_new_needs_no_yes(world: World) -> None:
    world.put(world.package())
    assert world.put(world.version("0.2.0")).change == "update"
    assert world.served == {HELLO: "0.2.0"}
    assert len(world.files) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (GROWN, "May send requests to api.example.com over HTTPS."),
        (SLOWER, "May run for 6000 ms instead of 5000."),
        (DESCRIBED, 'The description of the tool "greet" said nothing there and now says "person, and reads their mail".'),
        (UNFILTERED, "Asks that its answers are not filtered for private data."),
        ({"version": "0.1.0", "license": "MIT"}, "Has the number of version 0.1.0, which is installed, and other content."),
    ],
    ids=["network", "limits", "description", "privacy", "same number"],
)
def test_what_grows_waits_for_a_yes_to_these_very_words(world: World, changes: dict[str, Json], words: str) -> None:
    world.put(world.package())
    package = world.package(changes)
    found = plan_for(world.store, package, Wish())
    assert len(found.asks) == 1
    assert found.asks[0].split()[:4] == words.split()[:4]
    before = world.files
    with pytest.raises(Refused) as fault:
        apply(world.store, package, Wish(), world.told)
    assert fault.value.code == "consent.growth"
    assert world.served == {HELLO: "0.1.0"}
    assert world.files == before
    assert apply(world.store, package, Wish(), world.told, agreed=Agreed(lines=found.asks, amr="tty", by="ada")).change == "update"


def test_a_yes_to_other_words_does_not_count(world: World) -> None:
    world.put(world.package())
    with pytest.raises(Refused, match=r"api\.example\.com"):
        apply(world.store, world.package(GROWN), Wish(), world.told, agreed=Agreed(lines=("May run for 6000 ms instead of 5000.",), amr="tty", by="ada"))


def test_another_publisher_is_said_so(world: World) -> None:
    world.put(world.package())
    other = publisher("Somebody Else")
    world.believe(other)
    found = plan_for(world.store, world.package({"version": "0.2.0"}, by=other), Wish())
    assert found.asks == (f"Comes from publisher {other.id[:16]} instead of {publisher().id[:16]}.",)


def test_older_than_the_mark_is_refused_even_after_an_uninstall(world: World) -> None:
    world.put(world.version("0.3.0"))
    uninstall(world.store, HELLO, world.told, by="ada", amr="tty")
    assert world.served == {}
    assert world.files == []
    old = world.version("0.2.0")
    with pytest.raises(Refused) as fault:
        world.put(old)
    assert fault.value.code == "consent.downgrade"
    found = plan_for(world.store, old, Wish(downgrade=True))
    assert found.change == "downgrade"
    assert found.asks == ("Goes back to version 0.2.0; the highest here was 0.3.0.",)
    assert world.put(old, downgrade=True, yes=True).row.mark == "0.3.0"


def test_the_same_package_again_changes_nothing(world: World) -> None:
    world.put(world.package())
    before = world.store.revision()
    assert world.put(world.package()).change == "none"
    assert world.store.revision() == before


def test_a_damaged_file_is_mended_by_installing_again(world: World) -> None:
    world.put(world.package())
    (path,) = Path(world.home.packages).rglob("*.mpp")
    path.write_bytes(b"something else")
    assert world.put(world.package()).change == "repair"
    assert world.store.open(world.store.find("hello")).version == "0.1.0"


@pytest.mark.parametrize("alias", ["Hello", "a__b", "a/b", "..", "mpp", "x" * 33, "-a", "a b", "ä"])
def test_what_is_no_alias(world: World, alias: str) -> None:
    with pytest.raises(Refused) as fault:
        world.put(world.package(), alias=alias)
    assert fault.value.code == "usage.alias"
    assert world.files == []


def test_an_alias_is_of_one_package(world: World) -> None:
    world.put(world.package(), alias="git-hub")
    for alias in ("git-hub", "git_hub"):
        with pytest.raises(Refused, match="has the alias"):
            world.put(world.package({"package_id": OTHER}), alias=alias)
    with pytest.raises(Refused, match="not free"):
        plan_for(world.store, world.package({"package_id": OTHER}), Wish(), reserved={"other"})
    assert world.put(world.package({"package_id": OTHER})).row.alias == "other"
    # Something else took the name later: what has it keeps it, and can be updated.
    newer = world.package({"package_id": OTHER, "version": "0.2.0"})
    assert apply(world.store, newer, Wish(), world.told, reserved={"other"}).row.alias == "other"
    assert world.put(world.package(), alias="greeter").change == "alias"
    assert world.store.find("greeter").package_id == HELLO


def test_one_version_is_uninstalled_and_the_others_stay(world: World) -> None:
    for number in ("0.1.0", "0.2.0", "0.3.0"):
        world.put(world.version(number))
    gone = uninstall(world.store, "hello@0.1.0", world.told, by="ada", amr="tty")
    assert [row.version for row in gone.rows] == ["0.1.0"]
    assert [row.version for row in gone.left] == ["0.2.0", "0.3.0"]
    assert world.served == {HELLO: "0.3.0"}
    assert len(world.files) == 2
    # Nothing older takes the place of what was served by itself.
    uninstall(world.store, f"{HELLO}@0.3.0", world.told, by="ada", amr="tty")
    assert world.served == {}
    assert [row.version for row in world.store.all()] == ["0.2.0"]
    assert len(world.trust.load().installed) == 1


@pytest.mark.parametrize("name", ["nothing", "hello@9.9.9", "", "@", "com.example.hello@"])
def test_a_name_that_means_nothing(world: World, name: str) -> None:
    world.put(world.package())
    with pytest.raises(Refused) as fault:
        uninstall(world.store, name, world.told, by="ada", amr="tty")
    assert fault.value.code == "usage.installed"


def test_what_came_while_a_person_read_is_not_removed(world: World) -> None:
    world.put(world.package())
    shown = chosen(world.store, "hello")
    world.put(world.version("0.2.0"))
    with pytest.raises(Refused, match="changed meanwhile"):
        uninstall(world.store, "hello", world.told, by="ada", amr="tty", agreed=shown)
    assert len(world.files) == 2


def test_too_many_versions_and_packages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.store.planning.VERSIONS_MAX", 1)
    monkeypatch.setattr("mpp.host.store.planning.PACKAGES_MAX", 1)
    world.put(world.package())
    for more in (world.version("0.2.0"), world.package({"package_id": OTHER})):
        with pytest.raises(Refused) as fault:
            world.put(more)
        assert fault.value.code == "usage.installed"


@pytest.mark.parametrize("source", ["/a\n/b.mpp", "/a\udcff.mpp", "x" * 5000], ids=["line break", "other bytes", "long"])
def test_a_source_that_cannot_be_kept_is_not(world: World, source: str) -> None:
    assert world.put(world.package(), source=source).row.source == ""


def test_an_alias_that_the_id_does_not_give(world: World) -> None:
    long = world.package({"package_id": "com.example." + "x" * 40})
    with pytest.raises(Refused, match="alias") as fault:
        world.put(long)
    assert fault.value.code == "usage.alias"
    assert world.put(long, alias="x").row.alias == "x"


def test_a_plan_of_nothing_has_no_version(world: World) -> None:
    found = plan_for(world.store, world.package(), Wish())
    assert found.one.version == "0.1.0"
    with pytest.raises(Refused):
        _ = replace(found, entry=world.store.lock().entry(OTHER)).one
