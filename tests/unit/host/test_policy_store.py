"""Layers from their files, looked at before each judgement: nothing broken loosens, nothing half written counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host import fleet
from mpp.host import policy_files, policy_store
from mpp.host.fleet import System
from mpp.host.policy_files import UNSEEN
from mpp.host.policy_memory import Pulls
from mpp.host.policy_store import SETTLE_NS, Loaded, NoEvents, PolicyStore, open_policies
from mpp.stages.policy import IN_FORCE, preset
from mpp.testing.packages import NOW
from mpp.testing.policies import DAY, PolicyMachine, body, bundle, toml


@pytest.fixture
def machine(tmp_path: Path) -> PolicyMachine:
    return PolicyMachine(str(tmp_path))


def codes(loaded: Loaded) -> list[str]:
    return [fault.code for fault in loaded.faults]


def kinds(loaded: Loaded) -> dict[str, str]:
    return {one.layer: one.kind for one in loaded.layers}


def test_without_any_policy_the_developer_preset_stands_in(machine: PolicyMachine) -> None:
    loaded = machine.store.current()
    assert [(one.layer, one.kind, one.source, one.name) for one in loaded.layers] == [("user", "preset", "developer", "developer")]
    assert loaded.policies.layers == (("user", preset("developer")),)
    assert loaded.faults == ()
    assert not loaded.settings.is_fleet


def test_layers_are_read_from_their_places(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.admin("policy-bundle.json", bundle(machine.org, body(5)))
    machine.admin("policy.toml", toml("of-machine", "allow"))
    machine.user("policy.json", b'{"mpp_policy": 1, "name": "of-user", "rules": [{"id": "a", "effect": "allow"}]}')
    loaded = machine.store.current()
    assert [(one.layer, one.kind, one.name, one.version) for one in loaded.layers] == [
        ("fleet", "bundle", "org", 5),
        ("machine", "document", "of-machine", 0),
        ("user", "document", "of-user", 0),
    ]
    first = loaded.layers[0]
    assert (first.state, first.expires, first.ends, first.publisher) == (IN_FORCE, NOW + 10 * DAY, NOW + 11 * DAY, machine.org.id)
    assert loaded.layer("machine") is loaded.layers[1]
    assert loaded.layer("nothing") is None
    assert machine.effect() == "ask"
    assert loaded.settings.is_fleet


def test_nothing_is_read_again_while_nothing_changes(machine: PolicyMachine) -> None:
    machine.user("policy.toml", toml("of-user", "allow"))
    first = machine.store.current()
    assert machine.store.current() is first
    machine.user("notes.txt", b"beside it")
    second = machine.store.current()
    assert second is not first
    assert second.policies is first.policies


CHANGES: dict[str, Callable[[Path], object]] = {
    "renamed over it": lambda path: (path.with_name("new").write_bytes(toml("after", "deny")), path.with_name("new").rename(path)),
    "written in place": lambda path: path.write_bytes(toml("after", "deny")),
    "written in place with its old time": lambda path: (path.write_bytes(toml("after", "deny ")[:-1]), os.utime(path, ns=(1, 1))),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_holds_from_the_next_call_on(machine: PolicyMachine, name: str) -> None:
    path = Path(machine.user("policy.toml", toml("before", "allow")))
    assert machine.effect() == "allow"
    CHANGES[name](path)
    path.chmod(0o600)
    if "old time" in name:
        path.write_bytes(toml("after", "deny"))
        os.utime(path, ns=(1, 1))
    assert machine.effect() == "deny"


def test_a_policy_that_goes_is_gone(machine: PolicyMachine) -> None:
    path = machine.user("policy.toml", toml("of-user", "deny"))
    assert machine.effect() == "deny"
    os.unlink(path)
    assert machine.effect() == "allow"
    assert machine.told() == [("loaded", "user"), ("changed", "user")]


def test_a_layer_that_comes_and_goes_is_told(machine: PolicyMachine) -> None:
    machine.user("policy.toml", toml("of-user", "ask"))
    machine.store.current()
    path = machine.admin("policy.json", b'{"mpp_policy": 1, "name": "m", "rules": []}')
    assert machine.effect() == "deny"
    os.unlink(path)
    assert machine.effect() == "ask"
    assert machine.told() == [("loaded", "user"), ("changed", "machine"), ("removed", "machine")]


BROKEN: dict[str, tuple[bytes, str]] = {
    "half a document": (b'mpp_policy = 1\nname = "x', "policy.toml"),
    "nothing": (b"", "policy.missing"),
    "a key that is not known": (b'mpp_policy = 1\nname = "x"\nrule = []', "policy.unknown_key"),
    "too large": (b"#" * (4 * 1024 * 1024 + 1), "policy.length"),
}


@pytest.mark.parametrize("where", ["machine", "user"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_denies_at_the_first_look(machine: PolicyMachine, name: str, where: str) -> None:
    data, code = BROKEN[name]
    put = machine.admin if where == "machine" else machine.user
    path = put("policy.toml", data)
    loaded = machine.store.current()
    assert machine.effect() == "deny"
    assert codes(loaded)[0] == code
    info = loaded.layer(where)
    assert info is not None
    assert (info.kind, info.state) == ("closed", "closed")
    assert info.source.startswith(path)
    assert machine.told()[-1] == ("refused", code) or ("refused", code) in machine.told()


@pytest.mark.parametrize("where", ["machine", "user"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_document_that_breaks_later_leaves_what_was_read(machine: PolicyMachine, name: str, where: str) -> None:
    data, code = BROKEN[name]
    put = machine.admin if where == "machine" else machine.user
    put("policy.toml", toml("good", "allow"))
    assert machine.effect() == "allow"
    put("policy.toml", data)
    assert machine.effect() == "allow"
    found = codes(machine.store.current())
    assert (found[0], found[-1]) == (code, "policy.kept")
    assert machine.told()[1] == ("refused", code)
    assert machine.told()[-1] == ("kept", "policy.kept")
    assert machine.effect(machine.new_store()) == "deny", "another process has read nothing sound"
    put("policy.toml", toml("mended", "ask"))
    assert machine.effect() == "ask"
    assert codes(machine.store.current()) == []


def test_two_documents_of_one_layer_deny(machine: PolicyMachine) -> None:
    machine.user("policy.toml", toml("one", "allow"))
    machine.user("policy.json", b'{"mpp_policy": 1, "name": "two", "rules": [{"id": "a", "effect": "allow"}]}')
    assert machine.effect() == "deny"
    assert codes(machine.store.current()) == ["policy.two"]


def loosely(machine: PolicyMachine, what: str) -> None:
    path = Path(machine.admin("policy.toml", toml("of-machine", "allow")))
    if what == "writable for all":
        path.chmod(0o646)
    elif what == "writable for a group":
        path.chmod(0o664)
    elif what == "a link":
        path.rename(path.with_name("real"))
        path.symlink_to(path.with_name("real"))
    elif what == "in a folder that all may write":
        path.parent.chmod(0o777)
    elif what == "in a linked folder":
        path.parent.rename(path.parent.with_name("real"))
        path.parent.symlink_to(path.parent.with_name("real"))


@pytest.mark.parametrize("what", ["writable for all", "writable for a group", "a link", "in a folder that all may write", "in a linked folder"])
def test_a_machine_policy_that_others_could_have_written_denies(machine: PolicyMachine, what: str) -> None:
    loosely(machine, what)
    assert machine.effect() == "deny"
    assert set(codes(machine.store.current())) == {"policy.mode"}


def test_a_machine_policy_of_somebody_else_denies(machine: PolicyMachine) -> None:
    machine.admin("policy.toml", toml("of-machine", "allow"))
    machine.system = System(folder=machine.system.folder, owner=os.getuid() + 1)
    assert machine.effect(machine.new_store()) == "deny"


@pytest.mark.parametrize("enrolled", [True, False])
@pytest.mark.parametrize("which", ["home", "folder"])
def test_a_home_that_others_could_write_denies(machine: PolicyMachine, which: str, enrolled: bool) -> None:
    machine.user("policy.toml", toml("of-user", "allow"))
    if enrolled:
        os.unlink(machine.store.user_documents[0])
        machine.user("user-bundle.json", bundle(machine.org, body(5, effect="allow", layer="user")))
        machine.store.memory.change_pulls(lambda _: Pulls(user_chain=machine.org.chain))
    assert machine.effect(machine.new_store()) == "allow"
    Path(machine.home.path if which == "home" else machine.home.policy).chmod(0o777)
    other = machine.new_store()
    assert machine.effect(other) == "deny"
    assert "policy.mode" in codes(other.current())


def test_a_policy_that_becomes_writable_for_others_is_kept_as_it_was(machine: PolicyMachine) -> None:
    path = Path(machine.admin("policy.toml", toml("of-machine", "ask")))
    assert machine.effect() == "ask"
    path.chmod(0o666)
    path.write_bytes(toml("of-agent", "allow"))
    assert machine.effect() == "ask"
    assert codes(machine.store.current()) == ["policy.mode", "policy.kept"]


def test_settings_that_cannot_be_believed_deny(machine: PolicyMachine) -> None:
    machine.admin("config.toml", "mode = ")
    loaded = machine.store.current()
    assert machine.effect() == "deny"
    assert codes(loaded) == ["policy.toml"]
    assert loaded.settings.is_fleet, "the strict side"


def test_settings_that_break_later_stay_as_they_were(machine: PolicyMachine) -> None:
    machine.admin("config.toml", 'mode = "fleet"\napproval_strength = "passphrase"')
    assert machine.store.current().settings.approval_strength == "passphrase"
    machine.admin("config.toml", "mode = ")
    loaded = machine.store.current()
    assert loaded.settings.approval_strength == "passphrase"
    assert codes(loaded) == ["policy.toml", "policy.kept"]


def test_in_fleet_mode_without_policies_the_fleet_preset_stands_in(machine: PolicyMachine) -> None:
    machine.admin("config.toml", 'mode = "fleet"')
    machine.user("policy.toml", toml("of-user", "allow"))
    loaded = machine.store.current()
    assert next((one.layer, one.kind, one.source) for one in loaded.layers) == ("fleet", "preset", "fleet")
    assert len(loaded.layers) == 2
    machine.admin("policy.toml", toml("of-machine", "allow"))
    assert kinds(machine.store.current()) == {"machine": "document", "user": "document"}


# When files are looked at.


class Ticks:
    """A clock in nanoseconds that a test moves, beside the times of files."""

    def __init__(self) -> None:
        self.now, self.slept = 0, 0.0

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def timed(machine: PolicyMachine, ticks: Ticks) -> PolicyStore:
    return PolicyStore(machine.home, machine.clock, system=machine.system, nanoseconds=ticks, sleep=ticks.sleep, look_ns=1000)


def test_a_file_that_has_just_changed_is_left_alone_for_a_moment(machine: PolicyMachine) -> None:
    ticks, path = Ticks(), machine.user("policy.toml", toml("before", "allow"))
    ticks.now = os.lstat(path).st_ctime_ns + 10**9
    store = timed(machine, ticks)
    assert machine.effect(store) == "allow"
    machine.user("policy.toml", toml("after", "deny"))
    ticks.now = os.lstat(path).st_ctime_ns + SETTLE_NS // 2
    assert machine.effect(store) == "allow"
    ticks.now += SETTLE_NS
    assert machine.effect(store) == "deny"


def test_files_are_not_looked_at_twice_within_a_moment(machine: PolicyMachine) -> None:
    ticks, path = Ticks(), machine.user("policy.toml", toml("before", "allow"))
    ticks.now = os.lstat(path).st_ctime_ns + 10**9
    store = timed(machine, ticks)
    store.current()
    assert machine.effect(store) == "allow"
    machine.user("policy.toml", toml("after", "deny"))
    ticks.now += 999
    assert machine.effect(store) == "allow"
    ticks.now += 1
    assert machine.effect(store) == "deny"
    machine.user("policy.toml", toml("again", "allow"))
    ticks.now -= 10**8
    assert machine.effect(store) == "allow", "a clock that goes back is no reason not to look"


def test_the_end_of_a_bundle_is_not_put_off_by_a_file_that_changes(machine: PolicyMachine) -> None:
    machine.enrol()
    ticks, path = Ticks(), machine.user("fleet-bundle.json", bundle(machine.org, body(6, effect="allow")))
    ticks.now = os.lstat(path).st_ctime_ns + 10**9
    store = timed(machine, ticks)
    assert machine.effect(store) == "allow"
    machine.clock.moment = NOW + 12 * DAY
    os.utime(path)
    ticks.now = os.lstat(path).st_ctime_ns + 5000
    assert machine.effect(store) == "deny"


def test_a_file_system_with_another_clock_costs_no_second_reading(machine: PolicyMachine) -> None:
    ticks, path = Ticks(), machine.user("policy.toml", toml("x", "allow"))
    ticks.now = os.lstat(path).st_ctime_ns - 3600 * 10**9
    store = timed(machine, ticks)
    first = store.current()
    ticks.now += 10**6
    assert store.current() is first


def test_a_file_that_is_touched_for_ever_is_read_all_the_same(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: who may touch the file keeps a stricter policy from being read."""
    monkeypatch.setattr(policy_store, "SETTLE_NS_MAX", SETTLE_NS)
    ticks, path = Ticks(), machine.user("policy.toml", toml("before", "allow"))
    ticks.now = os.lstat(path).st_ctime_ns + 10**9
    store = timed(machine, ticks)
    assert machine.effect(store) == "allow"
    machine.user("policy.toml", toml("after", "deny"))
    effects: list[str] = []
    begun = 0
    # The clock is that of the file system: however busy the machine is, the file has been touched at this moment.
    while not effects or ticks.now - begun <= 2 * SETTLE_NS:
        os.utime(path)
        ticks.now = os.lstat(path).st_ctime_ns
        begun = begun or ticks.now
        effects.append(machine.effect(store))
    assert effects[0] == "allow"
    assert effects[-1] == "deny"


