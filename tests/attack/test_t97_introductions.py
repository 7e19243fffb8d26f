"""T97: registries that introduce others to those who install. A registry of the user, or whoever speaks for it, lies about where a package is.

The attacker has the home of a package, or the address of the user's registry, but not its log key, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.cli.app import run
from mpp.cli.store.registries import config_file
from mpp.remote.config import with_registry
from mpp.testing.keys import publisher
from mpp.testing.packages import signed
from tests.cli.conftest import Answer, Mpp
from tests.cli.registry_world import add, fresh, own
from tests.cli.store_world import HELLO, Make, maker
from tests.unit.remote.book import Book, Reply, Server, serving


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def mpp(home: Path, capsys: pytest.CaptureFixture[str]) -> Mpp:
    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def make(mpp: Mpp, home: Path) -> Make:
    assert mpp("keygen", "--name", "Ada Example", "--no-passphrase").code == 0
    return maker(mpp)


@pytest.fixture
def first(mpp: Mpp, make: Make) -> Iterator[Server]:
    with serving(fresh("First Registry")) as found:
        add(mpp, found)
        yield found


@pytest.fixture
def far(first: Server, make: Make, home: Path) -> Iterator[Server]:
    """It has the package, and would be introduced: each test says by whom and for what."""
    with serving(fresh("Far Registry")) as found:
        found.book.publish(make("0.1.0", "hello").read_bytes(), own(home))
        first.book.introduce(found.book, found.url, HELLO, "0.1.0")
        yield found


def refused(mpp: Mpp, far: Server, code: str, words: str) -> None:
    """Not even whoever agrees in advance gets it, and nothing is left of it."""
    answer = mpp("install", HELLO, "--yes", "--introduced", far.book.id)
    assert answer.code != 0
    assert f"[{code}]" in answer.err, answer.err
    assert words in answer.err, answer.err
    assert mpp("list", "--json").json["packages"] == []
    assert all(not one["introduced_by"] for one in mpp("registry", "list", "--json").json["registries"])


def passes(mpp: Mpp, far: Server) -> None:
    answer = mpp("install", HELLO, "--yes", "--introduced", far.book.id)
    assert answer.code == 0, answer.err


# -- dependency confusion


def test_a_private_name_is_told_to_nobody(mpp: Mpp, first: Server, far: Server) -> None:
    """The registry of the name space has not the package (yet); a stranger has."""
    first.book.peer(far.book, far.url)
    assert mpp("registry", "add", first.url, "--namespace", "com.example.").code == 0
    refused(mpp, far, "registry.absent", "has no package")
    assert not first.targets("/v1/discover")
    assert not far.targets("/v1")


def test_a_name_of_another_private_registry_is_not_introduced(mpp: Mpp, first: Server, far: Server) -> None:
    first.book.peer(far.book, far.url)
    with serving(fresh("Corp")) as corp:
        assert mpp("registry", "add", corp.url, "--name", "corp", "--fingerprint", corp.book.id, "--namespace", "com.example.").code == 0
        refused(mpp, far, "registry.absent", "'corp' has no package")
        assert not first.targets("/v1/discover")


def test_a_peer_for_everything_does_not_answer_for_a_name_that_another_has(mpp: Mpp, first: Server, far: Server) -> None:
    first.book.peer(far.book, far.url, "*")
    first.book.peer(Book("Keeper of com.example"), "https://keeper.example", "com.example")
    refused(mpp, far, "registry.peer", "may not answer for this name")


def test_an_introduced_registry_is_used_for_nothing_else(mpp: Mpp, first: Server, far: Server, make: Make, home: Path) -> None:
    first.book.peer(far.book, far.url, HELLO)
    passes(mpp, far)
    name = f"peer-{far.book.id[:8]}"
    far.book.publish(signed(changes={"package_id": "com.example.other"}), publisher())
    answer = mpp("install", "com.example.other", "--registry", name)
    assert (answer.code, "may not answer for this name" in answer.err) == (41, True), answer.err
    # Neither does a hand-written configuration give it more.
    text = (home / "registries.toml").read_text()
    for more in ('namespaces = ["com.bank."]', "private = true", 'trust = "namespaces"'):
        lines = [line for line in text.split(f"[registries.{name}]")[1].splitlines() if not line.startswith(more.split(" ")[0])]
        (home / "registries.toml").write_text("\n".join([text.split(f"[registries.{name}]")[0], f"[registries.{name}]", *lines, more, ""]))
        assert "[registry.rule]" in mpp("registry", "list").err
    (home / "registries.toml").write_text(text.replace('default = "local"', f'default = "{name}"'))
    assert "[registry.rule]" in mpp("registry", "list").err


def test_a_package_that_has_an_owner_is_not_taken_over(mpp: Mpp, first: Server, far: Server, make: Make, home: Path) -> None:
    """The same id by another publisher at an introduced registry: this home knows whose it is."""
    path = make("0.0.9", "hello")
    assert mpp("install", path).code == 0
    with serving(fresh("Thief")) as thief:
        thief.book.publish(signed(), publisher())
        first.book.peer(thief.book, thief.url)
        first.book.introduce(thief.book, thief.url, HELLO, "0.1.0")
        answer = mpp("install", HELLO, "--yes", "--introduced", thief.book.id)
        assert answer.code != 0
        assert "[publisher." in answer.err, answer.err
        assert mpp("list", "--json").json["packages"][0]["version"] == "0.0.9"


def test_a_package_stays_with_the_home_in_which_it_was_found(mpp: Mpp, first: Server, far: Server, make: Make, home: Path) -> None:
    """The same publisher's package, and a registry that would like to be its home."""
    first.book.peer(far.book, far.url)
    passes(mpp, far)
    with serving(fresh("Second")) as second:
        second.book.publish(make("0.2.0", "hello").read_bytes(), own(home))
        first.book.peers, first.book.peers_version = [], 1
        first.book.peer(second.book, second.url)
        first.book.introduce(second.book, second.url, HELLO, "0.2.0")
        for path in home.glob("registries/*.peers"):
            path.unlink()
        answer = mpp("install", HELLO, "--yes", "--introduced", second.book.id)
        assert "[registry.elsewhere]" in answer.err, answer.err
        assert mpp("list", "--json").json["packages"][0]["version"] == "0.1.0"


