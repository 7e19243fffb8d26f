"""``mpp registry monitor`` against a registry that serves on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.cli.store.registries import config_file
from mpp.errors import RemoteFailed
from mpp.ledger.notes import read_key, read_note, signed_at
from mpp.remote.config import Registry, with_registry
from mpp.remote.credentials import Signed
from mpp.remote.monitoring.reading import HttpSource
from mpp.testing.keys import publisher
from tests.cli.conftest import Mpp
from tests.registry.api.world import World, serving


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with serving(str(folder)) as made:
        made.clock.moment = int(time.time())
        assert made.register(publisher()).status == 201
        for version in ("0.1.0", "0.2.0"):
            assert made.publish(publisher(), {"version": version}).status == 201
        yield made


def words(world: World, *more: object) -> list[object]:
    return ["registry", "monitor", world.server.url, "--state", "state.sqlite", *more]


def test_all_holds(mpp: Mpp, world: World) -> None:
    registry_id = world.services.settings.registry_id
    answer = mpp(*words(world))
    assert answer.code == 0, answer.err
    assert "Registry of tests" in answer.out
    assert registry_id in answer.err
    assert max(map(len, answer.out.splitlines())) <= 110
    found = mpp(*words(world, "--registry", registry_id, "--json")).json
    assert (found["ok"], found["registry"]["id"], found["packages"], found["read"], found["cosigned"]) == (True, registry_id, 1, 0, "no")
    assert world.publish(publisher(), {"version": "0.3.0"}).status == 201
    assert world.admin("PUT", "/v1/packages/com.example.hello/versions/0.2.0/status", {"status": "yanked", "reason": "broken"}).status == 200
    found = mpp(*words(world, "--json")).json
    assert (found["ok"], found["read"]) == (True, 2)


def test_the_usual_state_is_in_the_home(mpp: Mpp, world: World, home: Path) -> None:
    assert mpp("registry", "monitor", world.server.url, "--once").code == 0
    (state,) = (home / "monitors").glob("*.sqlite")
    assert state.stat().st_mode & 0o077 == 0


def test_a_witness(mpp: Mpp, world: World) -> None:
    answer = mpp(*words(world, "--witness-key", "w.key", "--witness-name", "monitor.example.org"))
    assert answer.code == 0, answer.err
    assert "--witness KEY" in answer.err
    key = next(word for word in answer.err.split() if word.startswith("monitor.example.org+"))
    assert read_key(key).name == "monitor.example.org"
    assert mpp(*words(world, "--witness-key", "w.key", "--json")).json["cosigned"] != "yes"


def test_a_registry_that_lies(mpp: Mpp, world: World) -> None:
    """A leaf was exchanged in its database."""
    assert mpp(*words(world)).code == 0
    with world.services.database.write() as rows:
        rows.run("UPDATE log_leaves SET leaf = ? WHERE idx = 1", b"{}")
    # A monitor that has read it goes on; a new one cannot.
    assert mpp(*words(world)).code == 0
    answer = mpp("registry", "monitor", world.server.url, "--state", "new.sqlite", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (41, "registry.fork")


def test_options_that_do_not_go_together(mpp: Mpp, world: World) -> None:
    for more in (("--once", "--every", "5"), ("--registry", "short"), ("--every", "0")):
        assert mpp(*words(world, *more)).code == 2
    other = mpp(*words(world, "--registry", "0" * 64))
    assert other.code == 41
    assert "another registry" in other.err


def test_nobody_there(mpp: Mpp, world: World) -> None:
    world.server.stop()
    answer = mpp("registry", "monitor", "http://127.0.0.1:1", "--state", "state.sqlite", "--json")
    assert (answer.code, answer.json["ok"]) == (40, False)


def test_a_registry_of_this_home_by_its_name(mpp: Mpp, world: World) -> None:
    registry_id = world.services.settings.registry_id
    row = Registry(name="tests", url=world.server.url, registry_id=registry_id)
    config_file().change(lambda config: with_registry(config, row, default=True))
    found = mpp("registry", "monitor", "tests", "--json").json
    assert (found["ok"], found["registry"]["id"]) == (True, registry_id)
    config_file().change(lambda config: replace(config, registries={"tests": replace(row, registry_id="0" * 64)}))
    assert mpp("registry", "monitor", world.server.url, "--state", "new.sqlite", "--json").json["error"]["code"] == "registry.identity"


def test_a_registry_that_not_everybody_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    with serving(str(folder), is_public=False) as world:
        assert world.register(publisher()).status == 201
        with pytest.raises(RemoteFailed):
            HttpSource(world.server.url).checkpoint()
        login = Signed(publisher().release[0], world.services.settings.registry_id, world.clock, world.random)
        assert HttpSource(world.server.url, login).leaves(0, 5)


def test_what_people_do_to_packages_holds(mpp: Mpp, world: World) -> None:
    """All that changes a package through the API keeps the rules that a monitor judges by."""
    other, package = publisher("Another Publisher"), "/v1/packages/com.example.hello"
    assert world.register(other).status == 201
    body = json.dumps({"owners": [{"publisher_id": who, "role": "owner"} for who in sorted((publisher().id, other.id))]}).encode()
    for who, status in ((publisher(), 202), (other, 200)):
        assert world.signed(who, "PUT", f"{package}/owners", body).status == status
    for status in ("deprecated", "yanked", "active"):
        said = json.dumps({"status": status, "reason": "a test"}).encode()
        assert world.signed(other, "PUT", f"{package}/versions/0.1.0/status", said).status == 200
    for status in ("quarantined", "revoked"):
        assert world.admin("PUT", f"{package}/versions/0.2.0/status", {"status": status, "reason": "a test"}).status == 200
    assert world.admin("PUT", f"/v1/publishers/{other.id}/status", {"status": "suspended", "reason": "a test"}).status == 200
    answer = mpp(*words(world, "--json"))
    assert answer.code == 0, answer.out
    assert answer.json["size"] == answer.json["read"] > 10


def test_answers_that_are_none(world: World) -> None:
    source = HttpSource(world.server.url)
    with world.services.database.read() as rows:
        whole = world.services.ledger.size(rows)
    assert len(source.leaves(0, 2)) == 2
    assert len(source.consistency(1, whole)) > 0
    assert source.bundle("com.example.hello", "0.1.0")
    for ask in (lambda: source.leaves(whole, 5), lambda: source.bundle("com.example.none", "1.0.0")):
        with pytest.raises(RemoteFailed) as caught:
            ask()
        assert caught.value.code == "remote.answer"
    assert source.cosign(b"no line\n") >= 400


def test_it_looks_again_and_again(world: World, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mpp", *map(str, words(world, "--every", "1", "--json"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        first = json.loads(running.stdout.readline())
        assert world.publish(publisher(), {"version": "0.3.0"}).status == 201
        found = first
        while found["size"] == first["size"]:
            found = json.loads(running.stdout.readline())
        assert found["ok"] is True
        world.server.stop()
        while found["ok"]:
            found = json.loads(running.stdout.readline())
        assert found["error"]["code"] == "remote.connection"
        running.send_signal(signal.SIGTERM)
        assert running.wait(120) == 0


def test_text_of_a_registry_that_is_away(world: World, tmp_path: Path) -> None:
    url = world.server.url
    world.server.stop()
    command = [sys.executable, "-m", "mpp", "registry", "monitor", url, "--every", "1", "--state", "state.sqlite"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert "error:" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(120) == 0


def test_a_witness_that_the_registry_knows(mpp: Mpp, tmp_path: Path) -> None:
    folder = tmp_path / "known"
    folder.mkdir()
    assert mpp("registry", "monitor", "http://127.0.0.1:1", "--state", "s.sqlite", "--witness-key", "w.key", "--witness-name", "monitor.example.org").code == 40
    key = mpp("registry", "monitor", "http://127.0.0.1:1", "--state", "s.sqlite", "--witness-key", "w.key").err.split()[2]
    with serving(str(folder), witnesses=(read_key(key),)) as world:
        world.clock.moment = int(time.time())
        world.register(publisher())
        answer = mpp("registry", "monitor", world.server.url, "--state", "s.sqlite", "--witness-key", "w.key", "--json")
        assert answer.json["cosigned"] == "yes", answer.out
        note = read_note(world.get("/v1/log/checkpoint").body, where="note")
        assert signed_at(note, read_key(key)) is not None
