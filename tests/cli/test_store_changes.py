"""``mpp update`` and ``mpp uninstall``: where newer versions come from, what stays of what goes, and whose yes counts for what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli.calling import user_name
from mpp.host.stores.approvals import ApprovalsStore
from mpp.host.stores.kv import KvStore
from mpp.host.stores.kv_file import Space
from mpp.model.manifest import parse_manifest
from mpp.stages.approval import consent_of, keeps
from mpp.testing import packages
from tests import records
from tests.cli.conftest import Mpp
from tests.cli.store_world import ASKS, HELLO, Make, maker, NETWORK
from tests.cli.terminal import Terminal

OTHER = "com.example.other"


@pytest.fixture
def make(mpp: Mpp, keys: Path) -> Make:
    return maker(mpp)


@pytest.fixture
def both(mpp: Mpp, make: Make) -> None:
    assert mpp("install", make(folder="many"), make(name="other", folder="many")).code == 0


def versions(mpp: Mpp) -> dict[str, str]:
    return {row["package_id"]: row["version"] for row in mpp("list", "--json").json["packages"]}


@pytest.mark.usefixtures("both")
def test_newer_ones_are_looked_for_where_each_came_from(mpp: Mpp, make: Make) -> None:
    assert "0.1.0 is the newest that was found" in mpp("update").out
    make("0.2.0", folder="many")
    make("0.3.0", folder="many")
    (Path("many") / "broken.mpp").write_bytes(b"no package")
    answer = mpp("update", "--json")
    assert answer.code == 0
    assert ([row["version"] for row in answer.json["updated"]], answer.json["current"]) == (["0.3.0"], [OTHER])
    assert versions(mpp) == {HELLO: "0.3.0", OTHER: "0.1.0"}


@pytest.mark.usefixtures("both")
def test_another_place_and_one_name(mpp: Mpp, make: Make) -> None:
    make("0.2.0", folder="new")
    make("0.2.0", name="other", folder="new")
    answer = mpp("update", "other", "--from", "new")
    assert "Updated com.example.other 0.2.0 (was 0.1.0) as other" in answer.out
    assert versions(mpp) == {HELLO: "0.1.0", OTHER: "0.2.0"}
    assert mpp("update", "nobody").code == 2
    assert mpp("update", "--from", (Path("new") / "hello-0.2.0.mpp").absolute().as_uri()).code == 0
    assert versions(mpp)[HELLO] == "0.2.0"


@pytest.mark.usefixtures("both")
def test_one_that_grows_waits_and_the_others_go_on(mpp: Mpp, make: Make) -> None:
    make("0.2.0", folder="many", more=NETWORK)
    make("0.2.0", name="other", folder="many")
    answer = mpp("update", "--json")
    assert answer.code == 22
    assert not answer.json["ok"]
    assert [one["error"]["faults"][0]["message"] for one in answer.json["failed"]] == [ASKS]
    assert versions(mpp) == {HELLO: "0.1.0", OTHER: "0.2.0"}
    assert f"error: {ASKS}" in mpp("update").err
    assert mpp("update", "--yes").code == 0
    assert versions(mpp)[HELLO] == "0.2.0"


@pytest.mark.usefixtures("both")
def test_an_update_never_goes_below_what_was_there(mpp: Mpp, make: Make) -> None:
    first, second = make("0.2.0", folder="many"), make("0.4.0", folder="many")
    assert mpp("install", second).code == 0
    assert mpp("install", first, "--downgrade", "--yes").code == 0
    second.unlink()
    make("0.3.0", folder="many")
    assert mpp("update", "--json").json["updated"] == []
    assert versions(mpp)[HELLO] == "0.2.0"


def test_nothing_to_update(mpp: Mpp) -> None:
    assert mpp("update").out.startswith("Nothing is installed.")


def test_a_source_that_nobody_knows(mpp: Mpp, home: Path, make: Make) -> None:
    path = make()
    assert mpp("install", path).code == 0
    lock = home / "mpp.lock"
    document = json.loads(lock.read_text())
    document["packages"][HELLO]["versions"][0]["source"] = ""
    lock.write_text(json.dumps(document))
    assert (mpp("update").code, mpp("update", "--from", ".").code) == (2, 0)


@pytest.mark.usefixtures("both")
def test_uninstalling_asks_a_person(mpp: Mpp, home: Path, terminal: Callable[..., Terminal]) -> None:
    refused = mpp("uninstall", "hello")
    assert (refused.code, "consent.missing" in refused.err) == (22, True)
    with terminal("uninstall", "hello") as person:
        person.wait_for(f"Uninstall {HELLO} 0.1.0?")
        person.type("yes\n")
        assert person.end() == 0
    assert versions(mpp) == {OTHER: "0.1.0"}
    assert not (home / "packages" / HELLO).exists()
    (event,) = [one.body for one in records.events(home) if one.body.get("change") == "uninstall"]
    assert (event["package"], event["amr"], event["by"]) == (HELLO, "tty", user_name())


def test_one_version_goes_and_none_takes_its_place(mpp: Mpp, make: Make) -> None:
    for version in ("0.1.0", "0.2.0"):
        assert mpp("install", make(version)).code == 0
    answer = mpp("uninstall", f"{HELLO}@0.2.0", "--yes")
    assert answer.code == 0
    assert f"mpp install {HELLO}@0.1.0" in answer.err
    assert versions(mpp) == {}
    found = mpp("install", f"{HELLO}@0.1.0", "--downgrade", "--yes", "--json").json["packages"][0]
    assert (found["change"], found["mark"]) == ("downgrade", "0.2.0")
    gone = mpp("uninstall", "hello", "--yes", "--json").json
    assert ([row["version"] for row in gone["uninstalled"]], gone["left"]) == (["0.1.0"], [])
    # What was seen is remembered.
    assert mpp("install", "hello-0.1.0.mpp").code == 22


@pytest.mark.usefixtures("both")
def test_what_it_stored_is_kept_unless_it_is_said(mpp: Mpp, home: Path, make: Make) -> None:
    publisher = mpp("list", "--json").json["packages"][0]["publisher_id"]
    kv = KvStore(str(home / "kv"))
    mine = [Space(tenant=tenant, publisher_id=publisher, package_id=HELLO) for tenant in ("local", "team")]
    others = Space(tenant="local", publisher_id=publisher, package_id=OTHER)
    for space in (*mine, others):
        kv.set(space, "greet", b"k", b"v", quota=1000)
    kv.close()
    (home / "kv" / "damaged.sqlite").write_bytes(b"no database")
    (home / "kv" / "damaged.sqlite").chmod(0o600)
    assert mpp("uninstall", "hello", "--yes").code == 0
    assert kv.get(mine[0], "greet", b"k") == b"v"
    kv.close()
    assert mpp("install", make(folder="many")).code == 0
    assert mpp("install", make("0.2.0", folder="many")).code == 0
    assert mpp("uninstall", "hello@0.1.0", "--purge", "--yes").code == 2
    answer = mpp("uninstall", "hello", "--purge", "--yes")
    assert "what it stored is removed" in answer.out
    assert [kv.get(space, "greet", b"k") for space in (*mine, others)] == [None, None, b"v"]
    kv.close()


def give_consent(home: Path, path: Path, publisher: str, by: str) -> None:
    manifest = json.dumps(packages.manifest(), indent=2).encode()
    store = ApprovalsStore(str(home / "approvals" / "approvals.sqlite"))
    store.put_consent(consent_of(parse_manifest(manifest), manifest, tenant="local", publisher_id=publisher, by=by, amr="tty", now=packages.NOW))
    store.close()


@pytest.fixture
def agreed(mpp: Mpp, home: Path, make: Make) -> str:
    """A version that somebody agreed to; the publisher."""
    path = make()
    assert mpp("install", path).code == 0
    publisher = str(mpp("list", "--json").json["packages"][0]["publisher_id"])
    give_consent(home, path, publisher, "ada")
    return publisher


def holds_for(home: Path, publisher: str, changes: dict[str, object]) -> bool:
    """Would the next call of such a version begin without a question about what it declares?"""
    store = ApprovalsStore(str(home / "approvals" / "approvals.sqlite"))
    consent = store.consent("local", publisher, HELLO)
    store.close()
    manifest = parse_manifest(json.dumps(packages.manifest(changes)).encode())  # type: ignore[arg-type]
    return consent is not None and keeps(consent, manifest, tenant="local", publisher_id=publisher).kept


def test_a_yes_at_the_terminal_holds_for_the_next_call_too(mpp: Mpp, home: Path, make: Make, agreed: str, terminal: Callable[..., Terminal]) -> None:
    newer = make("0.2.0", more=NETWORK)
    with terminal("install", newer) as person:
        person.wait_for("Type yes to allow it: ")
        person.type("yes\n")
        assert person.end() == 0
    assert holds_for(home, agreed, {"version": "0.2.0", **NETWORK})


def test_an_option_is_no_yes_to_calls(mpp: Mpp, home: Path, make: Make, agreed: str, terminal: Callable[..., Terminal]) -> None:
    """Attack: growth by --yes, then a little growth that a person agrees to, and with it to all of it."""
    assert mpp("install", make("0.2.0", more=NETWORK), "--yes").code == 0
    assert not holds_for(home, agreed, {"version": "0.2.0", **NETWORK})
    little = {**NETWORK, "runtime/timeout_ms": 6000}
    with terminal("install", make("0.3.0", more=little)) as person:
        person.wait_for("May run for 6000 ms instead of 5000.")
        person.wait_for("Type yes to allow it: ")
        person.type("yes\n")
        assert person.end() == 0
    assert not holds_for(home, agreed, {"version": "0.3.0", **little})


def test_what_was_agreed_to_counts_after_an_uninstall(mpp: Mpp, make: Make, agreed: str) -> None:
    assert mpp("uninstall", "hello", "--yes").code == 0
    refused = mpp("install", make("0.2.0", more=NETWORK))
    assert (refused.code, ASKS in refused.err) == (22, True)


def test_a_policy_is_nobodys_yes(mpp: Mpp, home: Path, make: Make, agreed: str) -> None:
    give_consent(home, Path(), agreed, "policy:user/p/r")
    assert mpp("uninstall", "hello", "--yes").code == 0
    assert mpp("install", make("0.2.0", more=NETWORK)).code == 0


def test_a_yes_over_what_cannot_be_read_is_no_yes_to_calls(mpp: Mpp, home: Path, make: Make, agreed: str, terminal: Callable[..., Terminal]) -> None:
    """Attack: the file of the installed version is damaged, so that there is little to show, and the yes is taken for all."""
    assert mpp("install", make("0.2.0", more=NETWORK), "--yes").code == 0
    for path in (home / "packages" / HELLO).glob("0.2.0-*.mpp"):
        path.write_bytes(b"damaged")
    with terminal("install", make("0.3.0", more=NETWORK)) as person:
        person.wait_for("nobody knows what is new.")
        person.wait_for(f"  + {ASKS}\nType yes to allow it: ")
        person.type("yes\n")
        assert person.end() == 0
    assert not holds_for(home, agreed, {"version": "0.3.0", **NETWORK})
