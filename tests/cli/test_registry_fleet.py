"""``mpp registry fleet``: an administrator and a host, with a registry that serves between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp_registry.wiring import Started
from tests.cli.conftest import Mpp
from tests.cli.policy_world import machine_folder, STRICT, write
from tests.cli.registry_server import registry_server, TOKEN


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    with registry_server(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return machine_folder(tmp_path, monkeypatch)


@pytest.fixture
def keys(mpp: Mpp, tmp_path: Path) -> Path:
    folder = tmp_path / "policy-keys"
    done = mpp("keygen", "--output", folder, "--name", "Example Org", "--no-passphrase")
    assert done.code == 0, done.err
    return folder


class Office:
    """The administrator, at the registry's folder."""

    def __init__(self, mpp: Mpp, data: Path, keys: Path) -> None:
        self._mpp, self.data, self.keys = mpp, data, keys

    def __call__(self, *words: object) -> dict[str, object]:
        answer = self._mpp("registry", "fleet", *words, "--data", self.data, "--json")
        assert answer.code == 0, answer.err + answer.out
        found: dict[str, object] = answer.json
        return found

    def says(self, *words: object) -> str:
        answer = self._mpp("registry", "fleet", *words, "--data", self.data)
        assert answer.code == 0, answer.err
        return answer.out

    def policy(self, version: int = 1) -> None:
        write("policy.toml", STRICT)
        words = ("policy", "sign", "policy.toml", "--name", "org", "--layer", "fleet", "-k", self.keys / "publisher.key", "-o", "org.json")
        done = self._mpp(*words, "--expires", "30d", "--version", version)
        assert done.code == 0, done.err
        self("policy", "put", "org.json")

    def trust(self, *more: object) -> dict[str, object]:
        words = ("registry", "fleet", "trust", "sign", "trust.json", "--name", "org", "-k", self.keys / "publisher.key", *more)
        done = self._mpp(*words, "--json")
        assert done.code == 0, done.err + done.out
        self("trust", "put", "org-trust.json")
        return done.json  # type: ignore[no-any-return]

    def ready(self) -> None:
        self("root", "put", self.keys / "publisher.json")
        self.policy()
        Path("trust.json").write_text(json.dumps({"mpp_trust": 1, "revoked_content": ["ab" * 32]}))
        Path("trust.json").chmod(0o600)
        self.trust("--registry", f"*={'cd' * 32}=https://packages.example.com")

    def code(self) -> str:
        return str(self("enroll-code", "--label", "laptops", "--policy", "org", "--trust", "org")["code"])


@pytest.fixture
def office(mpp: Mpp, tmp_path: Path, keys: Path, server: Started) -> Office:
    return Office(mpp, tmp_path / "registry", keys)


