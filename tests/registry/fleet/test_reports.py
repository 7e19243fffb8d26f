"""What hosts report, the inventory, alarms, and the witness."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_client import ask_all
from mpp.host.audit.witness_http import Reply
from mpp.host.audit.witness_list import WitnessList
from mpp.host.enrolment.documents import InForce, read_report, Report, Runs, Used, write_report
from mpp.host.enrolment.reporting import make_report
from mpp.host.enrolment.wire import Sent
from mpp.model.jsontext import read
from mpp.protocol.registry.events import Owner, PackageOwners, VersionPublished, VersionStatusChanged
from mpp.testing.packages import NOW
from mpp.testing.policies import body, bundle
from mpp_registry.fleet.witness import witness_of
from tests.auditlogs import runs as calls_of, Story, write
from tests.registry.fleet.test_papers import signed
from tests.registry.fleet.worlds import Machine, ORG, World

PUBLISHER = "aa" * 32


def code_of(work: object) -> str:
    with pytest.raises(MppError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


def runs(package_id: str = "com.example.hello", content: str = "ab", version: str = "1.0.0", active: bool = True) -> Runs:
    return Runs(package_id=package_id, version=version, publisher_id=PUBLISHER, content_hash=content * 32, file_hash=content * 32, active=active)


def used(agent: str = "coder", package_id: str = "com.example.hello", content: str = "ab", calls: int = 3) -> Used:
    return Used(agent=agent, package_id=package_id, content_hash=content * 32, calls=calls, last=NOW)


def report_of(host: Machine, *packages: Runs, uses: tuple[Used, ...] = (), **more: object) -> Report:
    made = Report(
        host_id=host.key.key_id, at=host.clock.now(), mpp="0.1.0", log_key="", log_size=0, policy=InForce(), trust=InForce(), packages=packages, uses=uses
    )
    return replace(made, **more)  # type: ignore[arg-type]


def send(host: Machine, report: Report) -> None:
    host.asking.ask("POST", "/v1/fleet/reports", 10_000, write_report(report))


def member(world: World) -> Machine:
    host = world.host()
    host.join(world.code())
    return host


def publish(world: World, *versions: tuple[str, str], package_id: str = "com.example.hello") -> None:
    changes = [PackageOwners(package_id=package_id, owners=(Owner(publisher_id=PUBLISHER, role="owner"),), by=PUBLISHER)]
    for version, content in versions:
        changes.append(  # type: ignore[arg-type]
            VersionPublished(package_id=package_id, version=version, publisher_id=PUBLISHER, content_hash=content * 32, file_hash=content * 32, size=9)
        )
    with world.services.database.write() as rows:
        world.services.ledger.append(rows, changes, NOW)  # type: ignore[arg-type]


def withdraw(world: World, version: str, status: str) -> None:
    with world.services.database.write() as rows:
        change = VersionStatusChanged(package_id="com.example.hello", version=version, status=status, reason="bad", by="admin")  # type: ignore[arg-type]
        world.services.ledger.append(rows, [change], NOW)


def inventory(world: World, query: str = "") -> list[dict[str, object]]:
    return world.admin("GET", f"/v1/fleet/inventory{query}")["installed"]  # type: ignore[return-value]


def all_kinds(world: World) -> list[tuple[str, str]]:
    found = world.admin("GET", "/v1/fleet/alarms")["alarms"]
    return [(one["host"], one["kind"]) for one in found]  # type: ignore[union-attr, index, call-overload, misc]


def kinds(world: World) -> list[tuple[str, str]]:
    """Without those about old papers: most reports here name none."""
    return [one for one in all_kinds(world) if not one[1].endswith("-behind")]


# -- documents


def test_a_report_is_read_as_it_was_written() -> None:
    report = Report(
        host_id="ab" * 32, at=NOW, mpp="0.1.0", log_key="x+1+y", log_size=9, policy=InForce(name="org", version=3, digest="cd" * 32), trust=InForce(),
        packages=(runs(), runs(content="cd", active=False)), uses=(used(), used("other")),
    )  # fmt: skip
    assert read_report(write_report(report)) == report


@pytest.mark.parametrize(
    ("key", "item", "code"),
    [
        (
            "packages",
            [
                json.loads(
                    write_report(
                        Report(host_id="ab" * 32, at=0, mpp="", log_key="", log_size=0, policy=InForce(), trust=InForce(), packages=(runs(),), uses=())
                    )
                )["packages"][0]
            ]
            * 2,
            "registry.duplicate",
        ),
        ("uses", [{"agent": "a\x1b[1m", "package_id": "com.example.x", "content_hash": "ab" * 32, "calls": 1, "last": 0}], "registry.form"),
        ("uses", [{"agent": "a", "package_id": "com.example.x", "content_hash": "ab" * 32, "calls": 0, "last": 0}], "registry.range"),
        ("host_id", "x", "registry.form"),
        ("mpp", "x\u202ey", "registry.form"),
        ("log_key", "a b", "registry.form"),
        ("policy", {"name": "", "version": -1, "digest": ""}, "registry.range"),
        ("more", 1, "registry.unknown_key"),
    ],
)
def test_a_report_that_is_none_is_refused(key: str, item: object, code: str) -> None:
    empty = Report(host_id="ab" * 32, at=0, mpp="", log_key="", log_size=0, policy=InForce(), trust=InForce(), packages=(), uses=())
    found = read(write_report(empty), family="registry", where="x")
    assert isinstance(found, dict)
    found[key] = item  # type: ignore[assignment]
    assert code_of(lambda: read_report(json.dumps(found).encode())) == code
    assert code_of(lambda: read_report(b" " * 5_000_000)) == "registry.length"


# -- the inventory


def test_which_hosts_still_run_what_was_revoked(world: World) -> None:
    world.ready()
    publish(world, ("1.0.0", "ab"), ("1.1.0", "cd"))
    old, new = member(world), member(world)
    send(old, report_of(old, runs(), uses=(used("coder", calls=5), used("writer", calls=9))))
    send(new, report_of(new, runs(content="cd", version="1.1.0"), runs(active=False), runs("org.other.tool", "ef")))
    assert {(row["host"], row["version"], row["status"]) for row in inventory(world)} == {
        ("host-1", "1.0.0", "active"), ("host-2", "1.0.0", "active"), ("host-2", "1.1.0", "active"), ("host-2", "1.0.0", "unknown"),
    }  # fmt: skip
    assert kinds(world) == []
    withdraw(world, "1.0.0", "revoked")
    rows = inventory(world, "?status=revoked&active=1")
    assert [(row["host"], row["package_id"], row["agents"], row["calls"]) for row in rows] == [("host-1", "com.example.hello", ["writer", "coder"], 14)]
    assert kinds(world) == [("host-1", "revoked")]
    assert len(inventory(world, "?status=revoked")) == 2
    assert [row["host"] for row in inventory(world, f"?host={new.key.key_id}&package=org.other.tool")] == ["host-2"]
    # Another content under the same version is not the version that was revoked, and not from here.
    send_later(old, report_of(old, runs(content="99")))
    assert [row["status"] for row in inventory(world, f"?host={old.key.key_id}")] == ["unknown"]
    assert kinds(world) == []


def send_later(host: Machine, report: Report) -> None:
    host.clock.moment += 1
    send(host, replace(report, at=host.clock.now()))


def test_what_the_fleets_trust_revokes_counts_as_well(world: World) -> None:
    world.ready()
    host = member(world)
    send(host, report_of(host, runs("org.other.tool", "ef"), runs("org.other.tool", "ab")))
    assert {row["status"] for row in inventory(world)} == {"unknown"}
    world.admin("PUT", "/v1/fleet/trust/org", signed(2, revoked_content=frozenset(("ef" * 32,))))
    assert [(row["content_hash"], row["status"]) for row in inventory(world, "?status=revoked")] == [("ef" * 32, "revoked")]
    world.admin("PUT", "/v1/fleet/trust/org", signed(3, revoked_publishers=frozenset((PUBLISHER,))))
    assert len(inventory(world, "?status=revoked")) == 2


def test_pages_of_the_inventory_go_on(world: World) -> None:
    world.ready()
    hosts = [member(world) for _ in range(3)]
    for host in hosts:
        send(host, report_of(host, *(runs(f"com.example.t{i}") for i in range(5))))
    rows, after = [], ""
    while True:
        page = world.admin("GET", f"/v1/fleet/inventory?limit=4&after={after}")
        rows += page["installed"]  # type: ignore[operator, arg-type]
        after = str(page["next"])
        if not after:
            break
    assert len(rows) == 15
    assert rows == inventory(world)
    first = world.admin("GET", "/v1/fleet/hosts?limit=2")
    second = world.admin("GET", f"/v1/fleet/hosts?limit=2&after={first['next']}")
    assert [len(first["hosts"]), len(second["hosts"]), second["next"]] == [2, 1, ""]  # type: ignore[arg-type]


def test_a_removed_host_is_heard_no_more_and_leaves_the_inventory(world: World) -> None:
    world.ready()
    host = member(world)
    send(host, report_of(host, runs()))
    assert world.admin("DELETE", f"/v1/fleet/hosts/{host.key.key_id}")["name"] == "host-1"
    assert inventory(world) == []
    assert code_of(lambda: send_later(host, report_of(host, runs()))) == "registry.fleet"
    assert code_of(lambda: world.admin("DELETE", f"/v1/fleet/hosts/{'0' * 64}")) == "registry.fleet"


# -- attacks on reports


def test_nobody_reports_for_another_or_of_yesterday(world: World) -> None:
    world.ready()
    host, other = member(world), member(world)
    send(host, report_of(host, runs()))
    assert code_of(lambda: send(other, report_of(host, runs()))) == "registry.fleet"
    assert code_of(lambda: send(host, report_of(host))) == "registry.fleet", "not newer"
    assert code_of(lambda: send(host, report_of(host, at=NOW + 400))) == "registry.fleet", "from the future"
    assert [row["host"] for row in inventory(world)] == ["host-1"]


# -- alarms


def test_silent_hosts_and_old_papers_are_shown(world: World) -> None:
    world.ready()
    host, mute = member(world), member(world)
    send(host, report_of(host, policy=InForce(name="org", version=1, digest=""), trust=InForce(name="org", version=1, digest="")))
    assert all_kinds(world) == []
    world.admin("PUT", "/v1/fleet/policies/org", bundle(ORG, body(2)))
    assert all_kinds(world) == [("host-1", "policy-behind")]
    send_later(host, report_of(host, policy=InForce(name="org", version=2, digest="")))
    assert all_kinds(world) == [("host-1", "trust-behind")]
    world.clock.moment += 86_401
    assert sorted(all_kinds(world)) == [("host-1", "silent"), ("host-1", "trust-behind"), ("host-2", "silent")]
    world.admin("DELETE", f"/v1/fleet/hosts/{mute.key.key_id}")
    assert ("host-2", "silent") not in all_kinds(world)


# -- the witness


def post(world: World) -> object:
    def send_it(url: str, data: bytes) -> Reply:
        found = world.answer(Sent(url=url + "/add-checkpoint", headers={"Content-Type": "text/plain"}, method="POST", body=data))
        return Reply(found.status, found.kind.partition(";")[0], found.body)

    return send_it


def write_calls(host: Machine, count: int, agent: str = "claude") -> None:
    write(host.home.path, [event for number in range(count) for event in calls_of(Story(number=number + 1, agent=agent))])


def test_a_hosts_record_is_witnessed_by_its_registry(world: World) -> None:
    world.ready()
    host = world.host()
    write_calls(host, 3)
    host.join(world.code())
    names = WitnessList(host.home.log).load()
    checkpoint, found = ask_all(LogReader(host.home.log), names, host.clock, post(world))  # type: ignore[arg-type]
    assert (found[0].fault, found[0].is_alarm) == (None, False)
    write_calls(host, 2)
    _, again = ask_all(LogReader(host.home.log), names, host.clock, post(world))  # type: ignore[arg-type]
    assert again[0].fault is None
    rows = world.admin("GET", "/v1/fleet/hosts")["hosts"]
    assert rows[0]["log"]["size"] > checkpoint.size  # type: ignore[union-attr, index, call-overload]
    key, _ = witness_of(world.services)
    assert key == names[0].key
    about = world.answer(Sent(url="http://127.0.0.1:9/v1/fleet/witness", headers={}))
    assert str(key).encode() in about.body
    from hashlib import sha256

    digest = sha256(checkpoint.origin.encode()).hexdigest()
    newest = world.answer(Sent(url=f"http://127.0.0.1:9/v1/fleet/witness/checkpoint/{digest}", headers={}))
    assert newest.status == 200
    assert key.name.encode() in newest.body
    assert world.answer(Sent(url=f"http://127.0.0.1:9/v1/fleet/witness/checkpoint/{'0' * 64}", headers={})).status == 404


def test_a_record_that_begins_later_is_known_by_its_first_report(world: World) -> None:
    world.ready()
    host = member(world)
    write_calls(host, 2)
    names = WitnessList(host.home.log).load()
    assert ask_all(LogReader(host.home.log), names, host.clock, post(world))[1][0].fault is not None  # type: ignore[arg-type]
    host.report()
    assert ask_all(LogReader(host.home.log), names, host.clock, post(world))[1][0].fault is None  # type: ignore[arg-type]


def test_a_forked_or_shortened_record_is_an_alarm_that_stays(world: World, tmp_path: Path) -> None:
    import shutil

    world.ready()
    host = world.host()
    write_calls(host, 3)
    host.join(world.code())
    names = WitnessList(host.home.log).load()
    shutil.copytree(host.home.log.folder, tmp_path / "before")
    shutil.copytree(host.home.log.keys, tmp_path / "keys")
    write_calls(host, 2)
    ask_all(LogReader(host.home.log), names, host.clock, post(world))  # type: ignore[arg-type]
    # The machine is set back to a copy, and goes on from there.
    shutil.rmtree(host.home.log.folder)
    shutil.copytree(tmp_path / "before", host.home.log.folder)
    report = make_report(host.home, host.state, NOW, "0.1.0", (0,))
    send(host, report)
    assert kinds(world) == [("host-1", "shrunk")]
    write_calls(host, 2, "another")
    found = ask_all(LogReader(host.home.log), names, host.clock, post(world))[1]  # type: ignore[arg-type]
    assert found[0].is_alarm
    assert ("host-1", "fork") in kinds(world) or ("host-1", "inconsistent") in kinds(world)
    listed = world.admin("GET", "/v1/fleet/alarms")["alarms"]
    evidence = [one for one in listed if one["kind"] in {"fork", "inconsistent"}]  # type: ignore[union-attr, index, call-overload]
    assert evidence[0]["before"]  # type: ignore[index, call-overload]
    assert evidence[0]["after"]  # type: ignore[index, call-overload]
    assert world.admin("DELETE", f"/v1/fleet/hosts/{host.key.key_id}/alarms?kind=shrunk")["cleared"] == 1
    assert world.admin("DELETE", f"/v1/fleet/hosts/{host.key.key_id}/alarms")["cleared"] == 1
    assert kinds(world) == []


def test_a_log_of_another_host_or_another_key_is_not_taken(world: World) -> None:
    world.ready()
    host, other = world.host(), world.host()
    write_calls(host, 1)
    write_calls(other, 1)
    host.join(world.code())
    other.join(world.code())
    key = make_report(host.home, host.state, NOW, "", (0,)).log_key
    send(other, report_of(other, log_key=key))
    assert kinds(world) == [("host-2", "log-key")]
    assert code_of(lambda: send_later(other, report_of(other, log_key="nonsense"))) == "registry.fleet"
    witness, _ = witness_of(world.services)
    assert code_of(lambda: send_later(other, report_of(other, log_key=str(witness)))) == "registry.fleet"


def test_a_host_begins_few_records(world: World) -> None:
    from mpp.ledger.notes import NoteKey
    from mpp.testing.keys import fixed_signer

    world.ready()
    host = member(world)
    for number in range(7):
        key = NoteKey(name=f"mpp-audit/{number}", public=fixed_signer(str(number)).public_key)
        send_later(host, report_of(host, log_key=str(key)))
    with world.services.database.read() as rows:
        assert rows.one("SELECT COUNT(*) FROM fleet_logs") == (4,)
    assert kinds(world) == [("host-1", "log-key")]


@pytest.mark.parametrize("data", [b"", b"old 0\n\nx", b"x" * 70_000, b"old 0\n\nmpp-audit/x\n1\n" + b"A" * 43 + b"=\n\n\xe2\x80\x94 x AAAAAAAA\n"])
def test_what_is_no_checkpoint_of_a_host_is_turned_away(world: World, data: bytes) -> None:
    found = world.answer(Sent(url="http://127.0.0.1:9/v1/fleet/witness/add-checkpoint", headers={}, method="POST", body=data))
    assert found.status in {400, 404}


# -- what a host says of itself


def test_a_report_says_what_is_installed_used_and_in_force(world: World) -> None:
    from mpp.host.store.lockfile import Entry, Lock, Version, write_lock

    world.ready()
    host = member(world)
    host.become_fleet()
    host.following.take_policy(host.asking, "org")
    host.following.take_trust(host.asking, "org")
    one = Version(version="1.0.0", publisher_id=PUBLISHER, content_hash="ab" * 32, file_hash="cd" * 32, size=9, installed=NOW, source="")
    entry = Entry(package_id="com.example.hello", alias="hello", active="ab" * 32, mark="1.0.0", versions=(one,))
    Path(host.home.lockfile).write_bytes(write_lock(Lock(packages={"com.example.hello": entry}), where="x"))
    Path(host.home.lockfile).chmod(0o600)
    write_calls(host, 3)
    report = make_report(host.home, host.state, NOW, "0.1.0", (0,))
    assert report.packages == (
        Runs(package_id="com.example.hello", version="1.0.0", publisher_id=PUBLISHER, content_hash="ab" * 32, file_hash="cd" * 32, active=True),
    )
    assert (report.policy.name, report.policy.version, report.trust.version) == ("org", 1, 1)
    assert report.log_size >= 3
    assert [(one.agent, one.package_id, one.calls) for one in report.uses] == [("claude", "com.example.hello", 3)]
    assert report.log_key.startswith("mpp-audit/")
    host.report()
    host.report()
    assert host.state.reported_at == NOW + 1
    assert read_report(write_report(report)) == report
