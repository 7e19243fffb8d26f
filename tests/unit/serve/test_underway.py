"""Calls that say where they wait: no thread waits with them, what they have for the record is written at once, and each ends as if it were alone."""

from __future__ import annotations

import os
import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator

import pytest

from mpp.errors import HostFailed, MppError, ToolFailed
from mpp.host.gathering import Entries
from mpp.model.events import EntryRef, Event
from mpp.ports import NOWHERE, Steps, Wait
from mpp.protocol.mcp import Job
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.serve import stdio, underway
from mpp.serve.underway import Call, UnderWay
from mpp.testing.backend import MemoryBackend, said
from tests.unit.protocol.wire import modern, old
from tests.unit.serve.test_stdio import cancel, Client, greet, PATIENCE, readable, Slow

Stepping = Callable[[Live], Steps[Outcome]]


class Written:
    """A record that counts its writes."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, bool]] = []
        self.fails: Callable[[list[Event]], HostFailed | None] = lambda _: None

    def record_all(self, events: list[Event], /, *, durable: bool = False) -> list[EntryRef]:
        fault = self.fails(events)
        if fault is not None:
            raise fault
        self.writes.append((len(events), durable))
        return [EntryRef(number, "") for number in range(len(events))]


class Gate:
    """A tool that says where it waits, and is let go by its name."""

    def __init__(self) -> None:
        self.ends: dict[str, tuple[socket.socket, socket.socket]] = {}
        self.running, self.told = threading.Semaphore(0), threading.Semaphore(0)
        self.threads: set[str] = set()

    def steps(self, name: str, until: float) -> Steps[Outcome]:
        if name not in self.ends:
            self.ends[name] = socket.socketpair()
        ours = self.ends[name][0]
        self.running.release()
        try:
            yield Wait(ours.fileno(), until)
        except ToolFailed as fault:
            self.told.release()
            return said(fault.code, error=True)
        self.threads.add(threading.current_thread().name)
        return said("let go" if readable(ours.fileno(), 0) else "late")

    def let_go(self, name: str) -> None:
        self.ends[name][1].send(b"x")

    def close(self) -> None:
        for pair in self.ends.values():
            for one in pair:
                one.close()


class StepsBackend(MemoryBackend):
    """Some of its tools say where they wait; the others block, as those of older servers do."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.record = Gate(), Written()
        self.busy, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        kind, _, name = call.name.partition("-")
        if kind == "gate":
            return (yield from self.gate.steps(name, time.monotonic() + PATIENCE))
        if kind == "busy":
            # A stretch that takes long, and then a wait.
            self.busy.release()
            assert self.go_on.acquire(timeout=PATIENCE)
            return (yield from self.gate.steps(name, time.monotonic() + PATIENCE))
        if kind == "moment":
            return (yield from self.gate.steps(name, time.monotonic() + 0.05))
        if kind == "closed":
            yield Wait(-1, time.monotonic() + PATIENCE)
        if kind == "entry":
            entries = Entries(self.record, [Event(kind=name, at=1, tenant="t", invocation="i", body={}, commit={})] * 2, durable=name == "intent")
            yield Wait(NOWHERE, 0.0, entries=entries)
            try:
                return said(str(entries.written().seq))
            except MppError as fault:
                return said(fault.code, error=True)
        return self.call(who, call, live)


@pytest.fixture
def slow() -> Iterator[Slow]:
    found = Slow()
    yield found
    os.close(found.go)
    os.close(found.went)


@pytest.fixture
def backend(slow: Slow) -> Iterator[StepsBackend]:
    found = StepsBackend()
    found.put("demo__slow", slow)
    yield found
    found.gate.close()


@pytest.fixture
def client(backend: StepsBackend) -> Iterator[Client]:
    found = Client(backend)
    yield found
    found.close()


def call(name: object, tool: str) -> dict[str, object]:
    return modern(name, "tools/call", name=tool)


def text(answer: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    return answer["result"]["content"][0]["text"]


def crew() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("mpp-call-")]


