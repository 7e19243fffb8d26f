"""Registries from the user's side: witnesses, fleets, rotations, progress, and how a host follows what it has installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mpp.cli.registry.following import Looker, rules
from mpp.cli.store import registries
from mpp.cli.store.opened import the_store
from mpp.cli.store.progress import Bar
from mpp.crypto.ed25519 import SeedSigner
from mpp.ledger.notes import COSIGNATURE, NoteKey
from mpp.testing.keys import publisher
from tests import layered
from tests.cli.conftest import Mpp
from tests.cli.registry_world import add, fresh, own, takes_packages
from tests.cli.store_world import HELLO, Make, maker
from tests.cli.terminal import Terminal
from tests.unit.remote.book import document, Reply, Seen, Server, serving

WITNESSES = {name: SeedSigner(name.encode().ljust(32, b"w")) for name in ("one.example", "two.example")}
KEYS = {name: str(NoteKey(name=name, public=one.public_key, algorithm=COSIGNATURE)) for name, one in WITNESSES.items()}


@pytest.fixture
def make(mpp: Mpp, keys: Path) -> Make:
    return maker(mpp)


@pytest.fixture
def known(mpp: Mpp, keys: Path, home: Path, make: Make) -> Iterator[Server]:
    """A registry with one version of a package."""
    with serving(fresh()) as server:
        takes_packages(server, own(home))
        server.book.publish(make().read_bytes(), own(home))
        Path("hello-0.1.0.mpp").unlink()
        add(mpp, server)
        yield server


# --- witnesses and fleets


def test_as_many_witnesses_as_asked_for_must_have_cosigned(mpp: Mpp, known: Server) -> None:
    words = [item for key in KEYS.values() for item in ("--witness", key)]
    assert mpp("registry", "add", known.url, *words, "--quorum", 2).code == 0
    none = mpp("install", HELLO)
    assert (none.code, "[registry.unwitnessed]" in none.err) == (41, True)
    known.book.witnesses = {"one.example": WITNESSES["one.example"]}
    assert "1 of 2 witnesses" in mpp("install", HELLO).err
    # Attack: a registry that cosigns under the name of a witness.
    known.book.witnesses = {"one.example": WITNESSES["one.example"], "two.example": WITNESSES["one.example"]}
    assert mpp("install", HELLO).code == 41
    known.book.witnesses = WITNESSES
    answer = mpp("install", HELLO)
    assert (answer.code, "seen by one.example, two.example" in answer.out) == (0, True), answer.err


def test_in_a_fleet_nobody_shortens_the_time_to_wait(mpp: Mpp, known: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mpp("registry", "add", known.url, "--min-age", 72).code == 0
    monkeypatch.setattr(registries, "is_fleet", lambda: True)
    refused = mpp("install", HELLO, "--min-age", 1)
    assert (refused.code, "[consent.fleet]" in refused.err) == (22, True)
    assert "[registry.cooldown]" in mpp("install", HELLO, "--min-age", 100).err


def test_a_rotated_publisher_tells_the_registry(mpp: Mpp, known: Server, home: Path) -> None:
    assert mpp("register").code == 0
    before = own(home)
    known.book.publishers[before.id] = before
    assert mpp("keygen", "--rotate", "--no-passphrase").code == 0
    after = own(home)
    known.change = lambda seen, reply: document(known.book.publisher(after).to_json()) if seen.method == "PUT" else reply
    assert mpp("register", "--json").json["root_version"] == 2
    assert known.seen[-1].target == f"/v1/publishers/{before.id}/root"
    known.change = lambda _seen, _reply: document(replace(known.book.publisher(after), publisher_id="a" * 64).to_json())
    assert "another publisher" in mpp("register").err


def test_a_removed_registry_takes_its_login_along(mpp: Mpp, known: Server) -> None:
    Path("token").write_text("x\n")
    Path("token").chmod(0o600)
    assert mpp("registry", "login", "--token-file", "token").code == 0
    assert "login was removed" in mpp("registry", "remove", "local").err


def test_a_bundle_beside_a_file_that_says_it_was_withdrawn(mpp: Mpp, known: Server, make: Make) -> None:
    path = make()
    known.book.status(HELLO, "0.1.0", "quarantined")
    Path(f"{path}.bundle").write_bytes(known.book.bundle(HELLO, "0.1.0"))
    answer = mpp("install", path)
    assert (answer.code, "[registry.withdrawn]" in answer.err) == (41, True)


def test_what_a_registry_has_to_say_is_shown_as_its_own(mpp: Mpp, known: Server, home: Path, make: Make) -> None:
    takes = known.change

    def change(seen: Any, reply: Reply) -> Reply:
        found = takes(seen, reply)
        if seen.method == "GET":
            return found
        return Reply(found.status, json.dumps({**json.loads(found.body), "notes": ["the name space is not proven\x1b[2J"]}).encode())

    known.change = change
    assert "local says: the name space is not proven\\x1b" in mpp("publish", make("0.2.0")).err


# --- following


def looked(told: list[str], looker: Looker | None = None) -> list[tuple[str, str]]:
    rows = [row for row in the_store().all() if row.registry_id]
    return [(one.status, one.reason) for one in (looker or Looker(told=told.append))(rows)]


def test_a_host_asks_for_proofs_only_where_the_log_has_grown(mpp: Mpp, known: Server) -> None:
    assert mpp("install", HELLO).code == 0
    told: list[str] = []
    looker = Looker(told=told.append)
    count = len(known.targets("/bundle"))
    for _ in range(3):
        assert looked(told, looker) == [("active", "")]
    assert len(known.targets("/bundle")) == count + 1
    known.book.status(HELLO, "0.1.0", "yanked", "broken")
    assert looked(told, looker) == [("yanked", "broken")]
    assert len(known.targets("/bundle")) == count + 2
    assert told == []
    assert rules().stop_yanked


def test_what_cannot_be_proven_has_no_status(mpp: Mpp, known: Server, home: Path, make: Make) -> None:
    assert mpp("install", HELLO).code == 0
    book, told = known.book, list[str]()
    known.change = lambda _seen, _reply: Reply(503, b"")
    assert looked(told) == [("", "")]
    known.change = lambda seen, reply: Reply(503, b"") if "/bundle" in seen.target else reply
    assert looked(told) == [("", "")]
    # Attack: the proof that another version is well.
    book.publish(make("0.2.0").read_bytes(), own(home))
    known.change = lambda seen, reply: Reply(200, book.bundle(HELLO, "0.2.0")) if "/bundle" in seen.target else reply
    assert looked(told) == [("", "")]
    assert [line.split(" ")[0] for line in told] == ["registry", HELLO, HELLO]
    # The registry's own words decide nothing.
    book.status(HELLO, "0.1.0", "revoked", "it steals")
    known.change = lambda seen, reply: Reply(503, b"") if "/versions?" in seen.target else reply
    assert looked(told) == [("revoked", "")]
    assert mpp("registry", "remove", "local").code == 0
    assert looked(told) == [("", "")]


# --- progress


def test_a_bar_moves_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    moments = iter(range(100))
    bar = Bar("downloading x", quiet=False, monotonic=lambda: float(next(moments)))
    for done in (0, 5_000_000, 7_500_000):
        bar(done, 10_000_000)
    bar.end()
    text = capsys.readouterr().err
    assert "\rdownloading x [" + "#" * 15 + "." * 15 + "] 5.0 of 10.0 MB" in text
    assert text.endswith("\n")
    bar(10_000_000, 10_000_000)
    bar.end()
    assert capsys.readouterr().err.count("\n") == 1


def test_nothing_elsewhere_nor_beside_json(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        bar = Bar("uploading", quiet=quiet)
        for done in range(0, 30_000_001, 1_000_000):
            bar(done, 30_000_000)
        bar(100, 400_000)
        bar.end()
    assert capsys.readouterr().err == ""


# --- an address in place of a name


def test_an_address_that_is_not_known_is_asked_about_once(mpp: Mpp, keys: Path, home: Path, make: Make, terminal: Callable[..., Terminal]) -> None:
    with serving(fresh()) as server:
        takes_packages(server, own(home))
        refused = mpp("register", "--registry", server.url)
        assert (refused.code, f"mpp registry add {server.url} --fingerprint HEX" in refused.err) == (20, True)
        with terminal("register", "--registry", server.url) as screen:
            screen.wait_for("Type yes")
            screen.type("yes\n")
            assert screen.end() == 0
        assert "known as local from now on" in screen.screen
        # It is known now, under its name and under its address.
        path = make()
        assert mpp("publish", path, "--registry", server.url).code == 0
        Path(path).unlink()
        assert mpp("search", "hello", "--registry", server.url + "/").code == 0
        assert mpp("install", HELLO, "--registry", server.url).code == 0
        assert mpp("install", HELLO, "--registry", "http://example.com").code == 2


# --- layers


@pytest.fixture
def layers(mpp: Mpp, home: Path) -> Iterator[tuple[Server, bytes]]:
    """A registry with a tool that stands on a layer, and the layer's file, which is not published yet."""
    body = layered.layer_body(layered.sound())
    with serving(fresh()) as server:
        server.book.publish(layered.tool(layered.ref(body)), publisher())
        add(mpp, server)
        Path("publisher.json").write_bytes(publisher().chain.data)
        assert mpp("trust", "add", "publisher.json", "--fingerprint", publisher().id).code == 0
        assert mpp("trust", "pin", "com.example.", publisher().id).code == 0
        yield server, layered.layer(code=layered.sound())


