"""Introductions: a registry has a package because its own log proves it, and may be named because a signed list says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mpp.crypto import base64text
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.protocol.registry.found import Found, read_found
from mpp.protocol.registry.peerlist import PeerList, read_list
from mpp.remote.client import RegistryClient
from mpp.remote.discovering import ask_where, checked_list, introduced, Start, walk, words_of
from mpp.remote.proofs import Terms
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed
from tests.unit.remote.book import Book, Reply, Server

ELSEWHERE = "org.elsewhere.tool"
URL, FIRST, HUB = "https://other.example", "https://first.example", "https://hub.example"
TERMS = Terms(now=NOW, max_age=3600)


def other(name: str = "Other Registry") -> Book:
    found = Book(name)
    found.publish(signed(changes={"package_id": ELSEWHERE}), publisher())
    return found


def start(book: Book) -> Start:
    return Start(registry_id=book.id, url=FIRST, chain=book.keys.chain)


def lists(*books: Book) -> Callable[[str, str, RootChain], PeerList]:
    """The signed lists, judged as they are from a server."""
    known = {one.id: one for one in books}

    def ask(_url: str, registry_id: str, chain: RootChain) -> PeerList:
        return read_list(known[registry_id].peer_list(), chain, where="peers")

    return ask


def told(by: Book, home: Book, *via: Book, url: str = URL) -> Found:
    by.introduce(home, url, ELSEWHERE, "0.1.0", *via)
    return by.introductions[ELSEWHERE]


def code(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


def test_a_home_in_the_signed_list_is_introduced() -> None:
    first, home = Book("First"), other()
    first.peer(home, URL, "org.elsewhere")
    # What the answer says of address and keys does not count: the list does.
    found = replace(told(first, home, url="https://liar.example"), roots=first.keys.chain.data)
    made = introduced(start(first), found, ELSEWHERE, lists(first), TERMS)
    assert (made.home.registry_id, made.home.url, made.via) == (home.id, URL, (first.id,))
    assert (made.proof.package_id, made.proof.version) == (ELSEWHERE, "0.1.0")


def test_a_hub_introduces_where_the_list_lets_it() -> None:
    first, hub, home = Book("First"), Book("Hub"), other()
    hub.peer(home, URL)
    first.peer(hub, HUB, introduces=True)
    made = introduced(start(first), told(first, home, hub), ELSEWHERE, lists(first, hub), TERMS)
    assert (made.home.url, made.via) == (URL, (first.id, hub.id))
    first.peer(hub, HUB, introduces=False)
    assert code(lambda: introduced(start(first), told(first, home, hub), ELSEWHERE, lists(first, hub), TERMS)) == "registry.peer"


def test_four_registries_on_the_way_are_too_many() -> None:
    chain = [Book(f"Number {number}") for number in range(4)]
    home = other()
    for one, next_one in zip(chain, [*chain[1:], home], strict=True):
        one.peer(next_one, URL, introduces=True)
    assert walk(start(chain[1]), tuple(one.id for one in chain[1:]), home.id, ELSEWHERE, lists(*chain)).registry_id == home.id
    assert code(lambda: walk(start(chain[0]), tuple(one.id for one in chain), home.id, ELSEWHERE, lists(*chain))) == "registry.loop"


@pytest.mark.parametrize(
    "lie",
    [
        {"package_id": "org.elsewhere.other"}, {"bundle": b"{}"}, {"version": "9.9.9"}, {"registry_id": "a" * 64},
    ],
)  # fmt: skip
def test_what_proves_nothing_is_refused(lie: dict[str, Any]) -> None:
    """Attack: a registry that sends people elsewhere by a mere word."""
    first, home = Book("First"), other()
    first.peer(home, URL)
    found = replace(told(first, home), **lie)
    assert code(lambda: introduced(start(first), found, ELSEWHERE, lists(first), TERMS)).startswith("registry.")


def test_an_old_proof_introduces_nobody() -> None:
    first, home = Book("First"), other()
    first.peer(home, URL)
    found = told(first, home)
    assert code(lambda: introduced(start(first), found, ELSEWHERE, lists(first), Terms(now=NOW + 7200, max_age=3600))) == "registry.stale"


def test_lists_go_on() -> None:
    first = Book("First")
    first.peer(other(), URL)
    old = read_list(first.peer_list(), first.keys.chain, where="peers")
    first.peer(Book("Third"), HUB)
    new = read_list(first.peer_list(), first.keys.chain, where="peers")
    assert checked_list(new, old) == new
    assert checked_list(old, None) == old
    assert code(lambda: checked_list(old, new)) == "registry.rollback"
    assert code(lambda: checked_list(replace(new, at=new.at + 1), new)) == "registry.fork"


# -- what a client hears


def test_the_answer_of_a_registry_is_read(client: RegistryClient, server: Server) -> None:
    home = other()
    server.book.introduce(home, URL, ELSEWHERE, "0.1.0")
    found = ask_where(client, ELSEWHERE)
    assert found is not None
    assert f"mpp registry add {URL} --fingerprint {home.id}" in words_of(found, ELSEWHERE, TERMS)
    assert words_of(found, "org.elsewhere.another", TERMS) == ""
    assert words_of(found, ELSEWHERE, Terms(now=NOW + 7200, max_age=3600)) == ""
    assert words_of(None, ELSEWHERE, TERMS) == ""
    assert ask_where(client, "org.elsewhere.nothing") is None


def test_a_registry_that_names_itself_knows_of_nobody(client: RegistryClient, server: Server) -> None:
    server.book.introduce(server.book, URL, "com.example.hello", "0.1.0")
    assert ask_where(client, "com.example.hello") is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"mpp_discovery":2}', b"\x00"])
def test_nonsense_is_no_answer(client: RegistryClient, server: Server, body: bytes) -> None:
    server.change = lambda seen, reply: Reply(200, body) if "/discover/" in seen.target else reply
    assert ask_where(client, ELSEWHERE) is None


@pytest.mark.parametrize("url", ["http://other.example", "https://u:p@other.example", ""])
def test_an_address_that_is_not_taken_is_not_named(url: str) -> None:
    home = other()
    body = {"mpp_discovery": 1, "package_id": ELSEWHERE, "version": "0.1.0", "bundle": home.bundle(ELSEWHERE, "0.1.0").decode()}
    body["home"] = {"registry_id": home.id, "url": url, "roots": base64text.encode(home.keys.chain.data)}
    found = read_found(json.dumps({**body, "introduced_by": []}).encode(), where="x")
    assert words_of(found, ELSEWHERE, TERMS) == ""