def test_a_machine_joins_follows_and_reports(mpp: Mpp, office: Office, server: Started, system: Path) -> None:
    office.ready()
    Path("code.txt").write_text(office.code() + "\n")
    joined = mpp("registry", "fleet", "enroll", server.server.url, "--code-file", "code.txt", "--name", "laptop 7", "--machine", "--json")
    assert joined.code == 0, joined.err + joined.out
    assert (joined.json["name"], joined.json["policy"], joined.json["files"]) == ("laptop 7", "org", str(system))
    assert 'mode = "fleet"' in (system / "config.toml").read_text()
    synced = mpp("registry", "fleet", "sync", "--json")
    assert synced.code == 0, synced.err + synced.out
    assert (synced.json["policy"], synced.json["trust"]["version"]) == ({"name": "org", "version": 1, "before": 0}, 1)
    assert "fleet" in mpp("policy", "show").out
    assert "ab" * 32 in (Path(home_of()) / "trust" / "trust.json").read_text()
    known = mpp("registry", "list", "--json").json
    assert "https://packages.example.com" in json.dumps(known)
    again = mpp("registry", "fleet", "sync")
    assert "policy" in again.out
    status = mpp("registry", "fleet", "status")
    assert "obeys the fleet" in status.out
    (host,) = office("hosts")["hosts"]  # type: ignore[misc]
    assert (host["name"], host["policy"]["version"], host["trust"]["version"]) == ("laptop 7", 1, 1)
    assert synced.json["witness"]["entries"] > 0
    assert host["log"]["size"] >= synced.json["witness"]["entries"]
    assert "'laptop 7'" in office.says("hosts")
    assert "entries witnessed" in office.says("hosts")
    office.policy(2)
    # What a host said before there was a newer policy speaks for itself.
    assert mpp("registry", "fleet", "report").code == 0
    (alarm,) = office("alarms")["alarms"]  # type: ignore[misc]
    assert alarm["kind"] == "policy-behind" or alarm["kind"] == "trust-behind"
    assert "policy" in office.says("alarms")
    assert mpp("registry", "fleet", "sync", "--json").json["policy"] == {"name": "org", "version": 2, "before": 1}
    assert "Reported 0 versions" in mpp("registry", "fleet", "report").out
    assert mpp("policy", "pull").code == 0, "what was taken last is where a pull looks"
    assert "There are no alarms" in office.says("alarms")
    assert office("alarms", "--clear", host["host_id"])["cleared"] == 0
    assert "Put away 0" in office.says("alarms", "--clear", host["host_id"])
    assert "laptop 7" in office.says("remove", host["host_id"][:16])
    gone = mpp("registry", "fleet", "sync", "--json")
    assert gone.json["error"]["code"] == "registry.fleet"
    assert mpp("registry", "fleet", "leave", "--json").json["changed"]
    assert "in no fleet" in mpp("registry", "fleet", "leave").out
    assert mpp("registry", "fleet", "sync").code == 23
    assert "in no fleet" in mpp("registry", "fleet", "status").out


def home_of() -> str:
    from mpp.cli.options import home

    return home().path


def test_without_root_the_files_are_only_prepared(mpp: Mpp, office: Office, server: Started, system: Path) -> None:
    office.ready()
    joined = mpp("registry", "fleet", "enroll", server.server.url, "--code", office.code())
    assert joined.code == 0, joined.err
    assert "sudo install -m 644" in joined.out
    assert list(system.iterdir()) == []
    assert "does not obey" in mpp("registry", "fleet", "status").out
    found = mpp("registry", "fleet", "sync", "--json")
    assert found.json["error"]["code"] == "policy.enrolment"
    # What root would do, and then it holds.
    for name in ("policy-root.json", "config.toml"):
        (system / name).write_bytes((Path(home_of()) / "fleet" / "machine" / name).read_bytes())
        (system / name).chmod(0o644)
    assert mpp("registry", "fleet", "sync").code == 0


def test_the_inventory_on_the_command_line(mpp: Mpp, office: Office, server: Started, system: Path) -> None:
    from mpp.host.enrolment.asking import Asking
    from mpp.host.enrolment.documents import write_report
    from mpp.host.enrolment.state import EnrolmentFile
    from mpp.host.home import Home
    from mpp.host.host_key import host_key
    from mpp.host.system import SystemClock, SystemRandom
    from tests.registry.fleet.test_reports import runs, used
    from mpp.host.enrolment.documents import InForce, Report

    office.ready()
    assert "No host is enrolled" in office.says("hosts")
    assert "No host reports" in office.says("inventory")
    assert mpp("registry", "fleet", "enroll", server.server.url, "--code", office.code(), "--name", "one").code == 0
    home = Home(path=home_of())
    state = EnrolmentFile(home).need()
    asking = Asking(state.url, state.registry_id, host_key(home), SystemClock(), SystemRandom())
    uses = tuple(used(f"agent-{i}") for i in range(7))
    report = Report(
        host_id=state.host_id, at=SystemClock().now(), mpp="0.1.0", log_key="", log_size=0, policy=InForce(), trust=InForce(),
        packages=(runs(), runs("org.other.tool", "ef", active=False)), uses=uses,
    )  # fmt: skip
    asking.ask("POST", "/v1/fleet/reports", 1000, write_report(report))
    found = office("inventory", "--status", "revoked", "--served")["installed"]
    assert [(one["package_id"], one["agents_count"]) for one in found] == [("com.example.hello", 7)]  # type: ignore[attr-defined]
    text = office.says("inventory")
    assert "and 2 more" in text
    assert "revoked" in text
    assert "no agent" in text