# -- lying peers


def test_an_answer_without_a_signed_list_is_nothing(mpp: Mpp, first: Server, far: Server) -> None:
    refused(mpp, far, "registry.peer", "no list of peers")


def test_whoever_took_over_the_address_cannot_introduce_himself(mpp: Mpp, first: Server, far: Server) -> None:
    """He answers all, and has not the log key."""
    first.book.peer(Book("A true peer"), "https://peer.example")
    forged = fresh("First Registry")
    forged.peer(far.book, far.url)
    for signer in (Book("Liar").keys, far.book.keys):
        lying = forged.peer_list(signer)
        first.change = lambda seen, reply, lying=lying: Reply(200, lying) if seen.target == "/v1/peers/list" else reply  # type: ignore[misc]
        refused(mpp, far, "registry.peers", "of another registry")
    first.change = lambda _seen, reply: reply
    refused(mpp, far, "registry.peer", "does not stand in the signed list")


def test_a_proof_of_something_else_introduces_nobody(mpp: Mpp, first: Server, far: Server) -> None:
    first.book.peer(far.book, far.url)
    far.book.publish(signed(changes={"package_id": "com.example.other"}), publisher())
    first.book.introduce(far.book, far.url, "com.example.other", "0.1.0")
    first.book.introductions[HELLO] = first.book.introductions["com.example.other"]
    refused(mpp, far, "registry.peer", "about another package")


def test_a_home_under_another_key_is_not_the_home(mpp: Mpp, first: Server, far: Server) -> None:
    """The list has the home's root document: who sits at its address with another one proves nothing."""
    first.book.peer(far.book, far.url)
    imposter = fresh("Imposter")
    imposter.publish(far.book.files[HELLO, "0.1.0"], next(iter(far.book.publishers.values())))
    with serving(imposter) as fake:
        first.book.peers, first.book.peers_version = [], 0
        first.book.peer(far.book, fake.url)
        answer = mpp("install", HELLO, "--yes", "--introduced", far.book.id)
        assert answer.code == 41, answer.err
        assert mpp("list", "--json").json["packages"] == []


