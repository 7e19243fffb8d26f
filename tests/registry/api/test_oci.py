"""Push and pull over the OCI distribution protocol, with a client made by hand."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

import pytest

from mpp.model.jsontext import Json
from mpp.testing.packages import signed
from mpp_registry.oci.limits import MANIFESTS_EACH_MAX, UPLOADS_EACH_MAX
from mpp_registry.oci.manifests import EMPTY_SHA256, MANIFEST, PACKAGE
from tests.registry.api.schema import fits
from tests.registry.api.world import Reply, somebody, World

HELLO = "/v2/com.example.hello"
BY, OTHER = somebody(), somebody("Other Publisher")
DATA = signed(BY)
EMPTY = f"sha256:{EMPTY_SHA256}"
NAME = f"sha256:{sha256(DATA).hexdigest()}"


def digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def manifest(data: bytes = DATA, note: str = "", **changes: Json) -> bytes:
    layer: dict[str, Json] = {"mediaType": PACKAGE, "digest": digest(data), "size": len(data), "annotations": {"note": note}}
    found: dict[str, Json] = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2},
             "layers": [layer], **changes}  # fmt: skip
    return json.dumps(found).encode()


def password(world: World, package_id: str = "com.example.hello") -> dict[str, str]:
    reply = world.signed(BY, "POST", "/v1/oci/token", json.dumps({"package_id": package_id}).encode())
    assert (reply.status, fits("Token", reply.json)) == (201, [])
    return {"authorization": "Basic " + b64encode(f"mpp:{reply.json['token']}".encode()).decode()}


def error(reply: Reply) -> Json:
    assert fits("OciErrors", reply.json) == []
    errors = reply.json["errors"]
    assert isinstance(errors, list)
    assert isinstance(errors[0], dict)
    return errors[0]["code"]


def push_file(world: World, headers: Mapping[str, str], data: bytes = DATA) -> Reply:
    begun = world.ask("POST", HELLO + "/blobs/uploads/", headers=headers)
    assert begun.status == 202, begun
    return world.ask("PUT", f"{begun.headers['location']}?digest={digest(data)}", data, {**headers, "content-type": "application/octet-stream"})


@pytest.fixture
def pushing(world: World) -> tuple[World, dict[str, str]]:
    world.register(BY)
    return world, password(world)


def test_a_push_is_a_publish_and_a_pull_gives_the_file(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    assert world.get("/v2/").status == 200
    assert world.get(f"{HELLO}/blobs/{NAME}").status == 404
    file = push_file(world, headers)
    assert (file.status, file.headers["docker-content-digest"], file.headers["location"]) == (201, NAME, f"{HELLO}/blobs/{NAME}")
    assert push_file(world, headers, b"{}").status == 201
    assert world.get(f"{HELLO}/blobs/{NAME}").status == 404, "nothing is public before its manifest"
    written = manifest()
    done = world.ask("PUT", HELLO + "/manifests/0.1.0", written, {**headers, "content-type": MANIFEST})
    assert (done.status, done.headers["docker-content-digest"]) == (201, digest(written))
    for reference in ("0.1.0", "latest", digest(written)):
        pulled = world.get(f"{HELLO}/manifests/{reference}", accept=MANIFEST)
        assert (pulled.status, pulled.body, pulled.headers["content-type"]) == (200, written, MANIFEST)
    head = world.ask("HEAD", HELLO + "/manifests/0.1.0")
    assert (head.status, head.headers["docker-content-digest"], head.headers["content-length"]) == (200, digest(written), str(len(written)))
    assert world.get(f"{HELLO}/blobs/{NAME}").body == DATA
    assert world.get(f"{HELLO}/blobs/{NAME}", range="bytes=0-9").body == DATA[:10]
    assert world.get(f"{HELLO}/blobs/{EMPTY}").body == b"{}"
    assert world.get(HELLO + "/tags/list").json == {"name": "com.example.hello", "tags": ["0.1.0"]}
    assert world.get(f"{HELLO}/referrers/{digest(written)}").json["manifests"] == []
    assert world.get("/v1/packages/com.example.hello/versions/0.1.0/download").body == DATA
    assert world.services.database is not None


def test_a_package_that_was_published_otherwise_is_pulled_as_well(stocked: World) -> None:
    made = stocked.get(HELLO + "/manifests/0.1.0")
    again = stocked.get(f"{HELLO}/manifests/{made.headers['docker-content-digest']}")
    assert (made.status, again.body, digest(made.body)) == (200, made.body, made.headers["docker-content-digest"])
    assert stocked.get(HELLO + "/manifests/latest").body == stocked.get(HELLO + "/manifests/0.2.0").body
    layers = made.json["layers"]
    assert isinstance(layers, list)
    assert layers == [
        {"mediaType": PACKAGE, "digest": NAME, "size": len(DATA), "annotations": {"org.opencontainers.image.title": "com.example.hello-0.1.0.mpp"}}
    ]
    page = stocked.get(HELLO + "/tags/list?n=1")
    assert page.json["tags"] == ["0.1.0"]
    assert page.headers["link"] == f'<{HELLO}/tags/list?n=1&last=0.1.0>; rel="next"'
    assert stocked.get(HELLO + "/tags/list?n=1&last=0.1.0").json["tags"] == ["0.2.0"]


def test_a_file_in_one_piece_that_came_before_its_digest(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    where = world.ask("POST", HELLO + "/blobs/uploads/", headers=headers).headers["location"]
    sent = world.ask("PATCH", where, DATA, {**headers, "content-range": f"0-{len(DATA) - 1}"})
    assert (sent.status, sent.headers["range"]) == (202, f"0-{len(DATA) - 1}")
    more = world.ask("PATCH", sent.headers["location"], DATA, headers)
    assert (more.status, error(more)) == (416, "BLOB_UPLOAD_INVALID")
    wrong = world.ask("PUT", f"{sent.headers['location']}?digest={EMPTY}", None, headers)
    assert (wrong.status, error(wrong)) == (422, "DIGEST_INVALID")
    assert world.ask("PUT", f"{sent.headers['location']}?digest={NAME}", None, headers).status == 201
    at_once = world.ask("POST", f"{HELLO}/blobs/uploads/?digest={NAME}&mount=x", DATA, headers)
    assert at_once.status == 201


def test_a_file_with_another_digest_than_was_said(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    where = world.ask("POST", HELLO + "/blobs/uploads/", headers=headers).headers["location"]
    for said in (EMPTY, ""):
        reply = world.ask("PUT", where + (f"?digest={said}" if said else ""), DATA, headers)
        assert (reply.status, error(reply)) == (422, "DIGEST_INVALID")


BAD = [
    (b"{}", 422, "MANIFEST_INVALID"), (b"no", 400, "UNSUPPORTED"), (manifest(layers=[]), 422, "MANIFEST_INVALID"), (manifest(b"other"), 404, "MANIFEST_UNKNOWN"),
    (manifest().replace(PACKAGE.encode(), b"text/plain"), 422, "MANIFEST_INVALID"), (manifest(schemaVersion=1), 422, "MANIFEST_INVALID"),
    (b" " * 70_000, 413, "SIZE_INVALID"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "status", "code"), BAD)
def test_a_manifest_that_names_no_package(pushing: tuple[World, dict[str, str]], written: bytes, status: int, code: str) -> None:
    world, headers = pushing
    push_file(world, headers)
    reply = world.ask("PUT", HELLO + "/manifests/0.1.0", written, {**headers, "content-type": MANIFEST})
    assert (reply.status, error(reply)) == (status, code), reply


def test_what_is_published_is_what_the_address_says(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    push_file(world, headers)
    for tag in ("0.2.0", "latest"):
        reply = world.ask("PUT", f"{HELLO}/manifests/{tag}", manifest(), headers)
        assert (reply.status, error(reply)) == (422, "MANIFEST_INVALID")
    push_file(world, headers, b"no package")
    assert world.ask("PUT", HELLO + "/manifests/0.1.0", manifest(b"no package"), headers).status == 422
    assert world.get("/v1/packages/com.example.hello").status == 404


def test_nobody_publishes_the_file_that_another_one_sends(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    push_file(world, headers)
    world.register(OTHER)
    written = manifest()
    reply = world.signed(OTHER, "PUT", HELLO + "/manifests/0.1.0", written, MANIFEST)
    assert (reply.status, error(reply)) == (404, "MANIFEST_UNKNOWN")


def test_a_token_is_for_one_package_and_some_minutes(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    elsewhere = world.ask("POST", "/v2/com.example.other/blobs/uploads/", headers=headers)
    assert (elsewhere.status, error(elsewhere)) == (403, "DENIED")
    assert world.ask("POST", "/v1/oci/token", b'{"package_id":"com.example.hello"}', {**headers, "content-type": "application/json"}).status == 401
    bearer = {"authorization": "Bearer " + b64password(headers), "content-type": "application/json"}
    assert world.ask("POST", "/v1/oci/token", b'{"package_id":"com.example.hello"}', bearer).status == 403
    world.clock.moment += 901
    late = world.ask("POST", HELLO + "/blobs/uploads/", headers=headers)
    assert (late.status, error(late), late.headers["www-authenticate"]) == (401, "UNAUTHORIZED", 'Basic realm="mpp"')


def b64password(headers: Mapping[str, str]) -> str:
    from base64 import b64decode

    return b64decode(headers["authorization"].removeprefix("Basic ")).decode().partition(":")[2]


@pytest.mark.parametrize("written", ["Basic !!!", "Basic bXBw", "Basic " + b64encode(b"mpp:no").decode(), "Bearer no", "Basic //79"])
def test_a_password_that_is_none(world: World, written: str) -> None:
    reply = world.ask("POST", HELLO + "/blobs/uploads/", headers={"authorization": written})
    assert (reply.status, error(reply)) == (401, "UNAUTHORIZED")
    assert world.ask("POST", HELLO + "/blobs/uploads/").status == 401


def test_files_that_nobody_publishes_have_an_end(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    for number in range(UPLOADS_EACH_MAX):
        assert push_file(world, headers, b"file %d" % number).status == 201
    reply = push_file(world, headers, b"one more")
    assert (reply.status, error(reply)) == (429, "TOOMANYREQUESTS")
    assert push_file(world, headers, b"file 0").status == 201


def test_manifests_of_one_version_have_an_end(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    push_file(world, headers)
    for number in range(MANIFESTS_EACH_MAX + 1):
        assert world.ask("PUT", HELLO + "/manifests/0.1.0", manifest(note=str(number)), headers).status == 201
    assert world.get(f"{HELLO}/manifests/{digest(manifest(note='0'))}").status == 200
    assert world.get(HELLO + "/manifests/0.1.0").body == manifest(note="0")
    assert world.get(f"{HELLO}/manifests/{digest(manifest(note=str(MANIFESTS_EACH_MAX)))}").status == 404


def test_a_stopped_version_is_not_pulled(pushing: tuple[World, dict[str, str]]) -> None:
    world, headers = pushing
    push_file(world, headers)
    world.ask("PUT", HELLO + "/manifests/0.1.0", manifest(), headers)
    world.admin("PUT", "/v1/packages/com.example.hello/versions/0.1.0/status", {"status": "revoked", "reason": "It steals."})
    assert error(world.get(HELLO + "/manifests/0.1.0")) == "MANIFEST_UNKNOWN"
    blob = world.get(f"{HELLO}/blobs/{NAME}")
    assert (blob.status, error(blob)) == (404, "BLOB_UNKNOWN")
    assert world.get(HELLO + "/tags/list").json["tags"] == []


@pytest.mark.parametrize("target", ["/v2/com.example.none/tags/list", HELLO + "/manifests/9.9.9", HELLO + "/manifests/x_y", f"{HELLO}/manifests/{EMPTY}",
                                    HELLO + "/blobs/sha256:" + "0" * 64, HELLO + "/blobs/md5:0", "/v2/UPPER/tags/list"])  # fmt: skip
def test_what_is_not_there(stocked: World, target: str) -> None:
    reply = stocked.get(target)
    assert reply.status == 404
    assert str(error(reply)).endswith("UNKNOWN")
