"""Several calls of one host under way in one thread: what they have for the record is written at once, before any of them runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.log import AuditLog
from mpp.host.drive import drive, waited
from mpp.host.gathering import Entries, write_together
from mpp.host.home import Home
from mpp.host.host import Host, NobodyListens
from mpp.host.toolcall import META
from mpp.model.events import EntryRef, Event
from mpp.model.jsontext import Json
from mpp.ports import NOWHERE, Steps, Wait
from mpp.protocol.mcp.ports import Caller, Outcome, ToolCall
from mpp.testing.installing import install_tool
from mpp.testing.tools import greeting
from tests import records

NAMES = ("Ada", "Bob", "Cyd", "Dan")


@pytest.fixture
def host(home: Path, compiled: Path) -> Iterator[Host]:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    place = Home(path=str(home))
    install_tool(place, greeting("Hello!"))
    with Host.open(place.path) as made:
        yield made


def steps(host: Host, name: str) -> Steps[Outcome]:
    return host.steps(Caller(), ToolCall(name="hello__greet", arguments=b'{"name":"%s"}' % name.encode()), NobodyListens())


def held(wait: Wait) -> Entries:
    assert wait.fd == NOWHERE
    assert isinstance(wait.entries, Entries)
    return wait.entries


def to_record(call: Steps[Outcome], wait: Wait) -> Entries:
    """On to where it waits for the record."""
    while wait.fd != NOWHERE:
        wait = waited_once(call, wait)
    return held(wait)


def waited_once(call: Steps[Outcome], wait: Wait) -> Wait:
    def one() -> Iterator[Wait]:
        yield wait

    with pytest.raises(StopIteration):
        waited(one(), wait)  # type: ignore[arg-type, type-var]
    return next(call)


def ended(call: Steps[Outcome]) -> Outcome:
    with pytest.raises(StopIteration) as over:
        next(call)
    found = over.value.value
    assert isinstance(found, Outcome)
    return found


def label(outcome: Outcome, name: str) -> Json:
    meta = outcome.result["_meta"]
    return meta.get(META + name) if isinstance(meta, dict) else None


def kinds(home: Path) -> list[str]:
    """What each call wrote; which policy is in force, and that the package may be used, is told once."""
    return [one.kind for one in records.events(home) if one.kind not in {"policy", "consent"}]


def test_all_intents_are_durable_before_any_of_them_runs(host: Host, home: Path) -> None:
    calls = [steps(host, name) for name in NAMES]
    intents = [held(next(one)) for one in calls]
    # A call that is refused waits for nobody, and takes nothing of the others along.
    refused = drive(host.steps(Caller(), ToolCall(name="hello__greet", arguments=b'{"name":7}'), NobodyListens()))
    assert refused.result["isError"]
    assert kinds(home) == ["refused"]
    assert all(one.durable for one in intents)
    write_together(intents)
    assert kinds(home)[1:] == ["decision", "token-granted", "intent"] * len(NAMES)
    assert not host.room.sandbox._pool.size, "something ran before its intent was written"
    results = [to_record(one, next(one)) for one in calls]
    assert kinds(home).count("result") == 0
    assert not any(one.durable for one in results)
    write_together(results)
    assert kinds(home)[-2 * len(NAMES) :] == ["token-used", "result"] * len(NAMES)
    entries = {one.invocation: one for one in records.events(home) if one.kind == "result"}
    log = [entry for entry in records.LogReader(Home(path=str(home)).log).entries() if entry.event.kind == "result"]
    for outcome in map(ended, calls):
        invocation = label(outcome, "invocation")
        assert isinstance(invocation, str)
        assert entries[invocation].body["outcome"] == "ok"
        assert [entry.seq for entry in log if entry.event.invocation == invocation] == [label(outcome, "entry")]


def test_whoever_drives_one_alone_has_it_written_alone(host: Host, home: Path) -> None:
    assert drive(steps(host, "Ada")).result["isError"] is False
    assert kinds(home) == ["decision", "token-granted", "intent", "token-used", "result"]


def test_none_runs_where_the_record_fails(host: Host, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [steps(host, name) for name in NAMES]
    intents = [held(next(one)) for one in calls]

    def broken(self: AuditLog, events: list[Event], *, durable: bool = False) -> list[EntryRef]:
        raise HostFailed("audit.write", "no disk", where="here", hint="see")

    with monkeypatch.context() as there:
        there.setattr(AuditLog, "record_all", broken)
        write_together(intents)
        for outcome in map(ended, calls):
            assert label(outcome, "code") == "audit.failed"
    assert not host.room.sandbox._pool.size
    assert "intent" not in kinds(home)
    assert drive(steps(host, "Ada")).result["isError"] is False


def test_one_that_is_given_up_before_its_intent_is_written_left_none(host: Host, home: Path) -> None:
    calls = [steps(host, name) for name in NAMES]
    intents = [held(next(one)) for one in calls]
    calls[0].close()
    write_together(intents[1:])
    assert kinds(home).count("intent") == len(NAMES) - 1
    for one in calls[1:]:
        assert drive(one).result["isError"] is False
    assert kinds(home).count("result") == len(NAMES) - 1
