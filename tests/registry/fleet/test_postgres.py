"""Federation and fleets on PostgreSQL: every statement of theirs, and what two replicas of one registry share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_client import ask_all
from mpp.host.audit.witness_list import WitnessList
from mpp.testing.packages import TestClock
from mpp_registry.federation.peers import (
    all_evidence,
    all_seen,
    clear_evidence,
    Evidence,
    is_private,
    keep_evidence,
    keep_private,
    private_namespaces,
    unkeep_private,
)
from mpp_registry.federation.proxy import keep_bytes
from tests.registry.federation.worlds import Cable, Registry
from tests.registry.fleet.test_papers import signed
from tests.registry.fleet.test_reports import all_kinds, inventory, post, publish, report_of, runs, send, used, withdraw, write_calls
from tests.registry.fleet.worlds import World
from tests.registry.servers import Postgres


def test_a_fleet_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    with postgres.database() as url:
        world = World(tmp_path, database_url=url)
        try:
            world.ready()
            publish(world, ("1.0.0", "ab"))
            host, thief = world.host(), world.host()
            write_calls(host, 2)
            code = world.code()
            host.join(code)
            with pytest.raises(Refused):
                thief.join(code)
            host.become_fleet()
            host.following.take_policy(host.asking, "org")
            send(host, report_of(host, runs(), runs("org.other.tool", "ef"), uses=(used(), used("writer", calls=9))))
            names = WitnessList(host.home.log).load()
            assert ask_all(LogReader(host.home.log), names, host.clock, post(world))[1][0].fault is None  # type: ignore[arg-type]
            withdraw(world, "1.0.0", "revoked")
            assert [(row["status"], row["agents"]) for row in inventory(world, "?status=revoked&active=1")] == [("revoked", ["writer", "coder"])]
            assert len(inventory(world, "?limit=1")) == 1
            for version in range(2, 24):
                world.admin("PUT", "/v1/fleet/trust/org", signed(version, revoked_content=frozenset(("ef" * 32,))))
            assert len(inventory(world, "?status=revoked")) == 2
            assert {kind for _, kind in all_kinds(world)} >= {"code", "revoked"}
            assert len(world.admin("GET", "/v1/fleet/codes")["codes"]) == 1  # type: ignore[arg-type]
            assert world.admin("GET", "/v1/fleet/documents")["documents"]
            assert world.admin("DELETE", f"/v1/fleet/hosts/{host.key.key_id}/alarms")["cleared"] == 1
            assert world.admin("DELETE", f"/v1/fleet/hosts/{host.key.key_id}")["removed"] == host.key.key_id
        finally:
            world.close()


def test_federation_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    cable, clock = Cable(), TestClock()
    with postgres.database() as url:
        a, b = Registry(tmp_path, "a", cable, clock, url), Registry(tmp_path, "b", cable, clock)
        try:
            a.peer(b, "*")
            b.put("org.sea.fish")
            b.put("org.sea.crab", data=b"crab" * 50)
            a.discover("org.sea.fish")
            b.put("org.sea.eel")
            a.discover("org.sea.eel")
            keep_bytes(a.services, 250)
            for name in ("org.sea.crab", "org.sea.fish", "org.sea.eel"):
                assert a.federation.download(a.ask({"package_id": name, "version": "1.0.0"})).blob is not None
                clock.moment += 1
            a.put("com.acme.vault", visibility="private")
            keep_private(a.services, "net.secret")
            with a.services.database.write() as rows:
                keep_evidence(rows, Evidence(registry_id=b.id, kind="forged", at=1, words="x", before=b"", after=b"\x00y"))
            with a.services.database.read() as rows:
                assert (is_private(rows, "com.acme.other"), is_private(rows, "com.acmes.other"), private_namespaces(rows)) == (True, False, ("net.secret",))
                assert all_seen(rows)[b.id].size == 7
                assert [one.after for one in all_evidence(rows)] == [b"\x00y"]
            assert unkeep_private(a.services, "net.secret")
            assert clear_evidence(a.services, b.id, forget=True) == 2
        finally:
            a.close()
            b.close()
