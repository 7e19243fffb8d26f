"""Layers of signed bundles: the newest sound one holds, nothing older comes back, and without one an enrolled layer denies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host import policy_layers
from mpp.host.policy_memory import Pulls
from mpp.host.policy_store import Loaded
from mpp.stages.policy import IN_GRACE
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW
from mpp.testing.policies import DAY, PolicyMachine, body, bundle, toml


@pytest.fixture
def machine(tmp_path: Path) -> PolicyMachine:
    return PolicyMachine(str(tmp_path))


def codes(loaded: Loaded) -> list[str]:
    return [fault.code for fault in loaded.faults]


def kinds(loaded: Loaded) -> dict[str, str]:
    return {one.layer: one.kind for one in loaded.layers}


def test_an_enrolled_machine_without_a_bundle_denies(machine: PolicyMachine) -> None:
    machine.enrol(mode="personal")
    machine.user("policy.toml", toml("of-user", "allow"))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.absent"]


def test_the_newest_sound_bundle_holds(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.admin("policy-bundle.json", bundle(machine.org, body(5, effect="ask")))
    machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="allow")))
    assert machine.effect() == "allow"
    info = machine.store.current().layer("fleet")
    assert info is not None
    assert (info.version, os.path.basename(info.source)) == (6, "fleet-bundle.json")
    assert codes(machine.store.current()) == []
    machine.admin("policy-bundle.json", bundle(machine.org, body(7, effect="deny")))
    assert machine.effect() == "deny"


def test_an_older_bundle_is_not_gone_back_to(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="deny")))
    assert machine.effect() == "deny"
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="allow")))
    machine.user("fleet-bundle.json.last", bundle(machine.org, body(5, effect="allow")))
    assert machine.effect() == "deny"
    assert machine.told()[1:] == [("refused", "policy.rollback"), ("refused", "policy.rollback"), ("kept", "policy.kept")]
    assert machine.effect(machine.new_store()) == "deny"
    os.unlink(machine.store.bundle_paths["fleet"] + ".last")
    assert codes(machine.new_store().current()) == ["policy.rollback"]


def test_a_process_does_not_forget_when_the_memory_is_removed(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="ask")))
    assert machine.effect() == "ask"
    os.unlink(machine.store.memory.seen_path)
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="allow")))
    os.unlink(machine.store.bundle_paths["fleet"] + ".last")
    assert machine.effect() == "ask"


def test_a_broken_bundle_is_bridged_by_the_last_good_one(machine: PolicyMachine) -> None:
    machine.enrol()
    path = machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="ask")))
    assert machine.effect() == "ask"
    machine.user("fleet-bundle.json", bundle(machine.org, body(7, effect="allow"))[:500])
    other = machine.new_store()
    assert machine.effect(other) == "ask"
    assert codes(other.current()) == ["policy.json"]
    info = other.current().layer("fleet")
    assert info is not None
    assert info.source == path + ".last"


def test_a_bundle_ends_in_a_process_that_runs_on(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="allow")))
    assert machine.effect() == "allow"
    machine.clock.moment = NOW + 10 * DAY + 1
    assert machine.effect() == "allow"
    assert codes(machine.store.current()) == ["policy.grace"]
    info = machine.store.current().layer("fleet")
    assert info is not None
    assert info.state == IN_GRACE
    machine.clock.moment = NOW + 11 * DAY + 1
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.expired", "policy.expired"]


def test_bundles_that_vanish_hold_in_the_process_that_saw_them(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="ask")))
    assert machine.effect() == "ask"
    shutil.rmtree(machine.home.policy)
    assert machine.effect() == "ask"
    assert machine.told()[1:] == [("refused", "policy.absent"), ("kept", "policy.kept")]
    assert codes(machine.store.current()) == [], "what it knew is on the disk again, for others"
    machine.clock.moment = NOW + 12 * DAY
    assert machine.effect() == "deny"


def test_two_bundles_of_one_version_deny(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.admin("policy-bundle.json", bundle(machine.org, body(5, effect="ask")))
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="allow")))
    assert machine.effect() == "deny"
    assert "policy.fork" in codes(machine.store.current())


def test_a_bundle_that_is_too_early_counts_when_its_time_has_come(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="ask", issued=NOW + 1000)))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.future"]
    machine.clock.moment = NOW + 1000
    assert machine.effect() == "ask"


def test_the_enrolled_name_is_asked_for(machine: PolicyMachine) -> None:
    machine.enrol(more='policy_name = "prod"')
    machine.user("fleet-bundle.json", bundle(machine.org, body(5)))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.name"]


def test_a_new_root_arrives_with_the_next_bundle(machine: PolicyMachine) -> None:
    machine.enrol()
    later = rotated(machine.org, "2", revoke=True)
    machine.user("fleet-bundle.json", bundle(later, body(6, effect="ask")))
    assert machine.effect() == "ask"
    machine.user("fleet-bundle.json", bundle(machine.org, body(7, effect="allow")))
    assert machine.effect(machine.new_store()) == "ask", "the old key signs no more, whatever root documents stand beside it"


def test_an_enrolled_root_that_is_not_there_denies(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="allow")))
    os.unlink(machine.system.path("policy-root.json"))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.roots"]


def test_leaving_the_fleet_ends_its_policy(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="deny")))
    assert machine.effect() == "deny"
    machine.admin("config.toml", 'mode = "personal"')
    assert machine.effect() == "allow"


def test_a_user_bundle_needs_an_enrolment(machine: PolicyMachine) -> None:
    machine.user("user-bundle.json", bundle(machine.org, body(5, effect="deny", layer="user")))
    assert kinds(machine.store.current()) == {"user": "preset"}
    machine.store.memory.change_pulls(lambda _: Pulls(user_chain=machine.org.chain))
    assert kinds(machine.store.current()) == {"user": "bundle"}
    assert machine.effect() == "deny"


def test_a_document_beside_an_enrolment_denies(machine: PolicyMachine) -> None:
    machine.store.memory.change_pulls(lambda _: Pulls(user_chain=machine.org.chain))
    machine.user("user-bundle.json", bundle(machine.org, body(5, effect="allow", layer="user")))
    machine.user("policy.toml", toml("of-user", "allow"))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.two"]


def test_a_place_for_documents_that_cannot_be_looked_at_denies(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.store.memory.change_pulls(lambda _: Pulls(user_chain=machine.org.chain))
    machine.user("user-bundle.json", bundle(machine.org, body(5, effect="allow", layer="user")))

    def fails(path: str) -> None:
        raise HostFailed("host.file", "cannot look at the file", where=path, hint="h")

    monkeypatch.setattr(policy_layers, "look", fails)
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["host.file"]


def test_an_enrolled_home_without_its_bundle_denies(machine: PolicyMachine) -> None:
    machine.store.memory.change_pulls(lambda _: Pulls(user_chain=machine.org.chain))
    machine.user("policy.toml", toml("of-user", "allow"))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.absent"]


def test_a_damaged_memory_denies(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="allow")))
    machine.user("seen.json", b"{")
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.seen"]


def test_a_home_that_cannot_be_written_does_not_end_a_call(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.enrol()
    machine.admin("policy-bundle.json", bundle(machine.org, body(5, effect="ask")))

    def full(*_: object) -> None:
        raise HostFailed("host.file", "cannot write", where="x", hint="h")

    monkeypatch.setattr(policy_layers, "write_atomic", full)
    assert machine.effect() == "ask"
    assert codes(machine.store.current()) == ["host.file"]


def test_a_process_that_is_a_version_behind_says_so_and_goes_on(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(5, effect="ask")))

    def late(*_: object) -> None:
        raise Refused("policy.rollback", "another process has seen version 6", where="fleet", hint="h")

    monkeypatch.setattr(machine.store.memory, "note", late)
    assert machine.effect() == "ask"
    assert codes(machine.store.current()) == ["policy.rollback"]


def test_another_publisher_in_the_place_of_the_enrolled_one(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(publisher("Stranger"), body(9, effect="allow")))
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.publisher"]
    machine.enrol(publisher("Stranger"))
    assert machine.effect() == "allow", "the administrator has enrolled the machine anew"
