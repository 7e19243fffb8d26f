"""Servers that live, end, crash and change; with real processes where the thing is about processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused, ToolFailed
from mpp.host.home import Home
from mpp.host.legacy import connection as connection_module
from mpp.host.legacy.connection import StdioConnection
from mpp.host.legacy.keeping import connect, Keeper, Surroundings
from mpp.host.legacy.limits import BACK_OFF_SECONDS, CALLS_AT_ONCE_MAX, CRASHES_MAX
from mpp.host.legacy.pins import CHANGED, GONE, NEW
from mpp.host.legacy.offers import Lists
from mpp.host.legacy.plan import plan_of
from mpp.host.legacy import probing
from mpp.host.legacy.probing import probe
from mpp.host.legacy.proxy import Proxy
from mpp.host.legacy.requests import Heard as Told
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Barriers, Entry, HostRule, Server
from mpp.host.legacy.waiting import answer_of, Asks, Name, Order, Waiting
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import open_secrets
from mpp.host.system import FixedClock
from mpp.jail import landlock
from mpp.model.jsontext import Json
from mpp.protocol.mcp_client.events import Done, Greeted, Log
from mpp.protocol.mcp_client.session import ELICIT, FLOOD, ROOTS, SAMPLE
from mpp.stages.sandbox import Live
from tests.unit.host.legacy.world import call, Heard, PROGRAM, server, started, until, World

HERE: set[str] = set() if landlock.version() >= landlock.SCOPES_SINCE else {"processes"}
"""What this kernel does not hold where it gives no namespaces."""

BOTH = [True, False]


@pytest.fixture
def about(place: Path) -> Surroundings:
    home = Home(path=str(place))
    return Surroundings(store=LegacyStore(home.path), secrets=open_secrets(home), home=home.path, environment=os.environ, clock=FixedClock(100))


@pytest.mark.parametrize("namespaces", BOTH)
def test_one_life_of_a_server(place: Path, namespaces: bool) -> None:
    found = started(server(env=("KEY",)), str(place), namespaces=namespaces, env={"KEY": "v"})
    try:
        assert (found.is_alive, found.greeted.name) == (True, "test-server")
        assert found.barriers.missing.keys() <= HERE
        assert len(found.lists(10).tools) == 8
        assert call(found, "echo", {"text": "hi"}) == "hi"
        seen = call(found, "look")
        assert '"KEY": "v"' in seen
        assert "PATH" in seen
        assert "MPP_HOME" not in seen
        assert found.hosts() == ()
    finally:
        found.close()
    assert not found.is_alive
    with pytest.raises(MppError):
        call(found, "echo", {"text": "hi"})


@pytest.mark.parametrize("mode", ["paged", "old", "noise", "asks-much", "big"])
def test_servers_with_habits_of_their_own(place: Path, mode: str) -> None:
    found = started(server(mode=mode), str(place))
    try:
        assert len(found.lists(10).tools) == 8
        assert call(found, "echo", {"text": "hi"}).startswith("hi")
        assert found.counts() == {"noise": {"noise bytes": 35}, "asks-much": {"unknown messages": 1}}.get(mode, {})
    finally:
        found.close()


FAILS = [("crash", "tool.crashed", "no such option"), ("strange", "tool.protocol", "1999-01-01")]


@pytest.mark.parametrize(("mode", "code", "words"), FAILS)
def test_servers_that_do_not_start(about: Surroundings, mode: str, code: str, words: str) -> None:
    with pytest.raises(ToolFailed) as fault:
        connect(server(mode=mode), about)
    assert (fault.value.code, words in str(fault.value)) == (code, True)


def test_one_that_says_nothing_is_not_waited_for_without_end(place: Path) -> None:
    found = StdioConnection(plan_of(server(mode="silent"), {}, environment=os.environ, mpp_home=str(place)), Proxy((), tuple), "1")
    with pytest.raises(ToolFailed) as fault:
        found.open(1.0)
    found.close()
    assert fault.value.code == "tool.deadline"


def test_a_program_that_cannot_be_run(about: Surroundings, tmp_path: Path) -> None:
    (tmp_path / "program").write_text("not a program\n", encoding="ascii")
    (tmp_path / "program").chmod(0o755)
    for namespaces in BOTH:
        made = Server(name="tests", kind="stdio", command=(str(tmp_path / "program"),))
        plan = plan_of(made, {}, environment=os.environ, mpp_home=about.home, namespaces=namespaces)
        with pytest.raises(HostFailed, match="not started"):
            StdioConnection(plan, Proxy((), tuple), "1").open(10)


def test_without_any_barrier_for_files_nothing_is_started(place: Path) -> None:
    plan = plan_of(server(), {}, environment=os.environ, mpp_home=str(place), namespaces=False, landlock=0)
    with pytest.raises(HostFailed, match="nothing would keep the server from your files") as fault:
        StdioConnection(plan, Proxy((), tuple), "1").open(10)
    assert fault.value.code == "host.barrier"


PROBES: list[tuple[dict[str, object], set[str]]] = [
    ({}, HERE),
    ({"namespaces": False}, HERE),
    ({"namespaces": False, "landlock": 5}, {"processes"}),
    ({"namespaces": False, "landlock": 2}, {"processes", "files (part)"}),
    ({"namespaces": False, "landlock": 0}, {"files"}),
]


@pytest.mark.parametrize(("how", "missing"), PROBES)
def test_what_this_machine_would_hold(place: Path, how: dict[str, object], missing: set[str]) -> None:
    found = probe(server(), os.environ, str(place), **how)  # type: ignore[arg-type]
    is_own = found.held.get("files") == "a root folder of its own"
    assert found.missing.keys() == (set() if is_own else missing)


def test_what_a_proxy_needs_of_an_old_kernel(place: Path) -> None:
    hosts = (HostRule(host="example.com", port=443),)
    assert probe(server(hosts=hosts), os.environ, str(place), namespaces=False, landlock=3).missing.keys() == {"network", "processes"}
    assert probe(server(hosts=hosts), os.environ, str(place), namespaces=False).missing.keys() == HERE
    assert probe(server(sandboxed=False), os.environ, str(place)).missing.keys() == {"files", "network", "processes"}


def test_a_variable_comes_from_the_secrets_of_the_home(about: Surroundings) -> None:
    made = server(env=("API_KEY",))
    with pytest.raises(Refused) as fault:
        connect(made, about)
    assert fault.value.code == "secret.missing"
    value = "sk-" + "0" * 20
    about.secrets.put(make_entry("API_KEY", value, created=1, packages=("legacy.tests",)), replace=False)
    found = connect(made, about)
    assert isinstance(found, StdioConnection)
    try:
        assert value in call(found, "look")
    finally:
        found.close()


def test_calls_at_once_have_a_bound(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "CALLS_AT_ONCE_MAX", 0)
    assert CALLS_AT_ONCE_MAX > 16
    made = plan_of(server(), {}, environment=os.environ, mpp_home=str(place))
    found = StdioConnection(made, Proxy((), tuple), "1")
    try:
        with pytest.raises(HostFailed, match="calls at once"):
            found.open(10)
    finally:
        found.close()


def test_many_calls_at_once_each_get_their_own_answer(place: Path) -> None:
    found = started(server(), str(place))
    answers: dict[int, str] = {}

    def one(number: int) -> None:
        answers[number] = call(found, "echo", {"text": str(number)})

    threads = [threading.Thread(target=one, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.close()
    assert answers == {number: str(number) for number in range(32)}


def test_an_idle_server_ends_by_itself(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_LOOK_SECONDS", 0.02)
    plan = plan_of(server(), {}, environment=os.environ, mpp_home=str(place))
    found = StdioConnection(plan, Proxy((), tuple), "1", idle=0.1)
    found.open(10)
    until(lambda: not found.is_alive)


class Fake:
    """A connection that is told what to do."""

    def __init__(self, tools: Sequence[Json]) -> None:
        self.barriers, self.greeted = Barriers(), Greeted(version="", name="", server_version="", abilities=frozenset({"tools"}))
        self.listed, self.is_alive, self.changes, self.looks = list(tools), True, 0, 0
        self.heard: Told = lambda _what, _which: None
        self.watched: list[str] = []

    def lists(self, seconds: float) -> Lists:
        self.looks += 1
        return Lists(tools=tuple(self.listed))

    def watch(self, uri: str) -> None:
        self.watched.append(uri)

    def call(self, order: Order, live: Live, *, gone_fd: int, ask: Name) -> Done | Asks:
        raise ToolFailed("tool.crashed", "it is not there")

    def hosts(self) -> tuple[str, ...]:
        return ()

    def counts(self) -> Mapping[str, int]:
        return {}

    def close(self) -> None:
        self.is_alive = False


TOOL: Json = {"name": "a", "description": "It does a.", "inputSchema": {"type": "object"}}
OTHER: Json = {"name": "a", "description": "It does something else.", "inputSchema": {"type": "object"}}


def keeper(about: Surroundings, start: Callable[[Server], Fake]) -> tuple[Keeper, list[float]]:
    waits: list[float] = []
    return Keeper("tests", about, connect=start, wait=waits.append), waits  # type: ignore[arg-type]


def test_a_list_that_changes_is_judged_anew(about: Surroundings) -> None:
    about.store.put(Entry(server=server()))
    fake = Fake([TOOL])
    made, _ = keeper(about, lambda _: fake)
    assert made.ready().judged.callable == {"a"}
    made.ready()
    assert fake.looks == 1, "it is listed once, as long as nothing changes"
    fake.listed, fake.changes = [OTHER, {**OTHER, "name": "b"}], 3  # type: ignore[dict-item]
    found = made.ready()
    assert (found.judged.callable, {one.name: one.why for one in found.entry.held}) == (frozenset(), {"a": CHANGED, "b": NEW})
    assert about.store.find("tests").held == found.entry.held
    fake.listed, fake.changes = [], 4
    assert {one.why for one in made.ready().entry.held} == {GONE}
    fake.listed, fake.changes = [TOOL], 5
    assert made.ready().judged.callable == {"a"}
    assert about.store.find("tests").held == ()


def test_a_server_that_only_crashes_is_given_up(about: Surroundings) -> None:
    about.store.put(Entry(server=server()))

    def crash(_: Server) -> Fake:
        raise ToolFailed("tool.crashed", "it ended with code 3")

    made, waits = keeper(about, crash)
    for _ in range(CRASHES_MAX - 1):
        with pytest.raises(ToolFailed, match="code 3"):
            made.ready()
    with pytest.raises(HostFailed, match="5 times in a row"):
        made.ready()
    assert waits == list(BACK_OFF_SECONDS)
    with pytest.raises(HostFailed, match="not started any more"):
        made.ready()
    assert len(waits) == CRASHES_MAX, "it was not started again"
    stopped = about.store.find("tests").stopped
    assert stopped is not None
    assert (stopped.since, "code 3" in stopped.why) == (100, True)


def test_lives_that_are_too_short_count_as_crashes(about: Surroundings) -> None:
    about.store.put(Entry(server=server()))
    lives: list[Fake] = []

    def start(_: Server) -> Fake:
        lives.append(Fake([TOOL]))
        return lives[-1]

    made, waits = keeper(about, start)
    with pytest.raises(HostFailed, match="ended soon after its start"):
        while True:
            made.ready()
            lives[-1].is_alive = False
    assert (len(lives), waits) == (CRASHES_MAX, list(BACK_OFF_SECONDS))


def test_what_its_owner_must_mend_is_no_crash(about: Surroundings) -> None:
    about.store.put(Entry(server=server()))

    def missing(_: Server) -> Fake:
        raise Refused("secret.missing", "no value")

    made, waits = keeper(about, missing)
    for _ in range(2 * CRASHES_MAX):
        with pytest.raises(Refused):
            made.ready()
    assert set(waits) == {0.0}


def test_a_server_that_is_another_one_now_is_started_anew(about: Surroundings) -> None:
    about.store.put(Entry(server=server()))
    lives: list[Fake] = []

    def start(_: Server) -> Fake:
        lives.append(Fake([TOOL]))
        return lives[-1]

    made, waits = keeper(about, start)
    made.ready()
    about.store.remove("tests")
    with pytest.raises(Refused):
        made.ready()
    about.store.put(Entry(server=server("tests", "paged")))
    made.ready()
    assert ([one.is_alive for one in lives], waits) == ([False, True], [0.0, 0.0])
    made.close()
    made.close()
    assert not lives[-1].is_alive


def test_in_a_fleet_nothing_runs_without_a_sandbox(about: Surroundings) -> None:
    fleet = Surroundings(
        store=about.store, secrets=about.secrets, home=about.home, environment=os.environ, clock=about.clock, is_fleet=lambda: True,
    )  # fmt: skip
    with pytest.raises(Refused) as fault:
        connect(server(sandboxed=False), fleet)
    assert fault.value.code == "consent.fleet"


def test_the_first_list_comes_by_itself_and_what_is_taken_out_ends(world: World) -> None:
    world.store.put(Entry(server=server()))
    before = world.source.revision()
    assert world.names() == []
    assert world.names() == []
    until(lambda: world.source.revision() != before)
    assert world.names() == [f"tests__{name}" for name in ("book", "dial", "echo", "fork", "look", "read_file", "slow", "write_file")]
    connection = world.source.keeper("tests", "local").ready().connection
    world.store.remove("tests")
    assert world.names() == []
    until(lambda: not connection.is_alive)


def test_what_is_given_up_or_kept_back_is_not_listed(world: World) -> None:
    world.add(server())
    world.add(server("open", sandboxed=False))
    world.store.stop("tests", 1, "it crashes")
    assert {name.partition("__")[0] for name in world.names()} == {"open"}
    world.source._about = Surroundings(
        store=world.store, secrets=world.about.secrets, home=world.home.path, environment=os.environ, clock=world.about.clock, is_fleet=lambda: True
    )
    assert world.names() == []


def test_a_flood_waits_in_a_bounded_room() -> None:
    waiting = Waiting()
    for number in range(1000):
        waiting.put(Log(level="info", message=str(number)))
    waiting.put(Done(id=1, result={}))
    found = waiting.wait(0, -1)
    assert (len(found), found[-1], waiting.dropped) == (257, Done(id=1, result={}), 744)
    waiting.close()
    waiting.put(Done(id=1, result={}))


def test_answers_as_older_servers_take_them() -> None:
    assert answer_of(ELICIT, {"action": "accept", "content": {"a": 1}, "more": 2}) == {"action": "accept", "content": {"a": 1}}
    assert answer_of(SAMPLE, {"role": "assistant", "content": {"type": "text", "text": "a"}, "more": 2}) == {
        "role": "assistant", "content": {"type": "text", "text": "a"}
    }  # fmt: skip
    assert answer_of(ROOTS, {"roots": [{"uri": "file:///a", "more": 2}, 3]}) == {"roots": [{"uri": "file:///a"}]}
    nothing: list[tuple[str, Json]] = [
        (ELICIT, {"action": "accept"}), (ELICIT, {"action": "cancel"}), (ELICIT, None), (SAMPLE, {"content": "a"}), (ROOTS, {"roots": {}})
    ]  # fmt: skip
    for method, found in nothing:
        assert answer_of(method, found) is None
    assert Heard().gone_fd == -1
    assert PROGRAM.endswith(".py")
    assert FLOOD


def test_what_doctor_says_of_older_servers(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holds = {"files": "a root folder of its own"}
    cases: list[tuple[Barriers, str, str]] = [
        (Barriers(held=holds), "good", "are held: files by a root folder of its own"),
        (Barriers(held=holds, missing={"processes": "no namespace"}), "note", "not held: processes (no namespace)"),
        (Barriers(missing={"files": "nothing"}), "note", "none is started in a sandbox"),
    ]
    for barriers, state, words in cases:
        monkeypatch.setattr(probing, "probe", lambda *_, found=barriers: found)
        fact = probing.sandbox_of_servers({}, str(place))
        assert (fact.state, words in fact.text) == (state, True)
