"""What a registry withdraws stops on this host, within one look, for good where it was revoked, and it is recorded."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused
from mpp.host.home import Home
from mpp.host.host import Host
from mpp.host.stops import Stop, StopStore, with_stop
from mpp.host.store import Installed, PackageStore, Wish
from mpp.host.store.changing import apply
from mpp.host.system import SystemRandom
from mpp.host.trust_store import TrustStore, with_publisher
from mpp.host.withdrawn import Follower, load_statuses, read_statuses, remember, Rules, Seen, Status, statuses_path, take_in, UNPROVEN
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import ENTRYPOINT, NOW, signed, TestClock
from mpp.testing.tokens import KeptEvents
from mpp.testing.tools import greeting
from tests import records

RULES = Rules(seconds=300, max_staleness=0, stop_yanked=True)
REGISTRY = "f" * 64


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    found = Home(path=str(home))
    TrustStore(found.trust).change(lambda state: with_publisher(state, publisher().chain, any_package=True))
    return found


def store_of(place: Home) -> PackageStore:
    return PackageStore(place, TrustStore(place.trust), TestClock())


def put(place: Home, version: str = "0.1.0", registry_id: str = REGISTRY) -> Installed:
    store = store_of(place)
    package = verify(signed(changes={"version": version}, extra={ENTRYPOINT: greeting("hi")}), store.trust.load(), NOW)
    wish = Wish(registry_id=registry_id, log_index=7, bundle=b"{}" if registry_id else b"")
    return apply(store, package, wish, KeptEvents()).row


def seen(row: Installed, status: str, at: int = NOW, reason: str = "") -> Seen:
    return Seen(content_hash=row.content_hash, status=status, registry="example", at=at, reason=reason)


def judged(place: Home, row: Installed) -> str:
    """The code by which a call of this version would be refused now; empty: it would run."""
    try:
        package = store_of(place).open(row)
        StopStore(place.stops).current().judge(package.package_id, package.publisher_id, package.content_hash)
    except MppError as fault:
        return fault.code
    return ""


def bodies(place: Home) -> list[dict[str, object]]:
    return [dict(event.body) for event in records.events(Path(place.path)) if event.kind == "stop"]


def test_what_was_revoked_never_runs_again(place: Home) -> None:
    row = put(place)
    assert take_in(place, [row], [seen(row, "active")], RULES, NOW) == []
    assert judged(place, row) == ""
    lines = take_in(place, [row], [seen(row, "revoked", reason="it steals")], RULES, NOW)
    assert any("is stopped: revoked" in line for line in lines)
    assert judged(place, row) == "publisher.content_revoked"
    assert row.content_hash in TrustStore(place.trust).load().revoked_content
    # Attack: a registry that says later that it was well all the time.
    assert take_in(place, [row], [seen(row, "active")], RULES, NOW) == []
    assert judged(place, row) == "publisher.content_revoked"
    remember(place, row.content_hash, Status(package_id=row.package_id, version=row.version, registry="example", status="active", at=NOW))
    assert load_statuses(place)[row.content_hash].status == "revoked"
    (second, first) = bodies(place)
    assert (first["what"], first["name"], first["by"], first["lifted"]) == ("version", "com.example.hello@0.1.0", "registry:example", False)
    assert second["why"] == "revoked by its registry example: it steals"


@pytest.mark.parametrize("status", ["quarantined", "yanked"])
def test_what_may_come_back_is_stopped_and_lifted_by_proof(place: Home, status: str) -> None:
    row, other = put(place), put(place, "0.2.0")
    take_in(place, [row, other], [seen(row, status), seen(other, "active")], RULES, NOW)
    assert (judged(place, row), judged(place, other)) == ("policy.stopped", "")
    # The same once more changes and records nothing.
    assert take_in(place, [row, other], [seen(row, status), seen(other, "active")], RULES, NOW) == []
    # A look that could prove nothing lifts nothing.
    take_in(place, [row, other], [seen(row, ""), seen(other, "")], RULES, NOW)
    assert judged(place, row) == "policy.stopped"
    assert take_in(place, [row, other], [seen(row, "active")], RULES, NOW) == [f"com.example.hello 0.1.0 may run again: {status} by its registry example"]
    assert judged(place, row) == ""
    assert [one["lifted"] for one in bodies(place)] == [False, True]


def test_a_yank_is_only_noted_where_its_owner_wants_that(place: Home) -> None:
    row = put(place)
    assert take_in(place, [row], [seen(row, "yanked")], replace(RULES, stop_yanked=False), NOW) == []
    assert (judged(place, row), load_statuses(place)[row.content_hash].status) == ("", "yanked")


def test_stops_of_persons_are_not_touched(place: Home) -> None:
    row = put(place)
    StopStore(place.stops).change(lambda stops: with_stop(stops, "package", row.package_id, Stop(since=NOW, why="mine")))
    take_in(place, [row], [seen(row, "yanked")], RULES, NOW)
    take_in(place, [row], [seen(row, "active")], RULES, NOW)
    assert StopStore(place.stops).current().packages[row.package_id].why == "mine"
    assert StopStore(place.stops).current().contents == {}


def test_what_nobody_can_prove_is_marked_and_stopped_where_asked(place: Home) -> None:
    row = put(place)
    take_in(place, [row], [seen(row, "active", at=NOW)], RULES, NOW)
    hour = replace(RULES, max_staleness=3600)
    take_in(place, [row], [seen(row, "")], hour, NOW + 3600)
    assert (load_statuses(place)[row.content_hash].stale, judged(place, row)) == (True, "")
    take_in(place, [row], [seen(row, "")], RULES, NOW + 10**6)
    assert judged(place, row) == ""
    lines = take_in(place, [row], [seen(row, "")], hour, NOW + 3601)
    assert UNPROVEN in lines[0]
    assert judged(place, row) == "policy.stopped"
    take_in(place, [row], [seen(row, "active", at=NOW + 3700)], hour, NOW + 3700)
    assert judged(place, row) == ""


def test_a_version_that_was_never_looked_at_is_stale_from_its_install_on(place: Home) -> None:
    row = put(place)
    take_in(place, [row], [seen(row, "")], replace(RULES, max_staleness=60), NOW + 61)
    assert judged(place, row) == "policy.stopped"


def test_what_is_gone_is_forgotten(place: Home) -> None:
    row, other = put(place), put(place, "0.2.0")
    take_in(place, [row, other], [seen(row, "active"), seen(other, "active")], RULES, NOW)
    assert take_in(place, [other], [], RULES, NOW) == []
    assert set(load_statuses(place)) == {other.content_hash}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"mpp_statuses":2,"contents":{}}',
        '{"mpp_statuses":1,"contents":{"x":{}}}',
        '{"mpp_statuses":1,"contents":{"' + "a" * 64 + '":{"status":"well"}}}',
    ],
)
def test_a_damaged_document_is_made_again(place: Home, text: str) -> None:
    row = put(place)
    take_in(place, [row], [seen(row, "quarantined")], RULES, NOW)
    Path(statuses_path(place)).write_text(text)
    with pytest.raises(Refused):
        read_statuses(text.encode(), where="x")
    assert load_statuses(place) == {}
    # The stop does not depend on it.
    assert judged(place, row) == "policy.stopped"
    take_in(place, [row], [seen(row, "quarantined")], RULES, NOW)
    assert json.loads(Path(statuses_path(place)).read_text())["contents"][row.content_hash]["status"] == "quarantined"


def test_a_running_host_stops_and_a_new_one_too(place: Home) -> None:
    """No call waits for a look, and the look after the revocation is enough."""
    row, status, looks = put(place), {"now": "active"}, threading.Semaphore(0)

    def look(rows: Sequence[Installed]) -> list[Seen]:
        assert [one.version for one in rows] == ["0.1.0"]
        looks.release()
        return [seen(row, status["now"])]

    def call(host: Host) -> str:
        return str(host.call("hello__greet", {}))

    told: list[str] = []
    follower = Follower(place, look, lambda: replace(RULES, seconds=0), TestClock(), SystemRandom(), told=told.append)
    with Host.open(place.path) as host:
        assert "hi" in call(host)
        follower.start()
        assert looks.acquire(timeout=20)
        status["now"] = "revoked"
        for _ in range(3):
            assert looks.acquire(timeout=20)
        follower.close()
        assert "hello__greet" not in str(host.tools())
    with Host.open(place.path) as host:
        assert "hello__greet" not in str(host.tools())
    assert any("revoked" in line for line in told)


def test_a_stopped_version_is_refused_at_its_next_call(place: Home) -> None:
    row = put(place)
    with Host.open(place.path) as host:
        assert "hi" in str(host.call("hello__greet", {}))
        take_in(place, [row], [seen(row, "quarantined", reason="being looked at")], RULES, NOW)
        outcome = host.call("hello__greet", {})
        assert outcome.result["isError"] is True
        assert "'hi'" not in str(outcome)


def test_a_look_that_fails_is_told_and_tried_again(place: Home) -> None:
    put(place)
    told: list[str] = []
    ready = threading.Event()

    def look(_: Sequence[Installed]) -> list[Seen]:
        ready.set()
        raise Refused("registry.config", "somebody edits it")

    follower = Follower(place, look, lambda: RULES, TestClock(), SystemRandom(), told=told.append)
    follower.start()
    assert ready.wait(20)
    follower.close()
    assert "could not be looked at: somebody edits it" in told[0]


def test_without_anything_from_a_registry_nobody_is_asked(place: Home) -> None:
    put(place, registry_id="")
    follower = Follower(place, lambda _: pytest.fail("nobody was to be asked"), lambda: RULES, TestClock(), SystemRandom())
    assert follower.once() == []
    follower.close()