def tool_id(server: Server) -> str:
    return next(name for name, _ in server.book.docs if name != INTERPRETER)


INTERPRETER = "com.example.interpreter"


def test_a_layer_comes_with_the_tool_that_stands_on_it(mpp: Mpp, layers: tuple[Server, bytes]) -> None:
    server, data = layers
    missing = mpp("install", tool_id(server))
    assert (missing.code, "[layer.missing]" in missing.err, "has not the layer com.example.interpreter 1.0.0 either" in missing.err) == (31, True, True)
    server.book.publish(data, publisher())
    answer = mpp("install", tool_id(server))
    assert answer.code == 0, answer.err
    assert "stands on the layer com.example.interpreter 1.0.0, fetched from local (log entry" in answer.err
    assert INTERPRETER in mpp("layer", "list").out
    # It is fetched once.
    count = len(server.targets(INTERPRETER))
    assert mpp("uninstall", tool_id(server), "--yes").code == 0
    assert mpp("install", tool_id(server)).code == 0
    assert len(server.targets(INTERPRETER)) == count


def test_a_layer_is_installed_by_its_name(mpp: Mpp, layers: tuple[Server, bytes]) -> None:
    server, data = layers
    absent = mpp("layer", "install", INTERPRETER, "--json")
    assert (absent.code, absent.json["error"]["code"]) == (41, "registry.absent")
    server.book.publish(data, publisher())
    assert mpp("layer", "install", f"{INTERPRETER}@^2", "--json").code == 41
    answer = mpp("layer", "install", f"{INTERPRETER}@^1", "--json")
    assert (answer.code, answer.json["id"], answer.json["version"], answer.json["new"]) == (0, INTERPRETER, "1.0.0", True)
    assert mpp("layer", "install", "interpreter", "--registry", "local", "--json").json["new"] is False
    # A tool is no layer, and a file of that name comes first.
    assert mpp("layer", "install", tool_id(server)).code == 31
    Path(INTERPRETER).write_bytes(b"no package")
    assert mpp("layer", "install", INTERPRETER).code == 11