def test_no_thread_waits_with_them_and_none_waits_for_another(client: Client, backend: StepsBackend) -> None:
    client.send(*(call(number, f"gate-{number}") for number in range(20)))
    assert all(backend.gate.running.acquire(timeout=PATIENCE) for _ in range(20))
    client.send(call("short", "demo__echo"))
    assert client.take()["id"] == "short"
    for number in reversed(range(20)):
        backend.gate.let_go(str(number))
        answer = client.take()
        assert (answer["id"], text(answer)) == (number, "let go")
    assert not crew()


def test_the_same_in_the_old_era(client: Client, backend: StepsBackend) -> None:
    greet(client)
    client.send(old(1, "tools/call", name="gate-a"), old(2, "tools/call", name="gate-b"))
    assert all(backend.gate.running.acquire(timeout=PATIENCE) for _ in range(2))
    backend.gate.let_go("b")
    assert client.take()["id"] == 2
    backend.gate.let_go("a")
    assert client.take()["id"] == 1


def test_more_than_may_wait_take_their_turn(client: Client, backend: StepsBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "UNDER_WAY_MAX", 2)
    client.send(*(call(number, f"gate-{number}") for number in range(4)))
    assert all(backend.gate.running.acquire(timeout=PATIENCE) for _ in range(2))
    assert not backend.gate.running.acquire(timeout=0.1)
    for number in range(4):
        if number < 2:
            backend.gate.let_go(str(number))
        else:
            assert backend.gate.running.acquire(timeout=PATIENCE)
            backend.gate.let_go(str(number))
        assert client.take()["id"] == number


def test_one_goes_on_when_its_moment_comes(client: Client, backend: StepsBackend) -> None:
    client.send(call("long", "gate-long"), call("late", "moment-late"))
    answer = client.take()
    assert (answer["id"], text(answer)) == ("late", "late")
    backend.gate.let_go("long")
    assert text(client.take()) == "let go"


def test_one_that_is_cancelled_learns_it_at_once_and_the_others_go_on(client: Client, backend: StepsBackend) -> None:
    client.send(call("one", "gate-one"), call("two", "gate-two"))
    assert all(backend.gate.running.acquire(timeout=PATIENCE) for _ in range(2))
    client.send(cancel("one"))
    assert backend.gate.told.acquire(timeout=PATIENCE)
    backend.gate.let_go("two")
    assert client.take()["id"] == "two"
    client.send(call("last", "demo__echo"))
    assert client.take()["id"] == "last"
    assert client.is_quiet()


@pytest.mark.parametrize("stopped", [False, True])
def test_at_the_end_each_is_let_finish_or_told(client: Client, backend: StepsBackend, stopped: bool) -> None:
    client.send(call("one", "gate-one"), call("two", "gate-two"))
    assert all(backend.gate.running.acquire(timeout=PATIENCE) for _ in range(2))
    if stopped:
        client.front.stop()
        assert all(backend.gate.told.acquire(timeout=PATIENCE) for _ in range(2))
    else:
        client.close_input()
        backend.gate.let_go("one")
        backend.gate.let_go("two")
        assert {client.take()["id"] for _ in range(2)} == {"one", "two"}
    client.wait()


@pytest.mark.parametrize("how", ["cancelled", "stopped"])
def test_one_that_computes_while_nobody_waits_any_more_learns_it_where_it_waits(client: Client, backend: StepsBackend, how: str) -> None:
    client.send(call("one", "busy-one"))
    assert backend.busy.acquire(timeout=PATIENCE)
    if how == "cancelled":
        client.send(cancel("one"), call("other", "demo__echo"))
        assert client.take()["id"] == "other"
    else:
        client.front.stop()
    backend.go_on.release()
    assert backend.gate.told.acquire(timeout=PATIENCE)
    assert client.is_quiet() or how == "stopped"


def test_an_idle_server_leaves_at_once_whoever_of_the_two_leads(client: Client, backend: StepsBackend) -> None:
    client.send(call("one", "busy-one"))
    assert backend.busy.acquire(timeout=PATIENCE)
    # By now the second thread leads, and the first one comes back only to sleep.
    client.send(call("other", "demo__echo"))
    assert client.take()["id"] == "other"
    backend.go_on.release()
    assert backend.gate.running.acquire(timeout=PATIENCE)
    time.sleep(0.5)
    backend.gate.let_go("one")
    assert client.take()["id"] == "one"
    client.close_input()
    client.wait()


