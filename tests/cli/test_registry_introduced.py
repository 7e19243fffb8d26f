"""`mpp install` follows an introduction: asked once with both fingerprints, kept for the names that the signed list allows, checked at each use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Mpp
from tests.cli.registry_world import add, fresh, own
from tests.cli.store_world import HELLO, Make, maker
from tests.cli.terminal import Terminal
from tests.unit.remote.book import problem, Server, serving


@pytest.fixture
def make(mpp: Mpp, keys: Path) -> Make:
    return maker(mpp)


@pytest.fixture
def first(mpp: Mpp, keys: Path) -> Iterator[Server]:
    """The registry of the user. It has nothing."""
    with serving(fresh("First Registry")) as found:
        add(mpp, found)
        yield found


@pytest.fixture
def far(first: Server, make: Make, home: Path) -> Iterator[Server]:
    """Another one that has the package, and that the first introduces."""
    with serving(fresh("Far Registry")) as found:
        found.book.publish(make("0.1.0", "hello").read_bytes(), own(home))
        first.book.peer(found.book, found.url, "com.example")
        first.book.introduce(found.book, found.url, HELLO, "0.1.0")
        yield found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lists that were seen a moment ago are asked for again."""

    def passed() -> None:
        monkeypatch.setattr("mpp.remote.lists.LIST_FRESH_SECONDS", -1)

    return passed


def agreed(mpp: Mpp, far: Server) -> None:
    answer = mpp("install", HELLO, "--yes", "--introduced", far.book.id)
    assert answer.code == 0, answer.err


def test_without_a_terminal_it_is_refused_with_the_command(mpp: Mpp, far: Server, home: Path) -> None:
    for words in ((), ("--json",), ("--yes",), ("--introduced", far.book.id)):
        answer = mpp("install", HELLO, *words)
        assert answer.code == 20, answer.err
        assert f"mpp install {HELLO} --yes --introduced {far.book.id}" in answer.err + answer.out
    assert "peer-" not in (home / "registries.toml").read_text()
    assert not far.targets("/v1/packages"), "nothing is asked of a registry that nobody agreed to"
    wrong = mpp("install", HELLO, "--yes", "--introduced", "a" * 64)
    assert (wrong.code, "another registry is introduced" in wrong.err) == (20, True)
    agreed(mpp, far)
    listed = {one["name"]: one for one in mpp("registry", "list", "--json").json["registries"]}
    assert listed[f"peer-{far.book.id[:8]}"]["introduced_by"] == [listed["local"]["registry_id"]]
    assert "introduced by" in mpp("registry", "list").out


def test_a_person_sees_both_fingerprints_once(far: Server, first: Server, terminal: Callable[..., Terminal], mpp: Mpp) -> None:
    with terminal("install", HELLO) as screen:
        screen.wait_for("Type yes")
        screen.type("yes\n")
        assert screen.end() == 0
    for one in (first, far):
        assert one.book.id[:4] in screen.screen
    assert "'Far Registry'" in screen.screen
    assert "calls itself" in screen.screen
    assert mpp("uninstall", HELLO, "--yes").code == 0
    again = mpp("install", HELLO)
    assert (again.code, "introduces" in again.err) == (0, True), again.err


def test_a_person_may_say_no(far: Server, terminal: Callable[..., Terminal], home: Path) -> None:
    with terminal("install", HELLO) as screen:
        screen.wait_for("Type yes")
        screen.type("no\n")
        assert screen.end() == 20
    assert "peer-" not in (home / "registries.toml").read_text()


def test_updates_come_from_the_home(mpp: Mpp, far: Server, make: Make, home: Path) -> None:
    agreed(mpp, far)
    far.book.publish(make("0.2.0", "hello").read_bytes(), own(home))
    assert mpp("outdated", "--json").json["packages"][0]["update"] == "0.2.0"
    answer = mpp("update")
    assert (answer.code, "Updated com.example.hello 0.2.0" in answer.out) == (0, True), answer.err


def test_words_go_to_nobody_who_was_only_introduced(mpp: Mpp, far: Server) -> None:
    agreed(mpp, far)
    assert "Nothing was found" in mpp("search", "hello").out
    assert mpp("install", "hello2").code != 0
    assert not far.targets("/v1/search")