def test_the_first_look_waits_for_a_document_that_is_being_written(machine: PolicyMachine) -> None:
    ticks, path = Ticks(), machine.user("policy.toml", toml("x", "allow"))
    ticks.now = os.lstat(path).st_ctime_ns + SETTLE_NS // 4
    timed(machine, ticks).current()
    assert 0.07 < ticks.slept < 0.08


@pytest.mark.parametrize(("name", "shift"), [("policy.toml", SETTLE_NS), ("policy.toml", -1), ("policy.json", 0)])
def test_the_first_look_waits_for_nothing_else(machine: PolicyMachine, name: str, shift: int) -> None:
    """Not for what is old, not for a clock that was set back, and not for JSON, of which half does not read as a whole."""
    ticks, path = Ticks(), machine.user(name, b'{"mpp_policy": 1, "name": "x", "rules": []}')
    ticks.now = os.lstat(path).st_ctime_ns + shift
    timed(machine, ticks).current()
    assert ticks.slept == 0


def test_a_place_that_cannot_be_looked_at_is_not_taken_for_empty(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.admin("config.toml", 'mode = "personal"')

    def fails(path: str) -> None:
        raise HostFailed("host.file", "cannot look at the file", where=path, hint="h")

    monkeypatch.setattr(policy_files, "look", fails)
    monkeypatch.setattr(policy_store, "glance", lambda _: UNSEEN)
    assert machine.effect() == "deny"
    assert "host.file" in codes(machine.store.current())


def test_the_store_of_this_machine(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "SYSTEM", machine.system)
    store = open_policies(machine.home, machine.clock)
    assert store.system == machine.system
    assert [os.path.basename(path) for path in store.user_documents] == ["policy.toml", "policy.json"]
    assert store.current().layers[0].kind == "preset"
    NoEvents().record(machine.events.events[0] if machine.events.events else policy_store.layer_event("loaded", store.current().layers[0], NOW))


def test_no_variable_leads_to_another_machine(machine: PolicyMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Attack: an agent sets what it can set."""
    machine.enrol()
    machine.admin("policy-bundle.json", bundle(machine.org, body(5, effect="deny")))
    monkeypatch.setattr(fleet, "SYSTEM", machine.system)
    for name in ("MPP_SYSTEM", "MPP_ETC", "MPP_CONFIG", "MPP_POLICY", "XDG_CONFIG_HOME", "HOME", "MPP_FLEET"):
        monkeypatch.setenv(name, str(tmp_path / "agent"))
    assert machine.effect(open_policies(machine.home, machine.clock)) == "deny"


def test_faults_that_stay_are_told_once(machine: PolicyMachine) -> None:
    machine.user("policy.toml", b"x")
    machine.store.current()
    machine.clock.moment += 100
    machine.store.current()
    assert [what for what, _ in machine.told()].count("refused") == 1


def test_what_is_told_names_the_bundle(machine: PolicyMachine) -> None:
    machine.enrol()
    machine.user("fleet-bundle.json", bundle(machine.org, body(5)))
    loaded = machine.store.current()
    told = machine.events.events[0].body
    assert told["what"] == "loaded"
    assert (told["name"], told["version"], told["publisher"], told["digest"]) == ("org", 5, machine.org.id, loaded.layers[0].digest)
    assert replace(machine.events.events[0]).kind == "policy"