def test_a_hub_without_the_right_introduces_nobody(mpp: Mpp, first: Server, far: Server) -> None:
    with serving(fresh("Hub")) as hub:
        hub.book.peer(far.book, far.url)
        first.book.peer(hub.book, hub.url, introduces=False)
        first.book.introduce(far.book, far.url, HELLO, "0.1.0", hub.book)
        refused(mpp, far, "registry.peer", "may not introduce others")
        assert not hub.targets("/v1")
        first.book.peer(hub.book, hub.url, introduces=True)
        for path in Path(str(config_file().path)).parent.glob("registries/*.peers"):
            path.unlink()
        passes(mpp, far)


def test_a_registry_of_the_network_leads_to_no_service_of_this_machine(mpp: Mpp, first: Server, far: Server) -> None:
    """Its list names an address of loopback: the machine of each user would send requests to its own services."""
    first.book.peer(far.book, far.url)
    from mpp.cli.store.introduced import start_of
    from mpp.errors import Refused
    from mpp.protocol.registry.peerlist import read_list
    from mpp.remote.discovering import walk
    from dataclasses import replace

    registry = config_file().load().named("local")
    distant = replace(start_of(registry), url="https://first.example")
    with pytest.raises(Refused) as caught:
        walk(distant, (registry.registry_id,), far.book.id, HELLO, lambda _url, _id, chain: read_list(first.book.peer_list(), chain, where="peers"))
    assert "on this machine" in caught.value.message


# -- loops and floods


def test_registries_that_introduce_each_other_end(mpp: Mpp, first: Server, far: Server) -> None:
    with serving(fresh("Hub")) as hub:
        first.book.peer(hub.book, hub.url, introduces=True)
        hub.book.peer(first.book, first.url, introduces=True)
        for via in ((hub.book, first.book), (far.book,)):
            first.book.introduce(far.book, far.url, HELLO, "0.1.0", *via)
            refused(mpp, far, "registry.loop", "goes round")
        # One that names a registry twice is not even read.
        first.book.introduce(far.book, far.url, HELLO, "0.1.0", hub.book, hub.book)
        refused(mpp, far, "registry.absent", "has no package")
        assert not hub.targets("/v1")


def test_a_list_without_end_is_refused(mpp: Mpp, first: Server, far: Server) -> None:
    first.book.peer(far.book, far.url)
    first.change = lambda seen, reply: Reply(200, b"[" * 9_000_000) if seen.target == "/v1/peers/list" else reply
    refused(mpp, far, "remote.length", "")


# -- what is stale


def test_a_list_from_before_a_peer_was_taken_out(mpp: Mpp, first: Server, far: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.remote.lists.LIST_FRESH_SECONDS", -1)
    first.book.peer(far.book, far.url)
    old = first.book.peer_list()
    first.book.peers, first.book.peers_version = [], 2
    refused(mpp, far, "registry.peer", "does not stand in the signed list")
    first.change = lambda seen, reply: Reply(200, old) if seen.target == "/v1/peers/list" else reply
    refused(mpp, far, "registry.rollback", "was seen before")


def test_an_old_proof_of_the_home(mpp: Mpp, first: Server, far: Server) -> None:
    first.book.peer(far.book, far.url)
    far.book.now -= 2 * 24 * 3600
    first.book.introduce(far.book, far.url, HELLO, "0.1.0")
    refused(mpp, far, "registry.stale", "")


def test_a_home_that_goes_back_is_found_out(mpp: Mpp, first: Server, far: Server, make: Make, home: Path) -> None:
    """What was seen of an introduced home is remembered as of every other one."""
    first.book.peer(far.book, far.url)
    passes(mpp, far)
    # The same keys and size, and another history.
    other = fresh("Far Registry")
    other.publish(make("0.3.0", "hello").read_bytes(), own(home))
    far.book = other
    answer = mpp("update")
    assert "[registry.fork]" in answer.err, answer.err


def test_an_introduction_is_no_name_that_somebody_has(mpp: Mpp, first: Server, far: Server) -> None:
    """Eight digits of two ids may be the same; what was agreed to for one does not count for the other."""
    from dataclasses import replace

    from mpp.errors import Refused

    first.book.peer(far.book, far.url)
    passes(mpp, far)
    config = config_file().load()
    taken = config.by_id(far.book.id)
    assert taken is not None
    with pytest.raises(Refused) as caught:
        with_registry(config, replace(taken, registry_id="f" * 64), default=False)
    assert caught.value.code == "registry.identity"