def test_a_peer_that_was_taken_out_is_not_used(mpp: Mpp, first: Server, far: Server, make: Make, home: Path, later: Callable[[], None]) -> None:
    """Attack: a stale introduction."""
    agreed(mpp, far)
    far.book.publish(make("0.2.0", "hello").read_bytes(), own(home))
    first.book.peers, first.book.peers_version = [], 2
    later()
    answer = mpp("update")
    assert (answer.code, "does not stand in the signed list" in answer.err) == (41, True), answer.err
    # What is installed goes on, and what its home withdraws is still heard of.
    far.book.status(HELLO, "0.1.0", "revoked", "stolen")
    assert "is stopped: revoked" in mpp("outdated").err


def test_the_one_that_introduced_may_be_down_for_a_day(
    mpp: Mpp, first: Server, far: Server, make: Make, home: Path, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed(mpp, far)
    later()
    far.book.publish(make("0.2.0", "hello").read_bytes(), own(home))
    first.change = lambda _seen, _reply: problem(503, "", "down")
    assert mpp("update").code == 0
    far.book.publish(make("0.3.0", "hello").read_bytes(), own(home))
    for path in home.glob("registries/*.peers"):
        text = path.read_text()
        path.write_text(text.replace(f'"seen_at":{text.rpartition(":")[2].rstrip("}")}', f'"seen_at":{int(time.time()) - 90_000}'))
    answer = mpp("update")
    assert (answer.code, "registry.stale" in answer.err) == (41, True), answer.err


def test_a_registry_that_moved_is_found_where_the_list_says(mpp: Mpp, first: Server, far: Server, later: Callable[[], None], home: Path) -> None:
    agreed(mpp, far)
    with serving(far.book) as moved:
        first.book.peer(far.book, moved.url, "com.example")
        later()
        assert mpp("outdated").code == 0
        assert moved.url in (home / "registries.toml").read_text()


def test_a_person_adds_what_was_only_introduced(mpp: Mpp, far: Server) -> None:
    agreed(mpp, far)
    assert mpp("registry", "add", far.url, "--name", "far").code == 20, "an introduction is no fingerprint that a person compared"
    assert mpp("registry", "add", far.url, "--name", "far", "--fingerprint", far.book.id).code == 0
    names = {one["name"]: one["introduced_by"] for one in mpp("registry", "list", "--json").json["registries"]}
    assert names == {"local": [], "far": []}
    assert mpp("update").code == 0


def test_one_that_is_known_already_needs_no_question(mpp: Mpp, far: Server) -> None:
    assert mpp("registry", "add", far.url, "--name", "far", "--fingerprint", far.book.id).code == 0
    answer = mpp("install", HELLO)
    assert (answer.code, "is in far" in answer.err) == (0, True), answer.err


def test_whoever_names_a_registry_means_that_one(mpp: Mpp, far: Server) -> None:
    assert mpp("install", HELLO, "--registry", "local", "--yes", "--introduced", far.book.id).code == 41


def test_a_private_registry_introduces_by_word_only(mpp: Mpp, first: Server, far: Server) -> None:
    assert mpp("registry", "add", first.url, "--private").code == 0
    answer = mpp("install", HELLO, "--yes", "--introduced", far.book.id)
    assert (answer.code, f"mpp registry add {far.url} --fingerprint {far.book.id}" in answer.err) == (41, True), answer.err


def test_nothing_is_introduced_on_a_machine_of_a_fleet(mpp: Mpp, far: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.cli.store.introduced.is_fleet", lambda: True)
    answer = mpp("install", HELLO, "--yes", "--introduced", far.book.id)
    assert (answer.code, f"mpp registry add {far.url}" in answer.err) == (41, True), answer.err


def test_the_registry_that_introduced_must_stay_known(mpp: Mpp, far: Server) -> None:
    agreed(mpp, far)
    assert mpp("registry", "remove", "local").code == 0
    answer = mpp("update")
    assert (answer.code, "does not know any more" in answer.err) == (41, True), answer.err


def test_lists_are_kept_beside_what_is_remembered(mpp: Mpp, far: Server, first: Server, home: Path) -> None:
    agreed(mpp, far)
    count = len(first.targets("/v1/peers/list"))
    assert (home / "registries" / f"{first.book.id}.peers").exists()
    assert mpp("outdated").code == 0
    assert len(first.targets("/v1/peers/list")) == count, "not asked for again within minutes"
