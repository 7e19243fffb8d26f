"""Pulling bundles: judged before anything is written, by enrolment and never by first use for a fleet."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host import policy_pull as module
from mpp.host.policy_memory import Pulls
from mpp.host.policy_pull import Pulled, get
from mpp.stages.policy import BUNDLE_BYTES_MAX
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW
from mpp.testing.policies import PolicyMachine, body, bundle, toml


@pytest.fixture
def machine(tmp_path: Path) -> PolicyMachine:
    return PolicyMachine(str(tmp_path))


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(MppError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code


def served(machine: PolicyMachine, data: bytes) -> str:
    return machine.put(os.path.join(os.path.dirname(machine.home.path), "served.json"), data)


def pull(machine: PolicyMachine, data: bytes, *, enrol: bool = False) -> Pulled:
    fetched = get(served(machine, data))
    machine.puller.needs_enrolment(fetched)
    return machine.puller.install(fetched, machine.clock.now(), enrol=fetched.chain if enrol else None)


def test_a_fleet_bundle_is_pulled_by_the_enrolled_root(machine: PolicyMachine) -> None:
    machine.enrol()
    first = pull(machine, bundle(machine.org, body(5, effect="deny")))
    assert (first.layer, first.before, first.before_version, first.bundle.body.version) == ("fleet", None, 0, 5)
    assert machine.effect() == "deny"
    second = pull(machine, bundle(machine.org, body(6, effect="allow")))
    assert (second.before, second.before_version) == (first.bundle.body.policy, 5)
    assert machine.effect() == "allow"
    assert machine.puller.sources() == (second.source,)


def test_the_address_of_the_machine_goes_before_the_last_one(machine: PolicyMachine) -> None:
    machine.enrol(more='policy_url = "https://policy.example.com/fleet.json"')
    pull(machine, bundle(machine.org, body(5)))
    assert machine.puller.sources() == ("https://policy.example.com/fleet.json",)


def test_without_enrolment_nobody_makes_this_machine_part_of_a_fleet(machine: PolicyMachine) -> None:
    data = bundle(machine.org, body(5))
    assert code_of(lambda: pull(machine, data)) == "policy.enrolment"
    assert code_of(lambda: machine.puller.install(get(served(machine, data)), NOW, enrol=machine.org.chain)) == "policy.enrolment"
    assert not os.path.exists(machine.home.policy)


def test_a_user_bundle_needs_a_yes_once(machine: PolicyMachine) -> None:
    data = bundle(machine.org, body(5, effect="deny", layer="user"))
    fetched = get(served(machine, data))
    assert machine.puller.needs_enrolment(fetched)
    assert code_of(lambda: machine.puller.install(fetched, NOW)) == "policy.enrolment"
    assert machine.effect() == "allow"
    machine.puller.install(fetched, NOW, enrol=fetched.chain)
    assert machine.effect() == "deny"
    assert not machine.puller.needs_enrolment(fetched)
    pull(machine, bundle(machine.org, body(6, effect="ask", layer="user")))
    assert machine.effect() == "ask"
    assert machine.puller.sources() == (fetched.source,)


def test_a_home_takes_the_policies_of_one_signer(machine: PolicyMachine) -> None:
    pull(machine, bundle(machine.org, body(5, layer="user")), enrol=True)
    other = publisher("Other")
    assert code_of(lambda: pull(machine, bundle(other, body(9, layer="user")), enrol=True)) == "policy.publisher"


REFUSED: dict[str, tuple[Callable[[PolicyMachine], bytes], str]] = {
    "an older one": (lambda at: bundle(at.org, body(5)), "policy.rollback"),
    "other content": (lambda at: bundle(at.org, body(6, effect="allow")), "policy.fork"),
    "expired": (lambda at: bundle(at.org, body(7, issued=1, expires=2)), "policy.expired"),
    "half": (lambda at: bundle(at.org, body(7))[:400], "policy.json"),
    "a stranger's": (lambda _: bundle(publisher("Stranger"), body(7)), "policy.publisher"),
    "unsigned": (lambda at: bundle(replace(at.org, release=()), body(7)), "policy.threshold"),
    "for machines": (lambda at: bundle(at.org, body(7, layer="machine")), "policy.layer"),
    "no bundle": (lambda _: toml("x", "allow"), "policy.json"),
    "too large": (lambda _: b"x" * (BUNDLE_BYTES_MAX + 1), "policy.length"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(machine: PolicyMachine, name: str) -> None:
    machine.enrol()
    pull(machine, bundle(machine.org, body(6, effect="ask")))
    before = Path(machine.store.bundle_paths["fleet"]).read_bytes()
    make, code = REFUSED[name]
    assert code_of(lambda: pull(machine, make(machine))) == code
    assert Path(machine.store.bundle_paths["fleet"]).read_bytes() == before
    assert machine.effect() == "ask"
    assert machine.effect(machine.new_store()) == "ask"


def test_a_name_that_the_machine_fixes_is_asked_for(machine: PolicyMachine) -> None:
    machine.enrol(more='policy_name = "prod"')
    assert code_of(lambda: pull(machine, bundle(machine.org, body(5)))) == "policy.name"


def test_a_damaged_bundle_is_replaced_by_a_sound_one(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", b"{")
    found = pull(machine, bundle(machine.org, body(5, effect="ask")))
    assert found.before is None
    assert machine.effect() == "ask"


def test_nowhere_to_pull_from(machine: PolicyMachine) -> None:
    assert code_of(machine.puller.sources) == "policy.source"
    machine.store.memory.change_pulls(lambda _: Pulls(fleet_source="/x", user_source="/y"))
    assert code_of(machine.puller.sources) == "policy.source"
    machine.store.memory.change_pulls(lambda _: Pulls(fleet_source="/x", user_source="/y", user_chain=machine.org.chain))
    assert machine.puller.sources() == ("/y",)
    machine.enrol()
    assert machine.puller.sources() == ("/x", "/y")


def test_leaving_a_signer(machine: PolicyMachine) -> None:
    assert not machine.puller.leave()
    pull(machine, bundle(machine.org, body(5, effect="deny", layer="user")), enrol=True)
    assert machine.effect() == "deny"
    assert machine.puller.leave()
    assert machine.effect() == "allow"
    assert sorted(os.listdir(machine.home.policy)) == ["pulls.json", "pulls.json.lock", "seen.json", "seen.json.lock", "user-bundle.json.lock"]
    assert code_of(lambda: pull(machine, bundle(machine.org, body(4, layer="user")), enrol=True)) == "policy.rollback", "what was seen stays"


def test_an_address_is_fetched(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bundle(machine.org, body(5))
    monkeypatch.setattr(module, "fetch", lambda url, most: data)
    assert get("https://policy.example.com/x").source == "https://policy.example.com/x"
    assert code_of(lambda: get("http://policy.example.com/x")) == "policy.address"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert code_of(lambda: get(str(tmp_path / "absent.json"))) == "host.file"
