"""T50, policies that somebody replaces, holds back, halves or loosens: what is in force is what its signer and the administrator said, or nothing runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.crypto.envelope import Envelope, sign
from mpp.errors import MppError
from mpp.files import write_atomic
from mpp.host import fleet
from mpp.host.policy_memory import Pulls
from mpp.host.policy_pull import get
from mpp.host.policy_store import open_policies
from mpp.model.jsontext import Json, canonical
from mpp.stages.gatekeeper import PAYLOAD_TYPE
from mpp.stages.policy import POLICY_TYPE, Remembered, verify_bundle, write_body, write_bundle
from mpp.testing.keys import TestPublisher, publisher, rotated
from mpp.testing.packages import NOW, signed
from mpp.testing.policies import DAY, PolicyMachine, body, bundle, toml

ORG = publisher("Example Org")
PAIR = publisher("Pair", releases=2, release_threshold=2)
AFTER_THEFT = rotated(ORG, "2", revoke=True)
THIEF = publisher("Thief")
STRICT = body(6, effect="deny")
LOOSE = body(5, effect="allow")


@pytest.fixture
def machine(tmp_path: Path) -> PolicyMachine:
    """Enrolled for the organisation, with version 6 in force, which denies."""
    found = PolicyMachine(str(tmp_path))
    found.enrol(ORG)
    found.user("fleet-bundle.json", bundle(ORG, STRICT))
    assert found.effect() == "deny"
    return found


def by_one_of_two(by: TestPublisher, payload: bytes, kind: str = POLICY_TYPE) -> bytes:
    return write_bundle(by.chain, Envelope(payload_type=kind, payload=payload, signatures=sign(kind, payload, by.release[:1])))


def with_chain(by: TestPublisher, of: TestPublisher, payload: bytes) -> bytes:
    """Signed by the keys of one time, beside the root documents of another."""
    return write_bundle(of.chain, Envelope(payload_type=POLICY_TYPE, payload=payload, signatures=sign(POLICY_TYPE, payload, by.release)))


def relabelled(data: bytes, kind: str) -> bytes:
    document = json.loads(data)
    document["envelope"]["payloadType"] = kind
    return canonical(document)


def grafted() -> bytes:
    """The payload of a loose policy under the signatures of the strict one."""
    document, other = json.loads(bundle(ORG, STRICT)), json.loads(bundle(ORG, body(7, effect="allow")))
    document["envelope"]["payload"] = other["envelope"]["payload"]
    return canonical(document)


def package_seal() -> bytes:
    """The signature over a package by the very key that signs policies."""
    from mpp.stages.archive import SIGNATURE_NAME, read_archive, read_member

    archive = read_archive(signed(ORG))
    found = archive.find(SIGNATURE_NAME)
    envelope: Json = json.loads(read_member(archive, found)) if found is not None else {}
    return canonical({"roots": json.loads(ORG.chain.data)["roots"], "envelope": envelope})


NEXT = replace(LOOSE, version=9)

FORGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "rollback": (lambda: bundle(ORG, LOOSE), "policy.rollback"),
    "the same version with other content": (lambda: bundle(ORG, replace(LOOSE, version=6)), "policy.fork"),
    "expired": (lambda: bundle(ORG, replace(NEXT, issued=NOW - 20 * DAY, expires=NOW - 10 * DAY)), "policy.expired"),
    "from the future": (lambda: bundle(ORG, replace(NEXT, issued=NOW + DAY)), "policy.future"),
    "unsigned": (lambda: bundle(replace(ORG, release=()), NEXT), "policy.threshold"),
    "half written": (lambda: bundle(ORG, NEXT)[:-100], "policy.json"),
    "empty": (lambda: b"", "policy.json"),
    "another signer": (lambda: bundle(THIEF, NEXT), "policy.publisher"),
    "another signer under our root documents": (lambda: with_chain(THIEF, ORG, write_body(NEXT)), "policy.signer"),
    "signatures of another bundle": (grafted, "policy.signature"),
    # Pulled, it is a user's matter, and no user has enrolled; in the place of the fleet's it is for the wrong layer.
    "for another layer": (lambda: bundle(ORG, replace(NEXT, layer="user")), "policy.enrolment"),
    "of another name": (lambda: bundle(ORG, replace(NEXT, name="tests")), "policy.name"),
    "a package's signature by the same key": (package_seal, "policy.bundle"),
    "a package's signature that calls itself a policy": (lambda: relabelled(package_seal(), POLICY_TYPE), "policy.missing"),
    "a policy that calls itself a package": (lambda: relabelled(bundle(ORG, NEXT), PAYLOAD_TYPE), "policy.bundle"),
    "oversized": (lambda: bundle(ORG, NEXT) + b" " * 12_000_000, "policy.length"),
    "a second text of the same document": (lambda: json.dumps(json.loads(bundle(ORG, NEXT))).encode(), "policy.json"),
    "a policy document without any signature": (lambda: b'{"mpp_policy": 1, "name": "org", "rules": [{"id": "a", "effect": "allow"}]}', "policy.json"),
}


@pytest.mark.parametrize("name", FORGED)
def test_nothing_forged_takes_the_place_of_the_policy(machine: PolicyMachine, name: str) -> None:
    make, code = FORGED[name]
    data = make()
    with pytest.raises(MppError) as caught:
        machine.puller.install(get(machine.put(machine.home.path + "/offered.json", data)), NOW)
    assert caught.value.code == code
    # The same, put into the place of the policy by hand, with the copy of the last good one gone.
    machine.user("fleet-bundle.json", data)
    shutil.rmtree(machine.store.bundle_paths["fleet"] + ".last", ignore_errors=True)
    os.unlink(machine.store.bundle_paths["fleet"] + ".last")
    assert machine.effect() == "deny"
    assert machine.effect(machine.new_store()) == "deny"


def test_a_threshold_is_met_by_different_keys(tmp_path: Path) -> None:
    machine = PolicyMachine(str(tmp_path))
    machine.enrol(PAIR)
    machine.user("fleet-bundle.json", by_one_of_two(PAIR, write_body(LOOSE)))
    assert machine.effect() == "deny"
    one = json.loads(by_one_of_two(PAIR, write_body(LOOSE)))
    one["envelope"]["signatures"] *= 2
    machine.user("fleet-bundle.json", canonical(one))
    assert machine.effect() == "deny"
    machine.user("fleet-bundle.json", bundle(PAIR, LOOSE))
    assert machine.effect() == "allow"


STOLEN: dict[str, Callable[[], bytes]] = {
    "with the root documents of its time": lambda: bundle(ORG, body(8, effect="allow")),
    "with the root documents of today": lambda: with_chain(ORG, AFTER_THEFT, write_body(body(8, effect="allow"))),
    "with a rotation of its own": lambda: bundle(rotated(ORG, "thief"), body(8, effect="allow")),
}


@pytest.mark.parametrize("name", STOLEN)
def test_a_stolen_key_that_was_rotated_out_signs_nothing(machine: PolicyMachine, name: str) -> None:
    machine.user("fleet-bundle.json", bundle(AFTER_THEFT, body(7, effect="deny")))
    assert machine.effect() == "deny"
    machine.user("fleet-bundle.json", STOLEN[name]())
    assert machine.effect() == "deny"
    assert machine.effect(machine.new_store()) == "deny"


@pytest.mark.parametrize("seed", range(40))
def test_no_changed_byte_is_believed(seed: int) -> None:
    data, chance = bytearray(bundle(ORG, NEXT)), random.Random(seed)
    for _ in range(25):
        at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        changed = bytes(data[:at]) + bytes((data[at] ^ bit,)) + bytes(data[at + 1 :])
        with pytest.raises(MppError):
            verify_bundle(changed, Remembered(chain=ORG.chain), NOW, layer="fleet")


@pytest.mark.parametrize("cut", [1, 2, 10, 100, 1000])
def test_no_part_of_a_bundle_is_one(cut: int) -> None:
    data = bundle(ORG, NEXT)
    for part in (data[:-cut], data[cut:]):
        with pytest.raises(MppError):
            verify_bundle(part, Remembered(chain=ORG.chain), NOW, layer="fleet")


def test_taking_the_policy_away_does_not_take_it_away(machine: PolicyMachine) -> None:
    """Everything that a user, or an agent as that user, can remove is removed."""
    shutil.rmtree(machine.home.path)
    assert machine.effect() == "deny", "this process has seen it"
    shutil.rmtree(machine.home.path)
    other = machine.new_store()
    assert machine.effect(other) == "deny", "another one knows that it is enrolled, and finds nothing"
    assert [fault.code for fault in other.current().faults] == ["policy.absent"]


def test_holding_updates_back_ends_at_the_end_of_the_grace(machine: PolicyMachine) -> None:
    machine.user("fleet-bundle.json", bundle(ORG, body(7, effect="allow")))
    assert machine.effect() == "allow"
    machine.clock.moment = NOW + 11 * DAY
    assert machine.effect() == "allow"
    machine.clock.moment += 1
    assert machine.effect() == "deny"
    assert machine.effect(machine.new_store()) == "deny"


LOOSENING: dict[str, Callable[[PolicyMachine], object]] = {
    "a user policy that allows everything": lambda at: at.user("policy.toml", toml("mine", "allow")),
    "a user bundle of a signer of one's own": lambda at: (
        at.store.memory.change_pulls(lambda _: Pulls(user_chain=THIEF.chain)),
        at.user("user-bundle.json", bundle(THIEF, body(99, effect="allow", layer="user"))),
    ),
    "a user bundle in the place of the fleet's": lambda at: at.user("fleet-bundle.json", bundle(THIEF, body(99, effect="allow"))),
    "a memory that says there was nothing": lambda at: at.user("seen.json", b'{"mpp_policy_seen":1,"publishers":[]}'),
    "a memory that is broken": lambda at: at.user("seen.json", b"{"),
    "a link in the place of the bundle": lambda at: (
        os.unlink(at.store.bundle_paths["fleet"]),
        os.symlink(at.put(at.home.path + "/loose", bundle(ORG, LOOSE)), at.store.bundle_paths["fleet"]),
    ),
    "a pipe in the place of the bundle": lambda at: (os.unlink(at.store.bundle_paths["fleet"]), os.mkfifo(at.store.bundle_paths["fleet"])),
    "a folder in the place of the bundle": lambda at: (os.unlink(at.store.bundle_paths["fleet"]), os.mkdir(at.store.bundle_paths["fleet"])),
}


@pytest.mark.parametrize("name", LOOSENING)
def test_nothing_in_the_home_loosens_the_fleet(machine: PolicyMachine, name: str) -> None:
    LOOSENING[name](machine)
    assert machine.effect() == "deny"
    assert machine.effect(machine.new_store()) == "deny"


MACHINE_FILES: dict[str, Callable[[str], object]] = {
    "writable for all": lambda path: os.chmod(path, 0o666),
    "writable for a group": lambda path: os.chmod(path, 0o664),
    "in a folder that all may write": lambda path: os.chmod(os.path.dirname(path), 0o1777),
    "a link": lambda path: (os.rename(path, path + ".real"), os.symlink(path + ".real", path)),
}


@pytest.mark.parametrize("file", ["policy.toml", "config.toml", "policy-root.json"])
@pytest.mark.parametrize("name", MACHINE_FILES)
def test_what_others_could_have_written_for_the_machine_denies(tmp_path: Path, name: str, file: str) -> None:
    machine = PolicyMachine(str(tmp_path))
    machine.enrol(ORG)
    machine.admin("policy-bundle.json", bundle(ORG, body(6, effect="allow")))
    path = machine.admin("policy.toml", toml("of-machine", "allow"))
    assert machine.effect(machine.new_store()) == "allow"
    MACHINE_FILES[name](os.path.join(os.path.dirname(path), file))
    assert machine.effect(machine.new_store()) == "deny"


def test_variables_of_an_agent_have_no_effect(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fleet, "SYSTEM", machine.system)
    before = dict(os.environ)
    own = PolicyMachine(str(tmp_path / "own"))
    own.admin("config.toml", 'mode = "personal"')
    names = ("MPP_SYSTEM", "MPP_ETC", "MPP_CONFIG", "MPP_POLICY", "MPP_FLEET", "MPP_MODE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "HOME", "PYTHONPATH")
    for name in (*before, *names):
        if name != "PATH":
            monkeypatch.setenv(name, own.system.folder)
    assert machine.effect(open_policies(machine.home, machine.clock)) == "deny"


def test_another_home_does_not_leave_the_fleet(machine: PolicyMachine, tmp_path: Path) -> None:
    """MPP_HOME leads to an empty folder: the machine is enrolled all the same, and nothing signed is there."""
    other = PolicyMachine(str(tmp_path / "elsewhere"))
    other.system = machine.system
    assert other.effect(other.new_store()) == "deny"


def test_every_read_sees_a_whole_policy(tmp_path: Path) -> None:
    """A writer swaps two versions by renaming while 200 reads happen: each is one of the two, and none is closed."""
    machine = PolicyMachine(str(tmp_path))
    texts = [f'mpp_policy = 1\nname = "{name}"\n'.encode() + rules(name) for name in ("one", "two")]
    path = machine.user("policy.toml", texts[0])
    stop = threading.Event()

    def swap() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            write_atomic(path, texts[turn % 2], 0o600)

    store = machine.new_store()
    store.current()
    writer = threading.Thread(target=swap)
    writer.start()
    try:
        seen, until = [store.current()], time.monotonic() + 20
        while (len(seen) < 200 or len({loaded.layers[0].name for loaded in seen}) < 2) and time.monotonic() < until:
            seen.append(store.current())
    finally:
        stop.set()
        writer.join()
    for loaded in seen:
        assert not loaded.faults
        policy = loaded.layers[0].policy
        assert {rule.why for rule in policy.rules} == {policy.name}
        assert len(policy.rules) == 40
    assert {loaded.layers[0].name for loaded in seen} == {"one", "two"}


def rules(name: str) -> bytes:
    return b"".join(f'[[rules]]\nid = "r{i}"\neffect = "ask"\nwhy = "{name}"\ntools = ["t{i}"]\n'.encode() for i in range(40))


def test_every_read_of_a_bundle_sees_a_whole_one_and_never_a_step_back(tmp_path: Path) -> None:
    machine = PolicyMachine(str(tmp_path))
    machine.enrol(ORG)
    path = machine.user("fleet-bundle.json", bundle(ORG, body(1, effect="ask")))
    stop, versions = threading.Event(), [bundle(ORG, body(version, effect="ask")) for version in range(1, 60)]

    def swap() -> None:
        for data in versions:
            if stop.is_set():
                return
            # In place, not by renaming: half a bundle is there for a moment.
            with open(path, "wb") as stream:
                stream.write(data[:700])
                stream.flush()
                stream.write(data[700:])

    store = machine.new_store()
    writer = threading.Thread(target=swap)
    writer.start()
    try:
        seen = [store.current() for _ in range(200)]
    finally:
        stop.set()
        writer.join()
    found = [info.version for loaded in seen if (info := loaded.layer("fleet")) is not None and info.kind == "bundle"]
    assert found == sorted(found)
    assert machine.effect(store) == "ask"


def test_several_processes_agree_on_the_newest(tmp_path: Path) -> None:
    """Each loads while versions come; nobody ever remembers less than another."""
    machine = PolicyMachine(str(tmp_path))
    machine.enrol(ORG)
    stores = [machine.new_store() for _ in range(4)]
    for version in range(1, 12):
        machine.puller.install(get(machine.put(machine.home.path + "/b.json", bundle(ORG, body(version, effect="ask")))), NOW)
        threads = [threading.Thread(target=store.current) for store in stores]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert machine.store.memory.seen().marks[ORG.id, "fleet"].version == version
    assert {info.version for store in stores if (info := store.current().layer("fleet")) is not None} == {11}
