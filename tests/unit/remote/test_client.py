"""Questions to a registry, and what becomes of its errors."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.protocol.registry.documents import VersionsPage
from mpp.protocol.registry.requests import check_request, read_request
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.credentials import Nobody, Signed, Token
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, TestClock, TestRandom
from tests.unit.remote.book import document, problem, Reply, Server
from tests.unit.remote.conftest import HELLO


def test_each_document_is_read(server: Server, client: RegistryClient) -> None:
    server.book.prove("com.example", publisher())
    assert client.info().registry_id == server.book.id
    assert [one.package_id for one in client.search("hello").packages] == [HELLO]
    assert [one.version for one in client.versions(HELLO)] == ["0.1.0", "0.2.0"]
    assert client.namespace("com.example").state == "proven"
    assert client.publisher(publisher().id).name == "Example Publisher"
    assert client.checkpoint() == server.book.checkpoint().note
    assert client.consistency(0, 3) == ()
    assert tuple(client.consistency(2, 3)) == server.book.consistency(2, 3).hashes
    server.change = lambda _seen, _reply: document(replace(server.book.consistency(1, 3)).to_json())
    assert client.consistency(2, 3) == ()


def test_names_are_quoted_in_paths(server: Server, client: RegistryClient) -> None:
    with pytest.raises(Refused):
        client.bundle("com.example.hello/../x", "1.0.0+a")
    assert server.seen[-1].target == "/v1/packages/com.example.hello%2F..%2Fx/versions/1.0.0%2Ba/bundle"


def test_a_list_without_end_is_refused(server: Server, client: RegistryClient) -> None:
    page = VersionsPage(versions=(server.book.docs[HELLO, "0.1.0"],), next="more")
    server.change = lambda _seen, _reply: document(page.to_json())
    with pytest.raises(RemoteFailed, match="without end"):
        client.versions(HELLO)
    # It stops at the first page that names itself.
    assert len(server.seen) == 2
    count = iter(range(10**6))
    server.change = lambda _seen, _reply: document(VersionsPage(versions=page.versions * 50, next=str(next(count))).to_json())
    with pytest.raises(RemoteFailed, match="without end"):
        client.versions(HELLO)
    assert len(server.seen) < 60


def test_pages_are_put_together(server: Server, client: RegistryClient) -> None:
    first, second = server.book.versions(HELLO).versions
    server.change = lambda seen, _reply: document(
        VersionsPage(versions=(second,)).to_json() if "cursor=x" in seen.target else VersionsPage(versions=(first,), next="x").to_json()
    )
    assert client.versions(HELLO) == [first, second]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (problem(404, "registry.absent", "no"), "registry.absent"),
        (Reply(404, b"<html>"), "registry.absent"),
        (problem(409, "registry.exists", "the version exists"), "registry.exists"),
        (problem(422, "wasm.import", "it imports what it must not"), "wasm.import"),
        (problem(401, "", "who?"), "registry.forbidden"),
        (Reply(403, b""), "registry.forbidden"),
        (problem(500, "registry.blob", "disk"), "remote.answer"),
        # Attack: a registry that picks a code on which a host asks a person, or counts as its own.
        (problem(422, "usage.option", "x"), "remote.answer"),
        (problem(400, "host.file", "x"), "remote.answer"),
        (Reply(204, b""), "remote.answer"),
        (Reply(200, b"no json"), "remote.answer"),
        (Reply(200, b"{}"), "remote.answer"),
        (Reply(200, b"[" * 100_000), "remote.answer"),
    ],
)  # fmt: skip
def test_errors_have_our_codes(server: Server, client: RegistryClient, reply: Reply, code: str) -> None:
    server.change = lambda _seen, _reply: reply
    with pytest.raises(MppError) as caught:
        client.info()
    assert caught.value.code == code


def test_the_words_of_a_registry_are_shown_as_its_own_and_harmless(server: Server, client: RegistryClient) -> None:
    server.change = lambda _seen, _reply: problem(409, "registry.exists", "\u202egone \N{CYRILLIC SMALL LETTER A}" + "x" * 1900)
    with pytest.raises(Refused, match="the registry refuses it") as caught:
        client.info()
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 300


def test_a_signed_request_is_for_this_registry_and_these_bytes(server: Server, registry: Registry) -> None:
    who = publisher()
    signed = Signed(who.release[0], registry.registry_id, TestClock(), TestRandom())
    client = RegistryClient(registry, credentials=signed)
    server.change = lambda seen, _reply: document(server.book.publisher(who).to_json())
    client.register(who.chain.data)
    client.renew_root(who.id, who.chain.data)
    for seen, method in zip(server.seen, ("POST", "PUT"), strict=True):
        header = read_request(seen.headers["authorization"])
        check_request(
            header, method=method, target=seen.target, body_sha256=sha256(seen.body).hexdigest(), audience=server.book.id, now=NOW,
            public=who.release[0].public_key,
        )  # fmt: skip
    assert server.seen[0].headers["authorization"] != server.seen[1].headers["authorization"]
    # What is public is asked for without a name.
    server.change = lambda _seen, reply: reply
    client.info()
    assert "authorization" not in server.seen[-1].headers


def test_a_claim_and_a_package_are_sent(server: Server, registry: Registry) -> None:
    client = RegistryClient(registry, credentials=Token("secret"))
    server.book.prove("com.example", publisher())
    server.change = lambda seen, _reply: document(server.book.namespaces["com.example"].to_json())
    assert client.claim("com.example", "dns").state == "proven"
    assert json.loads(server.seen[-1].body) == {"namespace": "com.example", "method": "dns"}
    assert server.seen[-1].headers["authorization"] == "Bearer secret"
    doc = server.book.docs[HELLO, "0.1.0"]
    server.change = lambda seen, _reply: document({"version": doc.to_json(), "bundle": "b", "staged_id": ""}, 201)
    assert client.publish(b"data").bundle == b"b"


def test_a_private_registry_is_asked_with_the_login_and_its_mirror_without(server: Server, registry: Registry) -> None:
    private = replace(registry, private=True, mirrors=(server.url.replace("127.0.0.1", "localhost"),))
    client = RegistryClient(private, credentials=Token("secret"))
    client.info()
    assert server.seen[-1].headers["authorization"] == "Bearer secret"
    client.bundle(HELLO, "0.1.0", private.mirrors[0])
    assert "authorization" not in server.seen[-1].headers
    assert "secret" not in repr(Token("secret"))
    assert Nobody().header("GET", "/", b"") == ""
