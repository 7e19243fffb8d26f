"""A registry on loopback that takes packages of this home's publisher, for the commands of its client."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mpp.author.keys import load_chain, load_signer
from mpp.testing.keys import TestPublisher
from tests.cli.conftest import Mpp
from tests.unit.remote.book import Book, document, problem, Reply, Seen, Server


def own(home: Path) -> TestPublisher:
    """The publisher whose keys lie in this home."""
    folder = home / "keys"
    signer = load_signer(str(folder / "publisher.key"), "release", None)
    return TestPublisher(chain=load_chain(str(folder / "publisher.json")), root=(), release=(signer,))


def fresh(name: str = "Example Registry") -> Book:
    """With the clock of this machine, because the commands have it too."""
    return Book(name, now=int(time.time()))


def takes_packages(server: Server, who: TestPublisher) -> None:
    """Registration and publishing, as the interface has them."""

    def change(seen: Seen, reply: Reply) -> Reply:
        book = server.book
        if seen.method == "GET":
            return reply
        if not seen.headers.get("authorization", "").startswith("MPP-Signed "):
            return problem(401, "registry.unauthenticated", "who are you?")
        if seen.target == "/v1/publishers":
            book.publishers[who.id] = who
            return document(book.publisher(who).to_json(), 201)
        if seen.target == "/v1/namespaces":
            asked = json.loads(seen.body)
            known = book.namespaces.get(asked["namespace"])
            row = {"namespace": asked["namespace"], "publisher_id": who.id, "method": asked["method"], "state": "asked"}
            return document(known.to_json() if known else {**row, "record_name": "_mpp.example.com", "record_value": f"mpp-publisher={who.id}"})
        if seen.target == "/v1/packages":
            return document(book.published(seen.body, who).to_json(), 201)
        return problem(404, "registry.absent", "no")

    server.change = change


def add(mpp: Mpp, server: Server, *more: str) -> None:
    answer = mpp("registry", "add", server.url, "--fingerprint", server.book.id, *more)
    assert answer.code == 0, answer.err
