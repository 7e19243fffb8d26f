"""The same rules on PostgreSQL, with two replicas that share it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.bodies import AdvisoryBody, ReportBody
from mpp.protocol.registry.events import Owner
from mpp_registry.advisories import advisories_page, publish_advisory, report
from mpp_registry.namespaces import World as Places, claim_namespace, recheck_namespaces
from mpp_registry.oidc import OidcRule
from mpp_registry.oidc.rules import rules_for
from mpp_registry.publishers import ask_recovery, confirm_recovery, finish_recoveries
from mpp_registry.publishers.limits import RECOVERY_SECONDS
from mpp_registry.publishing import change_owners, publish, set_status
from mpp_registry.publishing.administering import publishers, queues
from mpp_registry.publishing.jobs import run_jobs
from mpp_registry.publishing.owning import set_quota
from mpp_registry.publishing.public import Following, switch
from mpp_registry.staging import approve_by_hand
from tests.registry.publishing.worlds import ALICE, BOB, World, package

HELLO = "com.example.hello"
CLIENTS = 16


@pytest.fixture
def replicas(tmp_path: Path, postgres_url: str) -> Iterator[tuple[World, World]]:
    """Two services over one database, one folder of blobs and one set of keys."""
    found = World(tmp_path, database_url=postgres_url), World(tmp_path, database_url=postgres_url)
    found[0].join(ALICE)
    found[1].join(BOB)
    yield found
    for one in found:
        one.close()


def test_of_many_files_for_one_version_one_is_published(replicas: tuple[World, World]) -> None:
    worlds = [replicas[number % 2] for number in range(CLIENTS)]
    actors = [replicas[0].actor(ALICE) for _ in worlds]
    uploads = [package(ALICE, description=f"Greets in way {number}") for number in range(CLIENTS)]

    def one(number: int) -> str:
        try:
            return "new" if publish(worlds[number].services, uploads[number], actors[number]).is_new else "known"
        except Refused as fault:
            return fault.code

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert sorted(pool.map(one, range(CLIENTS))) == ["new", *["registry.exists"] * (CLIENTS - 1)]
    assert replicas[0].kinds().count("version.published") == 1


def test_a_request_counts_once_among_replicas(replicas: tuple[World, World]) -> None:
    from hashlib import sha256

    from mpp_registry.publishing import authenticate

    header, digest = replicas[0].header(ALICE.release[0]), sha256(b"").hexdigest()
    authenticate(replicas[0].services, header, "POST", "/v1/packages", digest)
    with pytest.raises(Refused) as refused:
        authenticate(replicas[1].services, header, "POST", "/v1/packages", digest)
    assert refused.value.code == "registry.replay"


def test_every_statement_is_one_that_postgres_takes(replicas: tuple[World, World]) -> None:
    """One walk through what writes and reads."""
    world, other = replicas
    places = Places(txt=lambda _: (f"mpp-publisher={ALICE.id}",), fetch=lambda _: b"")
    assert claim_namespace(world.services, "com.example", "dns", world.actor(ALICE), places).state == "proven"
    world.publish(ALICE)
    with pytest.raises(Refused) as refused:
        other.publish(BOB, "com.examp1e.hello")
    assert refused.value.code == "registry.lookalike"
    world.restaged(staging=True)
    assert approve_by_hand(world.services, world.publish(ALICE, version="1.1.0").staged_id).is_new
    both = (Owner(publisher_id=ALICE.id, role="owner"), Owner(publisher_id=BOB.id, role="owner"))
    assert change_owners(world.services, HELLO, both, world.actor(ALICE)).waiting_for == (BOB.id,)
    assert change_owners(other.services, HELLO, both, other.actor(BOB)).is_done
    assert set_status(other.services, HELLO, "1.0.0", "yanked", "old", other.actor(BOB))
    set_status(world.services, HELLO, "1.1.0", "quarantined", "odd", None)
    body = AdvisoryBody(advisory_id="MPP-1", package_id=HELLO, versions=("1.1.0",), severity="low", title="x", text="y")
    publish_advisory(world.services, body, world.actor(ALICE))
    report(world.services, ReportBody(package_id=HELLO, version="", kind="other", text="x", contact=""), "192.0.2.1")
    ask_recovery(world.services, ALICE.id, "lost", world.actor(BOB))
    confirm_recovery(world.services, ALICE.id, BOB.id)
    with world.services.database.write() as rows:
        set_quota(rows, ALICE.id, most_bytes=0, most_versions=0, most_packages=0)
        rows.run(
            "INSERT INTO oidc_rules (rule_id, publisher_id, issuer, claims, packages, at) VALUES ('r', ?, 'https://i', '{}', ?, 1)",
            ALICE.id,
            HELLO + " com.example.new",
        )
    with other.services.database.read() as rows:
        assert [one.rule_id for one in rules_for(rows, "https://i", HELLO)] == ["r"]
        assert isinstance(rules_for(rows, "https://i", "com.example.new")[0], OidcRule)
        assert [one.name for one in publishers(rows, "bob")] == ["Bob Works"]
        assert len(advisories_page(rows, "", 5).advisories) == 1
        found = queues(rows)
    assert (len(found.reports), len(found.recoveries), len(found.quarantined)) == (1, 1, 1)
    world.clock.moment += RECOVERY_SECONDS
    assert recheck_namespaces(world.services, places).looked == 1
    assert len(finish_recoveries(world.services)) == 1
    world.clock.moment += 10_000
    assert not run_jobs(world.services).failed


def test_a_file_that_one_replica_stops_is_not_made_public_by_another(replicas: tuple[World, World]) -> None:
    """They share one folder. Attack: a name that is given by one while the other takes it away."""
    first, second = replicas
    switch(first.services, is_wanted=True)
    files = second.services.public_files
    assert files is not None
    place = Path(files.folder) / HELLO / "1.0.0.mpp"
    first.publish(ALICE, HELLO)
    assert Following(second.services).work() == 1
    assert place.exists()

    def stop(number: int) -> bool:
        set_status(first.services, HELLO, "1.0.0", "quarantined", f"Looked at {number}.", None)
        is_there = place.exists()
        set_status(first.services, HELLO, "1.0.0", "active", f"Lifted {number}.", None)
        return is_there

    with ThreadPoolExecutor(2) as pool:
        follower = pool.submit(lambda: [Following(second.services).work() for _ in range(15)])
        assert not any(pool.submit(lambda: [stop(number) for number in range(8)]).result(60))
        follower.result(60)
    set_status(first.services, HELLO, "1.0.0", "revoked", "It is broken.", None)
    assert Following(second.services).work() == 0
    assert not place.exists()
