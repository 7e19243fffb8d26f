"""Another registry that has a package is named where its own log proves it, and never used by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.remote.client import RegistryClient
from mpp.remote.memory import MemoryFile
from mpp.remote.proofs import Terms
from mpp.remote.ranges import ANY
from mpp.remote.resolving import Asked, resolve
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed
from tests.unit.remote.book import Book, Reply, Server

ELSEWHERE = "org.elsewhere.tool"
URL = "https://other.example"


def other() -> Book:
    found = Book("Other Registry")
    found.publish(signed(changes={"package_id": ELSEWHERE}), publisher())
    return found


def answer(book: Book, **more: Any) -> dict[str, Any]:
    home = {"registry_id": book.id, "url": URL, "roots": base64text.encode(book.keys.chain.data)}
    found = {"mpp_discovery": 1, "package_id": ELSEWHERE, "version": "0.1.0", "home": home, "bundle": book.bundle(ELSEWHERE, "0.1.0").decode(), "new": 1}
    return {**found, **more}


def hint(client: RegistryClient, memory: MemoryFile) -> str:
    with pytest.raises(Refused) as caught:
        resolve(client, memory, Asked(package_id=ELSEWHERE, range=ANY, terms=Terms(now=NOW, max_age=3600), cooldown=0))
    assert caught.value.code == "registry.absent"
    return caught.value.hint


def test_it_is_named_with_the_command_that_adds_it(client: RegistryClient, memory: MemoryFile, server: Server) -> None:
    book = other()
    server.change = lambda seen, reply: Reply(200, json.dumps(answer(book)).encode()) if "/discover/" in seen.target else reply
    assert f"mpp registry add {URL} --fingerprint {book.id}" in hint(client, memory)


@pytest.mark.parametrize(
    "lie",
    [
        {"package_id": "org.elsewhere.other"}, {"bundle": ""}, {"bundle": 1}, {"bundle": "{}"}, {"mpp_discovery": 2}, {"home": None},
        {"home": {"registry_id": "a" * 64, "url": URL}}, {"home": {"registry_id": "x", "url": URL}},
    ],
)  # fmt: skip
def test_what_proves_nothing_is_not_named(client: RegistryClient, memory: MemoryFile, server: Server, lie: dict[str, Any]) -> None:
    """Attack: a registry that sends people elsewhere by a mere word."""
    server.change = lambda seen, reply: Reply(200, json.dumps(answer(other(), **lie)).encode()) if "/discover/" in seen.target else reply
    assert "registry add" not in hint(client, memory)


@pytest.mark.parametrize("url", ["http://other.example", "https://u:p@other.example", "javascript:1", ""])
def test_an_address_that_is_not_taken_is_not_named(client: RegistryClient, memory: MemoryFile, server: Server, url: str) -> None:
    book = other()
    found = answer(book)
    found["home"]["url"] = url
    server.change = lambda seen, reply: Reply(200, json.dumps(found).encode()) if "/discover/" in seen.target else reply
    assert "registry add" not in hint(client, memory)


def test_a_private_name_is_not_carried_on(client: RegistryClient, memory: MemoryFile, server: Server) -> None:
    private = RegistryClient(replace(client.registry, namespaces=("org.elsewhere.",)))
    hint(private, memory)
    assert not server.targets("/discover/")
