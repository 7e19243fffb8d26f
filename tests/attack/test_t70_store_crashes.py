"""T70, the package store: changes that are cut off at every step, and changes at once.

Spec: store section 6.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.store import Agreed, apply, plan_for, Wish
from mpp.host.store import remove as uninstall
from mpp.model.events import EntryRef, Event
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
