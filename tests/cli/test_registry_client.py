"""Registries from the user's side: naming them, registering, publishing, searching, installing, updating."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mpp.host.stops import StopStore
from mpp.host.system import SystemClock
from mpp.host.trust_store import TrustStore
from mpp.model.jsontext import Json
from mpp.remote.memory import MemoryFile
from mpp.testing import packages
from mpp.testing.keys import publisher
from tests.cli.conftest import Mpp
from tests.cli.registry_world import add, fresh, own, takes_packages
from tests.cli.store_world import HELLO, Make, maker, NETWORK
from tests.cli.terminal import Terminal
from tests.unit.remote.book import Book, problem, Reply, Server, serving

DAY = 24 * 3600


@pytest.fixture
def make(mpp: Mpp, keys: Path) -> Make:
    return maker(mpp)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(fresh()) as found:
        yield found


@pytest.fixture
def known(mpp: Mpp, keys: Path, home: Path, server: Server) -> Server:
    """This home knows the registry, and the registry takes what it is sent."""
    takes_packages(server, own(home))
    add(mpp, server)
    return server


def put(server: Server, make: Make, home: Path, version: str = "0.1.0", name: str = "hello", more: Mapping[str, Json] | None = None) -> None:
    server.book.publish(make(version, name, more=more).read_bytes(), own(home))


# --- naming registries


def test_a_registry_is_confirmed_once(mpp: Mpp, server: Server, home: Path) -> None:
    refused = mpp("registry", "add", server.url)
    assert (refused.code, "nobody confirmed" in refused.err) == (20, True)
    assert mpp("registry", "add", server.url, "--fingerprint", "a" * 64).code == 20
    assert not (home / "registries.toml").exists()
    add(mpp, server)
    listed = mpp("registry", "list", "--json").json
    assert listed["registries"][0]["registry_id"] == server.book.id
    assert (listed["registries"][0]["default"], listed["registries"][0]["name"]) == (True, "local")
    assert server.book.id[:16] in mpp("registry", "list").out
    # What is known is changed without another question.
    assert mpp("registry", "add", server.url, "--namespace", "com.corp.", "--min-age", 2, "--json").json["name"] == "local"
    assert mpp("registry", "list", "--json").json["registries"][0]["min_age"] == 7200


def test_a_person_at_a_terminal_sees_the_fingerprint(server: Server, terminal: Callable[..., Terminal], home: Path) -> None:
    with terminal("registry", "add", server.url) as screen:
        screen.wait_for("Type yes")
        screen.type("yes\n")
        assert screen.end() == 0
    assert server.book.id[:4] in screen.screen
    assert "'Example Registry'" in screen.screen
    assert (home / "registries.toml").exists()


def test_what_is_known_is_shown_without_asking(mpp: Mpp, known: Server) -> None:
    count = len(known.seen)
    shown = mpp("registry", "show", "--json").json
    assert (shown["log_size"], shown["evidence"]) == (len(known.book.leaves), [])
    assert "log 1 entries" in mpp("registry", "show", "local").out
    assert len(known.seen) == count
    assert mpp("registry", "show", "nobody").code == 41


def test_a_removed_registry_cannot_show_an_older_state_later(mpp: Mpp, known: Server, home: Path) -> None:
    memory = MemoryFile(str(home / "registries"), known.book.id)
    assert mpp("registry", "remove", "local", "--json").json["removed"] == "local"
    assert "No registry" in mpp("registry", "list").out
    assert memory.known().size == 1
    assert mpp("install", HELLO).code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["http://registry.example.com"], 2), (["{}", "--namespace", "com.corp"], 2), (["{}", "--name", "A b"], 2), (["{}", "--quorum", "2"], 41),
        (["{}", "--mirror", "ftp://x"], 2), (["{}", "--trust", "namespaces"], 22), (["http://127.0.0.1:1"], 40),
    ],
)  # fmt: skip
def test_what_is_not_taken(mpp: Mpp, server: Server, home: Path, words: list[str], code: int) -> None:
    answer = mpp("registry", "add", *(one.format(server.url) for one in words), "--fingerprint", server.book.id)
    assert answer.code == code, answer.err
    assert not (home / "registries.toml").exists()


def test_no_registry_is_known_yet(mpp: Mpp, keys: Path) -> None:
    for words in (["search", "x"], ["register"], ["registry", "show"]):
        answer = mpp(*words)
        assert (answer.code, "registry add" in answer.err) == (41, True)


# --- registering and publishing


def test_a_publisher_registers_and_proves_a_name_space(mpp: Mpp, known: Server, home: Path) -> None:
    answer = mpp("register", "--namespace", "com.example")
    assert answer.code == 1
    assert "_mpp.example.com" in answer.out
    assert f"mpp-publisher={own(home).id}" in answer.out
    known.book.prove("com.example", own(home))
    done = mpp("register", "--namespace", "com.example")
    assert (done.code, "is proven to be yours" in done.out) == (0, True)
    found = mpp("register", "--json").json
    assert (found["publisher_id"], found["namespace"]) == (own(home).id, None)
    # A publisher that is known is not registered again.
    assert len([one for one in known.seen if one.method == "POST" and one.target == "/v1/publishers"]) == 1
    assert mpp("register", "--namespace", "Example").code == 2
    well = mpp("register", "--namespace", "org.example", "--method", "well-known")
    assert (well.code, "serve a file" in well.out) == (1, True)


def test_a_signed_file_is_published_and_its_proof_is_kept(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    path = make()
    planned = mpp("publish", path, "--dry-run")
    assert (planned.code, "Would become public" in planned.out, "manifest.json" in planned.out) == (0, True, True)
    assert mpp("publish", path, "--dry-run", "--json").json["dry_run"] is True
    assert known.book.docs == {}
    answer = mpp("publish", path)
    assert answer.code == 0, answer.err
    assert "entry 2 of 3" in answer.out
    assert known.book.docs[HELLO, "0.1.0"].content_hash in answer.out
    bundle = Path(f"{path}.bundle").read_bytes()
    assert json.loads(bundle)["mpp_bundle"] == 1
    found = mpp("publish", make("0.2.0"), "--json").json
    assert (found["state"], found["log_index"], found["bundle"]) == ("published", 3, "hello-0.2.0.mpp.bundle")
    assert MemoryFile(str(home / "registries"), known.book.id).known().size == 4


def test_what_is_not_signed_or_not_mine_is_not_sent(mpp: Mpp, known: Server, unsigned: Path, strange: Path) -> None:
    assert mpp("publish", unsigned).code == 15
    assert mpp("publish", strange).code == 20
    assert mpp("publish", "nothing.mpp").code == 2
    assert not [one for one in known.seen if one.method == "POST"]


def test_a_registry_that_says_yes_and_published_nothing_is_found_out(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    other = known.book.published(make("0.1.0", "other").read_bytes(), own(home))
    takes = known.change
    known.change = lambda seen, reply: Reply(201, json.dumps(other.to_json()).encode()) if seen.target == "/v1/packages" else takes(seen, reply)
    path = make()
    answer = mpp("publish", path)
    assert (answer.code, "another package" in answer.err) == (40, True)
    assert not Path(f"{path}.bundle").exists()


def test_a_staged_version_is_not_public_yet(mpp: Mpp, known: Server, make: Make) -> None:
    reply = Reply(202, b'{"version":null,"bundle":"","staged_id":"st-1"}')
    takes = known.change
    known.change = lambda seen, old: reply if seen.target == "/v1/packages" else takes(seen, old)
    answer = mpp("publish", make())
    assert (answer.code, "st-1" in answer.out) == (0, True)
    assert mpp("publish", make("0.2.0"), "--json").json["state"] == "staged"


def test_what_the_registry_refuses_is_said(mpp: Mpp, known: Server, make: Make) -> None:
    takes = known.change
    known.change = lambda seen, old: problem(409, "registry.exists", "the version exists") if seen.target == "/v1/packages" else takes(seen, old)
    answer = mpp("publish", make())
    assert (answer.code, "the version exists" in answer.err) == (41, True)


def test_the_key_must_be_a_release_key(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    path = make()
    assert mpp("publish", path, "-k", home / "keys" / "publisher-root.key").code == 3
    assert mpp("publish", path, "-k", "nowhere.key").code == 2
    assert mpp("publish", path, "--signer-command", "false").code == 2
    assert mpp("publish", path, "--signer-command", "x", "-k", "y").code == 2


# --- finding and installing


def test_a_search_shows_what_there_is(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    put(known, make, home)
    found = mpp("search", "hello")
    assert (found.code, HELLO in found.out) == (0, True)
    assert mpp("search", "hello", "--json").json["packages"][0]["latest"] == "0.1.0"
    assert "Nothing" in mpp("search", "zzz").out
    assert mpp("search", "x" * 300).code == 2
    known.change = lambda _seen, _reply: Reply(500, b"")
    assert mpp("search", "hello").code == 40


def test_a_package_is_installed_with_its_proof(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    put(known, make, home)
    answer = mpp("install", HELLO)
    assert answer.code == 0, answer.err
    assert f"local ({known.book.id[:16]}), log entry 2 of 3" in answer.out
    row = mpp("list", "--json").json["packages"][0]
    assert (row["registry_id"], row["log_index"]) == (known.book.id, 2)
    assert row["source"].startswith(known.url)
    folder = home / "packages" / HELLO
    (bundle,) = folder.glob("*.bundle")
    assert json.loads(bundle.read_bytes())["mpp_bundle"] == 1
    assert not list((home / "cache" / "downloads").glob("*.part"))
    lock = json.loads((home / "mpp.lock").read_text())["packages"][HELLO]["versions"][0]
    assert lock["registry"] == {"id": known.book.id, "index": 2}
    # It is gone with its package.
    assert mpp("uninstall", "hello", "--yes").code == 0
    assert not folder.exists()


def test_a_range_and_a_short_name(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    for version in ("0.1.0", "0.1.5", "0.2.0"):
        put(known, make, home, version)
    for path in Path().glob("*.mpp"):
        path.unlink()
    found = mpp("install", "hello@~0.1", "--json").json["packages"][0]
    assert (found["version"], found["proof"]["latest"], found["proof"]["status"]) == ("0.1.5", "0.2.0", "active")
    again = mpp("install", f"{HELLO}@0.1.5", "--json").json["packages"][0]
    assert again["change"] == "none"
    assert mpp("install", f"{HELLO}@^0.2", "--json").json["packages"][0]["change"] == "update"
    # A version that is installed needs nobody.
    count = len(known.seen)
    assert mpp("install", "hello@0.1.5", "--downgrade", "--yes").code == 0
    assert len(known.seen) == count
    assert mpp("install", "hello@^7").code == 41
    assert mpp("install", "com.example.hellu").code == 41


def test_files_of_this_folder_come_before_names(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    make()
    count = len(known.seen)
    assert mpp("install", "hello", "--json").json["packages"][0]["proof"] is None
    assert len(known.seen) == count
    put(known, make, home, "0.2.0")
    assert mpp("install", "hello", "--registry", "local", "--json").json["packages"][0]["version"] == "0.2.0"


def test_the_first_use_shows_what_the_registry_proves(mpp: Mpp, server: Server, terminal: Callable[..., Terminal]) -> None:
    server.book.publish(packages.signed(), publisher())
    server.book.prove("com.example", publisher())
    add(mpp, server)
    refused = mpp("install", HELLO)
    assert (refused.code, "[publisher.unknown]" in refused.err) == (20, True)
    with terminal("install", HELLO) as screen:
        screen.wait_for("Type yes")
        screen.type("yes\n")
        assert screen.end() == 0
    text = screen.screen
    assert "entry 2 of its log" in text
    assert "com.example was proven by dns to be this publisher's" in text


def test_a_proven_name_space_pins_where_its_user_chose_so(mpp: Mpp, server: Server, home: Path) -> None:
    server.book.publish(packages.signed(), publisher())
    add(mpp, server, "--trust", "namespaces", "--yes")
    assert mpp("install", HELLO).code == 20
    # Another publisher's name space says nothing of this one.
    server.book.prove("com.example", publisher("Another"))
    assert mpp("install", HELLO).code == 20
    server.book.prove("com.example", publisher())
    answer = mpp("install", HELLO)
    assert (answer.code, "proof of the name space" in answer.err) == (0, True)
    trust = TrustStore(str(home / "trust" / "trust.json")).load()
    assert dict(trust.prefixes) == {"com.example.": publisher().id}
    assert dict(trust.pins) == {}


def test_an_update_shows_what_grows(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    put(known, make, home)
    assert mpp("install", HELLO, "--registry", "local").code == 0
    assert "the newest that was found" in mpp("update").out
    put(known, make, home, "0.2.0", more=NETWORK)
    grown = mpp("update")
    assert (grown.code, "api.example.com" in grown.err) == (22, True)
    assert mpp("update", "--yes", "--json").json["updated"][0]["version"] == "0.2.0"


def test_an_update_waits_for_what_is_new(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    book = known.book
    book.publish(make().read_bytes(), own(home), book.now - 10 * DAY)
    assert mpp("registry", "add", known.url, "--min-age", 72).code == 0
    assert mpp("install", HELLO, "--registry", "local").code == 0
    put(known, make, home, "0.2.0")
    assert "0.1.0 is the newest that was found" in mpp("update").out
    row = mpp("outdated", "--json").json["packages"][0]
    assert (row["latest"], row["update"]) == ("0.2.0", "")
    assert mpp("install", f"{HELLO}@0.2.0", "--registry", "local").code == 41
    assert mpp("update", "--min-age", 0, "--json").json["updated"][0]["version"] == "0.2.0"


def test_outdated_says_what_there_is_and_stops_what_was_withdrawn(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    assert "Nothing that came from a registry" in mpp("outdated").out
    put(known, make, home)
    assert mpp("install", HELLO, "--registry", "local").code == 0
    assert "as new as" in mpp("outdated").out
    assert mpp("outdated", "--all", "--json").json["packages"][0]["status"] == "active"
    put(known, make, home, "0.2.0")
    shown = mpp("outdated")
    assert (shown.code, "0.2.0" in shown.out) == (0, True)
    known.book.status(HELLO, "0.1.0", "revoked", "it steals")
    assert "is stopped: revoked" in mpp("outdated").err
    listed = mpp("list")
    assert "publisher.content_revoked" in listed.out
    assert "revoked" in listed.out
    known.change = lambda _seen, _reply: Reply(500, b"")
    assert mpp("outdated").code == 40


def test_a_lockfile_brings_the_same_files_to_another_home(
    mpp: Mpp, known: Server, make: Make, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(known, make, home)
    put(known, make, home, "0.2.0")
    assert mpp("install", f"{HELLO}@0.1.0", "--registry", "local", "--alias", "greeter").code == 0
    lock = home / "mpp.lock"
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "other"))
    unknown = mpp("install", "--locked", lock)
    assert (unknown.code, "does not know" in unknown.err) == (41, True)
    add(mpp, known)
    assert mpp("trust", "add", home / "keys" / "publisher.json", "--fingerprint", own(home).id).code == 0
    assert mpp("trust", "pin", HELLO, "Ada Example").code == 0
    found = mpp("install", "--locked", lock, "--json").json["packages"][0]
    assert (found["version"], found["alias"], found["log_index"]) == ("0.1.0", "greeter", 2)
    known.book.status(HELLO, "0.1.0", "revoked")
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "third"))
    add(mpp, known)
    assert mpp("install", "--locked", lock).code == 41


def test_a_bundle_proves_a_file_without_a_network(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    path = make()
    assert mpp("install", path, "--offline").code == 41
    assert mpp("publish", path).code == 0
    count = len(known.seen)
    found = mpp("install", path, "--offline", "--json").json["packages"][0]
    assert (found["proof"]["log_index"], found["registry_id"]) == (2, known.book.id)
    assert len(known.seen) == count
    assert mpp("install", HELLO, "--registry", "local", "--offline").code == 2
    assert mpp("install", "https://example.com/x.mpp", "--offline").code == 2
    # The bundle of another file proves nothing of this one.
    other = make("0.2.0")
    Path(f"{other}.bundle").write_bytes(Path(f"{path}.bundle").read_bytes())
    assert mpp("install", other).code == 41


def test_a_bundle_of_an_unknown_registry_proves_nothing(mpp: Mpp, keys: Path, make: Make, home: Path) -> None:
    book: Book = fresh("Unknown")
    path = make()
    doc = book.publish(path.read_bytes(), own(home))
    Path(f"{path}.bundle").write_bytes(book.bundle(doc.package_id, doc.version))
    answer = mpp("install", path)
    assert (answer.code, "proves nothing here" in answer.err) == (0, True)
    assert mpp("install", path, "--offline").code == 41


def test_a_login_is_kept_sealed_and_for_one_address(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    Path("token.txt").write_text("s3cret-token\n")
    Path("token.txt").chmod(0o600)
    assert "not marked as private" in mpp("registry", "login", "--token-file", "token.txt").err
    assert not [one for one in home.rglob("*") if one.is_file() and b"s3cret-token" in one.read_bytes()]
    assert mpp("registry", "add", known.url, "--private").code == 0
    put(known, make, home)
    assert mpp("install", HELLO, "--registry", "local").code == 0
    assert {one.headers.get("authorization") for one in known.seen[-4:]} == {"Bearer s3cret-token"}
    with serving(known.book) as moved:
        again = mpp("registry", "add", moved.url, "--name", "local", "--private")
        assert (again.code, "login was taken away" in again.err) == (0, True)
        assert mpp("install", f"{HELLO}@0.1.0", "--registry", "local").code == 0
        assert all("authorization" not in one.headers for one in moved.seen)
    assert mpp("registry", "login", "--key", home / "keys" / "publisher.key", "--json").json["login"] == "a key"
    assert mpp("registry", "login", "--logout").code == 0
    for words in (["--key", "nowhere.key"], ["--token-file", "token.txt", "--logout"]):
        assert mpp("registry", "login", *words).code == 2
    Path("token.txt").write_text("two words\n")
    assert mpp("registry", "login", "--token-file", "token.txt").code == 2


def test_a_person_hears_when_a_token_lies_open(mpp: Mpp, known: Server) -> None:
    Path("token.txt").write_text("x\n")
    os.chmod("token.txt", 0o644)
    assert "chmod 600" in mpp("registry", "login", "--token-file", "token.txt").err


def test_a_private_registry_is_asked_with_signed_requests(mpp: Mpp, known: Server, make: Make, home: Path) -> None:
    assert mpp("registry", "add", known.url, "--private").code == 0
    assert mpp("registry", "login").code == 0
    put(known, make, home)
    assert mpp("search", "hello").code == 0
    assert known.seen[-1].headers["authorization"].startswith("MPP-Signed ")


def test_the_clock_of_these_tests_is_the_real_one() -> None:
    assert abs(SystemClock().now() - time.time()) < 5
    assert StopStore("/nowhere/stops.json").current().contents == {}
