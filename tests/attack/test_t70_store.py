"""T70, the package store: changes that are cut off at every step, files and lockfiles that are tampered with, links, races, and old or greedy versions.

Spec: store.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.store import Agreed, apply, plan_for, Wish
from mpp.host.store import remove as uninstall
from mpp.host.trust_store import with_pin
from mpp.model.events import EntryRef, Event
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed
from tests.attack.dying import fast_folder
from tests.unit.host.store.worlds import GROWN, OTHER, World

HELLO = "com.example.hello"
STEPS = ("open", "fsync", "replace", "rename", "link", "unlink", "mkdir", "rmdir")
"""What is done to the disk; each call is one step. Of ``open`` only what may make a file."""


@pytest.fixture
def base() -> Iterator[Path]:
    found = fast_folder()
    yield found
    shutil.rmtree(found)


@pytest.fixture
def world(base: Path) -> World:
    return World(base)


# --- cut off at every step


class Kept:
    """A record in a file of its own: what was told before a death can be read after it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        with self.path.open("a") as stream:
            stream.write(f"{event.body['change']} {event.body['version']}\n")
        return EntryRef(seq=0, leaf="")

    @property
    def told(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


def run_and_die(work: Callable[[], object], at: int, *, half: bool) -> bool:
    """Do ``work`` in a child that dies by SIGKILL before its step ``at``; with ``half``, having lost half of the file that it was to sync. Was it killed?"""
    pid = os.fork()
    if pid == 0:
        code = 1
        leave = os._exit
        try:
            _count(at, half=half)
            work()
            code = 0
        finally:
            leave(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def _count(at: int, *, half: bool) -> None:
    done = [0]

    def counted(name: str) -> None:
        real = getattr(os, name)

        def step(*args: object, **more: object) -> object:
            if name != "open" or int(args[1]) & os.O_CREAT:  # type: ignore[call-overload]
                if done[0] == at:
                    if half and name == "fsync":
                        with suppress(OSError):
                            os.ftruncate(int(args[0]), os.fstat(int(args[0])).st_size // 2)  # type: ignore[call-overload]
                    os.kill(os.getpid(), signal.SIGKILL)
                done[0] += 1
            return real(*args, **more)

        setattr(os, name, step)

    for name in STEPS:
        counted(name)


def first(world: World, events: Kept) -> None:
    apply(world.again(), world.package(), Wish(), events)


def update(world: World, events: Kept) -> None:
    apply(world.again(), world.version("0.2.0"), Wish(), events)


def gone(world: World, events: Kept) -> None:
    uninstall(world.again(), HELLO, events, by="ada", amr="tty")


def repair(world: World, events: Kept) -> None:
    apply(world.again(), world.package(), Wish(), events)


def nothing(_: World) -> None:
    """A new home."""


def one(world: World) -> None:
    world.put(world.package())


def damaged(world: World) -> None:
    world.put(world.package())
    next(Path(world.home.packages).rglob("*.mpp")).write_bytes(b"damaged")


CHANGES: list[tuple[Callable[[World], None], Callable[[World, Kept], None], set[str], str]] = [
    (nothing, first, {"", "0.1.0"}, "install 0.1.0"),
    (one, update, {"0.1.0", "0.2.0"}, "update 0.2.0"),
    (one, gone, {"0.1.0", ""}, "uninstall 0.1.0"),
    (damaged, repair, {"0.1.0"}, "repair 0.1.0"),
]


@pytest.mark.parametrize("half", [False, True], ids=["whole", "half"])
@pytest.mark.parametrize(("before", "change", "allowed", "line"), CHANGES, ids=["install", "update", "uninstall", "repair"])
def test_a_death_at_any_step_leaves_the_old_or_the_new(
    base: Path, before: Callable[[World], None], change: Callable[[World, Kept], None], allowed: set[str], line: str, half: bool
) -> None:
    seen = set()
    for at in range(200):
        place = base / f"at{at}"
        world, events = World(place), Kept(place / "told")
        before(world)
        begun = world.served.get(HELLO, "")
        killed = run_and_die(lambda world=world, events=events: change(world, events), at, half=half)  # type: ignore[misc]
        now = world.served.get(HELLO, "")
        seen.add(now)
        assert now in allowed
        # Nothing is served, or gone, of which the record does not know.
        assert now == begun or line in events.told
        _opens_or_was_damaged(world, is_repair=change is repair)
        # The next change takes away what was left.
        world.put(world.package({"package_id": OTHER}))
        _only_what_is_listed(world)
        if not killed:
            assert at > 10
            break
    else:
        pytest.fail("the change never came to its end")
    assert seen == allowed


def _opens_or_was_damaged(world: World, *, is_repair: bool) -> None:
    for row in world.again().active():
        try:
            assert world.again().open(row).version == row.version
        except HostFailed as fault:
            assert is_repair
            assert fault.code == "host.package"


def _only_what_is_listed(world: World) -> None:
    listed = sorted(f"{row.package_id}/{row.version}-{row.content_hash[:16]}.mpp" for row in world.again().all())
    assert world.files == listed
    assert {one.name for one in Path(world.home.packages).iterdir()} == {row.package_id for row in world.again().all()}
    assert sorted(one.name for one in Path(world.home.path).iterdir()) == ["mpp.lock", "mpp.lock.lock", "packages", "trust"]


def test_a_record_that_cannot_be_kept_stops_the_change(world: World) -> None:
    class Full:
        def record(self, event: Event, *, durable: bool = False) -> EntryRef:
            raise HostFailed("audit.full", "no room", where=event.kind)

    world.put(world.package())
    before = world.store.revision()
    for change in (lambda: apply(world.store, world.version("0.2.0"), Wish(), Full()), lambda: uninstall(world.store, HELLO, Full(), by="", amr="")):
        with pytest.raises(HostFailed, match="no room"):
            change()
    assert world.store.revision() == before
    assert world.served == {HELLO: "0.1.0"}


# --- several at once


def at_once(works: list[Callable[[], object]]) -> list[int]:
    """Each in a process of its own, begun together; their exit codes."""
    go, ready = os.pipe()
    pids = []
    for work in works:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(ready)
                os.read(go, 1)
                work()
                code = 0
            except MppError as fault:
                code = fault.exit_code
            finally:
                os._exit(code)
        pids.append(pid)
    os.close(go)
    os.close(ready)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_installs_at_once_are_all_there(world: World, base: Path) -> None:
    names = [f"com.example.p{number}" for number in range(8)]
    made = [world.package({"package_id": name}) for name in names]
    events = Kept(base / "told")
    assert at_once([lambda one=one: apply(world.again(), one, Wish(), events) for one in made]) == [0] * 8  # type: ignore[misc]
    assert sorted(world.served) == names
    assert len(world.trust.load().installed) == 8
    _only_what_is_listed(world)


def test_the_same_package_at_once_is_installed_once(world: World, base: Path) -> None:
    package, events = world.package(), Kept(base / "told")
    assert at_once([lambda: apply(world.again(), package, Wish(), events)] * 6) == [0] * 6
    assert events.told == ["install 0.1.0"]


def test_one_alias_at_once_is_given_once(world: World, base: Path) -> None:
    made = [world.package({"package_id": f"com.example.p{number}"}) for number in range(4)]
    events = Kept(base / "told")
    codes = at_once([lambda one=one: apply(world.again(), one, Wish(alias="same"), events) for one in made])  # type: ignore[misc]
    assert sorted(codes) == [0, 2, 2, 2]
    assert [row.alias for row in world.again().all()] == ["same"]


def test_a_store_that_changes_while_a_person_reads(world: World) -> None:
    """Attack: the question is about one difference, and while it is read the version behind it is replaced, so that the yes would cover more."""
    world.put(world.package(GROWN))
    newer = world.package({**GROWN, "version": "0.3.0", "runtime/timeout_ms": 6000})
    found = plan_for(world.store, newer, Wish())
    assert found.asks == ("May run for 6000 ms instead of 5000.",)
    world.put(world.package(), downgrade=True, yes=True)
    with pytest.raises(Refused) as fault:
        apply(world.store, newer, Wish(), world.told, agreed=Agreed(lines=found.asks, amr="tty", by="ada"))
    assert fault.value.code == "consent.growth"
    assert world.served == {HELLO: "0.1.0"}


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
