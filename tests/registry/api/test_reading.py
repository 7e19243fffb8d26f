"""What everybody can read: each document in the form that the schema says, with a mark, in pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.ledger.tree import root_of
from mpp.model.jsontext import Json
from mpp.protocol.registry import answers
from mpp.protocol.registry.bundle import proven, proven_absent, read_absence, read_bundle
from mpp.protocol.registry.checkpoint import read_signed
from mpp.crypto.roots import read_chain
from mpp.ledger.tree import leaf_hash
from tests.registry.api.schema import fits
from tests.registry.api.world import serving, somebody, World

HELLO = "/v1/packages/com.example.hello"
FIRST = HELLO + "/versions/0.1.0"

DOCUMENTS = [
    ("/health", "Health"), ("/v1/registry", "Registry"), ("/v1/log/entries", "Log"), ("/v1/log/consistency?from=1&to=2", "Consistency"),
    ("/v1/search?q=hello", "Search"), ("/v1/search", "Search"), (HELLO, "Package"), (HELLO + "/versions", "Versions"), (FIRST, "Version"),
    (FIRST + "/bundle", "Bundle"), ("/v1/packages/com.example.none/absence", "Absence"), (f"/v1/publishers/{somebody().id}", "Publisher"),
    ("/v1/advisories", "Advisories"), ("/v0.1/servers", "McpServers"), ("/v0.1/servers/com.example%2Fhello/versions/latest", "McpServer"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "schema"), DOCUMENTS)
def test_a_document_fits_its_schema(stocked: World, target: str, schema: str) -> None:
    reply = stocked.get(target)
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == "application/json"
    assert fits(schema, reply.json) == []


def test_the_schemas_can_fail() -> None:
    assert fits("Version", {"version": "1"})


@pytest.mark.parametrize("target", [target for target, _ in DOCUMENTS if target != "/health"] + ["/v1/log/checkpoint", "/v1/log/tile/0/000.p/2"])
def test_what_is_known_is_not_sent_again(stocked: World, target: str) -> None:
    etag = stocked.get(target).headers["etag"]
    for mark in (etag, f'W/{etag}, "x"', "*"):
        reply = stocked.get(target, if_none_match=mark)
        assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag)
    assert stocked.get(target, if_none_match='"another"').status == 200


@pytest.mark.parametrize("target", ["/v1/registry", HELLO, FIRST + "/download", "/v1/nothing", "/metrics"])
def test_a_head_is_the_same_without_a_body(stocked: World, target: str) -> None:
    whole, head = stocked.get(target), stocked.ask("HEAD", target)
    assert (head.status, head.body) == (whole.status, b"")
    if target != "/metrics":
        assert head.headers["content-length"] == whole.headers["content-length"]


def test_what_a_client_reads_proves_itself(stocked: World) -> None:
    settings, now = stocked.services.settings, stocked.clock.now()
    info = answers.read_info(stocked.get("/v1/registry").body, where="here")
    assert (info.registry_id, info.url, info.is_public) == (settings.registry_id, "http://registry.example", True)
    checkpoint = read_signed(stocked.get("/v1/log/checkpoint").body, read_chain(info.roots, where="roots"))
    log = answers.read_log(stocked.get("/v1/log/entries?start=0&count=100").body, where="here")
    assert root_of([leaf_hash(leaf) for leaf in log.leaves]) == checkpoint.root
    found = proven(read_bundle(stocked.get(FIRST + "/bundle").body), settings.registry_id, now=now, max_age=60)
    doc = answers.read_version(stocked.get(FIRST).body, where="here")
    assert (found.package_id, found.version, found.file_hash, found.latest) == (doc.package_id, doc.version, doc.file_hash, "0.2.0")
    absence = read_absence(stocked.get("/v1/packages/com.example.none/absence").body)
    assert proven_absent(absence, settings.registry_id, "com.example.none", now=now, max_age=60)


def test_readers_of_clients_take_each_document(stocked: World) -> None:
    page = answers.read_search(stocked.get("/v1/search?q=greets").body, where="here")
    assert [one.package_id for one in page.packages] == ["com.example.hello"]
    package = answers.read_package(stocked.get(HELLO).body, where="here")
    assert (package.latest, package.owners[0].publisher_id, package.publisher_name) == ("0.2.0", somebody().id, "Example Publisher")
    publisher = answers.read_publisher(stocked.get(f"/v1/publishers/{somebody().id}").body, where="here")
    assert publisher.roots == somebody().chain.data
    assert answers.read_advisories(stocked.get("/v1/advisories").body, where="here").advisories == ()
    assert answers.read_consistency(stocked.get("/v1/log/consistency?from=1&to=3").body, where="here").end == 3
    assert answers.read_problem(stocked.get("/v1/nothing").body, where="here").code == "registry.absent"


def test_versions_come_in_pages_the_highest_first(stocked: World) -> None:
    first = answers.read_versions(stocked.get(HELLO + "/versions?limit=1").body, where="here")
    second = answers.read_versions(stocked.get(f"{HELLO}/versions?limit=1&cursor={first.next}").body, where="here")
    assert [one.version for one in (*first.versions, *second.versions)] == ["0.2.0", "0.1.0"]
    assert (bool(first.next), second.next) == (True, "")


@pytest.mark.parametrize(("name", "kind"), [("manifest", "application/json"), ("readme", "text/plain; charset=utf-8")])
def test_documents_of_a_package_come_as_they_stand(stocked: World, name: str, kind: str) -> None:
    reply = stocked.get(f"{FIRST}/{name}")
    assert (reply.status, reply.headers["content-type"]) == (200, kind)
    assert reply.body.startswith(b"# hello" if name == "readme" else b"{")
    assert "immutable" in reply.headers["cache-control"]


ABSENT = [
    "/v1/nothing", "/v1/packages/com.example.none", "/v1/packages/..%2f..", "/v1/packages/A", HELLO + "/versions/9.9.9", HELLO + "/versions/x",
    HELLO + "/versions/9.9.9/bundle", HELLO + "/versions/9.9.9/download", HELLO + "/versions/9.9.9/manifest", FIRST + "/sbom", FIRST + "/provenance",
    "/v1/publishers/" + "0" * 64, "/v1/publishers/x", "/v1/namespaces/com.example", "/v1/log/tile/0/000", "/v1/log/tile/0/0", "/v1/log/tile/9/000",
    "/v1/log/tile/0/x001/000", "/v1/log/tile/0/000.p/0", "/v1/log/tile/0/000.p/256", "/v1/log/tile/0/000.p/01", "/v0.1/servers/com.example%2Fnone/versions",
    "/v0.1/servers/com.example%2Fhello/versions/9.9.9", "/v1/log/tile/0/x000/000", "/v0.1/servers/com..example%2Fhello/versions",
]  # fmt: skip


@pytest.mark.parametrize("target", ABSENT)
def test_what_is_not_there(stocked: World, target: str) -> None:
    reply = stocked.get(target)
    assert (reply.status, reply.code) == (404, "registry.absent"), reply
    assert fits("Problem", reply.json) == []


WRONG = [
    "/v1/search?limit=0", "/v1/search?limit=101", "/v1/search?limit=1&limit=2", "/v1/search?limit=x", "/v1/search?lmit=1", "/v1/search?q=%ff",
    "/v1/search?q=" + "a" * 201, "/v1/search?" + "a=1&" * 30, "/v1/log/consistency?from=1", "/v1/log/consistency?from=3&to=2",
    "/v1/log/consistency?from=0&to=99", "/v1/log/entries?start=99", "/v1/log/entries?count=1001", "/v1/search?q=" + "a" * 3000, "/v1/search?q=%00",
    "/v1/search?cursor=!", "/v0.1/servers?updated_since=x", "/v0.1/servers?updated_since=2026-01-01", "/v0.1/servers?limit=1&limit=1",
]  # fmt: skip


@pytest.mark.parametrize("target", WRONG)
def test_a_wrong_query_is_told_what_is_wrong(stocked: World, target: str) -> None:
    reply = stocked.get(target)
    assert (reply.status, reply.code) == (400, "registry.parameter"), reply
    assert reply.json["hint"]


def test_a_cursor_that_is_none(stocked: World) -> None:
    assert stocked.get("/v1/search?q=hello&cursor=abc").status == 422
    assert stocked.get("/v0.1/servers?cursor=abc").status == 422


def test_an_absence_of_what_is_there_is_refused(stocked: World) -> None:
    assert (stocked.get(HELLO + "/absence").status, stocked.get(HELLO + "/absence").code) == (409, "registry.exists")


@pytest.mark.parametrize(("method", "target", "allowed"), [
    ("POST", "/v1/registry", "GET, HEAD"), ("DELETE", HELLO, "GET, HEAD"), ("GET", "/v1/packages", "POST"), ("PROPFIND", "/v1/search", "GET, HEAD"),
])  # fmt: skip
def test_another_method_is_told_which_there_are(stocked: World, method: str, target: str, allowed: str) -> None:
    reply = stocked.ask(method, target)
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "registry.method", allowed)


def test_a_private_registry_is_read_by_its_publishers_only(tmp_path: Path) -> None:
    with serving(str(tmp_path), is_public=False) as world:
        by = somebody()
        world.register(by)
        world.publish(by)
        for target in (HELLO, "/v1/search?q=hello", "/v1/log/checkpoint", FIRST + "/download", "/v2/com.example.hello/tags/list", "/v0.1/servers"):
            stranger = world.get(target)
            assert stranger.status == 401, target
            known = world.signed(by, "GET", target)
            assert known.status == 200, (target, known)
            assert known.headers["cache-control"].startswith(("no-store", "private")), target
        assert world.get("/v1/registry").status == 200
        assert world.get(HELLO).headers["www-authenticate"] == "MPP-Signed"


def test_a_private_package_is_not_there_for_strangers(world: World) -> None:
    by, other = somebody(), somebody("Other Publisher")
    world.register(by)
    world.register(other)
    assert world.publish(by, query="?visibility=private").status == 201
    for target in (HELLO, FIRST, FIRST + "/bundle", FIRST + "/download", HELLO + "/versions", FIRST + "/manifest", "/v2/com.example.hello/tags/list",
                   "/v0.1/servers/com.example%2Fhello/versions"):  # fmt: skip
        assert world.get(target).status == 404, target
        assert world.signed(other, "GET", target).status == 404, target
    assert world.signed(by, "GET", FIRST + "/download").status == 200
    assert world.admin("GET", HELLO).json["visibility"] == "private"
    assert world.get("/v1/search?q=hello").json["packages"] == []
    mine = world.signed(by, "GET", "/v1/search?q=hello").json["packages"]
    assert isinstance(mine, list)
    assert len(mine) == 1


def test_metrics_and_the_log_of_requests_hold_no_secret(world: World) -> None:
    world.get("/v1/search?q=secretword", authorization="Bearer secrettoken")
    world.get("/v1/registry", x_forwarded_for="203.0.113.9")
    text = world.get("/metrics").body.decode()
    assert 'mpp_registry_requests_total{route="/v1/registry",method="GET",status="200"} 1' in text
    assert "# TYPE mpp_registry_request_seconds histogram" in text
    lines = [json.loads(line) for line in world.lines]
    assert [line["path"] for line in lines][:2] == ["/v1/search", "/v1/registry"]
    assert lines[0]["address"] == "127.0.0.1"
    assert "secret" not in text + "".join(world.lines)


def _count(found: Json) -> int:
    assert isinstance(found, list)
    return len(found)


def test_servers_in_the_shape_of_the_mcp_registry(stocked: World) -> None:
    everything = stocked.get("/v0.1/servers").json
    assert _count(everything["servers"]) == 2
    newest = stocked.get("/v0.1/servers?version=latest").json["servers"]
    assert isinstance(newest, list)
    (one,) = newest
    assert isinstance(one, dict)
    version = answers.read_version(stocked.get(HELLO + "/versions/0.2.0").body, where="here")
    assert one["server"] == {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json", "name": "com.example/hello", "title": "hello",
        "description": "Greets by name", "version": "0.2.0", "packages": [{
            "registryType": "mpp", "registryBaseUrl": "http://registry.example", "identifier": "com.example.hello", "version": "0.2.0",
            "fileSha256": version.file_hash, "transport": {"type": "stdio"}}],
    }  # fmt: skip
    first = stocked.get("/v0.1/servers?limit=1").json
    assert isinstance(first["metadata"], dict)
    second = stocked.get(f"/v0.1/servers?limit=1&cursor={first['metadata']['nextCursor']}").json
    assert [first["servers"], second["servers"]] == [everything["servers"][:1], everything["servers"][1:]]  # type: ignore[index]
    assert _count(stocked.get("/v0.1/servers?search=greets").json["servers"]) == 1
    assert _count(stocked.get("/v0.1/servers?search=nothing").json["servers"]) == 0
    assert _count(stocked.get("/v0.1/servers?version=0.1.0").json["servers"]) == 1
    assert _count(stocked.get("/v0.1/servers?updated_since=2026-01-01T00:00:00Z&strange=1").json["servers"]) == 2
    assert _count(stocked.get("/v0.1/servers?updated_since=2026-01-01T00:00:01Z").json["servers"]) == 0
    assert _count(stocked.get("/v0.1/servers/com.example/hello/versions").json["servers"]) == 2