def test_one_that_can_go_on_waits_for_no_long_call(client: Client, backend: StepsBackend, slow: Slow) -> None:
    client.send(call("gate", "gate-gate"))
    assert backend.gate.running.acquire(timeout=PATIENCE)
    client.send(call("long", "demo__slow"))
    assert slow.running.acquire(timeout=PATIENCE)
    backend.gate.let_go("gate")
    assert client.take()["id"] == "gate"
    slow.let_go()
    assert client.take()["id"] == "long"


def test_two_that_wait_for_the_same_and_one_for_nothing_that_is_there(client: Client, backend: StepsBackend) -> None:
    client.send(call(1, "gate-same"), call(2, "gate-same"), call(3, "closed"))
    assert client.take()["error"]["message"] == "the host cannot answer this"
    backend.gate.let_go("same")
    assert {client.take()["id"] for _ in range(2)} == {1, 2}
    assert [defect.partition(": ")[2].partition(" at ")[0] for defect in client.defects] == ["a call ended with a defect of this program: ValueError"]


def held(backend: StepsBackend, kinds: list[str]) -> list[Call]:
    """Calls that wait for the record, as the front keeps them."""
    found = []
    way = UnderWay()
    for number, kind in enumerate(kinds):
        one = Call(Job(id=number, method="tools/call", params={}, meta={}, version="", capabilities={}))
        entries = Entries(backend.record, [Event(kind=kind, at=number, tenant="t", invocation="i", body={}, commit={})] * 2, durable=kind == "intent")
        one.wait = Wait(NOWHERE, 0.0, entries=entries)
        assert way.park(one, one.wait)
        found.append(one)
    assert way.can_go_on
    assert len(way) == len(kinds)
    return way.take_held()


def entries_of(calls: list[Call]) -> list[Entries]:
    return [one.wait.entries for one in calls if one.wait is not None and isinstance(one.wait.entries, Entries)]


def test_what_is_alike_is_written_at_once(backend: StepsBackend) -> None:
    calls = held(backend, ["intent", "result", "intent", "refused", "result"])
    underway.write(calls)
    # On a full disk there is room for ends alone: they are not written with anything else.
    assert backend.record.writes == [(4, True), (4, False), (2, False)]
    assert [one.written().seq for one in entries_of(calls)] == [1, 1, 3, 1, 3]
    assert len(backend.record.writes) == 3


def test_what_one_cannot_have_written_is_no_fault_of_the_others(backend: StepsBackend) -> None:
    def too_long(events: list[Event]) -> HostFailed | None:
        return HostFailed("audit.event", "too long", where="x", hint="y") if any(event.at == 1 for event in events) else None

    backend.record.fails = too_long
    calls = held(backend, ["intent"] * 3)
    underway.write(calls)
    assert backend.record.writes == [(2, True), (2, True)]
    first, second, third = entries_of(calls)
    assert first.written().seq == third.written().seq == 1
    with pytest.raises(HostFailed, match="too long"):
        second.written()


def test_a_record_that_fails_fails_for_all_and_is_not_asked_again(backend: StepsBackend) -> None:
    asked: list[int] = []

    def broken(events: list[Event]) -> HostFailed:
        asked.append(len(events))
        return HostFailed("audit.write", "no disk", where="x", hint="y")

    backend.record.fails = broken
    calls = held(backend, ["intent"] * 3)
    underway.write(calls)
    for one in entries_of(calls):
        with pytest.raises(HostFailed, match="no disk"):
            one.written()
    assert asked == [6]


def test_calls_that_come_at_once_have_their_entries_written_at_once(client: Client, backend: StepsBackend) -> None:
    client.send(*(call(number, "entry-intent") for number in range(8)))
    answers = {client.take()["id"] for _ in range(8)}
    assert answers == set(range(8))
    # How many came with the first read is the kernel's choice; that all were written one by one would be none.
    assert len(backend.record.writes) < 8
    assert sum(count for count, _ in backend.record.writes) == 16
    backend.record.writes.clear()
    client.send(call("alone", "entry-result"))
    assert text(client.take()) == "1"
    assert backend.record.writes == [(2, False)]