def test_an_administrator_far_away_has_a_token(mpp: Mpp, office: Office, server: Started, keys: Path) -> None:
    Path("token").write_text(TOKEN + "\n")
    Path("token").chmod(0o600)
    far = ("--url", server.server.url, "--admin-token-file", "token", "--json")
    assert mpp("registry", "fleet", "root", "put", keys / "publisher.json", *far).json["version"] == 1
    assert mpp("registry", "fleet", "enroll-code", "--label", "x", *far).json["code"].startswith("mppe-")
    assert mpp("registry", "fleet", "hosts", *far).json["hosts"] == []
    assert mpp("registry", "fleet", "hosts", "--url", server.server.url).code == 2
    assert mpp("registry", "fleet", "hosts", *far, "--data", office.data).code == 2
    Path("token").write_text("another token that is long enough\n")
    assert mpp("registry", "fleet", "hosts", *far).code == 41
    Path("token").write_text("\n")
    assert mpp("registry", "fleet", "hosts", *far).code == 2
    Path("token").chmod(0o644)
    assert mpp("registry", "fleet", "hosts", *far).code == 2


def test_what_is_no_code_or_trust_is_refused(mpp: Mpp, office: Office, server: Started, keys: Path) -> None:
    assert mpp("registry", "fleet", "enroll", server.server.url, "--code", "nonsense").code == 41
    assert mpp("registry", "fleet", "enroll", server.server.url).code == 2
    assert mpp("registry", "fleet", "enroll", "http://elsewhere.example", "--code", f"mppe-{'0' * 40}-{'0' * 64}-{'0' * 64}").code == 23
    office.ready()
    second = office.trust()
    assert second["version"] == 2
    sign = ("registry", "fleet", "trust", "sign", "trust.json", "--name", "org", "-k", keys / "publisher.key")
    assert mpp(*sign, "--registry", "nonsense").code == 2
    assert mpp(*sign, "--revoke-content", "x").code == 2
    said = mpp(*sign, "--revoke-content", "ef" * 32, "--revoke-publisher", "cd" * 32, "--version", 7, "-o", "seven.json")
    assert "version 7" in said.out
    assert "version 7" in office.says("trust", "put", "seven.json")
    assert mpp("registry", "fleet", "trust", "put", "org-trust.json", "--data", office.data).code == 23
    other = Path("other-keys")
    assert mpp("keygen", "--output", other, "--name", "Other Org", "--no-passphrase").code == 0
    assert mpp("registry", "fleet", "trust", "sign", "trust.json", "--name", "org", "-k", other / "publisher.key").code == 23
    assert "is signed for by" in office.says("root", "put", keys / "publisher.json")
    assert mpp("registry", "fleet", "root", "put", other / "publisher.json", "--data", office.data).code == 23
    assert "Here is version 1" in office.says("policy", "put", "org.json")
    assert "Holds once" in mpp("registry", "fleet", "enroll-code", "--label", "x", "--data", office.data).err


def test_a_fleet_says_which_registry_answers_for_a_name_space() -> None:
    from dataclasses import replace

    from mpp.cli.registry.fleet_registries import pinned
    from mpp.errors import Refused
    from mpp.remote.config import Config, read_config, Registry, write_config
    from tests.registry.fleet.worlds import pin

    own = Registry(name="mine", url="https://mine.example", registry_id="12" * 32, namespaces=("com.example.", "net.own."))
    before = Config(default="mine", registries={"mine": own})
    pins = (pin("com.example"), pin("org.sea", "34" * 32), pin("*"))
    after = pinned(before, pins)
    assert after.registries["mine"].namespaces == ("net.own.",), "one name space, one registry"
    assert after.for_package("com.example.tool").registry_id == "ab" * 32
    assert after.for_package("org.sea.fish").registry_id == "34" * 32
    assert after.for_package("dev.cat.tool").registry_id == "ab" * 32
    assert after.for_package("net.own.tool") == after.registries["mine"]
    assert pinned(after, pins) == after
    assert read_config(write_config(after, where="x"), where="x") == after
    assert pinned(before, ()) == before
    with pytest.raises(Refused):
        pinned(before, (replace(pins[0], url="http://elsewhere.example"),))