def test_a_layer_by_name_whose_publisher_nobody_knows_needs_a_person_or_the_fingerprint(mpp: Mpp, layers: tuple[Server, bytes]) -> None:
    server, data = layers
    server.book.publish(data, publisher())
    assert mpp("trust", "remove", publisher().id).code == 0
    unknown = mpp("layer", "install", INTERPRETER, "--json")
    assert (unknown.code, "--publisher FINGERPRINT" in unknown.json["error"]["hint"]) == (20, True)
    assert mpp("layer", "install", INTERPRETER, "--publisher", "0" * 64, "--json").code == 20
    assert mpp("layer", "install", INTERPRETER, "--publisher", publisher().id, "--json").json["new"] is True


def test_a_layer_that_is_not_what_the_log_names_is_not_installed(mpp: Mpp, layers: tuple[Server, bytes]) -> None:
    """Attack: a registry whose proof is of the layer that was asked for, and whose file is another one."""
    server, data = layers
    server.book.publish(data, publisher())

    def change(seen: Seen, reply: Reply) -> Reply:
        return Reply(reply.status, layered.layer(code=layered.wasm())) if seen.target.endswith("/download") else reply

    server.change = change
    assert mpp("layer", "install", INTERPRETER).code in {14, 40, 41}
    assert INTERPRETER not in mpp("layer", "list").out


def test_who_publishes_a_layer_is_told_how_others_get_it(mpp: Mpp, keys: Path, home: Path) -> None:
    with serving(fresh()) as server:
        takes_packages(server, own(home))
        add(mpp, server)
        Path("layer.mpp").write_bytes(layered.layer(by=own(home), code=layered.sound()))
        answer = mpp("publish", "layer.mpp")
    assert (answer.code, f"mpp layer install {INTERPRETER};" in answer.err) == (0, True), answer.err


def test_another_layer_of_that_name_is_not_even_downloaded(mpp: Mpp, layers: tuple[Server, bytes]) -> None:
    """Attack: another interpreter below a known tool, under the version that the tool names."""
    server, _ = layers
    server.book.publish(layered.layer(code=layered.wasm()), publisher())
    answer = mpp("install", tool_id(server))
    assert (answer.code, "other content than the one that is meant" in answer.err) == (41, True)
    assert not server.targets(f"{INTERPRETER}/versions/1.0.0/download")
    assert INTERPRETER not in mpp("layer", "list").out


def test_a_revoked_layer_is_not_fetched(mpp: Mpp, layers: tuple[Server, bytes]) -> None:
    server, data = layers
    server.book.publish(data, publisher())
    server.book.status(INTERPRETER, "1.0.0", "revoked")
    answer = mpp("install", tool_id(server))
    assert (answer.code, "[registry.withdrawn]" in answer.err) == (41, True)
