"""``mpp registry admin``: decisions of an operator, and what of them stands in the log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.crypto.jws import encode_part
from mpp.protocol.registry.bodies import ReportBody
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import TestClock
from mpp_registry.advisories import report
from mpp_registry.publishers import ask_recovery
from mpp_registry.publishing import authenticate
from tests.cli.conftest import Answer, Mpp
from tests.registry.publishing.worlds import ALICE, BOB, World

HELLO = "com.example.hello"


class Office:
    """An operator at the machine of a registry."""

    def __init__(self, mpp: Mpp, folder: Path) -> None:
        self.world = World(folder, clock=TestClock(int(time.time())))
        self._mpp, self._data = mpp, folder / "registry"

    def __call__(self, *words: object) -> Answer:
        return self._mpp("registry", "admin", words[0], "--data", self._data, "--json", *words[1:])

    def says(self, *words: object) -> str:
        found = self._mpp("registry", "admin", words[0], "--data", self._data, *words[1:])
        assert found.code == 0, found.err
        return found.out


@pytest.fixture
def office(mpp: Mpp, tmp_path: Path) -> Iterator[Office]:
    found = Office(mpp, tmp_path)
    found.world.join(ALICE)
    found.world.join(BOB)
    found.world.publish(ALICE)
    yield found
    found.world.close()


def test_a_version_is_stopped_let_go_and_revoked(office: Office) -> None:
    assert office("quarantine", HELLO, "1.0.0", "--reason", "reported as malware").json["changed"]
    assert office("queues").json["quarantined"] == [{"package_id": HELLO, "version": "1.0.0", "reason": "reported as malware"}]
    assert "quarantine  com.example.hello 1.0.0" in office.says("queues")
    assert office("restore", HELLO, "1.0.0", "--reason", "a false alarm").json["status"] == "active"
    assert "is active already." in office.says("restore", HELLO, "1.0.0", "--reason", "a false alarm")
    assert office("revoke", HELLO, "1.0.0", "--reason", "it steals").json["status"] == "revoked"
    refused = office("restore", HELLO, "1.0.0")
    assert (refused.code, refused.json["error"]["code"]) == (41, "registry.state")
    assert office.world.kinds()[-3:] == ["version.status"] * 3


def test_a_publisher_is_suspended_and_goes_on(office: Office) -> None:
    prefix = ALICE.id[:16]
    assert office("suspend", prefix, "--reason", "odd").json == {"ok": True, "publisher_id": ALICE.id, "status": "suspended", "changed": True}
    assert office("resume", prefix).json["status"] == "active"
    assert office("suspend", BOB.id, "--for-good", "--reason", "malware").json["status"] == "revoked"
    found = {one["name"]: one["status"] for one in office("publishers").json["publishers"]}
    assert found == {"Alice Tools": "active", "Bob Works": "revoked"}
    assert "Alice" in office.says("publishers", "alice")
    assert [one["name"] for one in office("publishers", BOB.id[:5]).json["publishers"]] == ["Bob Works"]
    assert office.says("publishers", "%") == "No publisher.\n"


@pytest.mark.parametrize(("text", "code"), [("alice", "registry.form"), (ALICE.id[:15], "registry.form"), ("0" * 16, "registry.absent")])
def test_a_publisher_is_named_by_enough_digits(office: Office, text: str, code: str) -> None:
    refused = office("suspend", text, "--reason", "x")
    assert (refused.code, refused.json["error"]["code"]) == (41, code)


def test_name_spaces_by_hand(office: Office) -> None:
    assert office("namespace", "internal.tools", "--publisher", ALICE.id).json["publisher_id"] == ALICE.id
    assert "belongs to publisher" in office.says("namespace", "internal.tools", "--publisher", ALICE.id)
    assert office("namespace", "internal.tools", "--end").json["changed"]
    assert "already" in office.says("namespace", "internal.tools", "--end")
    assert office("queues").json["namespaces"][0]["namespace"] == "internal.tools"
    assert office("namespace", "internal.tools").code == 2


def test_a_look_alike_is_let_in(office: Office) -> None:
    assert office("allow", "com.example.hallo", "--publisher", BOB.id, "--reason", "the German one").code == 0
    assert office.world.publish(BOB, "com.example.hallo").is_new
    assert office("allow", "not an id", "--publisher", BOB.id, "--reason", "x").json["error"]["code"] == "registry.form"


def test_what_is_staged_is_approved_or_refused(office: Office) -> None:
    office.world.restaged(staging=True)
    first, second = office.world.publish(ALICE, version="1.1.0"), office.world.publish(ALICE, version="1.2.0")
    assert {one["version"] for one in office("queues").json["staged"]} == {"1.1.0", "1.2.0"}, "within one second they have no order"
    assert "staged" in office.says("queues")
    assert office("approve", first.staged_id).json["state"] == "published"
    assert "refused" in office.says("approve", second.staged_id, "--refuse", "too soon")
    assert office("approve", second.staged_id).json["error"]["code"] == "registry.staged"


def test_reports_are_closed(office: Office) -> None:
    name = report(office.world.services, ReportBody(package_id=HELLO, version="", kind="malware", text="it steals", contact=""), "192.0.2.1")
    assert office("queues").json["reports"][0]["report_id"] == name
    assert "it steals" in office.says("queues")
    assert office("close-report", name, "--answer", "it does not").json["changed"]
    assert "before" in office.says("close-report", name, "--answer", "again")
    assert office.says("queues") == "Nothing waits.\n"


def test_a_recovery_is_agreed_to(office: Office) -> None:
    ask_recovery(office.world.services, ALICE.id, "lost", office.world.actor(BOB))
    assert office("queues").json["recoveries"][0]["state"] == "wanted"
    assert office("recovery", ALICE.id).code == 2
    assert "refused" in office.says("recovery", ALICE.id, "--refuse")
    ask_recovery(office.world.services, ALICE.id, "lost", office.world.actor(BOB))
    assert office("recovery", ALICE.id, "--successor", BOB.id).json["state"] == "asked"
    assert "recovery" in office.says("queues")
    assert office.world.kinds()[-1] == "publisher.recovery"


def test_issuers_and_tokens(office: Office, tmp_path: Path) -> None:
    public = fixed_signer("ci").public_key
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": encode_part(public)}, {"kty": "oct", "k": "x", "kid": "b"}]}))
    found = office("issuer", "https://ci.example.com", "--keys", keys).json
    assert (found["unusable"], found["audience"]) == (["b"], office.world.services.settings.registry_id)
    assert "A key cannot be used: b" in office.says("issuer", "https://ci.example.com", "--keys", keys)
    assert office.says("tokens") == "No token counts now.\n"
    until = office.world.clock.now() + 60
    with office.world.services.database.write() as rows:
        rows.run("INSERT INTO tokens (token_hash, publisher_id, rule_id, packages, until) VALUES ('x', ?, 'r', ?, ?)", ALICE.id, HELLO, until)
    assert office("tokens").json["tokens"] == [{"publisher_id": ALICE.id, "rule_id": "r", "count": 1, "until": until}]
    assert office("tokens", "--end", ALICE.id).json["ended"] == 1
    assert office("issuer", "https://ci.example.com", "--remove").json["changed"]
    assert "not believed" in office.says("issuer", "https://ci.example.com", "--remove")


def test_quotas_settings_and_jobs(office: Office) -> None:
    assert office("quota", ALICE.id, "--versions", "1").code == 0
    assert office.world.cell("SELECT versions_most FROM usage") == 1
    assert office("set", "world.nameservers", "192.0.2.53").json["text"] == "192.0.2.53"
    assert office("set", "world.nameservers", "x").json["error"]["code"] == "registry.form"
    assert set(office("jobs").json["done"]) == {"namespaces", "recoveries", "staged", "uploads", "once"}
    assert "once: " in office.says("jobs")


def test_a_wrong_folder_does_not_become_a_registry(mpp: Mpp, tmp_path: Path) -> None:
    refused = mpp("registry", "admin", "queues", "--data", tmp_path, "--json")
    assert refused.json["error"]["code"] == "usage.file"
    assert not any(tmp_path.glob("keys"))


def test_what_the_operator_does_holds_beside_the_running_server(office: Office) -> None:
    """Another process wrote: the services of this one see it with the next request."""
    office("suspend", ALICE.id, "--reason", "odd")
    header = office.world.header(ALICE.release[0])
    with pytest.raises(Exception, match=r"registry\.suspended"):
        authenticate(office.world.services, header, "POST", "/v1/packages", "0" * 64)