def test_a_moment_is_the_soonest_of_all() -> None:
    way, ends = UnderWay(), [socket.socketpair() for _ in range(2)]
    calls = [Call(Job(id=number, method="tools/call", params={}, meta={}, version="", capabilities={})) for number in range(2)]
    try:
        for one, (ours, _), until in zip(calls, ends, (time.monotonic() - 1, time.monotonic() + 60), strict=True):
            one.wait = Wait(ours.fileno(), until)
            assert way.park(one, one.wait)
        way.find_late()
        assert list(way.ready) == calls[:1]
        assert way.soonest > time.monotonic()
        assert not way.park(Call(calls[0].job), Wait(ends[1][0].fileno(), 0.0))
        way.found(ends[1][0].fileno())
        assert list(way.take_all(parked=True)) == calls
        assert not way.poll.poll(0)
    finally:
        for pair in ends:
            for end in pair:
                end.close()


def test_one_that_waits_to_write_is_found_when_there_is_room() -> None:
    way, (ours, theirs) = UnderWay(), socket.socketpair()
    one = Call(Job(id=1, method="tools/call", params={}, meta={}, version="", capabilities={}))
    with ours, theirs:
        assert way.park(one, Wait(ours.fileno(), time.monotonic() + 60, writing=True))
        assert way.poll.poll(0) == [(ours.fileno(), select.POLLOUT)]


# -- the only call of a client


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def alone(wait: Wait, *, news: bool = False, is_only: bool = True, ended: bool = False) -> tuple[Call, str]:
    """How far such a call comes: ``parked`` where it waits, else what it says. ``news``: the client has written something."""
    read_fd, write_fd = os.pipe()
    if news:
        os.write(write_fd, b"x")
    call = Call(Job.__new__(Job))
    call.ended = ended

    def steps() -> Generator[Wait, object, str]:
        yield Wait(NOWHERE, 0.0)
        yield wait
        return "done"

    try:
        underway.on_here(call, steps(), None, lambda: is_only, read_fd)  # type: ignore[arg-type]
    except StopIteration as over:
        return call, str(over.value)
    finally:
        os.close(read_fd)
        os.close(write_fd)
    return call, "parked"


def test_the_only_one_goes_on_in_place_when_its_worker_answers_soon(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    call, end = alone(Wait(ours.fileno(), time.monotonic() + PATIENCE))
    assert (end, call.has_waited) == ("done", True)
    assert alone(Wait(ours.fileno(), time.monotonic() + PATIENCE, writing=True))[1] == "done"


def test_the_moment_is_over_when_the_client_says_something_or_when_it_is_over(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Wait(pair[0].fileno(), time.monotonic() + 10 * PATIENCE)
    assert alone(wait)[1] == "parked"
    monkeypatch.setattr(underway, "SOON_SECONDS", 5 * PATIENCE)
    begun = time.monotonic()
    assert alone(wait, news=True)[1] == "parked"
    # A call that has less time than a moment does not wait longer than that.
    assert alone(Wait(pair[0].fileno(), time.monotonic() + 0.01))[1] == "parked"
    assert time.monotonic() - begun < 4 * PATIENCE


def test_one_of_several_or_one_that_nobody_waits_for_does_not_wait_in_place(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    wait = Wait(ours.fileno(), time.monotonic() + PATIENCE)
    for call, end in (alone(wait, is_only=False), alone(wait, ended=True), alone(Wait(-1, wait.until)), alone(Wait(ours.fileno(), time.monotonic() - 1))):
        assert (end, call.has_waited) == ("parked", False)


def test_a_tool_that_waits_in_place_is_not_taken_for_one_that_computes(client: Client, backend: StepsBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    told: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(stdio.Pace, "note", lambda _self, name, _begun: told.put(name))
    monkeypatch.setattr(underway, "SOON_SECONDS", 5 * PATIENCE)
    client.send(call(1, "gate-a"))
    assert backend.gate.running.acquire(timeout=PATIENCE)
    backend.gate.let_go("a")
    assert text(client.take()) == "let go"
    client.send(call(2, "demo__echo"))
    assert client.take()["id"] == 2
    # It is told once the answer is on its way.
    assert told.get(timeout=PATIENCE) == "demo__echo"
