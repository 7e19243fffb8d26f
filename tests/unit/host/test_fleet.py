"""The administrator's settings: believed only where nobody else can have written them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host import fleet
from mpp.host.fleet import CONFIG_BYTES_MAX, PERSONAL, FleetSettings, System, enrolled_root, fleet_settings, home_of, refuse_in_fleet
from mpp.testing.keys import publisher

FULL = """
mode = "fleet"
home = "/var/lib/mpp"
approval_strength = "passphrase"
policy_root = "policy-root.json"
policy_url = "https://policy.example.com/fleet.json"
policy_name = "example-fleet"
"""


@pytest.fixture
def system(tmp_path: Path) -> System:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    return System(folder=str(folder), owner=os.getuid())


def write(system: System, text: str | bytes, name: str = "config.toml", mode: int = 0o644) -> None:
    path = Path(system.path(name))
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(MppError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code


def test_without_settings_a_machine_is_personal(system: System, tmp_path: Path) -> None:
    assert fleet_settings(system) == PERSONAL
    assert fleet_settings(System(folder=str(tmp_path / "absent"), owner=os.getuid())) == PERSONAL
    assert not PERSONAL.is_fleet


def test_all_settings_are_read(system: System) -> None:
    write(system, FULL)
    assert fleet_settings(system) == FleetSettings(
        is_fleet=True, home="/var/lib/mpp", approval_strength="passphrase", policy_root=system.path("policy-root.json"),
        policy_url="https://policy.example.com/fleet.json", policy_name="example-fleet",
    )  # fmt: skip


def test_the_place_is_fixed_and_is_the_one_of_the_module(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    assert System(folder="/etc/mpp", owner=0) == fleet.SYSTEM
    write(system, 'mode = "fleet"')
    monkeypatch.setattr(fleet, "SYSTEM", system)
    assert fleet_settings().is_fleet


WRONG: dict[str, tuple[str | bytes, str]] = {
    "no TOML": ("mode = fleet", "policy.toml"),
    "no UTF-8": (b'mode = "\xff"', "policy.toml"),
    "no mode": ('home = "/x"', "policy.missing"),
    "another mode": ('mode = "relaxed"', "policy.choice"),
    "a key that is not known": ('mode = "fleet"\nmodus = "x"', "policy.unknown_key"),
    "a home that is relative": ('mode = "fleet"\nhome = "x"', "policy.form"),
    "a home of another user": ('mode = "fleet"\nhome = "~ada/x"', "policy.form"),
    "no such strength": ('mode = "fleet"\napproval_strength = "sms"', "policy.choice"),
    "an empty strength": ('mode = "fleet"\napproval_strength = ""', "policy.choice"),
    "a root elsewhere": ('mode = "fleet"\npolicy_root = "/tmp/root.json"', "policy.form"),
    "a root above": ('mode = "fleet"\npolicy_root = "../root.json"', "policy.form"),
    "a root below": ('mode = "fleet"\npolicy_root = "x/root.json"', "policy.form"),
    "an address as a number": ('mode = "fleet"\npolicy_url = 1', "policy.type"),
    "too long": ("#" * (CONFIG_BYTES_MAX + 1), "policy.length"),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_are_read_strictly(system: System, name: str) -> None:
    text, code = WRONG[name]
    write(system, text)
    assert code_of(lambda: fleet_settings(system)) == code


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_settings_that_others_may_write_are_refused(system: System, mode: int) -> None:
    write(system, 'mode = "personal"', mode=mode)
    assert code_of(lambda: fleet_settings(system)) == "policy.mode"


def test_a_folder_that_others_may_write_is_refused(system: System) -> None:
    Path(system.folder).chmod(0o777)
    assert code_of(lambda: fleet_settings(system)) == "policy.mode"


def test_settings_of_somebody_else_are_refused(system: System) -> None:
    write(system, FULL)
    assert code_of(lambda: fleet_settings(System(folder=system.folder, owner=os.getuid() + 1))) == "policy.mode"


def test_a_root_may_be_named_by_its_whole_path(system: System) -> None:
    write(system, f'mode = "fleet"\npolicy_root = "{system.path("r.json")}"')
    assert fleet_settings(system).policy_root == system.path("r.json")


def test_a_home_is_that_of_the_list_of_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/tmp/of-an-agent")
    assert home_of(FleetSettings(home="~/.mpp")) == os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".mpp")
    assert home_of(FleetSettings(home="/var/lib/mpp")) == "/var/lib/mpp"
    assert home_of(PERSONAL) == ""

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert code_of(lambda: home_of(FleetSettings(home="~/.mpp"))) == "host.home"


def test_the_enrolled_root_documents(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    org = publisher("Example Org")
    settings = FleetSettings(is_fleet=True, policy_root=system.path("root.json"))
    assert enrolled_root(PERSONAL, system) is None
    assert code_of(lambda: enrolled_root(settings, system)) == "policy.roots"
    write(system, org.chain.data + b"\n", "root.json")
    found = enrolled_root(settings, system)
    assert found is not None
    assert found.publisher_id == org.id
    monkeypatch.setattr(fleet, "SYSTEM", system)
    assert enrolled_root(settings) == found
    write(system, org.chain.data[:-5], "root.json")
    assert code_of(lambda: enrolled_root(settings, system)) == "trust.roots"
    write(system, org.chain.data, "root.json", mode=0o666)
    assert code_of(lambda: enrolled_root(settings, system)) == "policy.mode"


def test_what_would_loosen_a_fleet_is_refused() -> None:
    refuse_in_fleet(PERSONAL, "--yes")
    assert code_of(lambda: refuse_in_fleet(FleetSettings(is_fleet=True), "--yes")) == "policy.fleet"
